//! A plugin that ends the process must not look like a run that is done, and one that crashes it must not go unnamed.

use std::mem::zeroed;
use std::ptr::null_mut;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

static WORKING: AtomicBool = AtomicBool::new(false);

macro_rules! crash {
    ($signal:literal) => {
        concat!(
            "gaugelink: a plugin, most likely, crashed the program (",
            $signal,
            "): `gaugelink plugin check` may tell where; a checkpoint, if there is one, is intact\n"
        )
    };
}

/// What a process crashes with, and what is said.
const CRASHES: [(libc::c_int, &str); 5] = [
    (libc::SIGABRT, crash!("SIGABRT")),
    (libc::SIGBUS, crash!("SIGBUS")),
    (libc::SIGFPE, crash!("SIGFPE")),
    (libc::SIGILL, crash!("SIGILL")),
    (libc::SIGSEGV, crash!("SIGSEGV")),
];

/// While this lives, an `exit` of whatever status is answered with a sentence and status 1, and a crash with a sentence.
pub(super) struct Guard(());

impl Guard {
    /// `plugins`: whether the run has any; without them a crash is the program's own.
    pub fn new(plugins: bool) -> Self {
        static REGISTERED: Once = Once::new();
        if plugins {
            REGISTERED.call_once(register);
        }
        WORKING.store(true, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        WORKING.store(false, Ordering::SeqCst);
    }
}

/// Without room for a handler, an end is what it was.
fn register() {
    // SAFETY: the function may be called at any time until the process ends, and does not unwind.
    let _ = unsafe { libc::atexit(ended) };
    for (signal, _) in CRASHES {
        // SAFETY: a whole struct; the handler calls nothing but `write`. It serves once and gives way to the system's, so
        // that the signal, which comes again, ends the process as ever, with its core.
        unsafe {
            let mut action: libc::sigaction = zeroed();
            action.sa_sigaction = crashed as extern "C" fn(libc::c_int) as libc::sighandler_t;
            action.sa_flags = libc::SA_RESETHAND | libc::SA_ONSTACK;
            libc::sigaction(signal, &raw const action, null_mut());
        }
    }
}

fn say(sentence: &str) {
    // SAFETY: a text of this length.
    unsafe { libc::write(2, sentence.as_ptr().cast(), sentence.len()) };
}

extern "C" fn crashed(signal: libc::c_int) {
    let known = CRASHES.iter().find(|(number, _)| *number == signal);
    if let (true, Some((_, sentence))) = (WORKING.load(Ordering::SeqCst), known) {
        say(sentence);
    }
}

extern "C" fn ended() {
    if WORKING.load(Ordering::SeqCst) {
        say(
            "gaugelink: a plugin ended the program in the middle of the run (exit): use another one; the last checkpoint is \
             intact\n",
        );
        // SAFETY: nothing else of the process, which ends here, is touched.
        unsafe { libc::_exit(1) };
    }
}
