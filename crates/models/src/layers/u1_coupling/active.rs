//! The active links of a layer: kept, put back, and in U(1) turned by what a kernel makes of them.

use super::sites::TurnLinks;
use crate::Undo;
use crate::layers::conv_net::stripes::Stripes;
use gaugelink_lattice::{FieldReader, GaugeField, Kernel, Lattice, Real};
use std::ops::Range;

/// Most chains of a batch.
const MOST_CHAINS: usize = f32::LANES;

/// The components of a field of links that hold direction `mu`.
pub fn components<const N: usize>(mu: usize) -> Range<usize> {
    let link = 2 * N * N;
    link * mu..link * (mu + 1)
}

/// Of a block's rows, those of direction `mu`.
fn rows<T: Real, const N: usize>(mu: usize) -> Range<usize> {
    let Range { start, end } = components::<N>(mu);
    start * T::LANES..end * T::LANES
}

/// Puts the links of direction `mu` of `blocks` onto `undo`, if given.
pub fn keep<T: Real, const N: usize>(
    u: &GaugeField<T, N>,
    mu: usize,
    blocks: &[u32],
    undo: Option<&mut Undo<T>>,
) {
    if let Some(undo) = undo {
        blocks.iter().for_each(|&block| undo.push(&u.block(block as usize)[rows::<T, N>(mu)]));
    }
}

/// Takes back what [`keep`] put there.
pub fn restore<T: Real, const N: usize>(
    u: &mut GaugeField<T, N>,
    mu: usize,
    blocks: &[u32],
    undo: &mut Undo<T>,
) {
    for &block in blocks.iter().rev() {
        undo.pop(&mut u.block_mut(block as usize)[rows::<T, N>(mu)]);
    }
    u.exchange_components(components::<N>(mu));
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
    u.exchange_components(components::<1>(stripes.mu));
}
