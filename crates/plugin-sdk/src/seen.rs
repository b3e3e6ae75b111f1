//! The views of an object's last calls: a host lends fields of the same layout call after call.

use crate::raw::{self, glk_view};
use crate::{Result, View, ViewMut, sized};
use std::mem::offset_of;
use std::num::NonZeroU64;
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
    #[inline]
    pub(crate) unsafe fn next(&mut self, raw: *const glk_view, name: &'static str) -> Result<&Self> {
        // SAFETY: the caller's promise.
        unsafe {
            if continues(self, raw) {
                self.move_to(raw, name);
            } else {
                *self = View::from_raw(raw, name)?;
                give_name(self);
            }
        }
        Ok(self)
    }
}

impl ViewMut<'static> {
    /// As [`ViewMut::from_raw`], in place of the last view of this argument.
    ///
    /// # Safety
    /// As there, until the result is used no more.
    #[inline]
    pub(crate) unsafe fn next(&mut self, raw: *const glk_view, name: &'static str) -> Result<&mut Self> {
        // SAFETY: the caller's promise.
        unsafe {
            if continues(self.as_view(), raw) {
                self.view_mut().move_to(raw, name);
            } else {
                *self = ViewMut::from_raw(raw, name)?;
                give_name(self.view_mut());
            }
        }
        Ok(self)
    }
}

/// Bytes of a view before its planes, and those from behind them to its generation.
const HEAD: usize = offset_of!(glk_view, plane);
const STRIDES: usize = offset_of!(glk_view, plane_bytes);
const TAIL: usize = offset_of!(glk_view, generation) - STRIDES;

/// Whether `new` has the layout of `last`, which has a name: byte by byte, but for planes and generation.
///
/// # Safety
/// As for [`crate::read_sized`].
#[inline]
unsafe fn continues(last: &View, new: *const glk_view) -> bool {
    if new.is_null() || last.layout().is_none() {
        return false;
    }
    let (old, new) = ((&raw const *last.as_raw()).cast::<u8>(), new.cast::<u8>());
    // SAFETY: a view is as large as its size says, and only then looked at beyond that.
    unsafe {
        new.cast::<u32>().read_unaligned() as usize >= size_of::<glk_view>()
            && *old.cast::<[u8; HEAD]>() == *new.cast::<[u8; HEAD]>()
            && *old.add(STRIDES).cast::<[u8; TAIL]>() == *new.add(STRIDES).cast::<[u8; TAIL]>()
    }
}

/// Views that leave fields out have no name, nor have those whose table has to be looked at again.
#[cold]
fn give_name(view: &mut View) {
    let raw = view.as_raw();
    let whole = raw.size as usize >= size_of::<glk_view>();
    let lasting = raw.site_order != raw::GLK_SITE_TABLE || raw.flags & raw::GLK_VIEW_TABLE_KEPT != 0;
    view.set_layout(if whole && lasting { LayoutId::new() } else { None });
}
