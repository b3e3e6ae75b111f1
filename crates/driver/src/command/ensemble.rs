//! `gaugelink ensemble`: a folder of configurations listed, verified and measured as one thing.

use crate::cli::{EnsembleArgs, EnsembleMeasureArgs, EnsembleReadArgs, EnsembleVerifyArgs};
use crate::command::measure::Flow;
use crate::ensemble::{About, Documents, Ensemble, Member, Read, Task, show};
use crate::error::DriverError;
use crate::links::{counted, printable};
use crate::report::{Report, aligned};
use gaugelink_lattice::file::extents;
use serde::Serialize;

/// Lists configurations and what their headers tell; reads no links.
///
/// # Errors
/// [`DriverError::Request`] where there are no files. Findings are no error here.
pub(crate) fn list(args: &EnsembleArgs, report: &mut Report) -> Result<(), DriverError> {
    let ensemble = Ensemble::open(args)?;
    let lines = ensemble.members.iter().map(|member| ListLine { kind: "file", member });
    lines.into_iter().try_for_each(|line| report.record(&line))?;
    let header = ["number", "name", "lattice", "precision", "format", "bytes", "checksum", "logical name"];
    let mut rows = vec![header.map(String::from)];
    rows.extend(ensemble.members.iter().map(cells));
    report.text(&aligned(&rows, &[0, 5]))?;
    show(&ensemble.findings, report)?;
    report.text(&format!(
        "{}: {} in {}",
        ensemble.described(),
        counted(ensemble.members.len() as u64, "configuration", "configurations"),
        counted(ensemble.files as u64, "file", "files")
    ))
}

#[derive(Serialize)]
struct ListLine<'a> {
    kind: &'static str,
    #[serde(flatten)]
    member: &'a Member,
}

fn cells(member: &Member) -> [String; 8] {
    let lfn = member.lfn.as_deref().map_or("-".into(), printable);
    [
        member.number.map_or("-".into(), |number| number.to_string()),
        printable(&member.name),
        member.lattice(),
        member.precision.into(),
        member.format.clone(),
        member.bytes.to_string(),
        member.checksum.clone().unwrap_or_else(|| "-".into()),
        lfn,
    ]
}

/// Reads every byte and every link of new and changed files, and says whether the ensemble is in order.
///
/// # Errors
/// [`DriverError::Findings`] where it is not; [`DriverError::Config`] for metadata with a mistake.
pub(crate) fn verify(args: &EnsembleVerifyArgs, report: &mut Report) -> Result<(), DriverError> {
    // A mistake in the metadata is not to be found after hours of reading.
    let about = args.metadata.as_deref().map(About::read).transpose()?;
    let ensemble = Ensemble::open(&args.read.ensemble)?;
    let task = task(&args.read, None);
    let mut read = Read::all(&ensemble, &args.read, task, report)?;
    if let (Some(folder), Some(metadata), Some(about)) = (&args.qcdml, &args.metadata, &about) {
        let documents = Documents::write(folder, metadata, about, &read)?;
        report.text(&format!("\n{}", documents.text()))?;
        read.findings.extend(documents.findings);
    }
    read.show(false, report)?.verdict()
}

/// Measures new and changed files, and averages over the ensemble.
///
/// # Errors
/// [`DriverError::Findings`] where something is wrong with it.
pub(crate) fn measure(args: &EnsembleMeasureArgs, report: &mut Report) -> Result<(), DriverError> {
    let ensemble = Ensemble::open(&args.read.ensemble)?;
    let flow = args.flow.map(|time| (time, args.flow_step));
    if let (Some((time, step)), Some(member)) = (flow, ensemble.members.iter().find(|m| m.belongs)) {
        Flow::new(time, step).check(member.nc, extents(&member.dims).len())?;
    }
    let task = task(&args.read, flow);
    let mut read = Read::all(&ensemble, &args.read, task, report)?;
    read.show(true, report)?.verdict()
}

fn task(args: &EnsembleReadArgs, flow: Option<(f64, f64)>) -> Task<'_> {
    Task { shape: &args.ensemble.shape, flow, ignore_checksum: args.ignore_checksum }
}
