//! `gaugelink run` and `gaugelink solve`.

use crate::cli::RunArgs;
use crate::config::{FileKind, RunFile, Scan};
use crate::error::DriverError;
use crate::report::Report;
use crate::run::{execute, scan};

/// Does what a run file says.
///
/// # Errors
/// [`DriverError`].
pub(crate) fn run(args: &RunArgs, report: &mut Report) -> Result<(), DriverError> {
    match Scan::read(&args.file, &overrides(args)?)? {
        Some(scan) => scan::execute(&scan, args.fresh, report),
        None => execute(&read(args, FileKind::Run)?, args.fresh, report),
    }
}

/// Solves on a configuration, as the table `[solve]` says.
///
/// # Errors
/// [`DriverError`].
pub(crate) fn solve(args: &RunArgs, report: &mut Report) -> Result<(), DriverError> {
    execute(&read(args, FileKind::Solve)?, args.fresh, report)
}

fn read(args: &RunArgs, kind: FileKind) -> Result<RunFile, DriverError> {
    RunFile::read(&args.file, kind, &overrides(args)?)
}

/// What the command line sets.
fn overrides(args: &RunArgs) -> Result<Vec<String>, DriverError> {
    let mut overrides = args.set.clone();
    if let Some(input) = &args.input {
        let Some(name) = input.to_str() else {
            return Err(DriverError::Request(format!(
                "--input {}: the name is not UTF-8, and a run file is: rename the file, or give a link to it",
                input.display()
            )));
        };
        let path = toml::Value::String(name.into());
        overrides.extend(["start.kind=\"file\"".into(), format!("start.file={path}")]);
    }
    Ok(overrides)
}
