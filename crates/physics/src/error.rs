//! What can go wrong in the physics.

use gaugelink_lattice::LatticeError;
use thiserror::Error;

/// An error of an update or a measurement, saying what to do about it.
#[derive(Debug, Error)]
pub enum PhysicsError {
    /// A lattice on which the operation is not defined.
    #[error("{0}")]
    Geometry(String),
    /// A parameter outside its range.
    #[error("{0}")]
    Parameter(String),
    /// No memory for a field, or another error of the lattice.
    #[error(transparent)]
    Lattice(#[from] LatticeError),
}
