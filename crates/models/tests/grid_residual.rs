//! Masked residual layers with one constant coefficient against what Grid's SmearedConfigurationMasked computes.

#[path = "../../physics/tests/common/mod.rs"]
mod common;

use common::{EXTENTS, GridValues, assert_close, assert_close_matrix, link_at, read_links};
use gaugelink_lattice::group::from_coordinates;
use gaugelink_lattice::{GaugeField, Lattice, LatticeOptions, MomentumField, Site};
use gaugelink_models::Flow;
use gaugelink_models::layers::{Coefficients, Residual, Sharing};
use gaugelink_physics::action::{Action, WilsonAction};
use gaugelink_physics::observable;

const SITE: Site = [1, 2, 3, 1];

/// The first `count` sub-layers: x even, x odd, y even, … with ρ = 0.1.
fn flow(u: &GaugeField<f64, 3>, count: usize) -> Flow<f64, 3> {
    let layers = Residual::stack(u.lattice(), Coefficients::Plain, Sharing::One, count).unwrap();
    Flow::new(layers, vec![0.1; count]).unwrap()
}

fn links() -> GaugeField<f64, 3> {
    read_links(&Lattice::new(&EXTENTS, LatticeOptions::default()).unwrap())
}

/// Forces as matrices Σ ∂^a S T_a, whose norm is the kinetic energy.
fn assert_close_force(grid: &GridValues, key: &str, norm: &str, force: &MomentumField<f64, 3>) {
    assert_close(norm, force.kinetic()[0], grid.real(norm), 1e-10);
    let (block, lane) = force.layout().locate(&SITE);
    for mu in 0..4 {
        let ours = from_coordinates(&std::array::from_fn(|a| force.get(block, 8 * mu + a, lane)));
        let name = format!("{key}_site1231_mu{mu}");
        assert_close_matrix(&name, &ours, &grid.matrix(&name), 1e-10);
    }
}

#[test]
fn smeared_links_and_log_det() {
    let Some(grid) = GridValues::load() else { return };
    let expected = grid.reals("masked_plaquette_after_sublayer");
    for count in 1..=8 {
        let mut u = links();
        let mut log_det = [0.0];
        flow(&u, count).forward(&mut u, &mut log_det);
        let what = format!("plaquette after {count} sub-layers");
        assert_close(&what, observable::plaquette(&u)[0], expected[count - 1], 1e-12);
        if count < 8 {
            continue;
        }
        let smeared = |what: &str| grid.real(&format!("masked_rho0.1_8sublayers_{what}"));
        assert_close("plaquette", observable::plaquette(&u)[0], smeared("smeared_plaquette"), 1e-12);
        assert_close("link trace", observable::link_trace(&u)[0], smeared("smeared_link_trace"), 1e-11);
        assert_close("log det", log_det[0], smeared("logDetJacobian"), 1e-12);
        println!("log det {} against Grid's {}", log_det[0], smeared("logDetJacobian"));
        for mu in 0..4 {
            let name = format!("masked_smeared_link_site1231_mu{mu}");
            assert_close_matrix(&name, &link_at(&u, &SITE, mu), &grid.matrix(&name), 1e-12);
        }
    }
}

#[test]
fn forces_through_the_layers() {
    let Some(grid) = GridValues::load() else { return };
    let mut v = links();
    let mut flow = flow(&v, 8);
    let mut force = MomentumField::zeroed(v.lattice()).unwrap();
    flow.pullback(&mut v, &mut force);
    let norm = "masked_rho0.1_8sublayers_logDetJacobianForce_norm2";
    assert_close_force(&grid, "masked_logDetJacobianForce", norm, &force);

    let action = WilsonAction::new(6.0);
    flow.record(&mut v, &mut [0.0]);
    let value = Action::value(&action, &v)[0];
    assert_close("action", value, grid.real("masked_wilson_action_beta6_of_smeared"), 1e-11);
    force.as_mut_slice().fill(0.0);
    action.kick(&v, &mut force, -1.0);
    flow.backward(&mut v, &mut force, &[0.0], None);
    let key = "masked_wilson_smeared_force_beta6";
    assert_close_force(&grid, key, &format!("{key}_norm2"), &force);
}
