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
    steps: u64,
    parameters: Vec<f64>,
    mean: Vec<f64>,
    square: Vec<f64>,
}

impl Saved {
    pub fn new(training: serde_json::Value, seconds: f64, parameters: &[f64], adam: &Adam) -> Self {
        let (mean, square) = (adam.mean.clone(), adam.square.clone());
        Self { training, seconds, steps: adam.steps, parameters: parameters.to_vec(), mean, square }
    }

    /// The parameters and the optimiser, whose settings are the plan's.
    pub fn into_state(self, settings: Settings) -> (Vec<f64>, Adam) {
        let Self { steps, parameters, mean, square, .. } = self;
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
                let saved: Self = serde_json::from_str(&text).map_err(|e| fail(format!("{e}; {remedy}")))?;
                let lengths = [&saved.parameters, &saved.mean, &saved.square].map(Vec::len);
                if lengths.iter().any(|&n| n != lengths[0]) {
                    let [parameters, mean, square] = lengths;
                    return Err(fail(format!(
                        "{parameters} parameters have {mean} means and {square} mean squares of their gradient; {remedy}"
                    )));
                }
                Ok(Some(saved))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fail(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_unequal_lengths_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.json");
        let adam = Adam::new(Settings::default(), 3);
        let saved = || Saved::new(serde_json::json!({}), 1.0, &[0.5, 1.5, -2.5], &adam);
        saved().write(&path).unwrap();
        let (parameters, back) = Saved::read(&path).unwrap().unwrap().into_state(adam.settings);
        assert!(parameters == [0.5, 1.5, -2.5] && back == adam);
        let cut: [fn(&mut Saved); 3] =
            [|s| s.parameters.truncate(2), |s| s.mean.truncate(2), |s| s.square.truncate(2)];
        for cut in cut {
            let mut damaged = saved();
            cut(&mut damaged);
            damaged.write(&path).unwrap();
            let error = Saved::read(&path).err().unwrap().to_string();
            assert!(error.contains("remove it to begin anew") && error.contains("2 "), "{error}");
        }
    }
}
