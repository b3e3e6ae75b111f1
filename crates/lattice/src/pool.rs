//! A pool of threads of our own: sized by the caller, joined when dropped, never shared with a host's.
//!
//! Work is an index range cut into one contiguous piece a thread, always the same pieces, so a thread finds the
//! memory it touched before in its own cache. A waiting thread spins briefly (kernels follow each other within
//! microseconds), then sleeps.

use crate::LatticeError;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

/// Polls before a waiting thread goes to sleep: some 20 µs.
const SPINS: u32 = 4000;

/// The work of one launch: called with the number of the thread.
type Job = dyn Fn(usize) + Sync;

struct Shared {
    /// The current job and its number; `None` after the last.
    job: Mutex<(usize, Option<&'static Job>)>,
    wake: Condvar,
    /// Number of the newest job; `usize::MAX` ends the threads.
    epoch: AtomicUsize,
    /// Threads that still work on it.
    running: AtomicUsize,
    done: Condvar,
    panic: Mutex<Option<Box<dyn std::any::Any + Send>>>,
}

/// A fixed number of threads, the caller being one of them.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
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
            job: Mutex::new((0, None)),
            wake: Condvar::new(),
            epoch: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            done: Condvar::new(),
            panic: Mutex::new(None),
        });
        let mut pool = Self { shared, workers: Vec::new(), launch: Mutex::new(()) };
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

    /// Calls `f(thread, piece)` on every thread, the pieces together making up `range`; pieces may be empty.
    ///
    /// A panic in `f` is passed on to the caller after all threads are done.
    pub fn run(&self, range: Range<usize>, f: impl Fn(usize, Range<usize>) + Sync) {
        let (threads, len) = (self.threads(), range.len());
        let piece = |t: usize| range.start + len * t / threads..range.start + len * (t + 1) / threads;
        if self.workers.is_empty() {
            return f(0, piece(0));
        }
        let job = |thread: usize| f(thread, piece(thread));
        let job: &(dyn Fn(usize) + Sync) = &job;
        // SAFETY: `launch` returns only after every worker has let go of the job.
        let job: &'static Job = unsafe { std::mem::transmute(job) };
        self.launch(job);
    }

    fn launch(&self, job: &'static Job) {
        let _one = self.launch.lock().unwrap_or_else(|e| e.into_inner());
        let s = &self.shared;
        s.running.store(self.workers.len(), Ordering::Relaxed);
        {
            let mut slot = lock(&s.job);
            *slot = (slot.0 + 1, Some(job));
            s.epoch.store(slot.0, Ordering::Release);
        }
        s.wake.notify_all();
        let mine = catch_unwind(AssertUnwindSafe(|| job(0)));
        let mut spins = 0;
        while s.running.load(Ordering::Acquire) > 0 {
            spins += 1;
            if spins < SPINS {
                std::hint::spin_loop();
                continue;
            }
            let guard = lock(&s.job);
            if s.running.load(Ordering::Acquire) > 0 {
                drop(s.done.wait(guard).unwrap_or_else(|e| e.into_inner()));
            }
        }
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
        {
            let mut slot = lock(&self.shared.job);
            *slot = (usize::MAX, None);
            self.shared.epoch.store(usize::MAX, Ordering::Release);
        }
        self.shared.wake.notify_all();
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
        let mut spins = 0;
        while s.epoch.load(Ordering::Acquire) == seen && spins < SPINS {
            spins += 1;
            std::hint::spin_loop();
        }
        let job = {
            let mut slot = lock(&s.job);
            while slot.0 == seen {
                slot = s.wake.wait(slot).unwrap_or_else(|e| e.into_inner());
            }
            seen = slot.0;
            slot.1
        };
        let Some(job) = job else { return };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| job(thread))) {
            *lock(&s.panic) = Some(panic);
        }
        if s.running.fetch_sub(1, Ordering::AcqRel) == 1 {
            // Taking the lock orders this with a caller about to sleep.
            drop(lock(&s.job));
            s.done.notify_all();
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
