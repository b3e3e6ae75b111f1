//! One site at a time: `f64` and `f32` as numbers of a site body.

use super::{Num, Real};

macro_rules! scalar {
    ($t:ident, $bits:ident, $mantissa:expr, $bias:expr, $half_pi:expr, $ln_2:expr, $exp_max:expr,
     $avx512:ident, $avx2:ident, $neon:ident) => {
        impl Num for $t {
            type Mask = bool;
            const HALF_PI: [f64; 3] = $half_pi;
            const LN_2: [f64; 2] = $ln_2;
            const EXP_MAX: f64 = $exp_max;
            #[inline(always)]
            fn splat(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                $t::mul_add(self, b, c)
            }
            #[inline(always)]
            fn neg_mul_add(self, b: Self, c: Self) -> Self {
                $t::mul_add(-self, b, c)
            }
            #[inline(always)]
            fn div(self, b: Self) -> Self {
                self / b
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $t::sqrt(self)
            }
            #[inline(always)]
            fn round(self) -> Self {
                $t::round_ties_even(self)
            }
            #[inline(always)]
            fn lt(self, b: Self) -> bool {
                self < b
            }
            #[inline(always)]
            fn select(mask: bool, a: Self, b: Self) -> Self {
                if mask { a } else { b }
            }
            #[inline(always)]
            fn any(mask: bool) -> bool {
                mask
            }
            #[inline(always)]
            fn split_exponent(self) -> (Self, Self) {
                let bits = self.to_bits();
                let exponent = (bits >> $mantissa) as i32 - $bias;
                let one = ($bias as $bits) << $mantissa;
                ($t::from_bits((bits & ((1 << $mantissa) - 1)) | one), exponent as $t)
            }
            #[inline(always)]
            fn scale_exponent(self, e: Self) -> Self {
                self * $t::from_bits(((e as i32 + $bias) as $bits) << $mantissa)
            }
        }

        impl Real for $t {
            type Portable = super::Portable<$t, { super::BLOCK_BYTES / size_of::<$t>() }>;
            #[cfg(target_arch = "x86_64")]
            type Avx512 = super::avx512::$avx512;
            #[cfg(target_arch = "x86_64")]
            type Avx2 = super::avx2::$avx2;
            #[cfg(target_arch = "aarch64")]
            type Neon = super::neon::$neon;
            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }
        }
    };
}

scalar!(
    f64,
    u64,
    52,
    1023,
    [std::f64::consts::FRAC_PI_2, 6.123233995736766e-17, -1.4973849048591698e-33],
    [0.6931471803691238, 1.9082149292705877e-10],
    708.0,
    F64x8,
    F64x4x2,
    F64x2x4
);
scalar!(
    f32,
    u32,
    23,
    127,
    [1.5707963705062866, -4.371138828673793e-8, -1.7151245100058819e-15],
    [0.693145751953125, 1.428606820309417e-6],
    87.0,
    F32x16,
    F32x8x2,
    F32x4x4
);
