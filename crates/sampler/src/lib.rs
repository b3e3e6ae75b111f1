//! Integrators, HMC, chains, checkpoints and the statistics of Markov chains.

pub mod checkpoint;
pub mod fthmc;
pub mod hmc;
pub mod integrator;
pub mod statistics;
