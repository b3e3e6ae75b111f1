//! A chain is the same for any number of threads and ranks, and in a batch as alone.

use crate::links::{Bits, address, batch, bits, rough};
use gaugelink_lattice::comm::run_ranks;
use gaugelink_lattice::{Lattice, LatticeOptions};
use gaugelink_physics::action::WilsonAction;
use gaugelink_sampler::hmc::{Hmc, Trajectory};
use gaugelink_sampler::integrator::Integrator;

/// What a chain did: ΔH's bits and decisions, then the bits of its links.
type History = (Vec<(u64, bool)>, Bits);

/// Four trajectories of each chain, coarse enough that some are rejected.
fn histories<const N: usize>(extents: &[usize], options: LatticeOptions, first_chain: u64) -> Vec<History> {
    let lattice = Lattice::new(extents, options).unwrap();
    let mut u = rough::<N>(&lattice, first_chain);
    let integrator = if N == 2 { Integrator::Omelyan } else { Integrator::Leapfrog };
    let steps = match (extents.len(), N) {
        (2, 2) => 1,
        (2, _) | (4, 1) | (4, 2) => 3,
        _ => 6,
    };
    let mut hmc = Hmc::new(&lattice, Trajectory { integrator, steps, length: 1.0 }).unwrap();
    let action = WilsonAction::new(1.8 * N as f64);
    let mut decisions = vec![Vec::new(); lattice.chains()];
    for number in 0..4 {
        let outcome = hmc.update(&mut u, &action, address(first_chain).trajectory(number));
        for (chain, of_chain) in decisions.iter_mut().enumerate() {
            of_chain.push((outcome.delta_h[chain].to_bits(), outcome.accepted[chain]));
        }
    }
    decisions.into_iter().enumerate().map(|(chain, d)| (d, bits(&u, chain))).collect()
}

fn check<const N: usize>(extents: &[usize], grids: &[&[usize]]) {
    let on_threads = |threads| LatticeOptions { threads, ..LatticeOptions::default() };
    let alone: Vec<History> =
        (0..3).map(|chain| histories::<N>(extents, on_threads(1), chain).remove(0)).collect();
    let decisions = || alone.iter().flat_map(|(d, _)| d.iter().map(|d| d.1));
    println!("N={N} {extents:?}: {} of {} accepted", decisions().filter(|&d| d).count(), decisions().count());
    assert!(decisions().any(|d| d) && decisions().any(|d| !d), "N={N} {extents:?}: both decisions occur");
    for threads in [2, 3] {
        let threaded = histories::<N>(extents, on_threads(threads), 0).remove(0);
        assert!(threaded == alone[0], "N={N} {extents:?}: {threads} threads");
    }
    for grid in grids {
        let ranks = run_ranks(grid.iter().product(), |comm| {
            let grid = grid.to_vec();
            histories::<N>(extents, LatticeOptions { grid, comm, ..on_threads(1) }, 0).remove(0)
        });
        assert!(ranks.iter().all(|r| r.0 == alone[0].0), "N={N} {extents:?} ranks {grid:?}: decisions");
        let mut links: Vec<_> = ranks.into_iter().flat_map(|r| r.1).collect();
        links.sort();
        assert!(links == alone[0].1, "N={N} {extents:?} ranks {grid:?}: links");
    }
    let together = histories::<N>(extents, batch(3), 0);
    assert!(together == alone, "N={N} {extents:?}: a batch and its chains alone");
}

#[test]
fn chains_have_the_same_bits_however_they_are_run() {
    check::<1>(&[8, 12], &[&[1, 1], &[2, 1], &[2, 2], &[1, 4]]);
    check::<2>(&[8, 8], &[&[1, 2], &[2, 2]]);
    check::<3>(&[8, 6], &[&[2, 1], &[4, 1]]);
    check::<1>(&[4, 4, 2, 8], &[&[1, 1, 1, 2], &[2, 1, 1, 2]]);
    check::<2>(&[4, 4, 4, 4], &[&[1, 1, 1, 2], &[1, 2, 2, 1]]);
    check::<3>(&[4, 4, 4, 8], &[&[1, 1, 1, 2], &[2, 1, 2, 1]]);
}
