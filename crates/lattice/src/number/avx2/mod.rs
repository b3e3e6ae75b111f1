//! Lanes in two 256-bit registers (x86-64 with AVX2 and FMA).

mod exponent;
mod shuffle;

use super::{LaneIndex, Lanes, Num};
use exponent::{power_pd, power_ps, split_pd, split_ps};
use shuffle::{
    rearranged_pd, rearranged_ps, swapped_pd, swapped_ps, transposed_pd, transposed_ps, within_pd, within_ps,
};
use std::arch::x86_64::*;
use std::ops::{Add, Mul, Neg, Sub};

macro_rules! lanes {
    ($name:ident, $register:ident, $vec:ident, $half:expr, $s:tt,
     $add:ident, $sub:ident, $mul:ident, $div:ident, $fma:ident, $fnma:ident, $sqrt:ident, $round:ident,
     $cmp:ident, $blend:ident, $movemask:ident, $set:ident, $xor:ident, $load:ident, $store:ident, $stream:ident,
     $rearranged:ident, $within:ident, $transposed:ident, $swapped:ident, $split:ident, $power:ident) => {
        /// Half a block row in one register.
        #[derive(Clone, Copy)]
        #[repr(transparent)]
        pub struct $register($vec);

        /// A block row in two registers.
        #[derive(Clone, Copy)]
        pub struct $name($register, $register);

        impl Add for $register {
            type Output = Self;
            #[inline(always)]
            fn add(self, b: Self) -> Self {
                // SAFETY: values of this type exist only inside kernels entered after a check for AVX2 and FMA.
                Self(unsafe { $add(self.0, b.0) })
            }
        }

        impl Sub for $register {
            type Output = Self;
            #[inline(always)]
            fn sub(self, b: Self) -> Self {
                // SAFETY: as for `add`.
                Self(unsafe { $sub(self.0, b.0) })
            }
        }

        impl Mul for $register {
            type Output = Self;
            #[inline(always)]
            fn mul(self, b: Self) -> Self {
                // SAFETY: as for `add`.
                Self(unsafe { $mul(self.0, b.0) })
            }
        }

        impl Neg for $register {
            type Output = Self;
            #[inline(always)]
            fn neg(self) -> Self {
                // SAFETY: as for `add`.
                Self(unsafe { $xor(self.0, $set(-0.0)) })
            }
        }

        impl Num for $register {
            type Mask = $vec;
            const HALF_PI: [f64; 3] = <$s as Num>::HALF_PI;
            const LN_2: [f64; 2] = <$s as Num>::LN_2;
            const EXP_MAX: f64 = <$s as Num>::EXP_MAX;
            #[inline(always)]
            fn splat(x: f64) -> Self {
                // SAFETY: as for `add`.
                Self(unsafe { $set(x as $s) })
            }
            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                // SAFETY: as for `add`.
                Self(unsafe { $fma(self.0, b.0, c.0) })
            }
            #[inline(always)]
            fn neg_mul_add(self, b: Self, c: Self) -> Self {
                // SAFETY: as for `add`.
                Self(unsafe { $fnma(self.0, b.0, c.0) })
            }
            #[inline(always)]
            fn div(self, b: Self) -> Self {
                // SAFETY: as for `add`.
                Self(unsafe { $div(self.0, b.0) })
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                // SAFETY: as for `add`.
                Self(unsafe { $sqrt(self.0) })
            }
            #[inline(always)]
            fn round(self) -> Self {
                // SAFETY: as for `add`.
                Self(unsafe { $round::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0) })
            }
            #[inline(always)]
            fn lt(self, b: Self) -> $vec {
                // SAFETY: as for `add`.
                unsafe { $cmp::<_CMP_LT_OQ>(self.0, b.0) }
            }
            #[inline(always)]
            fn select(mask: $vec, a: Self, b: Self) -> Self {
                // SAFETY: as for `add`.
                Self(unsafe { $blend(b.0, a.0, mask) })
            }
            #[inline(always)]
            fn any(mask: $vec) -> bool {
                // SAFETY: as for `add`.
                unsafe { $movemask(mask) != 0 }
            }
            #[inline(always)]
            fn split_exponent(self) -> (Self, Self) {
                // SAFETY: as for `add`.
                let (m, e) = unsafe { $split(self.0) };
                (Self(m), Self(e))
            }
            #[inline(always)]
            fn scale_exponent(self, e: Self) -> Self {
                // SAFETY: as for `add`.
                self * Self(unsafe { $power(e.0) })
            }
        }

        impl Add for $name {
            type Output = Self;
            #[inline(always)]
            fn add(self, b: Self) -> Self {
                Self(self.0 + b.0, self.1 + b.1)
            }
        }

        impl Sub for $name {
            type Output = Self;
            #[inline(always)]
            fn sub(self, b: Self) -> Self {
                Self(self.0 - b.0, self.1 - b.1)
            }
        }

        impl Mul for $name {
            type Output = Self;
            #[inline(always)]
            fn mul(self, b: Self) -> Self {
                Self(self.0 * b.0, self.1 * b.1)
            }
        }

        impl Neg for $name {
            type Output = Self;
            #[inline(always)]
            fn neg(self) -> Self {
                Self(-self.0, -self.1)
            }
        }

        impl Num for $name {
            type Mask = ($vec, $vec);
            const HALF_PI: [f64; 3] = <$s as Num>::HALF_PI;
            const LN_2: [f64; 2] = <$s as Num>::LN_2;
            const EXP_MAX: f64 = <$s as Num>::EXP_MAX;
            #[inline(always)]
            fn splat(x: f64) -> Self {
                Self($register::splat(x), $register::splat(x))
            }
            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                Self(self.0.mul_add(b.0, c.0), self.1.mul_add(b.1, c.1))
            }
            #[inline(always)]
            fn neg_mul_add(self, b: Self, c: Self) -> Self {
                Self(self.0.neg_mul_add(b.0, c.0), self.1.neg_mul_add(b.1, c.1))
            }
            #[inline(always)]
            fn div(self, b: Self) -> Self {
                Self(self.0.div(b.0), self.1.div(b.1))
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                Self(self.0.sqrt(), self.1.sqrt())
            }
            #[inline(always)]
            fn round(self) -> Self {
                Self(self.0.round(), self.1.round())
            }
            #[inline(always)]
            fn lt(self, b: Self) -> Self::Mask {
                (self.0.lt(b.0), self.1.lt(b.1))
            }
            #[inline(always)]
            fn select(mask: Self::Mask, a: Self, b: Self) -> Self {
                Self($register::select(mask.0, a.0, b.0), $register::select(mask.1, a.1, b.1))
            }
            #[inline(always)]
            fn any(mask: Self::Mask) -> bool {
                $register::any(mask.0) | $register::any(mask.1)
            }
            #[inline(always)]
            fn split_exponent(self) -> (Self, Self) {
                let (low, high) = (self.0.split_exponent(), self.1.split_exponent());
                (Self(low.0, high.0), Self(low.1, high.1))
            }
            #[inline(always)]
            fn scale_exponent(self, e: Self) -> Self {
                Self(self.0.scale_exponent(e.0), self.1.scale_exponent(e.1))
            }
        }

        impl Lanes for $register {
            type Scalar = $s;
            type Register = Self;
            const REGISTERS: usize = 1;
            #[inline(always)]
            fn broadcast(x: $s) -> Self {
                // SAFETY: as for `add`.
                Self(unsafe { $set(x) })
            }
            #[inline(always)]
            unsafe fn load(p: *const $s) -> Self {
                // SAFETY: the caller vouches for the numbers; AVX2 as for `add`.
                Self(unsafe { $load(p) })
            }
            #[inline(always)]
            unsafe fn load_permuted(p: *const $s, index: &LaneIndex, first: usize) -> Self {
                // SAFETY: the caller vouches for the row, its indices (16 aligned entries) and the first lane.
                Self(unsafe { $rearranged($load(p), $load(p.add($half)), index.0.as_ptr().add(first)) })
            }
            #[inline(always)]
            unsafe fn permuted(self, index: &LaneIndex) -> Self {
                // SAFETY: the caller vouches for the indices, 16 aligned entries; AVX2 as for `add`.
                Self(unsafe { $within(self.0, index.0.as_ptr()) })
            }
            #[inline(always)]
            unsafe fn store(self, p: *mut $s) {
                // SAFETY: the caller vouches for the numbers; AVX2 as for `add`.
                unsafe { $store(p, self.0) }
            }
            #[inline(always)]
            unsafe fn stream(self, p: *mut $s) {
                // SAFETY: the caller vouches for the numbers; AVX2 as for `add`.
                unsafe { $stream(p, self.0) }
            }
            #[inline(always)]
            fn fence() {
                // SAFETY: every x86-64 machine has SSE.
                unsafe { _mm_sfence() }
            }
        }

        impl Lanes for $name {
            type Scalar = $s;
            type Register = $register;
            const REGISTERS: usize = 2;
            #[inline(always)]
            fn broadcast(x: $s) -> Self {
                Self($register::broadcast(x), $register::broadcast(x))
            }
            #[inline(always)]
            unsafe fn load(p: *const $s) -> Self {
                // SAFETY: the caller vouches for the row.
                unsafe { Self($register::load(p), $register::load(p.add($half))) }
            }
            #[inline(always)]
            unsafe fn load_permuted(p: *const $s, index: &LaneIndex, _: usize) -> Self {
                // SAFETY: the caller vouches for the row and its indices.
                unsafe { Self::load(p).permuted(index) }
            }
            #[inline(always)]
            unsafe fn permuted(self, index: &LaneIndex) -> Self {
                let (low, high, i) = (self.0.0, self.1.0, index.0.as_ptr());
                // SAFETY: the caller vouches for the indices, 16 aligned entries; AVX2 as for `add`.
                unsafe {
                    Self(
                        $register($rearranged(low, high, i)),
                        $register($rearranged(low, high, i.add($half))),
                    )
                }
            }
            #[inline(always)]
            unsafe fn store(self, p: *mut $s) {
                // SAFETY: the caller vouches for the row.
                unsafe {
                    self.0.store(p);
                    self.1.store(p.add($half));
                }
            }
            #[inline(always)]
            unsafe fn stream(self, p: *mut $s) {
                // SAFETY: as for `store`.
                unsafe {
                    self.0.stream(p);
                    self.1.stream(p.add($half));
                }
            }
            #[inline(always)]
            fn fence() {
                $register::fence();
            }
            #[inline(always)]
            unsafe fn transposed(from: *const $s, stride: usize, mut put: impl FnMut(usize, Self)) {
                for c in [0, $half] {
                    // SAFETY: the caller vouches for the numbers; AVX2 as for `add`.
                    let (low, high) = unsafe {
                        let from = from.add(c);
                        ($transposed(from, stride), $transposed(from.add($half * stride), stride))
                    };
                    for k in 0..$half {
                        put(c + k, Self($register(low[k]), $register(high[k])));
                    }
                }
            }
            #[inline(always)]
            fn swapped_bytes(self) -> Self {
                // SAFETY: as for `add`.
                unsafe { Self($register($swapped(self.0.0)), $register($swapped(self.1.0))) }
            }
        }
    };
}

lanes!(
    F64x4x2,
    F64x4,
    __m256d,
    4,
    f64,
    _mm256_add_pd,
    _mm256_sub_pd,
    _mm256_mul_pd,
    _mm256_div_pd,
    _mm256_fmadd_pd,
    _mm256_fnmadd_pd,
    _mm256_sqrt_pd,
    _mm256_round_pd,
    _mm256_cmp_pd,
    _mm256_blendv_pd,
    _mm256_movemask_pd,
    _mm256_set1_pd,
    _mm256_xor_pd,
    _mm256_load_pd,
    _mm256_store_pd,
    _mm256_stream_pd,
    rearranged_pd,
    within_pd,
    transposed_pd,
    swapped_pd,
    split_pd,
    power_pd
);

lanes!(
    F32x8x2,
    F32x8,
    __m256,
    8,
    f32,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    _mm256_div_ps,
    _mm256_fmadd_ps,
    _mm256_fnmadd_ps,
    _mm256_sqrt_ps,
    _mm256_round_ps,
    _mm256_cmp_ps,
    _mm256_blendv_ps,
    _mm256_movemask_ps,
    _mm256_set1_ps,
    _mm256_xor_ps,
    _mm256_load_ps,
    _mm256_store_ps,
    _mm256_stream_ps,
    rearranged_ps,
    within_ps,
    transposed_ps,
    swapped_ps,
    split_ps,
    power_ps
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::{Isa, Real, Row};

    /// Every operation beside the same one on plain arrays or single numbers.
    #[target_feature(enable = "avx2,fma")]
    fn check<T: Real, V: Lanes<Scalar = T>>() {
        let numbers: Vec<T> = (0..40 * 40).map(|i| T::from_f64(1.37 * f64::from(i) + 0.11)).collect();
        for stride in [T::LANES, T::LANES + 3] {
            let mut seen = 0;
            let put = |c: usize, row: V| {
                let row = Row::from_lanes(row).0;
                (0..T::LANES)
                    .for_each(|l| assert_eq!(row[l], numbers[l * stride + c], "column {c} lane {l}"));
                seen += 1;
            };
            // SAFETY: 40 × 40 numbers are more than 16 rows of 16 at this stride.
            unsafe { V::transposed(numbers.as_ptr(), stride, put) };
            assert_eq!(seen, T::LANES);
        }
        let mut row = Row([T::default(); 16]);
        for k in -60..60 {
            for l in 0..T::LANES {
                row.0[l] = T::from_f64((1.0 + 0.06 * l as f64) * 2f64.powi(2 * k + l as i32 % 3));
            }
            let x: V = row.to_lanes();
            let swapped = Row::from_lanes(x.swapped_bytes()).0;
            let (m, e) = x.split_exponent();
            let scaled = Row::from_lanes(m.scale_exponent(V::splat(f64::from(k)))).0;
            let (m, e) = (Row::from_lanes(m).0, Row::from_lanes(e).0);
            for l in 0..T::LANES {
                assert_eq!((m[l], e[l]), row.0[l].split_exponent(), "2^{k}, lane {l}");
                assert_eq!(scaled[l], m[l].scale_exponent(T::from_f64(f64::from(k))), "2^{k}, lane {l}");
                let mut bytes = bytemuck::bytes_of(&row.0[l]).to_vec();
                bytes.reverse();
                assert_eq!(bytemuck::bytes_of(&swapped[l]), bytes, "2^{k}, lane {l}");
            }
        }
    }

    #[test]
    fn operations_are_those_of_single_numbers() {
        if Isa::Avx2.is_available() {
            // SAFETY: the machine has the instructions.
            unsafe {
                check::<f64, F64x4x2>();
                check::<f32, F32x8x2>();
            }
        }
    }
}
