//! Parts of a batch, as views of their own.

use crate::raw::glk_view;
use crate::{Error, Result, View, ViewMut};
use std::ops::{Deref, DerefMut};

/// Fields of a batch that may be read: all of them, where the view itself will do, or some.
pub enum Part<'v> {
    /// The view.
    All(&'v View<'v>),
    /// A view of some of its fields.
    Some(Box<View<'v>>),
}

impl<'v> Deref for Part<'v> {
    type Target = View<'v>;
    #[inline]
    fn deref(&self) -> &View<'v> {
        match self {
            Self::All(view) => view,
            Self::Some(view) => view,
        }
    }
}

/// As [`Part`], of fields that may be written.
pub enum PartMut<'v, 'a> {
    /// The view.
    All(&'v mut ViewMut<'a>),
    /// A view of some of its fields.
    Some(Box<ViewMut<'a>>),
}

impl<'a> Deref for PartMut<'_, 'a> {
    type Target = ViewMut<'a>;
    #[inline]
    fn deref(&self) -> &ViewMut<'a> {
        match self {
            Self::All(view) => view,
            Self::Some(view) => view,
        }
    }
}

impl DerefMut for PartMut<'_, '_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::All(view) => view,
            Self::Some(view) => view,
        }
    }
}

impl View<'_> {
    /// The fields `first`, ..., `first + count - 1` of the batch.
    ///
    /// # Errors
    /// `INVALID_ARG` where the batch has fewer, or they lie outside the planes.
    #[inline]
    pub fn part(&self, first: usize, count: usize) -> Result<Part<'_>> {
        if first == 0 && count == self.batch() {
            return Ok(Part::All(self));
        }
        let raw = part(self.as_raw(), first, count, self.name())?;
        // SAFETY: the planes of the part are the ends of this view's planes.
        unsafe { View::from_raw(&raw const raw, self.name()) }.map(|part| Part::Some(Box::new(part)))
    }
}

impl<'a> ViewMut<'a> {
    /// As [`View::part`].
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub fn part(&mut self, first: usize, count: usize) -> Result<PartMut<'_, 'a>> {
        if first == 0 && count == self.batch() {
            return Ok(PartMut::All(self));
        }
        let name = self.as_view().name();
        let raw = part(self.as_view().as_raw(), first, count, name)?;
        // SAFETY: as for `View::part`, and this view is borrowed while the part lives.
        unsafe { ViewMut::from_raw(&raw const raw, name) }.map(|part| PartMut::Some(Box::new(part)))
    }
}

#[cold]
fn part(whole: &glk_view, first: usize, count: usize, name: &str) -> Result<glk_view> {
    let batch = whole.nrhs.max(1) as usize;
    if count == 0 || first.checked_add(count).is_none_or(|end| end > batch) {
        return Err(Error::invalid(format!(
            "{name}: nrhs is {batch}, and {count} fields from {first} on are needed"
        )));
    }
    let mut part = *whole;
    part.nrhs = count as u32;
    if first > 0 {
        let skipped = u64::try_from(whole.stride_rhs).ok().and_then(|step| step.checked_mul(first as u64));
        let skipped = skipped.filter(|&bytes| bytes < whole.plane_bytes).ok_or_else(|| {
            let (stride, bytes) = (whole.stride_rhs, whole.plane_bytes);
            Error::invalid(format!(
                "{name}: field {first} at stride_rhs {stride} is outside plane_bytes {bytes}"
            ))
        })?;
        part.plane_bytes -= skipped;
        for plane in part.plane.iter_mut().filter(|plane| !plane.is_null()) {
            *plane = plane.cast::<u8>().wrapping_add(skipped as usize).cast();
        }
    }
    Ok(part)
}

#[cfg(test)]
mod tests {
    use crate::{Lattice, View, ViewMut};

    #[test]
    fn a_part_holds_its_fields_and_no_others() {
        let lattice = Lattice::single(&[2, 2]).unwrap();
        let mut data: Vec<f64> = (0..48).map(f64::from).collect();
        let whole = View::gauge(&data, &lattice, 1).unwrap();
        let part = whole.part(1, 2).unwrap();
        assert_eq!((part.batch(), part.as_raw().plane_bytes), (2, 256));
        assert_eq!(part.access(&lattice).unwrap().get(0, 0, 0, 0, 1), [32.0, 33.0]);
        for (first, count, sentence) in
            [(2, 2, "nrhs is 3"), (0, 0, "nrhs is 3"), (usize::MAX, 2, "nrhs is 3")]
        {
            assert!(whole.part(first, count).err().unwrap().message.contains(sentence));
        }
        let mut lying = *whole.as_raw();
        lying.stride_rhs = -16;
        // SAFETY: only described, never accessed.
        let lying = unsafe { View::from_raw(&raw const lying, "U") }.unwrap();
        assert!(lying.part(1, 1).err().unwrap().message.contains("stride_rhs -16"));
        let mut whole = ViewMut::gauge(&mut data, &lattice, 1).unwrap();
        whole.part(2, 1).unwrap().access(&lattice).unwrap().set(0, 0, 0, 0, 0, [-1.0, -2.0]);
        assert_eq!(data[32..34], [-1.0, -2.0]);
    }
}
