//! Runs: stages on one field of configurations, from the first one or from a checkpoint, into a run directory.

mod analysis;
mod creutz;
mod directory;
mod engine;
mod exact;
mod flow;
mod fthmc;
mod guard;
mod importance;
mod independence;
mod line;
mod memory;
mod plots;
mod plugin_rows;
mod plugins;
mod preflight;
mod proposal;
mod provenance;
mod quarks;
mod results;
mod reweighted;
pub(crate) mod scan;
mod solve;
mod solve_rows;
mod spectrum;
mod start;
mod susceptibility;
mod targets;
mod trajectory;
mod updates;
mod weighed;
mod write;

use crate::config::RunFile;
use crate::error::DriverError;
use crate::plans::Plans;
use crate::report::{Report, aside};
use crate::signals::stop_flag;
use directory::Log;
pub(crate) use directory::{LOG, RunDirectory, Work};
use engine::{Engine, Setting, State};
use gaugelink_lattice::comm::{Comm, SingleRank, try_run_ranks};
use gaugelink_lattice::{LatticeError, Pool};
use gaugelink_sampler::checkpoint::{Checkpoint, Saved};
use line::Line;
use plugins::{Identity, Plugins};
pub(crate) use provenance::this_program;
pub(crate) use results::{Row, write_results};
use start::Input;
use std::sync::Arc;
pub(crate) use weighed::with_quarks;

/// Does what a run file says and shows the results; goes on from a checkpoint where there is one.
///
/// # Errors
/// [`DriverError`]; the run directory then holds the last checkpoint.
pub(crate) fn execute(file: &RunFile, fresh: bool, report: &mut Report) -> Result<(), DriverError> {
    results::show(file, &perform(file, fresh, report.is_json())?, report)
}

/// A run that is complete.
pub(super) struct Done {
    pub directory: RunDirectory,
    pub extents: Vec<usize>,
    /// What was measured.
    pub lines: Vec<Line>,
}

/// Does what a run file says. `json`: shows measurements as lines while it goes on.
fn perform(file: &RunFile, fresh: bool, json: bool) -> Result<Done, DriverError> {
    let _guard = guard::Guard::new(file.stages.iter().any(|stage| !stage.plugins().1.is_empty()));
    let plugins = Plugins::open(file, Arc::new(Pool::new(engine::threads(file))?))?;
    targets::check(file)?;
    let directory = RunDirectory::begin(&file.directory(), Work::Run, fresh, None)?;
    let checkpoint = Checkpoint::at(directory.file("checkpoint"));
    let mut saved = if fresh { None } else { checkpoint.load::<State>()? };
    if let Some(Saved { state, .. }) = &saved
        && (state.provenance.run_file_sha256 != file.hash()
            || !start::is_same_input(file, &state.provenance)?)
    {
        if state.has_results() {
            return Err(directory.taken("a run of another run file"));
        }
        saved = None;
    }
    if let Some(Saved { state, .. }) = &saved
        && state.provenance.plugins != plugins.identities()
    {
        if state.has_results() {
            return Err(other_plugins(&directory, &state.provenance.plugins, &plugins.identities()));
        }
        saved = None;
    }
    if saved.is_none() {
        targets::no_other_ensemble(file, &directory)?;
    }
    // A run that goes on needs its start file no more.
    let input = if saved.is_none() { Input::open(file)? } else { None };
    let (group, extents) = match &saved {
        Some(saved) => (saved.state.group, saved.state.extents.clone()),
        None => start::shape(file, input.as_ref())?,
    };
    match &saved {
        Some(saved) if saved.state.stage == file.stages.len() => {
            Log::open(&directory, &saved.state.log, false)?;
            aside(format_args!(
                "the run in {} is complete, here are its results again (--fresh runs it anew)",
                directory.path().display()
            ));
        }
        _ => {
            if let Some(saved) = &saved {
                aside(format_args!("going on from the checkpoint after {} updates", saved.state.updates));
            }
            let (saved, input) = (saved.as_ref(), input.as_ref());
            on_all_ranks((file, group, &extents), &directory, &checkpoint, saved, input, &plugins, json)?;
        }
    }
    let lines = Log::read(&directory)?;
    Ok(Done { directory, extents, lines })
}

/// The run began with plugins, or files of theirs, that have changed since.
fn other_plugins(directory: &RunDirectory, began: &[Identity], now: &[Identity]) -> DriverError {
    let changed = began.iter().zip(now).find(|(began, now)| began != now);
    let which = changed.map_or_else(String::new, |(began, _)| format!(" {}", began.file));
    directory.taken(&format!(
        "a run with another plugin{which} (its SHA-256 or that of a file of its configuration differs)"
    ))
}

fn on_all_ranks(
    (file, group, extents): (&RunFile, usize, &[usize]),
    directory: &RunDirectory,
    checkpoint: &Checkpoint,
    saved: Option<&Saved<State>>,
    input: Option<&Input>,
    plugins: &Plugins,
    json: bool,
) -> Result<(), DriverError> {
    preflight::check(file, group, extents)?;
    memory::check(file, group, extents)?;
    let stop = stop_flag(directory.path())?;
    let plans = file.machine.plans.as_deref().map(Plans::open).transpose()?;
    let planner = plans.as_ref().map(Plans::planner);
    let setting =
        Setting { file, extents, directory, checkpoint, saved, input, plugins, planner, json, stop: &stop };
    let rank = |comm: Arc<dyn Comm>| match group {
        1 => Engine::<1>::new(&setting, comm)?.run(),
        2 => Engine::<2>::new(&setting, comm)?.run(),
        _ => Engine::<3>::new(&setting, comm)?.run(),
    };
    let ranks: usize = file.machine.ranks.iter().product();
    let done = if ranks <= 1 { rank(Arc::new(SingleRank)) } else { on_ranks(ranks, rank) };
    // Also of a run that was stopped; what went wrong before is told first.
    let kept = plans.map_or(Ok(()), |plans| plans.save());
    done.and(kept)
}

fn on_ranks(
    ranks: usize,
    rank: impl Fn(Arc<dyn Comm>) -> Result<(), DriverError> + Sync,
) -> Result<(), DriverError> {
    try_run_ranks(ranks, rank).map(|_| ()).map_err(|errors| {
        // The ranks that only heard of another's failure say less.
        let heard = |e: &DriverError| matches!(e, DriverError::Lattice(LatticeError::OtherRank));
        let mut errors: Vec<DriverError> = errors.into_iter().collect();
        let own = errors.iter().position(|e| !heard(e)).unwrap_or(0);
        errors.swap_remove(own)
    })
}
