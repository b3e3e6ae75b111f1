//! Actions, observables, updates, Dirac operators and solvers.
//!
//! Conventions (docs/conventions.md has them all): links U_mu(x) from x to x + mu; plaquettes 1 for unit links;
//! anti-Hermitian generators with tr T_a T_b = −½ δ_ab (U(1): the generator i); momenta H = ½ Σ π² + S, U̇ = P U with
//! P = Σ π^a T_a and π̇^a = −∂^a S, ∂^a f(U) = d/ds f(e^{sT_a} U). Results come one for each chain of a batch (one with
//! site lanes), and are the same bits for any number of threads and ranks and any vector unit.

pub mod action;
pub mod dirac;
mod error;
#[cfg(test)]
mod naive;
pub mod observable;
pub mod smear;
pub mod solver;
pub mod update;

pub use error::PhysicsError;
