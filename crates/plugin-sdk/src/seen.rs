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
            if !follows(self, raw, name) {
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
            if !follows(self.view_mut(), raw, name) {
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

/// Bytes of a view before its planes, and those from behind them to its generation.
const HEAD: Range<usize> = 0..offset_of!(glk_view, plane);
const TAIL: Range<usize> = offset_of!(glk_view, plane_bytes)..offset_of!(glk_view, generation);

/// Moves `last`, which has a name, to where `new` is, if their layouts are the same: all bytes but those of planes and
/// generation.
///
/// # Safety
/// As for [`crate::read_sized`].
#[inline(always)]
unsafe fn follows(last: &mut View<'static>, new: *const glk_view, name: &'static str) -> bool {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the caller's promise, and the processor has it.
        return unsafe { follows_avx2(last, new, name) };
    }
    // SAFETY: the caller's promise.
    unsafe { follows_by(last, new, name, alike) }
}

/// # Safety
/// As for [`follows`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn follows_avx2(last: &mut View<'static>, new: *const glk_view, name: &'static str) -> bool {
    // SAFETY: the caller's promise.
    unsafe { follows_by(last, new, name, alike_avx2) }
}

/// # Safety
/// As for [`follows`]; `alike` reads two whole views.
#[inline(always)]
unsafe fn follows_by(
    last: &mut View<'static>,
    new: *const glk_view,
    name: &'static str,
    alike: unsafe fn(*const u8, *const u8) -> bool,
) -> bool {
    if new.is_null() || last.layout().is_none() {
        return false;
    }
    // SAFETY: every struct has its size; what is compared and moved to is whole.
    unsafe {
        if (new.cast::<u32>().read_unaligned() as usize) < size_of::<glk_view>()
            || !alike((&raw const *last.as_raw()).cast(), new.cast())
        {
            return false;
        }
        last.move_to(new, name);
    }
    true
}

/// Whether all of [`HEAD`] and [`TAIL`] is the same, without a branch before the last word.
///
/// # Safety
/// A whole view is readable at both places.
#[inline(always)]
unsafe fn alike(old: *const u8, new: *const u8) -> bool {
    // SAFETY: the caller's promise.
    let word = |place: *const u8, at: usize| unsafe { place.add(at).cast::<u64>().read_unaligned() };
    let words = HEAD.step_by(8).chain(TAIL.step_by(8));
    // Of a sum that it sees through the compiler makes a comparison for each word.
    std::hint::black_box(words.fold(0, |differ, at| differ | (word(old, at) ^ word(new, at)))) == 0
}

/// As [`alike`].
///
/// # Safety
/// As there; the processor has AVX2.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn alike_avx2(old: *const u8, new: *const u8) -> bool {
    use std::arch::x86_64::{
        __m256i, _mm256_loadu_si256, _mm256_or_si256, _mm256_setzero_si256, _mm256_testz_si256,
        _mm256_xor_si256,
    };
    const STEP: usize = size_of::<__m256i>();
    const {
        assert!(
            HEAD.end.is_multiple_of(STEP) && TAIL.start.is_multiple_of(STEP) && TAIL.end.is_multiple_of(STEP)
        );
    }
    // SAFETY: the caller's promise.
    unsafe {
        let mut differ = _mm256_setzero_si256();
        let mut at = 0;
        while at < TAIL.end {
            let (a, b) = (old.add(at).cast::<__m256i>(), new.add(at).cast::<__m256i>());
            differ = _mm256_or_si256(differ, _mm256_xor_si256(_mm256_loadu_si256(a), _mm256_loadu_si256(b)));
            at = if at + STEP == HEAD.end { TAIL.start } else { at + STEP };
        }
        _mm256_testz_si256(differ, differ) == 1
    }
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
    fn either_comparison_sees_every_byte_but_those_of_planes_and_generation() {
        let numbers = vec![0.0; 64];
        let old = field(&numbers);
        let place = (&raw const old).cast::<u8>();
        for byte in 0..size_of::<glk_view>() {
            let mut new = old;
            // SAFETY: a byte of the struct, which holds integers there and pointers that are not followed.
            unsafe { *(&raw mut new).cast::<u8>().add(byte) ^= 0x80 };
            let (new, same) = ((&raw const new).cast::<u8>(), !HEAD.contains(&byte) && !TAIL.contains(&byte));
            // SAFETY: whole structs.
            assert_eq!(unsafe { alike(place, new) }, same, "byte {byte}");
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: as above, on a processor that has it.
                assert_eq!(unsafe { alike_avx2(place, new) }, same, "byte {byte}, on vectors");
            }
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
