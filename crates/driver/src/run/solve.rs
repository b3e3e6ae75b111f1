//! Quark propagators from a point source on the configurations at hand.

use super::engine::Engine;
use super::line::{Correlator, Line, PropagatorFile, Setup, Solve};
use super::write::file_of;
use crate::config::{LinkRows, PropagatorTable, SolveMethod, SolveStage};
use crate::error::DriverError;
use gaugelink_physics::dirac::{
    MultigridSolver, Propagator, PropagatorError, PropagatorSolver, SPINS, Sap, Wilson,
};
use gaugelink_physics::solver::{LinearOperator, Rounded, SolveError, SolveReport, Stopping};
use lime_rs::{Precision, ScidacFile};
use std::fmt::Display;
use std::time::Instant;

/// Residuals below this are near what rounding leaves of ill-conditioned systems.
const PRECISE: f64 = 1e-8;

/// What a solve cost in units of D, where that is known.
type Cost = Box<dyn Fn(&SolveReport) -> Option<f64>>;

impl<const N: usize> Engine<'_, N> {
    pub(super) fn solve(&mut self, stage: &SolveStage) -> Result<(), DriverError> {
        let number = self.state.stage;
        let mut wilson = Wilson::new(&self.u, stage.mass, stage.boundary.on(4))?.with_clover(stage.csw)?;
        let failed = |error: &dyn Display| DriverError::Input(format!("stage {number} (solve): {error}"));
        if stage.links == LinkRows::TwoRows {
            wilson = wilson.with_two_rows().map_err(|error| failed(&error))?;
        }
        let stop = Stopping { iterations: stage.max_iterations as usize, ..Stopping::at(stage.tolerance) };
        let bar = self.bar("solve", 4 * N as u64);
        let (source, progress) = (stage.source, |_: &SolveReport| bar.inc(1));
        let mut lines = Vec::new();
        // What a solve costs in units of D: all that was done for own solvers, what a plugin says of itself.
        let operations = LinearOperator::flops(&wilson);
        let mut cost: Cost = Box::new(|report: &SolveReport| Some(report.applications as f64));
        let solved = match (&stage.preconditioner, stage.method()) {
            (Some(_), SolveMethod::Plain(PropagatorSolver::Gmres { restart })) => {
                let plugins = self.setting.plugins;
                let mut plugin = plugins.preconditioner(number, &wilson).map_err(|e| failed(&e))?;
                let solved =
                    Propagator::point_preconditioned(&wilson, source, restart, &mut plugin, &stop, progress);
                // Nothing is free: 0 is no account of the cost.
                let of_plugin = Some(plugin.cost().dirac_equivalents).filter(|&cost| cost > 0.0);
                cost = Box::new(move |report| {
                    let applications = report.applications as f64;
                    of_plugin.map(|cost| applications + cost * report.preconditionings as f64)
                });
                self.used = Some(plugin.used());
                solved
            }
            (_, SolveMethod::Plain(method)) => {
                Propagator::point_with(&wilson, source, method, &stop, progress)
            }
            (_, SolveMethod::Schwarz { restart, parameters }) => {
                let start = Instant::now();
                let links = self.u.converted::<f32>()?;
                let low = wilson.on(&links)?;
                let sap = Sap::new(&low, parameters).map_err(|error| failed(&error))?;
                let mut sap = Rounded::new(sap, &low)?;
                self.setup_seconds = Some(start.elapsed().as_secs_f64());
                cost = Box::new(move |report| Some(report.flops / operations));
                Propagator::point_preconditioned(&wilson, source, restart, &mut sap, &stop, progress)
            }
            (_, SolveMethod::Multigrid(parameters)) => {
                let start = Instant::now();
                let links = self.u.converted::<f32>()?;
                let low = wilson.on(&links)?;
                let mut multigrid =
                    MultigridSolver::new(&wilson, &low, parameters).map_err(|error| failed(&error))?;
                self.setup_seconds = Some(start.elapsed().as_secs_f64());
                let d_equivalents = multigrid.setup().flops / operations;
                lines.push(Line::Setup(Setup { stage: number, d_equivalents }));
                cost = Box::new(move |report| Some(report.flops / operations));
                Propagator::point_by(&wilson, source, &stop, progress, |x, b, stop| {
                    multigrid.solve(x, b, stop)
                })
            }
        };
        let (propagator, reports) = solved.map_err(|error| match error {
            // Its advice to solve in double precision was taken before.
            PropagatorError::Solve { error: SolveError::Stagnation { tolerance, report }, spin, colour } => {
                let residual = report.worst_residual();
                let advice = if residual < PRECISE {
                    "double precision goes no further here, ask for a larger `tolerance`"
                } else {
                    "the operator is nearly singular here: `solver = \"cg-eo\"` goes on where others stop, or take a mass \
                     farther from the critical one"
                };
                failed(&format_args!(
                    "source spin {spin}, colour {colour}: {} stagnated: true residual {residual:.3e} after {} iterations, \
                     wanted {tolerance:.1e}: {advice}",
                    report.solver, report.iterations
                ))
            }
            error => failed(&error),
        })?;
        bar.finish_and_clear();
        self.log_plugins()?;
        if let Some(table) = &stage.propagator {
            lines.extend(self.write_propagator(stage, table, &propagator)?);
        }
        for chain in 0..self.u.lattice().chains() {
            lines.extend(reports.iter().enumerate().map(|(source, report)| {
                Line::Solve(Solve {
                    stage: number,
                    chain,
                    spin: source / N,
                    colour: source % N,
                    solver: report.solver.into(),
                    iterations: report.chain_iterations[chain],
                    d_equivalents: cost(report),
                    residual: report.true_residual[chain],
                })
            }));
        }
        let mesons = propagator.meson_correlators();
        for (chain, pion) in mesons.pion.iter().enumerate() {
            let (vector, axial) = (&mesons.vector[chain], &mesons.axial[chain]);
            let at = |t: usize| Correlator {
                stage: number,
                chain,
                t,
                pion: pion[t],
                vector: vector[t],
                axial: axial[t],
            };
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
            "mass = {}, c_sw = {}, boundary = {:?}, trajectory nr = {updates}, gaugelink_version = {}, run file sha256 = {}",
            stage.mass,
            stage.csw,
            stage.boundary.on(4).0.map(|sign| sign.re),
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
