//! What solvers ask of a preconditioner.

use std::error::Error;

/// An approximate inverse z ≈ M⁻¹ r. It may be any function of r where the solver is flexible: another solver, a
/// network, a plugin.
pub trait Preconditioner<X> {
    /// `z` ← the approximate solution of M z = `r`, ghosts included; those of `r` are up to date. Collective: it fails
    /// on all ranks or on none.
    ///
    /// # Errors
    /// Whatever keeps it from working; the solve ends with it.
    fn apply(&mut self, z: &mut X, r: &X) -> Result<(), Box<dyn Error + Send + Sync>>;
    /// Floating-point operations of the latest application on the whole lattice, for one chain; of any, where all take the
    /// same.
    fn flops(&self) -> f64;
}
