//! `gaugelink measure`: observables of configurations, and of their gradient flow.

mod flow;
mod links;

use crate::cli::MeasureArgs;
use crate::error::DriverError;
use crate::links::{Lattices, Refusals, load, open, printable, reason, remedy, shown, with_group};
use crate::report::Report;
pub(crate) use flow::Flow;
use gaugelink_lattice::GaugeField;
use gaugelink_lattice::file::extents;
use lime_rs::GaugeFile;
use links::LinksLine;
use serde::Serialize;
use std::path::Path;

/// Measures each file: one JSON line or block of text for each, lines of its flow after it.
///
/// # Errors
/// [`DriverError::Failed`] where a file could not be measured; the others are done all the same.
pub(crate) fn measure(args: &MeasureArgs, report: &mut Report) -> Result<(), DriverError> {
    let flow = args.flow.map(|time| Flow::new(time, args.flow_step));
    let mut measuring = Measuring { args, flow, lattices: Lattices::new(args.threads), report };
    let mut failed = 0;
    for path in &args.files.files {
        match measuring.file(path) {
            Ok(()) => {}
            Err(gone @ DriverError::ClosedPipe) => return Err(gone),
            Err(error) => {
                failed += 1;
                measuring.refused(path, &error)?;
            }
        }
    }
    match failed {
        0 => Ok(()),
        failed => Err(DriverError::Failed { failed, total: args.files.files.len() }),
    }
}

/// A file that could not be measured.
#[derive(Serialize)]
struct RefusedLine {
    file: String,
    error: String,
}

struct Measuring<'a> {
    args: &'a MeasureArgs,
    flow: Option<Flow>,
    lattices: Lattices,
    report: &'a mut Report,
}

impl Measuring<'_> {
    fn file(&mut self, path: &Path) -> Result<(), DriverError> {
        let file = open(path, &self.args.files.shape, self.args.files.payload)?;
        if let Some(flow) = &self.flow {
            flow.check(file.body().nc, extents(&file.body().dims).len())?;
        }
        with_group!(file.body().nc, N => self.group::<N>(path, &file))
    }

    fn group<const N: usize>(&mut self, path: &Path, file: &GaugeFile) -> Result<(), DriverError> {
        let lattice = self.lattices.of(file)?;
        let mut u = GaugeField::<f64, N>::cold(&lattice)?;
        let refusals = Refusals {
            statements: remedy(self.args.ignore_checksum, "--ignore-checksum"),
            links: remedy(self.args.ignore_unitarity, "--ignore-unitarity"),
            links_of_wrong_files: true,
        };
        let loaded = load(file, path, &mut u, 0, refusals)?;
        let line = LinksLine::of(path, file, &u, &loaded, refusals)?;
        self.report.record(&line)?;
        self.report.text(&line.text(file))?;
        match &self.flow {
            Some(flow) => flow.run(path, &mut u, self.report),
            None => Ok(()),
        }
    }

    fn refused(&mut self, path: &Path, error: &DriverError) -> Result<(), DriverError> {
        let line = RefusedLine { file: shown(path), error: reason(error, path) };
        self.report.record(&line)?;
        self.report.text(&format!("{}: FAILED\n  error: {}", printable(&line.file), printable(&line.error)))
    }
}
