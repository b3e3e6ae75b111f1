//! Exact values in two dimensions, where Wilson's action without quarks can be summed.

use super::analysis::plain;
use crate::config::{ActionKind, RunFile};
use gaugelink_train::exact::Theory;

/// The theory of a run, where it is summed.
fn theory(file: &RunFile) -> Option<Theory> {
    let (lattice, action) = (file.lattice.as_ref()?, file.action.as_ref()?);
    let known = action.kind == ActionKind::Wilson && file.fermions.is_none();
    known.then(|| Theory::wilson(lattice.group.0, action.beta, &lattice.extents)).flatten()
}

/// The exact average of an observable, where it is known.
pub(super) fn average(file: &RunFile, observable: &str) -> Option<f64> {
    let theory = theory(file)?;
    match plain(observable) {
        "plaquette" => Some(theory.plaquette()),
        "charge^2" => theory.charge_squared(),
        _ => None,
    }
}

/// ln ∫ dU e^{−S} with Haar measure normalised to 1, where it is known.
pub(super) fn ln_z(file: &RunFile) -> Option<f64> {
    theory(file).map(|theory| theory.ln_z())
}
