//! One vector operation and the sum that follows it in modified Gram–Schmidt, in one pass over memory.

use super::vector::{Coefficient, add_norm, complex, store};
use gaugelink_lattice::{Complex, Field, FieldReader, FieldWriter, Kernel, Lanes, Real, Tally};
use std::ops::Range;

struct Remove<'a, T> {
    w: FieldWriter<'a, T>,
    v: FieldReader<'a, T>,
    next: FieldReader<'a, T>,
    h: Coefficient<T>,
}

impl<T: Real> Kernel<T> for Remove<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Remove);
    const SUMS: usize = 2;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        // SAFETY: a block is read and written by one thread.
        let w = unsafe { self.w.reader() };
        let minus_h = -self.h.lanes::<V>();
        for block in range {
            let mut sum = Complex::zero();
            for k in 0..self.v.reals() / 2 {
                let z = minus_h.mul_add(complex(&self.v, block, k), complex(&w, block, k));
                // SAFETY: as above.
                unsafe { store(&self.w, block, k, z) };
                sum = complex::<V, T>(&self.next, block, k).conj_mul_add(z, sum);
            }
            tally.add(0, sum.re);
            tally.add(1, sum.im);
        }
    }
}

/// w ← w − h v, then ⟨next, w⟩: `sums` = real parts, then imaginary parts. Collective.
pub(super) fn remove<T: Real>(
    w: &mut Field<T>,
    h: &[Complex<f64>],
    (v, next): (&Field<T>, &Field<T>),
    blocks: Range<usize>,
    sums: &mut [f64],
) {
    let lattice = v.lattice().clone();
    let h = Coefficient::new(&lattice, h);
    lattice.reduce(&Remove { w: w.writer(), v: v.reader(), next: next.reader(), h }, blocks, sums);
}

struct RemoveLast<'a, T> {
    w: FieldWriter<'a, T>,
    v: FieldReader<'a, T>,
    h: Coefficient<T>,
}

impl<T: Real> Kernel<T> for RemoveLast<'_, T> {
    gaugelink_lattice::compiled!(scalar T: RemoveLast);
    const SUMS: usize = 1;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        // SAFETY: a block is read and written by one thread.
        let w = unsafe { self.w.reader() };
        let minus_h = -self.h.lanes::<V>();
        for block in range {
            let mut norm = V::splat(0.0);
            for k in 0..self.v.reals() / 2 {
                let z = minus_h.mul_add(complex(&self.v, block, k), complex(&w, block, k));
                // SAFETY: as above.
                unsafe { store(&self.w, block, k, z) };
                norm = add_norm(z, norm);
            }
            tally.add(0, norm);
        }
    }
}

/// w ← w − h v, then ‖w‖². Collective.
pub(super) fn remove_last<T: Real>(
    w: &mut Field<T>,
    h: &[Complex<f64>],
    v: &Field<T>,
    blocks: Range<usize>,
    sums: &mut [f64],
) {
    let lattice = v.lattice().clone();
    let h = Coefficient::new(&lattice, h);
    lattice.reduce(&RemoveLast { w: w.writer(), v: v.reader(), h }, blocks, sums);
}
