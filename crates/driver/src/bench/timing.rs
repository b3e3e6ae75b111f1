//! How a case is timed.

use super::allocations;
use crate::error::DriverError;
use std::hint::black_box;
use std::time::Instant;

/// One run of a case, which tells the seconds of what is to be timed.
pub type Run<'r> = dyn FnMut() -> Result<f64, DriverError> + 'r;

/// What was measured of a case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// Seconds of a run.
    pub seconds: f64,
    /// Heap allocations in a run, the fewest, for the first may fill buffers; where the program counts them.
    pub allocations: Option<u64>,
}

/// Who repeats the runs of a case, and chooses the time that is told.
pub trait Clock {
    /// Runs `case`.
    ///
    /// # Errors
    /// Those of the run.
    fn time(&mut self, case: &str, run: &mut Run<'_>) -> Result<Timing, DriverError>;
}

/// How long a case is repeated; the best run counts, as everything else on a machine only ever slows one down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effort {
    /// Runs at least.
    pub runs: usize,
    /// Seconds at least.
    pub seconds: f64,
    /// Size of each of triad's arrays in MiB; STREAM asks for four times the last cache.
    pub triad_mebibytes: usize,
}

impl Effort {
    /// For numbers to be quoted.
    pub fn full() -> Self {
        Self { runs: 3, seconds: 0.5, triad_mebibytes: 256 }
    }

    /// One run of everything, for tests.
    pub fn once() -> Self {
        Self { runs: 1, seconds: 0.0, triad_mebibytes: 1 }
    }
}

impl Clock for Effort {
    fn time(&mut self, _: &str, run: &mut Run<'_>) -> Result<Timing, DriverError> {
        let (start, mut runs) = (Instant::now(), 0);
        let mut best = Timing { seconds: f64::INFINITY, allocations: None };
        while runs < self.runs || start.elapsed().as_secs_f64() < self.seconds {
            let before = allocations();
            let seconds = run()?;
            let allocations = before.zip(allocations()).map(|(before, after)| after - before);
            best.seconds = best.seconds.min(seconds);
            best.allocations = if runs == 0 { allocations } else { best.allocations.min(allocations) };
            runs += 1;
        }
        Ok(best)
    }
}

/// A run of which everything is timed.
pub(super) fn whole<R>(mut run: impl FnMut() -> R) -> impl FnMut() -> Result<f64, DriverError> {
    move || {
        let clock = Instant::now();
        black_box(run());
        Ok(clock.elapsed().as_secs_f64())
    }
}

/// The same of something that can fail.
pub(super) fn whole_of<R, E: Into<DriverError>>(
    mut run: impl FnMut() -> Result<R, E>,
) -> impl FnMut() -> Result<f64, DriverError> {
    move || {
        let clock = Instant::now();
        black_box(run().map_err(Into::into)?);
        Ok(clock.elapsed().as_secs_f64())
    }
}
