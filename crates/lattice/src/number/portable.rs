//! Lanes as a plain array: any machine, and the reference for the vector units.

use super::{LaneIndex, Lanes, Num, Real};
use std::ops::{Add, Mul, Neg, Sub};

/// Functions that are calls on x86-64, where every machine of interest has a better unit: a call for all lanes keeps
/// kernels small enough to be compiled in reasonable time. Not those that the other units use.
macro_rules! apart {
    ($($function:item)*) => {$(
        #[cfg_attr(target_arch = "x86_64", inline(never))]
        #[cfg_attr(not(target_arch = "x86_64"), inline(always))]
        $function
    )*};
}

/// `L` numbers in an array.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub struct Portable<T, const L: usize>(pub [T; L]);

impl<T: Real, const L: usize> Portable<T, L> {
    #[inline(always)]
    fn zip(self, b: Self, f: impl Fn(T, T) -> T) -> Self {
        Self(std::array::from_fn(|l| f(self.0[l], b.0[l])))
    }
}

impl<T: Real, const L: usize> Add for Portable<T, L> {
    type Output = Self;
    apart! {
        fn add(self, b: Self) -> Self {
            self.zip(b, |x, y| x + y)
        }
    }
}

impl<T: Real, const L: usize> Sub for Portable<T, L> {
    type Output = Self;
    apart! {
        fn sub(self, b: Self) -> Self {
            self.zip(b, |x, y| x - y)
        }
    }
}

impl<T: Real, const L: usize> Mul for Portable<T, L> {
    type Output = Self;
    apart! {
        fn mul(self, b: Self) -> Self {
            self.zip(b, |x, y| x * y)
        }
    }
}

impl<T: Real, const L: usize> Neg for Portable<T, L> {
    type Output = Self;
    apart! {
        fn neg(self) -> Self {
            Self(self.0.map(|x| -x))
        }
    }
}

impl<T: Real, const L: usize> Num for Portable<T, L> {
    type Mask = [T::Mask; L];
    const HALF_PI: [f64; 3] = T::HALF_PI;
    const LN_2: [f64; 2] = T::LN_2;
    const EXP_MAX: f64 = T::EXP_MAX;
    apart! {
        fn splat(x: f64) -> Self {
            Self([T::from_f64(x); L])
        }
        fn mul_add(self, b: Self, c: Self) -> Self {
            Self(std::array::from_fn(|l| self.0[l].mul_add(b.0[l], c.0[l])))
        }
        fn neg_mul_add(self, b: Self, c: Self) -> Self {
            Self(std::array::from_fn(|l| self.0[l].neg_mul_add(b.0[l], c.0[l])))
        }
        fn div(self, b: Self) -> Self {
            self.zip(b, |x, y| x.div(y))
        }
        fn sqrt(self) -> Self {
            Self(self.0.map(|x| x.sqrt()))
        }
        fn round(self) -> Self {
            Self(self.0.map(|x| x.round()))
        }
        fn lt(self, b: Self) -> Self::Mask {
            std::array::from_fn(|l| self.0[l].lt(b.0[l]))
        }
        fn select(mask: Self::Mask, a: Self, b: Self) -> Self {
            Self(std::array::from_fn(|l| T::select(mask[l], a.0[l], b.0[l])))
        }
        fn any(mask: Self::Mask) -> bool {
            mask.into_iter().any(T::any)
        }
    }
    #[inline(always)]
    fn split_exponent(self) -> (Self, Self) {
        let parts = self.0.map(|x| x.split_exponent());
        (Self(parts.map(|p| p.0)), Self(parts.map(|p| p.1)))
    }
    #[inline(always)]
    fn scale_exponent(self, e: Self) -> Self {
        self.zip(e, |x, e| x.scale_exponent(e))
    }
}

impl<T: Real, const L: usize> Lanes for Portable<T, L> {
    type Scalar = T;
    type Register = Self;
    const REGISTERS: usize = 1;
    #[inline(always)]
    fn broadcast(x: T) -> Self {
        Self([x; L])
    }
    #[inline(always)]
    unsafe fn load(p: *const T) -> Self {
        // SAFETY: the caller vouches for `LANES == L` scalars at an address aligned to 64 bytes.
        unsafe { *p.cast::<Self>() }
    }
    #[inline(always)]
    unsafe fn load_permuted(p: *const T, index: &LaneIndex, _: usize) -> Self {
        // SAFETY: the caller vouches that each index lies within the row.
        Self(std::array::from_fn(|l| unsafe { *p.add(index.0[l] as usize) }))
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut T) {
        // SAFETY: as in `load`.
        unsafe { *p.cast::<Self>() = self }
    }
}
