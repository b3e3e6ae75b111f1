//! Pseudofermion actions and forces are the same bits for any vector unit, number of threads, decomposition over ranks,
//! and whether a chain runs alone or in a batch.

mod common;

use common::bits::assert_equal_bits;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice, LatticeOptions, MomentumField};
use gaugelink_physics::action::{
    ExactDeterminant, Pseudofermions, RationalPseudofermions, SiteDeterminant, Solves, Term,
};
use gaugelink_physics::dirac::{Boundary, Quark, QuarkMatrix};
use gaugelink_physics::solver::Stopping;

/// Numbers that everything has gone into: `[quantity][chain]`.
fn results<const N: usize, const H: usize>(
    extents: &[usize],
    options: LatticeOptions,
    chain: u64,
) -> Vec<Vec<f64>> {
    let lattice = Lattice::new(extents, options).unwrap();
    let u =
        GaugeField::<f64, N>::random(&lattice, 0.5, Address::new(4, Purpose::Start).chain(chain)).unwrap();
    let mut direction = MomentumField::zeroed(&lattice).unwrap();
    direction.refresh(Address::new(5, Purpose::Momenta).chain(chain));
    let boundary = Boundary::twisted([0.3, 0.0, 1.1, std::f64::consts::PI]);
    let solves = Solves { force: Stopping::at(1e-7), action: Stopping::at(1e-9) };
    let mut results = Vec::new();
    // The clover term is one of four dimensions.
    let csw = if H == 2 { 1.3 } else { 0.0 };
    for (matrix, csw) in [(QuarkMatrix::Full, 0.0), (QuarkMatrix::EvenOdd, 0.0), (QuarkMatrix::EvenOdd, csw)]
    {
        let quark = Quark { mass: 0.1, csw, boundary, matrix };
        let plain = Pseudofermions::<N, H>::two_flavours(&u, quark, solves).unwrap();
        let ratio = Pseudofermions::<N, H>::ratio(&u, quark, 0.5, solves).unwrap();
        let mut terms: Vec<Box<dyn Term<N>>> = vec![Box::new(plain), Box::new(ratio)];
        if H == 1 {
            terms.push(Box::new(ExactDeterminant::<N, H>::two_flavours(&u, quark).unwrap()));
        }
        if csw != 0.0 {
            let range = [0.1, 100.0];
            let one = RationalPseudofermions::<N, H>::one_flavour(&u, quark, range, 1e-3, solves).unwrap();
            terms.push(Box::new(one));
            terms.push(Box::new(SiteDeterminant::new(&u, quark, 2).unwrap()));
        }
        for mut term in terms {
            results.push(term.refresh(&u, Address::new(6, Purpose::Pseudofermion).chain(chain)).unwrap());
            let mut p = MomentumField::zeroed(&lattice).unwrap();
            term.kick(&u, &mut p, 0.3).unwrap();
            results.extend([p.norm2(), p.dot(&direction), term.value(&u).unwrap()]);
        }
    }
    results
}

fn check<const N: usize, const H: usize>(extents: &[usize], grids: &[&[usize]]) {
    assert_equal_bits(&format!("N={N} {extents:?}"), grids, |options, chain| {
        results::<N, H>(extents, options, chain)
    });
}

#[test]
fn actions_and_forces_have_the_same_bits() {
    check::<3, 2>(&[4, 4, 2, 8], &[&[1, 1, 1, 2], &[2, 1, 1, 2], &[1, 2, 1, 2]]);
    check::<2, 2>(&[4, 2, 4, 4], &[&[1, 1, 1, 2], &[2, 1, 2, 1]]);
    check::<1, 2>(&[4, 4, 4, 4], &[&[2, 1, 1, 2]]);
    check::<3, 1>(&[8, 4], &[&[2, 1]]);
    check::<1, 1>(&[8, 8], &[&[1, 2], &[2, 2]]);
}
