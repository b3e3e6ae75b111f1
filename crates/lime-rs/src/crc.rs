//! zlib's CRC-32 of many messages of one length, as the sites of a payload are.
//!
//! A library takes them one by one, and the steps of one sum wait for each other. Where the machine has AVX-512 with
//! carry-less products, four messages are summed side by side here, which takes half the time for 576 bytes.

/// Calls `each` with the CRC-32 of every message of `size` bytes in turn.
pub(crate) fn each_crc(size: usize, bytes: &[u8], mut each: impl FnMut(u32)) {
    #[cfg(target_arch = "x86_64")]
    let bytes = if size >= 64 && size.is_multiple_of(16) && fours::are_available() {
        let (whole, rest) = bytes.split_at(bytes.len() - bytes.len() % (4 * size));
        // SAFETY: the machine has the instructions.
        unsafe { fours::each(size, whole, &mut each) }
        rest
    } else {
        bytes
    };
    bytes.chunks_exact(size).for_each(|message| each(crc32fast::hash(message)));
}

/// After Gopal et al., *Fast CRC computation for generic polynomials using PCLMULQDQ instruction*, Intel 2009: bits are
/// reflected, and a register of 128 bits is moved on by d bits through products with x^(d ± 32) mod P.
#[cfg(target_arch = "x86_64")]
mod fours {
    use std::arch::x86_64::*;

    /// The polynomial P, without its highest term, and floor(x^64 / P): reflected, the paper's P' and u'.
    const P: u32 = 0xedb8_8320;
    const P_AND_QUOTIENT: [i64; 2] = [0x1_db71_0641, 0x1_f701_1641];

    /// Whether the machine can run [`each`].
    pub fn are_available() -> bool {
        is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("vpclmulqdq")
    }

    /// x^n mod P, one place up as the products of reflected numbers need it.
    const fn power(n: usize) -> i64 {
        let (mut x, mut k) = (1u32 << 31, 0);
        while k < n {
            x = (x >> 1) ^ if x & 1 == 1 { P } else { 0 };
            k += 1;
        }
        (x as i64) << 1
    }

    /// What moves the lower and the upper half of a register on by `bits`.
    const fn keys(bits: usize) -> [i64; 2] {
        [power(bits + 32), power(bits - 32)]
    }

    const ON_16: [i64; 2] = keys(128);
    const ON_64: [i64; 2] = keys(512);
    /// From the first lanes of four to the last.
    const TO_LAST: [[i64; 2]; 3] = [keys(384), keys(256), ON_16];
    const ON_8: [i64; 2] = [power(64), 0];

    /// Four registers, each moved on by its keys.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,vpclmulqdq")]
    fn moved(x: __m512i, keys: __m512i) -> __m512i {
        let halves = (_mm512_clmulepi64_epi128::<0x00>(x, keys), _mm512_clmulepi64_epi128::<0x11>(x, keys));
        _mm512_xor_si512(halves.0, halves.1)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,vpclmulqdq")]
    fn in_each_lane([low, high]: [i64; 2]) -> __m512i {
        _mm512_set_epi64(high, low, high, low, high, low, high, low)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,vpclmulqdq")]
    fn load(bytes: &[u8; 64]) -> __m512i {
        // SAFETY: 64 readable bytes.
        unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
    }

    /// Calls `each` with the CRC-32 of four messages of `size` bytes after the other; `size` is a multiple of 16, 64 at
    /// least.
    #[target_feature(enable = "avx512f,avx512bw,vpclmulqdq")]
    pub fn each(size: usize, bytes: &[u8], each: &mut impl FnMut(u32)) {
        let on_16 = in_each_lane(ON_16);
        for four in bytes.chunks_exact(4 * size) {
            let messages: [&[u8]; 4] = std::array::from_fn(|i| &four[i * size..(i + 1) * size]);
            let [a, b, c, d] = messages;
            let mut x = sums_of_lanes([folded(a), folded(b), folded(c), folded(d)]);
            for at in (size / 64 * 64..size).step_by(16) {
                let mut next = [0; 64];
                for (lane, message) in next.chunks_exact_mut(16).zip(messages) {
                    lane.copy_from_slice(&message[at..at + 16]);
                }
                x = _mm512_xor_si512(moved(x, on_16), load(&next));
            }
            remainders(x).into_iter().for_each(&mut *each);
        }
    }

    /// The whole pieces of 64 bytes of a message as four registers whose sum is to be reduced.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,vpclmulqdq")]
    fn folded(message: &[u8]) -> __m512i {
        let ([a, b, c], on_64) = (TO_LAST, in_each_lane(ON_64));
        let start = _mm512_zextsi128_si512(_mm_cvtsi32_si128(-1));
        let (first, rest) = message.as_chunks::<64>().0.split_at(1);
        let mut x = _mm512_xor_si512(load(&first[0]), start);
        for bytes in rest {
            x = _mm512_xor_si512(moved(x, on_64), load(bytes));
        }
        // The first three lanes go on to the place of the last one, which stays.
        let last = _mm512_maskz_mov_epi64(0xc0, x);
        _mm512_xor_si512(moved(x, _mm512_set_epi64(0, 0, c[1], c[0], b[1], b[0], a[1], a[0])), last)
    }

    /// In lane i the sum of the lanes of the i-th of four vectors.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,vpclmulqdq")]
    fn sums_of_lanes([a, b, c, d]: [__m512i; 4]) -> __m512i {
        // (x0, x2, y0, y2) + (x1, x3, y1, y3)
        let halves =
            |x, y| _mm512_xor_si512(_mm512_shuffle_i64x2::<0x88>(x, y), _mm512_shuffle_i64x2::<0xdd>(x, y));
        halves(halves(a, b), halves(c, d))
    }

    /// The CRCs that four registers stand for.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,vpclmulqdq")]
    fn remainders(x: __m512i) -> [u32; 4] {
        let word = _mm512_set1_epi64(0xffff_ffff);
        // 128 bits to 96, to 64.
        let upper = _mm512_bsrli_epi128::<8>(x);
        let x = _mm512_xor_si512(_mm512_clmulepi64_epi128::<0x10>(x, in_each_lane(ON_16)), upper);
        let upper = _mm512_bsrli_epi128::<4>(x);
        let low = _mm512_and_si512(x, word);
        let x = _mm512_xor_si512(_mm512_clmulepi64_epi128::<0x00>(low, in_each_lane(ON_8)), upper);
        // Barrett's reduction to 32.
        let keys = in_each_lane(P_AND_QUOTIENT);
        let quotient = _mm512_clmulepi64_epi128::<0x10>(_mm512_and_si512(x, word), keys);
        let multiple = _mm512_clmulepi64_epi128::<0x00>(_mm512_and_si512(quotient, word), keys);
        let x = _mm512_xor_si512(x, multiple);
        let crc = |lane: __m128i| !(_mm_extract_epi32::<1>(lane) as u32);
        [
            crc(_mm512_extracti32x4_epi32::<0>(x)),
            crc(_mm512_extracti32x4_epi32::<1>(x)),
            crc(_mm512_extracti32x4_epi32::<2>(x)),
            crc(_mm512_extracti32x4_epi32::<3>(x)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_messages_have_the_sums_of_each() {
        for size in (1..=700).step_by(3).chain((16..=1152).step_by(16)) {
            for count in [1, 3, 4, 5, 11] {
                let bytes: Vec<u8> = (0..size * count).map(|i| (i * i + i / 7 + size) as u8).collect();
                let mut found = Vec::new();
                each_crc(size, &bytes, |crc| found.push(crc));
                let expected: Vec<u32> = bytes.chunks_exact(size).map(crc32fast::hash).collect();
                assert_eq!(found, expected, "{count} messages of {size} bytes");
            }
        }
    }
}
