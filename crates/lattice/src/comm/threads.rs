//! N ranks as threads of one process: the decomposition, halos and reductions of a cluster on one machine.

use super::Comm;
use std::any::Any;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// What the ranks share.
struct Room {
    ranks: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Messages under way, `[to][from]`.
    mail: Vec<Vec<VecDeque<Vec<u8>>>>,
    /// The collective call being gathered: ranks arrived, and what they brought.
    arrived: usize,
    gathered: Vec<Vec<u8>>,
    /// The collective call before, kept until all have read it.
    result: Arc<Vec<Vec<u8>>>,
    round: u64,
    /// A rank ended early: the others must not wait for it.
    broken: bool,
}

/// The panic of a rank whose peer failed; [`run_ranks`] reports the peer's instead.
struct PeerFailed;

/// One of several ranks in this process; made by [`run_ranks`].
pub struct ThreadRank {
    rank: usize,
    room: Arc<Room>,
}

impl Room {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn wait<'a>(&'a self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        if state.broken {
            drop(state);
            // Not `panic_any`: that would run the panic hook, which prints.
            resume_unwind(Box::new(PeerFailed));
        }
        self.changed.wait(state).unwrap_or_else(|e| e.into_inner())
    }
}

impl ThreadRank {
    /// What every rank brought to this collective call, by rank.
    fn gather(&self, mine: &[u8]) -> Arc<Vec<Vec<u8>>> {
        let mut state = self.room.lock();
        let round = state.round;
        state.gathered[self.rank] = mine.to_vec();
        state.arrived += 1;
        if state.arrived == self.room.ranks {
            let empty = vec![Vec::new(); self.room.ranks];
            state.result = Arc::new(std::mem::replace(&mut state.gathered, empty));
            state.arrived = 0;
            state.round += 1;
            self.room.changed.notify_all();
        }
        while state.round == round {
            state = self.room.wait(state);
        }
        state.result.clone()
    }

    fn reduce<T: bytemuck::Pod>(&self, values: &mut [T], f: impl Fn(T, T) -> T) {
        let all = self.gather(bytemuck::cast_slice(values));
        for (rank, brought) in all.iter().enumerate() {
            let theirs = brought.chunks_exact(size_of::<T>()).map(bytemuck::pod_read_unaligned::<T>);
            for (v, t) in values.iter_mut().zip(theirs) {
                *v = if rank == 0 { t } else { f(*v, t) };
            }
        }
    }
}

impl Comm for ThreadRank {
    fn rank(&self) -> usize {
        self.rank
    }
    fn ranks(&self) -> usize {
        self.room.ranks
    }
    fn exchange(&self, to: usize, sent: &[u8], from: usize, received: &mut [u8]) {
        let mut state = self.room.lock();
        state.mail[to][self.rank].push_back(sent.to_vec());
        self.room.changed.notify_all();
        loop {
            if let Some(message) = state.mail[self.rank][from].pop_front() {
                received.copy_from_slice(&message);
                return;
            }
            state = self.room.wait(state);
        }
    }
    fn sum(&self, values: &mut [i64]) {
        self.reduce(values, i64::wrapping_add);
    }
    fn xor(&self, values: &mut [u32]) {
        self.reduce(values, |a, b| a ^ b);
    }
    fn broadcast(&self, bytes: &mut [u8]) {
        let all = self.gather(bytes);
        bytes.copy_from_slice(&all[0]);
    }
    fn barrier(&self) {
        self.gather(&[]);
    }
}

/// Runs `f` on `ranks` ranks, each a thread, and returns what they returned, by rank.
///
/// A panic on one rank ends the others' waiting and is passed on to the caller.
pub fn run_ranks<R: Send>(ranks: usize, f: impl Fn(Arc<dyn Comm>) -> R + Sync) -> Vec<R> {
    match try_run_ranks(ranks, |comm| Ok::<R, Infallible>(f(comm))) {
        Ok(values) => values,
        Err(errors) => errors.into_iter().map(|never| match never {}).collect(),
    }
}

/// [`run_ranks`] for what may fail on some ranks only: an error ends the others' waiting as well.
///
/// # Errors
/// What the ranks that failed by themselves returned, by rank.
pub fn try_run_ranks<R: Send, E: Send>(
    ranks: usize,
    f: impl Fn(Arc<dyn Comm>) -> Result<R, E> + Sync,
) -> Result<Vec<R>, Vec<E>> {
    let room = Arc::new(Room {
        ranks,
        state: Mutex::new(State {
            mail: (0..ranks).map(|_| (0..ranks).map(|_| VecDeque::new()).collect()).collect(),
            gathered: vec![Vec::new(); ranks],
            ..State::default()
        }),
        changed: Condvar::new(),
    });
    let outcomes: Vec<Result<Result<R, E>, Box<dyn Any + Send>>> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..ranks)
            .map(|rank| {
                let (room, f) = (room.clone(), &f);
                scope.spawn(move || {
                    let comm = Arc::new(ThreadRank { rank, room: room.clone() });
                    let outcome = catch_unwind(AssertUnwindSafe(|| f(comm)));
                    if !matches!(outcome, Ok(Ok(_))) {
                        room.lock().broken = true;
                        room.changed.notify_all();
                    }
                    outcome
                })
            })
            .collect();
        handles.into_iter().map(|h| h.join().unwrap_or_else(Err)).collect()
    });
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    let mut failure: Option<Box<dyn Any + Send>> = None;
    for outcome in outcomes {
        match outcome {
            Ok(Ok(value)) => values.push(value),
            Ok(Err(error)) => errors.push(error),
            Err(panic) if !panic.is::<PeerFailed>() => failure = Some(panic),
            Err(_) => {}
        }
    }
    match failure {
        Some(panic) => resume_unwind(panic),
        None if errors.is_empty() => Ok(values),
        None => Err(errors),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_reductions_and_broadcasts_arrive() {
        let results = run_ranks(4, |comm| {
            let (me, n) = (comm.rank(), comm.ranks());
            let mut got = [0u8; 3];
            for round in 0..50u8 {
                comm.exchange((me + 1) % n, &[me as u8, round, 7], (me + n - 1) % n, &mut got);
                assert_eq!(got, [((me + n - 1) % n) as u8, round, 7]);
            }
            let mut total = [me as i64, 1];
            comm.sum(&mut total);
            assert_eq!(total, [6, 4]);
            let mut bits = [1u32 << me];
            comm.xor(&mut bits);
            assert_eq!(bits, [0b1111]);
            let mut text = if me == 0 { *b"from 0" } else { *b"      " };
            comm.broadcast(&mut text);
            assert_eq!(&text, b"from 0");
            comm.barrier();
            assert!(comm.all(true) && !comm.all(me != 2));
            assert_eq!(comm.max([0.5, 3e-300, 7.25, 0.0][me]), 7.25);
            assert!(comm.max(if me == 1 { f64::NAN } else { 1.0 }).is_nan());
            me
        });
        assert_eq!(results, [0, 1, 2, 3]);
    }

    #[test]
    fn an_error_on_one_rank_ends_the_waiting_of_the_others() {
        let errors = try_run_ranks(3, |comm| {
            if comm.rank() == 2 {
                return Err("rank 2 has no memory");
            }
            comm.exchange(1 - comm.rank(), &[1], 2, &mut [0]);
            Ok(())
        });
        assert_eq!(errors, Err(vec!["rank 2 has no memory"]));
    }

    #[test]
    fn a_failing_rank_does_not_leave_the_others_waiting() {
        let caught = catch_unwind(|| {
            run_ranks(3, |comm| {
                if comm.rank() == 1 {
                    panic!("rank 1 failed");
                }
                comm.barrier();
            })
        });
        let message = caught.unwrap_err();
        assert_eq!(message.downcast_ref::<&str>(), Some(&"rank 1 failed"));
    }
}
