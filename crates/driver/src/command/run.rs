//! `gaugelink run` and `gaugelink solve`.

use crate::cli::RunArgs;
use crate::error::DriverError;
use crate::report::Report;

/// Does what a run file says.
pub(crate) fn run(_args: &RunArgs, _report: &mut Report) -> Result<(), DriverError> {
    Ok(())
}

/// Solves on a configuration.
pub(crate) fn solve(_args: &RunArgs, _report: &mut Report) -> Result<(), DriverError> {
    Ok(())
}
