//! Fermions: spinor fields, Wilson's operator, its even-odd form, propagators.

mod ahead;
mod basis;
mod blocks;
mod both_hops;
mod boundary;
mod chiral;
mod clover;
mod clover_force;
pub(crate) mod dense;
mod described;
mod even_odd;
mod force;
mod gamma;
mod hop;
mod hop_kernel;
mod meson;
mod multigrid;
pub mod naive;
mod neighbourhood;
mod pass;
mod propagator;
mod propagator_file;
mod quark;
mod recorded;
mod schwarz;
mod slices;
mod source;
mod spectrum;
mod spinor;
mod two_rows;
mod wilson;

pub use blocks::check_blocks;
pub use boundary::{Boundary, BoundaryTable};
pub use clover_force::CloverForce;
pub use dense::{DENSE_MAX, DenseMatrix};
pub use described::Described;
pub use even_odd::Schur;
pub use gamma::{GAMMA5_SIGNS, Partner, SpinMatrix, gamma, gamma_entry, gamma5};
pub use hop::{HalfSpinor, HopSource, hop};
pub use meson::{MesonCorrelators, pcac_masses};
pub use multigrid::{
    Multigrid, MultigridParameters, MultigridSetup, MultigridSolver, OddMultigrid, Smoother, VECTORS_MAX,
};
pub use propagator::{Propagator, PropagatorError, PropagatorSolver, effective_masses};
pub use propagator_file::{read_columns, read_spinor, scalar_source_of, write_propagator, write_spinors};
pub use quark::{FermionMatrix, Quark, QuarkMatrix};
pub use recorded::record_wilson;
pub use schwarz::{Sap, SapParameters};
pub use slices::{has_slices, ln_det_by_slices};
pub use source::Source;
pub use spectrum::{Spectrum, SpectrumError};
pub use spinor::{SPINS, Spinor, SpinorField};
pub use wilson::{HOP_FLOPS_SU3, Wilson, hop_flops};
