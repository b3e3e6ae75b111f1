//! A training: steps, telemetry, checkpoints.

use crate::adam::{Adam, Settings};
use crate::checkpoint::Saved;
use crate::{Data, DivergenceOf, Estimator, GaugeTarget, Schedule, Target, TrainError};
use gaugelink_lattice::Real;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_sampler::statistics::LogWeights;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

/// What decides a training's bits, beside the lattice and the action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Seed of all random numbers.
    pub seed: u64,
    /// Optimiser steps.
    pub steps: u64,
    /// Configurations a step.
    pub batch: usize,
    /// First learning rate.
    pub rate: f64,
    /// How the rate goes down.
    pub schedule: Schedule,
    /// The optimiser's settings.
    pub adam: Settings,
    /// How the gradient is estimated.
    #[serde(default)]
    pub estimator: Estimator,
    /// β of the first step, from where it goes to that of the loss over the first half of the steps, linearly.
    #[serde(default)]
    pub beta_from: Option<f64>,
    /// Steps between evaluations.
    pub report_every: u64,
    /// Configurations of an evaluation.
    pub samples: usize,
    /// The least possible loss, −ln Z, where it is known.
    pub floor: Option<f64>,
    /// What else makes it this training and no other, the flow above all: in the caller's words, e.g. the hash of a
    /// file. A checkpoint with other words is refused.
    pub identity: String,
}

/// How a flow does at one step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Telemetry {
    /// Steps taken.
    pub step: u64,
    /// ⟨ln q + S⟩ over the evaluation's configurations.
    pub loss: f64,
    /// The Kullback–Leibler divergence: the loss less its floor, which is estimated by the same weights where it is not known.
    pub divergence: f64,
    /// Effective sample size per configuration.
    pub sample_size: f64,
    /// Its error.
    #[serde(default)]
    pub sample_size_error: f64,
    /// Configurations behind it.
    pub samples: usize,
    /// Norm of the last gradient, before clipping.
    pub gradient_norm: f64,
    /// Wall-clock seconds of the training so far, over restarts.
    #[serde(default)]
    pub seconds: f64,
}

/// What a training tells while it goes on.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// A step was taken; the loss of its batch.
    Step {
        /// Steps taken.
        step: u64,
        /// Mean loss of the batch.
        loss: f64,
    },
    /// An evaluation. It comes before the [`Progress::Step`] that it was made at, so that a training which is saved and
    /// stopped at a step has told everything up to there.
    Report(&'a Telemetry),
}

/// A training under way.
pub struct TrainerOf<T: Real, A: Target<T>> {
    plan: Plan,
    loss: DivergenceOf<T, A>,
    /// Configurations of the target, and how much of the loss is the forward divergence; the rest is the reverse one.
    data: Option<(Data<T>, f64)>,
    /// The theory's own, where it has one.
    beta: Option<f64>,
    parameters: Vec<f64>,
    adam: Adam,
    gradient: Vec<f64>,
    gradient_norm: f64,
    earlier_seconds: f64,
    begun: Instant,
}

/// Of a flow of links.
pub type Trainer<T, const N: usize> = TrainerOf<T, GaugeTarget<N>>;

impl<T: Real, A: Target<T>> TrainerOf<T, A> {
    /// Before the first step.
    ///
    /// # Errors
    /// [`TrainError::Setting`] for a batch or evaluation that does not fill groups, no step between evaluations, or a first β
    /// of a theory without one; those of the flow for the parameters.
    pub fn new(plan: Plan, mut loss: DivergenceOf<T, A>, parameters: Vec<f64>) -> Result<Self, TrainError> {
        for (what, count) in [("batch", plan.batch), ("samples", plan.samples)] {
            if count == 0 || !count.is_multiple_of(T::LANES) {
                return Err(TrainError::Setting(format!(
                    "{what} = {count}: give a multiple of {}, the configurations of a group",
                    T::LANES
                )));
            }
        }
        if plan.report_every == 0 || !(plan.rate > 0.0 && plan.rate.is_finite()) {
            return Err(TrainError::Setting(
                "steps between reports and the learning rate must be above 0".into(),
            ));
        }
        let beta = loss.beta();
        if plan.beta_from.is_some() && beta.is_none() {
            return Err(TrainError::Setting("a beta to begin from: the theory has none".into()));
        }
        loss.set_parameters(&parameters)?;
        Ok(Self {
            adam: Adam::new(plan.adam, parameters.len()),
            gradient: vec![0.0; parameters.len()],
            plan,
            loss,
            data: None,
            beta,
            parameters,
            gradient_norm: 0.0,
            earlier_seconds: 0.0,
            begun: Instant::now(),
        })
    }

    /// With configurations of the target: `share` of the loss is the forward divergence then. The plan's identity is to tell
    /// which they are.
    ///
    /// # Errors
    /// [`TrainError::Setting`] where there are none, and for a share that is not above 0 and at most 1.
    pub fn with_data(mut self, data: Data<T>, share: f64) -> Result<Self, TrainError> {
        if data.is_empty() {
            return Err(TrainError::Setting("no configurations to learn from: give at least one".into()));
        }
        if !(share > 0.0 && share <= 1.0) {
            return Err(TrainError::Setting(format!(
                "{share} of the loss by data: give a share above 0 and at most 1"
            )));
        }
        self.data = Some((data, share));
        Ok(self)
    }

    /// Goes on from a checkpoint, if there is one; whether there was.
    ///
    /// # Errors
    /// [`TrainError::Checkpoint`] for one that cannot be read or is of another training.
    pub fn resume(&mut self, path: &Path) -> Result<bool, TrainError> {
        let Some(saved) = Saved::read(path)? else { return Ok(false) };
        let fits = saved.training == self.in_words();
        let seconds = saved.seconds;
        let (parameters, adam) = saved.into_state(self.plan.adam);
        if !fits || parameters.len() != self.parameters.len() {
            return Err(TrainError::Checkpoint {
                path: path.into(),
                reason: "it belongs to a training with other settings: remove it to begin anew".into(),
            });
        }
        self.loss.set_parameters(&parameters)?;
        (self.parameters, self.adam, self.earlier_seconds) = (parameters, adam, seconds);
        self.begun = Instant::now();
        Ok(true)
    }

    /// Writes a checkpoint; one from before stands until it is complete.
    ///
    /// # Errors
    /// [`TrainError::Checkpoint`].
    pub fn save(&self, path: &Path) -> Result<(), TrainError> {
        Saved::new(self.in_words(), self.seconds(), &self.parameters, &self.adam).write(path)
    }

    /// Which training it is: a checkpoint is good for no other.
    fn in_words(&self) -> serde_json::Value {
        let forward = self.data.as_ref().map_or(0.0, |(_, share)| *share);
        let mut words =
            serde_json::json!({ "plan": self.plan, "extents": self.loss.extents(), "forward": forward });
        // The loss may be at a step's own β.
        let beta = self.beta.map(|beta| ("beta", beta.into()));
        for (key, value) in self.loss.in_words().into_iter().chain(beta) {
            words[key] = value;
        }
        words
    }

    /// Steps taken.
    pub fn step_number(&self) -> u64 {
        self.adam.steps
    }

    /// Wall-clock seconds so far, those before a restart included.
    pub fn seconds(&self) -> f64 {
        self.earlier_seconds + self.begun.elapsed().as_secs_f64()
    }

    /// The parameters.
    pub fn parameters(&self) -> &[f64] {
        &self.parameters
    }

    /// One step; the mean loss of its batch, of forward and reverse divergence by their shares.
    ///
    /// # Errors
    /// [`TrainError::NotFinite`]; those of the losses.
    pub fn step(&mut self) -> Result<f64, TrainError> {
        let step = self.adam.steps;
        let address = Address::new(self.plan.seed, Purpose::Training).trajectory(step);
        self.set_beta(self.beta_at(step));
        let loss = self.gradient_at(address)?;
        let rate = self.plan.rate * self.plan.schedule.factor(step, self.plan.steps);
        if !(loss.is_finite() && self.gradient.iter().all(|g| g.is_finite())) {
            return Err(TrainError::NotFinite { step });
        }
        self.gradient_norm = self.adam.step(&mut self.parameters, &self.gradient, rate);
        self.loss.set_parameters(&self.parameters)?;
        Ok(loss)
    }

    /// The mean loss of a batch, its gradient in `gradient`.
    fn gradient_at(&mut self, address: Address) -> Result<f64, TrainError> {
        let Self { plan, loss, data, gradient, .. } = self;
        let forward = data.as_ref().map_or(0.0, |(_, share)| *share);
        let mut value = 0.0;
        gradient.fill(0.0);
        if forward < 1.0 {
            let draws = loss.draw_with_gradient(plan.estimator, address, plan.batch, gradient)?;
            value += (1.0 - forward) * draws.mean();
        }
        if let Some((data, _)) = data {
            let mut fitted = vec![0.0; gradient.len()];
            // Sample 3: which of the data.
            let draws = loss.fit_with_gradient(data, address.sample(3), plan.batch, &mut fitted)?;
            value += forward * draws.mean();
            gradient.iter_mut().zip(fitted).for_each(|(g, f)| *g = (1.0 - forward) * *g + forward * f);
        }
        Ok(value)
    }

    /// β of a step.
    fn beta_at(&self, step: u64) -> Option<f64> {
        let (Some(from), Some(beta)) = (self.plan.beta_from, self.beta) else { return self.beta };
        let done = (2 * step) as f64 / self.plan.steps as f64;
        Some(if done < 1.0 { from + done * (beta - from) } else { beta })
    }

    fn set_beta(&mut self, beta: Option<f64>) {
        if let Some(beta) = beta {
            self.loss.set_beta(beta);
        }
    }

    /// How the flow does now, on configurations that no step has seen.
    ///
    /// # Errors
    /// [`TrainError::Statistics`] where weights are not finite.
    pub fn evaluate(&mut self) -> Result<Telemetry, TrainError> {
        // Sample 1: other links than the steps'.
        let address = Address::new(self.plan.seed, Purpose::Training).sample(1).trajectory(self.adam.steps);
        self.set_beta(self.beta);
        let draws = self.loss.draw(address, self.plan.samples)?;
        let (loss, weights) = (draws.mean(), LogWeights::new(&draws.log_weights())?);
        let floor = match self.plan.floor {
            Some(floor) => floor,
            None => -weights.ln_z()?.value,
        };
        let sample_size = weights.measured_sample_size()?;
        Ok(Telemetry {
            step: self.adam.steps,
            loss,
            divergence: loss - floor,
            sample_size: sample_size.value,
            sample_size_error: sample_size.error,
            samples: self.plan.samples,
            gradient_norm: self.gradient_norm,
            seconds: self.seconds(),
        })
    }

    /// Steps to the end of the plan, with an evaluation every [`Plan::report_every`] steps and after the last, until
    /// `watch` says stop; whether the end was reached.
    ///
    /// # Errors
    /// As [`TrainerOf::step`] and [`TrainerOf::evaluate`].
    pub fn run<E: From<TrainError>>(
        &mut self,
        mut watch: impl FnMut(&Self, Progress<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<bool, E> {
        while self.adam.steps < self.plan.steps {
            let loss = self.step()?;
            let step = self.adam.steps;
            if step.is_multiple_of(self.plan.report_every) || step == self.plan.steps {
                let telemetry = self.evaluate()?;
                if watch(self, Progress::Report(&telemetry))?.is_break() {
                    return Ok(false);
                }
            }
            if watch(self, Progress::Step { step, loss })?.is_break() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
