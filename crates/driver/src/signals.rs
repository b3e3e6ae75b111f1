//! Signals that ask a command to stop: the first one raises a flag, a second one ends the program at once.

use crate::error::DriverError;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A flag that SIGTERM and SIGINT raise, and SIGHUP unless whoever started the program has it ignore that, as `nohup` does;
/// for work at `path`.
///
/// # Errors
/// [`DriverError::Io`].
pub(crate) fn stop_flag(path: &Path) -> Result<Arc<AtomicBool>, DriverError> {
    let stop = Arc::new(AtomicBool::new(false));
    let heard =
        [SIGTERM, SIGINT, SIGHUP].into_iter().filter(|&signal| signal != SIGHUP || !is_ignored(signal));
    let failed = |source| DriverError::Io { action: "listen to signals for", path: path.into(), source };
    heard.into_iter().try_for_each(|signal| raise(&stop, signal)).map_err(failed)?;
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
