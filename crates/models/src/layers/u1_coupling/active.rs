//! The active links of a layer of U(1): kept, put back, and turned by what a kernel makes of them.

use super::sites::TurnLinks;
use super::stripes::Stripes;
use crate::Undo;
use gaugelink_lattice::{FieldReader, GaugeField, Kernel, Lattice, Real};
use std::ops::Range;

/// Most chains of a batch.
const MOST_CHAINS: usize = f32::LANES;

/// Of a block's rows, those of direction `mu`.
fn rows<T: Real>(mu: usize) -> Range<usize> {
    let first = 2 * mu * T::LANES;
    first..first + 2 * T::LANES
}

/// Puts the links of direction `mu` of `blocks` onto `undo`, if given.
pub fn keep<T: Real>(u: &GaugeField<T, 1>, mu: usize, blocks: &[u32], undo: Option<&mut Undo<T>>) {
    if let Some(undo) = undo {
        blocks.iter().for_each(|&block| undo.push(&u.block(block as usize)[rows::<T>(mu)]));
    }
}

/// Takes back what [`keep`] put there.
pub fn restore<T: Real>(u: &mut GaugeField<T, 1>, mu: usize, blocks: &[u32], undo: &mut Undo<T>) {
    for &block in blocks.iter().rev() {
        undo.pop(&mut u.block_mut(block as usize)[rows::<T>(mu)]);
    }
    u.exchange_components(2 * mu..2 * mu + 2);
}

/// Runs a kernel on `blocks` of them with two sums a chain: adds the first ones to `log_det` and gives the second ones of all
/// chains together, the lanes in which an inverse was not found.
pub fn add_log_det<T: Real>(
    lattice: &Lattice,
    kernel: &impl Kernel<T>,
    blocks: usize,
    log_det: &mut [f64],
) -> f64 {
    let mut sums = [0.0; 2 * MOST_CHAINS];
    let sums = &mut sums[..2 * log_det.len()];
    lattice.reduce(kernel, 0..blocks, sums);
    let (logs, failures) = sums.split_at(log_det.len());
    log_det.iter_mut().zip(logs).for_each(|(sum, log)| *sum += log);
    failures.iter().sum()
}

/// Turns the active links by `turn`.
pub fn turn<T: Real>(
    u: &mut GaugeField<T, 1>,
    stripes: &Stripes<T>,
    blocks: &[u32],
    turn: FieldReader<'_, T>,
) {
    let lattice = u.lattice().clone();
    lattice.launch(&TurnLinks { stripes, blocks, turn, links: u.writer() }, 0..blocks.len());
    u.exchange_components(2 * stripes.mu..2 * stripes.mu + 2);
}
