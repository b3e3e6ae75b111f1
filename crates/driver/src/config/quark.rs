//! What a table says of its quarks: `mass` or `kappa`, and `csw`.

use super::tables::{finite, positive};
use serde::{Deserializer, de};

/// `mass` and `kappa` of a table, which are one number: kappa = 1/(2m + 2d) in d dimensions.
#[derive(Debug, Clone, Copy)]
pub(super) struct MassKeys {
    /// Bare mass m.
    pub mass: Option<f64>,
    /// Hopping parameter.
    pub kappa: Option<f64>,
}

impl MassKeys {
    /// The mass, in so many dimensions.
    pub fn on(self, dims: usize) -> f64 {
        self.mass.or(self.kappa.map(|kappa| 0.5 / kappa - dims as f64)).unwrap_or_default()
    }

    /// The key that is at fault, and what is wrong, where the keys of `owner` are not exactly one.
    pub fn problem(self, owner: &str) -> Option<(&'static str, String)> {
        match (self.mass, self.kappa) {
            (None, None) => Some(("mass", format!("{owner} needs `mass` or `kappa`, e.g. kappa = 0.138"))),
            (Some(_), Some(_)) => {
                let why = "`kappa` and `mass` are one number, kappa = 1/(2m + 2d) in d dimensions: give one";
                Some(("kappa", why.into()))
            }
            _ => None,
        }
    }

    /// The same where the even-odd form divides by m + d.
    pub fn problem_on(self, dims: usize) -> Option<(&'static str, String)> {
        let infinite = self.on(dims) + dims as f64 == 0.0;
        let key = if self.mass.is_some() { "mass" } else { "kappa" };
        let doubled = 2 * dims;
        infinite.then(|| {
            (
                key,
                format!(
                    "a mass of -{dims} is not possible here: kappa = 1/(2m + {doubled}) would be infinite"
                ),
            )
        })
    }
}

/// Masses and coefficients beyond this drown all else of the operator in rounding.
const COEFFICIENT_MAX: f64 = 1e6;

/// m.
pub(super) fn mass_if_given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let mass = finite(deserializer)?;
    if mass.abs() <= COEFFICIENT_MAX { Ok(Some(mass)) } else { Err(drowned(mass)) }
}

/// κ.
pub(super) fn kappa_if_given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let kappa = positive(deserializer)?;
    if 0.5 / kappa <= COEFFICIENT_MAX { Ok(Some(kappa)) } else { Err(drowned(kappa)) }
}

fn drowned<E: de::Error>(x: f64) -> E {
    E::custom(format!(
        "{x:e} leaves nothing of the hopping term: expected a mass of a few units at most, a kappa near 1/8"
    ))
}

/// c_sw.
pub(super) fn csw<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    match finite(deserializer)? {
        csw if csw.abs() > COEFFICIENT_MAX => Err(de::Error::custom(format!(
            "{csw:e} leaves nothing of the rest of the operator: expected a few units at most, 1 at tree level"
        ))),
        csw => Ok(csw),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{FileKind, RunFile, Stage};
    use std::path::Path;

    fn parse(kind: &str, keys: &str) -> Result<RunFile, String> {
        let text = format!(
            "[run]\ndirectory = \"x\"\n[start]\nkind = \"file\"\nfile = \"y\"\n[[stage]]\nkind = \"{kind}\"\n{keys}\n"
        );
        RunFile::parse(&text, Path::new("x"), FileKind::Run, &[]).map_err(|error| error.to_string())
    }

    #[test]
    fn a_stage_has_its_mass_by_one_of_two_keys() {
        let mass = |kind: &str, keys: &str, dims: usize| match &parse(kind, keys).unwrap().stages[0] {
            Stage::Solve(solve) => solve.mass(dims),
            Stage::Spectrum(spectrum) => spectrum.mass(dims),
            other => panic!("{other:?}"),
        };
        for kind in ["solve", "spectrum"] {
            // 1/(2m + 8) and 1/(2m + 4).
            assert_eq!(mass(kind, "kappa = 0.125", 4), 0.0);
            assert_eq!(mass(kind, "kappa = 0.125", 2), 2.0);
            assert_eq!(mass(kind, "mass = -0.25", 4), -0.25);
            let refused = |keys: &str| parse(kind, keys).unwrap_err();
            let neither = refused("csw = 0");
            assert!(neither.contains("needs `mass` or `kappa`") && neither.contains("line 6"), "{neither}");
            let both = refused("mass = 0.1\nkappa = 0.12");
            assert!(both.contains("give one") && both.contains("| kappa = 0.12"), "{both}");
            for (keys, said) in [
                ("kappa = 0", "positive"),
                ("kappa = -0.2", "positive"),
                ("kappa = 1e-9", "nothing of the hopping term"),
                ("mass = 1e300", "nothing of the hopping term"),
                ("mass = 0.1\ncsw = -1e200", "1 at tree level"),
            ] {
                assert!(refused(keys).contains(said), "{kind} {keys}: {}", refused(keys));
            }
        }
    }

    #[test]
    fn the_table_of_solve_has_the_same_keys() {
        let parse = |keys: &str| {
            let text = format!("[run]\ndirectory = \"x\"\n[start]\nkind = \"file\"\n[solve]\n{keys}\n");
            let input = ["start.file=x.lime".to_owned()];
            RunFile::parse(&text, Path::new("x"), FileKind::Solve, &input).map_err(|error| error.to_string())
        };
        assert!(parse("kappa = 0.13").is_ok());
        assert!(parse("").unwrap_err().contains("[solve] needs `mass` or `kappa`"));
        assert!(parse("mass = 0.1\nkappa = 0.13").unwrap_err().contains("| kappa = 0.13"));
    }
}
