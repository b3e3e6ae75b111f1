//! `boundary` of quarks: a sign for each direction.

use gaugelink_lattice::Complex;
use gaugelink_physics::dirac::Boundary;
use serde::{Deserialize, Deserializer};

/// 1 periodic, −1 antiperiodic; where nothing is said, antiperiodic in the last direction, which is time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BoundarySigns(Option<Vec<f64>>);

impl BoundarySigns {
    /// On a lattice of so many dimensions.
    pub fn on(&self, dims: usize) -> Boundary {
        let sign = |mu: usize| match &self.0 {
            Some(signs) => signs.get(mu).copied().unwrap_or(1.0),
            None if mu + 1 == dims => -1.0,
            None => 1.0,
        };
        Boundary(std::array::from_fn(|mu| Complex::new(sign(mu), 0.0)))
    }

    /// What is wrong with them there, if anything is.
    pub(crate) fn problem_on(&self, dims: usize) -> Option<String> {
        let signs = self.0.as_ref().filter(|signs| signs.len() != dims)?;
        Some(format!("{} signs for {dims} directions: give one for each", signs.len()))
    }
}

impl<'de> Deserialize<'de> for BoundarySigns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let signs = Vec::<f64>::deserialize(deserializer)?;
        match signs.iter().find(|s| s.abs() != 1.0) {
            Some(s) => Err(serde::de::Error::custom(format!("{s} is no boundary sign, expected 1 or -1"))),
            None => Ok(Self(Some(signs))),
        }
    }
}
