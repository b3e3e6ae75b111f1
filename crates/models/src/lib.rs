//! Gauge-equivariant layers, flows, learned forces and Dirac preconditioners.
//!
//! A model is an architecture and one flat vector of parameters; neither knows a lattice. Placed on a lattice it
//! becomes [`Layer`]s with their masks and temporaries, and a [`Flow`] through them. Densities of links are with respect to the
//! product Haar measure, normalised to 1 (docs/conventions.md), those of scalars to Π dφ.

mod algebra;
mod architecture;
#[cfg(test)]
mod cases;
mod conditional;
mod error;
pub mod file;
mod flow;
mod force;
mod layer;
pub mod layers;
pub mod precond;
mod scalar_flow;
pub mod serve;

pub use architecture::{LAYERS_MAX, LayerKind, flow_model};
pub use conditional::Conditional;
pub use error::ModelError;
pub use file::Model;
pub use flow::{Flow, FlowOf};
pub use force::LearnedForce;
pub use layer::{Layer, Undo};
pub use scalar_flow::{ScalarLayer, scalar_flow_model};
