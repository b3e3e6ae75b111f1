//! `gaugelink train`.

use crate::cli::TrainArgs;
use crate::config::AnyTrainFile;
use crate::error::DriverError;
use crate::report::Report;
use crate::train::{execute, loops, scalar};

/// Trains a model, as a file says.
///
/// # Errors
/// [`DriverError`].
pub(crate) fn train(args: &TrainArgs, report: &mut Report) -> Result<(), DriverError> {
    match AnyTrainFile::read(&args.file, &args.set)? {
        AnyTrainFile::Links(file) => execute(&file, args.fresh, report),
        AnyTrainFile::Loops(file) => loops::execute(&file, args.fresh, report),
        AnyTrainFile::Scalar(file) => scalar::execute(&file, args.fresh, report),
    }
}
