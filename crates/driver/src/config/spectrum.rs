//! `[[stage]]` of kind "spectrum": the low modes of a Dirac operator.

use super::boundary::BoundaryPhases;
use super::quark::{MassKeys, csw, kappa_if_given, mass_if_given};
use super::stage::reachable;
use super::tables::at_least_one;
use gaugelink_physics::dirac::Spectrum;
use gaugelink_physics::solver::Wanted;
use serde::{Deserialize, Deserializer};

/// `kind = "spectrum"`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpectrumStage {
    /// Bare mass m; either this or `kappa`.
    #[serde(default, deserialize_with = "mass_if_given")]
    mass: Option<f64>,
    /// Hopping parameter, kappa = 1/(2(m + d)) in d dimensions.
    #[serde(default, deserialize_with = "kappa_if_given")]
    kappa: Option<f64>,
    /// Coefficient of the clover term; 0 leaves it out.
    #[serde(default, deserialize_with = "csw")]
    pub csw: f64,
    /// Boundary phase of each direction. Antiperiodic in the last one where nothing is said.
    #[serde(default)]
    pub boundary: BoundaryPhases,
    /// "D" or "gamma5-D".
    #[serde(default, deserialize_with = "operator")]
    pub operator: Spectrum,
    /// Eigenvalues.
    #[serde(default = "eight", deserialize_with = "at_least_one")]
    count: u64,
    /// ‖D v − λ v‖ / |λ| to reach.
    #[serde(default = "precise", deserialize_with = "reachable")]
    tolerance: f64,
    /// Vectors to span at most; 0: twelve for each eigenvalue, and 40.
    #[serde(default)]
    vectors: usize,
}

impl SpectrumStage {
    /// Bare mass m, in so many dimensions.
    pub fn mass(&self, dims: usize) -> f64 {
        self.mass_keys().on(dims)
    }

    pub(super) fn mass_keys(&self) -> MassKeys {
        MassKeys { mass: self.mass, kappa: self.kappa }
    }

    /// What is wrong with the mass in so many dimensions, if anything is.
    pub(crate) fn mass_problem_on(&self, dims: usize) -> Option<(&'static str, String)> {
        self.mass_keys().problem_on(dims)
    }

    /// What is looked for, and in how large a space.
    pub fn wanted(&self) -> Wanted {
        let count = self.count as usize;
        let vectors = if self.vectors == 0 { 12 * count + 40 } else { self.vectors };
        Wanted { count, tolerance: self.tolerance, vectors }
    }
}

fn eight() -> u64 {
    8
}

fn precise() -> f64 {
    1e-8
}

fn operator<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Spectrum, D::Error> {
    match &*String::deserialize(deserializer)? {
        "D" => Ok(Spectrum::Dirac),
        "gamma5-D" => Ok(Spectrum::Hermitian),
        other => {
            Err(serde::de::Error::custom(format!("no operator is called `{other}`: expected D or gamma5-D")))
        }
    }
}
