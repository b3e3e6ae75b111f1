//! Passes of the hop over the lattice, of several right-hand sides at once.

use super::hop_kernel::{HopKernel, Matrices, Streams};
use super::spinor::SpinorField;
use super::two_rows::TWO_ROWS;
use super::wilson::Wilson;
use crate::solver::AT_ONCE;
use arrayvec::ArrayVec;
use gaugelink_lattice::{FieldReader, Real, Task};
use std::ops::Range;

/// Bytes that tell where a pass finds what it reads: any numbers give the same results.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// What a pass reads and writes comes from memory if it is more than this.
    pub cached: usize,
    /// What was read and written fewer bytes ago than this is still in the second-level cache.
    pub near: usize,
    /// If what a pass reads and writes is more than this, what is written is evicted before it is read again, and is
    /// written past the caches.
    pub streamed: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { cached: 12 << 20, near: 512 << 10, streamed: 24 << 20 }
    }
}

/// Forms of a pass: that of the rules, and none to two directions far, written past the caches or not.
const FORMS: usize = 7;

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

    /// Bytes of the fields of a pass of so many right-hand sides on a block: links, and two spinors of each.
    fn block_bytes(&self, sides: usize) -> usize {
        let links = self.kept_rows().map_or(self.links().reals(), |rows| rows.reals());
        (links + 2 * sides * SpinorField::<T, N, H>::REALS) * T::LANES * size_of::<T>()
    }
    /// The same of the lattice.
    fn bytes_of(&self, sides: usize) -> usize {
        self.block_bytes(sides) * self.links().layout().blocks()
    }
    /// Whether a pass of so many right-hand sides writes past the caches.
    pub(super) fn streams(&self, sides: usize) -> bool {
        self.bytes_of(sides) > self.limits.streamed
    }

    /// A form of a pass of so many right-hand sides, all of which give the same bits: which directions are far (see
    /// [`HopKernel::far`]), and whether it writes past the caches. Form 0 is for what is known of caches in general.
    fn form(&self, sides: usize, form: usize) -> (u8, bool) {
        match form {
            0 if self.bytes_of(sides) <= self.limits.cached => (0, self.streams(sides)),
            0 => {
                let (layout, block_bytes) = (self.links().layout(), self.block_bytes(sides));
                let is_far = |&mu: &usize| layout.distance(mu) * block_bytes > self.limits.near;
                (self.slowest((0..2 * H).filter(is_far).count().max(1)), self.streams(sides))
            }
            _ => (self.slowest((form - 1) / 2), form.is_multiple_of(2)),
        }
    }

    /// So many directions in which neighbours are farthest from each other, one bit each.
    fn slowest(&self, count: usize) -> u8 {
        let layout = self.links().layout();
        let farther = |mu: usize| {
            let is_farther = |&nu: &usize| (layout.distance(nu), nu) > (layout.distance(mu), mu);
            (0..2 * H).filter(is_farther).count()
        };
        (0..2 * H).filter(|&mu| farther(mu) < count).fold(0, |far, mu| far | 1 << mu)
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
        let (table, returns) = (self.table(), self.turns());
        let task = Task {
            kernel: "hop",
            details: [
                ("colours", N),
                ("rows", ROWS),
                ("bits", T::BITS as usize),
                ("sides", each.len()),
                ("parities", if walk.is_some() { 2 } else { 1 }),
                ("matrices", (enter != Matrices::None) as usize),
            ],
        };
        self.links().lattice().launch_planned(&task, FORMS, |form| {
            let (far, streams) = self.form(each.len(), form);
            let kernel = HopKernel::<'_, T, N, H, ROWS, DAGGER> {
                links,
                table,
                each,
                a,
                b,
                enter,
                matrices,
                walk,
                returns,
                far,
                streams,
            };
            self.links().lattice().launch(&kernel, blocks.clone());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dirac::{Boundary, Schur};
    use crate::naive::rough_field;
    use crate::solver::LinearOperator;
    use gaugelink_lattice::rng::{Address, Purpose};
    use gaugelink_lattice::{Lattice, LatticeOptions, Planner};
    use std::sync::Arc;

    /// D, D† and the even-odd forms, where there are some, of three right-hand sides, one after the other.
    fn results<const N: usize, const H: usize>(d: &Wilson<'_, f64, N, H>) -> Vec<f64> {
        fn both<const N: usize, const H: usize>(
            a: &impl LinearOperator<f64, Vector = SpinorField<f64, N, H>>,
            all: &mut Vec<f64>,
        ) {
            let mut fields: Vec<_> = (0..3)
                .map(|source| {
                    let mut psi = a.vector().unwrap();
                    psi.set_gaussian(Address::new(source, Purpose::Source));
                    (a.vector().unwrap(), psi)
                })
                .collect();
            for dagger in [false, true] {
                let mut pairs: Vec<_> = fields.iter_mut().map(|(out, psi)| (out, &*psi)).collect();
                if dagger {
                    a.apply_dagger_each(&mut pairs)
                } else {
                    a.apply_each(&mut pairs)
                }
                fields.iter().for_each(|(out, _)| all.extend_from_slice(out.as_slice()));
            }
        }
        let mut all = Vec::new();
        both(d, &mut all);
        if d.check_parities().is_ok() {
            both(&Schur::odd(d).unwrap(), &mut all);
            both(&Schur::even(d).unwrap().asymmetric(), &mut all);
        }
        all
    }

    fn check<const N: usize, const H: usize>(extents: &[usize], csw: f64, two_rows: bool) {
        let operator = |options: LatticeOptions, run: &dyn Fn(Wilson<'_, f64, N, H>) -> Vec<f64>| {
            let lattice = Lattice::new(extents, LatticeOptions { threads: 2, ..options }).unwrap();
            let u = rough_field::<N>(&lattice, 0.6);
            let d = Wilson::<f64, N, H>::new(&u, 0.1, Boundary::antiperiodic()).unwrap();
            let d = d.with_clover(csw).unwrap();
            run(if two_rows { d.with_two_rows().unwrap() } else { d })
        };
        let what = format!("N = {N}, {extents:?}, c_sw {csw}, two rows {two_rows}");
        let expected = operator(LatticeOptions::default(), &|d| {
            assert_eq!(d.form(1, 0), (0, false), "{what}: a small lattice is in caches");
            results(&d)
        });
        let most = usize::MAX;
        for (cached, near, streamed) in [(0, most, most), (0, 0, most), (0, 0, 0), (most, most, 0)] {
            let ours = operator(LatticeOptions::default(), &|mut d| {
                d.limits = Limits { cached, near, streamed };
                let (far, streams) = d.form(1, 0);
                assert_eq!((far == 0, streams), (cached == most, streamed == 0), "{what}");
                results(&d)
            });
            assert!(ours == expected, "{what}: limits {cached}, {near}, {streamed}");
        }
        let planner = Arc::new(Planner::default());
        let options = LatticeOptions { planner: Some(planner.clone()), ..LatticeOptions::default() };
        assert!(operator(options, &|d| results(&d)) == expected, "{what}: planned");
        let found = planner.found();
        let wanted = format!("hop, colours {N}, rows {}, bits 64, sides 3", if two_rows { 2 } else { N });
        assert!(found.keys().any(|task| task.contains(&wanted)), "{what}: {found:?}");
    }

    #[test]
    fn all_forms_give_the_same_bits() {
        check::<3, 2>(&[4, 4, 2, 8], 0.0, false);
        check::<3, 2>(&[4, 4, 2, 8], 0.0, true);
        check::<3, 2>(&[4, 2, 4, 4], 1.2, false);
        check::<2, 2>(&[3, 2, 5, 4], 1.2, false);
        check::<1, 1>(&[8, 6], 0.0, false);
        check::<3, 1>(&[4, 8], 0.0, true);
    }

    #[test]
    fn the_slowest_directions_are_those_with_most_between_neighbours() {
        let lattice = Lattice::new(&[8, 16, 4, 32], LatticeOptions::default()).unwrap();
        let u = rough_field::<3>(&lattice, 0.1);
        let d = Wilson::<f64, 3>::new(&u, 0.1, Boundary::periodic()).unwrap();
        let parts = u.layout().part_extents();
        let between = [0, 1, 2, 3].map(|mu| u.layout().distance(mu));
        assert_eq!(between.iter().min(), Some(&1));
        let slowest = (0..4).max_by_key(|&mu| between[mu]).unwrap();
        assert_eq!(between[slowest] * parts[slowest], u.layout().blocks());
        assert_eq!((d.slowest(0), d.slowest(1), d.slowest(4)), (0, 1 << slowest, 0b1111));
    }
}
