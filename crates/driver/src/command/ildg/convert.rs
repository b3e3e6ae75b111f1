//! `gaugelink ildg convert`: a configuration in another format or precision, read back before it counts as done.

use super::carried::Carried;
use crate::cli::ConvertArgs;
use crate::error::DriverError;
use crate::links::{
    self, Differences, Lattices, Loaded, Measured, Refusals, Verdict, judge_averages, load, precision_name,
    printable, remarks, shown, with_group,
};
use crate::paths::is_same;
use crate::report::Report;
use crate::signals::stop_flag;
use gaugelink_lattice::file::{Complete, FileChecksum, FileText, WriteOptions, complete_as};
use gaugelink_lattice::{GaugeField, LatticeError};
use lime_rs::record_type::XLF_INFO;
use lime_rs::{
    Body, Error, FileFormat, GaugeFile, Precision, Rows, ScidacFile, Stated, TextRecord, plaquette_in,
};
use serde::Serialize;
use std::sync::atomic::{AtomicBool, Ordering};

/// Reads, verifies, writes, and compares what was written.
///
/// # Errors
/// [`DriverError::Request`] where the format cannot hold the links, or the output is the input or is there already;
/// those of reading and writing, also for a signal meanwhile. The old output, if any, is then intact.
pub(crate) fn convert(args: &ConvertArgs, report: &mut Report) -> Result<(), DriverError> {
    let input = ScidacFile::volume_paths(&args.input);
    let problem = if input.iter().any(|input| is_same(input, &args.output)) {
        "is the file to convert: give another name"
    } else if args.output.is_dir() {
        "is a folder: name a file in it"
    } else if args.output.exists() && !args.force {
        "is there already: give another name, or --force, which replaces it"
    } else {
        ""
    };
    if !problem.is_empty() {
        return Err(DriverError::Request(format!("{} {problem}", shown(&args.output))));
    }
    if args.lfn.is_some() && !args.to.has_lfn() {
        let problem = format!("--lfn: {} files have no logical file name, ildg and grid have", args.to);
        return Err(DriverError::Request(problem));
    }
    let file = links::open(&args.input, &args.shape, args.payload)?;
    let line = with_group!(file.body().nc, N => of_group::<N>(args, &file))?;
    report.record(&line)?;
    report.text(&line.text())
}

fn of_group<const N: usize>(args: &ConvertArgs, file: &GaugeFile) -> Result<Line, DriverError> {
    let precision = precision(args, file)?;
    let lattice = Lattices::new(0).of(file)?;
    let mut u = GaugeField::<f64, N>::cold(&lattice)?;
    // Numbers that are no links of the group would be those of a gauge field to whoever reads the copy.
    let links = links::remedy(args.ignore_unitarity, "--ignore-unitarity");
    let refusals = Refusals { links, ..Refusals::of_copies(args.ignore_checksum) };
    let loaded = load(file, &args.input, &mut u, 0, refusals)?;
    let measured = Measured::of(&u, 0);
    let Measured { plaquette: average, link_trace: trace, .. } = measured;
    let mut warnings = remarks(file, &args.input, &loaded, measured, lattice.comm(), refusals)?;
    let (info, corrected) = info(file, &loaded, measured)?;
    warnings.extend(corrected.filter(|_| args.to.has_records()));
    let mut verdict = Verdict::default();
    let open = loaded.survey.zero.count > 0;
    judge_averages((file.format(), file.stated(), file.body()), measured, open, &mut verdict);
    let Carried { text: carried, left_out } = Carried::of(file, args.to, !verdict.errors.is_empty())?;
    let text = text(args, file, &loaded.checksum, info, carried);
    // Until here a signal ends the program, which has written nothing.
    let stop = stop_flag(&args.output)?;
    let options = WriteOptions {
        format: args.to,
        precision,
        rows: rows(args),
        plaquette: Some(average),
        link_trace: Some(trace),
        text: Some(&text),
        stop: Some(&stop),
    };
    let write = || {
        let complete = complete_as(&args.output, &u, 0, &options)?;
        let largest = read_back(args, &u, &complete, file.body(), precision, &stop)?;
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Stopped.into());
        }
        Ok((complete.commit(lattice.comm())?, largest))
    };
    let (sums, largest) = write().map_err(|error| match error {
        DriverError::Lattice(LatticeError::File(error)) => error.in_file(&args.output).into(),
        error => error,
    })?;
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
        largest_difference: largest,
        left_out,
        warnings,
    })
}

/// The largest difference between the links and the file that was made of them, before it has its name: none but that of
/// rounding.
fn read_back<const N: usize>(
    args: &ConvertArgs,
    u: &GaugeField<f64, N>,
    written: &Complete,
    from: &Body,
    precision: Precision,
    stop: &AtomicBool,
) -> Result<f64, DriverError> {
    let path = written.path().unwrap_or(&args.output);
    let file = GaugeFile::open_as(path, Some(args.to), None)?;
    let (found, sums) = Differences::from_file(u, &file, stop)?;
    let body = args.to.body(from.dims, N, precision, rows(args))?;
    // Rows that follow from others have more digits than those.
    let wide = body.precision == Precision::F64 || (from.precision, from.rows) == (Precision::F32, Rows::All);
    let exact = wide && body.rows == Rows::All;
    let allowed = if exact { 0.0 } else { (2.0 * (N * N) as f64).sqrt() * body.rounding() };
    // Formats that state no checksum have that of the bytes written.
    let expected = written.sums.checksum();
    let same = *file.body() == body
        && sums.checksum() == expected
        && file.stated().checksum.is_none_or(|stated| stated == expected);
    if same && found.largest() <= allowed {
        return Ok(found.largest());
    }
    Err(DriverError::Input(format!(
        "{}: what was read back is not what was written (links differ by up to {:.1e}), and was removed; the old file, if \
         there was one, is as it was: the disk or its driver is at fault; convert again, to another disk",
        shown(&args.output),
        found.largest()
    )))
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

/// `xlf-info` of the output: that of the input, but for a plaquette that is not that of the links, which is then said; or a
/// new one.
fn info(
    file: &GaugeFile,
    loaded: &Loaded,
    measured: Measured,
) -> Result<(String, Option<String>), DriverError> {
    let average = format!("plaquette = {:.15}", measured.plaquette);
    let Some(info) = file.text(XLF_INFO)? else {
        let version = env!("CARGO_PKG_VERSION");
        return Ok((format!("{average}\n gaugelink_version = {version}\n"), None));
    };
    let Some((stated, rounding)) = plaquette_in(&info) else { return Ok((info, None)) };
    let mut verdict = Verdict::default();
    let written = Stated { plaquette: Some(stated), rounding: [rounding, 0.0], ..Stated::default() };
    let open = loaded.survey.zero.count > 0;
    judge_averages((FileFormat::Ildg, &written, file.body()), measured, open, &mut verdict);
    if verdict.errors.is_empty() {
        return Ok((info, None));
    }
    let others = info.lines().filter(|line| plaquette_in(line).is_none());
    let corrected = others.chain([&*average]).map(|line| format!("{line}\n")).collect();
    let said = format!(
        "the input's {XLF_INFO} states the plaquette {stated}, which is not that of the links: the output states theirs, {}",
        measured.plaquette
    );
    Ok((corrected, Some(said)))
}

/// Records of the output, where its format has any: what the input says of itself, and where the links come from.
fn text(
    args: &ConvertArgs,
    file: &GaugeFile,
    found: &FileChecksum,
    info: String,
    mut carried: FileText,
) -> FileText {
    let version = env!("CARGO_PKG_VERSION");
    let name = args.input.file_name().unwrap_or_default().to_string_lossy();
    let record = serde_json::json!({
        "program": "gaugelink ildg convert", "version": version, "input": name, "format": file.format().name(),
        "precision": precision_name(file.body().precision), "computed": found.computed.to_string(),
        "stated": found.stored.map(|sum| sum.to_string()), "payload": args.payload,
    });
    let lfn = args.lfn.as_deref().or_else(|| file.lfn().filter(|lfn| lime_rs::check_lfn(lfn).is_ok()));
    carried.lfn = Some(lfn.map_or_else(|| FileText::lfn_of(&args.output), str::to_owned));
    carried.before.insert(0, TextRecord::new(XLF_INFO, info));
    carried.after.push(TextRecord::new("gaugelink-provenance", format!("{record:#}\n")));
    carried
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
    /// Between the links and what was read back.
    largest_difference: f64,
    /// Types of the input's records whose content the output does not have.
    left_out: Vec<String>,
    warnings: Vec<String>,
}

impl Line {
    fn text(&self) -> String {
        let mut lines = vec![
            format!("{} ({}, {})", printable(&self.input), self.input_format, self.input_precision),
            format!("  -> {} ({}, {})", printable(&self.output), self.format, self.precision),
            format!(
                "  plaquette {:.12}, link trace {:.12}, checksum {}",
                self.plaquette, self.link_trace, self.checksum
            ),
            match self.largest_difference {
                0.0 => "  read back: every link is the same".into(),
                largest => format!("  read back: links differ by {largest:.1e} at most, which is rounding"),
            },
        ];
        if !self.left_out.is_empty() {
            lines.push(format!("  left out: {}", printable(&self.left_out.join(", "))));
        }
        lines.extend(self.warnings.iter().map(|warning| format!("  warning: {}", printable(warning))));
        lines.join("\n")
    }
}
