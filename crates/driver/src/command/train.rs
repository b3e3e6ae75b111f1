//! `gaugelink train`.

use crate::cli::TrainArgs;
use crate::config::TrainFile;
use crate::error::DriverError;
use crate::report::Report;
use crate::train::execute;

/// Trains a model, as a file says.
///
/// # Errors
/// [`DriverError`].
pub(crate) fn train(args: &TrainArgs, report: &mut Report) -> Result<(), DriverError> {
    execute(&TrainFile::read(&args.file, &args.set)?, args.fresh, report)
}
