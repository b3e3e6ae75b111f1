//! Integrators, HMC, chains, checkpoints and the statistics of Markov chains.

pub mod statistics;
