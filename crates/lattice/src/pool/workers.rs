//! Threads that wait for work: those of a pool of its own.

use crate::LatticeError;
use gaugelink_plugin_sdk::{is_quiet, quiet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

/// Polls before a waiting thread goes to sleep: some 20 µs.
const SPINS: u32 = 4000;

/// The work of one launch: called with the number of the thread.
pub(super) type Job = dyn Fn(usize) + Sync;

/// On cache lines of its own, so that polling one does not slow writes to the others.
#[repr(align(128))]
struct Apart<T>(T);

/// A place to sleep. Waking costs a system call, so it is done only where somebody sleeps: the sleeper says so before
/// it looks at the condition a last time, the waker changes the condition before it looks for sleepers (both
/// sequentially consistent, so one of them sees the other).
#[derive(Default)]
struct Bed {
    sleepers: AtomicUsize,
    lock: Mutex<()>,
    woken: Condvar,
}

impl Bed {
    /// Polls, then sleeps, until the condition holds.
    fn wait_until(&self, condition: impl Fn() -> bool) {
        for _ in 0..SPINS {
            if condition() {
                return;
            }
            std::hint::spin_loop();
        }
        self.sleep_until(condition);
    }

    fn sleep_until(&self, condition: impl Fn() -> bool) {
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        let mut guard = lock(&self.lock);
        while !condition() {
            guard = self.woken.wait(guard).unwrap_or_else(|e| e.into_inner());
        }
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
    }

    /// Called after the condition has come true.
    fn wake(&self) {
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            // Taking the lock orders this with a thread between its last look and its sleep.
            drop(lock(&self.lock));
            self.woken.notify_all();
        }
    }
}

struct Shared {
    /// The current job, on the stack of the launching thread.
    job: Apart<AtomicPtr<&'static Job>>,
    /// The newest [`Launch`], or `usize::MAX`, which ends the threads.
    launch: Apart<AtomicUsize>,
    /// Whether panics of the job print nothing, as on the launching thread.
    quiet: AtomicBool,
    /// Workers that still work on it.
    running: Apart<AtomicUsize>,
    /// Where workers wait for the next launch.
    idle: Apart<Bed>,
    /// Where those beyond the limit wait until it is raised: launches do not wake them.
    parked: Apart<Bed>,
    caller: Apart<Bed>,
    panic: Mutex<Option<Box<dyn std::any::Any + Send>>>,
}

/// A launch as one number, so that a thread sees both parts of the same one: its own number, and how many threads have
/// work in it.
#[derive(Clone, Copy)]
struct Launch(usize);

impl Launch {
    /// Bits for the number of threads.
    const BITS: u32 = 16;

    fn threads(self) -> usize {
        self.0 & ((1 << Self::BITS) - 1)
    }
    fn next(self, threads: usize) -> Self {
        Self(((self.0 >> Self::BITS) + 1) << Self::BITS | threads)
    }
}

/// A caller's helpers.
pub(super) struct Workers {
    shared: Arc<Shared>,
    handles: Vec<JoinHandle<()>>,
}

impl Workers {
    /// `threads - 1` of them, `threads` being 1 to [`super::Pool::THREADS_MAX`].
    ///
    /// # Errors
    /// [`LatticeError::Threads`] where the system refuses to start them.
    pub fn start(threads: usize) -> Result<Self, LatticeError> {
        let first = Launch(threads);
        let shared = Arc::new(Shared {
            job: Apart(AtomicPtr::new(std::ptr::null_mut())),
            launch: Apart(AtomicUsize::new(first.0)),
            quiet: AtomicBool::new(false),
            running: Apart(AtomicUsize::new(0)),
            idle: Apart(Bed::default()),
            parked: Apart(Bed::default()),
            caller: Apart(Bed::default()),
            panic: Mutex::new(None),
        });
        let mut workers = Self { shared, handles: Vec::new() };
        for thread in 1..threads {
            let shared = workers.shared.clone();
            let worker = std::thread::Builder::new()
                .name(format!("gaugelink-{thread}"))
                .spawn(move || work(&shared, thread, first))
                .map_err(|source| LatticeError::Threads { wanted: threads, source })?;
            workers.handles.push(worker);
        }
        Ok(workers)
    }

    /// Threads, the caller included.
    pub fn threads(&self) -> usize {
        self.handles.len() + 1
    }

    /// Calls the job on the caller (number 0) and the first `threads - 1` workers and waits for them. One launch at a
    /// time.
    pub fn launch(&self, job: &(dyn Fn(usize) + Sync), threads: usize) {
        // SAFETY: below, every worker has let go of the job before this returns.
        let mut job: &'static Job = unsafe { std::mem::transmute(job) };
        let s = &*self.shared;
        s.job.0.store(&raw mut job, Ordering::Relaxed);
        s.quiet.store(is_quiet(), Ordering::Relaxed);
        s.running.0.store(threads - 1, Ordering::Relaxed);
        let last = Launch(s.launch.0.load(Ordering::Relaxed));
        s.launch.0.store(last.next(threads).0, Ordering::SeqCst);
        s.idle.0.wake();
        if threads > last.threads() {
            s.parked.0.wake();
        }
        let mine = catch_unwind(AssertUnwindSafe(|| job(0)));
        s.caller.0.wait_until(|| s.running.0.load(Ordering::SeqCst) == 0);
        // Taken in any case: a panic of this launch must not come up in a later one.
        let theirs = lock(&s.panic).take();
        if let Some(panic) = mine.err().or(theirs) {
            resume_unwind(panic);
        }
    }

    /// Workers beyond the limit that sleep.
    #[cfg(test)]
    pub fn parked(&self) -> usize {
        self.shared.parked.0.sleepers.load(Ordering::SeqCst)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shared.launch.0.store(usize::MAX, Ordering::SeqCst);
        self.shared.idle.0.wake();
        self.shared.parked.0.wake();
        for worker in self.handles.drain(..) {
            // A worker cannot panic: jobs run inside catch_unwind.
            let _ = worker.join();
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

/// A worker's life. `first` is the launch that stands there when the pool is made, which is none.
fn work(s: &Shared, thread: usize, first: Launch) {
    let newest = || s.launch.0.load(Ordering::SeqCst);
    let mut seen = first.0;
    loop {
        s.idle.0.wait_until(|| newest() != seen);
        seen = newest();
        if thread >= Launch(seen).threads() {
            s.parked.0.sleep_until(|| thread < Launch(newest()).threads());
            seen = newest();
        }
        if seen == usize::MAX {
            return;
        }
        // SAFETY: the launching thread stored it before this launch, in which it counts this thread, and keeps it until
        // `running` is 0.
        let job = unsafe { *s.job.0.load(Ordering::Relaxed) };
        let quietly = s.quiet.load(Ordering::Relaxed);
        let work = || if quietly { quiet(|| job(thread)) } else { job(thread) };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            // One is passed on; the payload of another might panic when it is dropped.
            std::mem::forget(lock(&s.panic).replace(panic));
        }
        if s.running.0.fetch_sub(1, Ordering::SeqCst) == 1 {
            s.caller.0.wake();
        }
    }
}
