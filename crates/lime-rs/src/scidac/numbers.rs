//! The data of a logical record as numbers in canonical order: site by site in the order of lexicographic ranks (of a
//! box: of its own), whatever the volumes; within a site as stored, which [`Content`](super::Content) explains.

use super::content::Number;
use super::file::ScidacFile;
use super::info::RecordKind;
use crate::access::ReadAt;
use crate::endian::{Real, decode_as};
use crate::error::{Error, Result};
use crate::format::Precision;
use crate::pass::Verification;

/// Bytes a read.
const CHUNK: usize = 1 << 19;

impl<R: ReadAt> ScidacFile<R> {
    /// Floating-point or 32-bit integer data in canonical order, as the number type `T`. The caller decides on the
    /// checksum with [`Verification::check`].
    ///
    /// # Errors
    /// [`Error::UnusableRecord`] for data of other types, for which there are [`Self::integers`] and [`Self::bytes`];
    /// those of [`Self::read_payload`].
    pub fn numbers<T: Real>(&self, index: usize) -> Result<(Vec<T>, Verification)> {
        let number = self.payload(index)?.number;
        self.gather(index, T::from_f32(0.0), |bytes, numbers| match number {
            Number::F32 => decode_as(Precision::F32, bytes, numbers),
            Number::F64 => decode_as(Precision::F64, bytes, numbers),
            Number::I32 => each(bytes, numbers, |word| T::from_f64(f64::from(i32::from_be_bytes(word)))),
            Number::U32 => each(bytes, numbers, |word| T::from_f64(f64::from(u32::from_be_bytes(word)))),
            Number::I64 | Number::U64 | Number::Byte => Err(Error::UnusableRecord {
                index,
                detail: format!("its numbers are of type {number:?}: read them as integers or bytes"),
            }),
        })
    }

    /// Integers, or bytes as integers, in canonical order.
    ///
    /// # Errors
    /// [`Error::UnusableRecord`] for floating-point data; those of [`Self::read_payload`].
    pub fn integers(&self, index: usize) -> Result<(Vec<i128>, Verification)> {
        let number = self.payload(index)?.number;
        self.gather(index, 0, |bytes, numbers| match number {
            Number::I32 => each(bytes, numbers, |word| i32::from_be_bytes(word).into()),
            Number::U32 => each(bytes, numbers, |word| u32::from_be_bytes(word).into()),
            Number::I64 => each(bytes, numbers, |word| i64::from_be_bytes(word).into()),
            Number::U64 => each(bytes, numbers, |word| u64::from_be_bytes(word).into()),
            Number::Byte => each(bytes, numbers, |[byte]| byte.into()),
            Number::F32 | Number::F64 => Err(Error::UnusableRecord {
                index,
                detail: format!("its numbers are of type {number:?}: read them as numbers"),
            }),
        })
    }

    /// The stored bytes, in canonical order of the sites.
    ///
    /// # Errors
    /// Those of [`Self::read_payload`].
    pub fn bytes(&self, index: usize) -> Result<(Vec<u8>, Verification)> {
        let datum = self.payload(index)?.datum_bytes;
        self.gather_data(index, datum, 0, |bytes, all| {
            all.copy_from_slice(bytes);
            Ok(())
        })
    }

    fn gather<T: Clone>(
        &self,
        index: usize,
        zero: T,
        decode: impl FnMut(&[u8], &mut [T]) -> Result<()>,
    ) -> Result<(Vec<T>, Verification)> {
        let payload = self.payload(index)?;
        self.gather_data(index, payload.datum_bytes / payload.number.bytes() as u64, zero, decode)
    }

    /// `each` values a site.
    fn gather_data<T: Clone>(
        &self,
        index: usize,
        each: u64,
        zero: T,
        mut decode: impl FnMut(&[u8], &mut [T]) -> Result<()>,
    ) -> Result<(Vec<T>, Verification)> {
        let payload = self.payload(index)?;
        let mut all: Vec<T> = Vec::new();
        // A record with a fault is refused before any memory is asked for.
        let count = if payload.fault.is_some() { 0 } else { payload.sites * each };
        let bytes = count.saturating_mul(size_of::<T>() as u64);
        let failed = || Error::OutOfMemory { bytes };
        let count = usize::try_from(count).map_err(|_| failed())?;
        all.try_reserve_exact(count).map_err(|_| failed())?;
        all.resize(count, zero);
        let (datum, each) = (payload.datum_bytes as usize, each as usize);
        // A single file, where positions are ranks in the record's own box.
        let in_order = self.volumes.iter().all(|volume| volume.sites.is_none());
        let slot = |rank: u64| match payload.info.kind {
            RecordKind::Hyper { .. } => payload.region.position(rank).unwrap_or(0) as usize,
            RecordKind::Field | RecordKind::Global => rank as usize,
        };
        let verification = self.read_payload(index, CHUNK, |chunk| {
            if in_order {
                let first = chunk.first as usize * each;
                return decode(chunk.bytes, &mut all[first..first + chunk.count as usize * each]);
            }
            for (site, bytes) in (0..chunk.count).zip(chunk.bytes.chunks_exact(datum)) {
                let first = slot(chunk.rank(site)) * each;
                decode(bytes, &mut all[first..first + each])?;
            }
            Ok(())
        })?;
        Ok((all, verification))
    }
}

fn each<const N: usize, T>(bytes: &[u8], numbers: &mut [T], convert: impl Fn([u8; N]) -> T) -> Result<()> {
    for (number, word) in numbers.iter_mut().zip(bytes.as_chunks::<N>().0) {
        *number = convert(*word);
    }
    Ok(())
}
