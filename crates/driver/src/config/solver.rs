//! How a solve stage solves: names of solvers, and the tables of those that cut the lattice into blocks.

use super::stage::reachable;
use super::tables::at_least_one;
use gaugelink_physics::dirac::{MultigridParameters, PropagatorSolver, SapParameters, Smoother, VECTORS_MAX};
use serde::{Deserialize, Deserializer};

/// A solver with its settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SolveMethod {
    /// One that needs no set-up.
    Plain(PropagatorSolver),
    /// Flexible GMRES on D, preconditioned by the Schwarz procedure in single precision.
    Schwarz {
        /// Iterations between restarts.
        restart: usize,
        /// The procedure's.
        parameters: SapParameters,
    },
    /// Multigrid in single precision on the even-odd form.
    Multigrid(MultigridParameters),
}

/// What `solver` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SolverName {
    Plain(PropagatorSolver),
    Schwarz,
    Multigrid,
}

impl Default for SolverName {
    fn default() -> Self {
        Self::Plain(PropagatorSolver::default())
    }
}

/// Names of the solvers.
const SOLVERS: [(&str, SolverName); 10] = [
    ("bicgstab-eo", SolverName::Plain(PropagatorSolver::EvenOddBiCgStab)),
    ("bicgstab-eo-mixed", SolverName::Plain(PropagatorSolver::EvenOddMixed)),
    ("bicgstab2-eo", SolverName::Plain(PropagatorSolver::EvenOddBiCgStabL { degree: 2 })),
    ("bicgstab4-eo", SolverName::Plain(PropagatorSolver::EvenOddBiCgStabL { degree: 4 })),
    ("cg-eo", SolverName::Plain(PropagatorSolver::EvenOddConjugateGradient)),
    ("bicgstab", SolverName::Plain(PropagatorSolver::BiCgStab)),
    ("gcr", SolverName::Plain(PropagatorSolver::Gcr { restart: 0 })),
    ("gmres", SolverName::Plain(PropagatorSolver::Gmres { restart: 0 })),
    ("sap-gmres", SolverName::Schwarz),
    ("multigrid", SolverName::Multigrid),
];

impl SolverName {
    /// As in run files.
    pub fn name(self) -> &'static str {
        SOLVERS.iter().find(|(_, solver)| *solver == self).map_or("", |(name, _)| name)
    }
}

impl<'de> Deserialize<'de> for SolverName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        SOLVERS.iter().find(|(known, _)| *known == name).map(|(_, solver)| *solver).ok_or_else(|| {
            let names = SOLVERS.map(|(name, _)| name).join(", ");
            serde::de::Error::custom(format!("no solver is called `{name}`: expected one of {names}"))
        })
    }
}

/// `sap`, for solver = "sap-gmres".
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SapTable {
    /// Extents of a block.
    pub block: [usize; 4],
    /// Visits of both colours.
    #[serde(deserialize_with = "at_least_one")]
    pub cycles: u64,
    /// Steps of minimal residual in each block.
    #[serde(deserialize_with = "at_least_one")]
    pub steps: u64,
}

impl Default for SapTable {
    fn default() -> Self {
        let SapParameters { block, cycles, steps } = SapParameters::default();
        Self { block, cycles: cycles as u64, steps: steps as u64 }
    }
}

impl SapTable {
    /// As the solver has them.
    pub(super) fn parameters(&self) -> SapParameters {
        SapParameters { block: self.block, cycles: self.cycles as usize, steps: self.steps as usize }
    }
}

/// `multigrid`, for solver = "multigrid".
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MultigridTable {
    /// Extents of an aggregate.
    pub block: [usize; 4],
    /// Test vectors.
    #[serde(deserialize_with = "vectors")]
    pub vectors: usize,
    /// How often the smoother goes over their noise.
    #[serde(deserialize_with = "at_least_one")]
    pub start: u64,
    /// Rounds in which the cycle is applied to them.
    pub rounds: u64,
    /// Steps of the smoother, minimal residual on the even-odd form.
    #[serde(deserialize_with = "at_least_one")]
    pub steps: u64,
    /// Relative residual of coarse solves by iterations.
    #[serde(deserialize_with = "reachable")]
    pub coarse_tolerance: f64,
    /// Seed of the noise.
    pub seed: u64,
}

/// Steps of the smoother where none are given.
const STEPS: u64 = 4;

impl Default for MultigridTable {
    fn default() -> Self {
        let usual = MultigridParameters::default();
        Self {
            block: usual.block,
            vectors: usual.vectors,
            start: usual.start as u64,
            rounds: usual.rounds as u64,
            steps: STEPS,
            coarse_tolerance: usual.coarse_tolerance,
            seed: usual.seed,
        }
    }
}

fn vectors<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    match usize::deserialize(deserializer)? {
        n @ 1..=VECTORS_MAX => Ok(n),
        n => Err(serde::de::Error::custom(format!("{n} test vectors: expected 1 to {VECTORS_MAX}"))),
    }
}

impl MultigridTable {
    /// As the solver has them.
    pub(super) fn parameters(&self) -> MultigridParameters {
        MultigridParameters {
            block: self.block,
            vectors: self.vectors,
            start: self.start as usize,
            rounds: self.rounds as usize,
            smoother: Smoother::EvenOdd { steps: self.steps as usize },
            coarse_tolerance: self.coarse_tolerance,
            seed: self.seed,
            ..MultigridParameters::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{FileKind, RunFile, Stage};
    use std::path::Path;

    #[test]
    fn solvers_in_blocks_have_tables_of_their_own() {
        let solve = |keys: &str| {
            let text =
                format!("[run]\ndirectory = \"x\"\n[start]\nkind = \"file\"\n[solve]\nmass = 0.1\n{keys}\n");
            let input = ["start.file=x.lime".to_owned()];
            RunFile::parse(&text, Path::new("x"), FileKind::Solve, &input)
        };
        let method = |keys: &str| match &solve(keys).unwrap().stages[0] {
            Stage::Solve(solve) => solve.method(),
            other => panic!("{other:?}"),
        };
        let SolveMethod::Schwarz { restart: 12, parameters } =
            method("solver = \"sap-gmres\"\nrestart = 12\nsap = { block = [4, 4, 2, 8], cycles = 3 }")
        else {
            panic!("not the Schwarz procedure")
        };
        assert_eq!((parameters.block, parameters.cycles, parameters.steps), ([4, 4, 2, 8], 3, 4));
        let SolveMethod::Multigrid(parameters) =
            method("solver = \"multigrid\"\nmultigrid = { vectors = 12, steps = 6 }")
        else {
            panic!("no multigrid")
        };
        assert_eq!((parameters.vectors, parameters.block), (12, [4; 4]));
        assert_eq!(parameters.smoother, Smoother::EvenOdd { steps: 6 });
        for (keys, wanted) in [
            ("sap = { cycles = 3 }", "`sap` needs solver = \"sap-gmres\""),
            ("solver = \"gmres\"\nmultigrid = { vectors = 3 }", "`multigrid` needs solver = \"multigrid\""),
            ("solver = \"multigrid\"\nmultigrid = { vectors = 40 }", "expected 1 to 32"),
            ("solver = \"multigrid\"\nrestart = 10", "`restart` needs"),
            ("solver = \"multigrid\"\nmultigrid = { vector = 4 }", "unknown field `vector`"),
        ] {
            let error = solve(keys).unwrap_err();
            assert!(error.exit_code() == 2 && error.to_string().contains(wanted), "{error}");
        }
    }
}
