//! The SciDAC checksum of QIO: with `w = CRC-32(bytes of site r as stored)`,
//! `suma = XOR_r rotl32(w, r mod 29)` and `sumb = XOR_r rotl32(w, r mod 31)`.
//!
//! XOR makes it independent of order: parts computed by threads or ranks combine with `^`.

use std::fmt;
use std::ops::{BitXor, BitXorAssign};
use std::str::FromStr;

use crate::crc::each_crc;
use crate::error::{Error, Result};
use crate::xml::Document;

/// Moduli of the rotations of the two sums (QIO, `DML_checksum_accum`).
const ROTATION_A: u32 = 29;
const ROTATION_B: u32 = 31;

/// The pair of sums over some set of sites; the default is that of no site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct ScidacChecksum {
    /// Sum with rotations modulo 29.
    pub suma: u32,
    /// Sum with rotations modulo 31.
    pub sumb: u32,
}

impl ScidacChecksum {
    /// Adds one site of lexicographic rank `rank = x + Lx (y + Ly (z + Lz t))`, bytes as stored (big endian).
    /// Global data, which belong to no site, count as rank 0.
    pub fn add_site(&mut self, rank: u64, bytes: &[u8]) {
        let (a, b) = ((rank % u64::from(ROTATION_A)) as u32, (rank % u64::from(ROTATION_B)) as u32);
        self.add_crc(a, b, crc32fast::hash(bytes));
    }

    /// Adds consecutive sites from rank `first` on; `bytes` holds `site_bytes` for each.
    ///
    /// # Errors
    /// [`Error::SizeMismatch`] where `bytes` is not a whole number of sites.
    pub fn add_range(&mut self, first: u64, site_bytes: usize, bytes: &[u8]) -> Result<()> {
        whole_sites(site_bytes, bytes, (bytes.len() / site_bytes.max(1)) as u64)?;
        let mut a = (first % u64::from(ROTATION_A)) as u32;
        let mut b = (first % u64::from(ROTATION_B)) as u32;
        each_crc(site_bytes, bytes, |crc| {
            self.add_crc(a, b, crc);
            a = if a + 1 == ROTATION_A { 0 } else { a + 1 };
            b = if b + 1 == ROTATION_B { 0 } else { b + 1 };
        });
        Ok(())
    }

    /// Adds the sites of the given ranks; `bytes` holds `site_bytes` for each, in the order of `ranks`.
    ///
    /// # Errors
    /// [`Error::SizeMismatch`] where `bytes` does not hold exactly these sites.
    pub fn add_sites(&mut self, ranks: &[u64], site_bytes: usize, bytes: &[u8]) -> Result<()> {
        whole_sites(site_bytes, bytes, ranks.len() as u64)?;
        for (&rank, site) in ranks.iter().zip(bytes.chunks_exact(site_bytes)) {
            self.add_site(rank, site);
        }
        Ok(())
    }

    /// Reads the text of a `scidac-checksum` record: hexadecimal, with or without leading zeros, `0x`, spaces.
    ///
    /// # Errors
    /// [`Error::BadChecksum`] where a sum is missing or is no number of at most 32 bits.
    pub fn from_xml(bytes: &[u8]) -> Result<Self> {
        let document = Document::read(bytes);
        let sum = |name: &'static str| {
            let text = document
                .text(name)
                .ok_or_else(|| Error::BadChecksum { detail: format!("there is no <{name}>") })?;
            hexadecimal(text).ok_or_else(|| Error::BadChecksum {
                detail: format!("<{name}> is `{}`", text.chars().take(40).collect::<String>()),
            })
        };
        Ok(Self { suma: sum("suma")?, sumb: sum("sumb")? })
    }

    fn add_crc(&mut self, a: u32, b: u32, crc: u32) {
        self.suma ^= crc.rotate_left(a);
        self.sumb ^= crc.rotate_left(b);
    }
}

fn whole_sites(site_bytes: usize, bytes: &[u8], sites: u64) -> Result<()> {
    let needed = sites.saturating_mul(site_bytes as u64);
    if site_bytes == 0 || bytes.len() as u64 != needed {
        return Err(Error::SizeMismatch {
            what: "bytes for a whole number of sites",
            given: bytes.len() as u64,
            needed,
        });
    }
    Ok(())
}

/// A number of at most 32 bits, with or without `0x`.
pub(crate) fn hexadecimal(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    // `from_str_radix` would take a sign.
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}

impl ScidacChecksum {
    /// suma and sumb with eight hexadecimal digits each.
    pub fn hexadecimal(&self) -> [String; 2] {
        [self.suma, self.sumb].map(|sum| format!("{sum:08x}"))
    }
}

impl BitXor for ScidacChecksum {
    type Output = Self;

    fn bitxor(self, other: Self) -> Self {
        Self { suma: self.suma ^ other.suma, sumb: self.sumb ^ other.sumb }
    }
}

impl BitXorAssign for ScidacChecksum {
    fn bitxor_assign(&mut self, other: Self) {
        *self = *self ^ other;
    }
}

/// `suma/sumb`, eight hexadecimal digits each.
impl fmt::Display for ScidacChecksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}/{:08x}", self.suma, self.sumb)
    }
}

impl FromStr for ScidacChecksum {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let sums = text.split_once('/').map(|(a, b)| (hexadecimal(a.trim()), hexadecimal(b.trim())));
        match sums {
            Some((Some(suma), Some(sumb))) => Ok(Self { suma, sumb }),
            _ => Err(Error::BadChecksum { detail: format!("`{text}` is not of the form suma/sumb") }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CRC-32 bit by bit from its definition (polynomial 0xEDB88320, reflected; ISO 3309).
    fn crc_by_definition(bytes: &[u8]) -> u32 {
        let mut crc = u32::MAX;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
            }
        }
        !crc
    }

    fn checksum_by_definition(sites: &[&[u8]], moduli: [u32; 2]) -> [u32; 2] {
        moduli.map(|modulus| {
            (0u32..)
                .zip(sites)
                .fold(0, |sum, (rank, site)| sum ^ crc_by_definition(site).rotate_left(rank % modulus))
        })
    }

    fn payload(sites: usize, site_bytes: usize) -> Vec<u8> {
        (0..sites * site_bytes).map(|i| (i * i + i / 7) as u8).collect()
    }

    #[test]
    fn range_follows_the_definition_past_both_rotations() {
        let bytes = payload(100, 24);
        let sites: Vec<&[u8]> = bytes.chunks(24).collect();
        let mut sum = ScidacChecksum::default();
        sum.add_range(0, 24, &bytes).unwrap();
        assert_eq!([sum.suma, sum.sumb], checksum_by_definition(&sites, [29, 31]));
        // A swap of the two moduli would show.
        assert_ne!([sum.suma, sum.sumb], checksum_by_definition(&sites, [31, 29]));
    }

    #[test]
    fn parts_combine_in_any_order() {
        let bytes = payload(90, 16);
        let mut whole = ScidacChecksum::default();
        whole.add_range(0, 16, &bytes).unwrap();

        let mut late = ScidacChecksum::default();
        late.add_range(37, 16, &bytes[37 * 16..]).unwrap();
        let mut early = ScidacChecksum::default();
        let backwards: Vec<u64> = (0..37).rev().collect();
        let gathered: Vec<u8> =
            backwards.iter().flat_map(|&r| &bytes[r as usize * 16..][..16]).copied().collect();
        early.add_sites(&backwards, 16, &gathered).unwrap();
        assert_eq!(late ^ early, whole);
    }

    #[test]
    fn incomplete_sites_are_refused() {
        let mut sum = ScidacChecksum::default();
        assert!(sum.add_range(0, 16, &[0; 17]).is_err());
        assert!(sum.add_range(0, 0, &[0; 16]).is_err());
        assert!(sum.add_sites(&[1, 2], 16, &[0; 16]).is_err());
        assert_eq!(sum, ScidacChecksum::default());
    }

    #[test]
    fn every_way_to_write_a_sum_is_understood() {
        let read = |a: &str, b: &str| {
            let xml = format!("<scidacChecksum><suma>{a}</suma><sumb>{b}</sumb></scidacChecksum>");
            ScidacChecksum::from_xml(xml.as_bytes())
        };
        assert_eq!(
            read("0x1c231a18", "0x3c553b").unwrap(),
            ScidacChecksum { suma: 0x1c23_1a18, sumb: 0x3c_553b }
        );
        assert_eq!(read(" 4E252b1 ", "\n0\n").unwrap(), ScidacChecksum { suma: 0x4e2_52b1, sumb: 0 });
        for bad in ["", "0x", "123456789", "+1", "-1", "12g", "1 2"] {
            assert!(matches!(read(bad, "1"), Err(Error::BadChecksum { .. })), "{bad}");
        }
    }

    #[test]
    fn text_form_survives_the_round_trip() {
        let sum = ScidacChecksum { suma: 0x1f, sumb: u32::MAX };
        assert_eq!(sum.to_string(), "0000001f/ffffffff");
        assert_eq!(sum.to_string().parse::<ScidacChecksum>().unwrap(), sum);
    }
}
