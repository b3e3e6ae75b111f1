//! Signals that ask a command to stop: the first one raises a flag, a second one ends the program at once.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A flag that SIGTERM and SIGINT raise.
///
/// # Errors
/// Those of the system.
pub(crate) fn stop_flag() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    raise(&stop, SIGTERM)?;
    raise(&stop, SIGINT)?;
    Ok(stop)
}

/// The same, also raised by SIGHUP unless whoever started the program has it ignore that, as `nohup` does.
///
/// # Errors
/// Those of the system.
pub(crate) fn stop_flag_of_terminals() -> io::Result<Arc<AtomicBool>> {
    let stop = stop_flag()?;
    if !is_ignored(SIGHUP) {
        raise(&stop, SIGHUP)?;
    }
    Ok(stop)
}

/// Has a signal raise the flag, and end the program where that is up already.
fn raise(stop: &Arc<AtomicBool>, signal: i32) -> io::Result<()> {
    signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, stop.clone())?;
    signal_hook::flag::register(signal, stop.clone())?;
    Ok(())
}

/// Whether the program ignores a signal.
fn is_ignored(signal: i32) -> bool {
    // SAFETY: asks for the present action and sets none; zeros are an action.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut action) == 0
            && action.sa_sigaction == libc::SIG_IGN
    }
}
