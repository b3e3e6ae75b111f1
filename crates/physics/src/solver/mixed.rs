//! BiCGStab in lower precision with reliable updates (Sleijpen and van der Vorst, Computing 56 (1996) 141; on lattices
//! Clark et al., Comput. Phys. Commun. 181 (2010) 1517).
//!
//! The recursion runs on M' ≈ M in low precision. Whenever its residual has become smaller by [`UPDATE`], its x is added to
//! the solution and r = b − M x computed in high precision takes the place of the recursion's own, which goes on with its
//! directions: unlike a restart, that loses nothing of what they know. M' decides how many iterations there are, not what
//! comes out. A chain whose true residual lags behind starts anew from it.

use super::bicgstab::{Recursion, Space, advance, live};
use super::gram_schmidt::scale;
use super::lockstep::{AT_ONCE, share_time};
use super::monitor::{End, relative};
use super::operator::LinearOperator;
use super::report::{SolveError, SolveReport, Stopping};
use super::vector;
use gaugelink_lattice::{Complex, Field, LatticeError, Real};
use std::ops::DerefMut;
use std::time::Instant;

/// How much smaller than at its peak a residual is when it is computed anew.
const UPDATE: f64 = 1e-3;
/// A true residual that is not smaller than the last one by this factor makes no progress.
const PROGRESS: f64 = 0.5;

/// The fields of mixed solves, kept from one to the next: `X` in high precision, `Y` in low.
#[derive(Debug)]
pub struct MixedBiCgStab<X, Y> {
    rooms: Rooms<X, Y>,
    /// The recursion's fields and its x, for each right-hand side of those in step.
    spaces: Vec<(Space<Y>, Y)>,
}

/// Fields that hold nothing between two updates.
#[derive(Debug)]
struct Rooms<X, Y> {
    r: X,
    e: X,
    low: Y,
}

/// What the recursion does not know: by chain.
struct Truth {
    /// ‖b‖².
    scale: Vec<f64>,
    /// The recursion's unit, ‖first residual‖: low precision has no small numbers to spare.
    unit: Vec<f64>,
    /// ‖b − M x‖² at the last update.
    norm2: Vec<f64>,
    /// The recursion's largest ‖r‖² since.
    peak: Vec<f64>,
    /// Updates without progress in a row.
    idle: Vec<usize>,
}

impl<X, Y> MixedBiCgStab<X, Y> {
    /// Fields for solves with `high` and `low` or other operators on the same lattice.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`].
    pub fn new<T: Real, S: Real>(
        high: &impl LinearOperator<T, Vector = X>,
        low: &impl LinearOperator<S, Vector = Y>,
    ) -> Result<Self, LatticeError> {
        let rooms = Rooms { r: high.vector()?, e: high.vector()?, low: low.vector()? };
        Ok(Self { rooms, spaces: vec![(Space::new(low)?, low.vector()?)] })
    }

    /// Solves M x = b with M = `high`, starting from the given x, by BiCGStab on `low`, which is nearly the same. The report
    /// counts the applications of both; its residuals are those of `high`. Collective.
    ///
    /// # Errors
    /// See [`SolveError`]; x then holds the last iterate.
    pub fn solve<T: Real, S: Real>(
        &mut self,
        (high, low): (&impl LinearOperator<T, Vector = X>, &impl LinearOperator<S, Vector = Y>),
        x: &mut X,
        b: &X,
        stop: &Stopping,
    ) -> Result<SolveReport, SolveError>
    where
        X: DerefMut<Target = Field<T>>,
        Y: DerefMut<Target = Field<S>>,
    {
        self.solve_some((high, low), std::slice::from_mut(x), std::slice::from_ref(b), stop).remove(0)
    }

    /// Solves M x = b for each right-hand side, [`AT_ONCE`] in step: the same numbers as one after the other. Keeps six fields
    /// in low precision for each in step. Collective.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`], before any work; in the results those of single solves.
    pub fn solve_each<T: Real, S: Real>(
        &mut self,
        (high, low): (&impl LinearOperator<T, Vector = X>, &impl LinearOperator<S, Vector = Y>),
        x: &mut [X],
        b: &[X],
        stop: &Stopping,
    ) -> Result<Vec<Result<SolveReport, SolveError>>, LatticeError>
    where
        X: DerefMut<Target = Field<T>>,
        Y: DerefMut<Target = Field<S>>,
    {
        while self.spaces.len() < b.len().min(AT_ONCE) {
            self.spaces.push((Space::new(low)?, low.vector()?));
        }
        let groups = x.chunks_mut(AT_ONCE).zip(b.chunks(AT_ONCE));
        Ok(groups.flat_map(|(x, b)| self.solve_some((high, low), x, b, stop)).collect())
    }

    /// As many as there are spaces.
    fn solve_some<T: Real, S: Real>(
        &mut self,
        (high, low): (&impl LinearOperator<T, Vector = X>, &impl LinearOperator<S, Vector = Y>),
        x: &mut [X],
        b: &[X],
        stop: &Stopping,
    ) -> Vec<Result<SolveReport, SolveError>>
    where
        X: DerefMut<Target = Field<T>>,
        Y: DerefMut<Target = Field<S>>,
    {
        let start = Instant::now();
        let name = "BiCGStab in mixed precision";
        let Self { rooms, spaces } = self;
        let mut solves: Vec<_> = spaces
            .iter_mut()
            .take(b.len())
            .map(|(space, y)| {
                y.fill(S::default());
                Recursion::new(name, low.blocks(), space, y, stop)
            })
            .collect();
        let mut truths: Vec<Truth> = Vec::with_capacity(b.len());
        for (s, (x, b)) in solves.iter_mut().zip(x.iter().zip(b)) {
            truths.push(rooms.start(high, s, x, b));
        }
        while solves.iter().any(|s| s.end.is_none()) {
            advance(low, &mut solves);
            for (s, (truth, (x, b))) in solves.iter_mut().zip(truths.iter_mut().zip(x.iter_mut().zip(b))) {
                if s.end.is_none() {
                    rooms.settle(high, s, truth, (x, b), stop.tolerance);
                }
            }
            live(&mut solves).for_each(Recursion::turn);
        }
        let all = solves.into_iter().zip(truths.into_iter().zip(x.iter_mut().zip(b)));
        let finish = |(mut s, (mut truth, (x, b))): (Recursion<'_, Y>, (Truth, (&mut X, &X)))| {
            let open: Vec<bool> = (0..s.chains()).map(|chain| !s.monitor.done(chain)).collect();
            if open.contains(&true) {
                rooms.update(high, &mut s, &mut truth, (x, b), &open);
            }
            let end = s.end.unwrap_or(End::IterationLimit);
            s.monitor.finish(end, high.flops(), &truth.norm2, (&truth.norm2, &truth.scale))
        };
        let mut results: Vec<_> = all.map(finish).collect();
        share_time(&mut results, start);
        results
    }
}

impl<T: Real, S: Real, X: DerefMut<Target = Field<T>>, Y: DerefMut<Target = Field<S>>> Rooms<X, Y> {
    /// The first residual, and the recursion from it in units of its norm.
    fn start(
        &mut self,
        high: &impl LinearOperator<T, Vector = X>,
        s: &mut Recursion<'_, Y>,
        x: &X,
        b: &X,
    ) -> Truth {
        let [mut b_norm2, mut norm2] = [(); 2].map(|()| vec![0.0; s.chains()]);
        vector::norm2(b, high.blocks(), &mut b_norm2);
        s.monitor.set_scale(&b_norm2);
        high.apply(&mut self.r, x);
        s.monitor.applications += 1;
        vector::subtract_from(&mut self.r, b, high.blocks(), &mut norm2);
        let unit: Vec<f64> = norm2.iter().map(|n| n.sqrt()).collect();
        self.lower_residual(high, &unit);
        s.space.r.copy_from(&self.low);
        let chains = s.chains();
        vector::norm2(&s.space.r, s.blocks.clone(), &mut s.sums[..chains]);
        s.start();
        s.end = s.monitor.observe(&norm2);
        let peak = s.sums[..chains].to_vec();
        Truth { scale: b_norm2, unit, norm2, peak, idle: vec![0; chains] }
    }

    /// After a step: updates the chains that are due, and sees whether there is to be another one.
    fn settle(
        &mut self,
        high: &impl LinearOperator<T, Vector = X>,
        s: &mut Recursion<'_, Y>,
        truth: &mut Truth,
        (x, b): (&mut X, &X),
        tolerance: f64,
    ) {
        let chains = s.chains();
        let mut seen: Vec<f64> = (0..chains).map(|c| s.sums[c] * truth.unit[c].powi(2)).collect();
        let due: Vec<bool> = (0..chains)
            .map(|c| {
                truth.peak[c] = truth.peak[c].max(s.sums[c]);
                let fell = s.sums[c] <= UPDATE.powi(2) * truth.peak[c];
                !s.monitor.done(c) && (fell || relative(seen[c], truth.scale[c]) <= tolerance)
            })
            .collect();
        if due.contains(&true) {
            self.update(high, s, truth, (x, b), &due);
        }
        for c in 0..chains {
            // A chain that is done has no part in it any more.
            if due[c] || s.monitor.done(c) {
                seen[c] = truth.norm2[c];
            }
        }
        s.end = s.monitor.observe(&seen);
        if s.end.is_none() && (0..chains).any(|c| !s.monitor.done(c) && truth.idle[c] > 1) {
            s.end = Some(End::Stagnation);
        }
    }

    /// Adds the recursion's x to the solution, and gives it the true residual, for the chains that are `due`.
    fn update(
        &mut self,
        high: &impl LinearOperator<T, Vector = X>,
        s: &mut Recursion<'_, Y>,
        truth: &mut Truth,
        (x, b): (&mut X, &X),
        due: &[bool],
    ) {
        let chains = s.chains();
        let step: Vec<_> =
            (0..chains).map(|c| Complex::new(if due[c] { -truth.unit[c] } else { 0.0 }, 0.0)).collect();
        s.x.convert_to(&mut self.e);
        vector::subtract(x, &step, &self.e, high.blocks());
        x.exchange();
        let keep: Vec<f64> = due.iter().map(|&due| if due { 0.0 } else { 1.0 }).collect();
        scale(s.x, &keep, s.blocks.clone());
        high.apply(&mut self.r, x);
        s.monitor.applications += 1;
        let mut norm2 = vec![0.0; chains];
        vector::subtract_from(&mut self.r, b, high.blocks(), &mut norm2);
        self.lower_residual(high, &truth.unit);
        s.space.r.copy_chains_from(&self.low, due);
        for c in (0..chains).filter(|&c| due[c]) {
            let idle = norm2[c] > PROGRESS.powi(2) * truth.norm2[c];
            truth.idle[c] = if idle { truth.idle[c] + 1 } else { 0 };
            truth.norm2[c] = norm2[c];
            s.anew[c] = idle;
        }
        s.renew_sums();
        for c in (0..chains).filter(|&c| due[c]) {
            truth.peak[c] = s.sums[c];
        }
    }

    /// `low` ← r in units of the chains.
    fn lower_residual(&mut self, high: &impl LinearOperator<T, Vector = X>, unit: &[f64]) {
        let inverse = |&u: &f64| Complex::new(if u > 0.0 { -1.0 / u } else { 0.0 }, 0.0);
        self.e.fill(T::default());
        vector::subtract(&mut self.e, &unit.iter().map(inverse).collect::<Vec<_>>(), &self.r, high.blocks());
        self.e.convert_to(&mut self.low);
    }
}
