//! The layers: one file each.

mod exponent;
mod loops;
mod residual;
mod stout;

pub use residual::{Coefficients, Residual, Sharing};
pub use stout::Stout;
