//! Checkpoints of a training: parameters, moments and step, bit for bit.

use crate::TrainError;
use crate::adam::{Adam, Settings};
use lime_rs::AtomicFile;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Everything that the next step depends on beside the training's settings. Numbers are written so that they are read
/// back exactly.
#[derive(Serialize, Deserialize)]
pub struct Saved {
    /// What the training is, in words that must agree.
    pub training: serde_json::Value,
    /// Seconds that it has taken.
    pub seconds: f64,
    settings: Settings,
    steps: u64,
    parameters: Vec<f64>,
    mean: Vec<f64>,
    square: Vec<f64>,
}

impl Saved {
    pub fn new(training: serde_json::Value, seconds: f64, parameters: &[f64], adam: &Adam) -> Self {
        let (settings, steps) = (adam.settings, adam.steps);
        let (mean, square) = (adam.mean.clone(), adam.square.clone());
        Self { training, seconds, settings, steps, parameters: parameters.to_vec(), mean, square }
    }

    /// The parameters and the optimiser.
    pub fn into_state(self) -> (Vec<f64>, Adam) {
        let Self { settings, steps, parameters, mean, square, .. } = self;
        (parameters, Adam { settings, steps, mean, square })
    }

    /// Replaces the file.
    pub fn write(&self, path: &Path) -> Result<(), TrainError> {
        let fail = |reason: String| TrainError::Checkpoint { path: path.into(), reason };
        let text = serde_json::to_string(self).map_err(|e| fail(e.to_string()))?;
        AtomicFile::replace(path, text.as_bytes()).map_err(|e| fail(e.to_string()))
    }

    /// Reads the file, if there is one.
    pub fn read(path: &Path) -> Result<Option<Self>, TrainError> {
        let fail = |reason: String| TrainError::Checkpoint { path: path.into(), reason };
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let remedy = "remove it to begin anew";
                serde_json::from_str(&text).map(Some).map_err(|e| fail(format!("{e}; {remedy}")))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fail(error.to_string())),
        }
    }
}
