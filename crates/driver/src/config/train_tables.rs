//! Tables of files for `gaugelink train`.

use super::tables::{at_least_one, directory, one, positive, positive_if_given};
use super::{MachineTable, Tables};
use crate::error::DriverError;
use gaugelink_models::Conditional;
use gaugelink_train::{Estimator, Schedule};
use serde::{Deserialize, Deserializer};
use std::path::PathBuf;

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

/// `[train]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainTable {
    /// Optimiser steps; 0 to leave it at `[fit]`.
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
    /// "reparametrised" or "path".
    #[serde(default)]
    pub estimator: Estimator,
    /// A model of the same layers to begin with, trained on any lattice at any β.
    #[serde(default, deserialize_with = "start")]
    pub start: Option<PathBuf>,
    /// β of the first step.
    #[serde(default, deserialize_with = "positive_if_given")]
    pub beta_from: Option<f64>,
    /// Steps between evaluations.
    #[serde(default = "report_every", deserialize_with = "at_least_one")]
    pub report_every: u64,
    /// Configurations of an evaluation, a multiple of 16.
    #[serde(default = "samples")]
    pub samples: usize,
}

/// `[data]`: the forward divergence beside the reverse one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataTable {
    /// Folders, files and patterns, as `gaugelink ensemble` takes them.
    pub files: Vec<PathBuf>,
    /// How much of the loss is the forward divergence: above 0, at most 1.
    #[serde(default = "half", deserialize_with = "positive")]
    pub share: f64,
}

fn half() -> f64 {
    0.5
}

impl DataTable {
    /// Refuses what no training can learn from in so many steps.
    pub(super) fn check(&self, steps: u64, tables: &Tables<'_>) -> Result<(), DriverError> {
        if self.share > 1.0 {
            let message = format!("`share` = {}, expected a number above 0 and at most 1", self.share);
            return Err(tables.fail_key(&["data", "share"], &message));
        }
        if self.files.is_empty() {
            return Err(tables.fail_key(&["data", "files"], "`files` names none, expected a folder or files"));
        }
        if steps == 0 {
            return Err(
                tables.fail_in("data", "`[data]` is for the steps of [train], of which there are none")
            );
        }
        Ok(())
    }
}

/// `[fit]` of block layers.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockFitTable {
    /// Steps of the optimiser for each layer.
    #[serde(default = "fit_steps", deserialize_with = "at_least_one")]
    pub steps: u64,
    /// Points of the quadrature of each step, a multiple of 16.
    #[serde(default = "fit_points")]
    pub points: usize,
    /// Learning rate of the first step; it goes down along half a cosine.
    #[serde(default = "fit_rate", deserialize_with = "positive")]
    pub learning_rate: f64,
    /// Least and largest β of a model for a range of couplings; none: for that of `[action]`.
    #[serde(default)]
    pub betas: Option<[f64; 2]>,
    /// Knots of such a range.
    #[serde(default = "fit_knots")]
    pub knots: usize,
    /// β that is fitted where it is not that of the action: quarks make plaquettes as if it were larger.
    #[serde(default, deserialize_with = "positive_if_given")]
    pub beta: Option<f64>,
}

impl BlockFitTable {
    /// The range of couplings, where it is not one.
    pub fn range(&self) -> Option<Conditional> {
        self.betas.map(|[from, to]| Conditional { from, to, knots: self.knots })
    }

    /// What is wrong with the range, for a model that is judged at `beta` and trained by so many steps.
    pub(super) fn range_problem(&self, beta: f64, steps: u64) -> Option<String> {
        let range = self.range()?;
        let within = (range.from..=range.to).contains(&beta);
        range.problem().or_else(|| match (within, range.from > 0.0, steps) {
            (false, ..) => Some(format!(
                "`beta` of [action], {beta}, lies outside of `betas`: the model is judged there"
            )),
            (_, false, _) => Some("`betas` are above 0: the fit goes up to them from below".into()),
            (.., 0) => None,
            _ => Some(
                "`betas` go with `steps` = 0 of [train]: the whole flow is trained at one beta only".into(),
            ),
        })
    }
}

fn fit_steps() -> u64 {
    2000
}

fn fit_points() -> usize {
    512
}

fn fit_rate() -> f64 {
    5e-3
}

fn fit_knots() -> usize {
    4
}

fn start<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    directory(deserializer).map(Some)
}

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

impl ChainTable {
    /// No chain.
    pub(super) fn none() -> Self {
        Self { updates: 0, thermalise: one() }
    }

    /// Refuses a chain without an average.
    pub(super) fn check(&self, tables: &Tables<'_>) -> Result<(), DriverError> {
        if self.updates > 0 && self.thermalise >= self.updates {
            return Err(tables.fail_in("chain", "`thermalise` leaves no update to average over"));
        }
        Ok(())
    }
}

impl TrainTable {
    /// A training stops between steps, so a step must not take for ever.
    pub(super) const LARGEST_BATCH: usize = 65536;

    /// Refuses counts of configurations that do not fill groups, or are too many.
    pub(super) fn check_counts(&self, tables: &Tables<'_>) -> Result<(), DriverError> {
        for (key, count) in [("batch", self.batch), ("samples", self.samples)] {
            if count == 0 || !count.is_multiple_of(16) {
                let message = format!("`{key}` = {count} is no multiple of 16");
                return Err(tables.fail_key(&["train", key], &message));
            }
        }
        if self.batch > Self::LARGEST_BATCH {
            let batch = self.batch;
            let message = format!("`batch` = {batch} is more than {}", Self::LARGEST_BATCH);
            return Err(tables.fail_key(&["train", "batch"], &message));
        }
        Ok(())
    }
}

impl MachineTable {
    /// Refuses what a training has not.
    pub(super) fn check_training(&self, tables: &Tables<'_>) -> Result<(), DriverError> {
        let refuse = |what: &str| Err(tables.fail_in("machine", what));
        if let Some(problem) = self.problem() {
            return refuse(&problem);
        }
        if !self.ranks.is_empty() {
            return refuse("a training has threads, no ranks");
        }
        if self.pin {
            return refuse("the threads of a training are not bound to cores");
        }
        if self.plans.is_some() {
            return refuse("a training has no kernels with plans: leave out `plans`");
        }
        Ok(())
    }
}
