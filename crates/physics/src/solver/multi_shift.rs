//! Conjugate gradients for (M†M + σ_k) x_k = b, all shifts σ_k from one Krylov space (Jegerlehner, hep-lat/9612014).
//!
//! The residuals of the shifted systems stay parallel to that of the smallest shift, r_k = ζ_k r, so a shift costs
//! vectors but no operator. With a = ‖r‖²/⟨p, A p⟩ and b = ‖r'‖²/‖r‖² of the smallest shift, δ = σ_k − σ_min:
//!
//! ζ⁺ = ζ ζ⁻ a⁻ / [a b⁻ (ζ⁻ − ζ) + ζ⁻ a⁻ (1 + δ a)],  x_k += a (ζ⁺/ζ) p_k,  p_k = ζ⁺ r' + b (ζ⁺/ζ)² p_k.

use super::monitor::{End, Monitor};
use super::operator::LinearOperator;
use super::report::{SolveError, SolveReport, Stopping};
use super::vector;
use gaugelink_lattice::number::Row;
use gaugelink_lattice::{Complex, Field, FieldReader, FieldWriter, Kernel, Lanes, LatticeError, Real, Tally};
use std::ops::{DerefMut, Range};

/// The fields of a solve, kept from one to the next: iterations allocate nothing on one rank.
#[derive(Debug)]
pub struct MultiShift<X> {
    r: X,
    mp: X,
    ap: X,
    /// One for each shift.
    p: Vec<X>,
}

/// The numbers of one shift in one chain.
#[derive(Clone, Copy, Debug)]
struct Shifted {
    zeta: f64,
    last_zeta: f64,
    /// Whether its residual has the tolerance: nothing is added to its solution from then on.
    done: bool,
}

impl Shifted {
    /// ζ after a step `a` of the smallest shift, whose last step and turn were `last`; returns ζ⁺/ζ.
    fn advance(&mut self, delta: f64, a: f64, last: (f64, f64)) -> f64 {
        let (last_a, last_b) = last;
        let (zeta, last_zeta) = (self.zeta, self.last_zeta);
        let next = zeta * last_zeta * last_a
            / (a * last_b * (last_zeta - zeta) + last_zeta * last_a * (1.0 + delta * a));
        (self.last_zeta, self.zeta) = (zeta, next);
        next / zeta
    }
}

impl<X> MultiShift<X> {
    /// Fields for solves with as many shifts, with `a` or another operator on the same lattice.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`].
    pub fn new<T: Real, A: LinearOperator<T, Vector = X>>(
        a: &A,
        shifts: usize,
    ) -> Result<Self, LatticeError> {
        let p = (0..shifts).map(|_| a.vector()).collect::<Result<_, _>>()?;
        Ok(Self { r: a.vector()?, mp: a.vector()?, ap: a.vector()?, p })
    }

    /// Solves (M†M + σ_k) x_k = b for the shifts σ_k ≥ 0, from zero: what is in `x` is overwritten. The tolerance is for
    /// each ‖r_k‖ relative to ‖b‖; the report's residuals are those of the worst shift. Collective.
    ///
    /// # Errors
    /// See [`SolveError`]; x then holds the last iterates.
    ///
    /// # Panics
    /// Where there are not as many solutions as shifts, or more than this has fields for, or a shift is negative.
    pub fn solve<T: Real, A: LinearOperator<T, Vector = X>>(
        &mut self,
        a: &A,
        shifts: &[f64],
        x: &mut [X],
        b: &X,
        stop: &Stopping,
    ) -> Result<SolveReport, SolveError>
    where
        X: DerefMut<Target = Field<T>>,
    {
        assert!(shifts.len() == x.len() && x.len() <= self.p.len(), "a solution and a field for each shift");
        assert!(shifts.iter().all(|&shift| shift >= 0.0), "shifts are not negative");
        let (blocks, chains) = (a.blocks(), b.lattice().chains());
        let least = shifts.iter().copied().fold(f64::INFINITY, f64::min);
        let base = shifts.iter().position(|&shift| shift == least).unwrap_or(0);
        let [mut scale, mut norm2, mut new_norm2, mut along, mut p_norm2] =
            [(); 5].map(|()| vec![0.0; chains]);
        let mut coefficients = [(); 3].map(|()| vec![0.0; chains]);
        let start = Shifted { zeta: 1.0, last_zeta: 1.0, done: false };
        let mut shifted = vec![vec![start; chains]; shifts.len()];
        let [mut step, mut last_step] = [(); 2].map(|()| vec![1.0; chains]);
        let [mut turn, mut last_turn] = [(); 2].map(|()| vec![0.0; chains]);
        let numbers = |x: f64| vec![Complex::new(x, 0.0); chains];
        let minus_least = numbers(-least);
        let mut monitor = Monitor::new("multi-shift conjugate gradients", stop, chains);
        vector::norm2(b, blocks.clone(), &mut scale);
        monitor.set_scale(&scale);
        norm2.copy_from_slice(&scale);
        self.r.copy_from(b);
        for (x, p) in x.iter_mut().zip(&mut self.p) {
            x.fill(T::default());
            p.copy_from(b);
        }
        let end = loop {
            if let Some(end) = monitor.observe(&norm2) {
                break end;
            }
            let p = &mut self.p[base];
            p.exchange();
            a.apply(&mut self.mp, p);
            a.apply_dagger(&mut self.ap, &self.mp);
            monitor.applications += 2;
            vector::norm2(&self.mp, blocks.clone(), &mut along);
            if least > 0.0 {
                vector::norm2(p, blocks.clone(), &mut p_norm2);
                along.iter_mut().zip(&p_norm2).for_each(|(along, p2)| *along += least * p2);
                vector::subtract(&mut self.ap, &minus_least, p, blocks.clone());
            }
            let live = |chain: usize| !monitor.done(chain);
            if (0..chains).any(|chain| live(chain) && along[chain] == 0.0) {
                break End::Breakdown("M p");
            }
            std::mem::swap(&mut step, &mut last_step);
            std::mem::swap(&mut turn, &mut last_turn);
            for chain in 0..chains {
                step[chain] = if live(chain) { norm2[chain] / along[chain] } else { 0.0 };
            }
            let fields = (&mut *x[base], &mut *self.r);
            vector::cg_step(fields, &step, (&self.p[base], &self.ap), blocks.clone(), &mut new_norm2);
            for chain in 0..chains {
                turn[chain] = if live(chain) { new_norm2[chain] / norm2[chain] } else { 0.0 };
            }
            vector::scale_add(&mut self.p[base], &turn, &self.r, blocks.clone());
            for k in (0..shifts.len()).filter(|&k| k != base) {
                if shifted[k].iter().all(|s| s.done) {
                    continue;
                }
                for chain in 0..chains {
                    let (s, [to_x, to_p, of_r]) = (&mut shifted[k][chain], &mut coefficients);
                    if s.done || !live(chain) {
                        (to_x[chain], to_p[chain], of_r[chain]) = (0.0, 0.0, 0.0);
                        continue;
                    }
                    let last = (last_step[chain], last_turn[chain]);
                    let ratio = s.advance(shifts[k] - least, step[chain], last);
                    to_x[chain] = step[chain] * ratio;
                    (to_p[chain], of_r[chain]) = (turn[chain] * ratio * ratio, s.zeta);
                    let residual2 = s.zeta * s.zeta * new_norm2[chain];
                    s.done = residual2 <= stop.tolerance * stop.tolerance * scale[chain];
                }
                shift_step((&mut x[k], &mut self.p[k]), &coefficients, &self.r, blocks.clone());
            }
            std::mem::swap(&mut norm2, &mut new_norm2);
        };
        let worst = &mut along;
        worst.fill(0.0);
        for (x, &shift) in x.iter_mut().zip(shifts) {
            x.exchange();
            a.apply(&mut self.mp, x);
            a.apply_dagger(&mut self.ap, &self.mp);
            monitor.applications += 2;
            vector::subtract(&mut self.ap, &numbers(-shift), x, blocks.clone());
            vector::subtract_from(&mut self.ap, b, blocks.clone(), &mut new_norm2);
            // A residual that is no number shall not be lost.
            worst.iter_mut().zip(&new_norm2).for_each(|(w, &n)| *w = if *w > n { *w } else { n });
        }
        monitor.finish(end, a.flops(), worst, (worst, &scale))
    }
}

struct ShiftStep<'a, T> {
    x: FieldWriter<'a, T>,
    p: FieldWriter<'a, T>,
    r: FieldReader<'a, T>,
    to_x: Row<T>,
    to_p: Row<T>,
    of_r: Row<T>,
}

impl<T: Real> Kernel<T> for ShiftStep<'_, T> {
    gaugelink_lattice::compiled!(scalar T: ShiftStep);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        // SAFETY: a block is read and written by one thread.
        let (x, p) = unsafe { (self.x.reader(), self.p.reader()) };
        let (to_x, to_p, of_r): (V, V, V) =
            (self.to_x.to_lanes(), self.to_p.to_lanes(), self.of_r.to_lanes());
        for block in range {
            for c in 0..self.r.reals() {
                let direction: V = p.load(block, c);
                let new_x = direction.mul_add(to_x, x.load(block, c));
                let new_p = direction.mul_add(to_p, self.r.load::<V>(block, c) * of_r);
                // SAFETY: as above.
                unsafe {
                    self.x.store(block, c, new_x);
                    self.p.store(block, c, new_p);
                }
            }
        }
    }
}

/// x ← x + a p, then p ← b p + c r with real `coefficients` (a, b, c).
fn shift_step<T: Real>(
    (x, p): (&mut Field<T>, &mut Field<T>),
    coefficients: &[Vec<f64>; 3],
    r: &Field<T>,
    blocks: Range<usize>,
) {
    let lattice = r.lattice().clone();
    let [to_x, to_p, of_r] = coefficients.each_ref().map(|c| Row::by_chain(&lattice, |chain| c[chain]));
    lattice.launch(&ShiftStep { x: x.writer(), p: p.writer(), r: r.reader(), to_x, to_p, of_r }, blocks);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dirac::dense::{columns, dense};
    use crate::dirac::{Boundary, Schur, SpinorField, Wilson};
    use crate::naive::rough_field;
    use crate::solver::ConjugateGradient;
    use gaugelink_lattice::rng::{Address, Purpose};
    use gaugelink_lattice::{LaneMeaning, Lattice, LatticeOptions};
    use nalgebra::DMatrix;

    const SHIFTS: [f64; 4] = [0.7, 1e-4, 0.02, 30.0];

    /// Against (M†M + σ)⁻¹ of a dense matrix.
    #[test]
    fn solutions_are_those_of_dense_matrices() {
        let lattice = Lattice::new(&[2; 4], LatticeOptions::default()).unwrap();
        let u = rough_field::<2>(&lattice, 0.6);
        let d = Wilson::<f64, 2>::new(&u, -0.8, Boundary::antiperiodic()).unwrap().with_clover(1.3).unwrap();
        let schur = Schur::odd(&d).unwrap();
        let odd: Vec<usize> =
            (0..16).filter(|&i| lattice.geometry().site(i).iter().sum::<usize>() % 2 == 1).collect();
        let mut b = SpinorField::zeroed(&lattice).unwrap();
        b.set_gaussian(Address::new(5, Purpose::Source));
        let m = dense(&schur, &odd, false).unwrap().remove(0);
        let normal = m.adjoint() * &m;
        for shifts in [&SHIFTS[..], &[0.0, 0.3], &[0.1]] {
            let mut x: Vec<_> = shifts.iter().map(|_| schur.vector().unwrap()).collect();
            let mut solver = MultiShift::new(&schur, shifts.len()).unwrap();
            let report = solver.solve(&schur, shifts, &mut x, &b, &Stopping::at(1e-12)).unwrap();
            assert!(report.worst_residual() < 1e-11, "{report:?}");
            for (x, &shift) in x.iter().zip(shifts) {
                let unit = DMatrix::identity(normal.nrows(), normal.nrows());
                let matrix = &normal + unit.scale(shift);
                let expected = matrix.lu().solve(&columns(&b, &odd)[0]).unwrap();
                let off = (&columns(x, &odd)[0] - &expected).norm() / expected.norm();
                assert!(off < 1e-9, "shift {shift}: off by {off}");
            }
        }
    }

    /// The iterations are those of the smallest shift by itself, however many there are, and in a batch each chain has
    /// the numbers that it has alone.
    #[test]
    fn shifts_cost_no_iterations_and_chains_do_not_meet() {
        let options = |lanes| LatticeOptions { lanes, ..LatticeOptions::default() };
        let lattice = Lattice::new(&[4, 4, 2, 4], options(LaneMeaning::Batch { chains: 3 })).unwrap();
        let u = rough_field::<3>(&lattice, 0.5);
        let d = Wilson::<f64, 3>::new(&u, 0.1, Boundary::antiperiodic()).unwrap();
        let mut b = SpinorField::zeroed(&lattice).unwrap();
        b.set_gaussian(Address::new(5, Purpose::Source));
        let shifts = [2.0, 0.0, 0.5];
        let mut x: Vec<_> = shifts.iter().map(|_| d.vector().unwrap()).collect();
        let stop = Stopping::at(1e-10);
        let mut solver = MultiShift::new(&d, 3).unwrap();
        let report = solver.solve(&d, &shifts, &mut x, &b, &stop).unwrap();
        let mut alone = d.vector().unwrap();
        let cg = ConjugateGradient::new(&d).unwrap().solve_normal(&d, &mut alone, &b, &stop).unwrap();
        assert_eq!(report.chain_iterations, cg.chain_iterations);
        for chain in 0..3 {
            for site in 0..lattice.volume() {
                let site = lattice.geometry().site(site);
                let (ours, cg) = (x[1].spinor(&site, chain).unwrap(), alone.spinor(&site, chain).unwrap());
                for (a, b) in ours.components().iter().zip(cg.components()) {
                    assert!((*a - *b).norm2().sqrt() < 1e-12, "chain {chain} {site:?}");
                }
            }
        }
    }

    #[test]
    fn too_few_iterations_are_told() {
        let lattice = Lattice::new(&[4; 4], LatticeOptions::default()).unwrap();
        let u = rough_field::<3>(&lattice, 0.5);
        let d = Wilson::<f64, 3>::new(&u, 0.1, Boundary::antiperiodic()).unwrap();
        let mut b = SpinorField::zeroed(&lattice).unwrap();
        b.set_gaussian(Address::new(5, Purpose::Source));
        let mut x = [d.vector().unwrap(), d.vector().unwrap()];
        let stop = Stopping { iterations: 3, ..Stopping::at(1e-10) };
        let error = MultiShift::new(&d, 2).unwrap().solve(&d, &[0.0, 1.0], &mut x, &b, &stop).unwrap_err();
        assert!(matches!(error, SolveError::IterationLimit { .. }), "{error}");
        b.set(0, 0, 0, f64::NAN);
        let error = MultiShift::new(&d, 2).unwrap().solve(&d, &[0.0, 1.0], &mut x, &b, &stop).unwrap_err();
        assert!(matches!(error, SolveError::NotFinite { .. }), "{error}");
    }
}
