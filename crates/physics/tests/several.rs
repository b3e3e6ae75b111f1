//! Several right-hand sides at once: the bits of one after the other.

use gaugelink_lattice::comm::run_ranks;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions, Real};
use gaugelink_physics::dirac::{Boundary, Schur, SpinorField, Wilson};
use gaugelink_physics::solver::{
    AT_ONCE, BiCgStab, ConjugateGradient, LinearOperator, MixedBiCgStab, SolveError, SolveReport, Stopping,
};
use std::sync::Arc;

const N: usize = 3;
/// More than go at once, and not a multiple of these.
const SIDES: usize = AT_ONCE + 2;

type Spinors<T> = Vec<SpinorField<T, N>>;

/// Ghosts as well: on ranks they are what the others have there.
fn assert_same<T: Real>(what: &str, some: &Spinors<T>, one_by_one: &Spinors<T>) {
    for (side, (a, b)) in some.iter().zip(one_by_one).enumerate() {
        assert!(a.as_slice() == b.as_slice(), "{what}: side {side} differs");
    }
}

fn lattice(lanes: LaneMeaning) -> Arc<Lattice> {
    Lattice::new(&[4, 4, 2, 6], LatticeOptions { lanes, threads: 2, ..LatticeOptions::default() }).unwrap()
}

/// Noise; the third side is zero.
fn sides<T: Real>(lattice: &Arc<Lattice>) -> Spinors<T> {
    let side = |number: usize| {
        let mut b = SpinorField::zeroed(lattice).unwrap();
        if number != 2 {
            b.set_gaussian(Address::new(number as u64, Purpose::Source));
        }
        b
    };
    (0..SIDES).map(side).collect()
}

fn zeros<T: Real>(lattice: &Arc<Lattice>) -> Spinors<T> {
    (0..SIDES).map(|_| SpinorField::zeroed(lattice).unwrap()).collect()
}

/// D, D† and both even-odd forms with theirs, with all kinds of links and site-diagonal parts.
fn operators_agree<T: Real>(lattices: &[Arc<Lattice>]) {
    for lattice in lattices {
        let u = GaugeField::<T, N>::random(lattice, 0.5, Address::new(3, Purpose::Start)).unwrap();
        let psi = sides::<T>(lattice);
        for (csw, two_rows) in [(0.0, false), (0.0, true), (1.1, false), (1.1, true)] {
            let mut d = Wilson::new(&u, 0.1, Boundary::antiperiodic()).unwrap().with_clover(csw).unwrap();
            if two_rows {
                d = d.with_two_rows().unwrap();
            }
            let what = format!("f{}, c_sw {csw}, two rows {two_rows}", T::BITS);
            compare(&format!("D, {what}"), &d, &psi);
            compare(&format!("S, {what}"), &Schur::odd(&d).unwrap(), &psi);
            compare(&format!("asymmetric S, {what}"), &Schur::even(&d).unwrap().asymmetric(), &psi);
        }
    }
}

fn compare<T: Real>(what: &str, a: &impl LinearOperator<T, Vector = SpinorField<T, N>>, psi: &Spinors<T>) {
    let lattice = psi[0].lattice();
    for dagger in [false, true] {
        let (mut some, mut single) = (zeros::<T>(lattice), zeros::<T>(lattice));
        let mut pairs: Vec<_> = some.iter_mut().zip(psi).collect();
        if dagger {
            a.apply_dagger_each(&mut pairs);
            single.iter_mut().zip(psi).for_each(|(out, psi)| a.apply_dagger(out, psi));
        } else {
            a.apply_each(&mut pairs);
            single.iter_mut().zip(psi).for_each(|(out, psi)| a.apply(out, psi));
        }
        assert_same(&format!("{what}, dagger {dagger}"), &some, &single);
    }
}

#[test]
fn operators_give_the_bits_of_one_after_the_other() {
    let lattices = [LaneMeaning::Sites, LaneMeaning::Batch { chains: 2 }].map(lattice);
    operators_agree::<f64>(&lattices);
    operators_agree::<f32>(&lattices);
}

#[test]
fn ranks_have_the_ghosts_of_all_sides() {
    run_ranks(4, |comm| {
        let options =
            LatticeOptions { comm, grid: vec![1, 2, 1, 2], threads: 1, ..LatticeOptions::default() };
        operators_agree::<f64>(&[Lattice::new(&[4, 4, 2, 8], options).unwrap()]);
    });
}

fn assert_same_reports(
    what: &str,
    some: Vec<Result<SolveReport, SolveError>>,
    single: Vec<Result<SolveReport, SolveError>>,
) {
    assert_eq!(some.len(), SIDES);
    for (a, b) in some.into_iter().zip(single) {
        let (mut a, b) = (a.unwrap(), b.unwrap());
        a.seconds = b.seconds;
        assert_eq!(a, b, "{what}");
    }
}

#[test]
fn solvers_give_the_bits_of_one_after_the_other() {
    let stop = Stopping::at(1e-10);
    for lanes in [LaneMeaning::Sites, LaneMeaning::Batch { chains: 2 }] {
        let lattice = lattice(lanes);
        let u = GaugeField::<f64, N>::random(&lattice, 0.5, Address::new(3, Purpose::Start)).unwrap();
        let d = Wilson::new(&u, 0.05, Boundary::antiperiodic()).unwrap();
        let single = u.converted::<f32>().unwrap();
        let (low, b) = (d.on(&single).unwrap(), sides::<f64>(&lattice));

        let (mut x, mut y) = (zeros(&lattice), zeros(&lattice));
        let some = BiCgStab::new(&d).unwrap().solve_each(&d, &mut x, &b, &stop).unwrap();
        let mut solver = BiCgStab::new(&d).unwrap();
        let ones = y.iter_mut().zip(&b).map(|(y, b)| solver.solve(&d, y, b, &stop)).collect();
        assert_same_reports("BiCGStab", some, ones);
        assert_same("BiCGStab", &x, &y);

        let (mut x, mut y) = (zeros(&lattice), zeros(&lattice));
        let some = ConjugateGradient::new(&d).unwrap().solve_each(&d, &mut x, &b, &stop).unwrap();
        let mut solver = ConjugateGradient::new(&d).unwrap();
        let ones = y.iter_mut().zip(&b).map(|(y, b)| solver.solve_direct(&d, y, b, &stop)).collect();
        assert_same_reports("conjugate gradients", some, ones);
        assert_same("conjugate gradients", &x, &y);

        let (mut x, mut y) = (zeros(&lattice), zeros(&lattice));
        let some = MixedBiCgStab::new(&d, &low).unwrap().solve_each((&d, &low), &mut x, &b, &stop).unwrap();
        let mut solver = MixedBiCgStab::new(&d, &low).unwrap();
        let ones = y.iter_mut().zip(&b).map(|(y, b)| solver.solve((&d, &low), y, b, &stop)).collect();
        assert_same_reports("mixed precision", some, ones);
        assert_same("mixed precision", &x, &y);
    }
}
