//! Observables of the links, one value for each chain.

mod plaquette;

pub use plaquette::{plaquette, plaquette_sums, planes, spatial_plaquette, temporal_plaquette};
