//! The measurements of a run as JSON lines: what is written, what the results are made of.

use super::plugins::Identity;
use serde::{Deserialize, Deserializer, Serialize};

/// A line of `measurements.jsonl`. Stages count from 0, as in `--set stage.0...`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Line {
    /// The first configuration.
    Start(Start),
    /// After a heat bath update.
    Heatbath(Update),
    /// After a trajectory.
    Hmc(Update),
    /// After a trajectory through a field transformation.
    Fthmc(Update),
    /// After a plugin's proposal was taken or refused.
    Proposal(Update),
    /// After a flow's draw was taken or refused.
    Independence(Update),
    /// After a draw that has a weight.
    Importance(Update),
    /// The plugin that a stage goes through.
    Plugin(Identity),
    /// What a term of the action did in a trajectory.
    Term(Term),
    /// What the rational function of one flavour misses.
    Weight(Weight),
    /// How well a trajectory of the stage can be reversed.
    Reversibility(Reversibility),
    /// At a flow time.
    Flow(Flow),
    /// Scales set by the flow.
    Scales(Scales),
    /// What a stage's solver took before its first solve.
    Setup(Setup),
    /// A solve for one source.
    Solve(Solve),
    /// Meson correlators at one time.
    Correlator(Correlator),
    /// An eigenvalue.
    Eigenvalue(Eigenvalue),
    /// A propagator written.
    Propagator(PropagatorFile),
    /// A configuration written.
    Write(Write),
}

/// The first configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Start {
    pub chain: usize,
    pub plaquette: f64,
    /// Largest ‖U U† − 1‖ of the links as they came.
    pub unitarity: f64,
}

/// What one update did and what was measured after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Update {
    pub stage: usize,
    /// Updates since the run began.
    pub update: u64,
    pub chain: usize,
    /// Of an update with an accept step; for proposals that of S − w. Null for a number that is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta_h: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<bool>,
    /// ln of the weight e^{−S}/q of a flow's draw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ln_weight: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plaquette: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polyakov_re: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polyakov_im: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge: Option<f64>,
    /// tr D⁻¹ / V of one flavour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condensate: Option<f64>,
    /// Sign of det D of one flavour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign: Option<f64>,
    /// ln det(D†D), where configurations are made without quarks and weighted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ln_det: Option<f64>,
    /// Control variates: numbers whose average is 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub controls: Vec<f64>,
}

/// A term of an action with quarks, in the trajectory that led to an update.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Term {
    pub stage: usize,
    pub update: u64,
    pub name: String,
    /// Its level, 0 the outermost.
    pub level: usize,
    /// Forces of the trajectory.
    pub forces: usize,
    /// |F| of a link: root of the mean square, and the largest; null where a trajectory diverged.
    #[serde(deserialize_with = "number_or_null")]
    pub force: f64,
    #[serde(deserialize_with = "number_or_null")]
    pub force_max: f64,
    /// Iterations of the solver in all forces, and in heat bath and accept step.
    pub force_iterations: usize,
    pub action_iterations: usize,
}

/// The weight W of a configuration that a rational function has no part in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Weight {
    pub stage: usize,
    pub update: u64,
    pub chain: usize,
    /// ln W, estimated with Gaussian vectors, and the estimate's error.
    pub ln_weight: f64,
    pub error: f64,
}

/// A trajectory forth and back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reversibility {
    pub stage: usize,
    /// Largest difference of a link's entry; null where a trajectory diverged.
    #[serde(deserialize_with = "number_or_null")]
    pub links: f64,
    /// |ΔH there + ΔH back|, the largest of the chains; null likewise.
    #[serde(deserialize_with = "number_or_null")]
    pub energy: f64,
}

/// Observables at a flow time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Flow {
    pub stage: usize,
    pub chain: usize,
    pub time: f64,
    pub plaquette: f64,
    pub t2e_plaquette: f64,
    pub t2e_clover: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge: Option<f64>,
}

/// t₀ and w₀ from the clover energy; null where the flow ended before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scales {
    pub stage: usize,
    pub chain: usize,
    pub t0: Option<f64>,
    pub w0: Option<f64>,
}

/// What a solver took before its first solve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub stage: usize,
    /// Its operations in units of those of D.
    pub d_equivalents: f64,
}

/// One solve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Solve {
    pub stage: usize,
    pub chain: usize,
    pub spin: usize,
    pub colour: usize,
    pub solver: String,
    pub iterations: usize,
    /// Applications of the operator iterated on (D, or its even-odd form) or its adjoint, those for true residuals included.
    #[serde(default)]
    pub applications: usize,
    /// Applications of D, and of the preconditioner in units of them; null where a plugin gives no account of its cost.
    pub d_equivalents: Option<f64>,
    /// Floating-point operations of the applications of operator and preconditioner, for this chain.
    #[serde(default)]
    pub flops: f64,
    /// |D x − b| / |b|, computed from the solution.
    pub residual: f64,
}

/// Correlators at t from the source: of the pion, of the vector meson, of the axial current with the pion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Correlator {
    pub stage: usize,
    pub chain: usize,
    pub t: usize,
    pub pion: f64,
    pub vector: f64,
    pub axial: f64,
}

/// An eigenvalue λ of a Dirac operator; they are numbered by growing modulus.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Eigenvalue {
    pub stage: usize,
    pub chain: usize,
    pub number: usize,
    pub re: f64,
    pub im: f64,
    /// ‖D v − λ v‖ / |λ|.
    pub residual: f64,
}

/// A propagator in a file, read again and verified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PropagatorFile {
    pub stage: usize,
    pub chain: usize,
    pub file: String,
    /// Columns, one for each source spin and colour.
    pub columns: usize,
    pub precision: String,
}

/// A configuration in a file, and what was found when it was read again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Write {
    pub stage: usize,
    pub chain: usize,
    pub file: String,
    pub plaquette: f64,
    pub suma: String,
    pub sumb: String,
    /// Whether checksum and plaquette of the file are those written; null where it was not read again.
    pub verified: Option<bool>,
}

/// JSON writes a number that is none as null.
fn number_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}
