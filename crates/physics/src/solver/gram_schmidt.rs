//! Modified Gram–Schmidt: each vector operation and the sum that follows it are one pass over memory.

use super::vector::{self, Coefficient, add_norm, complex, store};
use gaugelink_lattice::number::Row;
use gaugelink_lattice::{Complex, Field, FieldReader, FieldWriter, Kernel, Lanes, Real, Tally};
use std::ops::{DerefMut, Range};

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
fn remove<T: Real>(
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
fn remove_last<T: Real>(
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

struct Scale<'a, T> {
    w: FieldWriter<'a, T>,
    factor: Row<T>,
}

impl<T: Real> Kernel<T> for Scale<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Scale);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        // SAFETY: a block is read and written by one thread.
        let w = unsafe { self.w.reader() };
        let factor: V = self.factor.to_lanes();
        for block in range {
            for c in 0..w.reals() {
                // SAFETY: as above.
                unsafe { self.w.store(block, c, w.load::<V>(block, c) * factor) };
            }
        }
    }
}

/// w ← f w with real f.
pub(crate) fn scale<T: Real>(w: &mut Field<T>, factor: &[f64], blocks: Range<usize>) {
    let lattice = w.lattice().clone();
    let factor = Row::by_chain(&lattice, |chain| factor[chain]);
    lattice.launch(&Scale { w: w.writer(), factor }, blocks);
}

/// w ← w − Σ h_i v_i with h_i = ⟨v_i, w⟩, one v_i after the other, and `sums` = ‖w‖². `each` is told i and h_i of the
/// chains, and may change them: 0 leaves a chain alone. `h` has room for a number of each chain, `sums` for two. Collective.
pub(crate) fn orthogonalise<T: Real, X: DerefMut<Target = Field<T>>>(
    w: &mut X,
    basis: &[X],
    blocks: Range<usize>,
    (h, sums): (&mut [Complex<f64>], &mut [f64]),
    mut each: impl FnMut(usize, &mut [Complex<f64>]),
) {
    let chains = h.len();
    vector::inner_product(&basis[0], w, blocks.clone(), sums);
    for i in 0..basis.len() {
        for chain in 0..chains {
            h[chain] = Complex::new(sums[chain], sums[chains + chain]);
        }
        each(i, h);
        match basis.get(i + 1) {
            Some(next) => remove(w, h, (&basis[i], next), blocks.clone(), sums),
            None => remove_last(w, h, &basis[i], blocks.clone(), &mut sums[..chains]),
        }
    }
}
