//! Files for `gaugelink train`.

use super::file_name::file_name;
use super::tables::{at_least_one, directory, one, positive};
use super::{ActionKind, ActionTable, GroupName, LatticeTable, MachineTable, Tables, with_overrides};
use crate::error::DriverError;
use crate::hash::document_hash;
use gaugelink_lattice::Geometry;
use gaugelink_models::LAYERS_MAX;
use gaugelink_models::layers::COMPONENTS_MAX;
use gaugelink_train::Schedule;
use serde::{Deserialize, Deserializer};
use std::path::{Path, PathBuf};

/// A training file, read and checked.
#[derive(Debug, Clone)]
pub struct TrainFile {
    /// Seed, directory.
    pub run: TrainRunTable,
    /// Group and extents.
    pub lattice: LatticeTable,
    /// The action whose weight is learned.
    pub action: ActionTable,
    /// The architecture.
    pub model: ModelTable,
    /// The optimiser.
    pub train: TrainTable,
    /// The Markov chain afterwards.
    pub chain: ChainTable,
    /// Threads: changes no result.
    pub machine: MachineTable,
    /// The text that all of this was read from, overrides included.
    pub text: String,
}

/// `[run]` of a training.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainRunTable {
    /// Seed of all random numbers.
    pub seed: u64,
    /// Where everything is written; made if missing.
    #[serde(deserialize_with = "directory")]
    pub directory: PathBuf,
    /// Seconds between checkpoints, at least.
    #[serde(default = "checkpoint_seconds", deserialize_with = "positive")]
    pub checkpoint_seconds: f64,
}

fn checkpoint_seconds() -> f64 {
    60.0
}

/// `[model]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelTable {
    /// "u1-coupling".
    pub kind: ModelName,
    /// Coupling layers; eight touch every link once.
    #[serde(deserialize_with = "layers")]
    pub layers: usize,
    /// Components of the mixture, 1 to 7.
    #[serde(default = "two", deserialize_with = "components")]
    pub components: usize,
    /// Name of the model file in the run directory.
    #[serde(default = "model_file", deserialize_with = "file_name")]
    pub file: PathBuf,
}

fn layers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    up_to(deserializer, LAYERS_MAX, "layers")
}

fn components<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    up_to(deserializer, COMPONENTS_MAX, "components")
}

/// A count from 1 to `most`.
fn up_to<'de, D: Deserializer<'de>>(deserializer: D, most: usize, what: &str) -> Result<usize, D::Error> {
    match usize::deserialize(deserializer)? {
        n if (1..=most).contains(&n) => Ok(n),
        n => Err(serde::de::Error::custom(format!("{n} {what} are not possible here, expected 1 to {most}"))),
    }
}

fn two() -> usize {
    2
}

pub(super) fn model_file() -> PathBuf {
    "model.safetensors".into()
}

/// An architecture by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum ModelName {
    /// Coupling layers of U(1) in two dimensions.
    #[serde(rename = "u1-coupling")]
    U1Coupling,
}

/// `[train]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainTable {
    /// Optimiser steps.
    #[serde(deserialize_with = "at_least_one")]
    pub steps: u64,
    /// Configurations a step, a multiple of 16.
    #[serde(default = "batch")]
    pub batch: usize,
    /// Learning rate of the first step.
    #[serde(deserialize_with = "positive")]
    pub learning_rate: f64,
    /// "constant", "cosine" or "step".
    #[serde(default = "cosine")]
    pub schedule: Schedule,
    /// Longer gradients are scaled down to this norm.
    #[serde(default = "gradient_norm", deserialize_with = "positive")]
    pub gradient_norm: f64,
    /// Steps between evaluations.
    #[serde(default = "report_every", deserialize_with = "at_least_one")]
    pub report_every: u64,
    /// Configurations of an evaluation, a multiple of 16.
    #[serde(default = "samples")]
    pub samples: usize,
}

/// A training stops between steps, so a step must not take for ever.
const LARGEST_BATCH: usize = 65536;

fn batch() -> usize {
    1024
}

fn cosine() -> Schedule {
    Schedule::Cosine
}

fn gradient_norm() -> f64 {
    10.0
}

fn report_every() -> u64 {
    100
}

fn samples() -> usize {
    10_000
}

/// `[chain]`: independence Metropolis with the trained flow.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainTable {
    /// Proposals to each of eight chains; 0 for none.
    #[serde(default)]
    pub updates: u64,
    /// The first updates, left out of the means.
    #[serde(default = "one")]
    pub thermalise: u64,
}

impl TrainFile {
    /// Reads a file, with `key=value` overrides.
    ///
    /// # Errors
    /// As [`super::RunFile::read`].
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self, DriverError> {
        let text = std::fs::read_to_string(path).map_err(|source| DriverError::Io {
            action: "read the training file",
            path: path.into(),
            source,
        })?;
        Self::parse(&text, path, overrides)
    }

    /// Reads the text of such a file; `path` is only for messages.
    ///
    /// # Errors
    /// [`DriverError::Config`] with line, key and what was expected.
    pub fn parse(text: &str, path: &Path, overrides: &[String]) -> Result<Self, DriverError> {
        let text = with_overrides(text, path, overrides)?;
        let tables = Tables::parse(&text, path)?;
        tables.no_other_than(&["run", "lattice", "action", "model", "train", "chain", "machine"])?;
        let file = Self {
            run: tables.required("run")?,
            lattice: tables.required("lattice")?,
            action: tables.required("action")?,
            model: tables.required("model")?,
            train: tables.required("train")?,
            chain: tables.optional("chain")?.unwrap_or(ChainTable { updates: 0, thermalise: one() }),
            machine: tables.optional("machine")?.unwrap_or_default(),
            text: text.clone(),
        };
        file.check(&tables)?;
        Ok(file)
    }

    /// What no table can tell alone.
    fn check(&self, tables: &Tables<'_>) -> Result<(), DriverError> {
        if self.lattice.group != GroupName(1) || self.lattice.extents.len() != 2 {
            return Err(tables.fail_in("lattice", "kind = \"u1-coupling\" needs U(1) in two dimensions"));
        }
        if self.lattice.extents.iter().any(|&l| l == 0 || !l.is_multiple_of(4)) {
            return Err(
                tables.fail_in("lattice", "kind = \"u1-coupling\" needs extents that are multiples of 4")
            );
        }
        if let Err(error) = Geometry::new(&self.lattice.extents, &[], 0) {
            return Err(tables.fail_key(&["lattice", "extents"], &error.to_string()));
        }
        if self.action.kind != ActionKind::Wilson {
            return Err(tables.fail_in("action", "trainings are for kind = \"wilson\""));
        }
        for (key, count) in [("batch", self.train.batch), ("samples", self.train.samples)] {
            if count == 0 || !count.is_multiple_of(16) {
                return Err(tables.fail_in("train", &format!("`{key}` = {count} is no multiple of 16")));
            }
        }
        if self.train.batch > LARGEST_BATCH {
            let batch = self.train.batch;
            return Err(tables.fail_in("train", &format!("`batch` = {batch} is more than {LARGEST_BATCH}")));
        }
        if self.chain.updates > 0 && self.chain.thermalise >= self.chain.updates {
            return Err(tables.fail_in("chain", "`thermalise` leaves no update to average over"));
        }
        if let Some(problem) = self.machine.problem() {
            return Err(tables.fail_in("machine", &problem));
        }
        if !self.machine.ranks.is_empty() {
            return Err(tables.fail_in("machine", "a training has threads, no ranks"));
        }
        if self.machine.pin {
            return Err(tables.fail_in("machine", "the threads of a training are not bound to cores"));
        }
        Ok(())
    }

    /// SHA-256 of everything in the file that decides the results.
    pub fn hash(&self) -> String {
        self.hash_without(&["machine"])
    }

    /// The same of what decides the model, which is all but the chain afterwards.
    pub fn training_hash(&self) -> String {
        self.hash_without(&["machine", "chain"])
    }

    fn hash_without(&self, tables: &[&str]) -> String {
        document_hash(&self.text, tables, &[("run", &["directory", "checkpoint_seconds"])])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[run]
seed = 1
directory = "runs/x"
[lattice]
group = "U(1)"
extents = [8, 8]
[action]
beta = 2.0
[model]
kind = "u1-coupling"
layers = 16
[train]
steps = 10
learning_rate = 1e-3
"#;

    fn parse(set: &[&str]) -> Result<TrainFile, String> {
        let set: Vec<String> = set.iter().map(|s| s.to_string()).collect();
        TrainFile::parse(GOOD, Path::new("t.toml"), &set).map_err(|e| e.to_string())
    }

    #[test]
    fn a_good_file_is_read_and_its_hash_sees_what_counts() {
        let file = parse(&[]).unwrap();
        assert_eq!((file.model.components, file.train.batch, file.chain.updates), (2, 1024, 0));
        assert_eq!(file.hash(), parse(&["machine.threads=2", "run.directory=y"]).unwrap().hash());
        assert_ne!(file.hash(), parse(&["train.steps=11"]).unwrap().hash());
        let longer = parse(&["chain.updates=9"]).unwrap();
        assert!(file.hash() != longer.hash() && file.training_hash() == longer.training_hash());
        for counts in ["lattice.extents=[8,12]", "model.layers=8", "action.beta=2.1", "run.seed=2"] {
            assert_ne!(file.training_hash(), parse(&[counts]).unwrap().training_hash(), "{counts}");
        }
    }

    #[test]
    fn what_cannot_be_trained_is_refused() {
        for (set, word) in [
            ("lattice.group=SU(2)", "U(1) in two dimensions"),
            ("lattice.extents=[8,8,8]", "two dimensions"),
            ("lattice.extents=[8,6]", "multiples of 4"),
            ("lattice.extents=[0,8]", "multiples of 4"),
            ("lattice.extents=[8,-8]", "expected a whole number from 0 on"),
            ("lattice.extents=[4000000,4000000]", "2^40 sites"),
            ("run.directory=\"\"", "expected a path"),
            ("action.kind=iwasaki", "wilson"),
            ("train.batch=20", "multiple of 16"),
            ("train.batch=65552", "more than 65536"),
            ("train.steps=0", "at least 1"),
            ("train.learning_rate=-1.0", "positive"),
            ("train.schedule=linear", "cosine"),
            ("model.kind=spline", "u1-coupling"),
            ("model.layers=0", "expected 1 to 65536"),
            ("model.layers=65537", "expected 1 to 65536"),
            ("model.components=0", "expected 1 to 7"),
            ("model.components=8", "expected 1 to 7"),
            ("model.file=run.toml", "own files"),
            ("model.file=no/such/folder/a.safetensors", "plain file name"),
            ("model.file=..", "plain file name"),
            ("model.file=.", "plain file name"),
            ("chain.thermalise=5", "`thermalise` leaves"),
            ("machine.ranks=[2,1]", "no ranks"),
            ("machine.pin=true", "not bound to cores"),
            ("machine.threads=100000", "cores"),
        ] {
            let set: &[&str] = if set.starts_with("chain") { &["chain.updates=5", set] } else { &[set] };
            let message = parse(set).unwrap_err();
            assert!(message.contains(word) && message.contains("line"), "{set:?}: {message}");
        }
        assert!(parse(&["model.components=7", "model.layers=65536", "lattice.extents=[4,12]"]).is_ok());
    }
}
