//! Cores that threads may run on.

use std::io;

/// Numbers of the cores that this thread may run on.
#[cfg(target_os = "linux")]
pub(super) fn usable() -> io::Result<Vec<usize>> {
    // SAFETY: plain bits.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set is valid for as many bytes as are told.
    if unsafe { libc::sched_getaffinity(0, size_of_val(&set), &mut set) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the numbers are those of the set's bits.
    Ok((0..libc::CPU_SETSIZE as usize).filter(|&core| unsafe { libc::CPU_ISSET(core, &set) }).collect())
}

/// Binds this thread to one core.
#[cfg(target_os = "linux")]
pub(super) fn bind_to(core: usize) -> io::Result<()> {
    // SAFETY: plain bits.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the number came from such a set.
    unsafe { libc::CPU_SET(core, &mut set) };
    // SAFETY: the set is valid for as many bytes as are told.
    match unsafe { libc::sched_setaffinity(0, size_of_val(&set), &set) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn usable() -> io::Result<Vec<usize>> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn bind_to(_: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
