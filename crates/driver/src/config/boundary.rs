//! `boundary` of quarks: a phase for each direction.

use gaugelink_lattice::Complex;
use gaugelink_physics::dirac::Boundary;
use serde::de::{self, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::f64::consts::PI;
use std::fmt;

/// ψ(x + L) = e^{iπθ} ψ(x) for each direction; where nothing is said, antiperiodic in the last one, which is time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BoundaryPhases(Option<Vec<Phase>>);

impl BoundaryPhases {
    /// On a lattice of so many dimensions.
    pub fn on(&self, dims: usize) -> Boundary {
        let phases = self.phases(dims);
        Boundary(std::array::from_fn(|mu| phases.get(mu).copied().unwrap_or_default().value()))
    }

    /// What is wrong with them there, if anything is.
    pub(crate) fn problem_on(&self, dims: usize) -> Option<String> {
        let phases = self.0.as_ref().filter(|phases| phases.len() != dims)?;
        Some(format!("{} phases for {dims} directions: give one for each", phases.len()))
    }

    /// Whether one of them is neither 1 nor −1.
    pub fn is_twisted(&self) -> bool {
        self.0.iter().flatten().any(|phase| phase.value().im != 0.0)
    }

    /// As a run file has them.
    pub fn text(&self, dims: usize) -> String {
        let phases: Vec<String> = self.phases(dims).iter().map(Phase::to_string).collect();
        format!("[{}]", phases.join(", "))
    }

    fn phases(&self, dims: usize) -> Vec<Phase> {
        match &self.0 {
            Some(phases) => phases.clone(),
            None => (0..dims).map(|mu| Phase(f64::from(mu + 1 == dims))).collect(),
        }
    }
}

impl<'de> Deserialize<'de> for BoundaryPhases {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(|phases| Self(Some(phases)))
    }
}

/// e^{iπθ}, by its θ.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Phase(f64);

impl Phase {
    /// Without rounding for quarter turns.
    fn value(self) -> Complex<f64> {
        let theta = self.0.rem_euclid(2.0);
        let quarters = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)];
        match quarters.get((2.0 * theta) as usize).filter(|_| (2.0 * theta).fract() == 0.0) {
            Some(&(re, im)) => Complex::new(re, im),
            None => Complex::new((PI * theta).cos(), (PI * theta).sin()),
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value() {
            Complex { re, im: 0.0 } => write!(f, "{re:?}"),
            _ => write!(f, "{{ theta = {:?} }}", self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Phase {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PhaseVisitor)
    }
}

struct PhaseVisitor;

impl<'de> Visitor<'de> for PhaseVisitor {
    type Value = Phase;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_f64<E: de::Error>(self, sign: f64) -> Result<Phase, E> {
        match sign {
            1.0 => Ok(Phase(0.0)),
            -1.0 => Ok(Phase(1.0)),
            _ => Err(E::custom(format!("{sign} is no boundary phase, expected {EXPECTED}"))),
        }
    }

    fn visit_i64<E: de::Error>(self, sign: i64) -> Result<Phase, E> {
        self.visit_f64(sign as f64)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Phase, A::Error> {
        let mut theta = None;
        while let Some(key) = map.next_key::<String>()? {
            if key != "theta" {
                map.next_value::<IgnoredAny>()?;
                return Err(de::Error::unknown_field(&key, &["theta"]));
            }
            theta = Some(map.next_value::<f64>()?);
        }
        match theta {
            // Beyond this the phase would be rounding.
            Some(theta) if theta.abs() <= THETA_MAX => Ok(Phase(theta)),
            Some(theta) => Err(de::Error::custom(format!(
                "theta = {theta:e}: expected a few units at most, 1 antiperiodic"
            ))),
            None => Err(de::Error::missing_field("theta")),
        }
    }
}

const THETA_MAX: f64 = 1e3;

/// What an entry may be.
const EXPECTED: &str = "1, -1, or { theta = 0.5 } for exp(i pi theta)";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<BoundaryPhases, String> {
        #[derive(Deserialize)]
        struct Table {
            boundary: BoundaryPhases,
        }
        toml::from_str(text).map(|table: Table| table.boundary).map_err(|error| error.to_string())
    }

    #[test]
    fn signs_and_angles_are_phases() {
        let phases = read("boundary = [1, { theta = 0.5 }, { theta = -0.3 }, -1.0]").unwrap();
        let values = phases.on(4).0.map(|z| (z.re, z.im));
        assert_eq!((values[0], values[1], values[3]), ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)));
        // cos(0.3 pi) = sqrt(10 - 2 sqrt 5)/4, sin(0.3 pi) = (1 + sqrt 5)/4.
        let (re, im) = ((10.0 - 2.0 * 5f64.sqrt()).sqrt() / 4.0, -(1.0 + 5f64.sqrt()) / 4.0);
        assert!((values[2].0 - re).abs() < 1e-15 && (values[2].1 - im).abs() < 1e-15, "{values:?}");
        assert!(phases.is_twisted());
        assert_eq!(phases.text(4), "[1.0, { theta = 0.5 }, { theta = -0.3 }, -1.0]");
        // Whole angles are signs, bit for bit.
        let signs = read("boundary = [{ theta = 2 }, { theta = -1 }]").unwrap();
        assert_eq!(signs.on(2), read("boundary = [1, -1]").unwrap().on(2));
        assert!(!signs.is_twisted() && signs.text(2) == "[1.0, -1.0]");
        assert_eq!(BoundaryPhases::default().text(4), "[1.0, 1.0, 1.0, -1.0]");
        assert_eq!(BoundaryPhases::default().on(4), Boundary::antiperiodic());
    }

    #[test]
    fn what_is_no_phase_is_refused() {
        for (entry, said) in [
            ("2", "2 is no boundary phase, expected 1, -1, or { theta = 0.5 }"),
            ("{ angle = 0.5 }", "unknown field `angle`, expected `theta`"),
            ("{ }", "missing field `theta`"),
            ("{ theta = nan }", "theta = NaN"),
            ("{ theta = 1e9 }", "a few units at most"),
            ("\"periodic\"", "expected 1, -1, or { theta = 0.5 }"),
        ] {
            let error = read(&format!("boundary = [1, {entry}]")).unwrap_err();
            assert!(error.contains(said), "{entry}: {error}");
        }
        let three = read("boundary = [1, 1, -1]").unwrap().problem_on(4).unwrap();
        assert!(three.contains("3 phases for 4 directions"), "{three}");
    }
}
