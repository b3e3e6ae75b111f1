//! Solves in mixed precision: what they reach, their bits, and their failures.

mod common;

use common::bits::assert_equal_bits;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice, LatticeOptions};
use gaugelink_physics::dirac::{Boundary, Schur, SpinorField, Wilson, naive};
use gaugelink_physics::solver::{BiCgStab, LinearOperator, MixedBiCgStab, SolveError, SolveReport, Stopping};
use std::sync::Arc;

const MASS: f64 = -0.1;

fn fields<const N: usize>(lattice: &Arc<Lattice>, chain: u64) -> (GaugeField<f64, N>, SpinorField<f64, N>) {
    let start = Address::new(21, Purpose::Start).chain(chain);
    let mut b = SpinorField::zeroed(lattice).unwrap();
    b.set_gaussian(Address::new(22, Purpose::Source).chain(chain));
    (GaugeField::random(lattice, 0.4, start).unwrap(), b)
}

/// D x = b on the even-odd form, with whole links or two rows of them.
fn solve<const N: usize>(
    u: &GaugeField<f64, N>,
    b: &SpinorField<f64, N>,
    two_rows: bool,
    stop: &Stopping,
) -> (SpinorField<f64, N>, Result<SolveReport, SolveError>) {
    let single = u.converted::<f32>().unwrap();
    let mut d = Wilson::new(u, MASS, Boundary::antiperiodic()).unwrap();
    if two_rows {
        d = d.with_two_rows().unwrap();
    }
    let low = d.on(&single).unwrap();
    let (high, low) = (Schur::odd(&d).unwrap(), Schur::odd(&low).unwrap());
    let mut mixed = MixedBiCgStab::new(&high, &low).unwrap();
    let mut x = d.vector().unwrap();
    let report = high.solve(&mut x, b, |high, x, c| mixed.solve((high, &low), x, c, stop));
    (x, report)
}

#[test]
fn solutions_have_the_residual_of_double_precision() {
    let lattice = Lattice::new(&[4, 4, 4, 8], LatticeOptions::default()).unwrap();
    let (u, b) = fields::<3>(&lattice, 0);
    let d = Wilson::new(&u, MASS, Boundary::antiperiodic()).unwrap();
    for (tolerance, two_rows) in [(1e-5, false), (1e-8, false), (1e-13, false), (1e-13, true)] {
        let stop = Stopping::at(tolerance);
        let (x, report) = solve(&u, &b, two_rows, &stop);
        let report = report.unwrap();
        assert!(report.worst_residual() <= tolerance, "{tolerance:e}: {report:?}");
        assert_eq!(report.recursive_residual, report.true_residual);

        // The residual of D x = b by the plain formula; S leaves out a factor of the mass term.
        let dx = naive::wilson(&u, &x, MASS, &Boundary::antiperiodic(), false, 0);
        let (mut off, mut scale) = (0.0, 0.0);
        for (index, dx) in dx.iter().enumerate() {
            let b = b.spinor(&lattice.geometry().site(index), 0).unwrap();
            for (z, b) in dx.components().iter().zip(b.components()) {
                off += (*z - *b).norm2();
                scale += b.norm2();
            }
        }
        assert!((off / scale).sqrt() < 2.0 * tolerance, "{tolerance:e}: {:e}", (off / scale).sqrt());

        // Rounding costs few iterations, for updates lose nothing.
        let schur = Schur::odd(&d).unwrap();
        let mut plain = BiCgStab::new(&schur).unwrap();
        let mut y = d.vector().unwrap();
        let double = schur.solve(&mut y, &b, |s, y, c| plain.solve(s, y, c, &stop)).unwrap();
        let (mixed, double) = (report.iterations, double.iterations);
        assert!(5 * mixed <= 6 * double, "{tolerance:e}: {mixed} iterations against {double}");
    }
}

#[test]
fn solves_give_the_same_bits() {
    let results = |options: LatticeOptions, chain: u64| {
        let lattice = Lattice::new(&[4, 4, 4, 8], options).unwrap();
        let (u, b) = fields::<2>(&lattice, chain);
        let (x, report) = solve(&u, &b, false, &Stopping::at(1e-11));
        let report = report.unwrap();
        let iterations = report.chain_iterations.iter().map(|&n| n as f64).collect();
        vec![x.norm2(), report.true_residual, iterations]
    };
    assert_equal_bits("mixed", &[&[1, 1, 1, 2], &[2, 1, 1, 2]], results);
}

#[test]
fn failures_say_what_they_are() {
    let lattice = Lattice::new(&[4; 4], LatticeOptions::default()).unwrap();
    let (mut u, b) = fields::<3>(&lattice, 0);
    let (_, limited) = solve(&u, &b, false, &Stopping { iterations: 3, ..Stopping::at(1e-12) });
    assert!(matches!(limited, Err(SolveError::IterationLimit { ref report, .. }) if report.iterations == 3));

    // Another operator below: updates do not come closer.
    let single = u.converted::<f32>().unwrap();
    let d = Wilson::new(&u, MASS, Boundary::antiperiodic()).unwrap();
    let far = Wilson::<f32, 3>::new(&single, 3.0, Boundary::antiperiodic()).unwrap();
    let mut x = d.vector().unwrap();
    let mut mixed = MixedBiCgStab::new(&d, &far).unwrap();
    let stagnated = mixed.solve((&d, &far), &mut x, &b, &Stopping::at(1e-12)).unwrap_err();
    assert!(matches!(stagnated, SolveError::Stagnation { .. }), "{stagnated}");
    assert!(stagnated.to_string().starts_with("BiCGStab in mixed precision stagnated"), "{stagnated}");

    let nan = u.link(3, 1, 0).scale(f64::NAN);
    u.set_link(3, 1, 0, &nan);
    let (_, broken) = solve(&u, &b, false, &Stopping::at(1e-12));
    assert!(matches!(broken, Err(SolveError::NotFinite { .. })));
}
