//! Krylov solvers for any linear operator on fields.
//!
//! Every solve runs on all chains of a batch at once: each chain has its own coefficients and stops by itself, with
//! the numbers it would have alone. Sums are exact, so a solve is the same bits for any number of threads and ranks.

mod arnoldi;
mod bicg_steps;
mod bicgstab;
mod bicgstab_l;
mod conjugate_gradient;
mod gcr;
mod gmres;
pub(crate) mod gram_schmidt;
mod hessenberg;
mod lockstep;
mod mixed;
mod monitor;
mod multi_shift;
mod nested;
mod operator;
mod preconditioner;
mod report;
mod ritz;
mod rounded;
mod schur;
pub mod vector;

pub use arnoldi::{EigenError, Eigenpairs, Wanted, lowest_eigenpairs};
pub use bicgstab::BiCgStab;
pub use bicgstab_l::{BiCgStabL, DEGREE_MAX};
pub use conjugate_gradient::ConjugateGradient;
pub use gcr::Gcr;
pub use gmres::{Gmres, RESTART_MAX};
pub use lockstep::AT_ONCE;
pub use mixed::MixedBiCgStab;
pub use multi_shift::MultiShift;
pub use nested::Nested;
pub use operator::LinearOperator;
pub use preconditioner::Preconditioner;
pub use report::{SolveError, SolveReport, Stopping};
pub use rounded::Rounded;
