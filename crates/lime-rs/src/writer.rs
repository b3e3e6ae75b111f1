//! Writes an ILDG file as QIO lays it out, with the payload's bytes in any order from any thread or rank.
//!
//! Records and messages: `scidac-private-file-xml`, `scidac-file-xml` | `scidac-private-record-xml`,
//! `scidac-record-xml`, `ildg-format`, `ildg-data-lfn`, additional records, `ildg-binary-data`,
//! `scidac-checksum` | trailing records, each a message of its own. Additional records stand directly before the
//! payload because that is where QIO skips what it does not know; tmLQCD and Grid look everywhere. With Grid's records
//! the order is that of [`grid`](crate::GridMeta).

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::access::WriteAt;
use crate::atomic::AtomicFile;
use crate::checksum::ScidacChecksum;
use crate::error::{Error, Result};
use crate::format::IldgFormat;
use crate::grid::GridMeta;
use crate::record::record_type::{
    FIELD_NORM, FILE_XML, GRID_FORMAT, ILDG_BINARY, ILDG_FORMAT, ILDG_LFN, PRIVATE_FILE_XML,
    PRIVATE_RECORD_XML, RECORD_XML, SCIDAC_BINARY, SCIDAC_CHECKSUM,
};
use crate::record::{
    ALONE, FIRST, Flags, HEADER_BYTES, LAST, MIDDLE, RecordHeader, padding, terminated, write_record,
};
use crate::scidac::{self, FileInfo, RecordInfo, VolumeFormat};
use crate::xml::check_xml;

/// Types that [`TextRecord`]s must not have: readers would take them for the writer's own.
const OWN_TYPES: [&str; 11] = [
    GRID_FORMAT,
    FIELD_NORM,
    PRIVATE_FILE_XML,
    FILE_XML,
    PRIVATE_RECORD_XML,
    RECORD_XML,
    ILDG_FORMAT,
    ILDG_LFN,
    ILDG_BINARY,
    SCIDAC_BINARY,
    SCIDAC_CHECKSUM,
];

/// An additional record, written as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextRecord {
    /// Record type, e.g. `xlf-info`.
    pub kind: String,
    /// Its data.
    pub text: String,
}

impl TextRecord {
    /// A record of this type with this text.
    pub fn new(kind: impl Into<String>, text: impl Into<String>) -> Self {
        Self { kind: kind.into(), text: text.into() }
    }
}

/// Everything in the file except the payload and its checksum.
#[derive(Debug, Clone, PartialEq)]
pub struct IldgMeta {
    /// Lattice, group and precision; from [`IldgFormat::new`].
    pub format: IldgFormat,
    /// Logical file name, e.g. `lfn://group/ensemble/conf.1000`, that passes [`check_lfn`]; Grid reads no file without.
    pub lfn: Option<String>,
    /// Text of `scidac-file-xml`; well-formed XML, because QDP++ parses it.
    pub file_xml: String,
    /// Text of `scidac-record-xml`; well-formed XML, because QDP++ parses it.
    pub record_xml: String,
    /// Date in `scidac-private-record-xml`.
    pub date: String,
    /// Additional records before the payload, e.g. `xlf-info`.
    pub extra: Vec<TextRecord>,
    /// Grid's records, so that its reader accepts the file. They need [`Self::lfn`], and `usqcdInfo` takes the place of
    /// [`Self::file_xml`] and [`Self::record_xml`].
    pub grid: Option<GridMeta>,
    /// Leaves ILDG's own records out: the payload is `scidac-binary-data`, and neither format nor name is stated.
    pub scidac_only: bool,
}

impl IldgMeta {
    /// [`Self::file_xml`] where the user gives none.
    pub const FILE_TITLE: &str =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><title>ILDG gauge configuration</title>";
    /// [`Self::record_xml`] where the user gives none.
    pub const RECORD_TITLE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><title>gauge field</title>";

    /// Metadata with short default texts, today's date and no additional records.
    pub fn new(format: IldgFormat) -> Self {
        Self {
            format,
            lfn: None,
            file_xml: Self::FILE_TITLE.into(),
            record_xml: Self::RECORD_TITLE.into(),
            date: scidac::date(),
            extra: Vec::new(),
            grid: None,
            scidac_only: false,
        }
    }
}

/// A place to write payload bytes: the writer's own, or that of another rank into the same temporary file.
#[derive(Debug)]
pub struct PayloadWriter {
    file: File,
    path: PathBuf,
    offset: u64,
    bytes: u64,
    written: AtomicU64,
}

impl PayloadWriter {
    /// Opens the temporary file of an [`IldgWriter`] from another process, with that writer's
    /// [`IldgWriter::temporary_path`], [`IldgWriter::payload_offset`] and [`IldgWriter::payload_bytes`].
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn attach(temporary: impl AsRef<Path>, payload_offset: u64, payload_bytes: u64) -> Result<Self> {
        let path = temporary.as_ref().to_owned();
        match OpenOptions::new().write(true).open(&path) {
            Ok(file) => Ok(Self {
                file,
                path,
                offset: payload_offset,
                bytes: payload_bytes,
                written: AtomicU64::new(0),
            }),
            Err(source) => Err(Error::Write { action: "open for writing", path, source }),
        }
    }

    /// A place within a file that is under construction here.
    pub(crate) fn within(atomic: &AtomicFile, offset: u64, bytes: u64) -> Result<Self> {
        let file = atomic.file().try_clone().map_err(|source| atomic.failed("write", source))?;
        Ok(Self { file, path: atomic.target().to_owned(), offset, bytes, written: AtomicU64::new(0) })
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    pub(crate) fn add_written(&self, bytes: u64) {
        self.written.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Refuses a payload of which bytes are missing.
    pub(crate) fn complete(self) -> Result<()> {
        let (written, expected) = (self.written.into_inner(), self.bytes);
        if written == expected { Ok(()) } else { Err(Error::IncompletePayload { written, expected }) }
    }

    /// Writes bytes at `offset` within the payload. Different parts may be written at the same time;
    /// no byte may be written twice, for the count of bytes tells whether the payload is complete.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] beyond the payload; [`Error::Write`], e.g. for a full disk.
    pub fn write_payload_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let length = bytes.len() as u64;
        let end = offset.saturating_add(length);
        if end > self.bytes {
            return Err(Error::OutOfRange { what: "payload bytes", start: offset, end, limit: self.bytes });
        }
        WriteAt::write_all_at(&self.file, bytes, self.offset + offset)
            .map_err(|source| self.failed("write", source))?;
        self.written.fetch_add(length, Ordering::Relaxed);
        Ok(())
    }

    /// Puts this rank's bytes on disk and returns how many it wrote, for [`IldgWriter::add_written`].
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn finish(self) -> Result<u64> {
        self.file.sync_data().map_err(|source| self.failed("flush", source))?;
        Ok(self.written.into_inner())
    }

    fn failed(&self, action: &'static str, source: io::Error) -> Error {
        Error::Write { action, path: self.path.clone(), source }
    }
}

/// A file under construction. Dropped without [`IldgWriter::finish`] it vanishes and the old target is intact.
#[derive(Debug)]
pub struct IldgWriter {
    atomic: AtomicFile,
    payload: PayloadWriter,
    /// Grid's `FieldNormMetaData`, which stands after the payload again.
    norm: Option<String>,
}

impl IldgWriter {
    /// Begins a file that is to replace or become `target` and writes every record up to the payload.
    ///
    /// # Errors
    /// [`Error::Write`]; [`Error::RecordType`] for an additional record that readers would misunderstand;
    /// [`Error::ImpossibleShape`]; [`Error::Unwritable`] for a logical file name that is none, for texts that are no XML,
    /// and for what Grid's reader would not survive.
    pub fn create(target: impl AsRef<Path>, meta: &IldgMeta) -> Result<Self> {
        let IldgFormat { dims, nc, precision, .. } = meta.format;
        let mut format = IldgFormat::new(dims, nc, precision)?;
        // A format read from a file that states no version has none.
        if !meta.format.version.is_empty() {
            format.version.clone_from(&meta.format.version);
        }
        let bytes = format.volume() * format.site_bytes() as u64;
        for record in &meta.extra {
            check_type(&record.kind)?;
        }

        meta.lfn.as_deref().map_or(Ok(()), check_lfn)?;
        if let Some(grid) = &meta.grid {
            grid.check(&format, meta.lfn.as_deref())?;
        }

        let atomic = AtomicFile::create(target)?;
        let lfn = meta.lfn.as_deref();
        let private_file = FileInfo::new(&format.dims, VolumeFormat::Single)?.to_xml();
        let private_record = RecordInfo::gauge(&format, &meta.date).to_xml();
        let mut records = match &meta.grid {
            None => vec![
                (PRIVATE_FILE_XML, FIRST, private_file),
                (FILE_XML, LAST, terminated(&meta.file_xml)),
                (PRIVATE_RECORD_XML, FIRST, private_record),
                (RECORD_XML, MIDDLE, terminated(&meta.record_xml)),
                (ILDG_FORMAT, MIDDLE, format.to_xml()),
            ],
            Some(grid) => vec![
                (GRID_FORMAT, FIRST, grid.format(&format, lfn.unwrap_or_default(), &meta.date)),
                (FIELD_NORM, MIDDLE, grid.norm()),
                (PRIVATE_FILE_XML, MIDDLE, private_file),
                (FILE_XML, LAST, grid.usqcd_info()),
                (PRIVATE_RECORD_XML, FIRST, private_record),
                (RECORD_XML, MIDDLE, grid.usqcd_info()),
                (ILDG_FORMAT, MIDDLE, format.to_xml()),
            ],
        };
        for (kind, _, text) in &records {
            check_xml(kind, text)?;
        }
        records.extend(lfn.map(|lfn| (ILDG_LFN, MIDDLE, terminated(lfn))));
        records.retain(|(kind, ..)| !meta.scidac_only || ![ILDG_FORMAT, ILDG_LFN].contains(kind));
        records.extend(meta.extra.iter().map(|record| (record.kind.as_str(), MIDDLE, record.text.clone())));
        let mut offset = 0;
        for (kind, flags, text) in &records {
            offset = put(&atomic, offset, kind, *flags, text)?;
        }
        let data = if meta.scidac_only { SCIDAC_BINARY } else { ILDG_BINARY };
        let header = RecordHeader::new(data, MIDDLE, bytes).encode()?;
        WriteAt::write_all_at(atomic.file(), &header, offset)
            .map_err(|source| atomic.failed("write", source))?;
        let payload = PayloadWriter::within(&atomic, offset + HEADER_BYTES, bytes)?;
        let norm = meta.grid.as_ref().map(GridMeta::norm);
        Ok(Self { atomic, payload, norm })
    }

    /// Where the payload begins in the file.
    pub fn payload_offset(&self) -> u64 {
        self.payload.offset
    }

    /// How many bytes the payload has.
    pub fn payload_bytes(&self) -> u64 {
        self.payload.bytes
    }

    /// Path of the temporary file, for [`PayloadWriter::attach`] on other ranks.
    pub fn temporary_path(&self) -> &Path {
        self.atomic.temporary_path()
    }

    /// Writes big-endian bytes at `offset` within the payload; see [`PayloadWriter::write_payload_at`].
    ///
    /// # Errors
    /// As there.
    pub fn write_payload_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.payload.write_payload_at(offset, bytes)
    }

    /// Counts payload bytes that other ranks wrote and finished.
    pub fn add_written(&self, bytes: u64) {
        self.payload.add_written(bytes);
    }

    /// Completes the file: padding, checksum, trailing records (e.g. `gaugelink-provenance`), fsync, rename.
    ///
    /// # Errors
    /// [`Error::IncompletePayload`] unless exactly the payload's bytes were written; [`Error::RecordType`];
    /// [`Error::Write`]. The old target is intact.
    pub fn finish(self, checksum: ScidacChecksum, trailing: &[TextRecord]) -> Result<()> {
        self.complete(checksum, trailing)?.commit()
    }

    /// As [`Self::finish`] but for the last steps, fsync and rename: the file is complete under its temporary name.
    ///
    /// # Errors
    /// As there.
    pub fn complete(self, checksum: ScidacChecksum, trailing: &[TextRecord]) -> Result<AtomicFile> {
        let Self { atomic, payload, norm } = self;
        let (end, pad) = (payload.offset + payload.bytes, padding(payload.bytes));
        payload.complete().map_err(|error| error.in_file(atomic.target()))?;
        for record in trailing {
            check_type(&record.kind)?;
        }
        WriteAt::write_all_at(atomic.file(), &[0; 8][..pad as usize], end)
            .map_err(|source| atomic.failed("write", source))?;
        let mut offset = end + pad;
        if let Some(norm) = norm {
            offset = put(&atomic, offset, FIELD_NORM, MIDDLE, &norm)?;
        }
        offset = put(&atomic, offset, SCIDAC_CHECKSUM, LAST, &scidac::checksum(checksum))?;
        for record in trailing {
            offset = put(&atomic, offset, &record.kind, ALONE, &record.text)?;
        }
        Ok(atomic)
    }
}

fn put(atomic: &AtomicFile, offset: u64, kind: &str, flags: Flags, text: &str) -> Result<u64> {
    let header = RecordHeader::new(kind, flags, text.len() as u64);
    write_record(atomic.file(), offset, &header, text.as_bytes(), |source| atomic.failed("write", source))
}

/// Refuses a logical file name that has control characters in it, or nothing: catalogues and readers take it as a line.
///
/// # Errors
/// [`Error::Unwritable`].
pub fn check_lfn(lfn: &str) -> Result<()> {
    let detail = if lfn.trim().is_empty() {
        "the logical file name is empty: give one such as lfn://group/ensemble/conf.1000".to_owned()
    } else if lfn.contains(char::is_control) {
        let shown = lfn.escape_debug();
        format!("the logical file name `{shown}` has control characters in it: give one line of plain text")
    } else {
        return Ok(());
    };
    Err(Error::Unwritable { detail })
}

fn check_type(kind: &str) -> Result<()> {
    RecordHeader::new(kind, MIDDLE, 0).encode()?;
    match OWN_TYPES.contains(&kind) {
        true => Err(Error::RecordType { kind: kind.into() }),
        false => Ok(()),
    }
}
