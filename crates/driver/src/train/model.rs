//! The model file of a training.

use crate::config::TrainFile;
use crate::error::DriverError;
use crate::run::RunDirectory;
use gaugelink_models::Model;
use gaugelink_models::file::{Header, LayerEntry, Measured, ModelKind, Named, TensorEntry, Theory, Training};
use gaugelink_models::layers::U1Coupling;
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
    let mut header = Header::new(ModelKind::Flow, Theory::of::<1>(2), target);
    let count = U1Coupling::<f32>::parameter_count(file.model.components);
    for layer in 0..file.model.layers {
        header.architecture.push(LayerEntry {
            kind: "u1-coupling".into(),
            settings: Map::from_iter([("components".to_owned(), json!(file.model.components))]),
        });
        header.tensors.push(TensorEntry::new(format!("{layer}.net"), &[count]));
    }
    header.training = Training {
        seed: file.run.seed,
        steps: trainer.step_number(),
        batch: file.train.batch as u64,
        seconds: trainer.seconds(),
        version: env!("CARGO_PKG_VERSION").into(),
        other: Map::from_iter([
            ("extents".to_owned(), json!(file.lattice.extents)),
            ("provenance".to_owned(), provenance(file)),
        ]),
    };
    if let Some(last) = reports.last() {
        header.measured = Measured {
            ess: Some(last.sample_size),
            samples: Some(last.samples as u64),
            loss: Some(last.loss),
            other: Map::from_iter([("divergence".to_owned(), json!(last.divergence))]),
        };
    }
    let model = Model { header, parameters: trainer.parameters().to_vec() };
    model.write(directory.file(&file.model.file)).map_err(|error| DriverError::Input(error.to_string()))
}
