//! A pool of threads of our own: sized by the caller, joined when dropped, never shared with a host's.
//!
//! Work is an index range cut into one contiguous piece a thread, always the same pieces, so a thread finds the
//! memory it touched before in its own cache. A waiting thread spins briefly (kernels follow each other within
//! microseconds), then sleeps.

use crate::LatticeError;
use gaugelink_plugin_sdk::{is_quiet, quiet};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
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
    const THREADS_MAX: usize = (1 << Self::BITS) - 1;

    fn threads(self) -> usize {
        self.0 & Self::THREADS_MAX
    }
    fn next(self, threads: usize) -> Self {
        Self(((self.0 >> Self::BITS) + 1) << Self::BITS | threads)
    }
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
    /// A pool of `threads` threads (1 to 65535): the caller and `threads - 1` workers.
    ///
    /// # Errors
    /// [`LatticeError::Threads`] where the system refuses to start them.
    pub fn new(threads: usize) -> Result<Self, LatticeError> {
        let threads = threads.clamp(1, Launch::THREADS_MAX);
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
        let active = AtomicUsize::new(threads);
        let mut pool = Self { shared, workers: Vec::new(), active, launch: Mutex::new(()) };
        for thread in 1..threads {
            let shared = pool.shared.clone();
            let worker = std::thread::Builder::new()
                .name(format!("gaugelink-{thread}"))
                .spawn(move || work(&shared, thread, first))
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
        // Pieces beyond the limit are empty: the caller runs them, so that nobody is woken and waited for.
        let job = |thread: usize| {
            f(thread, piece(thread));
            if thread == 0 {
                (active..self.threads()).for_each(|t| f(t, piece(t)));
            }
        };
        let job: &(dyn Fn(usize) + Sync) = &job;
        // SAFETY: `launch` returns only after every worker has let go of the job.
        let job: &'static Job = unsafe { std::mem::transmute(job) };
        self.launch(job, active);
    }

    fn launch(&self, job: &'static Job, threads: usize) {
        let _one = self.launch.lock().unwrap_or_else(|e| e.into_inner());
        let s = &*self.shared;
        let mut job = job;
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
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.launch.0.store(usize::MAX, Ordering::SeqCst);
        self.shared.idle.0.wake();
        self.shared.parked.0.wake();
        for worker in self.workers.drain(..) {
            // A worker cannot panic: jobs run inside catch_unwind.
            let _ = worker.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
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
    fn threads_beyond_the_limit_sleep_while_the_caller_runs_their_empty_pieces() {
        use std::thread::{ThreadId, current};
        let pool = Pool::new(4).unwrap();
        let who = || {
            let ran = Mutex::new(vec![None::<ThreadId>; 4]);
            pool.run(0..4, |thread, _| lock(&ran)[thread] = Some(current().id()));
            ran.into_inner().unwrap().into_iter().map(Option::unwrap).collect::<Vec<_>>()
        };
        let all = who();
        assert_eq!(all[0], current().id());
        assert!(all[1..].iter().all(|&id| id != current().id()));
        for _ in 0..50 {
            pool.limit(2);
            for _ in 0..20 {
                assert_eq!(who(), [all[0], all[1], all[0], all[0]]);
            }
            pool.limit(3);
            assert_eq!(who(), [all[0], all[1], all[2], all[0]]);
            pool.limit(4);
            assert_eq!(who(), all);
        }
        pool.limit(2);
        who();
        let parked = || pool.shared.parked.0.sleepers.load(Ordering::SeqCst);
        while parked() < 2 {
            std::thread::yield_now();
        }
        (0..1000).for_each(|_| drop(who()));
        assert_eq!(parked(), 2, "launches leave them asleep");
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
        let pool = Pool::new(2).unwrap();
        let launch = |bad: &[usize]| {
            let run = || {
                pool.run(0..2, |thread, _| {
                    if bad.contains(&thread) {
                        panic!("planted");
                    }
                })
            };
            catch_unwind(AssertUnwindSafe(|| quiet(run)))
        };
        for bad in [&[0][..], &[1], &[0, 1]] {
            assert!(launch(bad).is_err(), "{bad:?}");
            assert!(launch(&[]).is_ok(), "{bad:?}: it is passed on once");
        }
        let sum = AtomicUsize::new(0);
        pool.run(0..10, |_, piece| {
            sum.fetch_add(piece.sum(), Ordering::Relaxed);
        });
        assert_eq!(sum.into_inner(), 45);
    }

    #[test]
    fn workers_are_as_quiet_as_the_thread_that_they_work_for() {
        let pool = Pool::new(2).unwrap();
        let quiet_ones = || {
            let count = AtomicUsize::new(0);
            pool.run(0..2, |_, _| {
                count.fetch_add(usize::from(is_quiet()), Ordering::Relaxed);
            });
            count.into_inner()
        };
        assert_eq!((quiet_ones(), quiet(quiet_ones), quiet_ones()), (0, 2, 0));
    }
}
