//! A chain that goes on from a checkpoint has the bits of one that never stopped.

use crate::links::{Bits, address, batch, bits, rough};
use gaugelink_lattice::comm::run_ranks;
use gaugelink_lattice::{GaugeField, Lattice, LatticeOptions};
use gaugelink_physics::action::WilsonAction;
use gaugelink_sampler::checkpoint::Checkpoint;
use gaugelink_sampler::hmc::{Hmc, Outcome, Trajectory};
use gaugelink_sampler::integrator::Integrator;
use std::ops::Range;
use std::path::Path;

const TRAJECTORY: Trajectory = Trajectory { integrator: Integrator::Omelyan, steps: 3, length: 1.0 };

fn advance<const N: usize>(u: &mut GaugeField<f64, N>, numbers: Range<u64>) -> Vec<Outcome> {
    let mut hmc = Hmc::new(u.lattice(), TRAJECTORY).unwrap();
    numbers
        .map(|number| hmc.update(u, &WilsonAction::new(2.0 * N as f64), address(0).trajectory(number)))
        .collect()
}

/// The first half, and a checkpoint.
fn first_half<const N: usize>(extents: &[usize], options: LatticeOptions, folder: &Path) {
    let mut u = rough::<N>(&Lattice::new(extents, options).unwrap(), 0);
    advance(&mut u, 0..3);
    Checkpoint::at(folder).save(&u, 3, 3u64).unwrap();
}

/// The second half, from the checkpoint alone.
fn second_half<const N: usize>(
    extents: &[usize],
    options: LatticeOptions,
    folder: &Path,
) -> (Vec<Outcome>, Vec<Bits>) {
    let lattice = Lattice::new(extents, options).unwrap();
    let saved = Checkpoint::at(folder).load::<u64>().unwrap().unwrap();
    let mut u = GaugeField::<f64, N>::cold(&lattice).unwrap();
    Checkpoint::at(folder).load_links(&saved, &mut u).unwrap();
    let outcomes = advance(&mut u, saved.state..6);
    (outcomes, (0..lattice.chains()).map(|chain| bits(&u, chain)).collect())
}

fn check<const N: usize>(extents: &[usize], grid: &[usize]) {
    for chains in [1, 3] {
        let folder = tempfile::tempdir().unwrap();
        let mut u = rough::<N>(&Lattice::new(extents, batch(chains)).unwrap(), 0);
        let outcomes = advance(&mut u, 0..6).split_off(3);
        let links: Vec<_> = (0..chains).map(|chain| bits(&u, chain)).collect();
        first_half::<N>(extents, batch(chains), folder.path());
        let resumed = second_half::<N>(extents, batch(chains), folder.path());
        assert!(resumed == (outcomes, links), "N={N} {extents:?}: {chains} chains");
    }
    // Begun on one rank, continued on several.
    let folder = tempfile::tempdir().unwrap();
    let one = LatticeOptions { threads: 1, ..LatticeOptions::default() };
    first_half::<N>(extents, one.clone(), folder.path());
    let alone = second_half::<N>(extents, one.clone(), folder.path());
    let ranks = run_ranks(grid.iter().product(), |comm| {
        let options = LatticeOptions { grid: grid.to_vec(), comm, ..one.clone() };
        second_half::<N>(extents, options, folder.path())
    });
    assert!(ranks.iter().all(|rank| rank.0 == alone.0), "N={N} {extents:?}: decisions on ranks {grid:?}");
    let mut links: Vec<_> = ranks.into_iter().flat_map(|rank| rank.1.into_iter().flatten()).collect();
    links.sort();
    assert!(links == alone.1[0], "N={N} {extents:?}: links on ranks {grid:?}");
}

#[test]
fn resumed_chains_have_the_bits_of_uninterrupted_ones() {
    check::<1>(&[8, 6], &[2, 1]);
    check::<2>(&[4, 4, 4, 4], &[1, 2, 1, 2]);
    check::<3>(&[4, 4, 4, 8], &[1, 1, 1, 2]);
}
