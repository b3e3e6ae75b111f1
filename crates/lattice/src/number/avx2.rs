//! Lanes in two 256-bit registers (x86-64 with AVX2 and FMA).

use super::{LaneIndex, Lanes, Num, Portable, Row};
use std::arch::x86_64::*;
use std::ops::{Add, Mul, Neg, Sub};

macro_rules! lanes {
    ($name:ident, $vec:ident, $half:expr, $s:tt,
     $add:ident, $sub:ident, $mul:ident, $div:ident, $fma:ident, $fnma:ident, $sqrt:ident, $round:ident,
     $cmp:ident, $blend:ident, $movemask:ident, $set:ident, $xor:ident, $load:ident, $store:ident, $stream:ident,
     $gather:ident, $index:ident) => {
        /// A block row in two registers.
        #[derive(Clone, Copy)]
        pub struct $name($vec, $vec);

        impl Add for $name {
            type Output = Self;
            #[inline(always)]
            fn add(self, b: Self) -> Self {
                // SAFETY: values of this type exist only inside kernels entered after a check for AVX2 and FMA.
                unsafe { Self($add(self.0, b.0), $add(self.1, b.1)) }
            }
        }

        impl Sub for $name {
            type Output = Self;
            #[inline(always)]
            fn sub(self, b: Self) -> Self {
                // SAFETY: as for `add`.
                unsafe { Self($sub(self.0, b.0), $sub(self.1, b.1)) }
            }
        }

        impl Mul for $name {
            type Output = Self;
            #[inline(always)]
            fn mul(self, b: Self) -> Self {
                // SAFETY: as for `add`.
                unsafe { Self($mul(self.0, b.0), $mul(self.1, b.1)) }
            }
        }

        impl Neg for $name {
            type Output = Self;
            #[inline(always)]
            fn neg(self) -> Self {
                // SAFETY: as for `add`.
                unsafe {
                    let sign = $set(-0.0);
                    Self($xor(self.0, sign), $xor(self.1, sign))
                }
            }
        }

        impl Num for $name {
            type Mask = ($vec, $vec);
            const HALF_PI: [f64; 3] = <$s as Num>::HALF_PI;
            #[inline(always)]
            fn splat(x: f64) -> Self {
                // SAFETY: as for `add`.
                let v = unsafe { $set(x as $s) };
                Self(v, v)
            }
            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                // SAFETY: as for `add`.
                unsafe { Self($fma(self.0, b.0, c.0), $fma(self.1, b.1, c.1)) }
            }
            #[inline(always)]
            fn neg_mul_add(self, b: Self, c: Self) -> Self {
                // SAFETY: as for `add`.
                unsafe { Self($fnma(self.0, b.0, c.0), $fnma(self.1, b.1, c.1)) }
            }
            #[inline(always)]
            fn div(self, b: Self) -> Self {
                // SAFETY: as for `add`.
                unsafe { Self($div(self.0, b.0), $div(self.1, b.1)) }
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                // SAFETY: as for `add`.
                unsafe { Self($sqrt(self.0), $sqrt(self.1)) }
            }
            #[inline(always)]
            fn round(self) -> Self {
                const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
                // SAFETY: as for `add`.
                unsafe { Self($round::<NEAREST>(self.0), $round::<NEAREST>(self.1)) }
            }
            #[inline(always)]
            fn lt(self, b: Self) -> Self::Mask {
                // SAFETY: as for `add`.
                unsafe { ($cmp::<_CMP_LT_OQ>(self.0, b.0), $cmp::<_CMP_LT_OQ>(self.1, b.1)) }
            }
            #[inline(always)]
            fn select(mask: Self::Mask, a: Self, b: Self) -> Self {
                // SAFETY: as for `add`.
                unsafe { Self($blend(b.0, a.0, mask.0), $blend(b.1, a.1, mask.1)) }
            }
            #[inline(always)]
            fn any(mask: Self::Mask) -> bool {
                // SAFETY: as for `add`.
                unsafe { $movemask(mask.0) | $movemask(mask.1) != 0 }
            }
            #[inline(always)]
            fn split_exponent(self) -> (Self, Self) {
                let row = Row::<$s>::from_lanes(self);
                let (m, e) = row.to_lanes::<Portable<$s, { 2 * $half }>>().split_exponent();
                (Row::from_lanes(m).to_lanes(), Row::from_lanes(e).to_lanes())
            }
        }

        impl Lanes for $name {
            type Scalar = $s;
            #[inline(always)]
            unsafe fn load(p: *const $s) -> Self {
                // SAFETY: the caller vouches for the row; AVX2 as for `add`.
                unsafe { Self($load(p), $load(p.add($half))) }
            }
            #[inline(always)]
            unsafe fn load_permuted(p: *const $s, index: &LaneIndex) -> Self {
                let i = index.0.as_ptr();
                // SAFETY: the caller vouches for the row and its indices; the table holds 16 aligned entries.
                unsafe {
                    Self(
                        $gather::<{ size_of::<$s>() as i32 }>(p, $index(i.cast())),
                        $gather::<{ size_of::<$s>() as i32 }>(p, $index(i.add($half).cast())),
                    )
                }
            }
            #[inline(always)]
            unsafe fn store(self, p: *mut $s) {
                // SAFETY: the caller vouches for the row; AVX2 as for `add`.
                unsafe {
                    $store(p, self.0);
                    $store(p.add($half), self.1);
                }
            }
            #[inline(always)]
            unsafe fn stream(self, p: *mut $s) {
                // SAFETY: as for `store`.
                unsafe {
                    $stream(p, self.0);
                    $stream(p.add($half), self.1);
                }
            }
            #[inline(always)]
            fn fence() {
                // SAFETY: every x86-64 machine has SSE.
                unsafe { _mm_sfence() }
            }
        }
    };
}

lanes!(
    F64x4x2,
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
    _mm256_i32gather_pd,
    _mm_load_si128
);

lanes!(
    F32x8x2,
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
    _mm256_i32gather_ps,
    _mm256_load_si256
);
