//! A gauge field on disk in any format: what it is, its stated values, its bytes as canonical links.
//!
//! Detection reads the bytes. Where only physics can tell two formats apart (openQCD and DDalphaAMG have the same
//! header and length) [`GaugeFile::detect`] returns the candidates, and [`GaugeFile::choose`] compares the plaquette of
//! their links, which the caller computes, with the stated one.

pub(crate) mod body;
mod choice;
pub(crate) mod format;
pub(crate) mod order;
mod pass;
mod stated;
pub(crate) mod sums;
mod texts;
mod writer;

pub(crate) use choice::FITS;

pub use body::{Body, Rows};
pub use format::FileFormat;
pub use order::Order;
pub use pass::UnitChunk;
pub(crate) use stated::decimal;
pub use stated::{Further, Stated, plaquette_in};
pub use sums::{Checksum, ChecksumKind, MilcChecksum, Sums};
pub use texts::UserRecord;
pub use writer::{GaugeMeta, GaugeWriter};

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::access::{ReadAt, open_file};
use crate::endian::ByteOrder;
use crate::error::{Error, Result};
use crate::ildg::{IldgFile, Selection};
use crate::record::record_type::{ILDG_BINARY, ILDG_FORMAT, PRIVATE_FILE_XML, SCIDAC_BINARY};
use crate::record::{MAGIC, Record};
use crate::scanner::{read, scan};
use crate::scidac::{Places, ScidacFile};
use crate::shape::Shape;
use crate::warning::Warning;
use crate::{ddalphaamg, hirep, milc, nersc, openqcd, scidac};

/// What a header describes.
#[derive(Debug)]
pub(crate) struct Description {
    pub body: Body,
    pub offset: u64,
    pub stated: Stated,
}

/// Where the bytes are.
#[derive(Debug)]
enum Source<R> {
    Ildg(Box<IldgFile<R>>),
    /// SciDAC's, and which logical record it is; in several volumes with the places of the sites.
    Scidac {
        file: Box<ScidacFile<R>>,
        record: usize,
        path: Option<PathBuf>,
        places: Option<Places>,
    },
    /// Files without records.
    Other {
        source: R,
        path: Option<PathBuf>,
    },
}

/// An opened gauge configuration of any format.
#[derive(Debug)]
pub struct GaugeFile<R = File> {
    source: Source<R>,
    format: FileFormat,
    description: Description,
    warnings: Vec<Warning>,
}

impl GaugeFile<File> {
    /// Opens a file whose bytes say what it is.
    ///
    /// # Errors
    /// As [`Self::open_as`]; [`Error::SeveralFormats`] where [`Self::detect`] is needed.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_as(path, None, None)
    }

    /// Opens a file with what the caller knows of it: its format, its shape where it states none or a wrong one, and which
    /// of several gauge fields is wanted ([`Selection`], a [`Shape`], or `None`).
    ///
    /// # Errors
    /// Any of the reading errors, with the file's name; [`Error::UnknownFormat`] and [`Error::SeveralFormats`] where
    /// no format is given; [`Error::NoSuchPayload`].
    pub fn open_as(
        path: impl AsRef<Path>,
        format: Option<FileFormat>,
        selection: impl Into<Selection>,
    ) -> Result<Self> {
        let (path, selection) = (path.as_ref(), selection.into());
        let opened = if format.is_none_or(FileFormat::has_records) && in_volumes(path) {
            let dims = selection.shape.map(|shape| shape.dims);
            ScidacFile::open_with(path, dims.as_ref().map(|dims| &dims[..]))
                .and_then(|file| Self::from_scidac(file, selection))
        } else {
            open_file(path).and_then(|file| Self::from_source(file, format, selection))
        };
        let mut file = opened.map_err(|error| error.in_file(path))?;
        match &mut file.source {
            Source::Ildg(file) => file.path = Some(path.to_owned()),
            Source::Scidac { path: place, .. } | Source::Other { path: place, .. } => {
                *place = Some(path.to_owned());
            }
        }
        Ok(file)
    }

    /// The formats that a file may have by its bytes: one, or several that share a header.
    ///
    /// # Errors
    /// [`Error::UnknownFormat`], [`Error::Open`], [`Error::Read`].
    pub fn detect(path: impl AsRef<Path>) -> Result<Vec<FileFormat>> {
        let path = path.as_ref();
        if in_volumes(path) {
            return Ok(vec![FileFormat::Scidac]);
        }
        open_file(path).and_then(|file| detect(&file)).map_err(|error| error.in_file(path))
    }
}

/// Whether a path leads to a SciDAC file in several volumes.
fn in_volumes(path: &Path) -> bool {
    ScidacFile::volume_paths(path).len() > 1
}

/// The formats that a source of bytes may have.
fn detect(source: &impl ReadAt) -> Result<Vec<FileFormat>> {
    let (head, size) = head(source, 64)?;
    let magic = MAGIC.starts_with(&head[..head.len().min(4)]) && !head.is_empty();
    if magic {
        return Ok(vec![lime_format(&scan(source).records)]);
    }
    if nersc::begins(&head) {
        return Ok(vec![FileFormat::Nersc]);
    }
    if milc::begins(&head) {
        return Ok(vec![FileFormat::Milc]);
    }
    let fits = [
        (FileFormat::OpenQcd, openqcd::fits(&head, size)),
        (FileFormat::DdAlphaAmg, ddalphaamg::fits(&head, size)),
        (FileFormat::HiRep, hirep::fits(&head, size)),
    ];
    let found: Vec<FileFormat> =
        fits.into_iter().filter_map(|(format, fits)| fits.then_some(format)).collect();
    if found.is_empty() { Err(Error::UnknownFormat { size }) } else { Ok(found) }
}

/// SciDAC's where the data, or what describes them, is SciDAC's and not ILDG's.
fn lime_format(records: &[Record]) -> FileFormat {
    let has = |kind: &str| records.iter().any(|record| record.kind() == kind);
    let data = if has(ILDG_BINARY) { has(PRIVATE_FILE_XML) } else { has(SCIDAC_BINARY) };
    if data && !has(ILDG_FORMAT) { FileFormat::Scidac } else { FileFormat::Ildg }
}

/// The first bytes of a source, at most `limit`, and its size.
pub(crate) fn head(source: &impl ReadAt, limit: u64) -> Result<(Vec<u8>, u64)> {
    let size = source.size().map_err(|source| Error::Read { offset: 0, length: 0, source })?;
    let mut bytes = vec![0; size.min(limit) as usize];
    read(source, &mut bytes, 0)?;
    Ok((bytes, size))
}

impl<R: ReadAt> GaugeFile<R> {
    /// Reads the description of a gauge field from any source of bytes; see [`GaugeFile::open_as`].
    ///
    /// # Errors
    /// As there, without a file's name.
    pub fn from_source(
        source: R,
        format: Option<FileFormat>,
        selection: impl Into<Selection>,
    ) -> Result<Self> {
        let selection = selection.into();
        let shape = selection.shape;
        let format = match format {
            Some(format) => format,
            None => match detect(&source)?[..] {
                [format] => format,
                ref candidates => return Err(Error::SeveralFormats { candidates: candidates.to_vec() }),
            },
        };
        let mut warnings = Vec::new();
        let description = match format {
            FileFormat::Ildg | FileFormat::Grid => {
                return Ok(IldgFile::from_source(source, selection)?.into());
            }
            FileFormat::Scidac => {
                let file = ScidacFile::from_sources([source], shape.as_ref().map(|shape| &shape.dims[..]))?;
                return Self::from_scidac(file, selection);
            }
            _ if selection.payload > 0 => Err(Error::NoSuchPayload { index: selection.payload, count: 1 }),
            FileFormat::Nersc => nersc::describe(&source, shape, &mut warnings),
            FileFormat::Milc => milc::describe(&source, shape, &mut warnings),
            FileFormat::OpenQcd => openqcd::describe(&source, shape, &mut warnings),
            FileFormat::DdAlphaAmg => ddalphaamg::describe(&source, shape, &mut warnings),
            FileFormat::HiRep => hirep::describe(&source, shape, &mut warnings),
        }?;
        Ok(Self { source: Source::Other { source, path: None }, format, description, warnings })
    }

    /// A gauge field of an opened SciDAC file.
    fn from_scidac(file: ScidacFile<R>, selection: Selection) -> Result<Self> {
        let mut warnings = Vec::new();
        let (description, record) = scidac::describe_links(&file, selection, &mut warnings)?;
        let places = (file.volumes() > 1).then(|| Places::of(&file, record)).transpose()?;
        let source = Source::Scidac { file: Box::new(file), record, path: None, places };
        Ok(Self { source, format: FileFormat::Scidac, description, warnings })
    }

    /// The format.
    pub fn format(&self) -> FileFormat {
        self.format
    }

    /// What the links' bytes are.
    pub fn body(&self) -> &Body {
        &self.description.body
    }

    /// Where they begin in the file; 0 where several volumes share them.
    pub fn offset(&self) -> u64 {
        self.description.offset
    }

    /// What the file states of its links.
    pub fn stated(&self) -> &Stated {
        &self.description.stated
    }

    /// What was odd in the file.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// ILDG's metadata, where the file is of that format.
    pub fn ildg(&self) -> Option<&IldgFile<R>> {
        match &self.source {
            Source::Ildg(file) => Some(file),
            Source::Scidac { .. } | Source::Other { .. } => None,
        }
    }

    /// The SciDAC file around the field, and which of its logical records it is, where the file is of that format.
    pub fn scidac(&self) -> Option<(&ScidacFile<R>, usize)> {
        match &self.source {
            Source::Scidac { file, record, .. } => Some((file, *record)),
            Source::Ildg(_) | Source::Other { .. } => None,
        }
    }

    /// LIME records in file order, of several volumes those of the one with the metadata; none where the format has none.
    pub fn records(&self) -> &[Record] {
        match &self.source {
            Source::Ildg(file) => file.records(),
            Source::Scidac { file, .. } => file.records(0).unwrap_or_default(),
            Source::Other { .. } => &[],
        }
    }

    /// The logical file name (ILDG).
    pub fn lfn(&self) -> Option<&str> {
        self.ildg()?.payload().lfn.as_deref()
    }

    /// Text of the first record of a type, e.g. `xlf-info`, without closing NULs and white space; bytes that are
    /// not UTF-8 are replaced. `None` where there is no such record, as in formats without records. In a file of several
    /// fields the records of the others do not count.
    ///
    /// # Errors
    /// [`Error::RecordTooLong`], [`Error::Read`].
    pub fn text(&self, kind: &str) -> Result<Option<String>> {
        match &self.source {
            Source::Ildg(file) => file.own_text(kind),
            Source::Scidac { file, record, .. } => {
                file.text_of(*record, kind).map_err(|error| self.named(error))
            }
            Source::Other { .. } => Ok(None),
        }
    }

    pub(crate) fn source(&self) -> &R {
        match &self.source {
            Source::Ildg(file) => &file.source,
            Source::Scidac { file, .. } => file.source(),
            Source::Other { source, .. } => source,
        }
    }

    /// Fills `bytes` with whole units of the body, wherever they lie. The caller keeps within it.
    fn read_stored(&self, first_unit: u64, bytes: &mut [u8]) -> Result<()> {
        if let Source::Scidac { file, places: Some(places), .. } = &self.source {
            return places.read(file, first_unit, bytes);
        }
        read(self.source(), bytes, self.offset() + first_unit * self.body().unit_bytes() as u64)
    }

    /// An error on what was read of it, with the file's name where it has one.
    pub fn named(&self, error: Error) -> Error {
        match &self.source {
            Source::Ildg(file) => file.named(error),
            Source::Scidac { path: Some(path), .. } | Source::Other { path: Some(path), .. } => {
                error.in_file(path)
            }
            Source::Scidac { path: None, .. } | Source::Other { path: None, .. } => error,
        }
    }
}

impl<R: ReadAt> From<IldgFile<R>> for GaugeFile<R> {
    fn from(file: IldgFile<R>) -> Self {
        let payload = file.payload();
        let crate::IldgFormat { dims, nc, precision, .. } = payload.format;
        let (byte_order, rows, order) = (ByteOrder::Big, Rows::All, Order::Canonical);
        let body = Body { dims, nc, precision, byte_order, rows, order };
        let checksum = payload.checksum.map(Checksum::Scidac);
        let stated = Stated::of_ildg(&file, checksum);
        let description = Description { body, offset: payload.offset, stated };
        let warnings = file.warnings().to_vec();
        Self { source: Source::Ildg(Box::new(file)), format: FileFormat::Ildg, description, warnings }
    }
}

/// Extents from a binary header: positive, and small enough that no product of them overflows.
pub(crate) fn extents(numbers: [i32; 4]) -> Option<[usize; 4]> {
    let dims = numbers.map(|n| usize::try_from(n).unwrap_or(0));
    (!dims.contains(&0)).then_some(dims)
}

/// The header's shape, or the caller's where one is given.
pub(crate) fn settled(
    format: FileFormat,
    stated: Shape,
    given: Option<Shape>,
    warnings: &mut Vec<Warning>,
) -> Shape {
    match given.filter(|&shape| shape != stated) {
        None => stated,
        Some(used) => {
            let (stated, shown) = (stated.to_string(), used.to_string());
            warnings.push(Warning::HeaderShapeDiffers { format, stated, used: shown });
            used
        }
    }
}

/// The plaquette in a header, which is all that damage may be noticed by, if it is a number.
pub(crate) fn finite(format: FileFormat, plaquette: f64, warnings: &mut Vec<Warning>) -> Option<f64> {
    if !plaquette.is_finite() {
        let value = plaquette.to_string();
        warnings.push(Warning::UnreadableHeaderValue { format, key: "plaquette", value });
    }
    Some(plaquette).filter(|p| p.is_finite())
}

/// Compares the length of a file with what its header promises.
pub(crate) fn measured(
    format: FileFormat,
    description: Description,
    size: u64,
    warnings: &mut Vec<Warning>,
) -> Result<Description> {
    let body = description.body.checked()?;
    let present = size.saturating_sub(description.offset);
    let expected = body.bytes();
    if present < expected {
        let shape = Shape { dims: body.dims, nc: body.nc }.to_string();
        return Err(Error::TruncatedBody { format, shape, expected, present });
    }
    if present > expected {
        warnings.push(Warning::TrailingBytes { format, length: present - expected });
    }
    if description.stated.checksum.is_none() {
        warnings.push(Warning::NoStoredChecksum { format });
    }
    Ok(description)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_configuration_is_no_format() {
        for bytes in [&b""[..], b"text", &[0; 64], &[0xff; 64], &[1; 200]] {
            let error = GaugeFile::from_source(bytes, None, None).unwrap_err();
            assert!(matches!(error, Error::UnknownFormat { .. }), "{error}");
        }
    }
}
