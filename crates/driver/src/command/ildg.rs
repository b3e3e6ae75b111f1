//! `gaugelink ildg`.

use crate::cli::FileArgs;
use crate::error::DriverError;
use crate::report::Report;

/// Records and metadata.
pub(crate) fn info(_args: &FileArgs, _report: &mut Report) -> Result<(), DriverError> {
    Ok(())
}

/// Checksum and plaquette.
pub(crate) fn verify(_args: &FileArgs, _report: &mut Report) -> Result<(), DriverError> {
    Ok(())
}
