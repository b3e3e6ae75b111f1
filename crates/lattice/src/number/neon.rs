//! Lanes in four 128-bit registers (AArch64).

use super::{LaneIndex, Lanes, Num, Portable, Row};
use std::arch::aarch64::*;
use std::array::from_fn;
use std::ops::{Add, Mul, Neg, Sub};

macro_rules! lanes {
    ($name:ident, $vec:ident, $mask:ident, $quarter:expr, $s:tt,
     $add:ident, $sub:ident, $mul:ident, $neg:ident, $div:ident, $fma:ident, $fms:ident, $sqrt:ident, $round:ident,
     $lt:ident, $select:ident, $max:ident, $to_u32:path, $set:ident, $load:ident, $store:ident) => {
        /// A block row in four registers.
        #[derive(Clone, Copy)]
        pub struct $name([$vec; 4]);

        impl Add for $name {
            type Output = Self;
            #[inline(always)]
            fn add(self, b: Self) -> Self {
                // SAFETY: NEON is part of AArch64.
                Self(from_fn(|q| unsafe { $add(self.0[q], b.0[q]) }))
            }
        }

        impl Sub for $name {
            type Output = Self;
            #[inline(always)]
            fn sub(self, b: Self) -> Self {
                // SAFETY: NEON is part of AArch64.
                Self(from_fn(|q| unsafe { $sub(self.0[q], b.0[q]) }))
            }
        }

        impl Mul for $name {
            type Output = Self;
            #[inline(always)]
            fn mul(self, b: Self) -> Self {
                // SAFETY: NEON is part of AArch64.
                Self(from_fn(|q| unsafe { $mul(self.0[q], b.0[q]) }))
            }
        }

        impl Neg for $name {
            type Output = Self;
            #[inline(always)]
            fn neg(self) -> Self {
                // SAFETY: NEON is part of AArch64.
                Self(from_fn(|q| unsafe { $neg(self.0[q]) }))
            }
        }

        impl Num for $name {
            type Mask = [$mask; 4];
            const HALF_PI: [f64; 3] = <$s as Num>::HALF_PI;
            const LN_2: [f64; 2] = <$s as Num>::LN_2;
            const EXP_MAX: f64 = <$s as Num>::EXP_MAX;
            #[inline(always)]
            fn splat(x: f64) -> Self {
                // SAFETY: NEON is part of AArch64.
                Self([unsafe { $set(x as $s) }; 4])
            }
            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                // SAFETY: NEON is part of AArch64.
                Self(from_fn(|q| unsafe { $fma(c.0[q], self.0[q], b.0[q]) }))
            }
            #[inline(always)]
            fn neg_mul_add(self, b: Self, c: Self) -> Self {
                // SAFETY: NEON is part of AArch64.
                Self(from_fn(|q| unsafe { $fms(c.0[q], self.0[q], b.0[q]) }))
            }
            #[inline(always)]
            fn div(self, b: Self) -> Self {
                // SAFETY: NEON is part of AArch64.
                Self(from_fn(|q| unsafe { $div(self.0[q], b.0[q]) }))
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                // SAFETY: NEON is part of AArch64.
                Self(from_fn(|q| unsafe { $sqrt(self.0[q]) }))
            }
            #[inline(always)]
            fn round(self) -> Self {
                // SAFETY: NEON is part of AArch64.
                Self(from_fn(|q| unsafe { $round(self.0[q]) }))
            }
            #[inline(always)]
            fn lt(self, b: Self) -> Self::Mask {
                // SAFETY: NEON is part of AArch64.
                from_fn(|q| unsafe { $lt(self.0[q], b.0[q]) })
            }
            #[inline(always)]
            fn select(mask: Self::Mask, a: Self, b: Self) -> Self {
                // SAFETY: NEON is part of AArch64.
                Self(from_fn(|q| unsafe { $select(mask[q], a.0[q], b.0[q]) }))
            }
            #[inline(always)]
            fn any(mask: Self::Mask) -> bool {
                // SAFETY: NEON is part of AArch64.
                mask.into_iter().any(|m| unsafe { $max($to_u32(m)) } != 0)
            }
            #[inline(always)]
            fn split_exponent(self) -> (Self, Self) {
                let row = Row::<$s>::from_lanes(self);
                let (m, e) = row.to_lanes::<Portable<$s, { 4 * $quarter }>>().split_exponent();
                (Row::from_lanes(m).to_lanes(), Row::from_lanes(e).to_lanes())
            }
            #[inline(always)]
            fn scale_exponent(self, e: Self) -> Self {
                let [x, e] =
                    [self, e].map(|v| Row::from_lanes(v).to_lanes::<Portable<$s, { 4 * $quarter }>>());
                Row::from_lanes(x.scale_exponent(e)).to_lanes()
            }
        }

        impl Lanes for $name {
            type Scalar = $s;
            type Register = Self;
            const REGISTERS: usize = 1;
            #[inline(always)]
            fn broadcast(x: $s) -> Self {
                // SAFETY: NEON is part of AArch64.
                Self([unsafe { $set(x) }; 4])
            }
            #[inline(always)]
            unsafe fn load(p: *const $s) -> Self {
                // SAFETY: the caller vouches for the row.
                Self(from_fn(|q| unsafe { $load(p.add($quarter * q)) }))
            }
            #[inline(always)]
            unsafe fn load_permuted(p: *const $s, index: &LaneIndex, _: usize) -> Self {
                // SAFETY: the caller vouches for the row and its indices.
                let row = unsafe { Portable::<$s, { 4 * $quarter }>::load_permuted(p, index, 0) };
                Row::from_lanes(row).to_lanes()
            }
            #[inline(always)]
            unsafe fn store(self, p: *mut $s) {
                for q in 0..4 {
                    // SAFETY: the caller vouches for the row.
                    unsafe { $store(p.add($quarter * q), self.0[q]) }
                }
            }
        }
    };
}

lanes!(
    F64x2x4,
    float64x2_t,
    uint64x2_t,
    2,
    f64,
    vaddq_f64,
    vsubq_f64,
    vmulq_f64,
    vnegq_f64,
    vdivq_f64,
    vfmaq_f64,
    vfmsq_f64,
    vsqrtq_f64,
    vrndnq_f64,
    vcltq_f64,
    vbslq_f64,
    vmaxvq_u32,
    vreinterpretq_u32_u64,
    vdupq_n_f64,
    vld1q_f64,
    vst1q_f64
);

lanes!(
    F32x4x4,
    float32x4_t,
    uint32x4_t,
    4,
    f32,
    vaddq_f32,
    vsubq_f32,
    vmulq_f32,
    vnegq_f32,
    vdivq_f32,
    vfmaq_f32,
    vfmsq_f32,
    vsqrtq_f32,
    vrndnq_f32,
    vcltq_f32,
    vbslq_f32,
    vmaxvq_u32,
    std::convert::identity,
    vdupq_n_f32,
    vld1q_f32,
    vst1q_f32
);
