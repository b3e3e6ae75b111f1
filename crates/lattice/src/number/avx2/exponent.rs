//! Exponents of the numbers in 256-bit registers.

use std::arch::x86_64::*;

/// 2^52, and 1.5 × 2^52: added to an integer they leave it in the low bits, the second one a negative one, too.
const SHIFT: f64 = 4503599627370496.0;
const SIGNED_SHIFT: f64 = 6755399441055744.0;

/// `(m, e)` with x = m 2^e and m in [1, 2), of positive normal numbers.
///
/// # Safety
/// AVX2.
#[inline(always)]
pub unsafe fn split_pd(x: __m256d) -> (__m256d, __m256d) {
    // SAFETY: the caller vouches for it.
    unsafe {
        let (bits, one) = (_mm256_castpd_si256(x), _mm256_castpd_si256(_mm256_set1_pd(1.0)));
        let m = _mm256_or_si256(_mm256_and_si256(bits, _mm256_set1_epi64x((1 << 52) - 1)), one);
        let shift = _mm256_set1_pd(SHIFT);
        let e = _mm256_or_si256(_mm256_srli_epi64::<52>(bits), _mm256_castpd_si256(shift));
        let e = _mm256_sub_pd(_mm256_castsi256_pd(e), _mm256_set1_pd(SHIFT + 1023.0));
        (_mm256_castsi256_pd(m), e)
    }
}

/// 2^e of integers e for which it is a normal number.
///
/// # Safety
/// AVX2.
#[inline(always)]
pub unsafe fn power_pd(e: __m256d) -> __m256d {
    // SAFETY: the caller vouches for it.
    unsafe {
        let biased = _mm256_add_pd(e, _mm256_set1_pd(SIGNED_SHIFT + 1023.0));
        _mm256_castsi256_pd(_mm256_slli_epi64::<52>(_mm256_castpd_si256(biased)))
    }
}

/// As [`split_pd`].
///
/// # Safety
/// AVX2.
#[inline(always)]
pub unsafe fn split_ps(x: __m256) -> (__m256, __m256) {
    // SAFETY: the caller vouches for it.
    unsafe {
        let (bits, one) = (_mm256_castps_si256(x), _mm256_castps_si256(_mm256_set1_ps(1.0)));
        let m = _mm256_or_si256(_mm256_and_si256(bits, _mm256_set1_epi32((1 << 23) - 1)), one);
        let e = _mm256_sub_epi32(_mm256_srli_epi32::<23>(bits), _mm256_set1_epi32(127));
        (_mm256_castsi256_ps(m), _mm256_cvtepi32_ps(e))
    }
}

/// As [`power_pd`].
///
/// # Safety
/// AVX2.
#[inline(always)]
pub unsafe fn power_ps(e: __m256) -> __m256 {
    // SAFETY: the caller vouches for it.
    unsafe {
        let biased = _mm256_add_epi32(_mm256_cvtps_epi32(e), _mm256_set1_epi32(127));
        _mm256_castsi256_ps(_mm256_slli_epi32::<23>(biased))
    }
}
