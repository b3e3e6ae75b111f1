//! Equal bits however a lattice is spread over lanes, threads, ranks and vector units.

use super::Place;
use super::fields::{Cased, copy, numbers};
use gaugelink_lattice::comm::run_ranks;
use gaugelink_lattice::{Isa, LaneMeaning, Lattice, LatticeOptions, Real};

/// What a flow makes of one chain: the variables after forward and after inverse, cotangent, by this rank's sites.
type Chain = (Vec<f64>, Vec<f64>, Vec<f64>);
/// Of one chain: log dets of forward and inverse.
type LogDets = (f64, f64);

/// Everything a flow computes, for every chain of the lattice, the first of which is `first`; and the gradient.
#[allow(clippy::type_complexity, reason = "the parts are named")]
fn results<T: Real, M: Cased>(
    extents: &[usize],
    options: LatticeOptions,
    first: u64,
    place: Place<T, M>,
) -> (Vec<(Chain, LogDets)>, Vec<f64>) {
    let lattice = Lattice::new(extents, options).unwrap();
    let mut flow = place(&lattice).unwrap();
    let chains = lattice.chains();
    let mut u = M::rough::<T>(&lattice, first);
    let mut back = copy::<M, T>(&u);
    let (mut log_det, mut log_back) = (vec![0.0; chains], vec![0.0; chains]);
    flow.inverse(&mut back, &mut log_back).unwrap();
    flow.record(&mut u, &mut log_det);
    let forward: Vec<_> = (0..chains).map(|c| numbers(&u, c)).collect();
    let (_, mut cotangent) = M::loss::<T>(&u);
    let mut gradient = vec![0.0; flow.parameters().len()];
    flow.backward(&mut u, &mut cotangent, &vec![0.7; chains], Some(&mut gradient));
    let all = forward.into_iter().enumerate().map(|(c, variables)| {
        ((variables, numbers(&back, c), numbers(&cotangent, c)), (log_det[c], log_back[c]))
    });
    (all.collect(), gradient)
}

pub fn equal_however_spread<T: Real, M: Cased>(extents: &[usize], grids: &[&[usize]], place: Place<T, M>) {
    let one = LatticeOptions { threads: 1, ..LatticeOptions::default() };
    let reference = results(extents, one.clone(), 0, place);
    for isa in [Isa::Portable, Isa::Avx2, Isa::Neon].into_iter().filter(|isa| isa.is_available()) {
        let other = results(extents, LatticeOptions { isa, ..one.clone() }, 0, place);
        assert!(other == reference, "{isa:?} gives other bits");
    }
    let two = results(extents, LatticeOptions { threads: 2, ..LatticeOptions::default() }, 0, place);
    assert!(two == reference, "two threads give other bits");
    for grid in grids {
        let ranks = run_ranks(grid.iter().product(), |comm| {
            let grid = grid.to_vec();
            results(extents, LatticeOptions { threads: 1, grid, comm, ..LatticeOptions::default() }, 0, place)
        });
        // A rank's sites come in global order among themselves: each rank's are looked up by its place in the grid.
        let [(whole, log_dets)] = &reference.0[..] else { panic!("one chain") };
        let lattice = Lattice::new(extents, one.clone()).unwrap();
        let geometry = lattice.geometry();
        let mut next = vec![0; ranks.len()];
        for index in 0..geometry.volume() {
            let x = geometry.site(index);
            let (mut rank, mut stride) = (0, 1);
            for mu in 0..extents.len() {
                rank += stride * (x[mu] / (extents[mu] / grid[mu]));
                stride *= grid[mu];
            }
            let (part, their_log_dets) = &ranks[rank].0[0];
            let (mine, all) = (next[rank], index);
            next[rank] += 1;
            let site = |of: &Vec<f64>, i: usize| {
                let one = of.len() / geometry.volume();
                i * one..(i + 1) * one
            };
            let same = part.0[site(&whole.0, mine)] == whole.0[site(&whole.0, all)]
                && part.1[site(&whole.1, mine)] == whole.1[site(&whole.1, all)]
                && part.2[site(&whole.2, mine)] == whole.2[site(&whole.2, all)];
            assert!(same, "ranks {grid:?} give other bits at {x:?}");
            assert_eq!((their_log_dets, &ranks[rank].1), (log_dets, &reference.1), "ranks {grid:?}");
        }
    }
}

/// A batch's gradient may be summed in another order than its chains': it agrees to rounding, relative to its norm.
pub fn batch_equals_single<T: Real, M: Cased>(extents: &[usize], place: Place<T, M>, coarser: f64) {
    let lanes = LaneMeaning::Batch { chains: 3 };
    let (together, gradient) =
        results(extents, LatticeOptions { lanes, ..LatticeOptions::default() }, 0, place);
    let mut sum = vec![0.0; gradient.len()];
    for (chain, one) in together.iter().enumerate() {
        let (alone, gradient) = results(extents, LatticeOptions::default(), chain as u64, place);
        assert!(alone[0] == *one, "chain {chain} of a batch differs from the chain alone");
        sum.iter_mut().zip(gradient).for_each(|(s, g)| *s += g);
    }
    let norm = sum.iter().map(|s| s * s).sum::<f64>().sqrt();
    for (sum, together) in sum.iter().zip(gradient) {
        assert!(
            (sum - together).abs() <= 1e-13 * coarser * norm,
            "gradients add up to {sum}, not {together}"
        );
    }
}
