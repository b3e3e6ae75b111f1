//! The logical records of SciDAC files (propagators, spinors, several fields, global data), in one file or in volumes, and
//! of ILDG files with more than one field.

use crate::cli::ShapeArgs;
use crate::error::DriverError;
use crate::links::{self, precision_name, printable};
use crate::progress;
use lime_rs::record_type::{ILDG_BINARY, SCIDAC_BINARY};
use lime_rs::{
    Body, Content, Error, FileFormat, GaugeFile, Number, RecordKind, ScidacChecksum, ScidacFile,
    ScidacPayload, Selection, Shape,
};
use serde::Serialize;
use std::fs::File;
use std::path::Path;

/// Bytes that are read at a time.
const CHUNK_BYTES: usize = 1 << 19;

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
    if other && let Ok(file) = ScidacFile::open_with(path, shape.lattice.dims.as_deref()) {
        return Ok(Found::Other(Box::new(file)));
    }
    Err(error)
}

/// All that a file of several logical records holds.
pub(super) struct Records<'a> {
    file: Whole<'a>,
    pub lines: Vec<LogicalLine>,
    /// Which of them is the gauge field that was opened.
    pub own: Option<usize>,
}

/// The file around a gauge field.
enum Whole<'a> {
    Known(&'a ScidacFile),
    /// Around an ILDG field.
    Opened(Box<ScidacFile>),
}

impl<'a> Records<'a> {
    /// Those of a SciDAC file.
    pub fn of(file: &'a ScidacFile) -> Self {
        let lines =
            file.payloads().iter().enumerate().map(|(index, payload)| LogicalLine::of(index, payload));
        Self { lines: lines.collect(), file: Whole::Known(file), own: None }
    }

    /// Those of the file around a gauge field, where it holds more than that.
    ///
    /// # Errors
    /// Those of reading an ILDG file as SciDAC's.
    pub fn around(field: &'a GaugeFile, path: &Path) -> Result<Option<Self>, Error> {
        if let Some((file, own)) = field.scidac() {
            let several = file.payloads().len() > 1;
            return Ok(several.then(|| Self { own: Some(own), ..Self::of(file) }));
        }
        let Some(ildg) = field.ildg() else { return Ok(None) };
        let data: Vec<usize> = (0..ildg.records().len())
            .filter(|&i| [SCIDAC_BINARY, ILDG_BINARY].contains(&ildg.records()[i].kind()))
            .collect();
        if data.len() < 2 {
            return Ok(None);
        }
        let Body { dims, nc, .. } = *field.body();
        let open = |dims| {
            ScidacFile::from_sources([File::open(path).map_err(|source| Error::Open { source })?], dims)
        };
        // Where there are no private records, the gauge field's lattice is that of all.
        let file = open(None).or_else(|_| open(Some(&dims[..])))?;
        let mut lines = Records::of(&file).lines;
        // Each gauge field has the lattice and the checksum that ILDG's own records state.
        let fields = data.iter().zip(&mut lines).filter(|(i, _)| ildg.records()[**i].kind() == ILDG_BINARY);
        for (payload, (_, line)) in fields.enumerate() {
            let open = |shape| GaugeFile::open_as(path, Some(FileFormat::Ildg), Selection { shape, payload });
            // One without a lattice of its own has that of the field that was opened.
            line.take(open(None).or_else(|_| open(Some(Shape { dims, nc }))));
        }
        let own = data.iter().position(|&i| i == ildg.payload().record);
        Ok(Some(Self { file: Whole::Opened(Box::new(file)), lines, own }))
    }

    /// Verifies all records but the gauge field: what its bytes are is found out when its links are read.
    pub fn verify(&mut self) {
        let file = match &self.file {
            Whole::Known(file) => file,
            Whole::Opened(file) => &**file,
        };
        for (_, line) in self.lines.iter_mut().enumerate().filter(|(index, _)| self.own != Some(*index)) {
            line.verify(file);
        }
    }
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
    /// The field, where it is one of ILDG's.
    #[serde(skip)]
    ildg: Option<Box<GaugeFile>>,
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
            ildg: None,
            stored_checksum: payload.checksum.map(|sum| sum.to_string()),
            computed_checksum: None,
            checksum: None,
            error: None,
        }
    }

    /// Becomes what ILDG's records say of a gauge field.
    fn take(&mut self, field: Result<GaugeFile, Error>) {
        let field = match field {
            Ok(field) => field,
            Err(error) => {
                self.error = Some(format!("logical record {}: {}", self.index, error.root()));
                return;
            }
        };
        let body = field.body();
        self.content = content(&Content::ColourMatrix { nc: body.nc, count: 4 });
        self.number = precision_name(body.precision);
        self.sites = body.volume();
        if let Some(ildg) = field.ildg() {
            self.datatype.clone_from(&ildg.payload().format.field);
            self.stored = ildg.payload().checksum;
        }
        self.stored_checksum = self.stored.map(|sum| sum.to_string());
        self.ildg = Some(Box::new(field));
    }

    /// Reads the data and compares them with their checksum.
    fn verify(&mut self, file: &ScidacFile) {
        if self.error.is_some() {
            return;
        }
        let bar = progress::bytes("reading", self.bytes);
        let computed = match &self.ildg {
            Some(field) => field
                .read_units(0..field.body().units(), CHUNK_BYTES, false, |chunk| {
                    bar.inc(chunk.bytes.len() as u64);
                    Ok::<(), Error>(())
                })
                .map(|sums| sums.scidac),
            None => file
                .read_payload(self.index, CHUNK_BYTES, |chunk| {
                    bar.inc(chunk.bytes.len() as u64);
                    Ok::<(), Error>(())
                })
                .map(|sums| sums.computed),
        };
        bar.finish_and_clear();
        match computed {
            Ok(computed) => self.settle(computed),
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
