//! Numbers in other places of 256-bit registers.

use std::arch::x86_64::*;

/// Shuffles are of 32-bit halves: lane i is halves 2i and 2i + 1, of which the low three bits count.
///
/// # Safety
/// AVX2.
#[inline(always)]
unsafe fn halves_of(lane: __m256i) -> __m256i {
    // SAFETY: the caller vouches for it.
    unsafe {
        let first = _mm256_slli_epi64::<1>(lane);
        _mm256_or_si256(first, _mm256_slli_epi64::<32>(_mm256_or_si256(first, _mm256_set1_epi64x(1))))
    }
}

/// The four lanes of a register in another order.
///
/// # Safety
/// AVX2; `index` has four entries in 0..4, 16-byte aligned.
#[inline(always)]
pub unsafe fn within_pd(v: __m256d, index: *const i32) -> __m256d {
    // SAFETY: the caller vouches for all of it.
    unsafe {
        let lane = _mm256_cvtepi32_epi64(_mm_load_si128(index.cast()));
        _mm256_castsi256_pd(_mm256_permutevar8x32_epi32(_mm256_castpd_si256(v), halves_of(lane)))
    }
}

/// The eight lanes of a register in another order.
///
/// # Safety
/// AVX2; `index` has eight entries in 0..8, 32-byte aligned.
#[inline(always)]
pub unsafe fn within_ps(v: __m256, index: *const i32) -> __m256 {
    // SAFETY: the caller vouches for all of it.
    unsafe { _mm256_permutevar8x32_ps(v, _mm256_load_si256(index.cast())) }
}

/// Four lanes out of two registers' eight. Two shuffles and a blend: a gather takes several times as long.
///
/// # Safety
/// AVX2; `index` has four entries in 0..8, 16-byte aligned.
#[inline(always)]
pub unsafe fn rearranged_pd(low: __m256d, high: __m256d, index: *const i32) -> __m256d {
    // SAFETY: the caller vouches for all of it.
    unsafe {
        let lane = _mm256_cvtepi32_epi64(_mm_load_si128(index.cast()));
        let halves = halves_of(lane);
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
pub unsafe fn rearranged_ps(low: __m256, high: __m256, index: *const i32) -> __m256 {
    // SAFETY: the caller vouches for all of it.
    unsafe {
        let lane = _mm256_load_si256(index.cast());
        let is_high = _mm256_castsi256_ps(_mm256_slli_epi32::<28>(lane));
        _mm256_blendv_ps(_mm256_permutevar8x32_ps(low, lane), _mm256_permutevar8x32_ps(high, lane), is_high)
    }
}

/// The columns of four rows of four numbers.
///
/// # Safety
/// AVX2; valid for reading four numbers at each `from + l * stride`, at any alignment.
#[inline(always)]
pub unsafe fn transposed_pd(from: *const f64, stride: usize) -> [__m256d; 4] {
    // SAFETY: the caller vouches for all of it.
    unsafe {
        let [a, b, c, d] = [0, 1, 2, 3].map(|l| _mm256_loadu_pd(from.add(l * stride)));
        // Each half of these: two numbers of one column.
        let (ab_even, ab_odd) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
        let (cd_even, cd_odd) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
        [
            _mm256_permute2f128_pd::<0x20>(ab_even, cd_even),
            _mm256_permute2f128_pd::<0x20>(ab_odd, cd_odd),
            _mm256_permute2f128_pd::<0x31>(ab_even, cd_even),
            _mm256_permute2f128_pd::<0x31>(ab_odd, cd_odd),
        ]
    }
}

/// The columns of eight rows of eight numbers.
///
/// # Safety
/// As [`transposed_pd`], for eight numbers.
#[inline(always)]
pub unsafe fn transposed_ps(from: *const f32, stride: usize) -> [__m256; 8] {
    // SAFETY: the caller vouches for all of it.
    unsafe {
        // Halves of rows l and l + 4 beside each other: columns `c` to `c + 3`.
        let halves = |l: usize, c: usize| {
            let (low, high) = (from.add(l * stride + c), from.add((l + 4) * stride + c));
            _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(_mm_loadu_ps(low)), _mm_loadu_ps(high))
        };
        let four = |c: usize| {
            let pair = |l: usize| {
                let (x, y) = (halves(l, c), halves(l + 1, c));
                (_mm256_castps_pd(_mm256_unpacklo_ps(x, y)), _mm256_castps_pd(_mm256_unpackhi_ps(x, y)))
            };
            let ((low, high), (low_next, high_next)) = (pair(0), pair(2));
            [
                _mm256_castpd_ps(_mm256_unpacklo_pd(low, low_next)),
                _mm256_castpd_ps(_mm256_unpackhi_pd(low, low_next)),
                _mm256_castpd_ps(_mm256_unpacklo_pd(high, high_next)),
                _mm256_castpd_ps(_mm256_unpackhi_pd(high, high_next)),
            ]
        };
        let ([a, b, c, d], [e, f, g, h]) = (four(0), four(4));
        [a, b, c, d, e, f, g, h]
    }
}

/// The bytes of each number in the opposite order.
///
/// # Safety
/// AVX2.
#[inline(always)]
pub unsafe fn swapped_pd(x: __m256d) -> __m256d {
    // SAFETY: the caller vouches for it.
    unsafe {
        let order = _mm256_set_epi64x(OF_EIGHT[1], OF_EIGHT[0], OF_EIGHT[1], OF_EIGHT[0]);
        _mm256_castsi256_pd(_mm256_shuffle_epi8(_mm256_castpd_si256(x), order))
    }
}

/// The bytes of each number in the opposite order.
///
/// # Safety
/// AVX2.
#[inline(always)]
pub unsafe fn swapped_ps(x: __m256) -> __m256 {
    // SAFETY: the caller vouches for it.
    unsafe {
        let order = _mm256_set_epi64x(OF_FOUR[1], OF_FOUR[0], OF_FOUR[1], OF_FOUR[0]);
        _mm256_castsi256_ps(_mm256_shuffle_epi8(_mm256_castps_si256(x), order))
    }
}

/// Which byte of 16 each byte comes from, eight in a word: numbers of eight bytes turned, and numbers of four.
const OF_EIGHT: [i64; 2] = [0x0001020304050607, 0x08090a0b0c0d0e0f];
const OF_FOUR: [i64; 2] = [0x0405060700010203, 0x0c0d0e0f08090a0b];
