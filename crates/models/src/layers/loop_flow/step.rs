//! One step of the integrator, its inverse, and the way back through it.
//!
//! Lüscher's third-order scheme (arXiv:1006.4518, appendix C) for V̇ = Z V with Z = −∂S̃_t, Z_i = Z(W_i):
//!
//! ```text
//! W_0 = V(t)     W_{i+1} = exp(A_i) W_i     V(t + h) = W_3
//! A_0 = ¼ h Z_0     A_1 = 8/9 h Z_1 − 17/9 A_0     A_2 = ¾ h Z_2 − A_1
//! ```
//!
//! with the Z_i taken at the times t, t + h/4, t + 2h/3. Integrals over t have the weights ¼, 0, ¾.

use super::super::exponent::Exponent;
use super::field::{Coefficients, LoopField, MOST_CHAINS};
use super::set::LoopSet;
use super::site::Pushed;
use crate::ModelError;
use crate::algebra::Frame;
use gaugelink_lattice::group::{ALGEBRA_MAX, algebra_dim, from_coordinates};
use gaugelink_lattice::{
    FieldReader, FieldWriter, GaugeField, Kernel, Lanes, Lattice, MomentumField, Real, Tally,
};
use std::ops::Range;
use std::sync::Arc;

/// Stages of a step.
pub const STAGES: usize = 3;
/// When they are, in steps.
pub const TIMES: [f64; STAGES] = [0.0, 0.25, 2.0 / 3.0];
/// Their weights in integrals.
const WEIGHTS: [f64; STAGES] = [0.25, 0.0, 0.75];
/// A_i = `GAIN[i]` h Z_i + `CARRY[i]` A_{i−1}
const GAIN: [f64; STAGES] = [0.25, 8.0 / 9.0, 0.75];
const CARRY: [f64; STAGES] = [0.0, -17.0 / 9.0, -1.0];
/// Most iterations of the inverse of a step.
const ITERATIONS: usize = 200;

/// Room for steps.
pub struct Stepper<T: Real, const N: usize> {
    pub loops: LoopField<T, N>,
    exponents: [MomentumField<T, N>; STAGES],
    /// Slopes of a loss by an exponent.
    by_exponent: MomentumField<T, N>,
    stages: [GaugeField<T, N>; STAGES],
    h: f64,
}

impl<T: Real, const N: usize> Stepper<T, N> {
    /// For steps of length `h`.
    ///
    /// # Errors
    /// As [`LoopField::new`].
    pub fn new(lattice: &Arc<Lattice>, order: usize, h: f64) -> Result<Self, ModelError> {
        let exponent = || MomentumField::zeroed(lattice);
        let links = || GaugeField::cold(lattice);
        Ok(Self {
            loops: LoopField::new(lattice, order)?,
            exponents: [exponent()?, exponent()?, exponent()?],
            by_exponent: exponent()?,
            stages: [links()?, links()?, links()?],
            h,
        })
    }

    /// V(t) → V(t + h); adds the integral of −Δ S̃ to `log_det`.
    pub fn forward(&mut self, u: &mut GaugeField<T, N>, c: &[Coefficients; STAGES], log_det: &mut [f64]) {
        for i in 0..STAGES {
            exponent(&mut self.loops, &mut self.exponents, self.h, (i, &c[i]), u, Some(log_det));
            u.drift(&self.exponents[i], 1.0);
        }
    }

    /// V(t + h) → V(t), by iterating V(t) = exp(−A_0) exp(−A_1) exp(−A_2) V(t + h), which contracts for small h; adds the
    /// log det of this direction.
    ///
    /// # Errors
    /// [`ModelError::NotConverged`].
    pub fn inverse(
        &mut self,
        u: &mut GaugeField<T, N>,
        c: &[Coefficients; STAGES],
        log_det: &mut [f64],
    ) -> Result<(), ModelError> {
        let (lattice, chains) = (u.lattice().clone(), log_det.len());
        let rounding = 16.0 / if T::BITS == 64 { (1u64 << 52) as f64 } else { (1u64 << 23) as f64 };
        let small = rounding * rounding * (2 * lattice.volume() * N) as f64;
        let mut moving = vec![true; chains];
        let [work, end, _] = &mut self.stages;
        end.copy_from(u);
        for _ in 0..ITERATIONS {
            work.copy_from(u);
            for i in 0..STAGES {
                exponent(&mut self.loops, &mut self.exponents, self.h, (i, &c[i]), work, None);
                work.drift(&self.exponents[i], 1.0);
            }
            work.copy_from(end);
            (0..STAGES).rev().for_each(|i| work.drift(&self.exponents[i], -1.0));
            let mut change = [0.0; MOST_CHAINS];
            let kernel = Change::<T> { a: work.reader(), b: u.reader() };
            lattice.reduce(&kernel, 0..work.layout().blocks(), &mut change[..chains]);
            // A chain that has arrived stands still, whatever the others do.
            u.copy_chains_from(work, &moving);
            moving.iter_mut().zip(change).for_each(|(moving, change)| *moving &= change > small);
            if !moving.contains(&true) {
                break;
            }
        }
        work.copy_from(u);
        let mut forward = [0.0; MOST_CHAINS];
        for i in 0..STAGES {
            let log_det = Some(&mut forward[..chains]);
            exponent(&mut self.loops, &mut self.exponents, self.h, (i, &c[i]), work, log_det);
            work.drift(&self.exponents[i], 1.0);
        }
        log_det.iter_mut().zip(forward).for_each(|(l, f)| *l -= f);
        match moving.iter().filter(|moving| **moving).count() {
            0 => Ok(()),
            stuck => Err(ModelError::NotConverged(format!(
                "the inverse of a step of a loop flow: {stuck} of {chains} chains still move after {ITERATIONS} \
                 iterations; take more `steps`, or smaller coefficients"
            ))),
        }
    }

    /// Reverse mode, as [`crate::Layer::vjp`] for the step that begins at `v`. Adds the derivatives with respect to the
    /// c_i of each stage to `by_c`, if given.
    pub fn backward(
        &mut self,
        v: &GaugeField<T, N>,
        c: &[Coefficients; STAGES],
        cotangent: &mut MomentumField<T, N>,
        weight: &[f64],
        mut by_c: Option<&mut [Vec<f64>; STAGES]>,
    ) {
        let Self { loops, exponents, by_exponent, stages, h } = self;
        let (lattice, chains) = (v.lattice().clone(), weight.len());
        let blocks = 0..v.layout().blocks();
        stages[0].copy_from(v);
        for i in 0..STAGES {
            exponent(loops, exponents, *h, (i, &c[i]), &stages[i], None);
            if i + 1 < STAGES {
                let (before, after) = stages.split_at_mut(i + 1);
                after[0].copy_from(&before[i]);
                after[0].drift(&exponents[i], 1.0);
            }
        }
        for i in (0..STAGES).rev() {
            let kernel = TurnBack::<T, N> {
                exponent: exponents[i].reader(),
                cotangent: cotangent.writer(),
                by_exponent: by_exponent.writer(),
                carry: CARRY.get(i + 1).copied(),
            };
            lattice.launch(&kernel, blocks.clone());
            let (scale, share) = (GAIN[i] * *h, WEIGHTS[i] * *h);
            let mut sums = vec![0.0; 2 * loops.set().count() * chains];
            let slopes = loops.slopes_along(
                &stages[i],
                &c[i],
                (by_exponent, scale),
                &|chain| share * weight[chain],
                by_c.is_some().then_some(&mut sums[..]),
            );
            let kernel = Pushed::<T, N> {
                slopes: slopes.reader(),
                direction: by_exponent.reader(),
                scale,
                cotangent: cotangent.writer(),
            };
            lattice.launch(&kernel, blocks.clone());
            if let Some(by_c) = by_c.as_deref_mut() {
                add_by_coefficients(loops.set(), &sums, weight, (share, lattice.volume()), &mut by_c[i]);
            }
        }
    }
}

/// ∂/∂c_i of −(derivative of S̃ along the direction) − `share` × weight × Δ S̃, from the sums of
/// [`LoopField::slopes_along`].
fn add_by_coefficients(
    set: &LoopSet,
    sums: &[f64],
    weight: &[f64],
    (share, volume): (f64, usize),
    into: &mut [f64],
) {
    let chains = weight.len();
    let of = |k: usize| &sums[k * chains..(k + 1) * chains];
    let weighted = |k: usize| share * of(k).iter().zip(weight).map(|(s, w)| s * w).sum::<f64>();
    let values: Vec<f64> = (0..set.count()).map(|j| weighted(2 * j)).collect();
    let constant = share * volume as f64 * weight.iter().sum::<f64>();
    let by_laplacian = set.laplacian_back(&values, constant);
    for j in 0..set.count() {
        into[j] -= of(2 * j + 1).iter().sum::<f64>() + by_laplacian[j];
    }
}

/// The exponent of stage `i` at the links W_i; adds the stage's share of −Δ S̃ to `log_det`, where asked.
fn exponent<T: Real, const N: usize>(
    loops: &mut LoopField<T, N>,
    exponents: &mut [MomentumField<T, N>; STAGES],
    h: f64,
    (i, c): (usize, &Coefficients),
    u: &GaugeField<T, N>,
    log_det: Option<&mut [f64]>,
) {
    let mut laplacian = [0.0; MOST_CHAINS];
    let log_det = log_det.filter(|_| WEIGHTS[i] > 0.0);
    let chains = u.lattice().chains();
    let slopes = loops.slopes(u, c, log_det.is_some().then_some(&mut laplacian[..chains]));
    let (gain, carry) = (T::from_f64(-GAIN[i] * h), T::from_f64(CARRY[i]));
    let (before, now) = exponents.split_at_mut(i);
    let now = now[0].as_mut_slice();
    match before.last() {
        None => now.iter_mut().zip(slopes.as_slice()).for_each(|(a, s)| *a = *s * gain),
        Some(before) => {
            let both = slopes.as_slice().iter().zip(before.as_slice());
            now.iter_mut().zip(both).for_each(|(a, (s, b))| *a = *s * gain + *b * carry);
        }
    }
    for (sum, laplacian) in log_det.into_iter().flatten().zip(laplacian) {
        *sum -= WEIGHTS[i] * h * laplacian;
    }
}

/// From slopes by exp(A) W to those by W, and by A added to `carry` × those by the exponent after it, which A is part of.
struct TurnBack<'a, T, const N: usize> {
    exponent: FieldReader<'a, T>,
    cotangent: FieldWriter<'a, T>,
    by_exponent: FieldWriter<'a, T>,
    carry: Option<f64>,
}

impl<T: Real, const N: usize> Kernel<T> for TurnBack<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: TurnBack);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let dim = algebra_dim(N);
        // SAFETY: a block's slopes are read and written by one thread.
        let (cotangent, by_exponent) = unsafe { (self.cotangent.reader(), self.by_exponent.reader()) };
        for block in range {
            for mu in 0..2 {
                let (mut a, mut g) = ([V::splat(0.0); ALGEBRA_MAX], [V::splat(0.0); ALGEBRA_MAX]);
                for b in 0..dim {
                    a[b] = self.exponent.load(block, mu * dim + b);
                    g[b] = cotangent.load(block, mu * dim + b);
                }
                let frame = Frame::<V, N>::new(&from_coordinates(&a));
                let (mut by_a, at_fixed_a) = Exponent::turned_back(&frame, &g);
                for b in 0..dim {
                    if let Some(carry) = self.carry {
                        let after: V = by_exponent.load(block, mu * dim + b);
                        by_a[b] = after.mul_add(V::splat(carry), by_a[b]);
                    }
                    // SAFETY: as above.
                    unsafe {
                        self.by_exponent.store(block, mu * dim + b, by_a[b]);
                        self.cotangent.store(block, mu * dim + b, at_fixed_a[b]);
                    }
                }
            }
        }
    }
}

/// Σ |a − b|² of each chain.
struct Change<'a, T> {
    a: FieldReader<'a, T>,
    b: FieldReader<'a, T>,
}

impl<T: Real> Kernel<T> for Change<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Change);
    const SUMS: usize = 1;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        for block in range {
            let mut sum = V::splat(0.0);
            for c in 0..self.a.reals() {
                let off = self.a.load::<V>(block, c) - self.b.load(block, c);
                sum = off.mul_add(off, sum);
            }
            tally.add(0, sum);
        }
    }
}
