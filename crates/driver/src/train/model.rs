//! The model file of a training.

use super::first::{First, Knots, of_file, over};
use crate::config::TrainFile;
use crate::error::DriverError;
use crate::run::{RunDirectory, this_program};
use gaugelink_models::file::{Measured, Training};
use gaugelink_train::{Telemetry, Trainer};
use serde_json::{Map, Value, json};

/// Everything that decides the training's bits.
pub(super) fn provenance(file: &TrainFile, first: &First) -> Value {
    let mut provenance = this_program();
    provenance["run_file_sha256"] = json!(file.hash());
    provenance["seed"] = json!(file.run.seed);
    if let Some(sha256) = &first.sha256 {
        provenance["start_sha256"] = json!(sha256);
    }
    provenance
}

/// Writes the parameters with what a host must know to use them.
///
/// # Errors
/// [`DriverError`] where the directory cannot be written.
pub(super) fn write(
    file: &TrainFile,
    directory: &RunDirectory,
    (trainer, provenance, range): (&Trainer<f32, 1>, Value, Option<Knots>),
    reports: &[Telemetry],
) -> Result<(), DriverError> {
    let mut model = match &range {
        Some((range, knots)) => over(file, (*range, knots)),
        None => of_file(file, trainer.parameters().to_vec()),
    };
    model.header.training = Training {
        seed: file.run.seed,
        steps: trainer.step_number(),
        batch: file.train.batch as u64,
        version: env!("CARGO_PKG_VERSION").into(),
        other: Map::from_iter([
            ("extents".to_owned(), json!(file.lattice.extents)),
            ("provenance".to_owned(), provenance),
        ]),
    };
    if let Some(last) = reports.last() {
        model.header.measured = Measured {
            ess: Some(last.sample_size),
            samples: Some(last.samples as u64),
            loss: Some(last.loss),
            other: Map::from_iter([("divergence".to_owned(), json!(last.divergence))]),
        };
    }
    model.write(directory.file(&file.model.file)).map_err(|error| DriverError::Input(error.to_string()))
}
