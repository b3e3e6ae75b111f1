//! Conjugate gradients on M†M (Hestenes and Stiefel 1952).
//!
//! α = ‖r‖² / ‖M p‖², x += α p, r −= α M†M p, β = ‖r'‖² / ‖r‖², p = r + β p.

use super::monitor::{End, Monitor};
use super::operator::LinearOperator;
use super::report::{SolveError, SolveReport, Stopping};
use super::vector;
use gaugelink_lattice::{Field, LatticeError, Real};
use std::ops::DerefMut;

/// The fields of a solve, kept from one to the next: iterations allocate nothing on one rank.
#[derive(Debug)]
pub struct ConjugateGradient<X> {
    r: X,
    p: X,
    mp: X,
    ap: X,
}

/// The system to be solved.
enum System<'a, X> {
    /// M†M x = c.
    Normal(&'a X),
    /// M x = b through M†M x = M†b.
    Direct(&'a X),
}

impl<X> ConjugateGradient<X> {
    /// Fields for solves with `a` or another operator on the same lattice.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`].
    pub fn new<T: Real, A: LinearOperator<T, Vector = X>>(a: &A) -> Result<Self, LatticeError> {
        Ok(Self { r: a.vector()?, p: a.vector()?, mp: a.vector()?, ap: a.vector()? })
    }

    /// Solves M†M x = c, starting from the given x. Collective.
    ///
    /// # Errors
    /// See [`SolveError`]; x then holds the last iterate.
    pub fn solve_normal<T: Real, A: LinearOperator<T, Vector = X>>(
        &mut self,
        a: &A,
        x: &mut X,
        c: &X,
        stop: &Stopping,
    ) -> Result<SolveReport, SolveError>
    where
        X: DerefMut<Target = Field<T>>,
    {
        self.run(a, x, System::Normal(c), stop)
    }

    /// Solves M x = b by conjugate gradients on M†M x = M†b (CGNR), starting from the given x. The tolerance is for
    /// the normal equations' residual relative to M†b; the report's true residual is ‖b − M x‖ / ‖b‖. Collective.
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
        self.run(a, x, System::Direct(b), stop)
    }

    /// As [`ConjugateGradient::solve`], with the tolerance for ‖b − M x‖ / ‖b‖ itself: where the normal equations are
    /// there first, they are asked for more. Collective.
    ///
    /// # Errors
    /// See [`SolveError`]; x then holds the last iterate.
    pub fn solve_direct<T: Real, A: LinearOperator<T, Vector = X>>(
        &mut self,
        a: &A,
        x: &mut X,
        b: &X,
        stop: &Stopping,
    ) -> Result<SolveReport, SolveError>
    where
        X: DerefMut<Target = Field<T>>,
    {
        let mut report = self.solve(a, x, b, stop)?;
        let mut more = *stop;
        while report.worst_residual() > stop.tolerance {
            more.tolerance *= 0.5 * stop.tolerance / report.worst_residual();
            report = report.followed_by(self.solve(a, x, b, &more)?);
        }
        Ok(report)
    }

    fn run<T: Real, A: LinearOperator<T, Vector = X>>(
        &mut self,
        a: &A,
        x: &mut X,
        system: System<'_, X>,
        stop: &Stopping,
    ) -> Result<SolveReport, SolveError>
    where
        X: DerefMut<Target = Field<T>>,
    {
        let (blocks, chains) = (a.blocks(), x.lattice().chains());
        let [mut scale, mut asked_scale, mut mp_norm2, mut asked] = [(); 4].map(|()| vec![0.0; chains]);
        let [mut norm2, mut new_norm2, mut coefficient] = [(); 3].map(|()| vec![0.0; chains]);
        let name = match system {
            System::Normal(c) => {
                vector::norm2(c, blocks.clone(), &mut scale);
                asked_scale.copy_from_slice(&scale);
                "conjugate gradients on M†M"
            }
            System::Direct(b) => {
                a.apply_dagger(&mut self.p, b);
                vector::norm2(&self.p, blocks.clone(), &mut scale);
                vector::norm2(b, blocks.clone(), &mut asked_scale);
                "conjugate gradients on the normal equations"
            }
        };
        let mut monitor = Monitor::new(name, stop, chains);
        monitor.set_scale(&scale);
        monitor.applications += matches!(system, System::Direct(_)) as usize;
        self.residual(a, x, &system, &mut norm2, &mut asked);
        monitor.applications += 2;
        vector::scale_add(&mut self.p, &[0.0].repeat(chains), &self.r, blocks.clone());
        let end = loop {
            if let Some(end) = monitor.observe(&norm2) {
                break end;
            }
            self.p.exchange();
            a.apply(&mut self.mp, &self.p);
            a.apply_dagger(&mut self.ap, &self.mp);
            monitor.applications += 2;
            vector::norm2(&self.mp, blocks.clone(), &mut mp_norm2);
            let live = |chain: usize| !monitor.done(chain);
            if (0..chains).any(|chain| live(chain) && mp_norm2[chain] == 0.0) {
                break End::Breakdown("M p");
            }
            for chain in 0..chains {
                coefficient[chain] = if live(chain) { norm2[chain] / mp_norm2[chain] } else { 0.0 };
            }
            let steps = (&mut **x, &mut *self.r);
            vector::cg_step(steps, &coefficient, (&self.p, &self.ap), blocks.clone(), &mut new_norm2);
            for chain in 0..chains {
                coefficient[chain] = if live(chain) { new_norm2[chain] / norm2[chain] } else { 0.0 };
            }
            vector::scale_add(&mut self.p, &coefficient, &self.r, blocks.clone());
            std::mem::swap(&mut norm2, &mut new_norm2);
        };
        x.exchange();
        self.residual(a, x, &system, &mut norm2, &mut asked);
        monitor.applications += 2;
        monitor.finish(end, a.flops(), &norm2, (&asked, &asked_scale))
    }

    /// r ← residual of the normal equations; its norm squared and that of the system asked for.
    fn residual<T: Real, A: LinearOperator<T, Vector = X>>(
        &mut self,
        a: &A,
        x: &X,
        system: &System<'_, X>,
        norm2: &mut [f64],
        asked: &mut [f64],
    ) where
        X: DerefMut<Target = Field<T>>,
    {
        let blocks = a.blocks();
        a.apply(&mut self.mp, x);
        match system {
            System::Normal(c) => {
                a.apply_dagger(&mut self.r, &self.mp);
                vector::subtract_from(&mut self.r, c, blocks, norm2);
                asked.copy_from_slice(norm2);
            }
            System::Direct(b) => {
                vector::subtract_from(&mut self.mp, b, blocks.clone(), asked);
                self.mp.exchange();
                a.apply_dagger(&mut self.r, &self.mp);
                vector::norm2(&self.r, blocks, norm2);
            }
        }
    }
}
