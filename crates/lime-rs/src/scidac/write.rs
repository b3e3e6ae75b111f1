//! Writes SciDAC files as QIO lays them out: any number of logical records, in one file or in partfile volumes.
//!
//! The first volume has all metadata and checksums, and global data; each other one has its site list and, for each
//! field, a record with the data of its sites. Every volume appears only when complete, the first one last: until then
//! readers find no file.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::info::{FileInfo, RecordInfo, RecordKind, VolumeFormat, checksum, date};
use super::ranks::{Ranks, Region, cover};
use crate::access::WriteAt;
use crate::atomic::AtomicFile;
use crate::checksum::ScidacChecksum;
use crate::error::{Error, Result};
use crate::record::record_type::{
    FILE_XML, PRIVATE_FILE_XML, PRIVATE_RECORD_XML, RECORD_XML, SCIDAC_BINARY, SCIDAC_CHECKSUM, SITELIST,
};
use crate::record::{
    ALONE, FIRST, Flags, HEADER_BYTES, LAST, MIDDLE, RecordHeader, padding, terminated, write_record,
};
use crate::xml::check_xml;

/// Everything of a logical record but its data and their checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScidacMeta {
    /// Private metadata; `typesize · datacount` is the number of bytes a site.
    pub info: RecordInfo,
    /// The user's text; well-formed XML, because QDP++ parses it.
    pub user_xml: String,
}

impl ScidacMeta {
    /// Metadata with today's date. `datatype` and `precision` as in [`RecordInfo`], sizes in bytes.
    pub fn new(kind: RecordKind, datatype: &str, precision: &str, typesize: u64, datacount: u64) -> Self {
        let info = RecordInfo {
            version: "1.1".into(),
            date: date(),
            kind,
            datatype: datatype.into(),
            precision: precision.into(),
            colors: 0,
            spins: 0,
            typesize,
            datacount,
        };
        Self { info, user_xml: "<?xml version=\"1.0\" encoding=\"UTF-8\"?><title>record</title>".into() }
    }
}

#[derive(Debug)]
struct Target {
    atomic: AtomicFile,
    /// End of what is written.
    offset: u64,
    /// Ranks of its sites, ascending; empty for a single file.
    sites: Vec<u64>,
}

impl Target {
    fn put(&mut self, kind: &str, flags: Flags, data: &[u8]) -> Result<()> {
        let header = RecordHeader::new(kind, flags, data.len() as u64);
        let failed = |source| self.atomic.failed("write", source);
        self.offset = write_record(self.atomic.file(), self.offset, &header, data, failed)?;
        Ok(())
    }
}

/// A SciDAC file under construction. Dropped without [`ScidacWriter::finish`] it vanishes.
#[derive(Debug)]
pub struct ScidacWriter {
    info: FileInfo,
    volumes: Vec<Target>,
}

impl ScidacWriter {
    /// Begins a single file for a lattice of these extents, x first. `file_xml` is the user's text on the file; XML,
    /// because QDP++ parses it.
    ///
    /// # Errors
    /// [`Error::UnusableDimensions`], [`Error::Write`]; [`Error::Unwritable`] where `file_xml` is no well-formed XML.
    pub fn create(target: impl AsRef<Path>, dims: &[usize], file_xml: &str) -> Result<Self> {
        let info = FileInfo::new(dims, VolumeFormat::Single)?;
        let atomic = AtomicFile::create(target)?;
        Self { info, volumes: vec![Target { atomic, offset: 0, sites: Vec::new() }] }.begin(file_xml)
    }

    /// Begins a partfile: volume `i` is `name.vol%04d` and holds the sites of the ranks `sites[i]`, which are ascending
    /// and together are the lattice.
    ///
    /// # Errors
    /// [`Error::UnusableDimensions`], [`Error::Write`]; [`Error::Volumes`] for other lists of sites.
    pub fn create_parts(
        name: impl AsRef<Path>,
        dims: &[usize],
        sites: Vec<Vec<u64>>,
        file_xml: &str,
    ) -> Result<Self> {
        let info = FileInfo::new(dims, VolumeFormat::Part)?;
        let lists: Vec<&[u64]> = sites.iter().map(|list| &list[..]).collect();
        cover(&lists, info.volume()).map_err(|detail| Error::Volumes { detail })?;
        if let Some(volume) = lists.iter().position(|list| list.is_empty() || !list.is_sorted()) {
            return Err(Error::Volumes {
                detail: format!("the sites of volume {volume} are none or not ascending"),
            });
        }
        let volumes = sites.into_iter().enumerate().map(|(number, sites)| {
            let mut path = name.as_ref().as_os_str().to_owned();
            path.push(format!(".vol{number:04}"));
            Ok(Target { atomic: AtomicFile::create(PathBuf::from(path))?, offset: 0, sites })
        });
        Self { info, volumes: volumes.collect::<Result<_>>()? }.begin(file_xml)
    }

    fn begin(mut self, file_xml: &str) -> Result<Self> {
        check_xml(FILE_XML, file_xml)?;
        let private = self.info.to_xml();
        for (number, volume) in self.volumes.iter_mut().enumerate() {
            let list = match volume.sites.last() {
                // QIO's rule: 32 bits where they suffice for this volume.
                Some(&last) if last <= u64::from(u32::MAX) => Some(
                    volume.sites.iter().flat_map(|&rank| (rank as u32).to_be_bytes()).collect::<Vec<u8>>(),
                ),
                Some(_) => Some(volume.sites.iter().flat_map(|rank| rank.to_be_bytes()).collect()),
                None => None,
            };
            if number == 0 {
                volume.put(PRIVATE_FILE_XML, FIRST, private.as_bytes())?;
            }
            if let Some(list) = list {
                volume.put(SITELIST, if number == 0 { MIDDLE } else { ALONE }, &list)?;
            }
            if number == 0 {
                volume.put(FILE_XML, LAST, terminated(file_xml).as_bytes())?;
            }
        }
        Ok(self)
    }

    /// Begins a logical record, whose data [`RecordWriter`] takes.
    ///
    /// # Errors
    /// [`Error::Unwritable`] where the metadata state no size or a box outside the lattice, or are no well-formed XML;
    /// [`Error::Write`].
    pub fn begin_record(&mut self, meta: &ScidacMeta) -> Result<RecordWriter<'_>> {
        let unwritable = |what: &str| Error::Unwritable { detail: what.into() };
        let datum =
            meta.info.datum_bytes().ok_or_else(|| unwritable("typesize and datacount must be at least 1"))?;
        let region = Region::of(&meta.info.kind, &self.info.dims)
            .ok_or_else(|| unwritable("the box must lie within the lattice"))?;
        let too_long = || unwritable("a record must have less than 2^63 bytes");
        let total = region
            .sites()
            .checked_mul(datum)
            .filter(|&bytes| bytes <= i64::MAX as u64)
            .ok_or_else(too_long)?;
        let private = meta.info.to_xml();
        check_xml(PRIVATE_RECORD_XML, &private)?;
        check_xml(RECORD_XML, &meta.user_xml)?;
        let main = &mut self.volumes[0];
        main.put(PRIVATE_RECORD_XML, FIRST, private.as_bytes())?;
        main.put(RECORD_XML, MIDDLE, terminated(&meta.user_xml).as_bytes())?;
        let is_global = meta.info.kind == RecordKind::Global;
        let mut parts = Vec::new();
        for (number, volume) in self.volumes.iter_mut().enumerate() {
            if is_global && number > 0 {
                break;
            }
            let ranks = if volume.sites.is_empty() || is_global {
                None
            } else {
                Some(
                    volume
                        .sites
                        .iter()
                        .copied()
                        .filter(|&rank| region.position(rank).is_some())
                        .collect::<Vec<u64>>(),
                )
            };
            let bytes = ranks.as_ref().map_or(total, |ranks| ranks.len() as u64 * datum);
            let header =
                RecordHeader::new(SCIDAC_BINARY, if number == 0 { MIDDLE } else { ALONE }, bytes).encode()?;
            WriteAt::write_all_at(volume.atomic.file(), &header, volume.offset)
                .map_err(|source| volume.atomic.failed("write", source))?;
            parts.push((volume.offset + HEADER_BYTES, bytes, ranks));
            volume.offset += HEADER_BYTES + bytes + padding(bytes);
        }
        Ok(RecordWriter {
            volumes: &mut self.volumes,
            region,
            datum,
            total,
            parts,
            written: AtomicU64::new(0),
        })
    }

    /// Writes a whole logical record from its big-endian bytes, in the order of lexicographic ranks (of a box: of its
    /// own), and its checksum.
    ///
    /// # Errors
    /// As [`Self::begin_record`]; [`Error::SizeMismatch`].
    pub fn write_record(&mut self, meta: &ScidacMeta, bytes: &[u8]) -> Result<ScidacChecksum> {
        let record = self.begin_record(meta)?;
        if bytes.len() as u64 != record.total {
            let (given, needed) = (bytes.len() as u64, record.total);
            return Err(Error::SizeMismatch { what: "bytes of the record", given, needed });
        }
        let sum = record.write_sites(0, bytes)?;
        record.finish(sum)?;
        Ok(sum)
    }

    /// Completes the file: fsync and rename of each volume, the first one last.
    ///
    /// # Errors
    /// [`Error::Write`]; volumes that were complete stay.
    pub fn finish(self) -> Result<()> {
        self.volumes.into_iter().rev().try_for_each(|volume| volume.atomic.commit())
    }
}

/// A logical record under construction; must be finished before the next one begins.
#[derive(Debug)]
pub struct RecordWriter<'a> {
    volumes: &'a mut [Target],
    region: Region,
    datum: u64,
    total: u64,
    /// Of each volume: where its data begin, how many bytes they have, and of which ranks they are.
    parts: Vec<(u64, u64, Option<Vec<u64>>)>,
    written: AtomicU64,
}

impl RecordWriter<'_> {
    /// Number of data: sites, or 1 for global data.
    pub fn sites(&self) -> u64 {
        self.region.sites()
    }

    /// Where other ranks write their part of a single file, with [`PayloadWriter`](crate::PayloadWriter): its temporary path,
    /// and where the record's bytes begin in it. With several volumes that is the first one's part.
    pub fn place(&self) -> (String, u64) {
        (self.volumes[0].atomic.temporary_path().to_string_lossy().into_owned(), self.parts[0].0)
    }

    /// Counts bytes that other ranks wrote and finished.
    pub fn add_written(&self, bytes: u64) {
        self.written.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Writes consecutive sites from position `first` on, in canonical order, from any thread, and returns their part
    /// of the checksum; parts combine with `^`. No site may be written twice.
    ///
    /// # Errors
    /// [`Error::SizeMismatch`], [`Error::OutOfRange`], [`Error::Write`].
    pub fn write_sites(&self, first: u64, bytes: &[u8]) -> Result<ScidacChecksum> {
        let length = bytes.len() as u64;
        if !length.is_multiple_of(self.datum) {
            let needed = length.next_multiple_of(self.datum);
            return Err(Error::SizeMismatch { what: "bytes for whole data", given: length, needed });
        }
        let end = first.saturating_add(length / self.datum);
        if end > self.sites() {
            return Err(Error::OutOfRange { what: "data", start: first, end, limit: self.sites() });
        }
        let ranks = Ranks::Region(&self.region);
        let mut sum = ScidacChecksum::default();
        for (site, position) in bytes.chunks_exact(self.datum as usize).zip(first..) {
            sum.add_site(ranks.rank(position), site);
        }
        for (volume, (offset, _, own)) in self.volumes.iter().zip(&self.parts) {
            match own {
                None => self.write(&volume.atomic, offset + first * self.datum, bytes)?,
                Some(own) => self.write_runs(&volume.atomic, *offset, own, first..end, bytes)?,
            }
        }
        Ok(sum)
    }

    /// Writes those of the sites that a volume has, neighbours at once.
    fn write_runs(
        &self,
        atomic: &AtomicFile,
        offset: u64,
        own: &[u64],
        sites: std::ops::Range<u64>,
        bytes: &[u8],
    ) -> Result<()> {
        let position = |index: usize| self.region.position(own[index]).unwrap_or(u64::MAX);
        let mut index =
            own.partition_point(|&rank| self.region.position(rank).is_some_and(|p| p < sites.start));
        while index < own.len() && position(index) < sites.end {
            let (begin, from) = (index, position(index));
            index += 1;
            while index < own.len()
                && position(index) == from + (index - begin) as u64
                && position(index) < sites.end
            {
                index += 1;
            }
            let start = ((from - sites.start) * self.datum) as usize;
            let run = &bytes[start..start + (index - begin) * self.datum as usize];
            self.write(atomic, offset + begin as u64 * self.datum, run)?;
        }
        Ok(())
    }

    fn write(&self, atomic: &AtomicFile, offset: u64, bytes: &[u8]) -> Result<()> {
        let file: &File = atomic.file();
        WriteAt::write_all_at(file, bytes, offset).map_err(|source| atomic.failed("write", source))?;
        self.written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Completes the record: padding and the checksum over all of its data.
    ///
    /// # Errors
    /// [`Error::IncompletePayload`] unless exactly the record's bytes were written; [`Error::Write`].
    pub fn finish(self, sum: ScidacChecksum) -> Result<()> {
        let (written, expected) = (self.written.into_inner(), self.total);
        if written != expected {
            return Err(Error::IncompletePayload { written, expected });
        }
        for (volume, (offset, bytes, _)) in self.volumes.iter().zip(&self.parts) {
            WriteAt::write_all_at(volume.atomic.file(), &[0; 8][..padding(*bytes) as usize], offset + bytes)
                .map_err(|source| volume.atomic.failed("write", source))?;
        }
        self.volumes[0].put(SCIDAC_CHECKSUM, LAST, checksum(sum).as_bytes())
    }
}
