//! Complex numbers over any number type, with explicit fused multiply-adds.

use crate::number::Num;
use std::ops::{Add, Mul, Neg, Sub};

/// `re + i im`.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Complex<V> {
    /// Real part.
    pub re: V,
    /// Imaginary part.
    pub im: V,
}

impl<V: Num> Complex<V> {
    /// `re + i im`.
    #[inline(always)]
    pub fn new(re: V, im: V) -> Self {
        Self { re, im }
    }
    /// The same constant in every lane.
    #[inline(always)]
    pub fn splat(re: f64, im: f64) -> Self {
        Self { re: V::splat(re), im: V::splat(im) }
    }
    /// Zero.
    #[inline(always)]
    pub fn zero() -> Self {
        Self::splat(0.0, 0.0)
    }
    /// Complex conjugate.
    #[inline(always)]
    pub fn conj(self) -> Self {
        Self { re: self.re, im: -self.im }
    }
    /// `i self`.
    #[inline(always)]
    pub fn times_i(self) -> Self {
        Self { re: -self.im, im: self.re }
    }
    /// `self * s` for real s.
    #[inline(always)]
    pub fn scale(self, s: V) -> Self {
        Self { re: self.re * s, im: self.im * s }
    }
    /// |self|².
    #[inline(always)]
    pub fn norm2(self) -> V {
        self.im.mul_add(self.im, self.re * self.re)
    }
    /// `self * b + c`.
    #[inline(always)]
    pub fn mul_add(self, b: Self, c: Self) -> Self {
        Self {
            re: self.im.neg_mul_add(b.im, self.re.mul_add(b.re, c.re)),
            im: self.im.mul_add(b.re, self.re.mul_add(b.im, c.im)),
        }
    }
    /// `conj(self) * b + c`.
    #[inline(always)]
    pub fn conj_mul_add(self, b: Self, c: Self) -> Self {
        Self {
            re: self.im.mul_add(b.im, self.re.mul_add(b.re, c.re)),
            im: self.im.neg_mul_add(b.re, self.re.mul_add(b.im, c.im)),
        }
    }
    /// `conj(self) * b`.
    #[inline(always)]
    pub fn conj_mul(self, b: Self) -> Self {
        Self { re: self.im.mul_add(b.im, self.re * b.re), im: self.im.neg_mul_add(b.re, self.re * b.im) }
    }
}

impl<V: Num> Add for Complex<V> {
    type Output = Self;
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Self { re: self.re + b.re, im: self.im + b.im }
    }
}

impl<V: Num> Sub for Complex<V> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Self { re: self.re - b.re, im: self.im - b.im }
    }
}

impl<V: Num> Neg for Complex<V> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self { re: -self.re, im: -self.im }
    }
}

impl<V: Num> Mul for Complex<V> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        Self { re: self.im.neg_mul_add(b.im, self.re * b.re), im: self.im.mul_add(b.re, self.re * b.im) }
    }
}
