//! The views of an object's last calls: a host lends fields of the same layout call after call.

use crate::raw::{self, glk_view};
use crate::{Result, View, ViewMut, sized};
use std::mem::offset_of;
use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// The name of a layout that a view of an object has. Another view of the same name, given to the same object, differs in
/// nothing but the addresses of its planes and its generation; its site table has the same entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayoutId(NonZeroU64);

impl LayoutId {
    /// A name that was never given in this process.
    fn new() -> Option<Self> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        NonZeroU64::new(LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1)).map(Self)
    }
}

/// The last view of each argument. A view that differs from it in planes and generation alone keeps the name of its
/// layout; what was found out about that name holds for it, too.
pub(crate) struct Seen {
    pub input: View<'static>,
    pub second: View<'static>,
    pub output: ViewMut<'static>,
    pub asked: View<'static>,
}

impl Seen {
    pub(crate) fn new() -> Result<Self> {
        let nothing = sized::new::<glk_view>();
        // SAFETY: nothing is described.
        unsafe {
            let none = View::from_raw(&raw const nothing, "view")?;
            let output = ViewMut::from_raw(&raw const nothing, "view")?;
            Ok(Self { input: none, second: none, output, asked: none })
        }
    }
}

impl View<'static> {
    /// As [`View::from_raw`], in place of the last view of this argument.
    ///
    /// # Safety
    /// As there, until the result is used no more.
    #[inline(always)]
    pub(crate) unsafe fn next(&mut self, raw: *const glk_view, name: &'static str) -> Result<&Self> {
        // SAFETY: the caller's promise.
        unsafe {
            if continues(self, raw) {
                self.move_to(raw, name);
            } else {
                self.begin(raw, name)?;
            }
        }
        Ok(self)
    }
    /// # Safety
    /// As for [`Self::next`].
    #[cold]
    unsafe fn begin(&mut self, raw: *const glk_view, name: &'static str) -> Result<()> {
        // SAFETY: the caller's promise.
        *self = unsafe { View::from_raw(raw, name) }?;
        give_name(self);
        Ok(())
    }
}

impl ViewMut<'static> {
    /// As [`ViewMut::from_raw`], in place of the last view of this argument.
    ///
    /// # Safety
    /// As there, until the result is used no more.
    #[inline(always)]
    pub(crate) unsafe fn next(&mut self, raw: *const glk_view, name: &'static str) -> Result<&mut Self> {
        // SAFETY: the caller's promise.
        unsafe {
            if continues(self.as_view(), raw) {
                self.view_mut().move_to(raw, name);
            } else {
                self.begin(raw, name)?;
            }
        }
        Ok(self)
    }
    /// # Safety
    /// As for [`Self::next`].
    #[cold]
    unsafe fn begin(&mut self, raw: *const glk_view, name: &'static str) -> Result<()> {
        // SAFETY: the caller's promise.
        *self = unsafe { ViewMut::from_raw(raw, name) }?;
        give_name(self.view_mut());
        Ok(())
    }
}

/// What is compared at once.
type Block = [u8; 16];
/// Blocks of a view before its planes, and those from behind them to its generation.
const HEAD: Range<usize> = blocks(0, offset_of!(glk_view, plane));
const TAIL: Range<usize> = blocks(offset_of!(glk_view, plane_bytes), offset_of!(glk_view, generation));

/// The blocks from one byte to another.
const fn blocks(first: usize, end: usize) -> Range<usize> {
    let size = size_of::<Block>();
    assert!(first.is_multiple_of(size) && end.is_multiple_of(size), "every byte is compared");
    first / size..end / size
}

/// Whether `new` has the layout of `last`, which has a name: bit by bit, but for planes and generation.
///
/// # Safety
/// As for [`crate::read_sized`].
#[inline(always)]
unsafe fn continues(last: &View, new: *const glk_view) -> bool {
    if new.is_null() || last.layout().is_none() {
        return false;
    }
    // SAFETY: every struct has its size.
    if (unsafe { new.cast::<u32>().read_unaligned() } as usize) < size_of::<glk_view>() {
        return false;
    }
    // SAFETY: both structs are whole.
    unsafe { alike((&raw const *last.as_raw()).cast(), new.cast()) }
}

/// Whether all of [`HEAD`] and [`TAIL`] is the same at both places, without a branch before the last byte.
///
/// # Safety
/// A whole view is readable at both.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn alike(old: *const Block, new: *const Block) -> bool {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_setzero_si128,
        _mm_xor_si128,
    };
    // SAFETY: the caller's promise; every processor of this architecture has SSE2.
    unsafe {
        let mut differ = _mm_setzero_si128();
        let mut i = HEAD.start;
        while i < TAIL.end {
            let (a, b) = (old.add(i).cast::<__m128i>(), new.add(i).cast::<__m128i>());
            differ = _mm_or_si128(differ, _mm_xor_si128(_mm_loadu_si128(a), _mm_loadu_si128(b)));
            i = if i + 1 == HEAD.end { TAIL.start } else { i + 1 };
        }
        _mm_movemask_epi8(_mm_cmpeq_epi8(differ, _mm_setzero_si128())) == 0xffff
    }
}

/// As above. Of words the compiler makes a comparison each, unless their sum is hidden from it.
///
/// # Safety
/// As above.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
unsafe fn alike(old: *const Block, new: *const Block) -> bool {
    // SAFETY: the caller's promise.
    let bits = |place: *const Block, i: usize| unsafe { place.add(i).cast::<u128>().read_unaligned() };
    std::hint::black_box(HEAD.chain(TAIL).fold(0, |differ, i| differ | (bits(old, i) ^ bits(new, i)))) == 0
}

/// Views that leave fields out have no name, nor have those whose table has to be looked at again.
fn give_name(view: &mut View) {
    let raw = view.as_raw();
    let whole = raw.size as usize >= size_of::<glk_view>();
    let lasting = raw.site_order != raw::GLK_SITE_TABLE || raw.flags & raw::GLK_VIEW_TABLE_KEPT != 0;
    view.set_layout(if whole && lasting { LayoutId::new() } else { None });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lattice;

    /// The name of a view's layout as the next input after `seen`.
    fn named(seen: &mut Seen, raw: &glk_view) -> Option<LayoutId> {
        // SAFETY: a whole struct, or one that says it is less; planes are not followed.
        unsafe { seen.input.next(raw, "U") }.ok().and_then(|view| view.layout())
    }

    fn field(numbers: &[f64]) -> glk_view {
        *View::gauge(numbers, &Lattice::single(&[4, 4]).unwrap(), 1).unwrap().as_raw()
    }

    #[test]
    fn a_name_is_kept_by_what_differs_in_planes_and_generation_alone() {
        let (numbers, mut seen) = (vec![0.0; 128], Seen::new().unwrap());
        let mut raw = field(&numbers[..64]);
        let name = named(&mut seen, &raw);
        assert!(name.is_some() && named(&mut seen, &raw) == name);
        (raw.plane[0], raw.generation) = (numbers[64..].as_ptr().cast_mut().cast(), 7);
        assert_eq!(named(&mut seen, &raw), name);
        // SAFETY: as above.
        let view = unsafe { seen.input.next(&raw const raw, "V") }.unwrap();
        assert_eq!((view.as_raw().plane[0], view.as_raw().generation, view.name()), (raw.plane[0], 7, "V"));
        // SAFETY: NULL is refused, and the last view is not forgotten for it.
        assert!(unsafe { seen.input.next(std::ptr::null(), "U") }.is_err());
        assert_eq!(named(&mut seen, &raw), name);
    }

    #[test]
    fn every_other_byte_makes_another_layout() {
        let (numbers, mut seen) = (vec![0.0; 64], Seen::new().unwrap());
        let good = field(&numbers);
        let [plane, behind, generation] = [
            offset_of!(glk_view, plane),
            offset_of!(glk_view, plane_bytes),
            offset_of!(glk_view, generation),
        ];
        for byte in (0..plane).chain(behind..generation) {
            let name = named(&mut seen, &good);
            assert!(name.is_some());
            let mut changed = good;
            // SAFETY: a byte of the struct, which holds integers there and a pointer that is not followed.
            unsafe { *(&raw mut changed).cast::<u8>().add(byte) ^= 1 };
            // Less than whole: without a name, and not read beyond.
            assert_ne!(named(&mut seen, &changed), name, "byte {byte}");
            assert_ne!(named(&mut seen, &good), name, "byte {byte}: a name is given once");
        }
    }

    #[test]
    fn tables_that_may_change_and_views_that_were_changed_have_no_name() {
        let (mut numbers, mut seen) = (vec![0.0; 64], Seen::new().unwrap());
        let mut raw = field(&numbers);
        let table: Vec<i64> = (0..16).collect();
        (raw.site_order, raw.site_table) = (raw::GLK_SITE_TABLE, table.as_ptr());
        assert_eq!(named(&mut seen, &raw), None);
        raw.flags = raw::GLK_VIEW_TABLE_KEPT;
        assert!(named(&mut seen, &raw).is_some());
        let raw =
            *ViewMut::gauge(&mut numbers, &Lattice::single(&[4, 4]).unwrap(), 1).unwrap().as_view().as_raw();
        let changes: [fn(&mut ViewMut); 4] = [
            |u| u.set_kind(raw::GLK_ALGEBRA),
            |u| u.set_flags(raw::GLK_VIEW_ACCUMULATE),
            |u| u.set_algebra_conv(raw::GLK_ALG_NEG_F),
            |u| assert!(!u.as_raw_mut().is_null()),
        ];
        for change in changes {
            // SAFETY: as above.
            let u = unsafe { seen.output.next(&raw const raw, "U") }.unwrap();
            assert!(u.as_view().layout().is_some());
            change(u);
            assert_eq!(u.as_view().layout(), None);
        }
    }
}
