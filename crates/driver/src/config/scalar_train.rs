//! Files for `gaugelink train` whose theory is φ⁴: flows of a real scalar in two dimensions.

use super::file_name::file_name;
use super::model::{hidden, hidden_width, layers, model_file};
use super::stage::{integrator, omelyan, unit_length};
use super::tables::{at_least_one, finite, positive, trajectory_steps};
use super::{ChainTable, MachineTable, Tables, TrainRunTable, TrainTable};
use crate::error::DriverError;
use crate::hash::document_hash;
use gaugelink_lattice::Geometry;
use gaugelink_models::ScalarLayer;
use gaugelink_models::layers::AffineSettings;
use gaugelink_physics::action::Phi4;
use gaugelink_sampler::hmc::Trajectory;
use gaugelink_sampler::integrator::Integrator;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A training file of a flow of scalars, read and checked.
#[derive(Debug, Clone)]
pub struct ScalarTrainFile {
    /// Seed, directory.
    pub run: TrainRunTable,
    /// Extents.
    pub lattice: ScalarLatticeTable,
    /// The action whose weight is learned.
    pub action: Phi4,
    /// The architecture.
    pub model: ScalarModelTable,
    /// The optimiser.
    pub train: TrainTable,
    /// The flow's Markov chain afterwards.
    pub chain: ChainTable,
    /// Hybrid Monte Carlo beside it; none to leave it out.
    pub hmc: Option<ScalarHmcTable>,
    /// Threads: changes no result.
    pub machine: MachineTable,
    /// The text that all of this was read from, overrides included.
    pub text: String,
}

/// `[lattice]` of a scalar.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScalarLatticeTable {
    /// Two even extents.
    pub extents: Vec<usize>,
}

/// `[action]` of a scalar.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScalarActionTable {
    /// "phi4".
    #[serde(rename = "kind")]
    _kind: ScalarActionName,
    /// M².
    #[serde(deserialize_with = "finite")]
    mass2: f64,
    /// λ.
    #[serde(deserialize_with = "finite")]
    lambda: f64,
}

/// An action of scalars by name.
#[derive(Debug, Clone, Copy, Deserialize)]
enum ScalarActionName {
    /// S = Σ φ (−□ φ) + M² φ² + λ φ⁴.
    #[serde(rename = "phi4")]
    Phi4,
}

/// `[model]` of a flow of scalars.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScalarModelTable {
    /// "affine-coupling".
    pub kind: ScalarModelName,
    /// Coupling layers; two change every site once.
    #[serde(deserialize_with = "layers")]
    pub layers: usize,
    /// Channels of the net's hidden layers.
    #[serde(default = "hidden", deserialize_with = "hidden_width")]
    pub hidden: usize,
    /// Name of the model file in the run directory.
    #[serde(default = "model_file", deserialize_with = "file_name")]
    pub file: PathBuf,
}

/// The architecture by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum ScalarModelName {
    /// Affine couplings.
    #[serde(rename = "affine-coupling")]
    AffineCoupling,
}

impl ScalarModelTable {
    /// Its layers.
    pub fn architecture(&self) -> Vec<ScalarLayer> {
        vec![self.layer(); self.layers]
    }

    /// Their parameters before the first step.
    pub fn initial_parameters(&self, seed: u64) -> Vec<f64> {
        self.layer().initial_parameters(self.layers, seed)
    }

    fn layer(&self) -> ScalarLayer {
        ScalarLayer::AffineCoupling(AffineSettings { hidden: self.hidden })
    }
}

/// `[hmc]`: hybrid Monte Carlo of the same theory, to compare with.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScalarHmcTable {
    /// Trajectories of each of eight chains.
    #[serde(deserialize_with = "at_least_one")]
    pub trajectories: u64,
    /// "omelyan" or "leapfrog".
    #[serde(default = "omelyan", deserialize_with = "integrator")]
    pub integrator: Integrator,
    /// Integration steps of a trajectory.
    #[serde(deserialize_with = "trajectory_steps")]
    pub steps: u64,
    /// Length τ, in units where H = ½ Σ π² + S.
    #[serde(default = "unit_length", deserialize_with = "positive")]
    pub length: f64,
    /// The first trajectories, left out of the means.
    #[serde(default)]
    pub thermalise: u64,
}

impl ScalarHmcTable {
    /// How a trajectory is integrated.
    pub fn trajectory(&self) -> Trajectory {
        Trajectory { integrator: self.integrator, steps: self.steps as usize, length: self.length }
    }
}

impl ScalarTrainFile {
    /// Reads the text of such a file, overrides included; `path` is only for messages.
    ///
    /// # Errors
    /// [`DriverError::Config`] with line, key and what was expected.
    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, DriverError> {
        let tables = Tables::parse(text, path)?;
        tables.no_other_than(&["run", "lattice", "action", "model", "train", "chain", "hmc", "machine"])?;
        let ScalarActionTable { mass2, lambda, .. } = tables.required("action")?;
        let action =
            Phi4::new(mass2, lambda).map_err(|error| tables.fail_in("action", &error.to_string()))?;
        let file = Self {
            run: tables.required("run")?,
            lattice: tables.required("lattice")?,
            action,
            model: tables.required("model")?,
            train: tables.required("train")?,
            chain: tables.optional("chain")?.unwrap_or_else(ChainTable::none),
            hmc: tables.optional("hmc")?,
            machine: tables.optional("machine")?.unwrap_or_default(),
            text: text.into(),
        };
        file.check(&tables)?;
        Ok(file)
    }

    /// What no table can tell alone.
    fn check(&self, tables: &Tables<'_>) -> Result<(), DriverError> {
        let extents = &self.lattice.extents;
        if extents.len() != 2 || extents.iter().any(|&l| l == 0 || !l.is_multiple_of(2)) {
            let message = "affine couplings are for two extents that are even";
            return Err(tables.fail_key(&["lattice", "extents"], message));
        }
        if let Err(error) = Geometry::new(extents, &[], 0) {
            return Err(tables.fail_key(&["lattice", "extents"], &error.to_string()));
        }
        if self.train.steps == 0 {
            return Err(tables.fail_key(&["train", "steps"], "`steps` = 0, expected at least 1"));
        }
        for (key, is_given) in
            [("start", self.train.start.is_some()), ("beta_from", self.train.beta_from.is_some())]
        {
            if is_given {
                let message = format!("`{key}` is for trainings of U(1): leave it out");
                return Err(tables.fail_key(&["train", key], &message));
            }
        }
        self.train.check_counts(tables)?;
        self.chain.check(tables)?;
        if let Some(hmc) = &self.hmc
            && hmc.thermalise >= hmc.trajectories
        {
            return Err(tables.fail_in("hmc", "`thermalise` leaves no trajectory to average over"));
        }
        self.machine.check_training(tables)
    }

    /// SHA-256 of everything in the file that decides the results.
    pub fn hash(&self) -> String {
        self.hash_without(&["machine"])
    }

    /// The same of what decides the model, which is all but the chains afterwards.
    pub fn training_hash(&self) -> String {
        self.hash_without(&["machine", "chain", "hmc"])
    }

    fn hash_without(&self, tables: &[&str]) -> String {
        document_hash(&self.text, tables, &[("run", &["directory", "checkpoint_seconds"])])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::AnyTrainFile;

    const GOOD: &str = r#"
[run]
seed = 1
directory = "runs/x"
[lattice]
extents = [8, 8]
[action]
kind = "phi4"
mass2 = -4.0
lambda = 8.0
[model]
kind = "affine-coupling"
layers = 16
[train]
steps = 10
learning_rate = 1e-3
[hmc]
trajectories = 10
steps = 4
"#;

    fn parse(set: &[&str]) -> Result<ScalarTrainFile, String> {
        let set: Vec<String> = set.iter().map(|s| s.to_string()).collect();
        match AnyTrainFile::parse(GOOD, Path::new("t.toml"), &set) {
            Ok(AnyTrainFile::Scalar(file)) => Ok(*file),
            Ok(_) => panic!("another kind"),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_good_file_is_read_and_its_hash_sees_what_counts() {
        let file = parse(&[]).unwrap();
        assert_eq!((file.action, file.model.hidden), (Phi4 { mass2: -4.0, lambda: 8.0 }, 8));
        assert_eq!(file.model.initial_parameters(1).len(), 12_960);
        assert_eq!((file.chain.updates, file.hmc.as_ref().unwrap().length), (0, 1.0));
        assert_eq!(file.hash(), parse(&["machine.threads=2", "run.directory=y"]).unwrap().hash());
        let longer = parse(&["chain.updates=9", "hmc.trajectories=20"]).unwrap();
        assert!(file.hash() != longer.hash() && file.training_hash() == longer.training_hash());
        for counts in ["action.lambda=7.0", "action.mass2=-3.0", "lattice.extents=[8,6]", "model.hidden=16"] {
            assert_ne!(file.training_hash(), parse(&[counts]).unwrap().training_hash(), "{counts}");
        }
    }

    #[test]
    fn what_cannot_be_trained_is_refused() {
        for (set, word) in [
            ("lattice.extents=[8,7]", "even"),
            ("lattice.extents=[8,8,8]", "two extents"),
            ("lattice.extents=[0,8]", "even"),
            ("lattice.group=SU(2)", "group"),
            ("action.kind=wilson", "phi4"),
            ("action.lambda=-1.0", "lambda > 0"),
            ("action.lambda=0.0", "mass2 > 0"),
            ("action.beta=1.0", "beta"),
            ("model.kind=affine", "unknown `kind` of [model] \"affine\", expected one of \"u1-coupling\""),
            ("model.layers=0", "expected 1 to 65536"),
            ("model.hidden=12", "[8, 16, 24, 32]"),
            ("model.components=2", "components"),
            ("train.steps=0", "at least 1"),
            ("train.batch=20", "multiple of 16"),
            ("train.beta_from=1.0", "leave it out"),
            ("train.start=a.safetensors", "leave it out"),
            ("chain.thermalise=5", "`thermalise` leaves"),
            ("hmc.thermalise=10", "`thermalise` leaves"),
            ("hmc.steps=0", "at least 1"),
            ("machine.ranks=[2,1]", "no ranks"),
        ] {
            let set: &[&str] = if set.starts_with("chain") { &["chain.updates=5", set] } else { &[set] };
            let message = parse(set).unwrap_err();
            assert!(message.contains(word) && message.contains("line"), "{set:?}: {message}");
        }
    }
}
