//! `gaugelink ildg convert`: a configuration in another format or precision.

use crate::cli::ConvertArgs;
use crate::error::DriverError;
use crate::links::{self, Lattices, WrongChecksum, load, precision_name, printable, shown, with_group};
use crate::report::Report;
use gaugelink_lattice::GaugeField;
use gaugelink_lattice::file::{FileChecksum, FileText, WriteOptions, write_as};
use gaugelink_physics::observable::{link_trace, plaquette};
use lime_rs::record_type::XLF_INFO;
use lime_rs::{GaugeFile, Precision, Rows, TextRecord};
use serde::Serialize;

/// Reads, verifies and writes.
///
/// # Errors
/// [`DriverError::Request`] where the format cannot hold the links; those of reading and writing. The old output, if
/// any, is then intact.
pub(crate) fn convert(args: &ConvertArgs, report: &mut Report) -> Result<(), DriverError> {
    let file = links::open(&args.input, &args.shape)?;
    let line = with_group!(file.body().nc, N => of_group::<N>(args, &file))?;
    report.record(&line)?;
    report.text(&line.text())
}

fn of_group<const N: usize>(args: &ConvertArgs, file: &GaugeFile) -> Result<Line, DriverError> {
    let precision = precision(args, file)?;
    let lattice = Lattices::new(0).of(file)?;
    let mut u = GaugeField::<f64, N>::cold(&lattice)?;
    let wrong = WrongChecksum::unless(args.ignore_checksum, "--ignore-checksum");
    let loaded = load(file, &args.input, &mut u, 0, wrong)?;
    let (average, trace) = (plaquette(&u)[0], link_trace(&u)[0]);
    let text = text(args, file, &loaded.checksum, average)?;
    let options = WriteOptions {
        format: args.to,
        precision,
        rows: rows(args),
        plaquette: Some(average),
        link_trace: Some(trace),
        text: Some(&text),
    };
    let sums = write_as(&args.output, &u, 0, &options)?;
    Ok(Line {
        input: shown(&args.input),
        input_format: file.format().name(),
        input_precision: precision_name(file.body().precision),
        output: shown(&args.output),
        format: args.to.name(),
        precision: precision_name(precision),
        rows: args.rows.unwrap_or(N as u8),
        dims: file.body().dims,
        nc: N,
        plaquette: average,
        link_trace: trace,
        checksum: sums.checksum().to_string(),
        warnings: file.warnings().iter().map(ToString::to_string).collect(),
    })
}

fn rows(args: &ConvertArgs) -> Rows {
    if args.rows == Some(2) { Rows::Two } else { Rows::All }
}

/// The precision asked for, else the file's, else a wider one that the format has: nothing is rounded unasked.
fn precision(args: &ConvertArgs, file: &GaugeFile) -> Result<Precision, DriverError> {
    let body = file.body();
    let held = |precision| args.to.body(body.dims, body.nc, precision, rows(args)).map(|_| precision);
    let precision = match args.precision {
        Some(precision) => held(precision),
        None => held(body.precision).or_else(|error| held(Precision::F64).map_err(|_| error)),
    };
    precision.map_err(|error| {
        let option = match args.precision {
            None if held(Precision::F32).is_ok() => " (--precision f32 rounds the links)",
            _ => "",
        };
        DriverError::Request(format!("{}: {error}{option}", shown(&args.input)))
    })
}

/// Records of an ILDG file: what the input says of itself, and where the links come from.
fn text(
    args: &ConvertArgs,
    file: &GaugeFile,
    found: &FileChecksum,
    average: f64,
) -> Result<FileText, DriverError> {
    let version = env!("CARGO_PKG_VERSION");
    let name = args.input.file_name().unwrap_or_default().to_string_lossy();
    let ildg = file.ildg();
    let info = ildg.map(|file| file.text(XLF_INFO)).transpose()?.flatten();
    let info = info.unwrap_or_else(|| format!("plaquette = {average:.15}\n gaugelink_version = {version}\n"));
    let record = serde_json::json!({
        "program": "gaugelink ildg convert", "version": version, "input": name, "format": file.format().name(),
        "precision": precision_name(file.body().precision), "computed": found.computed.to_string(),
        "stated": found.stored.map(|sum| sum.to_string()),
    });
    Ok(FileText {
        lfn: ildg.and_then(|file| file.payload().lfn.clone()),
        before: vec![TextRecord::new(XLF_INFO, info)],
        after: vec![TextRecord::new("gaugelink-provenance", format!("{record:#}\n"))],
    })
}

/// What was done.
#[derive(Serialize)]
struct Line {
    input: String,
    input_format: &'static str,
    input_precision: &'static str,
    output: String,
    format: &'static str,
    precision: &'static str,
    rows: u8,
    dims: [usize; 4],
    nc: usize,
    plaquette: f64,
    link_trace: f64,
    checksum: String,
    warnings: Vec<String>,
}

impl Line {
    fn text(&self) -> String {
        let mut lines = vec![
            format!("{} ({}, {})", self.input, self.input_format, self.input_precision),
            format!("  -> {} ({}, {})", self.output, self.format, self.precision),
            format!(
                "  plaquette {:.12}, link trace {:.12}, checksum {}",
                self.plaquette, self.link_trace, self.checksum
            ),
        ];
        lines.extend(self.warnings.iter().map(|warning| format!("  warning: {}", printable(warning))));
        lines.join("\n")
    }
}
