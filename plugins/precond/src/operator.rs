//! The operator that the host describes.

use gaugelink_lattice::{Complex, DIM_MAX};
use gaugelink_physics::dirac::Boundary;
use gaugelink_plugin_sdk::{Dirac, Error, Lattice, Result, raw};
use std::f64::consts::TAU;

/// Wilson's operator in one of its normalisations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// Mass m.
    pub mass: f64,
    /// What M⁻¹ is in units of D⁻¹, D = m + 4 − hop/2.
    pub scale: f64,
    /// Whether M is the adjoint operator.
    pub dagger: bool,
}

impl Target {
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
        let diagonal = dirac.mass + 4.0;
        if !diagonal.is_finite() || diagonal <= 0.0 {
            return Err(Error::invalid(format!("dirac: mass is {}; give a number above -4", dirac.mass)));
        }
        let scale = match dirac.normalisation {
            raw::GLK_DIRAC_BY_MASS => 1.0,
            // 1 − κ hop is D / (m + 4).
            raw::GLK_DIRAC_BY_KAPPA => diagonal,
            other => {
                return Err(Error::invalid(format!(
                    "dirac: normalisation is {other}; 0 (BY_MASS), 1 (BY_KAPPA) exist"
                )));
            }
        };
        Ok(Self { mass: dirac.mass, scale, dagger: dirac.dagger != 0 })
    }
}

/// The phases at the edges that are not in the links already.
///
/// # Errors
/// `INVALID_ARG` for a phase that is not finite.
pub fn boundary(lattice: &Lattice) -> Result<Boundary> {
    let mut boundary = Boundary::periodic();
    let raw = lattice.as_raw();
    if raw.bc_in_links != 0 {
        return Ok(boundary);
    }
    for mu in 0..lattice.ndim().min(DIM_MAX) {
        let turns = raw.bc_phase[mu];
        if !turns.is_finite() {
            return Err(Error::invalid(format!("lattice.bc_phase[{mu}] is {turns}; give a phase / 2 pi")));
        }
        boundary = boundary.with(mu, phase(turns));
    }
    Ok(boundary)
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
        assert!((eighth.re - 0.5f64.sqrt()).abs() < 1e-15 && (eighth.im - 0.5f64.sqrt()).abs() < 1e-15);
    }

    #[test]
    fn other_operators_are_refused_with_a_sentence() {
        let mut wilson = sized_struct::<Dirac>();
        (wilson.op, wilson.mass) = (raw::GLK_DIRAC_WILSON, 0.1);
        assert_eq!(Target::new(&wilson).unwrap(), Target { mass: 0.1, scale: 1.0, dagger: false });
        type Change = fn(&mut Dirac);
        let refused: [(&str, Change); 6] = [
            ("op is 2", |d| d.op = raw::GLK_DIRAC_CLOVER),
            ("precond_form is 1", |d| d.precond_form = raw::GLK_DIRAC_SYMMETRIC_EO),
            ("xi0 is 2", |d| d.xi0 = 2.0),
            ("nu is 0.9", |d| d.nu = 0.9),
            ("mass is -5", |d| d.mass = -5.0),
            ("normalisation is 7", |d| d.normalisation = 7),
        ];
        for (sentence, change) in refused {
            let mut dirac = wilson;
            change(&mut dirac);
            let error = Target::new(&dirac).unwrap_err().message;
            assert!(error.contains(sentence), "{error}");
        }
    }
}
