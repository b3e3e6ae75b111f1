//! `gaugelink ildg info`: records and metadata, without reading any payload.

use super::logical::{self, Found, LogicalLine, Records};
use crate::cli::FileArgs;
use crate::error::DriverError;
use crate::links::{described, precision_name, printable, reason, shown};
use crate::report::Report;
use lime_rs::{Checksum, Error, FileFormat, GaugeFile, Record, Rows, ScidacFile, scan};
use serde::Serialize;
use std::fs::File;
use std::path::Path;

/// Prints records and metadata of each file.
///
/// # Errors
/// [`DriverError::Failed`] where a file is missing, damaged, or of no known format; of SciDAC files without a gauge field
/// the logical records are listed, files without a shape are described as far as they go.
pub(crate) fn info(args: &FileArgs, report: &mut Report) -> Result<(), DriverError> {
    let mut failed = 0;
    for path in &args.files {
        let line = Line::of(path, args);
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
    /// Name of the format; "lime" for files of LIME records without a gauge field that could be described; none for others.
    format: Option<&'static str>,
    version: Option<String>,
    field: Option<String>,
    dims: Option<[usize; 4]>,
    nc: Option<usize>,
    precision: Option<&'static str>,
    /// Rows kept of each link.
    rows: Option<usize>,
    lfn: Option<String>,
    stated_plaquette: Option<f64>,
    stated_link_trace: Option<f64>,
    /// Sum of |component|² over all links, as Grid states it.
    stated_norm: Option<f64>,
    stored_checksum: Option<String>,
    payloads: usize,
    records: Vec<RecordLine>,
    /// Fields and global data of a file that holds more than a gauge field, or none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_records: Vec<LogicalLine>,
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
    fn of(path: &Path, args: &FileArgs) -> Self {
        let mut line = Self { file: shown(path), ..Self::default() };
        match logical::open(path, &args.shape, args.payload) {
            Ok(Found::Gauge(file)) => {
                line.describe(&file);
                match Records::around(&file, path) {
                    Ok(records) => {
                        line.logical_records = records.map(|records| records.lines).unwrap_or_default();
                    }
                    Err(error) => line.warnings.push(error.root().to_string()),
                }
            }
            Ok(Found::Other(file)) => line.describe_other(&file),
            Err(error) => line.list(path, error),
        }
        line
    }

    fn describe(&mut self, file: &GaugeFile) {
        let (body, stated) = (file.body(), file.stated());
        self.format = Some(file.format().name());
        self.dims = Some(body.dims);
        self.nc = Some(body.nc);
        self.precision = Some(precision_name(body.precision));
        self.rows = Some(if body.rows == Rows::All { body.nc } else { body.nc - 1 });
        self.stated_plaquette = stated.plaquette;
        self.stated_link_trace = stated.link_trace;
        self.stated_norm = stated.norm2;
        self.stored_checksum = stated.checksum.map(|sum| sum.to_string());
        self.warnings = file.warnings().iter().map(ToString::to_string).collect();
        self.description = Some(described(file));
        self.payloads = 1;
        self.records = file.records().iter().map(RecordLine::from).collect();
        if let Some(Checksum::Scidac(sum)) = stated.checksum {
            (self.suma, self.sumb) = Some(sum.hexadecimal().into()).unzip();
        }
        let Some(file) = file.ildg() else { return };
        let payload = file.payload();
        self.version = Some(payload.format.version.clone()).filter(|version| !version.is_empty());
        self.field = Some(payload.format.field.clone());
        self.lfn = payload.lfn.clone();
        self.payloads = file.payload_count();
    }

    /// A SciDAC file without a gauge field.
    fn describe_other(&mut self, file: &ScidacFile) {
        self.format = Some(FileFormat::Scidac.name());
        self.dims = logical::dims(file);
        self.logical_records = Records::of(file).lines;
        self.payloads = self.logical_records.len();
        self.records = file.records(0).unwrap_or_default().iter().map(RecordLine::from).collect();
        self.warnings = file.warnings().iter().map(ToString::to_string).collect();
        self.description = Some(logical::described(file));
        self.note = Some(logical::NOTE.into());
    }

    /// What a file without a readable description of a gauge field holds.
    fn list(&mut self, path: &Path, error: DriverError) {
        let sound = error.file_error().is_some_and(|error| {
            matches!(error.root(), Error::NoGaugeField { .. } | Error::MissingFormat { .. })
        });
        let said = Some(reason(&error, path));
        (self.note, self.error) = if sound { (said, None) } else { (None, said) };
        // A pipe would keep its opener waiting.
        let Some(file) = path.is_file().then(|| File::open(path).ok()).flatten() else { return };
        let found = scan(&file);
        self.records = found.records.iter().map(RecordLine::from).collect();
        self.warnings = found.warnings.iter().map(ToString::to_string).collect();
        self.payloads = self.records.iter().filter(|r| r.kind == lime_rs::record_type::ILDG_BINARY).count();
        self.format = (!self.records.is_empty()).then_some("lime");
    }

    fn text(&self) -> String {
        let mut lines = vec![printable(&self.file)];
        if let Some(description) = &self.description {
            lines.push(format!("  field     {description}"));
            if let Some(field) = &self.field {
                let version = self.version.as_deref().map_or("no version stated".into(), printable);
                lines.push(format!("  format    ILDG {version}, {field}"));
                lines.push(format!("  name      {}", self.lfn.as_deref().map_or("none".into(), printable)));
            } else {
                let rows = self.rows.filter(|rows| Some(*rows) != self.nc);
                let rows = rows.map_or(String::new(), |rows| format!(", {rows} rows of each link"));
                lines.push(format!("  format    {}{rows}", self.format.unwrap_or_default()));
            }
            if self.nc.is_some() {
                let stored = self.stored_checksum.as_ref();
                lines.push(format!(
                    "  checksum  {}",
                    stored.map_or("none".into(), |sum| format!("{sum} (stored; `ildg verify` computes it)"))
                ));
            }
            let values = [
                ("plaquette", self.stated_plaquette),
                ("link trace", self.stated_link_trace),
                ("norm", self.stated_norm),
            ];
            let values = values.iter().filter_map(|(name, value)| Some(format!("{name} {}", (*value)?)));
            let values = values.collect::<Vec<_>>().join(", ");
            if !values.is_empty() {
                lines.push(format!("  stated    {values}"));
            }
        }
        if !self.logical_records.is_empty() {
            lines.push(LogicalLine::HEAD.into());
        }
        lines.extend(self.logical_records.iter().map(LogicalLine::text));
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
