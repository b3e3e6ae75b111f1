//! Which threads are inside calls of objects, so that their panics print nothing.
//!
//! A call writes its thread into a place of the object and nothing else: in a shared library a variable of the thread, which
//! it could count in, is found by a call of the loader's, a fifth of what a call may cost. Whoever asks looks at the places of
//! all objects.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A place of an object: the thread that is inside a call of it, or 0.
pub(crate) struct Busy(Arc<AtomicUsize>);

/// Those of all objects of this library.
static PLACES: Mutex<Vec<Arc<AtomicUsize>>> = Mutex::new(Vec::new());

fn places<R>(look: impl FnOnce(&mut Vec<Arc<AtomicUsize>>) -> R) -> R {
    look(&mut PLACES.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Busy {
    pub(crate) fn new() -> Self {
        let place = Arc::new(AtomicUsize::new(0));
        places(|all| all.push(place.clone()));
        Self(place)
    }
    /// A call begins on this thread.
    #[inline(always)]
    pub(crate) fn enter(&self) {
        self.0.store(this_thread(), Ordering::Relaxed);
    }
    /// It is over.
    #[inline(always)]
    pub(crate) fn leave(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        places(|all| all.retain(|place| !Arc::ptr_eq(place, &self.0)));
    }
}

/// Whether this thread is inside a call of an object.
pub(crate) fn is_busy() -> bool {
    let thread = this_thread();
    places(|all| all.iter().any(|place| place.load(Ordering::Relaxed) == thread))
}

/// A number that no other thread has while this one lives, and that is not 0: where its control block stands, which begins
/// with this very address (System V ABI for x86-64, ELF handling for thread-local storage, section 3.4.6).
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[inline(always)]
fn this_thread() -> usize {
    let block: usize;
    // SAFETY: a load of a word that every thread has.
    unsafe {
        std::arch::asm!("mov {}, fs:[0]", out(reg) block, options(pure, readonly, nostack, preserves_flags));
    }
    block
}

/// As above, by a variable of the thread.
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
fn this_thread() -> usize {
    thread_local! {
        static HERE: u8 = const { 0 };
    }
    HERE.with(|here| std::ptr::from_ref(here).addr())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_busy_while_one_of_its_calls_lasts() {
        let (first, second) = (Busy::new(), Busy::new());
        assert!(!is_busy());
        first.enter();
        // A host's callback may call another object.
        second.enter();
        second.leave();
        assert!(is_busy());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                assert!(!is_busy(), "the call is on another thread");
                second.enter();
                assert!(is_busy());
                second.leave();
            });
        });
        assert!(is_busy());
        first.leave();
        assert!(!is_busy());
        first.enter();
        drop(first);
        assert!(!is_busy(), "an object that is gone");
    }
}
