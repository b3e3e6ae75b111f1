//! What stands between a host and the plugin's code: rule R3 of `plugin.h`.

use crate::busy::is_busy;
use crate::sized::{self, Extensible};
use crate::{Error, Result, raw};
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

#[cfg(not(panic = "unwind"))]
compile_error!("a plugin must be built with panic = \"unwind\": a panic that aborts takes the host down");

thread_local! {
    /// Depth of [`quiet`] on this thread.
    static INSIDE: Cell<u32> = const { Cell::new(0) };
}
static HOOK: Once = Once::new();

/// Lets panics inside calls and inside [`quiet`] print nothing from now on.
pub(crate) fn hush() {
    HOOK.call_once(|| {
        let chained = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !is_quiet() {
                chained(info);
            }
        }));
    });
}

/// Runs `body`; panics inside print nothing. For threads that a plugin starts itself.
pub fn quiet<R>(body: impl FnOnce() -> R) -> R {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            INSIDE.with(|inside| inside.set(inside.get() - 1));
        }
    }
    hush();
    INSIDE.with(|inside| inside.set(inside.get() + 1));
    let _leave = Leave;
    body()
}

/// Whether panics on this thread print nothing: inside [`quiet`] and inside calls of objects. Threads that work for this one
/// shall be quiet, too.
pub fn is_quiet() -> bool {
    INSIDE.with(Cell::get) > 0 || is_busy()
}

/// Runs `body` and gives the status of its result. A failure, panics among them, fills the host's error struct, with
/// `place` where the error names none. Whoever calls it sees to it that panics print nothing.
///
/// # Safety
/// As for [`Error::store`].
#[inline]
pub(crate) unsafe fn guarded(
    place: &str,
    out: *mut raw::glk_error,
    body: impl FnOnce() -> Result<()>,
) -> raw::glk_status {
    // SAFETY: the caller's promise. The status is made inside, so that a number is passed on.
    let body = || unsafe { status(body(), place, out) };
    // SAFETY: as above.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| unsafe { panicked(payload, place, out) })
}

/// # Safety
/// As for [`Error::store`].
#[cold]
unsafe fn panicked(payload: Box<dyn Any + Send>, place: &str, out: *mut raw::glk_error) -> raw::glk_status {
    let message = format!("the plugin panicked: {}", sentence(payload));
    // SAFETY: the caller's promise.
    unsafe { failed(Error::new(raw::GLK_PANIC, message), place, out) }
}

/// What a panic said. Its payload may panic when it is dropped, so it is not.
fn sentence(payload: Box<dyn Any + Send>) -> String {
    let text = if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_string()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "without a message".into()
    };
    std::mem::forget(payload);
    text
}

/// The status of a result; the host's error struct is filled, `place` where the error names none.
///
/// # Safety
/// As for [`Error::store`].
#[inline]
pub(crate) unsafe fn status(result: Result<()>, place: &str, out: *mut raw::glk_error) -> raw::glk_status {
    match result {
        Ok(()) => raw::GLK_OK,
        // SAFETY: the caller's promise.
        Err(error) => unsafe { failed(error, place, out) },
    }
}

/// # Safety
/// As for [`Error::store`].
#[cold]
unsafe fn failed(mut error: Error, place: &str, out: *mut raw::glk_error) -> raw::glk_status {
    if error.place.is_empty() {
        error.place = place.into();
    }
    // SAFETY: the caller's promise.
    unsafe { error.store(out) };
    error.code
}

/// The reference behind a pointer argument, or an error that names it.
///
/// # Safety
/// `p` is NULL or valid, and not written by others, for `'a`.
#[inline]
pub(crate) unsafe fn argument<'a, T>(p: *const T, name: &str) -> Result<&'a T> {
    // SAFETY: the caller's promise.
    unsafe { p.as_ref() }.ok_or_else(|| Error::invalid(format!("{name} is NULL")))
}

/// A struct with its size behind a pointer argument, where it stands if it is whole, else what there is of it in `room`; or
/// an error that names it.
///
/// # Safety
/// As for [`sized::read`]; it is not written by others for `'a`.
#[inline]
pub(crate) unsafe fn sized_argument<'a, T: Extensible>(
    p: *const T,
    name: &str,
    room: &'a mut Option<T>,
) -> Result<&'a T> {
    if !p.is_null() && p.is_aligned() {
        // SAFETY: the caller's promise; it is read in whole if it says that it is whole.
        unsafe {
            if p.cast::<u32>().read() as usize >= size_of::<T>() {
                return Ok(&*p);
            }
        }
    }
    // SAFETY: the caller's promise.
    unsafe { in_part(p, name, room) }
}

/// # Safety
/// As for [`sized::read`].
#[cold]
unsafe fn in_part<'a, T: Extensible>(p: *const T, name: &str, room: &'a mut Option<T>) -> Result<&'a T> {
    // SAFETY: the caller's promise.
    match unsafe { sized::read(p) } {
        Some(value) => Ok(room.insert(value)),
        None => Err(Error::invalid(format!("{name} is NULL, or its size is not set"))),
    }
}

/// A slice argument of the host; nothing if it has no elements.
///
/// # Safety
/// `p` is NULL or valid for `count` elements, and not used by others, for `'a`.
#[inline]
pub(crate) unsafe fn slice_mut<'a, T>(p: *mut T, count: usize, name: &str) -> Result<&'a mut [T]> {
    if count == 0 {
        return Ok(&mut []);
    }
    if p.is_null() {
        return Err(Error::invalid(format!("{name} is NULL; it has room for {count}")));
    }
    // SAFETY: the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts_mut(p, count) })
}
