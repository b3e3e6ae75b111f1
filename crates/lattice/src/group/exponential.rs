//! exp of an algebra element by the Cayley–Hamilton recursion.
//!
//! For X in su(3), X³ = −t X + det X with t = ½‖X‖², so the Taylor series is summed by Horner's rule on the three
//! coefficients of 1, X, X² (as openQCD does); in su(2), X² = −t. A lane whose element is large is halved until
//! its eigenvalues lie below 1 and its result squared back, which other lanes do not notice. The result is exact to
//! rounding, also where eigenvalues coincide.

use super::{Matrix, matrix};
use crate::complex::Complex;
use crate::number::{Num, sin_cos};

/// Degree of the Taylor polynomial: 1/19! is below the rounding of f64.
const DEGREE: usize = 18;
/// Most halvings: elements with norms above about 4000 are out of reach (and mean a diverged trajectory).
const HALVINGS: usize = 12;

/// 1/k!, k = 0 … DEGREE.
const INVERSE_FACTORIAL: [f64; DEGREE + 1] = {
    let mut table = [1.0; DEGREE + 1];
    let (mut product, mut k) = (1.0, 1);
    while k <= DEGREE {
        product *= k as f64;
        table[k] = 1.0 / product;
        k += 1;
    }
    table
};

/// exp(X) for anti-Hermitian X, traceless if N > 1.
#[inline(always)]
pub fn exponential<V: Num, const N: usize>(x: &Matrix<V, N>) -> Matrix<V, N> {
    if N == 1 {
        let (s, c) = sin_cos(x.0[0][0].im);
        return Matrix::diagonal(Complex::new(c, s));
    }
    let one = V::splat(1.0);
    let half = V::splat(0.5);
    let t_full = x.norm2() * half;
    // Eigenvalues i λ obey λ² ≤ 4t/3 in su(3) and λ² = t in su(2).
    let bound = V::splat(if N == 2 { 1.0 } else { 0.75 });
    let mut scale = one;
    for _ in 0..HALVINGS {
        let large = bound.lt(t_full * scale * scale);
        if !V::any(large) {
            break;
        }
        scale = V::select(large, scale * half, scale);
    }
    let x = x.scale(scale);
    let t = t_full * scale * scale;
    if N == 2 { su2(&x, t, scale) } else { su3(&x, t, scale) }
}

#[inline(always)]
fn su2<V: Num, const N: usize>(x: &Matrix<V, N>, t: V, scale: V) -> Matrix<V, N> {
    let one = V::splat(1.0);
    let mut p = [V::splat(INVERSE_FACTORIAL[DEGREE]), V::splat(0.0)];
    for k in (0..DEGREE).rev() {
        p = [t.neg_mul_add(p[1], V::splat(INVERSE_FACTORIAL[k])), p[0]];
    }
    let mut done = scale;
    for _ in 0..HALVINGS {
        let more = done.lt(one);
        if !V::any(more) {
            break;
        }
        let cross = p[0] * p[1];
        let squared = [(t * p[1]).neg_mul_add(p[1], p[0] * p[0]), cross + cross];
        p = [V::select(more, squared[0], p[0]), V::select(more, squared[1], p[1])];
        done = V::select(more, done + done, done);
    }
    Matrix::diagonal(Complex::new(p[0], V::splat(0.0))) + x.scale(p[1])
}

/// c + i d q
#[inline(always)]
fn plus_det<V: Num>(d: V, c: Complex<V>, q: Complex<V>) -> Complex<V> {
    Complex::new(d.neg_mul_add(q.im, c.re), d.mul_add(q.re, c.im))
}

/// c − t q
#[inline(always)]
fn minus_t<V: Num>(t: V, c: Complex<V>, q: Complex<V>) -> Complex<V> {
    Complex::new(t.neg_mul_add(q.re, c.re), t.neg_mul_add(q.im, c.im))
}

#[inline(always)]
fn twice<V: Num>(z: Complex<V>) -> Complex<V> {
    z + z
}

#[inline(always)]
fn su3<V: Num, const N: usize>(x: &Matrix<V, N>, t: V, scale: V) -> Matrix<V, N> {
    let one = V::splat(1.0);
    let x2 = x.mul(x);
    // det X = i d = tr X³ / 3.
    let d = {
        let mut sum = V::splat(0.0);
        for i in 0..N {
            for k in 0..N {
                let (a, b) = (x.0[i][k], x2.0[k][i]);
                sum = a.im.mul_add(b.re, a.re.mul_add(b.im, sum));
            }
        }
        sum * V::splat(1.0 / 3.0)
    };
    let mut p = [Complex::splat(INVERSE_FACTORIAL[DEGREE], 0.0), Complex::zero(), Complex::zero()];
    for k in (0..DEGREE).rev() {
        p = [plus_det(d, Complex::splat(INVERSE_FACTORIAL[k], 0.0), p[2]), minus_t(t, p[0], p[2]), p[1]];
    }
    let mut done = scale;
    for _ in 0..HALVINGS {
        let more = done.lt(one);
        if !V::any(more) {
            break;
        }
        let (q3, q4) = (twice(p[1] * p[2]), p[2] * p[2]);
        let squared = [
            plus_det(d, p[0] * p[0], q3),
            plus_det(d, minus_t(t, twice(p[0] * p[1]), q3), q4),
            minus_t(t, p[1].mul_add(p[1], twice(p[0] * p[2])), q4),
        ];
        for k in 0..3 {
            let (c, q) = (p[k], squared[k]);
            p[k] = Complex::new(V::select(more, q.re, c.re), V::select(more, q.im, c.im));
        }
        done = V::select(more, done + done, done);
    }
    matrix!(|i, j| {
        let linear = x.0[i][j].mul_add(p[1], if i == j { p[0] } else { Complex::zero() });
        x2.0[i][j].mul_add(p[2], linear)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::{ALGEBRA_MAX, algebra_dim, from_coordinates};

    /// exp by scaling to norm 2⁻¹⁰ and a plain matrix Taylor series: the naive reference.
    fn naive<const N: usize>(x: &Matrix<f64, N>) -> Matrix<f64, N> {
        let halvings = (x.norm2().sqrt().log2().ceil() as i32 + 4).max(0);
        let x = x.scale(0.5f64.powi(halvings));
        let (mut sum, mut term) = (Matrix::unit(), Matrix::unit());
        for k in 1..25 {
            term = term.mul(&x).scale(1.0 / k as f64);
            sum = sum + term;
        }
        for _ in 0..halvings {
            sum = sum.mul(&sum);
        }
        sum
    }

    fn element<const N: usize>(seed: usize, size: f64) -> Matrix<f64, N> {
        let mut c = [0.0; ALGEBRA_MAX];
        for (a, ca) in c.iter_mut().take(algebra_dim(N)).enumerate() {
            *ca = size * ((seed * 17 + a * 7) as f64 * 1.3).sin();
        }
        from_coordinates(&c)
    }

    fn check<const N: usize>() {
        for seed in 0..50 {
            for size in [0.0, 1e-9, 0.01, 0.3, 1.0, 4.0, 30.0] {
                let x = element::<N>(seed, size);
                let e = exponential(&x);
                let tolerance = 1e-15 * (4.0 + 8.0 * size);
                let difference = (e - naive(&x)).norm2().sqrt();
                assert!(difference < 4.0 * tolerance, "N={N} size={size}: off by {difference:e}");
                let unitarity = (e.mul_adjoint(&e) - Matrix::unit()).norm2().sqrt();
                assert!(unitarity < 4.0 * tolerance, "N={N} size={size}: unitary to {unitarity:e}");
                let inverse = exponential(&-x);
                assert!((e.mul(&inverse) - Matrix::unit()).norm2().sqrt() < 4.0 * tolerance);
            }
        }
    }

    #[test]
    fn agrees_with_the_plain_series_and_is_unitary() {
        check::<1>();
        check::<2>();
        check::<3>();
    }

    #[test]
    fn degenerate_eigenvalues_are_exact() {
        // diag(i, i, -2i): the closed formulas of the literature divide by zero here.
        let mut x = Matrix::<f64, 3>::zero();
        for (i, lambda) in [1.0, 1.0, -2.0].into_iter().enumerate() {
            x.0[i][i].im = lambda;
        }
        let e = exponential(&x);
        for (i, lambda) in [1.0f64, 1.0, -2.0].into_iter().enumerate() {
            assert!(
                (e.0[i][i].re - lambda.cos()).abs() < 1e-15 && (e.0[i][i].im - lambda.sin()).abs() < 1e-15
            );
        }
    }
}
