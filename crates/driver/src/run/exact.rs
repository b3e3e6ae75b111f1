//! Exact values in two dimensions, where Wilson's action without quarks can be summed.

use super::analysis::plain;
use crate::config::{ActionKind, RunFile};
use gaugelink_train::exact::{Sun, U1, ln_z_and_untrained};

/// Group, coupling and sites of a run whose theory is summed.
fn theory(file: &RunFile) -> Option<(usize, f64, usize)> {
    let (lattice, action) = (file.lattice.as_ref()?, file.action.as_ref()?);
    let known = lattice.extents.len() == 2 && action.kind == ActionKind::Wilson && file.fermions.is_none();
    known.then(|| (lattice.group.0, action.beta, lattice.extents.iter().product()))
}

/// The exact average of an observable, where it is known.
pub(super) fn average(file: &RunFile, observable: &str) -> Option<f64> {
    let (n, beta, volume) = theory(file)?;
    match (n, plain(observable)) {
        (1, "plaquette") => Some(U1 { beta, volume }.plaquette()),
        (1, "charge^2") => Some(U1 { beta, volume }.charge_squared()),
        (2 | 3, "plaquette") => Some(Sun { n, beta, volume }.plaquette()),
        _ => None,
    }
}

/// ln ∫ dU e^{−S} with Haar measure normalised to 1, where it is known.
pub(super) fn ln_z(file: &RunFile) -> Option<f64> {
    theory(file).map(|(n, beta, volume)| ln_z_and_untrained(n, beta, volume).0)
}
