//! Where the sites of a field lie that several volumes share, so that it can be read in the order of their ranks.

use super::file::ScidacFile;
use crate::access::ReadAt;
use crate::error::{Error, Result};
use crate::scanner::read;

/// The places of a field's sites.
#[derive(Debug)]
pub(crate) struct Places {
    /// Index of the logical record.
    payload: usize,
    /// By rank: the number of a site's data, counted through all volumes.
    places: Vec<u64>,
}

impl Places {
    /// Finds every site of a field; the volumes' lists of sites, which cover the lattice once, say where.
    ///
    /// # Errors
    /// [`Error::UnusableRecord`], [`Error::OutOfMemory`].
    pub fn of<R: ReadAt>(file: &ScidacFile<R>, payload: usize) -> Result<Self> {
        let field = &file.payloads()[payload];
        let mut places = Vec::new();
        let bytes = field.sites.saturating_mul(size_of::<u64>() as u64);
        let sites = usize::try_from(field.sites).map_err(|_| Error::OutOfMemory { bytes })?;
        places.try_reserve_exact(sites).map_err(|_| Error::OutOfMemory { bytes })?;
        places.resize(sites, 0);
        let mut next = 0;
        for part in &field.parts {
            let ranks = field.ranks(file.volumes[part.volume].sites.as_deref());
            for position in 0..ranks.sites() {
                let rank = ranks.rank(position) as usize;
                let outside = || Error::UnusableRecord {
                    index: payload,
                    detail: format!("a site list names site {rank} of {sites}"),
                };
                *places.get_mut(rank).ok_or_else(outside)? = next;
                next += 1;
            }
        }
        Ok(Self { payload, places })
    }

    /// Fills `bytes` with the data of whole sites from `first` on, by rank. The caller keeps within the field.
    ///
    /// # Errors
    /// [`Error::Read`], with the volume's name.
    pub fn read<R: ReadAt>(&self, file: &ScidacFile<R>, first: u64, bytes: &mut [u8]) -> Result<()> {
        let field = &file.payloads()[self.payload];
        let datum = field.datum_bytes as usize;
        let places = &self.places[first as usize..][..bytes.len() / datum];
        let mut done = 0;
        // Sites that follow each other in a volume are read at once.
        for run in places.chunk_by(|a, b| a + 1 == *b) {
            let (mut place, mut left) = (run[0] * datum as u64, run.len() * datum);
            for part in &field.parts {
                if left > 0 && place < part.bytes {
                    let here = left.min((part.bytes - place) as usize);
                    let volume = &file.volumes[part.volume];
                    read(&volume.source, &mut bytes[done..done + here], part.offset + place)
                        .map_err(|error| file.named(part.volume, error))?;
                    (done, left, place) = (done + here, left - here, 0);
                } else {
                    place = place.saturating_sub(part.bytes);
                }
            }
        }
        Ok(())
    }
}
