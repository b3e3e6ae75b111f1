//! Writes a gauge configuration of any format: headers first, the body in any order from any thread or rank, the
//! checksum at the end, and only then the name.

use std::path::Path;

use crate::access::WriteAt;
use crate::atomic::AtomicFile;
use crate::error::{Error, Result};
use crate::format::{IldgFormat, Precision};
use crate::gauge::body::{Body, Rows};
use crate::gauge::format::FileFormat;
use crate::gauge::sums::Sums;
use crate::grid::GridMeta;
use crate::writer::{IldgMeta, IldgWriter, PayloadWriter, TextRecord};
use crate::{ddalphaamg, hirep, milc, nersc, openqcd};

/// Everything in a file but its links and their checksum.
#[derive(Debug, Clone, PartialEq)]
pub struct GaugeMeta {
    /// The format.
    pub format: FileFormat,
    /// Extents in x, y, z, t.
    pub dims: [usize; 4],
    /// Number of colours.
    pub nc: usize,
    /// Width of the numbers.
    pub precision: Precision,
    /// What is kept of each link.
    pub rows: Rows,
    /// Average plaquette, `Re tr P / Nc`, for headers that state it.
    pub plaquette: Option<f64>,
    /// Average of `Re tr U / Nc`, for headers that state it.
    pub link_trace: Option<f64>,
    /// Sum over sites, directions and components of `|component|²`, for Grid's records.
    pub norm2: Option<f64>,
    /// Logical file name (ILDG); Grid reads no file without.
    pub lfn: Option<String>,
    /// The user's XML on the file (`scidac-file-xml`) and on the field (`scidac-record-xml`), for ILDG and SciDAC; a short title
    /// where there is none. Grid's files have its own.
    pub user_xml: [Option<String>; 2],
    /// Records before the payload (ILDG, SciDAC).
    pub extra: Vec<TextRecord>,
}

impl GaugeMeta {
    /// Metadata without stated values and additional records, all rows of each link.
    pub fn new(format: FileFormat, dims: [usize; 4], nc: usize, precision: Precision) -> Self {
        let (plaquette, link_trace, norm2, lfn, user_xml, extra) =
            (None, None, None, None, [None, None], Vec::new());
        let rows = Rows::All;
        Self { format, dims, nc, precision, rows, plaquette, link_trace, norm2, lfn, user_xml, extra }
    }
}

/// A file under construction. Dropped without [`GaugeWriter::finish`] it vanishes and the old target is intact.
#[derive(Debug)]
pub struct GaugeWriter {
    body: Body,
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Lime(IldgWriter),
    Plain { atomic: AtomicFile, payload: PayloadWriter, meta: GaugeMeta },
}

impl GaugeWriter {
    /// Begins a file that is to replace or become `target`.
    ///
    /// # Errors
    /// [`Error::CannotHold`] where the format cannot hold such links; [`Error::PlaquetteNeeded`];
    /// [`Error::ImpossibleShape`]; [`Error::RecordType`]; [`Error::Unwritable`] for a logical file name that is none, and
    /// for what Grid's records need and the metadata lack; [`Error::Write`].
    pub fn create(target: impl AsRef<Path>, meta: &GaugeMeta) -> Result<Self> {
        let GaugeMeta { format, dims, nc, precision, rows, .. } = *meta;
        let body = format.body(dims, nc, precision, rows)?;
        if format.states_plaquette() && meta.plaquette.is_none() {
            return Err(Error::PlaquetteNeeded { format });
        }
        if format.has_records() {
            let mut ildg = IldgMeta::new(IldgFormat::new(dims, nc, precision)?);
            (ildg.lfn, ildg.extra) = (meta.lfn.clone(), meta.extra.clone());
            let [file_xml, record_xml] = meta.user_xml.clone();
            (ildg.file_xml, ildg.record_xml) =
                (file_xml.unwrap_or(ildg.file_xml), record_xml.unwrap_or(ildg.record_xml));
            ildg.scidac_only = format == FileFormat::Scidac;
            ildg.grid = (format == FileFormat::Grid).then(|| grid(meta));
            // The time of writing would make two runs of one seed differ.
            ildg.date = String::new();
            return Ok(Self { body, inner: Inner::Lime(IldgWriter::create(target, &ildg)?) });
        }
        let atomic = AtomicFile::create(target)?;
        let header = header(meta, &body, &Sums::new(format.checksum_kind(), false));
        let payload = PayloadWriter::within(&atomic, header.len() as u64, body.bytes())?;
        Ok(Self { body, inner: Inner::Plain { atomic, payload, meta: meta.clone() } })
    }

    /// What the body's bytes must be.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// Where the body begins in the file.
    pub fn offset(&self) -> u64 {
        match &self.inner {
            Inner::Lime(writer) => writer.payload_offset(),
            Inner::Plain { payload, .. } => payload.offset(),
        }
    }

    /// Path of the temporary file, for [`PayloadWriter::attach`] on other ranks.
    pub fn temporary_path(&self) -> &Path {
        match &self.inner {
            Inner::Lime(writer) => writer.temporary_path(),
            Inner::Plain { atomic, .. } => atomic.temporary_path(),
        }
    }

    /// Writes bytes at `offset` within the body; see [`PayloadWriter::write_payload_at`].
    ///
    /// # Errors
    /// As there.
    pub fn write_body_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        match &self.inner {
            Inner::Lime(writer) => writer.write_payload_at(offset, bytes),
            Inner::Plain { payload, .. } => payload.write_payload_at(offset, bytes),
        }
    }

    /// Counts bytes that other ranks wrote and finished.
    pub fn add_written(&self, bytes: u64) {
        match &self.inner {
            Inner::Lime(writer) => writer.add_written(bytes),
            Inner::Plain { payload, .. } => payload.add_written(bytes),
        }
    }

    /// Completes the file: checksum, trailing records (ILDG, SciDAC), fsync, rename.
    ///
    /// # Errors
    /// [`Error::IncompletePayload`] unless exactly the body's bytes were written; [`Error::RecordType`];
    /// [`Error::Write`]. The old target is intact.
    pub fn finish(self, sums: &Sums, trailing: &[TextRecord]) -> Result<()> {
        self.complete(sums, trailing)?.commit()
    }

    /// As [`Self::finish`] but for the last steps, fsync and rename: the file is complete under its temporary name, and may
    /// be read there.
    ///
    /// # Errors
    /// As there.
    pub fn complete(self, sums: &Sums, trailing: &[TextRecord]) -> Result<AtomicFile> {
        match self.inner {
            Inner::Lime(writer) => writer.complete(sums.scidac, trailing),
            Inner::Plain { atomic, payload, meta } => {
                payload.complete().map_err(|error| error.in_file(atomic.target()))?;
                let header = header(&meta, &self.body, sums);
                WriteAt::write_all_at(atomic.file(), &header, 0)
                    .map_err(|source| atomic.failed("write", source))?;
                Ok(atomic)
            }
        }
    }
}

/// What Grid's records state; what was not measured is no number, which they refuse.
fn grid(meta: &GaugeMeta) -> GridMeta {
    let [plaquette, link_trace, norm2] =
        [meta.plaquette, meta.link_trace, meta.norm2].map(|value| value.unwrap_or(f64::NAN));
    let description = meta.lfn.clone().unwrap_or_default();
    let creator = concat!("lime-rs ", env!("CARGO_PKG_VERSION")).into();
    GridMeta { plaquette, link_trace, norm2, description, sequence: 0, creator }
}

/// The header; as long for any sums.
fn header(meta: &GaugeMeta, body: &Body, sums: &Sums) -> Vec<u8> {
    let plaquette = meta.plaquette.unwrap_or_default();
    match meta.format {
        // Its records are IldgWriter's.
        FileFormat::Ildg | FileFormat::Scidac | FileFormat::Grid => Vec::new(),
        FileFormat::Nersc => nersc::header(body, plaquette, meta.link_trace.unwrap_or_default(), sums.nersc),
        FileFormat::Milc => milc::header(body, sums.milc),
        FileFormat::OpenQcd => openqcd::header(body, plaquette),
        FileFormat::DdAlphaAmg => ddalphaamg::header(body, plaquette),
        FileFormat::HiRep => hirep::header(body, plaquette),
    }
}
