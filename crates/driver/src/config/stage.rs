//! The stages of a run: `[[stage]]` with `kind = "..."`.

use super::action::ActionKind;
use super::fermions::{Determinant, FermionsTable};
use super::independence::{ImportanceStage, IndependenceStage, shares_problem};
use super::plugin::{PluginTable, Role};
use super::solve::SolveStage;
use super::spectrum::SpectrumStage;
use super::tables::{STEPS_MAX, at_least_one, counts, positive, trajectory_steps};
use super::write::{WriteStage, WriteTable};
use gaugelink_sampler::hmc::Trajectory;
use gaugelink_sampler::integrator::Integrator;
use serde::{Deserialize, Deserializer};
use std::path::Path;

/// One thing that a run does.
#[derive(Debug, Clone)]
pub enum Stage {
    /// Heat bath and overrelaxation.
    Heatbath(HeatbathStage),
    /// Hybrid Monte Carlo.
    Hmc(HmcStage),
    /// Hybrid Monte Carlo through a field transformation.
    Fthmc(FthmcStage),
    /// Metropolis updates by a plugin's proposals.
    Proposal(ProposalStage),
    /// Metropolis updates by draws from a plugin's flow.
    Independence(IndependenceStage),
    /// Draws from a plugin's flow, each with its weight.
    Importance(ImportanceStage),
    /// Gradient flow of the configuration at hand.
    Flow(FlowStage),
    /// Solves of the Wilson–Dirac equation.
    Solve(Box<SolveStage>),
    /// Low modes of a Dirac operator.
    Spectrum(SpectrumStage),
    /// The configuration at hand as a file.
    Write(WriteStage),
}

impl Stage {
    /// Values of `kind`.
    pub const KINDS: [&'static str; 10] = [
        "heatbath",
        "hmc",
        "fthmc",
        "proposal",
        "independence",
        "importance",
        "flow",
        "solve",
        "spectrum",
        "write",
    ];

    /// The file that it writes into the run directory, and the key that names it.
    pub fn target(&self) -> Option<(&Path, &'static str)> {
        match self {
            Stage::Write(stage) => Some((&stage.file, "file")),
            Stage::Solve(stage) => stage.propagator.as_ref().map(|table| (&*table.file, "propagator")),
            _ => None,
        }
    }

    /// Its `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Stage::Heatbath(_) => Self::KINDS[0],
            Stage::Hmc(_) => Self::KINDS[1],
            Stage::Fthmc(_) => Self::KINDS[2],
            Stage::Proposal(_) => Self::KINDS[3],
            Stage::Independence(_) => Self::KINDS[4],
            Stage::Importance(_) => Self::KINDS[5],
            Stage::Flow(_) => Self::KINDS[6],
            Stage::Solve(_) => Self::KINDS[7],
            Stage::Spectrum(_) => Self::KINDS[8],
            Stage::Write(_) => Self::KINDS[9],
        }
    }

    /// Updates of the Markov chain that the stage makes.
    pub fn updates(&self) -> u64 {
        match self {
            Stage::Heatbath(s) => s.sweeps,
            Stage::Hmc(s) => s.trajectories,
            Stage::Fthmc(s) => s.trajectories,
            Stage::Proposal(s) => s.updates,
            Stage::Independence(s) => s.updates,
            Stage::Importance(s) => s.draws,
            _ => 0,
        }
    }

    /// Updates at its begin that stay out of averages.
    pub fn thermalisation(&self) -> u64 {
        match self {
            Stage::Heatbath(s) => s.thermalise,
            Stage::Hmc(s) => s.thermalise,
            Stage::Fthmc(s) => s.thermalise,
            Stage::Proposal(s) => s.thermalise,
            Stage::Independence(s) => s.thermalise,
            _ => 0,
        }
    }

    /// Its configurations as files.
    pub fn ensemble(&self) -> Option<&WriteTable> {
        match self {
            Stage::Heatbath(s) => s.write.as_ref(),
            Stage::Hmc(s) => s.write.as_ref(),
            Stage::Fthmc(s) => s.write.as_ref(),
            Stage::Proposal(s) => s.write.as_ref(),
            Stage::Independence(s) => s.write.as_ref(),
            _ => None,
        }
    }

    /// The plugins that it goes through.
    pub fn plugins(&self) -> (Role, &[PluginTable]) {
        match self {
            Stage::Hmc(s) => (Role::Force, s.force.as_slice()),
            Stage::Fthmc(s) => (Role::Flow, std::slice::from_ref(&s.flow)),
            Stage::Proposal(s) => (Role::Proposal, std::slice::from_ref(&s.proposal)),
            Stage::Independence(s) => (Role::Flow, &s.flow),
            Stage::Importance(s) => (Role::Flow, &s.flow),
            Stage::Solve(s) => (Role::Preconditioner, s.preconditioner.as_slice()),
            _ => (Role::Flow, &[]),
        }
    }

    /// How often each of its flows draws, as the file says.
    fn shares(&self) -> &[f64] {
        match self {
            Stage::Independence(s) => &s.shares,
            Stage::Importance(s) => &s.shares,
            _ => &[],
        }
    }

    /// What is wrong with the shares of its flows.
    pub(super) fn shares_problem(&self) -> Option<String> {
        shares_problem(self.shares(), self.plugins().1.len())
    }

    /// How often each of its flows draws, relative to the others.
    pub fn all_shares(&self) -> Vec<f64> {
        match self.shares() {
            [] => vec![1.0; self.plugins().1.len()],
            shares => shares.to_vec(),
        }
    }
}

/// `kind = "heatbath"`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeatbathStage {
    /// Updates: each one heat bath sweep and `overrelaxation` overrelaxation sweeps.
    #[serde(deserialize_with = "at_least_one")]
    pub sweeps: u64,
    /// Overrelaxation sweeps after each heat bath sweep.
    #[serde(default)]
    pub overrelaxation: usize,
    /// Updates at the begin that stay out of averages.
    #[serde(default)]
    pub thermalise: u64,
    /// Configurations as files.
    pub write: Option<WriteTable>,
}

/// `kind = "hmc"`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HmcStage {
    /// Trajectories.
    #[serde(deserialize_with = "at_least_one")]
    pub trajectories: u64,
    /// "omelyan" or "leapfrog".
    #[serde(default = "omelyan", deserialize_with = "integrator")]
    pub integrator: Integrator,
    /// Integration steps of a trajectory.
    #[serde(deserialize_with = "trajectory_steps")]
    pub steps: u64,
    /// Length τ, in units where H = ½ Σ π² + S (Grid's τ is √2 shorter).
    #[serde(default = "unit_length", deserialize_with = "positive")]
    pub length: f64,
    /// Trajectories at the begin that stay out of averages.
    #[serde(default)]
    pub thermalise: u64,
    /// The first of these are taken whatever their ΔH: a start from far off would be rejected for ever.
    #[serde(default)]
    pub relax: u64,
    /// With `[fermions]`: steps of each level inside, in one drift of the level around it.
    #[serde(default, deserialize_with = "counts")]
    pub inner_steps: Vec<u64>,
    /// With `[fermions]`: how their determinant enters here, where another way is said there.
    #[serde(default)]
    pub determinant: Option<Determinant>,
    /// A plugin's force, which kicks the momenta; the accept step takes the action's energy all the same.
    pub force: Option<PluginTable>,
    /// Configurations as files.
    pub write: Option<WriteTable>,
}

impl HmcStage {
    /// How a trajectory is integrated.
    pub fn trajectory(&self) -> Trajectory {
        Trajectory { integrator: self.integrator, steps: self.steps as usize, length: self.length }
    }

    /// Steps of each level, the outermost first.
    pub fn level_steps(&self) -> impl Iterator<Item = usize> {
        std::iter::once(&self.steps).chain(&self.inner_steps).map(|&steps| steps as usize)
    }

    /// What is wrong with `determinant`, where the table says another.
    pub(super) fn determinant_problem(&self, fermions: Option<&FermionsTable>) -> Option<&'static str> {
        match (self.determinant?, fermions) {
            (_, None) => Some("it is that of quarks: add a table [fermions]"),
            (Determinant::Reweight, _) => Some("weights are for whole runs: see `determinant` of [fermions]"),
            (_, Some(fermions)) if fermions.reweights() => {
                Some("the quarks of [fermions] are weights, and in no action: choose \"exact\" there")
            }
            (Determinant::Exact, Some(fermions)) if fermions.determinant != Determinant::Exact => {
                Some("say \"exact\" in [fermions], where the lattice is looked at")
            }
            _ => None,
        }
    }

    /// What is wrong with `inner_steps` for an action of so many terms.
    pub(super) fn levels_problem(&self, terms: usize) -> Option<String> {
        let levels = self.inner_steps.len() + 1;
        if terms == 1 && levels > 1 {
            return Some(
                "there is one term, the gauge action, and one level without quarks in the action: leave `inner_steps` out"
                    .into(),
            );
        }
        if levels > terms {
            return Some(format!("{levels} levels for {terms} terms: expected a term for each level"));
        }
        // Omelyan's scheme drifts twice a step.
        let drifts = match self.integrator {
            Integrator::Leapfrog => 1,
            Integrator::Omelyan => 2,
        };
        let all =
            self.inner_steps.iter().fold(self.steps, |all, &n| all.saturating_mul(drifts).saturating_mul(n));
        (all > STEPS_MAX).then(|| {
            format!("{all} steps of the innermost level are not possible here, expected at most {STEPS_MAX}")
        })
    }
}

/// `kind = "fthmc"`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FthmcStage {
    /// Trajectories.
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
    /// Trajectories at the begin that stay out of averages.
    #[serde(default)]
    pub thermalise: u64,
    /// The field transformation, a plugin's flow.
    pub flow: PluginTable,
    /// Configurations as files.
    pub write: Option<WriteTable>,
}

impl FthmcStage {
    /// How a trajectory is integrated.
    pub fn trajectory(&self) -> Trajectory {
        Trajectory { integrator: self.integrator, steps: self.steps as usize, length: self.length }
    }
}

/// `kind = "proposal"`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposalStage {
    /// Proposals to each chain, each taken or refused by the action.
    #[serde(deserialize_with = "at_least_one")]
    pub updates: u64,
    /// Updates at the begin that stay out of averages.
    #[serde(default)]
    pub thermalise: u64,
    /// A plugin's proposals.
    pub proposal: PluginTable,
    /// Configurations as files.
    pub write: Option<WriteTable>,
}

/// `kind = "flow"`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowStage {
    /// Whose gradient is followed: "wilson", "symanzik", "iwasaki" or "dbw2".
    #[serde(default, deserialize_with = "named_action")]
    pub action: ActionKind,
    /// Flow time to reach, in lattice units.
    #[serde(deserialize_with = "positive")]
    pub time: f64,
    /// Step of the integration.
    #[serde(default = "flow_step", deserialize_with = "positive")]
    pub step: f64,
    /// Steps between measurements.
    #[serde(default = "flow_every", deserialize_with = "at_least_one")]
    pub every: u64,
}

pub(super) fn omelyan() -> Integrator {
    Integrator::Omelyan
}

pub(super) fn unit_length() -> f64 {
    1.0
}

/// An action that its name tells all of.
fn named_action<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ActionKind, D::Error> {
    match ActionKind::deserialize(deserializer)? {
        ActionKind::Improved => Err(serde::de::Error::custom(
            "a flow of `improved` is not possible here, expected wilson, symanzik, iwasaki or dbw2",
        )),
        kind => Ok(kind),
    }
}

fn flow_step() -> f64 {
    0.02
}

fn flow_every() -> u64 {
    5
}

/// A relative residual that double precision can reach, and that x = 0 does not have.
pub(super) fn reachable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    match positive(deserializer)? {
        x if x < 1e-15 => Err(serde::de::Error::custom(format!(
            "{x:e} is less than double precision reaches, expected 1e-15 or more"
        ))),
        x if x >= 1.0 => Err(serde::de::Error::custom(format!(
            "{x} is what x = 0 has, expected a relative residual below 1, e.g. 1e-10"
        ))),
        x => Ok(x),
    }
}

pub(super) fn max_iterations() -> u64 {
    10_000
}

pub(super) fn integrator<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Integrator, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}
