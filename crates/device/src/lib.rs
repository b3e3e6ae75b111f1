//! Kernels for devices: the text of recorded site bodies, and what runs it.
//!
//! A [`gaugelink_lattice::number::Program`] is printed once, in the words that CUDA, HIP and C++ share ([`KernelText`]); a
//! prelude gives them their meaning on each. [`HostDevice`] compiles the text with the machine's C++ compiler and runs
//! every thread of a block as a fiber, so that kernels are tested where there is no device.
//!
//! Fields lie on a device as `[component][site]`, one thread works on one site, and sites are numbered by [`Sites`]: even
//! ones first, so that a kernel for one parity is launched over one range.

mod error;
mod host;
mod sites;
mod text;

pub use error::DeviceError;
pub use host::{HostDevice, HostKernel, Schedule};
pub use sites::Sites;
pub use text::{BLOCK, KernelText};
