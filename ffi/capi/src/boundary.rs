//! What stands between the host and the library: NULLs, errors, panics.

use crate::error::{ErrorObject, Failure, Result};
use gaugelink_plugin_sdk::{Error, quiet, raw};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[cfg(not(panic = "unwind"))]
compile_error!("the library must be built with panic = \"unwind\": a panic that aborts takes the host down");

/// Makes the functions of the header that can fail: the body runs behind [`guard`].
///
/// Every body relies on the header: pointers are NULL or valid, handles were not freed, nothing else uses what a call
/// changes. NULL is for the body to check.
macro_rules! entries {
    ($(fn $name:ident($($argument:ident: $kind:ty),* $(,)?) $body:block)*) => {
        $(
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(
                $($argument: $kind,)*
                error: *mut *mut $crate::error::ErrorObject,
            ) -> gaugelink_plugin_sdk::raw::glk_status {
                // SAFETY: the header's rules, as above.
                unsafe { $crate::boundary::guard(stringify!($name), error, || $body) }
            }
        )*
    };
}
pub(crate) use entries;

/// Functions that free a handle.
macro_rules! frees {
    ($(fn $name:ident($kind:ty);)*) => {
        $(
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(handle: *mut $kind) {
                // SAFETY: the header asks for NULL or a handle that was not freed.
                unsafe { $crate::boundary::free(handle) }
            }
        )*
    };
}
pub(crate) use frees;

fn caught<R>(body: impl FnOnce() -> Result<R>) -> Result<R> {
    match catch_unwind(AssertUnwindSafe(|| quiet(body))) {
        Ok(result) => result,
        Err(payload) => {
            let message = format!("the library has a bug: {}; please report it", sentence(payload));
            Err(Failure(Error::new(raw::GLK_PANIC, message)))
        }
    }
}

/// What a panic said. Its payload may panic when it is dropped, so it is not.
fn sentence(payload: Box<dyn Any + Send>) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    std::mem::forget(payload);
    text.unwrap_or_else(|| "without a message".into())
}

/// Runs a function's body; a failure becomes its status and, where the host wants one, an error object.
///
/// # Safety
/// `out` is NULL or may be written.
pub unsafe fn guard(
    function: &'static str,
    out: *mut *mut ErrorObject,
    body: impl FnOnce() -> Result<()>,
) -> raw::glk_status {
    let result = caught(body);
    let (code, object) = match result {
        Ok(()) => (raw::GLK_OK, std::ptr::null_mut()),
        Err(failure) if out.is_null() => (failure.0.code, std::ptr::null_mut()),
        Err(failure) => {
            let code = failure.0.code;
            (code, Box::into_raw(Box::new(ErrorObject::new(failure, function))))
        }
    };
    if !out.is_null() {
        // SAFETY: the caller's promise.
        unsafe { out.write(object) };
    }
    code
}

/// Frees a handle; a panic on the way is swallowed.
///
/// # Safety
/// `handle` is NULL or comes from [`give`] or [`guard`] and was not freed.
pub unsafe fn free<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: the caller's promise.
        let owned = unsafe { Box::from_raw(handle) };
        let _ = caught(|| {
            drop(owned);
            Ok(())
        });
    }
}

/// What a pointer argument points to.
///
/// # Safety
/// `p` is NULL or valid for `'a`, and not changed meanwhile.
pub unsafe fn get<'a, T>(p: *const T, name: &str) -> Result<&'a T> {
    // SAFETY: the caller's promise.
    unsafe { p.as_ref() }.ok_or_else(|| Failure::invalid(format!("{name} is NULL")))
}

/// What a pointer argument points to, to be changed.
///
/// # Safety
/// `p` is NULL or valid for `'a`, and not used by others meanwhile.
pub unsafe fn get_mut<'a, T>(p: *mut T, name: &str) -> Result<&'a mut T> {
    // SAFETY: the caller's promise.
    unsafe { p.as_mut() }.ok_or_else(|| Failure::invalid(format!("{name} is NULL")))
}

/// Makes a handle and puts it in `out`, which is NULL where that fails.
///
/// # Safety
/// `out` is NULL or may be written.
pub unsafe fn give<T>(out: *mut *mut T, make: impl FnOnce() -> Result<T>) -> Result<()> {
    // SAFETY: the caller's promise.
    let out = unsafe { get_mut(out, "out") }?;
    *out = std::ptr::null_mut();
    *out = Box::into_raw(Box::new(make()?));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    #[test]
    fn a_panic_is_an_error_of_the_host_and_not_its_end() {
        let mut object = std::ptr::null_mut::<ErrorObject>();
        // SAFETY: a place for the error, and an error that was not freed.
        unsafe {
            let code = guard("a_function", &raw mut object, || panic!("planted"));
            assert_eq!((code, (*object).code()), (raw::GLK_PANIC, raw::GLK_PANIC));
            let text = CStr::from_ptr((*object).message()).to_str().unwrap();
            assert!(text.contains("planted"), "{text}");
            free(object);
            assert_eq!(guard("a_function", std::ptr::null_mut(), || panic!("planted")), raw::GLK_PANIC);
            assert_eq!(guard("a_function", &raw mut object, || Ok(())), raw::GLK_OK);
        }
        assert!(object.is_null(), "success leaves no error");
    }

    #[test]
    fn a_handle_is_null_where_making_it_fails() {
        let mut out = std::ptr::NonNull::<u64>::dangling().as_ptr();
        // SAFETY: a place for the handle.
        let result = unsafe { give(&raw mut out, || Err(Failure::invalid("no"))) };
        assert!(result.is_err() && out.is_null());
    }
}
