//! BiCGStab (van der Vorst 1992, SIAM J. Sci. Stat. Comput. 13, 631) for general complex M.
//!
//! p = r + β (p − ω v), v = M p, α = ρ / ⟨r̂, v⟩, s = r − α v, t = M s, ω = ⟨t, s⟩ / ‖t‖², x += α p + ω s,
//! r = s − ω t, ρ' = ⟨r̂, r⟩, β = (ρ'/ρ)(α/ω), with the first residual as shadow r̂.

use super::bicg_steps::{bicg_direction, bicg_step};
use super::lockstep::{AT_ONCE, apply_to, share_time};
use super::monitor::{End, Monitor};
use super::operator::LinearOperator;
use super::report::{SolveError, SolveReport, Stopping};
use super::vector;
use gaugelink_lattice::{Complex, Field, LatticeError, Real};
use std::ops::{DerefMut, Range};
use std::time::Instant;

/// The fields of solves, kept from one to the next: iterations allocate nothing on one rank.
#[derive(Debug)]
pub struct BiCgStab<X> {
    /// For each right-hand side of those in step.
    spaces: Vec<Space<X>>,
}

/// The fields of one right-hand side.
#[derive(Debug)]
pub(super) struct Space<X> {
    pub r: X,
    pub shadow: X,
    pub p: X,
    v: X,
    pub t: X,
}

impl<X> Space<X> {
    pub fn new<T: Real, A: LinearOperator<T, Vector = X>>(a: &A) -> Result<Self, LatticeError> {
        Ok(Self { r: a.vector()?, shadow: a.vector()?, p: a.vector()?, v: a.vector()?, t: a.vector()? })
    }
}

/// The coefficients of the chains.
struct Coefficients {
    rho: Vec<Complex<f64>>,
    alpha: Vec<Complex<f64>>,
    beta: Vec<Complex<f64>>,
    omega: Vec<Complex<f64>>,
}

/// The recursion of one right-hand side.
pub(super) struct Recursion<'s, X> {
    pub space: &'s mut Space<X>,
    pub x: &'s mut X,
    pub blocks: Range<usize>,
    /// ‖r‖², then ⟨r̂, r⟩, `[quantity][chain]`.
    pub sums: Vec<f64>,
    pub monitor: Monitor,
    pub end: Option<End>,
    /// Chains whose next direction is their residual.
    pub anew: Vec<bool>,
    c: Coefficients,
}

pub(super) fn is_zero(z: Complex<f64>) -> bool {
    z.re == 0.0 && z.im == 0.0
}

pub(super) fn quotient(a: Complex<f64>, b: Complex<f64>) -> Complex<f64> {
    b.conj_mul(a).scale(1.0 / b.norm2())
}

/// Number `quantity` of sums, and the next as its imaginary part.
fn number(sums: &[f64], quantity: usize, chain: usize, chains: usize) -> Complex<f64> {
    Complex::new(sums[quantity * chains + chain], sums[(quantity + 1) * chains + chain])
}

impl<X> BiCgStab<X> {
    /// Fields for solves with `a` or another operator on the same lattice.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`].
    pub fn new<T: Real, A: LinearOperator<T, Vector = X>>(a: &A) -> Result<Self, LatticeError> {
        Ok(Self { spaces: vec![Space::new(a)?] })
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
        self.solve_some(a, std::slice::from_mut(x), std::slice::from_ref(b), stop).remove(0)
    }

    /// Solves M x = b for each right-hand side, [`AT_ONCE`] in step: the same numbers as one after the other. Keeps five
    /// fields for each in step. Collective.
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
        let groups = x.chunks_mut(AT_ONCE).zip(b.chunks(AT_ONCE));
        Ok(groups.flat_map(|(x, b)| self.solve_some(a, x, b, stop)).collect())
    }

    /// As many as there are spaces.
    fn solve_some<T: Real, A: LinearOperator<T, Vector = X>>(
        &mut self,
        a: &A,
        x: &mut [X],
        b: &[X],
        stop: &Stopping,
    ) -> Vec<Result<SolveReport, SolveError>>
    where
        X: DerefMut<Target = Field<T>>,
    {
        let start = Instant::now();
        let each = self.spaces.iter_mut().zip(x);
        let mut solves: Vec<_> =
            each.map(|(space, x)| Recursion::new("BiCGStab", a.blocks(), space, x, stop)).collect();
        apply_to(a, &mut solves, |s| Some((&mut s.space.r, &*s.x)));
        let mut scales = Vec::with_capacity(b.len());
        for (s, b) in solves.iter_mut().zip(b) {
            let mut scale = vec![0.0; s.chains()];
            vector::norm2(b, a.blocks(), &mut scale);
            s.monitor.set_scale(&scale);
            s.monitor.applications += 1;
            scales.push(scale);
            let norm2 = &mut s.sums[..s.c.rho.len()];
            vector::subtract_from(&mut s.space.r, b, a.blocks(), norm2);
            s.start();
        }
        loop {
            for s in live(&mut solves) {
                s.end = s.monitor.observe(&s.sums[..s.chains()]);
            }
            if solves.iter().all(|s| s.end.is_some()) {
                break;
            }
            advance(a, &mut solves);
            live(&mut solves).for_each(Recursion::turn);
        }
        solves.iter_mut().for_each(|s| s.x.exchange());
        apply_to(a, &mut solves, |s| Some((&mut s.space.t, &*s.x)));
        let all = solves.into_iter().zip(b.iter().zip(&scales));
        let mut results: Vec<_> = all.map(|(s, (b, scale))| s.finish(a.flops(), b, scale)).collect();
        share_time(&mut results, start);
        results
    }
}

/// Those that go on.
pub(super) fn live<'r, 's, X>(
    solves: &'r mut [Recursion<'s, X>],
) -> impl Iterator<Item = &'r mut Recursion<'s, X>> {
    solves.iter_mut().filter(|s| s.end.is_none())
}

/// From r and p of those that go on to the next x and r.
pub(super) fn advance<T: Real, X: DerefMut<Target = Field<T>>>(
    a: &impl LinearOperator<T, Vector = X>,
    solves: &mut [Recursion<'_, X>],
) {
    live(solves).for_each(|s| s.space.p.exchange());
    apply_to(a, solves, |s| s.end.is_none().then_some((&mut s.space.v, &s.space.p)));
    live(solves).for_each(Recursion::half_step);
    apply_to(a, solves, |s| s.end.is_none().then_some((&mut s.space.t, &s.space.r)));
    live(solves).for_each(Recursion::step);
}

impl<'s, T: Real, X: DerefMut<Target = Field<T>>> Recursion<'s, X> {
    pub fn new(
        solver: &'static str,
        blocks: Range<usize>,
        space: &'s mut Space<X>,
        x: &'s mut X,
        stop: &Stopping,
    ) -> Self {
        let chains = x.lattice().chains();
        let zero = vec![Complex::new(0.0, 0.0); chains];
        let c = Coefficients { rho: zero.clone(), alpha: zero.clone(), beta: zero.clone(), omega: zero };
        let monitor = Monitor::new(solver, stop, chains);
        Self {
            space,
            x,
            blocks,
            sums: vec![0.0; 3 * chains],
            monitor,
            end: None,
            anew: vec![false; chains],
            c,
        }
    }

    pub fn chains(&self) -> usize {
        self.c.rho.len()
    }

    /// From the residual in r and its norm squared in the sums.
    pub fn start(&mut self) {
        let Space { r, shadow, p, .. } = &mut *self.space;
        r.exchange();
        shadow.copy_from(r);
        p.copy_from(r);
        for (rho, &norm2) in self.c.rho.iter_mut().zip(&self.sums) {
            *rho = Complex::new(norm2, 0.0);
        }
    }

    /// The sums of an r that came from elsewhere, which is the shadow as well of the chains that start anew.
    pub fn renew_sums(&mut self) {
        let chains = self.chains();
        let Space { r, shadow, .. } = &mut *self.space;
        r.exchange();
        shadow.copy_chains_from(r, &self.anew);
        vector::norm2(r, self.blocks.clone(), &mut self.sums[..chains]);
        vector::inner_product(shadow, r, self.blocks.clone(), &mut self.sums[chains..]);
    }

    /// With v = M p: r ← s = r − α v.
    fn half_step(&mut self) {
        let chains = self.chains();
        let Space { r, shadow, v, .. } = &mut *self.space;
        self.monitor.applications += 1;
        vector::inner_product(shadow, v, self.blocks.clone(), &mut self.sums[..2 * chains]);
        for chain in 0..chains {
            let along = number(&self.sums, 0, chain, chains);
            self.c.alpha[chain] = if self.monitor.done(chain) {
                Complex::new(0.0, 0.0)
            } else if is_zero(along) {
                self.end = Some(End::Breakdown("⟨r̂, M p⟩"));
                return;
            } else {
                quotient(self.c.rho[chain], along)
            };
        }
        vector::subtract(r, &self.c.alpha, v, self.blocks.clone());
        r.exchange();
    }

    /// With t = M s: x and r, and the sums of r.
    fn step(&mut self) {
        let (chains, c, sums) = (self.c.rho.len(), &mut self.c, &mut self.sums);
        let Space { r, shadow, p, t, .. } = &mut *self.space;
        self.monitor.applications += 1;
        vector::inner_product_and_norm2(t, r, self.blocks.clone(), sums);
        for chain in 0..chains {
            let norm2 = sums[2 * chains + chain];
            // M s = 0 with s = 0: the solution is reached with x += α p.
            let moves = !self.monitor.done(chain) && norm2 != 0.0;
            c.omega[chain] = match moves {
                true => number(sums, 0, chain, chains).scale(1.0 / norm2),
                false => Complex::new(0.0, 0.0),
            };
        }
        let (steps, fields) = ((&mut **self.x, &mut **r), (&**p, &**t, &**shadow));
        bicg_step(steps, (&c.alpha, &c.omega), fields, self.blocks.clone(), sums);
    }

    /// The next direction.
    pub fn turn(&mut self) {
        let (chains, c, sums) = (self.c.rho.len(), &mut self.c, &self.sums);
        let Space { r, p, v, .. } = &mut *self.space;
        let zero = Complex::new(0.0, 0.0);
        for chain in 0..chains {
            let rho = number(sums, 1, chain, chains);
            let live = !self.monitor.done(chain) && sums[chain] != 0.0;
            let goes_on = live && !self.anew[chain];
            if goes_on && (is_zero(c.omega[chain]) || is_zero(rho)) {
                self.end = Some(End::Breakdown(if is_zero(rho) { "⟨r̂, r⟩" } else { "ω" }));
                return;
            }
            c.beta[chain] = if goes_on {
                quotient(rho, c.rho[chain]) * quotient(c.alpha[chain], c.omega[chain])
            } else {
                zero
            };
            c.rho[chain] = if live { rho } else { zero };
        }
        self.anew.fill(false);
        bicg_direction(p, (&c.beta, &c.omega), (r, v), self.blocks.clone());
    }

    /// With M x in t: the report.
    fn finish(mut self, flops: f64, b: &X, scale: &[f64]) -> Result<SolveReport, SolveError> {
        let norm2 = &mut self.sums[..self.c.rho.len()];
        self.monitor.applications += 1;
        vector::subtract_from(&mut self.space.t, b, self.blocks, norm2);
        let end = self.end.unwrap_or(End::IterationLimit);
        self.monitor.finish(end, flops, norm2, (norm2, scale))
    }
}
