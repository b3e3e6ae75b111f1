//! Local updates that keep exp(−S) of Wilson's action: heat bath and overrelaxation.

mod heatbath;
mod kennedy_pendleton;
mod overrelaxation;
mod quaternion;
mod streams;
mod sweep;
mod von_mises;

pub use heatbath::HeatBath;
pub use overrelaxation::Overrelaxation;
