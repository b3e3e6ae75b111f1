//! Lanes in one 512-bit register (x86-64 with AVX-512 F and DQ).

use super::{LaneIndex, Lanes, Num};
use std::arch::x86_64::*;
use std::ops::{Add, Mul, Neg, Sub};

macro_rules! lanes {
    ($name:ident, $vec:ident, $mask:ident, $s:tt,
     $add:ident, $sub:ident, $mul:ident, $div:ident, $fma:ident, $fnma:ident, $sqrt:ident, $round:ident,
     $cmp:ident, $blend:ident, $set:ident, $xor:ident, $load:ident, $store:ident, $stream:ident,
     $getmant:ident, $getexp:ident, $scalef:ident, $transposed:ident, $swapped:ident, |$lanes:ident, $index:ident| $permuted:expr) => {
        /// A block row in one register.
        #[derive(Clone, Copy)]
        #[repr(transparent)]
        pub struct $name($vec);

        impl Add for $name {
            type Output = Self;
            #[inline(always)]
            fn add(self, b: Self) -> Self {
                // SAFETY: values of this type exist only inside kernels entered after a check for AVX-512.
                Self(unsafe { $add(self.0, b.0) })
            }
        }

        impl Sub for $name {
            type Output = Self;
            #[inline(always)]
            fn sub(self, b: Self) -> Self {
                // SAFETY: as for `add`.
                Self(unsafe { $sub(self.0, b.0) })
            }
        }

        impl Mul for $name {
            type Output = Self;
            #[inline(always)]
            fn mul(self, b: Self) -> Self {
                // SAFETY: as for `add`.
                Self(unsafe { $mul(self.0, b.0) })
            }
        }

        impl Neg for $name {
            type Output = Self;
            #[inline(always)]
            fn neg(self) -> Self {
                // SAFETY: as for `add`.
                Self(unsafe { $xor(self.0, $set(-0.0)) })
            }
        }

        impl Num for $name {
            type Mask = $mask;
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
            fn lt(self, b: Self) -> $mask {
                // SAFETY: as for `add`.
                unsafe { $cmp::<_CMP_LT_OQ>(self.0, b.0) }
            }
            #[inline(always)]
            fn select(mask: $mask, a: Self, b: Self) -> Self {
                // SAFETY: as for `add`.
                Self(unsafe { $blend(mask, b.0, a.0) })
            }
            #[inline(always)]
            fn any(mask: $mask) -> bool {
                mask != 0
            }
            #[inline(always)]
            fn split_exponent(self) -> (Self, Self) {
                // SAFETY: as for `add`.
                unsafe {
                    (Self($getmant::<_MM_MANT_NORM_1_2, _MM_MANT_SIGN_SRC>(self.0)), Self($getexp(self.0)))
                }
            }
            #[inline(always)]
            fn scale_exponent(self, e: Self) -> Self {
                // SAFETY: as for `add`.
                Self(unsafe { $scalef(self.0, e.0) })
            }
        }

        impl Lanes for $name {
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
                // SAFETY: the caller vouches for the row; AVX-512 as for `add`.
                Self(unsafe { $load(p) })
            }
            #[inline(always)]
            unsafe fn load_permuted(p: *const $s, index: &LaneIndex, _: usize) -> Self {
                // SAFETY: the caller vouches for the row and the index.
                unsafe { Self::load(p).permuted(index) }
            }
            #[inline(always)]
            unsafe fn permuted(self, $index: &LaneIndex) -> Self {
                let $lanes = self.0;
                // SAFETY: the index table holds 16 aligned entries; AVX-512 as for `add`.
                Self(unsafe { $permuted })
            }
            #[inline(always)]
            unsafe fn store(self, p: *mut $s) {
                // SAFETY: the caller vouches for the row; AVX-512 as for `add`.
                unsafe { $store(p, self.0) }
            }
            #[inline(always)]
            unsafe fn stream(self, p: *mut $s) {
                // SAFETY: as for `store`.
                unsafe { $stream(p, self.0) }
            }
            #[inline(always)]
            unsafe fn transposed(from: *const $s, stride: usize, mut put: impl FnMut(usize, Self)) {
                // SAFETY: the caller vouches for the numbers; AVX-512 as for `add`.
                let rows = unsafe { $transposed(from, stride) };
                rows.into_iter().enumerate().for_each(|(c, row)| put(c, Self(row)));
            }
            #[inline(always)]
            fn swapped_bytes(self) -> Self {
                // SAFETY: as for `add`.
                Self(unsafe { $swapped(self.0) })
            }
            #[inline(always)]
            fn fence() {
                // SAFETY: every x86-64 machine has SSE.
                unsafe { _mm_sfence() }
            }
        }
    };
}

/// The bytes of each 32-bit word in the opposite order.
///
/// # Safety
/// The machine has AVX-512 F.
#[inline(always)]
unsafe fn swapped_words(x: __m512i) -> __m512i {
    // SAFETY: the caller's promise.
    unsafe {
        let (odd, even) = (_mm512_rol_epi32::<8>(x), _mm512_ror_epi32::<8>(x));
        // Bytes 0 and 2 of a word from the first, 1 and 3 from the second.
        _mm512_ternarylogic_epi32::<0xca>(_mm512_set1_epi32(0x00ff_00ff), odd, even)
    }
}

/// # Safety
/// As [`swapped_words`].
#[inline(always)]
unsafe fn swapped_pd(x: __m512d) -> __m512d {
    // SAFETY: the caller's promise.
    unsafe { _mm512_castsi512_pd(_mm512_rol_epi64::<32>(swapped_words(_mm512_castpd_si512(x)))) }
}

/// # Safety
/// As [`swapped_words`].
#[inline(always)]
unsafe fn swapped_ps(x: __m512) -> __m512 {
    // SAFETY: the caller's promise.
    unsafe { _mm512_castsi512_ps(swapped_words(_mm512_castps_si512(x))) }
}

/// `[a, b, c, d]`, each with its quarters a0 to a3, as `[(a0, b0, c0, d0), (a1, ..), ..]`.
///
/// # Safety
/// The machine has AVX-512 F.
#[inline(always)]
unsafe fn transposed_quarters([a, b, c, d]: [__m512d; 4]) -> [__m512d; 4] {
    // SAFETY: the caller's promise.
    unsafe {
        let (ab02, ab13) = (_mm512_shuffle_f64x2::<0x88>(a, b), _mm512_shuffle_f64x2::<0xdd>(a, b));
        let (cd02, cd13) = (_mm512_shuffle_f64x2::<0x88>(c, d), _mm512_shuffle_f64x2::<0xdd>(c, d));
        [
            _mm512_shuffle_f64x2::<0x88>(ab02, cd02),
            _mm512_shuffle_f64x2::<0x88>(ab13, cd13),
            _mm512_shuffle_f64x2::<0xdd>(ab02, cd02),
            _mm512_shuffle_f64x2::<0xdd>(ab13, cd13),
        ]
    }
}

/// The columns of eight rows of eight numbers.
///
/// # Safety
/// As [`Lanes::transposed`], on a machine with AVX-512 F.
#[inline(always)]
unsafe fn transposed_pd(from: *const f64, stride: usize) -> [__m512d; 8] {
    // SAFETY: the caller's promise.
    unsafe {
        let row = |l: usize| _mm512_loadu_pd(from.add(l * stride));
        // Quarter k of these: numbers 2k (even) or 2k + 1 (odd) of two rows.
        let even = [0, 2, 4, 6].map(|l| _mm512_unpacklo_pd(row(l), row(l + 1)));
        let odd = [0, 2, 4, 6].map(|l| _mm512_unpackhi_pd(row(l), row(l + 1)));
        let (even, odd) = (transposed_quarters(even), transposed_quarters(odd));
        std::array::from_fn(|c| if c % 2 == 0 { even[c / 2] } else { odd[c / 2] })
    }
}

/// The columns of sixteen rows of sixteen numbers.
///
/// # Safety
/// As [`Lanes::transposed`], on a machine with AVX-512 F.
#[inline(always)]
unsafe fn transposed_ps(from: *const f32, stride: usize) -> [__m512; 16] {
    // SAFETY: the caller's promise.
    unsafe {
        let row = |l: usize| _mm512_loadu_ps(from.add(l * stride));
        // Quarter k of `fours[g][c]`: number 4k + c of rows 4g to 4g + 3.
        let fours: [[__m512d; 4]; 4] = std::array::from_fn(|g| {
            let pair =
                |l: usize| (_mm512_unpacklo_ps(row(l), row(l + 1)), _mm512_unpackhi_ps(row(l), row(l + 1)));
            let ((low, high), (low_next, high_next)) = (pair(4 * g), pair(4 * g + 2));
            let [low, high, low_next, high_next] =
                [low, high, low_next, high_next].map(|x| _mm512_castps_pd(x));
            [
                _mm512_unpacklo_pd(low, low_next),
                _mm512_unpackhi_pd(low, low_next),
                _mm512_unpacklo_pd(high, high_next),
                _mm512_unpackhi_pd(high, high_next),
            ]
        });
        let columns: [[__m512d; 4]; 4] =
            std::array::from_fn(|c| transposed_quarters(fours.map(|four| four[c])));
        std::array::from_fn(|c| _mm512_castpd_ps(columns[c % 4][c / 4]))
    }
}

lanes!(
    F64x8,
    __m512d,
    __mmask8,
    f64,
    _mm512_add_pd,
    _mm512_sub_pd,
    _mm512_mul_pd,
    _mm512_div_pd,
    _mm512_fmadd_pd,
    _mm512_fnmadd_pd,
    _mm512_sqrt_pd,
    _mm512_roundscale_pd,
    _mm512_cmp_pd_mask,
    _mm512_mask_blend_pd,
    _mm512_set1_pd,
    _mm512_xor_pd,
    _mm512_load_pd,
    _mm512_store_pd,
    _mm512_stream_pd,
    _mm512_getmant_pd,
    _mm512_getexp_pd,
    _mm512_scalef_pd,
    transposed_pd,
    swapped_pd,
    |lanes, index| _mm512_permutexvar_pd(
        _mm512_cvtepi32_epi64(_mm256_load_si256(index.0.as_ptr().cast())),
        lanes
    )
);

lanes!(
    F32x16,
    __m512,
    __mmask16,
    f32,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_mul_ps,
    _mm512_div_ps,
    _mm512_fmadd_ps,
    _mm512_fnmadd_ps,
    _mm512_sqrt_ps,
    _mm512_roundscale_ps,
    _mm512_cmp_ps_mask,
    _mm512_mask_blend_ps,
    _mm512_set1_ps,
    _mm512_xor_ps,
    _mm512_load_ps,
    _mm512_store_ps,
    _mm512_stream_ps,
    _mm512_getmant_ps,
    _mm512_getexp_ps,
    _mm512_scalef_ps,
    transposed_ps,
    swapped_ps,
    |lanes, index| _mm512_permutexvar_ps(_mm512_load_si512(index.0.as_ptr().cast()), lanes)
);
