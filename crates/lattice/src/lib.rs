//! Lattice geometry, fields and layouts, number types, groups, communication, random numbers and exact sums.
//!
//! Everything that knows about *where* and *how* numbers are stored lives here; nothing that knows physics does.
//! The way in is [`Lattice`]: extents, lanes, threads and ranks of one run; [`Field`]s live on it, and kernels are
//! launched over its blocks.

pub mod comm;
pub mod complex;
mod error;
mod field;
pub mod file;
pub mod foreign;
mod gauge;
mod geometry;
pub mod group;
mod haar;
mod halo;
mod lattice;
mod layout;
mod link_source;
mod memory;
mod momenta;
pub mod number;
mod plan;
mod pool;
pub mod rng;
pub mod roofline;
mod scalar;
pub mod sum;
mod variables;

pub use complex::Complex;
pub use error::LatticeError;
pub use field::{Field, FieldReader, FieldWriter};
pub use gauge::{GaugeField, LinkReader, MomentumField};
pub use geometry::{DIM_MAX, Geometry, Site};
pub use group::Matrix;
pub use lattice::{Lattice, LatticeOptions};
pub use layout::{LaneMeaning, Layout, Neighbour, backward, forward};
pub use link_source::{BlockLinks, LinkSource, RecordedLinks};
pub use memory::{Cache, ensure_memory, prefetch};
pub use number::{BLOCK_BYTES, Isa, Kernel, Lanes, Num, Real};
pub use plan::{Planner, Task};
pub use pool::Pool;
pub use scalar::ScalarField;
pub use sum::Tally;
pub use variables::{Links, Scalars, Variables};
