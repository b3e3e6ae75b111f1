//! Wilson's operator as hosts describe it: `glk_dirac` and phases of `plugin.h`.

use super::Boundary;
use gaugelink_lattice::{Complex, DIM_MAX};
use gaugelink_plugin_sdk::{Dirac, Error, Result, raw};
use std::f64::consts::TAU;

/// Wilson's operator M in one of its normalisations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Described {
    /// Mass m.
    pub mass: f64,
    /// What M⁻¹ is in units of D⁻¹, D = m + 4 − hop/2.
    pub scale: f64,
    /// Whether M is the adjoint operator.
    pub dagger: bool,
}

impl Described {
    /// # Errors
    /// `UNSUPPORTED` for all but Wilson's full, isotropic operator; `INVALID_ARG` for numbers that make no sense.
    pub fn new(dirac: &Dirac) -> Result<Self> {
        let unsupported = |what: String| Err(Error::unsupported(format!("dirac: {what}")));
        if dirac.op != raw::GLK_DIRAC_WILSON {
            return unsupported(format!("op is {}; WILSON (1) is served", dirac.op));
        }
        if dirac.precond_form != raw::GLK_DIRAC_FULL {
            let form = dirac.precond_form;
            return unsupported(format!(
                "precond_form is {form}; FULL (0) is served: precondition the full operator"
            ));
        }
        for (name, anisotropy) in [("xi0", dirac.xi0), ("nu", dirac.nu)] {
            if anisotropy != 0.0 && anisotropy != 1.0 {
                return unsupported(format!("{name} is {anisotropy}; isotropic operators are served"));
            }
        }
        for (name, csw) in [("csw_r", dirac.csw_r), ("csw_t", dirac.csw_t)] {
            if csw != 0.0 {
                return Err(Error::invalid(format!(
                    "dirac: {name} is {csw}, but op is WILSON (1), which has none"
                )));
            }
        }
        let diagonal = dirac.mass + 4.0;
        if !diagonal.is_finite() {
            return Err(Error::invalid(format!("dirac: mass is {}; give a number", dirac.mass)));
        }
        let dagger = match dirac.dagger {
            0 | 1 => dirac.dagger == 1,
            other => {
                return Err(Error::invalid(format!(
                    "dirac: dagger is {other}; 0 (M), 1 (its adjoint) exist"
                )));
            }
        };
        let scale = match dirac.normalisation {
            raw::GLK_DIRAC_BY_MASS => 1.0,
            // 1 − κ hop is D / (m + 4).
            raw::GLK_DIRAC_BY_KAPPA if diagonal > 0.0 => diagonal,
            raw::GLK_DIRAC_BY_KAPPA => {
                return Err(Error::invalid(format!(
                    "dirac: mass is {}; with normalisation BY_KAPPA give one above -4: kappa = 1/(2 mass + 8)",
                    dirac.mass
                )));
            }
            other => {
                return Err(Error::invalid(format!(
                    "dirac: normalisation is {other}; 0 (BY_MASS), 1 (BY_KAPPA) exist"
                )));
            }
        };
        Ok(Self { mass: dirac.mass, scale, dagger })
    }
}

impl Boundary {
    /// The phases exp(2πi turns) at the edges in x, y, z, t.
    ///
    /// # Errors
    /// `INVALID_ARG` for one that is not finite.
    pub fn from_turns(turns: [f64; DIM_MAX]) -> Result<Self> {
        match turns.iter().position(|turns| !turns.is_finite()) {
            Some(mu) => Err(Error::invalid(format!("bc_phase[{mu}] is {}; give a phase / 2 pi", turns[mu]))),
            None => Ok(Self(turns.map(phase))),
        }
    }
}

/// exp(2πi turns), exact for multiples of a quarter.
fn phase(turns: f64) -> Complex<f64> {
    let turns = turns.rem_euclid(1.0);
    match (4.0 * turns) as u32 {
        quarter if f64::from(quarter) == 4.0 * turns => {
            let (re, im) = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)][quarter as usize % 4];
            Complex::new(re, im)
        }
        _ => Complex::new((TAU * turns).cos(), (TAU * turns).sin()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaugelink_plugin_sdk::sized_struct;

    #[test]
    fn phases_are_exact_where_they_can_be() {
        let expected =
            [(0.0, 1.0, 0.0), (0.5, -1.0, 0.0), (-0.5, -1.0, 0.0), (1.25, 0.0, 1.0), (0.75, 0.0, -1.0)];
        for (turns, re, im) in expected {
            assert_eq!(phase(turns), Complex::new(re, im), "{turns}");
        }
        let eighth = phase(0.125);
        assert!(Boundary::from_turns([0.0, f64::NAN, 0.0, 0.5]).unwrap_err().message.contains("bc_phase[1]"));
        assert!((eighth.re - 0.5f64.sqrt()).abs() < 1e-15 && (eighth.im - 0.5f64.sqrt()).abs() < 1e-15);
    }

    #[test]
    fn other_operators_are_refused_with_a_sentence() {
        let mut wilson = sized_struct::<Dirac>();
        (wilson.op, wilson.mass) = (raw::GLK_DIRAC_WILSON, 0.1);
        assert_eq!(Described::new(&wilson).unwrap(), Described { mass: 0.1, scale: 1.0, dagger: false });
        type Change = fn(&mut Dirac);
        let refused: [(&str, Change); 9] = [
            ("op is 2", |d| d.op = raw::GLK_DIRAC_CLOVER),
            ("precond_form is 1", |d| d.precond_form = raw::GLK_DIRAC_SYMMETRIC_EO),
            ("xi0 is 2", |d| d.xi0 = 2.0),
            ("nu is 0.9", |d| d.nu = 0.9),
            ("csw_t is 1, but", |d| d.csw_t = 1.0),
            ("mass is NaN", |d| d.mass = f64::NAN),
            ("mass is -4; with", |d| (d.mass, d.normalisation) = (-4.0, raw::GLK_DIRAC_BY_KAPPA)),
            ("dagger is 5", |d| d.dagger = 5),
            ("normalisation is 7", |d| d.normalisation = 7),
        ];
        for (sentence, change) in refused {
            let mut dirac = wilson;
            change(&mut dirac);
            let error = Described::new(&dirac).unwrap_err().message.clone();
            assert!(error.contains(sentence), "{error}");
        }
    }
}
