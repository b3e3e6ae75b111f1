//! Functions timed in turns.

use crate::bench::Clock;
use crate::error::DriverError;
use gaugelink_host::HostError;
use std::time::Instant;

/// Calls of a batch, around which the clock is read.
const CALLS: usize = 50;
/// One of so many rounds counts: the fastest ones.
const QUIET: usize = 4;

/// One batch of calls of a function; tells the nanoseconds of a call.
pub(super) type Batch<'b> = dyn FnMut() -> Result<f64, DriverError> + 'b;

/// A batch of calls of `call`.
pub(super) fn batch(
    mut call: impl FnMut() -> Result<(), HostError>,
) -> impl FnMut() -> Result<f64, DriverError> {
    move || {
        let start = Instant::now();
        (0..CALLS).try_for_each(|_| call()).map_err(DriverError::from)?;
        Ok(1e9 * start.elapsed().as_secs_f64() / CALLS as f64)
    }
}

/// Nanoseconds of a call of each function, round by round.
pub(super) struct Turns<const N: usize>(Vec<[f64; N]>);

impl<const N: usize> Turns<N> {
    /// Times a batch of each function in turns, as often as the clock asks for; what it is told is the time of the first.
    pub fn of(
        clock: &mut dyn Clock,
        case: &str,
        mut functions: [&mut Batch<'_>; N],
    ) -> Result<Self, DriverError> {
        let mut rounds = Vec::new();
        clock.time(case, &mut || {
            let mut round = [0.0; N];
            for (time, function) in round.iter_mut().zip(functions.iter_mut()) {
                *time = function()?;
            }
            rounds.push(round);
            Ok(1e-9 * round[0])
        })?;
        // Everything else on a machine only ever slows one down, all that it falls on in a round alike.
        rounds.sort_by(|a, b| a.iter().sum::<f64>().total_cmp(&b.iter().sum()));
        rounds.truncate(rounds.len().div_ceil(QUIET));
        Ok(Self(rounds))
    }
    /// The median over the fastest rounds of what `number` makes of the times of a round: of a difference it is worth more than
    /// the difference of two medians, as both of its times met the machine in the same state.
    pub fn median(&self, number: impl Fn([f64; N]) -> f64) -> f64 {
        let mut numbers: Vec<f64> = self.0.iter().map(|&round| number(round)).collect();
        numbers.sort_by(f64::total_cmp);
        numbers[numbers.len() / 2]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Effort;
    use std::cell::RefCell;

    #[test]
    fn all_take_turns_and_the_median_of_the_fastest_rounds_counts() {
        let order = RefCell::new(Vec::new());
        let times =
            RefCell::new([[9.0, 4.0], [5.0, 3.0], [7.0, 6.0], [1.0, 2.0], [6.0, 3.0], [8.0, 2.0]].concat());
        let told = |who: usize| {
            order.borrow_mut().push(who);
            Ok(times.borrow_mut().remove(0))
        };
        let mut effort = Effort { runs: 6, ..Effort::once() };
        let turns = Turns::of(&mut effort, "case", [&mut || told(0), &mut || told(1)]).unwrap();
        assert_eq!(order.into_inner(), [0, 1].repeat(6));
        assert_eq!(turns.0, [[1.0, 2.0], [5.0, 3.0]]);
        let turns = Turns(vec![[9.0, 4.0], [5.0, 3.0], [7.0, 6.0]]);
        assert_eq!((turns.median(|[a, _]| a), turns.median(|[a, b]| a - b)), (7.0, 2.0));
    }

    #[test]
    fn a_batch_calls_as_often_as_it_says_and_stops_at_an_error() {
        let mut calls = 0;
        batch(|| {
            calls += 1;
            Ok(())
        })()
        .unwrap();
        assert_eq!(calls, CALLS);
        assert!(batch(|| Err(HostError::NoEntry("plugin".into())))().is_err());
    }
}
