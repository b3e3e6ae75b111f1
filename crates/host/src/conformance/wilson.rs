//! Wilson's operator D = m + 4 − hop/2 on the checker's fields, by the library's own code.

use super::fields::{Setting, by_group};
use gaugelink_lattice::{GaugeField, Lattice, LatticeOptions, foreign};
use gaugelink_physics::dirac::{Boundary, SpinorField, Wilson};
use gaugelink_plugin_sdk::{View, ViewMut};

/// D ψ with the boundaries of the setting's lattice; `None` in other than four dimensions, or without memory.
pub(super) fn wilson(setting: &Setting, u: &[f64], mass: f64, psi: &[f64]) -> Option<Vec<f64>> {
    by_group!(setting.n, applied(setting, u, mass, psi))
}

fn applied<const N: usize>(setting: &Setting, u: &[f64], mass: f64, psi: &[f64]) -> Option<Vec<f64>> {
    let plain = &setting.lattice;
    let extents: Vec<usize> = plain.local().iter().map(|&extent| extent as usize).collect();
    let lattice = Lattice::new(&extents, LatticeOptions { threads: 1, ..LatticeOptions::default() }).ok()?;
    let mut links = GaugeField::<f64, N>::cold(&lattice).ok()?;
    foreign::read_view(&View::gauge(u, plain, N).ok()?, 0, &mut links).ok()?;
    let boundary = Boundary::from_turns(std::array::from_fn(|mu| plain.as_raw().bc_phase[mu])).ok()?;
    let operator = Wilson::new(&links, mass, boundary).ok()?;
    let mut from = SpinorField::<f64, N>::zeroed(&lattice).ok()?;
    let mut to = SpinorField::<f64, N>::zeroed(&lattice).ok()?;
    foreign::read_view(&View::spinor(psi, plain, 4, N).ok()?, 0, &mut from).ok()?;
    operator.apply(&mut to, &from);
    let mut out = vec![0.0; psi.len()];
    foreign::write_view(&to, &mut ViewMut::spinor(&mut out, plain, 4, N).ok()?, 0).ok()?;
    Some(out)
}
