//! Two functions timed in turns.

use crate::bench::Clock;
use crate::error::DriverError;
use gaugelink_host::HostError;
use std::time::Instant;

/// Calls of a batch, around which the clock is read.
const CALLS: usize = 200;

/// Nanoseconds of a call of either function, batch by batch.
pub(super) struct Turns(Vec<[f64; 2]>);

impl Turns {
    /// Times batches of `first` and of `second` in turns, as often as the clock asks for; what it is told is the time of
    /// the first.
    pub fn of(
        clock: &mut dyn Clock,
        case: &str,
        mut first: impl FnMut() -> Result<(), HostError>,
        mut second: impl FnMut() -> Result<(), HostError>,
    ) -> Result<Self, DriverError> {
        let mut pairs = Vec::new();
        clock.time(case, &mut || {
            let pair = [batch(&mut first)?, batch(&mut second)?];
            pairs.push(pair);
            Ok(1e-9 * pair[0])
        })?;
        Ok(Self(pairs))
    }
    /// The times of the fastest batches of either, as everything else on a machine only ever slows one down.
    pub fn best(&self) -> [f64; 2] {
        [0, 1].map(|which| self.0.iter().map(|pair| pair[which]).fold(f64::INFINITY, f64::min))
    }
}

/// Nanoseconds of a call.
fn batch(call: &mut impl FnMut() -> Result<(), HostError>) -> Result<f64, DriverError> {
    let start = Instant::now();
    (0..CALLS).try_for_each(|_| call()).map_err(DriverError::from)?;
    Ok(1e9 * start.elapsed().as_secs_f64() / CALLS as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Effort;

    #[test]
    fn both_take_turns_and_the_fastest_batches_count() {
        let order = std::cell::RefCell::new(Vec::new());
        let told = |who: usize| {
            order.borrow_mut().push(who);
            Ok(())
        };
        let mut effort = Effort { runs: 2, ..Effort::once() };
        Turns::of(&mut effort, "case", || told(0), || told(1)).unwrap();
        let turns: Vec<usize> = order.borrow().chunks(CALLS).map(|batch| batch[0]).collect();
        assert_eq!(turns, [0, 1, 0, 1]);
        assert_eq!(Turns(vec![[9.0, 4.0], [5.0, 3.0], [7.0, 6.0]]).best(), [5.0, 3.0]);
    }
}
