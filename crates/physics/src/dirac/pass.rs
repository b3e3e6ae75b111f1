//! Passes of the hop over the lattice, of several right-hand sides at once.

use super::hop_kernel::{HopKernel, Matrices, Streams};
use super::spinor::SpinorField;
use super::two_rows::TWO_ROWS;
use super::wilson::Wilson;
use crate::solver::AT_ONCE;
use arrayvec::ArrayVec;
use gaugelink_lattice::{DIM_MAX, FieldReader, Real};
use std::ops::Range;

/// What a pass reads and writes comes from memory if it is more bytes than this.
const FAR_BYTES: usize = 12 << 20;

/// What was read and written fewer bytes ago than this is still in the second-level cache.
const NEAR_BYTES: usize = 512 << 10;

/// If it is more than this, what is written is evicted before it is read again, and is written past the caches.
const STREAM_BYTES: usize = 24 << 20;

/// What is made of the hop's result, with φ at the [`Pass`]'s center.
#[derive(Clone, Copy)]
pub(crate) enum Combine<'a, T> {
    /// b Hψ.
    Scaled(f64),
    /// a φ + b Hψ.
    Added(f64, f64),
    /// K φ + b Hψ with matrices K of each site.
    AddedTimes(FieldReader<'a, T>, f64),
    /// b K Hψ.
    TimesScaled(FieldReader<'a, T>, f64),
    /// φ + b K Hψ.
    TimesAdded(FieldReader<'a, T>, f64),
}

/// The fields of one right-hand side in a pass of the hop.
pub(crate) struct Pass<'a, T, const N: usize, const H: usize> {
    /// What is written.
    pub out: &'a mut SpinorField<T, N, H>,
    /// ψ; `None`: the other parity of `out`.
    pub psi: Option<&'a SpinorField<T, N, H>>,
    /// φ, where there is one.
    pub center: Option<&'a SpinorField<T, N, H>>,
}

impl<T: Real, const N: usize, const H: usize> Wilson<'_, T, N, H> {
    /// One pass over `blocks` of all right-hand sides, at most [`AT_ONCE`], then the ghosts. Where ψ is the other parity of
    /// what is written, `blocks` are those of one parity.
    pub(crate) fn run<'a, const DAGGER: bool>(
        &self,
        passes: impl IntoIterator<Item = Pass<'a, T, N, H>>,
        combine: Combine<'_, T>,
        blocks: Range<usize>,
    ) where
        T: 'a,
    {
        let mut passes: ArrayVec<Pass<'a, T, N, H>, AT_ONCE> = passes.into_iter().collect();
        let streams = passes.iter_mut().map(|pass| {
            let out = pass.out.writer();
            // SAFETY: a site's neighbours are of the other parity, whose blocks nothing writes here.
            let within = || unsafe { out.reader() };
            let psi = pass.psi.map_or_else(within, |psi| psi.reader());
            Streams { psi, out, center: pass.center.map(|phi| phi.reader()) }
        });
        self.launch_each::<DAGGER>(&streams.collect::<ArrayVec<_, AT_ONCE>>(), combine, blocks);
        passes.iter_mut().for_each(|pass| pass.out.exchange());
    }

    /// As [`Wilson::run`] within one field: reads one parity of it and writes the other, `to`.
    pub(crate) fn run_within<const DAGGER: bool>(
        &self,
        out: &mut SpinorField<T, N, H>,
        center: Option<&SpinorField<T, N, H>>,
        combine: Combine<'_, T>,
        to: usize,
    ) {
        self.run::<DAGGER>([Pass { out, psi: None, center }], combine, self.blocks(Some(to)));
    }

    /// Bytes of the fields of a pass of so many right-hand sides: links, and two spinors of each.
    fn bytes_of(&self, sides: usize) -> usize {
        let links =
            self.kept_rows().map_or_else(|| self.links().reader().bytes(), |rows| rows.reader().bytes());
        links + 2 * sides * self.links().layout().blocks() * 4 * H * N * T::LANES * size_of::<T>()
    }

    /// The directions that are far in a pass of so many right-hand sides: see [`HopKernel::far`].
    fn far_directions(&self, sides: usize) -> u8 {
        let (bytes, layout) = (self.bytes_of(sides), self.links().layout());
        if bytes <= FAR_BYTES {
            return 0;
        }
        let distances: [usize; DIM_MAX] = std::array::from_fn(|mu| layout.distance(mu));
        let slowest = distances.iter().max().copied().unwrap_or(0);
        let is_far = |distance| distance == slowest || distance * (bytes / layout.blocks()) > NEAR_BYTES;
        (0..2 * H).fold(0, |far, mu| far | u8::from(is_far(distances[mu])) << mu)
    }

    /// Whether a pass of so many right-hand sides writes past the caches.
    pub(super) fn streams(&self, sides: usize) -> bool {
        self.bytes_of(sides) > STREAM_BYTES
    }

    fn launch_each<const DAGGER: bool>(
        &self,
        each: &[Streams<'_, T>],
        combine: Combine<'_, T>,
        blocks: Range<usize>,
    ) {
        match self.kept_rows() {
            Some(rows) => self.launch::<TWO_ROWS, DAGGER>(rows.reader(), each, combine, blocks),
            None => self.launch::<N, DAGGER>(self.links().reader(), each, combine, blocks),
        }
    }

    /// With links of which `ROWS` rows are in memory.
    fn launch<const ROWS: usize, const DAGGER: bool>(
        &self,
        links: FieldReader<'_, T>,
        each: &[Streams<'_, T>],
        combine: Combine<'_, T>,
        blocks: Range<usize>,
    ) {
        let (a, b, enter, matrices) = match combine {
            Combine::Scaled(b) => (0.0, b, Matrices::None, links),
            Combine::Added(a, b) => (a, b, Matrices::None, links),
            Combine::AddedTimes(k, b) => (1.0, b, Matrices::OnCenter, k),
            Combine::TimesScaled(k, b) => (0.0, b, Matrices::OnHop, k),
            Combine::TimesAdded(k, b) => (1.0, b, Matrices::OnHop, k),
        };
        let walk = (blocks == self.blocks(None)).then(|| self.links().layout().walk());
        let kernel = HopKernel::<'_, T, N, H, ROWS, DAGGER> {
            links,
            table: self.table(),
            each,
            a,
            b,
            enter,
            matrices,
            walk,
            returns: self.turns(),
            far: self.far_directions(each.len()),
            streams: self.streams(each.len()),
        };
        self.links().lattice().launch(&kernel, blocks);
    }
}
