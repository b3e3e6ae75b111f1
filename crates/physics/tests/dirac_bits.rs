//! Wilson's operator against its plain formula, and the same bits for any vector unit, number of threads,
//! decomposition over ranks, and whether a chain runs alone or in a batch.

mod common;

use common::bits::assert_equal_bits;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions};
use gaugelink_physics::dirac::{Boundary, Schur, SpinorField, Wilson, naive};
use gaugelink_physics::solver::{BiCgStab, ConjugateGradient, LinearOperator, Stopping};
use std::sync::Arc;

const MASS: f64 = 0.1;

fn twisted() -> Boundary {
    Boundary::twisted([0.3, 0.0, 1.1, std::f64::consts::PI])
}

fn fields<const N: usize, const H: usize>(
    lattice: &Arc<Lattice>,
    chain: u64,
) -> (GaugeField<f64, N>, SpinorField<f64, N, H>) {
    let start = Address::new(4, Purpose::Start).chain(chain);
    let mut psi = SpinorField::zeroed(lattice).unwrap();
    psi.set_gaussian(Address::new(5, Purpose::Source).chain(chain));
    (GaugeField::random(lattice, 0.6, start).unwrap(), psi)
}

/// D and D† in both precisions, with whole links or two rows of them.
fn check_formula<const N: usize, const H: usize>(extents: &[usize], lanes: LaneMeaning, two_rows: bool) {
    let lattice = Lattice::new(extents, LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap();
    let (u, psi) = fields::<N, H>(&lattice, 0);
    let u_single = u.converted::<f32>().unwrap();
    let psi_single = psi.converted::<f32>().unwrap();
    for boundary in [Boundary::periodic(), Boundary::antiperiodic(), twisted()] {
        let mut double = Wilson::new(&u, MASS, boundary).unwrap();
        let mut single = Wilson::new(&u_single, MASS, boundary).unwrap();
        if two_rows {
            (double, single) = (double.with_two_rows().unwrap(), single.with_two_rows().unwrap());
        }
        let mut out = SpinorField::zeroed(&lattice).unwrap();
        let mut out_single = SpinorField::zeroed(&lattice).unwrap();
        for dagger in [false, true] {
            if dagger {
                double.apply_dagger(&mut out, &psi);
                single.apply_dagger(&mut out_single, &psi_single);
            } else {
                double.apply(&mut out, &psi);
                single.apply(&mut out_single, &psi_single);
            }
            for chain in 0..lattice.chains() {
                let expected = naive::wilson(&u, &psi, MASS, &boundary, dagger, chain);
                for (index, expected) in expected.iter().enumerate() {
                    let x = lattice.geometry().site(index);
                    let ours = out.spinor(&x, chain).unwrap();
                    let rounded = out_single.spinor(&x, chain).unwrap();
                    for (i, z) in expected.components().iter().enumerate() {
                        let (ours, rounded) = (ours.components()[i], rounded.components()[i]);
                        let off = (ours - *z).norm2().sqrt();
                        let off_single = (f64::from(rounded.re) - z.re).hypot(f64::from(rounded.im) - z.im);
                        let place = format!(
                            "N={N} {extents:?} {x:?} chain {chain} dagger {dagger} two rows {two_rows}"
                        );
                        assert!(off < 2e-14, "{place}: off by {off:e}");
                        assert!(off_single < 1e-5, "{place}: single precision off by {off_single:e}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_operator_is_that_of_the_plain_formula() {
    for lanes in [LaneMeaning::Sites, LaneMeaning::Batch { chains: 3 }] {
        for two_rows in [false, true] {
            check_formula::<3, 2>(&[4, 4, 2, 8], lanes, two_rows);
            check_formula::<3, 2>(&[3, 4, 5, 2], lanes, two_rows);
            check_formula::<3, 1>(&[8, 4], lanes, two_rows);
            check_formula::<3, 1>(&[3, 5], lanes, two_rows);
            // Cut in one direction only: its lanes come together from several registers.
            check_formula::<3, 2>(&[2, 2, 2, 32], lanes, two_rows);
            check_formula::<3, 1>(&[32, 2], lanes, two_rows);
        }
        check_formula::<2, 2>(&[4, 2, 6, 4], lanes, false);
        check_formula::<1, 2>(&[8, 4, 2, 4], lanes, false);
        check_formula::<2, 1>(&[2, 6], lanes, false);
        check_formula::<1, 1>(&[16, 8], lanes, false);
    }
}

#[test]
fn two_rows_are_refused_where_they_do_not_hold_the_links() {
    let lattice = Lattice::new(&[4; 4], LatticeOptions::default()).unwrap();
    let (mut u, _) = fields::<3, 2>(&lattice, 0);
    let refused = |u: &GaugeField<f64, 3>| {
        Wilson::<f64, 3>::new(u, MASS, twisted()).unwrap().with_two_rows().unwrap_err().to_string()
    };
    let kept = u.link(5, 2, 3);
    u.set_link(5, 2, 3, &kept.scale(1.001));
    assert!(refused(&u).contains("links are off SU(3)"), "{}", refused(&u));
    // Unitary, but of determinant -1.
    u.set_link(5, 2, 3, &kept.scale(-1.0));
    assert!(refused(&u).contains("links are off SU(3)"), "{}", refused(&u));
    u.set_link(5, 2, 3, &kept.scale(f64::NAN));
    assert!(refused(&u).contains("links are off SU(3)"), "{}", refused(&u));
    u.set_link(5, 2, 3, &kept);
    assert!(Wilson::<f64, 3>::new(&u, MASS, twisted()).unwrap().with_two_rows().is_ok());
    let (u, _) = fields::<2, 2>(&lattice, 0);
    let refused =
        Wilson::<f64, 2>::new(&u, MASS, twisted()).unwrap().with_two_rows().unwrap_err().to_string();
    assert!(refused.contains("two rows determine links of SU(3), these are 2×2"), "{refused}");
}

/// Numbers that everything has gone into: `[quantity][chain]`.
fn results<const N: usize, const H: usize>(
    extents: &[usize],
    options: LatticeOptions,
    chain: u64,
) -> Vec<Vec<f64>> {
    let lattice = Lattice::new(extents, options).unwrap();
    let (u, psi) = fields::<N, H>(&lattice, chain);
    // The clover term is one of four dimensions.
    let csw = if H == 2 { 1.3 } else { 0.0 };
    let d = Wilson::new(&u, MASS, twisted()).unwrap();
    let mut results = Vec::new();
    let mut note = |out: &SpinorField<f64, N, H>| {
        let inner = psi.inner_product(out);
        results.push(out.norm2());
        results.push(inner.iter().map(|z| z.re).collect());
        results.push(inner.iter().map(|z| z.im).collect());
    };
    let mut out = d.vector().unwrap();
    d.apply(&mut out, &psi);
    note(&out);
    d.apply_dagger(&mut out, &psi);
    note(&out);
    d.both_hops(&mut out, &psi, [0.7, 0.3, -0.2]);
    note(&out);
    if N == 3 {
        let two_rows = Wilson::new(&u, MASS, twisted()).unwrap().with_two_rows().unwrap();
        two_rows.apply(&mut out, &psi);
        note(&out);
    }
    let clover = Wilson::new(&u, MASS, twisted()).unwrap().with_clover(csw).unwrap();
    clover.apply(&mut out, &psi);
    note(&out);
    let mut x = clover.vector().unwrap();
    let clover_solve = {
        let schur = Schur::odd(&clover).unwrap();
        let mut solver = BiCgStab::new(&schur).unwrap();
        schur.solve(&mut x, &psi, |s, x, c| solver.solve(s, x, c, &Stopping::at(1e-8))).unwrap()
    };
    note(&x);
    let mut x = clover.vector().unwrap();
    let asymmetric = {
        let schur = Schur::even(&clover).unwrap().asymmetric();
        let mut solver = ConjugateGradient::new(&schur).unwrap();
        schur.solve(&mut x, &psi, |s, x, c| solver.solve(s, x, c, &Stopping::at(1e-8))).unwrap()
    };
    note(&x);
    let stop = Stopping::at(1e-8);
    let mut x = d.vector().unwrap();
    let cg = ConjugateGradient::new(&d).unwrap().solve(&d, &mut x, &psi, &stop).unwrap();
    note(&x);
    let mut x = d.vector().unwrap();
    let bicg = BiCgStab::new(&d).unwrap().solve(&d, &mut x, &psi, &stop).unwrap();
    note(&x);
    let schur = Schur::odd(&d).unwrap();
    let mut solver = BiCgStab::new(&schur).unwrap();
    let mut x = d.vector().unwrap();
    let even_odd = schur.solve(&mut x, &psi, |s, x, c| solver.solve(s, x, c, &stop)).unwrap();
    note(&x);
    results.push(clover.site_log_det(Some(1)));
    for report in [clover_solve, asymmetric, cg, bicg, even_odd] {
        results.push(report.chain_iterations.iter().map(|&n| n as f64).collect());
        results.push(report.true_residual);
    }
    results
}

fn check_bits<const N: usize, const H: usize>(extents: &[usize], grids: &[&[usize]]) {
    assert_equal_bits(&format!("N={N} {extents:?}"), grids, |options, chain| {
        results::<N, H>(extents, options, chain)
    });
}

#[test]
fn operators_and_solves_give_the_same_bits() {
    check_bits::<3, 2>(&[4, 4, 4, 8], &[&[1, 1, 1, 2], &[2, 1, 2, 1], &[1, 2, 1, 2]]);
    check_bits::<2, 2>(&[4, 2, 4, 4], &[&[1, 1, 1, 2], &[2, 1, 2, 1]]);
    check_bits::<1, 2>(&[4, 4, 4, 4], &[&[2, 1, 1, 2]]);
    check_bits::<3, 1>(&[8, 8], &[&[2, 1], &[2, 2]]);
    check_bits::<2, 1>(&[4, 8], &[&[1, 2]]);
    check_bits::<3, 2>(&[2, 2, 2, 32], &[&[1, 1, 1, 2]]);
    check_bits::<3, 1>(&[4, 16], &[&[1, 2]]);
    check_bits::<1, 1>(&[8, 12], &[&[2, 1], &[1, 2], &[2, 2]]);
}
