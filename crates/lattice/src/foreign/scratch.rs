//! Fields that stand in for views of another layout.

use super::copy::{read, read_own};
use super::describe::reals;
use super::{Foreign, Recognised, write_view};
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
    own: Recognised,
    /// A field without memory of its own, which stands in that of a view as long as the view is worked on.
    lent: Option<F>,
}

impl<F: Foreign> Scratch<F> {
    /// Allocates nothing yet.
    pub fn new(lattice: &Arc<Lattice>) -> Self {
        Self { lattice: lattice.clone(), field: None, own: Recognised::default(), lent: None }
    }
    /// The field itself; its numbers are whatever was there last.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`]; [`LatticeError::Geometry`] for a batch wider than the lanes.
    pub fn field(&mut self) -> std::result::Result<&mut F, LatticeError> {
        made(&mut self.field, &self.lattice)
    }
    /// The field with a view's numbers.
    ///
    /// # Errors
    /// As [`super::read_view`] and [`Scratch::field`].
    pub fn filled(&mut self, view: &View<'_>, copied: &mut u64) -> Result<&mut F> {
        let field = made(&mut self.field, &self.lattice)?;
        fill(view, field, &mut self.own, copied)?;
        Ok(field)
    }
    /// Whether a field can stand in the view's memory.
    #[inline]
    fn fits(&mut self, view: &View<'_>) -> bool {
        self.own.matches::<F>(view, &self.lattice) && !self.lattice.layout::<F::Scalar>().has_ghosts()
    }
    /// The field in the memory of a view that it fits. Made once, and moved where it stands: counting the owners of its
    /// lattice, and moving the struct itself, would each be a large part of a call's cost.
    ///
    /// # Safety
    /// Not used after the view, and written only where the view may be.
    #[inline]
    unsafe fn lent(&mut self, view: &View<'_>) -> &mut F {
        let (start, lattice) = (view.as_raw().plane[0].cast(), &self.lattice);
        // SAFETY: the caller's promise; the view was compared with all that a field needs.
        let lent = self.lent.get_or_insert_with(
            #[cold]
            || unsafe { F::from_field(Field::at(start, lattice, reals::<F>(lattice))) },
        );
        // SAFETY: as above.
        unsafe { lent.move_to(start) };
        lent
    }
    /// Calls `work` with the numbers of an input: the view's own memory, or this field filled from it.
    ///
    /// # Errors
    /// As [`Scratch::filled`], and those of `work`.
    #[inline]
    pub fn reading<R>(
        &mut self,
        view: &View<'_>,
        copied: &mut u64,
        work: impl FnOnce(&F) -> Result<R>,
    ) -> Result<R> {
        if !self.fits(view) {
            return work(self.filled(view, copied)?);
        }
        // SAFETY: it is read while the view is borrowed.
        work(unsafe { self.lent(view) })
    }
    /// Calls `work`, which fills an output: the view's own memory, or this field, which is then written to the view.
    /// A view that cannot be written is refused before the work begins.
    ///
    /// # Errors
    /// As [`write_view`] and [`Scratch::field`], and those of `work`.
    ///
    /// # Panics
    /// Where `work` swaps the field for another, which would then stand in memory that is not its own.
    #[inline]
    pub fn writing<R>(
        &mut self,
        view: &mut ViewMut<'_>,
        copied: &mut u64,
        work: impl FnOnce(&mut F) -> Result<R>,
    ) -> Result<R> {
        let adds = view.as_view().as_raw().flags & raw::GLK_VIEW_ACCUMULATE != 0;
        if adds || !self.fits(view.as_view()) {
            return self.written_back(view, copied, work);
        }
        // SAFETY: it is used while the view is borrowed; that `work` has not put another in its place is checked below.
        let lent = unsafe { self.lent(view.as_view()) };
        let place = lent.as_slice().as_ptr();
        let result = work(lent);
        if lent.as_slice().as_ptr() != place {
            self.lent = None;
            panic!("a field that is lent stays in its place");
        }
        result
    }
    /// As [`Scratch::writing`], with this field.
    #[inline(never)]
    fn written_back<R>(
        &mut self,
        view: &mut ViewMut<'_>,
        copied: &mut u64,
        work: impl FnOnce(&mut F) -> Result<R>,
    ) -> Result<R> {
        super::copy::check::<F>(view.as_view(), 0, self.lattice.layout::<F::Scalar>().chains())?;
        view.access(&super::copy::sdk_lattice(&self.lattice)?)?;
        let field = self.field()?;
        let result = work(field)?;
        *copied += write_view(field, view, 0)?;
        Ok(result)
    }
}

/// The field that is there, or a new one.
fn made<'f, F: Foreign>(
    place: &'f mut Option<F>,
    lattice: &Arc<Lattice>,
) -> std::result::Result<&'f mut F, LatticeError> {
    let field = match place.take() {
        Some(field) => field,
        None => F::from_field(Field::zeroed(lattice, reals::<F>(lattice))?),
    };
    Ok(place.insert(field))
}

/// [`super::read_view`] of a view's first fields that counts bytes only where the layout is another. `own` remembers
/// the layouts of views of fields of this kind on this lattice.
///
/// # Errors
/// As there.
#[inline]
pub fn fill<F: Foreign>(
    view: &View<'_>,
    field: &mut F,
    own: &mut Recognised,
    copied: &mut u64,
) -> Result<()> {
    // What is known to match was checked before.
    if own.has(view) {
        read_own(view, field);
        return Ok(());
    }
    converted(view, field, own, copied)
}

/// As [`fill`], of a view about whose layout nothing is known yet.
#[inline(never)]
fn converted<F: Foreign>(
    view: &View<'_>,
    field: &mut F,
    own: &mut Recognised,
    copied: &mut u64,
) -> Result<()> {
    let (bytes, own) = read(view, 0, field, own)?;
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
