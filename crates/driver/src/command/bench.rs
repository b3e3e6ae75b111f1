//! `gaugelink bench`.

use crate::cli::BenchArgs;
use crate::error::DriverError;
use crate::report::Report;

/// Times what is asked for.
pub(crate) fn bench(_args: &BenchArgs, _report: &mut Report) -> Result<(), DriverError> {
    Ok(())
}
