//! What can go wrong with a model.

use crate::file::ModelFileError;
use gaugelink_lattice::LatticeError;
use gaugelink_physics::PhysicsError;
use thiserror::Error;

/// An error of a model, saying what to do about it.
#[derive(Debug, Error)]
pub enum ModelError {
    /// A lattice that the model cannot live on.
    #[error("{0}")]
    Geometry(String),
    /// A setting or parameter outside its range.
    #[error("{0}")]
    Parameter(String),
    /// An iteration (the inverse of a layer, a fit) that did not converge.
    #[error("{0}")]
    NotConverged(String),
    /// Links, or weights of them, that are not finite numbers.
    #[error("{0}")]
    NotFinite(String),
    /// A model file that cannot be read, used or written.
    #[error(transparent)]
    File(#[from] ModelFileError),
    /// An error of the physics.
    #[error(transparent)]
    Physics(#[from] PhysicsError),
    /// No memory for a field, or another error of the lattice.
    #[error(transparent)]
    Lattice(#[from] LatticeError),
}
