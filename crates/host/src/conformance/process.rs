//! What belongs to the process and not to a plugin: rule R8 of `plugin.h`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long threads that were joined may take to vanish from the system's list.
const GRACE: Duration = Duration::from_secs(1);

/// What a check compares with.
pub(super) struct Process {
    mode: u32,
    /// Where nobody else changes it.
    own: Option<Own>,
}

/// What all threads of a process share.
#[derive(PartialEq)]
struct Own {
    folder: Option<PathBuf>,
    environment: BTreeMap<OsString, OsString>,
}

impl Own {
    fn now() -> Self {
        Self { folder: std::env::current_dir().ok(), environment: std::env::vars_os().collect() }
    }
}

impl Process {
    /// As it is; without working folder and environment unless the process is `alone` with the plugin.
    pub(super) fn now(alone: bool) -> Self {
        Self { mode: mode::get(), own: alone.then(Own::now) }
    }
    /// What is not as it was, in words. The floating-point mode is put back; other changes are told once.
    pub(super) fn changed(&mut self) -> Option<String> {
        let mut changes = Vec::new();
        let mode = mode::get();
        if mode != self.mode {
            mode::set(self.mode);
            changes.push(format!("changes the floating-point mode: {}", mode::told(self.mode, mode)));
        }
        if let Some(own) = &mut self.own {
            let now = Own::now();
            if now.folder != own.folder {
                let folder =
                    now.folder.as_deref().map_or("none".into(), |folder| folder.display().to_string());
                changes.push(format!("changes the working folder to {folder}"));
            }
            let differs = |name: &&OsString| now.environment.get(*name) != own.environment.get(*name);
            let names: BTreeSet<_> =
                now.environment.keys().chain(own.environment.keys()).filter(differs).collect();
            if let Some(name) = names.first() {
                changes.push(format!("changes the environment variable {}", name.display()));
            }
            *own = now;
        }
        (!changes.is_empty()).then(|| changes.join("; "))
    }
}

/// The threads of this process; `None` where the system does not list them.
pub(super) fn threads() -> Option<BTreeSet<OsString>> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    Some(tasks.flatten().map(|task| task.file_name()).collect())
}

/// Number of threads that were not there `before`, once those that are ending have ended.
pub(super) fn left_behind(before: &BTreeSet<OsString>) -> usize {
    let start = Instant::now();
    loop {
        let left = threads().map_or(0, |now| now.difference(before).count());
        if left == 0 || start.elapsed() > GRACE {
            return left;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Rounding, flushing of subnormal numbers and traps of this thread.
#[cfg(target_arch = "x86_64")]
mod mode {
    use std::arch::asm;

    /// All but the flags of what happened.
    const CONTROL: u32 = 0xffc0;
    const BITS: [(u32, &str); 4] = [
        (1 << 15, "flush to zero (FTZ)"),
        (1 << 6, "subnormal numbers are zero (DAZ)"),
        (3 << 13, "rounding"),
        (0x3f << 7, "traps"),
    ];

    fn register() -> u32 {
        let mut value = 0u32;
        // SAFETY: MXCSR is stored into a local number.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut value, options(nostack)) };
        value
    }
    pub(super) fn get() -> u32 {
        register() & CONTROL
    }
    pub(super) fn set(mode: u32) {
        let value = register() & !CONTROL | mode;
        // SAFETY: the mode is one that `get` found before a plugin changed it.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const value, options(nostack, readonly)) };
    }
    /// Which parts differ.
    pub(super) fn told(before: u32, after: u32) -> String {
        let names: Vec<_> =
            BITS.iter().filter(|(bits, _)| (before ^ after) & bits != 0).map(|(_, name)| *name).collect();
        format!(
            "{}, MXCSR {before:#06x} is {after:#06x}; a library linked with -ffast-math does so",
            names.join(", ")
        )
    }
}

/// As above.
#[cfg(target_arch = "aarch64")]
mod mode {
    use std::arch::asm;

    pub(super) fn get() -> u32 {
        let value: u64;
        // SAFETY: FPCR may be read by any program.
        unsafe { asm!("mrs {}, fpcr", out(reg) value, options(nomem, nostack)) };
        value as u32
    }
    pub(super) fn set(mode: u32) {
        // SAFETY: the mode is one that `get` found before a plugin changed it.
        unsafe { asm!("msr fpcr, {}", in(reg) u64::from(mode), options(nomem, nostack)) };
    }
    pub(super) fn told(before: u32, after: u32) -> String {
        format!("FPCR {before:#010x} is {after:#010x}")
    }
}

/// Other machines have no mode that is known here.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod mode {
    pub(super) fn get() -> u32 {
        0
    }
    pub(super) fn set(_: u32) {}
    pub(super) fn told(_: u32, _: u32) -> String {
        String::new()
    }
}
