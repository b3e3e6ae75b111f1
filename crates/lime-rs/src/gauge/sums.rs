//! Checksums of every kind over the units of a body. Parts combine, so threads and ranks share a file.

use std::fmt;

use crate::checksum::ScidacChecksum;
use crate::cksum::PosixCksum;
use crate::endian::ByteOrder;
use crate::error::Result;
use crate::gauge::body::Body;

/// MILC's pair over the 32-bit words `w_k` of a body, k = 0, 1, …:
/// `sum29 = XOR_k rotl32(w_k, k mod 29)` and `sum31 = XOR_k rotl32(w_k, k mod 31)` (MILC, `io_lat4.c`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct MilcChecksum {
    /// Sum with rotations modulo 29.
    pub sum29: u32,
    /// Sum with rotations modulo 31.
    pub sum31: u32,
}

impl MilcChecksum {
    /// Adds consecutive words from number `first` on.
    pub fn add_words(&mut self, first: u64, words: impl IntoIterator<Item = u32>) {
        let (mut a, mut b) = ((first % 29) as u32, (first % 31) as u32);
        for word in words {
            self.sum29 ^= word.rotate_left(a);
            self.sum31 ^= word.rotate_left(b);
            a = if a == 28 { 0 } else { a + 1 };
            b = if b == 30 { 0 } else { b + 1 };
        }
    }
}

/// A checksum in the manner of one format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Checksum {
    /// LIME files: CRC-32 of sites.
    Scidac(ScidacChecksum),
    /// NERSC: sum of 32-bit words.
    Nersc(u32),
    /// MILC: rotated 32-bit words.
    Milc(MilcChecksum),
}

/// SciDAC `suma/sumb`, NERSC `sum`, MILC `sum29 sum31`, hexadecimal as each format prints them.
impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scidac(sum) => sum.fmt(f),
            Self::Nersc(sum) => write!(f, "{sum:08x}"),
            Self::Milc(sum) => write!(f, "{:08x} {:08x}", sum.sum29, sum.sum31),
        }
    }
}

/// Which checksum a format states; formats without one are summed in SciDAC's manner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChecksumKind {
    /// [`Checksum::Scidac`].
    #[default]
    Scidac,
    /// [`Checksum::Nersc`].
    Nersc,
    /// [`Checksum::Milc`].
    Milc,
}

/// Sums over some units of a body.
#[derive(Debug, Clone, Default)]
pub struct Sums {
    /// The kind that the format states.
    pub kind: ChecksumKind,
    /// SciDAC's sums with units in the place of sites: for ILDG files the checksum, for others a fingerprint.
    pub scidac: ScidacChecksum,
    /// NERSC's sum, where it is of that kind.
    pub nersc: u32,
    /// MILC's sums, where they are of that kind.
    pub milc: MilcChecksum,
    /// POSIX `cksum`, where it was asked for.
    pub posix: Option<PosixCksum>,
}

impl Sums {
    /// Sums over nothing.
    pub fn new(kind: ChecksumKind, posix_cksum: bool) -> Self {
        Self { kind, posix: posix_cksum.then(PosixCksum::new), ..Self::default() }
    }

    /// Adds the stored bytes of whole units from `first_unit` on.
    ///
    /// # Errors
    /// [`crate::Error::SizeMismatch`] for bytes that are not whole units.
    pub fn add(&mut self, body: &Body, first_unit: u64, bytes: &[u8]) -> Result<()> {
        self.scidac.add_range(first_unit, body.unit_bytes(), bytes)?;
        let words = bytes.as_chunks::<4>().0.iter().map(|word| match body.byte_order {
            ByteOrder::Big => u32::from_be_bytes(*word),
            ByteOrder::Little => u32::from_le_bytes(*word),
        });
        match self.kind {
            ChecksumKind::Scidac => {}
            ChecksumKind::Nersc => self.nersc = words.fold(self.nersc, u32::wrapping_add),
            ChecksumKind::Milc => {
                self.milc.add_words(first_unit.wrapping_mul(body.unit_bytes() as u64 / 4), words);
            }
        }
        if let Some(posix) = &mut self.posix {
            posix.update(bytes);
        }
        Ok(())
    }

    /// Adds the sums of the units after these. Only POSIX `cksum` minds the order.
    pub fn append(&mut self, next: &Self) {
        self.scidac ^= next.scidac;
        self.nersc = self.nersc.wrapping_add(next.nersc);
        self.milc.sum29 ^= next.milc.sum29;
        self.milc.sum31 ^= next.milc.sum31;
        if let (Some(posix), Some(next)) = (&mut self.posix, &next.posix) {
            posix.append(next);
        }
    }

    /// The checksum that the format states, computed.
    pub fn checksum(&self) -> Checksum {
        match self.kind {
            ChecksumKind::Scidac => Checksum::Scidac(self.scidac),
            ChecksumKind::Nersc => Checksum::Nersc(self.nersc),
            ChecksumKind::Milc => Checksum::Milc(self.milc),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Precision;
    use crate::gauge::body::Rows;
    use crate::gauge::order::Order;

    fn body(byte_order: ByteOrder) -> Body {
        let (precision, rows, order) = (Precision::F32, Rows::All, Order::Canonical);
        Body { dims: [2, 2, 2, 5], nc: 3, precision, byte_order, rows, order }
    }

    #[test]
    fn parts_give_the_sums_of_the_whole_by_their_definitions() {
        for byte_order in [ByteOrder::Big, ByteOrder::Little] {
            let body = body(byte_order);
            let words: Vec<u32> = (0..body.bytes() as u32 / 4).map(|k| k.wrapping_mul(0x9e37_79b9)).collect();
            let bytes: Vec<u8> = words
                .iter()
                .flat_map(|w| if byte_order == ByteOrder::Big { w.to_be_bytes() } else { w.to_le_bytes() })
                .collect();
            let nersc = words.iter().fold(0u64, |sum, &w| (sum + u64::from(w)) & 0xffff_ffff) as u32;
            let milc = [29, 31].map(|modulus| {
                (0u32..).zip(&words).fold(0, |sum, (k, w)| {
                    let wide = u64::from(*w) << (k % modulus);
                    sum ^ (wide | wide >> 32) as u32
                })
            });
            for (kind, expected) in [
                (ChecksumKind::Nersc, Checksum::Nersc(nersc)),
                (ChecksumKind::Milc, Checksum::Milc(MilcChecksum { sum29: milc[0], sum31: milc[1] })),
            ] {
                let mut whole = Sums::new(kind, true);
                for units in [0..7u64, 7..8, 8..8, 8..40] {
                    let mut part = Sums::new(kind, true);
                    let at = |unit: u64| unit as usize * body.unit_bytes();
                    part.add(&body, units.start, &bytes[at(units.start)..at(units.end)]).unwrap();
                    whole.append(&part);
                }
                assert_eq!(whole.checksum(), expected);
                let mut posix = PosixCksum::new();
                posix.update(&bytes);
                assert_eq!(whole.posix.unwrap().value(), posix.value());
            }
        }
    }

    #[test]
    fn sums_are_shown_as_their_formats_print_them() {
        let milc = MilcChecksum { sum29: 0x0235_2c05, sum31: 0xd137_321d };
        assert_eq!(Checksum::Milc(milc).to_string(), "02352c05 d137321d");
        assert_eq!(Checksum::Nersc(0xbeef).to_string(), "0000beef");
    }
}
