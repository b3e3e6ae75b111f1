//! When a solve stops, what it tells, and how it can fail.

use gaugelink_lattice::LatticeError;
use std::error::Error;
use thiserror::Error;

/// When a solve ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stopping {
    /// Relative residual to reach: ‖r‖ ≤ tolerance ‖right-hand side‖.
    pub tolerance: f64,
    /// Iterations at most.
    pub iterations: usize,
    /// Iterations without a new smallest residual after which the solve has stagnated.
    pub patience: usize,
}

impl Default for Stopping {
    fn default() -> Self {
        Self { tolerance: 1e-10, iterations: 10_000, patience: 1_000 }
    }
}

impl Stopping {
    /// The defaults with another tolerance.
    pub fn at(tolerance: f64) -> Self {
        Self { tolerance, ..Self::default() }
    }
}

/// What a solve did. Residuals are norms relative to the right-hand side of the system that the solver iterates on
/// (for normal equations that is M†M x = c), one for each chain.
#[derive(Clone, Debug, PartialEq)]
pub struct SolveReport {
    /// The solver's name.
    pub solver: &'static str,
    /// Iterations until the last chain was done.
    pub iterations: usize,
    /// Iterations of each chain.
    pub chain_iterations: Vec<usize>,
    /// Applications of M or M†, those for the true residuals included.
    pub applications: usize,
    /// Applications of the preconditioner.
    pub preconditionings: usize,
    /// Floating-point operations of the operator's and the preconditioner's applications, over all chains and ranks.
    pub flops: f64,
    /// Wall-clock time; of solves in step, this one's share.
    pub seconds: f64,
    /// As the iteration updates it.
    pub recursive_residual: Vec<f64>,
    /// From the solution itself.
    pub true_residual: Vec<f64>,
    /// The recursive residual of the worst chain before each iteration and at the end.
    pub history: Vec<f64>,
}

impl SolveReport {
    /// The largest true residual of all chains.
    pub fn worst_residual(&self) -> f64 {
        self.true_residual.iter().copied().fold(0.0, f64::max)
    }

    /// The report of this solve and of one that went on from its solution.
    pub(crate) fn followed_by(mut self, next: Self) -> Self {
        for (n, more) in self.chain_iterations.iter_mut().zip(&next.chain_iterations) {
            *n += more;
        }
        self.history.extend(next.history);
        Self {
            iterations: self.chain_iterations.iter().copied().max().unwrap_or(0),
            chain_iterations: self.chain_iterations,
            applications: self.applications + next.applications,
            preconditionings: self.preconditionings + next.preconditionings,
            flops: self.flops + next.flops,
            seconds: self.seconds + next.seconds,
            history: self.history,
            ..next
        }
    }
}

/// A solve that did not reach its tolerance, with the report of what it did reach; the solution holds the last iterate.
#[derive(Debug, Error)]
pub enum SolveError {
    /// The limit came first.
    #[error(
        "{} did not converge: residual {:.3e} after {} iterations, wanted {tolerance:.1e}; allow more iterations or \
         precondition",
        report.solver, report.worst_residual(), report.iterations
    )]
    IterationLimit {
        /// What was asked.
        tolerance: f64,
        /// What was done.
        report: Box<SolveReport>,
    },
    /// No progress any more, or a recursive residual that has lost touch with the true one.
    #[error(
        "{} stagnated: true residual {:.3e} after {} iterations, wanted {tolerance:.1e}; ask for a larger tolerance, \
         or solve in double precision",
        report.solver, report.worst_residual(), report.iterations
    )]
    Stagnation {
        /// What was asked.
        tolerance: f64,
        /// What was done.
        report: Box<SolveReport>,
    },
    /// A quantity that must not vanish did.
    #[error(
        "{} broke down: {quantity} vanished in iteration {}; start from another vector, use conjugate gradients, or look for \
         the reason in a preconditioner, if there is one",
        report.solver, report.iterations
    )]
    Breakdown {
        /// Which one.
        quantity: &'static str,
        /// What was done.
        report: Box<SolveReport>,
    },
    /// NaN or infinity.
    #[error(
        "{} met a number that is not finite in iteration {}; check the links and the right-hand side",
        report.solver, report.iterations
    )]
    NotFinite {
        /// What was done.
        report: Box<SolveReport>,
    },
    /// The preconditioner's own error.
    #[error("the preconditioner failed: {0}; solve without it, or mend it")]
    Preconditioner(Box<dyn Error + Send + Sync>),
    /// No memory for a field, or another error of the lattice.
    #[error(transparent)]
    Lattice(#[from] LatticeError),
}

impl SolveError {
    /// What was done until then.
    pub fn report(&self) -> Option<&SolveReport> {
        match self {
            Self::IterationLimit { report, .. }
            | Self::Stagnation { report, .. }
            | Self::Breakdown { report, .. }
            | Self::NotFinite { report } => Some(report),
            Self::Preconditioner(_) | Self::Lattice(_) => None,
        }
    }

    /// The same failure of a solve that was to reach `wanted`.
    pub(crate) fn wanting(self, wanted: f64) -> Self {
        match self {
            Self::IterationLimit { report, .. } => Self::IterationLimit { tolerance: wanted, report },
            Self::Stagnation { report, .. } => Self::Stagnation { tolerance: wanted, report },
            other => other,
        }
    }

    pub(crate) fn report_mut(&mut self) -> Option<&mut SolveReport> {
        match self {
            Self::IterationLimit { report, .. }
            | Self::Stagnation { report, .. }
            | Self::Breakdown { report, .. }
            | Self::NotFinite { report } => Some(report),
            Self::Preconditioner(_) | Self::Lattice(_) => None,
        }
    }
}
