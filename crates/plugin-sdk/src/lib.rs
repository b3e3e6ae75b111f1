//! Gaugelink's plugin ABI in Rust.
#[rustfmt::skip]
pub mod raw;
