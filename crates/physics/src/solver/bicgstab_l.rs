//! BiCGStab(l) (Sleijpen and Fokkema 1993, Electron. Trans. Numer. Anal. 1, 11): l steps of BiCG, then the residual is made
//! smallest over the l new directions at once. Steps of BiCGStab, l = 1, nearly vanish where eigenvalues are close to the
//! imaginary axis; polynomials of degree 2 and more have complex zeros for these.
//!
//! BiCG, for j = 0 … l−1: ρ₁ = ⟨r̂, r_j⟩, β = α ρ₁/ρ₀, u_i = r_i − β u_i, u_j+1 = M u_j, α = ρ₀/⟨r̂, u_j+1⟩,
//! r_i −= α u_i+1, r_j+1 = M r_j, x += α u_0. Then r_1 … r_l are made orthogonal, and with the coefficients γ of the
//! smallest residual x += Σ γ_j r_j−1, r_0 −= Σ γ_j r_j, u_0 −= Σ γ_j u_j.

use super::bicgstab::{is_zero, quotient};
use super::monitor::{End, Monitor};
use super::operator::LinearOperator;
use super::report::{SolveError, SolveReport, Stopping};
use super::vector;
use crate::PhysicsError;
use gaugelink_lattice::{Complex, Field, Real};
use nalgebra::{Complex as Z, DMatrix, DVector};
use std::ops::{DerefMut, Range};

/// Largest degree: beyond, rounding takes what a better polynomial gives.
pub const DEGREE_MAX: usize = 8;

/// The fields of a solve, kept from one to the next.
#[derive(Debug)]
pub struct BiCgStabL<X> {
    shadow: X,
    /// r_0 … r_l.
    r: Vec<X>,
    /// u_0 … u_l.
    u: Vec<X>,
}

/// The coefficients of the chains.
struct Numbers {
    rho: Vec<Complex<f64>>,
    alpha: Vec<Complex<f64>>,
    omega: Vec<Complex<f64>>,
    coefficient: Vec<Complex<f64>>,
    sums: Vec<f64>,
}

impl Numbers {
    /// ⟨a, b⟩ of a chain.
    fn product<T: Real>(&mut self, a: &Field<T>, b: &Field<T>, blocks: Range<usize>) -> Vec<Complex<f64>> {
        vector::inner_product(a, b, blocks, &mut self.sums);
        let (re, im) = self.sums.split_at(self.rho.len());
        re.iter().zip(im).map(|(&re, &im)| Complex::new(re, im)).collect()
    }
}

impl<X> BiCgStabL<X> {
    /// Fields for solves of degree l = `degree` with `a` or another operator on the same lattice: 2l + 3.
    ///
    /// # Errors
    /// [`PhysicsError::Parameter`] for `degree` = 0 or beyond [`DEGREE_MAX`]; out of memory.
    pub fn new<T: Real, A: LinearOperator<T, Vector = X>>(
        a: &A,
        degree: usize,
    ) -> Result<Self, PhysicsError> {
        if !(1..=DEGREE_MAX).contains(&degree) {
            return Err(PhysicsError::Parameter(format!(
                "there is no BiCGStab({degree}) here: give a degree from 1 to {DEGREE_MAX}, 2 and 4 are usual"
            )));
        }
        let some = || (0..=degree).map(|_| a.vector()).collect::<Result<_, _>>();
        Ok(Self { shadow: a.vector()?, r: some()?, u: some()? })
    }

    /// Solves M x = b, starting from the given x. An iteration is one of l steps, with 2l applications of M. Collective.
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
        let mut monitor = Monitor::new("BiCGStab(l)", stop, chains);
        let [mut scale, mut norm2] = [(); 2].map(|()| vec![0.0; chains]);
        vector::norm2(b, blocks.clone(), &mut scale);
        monitor.set_scale(&scale);
        a.apply(&mut self.r[0], x);
        monitor.applications += 1;
        vector::subtract_from(&mut self.r[0], b, blocks.clone(), &mut norm2);
        self.r[0].exchange();
        self.shadow.copy_from(&self.r[0]);
        self.u[0].fill(T::default());
        let (zero, one) = (Complex::new(0.0, 0.0), Complex::new(1.0, 0.0));
        let mut numbers = Numbers {
            rho: vec![one; chains],
            alpha: vec![zero; chains],
            omega: vec![one; chains],
            coefficient: vec![zero; chains],
            sums: vec![0.0; 2 * chains],
        };
        let end = loop {
            if let Some(end) = monitor.observe(&norm2) {
                break end;
            }
            if let Some(end) = self.bi_conjugate(a, x, &mut numbers, &mut monitor) {
                break end;
            }
            if let Some(end) = self.minimise(x, blocks.clone(), &mut numbers, &monitor) {
                break end;
            }
            vector::norm2(&self.r[0], blocks.clone(), &mut norm2);
        };
        x.exchange();
        a.apply(&mut self.u[0], x);
        monitor.applications += 1;
        vector::subtract_from(&mut self.u[0], b, blocks, &mut norm2);
        monitor.finish(end, a.flops(), &norm2, (&norm2, &scale))
    }

    /// l steps of BiCG.
    fn bi_conjugate<T: Real, A: LinearOperator<T, Vector = X>>(
        &mut self,
        a: &A,
        x: &mut X,
        n: &mut Numbers,
        monitor: &mut Monitor,
    ) -> Option<End>
    where
        X: DerefMut<Target = Field<T>>,
    {
        let (blocks, chains, zero) = (a.blocks(), n.rho.len(), Complex::new(0.0, 0.0));
        for chain in 0..chains {
            n.rho[chain] = -(n.omega[chain] * n.rho[chain]);
        }
        for j in 0..self.r.len() - 1 {
            let products = n.product(&self.shadow, &self.r[j], blocks.clone());
            for chain in 0..chains {
                n.coefficient[chain] = if monitor.done(chain) {
                    zero
                } else if is_zero(n.rho[chain]) {
                    return Some(End::Breakdown("⟨r̂, r⟩"));
                } else {
                    let beta = n.alpha[chain] * quotient(products[chain], n.rho[chain]);
                    n.rho[chain] = products[chain];
                    -beta
                };
            }
            for i in 0..=j {
                vector::scale_add_complex(&mut self.u[i], &n.coefficient, &self.r[i], blocks.clone());
            }
            let (before, after) = self.u.split_at_mut(j + 1);
            before[j].exchange();
            a.apply(&mut after[0], &before[j]);
            monitor.applications += 1;
            let products = n.product(&self.shadow, &self.u[j + 1], blocks.clone());
            for chain in 0..chains {
                n.alpha[chain] = if monitor.done(chain) {
                    zero
                } else if is_zero(products[chain]) {
                    return Some(End::Breakdown("⟨r̂, M u⟩"));
                } else {
                    quotient(n.rho[chain], products[chain])
                };
            }
            for i in 0..=j {
                vector::subtract(&mut self.r[i], &n.alpha, &self.u[i + 1], blocks.clone());
            }
            let (before, after) = self.r.split_at_mut(j + 1);
            before[j].exchange();
            a.apply(&mut after[0], &before[j]);
            monitor.applications += 1;
            let minus_alpha: Vec<_> = n.alpha.iter().map(|alpha| -*alpha).collect();
            vector::subtract(x, &minus_alpha, &self.u[0], blocks.clone());
        }
        None
    }

    /// The smallest residual over r_1 … r_l, by the normal equations of these few fields.
    fn minimise<T: Real>(
        &mut self,
        x: &mut X,
        blocks: Range<usize>,
        n: &mut Numbers,
        monitor: &Monitor,
    ) -> Option<End>
    where
        X: DerefMut<Target = Field<T>>,
    {
        let (degree, chains) = (self.r.len() - 1, n.rho.len());
        let mut gram = vec![DMatrix::<Z<f64>>::zeros(degree, degree); chains];
        let mut right = vec![DVector::<Z<f64>>::zeros(degree); chains];
        for i in 1..=degree {
            for j in 0..=i {
                let products = n.product(&self.r[i], &self.r[j], blocks.clone());
                for (chain, z) in products.into_iter().enumerate() {
                    let z = Z::new(z.re, z.im);
                    if j == 0 {
                        right[chain][i - 1] = z;
                    } else {
                        (gram[chain][(i - 1, j - 1)], gram[chain][(j - 1, i - 1)]) = (z, z.conj());
                    }
                }
            }
        }
        // r_0 = 0, or out of reach: the end, or the next BiCG steps, follow from r_0 itself.
        let moves: Vec<bool> = (0..chains)
            .map(|chain| !monitor.done(chain) && right[chain].iter().any(|z| z.norm_sqr() != 0.0))
            .collect();
        let mut gamma = vec![DVector::<Z<f64>>::zeros(degree); chains];
        for chain in (0..chains).filter(|&chain| moves[chain]) {
            let Some(cholesky) = gram[chain].clone().cholesky() else {
                return Some(End::Breakdown("M r beyond the directions so far"));
            };
            gamma[chain] = cholesky.solve(&right[chain]);
        }
        for j in 1..=degree {
            for chain in 0..chains {
                let z = gamma[chain][j - 1];
                n.omega[chain] = Complex::new(z.re, z.im);
                n.coefficient[chain] = -n.omega[chain];
            }
            // x takes r_0 as it was: it goes before r_0 changes, in the first round.
            vector::subtract(x, &n.coefficient, &self.r[j - 1], blocks.clone());
            for fields in [&mut self.r, &mut self.u] {
                let (first, rest) = fields.split_at_mut(1);
                vector::subtract(&mut first[0], &n.omega, &rest[j - 1], blocks.clone());
            }
        }
        if (0..chains).any(|chain| moves[chain] && is_zero(n.omega[chain])) {
            return Some(End::Breakdown("ω"));
        }
        None
    }
}
