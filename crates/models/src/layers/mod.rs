//! The layers: one file each.

mod exponent;
mod loops;
mod residual;

pub use residual::{Coefficients, Residual, Sharing};
