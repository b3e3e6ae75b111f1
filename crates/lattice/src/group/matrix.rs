//! N×N complex matrices.

use crate::complex::Complex;
use crate::number::{Lanes, Num};
use std::ops::{Add, Neg, Sub};

/// The matrix with entries `$entry`, written as loops: a closure in a vector kernel may be left as a function of its
/// own, without the kernel's instructions.
macro_rules! matrix {
    (|$i:ident, $j:ident| $entry:expr) => {{
        let mut m = $crate::group::Matrix::zero();
        for $i in 0..N {
            for $j in 0..N {
                m.0[$i][$j] = $entry;
            }
        }
        m
    }};
}
pub(crate) use matrix;

/// The matrix whose entries are sums over k: `$start`, then `$term` for each further k from `$from` on. Row by row,
/// with k outside j, so that a row's N sums stay in registers and are added to independently.
macro_rules! products {
    (|$i:ident, $j:ident| $start:expr, |$k:ident from $from:literal, $sum:ident| $term:expr) => {{
        let mut m = Self::zero();
        for $i in 0..N {
            for $j in 0..N {
                m.0[$i][$j] = $start;
            }
            for $k in $from..N {
                for $j in 0..N {
                    let $sum = m.0[$i][$j];
                    m.0[$i][$j] = $term;
                }
            }
        }
        m
    }};
}

/// An N×N complex matrix, row-major.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Matrix<V, const N: usize>(pub [[Complex<V>; N]; N]);

impl<V: Num, const N: usize> Matrix<V, N> {
    /// Real numbers in one matrix.
    pub const REALS: usize = 2 * N * N;

    /// The matrix with entries `f(row, column)`. Not for vector kernels: the closure may not be inlined there.
    #[inline(always)]
    pub fn from_fn(mut f: impl FnMut(usize, usize) -> Complex<V>) -> Self {
        let mut m = [[Complex::zero(); N]; N];
        for i in 0..N {
            for j in 0..N {
                m[i][j] = f(i, j);
            }
        }
        Self(m)
    }
    /// Zero.
    #[inline(always)]
    pub fn zero() -> Self {
        Self([[Complex::zero(); N]; N])
    }
    /// `s` times the unit matrix.
    #[inline(always)]
    pub fn diagonal(s: Complex<V>) -> Self {
        matrix!(|i, j| if i == j { s } else { Complex::zero() })
    }
    /// The unit matrix.
    #[inline(always)]
    pub fn unit() -> Self {
        Self::diagonal(Complex::splat(1.0, 0.0))
    }
    /// Hermitian conjugate.
    #[inline(always)]
    pub fn adjoint(&self) -> Self {
        matrix!(|i, j| self.0[j][i].conj())
    }
    /// `self * b`.
    #[inline(always)]
    pub fn mul(&self, b: &Self) -> Self {
        products!(|i, j| self.0[i][0] * b.0[0][j], |k from 1, sum| self.0[i][k].mul_add(b.0[k][j], sum))
    }
    /// `self * b + c`.
    #[inline(always)]
    pub fn mul_add(&self, b: &Self, c: &Self) -> Self {
        products!(|i, j| c.0[i][j], |k from 0, sum| self.0[i][k].mul_add(b.0[k][j], sum))
    }
    /// `self * b†`.
    #[inline(always)]
    pub fn mul_adjoint(&self, b: &Self) -> Self {
        products!(|i, j| b.0[j][0].conj_mul(self.0[i][0]), |k from 1, sum| b.0[j][k].conj_mul_add(self.0[i][k], sum))
    }
    /// `self * b† + c`.
    #[inline(always)]
    pub fn mul_adjoint_add(&self, b: &Self, c: &Self) -> Self {
        products!(|i, j| c.0[i][j], |k from 0, sum| b.0[j][k].conj_mul_add(self.0[i][k], sum))
    }
    /// `self† * b`.
    #[inline(always)]
    pub fn adjoint_mul(&self, b: &Self) -> Self {
        products!(|i, j| self.0[0][i].conj_mul(b.0[0][j]), |k from 1, sum| self.0[k][i].conj_mul_add(b.0[k][j], sum))
    }
    /// `self† * b + c`.
    #[inline(always)]
    pub fn adjoint_mul_add(&self, b: &Self, c: &Self) -> Self {
        products!(|i, j| c.0[i][j], |k from 0, sum| self.0[k][i].conj_mul_add(b.0[k][j], sum))
    }
    /// `self * s` for real s.
    #[inline(always)]
    pub fn scale(&self, s: V) -> Self {
        matrix!(|i, j| self.0[i][j].scale(s))
    }
    /// `self * s` for complex s.
    #[inline(always)]
    pub fn scale_complex(&self, s: Complex<V>) -> Self {
        matrix!(|i, j| self.0[i][j] * s)
    }
    /// Trace.
    #[inline(always)]
    pub fn trace(&self) -> Complex<V> {
        let mut sum = self.0[0][0];
        for i in 1..N {
            sum = sum + self.0[i][i];
        }
        sum
    }
    /// Re tr(self * b).
    #[inline(always)]
    pub fn re_trace_mul(&self, b: &Self) -> V {
        let mut sum = V::splat(0.0);
        for i in 0..N {
            for k in 0..N {
                let (x, y) = (self.0[i][k], b.0[k][i]);
                sum = x.im.neg_mul_add(y.im, x.re.mul_add(y.re, sum));
            }
        }
        sum
    }
    /// Re tr(self * b†).
    #[inline(always)]
    pub fn re_trace_mul_adjoint(&self, b: &Self) -> V {
        let mut sum = V::splat(0.0);
        for i in 0..N {
            for k in 0..N {
                let (x, y) = (self.0[i][k], b.0[i][k]);
                sum = x.im.mul_add(y.im, x.re.mul_add(y.re, sum));
            }
        }
        sum
    }
    /// Frobenius norm squared, Σ |entry|².
    #[inline(always)]
    pub fn norm2(&self) -> V {
        let mut sum = V::splat(0.0);
        for row in &self.0 {
            for z in row {
                sum = z.im.mul_add(z.im, z.re.mul_add(z.re, sum));
            }
        }
        sum
    }
    /// `a` in the lanes where the mask holds, `b` in the others.
    #[inline(always)]
    pub fn select(mask: V::Mask, a: &Self, b: &Self) -> Self {
        matrix!(|i, j| Complex {
            re: V::select(mask, a.0[i][j].re, b.0[i][j].re),
            im: V::select(mask, a.0[i][j].im, b.0[i][j].im),
        })
    }
}

impl<V: Lanes, const N: usize> Matrix<V, N> {
    /// Reads a matrix of block rows, `[row][column][re|im][lane]`.
    ///
    /// # Safety
    /// `p` is 64-byte aligned and valid for [`Self::REALS`] block rows.
    #[inline(always)]
    pub unsafe fn load(p: *const V::Scalar) -> Self {
        let lanes = <V::Scalar as crate::number::Real>::LANES;
        // SAFETY: the caller vouches for the rows.
        matrix!(|i, j| unsafe {
            let z = p.add(2 * (i * N + j) * lanes);
            Complex { re: V::load(z), im: V::load(z.add(lanes)) }
        })
    }
    /// Writes a matrix of block rows.
    ///
    /// # Safety
    /// `p` is 64-byte aligned and valid for writing [`Self::REALS`] block rows.
    #[inline(always)]
    pub unsafe fn store(&self, p: *mut V::Scalar) {
        let lanes = <V::Scalar as crate::number::Real>::LANES;
        for i in 0..N {
            for j in 0..N {
                // SAFETY: the caller vouches for the rows.
                unsafe {
                    let z = p.add(2 * (i * N + j) * lanes);
                    self.0[i][j].re.store(z);
                    self.0[i][j].im.store(z.add(lanes));
                }
            }
        }
    }
}

impl<V: Num, const N: usize> Add for Matrix<V, N> {
    type Output = Self;
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        matrix!(|i, j| self.0[i][j] + b.0[i][j])
    }
}

impl<V: Num, const N: usize> Sub for Matrix<V, N> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        matrix!(|i, j| self.0[i][j] - b.0[i][j])
    }
}

impl<V: Num, const N: usize> Neg for Matrix<V, N> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        matrix!(|i, j| -self.0[i][j])
    }
}
