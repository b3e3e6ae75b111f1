//! A plugin that ends the process must not look like a run that is done.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

static WORKING: AtomicBool = AtomicBool::new(false);

/// While this lives, an `exit` of whatever status is answered with a sentence and status 1.
pub(super) struct Guard(());

impl Guard {
    pub fn new() -> Self {
        static REGISTERED: Once = Once::new();
        REGISTERED.call_once(|| {
            // SAFETY: the function may be called at any time until the process ends, and does not unwind. Without room
            // for it, an exit is what it was.
            let _ = unsafe { libc::atexit(ended) };
        });
        WORKING.store(true, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        WORKING.store(false, Ordering::SeqCst);
    }
}

extern "C" fn ended() {
    const SENTENCE: &str = "gaugelink: a plugin ended the program in the middle of the run (exit): use another one; the last \
                            checkpoint is intact\n";
    if WORKING.load(Ordering::SeqCst) {
        // SAFETY: a text of this length; nothing else of the process, which ends here, is touched.
        unsafe {
            libc::write(2, SENTENCE.as_ptr().cast(), SENTENCE.len());
            libc::_exit(1);
        }
    }
}
