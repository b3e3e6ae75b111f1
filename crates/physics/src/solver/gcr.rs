//! The generalised conjugate residual method (Eisenstat, Elman and Schultz 1983, SIAM J. Numer. Anal. 20, 345), restarted,
//! with any preconditioner.
//!
//! z = P r, w = M z; w −= h_i w_i and z −= h_i z_i with h_i = ⟨w_i, w⟩; both over ‖w‖; α = ⟨w, r⟩, x += α z, r −= α w. The
//! residuals are those of flexible GMRES; here r and x are at hand in every iteration, for the price of as many fields and
//! of updates of z.

use super::gmres::check_restart;
use super::gram_schmidt::{orthogonalise, scale};
use super::monitor::{End, Monitor};
use super::operator::LinearOperator;
use super::preconditioner::Preconditioner;
use super::report::{SolveError, SolveReport, Stopping};
use super::vector;
use crate::PhysicsError;
use gaugelink_lattice::{Complex, Field, Real};
use std::ops::DerefMut;

/// The fields of a solve, kept from one to the next: iterations allocate nothing on one rank.
#[derive(Debug)]
pub struct Gcr<X> {
    r: X,
    /// z_0 … z_m−1.
    directions: Vec<X>,
    /// w_0 … w_m−1 = M z.
    images: Vec<X>,
}

impl<X> Gcr<X> {
    /// Fields for solves with `a` or another operator on the same lattice, restarted after `restart` iterations: 2
    /// `restart` + 1.
    ///
    /// # Errors
    /// [`PhysicsError::Parameter`] for `restart` = 0 or beyond [`RESTART_MAX`](super::RESTART_MAX); out of memory.
    pub fn new<T: Real, A: LinearOperator<T, Vector = X>>(
        a: &A,
        restart: usize,
    ) -> Result<Self, PhysicsError> {
        check_restart("GCR", restart)?;
        let some = || (0..restart).map(|_| a.vector()).collect::<Result<_, _>>();
        Ok(Self { r: a.vector()?, directions: some()?, images: some()? })
    }

    /// Solves M x = b, starting from the given x. Collective.
    ///
    /// # Errors
    /// See [`SolveError`]; x then holds the last iterate.
    pub fn solve<T: Real, A: LinearOperator<T, Vector = X>>(
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
        let name = if preconditioner.is_some() { "preconditioned GCR" } else { "GCR" };
        let mut monitor = Monitor::new(name, stop, chains);
        let mut b_norm2 = vec![0.0; chains];
        vector::norm2(b, blocks.clone(), &mut b_norm2);
        monitor.set_scale(&b_norm2);
        let mut h = vec![Complex::new(0.0, 0.0); chains];
        let (mut factor, mut sums) = (vec![0.0; chains], vec![0.0; 2 * chains]);
        let mut norm2 = vec![0.0; chains];
        a.apply(&mut self.r, x);
        monitor.applications += 1;
        vector::subtract_from(&mut self.r, b, blocks.clone(), &mut norm2);
        let mut step = 0;
        let end = loop {
            if let Some(end) = monitor.observe(&norm2) {
                break end;
            }
            self.r.exchange();
            let (before, z) = self.directions.split_at_mut(step);
            let (images, w) = self.images.split_at_mut(step);
            let (z, w) = (&mut z[0], &mut w[0]);
            match &mut preconditioner {
                Some(p) => {
                    p.apply(z, &self.r).map_err(SolveError::Preconditioner)?;
                    monitor.preconditionings += 1;
                    monitor.preconditioning_flops += p.flops();
                }
                None => z.copy_from(&self.r),
            }
            a.apply(w, z);
            monitor.applications += 1;
            if step > 0 {
                orthogonalise(w, images, blocks.clone(), (&mut h, &mut sums), |i, h| {
                    vector::subtract(z, h, &before[i], blocks.clone());
                });
            } else {
                vector::norm2(w, blocks.clone(), &mut sums[..chains]);
            }
            let live = |chain: usize| !monitor.done(chain);
            if (0..chains).any(|chain| live(chain) && sums[chain] == 0.0) {
                break End::Breakdown("M z beyond the images so far");
            }
            for chain in 0..chains {
                factor[chain] = if live(chain) { 1.0 / sums[chain].sqrt() } else { 0.0 };
            }
            scale(w, &factor, blocks.clone());
            scale(z, &factor, blocks.clone());
            vector::inner_product(w, &self.r, blocks.clone(), &mut sums);
            for chain in 0..chains {
                h[chain] = Complex::new(-sums[chain], -sums[chains + chain]).scale(live(chain) as u8 as f64);
            }
            vector::subtract(x, &h, z, blocks.clone());
            h.iter_mut().for_each(|h| *h = -*h);
            vector::subtract(&mut self.r, &h, w, blocks.clone());
            vector::norm2(&self.r, blocks.clone(), &mut norm2);
            step = (step + 1) % self.directions.len();
        };
        x.exchange();
        a.apply(&mut self.r, x);
        monitor.applications += 1;
        vector::subtract_from(&mut self.r, b, blocks, &mut norm2);
        monitor.finish(end, a.flops(), &norm2, (&norm2, &b_norm2))
    }
}
