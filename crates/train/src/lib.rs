//! Training of models of links and scalars: losses, optimisers, data-parallel steps, checkpoints.
//!
//! A batch is cut into groups of as many configurations as a block has lanes; groups are spread over threads, each
//! with a lattice and a flow of its own, and their gradients are added in an order that does not depend on the threads:
//! the same seed gives the same parameters, bit for bit, for any number of them, and after a restart.

pub mod adam;
mod block_fit;
mod checkpoint;
mod divergence;
mod error;
mod estimator;
pub mod exact;
pub mod force_matching;
mod forward_kl;
mod gauge_target;
mod generator_fit;
mod group;
mod schedule;
mod step_error;
mod target;
mod trainer;

pub use block_fit::{BlockFit, FittedLayer};
pub use divergence::{Divergence, DivergenceOf, Draws};
pub use error::TrainError;
pub use estimator::Estimator;
pub use forward_kl::Data;
pub use gauge_target::GaugeTarget;
pub use generator_fit::{Fitted, GeneratorFit};
pub use schedule::Schedule;
pub use step_error::step_error;
pub use target::Target;
pub use trainer::{Plan, Progress, Telemetry, Trainer, TrainerOf};
