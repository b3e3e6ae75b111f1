//! Updates and measurements give the same bits for any vector unit, number of threads, decomposition over ranks, and
//! whether a chain runs alone or in a batch.

mod common;

use common::bits::assert_equal_bits;
use gaugelink_lattice::comm::run_ranks;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions, MomentumField};
use gaugelink_physics::action::{Action, IWASAKI, ImprovedAction, WilsonAction};
use gaugelink_physics::observable;
use gaugelink_physics::smear::{GradientFlow, stout};
use gaugelink_physics::update::{HeatBath, Overrelaxation};

/// What everything gives after everything has been done to the links: `[quantity][chain]`.
fn results<const N: usize>(extents: &[usize], options: LatticeOptions, first_chain: u64) -> Vec<Vec<f64>> {
    let lattice = Lattice::new(extents, options).unwrap();
    let start = Address::new(4, Purpose::Start).chain(first_chain);
    let mut u = GaugeField::<f64, N>::random(&lattice, 0.6, start).unwrap();
    for trajectory in 0..2 {
        HeatBath { beta: 1.9 }.sweep(&mut u, start.trajectory(trajectory)).unwrap();
        Overrelaxation.sweep(&mut u).unwrap();
    }
    let mut results = Vec::new();
    let mut measure = |u: &GaugeField<f64, N>| {
        let action = WilsonAction::new(1.9);
        let mut p = MomentumField::zeroed(&lattice).unwrap();
        action.kick(u, &mut p, 0.1);
        results.extend([Action::value(&action, u), p.kinetic()]);
        let action = ImprovedAction::<N>::new(&lattice, 1.9, IWASAKI).unwrap();
        action.kick(u, &mut p, 0.1);
        results.extend([
            Action::value(&action, u),
            p.kinetic(),
            observable::plaquette(u),
            observable::rectangle(u),
            observable::link_trace(u),
            observable::plaquette_energy(u),
            observable::clover_energy(u),
        ]);
        results.extend(observable::spatial_plaquette(u));
        results.extend(observable::temporal_plaquette_per_slice(u).unwrap());
        for mu in 0..extents.len() {
            let loops = observable::polyakov_loop(u, mu).unwrap();
            results.push(loops.iter().map(|z| z.re).collect());
            results.push(loops.iter().map(|z| z.im).collect());
        }
        if extents.len() == 4 {
            results.push(observable::topological_charge(u).unwrap());
        }
    };
    measure(&u);
    stout(&mut u, 0.07, 2).unwrap();
    measure(&u);
    GradientFlow::wilson(&lattice).unwrap().step(&mut u, 0.03);
    measure(&u);
    GradientFlow::with_rectangles(&lattice, -0.331).unwrap().step(&mut u, 0.02);
    measure(&u);
    results
}

fn check<const N: usize>(extents: &[usize], grids: &[&[usize]]) {
    assert_equal_bits(&format!("N={N} {extents:?}"), grids, |options, chain| {
        results::<N>(extents, options, chain)
    });
}

#[test]
fn u1() {
    check::<1>(&[8, 12], &[&[2, 1], &[2, 2], &[1, 4]]);
    check::<1>(&[4, 4, 2, 8], &[&[1, 1, 1, 2], &[2, 1, 1, 2]]);
}

#[test]
fn su2() {
    check::<2>(&[6, 8], &[&[2, 1], &[1, 4]]);
    check::<2>(&[4, 6, 4], &[&[2, 1, 2]]);
    check::<2>(&[4, 4, 4, 4], &[&[1, 1, 1, 2]]);
}

#[test]
fn su3() {
    check::<3>(&[8, 6], &[&[2, 1]]);
    check::<3>(&[4, 4, 4, 8], &[&[1, 1, 1, 2], &[2, 1, 2, 1], &[1, 2, 1, 2]]);
}

#[test]
fn u1_charge_is_the_same_on_ranks_and_in_batches() {
    let charges = |options: LatticeOptions, chain: u64| {
        let lattice = Lattice::new(&[8, 12], options).unwrap();
        let start = Address::new(6, Purpose::Start).chain(chain);
        observable::geometric_charge(&GaugeField::<f64, 1>::random(&lattice, 2.0, start).unwrap()).unwrap()
    };
    let alone: Vec<i64> = (0..8).map(|chain| charges(LatticeOptions::default(), chain)[0]).collect();
    assert!(alone.iter().any(|&q| q != 0));
    let batch = LatticeOptions { lanes: LaneMeaning::Batch { chains: 8 }, ..LatticeOptions::default() };
    assert_eq!(charges(batch, 0), alone);
    let ranks = run_ranks(4, |comm| {
        charges(LatticeOptions { threads: 1, grid: vec![2, 2], comm, ..LatticeOptions::default() }, 0)
    });
    assert!(ranks.iter().all(|q| q[..] == alone[..1]));
}
