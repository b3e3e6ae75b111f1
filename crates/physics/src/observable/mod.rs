//! Observables of links and scalars, one value for each chain.

mod charge;
mod condensate;
mod determinant;
mod energy;
mod field_strength;
mod link_trace;
mod plaquette;
mod polyakov;
mod rectangle;
mod scalar;
mod slice;

pub use charge::{geometric_charge, topological_charge};
pub use condensate::{StochasticCondensate, exact_condensate};
pub use determinant::{determinant_sign, ln_determinant};
pub use energy::{clover_energy, plaquette_energy};
pub use field_strength::field_strength;
pub use link_trace::link_trace;
pub use plaquette::{
    planes, plaquette, plaquette_sums, spatial_plaquette, spatial_plaquette_per_slice, temporal_plaquette,
    temporal_plaquette_per_slice,
};
pub use polyakov::polyakov_loop;
pub use rectangle::{rectangle, rectangle_sums};
pub use scalar::{ScalarMoments, scalar_moments};
pub use slice::slice_sums;
