//! The parameters that a training begins with: drawn, or those of a model of the same layers.

use crate::config::TrainFile;
use crate::error::DriverError;
use crate::hash::sha256_hex;
use gaugelink_models::file::Named;
use gaugelink_models::{Model, flow_model};
use serde_json::{Map, json};

/// First parameters.
pub(super) struct First {
    /// The parameters of all layers.
    pub parameters: Vec<f64>,
    /// SHA-256 of the numbers, where they come from a model.
    pub sha256: Option<String>,
}

impl First {
    /// Draws them by the file's seed, or reads the model that it names.
    ///
    /// # Errors
    /// [`DriverError::Input`] for a model that cannot be read or has other layers.
    pub fn of(file: &TrainFile) -> Result<Self, DriverError> {
        let drawn = || file.model.initial_parameters(file.run.seed);
        let Some(path) = &file.train.start else { return Ok(Self { parameters: drawn(), sha256: None }) };
        let model = Model::read(path).map_err(|error| DriverError::Input(error.to_string()))?;
        let (ours, theirs) = (of_file(file, drawn()).header, model.header);
        if (&ours.kind, &ours.theory, &ours.architecture)
            != (&theirs.kind, &theirs.theory, &theirs.architecture)
        {
            return Err(DriverError::Input(format!(
                "[train] start = {}: the model has other layers than [model] asks for; give one of the same kind, number, \
                 and settings of layers",
                path.display()
            )));
        }
        let bytes: Vec<u8> = model.parameters.iter().flat_map(|p| p.to_le_bytes()).collect();
        Ok(Self { parameters: model.parameters, sha256: Some(sha256_hex(&bytes)) })
    }

    /// What makes the training this one and no other.
    pub fn identity(&self, file: &TrainFile) -> String {
        [Some(file.training_hash()), self.sha256.clone()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" from ")
    }
}

/// The model of a training file with some parameters.
pub(super) fn of_file(file: &TrainFile, parameters: Vec<f64>) -> Model {
    let target = Map::from_iter([("beta".to_owned(), json!(file.action.beta))]);
    let target = Named { name: "wilson".into(), parameters: target };
    flow_model::<1>(2, target, &file.model.architecture(), parameters)
}
