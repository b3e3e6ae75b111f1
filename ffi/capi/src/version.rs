//! Section "Version".

use std::ffi::c_char;

#[unsafe(no_mangle)]
extern "C" fn gaugelink_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
