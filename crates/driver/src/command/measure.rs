//! `gaugelink measure`.

use crate::cli::MeasureArgs;
use crate::error::DriverError;
use crate::report::Report;

/// Measures on configurations.
pub(crate) fn measure(_args: &MeasureArgs, _report: &mut Report) -> Result<(), DriverError> {
    Ok(())
}
