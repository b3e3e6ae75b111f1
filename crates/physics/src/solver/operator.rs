//! What solvers ask of an operator.

use gaugelink_lattice::{Field, LatticeError, Real};
use std::ops::{DerefMut, Range};

/// A linear operator M on complex fields of precision `T`.
pub trait LinearOperator<T: Real>: Sync {
    /// The fields that it acts on.
    type Vector: DerefMut<Target = Field<T>>;

    /// A field of zeros for it.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`].
    fn vector(&self) -> Result<Self::Vector, LatticeError>;
    /// The blocks on which it acts; others in its results may hold anything.
    fn blocks(&self) -> Range<usize>;
    /// `out` ← M ψ, ghosts included. Collective.
    fn apply(&self, out: &mut Self::Vector, psi: &Self::Vector);
    /// `out` ← M† ψ, ghosts included. Collective.
    fn apply_dagger(&self, out: &mut Self::Vector, psi: &Self::Vector);
    /// `out` ← M ψ for each (`out`, ψ): the same numbers as one after the other, and less time where M's own numbers come
    /// from memory once for several. Collective.
    fn apply_each(&self, pairs: &mut [(&mut Self::Vector, &Self::Vector)]) {
        pairs.iter_mut().for_each(|(out, psi)| self.apply(out, psi));
    }
    /// `out` ← M† ψ for each, likewise. Collective.
    fn apply_dagger_each(&self, pairs: &mut [(&mut Self::Vector, &Self::Vector)]) {
        pairs.iter_mut().for_each(|(out, psi)| self.apply_dagger(out, psi));
    }
    /// Floating-point operations of one application on the whole lattice, for one chain.
    fn flops(&self) -> f64;
}
