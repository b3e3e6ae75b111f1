//! Strings of the host.

use crate::error::{Failure, Result};
use std::ffi::{CStr, CString, c_char};

/// A string argument.
///
/// # Safety
/// `p` is NULL or a NUL-terminated string that is valid for `'a`.
pub unsafe fn required<'a>(p: *const c_char, name: &str) -> Result<&'a str> {
    // SAFETY: the caller's promise.
    unsafe { optional(p, name) }?.ok_or_else(|| Failure::invalid(format!("{name} is NULL")))
}

/// A string argument that may be NULL.
///
/// # Safety
/// As for [`required`].
pub unsafe fn optional<'a>(p: *const c_char, name: &str) -> Result<Option<&'a str>> {
    if p.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(p) }.to_str();
    text.map(Some).map_err(|_| Failure::invalid(format!("{name} is not UTF-8")))
}

/// Text for a host.
pub fn string(text: &str) -> CString {
    CString::new(text.replace('\0', "?")).unwrap_or_default()
}
