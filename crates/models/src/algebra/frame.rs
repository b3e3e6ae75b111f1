//! An algebra element with what its functions are made of.

use super::adjoint::{Operator, adjoint, apply};
use super::series::Invariants;
use gaugelink_lattice::group::{ALGEBRA_MAX, to_coordinates};
use gaugelink_lattice::{Matrix, Num};

/// A, its coordinates, its square, ad and its invariants.
pub struct Frame<V, const N: usize> {
    /// A^a
    pub coordinates: [V; ALGEBRA_MAX],
    /// A²; zero for U(1) and SU(2), where nothing asks for it.
    pub square: Matrix<V, N>,
    pub ad: Operator<V>,
    pub invariants: Invariants<V>,
}

impl<V: Num, const N: usize> Frame<V, N> {
    /// Of an algebra element.
    #[inline(always)]
    pub fn new(a: &Matrix<V, N>) -> Self {
        let coordinates = to_coordinates(a);
        let (mut cubic, mut square) = (V::splat(0.0), Matrix::zero());
        if N == 3 {
            square = a.mul(a);
            for i in 0..N {
                for k in 0..N {
                    let (x, y) = (square.0[i][k], a.0[k][i]);
                    cubic = x.im.mul_add(y.re, x.re.mul_add(y.im, cubic));
                }
            }
            cubic = cubic * V::splat(1.0 / 3.0);
        }
        let invariants = Invariants::new::<N>(&coordinates, cubic);
        Self { coordinates, square, ad: adjoint::<V, N>(&coordinates), invariants }
    }

    /// \[A, ξ\]
    #[inline(always)]
    pub fn commutator(&self, xi: &[V; ALGEBRA_MAX]) -> [V; ALGEBRA_MAX] {
        apply::<V, N>(&self.ad, xi)
    }
}
