//! One pass over a logical record: its data in the order in which they are stored, and their checksum.

use std::ops::Range;

use super::file::ScidacFile;
use super::ranks::Ranks;
use crate::access::ReadAt;
use crate::checksum::ScidacChecksum;
use crate::error::{Error, Result};
use crate::ildg::buffer;
use crate::pass::Verification;
use crate::scanner::read;

/// Consecutive data as they are stored.
#[derive(Debug)]
pub struct DatumChunk<'a> {
    /// How many of the record's data precede these, volume after volume.
    pub first: u64,
    /// How many there are.
    pub count: u64,
    /// Their big-endian bytes.
    pub bytes: &'a [u8],
    ranks: &'a Ranks<'a>,
    /// Position of the first in its part.
    start: u64,
}

impl DatumChunk<'_> {
    /// Lexicographic rank in the lattice of the site of datum `index`, `0..count`; 0 for global data.
    pub fn rank(&self, index: u64) -> u64 {
        self.ranks.rank(self.start + index)
    }
}

impl<R: ReadAt> ScidacFile<R> {
    /// Reads a logical record once, computes its checksum and hands each chunk to `visit`, whose error ends the pass.
    /// `chunk_bytes` is rounded down to whole data, but at least one.
    ///
    /// # Errors
    /// Those of `visit`; [`Error::NoSuchRecord`], [`Error::UnusableRecord`], [`Error::Read`], [`Error::OutOfMemory`].
    pub fn read_payload<E: From<Error>>(
        &self,
        index: usize,
        chunk_bytes: usize,
        visit: impl FnMut(DatumChunk<'_>) -> Result<(), E>,
    ) -> Result<Verification, E> {
        let computed = self.read_data(index, 0..self.payload(index)?.sites, chunk_bytes, visit)?;
        Ok(self.verification(index, computed)?)
    }

    /// What a logical record's checksum should be, beside the one that its data have, [`Self::read_data`] says.
    ///
    /// # Errors
    /// [`Error::NoSuchRecord`].
    pub fn verification(&self, index: usize, computed: ScidacChecksum) -> Result<Verification> {
        let (stored, path) = (self.payload(index)?.checksum, self.volumes[0].path.clone());
        Ok(Verification { computed, stored, posix_cksum: None, path })
    }

    /// Computes the checksum of a logical record. A mismatch is no error before [`Verification::check`].
    ///
    /// # Errors
    /// As [`Self::read_payload`].
    pub fn verify(&self, index: usize) -> Result<Verification> {
        self.read_payload(index, 1 << 19, |_| Ok(()))
    }

    /// Reads consecutive data of a logical record, counted as they are stored, and returns their part of the checksum:
    /// threads and ranks that share a record combine their parts with `^`.
    ///
    /// # Errors
    /// As [`Self::read_payload`]; [`Error::OutOfRange`].
    pub fn read_data<E: From<Error>>(
        &self,
        index: usize,
        data: Range<u64>,
        chunk_bytes: usize,
        mut visit: impl FnMut(DatumChunk<'_>) -> Result<(), E>,
    ) -> Result<ScidacChecksum, E> {
        let payload = self.payload(index)?;
        if let Some(detail) = &payload.fault {
            let error = Error::UnusableRecord { index, detail: detail.clone() };
            return Err(self.named(0, error).into());
        }
        if data.start > data.end || data.end > payload.sites {
            let Range { start, end } = data;
            return Err(Error::OutOfRange { what: "data", start, end, limit: payload.sites }.into());
        }
        let datum = payload.datum_bytes;
        let at_once = (chunk_bytes as u64 / datum).max(1).min(data.end - data.start);
        let mut memory = buffer(at_once * datum).map_err(|error| self.named(0, error))?;
        let mut sum = ScidacChecksum::default();
        let mut before = 0;
        for part in &payload.parts {
            let named = |error| E::from(self.named(part.volume, error));
            let volume = &self.volumes[part.volume];
            let ranks = payload.ranks(volume.sites.as_deref());
            let sites = ranks.sites();
            let mut start = data.start.saturating_sub(before).min(sites);
            let end = data.end.saturating_sub(before).min(sites);
            while start < end {
                let count = at_once.min(end - start);
                let bytes = &mut memory[..(count * datum) as usize];
                read(&volume.source, bytes, part.offset + start * datum).map_err(named)?;
                match ranks.is_identity() {
                    true => sum.add_range(start, datum as usize, bytes).map_err(named)?,
                    false => {
                        for (site, position) in bytes.chunks_exact(datum as usize).zip(start..) {
                            sum.add_site(ranks.rank(position), site);
                        }
                    }
                }
                visit(DatumChunk { first: before + start, count, bytes, ranks: &ranks, start })?;
                start += count;
            }
            before += sites;
        }
        Ok(sum)
    }

    pub(super) fn payload(&self, index: usize) -> Result<&super::file::ScidacPayload> {
        let count = self.payloads().len();
        self.payloads().get(index).ok_or_else(|| self.named(0, Error::NoSuchRecord { index, count }))
    }
}
