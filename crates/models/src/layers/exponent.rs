//! The exponent of a link and what a change of it does: site bodies shared by stout smearing and masked residual layers.

use super::loops::{Weights, staple_sum};
use crate::algebra::{Invariants, Operator, adjoint};
use gaugelink_lattice::group::{ALGEBRA_MAX, algebra_dim, to_coordinates, traceless_antihermitian};
use gaugelink_lattice::{Complex, Lanes, LinkReader, Matrix, Num};

/// A link U in front of its staple sum Σ: U′ = exp(A) U with A = Ta(Σ† U†) = −Ta(P), P = U Σ.
pub struct Exponent<V, const N: usize> {
    pub u: Matrix<V, N>,
    pub p: Matrix<V, N>,
    pub a: Matrix<V, N>,
}

impl<V: Num, const N: usize> Exponent<V, N> {
    #[inline(always)]
    pub fn new(u: Matrix<V, N>, staples: &Matrix<V, N>) -> Self {
        let p = u.mul(staples);
        let a = -traceless_antihermitian(&p);
        Self { u, p, a }
    }

    /// Of the link in direction `mu`.
    #[inline(always)]
    pub fn of_link<S>(
        links: &LinkReader<'_, S, N>,
        dims: usize,
        block: usize,
        mu: usize,
        weights: &Weights,
    ) -> Self
    where
        V: Lanes<Scalar = S>,
        S: gaugelink_lattice::Real,
    {
        Self::new(links.at::<V>(block, mu), &staple_sum::<V, N>(links, dims, block, mu, weights))
    }

    /// Coordinates of A, ad, and its invariants.
    #[inline(always)]
    pub fn adjoint(&self) -> ([V; ALGEBRA_MAX], Operator<V>, Invariants<V>) {
        let c = to_coordinates(&self.a);
        let mut cubic = V::splat(0.0);
        if N == 3 {
            let square = self.a.mul(&self.a);
            for i in 0..N {
                for k in 0..N {
                    let (x, y) = (square.0[i][k], self.a.0[k][i]);
                    cubic = x.im.mul_add(y.re, x.re.mul_add(y.im, cubic));
                }
            }
            cubic = cubic * V::splat(1.0 / 3.0);
        }
        let invariants = Invariants::new::<N>(&c, cubic);
        (c, adjoint::<V, N>(&c), invariants)
    }
}

/// Ψ with Re tr(Ψ δP) = Σ_a `by_a`^a δA^a − `by_r0` δr₀ − Σ_c `by_r`_c δr_c for A = −Ta(P) and r the coordinates of
/// the Hermitian part r₀ + Σ r_c λ_c of P.
#[inline(always)]
pub fn dual_of_loops<V: Num, const N: usize>(
    by_a: &[V; ALGEBRA_MAX],
    by_r0: V,
    by_r: &[V; ALGEBRA_MAX],
) -> Matrix<V, N> {
    if N == 1 {
        return Matrix::diagonal(Complex::new(-by_r0, by_a[0]));
    }
    let mut twice = *by_a;
    for a in 0..algebra_dim(N) {
        twice[a] = by_a[a] + by_a[a];
    }
    let antihermitian = gaugelink_lattice::group::from_coordinates::<V, N>(&twice);
    let hermitian = gaugelink_lattice::group::from_coordinates::<V, N>(by_r);
    let diagonal = by_r0 * V::splat(1.0 / N as f64);
    let mut psi = antihermitian;
    for i in 0..N {
        for j in 0..N {
            // λ_c/2 = i T_c.
            let (x, h) = (antihermitian.0[i][j], hermitian.0[i][j]);
            psi.0[i][j] = Complex::new(x.re + h.im, x.im - h.re);
        }
        psi.0[i][i].re = psi.0[i][i].re - diagonal;
    }
    psi
}

/// Re tr(T_a M) for every generator.
#[inline(always)]
pub fn slopes<V: Num, const N: usize>(m: &Matrix<V, N>) -> [V; ALGEBRA_MAX] {
    let mut c = to_coordinates(&traceless_antihermitian(m));
    let scale = V::splat(if N == 1 { -1.0 } else { -0.5 });
    for a in 0..algebra_dim(N) {
        c[a] = c[a] * scale;
    }
    c
}
