//! The layers: one file each.

mod affine_coupling;
mod conv_net;
mod exponent;
mod loop_flow;
mod loops;
mod rational;
mod residual;
mod spectral;
mod stout;
mod u1_block;
mod u1_coupling;

pub use affine_coupling::{AffineCoupling, AffineSettings};
pub use loop_flow::{KNOTS_MAX, LoopField, LoopFlow, LoopSet, Loops, STEPS_MAX, spline_basis};
pub use residual::{Coefficients, Residual, Sharing, backward_flops, forward_flops, record_forward};
pub use spectral::{Spectral, SpectralSettings};
pub use stout::{Stout, StoutSharing};
pub use u1_block::{BlockSettings, U1Block};
pub use u1_coupling::{
    BINS_MAX, COMPONENTS_MAX, CircleMap, CouplingContext, CouplingFlops, CouplingSettings, HIDDEN_WIDTHS,
    MapName, U1Coupling,
};
