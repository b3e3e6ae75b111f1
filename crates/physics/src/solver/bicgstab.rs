//! BiCGStab (van der Vorst 1992, SIAM J. Sci. Stat. Comput. 13, 631) for general complex M.
//!
//! p = r + β (p − ω v), v = M p, α = ρ / ⟨r̂, v⟩, s = r − α v, t = M s, ω = ⟨t, s⟩ / ‖t‖², x += α p + ω s,
//! r = s − ω t, ρ' = ⟨r̂, r⟩, β = (ρ'/ρ)(α/ω), with the first residual as shadow r̂.

use super::monitor::{End, Monitor};
use super::operator::LinearOperator;
use super::report::{SolveError, SolveReport, Stopping};
use super::vector;
use gaugelink_lattice::{Complex, Field, LatticeError, Real};
use std::ops::DerefMut;

/// The fields of a solve, kept from one to the next: iterations allocate nothing on one rank.
#[derive(Debug)]
pub struct BiCgStab<X> {
    r: X,
    shadow: X,
    p: X,
    v: X,
    t: X,
}

/// The coefficients of the chains.
struct Coefficients {
    rho: Vec<Complex<f64>>,
    alpha: Vec<Complex<f64>>,
    beta: Vec<Complex<f64>>,
    omega: Vec<Complex<f64>>,
}

fn is_zero(z: Complex<f64>) -> bool {
    z.re == 0.0 && z.im == 0.0
}

fn quotient(a: Complex<f64>, b: Complex<f64>) -> Complex<f64> {
    b.conj_mul(a).scale(1.0 / b.norm2())
}

impl<X> BiCgStab<X> {
    /// Fields for solves with `a` or another operator on the same lattice.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`].
    pub fn new<T: Real, A: LinearOperator<T, Vector = X>>(a: &A) -> Result<Self, LatticeError> {
        Ok(Self { r: a.vector()?, shadow: a.vector()?, p: a.vector()?, v: a.vector()?, t: a.vector()? })
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
        let (blocks, chains) = (a.blocks(), x.lattice().chains());
        let mut monitor = Monitor::new("BiCGStab", stop, chains);
        let mut scale = vec![0.0; chains];
        let mut sums = vec![0.0; 3 * chains];
        vector::norm2(b, blocks.clone(), &mut scale);
        monitor.set_scale(&scale);
        a.apply(&mut self.r, x);
        monitor.applications += 1;
        vector::subtract_from(&mut self.r, b, blocks.clone(), &mut sums[..chains]);
        self.r.exchange();
        self.shadow.copy_from(&self.r);
        self.p.copy_from(&self.r);
        let zero = vec![Complex::new(0.0, 0.0); chains];
        let mut c = Coefficients {
            rho: sums[..chains].iter().map(|&n| Complex::new(n, 0.0)).collect(),
            alpha: zero.clone(),
            beta: zero.clone(),
            omega: zero,
        };
        let end = loop {
            if let Some(end) = monitor.observe(&sums[..chains]) {
                break end;
            }
            if let Some(end) = self.iterate(a, x, &mut c, &mut sums, &mut monitor) {
                break end;
            }
        };
        x.exchange();
        a.apply(&mut self.t, x);
        monitor.applications += 1;
        let norm2 = &mut sums[..chains];
        vector::subtract_from(&mut self.t, b, blocks, norm2);
        monitor.finish(end, a.flops(), norm2, (norm2, &scale))
    }

    /// One iteration; `sums` then holds ‖r‖² and ⟨r̂, r⟩.
    fn iterate<T: Real, A: LinearOperator<T, Vector = X>>(
        &mut self,
        a: &A,
        x: &mut X,
        c: &mut Coefficients,
        sums: &mut [f64],
        monitor: &mut Monitor,
    ) -> Option<End>
    where
        X: DerefMut<Target = Field<T>>,
    {
        let (blocks, chains) = (a.blocks(), c.rho.len());
        let number = |sums: &[f64], quantity: usize, chain: usize| {
            Complex::new(sums[quantity * chains + chain], sums[(quantity + 1) * chains + chain])
        };
        let zero = Complex::new(0.0, 0.0);
        self.p.exchange();
        a.apply(&mut self.v, &self.p);
        vector::inner_product(&self.shadow, &self.v, blocks.clone(), &mut sums[..2 * chains]);
        for chain in 0..chains {
            let along = number(sums, 0, chain);
            c.alpha[chain] = match monitor.done(chain) {
                true => zero,
                false if is_zero(along) => return Some(End::Breakdown("⟨r̂, M p⟩")),
                false => quotient(c.rho[chain], along),
            };
        }
        vector::subtract(&mut self.r, &c.alpha, &self.v, blocks.clone());
        self.r.exchange();
        a.apply(&mut self.t, &self.r);
        monitor.applications += 2;
        vector::inner_product_and_norm2(&self.t, &self.r, blocks.clone(), sums);
        for chain in 0..chains {
            let norm2 = sums[2 * chains + chain];
            // M s = 0 with s = 0: the solution is reached with x += α p.
            let moves = !monitor.done(chain) && norm2 != 0.0;
            c.omega[chain] = if moves { number(sums, 0, chain).scale(1.0 / norm2) } else { zero };
        }
        let (steps, fields) = ((&mut **x, &mut *self.r), (&*self.p, &*self.t, &*self.shadow));
        vector::bicg_step(steps, (&c.alpha, &c.omega), fields, blocks.clone(), sums);
        for chain in 0..chains {
            let rho = number(sums, 1, chain);
            let live = !monitor.done(chain) && sums[chain] != 0.0;
            if live && (is_zero(c.omega[chain]) || is_zero(rho)) {
                return Some(End::Breakdown(if is_zero(rho) { "⟨r̂, r⟩" } else { "ω" }));
            }
            c.beta[chain] = if live {
                quotient(rho, c.rho[chain]) * quotient(c.alpha[chain], c.omega[chain])
            } else {
                zero
            };
            c.rho[chain] = if live { rho } else { zero };
        }
        vector::bicg_direction(&mut self.p, (&c.beta, &c.omega), (&self.r, &self.v), blocks);
        None
    }
}
