//! Pure-gauge quantities against what Grid computes on the same configuration.

mod common;

use common::{EXTENTS, GridValues, assert_close, assert_close_matrix, for_own_sites, link_at, read_links};
use gaugelink_lattice::group::{from_coordinates, to_coordinates};
use gaugelink_lattice::{GaugeField, Lattice, LatticeOptions, Matrix, MomentumField, Site};
use gaugelink_physics::action::{Action, IWASAKI, ImprovedAction, SYMANZIK, WilsonAction};
use gaugelink_physics::observable;
use gaugelink_physics::smear::{GradientFlow, stout};
use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

const SITE: Site = [1, 2, 3, 1];

fn links() -> GaugeField<f64, 3> {
    read_links(&Lattice::new(&EXTENTS, LatticeOptions::default()).unwrap())
}

/// The algebra element of a momentum at the site.
fn momentum(p: &MomentumField<f64, 3>, mu: usize) -> Matrix<f64, 3> {
    let (block, lane) = p.layout().locate(&SITE);
    from_coordinates(&std::array::from_fn(|a| p.get(block, 8 * mu + a, lane)))
}

fn assert_close_links(grid: &GridValues, key: &str, u: &GaugeField<f64, 3>, tolerance: f64) {
    for mu in 0..4 {
        let name = format!("{key}_link_site1231_mu{mu}");
        assert_close_matrix(&name, &link_at(u, &SITE, mu), &grid.matrix(&name), tolerance);
    }
}

#[test]
fn loops() {
    let Some(grid) = GridValues::load() else { return };
    let u = links();
    for mu in 0..4 {
        let expected = grid.matrix(&format!("link_site1231_mu{mu}"));
        assert_close_matrix("link", &link_at(&u, &SITE, mu), &expected, 1e-15);
    }
    assert_close("plaquette", observable::plaquette(&u)[0], grid.real("plaquette"), 1e-13);
    assert_close("link trace", observable::link_trace(&u)[0], grid.real("link_trace"), 1e-12);
    assert_close("rectangle", observable::rectangle(&u)[0], grid.real("rectangle"), 1e-13);
    let (ours, theirs) = (observable::polyakov_loop(&u, 3).unwrap()[0], grid.complex("polyakov_t"));
    assert_close("Polyakov loop, real", ours.re, theirs.re, 1e-12);
    assert_close("Polyakov loop, imaginary", ours.im, theirs.im, 1e-12);
    let slices = observable::spatial_plaquette_per_slice(&u).unwrap();
    let expected = grid.reals("spatial_plaquette_per_t");
    assert_eq!(slices.len(), expected.len());
    for (t, (ours, theirs)) in slices.iter().zip(expected).enumerate() {
        assert_close(&format!("spatial plaquette at t = {t}"), ours[0], theirs, 1e-13);
    }
    let charge = observable::topological_charge(&u).unwrap()[0];
    assert_close("charge", charge, grid.real("topological_charge_clover"), 1e-12);
    let (plaquette, clover) = (observable::plaquette_energy(&u)[0], observable::clover_energy(&u)[0]);
    assert_close("plaquette energy", plaquette, grid.real("energy_density_plaquette"), 1e-12);
    assert_close("clover energy", clover, grid.real("energy_density_cloverleaf"), 1e-12);
}

#[test]
fn wilson_action_and_force() {
    let Some(grid) = GridValues::load() else { return };
    let u = links();
    let action = WilsonAction::new(6.0);
    let value = Action::value(&action, &u)[0];
    assert_close("action", value, grid.real("wilson_action_beta6"), 1e-12);
    let mut p = MomentumField::zeroed(u.lattice()).unwrap();
    action.kick(&u, &mut p, -1.0);
    // Σ |F|² over matrix elements is ½ Σ of squared coordinates, which is the kinetic energy.
    assert_close("norm2", p.kinetic()[0], grid.real("wilson_force_norm2_beta6"), 1e-12);
    for mu in 0..4 {
        let expected = grid.matrix(&format!("wilson_force_site1231_mu{mu}"));
        assert_close_matrix("force", &momentum(&p, mu), &expected, 1e-12);
    }
}

#[test]
fn improved_actions_and_forces() {
    let Some(grid) = GridValues::load() else { return };
    let u = links();
    for (kind, beta, c1) in [("symanzik", 6.0, SYMANZIK), ("iwasaki", 2.6, IWASAKI)] {
        let action = ImprovedAction::<3>::new(u.lattice(), beta, c1).unwrap();
        let value = action.value(&u)[0];
        assert_close("action", value, grid.real(&format!("{kind}_action_beta{beta}")), 1e-12);
        let mut p = MomentumField::zeroed(u.lattice()).unwrap();
        action.kick(&u, &mut p, -1.0);
        assert_close("norm2", p.kinetic()[0], grid.real(&format!("{kind}_force_norm2_beta{beta}")), 1e-12);
        for mu in 0..4 {
            let expected = grid.matrix(&format!("{kind}_force_site1231_mu{mu}"));
            assert_close_matrix(kind, &momentum(&p, mu), &expected, 1e-12);
        }
    }
}

#[test]
fn stout_links() {
    let Some(grid) = GridValues::load() else { return };
    for steps in [1, 5] {
        let mut u = links();
        stout(&mut u, 0.1, steps).unwrap();
        let key = format!("stout_rho0.1_steps{steps}");
        let expected = grid.real(&format!("{key}_plaquette"));
        assert_close("plaquette", observable::plaquette(&u)[0], expected, 1e-12);
        let expected = grid.real(&format!("{key}_norm_link_trace"));
        assert_close("link trace", observable::link_trace(&u)[0], expected, 1e-11);
        assert_close_links(&grid, &key, &u, 1e-12);
    }
}

#[test]
fn gradient_flow() {
    let Some(grid) = GridValues::load() else { return };
    let mut u = links();
    let table = GradientFlow::wilson(u.lattice()).unwrap().run(&mut u, 0.01, 100, 10).unwrap();
    for (name, index) in [("0.1", 1), ("0.5", 5), ("1.0", 10)] {
        let point = &table.points[index];
        assert!((point.time - name.parse::<f64>().unwrap()).abs() < 1e-12);
        let expected = |what: &str| grid.real(&format!("wilson_flow_eps0.01_t{name}_{what}"));
        assert_close("plaquette", point.plaquette[0], expected("plaquette"), 1e-12);
        let charge = point.charge.as_ref().unwrap()[0];
        assert_close("charge", charge, expected("topological_charge"), 1e-10);
        assert_close("t²E, plaquette", point.t2e_plaquette[0], expected("t2E_plaquette"), 1e-11);
        assert_close("t²E, clover", point.t2e_clover[0], expected("t2E_cloverleaf"), 1e-11);
    }
}

/// Ten leapfrog steps of Grid's 0.1, with P = P_Grid/√2 and steps of √2 × 0.1, so that P dt is the same matrix.
#[test]
fn leapfrog_trajectory() {
    let Some(grid) = GridValues::load() else { return };
    let mut u = links();
    let lattice = u.lattice().clone();
    let generators: Vec<_> = (0..8).map(|a| grid.matrix(&format!("generator_{a}"))).collect();
    let mut p = MomentumField::<f64, 3>::zeroed(&lattice).unwrap();
    for_own_sites(&lattice, |x, block, lane| {
        for mu in 0..4 {
            let j = (mu + 4 * lattice.geometry().site_index(x)) as f64;
            let mut hermitian = Matrix::zero();
            for (a, t) in generators.iter().enumerate() {
                hermitian = hermitian + t.scale((0.3 * j + 0.7 * a as f64).sin());
            }
            let ours = Matrix::<f64, 3>::from_fn(|i, k| hermitian.0[i][k].times_i()).scale(FRAC_1_SQRT_2);
            for (a, c) in to_coordinates(&ours).into_iter().enumerate() {
                p.set(block, 8 * mu + a, lane, c);
            }
        }
    });
    let check_momenta = |when: &str, p: &MomentumField<f64, 3>, tolerance| {
        for mu in 0..4 {
            let name = format!("leapfrog_{when}_momentum_site1231_mu{mu}");
            assert_close_matrix(&name, &momentum(p, mu).scale(SQRT_2), &grid.matrix(&name), tolerance);
        }
    };
    check_momenta("initial", &p, 1e-12);
    let action = WilsonAction::new(6.0);
    let (kinetic, potential) = (p.kinetic()[0], Action::value(&action, &u)[0]);
    assert_close("initial K", kinetic, grid.real("leapfrog_initial_kinetic"), 1e-12);
    assert_close("initial H", kinetic + potential, grid.real("leapfrog_initial_H"), 1e-12);

    let step = SQRT_2 * 0.1;
    action.kick(&u, &mut p, 0.5 * step);
    for i in 1..=10 {
        u.drift(&p, step);
        action.kick(&u, &mut p, if i == 10 { 0.5 * step } else { step });
    }
    let (end, change) = (p.kinetic()[0], Action::value(&action, &u)[0] - potential);
    let plaquette = observable::plaquette(&u)[0];
    assert_close("plaquette", plaquette, grid.real("leapfrog_10x0.1_final_plaquette"), 1e-10);
    assert_close("final K", end, grid.real("leapfrog_10x0.1_final_kinetic"), 1e-10);
    assert_close("dS", change, grid.real("leapfrog_10x0.1_dS"), 1e-10);
    assert_close("dH", end - kinetic + change, grid.real("leapfrog_10x0.1_dH"), 1e-10);
    assert_close_links(&grid, "leapfrog_10x0.1_final", &u, 1e-10);
    check_momenta("10x0.1_final", &p, 1e-10);
}
