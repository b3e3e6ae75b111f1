//! What can go wrong in training.

use gaugelink_lattice::LatticeError;
use gaugelink_models::ModelError;
use gaugelink_physics::PhysicsError;
use thiserror::Error;

/// An error of training, saying what to do about it.
#[derive(Debug, Error)]
pub enum TrainError {
    /// A setting outside its range, or data that nothing can be learned from.
    #[error("{0}")]
    Setting(String),
    /// An error of the model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// An error of the physics.
    #[error(transparent)]
    Physics(#[from] PhysicsError),
    /// No memory for a field, or another error of the lattice.
    #[error(transparent)]
    Lattice(#[from] LatticeError),
}
