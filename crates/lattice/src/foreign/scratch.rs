//! Fields that stand in for views of another layout.

use super::copy::read;
use super::describe::reals;
use super::{Foreign, borrow, borrow_mut, write_view};
use crate::LatticeError;
use crate::field::Field;
use crate::lattice::Lattice;
use gaugelink_plugin_sdk::{Error, Result, View, ViewMut, raw};
use std::sync::Arc;

/// A field that is made when it is first needed, and kept. It works on views in place where their layout is the field's,
/// and copies where it is not.
#[derive(Debug)]
pub struct Scratch<F> {
    lattice: Arc<Lattice>,
    field: Option<F>,
}

impl<F: Foreign> Scratch<F> {
    /// Allocates nothing yet.
    pub fn new(lattice: &Arc<Lattice>) -> Self {
        Self { lattice: lattice.clone(), field: None }
    }
    /// The field itself; its numbers are whatever was there last.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`]; [`LatticeError::Geometry`] for a batch wider than the lanes.
    pub fn field(&mut self) -> std::result::Result<&mut F, LatticeError> {
        let field = match self.field.take() {
            Some(field) => field,
            None => F::from_field(Field::zeroed(&self.lattice, reals::<F>(&self.lattice))?),
        };
        Ok(self.field.insert(field))
    }
    /// The field with a view's numbers.
    ///
    /// # Errors
    /// As [`super::read_view`] and [`Scratch::field`].
    pub fn filled(&mut self, view: &View<'_>, copied: &mut u64) -> Result<&mut F> {
        let field = self.field()?;
        fill(view, field, copied)?;
        Ok(field)
    }
    /// Calls `work` with the numbers of an input: the view's own memory, or this field filled from it.
    ///
    /// # Errors
    /// As [`Scratch::filled`], and those of `work`.
    pub fn reading<R>(
        &mut self,
        view: &View<'_>,
        copied: &mut u64,
        work: impl FnOnce(&F) -> Result<R>,
    ) -> Result<R> {
        match borrow::<F>(view, &self.lattice) {
            Some(field) => work(&field),
            None => work(self.filled(view, copied)?),
        }
    }
    /// Calls `work`, which fills an output: the view's own memory, or this field, which is then written to the view.
    /// A view that cannot be written is refused before the work begins.
    ///
    /// # Errors
    /// As [`write_view`] and [`Scratch::field`], and those of `work`.
    ///
    /// # Panics
    /// Where `work` swaps the field for another, which would then stand in memory that is not its own.
    pub fn writing<R>(
        &mut self,
        view: &mut ViewMut<'_>,
        copied: &mut u64,
        work: impl FnOnce(&mut F) -> Result<R>,
    ) -> Result<R> {
        if let Some(mut lent) = borrow_mut::<F>(view, &self.lattice) {
            let place = lent.as_slice().as_ptr();
            // SAFETY: that the field is still in its place is checked below.
            let result = work(unsafe { lent.field_mut() });
            assert_eq!(lent.as_slice().as_ptr(), place, "a field that is lent stays in its place");
            return result;
        }
        super::copy::check::<F>(view.as_view(), 0, self.lattice.layout::<F::Scalar>().chains())?;
        view.access(&super::copy::sdk_lattice(&self.lattice)?)?;
        let field = self.field()?;
        let result = work(field)?;
        *copied += write_view(field, view, 0)?;
        Ok(result)
    }
}

/// [`super::read_view`] of a view's first fields that counts bytes only where the layout is another.
///
/// # Errors
/// As there.
pub fn fill<F: Foreign>(view: &View<'_>, field: &mut F, copied: &mut u64) -> Result<()> {
    let (bytes, own) = read(view, 0, field)?;
    if !own {
        *copied += bytes;
    }
    Ok(())
}

impl From<LatticeError> for Error {
    fn from(error: LatticeError) -> Self {
        let code = match error {
            LatticeError::OutOfMemory { .. } => raw::GLK_NO_MEMORY,
            LatticeError::Geometry(_) => raw::GLK_UNSUPPORTED,
            LatticeError::Mismatch(_) | LatticeError::TooManyThreads { .. } => raw::GLK_INVALID_ARG,
            LatticeError::File(_) => raw::GLK_IO,
            LatticeError::OtherRank => raw::GLK_COMM,
            LatticeError::Threads { .. } | LatticeError::Pinning(_) => raw::GLK_INTERNAL,
        };
        Self::new(code, error.to_string())
    }
}
