//! Conjugate gradients on M†M (Hestenes and Stiefel 1952).
//!
//! α = ‖r‖² / ‖M p‖², x += α p, r −= α M†M p, β = ‖r'‖² / ‖r‖², p = r + β p.

use super::lockstep::{AT_ONCE, apply_dagger_to, apply_to, share_time};
use super::monitor::{End, Monitor};
use super::operator::LinearOperator;
use super::report::{SolveError, SolveReport, Stopping};
use super::vector;
use gaugelink_lattice::{Field, LatticeError, Real};
use std::ops::{DerefMut, Range};
use std::time::Instant;

/// The fields of solves, kept from one to the next: iterations allocate nothing on one rank.
#[derive(Debug)]
pub struct ConjugateGradient<X> {
    /// For each right-hand side of those in step.
    spaces: Vec<Space<X>>,
}

/// The fields of one right-hand side.
#[derive(Debug)]
struct Space<X> {
    r: X,
    p: X,
    mp: X,
    ap: X,
}

impl<X> Space<X> {
    fn new<T: Real, A: LinearOperator<T, Vector = X>>(a: &A) -> Result<Self, LatticeError> {
        Ok(Self { r: a.vector()?, p: a.vector()?, mp: a.vector()?, ap: a.vector()? })
    }
}

/// The system to be solved.
enum System<'a, X> {
    /// M†M x = c.
    Normal(&'a X),
    /// M x = b through M†M x = M†b.
    Direct(&'a X),
}

/// One right-hand side on its way.
struct Solve<'s, X> {
    space: &'s mut Space<X>,
    x: &'s mut X,
    system: System<'s, X>,
    blocks: Range<usize>,
    norm2: Vec<f64>,
    new_norm2: Vec<f64>,
    mp_norm2: Vec<f64>,
    coefficient: Vec<f64>,
    /// Of the normal equations' right-hand side, and of that asked for.
    scale: Vec<f64>,
    asked_scale: Vec<f64>,
    /// ‖residual‖² of the system asked for.
    asked: Vec<f64>,
    monitor: Monitor,
    end: Option<End>,
}

impl<X> ConjugateGradient<X> {
    /// Fields for solves with `a` or another operator on the same lattice.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`].
    pub fn new<T: Real, A: LinearOperator<T, Vector = X>>(a: &A) -> Result<Self, LatticeError> {
        Ok(Self { spaces: vec![Space::new(a)?] })
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
        self.run(a, &mut [x], [System::Normal(c)], stop).remove(0)
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
        self.run(a, &mut [x], [System::Direct(b)], stop).remove(0)
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
        let report = self.solve(a, x, b, stop)?;
        self.go_on(a, x, b, stop, report)
    }

    /// [`ConjugateGradient::solve_direct`] for each right-hand side, [`AT_ONCE`] in step: the same numbers as one after the
    /// other. Keeps four fields for each in step. Collective.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`], before any work; in the results those of single solves.
    pub fn solve_each<T: Real, A: LinearOperator<T, Vector = X>>(
        &mut self,
        a: &A,
        x: &mut [X],
        b: &[X],
        stop: &Stopping,
    ) -> Result<Vec<Result<SolveReport, SolveError>>, LatticeError>
    where
        X: DerefMut<Target = Field<T>>,
    {
        while self.spaces.len() < b.len().min(AT_ONCE) {
            self.spaces.push(Space::new(a)?);
        }
        let mut results = Vec::with_capacity(b.len());
        for (x, b) in x.chunks_mut(AT_ONCE).zip(b.chunks(AT_ONCE)) {
            let first =
                self.run(a, &mut x.iter_mut().collect::<Vec<_>>(), b.iter().map(System::Direct), stop);
            let all = first.into_iter().zip(x.iter_mut().zip(b));
            results.extend(all.map(|(result, (x, b))| self.go_on(a, x, b, stop, result?)));
        }
        Ok(results)
    }

    /// Solves on until the true residual has the tolerance as well.
    fn go_on<T: Real, A: LinearOperator<T, Vector = X>>(
        &mut self,
        a: &A,
        x: &mut X,
        b: &X,
        stop: &Stopping,
        mut report: SolveReport,
    ) -> Result<SolveReport, SolveError>
    where
        X: DerefMut<Target = Field<T>>,
    {
        let mut more = *stop;
        while report.worst_residual() > stop.tolerance {
            more.tolerance *= 0.5 * stop.tolerance / report.worst_residual();
            let next = self.solve(a, x, b, &more).map_err(|error| error.wanting(stop.tolerance))?;
            report = report.followed_by(next);
        }
        Ok(report)
    }

    /// As many as there are spaces.
    fn run<'s, T: Real, A: LinearOperator<T, Vector = X>>(
        &mut self,
        a: &A,
        x: &mut [&mut X],
        systems: impl IntoIterator<Item = System<'s, X>>,
        stop: &Stopping,
    ) -> Vec<Result<SolveReport, SolveError>>
    where
        X: DerefMut<Target = Field<T>> + 's,
    {
        let start = Instant::now();
        let each = self.spaces.iter_mut().zip(x.iter_mut().zip(systems));
        let mut solves: Vec<_> =
            each.map(|(space, (x, system))| Solve::new(a.blocks(), space, x, system, stop)).collect();
        apply_dagger_to(a, &mut solves, |s| match s.system {
            System::Normal(_) => None,
            System::Direct(b) => Some((&mut s.space.p, b)),
        });
        solves.iter_mut().for_each(Solve::set_scale);
        residuals(a, &mut solves);
        solves.iter_mut().for_each(Solve::begin);
        loop {
            solves.iter_mut().filter(|s| s.end.is_none()).for_each(Solve::observe);
            if solves.iter().all(|s| s.end.is_some()) {
                break;
            }
            apply_to(a, &mut solves, |s| s.end.is_none().then_some((&mut s.space.mp, &s.space.p)));
            apply_dagger_to(a, &mut solves, |s| s.end.is_none().then_some((&mut s.space.ap, &s.space.mp)));
            solves.iter_mut().filter(|s| s.end.is_none()).for_each(Solve::iterate);
        }
        solves.iter_mut().for_each(|s| s.x.exchange());
        residuals(a, &mut solves);
        let mut results: Vec<_> = solves.into_iter().map(|s| s.finish(a.flops())).collect();
        share_time(&mut results, start);
        results
    }
}

/// r ← residual of the normal equations, for each solve; its norm squared and that of the system asked for.
fn residuals<T: Real, A: LinearOperator<T, Vector = X>, X: DerefMut<Target = Field<T>>>(
    a: &A,
    solves: &mut [Solve<'_, X>],
) {
    apply_to(a, solves, |s| Some((&mut s.space.mp, &*s.x)));
    for s in solves.iter_mut() {
        if let System::Direct(b) = s.system {
            vector::subtract_from(&mut s.space.mp, b, s.blocks.clone(), &mut s.asked);
            s.space.mp.exchange();
        }
    }
    apply_dagger_to(a, solves, |s| Some((&mut s.space.r, &s.space.mp)));
    for s in solves {
        s.monitor.applications += 2;
        match s.system {
            System::Normal(c) => {
                vector::subtract_from(&mut s.space.r, c, s.blocks.clone(), &mut s.norm2);
                s.asked.copy_from_slice(&s.norm2);
            }
            System::Direct(_) => vector::norm2(&s.space.r, s.blocks.clone(), &mut s.norm2),
        }
    }
}

impl<'s, T: Real, X: DerefMut<Target = Field<T>>> Solve<'s, X> {
    fn new(
        blocks: Range<usize>,
        space: &'s mut Space<X>,
        x: &'s mut X,
        system: System<'s, X>,
        stop: &Stopping,
    ) -> Self {
        let chains = x.lattice().chains();
        let name = match system {
            System::Normal(_) => "conjugate gradients on M†M",
            System::Direct(_) => "conjugate gradients on the normal equations",
        };
        let zero = vec![0.0; chains];
        Self {
            space,
            x,
            system,
            blocks,
            norm2: zero.clone(),
            new_norm2: zero.clone(),
            mp_norm2: zero.clone(),
            coefficient: zero.clone(),
            scale: zero.clone(),
            asked_scale: zero.clone(),
            asked: zero,
            monitor: Monitor::new(name, stop, chains),
            end: None,
        }
    }

    /// With M†b in p, where b is asked for.
    fn set_scale(&mut self) {
        match self.system {
            System::Normal(c) => {
                vector::norm2(c, self.blocks.clone(), &mut self.scale);
                self.asked_scale.copy_from_slice(&self.scale);
            }
            System::Direct(b) => {
                vector::norm2(&self.space.p, self.blocks.clone(), &mut self.scale);
                vector::norm2(b, self.blocks.clone(), &mut self.asked_scale);
                self.monitor.applications += 1;
            }
        }
        self.monitor.set_scale(&self.scale);
    }

    fn begin(&mut self) {
        vector::scale_add(&mut self.space.p, &self.coefficient, &self.space.r, self.blocks.clone());
    }

    /// Whether there is to be another iteration.
    fn observe(&mut self) {
        self.end = self.monitor.observe(&self.norm2);
        if self.end.is_none() {
            self.space.p.exchange();
        }
    }

    /// With M p and M†M p: the rest of the iteration.
    fn iterate(&mut self) {
        let Self { space, norm2, new_norm2, mp_norm2, coefficient, monitor, .. } = self;
        let Space { r, p, mp, ap } = &mut **space;
        monitor.applications += 2;
        vector::norm2(mp, self.blocks.clone(), mp_norm2);
        let live = |chain: usize| !monitor.done(chain);
        if (0..norm2.len()).any(|chain| live(chain) && mp_norm2[chain] == 0.0) {
            self.end = Some(End::Breakdown("M p"));
            return;
        }
        for chain in 0..norm2.len() {
            coefficient[chain] = if live(chain) { norm2[chain] / mp_norm2[chain] } else { 0.0 };
        }
        vector::cg_step(
            (&mut **self.x, &mut **r),
            coefficient,
            (&**p, &**ap),
            self.blocks.clone(),
            new_norm2,
        );
        for chain in 0..norm2.len() {
            coefficient[chain] = if live(chain) { new_norm2[chain] / norm2[chain] } else { 0.0 };
        }
        vector::scale_add(p, coefficient, r, self.blocks.clone());
        std::mem::swap(norm2, new_norm2);
    }

    /// With the last residuals: the report.
    fn finish(self, flops: f64) -> Result<SolveReport, SolveError> {
        let end = self.end.unwrap_or(End::IterationLimit);
        self.monitor.finish(end, flops, &self.norm2, (&self.asked, &self.asked_scale))
    }
}
