//! The model file of a training.

use super::data::Configurations;
use super::first::{First, Knots, of_file, over};
use crate::config::{TrainFile, TrainTable};
use crate::error::DriverError;
use crate::run::{RunDirectory, this_program};
use gaugelink_models::Model;
use gaugelink_models::file::{Measured, Training};
use gaugelink_train::{Telemetry, Trainer};
use serde_json::{Map, Value, json};
use std::path::Path;

/// Everything that decides the training's bits.
pub(super) fn provenance(file: &TrainFile, first: &First, data: Option<&Configurations>) -> Value {
    let mut provenance = this_program();
    provenance["run_file_sha256"] = json!(file.hash());
    provenance["seed"] = json!(file.run.seed);
    if let Some(sha256) = &first.sha256 {
        provenance["start_sha256"] = json!(sha256);
    }
    if let Some(data) = data {
        provenance["data"] = data.provenance();
    }
    provenance
}

/// Writes the parameters with what a host must know to use them.
///
/// # Errors
/// [`DriverError`] where the directory cannot be written.
pub(super) fn write<const N: usize>(
    file: &TrainFile,
    directory: &RunDirectory,
    (trainer, provenance, range): (&Trainer<f32, N>, Value, Option<Knots>),
    reports: &[Telemetry],
) -> Result<(), DriverError> {
    let model = match &range {
        Some((range, knots)) => over(file, (*range, knots)),
        None => of_file::<N>(file, trainer.parameters().to_vec()),
    };
    let training = training(file.run.seed, &file.train, &file.lattice.extents, provenance);
    write_trained(model, training, reports, &directory.file(&file.model.file))
}

/// How a model was trained: all steps of a training's table.
pub(super) fn training(seed: u64, table: &TrainTable, extents: &[usize], provenance: Value) -> Training {
    Training {
        seed,
        steps: table.steps,
        batch: table.batch as u64,
        version: env!("CARGO_PKG_VERSION").into(),
        other: Map::from_iter([
            ("extents".to_owned(), json!(extents)),
            ("provenance".to_owned(), provenance),
        ]),
    }
}

/// Writes a model with how it was trained and what was measured last.
///
/// # Errors
/// [`DriverError`] where the file cannot be written.
pub(super) fn write_trained(
    mut model: Model,
    training: Training,
    reports: &[Telemetry],
    path: &Path,
) -> Result<(), DriverError> {
    model.header.training = training;
    if let Some(last) = reports.last() {
        model.header.measured = Measured {
            ess: Some(last.sample_size),
            samples: Some(last.samples as u64),
            loss: Some(last.loss),
            other: Map::from_iter([("divergence".to_owned(), json!(last.divergence))]),
        };
    }
    model.write(path).map_err(|error| DriverError::Input(error.to_string()))
}
