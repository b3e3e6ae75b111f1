//! The vector operations of BiCGStab, each with its sums in one pass over memory.

use super::vector::{Coefficient, add_norm, complex, store};
use gaugelink_lattice::{Complex, Field, FieldReader, FieldWriter, Kernel, Lanes, Real, Tally};
use std::ops::Range;

struct BiCgDirection<'a, T> {
    p: FieldWriter<'a, T>,
    r: FieldReader<'a, T>,
    v: FieldReader<'a, T>,
    beta: Coefficient<T>,
    omega: Coefficient<T>,
}

impl<T: Real> Kernel<T> for BiCgDirection<'_, T> {
    gaugelink_lattice::compiled!(scalar T: BiCgDirection);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        // SAFETY: a block is read and written by one thread.
        let p = unsafe { self.p.reader() };
        let (beta, minus_omega) = (self.beta.lanes::<V>(), -self.omega.lanes::<V>());
        for block in range {
            for k in 0..self.r.reals() / 2 {
                let step = minus_omega.mul_add(complex(&self.v, block, k), complex(&p, block, k));
                let z = beta.mul_add(step, complex(&self.r, block, k));
                // SAFETY: as above.
                unsafe { store(&self.p, block, k, z) };
            }
        }
    }
}

/// p ← r + β (p − ω v).
pub(super) fn bicg_direction<T: Real>(
    p: &mut Field<T>,
    (beta, omega): (&[Complex<f64>], &[Complex<f64>]),
    (r, v): (&Field<T>, &Field<T>),
    blocks: Range<usize>,
) {
    let lattice = r.lattice().clone();
    let (beta, omega) = (Coefficient::new(&lattice, beta), Coefficient::new(&lattice, omega));
    lattice.launch(&BiCgDirection { p: p.writer(), r: r.reader(), v: v.reader(), beta, omega }, blocks);
}

struct BiCgStep<'a, T> {
    x: FieldWriter<'a, T>,
    r: FieldWriter<'a, T>,
    p: FieldReader<'a, T>,
    t: FieldReader<'a, T>,
    shadow: FieldReader<'a, T>,
    alpha: Coefficient<T>,
    omega: Coefficient<T>,
}

impl<T: Real> Kernel<T> for BiCgStep<'_, T> {
    gaugelink_lattice::compiled!(scalar T: BiCgStep);
    const SUMS: usize = 3;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        // SAFETY: a block is read and written by one thread.
        let (x, r) = unsafe { (self.x.reader(), self.r.reader()) };
        let (alpha, omega) = (self.alpha.lanes::<V>(), self.omega.lanes::<V>());
        for block in range {
            let (mut norm, mut rho) = (V::splat(0.0), Complex::zero());
            for k in 0..self.p.reals() / 2 {
                let s = complex::<V, T>(&r, block, k);
                let ahead = alpha.mul_add(complex(&self.p, block, k), complex(&x, block, k));
                let new_r = (-omega).mul_add(complex(&self.t, block, k), s);
                // SAFETY: as above.
                unsafe {
                    store(&self.x, block, k, omega.mul_add(s, ahead));
                    store(&self.r, block, k, new_r);
                }
                norm = add_norm(new_r, norm);
                rho = complex::<V, T>(&self.shadow, block, k).conj_mul_add(new_r, rho);
            }
            tally.add(0, norm);
            tally.add(1, rho.re);
            tally.add(2, rho.im);
        }
    }
}

/// With s in r: x ← x + α p + ω s, r ← s − ω t; `sums` = ‖r‖², then ⟨shadow, r⟩. Collective.
pub(super) fn bicg_step<T: Real>(
    (x, r): (&mut Field<T>, &mut Field<T>),
    (alpha, omega): (&[Complex<f64>], &[Complex<f64>]),
    (p, t, shadow): (&Field<T>, &Field<T>, &Field<T>),
    blocks: Range<usize>,
    sums: &mut [f64],
) {
    let lattice = p.lattice().clone();
    let kernel = BiCgStep {
        x: x.writer(),
        r: r.writer(),
        p: p.reader(),
        t: t.reader(),
        shadow: shadow.reader(),
        alpha: Coefficient::new(&lattice, alpha),
        omega: Coefficient::new(&lattice, omega),
    };
    lattice.reduce(&kernel, blocks, sums);
}
