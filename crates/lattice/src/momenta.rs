//! Momenta, and algebra fields in general, as vectors: sums and inner products.

use crate::field::{Field, FieldReader, FieldWriter};
use crate::gauge::MomentumField;
use crate::number::{Kernel, Lanes, Real};
use crate::sum::Tally;
use std::ops::Range;

impl<T: Real, const N: usize> MomentumField<T, N> {
    /// π ← 0. Ghosts are not touched.
    pub fn set_zero(&mut self) {
        let lattice = self.lattice().clone();
        lattice.launch(&Zero(self.writer()), 0..lattice.layout::<T>().blocks());
    }

    /// π^a ← π^a + `scale` × `other`^a. Ghosts are not touched.
    pub fn add(&mut self, scale: f64, other: &Self) {
        add(self, scale, other);
    }

    /// Σ π^a × `other`^a over links and ranks, for each chain. Collective.
    pub fn dot(&self, other: &Self) -> Vec<f64> {
        let mut sums = vec![0.0; self.lattice().chains()];
        self.lattice().reduce(&Dot(self.reader(), other.reader()), 0..self.layout().blocks(), &mut sums);
        sums
    }
}

/// `sum` ← `sum` + `scale` × `other`. Ghosts are not touched.
pub(crate) fn add<T: Real>(sum: &mut Field<T>, scale: f64, other: &Field<T>) {
    let lattice = other.lattice().clone();
    let kernel = Add { sum: sum.writer(), other: other.reader(), scale };
    lattice.launch(&kernel, 0..lattice.layout::<T>().blocks());
}

struct Zero<'a, T>(FieldWriter<'a, T>);

impl<T: Real> Kernel<T> for Zero<'_, T> {
    crate::compiled!(scalar T: Zero);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for block in range {
            for c in 0..self.0.reals() {
                // SAFETY: a block is written by one thread.
                unsafe { self.0.store(block, c, V::splat(0.0)) }
            }
        }
    }
}

struct Add<'a, T> {
    sum: FieldWriter<'a, T>,
    other: FieldReader<'a, T>,
    scale: f64,
}

impl<T: Real> Kernel<T> for Add<'_, T> {
    crate::compiled!(scalar T: Add);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let scale = V::splat(self.scale);
        // SAFETY: a block is read and written by one thread.
        let old = unsafe { self.sum.reader() };
        for block in range {
            for c in 0..self.other.reals() {
                let x = self.other.load::<V>(block, c).mul_add(scale, old.load(block, c));
                // SAFETY: as above.
                unsafe { self.sum.store(block, c, x) }
            }
        }
    }
}

struct Dot<'a, T>(FieldReader<'a, T>, FieldReader<'a, T>);

impl<T: Real> Kernel<T> for Dot<'_, T> {
    crate::compiled!(scalar T: Dot);
    const SUMS: usize = 1;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        for block in range {
            let mut sum = V::splat(0.0);
            for c in 0..self.0.reals() {
                sum = self.0.load::<V>(block, c).mul_add(self.1.load(block, c), sum);
            }
            tally.add(0, sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::{Lattice, LatticeOptions};
    use crate::rng::{Address, Purpose};

    #[test]
    fn sums_and_inner_products_are_those_of_vectors() {
        let lattice = Lattice::new(&[4, 3, 2], LatticeOptions::default()).unwrap();
        let drawn = |seed| {
            let mut p = MomentumField::<f64, 2>::zeroed(&lattice).unwrap();
            p.refresh(Address::new(seed, Purpose::Momenta));
            p
        };
        let (mut a, b) = (drawn(1), drawn(2));
        let (aa, ab, bb) = (2.0 * a.kinetic()[0], a.dot(&b)[0], b.norm2()[0]);
        assert!(ab.abs() < 5.0 * (72f64).sqrt() && ab != 0.0, "72 products of independent numbers: {ab}");
        a.add(-0.3, &b);
        assert!((a.norm2()[0] - (aa - 0.6 * ab + 0.09 * bb)).abs() < 1e-12 * aa);
        assert!((a.dot(&b)[0] - (ab - 0.3 * bb)).abs() < 1e-12 * bb);
        a.block_mut(0)[3] = f64::NAN;
        a.set_zero();
        assert!(a.as_slice().iter().all(|&x| x == 0.0) && b.norm2()[0] == bb);
    }
}
