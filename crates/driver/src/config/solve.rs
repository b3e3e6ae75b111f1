//! `[[stage]]` of kind "solve": propagators of quarks.

use super::boundary::BoundaryPhases;
use super::file_name::file_name;
use super::plugin::PluginTable;
use super::quark::{MassKeys, csw, kappa_if_given, mass_if_given};
use super::solver::{MultigridTable, SapTable, SolveMethod, SolverName};
use super::source::SourceTable;
use super::stage::{max_iterations, reachable};
use super::tables::{PrecisionName, at_least_one};
use gaugelink_physics::dirac::PropagatorSolver;
use gaugelink_physics::solver::RESTART_MAX;
use serde::{Deserialize, Deserializer};
use std::ops::Range;
use std::path::PathBuf;
use toml::Spanned;

/// `kind = "solve"`, and the table `[solve]` of `gaugelink solve`: quark propagators in two or four dimensions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SolveStage {
    /// Bare mass m; either this or `kappa`.
    #[serde(default, deserialize_with = "mass_if_given")]
    mass: Option<f64>,
    /// Hopping parameter, kappa = 1/(2(m + d)) in d dimensions.
    #[serde(default, deserialize_with = "kappa_if_given")]
    kappa: Option<f64>,
    /// Coefficient of the clover term; 0 leaves it out.
    #[serde(default, deserialize_with = "csw")]
    pub csw: f64,
    /// Boundary phase of each direction. Antiperiodic in the last one where nothing is said.
    #[serde(default)]
    pub boundary: BoundaryPhases,
    /// "bicgstab-eo", "bicgstab-eo-mixed", "cg-eo" (all on the even-odd Schur complement; cg on its normal equations),
    /// "bicgstab", "gmres", "sap-gmres" or "multigrid"; see [`SolveStage::method`].
    #[serde(default)]
    solver: SolverName,
    /// Iterations between restarts, for solver = "gmres" and "sap-gmres".
    #[serde(default, deserialize_with = "restart")]
    restart: Option<Spanned<usize>>,
    /// Relative residual to reach in each solve.
    #[serde(default = "tolerance", deserialize_with = "reachable")]
    pub tolerance: f64,
    /// Iterations after which a solve is given up.
    #[serde(default = "max_iterations", deserialize_with = "at_least_one")]
    pub max_iterations: u64,
    /// Site of the point sources, or the time slice that sources fill.
    #[serde(default)]
    pub source: SourceTable,
    /// A plugin's preconditioner, for solver = "gmres".
    pub preconditioner: Option<PluginTable>,
    /// The procedure of solver = "sap-gmres".
    sap: Option<Spanned<SapTable>>,
    /// Of solver = "multigrid".
    multigrid: Option<Spanned<MultigridTable>>,
    /// What the operator reads of each link.
    #[serde(default)]
    pub links: LinkRows,
    /// Where the propagator goes; nowhere if nothing is said.
    pub propagator: Option<PropagatorTable>,
}

/// A propagator's file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PropagatorTable {
    /// File name inside the run directory.
    #[serde(deserialize_with = "file_name")]
    pub file: PathBuf,
    /// "f64" or "f32".
    #[serde(default)]
    pub precision: PrecisionName,
}

/// What an operator reads of each link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkRows {
    /// All of it.
    #[default]
    Whole,
    /// Two rows of it, for SU(3): the third is computed.
    TwoRows,
}

impl SolveStage {
    /// Bare mass m, in so many dimensions.
    pub fn mass(&self, dims: usize) -> f64 {
        self.mass_keys().on(dims)
    }

    pub(super) fn mass_keys(&self) -> MassKeys {
        MassKeys { mass: self.mass, kappa: self.kappa }
    }

    /// What is wrong with the mass in so many dimensions, if anything is.
    pub(crate) fn mass_problem_on(&self, dims: usize) -> Option<(&'static str, String)> {
        self.mass_keys().problem_on(dims)
    }

    /// The solver's name in run files.
    pub fn solver(&self) -> &'static str {
        self.solver.name()
    }

    /// The solver with its settings.
    pub fn method(&self) -> SolveMethod {
        let restart = self.restart.as_ref().map_or(RESTART, |restart| *restart.get_ref());
        let sap = || self.sap.as_ref().map_or(SapTable::default(), |table| *table.get_ref());
        let multigrid =
            || self.multigrid.as_ref().map_or(MultigridTable::default(), |table| *table.get_ref());
        match self.solver {
            SolverName::Plain(PropagatorSolver::Gmres { .. }) => {
                SolveMethod::Plain(PropagatorSolver::Gmres { restart })
            }
            SolverName::Plain(PropagatorSolver::Gcr { .. }) => {
                SolveMethod::Plain(PropagatorSolver::Gcr { restart })
            }
            SolverName::Plain(other) => SolveMethod::Plain(other),
            SolverName::Schwarz => SolveMethod::Schwarz { restart, parameters: sap().parameters() },
            SolverName::Multigrid => SolveMethod::Multigrid(multigrid().parameters()),
        }
    }

    /// Whether the solver takes preconditioners.
    pub fn is_flexible(&self) -> bool {
        matches!(self.solver, SolverName::Plain(PropagatorSolver::Gmres { .. }))
    }

    /// A key that only other solvers take: its place in the text, and what is wrong.
    pub(super) fn problem(&self) -> Option<(Range<usize>, &'static str)> {
        let preconditioner = self.preconditioner.as_ref().filter(|_| !self.is_flexible()).map(|table| {
            (table.plugin.span(), "`preconditioner` needs solver = \"gmres\": the others do not take one")
        });
        let restarts = self.is_flexible()
            || matches!(self.solver, SolverName::Schwarz | SolverName::Plain(PropagatorSolver::Gcr { .. }));
        let restart = self.restart.as_ref().filter(|_| !restarts).map(|restart| {
            (
                restart.span(),
                "`restart` needs solver = \"gmres\", \"gcr\" or \"sap-gmres\": the others are not restarted",
            )
        });
        let sap = self.sap.as_ref().filter(|_| self.solver != SolverName::Schwarz);
        let sap = sap.map(|table| (table.span(), "`sap` needs solver = \"sap-gmres\""));
        let multigrid = self.multigrid.as_ref().filter(|_| self.solver != SolverName::Multigrid);
        let multigrid = multigrid.map(|table| (table.span(), "`multigrid` needs solver = \"multigrid\""));
        preconditioner.or(restart).or(sap).or(multigrid)
    }
}

/// Iterations between restarts where none are given.
const RESTART: usize = 30;

fn restart<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Spanned<usize>>, D::Error> {
    let restart = Spanned::<usize>::deserialize(deserializer)?;
    match restart.get_ref() {
        1..=RESTART_MAX => Ok(Some(restart)),
        n => Err(serde::de::Error::custom(format!(
            "{n} iterations between restarts: expected 1 to {RESTART_MAX}"
        ))),
    }
}

fn tolerance() -> f64 {
    1e-10
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{FileKind, RunFile, Stage};
    use std::path::Path;

    #[test]
    fn restarts_are_for_gmres() {
        let solve = |keys: &str| {
            let text =
                format!("[run]\ndirectory = \"x\"\n[start]\nkind = \"file\"\n[solve]\nmass = 0.1\n{keys}\n");
            let input = ["start.file=x.lime".to_owned()];
            RunFile::parse(&text, Path::new("x"), FileKind::Solve, &input)
        };
        let error = solve("restart = 20").unwrap_err();
        assert_eq!(error.exit_code(), 2);
        let error = error.to_string();
        assert!(
            error.contains("| restart = 20") && error.contains("`restart` needs solver = \"gmres\""),
            "{error}"
        );
        let method = |keys: &str| match &solve(keys).unwrap().stages[0] {
            Stage::Solve(solve) => solve.method(),
            other => panic!("{other:?}"),
        };
        let gmres = |restart| SolveMethod::Plain(PropagatorSolver::Gmres { restart });
        assert_eq!(method("solver = \"gmres\"\nrestart = 20"), gmres(20));
        assert_eq!(method("solver = \"gmres\""), gmres(30));
        let range = solve("solver = \"gmres\"\nrestart = 0").unwrap_err().to_string();
        assert!(range.contains("expected 1 to 1000") && range.contains("| restart = 0"), "{range}");
    }
}
