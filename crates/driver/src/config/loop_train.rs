//! Files for `gaugelink train` whose model is a flow of Wilson loops.

use super::file_name::file_name;
use super::model::model_file;
use super::tables::{at_least_one, positive};
use super::{
    ActionKind, ActionTable, LatticeTable, MachineTable, ScalarTrainFile, Tables, TrainFile, TrainRunTable,
    TrainTable, with_overrides,
};
use crate::error::DriverError;
use crate::hash::document_hash;
use gaugelink_lattice::Geometry;
use gaugelink_models::layers::{KNOTS_MAX, Loops, STEPS_MAX};
use gaugelink_train::Estimator;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A training file of any kind.
#[derive(Debug, Clone)]
pub enum AnyTrainFile {
    /// Layers of links.
    Links(Box<TrainFile>),
    /// A flow of Wilson loops.
    Loops(Box<LoopTrainFile>),
    /// A flow of scalars.
    Scalar(Box<ScalarTrainFile>),
}

impl AnyTrainFile {
    /// Reads a file, with `key=value` overrides; `model.kind` says which it is.
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
        let changed = with_overrides(text, path, overrides)?;
        let tables = changed.parse::<toml::Table>().ok();
        let model = tables.as_ref().and_then(|all| all.get("model"));
        let kind = model.map(|model| model.get("kind").and_then(|kind| kind.as_str()));
        if let Some(kind) = kind.filter(|kind| kind.is_none_or(|kind| !KINDS.contains(&kind))) {
            let said = kind.map_or("`kind` of [model] is missing".into(), |kind| {
                format!("unknown `kind` of [model] \"{kind}\"")
            });
            let message = format!("{said}, expected one of \"{}\"", KINDS.join("\", \""));
            let tables = Tables::parse(&changed, path)?;
            return Err(tables.fail_key(&["model", "kind"], &message));
        }
        match kind.flatten() {
            Some("loop-flow") => LoopTrainFile::parse(&changed, path).map(Box::new).map(Self::Loops),
            Some("affine-coupling") => ScalarTrainFile::parse(&changed, path).map(Box::new).map(Self::Scalar),
            _ => TrainFile::parse(text, path, overrides).map(Box::new).map(Self::Links),
        }
    }
}

/// What `kind` of [model] may say.
const KINDS: [&str; 6] = ["u1-coupling", "u1-block", "spectral", "residual", "loop-flow", "affine-coupling"];

/// A training file of a flow of Wilson loops, read and checked.
#[derive(Debug, Clone)]
pub struct LoopTrainFile {
    /// Seed, directory.
    pub run: TrainRunTable,
    /// Group and extents.
    pub lattice: LatticeTable,
    /// The action whose weight is learned.
    pub action: ActionTable,
    /// The architecture.
    pub model: LoopModelTable,
    /// First parameters.
    pub fit: FitTable,
    /// The optimiser afterwards; none to leave it at the fit.
    pub train: Option<TrainTable>,
    /// What the flow is judged on.
    pub evaluate: EvaluateTable,
    /// Threads: changes no result.
    pub machine: MachineTable,
    /// The text that all of this was read from, overrides included.
    pub text: String,
}

/// `[model]` of a flow of loops.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoopModelTable {
    /// "loop-flow".
    pub kind: LoopModelName,
    /// "leading", "next" or "second".
    pub loops: Loops,
    /// Knots of each coefficient.
    pub knots: usize,
    /// Steps of the integrator.
    pub steps: usize,
    /// Name of the model file in the run directory.
    #[serde(default = "model_file", deserialize_with = "file_name")]
    pub file: PathBuf,
}

/// The architecture by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum LoopModelName {
    /// A gradient flow of Wilson loops.
    #[serde(rename = "loop-flow")]
    LoopFlow,
}

/// `[fit]`: first parameters by least squares.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitTable {
    /// Configurations at each time of the flow, a multiple of 8.
    #[serde(default = "fit_samples")]
    pub samples: usize,
}

fn fit_samples() -> usize {
    1024
}

impl Default for FitTable {
    fn default() -> Self {
        Self { samples: fit_samples() }
    }
}

/// `[evaluate]`: the flow on another lattice.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluateTable {
    /// Extents; those of `[lattice]` where none are given.
    #[serde(default)]
    pub extents: Vec<usize>,
    /// Configurations, a multiple of 16.
    #[serde(default = "evaluate_samples", deserialize_with = "positive_count")]
    pub samples: usize,
    /// Most rms |Δ ln q| between the steps and twice as many; more is an error.
    #[serde(default = "step_error", deserialize_with = "positive")]
    pub step_error: f64,
}

fn evaluate_samples() -> usize {
    10_240
}

fn step_error() -> f64 {
    0.01
}

fn positive_count<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    at_least_one(deserializer).map(|n: u64| n as usize)
}

impl LoopTrainFile {
    fn parse(text: &str, path: &Path) -> Result<Self, DriverError> {
        let tables = Tables::parse(text, path)?;
        tables
            .no_other_than(&["run", "lattice", "action", "model", "fit", "train", "evaluate", "machine"])?;
        let lattice: LatticeTable = tables.required("lattice")?;
        let none =
            EvaluateTable { extents: Vec::new(), samples: evaluate_samples(), step_error: step_error() };
        let mut evaluate = tables.optional("evaluate")?.unwrap_or(none);
        if evaluate.extents.is_empty() {
            evaluate.extents.clone_from(&lattice.extents);
        }
        let file = Self {
            run: tables.required("run")?,
            lattice,
            action: tables.required("action")?,
            model: tables.required("model")?,
            fit: tables.optional("fit")?.unwrap_or_default(),
            train: tables.optional("train")?,
            evaluate,
            machine: tables.optional("machine")?.unwrap_or_default(),
            text: text.into(),
        };
        file.check(&tables)?;
        Ok(file)
    }

    /// What no table can tell alone.
    fn check(&self, tables: &Tables<'_>) -> Result<(), DriverError> {
        let least = self.model.loops.order() + 2;
        for (table, extents) in [("lattice", &self.lattice.extents), ("evaluate", &self.evaluate.extents)] {
            if extents.len() != 2 || extents.iter().any(|&l| l < least || l % 2 != 0) {
                let message = format!("these loops need two even extents of {least} or more");
                return Err(tables.fail_in(table, &message));
            }
            if let Err(error) = Geometry::new(extents, &[], 0) {
                return Err(tables.fail_key(&[table, "extents"], &error.to_string()));
            }
        }
        if self.action.kind != ActionKind::Wilson || self.action.beta <= 0.0 {
            return Err(tables.fail_in("action", "trainings are for kind = \"wilson\" and beta above 0"));
        }
        for (key, count, most) in
            [("knots", self.model.knots, KNOTS_MAX), ("steps", self.model.steps, STEPS_MAX)]
        {
            if !(1..=most).contains(&count) {
                let message = format!("`{key}` = {count}, expected 1 to {most}");
                return Err(tables.fail_in("model", &message));
            }
        }
        let loops = self.model.loops.count(self.lattice.group.0);
        if !self.fit.samples.is_multiple_of(8) || self.fit.samples < 2 * loops {
            let message =
                format!("`samples` needs a multiple of 8, and {} or more for {loops} loops", 2 * loops);
            return Err(tables.fail_in("fit", &message));
        }
        let train = self.train.as_ref();
        if train.is_some_and(|train| train.steps == 0) {
            return Err(
                tables.fail_key(&["train", "steps"], "`steps` = 0: leave `[train]` out to stay with the fit")
            );
        }
        if train.is_some_and(|train| train.start.is_some()) {
            let message =
                "flows of loops begin with fitted coefficients, for which `[fit]` is: leave `start` out";
            return Err(tables.fail_key(&["train", "start"], message));
        }
        if train.is_some_and(|train| train.estimator == Estimator::Path) {
            let message =
                "flows of loops have no score, which the path estimator needs: leave `estimator` out";
            return Err(tables.fail_key(&["train", "estimator"], message));
        }
        for (table, key, count) in [
            ("train", "batch", train.map_or(16, |t| t.batch)),
            ("train", "samples", train.map_or(16, |t| t.samples)),
            ("evaluate", "samples", self.evaluate.samples),
        ] {
            if count == 0 || !count.is_multiple_of(16) {
                return Err(tables.fail_in(table, &format!("`{key}` = {count} is no multiple of 16")));
            }
        }
        if let Some(problem) = self.machine.problem() {
            return Err(tables.fail_in("machine", &problem));
        }
        if !self.machine.ranks.is_empty() || self.machine.pin || self.machine.plans.is_some() {
            let message = "a training has threads that are not bound, no ranks and no plans";
            return Err(tables.fail_in("machine", message));
        }
        Ok(())
    }

    /// SHA-256 of everything in the file that decides the results.
    pub fn hash(&self) -> String {
        document_hash(&self.text, &["machine"], &[("run", &["directory", "checkpoint_seconds"])])
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
group = "SU(3)"
extents = [8, 8]
[action]
beta = 4.0
[model]
kind = "loop-flow"
loops = "second"
knots = 6
steps = 10
[train]
steps = 10
batch = 64
learning_rate = 1e-3
[evaluate]
extents = [16, 16]
"#;

    fn parse(set: &[&str]) -> Result<LoopTrainFile, String> {
        let set: Vec<String> = set.iter().map(|s| s.to_string()).collect();
        match AnyTrainFile::parse(GOOD, Path::new("t.toml"), &set) {
            Ok(AnyTrainFile::Loops(file)) => Ok(*file),
            Ok(_) => panic!("the other kind"),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_good_file_is_read_and_its_hash_sees_what_counts() {
        let file = parse(&[]).unwrap();
        assert_eq!((file.model.knots, file.fit.samples, file.evaluate.samples), (6, 1024, 10_240));
        assert_eq!(file.hash(), parse(&["machine.threads=2", "run.directory=y"]).unwrap().hash());
        assert_ne!(file.hash(), parse(&["fit.samples=2048"]).unwrap().hash());
    }

    #[test]
    fn what_cannot_be_trained_is_refused() {
        for (set, word) in [
            ("lattice.extents=[8,8,8]", "two even extents"),
            ("evaluate.extents=[16,15]", "two even extents"),
            ("lattice.extents=[2,8]", "4 or more"),
            ("action.kind=iwasaki", "wilson"),
            ("model.knots=0", "expected 1 to"),
            ("model.steps=5000", "expected 1 to"),
            ("model.loops=third", "second"),
            ("fit.samples=80", "88 or more"),
            ("train.batch=20", "multiple of 16"),
            ("train.steps=0", "leave `[train]` out"),
            ("evaluate.samples=0", "at least 1"),
            ("evaluate.step_error=-1.0", "positive"),
            ("machine.ranks=[2,1]", "no ranks"),
        ] {
            let message = parse(&[set]).unwrap_err();
            assert!(message.contains(word) && message.contains("line"), "{set}: {message}");
        }
    }
}
