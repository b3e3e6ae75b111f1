//! What every layer can do.

use crate::ModelError;
use gaugelink_lattice::{Real, Variables};

/// A map U = f(V) of configurations, of links or of scalars, with its log Jacobian, placed on a lattice.
///
/// A layer owns its masks and temporaries; its parameters are the caller's, a slice of the model's flat vector, so that
/// training moves one vector. All methods are collective, work on every chain of a batch at once, and give the same
/// bits for any number of threads and ranks.
///
/// A file that implements it states the formula and its source at its head, and puts the layer on the case list, which
/// checks inverse, Jacobian, gradients, symmetry, batch against single chains and f32 against f64.
pub trait Layer<T: Real, M: Variables>: Send {
    /// How many parameters it takes.
    fn parameters(&self) -> usize;

    /// Refuses parameters with which the map is not what it claims to be, such as one that cannot be inverted. Called
    /// when parameters are set, before any other method sees them.
    ///
    /// # Errors
    /// [`ModelError::Parameter`].
    fn check(&self, _parameters: &[f64]) -> Result<(), ModelError> {
        Ok(())
    }

    /// V ← f(V) in place; adds log|det ∂f/∂V| with respect to Haar measure (of scalars Π dφ) to `log_det`, one number a chain.
    /// What is overwritten goes onto `undo`, if given, so that the step can be taken back exactly.
    fn forward(
        &mut self,
        u: &mut M::Field<T>,
        parameters: &[f64],
        log_det: &mut [f64],
        undo: Option<&mut Undo<T>>,
    );

    /// [`Layer::forward`] that takes a score along: on entry `score` holds g = ∂^a ln q at V of a density q, on return that
    /// of the density at U = f(V) of the images of links with density q, the g' with J^T g' = g − ∂^a log det.
    ///
    /// # Errors
    /// [`ModelError::Parameter`] for layers that cannot.
    fn forward_with_score(
        &mut self,
        _u: &mut M::Field<T>,
        _parameters: &[f64],
        _log_det: &mut [f64],
        _score: &mut M::Momenta<T>,
        _undo: Option<&mut Undo<T>>,
    ) -> Result<(), ModelError> {
        Err(ModelError::Parameter(
            "these layers have no score: train with the reparametrised estimator".into(),
        ))
    }

    /// U ← f⁻¹(U) in place; adds the log det of f⁻¹, which is −log|det ∂f/∂V| at the result.
    ///
    /// # Errors
    /// [`ModelError::NotConverged`] where the inverse is iterated for.
    fn inverse(
        &mut self,
        u: &mut M::Field<T>,
        parameters: &[f64],
        log_det: &mut [f64],
    ) -> Result<(), ModelError>;

    /// Takes the last [`Layer::forward`] back, bit for bit, with what it put onto `undo`.
    fn restore(&mut self, u: &mut M::Field<T>, undo: &mut Undo<T>);

    /// Reverse mode. With U = f(V) and a loss L(U, log det):
    /// on entry `v` is V, `cotangent` holds ∂^a L at U and `weight` holds ∂L/∂(log det), one number a chain;
    /// on return `cotangent` is the total ∂^a of L with respect to V, and ∂L/∂parameters, summed over chains and
    /// ranks, has been added to `gradient`, if given. Of links ∂^a f(U) = d/ds f(e^{sT_a} U) at s = 0.
    fn vjp(
        &mut self,
        v: &M::Field<T>,
        parameters: &[f64],
        cotangent: &mut M::Momenta<T>,
        weight: &[f64],
        gradient: Option<&mut [f64]>,
    );
}

/// What layers overwrote, last first: a stack that keeps its memory between uses.
#[derive(Debug, Default)]
pub struct Undo<T>(Vec<T>);

impl<T: Real> Undo<T> {
    /// An empty stack.
    pub fn new() -> Self {
        Self(Vec::new())
    }

    /// Saves numbers.
    pub fn push(&mut self, numbers: &[T]) {
        self.0.extend_from_slice(numbers);
    }

    /// Takes back as many numbers as `into` holds; they are those pushed last, in the order in which they were pushed.
    pub fn pop(&mut self, into: &mut [T]) {
        let rest = self.0.len() - into.len();
        into.copy_from_slice(&self.0[rest..]);
        self.0.truncate(rest);
    }

    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}
