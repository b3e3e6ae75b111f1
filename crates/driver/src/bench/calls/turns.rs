//! Two functions timed in turns.

use crate::bench::Effort;
use crate::error::DriverError;
use gaugelink_host::HostError;
use std::time::Instant;

/// Calls of a batch, around which the clock is read.
const CALLS: usize = 200;

/// Nanoseconds of a call of either function, batch by batch.
pub(super) struct Turns(Vec<[f64; 2]>);

impl Turns {
    /// Times batches of `first` and of `second` in turns, as long as the effort asks for.
    pub fn of(
        effort: &Effort,
        mut first: impl FnMut() -> Result<(), HostError>,
        mut second: impl FnMut() -> Result<(), HostError>,
    ) -> Result<Self, DriverError> {
        let (start, mut pairs) = (Instant::now(), Vec::new());
        while pairs.len() < effort.runs || start.elapsed().as_secs_f64() < effort.seconds {
            pairs.push([batch(&mut first)?, batch(&mut second)?]);
        }
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

    #[test]
    fn both_take_turns_and_the_fastest_batches_count() {
        let order = std::cell::RefCell::new(Vec::new());
        let told = |who: usize| {
            order.borrow_mut().push(who);
            Ok(())
        };
        let effort = Effort { runs: 2, ..Effort::once() };
        Turns::of(&effort, || told(0), || told(1)).unwrap();
        let turns: Vec<usize> = order.borrow().chunks(CALLS).map(|batch| batch[0]).collect();
        assert_eq!(turns, [0, 1, 0, 1]);
        assert_eq!(Turns(vec![[9.0, 4.0], [5.0, 3.0], [7.0, 6.0]]).best(), [5.0, 3.0]);
    }
}
