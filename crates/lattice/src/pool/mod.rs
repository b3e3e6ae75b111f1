//! Threads for kernels: a pool of our own, sized by the caller and joined when dropped, or the threads that a host lends
//! its plugins.
//!
//! Work is an index range cut into one contiguous piece a thread, always the same pieces, so a thread finds the
//! memory it touched before in its own cache. A waiting thread of our own spins briefly (kernels follow each other
//! within microseconds), then sleeps.

mod cores;
mod workers;

use crate::LatticeError;
use gaugelink_plugin_sdk::HostThreads;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use workers::{Workers, lock};

/// A fixed number of threads, the caller being one of them.
pub struct Pool {
    source: Source,
    /// Threads that get work.
    active: AtomicUsize,
    /// One launch at a time, also where several threads share the pool.
    launch: Mutex<()>,
}

enum Source {
    Own(Workers),
    Lent(HostThreads),
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pool({} threads)", self.threads())
    }
}

impl Pool {
    /// Threads of a pool at most. Where the memory for stacks ends, the standard library ends the process.
    pub const THREADS_MAX: usize = 4096;

    /// A pool of `threads` threads (up to [`Self::THREADS_MAX`]): the caller and `threads - 1` workers. 0 takes all cores
    /// that the process may use.
    ///
    /// # Errors
    /// [`LatticeError::TooManyThreads`]; [`LatticeError::Threads`] where the system refuses to start them.
    pub fn new(threads: usize) -> Result<Self, LatticeError> {
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, |n| n.get()).min(Self::THREADS_MAX),
            n if n > Self::THREADS_MAX => return Err(LatticeError::TooManyThreads { wanted: n }),
            n => n,
        };
        Ok(Self::of(Source::Own(Workers::start(threads)?)))
    }

    /// The host's threads: none are started, none of ours wait beside them.
    ///
    /// # Safety
    /// Work is given only by threads that are inside a call of that host.
    pub unsafe fn lent(threads: HostThreads) -> Self {
        Self::of(Source::Lent(threads))
    }

    fn of(source: Source) -> Self {
        let pool = Self { source, active: AtomicUsize::new(0), launch: Mutex::new(()) };
        pool.limit(usize::MAX);
        pool
    }

    /// Number of threads, the caller included.
    #[inline]
    pub fn threads(&self) -> usize {
        match &self.source {
            Source::Own(workers) => workers.threads(),
            Source::Lent(host) => host.threads(),
        }
    }

    /// Binds every thread, the caller included, to a core of its own among those that the process may use, counted from
    /// number `first` on; with more threads than cores they share. The system then moves none away from the memory that
    /// it touched first. Threads of a host are left where the host has them.
    ///
    /// # Errors
    /// [`LatticeError::Pinning`] where the system does not bind threads, or refuses to.
    pub fn pin(&self, first: usize) -> Result<(), LatticeError> {
        let Source::Own(workers) = &self.source else { return Ok(()) };
        let cores = cores::usable().map_err(LatticeError::Pinning)?;
        let failed = Mutex::new(None);
        let bind = |thread: usize| {
            if let Err(error) = cores::bind_to(cores[(first + thread) % cores.len()]) {
                *lock(&failed) = Some(error);
            }
        };
        let _one = lock(&self.launch);
        workers.launch(&bind, workers.threads());
        lock(&failed).take().map_or(Ok(()), |error| Err(LatticeError::Pinning(error)))
    }

    /// Lets at most `threads` of them work from now on (at least 1, the caller); the others sleep. For hosts that grant
    /// threads call by call.
    #[inline]
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
        let _one = lock(&self.launch);
        match &self.source {
            Source::Own(workers) => workers.launch(&job, active),
            Source::Lent(host) => launch_lent(*host, &job, active),
        }
    }
}

/// Calls the job for each of `pieces`, on as many of the host's threads as come.
///
/// # Panics
/// Where the job does, and where the host fails to run it.
fn launch_lent(host: HostThreads, job: &(dyn Fn(usize) + Sync), pieces: usize) {
    let panicked = Mutex::new(None);
    let body = |thread: usize, threads: usize| {
        for piece in (thread..pieces).step_by(threads.max(1)) {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| job(piece))) {
                // As with workers: one is passed on, and no other payload is dropped.
                std::mem::forget(lock(&panicked).replace(panic));
            }
        }
    };
    // SAFETY: whoever made the pool promised that this is inside a call.
    let ran = unsafe { host.run(&body) };
    if let Some(panic) = lock(&panicked).take() {
        resume_unwind(panic);
    }
    if let Err(error) = ran {
        panic!("{error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaugelink_plugin_sdk::{is_quiet, quiet};

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
    #[cfg(target_os = "linux")]
    fn pinned_threads_have_one_core_each() {
        let cores = cores::usable().unwrap();
        // On a thread of its own, so that the test's stays free.
        let bound = std::thread::spawn(move || {
            let pool = Pool::new(3).unwrap();
            pool.pin(1).unwrap();
            let bound = Mutex::new(vec![Vec::new(); 3]);
            pool.run(0..3, |thread, _| lock(&bound)[thread] = cores::usable().unwrap());
            lock(&bound).clone()
        });
        for (thread, bound) in bound.join().unwrap().into_iter().enumerate() {
            assert_eq!(bound, [cores[(1 + thread) % cores.len()]], "thread {thread}");
        }
        assert_eq!(cores::usable().unwrap(), cores, "others are left alone");
    }

    #[test]
    fn more_threads_than_a_pool_may_have_are_refused_before_one_is_started() {
        for wanted in [Pool::THREADS_MAX + 1, 1_000_000, usize::MAX] {
            let said = Pool::new(wanted).unwrap_err().to_string();
            let parts = [&wanted.to_string(), "at most 4096", "or 0 for as many as there are cores"];
            assert!(parts.iter().all(|part| said.contains(part)), "{said}");
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
        let Source::Own(workers) = &pool.source else { unreachable!("a pool of its own") };
        let parked = || workers.parked();
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
