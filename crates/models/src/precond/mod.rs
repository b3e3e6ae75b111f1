//! Learned preconditioners of Dirac operators.

mod least_squares;
mod parallel_transport;

pub use least_squares::{TransportFit, fit};
pub use parallel_transport::{ParallelTransport, TransportWeights};
