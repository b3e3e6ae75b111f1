//! Integrators, HMC, chains, checkpoints and the statistics of Markov chains.

pub mod checkpoint;
pub mod controls;
mod dynamics;
pub mod guided;
pub mod hmc;
pub mod independence;
pub mod integrator;
pub mod metropolis;
pub mod mixture;
pub mod nested;
pub mod scalar_hmc;
pub mod statistics;
pub mod transformation;
