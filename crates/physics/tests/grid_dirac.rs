//! Wilson fermions, with and without the clover term, against what Grid and nissa compute on the same configuration.

mod common;

use common::{EXTENTS, GridValues, assert_close, grid_psi, read_links, test_data};
use gaugelink_lattice::{Complex, Lattice, LatticeOptions, Site};
use gaugelink_physics::dirac::{
    Boundary, Propagator, PropagatorSolver, Schur, SpinorField, Wilson, gamma, gamma5,
};
use gaugelink_physics::solver::{BiCgStab, ConjugateGradient, LinearOperator, Stopping};
use std::sync::Arc;

const MASS: f64 = 0.1;
type Spinors = SpinorField<f64, 3>;

fn lattice() -> Arc<Lattice> {
    Lattice::new(&EXTENTS, LatticeOptions::default()).unwrap()
}

/// Names that values of operators and of solves begin with, for each c_sw and boundary.
fn operators() -> impl Iterator<Item = (String, String, f64, Boundary)> {
    let boundaries = [("periodic", Boundary::periodic()), ("antiperiodic", Boundary::antiperiodic())];
    boundaries.into_iter().flat_map(|(name, boundary)| {
        [("wilson_m0.1", "wilson_m0.1", 0.0), ("clover_m0.1_csw1", "clover_csw1_m0.1", 1.0)].map(
            |(operator, solve, csw)| (format!("{operator}_{name}"), format!("{solve}_{name}"), csw, boundary),
        )
    })
}

fn assert_spinor(what: &str, field: &Spinors, x: Site, expected: &[Complex<f64>]) {
    let ours = field.spinor(&x, 0).unwrap();
    let norm = expected.iter().map(|z| z.norm2()).sum::<f64>().sqrt();
    for (z, e) in ours.components().iter().zip(expected) {
        let error = (*z - *e).norm2().sqrt() / norm;
        assert!(error < 1e-11, "{what} at {x:?}: {ours:?} instead of {expected:?}");
    }
}

/// The field on one parity, zero on the other.
fn on_parity(field: &Spinors, parity: usize) -> Spinors {
    let mut half = field.duplicate().unwrap();
    let blocks = field.layout().parity_blocks(1 - parity);
    for block in blocks {
        half.block_mut(block).fill(0.0);
    }
    half
}

#[test]
fn gamma_matrices() {
    let Some(grid) = GridValues::load() else { return };
    let ours = [gamma(0), gamma(1), gamma(2), gamma(3), gamma5()];
    for (name, ours) in ["X", "Y", "Z", "T", "5"].iter().zip(ours) {
        assert_eq!(ours.as_flattened(), grid.complexes(&format!("gamma_{name}")), "gamma_{name}");
    }
}

#[test]
fn operators_with_and_without_the_clover_term() {
    let Some(grid) = GridValues::load() else { return };
    let u = read_links(&lattice());
    let psi = grid_psi(u.lattice());
    assert_close("psi", psi.norm2()[0], grid.real("psi_norm2"), 1e-13);
    assert_spinor("psi", &psi, [1, 2, 3, 1], &grid.complexes("psi_site1231"));
    for (name, _, csw, boundary) in operators() {
        let d = Wilson::new(&u, MASS, boundary).unwrap().with_clover(csw).unwrap();
        let key = |rest: &str| format!("{name}_{rest}");
        let mut out = Spinors::zeroed(u.lattice()).unwrap();
        let inner = |what: &str, out: &Spinors| {
            let (ours, expected) = (psi.inner_product(out)[0], grid.complex(&key(what)));
            assert_close(&key(what), ours.re, expected.re, 1e-11);
            assert_close(&key(what), ours.im, expected.im, 1e-11);
        };
        let norm = |what: &str, out: &Spinors| {
            assert_close(&key(what), out.norm2()[0], grid.real(&key(what)), 1e-11);
        };
        d.apply(&mut out, &psi);
        norm("Dpsi_norm2", &out);
        inner("psi_Dpsi", &out);
        assert_spinor("D", &out, [1, 2, 3, 1], &grid.complexes(&key("Dpsi_site1231")));
        assert_spinor("D", &out, [1, 2, 3, 0], &grid.complexes(&key("Dpsi_site1230")));
        d.apply_dagger(&mut out, &psi);
        norm("Ddagpsi_norm2", &out);
        inner("psi_Ddagpsi", &out);
        assert_spinor("D†", &out, [1, 2, 3, 1], &grid.complexes(&key("Ddagpsi_site1231")));
        if csw == 0.0 {
            d.hop(&mut out, &psi);
            norm("Dhop_norm2", &out);
            inner("psi_Dhoppsi", &out);
            assert_spinor("hop", &out, [1, 2, 3, 1], &grid.complexes(&key("Dhop_site1231")));
            d.hop_dagger(&mut out, &psi);
            norm("Dhopdag_norm2", &out);
        }
        for (parity, name) in [(0, "even"), (1, "odd")] {
            let half = on_parity(&psi, parity);
            let mut out = Spinors::zeroed(u.lattice()).unwrap();
            d.hop_parity(1 - parity, &mut out, &half).unwrap();
            norm(&format!("Meooe_psi_{name}_norm2"), &out);
            d.apply_site_part(&mut out, &half);
            norm(&format!("Mooee_psi_{name}_norm2"), &out);
            d.apply_site_inverse(&mut out, &half).unwrap();
            norm(&format!("MooeeInv_psi_{name}_norm2"), &out);
        }
    }
}

#[test]
fn solves() {
    let Some(grid) = GridValues::load() else { return };
    let u = read_links(&lattice());
    let psi = grid_psi(u.lattice());
    for (_, name, csw, boundary) in operators() {
        let d = Wilson::new(&u, MASS, boundary).unwrap().with_clover(csw).unwrap();
        let key = |rest: &str| format!("{name}_{rest}");
        let count = |what: &str, ours: usize| {
            let expected = grid.real(&key(what)) as usize;
            assert!(ours.abs_diff(expected) <= 2, "{}: {ours} instead of {expected}", key(what));
        };
        let solution = |x: &Spinors, what: &str| {
            assert_close(&key(what), x.norm2()[0], grid.real(&key(what)), 1e-9);
        };
        let stop = Stopping::at(1e-10);
        let mut cg = ConjugateGradient::new(&d).unwrap();

        let mut x = d.vector().unwrap();
        let report = cg.solve(&d, &mut x, &psi, &stop).unwrap();
        count("CGNR_psi_1e-10_iterations", report.iterations);
        solution(&x, "inverse_psi_norm2");
        assert!(report.worst_residual() < 2e-10, "{report:?}");

        let mut x = d.vector().unwrap();
        let report = cg.solve_normal(&d, &mut x, &psi, &stop).unwrap();
        count("CG_MdagM_source_psi_1e-10_iterations", report.iterations);
        solution(&x, "CG_MdagM_source_psi_norm2");

        let schur = Schur::odd(&d).unwrap().asymmetric();
        let mut x = d.vector().unwrap();
        let report = schur.solve(&mut x, &psi, |s, x, c| cg.solve(s, x, c, &stop)).unwrap();
        count("SchurDiagMooee_psi_1e-10_iterations", report.iterations);
        solution(&x, "SchurDiagMooee_solution_norm2");

        let mut bicg = BiCgStab::new(&d).unwrap();
        let mut x = d.vector().unwrap();
        bicg.solve(&d, &mut x, &psi, &stop).unwrap();
        solution(&x, "inverse_psi_norm2");
        for schur in
            [Schur::odd(&d).unwrap(), Schur::even(&d).unwrap(), Schur::even(&d).unwrap().asymmetric()]
        {
            let mut x = d.vector().unwrap();
            schur.solve(&mut x, &psi, |s, x, c| bicg.solve(s, x, c, &stop)).unwrap();
            solution(&x, "inverse_psi_norm2");
            let mut back = d.vector().unwrap();
            d.apply(&mut back, &x);
            let off = psi.inner_product(&back)[0].re - psi.norm2()[0];
            assert!(off.abs() < 1e-8 * psi.norm2()[0], "D x is off by {off}");
        }
    }
}

#[test]
fn pion_correlators() {
    let Some(grid) = GridValues::load() else { return };
    let u = read_links(&lattice());
    for (_, name, csw, boundary) in operators() {
        let d = Wilson::<f64, 3>::new(&u, MASS, boundary).unwrap().with_clover(csw).unwrap();
        let expected = grid.reals(&format!("{name}_pion_correlator"));
        for solver in [
            PropagatorSolver::EvenOddMixed,
            PropagatorSolver::EvenOddBiCgStab,
            PropagatorSolver::EvenOddConjugateGradient,
            PropagatorSolver::BiCgStab,
        ] {
            let (s, reports) = Propagator::point(&d, [0; 4], solver, &Stopping::at(1e-13)).unwrap();
            assert!(reports.iter().all(|r| r.worst_residual() <= 1e-13), "{solver:?}: {reports:?}");
            for (t, (ours, expected)) in s.meson_correlators().pion[0].iter().zip(&expected).enumerate() {
                // Relative to the slice's own size; the smallest is 1e-4 of the largest.
                assert!((ours / expected - 1.0).abs() < 1e-9, "{solver:?} {name} t = {t}: {ours} {expected}");
            }
        }
    }
}

/// nissa's propagators of a point source at the origin, kappa = 0.15, antiperiodic in time. Their own residuals,
/// ‖r‖² near 1e-15, leave the sums uncertain by some 1e-7; periodic time differs by 1e-3.
#[test]
fn nissa_propagators() {
    let Some(folder) = test_data() else { return };
    let text = std::fs::read_to_string(folder.join("index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expected = index["propagator_set"]["sum_abs2_per_t"].as_array().unwrap();
    let u = read_links(&lattice());
    let d = Wilson::<f64, 3>::with_kappa(&u, 0.15, Boundary::antiperiodic()).unwrap();
    let stop = Stopping::at(1e-12);
    let (s, reports) = Propagator::point(&d, [0; 4], PropagatorSolver::EvenOddBiCgStab, &stop).unwrap();
    assert_eq!(reports.len(), 12);
    for (t, (ours, expected)) in s.meson_correlators().pion[0].iter().zip(expected).enumerate() {
        let expected: f64 = expected.as_str().unwrap().parse().unwrap();
        println!("t = {t}: {ours:.12e}, nissa {expected:.12e}, ratio − 1 = {:.1e}", ours / expected - 1.0);
        assert!((ours / expected - 1.0).abs() < 2e-7, "t = {t}: {ours} instead of {expected}");
    }
}
