//! The logical records of SciDAC files (propagators, spinors, several fields, global data), in one file or in volumes.

use crate::cli::ShapeArgs;
use crate::error::DriverError;
use crate::links::{self, printable};
use crate::progress;
use lime_rs::{Content, Error, GaugeFile, Number, RecordKind, ScidacChecksum, ScidacFile, ScidacPayload};
use serde::Serialize;
use std::path::Path;

/// What a path leads to.
pub(super) enum Found {
    /// A gauge field.
    Gauge(Box<GaugeFile>),
    /// A SciDAC file that holds none.
    Other(Box<ScidacFile>),
}

/// Opens a gauge field, or a SciDAC file without one; of volumes, all.
///
/// # Errors
/// Those of [`links::open`].
pub(super) fn open(path: &Path, shape: &ShapeArgs, payload: usize) -> Result<Found, DriverError> {
    let error = match links::open(path, shape, payload) {
        Ok(file) => return Ok(Found::Gauge(Box::new(file))),
        Err(error) => error,
    };
    let other = error.file_error().is_some_and(|error| matches!(error.root(), Error::NoGaugeField { .. }));
    if other && let Ok(file) = ScidacFile::open_with(path, shape.dims.as_deref()) {
        return Ok(Found::Other(Box::new(file)));
    }
    Err(error)
}

/// The SciDAC file around a gauge field, and the field's index among its logical records, where there are several.
pub(super) fn around(file: &GaugeFile) -> Option<(&ScidacFile, usize)> {
    file.scidac().filter(|(all, _)| all.payloads().len() > 1)
}

/// One logical record.
#[derive(Serialize)]
pub(super) struct LogicalLine {
    /// Counted from 0.
    index: usize,
    /// "field", "global" or "box".
    kind: &'static str,
    /// As the file names it.
    datatype: String,
    /// What a site holds, by the length of the data.
    content: String,
    /// "f32", "f64", "i32", …
    number: &'static str,
    sites: u64,
    bytes: u64,
    #[serde(skip)]
    stored: Option<ScidacChecksum>,
    stored_checksum: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    computed_checksum: Option<String>,
    /// "ok", "bad" or "none"; absent where it was not computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl LogicalLine {
    /// All records of a file.
    pub fn all(file: &ScidacFile) -> Vec<Self> {
        file.payloads().iter().enumerate().map(|(index, payload)| Self::of(index, payload)).collect()
    }

    fn of(index: usize, payload: &ScidacPayload) -> Self {
        Self {
            index,
            kind: match payload.info.kind {
                RecordKind::Field => "field",
                RecordKind::Global => "global",
                RecordKind::Hyper { .. } => "box",
            },
            datatype: payload.info.datatype.clone(),
            content: content(&payload.content),
            number: number(payload.number),
            sites: payload.sites,
            bytes: payload.bytes(),
            stored: payload.checksum,
            stored_checksum: payload.checksum.map(|sum| sum.to_string()),
            computed_checksum: None,
            checksum: None,
            error: None,
        }
    }

    /// Reads the data and compares them with their checksum.
    pub fn verify(&mut self, file: &ScidacFile) {
        let bar = progress::bytes("reading", self.bytes);
        let read = file.read_payload(self.index, 1 << 19, |chunk| {
            bar.inc(chunk.bytes.len() as u64);
            Ok::<(), Error>(())
        });
        bar.finish_and_clear();
        match read {
            Ok(sums) => self.settle(sums.computed),
            Err(error) => self.error = Some(error.root().to_string()),
        }
    }

    /// States the checksum of the data that were read.
    pub fn settle(&mut self, computed: ScidacChecksum) {
        self.computed_checksum = Some(computed.to_string());
        self.checksum = Some(match self.stored {
            None => "none",
            Some(stored) if stored == computed => "ok",
            Some(stored) => {
                let error = Error::ChecksumMismatch { stored, computed };
                self.error = Some(format!("logical record {}: {error}", self.index));
                "bad"
            }
        });
    }

    /// A line of a table, under [`Self::HEAD`].
    pub fn text(&self) -> String {
        let checksum = match (self.checksum, &self.stored_checksum, &self.computed_checksum) {
            (Some("bad"), Some(stored), Some(computed)) => format!("{computed} (BAD, stored is {stored})"),
            (Some("ok"), _, Some(computed)) => format!("{computed} (ok)"),
            (_, _, Some(computed)) => format!("{computed} (none is stored)"),
            (_, Some(stored), None) => format!("{stored} (stored)"),
            (_, None, None) => "none".into(),
        };
        let Self { index, sites, bytes, kind, content, number, .. } = self;
        let datatype = printable(&self.datatype);
        format!(
            "  {index:>6}  {kind:<6}  {sites:>9}  {bytes:>12}  {datatype}: {content}, {number}; {checksum}"
        )
    }

    /// Names of the columns.
    pub const HEAD: &'static str = "  record  kind        sites         bytes  what; checksum";
}

/// "3 records on 8x8x8x8 (x,y,z,t), in 2 volumes".
pub(super) fn described(file: &ScidacFile) -> String {
    let dims = file.info().dims.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
    let records = links::counted(file.payloads().len() as u64, "logical record", "logical records");
    let volumes = match file.volumes() {
        1 => String::new(),
        volumes => format!(", in {volumes} volumes"),
    };
    format!("{records} on {dims} (x first){volumes}")
}

/// The extents, where they are four at most.
pub(super) fn dims(file: &ScidacFile) -> Option<[usize; 4]> {
    let found = &file.info().dims;
    let mut dims = [1; 4];
    dims.get_mut(..found.len())?.copy_from_slice(found);
    Some(dims)
}

/// Why no link is looked at.
pub(super) const NOTE: &str = "no gauge field: the bytes are verified, the numbers are not judged";

fn content(content: &Content) -> String {
    let counted = |count: usize, one: &str, several: &str| links::counted(count as u64, one, several);
    match *content {
        Content::ColourMatrix { nc, count } => {
            format!("{} of {nc} colours", counted(count, "colour matrix", "colour matrices"))
        }
        Content::ColourVector { nc, count } => {
            format!("{} of {nc} colours", counted(count, "colour vector", "colour vectors"))
        }
        Content::Spinor { ns, nc, count, .. } => {
            format!("{} of {ns} spins and {nc} colours", counted(count, "spinor", "spinors"))
        }
        Content::Propagator { ns, nc, count, .. } => {
            format!("{} of {ns} spins and {nc} colours", counted(count, "propagator", "propagators"))
        }
        Content::Complex { count } => counted(count, "complex number", "complex numbers"),
        Content::Numbers { count } => counted(count, "number", "numbers"),
    }
}

fn number(number: Number) -> &'static str {
    match number {
        Number::F32 => "f32",
        Number::F64 => "f64",
        Number::I32 => "i32",
        Number::U32 => "u32",
        Number::I64 => "i64",
        Number::U64 => "u64",
        Number::Byte => "bytes",
    }
}
