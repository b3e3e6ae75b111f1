//! The exponent of a link and what a change of it does: site bodies shared by stout smearing and masked residual layers.

use crate::algebra::Frame;
use gaugelink_lattice::group::{
    ALGEBRA_MAX, algebra_dim, exponential, from_coordinates, to_coordinates, traceless_antihermitian,
};
use gaugelink_lattice::{Complex, Matrix, Num};

/// A link U in front of its staple sum Σ: U′ = exp(A) U with A = Ta(Σ† U†) = −Ta(P), P = U Σ.
pub struct Exponent<V, const N: usize> {
    pub u: Matrix<V, N>,
    pub p: Matrix<V, N>,
    pub a: Matrix<V, N>,
}

impl<V: Num, const N: usize> Exponent<V, N> {
    /// Of a link and its staple sum.
    #[inline(always)]
    pub fn new(u: Matrix<V, N>, staples: &Matrix<V, N>) -> Self {
        let p = u.mul(staples);
        let a = -traceless_antihermitian(&p);
        Self { u, p, a }
    }

    /// U′
    #[inline(always)]
    pub fn moved(&self) -> Matrix<V, N> {
        exponential(&self.a).mul(&self.u)
    }

    /// From a loss's slopes `g` = ∂^a L at U′: those that δA has, φ(−ad) g, and those that U has at fixed A, e^{−ad} g.
    #[inline(always)]
    pub fn turned_back(at: &Frame<V, N>, g: &[V; ALGEBRA_MAX]) -> ([V; ALGEBRA_MAX], [V; ALGEBRA_MAX]) {
        let by_a = at.phi_minus(g);
        let mut at_fixed_a = *g;
        if N > 1 {
            let turned = at.commutator(&by_a);
            for a in 0..algebra_dim(N) {
                at_fixed_a[a] = g[a] - turned[a];
            }
        }
        (by_a, at_fixed_a)
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
    let antihermitian = from_coordinates::<V, N>(&twice);
    let hermitian = from_coordinates::<V, N>(by_r);
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
