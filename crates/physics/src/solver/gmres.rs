//! Restarted GMRES (Saad and Schultz 1986, SIAM J. Sci. Stat. Comput. 7, 856) and its flexible form (Saad 1993, SIAM J.
//! Sci. Comput. 14, 461).
//!
//! z_j = P_j v_j, w = M z_j, h_ij = ⟨v_i, w⟩ and w −= h_ij v_i for i = 0 … j (modified Gram–Schmidt), h_j+1,j = ‖w‖,
//! v_j+1 = w / ‖w‖. Then x += Σ y_j z_j with y minimising ‖β e₁ − H y‖, which is ‖b − M x‖. Preconditioning is from the
//! right, so residuals are the true ones for any preconditioner; without one z_j = v_j.

use super::gram_schmidt::{orthogonalise, scale};
use super::hessenberg::Hessenberg;
use super::monitor::{End, Monitor};
use super::operator::LinearOperator;
use super::preconditioner::Preconditioner;
use super::report::{SolveError, SolveReport, Stopping};
use super::vector;
use crate::PhysicsError;
use gaugelink_lattice::{Complex, Field, Real};
use std::ops::DerefMut;

/// Iterations between restarts at most: the work of one grows with their number.
pub const RESTART_MAX: usize = 1000;

/// Whether `solver` can restart after so many iterations.
pub(super) fn check_restart(solver: &str, restart: usize) -> Result<(), PhysicsError> {
    if (1..=RESTART_MAX).contains(&restart) {
        return Ok(());
    }
    Err(PhysicsError::Parameter(format!(
        "{solver} cannot restart after {restart} iterations: give 1 to {RESTART_MAX}, 30 is usual"
    )))
}

/// The fields of a solve, kept from one to the next: iterations allocate nothing on one rank.
#[derive(Debug)]
pub struct Gmres<X> {
    /// v_0 … v_m.
    basis: Vec<X>,
    /// z_0 … z_m−1, once there was a preconditioner.
    directions: Vec<X>,
}

/// The numbers of a solve.
struct Numbers {
    problems: Vec<Hessenberg>,
    h: Vec<Complex<f64>>,
    factor: Vec<f64>,
    sums: Vec<f64>,
}

impl<X> Gmres<X> {
    /// Fields for solves with `a` or another operator on the same lattice, restarted after `restart` iterations. They
    /// are `restart` + 1, and with a preconditioner 2 `restart` + 1.
    ///
    /// # Errors
    /// [`PhysicsError::Parameter`] for `restart` = 0 or beyond [`RESTART_MAX`]; out of memory.
    pub fn new<T: Real, A: LinearOperator<T, Vector = X>>(
        a: &A,
        restart: usize,
    ) -> Result<Self, PhysicsError> {
        check_restart("GMRES", restart)?;
        let basis = (0..=restart).map(|_| a.vector()).collect::<Result<_, _>>()?;
        Ok(Self { basis, directions: Vec::new() })
    }

    /// Iterations between restarts.
    pub fn restart(&self) -> usize {
        self.basis.len() - 1
    }

    /// Solves M x = b, starting from the given x. Collective.
    ///
    /// # Errors
    /// See [`SolveError`]; x then holds the last iterate.
    pub fn solve<T: Real, A: LinearOperator<T, Vector = X>>(
        &mut self,
        a: &A,
        x: &mut X,
        b: &X,
        stop: &Stopping,
    ) -> Result<SolveReport, SolveError>
    where
        X: DerefMut<Target = Field<T>>,
    {
        self.run(a, None, x, b, stop)
    }

    /// Solves M x = b with a preconditioner that may change from one application to the next (flexible GMRES),
    /// starting from the given x. Collective.
    ///
    /// # Errors
    /// See [`SolveError`]; x then holds the last iterate.
    pub fn solve_preconditioned<T: Real, A: LinearOperator<T, Vector = X>>(
        &mut self,
        a: &A,
        preconditioner: &mut dyn Preconditioner<X>,
        x: &mut X,
        b: &X,
        stop: &Stopping,
    ) -> Result<SolveReport, SolveError>
    where
        X: DerefMut<Target = Field<T>>,
    {
        while self.directions.len() < self.restart() {
            self.directions.push(a.vector()?);
        }
        self.run(a, Some(preconditioner), x, b, stop)
    }

    fn run<T: Real, A: LinearOperator<T, Vector = X>>(
        &mut self,
        a: &A,
        mut preconditioner: Option<&mut dyn Preconditioner<X>>,
        x: &mut X,
        b: &X,
        stop: &Stopping,
    ) -> Result<SolveReport, SolveError>
    where
        X: DerefMut<Target = Field<T>>,
    {
        let (blocks, chains) = (a.blocks(), x.lattice().chains());
        let name = if preconditioner.is_some() { "flexible GMRES" } else { "GMRES" };
        let mut monitor = Monitor::new(name, stop, chains);
        let mut b_norm2 = vec![0.0; chains];
        vector::norm2(b, blocks.clone(), &mut b_norm2);
        monitor.set_scale(&b_norm2);
        let mut numbers = Numbers {
            problems: vec![Hessenberg::new(self.restart()); chains],
            h: vec![Complex::new(0.0, 0.0); chains],
            factor: vec![0.0; chains],
            sums: vec![0.0; 2 * chains],
        };
        let mut end = None;
        loop {
            a.apply(&mut self.basis[0], x);
            monitor.applications += 1;
            let norm2 = &mut numbers.sums[..chains];
            vector::subtract_from(&mut self.basis[0], b, blocks.clone(), norm2);
            if let Some(end) = end.or_else(|| monitor.observe(norm2)) {
                return monitor.finish(end, a.flops(), norm2, (norm2, &b_norm2));
            }
            end = self.cycle(a, &mut preconditioner, x, &mut numbers, &mut monitor)?;
            x.exchange();
        }
    }

    /// Iterations up to the restart, from the residual in the first field of the basis and its norm squared in `sums`.
    fn cycle<T: Real, A: LinearOperator<T, Vector = X>>(
        &mut self,
        a: &A,
        preconditioner: &mut Option<&mut dyn Preconditioner<X>>,
        x: &mut X,
        numbers: &mut Numbers,
        monitor: &mut Monitor,
    ) -> Result<Option<End>, SolveError>
    where
        X: DerefMut<Target = Field<T>>,
    {
        let chains = numbers.h.len();
        for chain in 0..chains {
            let live = !monitor.done(chain);
            let norm = if live { numbers.sums[chain].sqrt() } else { 0.0 };
            numbers.problems[chain].start(norm);
            numbers.factor[chain] = if live { 1.0 / norm } else { 0.0 };
        }
        scale(&mut self.basis[0], &numbers.factor, a.blocks());
        let mut end = None;
        for j in 0..self.restart() {
            if j > 0 {
                for chain in 0..chains {
                    numbers.sums[chain] = numbers.problems[chain].residual2();
                }
                end = monitor.observe(&numbers.sums[..chains]);
                if end.is_some() {
                    break;
                }
            }
            let (before, after) = self.basis.split_at_mut(j + 1);
            before[j].exchange();
            match preconditioner {
                Some(p) => {
                    p.apply(&mut self.directions[j], &before[j]).map_err(SolveError::Preconditioner)?;
                    monitor.preconditionings += 1;
                    monitor.preconditioning_flops += p.flops();
                    a.apply(&mut after[0], &self.directions[j]);
                }
                None => a.apply(&mut after[0], &before[j]),
            }
            monitor.applications += 1;
            end = next_column(before, &mut after[0], a, numbers, monitor);
            if end.is_some() {
                break;
            }
        }
        if end == Some(End::NotFinite) {
            return Ok(end);
        }
        let directions = if preconditioner.is_some() { &self.directions } else { &self.basis };
        let steps = numbers.problems.iter().map(Hessenberg::size).max().unwrap_or(0);
        numbers.problems.iter_mut().for_each(Hessenberg::solve);
        for (j, direction) in directions[..steps].iter().enumerate() {
            for chain in 0..chains {
                let y = numbers.problems[chain].solution().get(j).copied();
                numbers.h[chain] = y.map_or(Complex::new(0.0, 0.0), |y| -y);
            }
            vector::subtract(x, &numbers.h, direction, a.blocks());
        }
        Ok(end)
    }
}

/// Makes w orthogonal to the basis and of unit length; the coefficients become the next column of each live chain.
fn next_column<T: Real, X, A: LinearOperator<T, Vector = X>>(
    basis: &[X],
    w: &mut X,
    a: &A,
    numbers: &mut Numbers,
    monitor: &Monitor,
) -> Option<End>
where
    X: DerefMut<Target = Field<T>>,
{
    let Numbers { problems, h, factor, sums } = numbers;
    let chains = h.len();
    orthogonalise(w, basis, a.blocks(), (h, sums), |i, h| {
        for chain in 0..chains {
            if monitor.done(chain) {
                h[chain] = Complex::new(0.0, 0.0);
            } else {
                problems[chain].set(i, h[chain]);
            }
        }
    });
    for chain in 0..chains {
        let below = sums[chain].sqrt();
        let live = !monitor.done(chain);
        if live && !problems[chain].push(below) {
            return Some(End::Breakdown("M v in the space so far"));
        }
        // ‖w‖ = 0: the solution lies in the space so far.
        factor[chain] = if live && below != 0.0 { 1.0 / below } else { 0.0 };
    }
    scale(w, factor, a.blocks());
    None
}
