//! Views of this library's own layout as fields, without a copy.

use super::Foreign;
use super::describe::{matches, own_bytes, reals};
use crate::field::Field;
use crate::lattice::Lattice;
use gaugelink_plugin_sdk::{View, ViewMut};
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

/// A field in memory that somebody else owns.
pub struct Borrowed<'a, F> {
    field: F,
    memory: PhantomData<&'a mut [f64]>,
}

impl<F> Deref for Borrowed<'_, F> {
    type Target = F;
    fn deref(&self) -> &F {
        &self.field
    }
}

/// A field in memory that somebody else owns and that may be written.
pub struct BorrowedMut<'a, F>(Borrowed<'a, F>);

impl<F> Deref for BorrowedMut<'_, F> {
    type Target = F;
    fn deref(&self) -> &F {
        &self.0
    }
}

impl<F> BorrowedMut<'_, F> {
    /// The field, to be written.
    ///
    /// # Safety
    /// Its numbers may be changed. The field itself is not swapped with another, moved or replaced: it has no memory of
    /// its own, and would outlive that of the view.
    pub unsafe fn field_mut(&mut self) -> &mut F {
        &mut self.0.field
    }
}

/// The view as a field of this lattice, where it has the same layout and the lattice is one rank's; else `None`:
/// then [`super::read_view`] copies.
pub fn borrow<'a, F: Foreign>(view: &'a View<'_>, lattice: &Arc<Lattice>) -> Option<Borrowed<'a, F>> {
    (matches::<F>(view, lattice) && !lattice.layout::<F::Scalar>().has_ghosts()).then(|| {
        // SAFETY: `matches` has checked alignment and size; nothing writes through `Borrowed`.
        let field = unsafe { Field::at(view.as_raw().plane[0].cast(), lattice, reals::<F>(lattice)) };
        debug_assert!(own_bytes(&field) as u64 <= view.as_raw().plane_bytes);
        Borrowed { field: F::from_field(field), memory: PhantomData }
    })
}

/// As [`borrow`], for preconditioners that read links in place between calls.
///
/// # Safety
/// The result is not used after the owner may have freed or changed the field.
pub unsafe fn retain<F: Foreign>(view: &View<'_>, lattice: &Arc<Lattice>) -> Option<Borrowed<'static, F>> {
    let Borrowed { field, .. } = borrow::<F>(view, lattice)?;
    Some(Borrowed { field, memory: PhantomData })
}

/// As [`borrow`], for writing. A view that says `ACCUMULATE` is not borrowed.
pub fn borrow_mut<'a, F: Foreign>(
    view: &'a mut ViewMut<'_>,
    lattice: &Arc<Lattice>,
) -> Option<BorrowedMut<'a, F>> {
    let adds = view.as_view().as_raw().flags & gaugelink_plugin_sdk::raw::GLK_VIEW_ACCUMULATE != 0;
    if adds {
        return None;
    }
    borrow::<F>(view.as_view(), lattice).map(BorrowedMut)
}
