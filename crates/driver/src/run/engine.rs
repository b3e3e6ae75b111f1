//! The engine of a run: the configurations at hand, where the run stands, and what it leaves on disk.

use super::directory::{Log, LogMark, RunDirectory};
use super::line::{Line, Start};
use super::plugins::Plugins;
use super::provenance::Provenance;
use super::start::{self, Input};
use crate::config::{RunFile, Stage, cores};
use crate::error::DriverError;
use crate::progress;
use gaugelink_host::adapt::Use;
use gaugelink_lattice::comm::Comm;
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions, Planner};
use gaugelink_physics::observable;
use gaugelink_sampler::checkpoint::{Checkpoint, Saved};
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Where a run stands. With the links this is everything: random numbers are addressed by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pub provenance: Provenance,
    /// N of the group.
    pub group: usize,
    pub extents: Vec<usize>,
    /// Counts the checkpoints.
    pub number: u64,
    /// The stage at hand; past the last one, the run is complete.
    pub stage: usize,
    /// Updates of the stage that are done.
    pub done: u64,
    /// Updates since the run began.
    pub updates: u64,
    /// Of a stage of proposals, a plugin's or a flow's: the log weight of each chain's links, null for links that were not proposed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log_weights: Vec<Option<f64>>,
    /// The log.
    pub log: LogMark,
}

impl State {
    /// Whether anything but the start was done.
    pub fn has_results(&self) -> bool {
        self.stage > 0 || self.updates > 0
    }
}

/// What every rank of a run is given.
pub(crate) struct Setting<'a> {
    pub file: &'a RunFile,
    pub extents: &'a [usize],
    pub directory: &'a RunDirectory,
    pub checkpoint: &'a Checkpoint,
    pub saved: Option<&'a Saved<State>>,
    pub input: Option<&'a Input>,
    pub plugins: &'a Plugins,
    /// Chooses between forms of kernels.
    pub planner: Option<Arc<Planner>>,
    /// JSON lines on standard output.
    pub json: bool,
    /// Set by SIGTERM and SIGINT.
    pub stop: &'a AtomicBool,
}

/// One rank of a run.
pub(crate) struct Engine<'a, const N: usize> {
    pub(super) setting: &'a Setting<'a>,
    pub(super) u: GaugeField<f64, N>,
    pub(super) state: State,
    /// What the stage at hand used its plugin for.
    pub(super) used: Option<Use>,
    /// What the stage at hand took before its first solve.
    pub(super) setup_seconds: Option<f64>,
    /// What each solve of the stage at hand took.
    pub(super) solves: Vec<serde_json::Value>,
    /// Rank 0 writes it.
    log: Option<Log>,
    saved_at: Instant,
}

impl<'a, const N: usize> Engine<'a, N> {
    /// Makes the lattice and the first configuration, or those of the checkpoint. Collective.
    ///
    /// # Errors
    /// [`DriverError`].
    pub fn new(setting: &'a Setting<'a>, comm: Arc<dyn Comm>) -> Result<Self, DriverError> {
        let (file, root) = (setting.file, comm.rank() == 0);
        let lattice = Lattice::new(setting.extents, options(setting, comm))?;
        if file.machine.pin {
            // Before fields are made, whose pages belong to the core that touches them first.
            lattice.pool().pin(lattice.comm().rank() * lattice.pool().threads())?;
        }
        setting.plugins.check::<N>(file, &lattice)?;
        let (u, state) = match setting.saved {
            Some(saved) => {
                let mut u = GaugeField::cold(&lattice)?;
                setting.checkpoint.load_links(saved, &mut u)?;
                (u, saved.state.clone())
            }
            None => {
                let (u, input) = start::first(file, &lattice, setting.input)?;
                let provenance = Provenance::new(file, input, setting.plugins.identities());
                let extents = setting.extents.to_vec();
                (
                    u,
                    State {
                        provenance,
                        group: N,
                        extents,
                        number: 0,
                        stage: 0,
                        done: 0,
                        updates: 0,
                        log_weights: Vec::new(),
                        log: LogMark::default(),
                    },
                )
            }
        };
        let (directory, json) = (setting.directory, setting.json);
        // Nothing stands in the way of the run any more. Other ranks write only after they have heard of this one.
        if root && setting.saved.is_none() {
            directory.clear()?;
        }
        let log = root.then(|| match setting.saved {
            Some(saved) => Log::open(directory, &saved.state.log, json),
            None => Log::create(directory, json),
        });
        let log = log.transpose()?;
        let mut engine = Self {
            setting,
            u,
            state,
            used: None,
            setup_seconds: None,
            solves: Vec::new(),
            log,
            saved_at: Instant::now(),
        };
        if setting.saved.is_none() {
            engine.begin()?;
        }
        Ok(engine)
    }

    /// Measures the first configuration as it came.
    fn begin(&mut self) -> Result<(), DriverError> {
        if self.log.is_some() {
            let text = serde_json::to_string_pretty(&self.state.provenance)
                .map_err(|e| DriverError::Input(e.to_string()))?;
            self.setting.directory.replace("provenance.json", &format!("{text}\n"))?;
            self.setting.directory.replace("run.toml", &self.setting.file.text)?;
        }
        let unitarity = self.u.lattice().comm().max(self.u.unitarity_violation());
        let plaquettes = observable::plaquette(&self.u);
        let line = |(chain, &plaquette): (usize, &f64)| Line::Start(Start { chain, plaquette, unitarity });
        let lines: Vec<Line> = plaquettes.iter().enumerate().map(line).collect();
        self.log(&lines)?;
        self.save()
    }

    /// Does the stages that are left, until a signal asks to stop. Collective.
    ///
    /// # Errors
    /// [`DriverError`]; the last checkpoint is intact.
    pub fn run(mut self) -> Result<(), DriverError> {
        let file = self.setting.file;
        while let Some(stage) = file.stages.get(self.state.stage) {
            // All that was done so far is in a checkpoint.
            if self.stops() {
                return Err(self.stopped());
            }
            let (start, done) = (Instant::now(), self.state.done);
            match stage {
                Stage::Heatbath(stage) => self.heatbath(stage)?,
                Stage::Hmc(stage) => self.hmc(stage)?,
                Stage::Fthmc(stage) => self.fthmc(stage)?,
                Stage::Proposal(stage) => self.proposal(stage)?,
                Stage::Independence(stage) => self.independence(stage)?,
                Stage::Importance(stage) => self.importance(stage)?,
                Stage::Flow(stage) => self.flow(stage)?,
                Stage::Solve(stage) => self.solve(stage)?,
                Stage::Spectrum(stage) => self.spectrum(stage)?,
                Stage::Write(stage) => self.write(stage)?,
            }
            self.time(stage, self.state.done - done, start)?;
            self.state.stage += 1;
            self.state.done = 0;
            self.state.log_weights.clear();
            self.save()?;
        }
        Ok(())
    }

    /// Whether this rank writes and shows things.
    fn is_root(&self) -> bool {
        self.log.is_some()
    }

    /// A progress bar, invisible on all ranks but the first.
    pub(super) fn bar(&self, what: &str, total: u64) -> ProgressBar {
        if self.is_root() { progress::bar(what, total) } else { ProgressBar::hidden() }
    }

    /// Adds lines to the measurements.
    pub(super) fn log(&mut self, lines: &[Line]) -> Result<(), DriverError> {
        self.log.as_mut().map_or(Ok(()), |log| log.add(lines))
    }

    /// Tells which plugins the stage goes through.
    pub(super) fn log_plugins(&mut self) -> Result<(), DriverError> {
        let identities = self.setting.plugins.identities_of(self.state.stage);
        let lines: Vec<Line> = identities.cloned().map(Line::Plugin).collect();
        self.log(&lines)
    }

    /// Writes a checkpoint. Collective.
    fn save(&mut self) -> Result<(), DriverError> {
        self.state.number += 1;
        if let Some(log) = &mut self.log {
            self.state.log = log.sync()?;
        }
        self.setting.checkpoint.save(&self.u, self.state.number, &self.state)?;
        self.saved_at = Instant::now();
        Ok(())
    }

    /// Writes a checkpoint where the last one is old enough, or where a signal asks to stop. Collective.
    ///
    /// # Errors
    /// [`DriverError::Stopped`] after the checkpoint for a signal.
    pub(super) fn save_if_due(&mut self) -> Result<(), DriverError> {
        let [due, stops] = self.due_and_stops();
        if due || stops {
            self.save()?;
        }
        if stops { Err(self.stopped()) } else { Ok(()) }
    }

    /// Whether the last checkpoint is old enough for the next, and whether a signal asks to stop. Collective.
    fn due_and_stops(&self) -> [bool; 2] {
        let due = self.saved_at.elapsed().as_secs_f64() >= self.setting.file.run.checkpoint_seconds;
        let stops = self.setting.stop.load(Ordering::Relaxed);
        // Clocks, and when a signal is seen, differ between ranks: the first decides.
        let mut decision = [due as u8, stops as u8];
        self.u.lattice().comm().broadcast(&mut decision);
        decision.map(|d| d == 1)
    }

    /// Whether a signal asks to stop. Collective.
    pub(super) fn stops(&self) -> bool {
        self.due_and_stops()[1]
    }

    /// What a stage's solves are told that ask whether to go on. Collective.
    pub(super) fn goes_on(&self) -> ControlFlow<()> {
        if self.stops() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    pub(super) fn stopped(&self) -> DriverError {
        DriverError::Stopped { done: format!("{} updates", self.state.updates) }
    }

    fn time(&mut self, stage: &Stage, updates: u64, start: Instant) -> Result<(), DriverError> {
        let (used, setup_seconds) = (self.used.take(), self.setup_seconds.take());
        let solves = std::mem::take(&mut self.solves);
        if !self.is_root() {
            return Ok(());
        }
        let seconds = start.elapsed().as_secs_f64();
        let lattice = self.u.lattice();
        let mut line = serde_json::json!({
            "stage": self.state.stage,
            "kind": stage.kind(),
            "seconds": seconds,
            "updates": updates,
            "threads": lattice.pool().threads(),
            "ranks": lattice.comm().ranks(),
            "vector_instructions": format!("{:?}", lattice.isa()),
        });
        if let Some(setup_seconds) = setup_seconds {
            line["setup_seconds"] = setup_seconds.into();
        }
        if !solves.is_empty() {
            line["solves"] = solves.into();
        }
        let components: Vec<&str> =
            self.setting.plugins.identities_of(self.state.stage).map(|is| is.component.as_str()).collect();
        if let (Some(used), false) = (used, components.is_empty()) {
            line["plugin"] = serde_json::json!({
                "component": components.join(", "),
                "calls": used.calls,
                "seconds": used.seconds,
                "bytes_copied": used.bytes_copied,
            });
        }
        self.setting.directory.timing(&line)
    }
}

/// Threads of each rank.
pub(super) fn threads(file: &RunFile) -> usize {
    let ranks: usize = file.machine.ranks.iter().product();
    match file.machine.threads {
        0 => (cores() / ranks.max(1)).max(1),
        n => n,
    }
}

fn options(setting: &Setting<'_>, comm: Arc<dyn Comm>) -> LatticeOptions {
    let file = setting.file;
    let (chains, threads) = (file.run.chains as usize, threads(file));
    let pool = (comm.ranks() == 1).then(|| setting.plugins.pool().clone());
    let lanes = if chains > 1 { LaneMeaning::Batch { chains } } else { LaneMeaning::Sites };
    LatticeOptions {
        threads,
        pool,
        lanes,
        grid: file.machine.ranks.clone(),
        comm,
        planner: setting.planner.clone(),
        ..LatticeOptions::default()
    }
}
