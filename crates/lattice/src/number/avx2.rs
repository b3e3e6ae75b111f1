//! Lanes in two 256-bit registers (x86-64 with AVX2 and FMA).

use super::{LaneIndex, Lanes, Num, Portable};
use std::arch::x86_64::*;
use std::ops::{Add, Mul, Neg, Sub};

macro_rules! lanes {
    ($name:ident, $register:ident, $vec:ident, $half:expr, $s:tt,
     $add:ident, $sub:ident, $mul:ident, $div:ident, $fma:ident, $fnma:ident, $sqrt:ident, $round:ident,
     $cmp:ident, $blend:ident, $movemask:ident, $set:ident, $xor:ident, $load:ident, $store:ident, $stream:ident,
     $rearranged:ident) => {
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
                let mut row = Portable::<$s, $half>([0.0; $half]);
                // SAFETY: the array is 64-byte aligned and holds the register's lanes.
                unsafe {
                    $store(row.0.as_mut_ptr(), self.0);
                    let (m, e) = row.split_exponent();
                    (Self($load(m.0.as_ptr())), Self($load(e.0.as_ptr())))
                }
            }
            #[inline(always)]
            fn scale_exponent(self, e: Self) -> Self {
                let (mut x, mut k) =
                    (Portable::<$s, $half>([0.0; $half]), Portable::<$s, $half>([0.0; $half]));
                // SAFETY: the arrays are 64-byte aligned and hold the registers' lanes.
                unsafe {
                    $store(x.0.as_mut_ptr(), self.0);
                    $store(k.0.as_mut_ptr(), e.0);
                    Self($load(x.scale_exponent(k).0.as_ptr()))
                }
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

        impl Lanes for $name {
            type Scalar = $s;
            type Register = $register;
            const REGISTERS: usize = 2;
            #[inline(always)]
            fn broadcast(x: $s) -> Self {
                // SAFETY: AVX2 as for `add`.
                let register = $register(unsafe { $set(x) });
                Self(register, register)
            }
            #[inline(always)]
            unsafe fn load(p: *const $s) -> Self {
                // SAFETY: the caller vouches for the row.
                unsafe { Self(Self::load_register(p), Self::load_register(p.add($half))) }
            }
            #[inline(always)]
            unsafe fn load_permuted(p: *const $s, index: &LaneIndex) -> Self {
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
                    Self::store_register(self.0, p);
                    Self::store_register(self.1, p.add($half));
                }
            }
            #[inline(always)]
            unsafe fn permuted_register(_: $register, _: &LaneIndex) -> $register {
                unreachable!("a row is two registers here")
            }
            #[inline(always)]
            unsafe fn stream(self, p: *mut $s) {
                // SAFETY: as for `store`.
                unsafe {
                    Self::stream_register(self.0, p);
                    Self::stream_register(self.1, p.add($half));
                }
            }
            #[inline(always)]
            fn fence() {
                // SAFETY: every x86-64 machine has SSE.
                unsafe { _mm_sfence() }
            }
            #[inline(always)]
            unsafe fn load_register(p: *const $s) -> $register {
                // SAFETY: the caller vouches for the numbers; AVX2 as for `add`.
                $register(unsafe { $load(p) })
            }
            #[inline(always)]
            unsafe fn store_register(v: $register, p: *mut $s) {
                // SAFETY: the caller vouches for the numbers; AVX2 as for `add`.
                unsafe { $store(p, v.0) }
            }
            #[inline(always)]
            unsafe fn stream_register(v: $register, p: *mut $s) {
                // SAFETY: the caller vouches for the numbers; AVX2 as for `add`.
                unsafe { $stream(p, v.0) }
            }
        }
    };
}

/// Four lanes out of two registers' eight. Two shuffles and a blend: a gather takes several times as long.
///
/// # Safety
/// AVX2; `index` has four entries in 0..8, 16-byte aligned.
#[inline(always)]
unsafe fn rearranged_pd(low: __m256d, high: __m256d, index: *const i32) -> __m256d {
    // SAFETY: the caller vouches for all of it.
    unsafe {
        let lane = _mm256_cvtepi32_epi64(_mm_load_si128(index.cast()));
        // Shuffles are of 32-bit halves: lane i is halves 2i and 2i + 1, of which the low three bits count.
        let first = _mm256_slli_epi64::<1>(lane);
        let halves =
            _mm256_or_si256(first, _mm256_slli_epi64::<32>(_mm256_or_si256(first, _mm256_set1_epi64x(1))));
        let from_low = _mm256_permutevar8x32_epi32(_mm256_castpd_si256(low), halves);
        let from_high = _mm256_permutevar8x32_epi32(_mm256_castpd_si256(high), halves);
        let is_high = _mm256_castsi256_pd(_mm256_slli_epi64::<61>(lane));
        _mm256_blendv_pd(_mm256_castsi256_pd(from_low), _mm256_castsi256_pd(from_high), is_high)
    }
}

/// Eight lanes out of two registers' sixteen.
///
/// # Safety
/// AVX2; `index` has eight entries in 0..16, 32-byte aligned.
#[inline(always)]
unsafe fn rearranged_ps(low: __m256, high: __m256, index: *const i32) -> __m256 {
    // SAFETY: the caller vouches for all of it.
    unsafe {
        let lane = _mm256_load_si256(index.cast());
        let is_high = _mm256_castsi256_ps(_mm256_slli_epi32::<28>(lane));
        _mm256_blendv_ps(_mm256_permutevar8x32_ps(low, lane), _mm256_permutevar8x32_ps(high, lane), is_high)
    }
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
    rearranged_pd
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
    rearranged_ps
);
