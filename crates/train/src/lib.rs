//! Training of flows, forces and preconditioners.
//!
//! Nothing here prints or reads files: settings are typed, progress goes to a function of the caller's, results are
//! returned. The same seed gives the same bits for any number of threads.

mod error;
pub mod force_matching;

pub use error::TrainError;
