//! The model file of a training.

use crate::config::TrainFile;
use crate::error::DriverError;
use crate::run::RunDirectory;
use gaugelink_models::file::{Measured, Named, Training};
use gaugelink_models::{LayerKind, flow_model};
use gaugelink_train::{Telemetry, Trainer};
use serde_json::{Map, Value, json};

/// Everything that decides the training's bits.
pub(super) fn provenance(file: &TrainFile) -> Value {
    json!({
        "program": "gaugelink",
        "version": env!("CARGO_PKG_VERSION"),
        "revision": env!("GAUGELINK_REVISION"),
        "run_file_sha256": file.hash(),
        "seed": file.run.seed,
    })
}

/// Writes the parameters with what a host must know to use them.
///
/// # Errors
/// [`DriverError`] where the directory cannot be written.
pub(super) fn write(
    file: &TrainFile,
    directory: &RunDirectory,
    trainer: &Trainer<f32, 1>,
    reports: &[Telemetry],
) -> Result<(), DriverError> {
    let parameters = Map::from_iter([("beta".to_owned(), json!(file.action.beta))]);
    let target = Named { name: "wilson".into(), parameters };
    let layers = vec![LayerKind::U1Coupling { components: file.model.components }; file.model.layers];
    let mut model = flow_model::<1>(2, target, &layers, trainer.parameters().to_vec());
    model.header.training = Training {
        seed: file.run.seed,
        steps: trainer.step_number(),
        batch: file.train.batch as u64,
        version: env!("CARGO_PKG_VERSION").into(),
        other: Map::from_iter([
            ("extents".to_owned(), json!(file.lattice.extents)),
            ("provenance".to_owned(), provenance(file)),
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
