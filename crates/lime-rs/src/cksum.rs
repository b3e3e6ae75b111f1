//! The POSIX `cksum` of a payload, which ILDG metadata (QCDml 2.0) call `crcCheckSum`.
//!
//! It is CRC-32 with polynomial 0x04C11DB7, most significant bit first, register 0 at the start, over the data and
//! then their length (least significant byte first, without leading zero bytes), complemented. That register is
//! the mirror image of the reflected one of zlib's CRC-32 fed with mirrored bytes, so the fast zlib routine does
//! the work.

/// Streaming POSIX `cksum`.
#[derive(Debug, Clone)]
pub struct PosixCksum {
    reflected: crc32fast::Hasher,
    length: u64,
}

impl Default for PosixCksum {
    fn default() -> Self {
        Self::new()
    }
}

impl PosixCksum {
    /// The state before any byte.
    pub fn new() -> Self {
        // zlib complements its register: this one is all zeros, as POSIX wants.
        Self { reflected: crc32fast::Hasher::new_with_initial(u32::MAX), length: 0 }
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        // On the stack and within the first-level cache.
        let mut mirrored = [0u8; 8192];
        for part in bytes.chunks(mirrored.len()) {
            let mirrored = &mut mirrored[..part.len()];
            for (to, from) in mirrored.iter_mut().zip(part) {
                *to = from.reverse_bits();
            }
            self.reflected.update(mirrored);
        }
        self.length += bytes.len() as u64;
    }

    /// Adds what another sum went over, as if its bytes followed: threads share a payload this way.
    pub fn append(&mut self, next: &Self) {
        // The library leaves a sum alone that is combined with that of nothing, whatever its register.
        if next.length == 0 {
            return;
        }
        // With s(r) for register r sent through the zeros of `next`'s length, its register is s(1…1) ^ b; wanted is
        // s(r) ^ b.
        let register = self.reflected.clone().finalize() ^ u32::MAX;
        let mut both = crc32fast::Hasher::new_with_initial_len(register, self.length);
        both.combine(&next.reflected);
        self.reflected = both;
        self.length += next.length;
    }

    /// The sum that `cksum` prints.
    pub fn value(&self) -> u32 {
        let mut hasher = self.reflected.clone();
        let mut length = self.length;
        while length != 0 {
            hasher.update(&[(length as u8).reverse_bits()]);
            length >>= 8;
        }
        hasher.finalize().reverse_bits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cksum(bytes: &[u8]) -> u32 {
        let mut sum = PosixCksum::new();
        sum.update(bytes);
        sum.value()
    }

    #[test]
    fn published_values() {
        // `cksum` of nothing, and the catalogued check value of CRC-32/CKSUM's "123456789" with its length.
        assert_eq!(cksum(b""), 4_294_967_295);
        assert_eq!(cksum(b"123456789"), 930_766_865);
    }

    #[test]
    fn pieces_give_the_sum_of_the_whole() {
        let bytes: Vec<u8> = (0..100_000u32).map(|i| (i.wrapping_mul(i) >> 3) as u8).collect();
        let mut sum = PosixCksum::new();
        for piece in bytes.chunks(777) {
            sum.update(piece);
        }
        assert_eq!(sum.value(), cksum(&bytes));
    }

    #[test]
    fn sums_of_consecutive_parts_combine() {
        let bytes: Vec<u8> = (0..10_000u32).map(|i| (i.wrapping_mul(i) >> 3) as u8).collect();
        let mut whole = PosixCksum::new();
        for part in [&bytes[..0], &bytes[..1], &bytes[1..777], &bytes[777..777], &bytes[777..]] {
            let mut sum = PosixCksum::new();
            sum.update(part);
            whole.append(&sum);
        }
        assert_eq!(whole.value(), cksum(&bytes));
    }
}
