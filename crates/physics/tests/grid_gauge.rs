//! Pure-gauge quantities against what Grid computes on the same configuration.

mod common;

use common::{EXTENTS, GridValues, assert_close, assert_close_matrix, link_at, read_links};
use gaugelink_lattice::comm::run_ranks;
use gaugelink_lattice::group::{from_coordinates, traceless_antihermitian};
use gaugelink_lattice::{GaugeField, Lattice, LatticeOptions, Matrix, MomentumField, Site};
use gaugelink_physics::action::{Action, WilsonAction};
use gaugelink_physics::observable;
use std::sync::Arc;

const SITE: Site = [1, 2, 3, 1];

fn lattice() -> Arc<Lattice> {
    Lattice::new(&EXTENTS, LatticeOptions::default()).unwrap()
}

/// The algebra element of a momentum at a site.
fn momentum_at(p: &MomentumField<f64, 3>, x: &Site, mu: usize) -> Matrix<f64, 3> {
    let (block, lane) = p.layout().locate(x);
    from_coordinates(&std::array::from_fn(|a| p.get(block, 8 * mu + a, lane)))
}

#[test]
fn the_configuration_is_read_as_grid_reads_it() {
    let Some(grid) = GridValues::load() else { return };
    let u = read_links(&lattice());
    for mu in 0..4 {
        let expected = grid.matrix(&format!("link_site1231_mu{mu}"));
        assert_close_matrix("link", &link_at(&u, &SITE, mu), &expected, 1e-15);
    }
    assert_close("plaquette", observable::plaquette(&u)[0], grid.real("plaquette"), 1e-13);
}

#[test]
fn wilson_action_and_force() {
    let Some(grid) = GridValues::load() else { return };
    let u = read_links(&lattice());
    let action = WilsonAction::new(6.0);
    let value = Action::value(&action, &u)[0];
    assert_close("action", value, grid.real("wilson_action_beta6"), 1e-12);
    let mut p = MomentumField::zeroed(u.lattice()).unwrap();
    action.kick(&u, &mut p, -1.0);
    // Σ |F|² over matrix elements is ½ Σ of squared coordinates, which is the kinetic energy.
    assert_close("norm2", p.kinetic()[0], grid.real("wilson_force_norm2_beta6"), 1e-12);
    for mu in 0..4 {
        let expected = grid.matrix(&format!("wilson_force_site1231_mu{mu}"));
        assert_close_matrix("force", &momentum_at(&p, &SITE, mu), &expected, 1e-12);
    }
}
