//! Bytes of either order to numbers and back, in loops that compile to vector shuffles.

use crate::error::{Error, Result};
use crate::format::Precision;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// The number types of ILDG files: `f32` and `f64`.
pub trait Real: Copy + sealed::Sealed {
    /// Precision with which this type is stored.
    const PRECISION: Precision;
    /// From `f32`, exactly.
    fn from_f32(value: f32) -> Self;
    /// From `f64`, rounded to nearest where needed.
    fn from_f64(value: f64) -> Self;
    /// To `f32`, rounded to nearest where needed.
    fn to_f32(self) -> f32;
    /// To `f64`, exactly.
    fn to_f64(self) -> f64;
}

impl Real for f32 {
    const PRECISION: Precision = Precision::F32;

    fn from_f32(value: f32) -> Self {
        value
    }

    fn from_f64(value: f64) -> Self {
        value as f32
    }

    fn to_f32(self) -> f32 {
        self
    }

    fn to_f64(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    const PRECISION: Precision = Precision::F64;

    fn from_f32(value: f32) -> Self {
        f64::from(value)
    }

    fn from_f64(value: f64) -> Self {
        value
    }

    fn to_f32(self) -> f32 {
        self as f32
    }

    fn to_f64(self) -> f64 {
        self
    }
}

/// Which byte of a number comes first in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// The most significant one: LIME files, HiRep.
    Big,
    /// The least significant one: openQCD, DDalphaAMG.
    Little,
}

/// Reads big-endian numbers stored with the precision of `R`.
///
/// # Errors
/// [`Error::SizeMismatch`] where `bytes` does not hold exactly the numbers of `numbers`.
pub fn decode<R: Real>(bytes: &[u8], numbers: &mut [R]) -> Result<()> {
    decode_as(R::PRECISION, bytes, numbers)
}

/// Reads big-endian numbers stored with the given precision into any number type.
///
/// # Errors
/// [`Error::SizeMismatch`] where `bytes` does not hold exactly the numbers of `numbers`.
pub fn decode_as<R: Real>(stored: Precision, bytes: &[u8], numbers: &mut [R]) -> Result<()> {
    decode_ordered(ByteOrder::Big, stored, bytes, numbers)
}

/// [`decode_as`] for either order of bytes. Always inlined, so that it is compiled with the vector instructions of the
/// function that calls it.
///
/// # Errors
/// As there.
#[inline(always)]
pub fn decode_ordered<R: Real>(
    order: ByteOrder,
    stored: Precision,
    bytes: &[u8],
    numbers: &mut [R],
) -> Result<()> {
    same_size("bytes to decode", stored, bytes.len(), numbers.len())?;
    match (stored, order) {
        (Precision::F32, ByteOrder::Big) => take(bytes, numbers, |b| R::from_f32(f32::from_be_bytes(b))),
        (Precision::F32, ByteOrder::Little) => take(bytes, numbers, |b| R::from_f32(f32::from_le_bytes(b))),
        (Precision::F64, ByteOrder::Big) => take(bytes, numbers, |b| R::from_f64(f64::from_be_bytes(b))),
        (Precision::F64, ByteOrder::Little) => take(bytes, numbers, |b| R::from_f64(f64::from_le_bytes(b))),
    }
    Ok(())
}

#[inline(always)]
fn take<R, const N: usize>(bytes: &[u8], numbers: &mut [R], read: impl Fn([u8; N]) -> R) {
    for (number, bytes) in numbers.iter_mut().zip(bytes.as_chunks::<N>().0) {
        *number = read(*bytes);
    }
}

#[inline(always)]
fn put<R: Copy, const N: usize>(numbers: &[R], bytes: &mut [u8], write: impl Fn(R) -> [u8; N]) {
    for (number, bytes) in numbers.iter().zip(bytes.as_chunks_mut::<N>().0) {
        *bytes = write(*number);
    }
}

/// Writes big-endian numbers with the precision of `R`.
///
/// # Errors
/// [`Error::SizeMismatch`] where `bytes` is not exactly as long as the numbers need.
pub fn encode<R: Real>(numbers: &[R], bytes: &mut [u8]) -> Result<()> {
    encode_as(R::PRECISION, numbers, bytes)
}

/// Writes big-endian numbers of any type with the given precision.
///
/// # Errors
/// [`Error::SizeMismatch`] where `bytes` is not exactly as long as the numbers need.
pub fn encode_as<R: Real>(stored: Precision, numbers: &[R], bytes: &mut [u8]) -> Result<()> {
    encode_ordered(ByteOrder::Big, stored, numbers, bytes)
}

/// [`encode_as`] for either order of bytes. Always inlined, as [`decode_ordered`].
///
/// # Errors
/// As there.
#[inline(always)]
pub fn encode_ordered<R: Real>(
    order: ByteOrder,
    stored: Precision,
    numbers: &[R],
    bytes: &mut [u8],
) -> Result<()> {
    same_size("bytes to encode into", stored, bytes.len(), numbers.len())?;
    match (stored, order) {
        (Precision::F32, ByteOrder::Big) => put(numbers, bytes, |x| x.to_f32().to_be_bytes()),
        (Precision::F32, ByteOrder::Little) => put(numbers, bytes, |x| x.to_f32().to_le_bytes()),
        (Precision::F64, ByteOrder::Big) => put(numbers, bytes, |x| x.to_f64().to_be_bytes()),
        (Precision::F64, ByteOrder::Little) => put(numbers, bytes, |x| x.to_f64().to_le_bytes()),
    }
    Ok(())
}

#[inline]
fn same_size(what: &'static str, stored: Precision, bytes: usize, numbers: usize) -> Result<()> {
    let needed = (numbers as u64).saturating_mul(stored.bytes() as u64);
    if bytes as u64 == needed {
        return Ok(());
    }
    Err(Error::SizeMismatch { what, given: bytes as u64, needed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ieee_numbers_lie_most_significant_byte_first() {
        // IEEE 754: 1.5 = 0x3ff8…, -2 = 0xc000…; in single precision 0x3fc00000, 0xc0000000.
        let mut bytes = [0u8; 16];
        encode(&[1.5f64, -2.0], &mut bytes).unwrap();
        assert_eq!(bytes, [0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0]);
        let mut short = [0u8; 8];
        encode_as(Precision::F32, &[1.5f64, -2.0], &mut short).unwrap();
        assert_eq!(short, [0x3f, 0xc0, 0, 0, 0xc0, 0, 0, 0]);
        let mut back = [0.0f64; 2];
        decode_as(Precision::F32, &short, &mut back).unwrap();
        assert_eq!(back, [1.5, -2.0]);
    }

    #[test]
    fn little_endian_numbers_are_the_mirror_image() {
        for precision in [Precision::F32, Precision::F64] {
            let size = precision.bytes();
            let (mut big, mut little) = (vec![0; size], vec![0; size]);
            encode_ordered(ByteOrder::Big, precision, &[0.1f64], &mut big).unwrap();
            encode_ordered(ByteOrder::Little, precision, &[0.1f64], &mut little).unwrap();
            big.reverse();
            assert_eq!(big, little);
            let mut back = [0.0f64];
            decode_ordered(ByteOrder::Little, precision, &little, &mut back).unwrap();
            assert_eq!(back[0], if precision == Precision::F64 { 0.1 } else { f64::from(0.1f32) });
        }
    }

    #[test]
    fn every_bit_survives_the_round_trip() {
        let bits = [0u64, 1, 0x8000_0000_0000_0000, 0x7ff0_0000_0000_0000, 0x0123_4567_89ab_cdef];
        let numbers = bits.map(f64::from_bits);
        let mut bytes = [0u8; 40];
        encode(&numbers, &mut bytes).unwrap();
        let mut back = [0.0f64; 5];
        decode(&bytes, &mut back).unwrap();
        assert_eq!(back.map(f64::to_bits), bits);
    }

    #[test]
    fn wrong_sizes_are_refused() {
        assert!(decode(&[0; 9], &mut [0.0f64]).is_err());
        assert!(decode(&[0; 8], &mut [0.0f32]).is_err());
        assert!(encode(&[0.0f64], &mut [0; 4]).is_err());
    }
}
