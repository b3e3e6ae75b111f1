//! Structs of the host that begin with their size.

use crate::boundary::get;
use crate::error::{Failure, Result};
use gaugelink_plugin_sdk::{Extensible, read_sized, write_sized};

/// Options of the host, or the defaults for NULL.
///
/// # Safety
/// NULL or readable as far as its size says.
pub unsafe fn options<T: Extensible>(given: *const T) -> Result<T> {
    if given.is_null() {
        return Ok(T::default());
    }
    // SAFETY: the caller's promise.
    unsafe { read_sized(given) }.ok_or_else(|| Failure::invalid("options->size is not set; set it to sizeof"))
}

/// Fills a struct of the host as far as its size says.
///
/// # Safety
/// NULL or writable as far as its size says.
pub unsafe fn report<T: Extensible>(out: *mut T, value: &T) -> Result<()> {
    // SAFETY: the caller's promise.
    unsafe {
        if read_sized(get(out, "out")?).is_none() {
            return Err(Failure::invalid("the struct's size is not set; set it to sizeof"));
        }
        write_sized(out, value);
    }
    Ok(())
}
