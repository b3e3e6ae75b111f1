//! Fields of others, and ours for others: `glk_view` of `plugin.h` from and to fields.
//!
//! - [`view`] and [`lend`] describe a field where it stands, so that a plugin works on it in place.
//! - [`borrow`] and [`borrow_mut`] take a view that has this library's own layout as a field, without a copy.
//! - [`Scratch`] does one or the other, as the view allows, and counts what was copied; [`Recognised`] remembers layouts.
//! - [`LinkTarget`] takes links one by one, as they come from a file.
//! - [`read_view`] and [`write_view`] copy between a field and a view of any layout, on the lattice's threads;
//!   [`read_algebra`] and [`write_algebra`] also convert between matrices and coordinates.
//!
//! Every address is checked against the view's `plane_bytes` before the first number moves. Whether links are finite
//! and unitary is for the caller to check.

mod algebra;
mod borrow;
mod copy;
mod describe;
mod lend;
mod links;
mod own_algebra;
mod recognised;
mod scratch;
mod table;

pub use algebra::{read_algebra, write_algebra};
pub use borrow::{Borrowed, BorrowedMut, borrow, borrow_mut, retain};
pub use copy::{read_view, write_view};
pub use describe::{lattice_of, matches, resembles, view, view_mut};
pub use lend::{lend, settle};
pub use links::LinkTarget;
pub use recognised::Recognised;
pub use scratch::{Scratch, fill};
pub(crate) use table::SiteTables;

use crate::field::Field;
use crate::gauge::GaugeField;
use crate::number::Real;
use gaugelink_plugin_sdk::raw;
use std::ops::DerefMut;

/// A field whose memory a view can describe: complex numbers, `[direction][row][column]` at each site.
///
/// # Safety
/// [`Foreign::from_field`] keeps the field that it is given inside its result and hands it to nobody.
pub unsafe trait Foreign: DerefMut<Target = Field<Self::Scalar>> {
    /// Precision.
    type Scalar: Real;
    /// `GLK_GAUGE`, `GLK_WILSON`, ...
    const KIND: i32;
    /// Rows of a matrix, or spins.
    const ROWS: usize;
    /// Columns of a matrix, or colours.
    const COLUMNS: usize;

    /// The field as one of this kind.
    ///
    /// # Panics
    /// Where the field has another number of components.
    fn from_field(field: Field<Self::Scalar>) -> Self;
}

// SAFETY: the wrapped field is private, and nothing moves it out.
unsafe impl<T: Real, const N: usize> Foreign for GaugeField<T, N> {
    type Scalar = T;
    const KIND: i32 = raw::GLK_GAUGE;
    const ROWS: usize = N;
    const COLUMNS: usize = N;

    fn from_field(field: Field<T>) -> Self {
        Self::wrap(field)
    }
}

/// `GLK_F32` or `GLK_F64`.
fn scalar_code<T: Real>() -> i32 {
    if T::BITS == 64 { raw::GLK_F64 } else { raw::GLK_F32 }
}

/// Directions of a kind of field.
fn directions(kind: i32, dims: usize) -> usize {
    if matches!(kind, raw::GLK_GAUGE | raw::GLK_ALGEBRA) { dims } else { 1 }
}
