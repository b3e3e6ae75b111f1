//! The statistics of Markov chains: means, errors, autocorrelation times, weights.
//!
//! Everything here is plain `f64` arithmetic on time series; nothing knows a lattice.
//!
//! Convention: the integrated autocorrelation time is
//! `tau_int = 1/2 + sum_{t >= 1} rho(t)`, so that an uncorrelated series has `tau_int = 1/2` and the
//! error of a mean of `N` measurements is `sqrt(2 tau_int variance / N)`. Times are in units of the
//! spacing of the measurements given, which need not be one trajectory.

mod acceptance;
mod autocorrelation;
mod bootstrap;
mod controls;
mod error;
mod gamma;
mod jackknife;
mod least_squares;
mod measured;
#[cfg(test)]
mod pulls;
mod replica;
mod samples;
#[cfg(test)]
mod synthetic;
mod weights;
mod window;

pub use acceptance::{AcceptanceStatistics, exp_minus_dh, expected_acceptance};
pub use autocorrelation::AutocorrelationFunction;
pub use bootstrap::Bootstrap;
pub use controls::Controlled;
pub use error::StatisticsError;
pub use gamma::{GammaEstimate, GammaMethod, Sufficiency, Tail};
pub use jackknife::{BinSize, Jackknife, ResampledEstimate};
pub use least_squares::least_squares;
pub use measured::Measured;
pub use replica::ReplicaConsistency;
pub use samples::Samples;
pub use weights::LogWeights;
