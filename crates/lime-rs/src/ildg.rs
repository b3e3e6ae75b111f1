//! An ILDG file: which record is the gauge field, what it holds, what its checksum should be.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::access::{ReadAt, open_file};
use crate::checksum::ScidacChecksum;
use crate::error::{Error, Result};
use crate::format::IldgFormat;
use crate::group::{Group, payloads};
use crate::record::Record;
use crate::record::record_type::{ILDG_FORMAT, ILDG_LFN, SCIDAC_CHECKSUM};
use crate::scanner::{read, scan};
use crate::scidac::compare_private_records;
use crate::shape::Shape;
use crate::stated::resolve;
use crate::warning::Warning;

/// Longest metadata record that is interpreted: real ones have a few hundred bytes.
pub(crate) const METADATA_LIMIT: u64 = 1 << 20;
/// Longest record that [`IldgFile::read_record`] takes into memory.
const RECORD_LIMIT: u64 = 1 << 28;

/// What to open in a file, and what its metadata do not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Selection {
    /// Lattice and group, for files without `ildg-format` or with a wrong one.
    pub shape: Option<Shape>,
    /// Which of several gauge fields, counted from 0: of the `ildg-binary-data` records, or of the fields of four colour
    /// matrices a site of a SciDAC file.
    pub payload: usize,
}

impl From<Option<Shape>> for Selection {
    fn from(shape: Option<Shape>) -> Self {
        Self { shape, payload: 0 }
    }
}

impl From<Shape> for Selection {
    fn from(shape: Shape) -> Self {
        Self { shape: Some(shape), payload: 0 }
    }
}

/// A gauge field within a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// What its bytes are.
    pub format: IldgFormat,
    /// Index of its record in [`IldgFile::records`].
    pub record: usize,
    /// Where its bytes begin in the file.
    pub offset: u64,
    /// How many bytes it has.
    pub bytes: u64,
    /// Logical file name from `ildg-data-lfn`.
    pub lfn: Option<String>,
    /// Checksum that the file states.
    pub checksum: Option<ScidacChecksum>,
}

impl Payload {
    /// How many real numbers the payload holds.
    pub fn numbers(&self) -> usize {
        (self.bytes / self.format.precision.bytes() as u64) as usize
    }
}

/// An opened ILDG file (or any other source of its bytes).
#[derive(Debug)]
pub struct IldgFile<R = File> {
    pub(crate) source: R,
    pub(crate) path: Option<PathBuf>,
    records: Vec<Record>,
    pub(crate) group: Group,
    payload: Payload,
    payload_count: usize,
    warnings: Vec<Warning>,
}

impl IldgFile<File> {
    /// Opens the first gauge field of a file whose metadata say what it is.
    ///
    /// # Errors
    /// Any of the reading errors, with the file's name; [`Error::MissingFormat`] where [`Self::open_with`] is
    /// needed; [`Error::NoGaugeField`] for files of other kinds.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, Selection::default())
    }

    /// Opens a file with what the caller knows of it: a [`Shape`] where the file has no `ildg-format`, or a
    /// [`Selection`] for a field other than the first.
    ///
    /// # Errors
    /// As [`Self::open`]; [`Error::NoSuchPayload`].
    pub fn open_with(path: impl AsRef<Path>, selection: impl Into<Selection>) -> Result<Self> {
        let path = path.as_ref();
        let open = || Self::from_source(open_file(path)?, selection.into());
        let mut file = open().map_err(|error| error.in_file(path))?;
        file.path = Some(path.to_owned());
        Ok(file)
    }
}

impl<R: ReadAt> IldgFile<R> {
    /// Reads the description of a gauge field from any source of bytes.
    ///
    /// # Errors
    /// As [`IldgFile::open_with`], without a file's name.
    pub fn from_source(source: R, selection: impl Into<Selection>) -> Result<Self> {
        let selection = selection.into();
        let (records, mut warnings) = scan(&source).complete()?;
        let candidates = payloads(&records);
        if candidates.is_empty() {
            let kinds = records.iter().map(|record| record.kind().to_owned()).collect();
            return Err(Error::NoGaugeField { kinds });
        }
        let Some(&record) = candidates.get(selection.payload) else {
            return Err(Error::NoSuchPayload { index: selection.payload, count: candidates.len() });
        };
        if candidates.len() > 1 {
            warnings.push(Warning::SeveralPayloads { count: candidates.len(), chosen: selection.payload });
        }
        let group = Group::of(&records, &candidates, selection.payload);
        let bytes = records[record].length();

        let stated = group
            .before_or_after(&records, ILDG_FORMAT)
            .or_else(|| group.inherited(&records, ILDG_FORMAT))
            .map(|index| load(&source, &records[index], METADATA_LIMIT))
            .transpose()?;
        let format = resolve(stated.as_deref(), selection.shape, bytes, &mut warnings)?;

        compare_private_records(&source, &records, &group, &format, &mut warnings)?;

        let lfn = group
            .before_or_after(&records, ILDG_LFN)
            .map(|index| load(&source, &records[index], METADATA_LIMIT))
            .transpose()?
            .map(|name| plain_text(&name).trim().to_owned())
            .filter(|name| !name.is_empty());
        if lfn.is_none() {
            warnings.push(Warning::MissingLfn);
        }

        let checksum = match group.after_or_before(&records, SCIDAC_CHECKSUM) {
            None => {
                warnings.push(Warning::MissingChecksum);
                None
            }
            Some(index) => stored_checksum(&source, &records[index], &mut warnings)?,
        };
        let offset = records[record].data_offset();
        let payload = Payload { format, record, offset, bytes, lfn, checksum };
        Ok(Self { source, path: None, records, group, payload, payload_count: candidates.len(), warnings })
    }

    /// The gauge field.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// How many gauge fields the file holds.
    pub fn payload_count(&self) -> usize {
        self.payload_count
    }

    /// Every record in file order.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// What was odd in the file.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Data of a record, which may be binary, by its index in [`Self::records`].
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for an index that is not there; [`Error::RecordTooLong`] beyond 256 MiB, for which
    /// [`Self::read_payload`] is made; [`Error::Read`].
    pub fn read_record(&self, index: usize) -> Result<Vec<u8>> {
        let count = self.records.len() as u64;
        let outside = || Error::OutOfRange {
            what: "record index",
            start: index as u64,
            end: (index as u64).saturating_add(1),
            limit: count,
        };
        self.records
            .get(index)
            .ok_or_else(outside)
            .and_then(|record| load(&self.source, record, RECORD_LIMIT))
            .map_err(|error| self.named(error))
    }

    /// Text of the first record of a type, e.g. `xlf-info`, without closing NULs and white space; bytes that are
    /// not UTF-8 are replaced. `None` where there is no such record.
    ///
    /// # Errors
    /// As [`Self::read_record`].
    pub fn text(&self, kind: &str) -> Result<Option<String>> {
        let index = self.records.iter().position(|record| record.kind() == kind);
        index.map(|index| Ok(plain_text(&self.read_record(index)?).trim_end().to_owned())).transpose()
    }

    /// As [`Self::text`], among the records that describe this gauge field: in a file of several not those of another.
    pub(crate) fn own_text(&self, kind: &str) -> Result<Option<String>> {
        let index = self.group.describing(&self.records, kind);
        index.map(|index| Ok(plain_text(&self.read_record(index)?).trim_end().to_owned())).transpose()
    }

    /// Adds the file's name to an error.
    pub(crate) fn named(&self, error: Error) -> Error {
        match &self.path {
            Some(path) => error.in_file(path),
            None => error,
        }
    }
}

pub(crate) fn stored_checksum(
    source: &impl ReadAt,
    record: &Record,
    warnings: &mut Vec<Warning>,
) -> Result<Option<ScidacChecksum>> {
    match load(source, record, METADATA_LIMIT).and_then(|text| ScidacChecksum::from_xml(&text)) {
        Ok(checksum) => Ok(Some(checksum)),
        Err(error @ (Error::BadChecksum { .. } | Error::RecordTooLong { .. })) => {
            warnings.push(Warning::UnreadableChecksum { detail: error.to_string() });
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The data of a record. The scanner has made sure that the file is at least that long.
pub(crate) fn load(source: &impl ReadAt, record: &Record, limit: u64) -> Result<Vec<u8>> {
    let length = record.length();
    if length > limit {
        return Err(Error::RecordTooLong { kind: record.kind().into(), length, limit });
    }
    let mut bytes = buffer(length)?;
    read(source, &mut bytes, record.data_offset())?;
    Ok(bytes)
}

/// Zeroed memory, or an error instead of an abort.
pub(crate) fn buffer(bytes: u64) -> Result<Vec<u8>> {
    let failed = || Error::OutOfMemory { bytes };
    let length = usize::try_from(bytes).map_err(|_| failed())?;
    let mut memory = Vec::new();
    memory.try_reserve_exact(length).map_err(|_| failed())?;
    memory.resize(length, 0);
    Ok(memory)
}

pub(crate) fn plain_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned()
}
