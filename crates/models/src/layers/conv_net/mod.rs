//! The net of coupling layers: three periodic 3×3 convolutions in two dimensions, evaluated where a layer's pattern of sites
//! needs them, with its way back.

pub mod convolution;
pub mod passes;
pub mod plan;
pub mod stripes;
pub mod weight_gradient;
pub mod weights;

use gaugelink_lattice::number::Row;

/// What the way back through a layer's map starts from.
#[derive(Clone, Copy)]
pub enum Begin<T> {
    /// The cotangents of variables behind the layer, and ∂L/∂(log det) of each lane's configuration.
    Cotangent(Row<T>),
    /// The score of variables before the layer, g = ∂ ln q: the cotangent of an active one x is then what its score is
    /// behind the layer, g' = (g − ∂_x ln dx'/dx)/(dx'/dx), and ∂L/∂(log det) = 1.
    Score,
}
