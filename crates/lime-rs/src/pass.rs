//! One pass over a payload: big reads, checksums, and the caller's decoding while the bytes are in cache.

use std::ops::Range;
use std::path::PathBuf;

use crate::access::ReadAt;
use crate::checksum::ScidacChecksum;
use crate::cksum::PosixCksum;
use crate::error::{Error, Result};
use crate::ildg::{IldgFile, buffer};
use crate::scanner::read;

/// How to go through a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassOptions {
    /// Bytes a read, rounded down to whole sites (but one site at least). About half a second-level cache is best.
    pub chunk_bytes: usize,
    /// Also compute the POSIX `cksum`, ILDG's `crcCheckSum`.
    pub posix_cksum: bool,
}

impl Default for PassOptions {
    fn default() -> Self {
        Self { chunk_bytes: 1 << 19, posix_cksum: false }
    }
}

/// Consecutive sites as they are stored.
#[derive(Debug, Clone, Copy)]
pub struct Chunk<'a> {
    /// Rank of the first site.
    pub first_site: u64,
    /// Number of sites.
    pub sites: u64,
    /// Their big-endian bytes.
    pub bytes: &'a [u8],
}

/// What the payload's checksums are and should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// SciDAC checksum of the bytes that were read.
    pub computed: ScidacChecksum,
    /// SciDAC checksum that the file states, if it does.
    pub stored: Option<ScidacChecksum>,
    /// POSIX `cksum` of the payload, if asked for.
    pub posix_cksum: Option<u32>,
    pub(crate) path: Option<PathBuf>,
}

impl Verification {
    /// Whether the file states a checksum and its payload has it.
    pub fn is_verified(&self) -> bool {
        self.stored == Some(self.computed)
    }

    /// Refuses a payload whose stored checksum disagrees. A file without one passes: that is a warning.
    ///
    /// # Errors
    /// [`Error::ChecksumMismatch`].
    pub fn check(self) -> Result<Self> {
        match self.stored {
            Some(stored) if stored != self.computed => {
                let error = Error::ChecksumMismatch { stored, computed: self.computed };
                Err(match self.path {
                    Some(path) => error.in_file(path),
                    None => error,
                })
            }
            _ => Ok(self),
        }
    }
}

impl<R: ReadAt> IldgFile<R> {
    /// Computes the payload's checksum; `progress` hears the bytes done and in all after each read.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::OutOfMemory`]. A mismatch is no error before [`Verification::check`].
    pub fn verify_checksum(&self, mut progress: impl FnMut(u64, u64)) -> Result<Verification> {
        let (site_bytes, total) = (self.payload().format.site_bytes() as u64, self.payload().bytes);
        self.read_payload(PassOptions::default(), |chunk| {
            progress((chunk.first_site + chunk.sites) * site_bytes, total);
            Ok(())
        })
    }

    /// Reads the whole payload once, in site order, computes its checksums and hands each chunk to `visit`,
    /// whose error ends the pass.
    ///
    /// # Errors
    /// Those of `visit`; [`Error::Read`], [`Error::OutOfMemory`].
    pub fn read_payload<E: From<Error>>(
        &self,
        options: PassOptions,
        mut visit: impl FnMut(Chunk<'_>) -> Result<(), E>,
    ) -> Result<Verification, E> {
        let mut cksum = options.posix_cksum.then(PosixCksum::new);
        let sites = 0..self.payload().format.volume();
        let computed = self.read_sites(sites, options.chunk_bytes, |chunk| {
            if let Some(cksum) = &mut cksum {
                cksum.update(chunk.bytes);
            }
            visit(chunk)
        })?;
        let posix_cksum = cksum.map(|cksum| cksum.value());
        Ok(Verification { computed, stored: self.payload().checksum, posix_cksum, path: self.path.clone() })
    }

    /// Reads consecutive sites and returns their part of the checksum: threads and ranks that share a payload
    /// combine their parts with `^`.
    ///
    /// # Errors
    /// Those of `visit`; [`Error::OutOfRange`], [`Error::Read`], [`Error::OutOfMemory`].
    pub fn read_sites<E: From<Error>>(
        &self,
        sites: Range<u64>,
        chunk_bytes: usize,
        mut visit: impl FnMut(Chunk<'_>) -> Result<(), E>,
    ) -> Result<ScidacChecksum, E> {
        let named = |error| E::from(self.named(error));
        let limit = self.payload().format.volume();
        if sites.start > sites.end || sites.end > limit {
            let Range { start, end } = sites;
            return Err(named(Error::OutOfRange { what: "sites", start, end, limit }));
        }
        let site_bytes = self.payload().format.site_bytes();
        let at_once = ((chunk_bytes / site_bytes).max(1) as u64).min(sites.end - sites.start);
        let mut memory = buffer(at_once * site_bytes as u64).map_err(named)?;
        let mut sum = ScidacChecksum::default();
        let mut first_site = sites.start;
        while first_site < sites.end {
            let count = at_once.min(sites.end - first_site);
            let bytes = &mut memory[..count as usize * site_bytes];
            read(&self.source, bytes, self.payload().offset + first_site * site_bytes as u64)
                .map_err(named)?;
            sum.add_range(first_site, site_bytes, bytes).map_err(named)?;
            visit(Chunk { first_site, sites: count, bytes })?;
            first_site += count;
        }
        Ok(sum)
    }
}
