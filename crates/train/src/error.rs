//! What can go wrong in a training.

use gaugelink_lattice::LatticeError;
use gaugelink_models::ModelError;
use gaugelink_physics::PhysicsError;
use gaugelink_physics::action::TermError;
use gaugelink_sampler::statistics::StatisticsError;
use std::path::PathBuf;
use thiserror::Error;

/// An error of a training, saying what to do about it.
#[derive(Debug, Error)]
pub enum TrainError {
    /// A setting outside its range, or data that nothing can be learned from.
    #[error("{0}")]
    Setting(String),
    /// A loss or gradient that is not a number.
    #[error(
        "the loss or its gradient is not finite at step {step}: begin anew with a smaller learning rate or gradient norm"
    )]
    NotFinite {
        /// The step.
        step: u64,
    },
    /// A checkpoint that cannot be written or read.
    #[error("checkpoint {}: {reason}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The physics.
    #[error(transparent)]
    Physics(#[from] PhysicsError),
    /// A term of the action.
    #[error(transparent)]
    Term(#[from] TermError),
    /// Memory or threads.
    #[error(transparent)]
    Lattice(#[from] LatticeError),
    /// An evaluation.
    #[error(transparent)]
    Statistics(#[from] StatisticsError),
}
