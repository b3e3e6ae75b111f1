//! What the next block of a pass reads from memory, asked for while this one is computed.
//!
//! A pass over a lattice larger than the caches waits for memory: processors follow a few streams on their own, a block of
//! the hop reads from sixteen. So the lines that are surely not in the second level yet are asked for a block ahead, a few
//! at each step of the hop, so that they never fill the queue of lines on their way.

use super::chiral;
use super::hop_kernel::{HopKernel, Streams};
use gaugelink_lattice::{Cache, DIM_MAX, Real, backward, forward, prefetch};
use std::ptr::null;

/// Where these lines start, null where there are none.
#[derive(Clone, Copy)]
pub(super) struct Ahead<T, const N: usize, const H: usize, const ROWS: usize> {
    /// Whether there are any.
    any: bool,
    /// The links of the block.
    links: *const T,
    /// The links from its neighbours behind it.
    links_behind: [*const T; DIM_MAX],
    /// The spinors of its neighbours, `[step]`.
    spinors: [*const T; 2 * DIM_MAX],
    /// φ of the block.
    center: *const T,
    /// The matrices of the block.
    matrices: *const T,
}

impl<T: Real, const N: usize, const H: usize, const ROWS: usize> Ahead<T, N, H, ROWS> {
    /// Nothing.
    pub fn none() -> Self {
        Self {
            any: false,
            links: null(),
            links_behind: [null(); DIM_MAX],
            spinors: [null(); 2 * DIM_MAX],
            center: null(),
            matrices: null(),
        }
    }

    /// What `kernel` reads at `block` for one right-hand side; `with_links` for the first one.
    #[inline(always)]
    pub fn of<const DAGGER: bool>(
        kernel: &HopKernel<'_, T, N, H, ROWS, DAGGER>,
        streams: &Streams<'_, T>,
        block: usize,
        with_links: bool,
    ) -> Self {
        let (layout, spinor, link) = (kernel.links.layout(), 4 * H * N, 2 * ROWS * N);
        let mut ahead = Self { any: true, ..Self::none() };
        let neighbour = |step: usize| layout.neighbour(block, step).block as usize;
        for mu in (0..2 * H).filter(|mu| kernel.far & (1 << mu) != 0) {
            for step in [forward(mu), backward(mu)] {
                ahead.spinors[step] = streams.psi.rows(neighbour(step), 0, spinor);
            }
        }
        // In a pass over both parities φ is ψ, and the block was a neighbour just now.
        if let (Some(phi), None) = (streams.center, kernel.walk) {
            ahead.center = phi.rows(block, 0, spinor);
        }
        if !with_links {
            return ahead;
        }
        ahead.links = kernel.links.rows(block, 0, 2 * H * link);
        for mu in 0..2 * H {
            // Where both parities are walked together, a neighbour's links were read when it was the block; in a pass over
            // one parity nothing else reads those of the other.
            if kernel.walk.is_none() || kernel.far & (1 << mu) != 0 {
                ahead.links_behind[mu] = kernel.links.rows(neighbour(backward(mu)), mu * link, link);
            }
        }
        if kernel.has_matrices() {
            ahead.matrices = kernel.matrices.rows(block, 0, chiral::reals_of(H * N));
        }
        ahead
    }

    /// Asks for the part of a step: of 4H equal ones, but for the links behind, which belong to theirs.
    #[inline(always)]
    pub fn ask(&self, step: usize) {
        if !self.any {
            return;
        }
        let mu = step % DIM_MAX;
        let part = if step < DIM_MAX { 2 * mu } else { 2 * mu + 1 };
        lines(self.links, part, ROWS * N);
        for mu in 0..2 * H {
            lines(self.spinors[forward(mu)], part, N);
            lines(self.spinors[backward(mu)], part, N);
        }
        lines(self.center, part, N);
        lines(self.matrices, part, chiral::reals_of(H * N).div_ceil(4 * H));
        if step == backward(mu) {
            lines(self.links_behind[mu], 0, 2 * ROWS * N);
        }
    }
}

/// Asks for part number `part` of `count` rows.
#[inline(always)]
fn lines<T: Real>(start: *const T, part: usize, count: usize) {
    if !start.is_null() {
        for row in part * count..(part + 1) * count {
            prefetch(start.wrapping_add(row * T::LANES), Cache::Second);
        }
    }
}
