//! One pass over units of a body: big reads, checksums, and the caller's decoding while the bytes are in cache.

use std::ops::Range;

use crate::access::ReadAt;
use crate::error::{Error, Result};
use crate::gauge::{GaugeFile, Sums};
use crate::ildg::buffer;

/// Consecutive units as they are stored.
#[derive(Debug, Clone, Copy)]
pub struct UnitChunk<'a> {
    /// The first of them.
    pub first_unit: u64,
    /// How many there are.
    pub units: u64,
    /// Their bytes, for [`crate::Body::decode`].
    pub bytes: &'a [u8],
}

impl<R: ReadAt> GaugeFile<R> {
    /// Reads consecutive units in chunks of about `chunk_bytes` bytes (one unit at least) and returns their part of
    /// the sums: threads and ranks that share a file combine theirs with [`Sums::append`]. `posix_cksum` asks for
    /// that sum too.
    ///
    /// # Errors
    /// Those of `visit`, which end the pass; [`Error::OutOfRange`], [`Error::Read`], [`Error::OutOfMemory`].
    pub fn read_units<E: From<Error>>(
        &self,
        units: Range<u64>,
        chunk_bytes: usize,
        posix_cksum: bool,
        mut visit: impl FnMut(UnitChunk<'_>) -> Result<(), E>,
    ) -> Result<Sums, E> {
        let named = |error| E::from(self.named(error));
        let limit = self.body().units();
        if units.start > units.end || units.end > limit {
            let Range { start, end } = units;
            return Err(named(Error::OutOfRange { what: "units", start, end, limit }));
        }
        let unit_bytes = self.body().unit_bytes();
        let at_once = ((chunk_bytes / unit_bytes).max(1) as u64).min(units.end - units.start);
        let mut memory = buffer(at_once * unit_bytes as u64).map_err(named)?;
        let mut sums = Sums::new(self.format().checksum_kind(), posix_cksum);
        let mut first_unit = units.start;
        while first_unit < units.end {
            let count = at_once.min(units.end - first_unit);
            let bytes = &mut memory[..count as usize * unit_bytes];
            self.read_stored(first_unit, bytes).map_err(named)?;
            sums.add(self.body(), first_unit, bytes).map_err(named)?;
            visit(UnitChunk { first_unit, units: count, bytes })?;
            first_unit += count;
        }
        Ok(sums)
    }

    /// Fills `bytes` with the stored bytes of whole units from `first_unit` on, for callers that sum them themselves
    /// with [`Sums::add`].
    ///
    /// # Errors
    /// [`Error::SizeMismatch`] for bytes that are not whole units; [`Error::OutOfRange`], [`Error::Read`].
    pub fn read_bytes(&self, first_unit: u64, bytes: &mut [u8]) -> Result<()> {
        let (unit_bytes, limit) = (self.body().unit_bytes(), self.body().units());
        let units = (bytes.len() / unit_bytes) as u64;
        let end = first_unit.saturating_add(units);
        let checked = if !bytes.len().is_multiple_of(unit_bytes) {
            let (given, needed) = (bytes.len() as u64, units * unit_bytes as u64);
            Err(Error::SizeMismatch { what: "bytes of whole units", given, needed })
        } else if end > limit {
            Err(Error::OutOfRange { what: "units", start: first_unit, end, limit })
        } else {
            self.read_stored(first_unit, bytes)
        };
        checked.map_err(|error| self.named(error))
    }

    /// Sums over the whole body.
    ///
    /// # Errors
    /// As [`Self::read_units`].
    pub fn sums(&self, posix_cksum: bool) -> Result<Sums> {
        self.read_units(0..self.body().units(), 1 << 19, posix_cksum, |_| Ok(()))
    }
}
