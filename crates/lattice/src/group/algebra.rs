//! The algebra: projection, and coordinates A = Σ_a A^a T_a.

use super::{Matrix, matrix};
use crate::complex::Complex;
use crate::number::Num;

/// Room for the coordinates of the largest algebra (SU(3)).
pub const ALGEBRA_MAX: usize = 8;

/// Pairs of generators that mix rows j and k: (index of the symmetric one, followed by the antisymmetric; j; k).
const OFF_DIAGONAL: [(usize, usize, usize); 3] = [(0, 0, 1), (3, 0, 2), (5, 1, 2)];

/// Dimension of the algebra: 1, 3, 8 for N = 1, 2, 3.
pub const fn algebra_dim(n: usize) -> usize {
    if n == 1 { 1 } else { n * n - 1 }
}

/// Ta(M) = (M − M†)/2 − tr(M − M†)/(2N); for U(1) the trace stays: Ta(z) = i Im z.
#[inline(always)]
pub fn traceless_antihermitian<V: Num, const N: usize>(m: &Matrix<V, N>) -> Matrix<V, N> {
    let half = V::splat(0.5);
    let mean = if N == 1 { V::splat(0.0) } else { m.trace().im * V::splat(1.0 / N as f64) };
    matrix!(|i, j| {
        if i == j {
            Complex::new(V::splat(0.0), m.0[i][i].im - mean)
        } else {
            Complex::new((m.0[i][j].re - m.0[j][i].re) * half, (m.0[i][j].im + m.0[j][i].im) * half)
        }
    })
}

/// A^a = −2 tr(T_a A), in the order of the Pauli and Gell-Mann matrices; entries past the dimension are zero.
#[inline(always)]
pub fn to_coordinates<V: Num, const N: usize>(a: &Matrix<V, N>) -> [V; ALGEBRA_MAX] {
    let mut c = [V::splat(0.0); ALGEBRA_MAX];
    if N == 1 {
        c[0] = a.0[0][0].im;
        return c;
    }
    // T = −(i/2)λ, so A_jk = −(i/2) Σ A^a (λ_a)_jk: the entry above the diagonal is −(i/2)(A^s − i A^t).
    let two = V::splat(2.0);
    for (s, j, k) in OFF_DIAGONAL {
        if k < N {
            c[s] = -(a.0[j][k].im * two);
            c[s + 1] = -(a.0[j][k].re * two);
        }
    }
    c[2] = a.0[1][1].im - a.0[0][0].im;
    if N == 3 {
        c[7] = a.0[2][2].im * V::splat(3f64.sqrt());
    }
    c
}

/// Σ_a A^a T_a, the inverse of [`to_coordinates`].
#[inline(always)]
pub fn from_coordinates<V: Num, const N: usize>(c: &[V; ALGEBRA_MAX]) -> Matrix<V, N> {
    let mut a = Matrix::zero();
    if N == 1 {
        a.0[0][0].im = c[0];
        return a;
    }
    let half = V::splat(0.5);
    for (s, j, k) in OFF_DIAGONAL {
        if k < N {
            let z = Complex::new(-(c[s + 1] * half), -(c[s] * half));
            a.0[j][k] = z;
            a.0[k][j] = Complex::new(-z.re, z.im);
        }
    }
    if N == 2 {
        a.0[0][0].im = -(c[2] * half);
        a.0[1][1].im = c[2] * half;
    } else {
        let eighth = c[7] * V::splat(1.0 / (2.0 * 3f64.sqrt()));
        a.0[0][0].im = c[2].neg_mul_add(half, -eighth);
        a.0[1][1].im = c[2].mul_add(half, -eighth);
        a.0[2][2].im = eighth + eighth;
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generator<const N: usize>(a: usize) -> Matrix<f64, N> {
        let mut c = [0.0; ALGEBRA_MAX];
        c[a] = 1.0;
        from_coordinates(&c)
    }

    fn check<const N: usize>() {
        for a in 0..algebra_dim(N) {
            let t = generator::<N>(a);
            assert!((t + t.adjoint()).norm2() < 1e-30, "T_{a} is not anti-Hermitian");
            for b in 0..algebra_dim(N) {
                let expected = if a != b {
                    0.0
                } else if N == 1 {
                    -1.0
                } else {
                    -0.5
                };
                assert!((t.re_trace_mul(&generator::<N>(b)) - expected).abs() < 1e-15, "tr T_{a} T_{b}");
                let c = to_coordinates(&t)[b];
                assert!((c - if a == b { 1.0 } else { 0.0 }).abs() < 1e-15, "coordinate {b} of T_{a} is {c}");
            }
        }
        let m = Matrix::<f64, N>::from_fn(|i, j| {
            Complex::new((i * 3 + j) as f64 * 0.3, 1.0 - (i + 2 * j) as f64)
        });
        let p = traceless_antihermitian(&m);
        let back = from_coordinates(&to_coordinates(&p));
        assert!((p - back).norm2() < 1e-28);
        for a in 0..algebra_dim(N) {
            let t = generator::<N>(a);
            let want = t.re_trace_mul(&m) * if N == 1 { -1.0 } else { -2.0 };
            assert!((to_coordinates(&p)[a] - want).abs() < 1e-14, "projection, component {a}");
        }
    }

    #[test]
    fn generators_are_orthonormal_and_coordinates_invert() {
        check::<1>();
        check::<2>();
        check::<3>();
    }

    #[test]
    fn third_gell_mann_matrix_is_diagonal_one_minus_one() {
        let t = generator::<3>(2);
        assert_eq!((t.0[0][0].im, t.0[1][1].im, t.0[2][2].im), (-0.5, 0.5, 0.0));
    }
}
