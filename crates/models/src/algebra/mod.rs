//! Site bodies in the adjoint representation, for maps V → exp(A) V of links.
//!
//! Coordinates are those of docs/conventions.md. An operator on the algebra is an 8×8 real matrix of which the first
//! rows and columns are used: [`Operator`]. With ad the operator ξ → \[A, ξ\], ad is antisymmetric and −ad² is symmetric
//! with the eigenvalues 0 and y = (θ_j − θ_k)² for the eigenvalues iθ of A.

mod adjoint;
mod frame;
mod log_det;
#[cfg(test)]
mod naive;
mod phi;
mod series;

pub use frame::Frame;
pub use log_det::LogDet;
