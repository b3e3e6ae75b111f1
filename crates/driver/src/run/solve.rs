//! Quark propagators on the configurations at hand.

use super::engine::Engine;
use super::line::{Correlator, Line, PropagatorFile, Setup, Solve};
use super::write::file_of;
use crate::config::{LinkRows, PropagatorTable, SolveMethod, SolveStage};
use crate::error::DriverError;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_physics::dirac::{
    MultigridSolver, Propagator, PropagatorError, PropagatorSolver, SPINS, Sap, Source, Wilson,
};
use gaugelink_physics::solver::{LinearOperator, Rounded, SolveError, SolveReport, Stopping};
use indicatif::ProgressBar;
use lime_rs::{Precision, ScidacFile};
use std::fmt::Display;
use std::ops::ControlFlow;
use std::time::Instant;

/// Residuals below this are near what rounding leaves of ill-conditioned systems.
const PRECISE: f64 = 1e-8;

/// What a solve cost in units of D, where that is known.
type Cost = Box<dyn Fn(&SolveReport) -> Option<f64>>;

/// Solutions for all sources of a stage, and what they took.
struct Solved<const N: usize, const H: usize> {
    propagator: Propagator<f64, N, H>,
    reports: Vec<SolveReport>,
    cost: Cost,
}

impl<const N: usize> Engine<'_, N> {
    pub(super) fn solve(&mut self, stage: &SolveStage) -> Result<(), DriverError> {
        if self.u.lattice().dims() == 2 {
            let solved = self.solve_in_two_dimensions(stage)?;
            return self.tell_solves(&solved, Vec::new());
        }
        let (solved, mut lines) = self.solve_in_four_dimensions(stage)?;
        self.log_plugins()?;
        if let Some(table) = &stage.propagator {
            lines.extend(self.write_propagator(stage, table, &solved.propagator)?);
        }
        self.tell_solves(&solved, lines)
    }

    /// The operator of a stage in 2H dimensions.
    fn operator<const H: usize>(&self, stage: &SolveStage) -> Result<Wilson<'_, f64, N, H>, DriverError> {
        let (mass, boundary) = (stage.mass(2 * H), stage.boundary.on(2 * H));
        let wilson = Wilson::new(&self.u, mass, boundary)?.with_clover(stage.csw)?;
        match stage.links {
            LinkRows::Whole => Ok(wilson),
            LinkRows::TwoRows => wilson.with_two_rows().map_err(|error| self.failed(&error)),
        }
    }

    /// What a stage solves for, and when a solve ends.
    fn asked(&self, stage: &SolveStage) -> (Source, Stopping) {
        let stop = Stopping { iterations: stage.max_iterations as usize, ..Stopping::at(stage.tolerance) };
        // Noise of its own for each stage and each configuration.
        let address = Address::new(self.setting.file.seed(), Purpose::Source);
        let address = address.sample(self.state.stage as u64).trajectory(self.state.updates);
        (stage.source.source(address), stop)
    }

    /// An error of the stage at hand.
    fn failed(&self, error: &dyn Display) -> DriverError {
        DriverError::Input(format!("stage {} (solve): {error}", self.state.stage))
    }

    /// What is told of each solve of a stage: the bar moves, and a signal ends them.
    fn told<'b>(&'b self, bar: &'b ProgressBar) -> impl Fn(&SolveReport) -> ControlFlow<()> + 'b {
        move |_| {
            bar.inc(1);
            self.goes_on()
        }
    }

    /// The error of a propagator of the stage at hand.
    fn unsolved(&self, error: PropagatorError) -> DriverError {
        match error {
            PropagatorError::Stopped => self.stopped(),
            error => self.failed(&advised(error)),
        }
    }

    fn solve_in_two_dimensions(&self, stage: &SolveStage) -> Result<Solved<N, 1>, DriverError> {
        let SolveMethod::Plain(method) = stage.method() else {
            return Err(self.failed(&"solvers in blocks are for 4 dimensions"));
        };
        let wilson = self.operator::<1>(stage)?;
        let (source, stop) = self.asked(stage);
        let bar = self.bar("solve", 2 * N as u64);
        let solved = Propagator::solved(&wilson, source, method, &stop, self.told(&bar));
        let (propagator, reports) = solved.map_err(|error| self.unsolved(error))?;
        bar.finish_and_clear();
        Ok(Solved { propagator, reports, cost: Box::new(|report| Some(report.applications as f64)) })
    }

    /// Also what its set-up cost, as a line.
    fn solve_in_four_dimensions(
        &mut self,
        stage: &SolveStage,
    ) -> Result<(Solved<N, 2>, Vec<Line>), DriverError> {
        let number = self.state.stage;
        let wilson = self.operator::<2>(stage)?;
        let (source, stop) = self.asked(stage);
        let bar = self.bar("solve", 4 * N as u64);
        let progress = self.told(&bar);
        let (mut lines, mut used, mut setup_seconds) = (Vec::new(), None, None);
        // What a solve costs in units of D: all that was done for own solvers, what a plugin says of itself.
        let operations = LinearOperator::flops(&wilson);
        let mut cost: Cost = Box::new(|report: &SolveReport| Some(report.applications as f64));
        let solved = match (&stage.preconditioner, stage.method()) {
            (Some(_), SolveMethod::Plain(PropagatorSolver::Gmres { restart })) => {
                let plugins = self.setting.plugins;
                let mut plugin = plugins.preconditioner(number, &wilson).map_err(|e| self.failed(&e))?;
                let solved =
                    Propagator::preconditioned(&wilson, source, restart, &mut plugin, &stop, progress);
                // Nothing is free: 0 is no account of the cost.
                let of_plugin = Some(plugin.cost().dirac_equivalents).filter(|&cost| cost > 0.0);
                cost = Box::new(move |report| {
                    let applications = report.applications as f64;
                    of_plugin.map(|cost| applications + cost * report.preconditionings as f64)
                });
                used = Some(plugin.used());
                solved
            }
            (_, SolveMethod::Plain(method)) => Propagator::solved(&wilson, source, method, &stop, progress),
            (_, SolveMethod::Schwarz { restart, parameters }) => {
                let start = Instant::now();
                let links = self.u.converted::<f32>()?;
                let low = wilson.on(&links)?;
                let sap = Sap::new(&low, parameters).map_err(|error| self.failed(&error))?;
                let mut sap = Rounded::new(sap, &low)?;
                setup_seconds = Some(start.elapsed().as_secs_f64());
                cost = Box::new(move |report| Some(report.flops / operations));
                Propagator::preconditioned(&wilson, source, restart, &mut sap, &stop, progress)
            }
            (_, SolveMethod::Multigrid(parameters)) => {
                let start = Instant::now();
                let links = self.u.converted::<f32>()?;
                let low = wilson.on(&links)?;
                let mut multigrid =
                    MultigridSolver::new(&wilson, &low, parameters).map_err(|error| self.failed(&error))?;
                setup_seconds = Some(start.elapsed().as_secs_f64());
                let d_equivalents = multigrid.setup().flops / operations;
                lines.push(Line::Setup(Setup { stage: number, d_equivalents }));
                cost = Box::new(move |report| Some(report.flops / operations));
                Propagator::solved_by(&wilson, source, &stop, progress, |x, b, stop| {
                    multigrid.solve(x, b, stop)
                })
            }
        };
        let (propagator, reports) = solved.map_err(|error| self.unsolved(error))?;
        bar.finish_and_clear();
        (self.used, self.setup_seconds) = (used, setup_seconds);
        Ok((Solved { propagator, reports, cost }, lines))
    }

    /// Adds what solves took, and what is made of the propagator, to lines, and logs them. Seconds go to the timings.
    fn tell_solves<const H: usize>(
        &mut self,
        solved: &Solved<N, H>,
        mut lines: Vec<Line>,
    ) -> Result<(), DriverError> {
        let Solved { propagator, reports, cost } = solved;
        let (stage, chains) = (self.state.stage, self.u.lattice().chains());
        for chain in 0..chains {
            lines.extend(reports.iter().enumerate().map(|(source, report)| {
                Line::Solve(Solve {
                    stage,
                    chain,
                    spin: source / N,
                    colour: source % N,
                    solver: report.solver.into(),
                    iterations: report.chain_iterations[chain],
                    applications: report.applications,
                    d_equivalents: cost(report),
                    flops: report.flops / chains as f64,
                    residual: report.true_residual[chain],
                })
            }));
        }
        let timed = |(source, report): (usize, &SolveReport)| {
            serde_json::json!({
                "spin": source / N,
                "colour": source % N,
                "solver": report.solver,
                "flops": report.flops,
                "seconds": report.seconds,
            })
        };
        self.solves = reports.iter().enumerate().map(timed).collect();
        let mesons = propagator.meson_correlators();
        for (chain, pion) in mesons.pion.iter().enumerate() {
            let (vector, axial) = (&mesons.vector[chain], &mesons.axial[chain]);
            let at =
                |t: usize| Correlator { stage, chain, t, pion: pion[t], vector: vector[t], axial: axial[t] };
            lines.extend((0..pion.len()).map(|t| Line::Correlator(at(t))));
        }
        self.log(&lines)
    }

    /// Each chain's propagator in a file of its own, read again to be sure.
    fn write_propagator(
        &self,
        stage: &SolveStage,
        table: &PropagatorTable,
        propagator: &Propagator<f64, N>,
    ) -> Result<Vec<Line>, DriverError> {
        let (provenance, updates) = (&self.state.provenance, self.state.updates);
        let info = format!(
            "mass = {}, c_sw = {}, boundary = {}, trajectory nr = {updates}, gaugelink_version = {}, run file sha256 = {}",
            stage.mass(4),
            stage.csw,
            stage.boundary.text(4),
            provenance.version,
            provenance.run_file_sha256
        );
        let chains = self.u.lattice().chains();
        let write = |chain: usize| {
            let name = file_of(&table.file, chain, chains);
            let path = self.setting.directory.file(&name);
            propagator.write(&path, chain, Precision::from(table.precision), &info)?;
            let file = ScidacFile::open(&path)?;
            for index in 0..file.payloads().len() {
                file.verify(index)?.check()?;
            }
            Ok(Line::Propagator(PropagatorFile {
                stage: self.state.stage,
                chain,
                file: name.to_string_lossy().into_owned(),
                columns: SPINS * N,
                precision: Precision::from(table.precision).to_string(),
            }))
        };
        (0..chains).map(write).collect()
    }
}

/// A failure with advice for where a solve stagnates: to solve in double precision was taken before.
fn advised(error: PropagatorError) -> String {
    let PropagatorError::Solve { error: SolveError::Stagnation { tolerance, report }, spin, colour } = error
    else {
        return error.to_string();
    };
    let residual = report.worst_residual();
    let advice = if residual < PRECISE {
        "double precision goes no further here, ask for a larger `tolerance`"
    } else if report.solver.starts_with("conjugate gradients") {
        "the operator is singular here, or nearly: take a mass farther from the critical one"
    } else {
        "the operator is nearly singular here: `solver = \"cg-eo\"` goes on where others stop, or take a mass \
         farther from the critical one"
    };
    format!(
        "source spin {spin}, colour {colour}: {} stagnated: true residual {residual:.3e} after {} iterations, \
         wanted {tolerance:.1e}: {advice}",
        report.solver, report.iterations
    )
}
