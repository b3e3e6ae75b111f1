//! A pool of threads of our own: sized by the caller, joined when dropped, never shared with a host's.
//!
//! Work is an index range cut into one contiguous piece a thread, always the same pieces, so a thread finds the
//! memory it touched before in its own cache. A waiting thread spins briefly (kernels follow each other within
//! microseconds), then sleeps.

use crate::LatticeError;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

/// Polls before a waiting thread goes to sleep: some 20 µs.
const SPINS: u32 = 4000;

/// The work of one launch: called with the number of the thread.
type Job = dyn Fn(usize) + Sync;

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
    /// Number of the newest job; `usize::MAX` ends the threads.
    epoch: Apart<AtomicUsize>,
    /// Threads that still work on it.
    running: Apart<AtomicUsize>,
    idle: Apart<Bed>,
    caller: Apart<Bed>,
    panic: Mutex<Option<Box<dyn std::any::Any + Send>>>,
}

/// A fixed number of threads, the caller being one of them.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    /// Threads that get work.
    active: AtomicUsize,
    /// One launch at a time, also where several threads share the pool.
    launch: Mutex<()>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pool({} threads)", self.threads())
    }
}

impl Pool {
    /// A pool of `threads` threads (at least 1): the caller and `threads - 1` workers.
    ///
    /// # Errors
    /// [`LatticeError::Threads`] where the system refuses to start them.
    pub fn new(threads: usize) -> Result<Self, LatticeError> {
        let shared = Arc::new(Shared {
            job: Apart(AtomicPtr::new(std::ptr::null_mut())),
            epoch: Apart(AtomicUsize::new(0)),
            running: Apart(AtomicUsize::new(0)),
            idle: Apart(Bed::default()),
            caller: Apart(Bed::default()),
            panic: Mutex::new(None),
        });
        let active = AtomicUsize::new(threads.max(1));
        let mut pool = Self { shared, workers: Vec::new(), active, launch: Mutex::new(()) };
        for thread in 1..threads.max(1) {
            let shared = pool.shared.clone();
            let worker = std::thread::Builder::new()
                .name(format!("gaugelink-{thread}"))
                .spawn(move || work(&shared, thread))
                .map_err(|source| LatticeError::Threads { wanted: threads, source })?;
            pool.workers.push(worker);
        }
        Ok(pool)
    }

    /// Number of threads, the caller included.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Lets at most `threads` of them work from now on (at least 1, the caller); the others sleep. For hosts that grant
    /// threads call by call.
    pub fn limit(&self, threads: usize) {
        self.active.store(threads.clamp(1, self.threads()), Ordering::Relaxed);
    }

    /// Number of threads that work.
    pub fn limited(&self) -> usize {
        self.active.load(Ordering::Relaxed)
    }

    /// Calls `f(thread, piece)` once for every thread, the pieces together making up `range`; pieces may be empty.
    ///
    /// A panic in `f` is passed on to the caller after all threads are done.
    pub fn run(&self, range: Range<usize>, f: impl Fn(usize, Range<usize>) + Sync) {
        let (active, len) = (self.limited(), range.len());
        let bound = |t: usize| range.start + len * t.min(active) / active;
        let piece = |t: usize| bound(t)..bound(t + 1);
        if active == 1 {
            return (0..self.threads()).for_each(|t| f(t, piece(t)));
        }
        let job = |thread: usize| f(thread, piece(thread));
        let job: &(dyn Fn(usize) + Sync) = &job;
        // SAFETY: `launch` returns only after every worker has let go of the job.
        let job: &'static Job = unsafe { std::mem::transmute(job) };
        self.launch(job);
    }

    fn launch(&self, job: &'static Job) {
        let _one = self.launch.lock().unwrap_or_else(|e| e.into_inner());
        let s = &*self.shared;
        let mut job = job;
        s.job.0.store(&raw mut job, Ordering::Relaxed);
        s.running.0.store(self.workers.len(), Ordering::Relaxed);
        s.epoch.0.fetch_add(1, Ordering::SeqCst);
        s.idle.0.wake();
        let mine = catch_unwind(AssertUnwindSafe(|| job(0)));
        s.caller.0.wait_until(|| s.running.0.load(Ordering::SeqCst) == 0);
        if let Err(panic) = mine {
            resume_unwind(panic);
        }
        if let Some(panic) = lock(&s.panic).take() {
            resume_unwind(panic);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.epoch.0.store(usize::MAX, Ordering::SeqCst);
        self.shared.idle.0.wake();
        for worker in self.workers.drain(..) {
            // A worker cannot panic: jobs run inside catch_unwind.
            let _ = worker.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

fn work(s: &Shared, thread: usize) {
    let mut seen = 0;
    loop {
        s.idle.0.wait_until(|| s.epoch.0.load(Ordering::SeqCst) != seen);
        seen = s.epoch.0.load(Ordering::SeqCst);
        if seen == usize::MAX {
            return;
        }
        // SAFETY: the launching thread stored it before this epoch and keeps it until `running` is 0.
        let job = unsafe { *s.job.0.load(Ordering::Relaxed) };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| job(thread))) {
            *lock(&s.panic) = Some(panic);
        }
        if s.running.0.fetch_sub(1, Ordering::SeqCst) == 1 {
            s.caller.0.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_is_worked_on_once_and_results_are_seen() {
        for threads in [1, 2, 3, 5] {
            let pool = Pool::new(threads).unwrap();
            assert_eq!(pool.threads(), threads);
            let counts: Vec<AtomicUsize> = (0..1000).map(|_| AtomicUsize::new(0)).collect();
            for launch in 0..200 {
                if launch % 50 == 0 {
                    std::thread::sleep(std::time::Duration::from_millis(2));
                }
                pool.run(3..1000, |_, piece| {
                    for i in piece {
                        counts[i].fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            let expected = |i: usize| if i < 3 { 0 } else { 200 };
            assert!(counts.iter().enumerate().all(|(i, c)| c.load(Ordering::Relaxed) == expected(i)));
        }
    }

    #[test]
    fn only_as_many_threads_as_the_limit_have_work() {
        let pool = Pool::new(3).unwrap();
        for (limit, working) in [(2, 2), (1, 1), (0, 1), (9, 3)] {
            pool.limit(limit);
            let sizes: Vec<AtomicUsize> = (0..3).map(|_| AtomicUsize::new(usize::MAX)).collect();
            pool.run(5..35, |thread, piece| sizes[thread].store(piece.len(), Ordering::Relaxed));
            let sizes: Vec<usize> = sizes.into_iter().map(AtomicUsize::into_inner).collect();
            assert_eq!(sizes.iter().sum::<usize>(), 30, "limit {limit}: {sizes:?}");
            assert_eq!(sizes.iter().filter(|&&n| n > 0).count(), working, "limit {limit}: {sizes:?}");
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
        let pool = Pool::new(2).unwrap();
        for bad in 0..2 {
            let caught = catch_unwind(AssertUnwindSafe(|| {
                pool.run(0..2, |thread, _| {
                    if thread == bad {
                        panic!("planted");
                    }
                })
            }));
            assert!(caught.is_err());
        }
        let sum = AtomicUsize::new(0);
        pool.run(0..10, |_, piece| {
            sum.fetch_add(piece.sum(), Ordering::Relaxed);
        });
        assert_eq!(sum.into_inner(), 45);
    }
}
