//! Terms of the Hamiltonian that have more to them than a function of the links: fields of their own, drawn anew for
//! each trajectory, and work that can fail.

use super::Action;
use crate::PhysicsError;
use crate::solver::{SolveError, SolveReport};
use gaugelink_lattice::rng::Address;
use gaugelink_lattice::{GaugeField, LatticeError, MomentumField};
use thiserror::Error;

/// A term of the molecular-dynamics Hamiltonian. Every reference to an [`Action`] is one that never fails.
///
/// All methods are collective; they fail on all ranks or on none.
pub trait Term<const N: usize> {
    /// The term and its parameters, in words.
    fn name(&self) -> String;

    /// Draws the term's own fields, if it has any, for a trajectory that starts from `u`; returns S for each chain, as
    /// [`Term::value`].
    ///
    /// # Errors
    /// See [`TermError`]; the term is then of no use until it is drawn again.
    fn refresh(&mut self, u: &GaugeField<f64, N>, address: Address) -> Result<Vec<f64>, TermError>;

    /// S for each chain.
    ///
    /// # Errors
    /// See [`TermError`].
    fn value(&mut self, u: &GaugeField<f64, N>) -> Result<Vec<f64>, TermError>;

    /// π ← π − ε ∂S: a function of the links and the term's fields alone, whatever was asked before. Momenta are not
    /// exchanged.
    ///
    /// # Errors
    /// See [`TermError`]; the momenta are then as they were.
    fn kick(
        &mut self,
        u: &GaugeField<f64, N>,
        p: &mut MomentumField<f64, N>,
        epsilon: f64,
    ) -> Result<(), TermError>;

    /// Iterations of solvers since the term was made.
    fn iterations(&self) -> usize {
        0
    }
}

/// Why a term of the Hamiltonian has no value or no force.
#[derive(Debug, Error)]
pub enum TermError {
    /// A solve missed its tolerance.
    #[error("{term}, {during}: {source}")]
    Solve {
        /// The term, in words.
        term: String,
        /// "heat bath", "force" or "action".
        during: &'static str,
        /// What the solver says.
        source: SolveError,
    },
    /// A lattice, parameter or memory that does not serve.
    #[error(transparent)]
    Physics(#[from] PhysicsError),
}

/// The iterations of a solve, and of one that failed the error of its term.
pub(crate) fn told(
    result: Result<SolveReport, SolveError>,
    during: &'static str,
    term: impl FnOnce() -> String,
) -> (usize, Result<(), TermError>) {
    let iterations =
        result.as_ref().map_or_else(SolveError::report, Some).map_or(0, |report| report.iterations);
    (iterations, result.map(drop).map_err(|source| TermError::Solve { term: term(), during, source }))
}

impl From<LatticeError> for TermError {
    fn from(error: LatticeError) -> Self {
        Self::Physics(error.into())
    }
}

impl<const N: usize, A: Action<N> + ?Sized> Term<N> for &A {
    fn name(&self) -> String {
        Action::name(*self)
    }

    fn refresh(&mut self, u: &GaugeField<f64, N>, _: Address) -> Result<Vec<f64>, TermError> {
        Ok(Action::value(*self, u))
    }

    fn value(&mut self, u: &GaugeField<f64, N>) -> Result<Vec<f64>, TermError> {
        Ok(Action::value(*self, u))
    }

    fn kick(
        &mut self,
        u: &GaugeField<f64, N>,
        p: &mut MomentumField<f64, N>,
        epsilon: f64,
    ) -> Result<(), TermError> {
        Action::kick(*self, u, p, epsilon);
        Ok(())
    }
}
