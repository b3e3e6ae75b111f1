//! `gaugelink ildg info`: records and metadata, without reading any payload.

use crate::cli::{FileArgs, ShapeArgs};
use crate::error::DriverError;
use crate::links::{self, described, precision_name, printable, reason, shown};
use crate::report::Report;
use lime_rs::{Error, IldgFile, Record, scan};
use serde::Serialize;
use std::fs::File;
use std::path::Path;

/// Prints records and metadata of each file.
///
/// # Errors
/// [`DriverError::Failed`] where a file is missing, damaged, or not in LIME format; files without a gauge field or
/// without its shape are described as far as they go.
pub(crate) fn info(args: &FileArgs, report: &mut Report) -> Result<(), DriverError> {
    let mut failed = 0;
    for path in &args.files {
        let line = Line::of(path, &args.shape);
        failed += line.error.is_some() as usize;
        report.record(&line)?;
        report.text(&line.text())?;
    }
    match failed {
        0 => Ok(()),
        failed => Err(DriverError::Failed { failed, total: args.files.len() }),
    }
}

#[derive(Serialize)]
struct RecordLine {
    #[serde(rename = "type")]
    kind: String,
    bytes: u64,
    mb: bool,
    me: bool,
}

impl From<&Record> for RecordLine {
    fn from(record: &Record) -> Self {
        let header = &record.header;
        Self {
            kind: header.kind.clone(),
            bytes: header.length,
            mb: header.message_begin,
            me: header.message_end,
        }
    }
}

#[derive(Serialize, Default)]
struct Line {
    file: String,
    /// "ildg"; "lime" for files of LIME records without a gauge field that could be described; none for others.
    format: Option<&'static str>,
    version: Option<String>,
    field: Option<String>,
    dims: Option<[usize; 4]>,
    nc: Option<usize>,
    precision: Option<&'static str>,
    lfn: Option<String>,
    payloads: usize,
    records: Vec<RecordLine>,
    suma: Option<String>,
    sumb: Option<String>,
    warnings: Vec<String>,
    /// Why a sound file cannot be described further.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip)]
    description: Option<String>,
}

impl Line {
    fn of(path: &Path, shape: &ShapeArgs) -> Self {
        let mut line = Self { file: shown(path), ..Self::default() };
        match links::open(path, shape) {
            Ok(file) => line.describe(&file),
            Err(error) => line.list(path, error),
        }
        line
    }

    fn describe(&mut self, file: &IldgFile) {
        let payload = file.payload();
        let format = &payload.format;
        self.format = Some("ildg");
        self.version = Some(format.version.clone()).filter(|version| !version.is_empty());
        self.field = Some(format.field.clone());
        self.dims = Some(format.dims);
        self.nc = Some(format.nc);
        self.precision = Some(precision_name(format.precision));
        self.lfn = payload.lfn.clone();
        self.payloads = file.payload_count();
        self.records = file.records().iter().map(RecordLine::from).collect();
        self.suma = payload.checksum.map(|sum| format!("{:08x}", sum.suma));
        self.sumb = payload.checksum.map(|sum| format!("{:08x}", sum.sumb));
        self.warnings = file.warnings().iter().map(ToString::to_string).collect();
        self.description = Some(described(file));
    }

    /// What a file without a readable description of a gauge field holds.
    fn list(&mut self, path: &Path, error: DriverError) {
        let sound = error.file_error().is_some_and(|error| {
            matches!(error.root(), Error::NoGaugeField { .. } | Error::MissingFormat { .. })
        });
        let said = Some(reason(&error, path));
        (self.note, self.error) = if sound { (said, None) } else { (None, said) };
        let Ok(file) = File::open(path) else { return };
        let found = scan(&file);
        self.records = found.records.iter().map(RecordLine::from).collect();
        self.warnings = found.warnings.iter().map(ToString::to_string).collect();
        self.payloads = self.records.iter().filter(|r| r.kind == lime_rs::record_type::ILDG_BINARY).count();
        self.format = (!self.records.is_empty()).then_some("lime");
    }

    fn text(&self) -> String {
        let mut lines = vec![self.file.clone()];
        if let Some(description) = &self.description {
            let version = self.version.as_deref().map_or("no version stated".into(), printable);
            let field = self.field.as_deref().unwrap_or_default();
            let sums = self.suma.as_ref().zip(self.sumb.as_ref());
            lines.push(format!("  field     {description}"));
            lines.push(format!("  format    ILDG {version}, {field}"));
            lines.push(format!("  name      {}", self.lfn.as_deref().map_or("none".into(), printable)));
            lines.push(format!(
                "  checksum  {}",
                sums.map_or("none".into(), |(a, b)| format!("{a}/{b} (stored; `ildg verify` computes it)"))
            ));
        }
        if !self.records.is_empty() {
            lines.push("  record  MB ME           bytes  type".into());
        }
        for (number, record) in (1..).zip(&self.records) {
            lines.push(format!(
                "  {number:>6}   {}  {}  {:>14}  {}",
                record.mb as u8,
                record.me as u8,
                record.bytes,
                printable(&record.kind)
            ));
        }
        lines.extend(self.note.iter().map(|note| format!("  note: {}", printable(note))));
        lines.extend(self.warnings.iter().map(|warning| format!("  warning: {}", printable(warning))));
        lines.extend(self.error.iter().map(|error| format!("  error: {}", printable(error))));
        lines.join("\n")
    }
}
