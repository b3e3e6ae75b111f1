//! Gives the plugin in `plugin.c` and its neighbours a place in the cargo workspace, so that it is built with the others.
//!
//! Nothing of it is Rust but this function, which passes the entry point on: `build.sh` makes the same plugin with a C
//! compiler alone.

use std::ffi::c_void;

unsafe extern "C" {
    fn glk_minimal_c_entry(host_abi_minor: u32) -> *const c_void;
}

/// The plugin's entry point.
// SAFETY: a plugin exports this symbol once, with the signature of `plugin.h`.
#[unsafe(no_mangle)]
pub extern "C" fn glk_plugin_entry_v1(host_abi_minor: u32) -> *const c_void {
    // SAFETY: plugin.c defines it so; it is pure.
    unsafe { glk_minimal_c_entry(host_abi_minor) }
}
