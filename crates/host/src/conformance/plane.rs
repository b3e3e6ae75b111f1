//! Memory that a plugin is lent, between canaries that nobody may touch.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};

/// Words on either side: more than all links of a site, so that a loop with a site too many ends among them.
const CANARIES: usize = 256;

/// A NaN shows who reads a canary; a number of order 1 who adds to one. Each is a canary as one f64 and as two f32.
const PATTERN: [u64; 2] = [super::store::GAP, 0x3ff5_5555_3ff5_5555];

thread_local! {
    /// What became of the canaries of planes that this thread gave back.
    static DAMAGE: Cell<Option<String>> = const { Cell::new(None) };
}

/// Numbers in a plane of their own.
pub(super) struct Plane {
    memory: Vec<f64>,
}

impl Plane {
    /// A plane that holds these numbers.
    pub(super) fn of(numbers: &[f64]) -> Self {
        let canaries = || (0..CANARIES).map(|i| f64::from_bits(PATTERN[i % 2]));
        Self { memory: canaries().chain(numbers.iter().copied()).chain(canaries()).collect() }
    }
    /// A plane that holds one number everywhere.
    pub(super) fn filled(number: f64, len: usize) -> Self {
        Self::of(&vec![number; len])
    }
    /// Which canaries were written, in words; `None` where all live.
    fn damage(&self) -> Option<String> {
        let written = |canaries: &[f64]| -> Vec<usize> {
            let dead = canaries.iter().enumerate().filter(|(i, x)| x.to_bits() != PATTERN[i % 2]);
            dead.map(|(i, _)| i).collect()
        };
        let after = written(&self.memory[self.memory.len() - CANARIES..]);
        if let Some(last) = after.last() {
            return Some(format!("writes up to {} bytes past the end of what it was lent", 8 * (last + 1)));
        }
        let before = written(&self.memory[..CANARIES]);
        let first = before.first()?;
        Some(format!("writes up to {} bytes before the start of what it was lent", 8 * (CANARIES - first)))
    }
}

impl Deref for Plane {
    type Target = [f64];
    fn deref(&self) -> &[f64] {
        &self.memory[CANARIES..self.memory.len() - CANARIES]
    }
}

impl DerefMut for Plane {
    fn deref_mut(&mut self) -> &mut [f64] {
        let end = self.memory.len() - CANARIES;
        &mut self.memory[CANARIES..end]
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        if let Some(damage) = self.damage() {
            DAMAGE.set(Some(damage));
        }
    }
}

/// Tells of something else that was written where it may not be.
pub(super) fn blame(damage: String) {
    DAMAGE.set(Some(damage));
}

/// What was written around planes that this thread has given back since the last question.
pub(super) fn damage() -> Option<String> {
    DAMAGE.take()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_on_either_side_are_told_and_once_only() {
        let touched = |place: usize, add: bool| {
            let mut plane = Plane::filled(1.0, 10);
            plane[9] = 2.0;
            plane.memory[place] = if add { plane.memory[place] + 0.1 } else { 0.0 };
            drop(plane);
            damage()
        };
        let end = CANARIES + 10;
        assert_eq!(touched(CANARIES, false), None);
        let past = |bytes| Some(format!("writes up to {bytes} bytes past the end of what it was lent"));
        assert_eq!([touched(end, false), touched(end + 1, true)], [past(8), past(16)]);
        assert!(touched(CANARIES - 2, false).is_some_and(|said| said.contains("16 bytes before the start")));
        assert_eq!(damage(), None);
    }
}
