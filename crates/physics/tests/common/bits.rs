//! Equal bits for any vector unit, threads, ranks, and in a batch or alone.

use gaugelink_lattice::comm::run_ranks;
use gaugelink_lattice::{Isa, LaneMeaning, LatticeOptions};

/// Asserts that `results(options, chain)`, numbers of every chain of the lattice the first of which is `chain`, do not
/// depend on how the lattice is spread; `grids` are the ranks to try.
pub fn assert_equal_bits(
    what: &str,
    grids: &[&[usize]],
    results: impl Fn(LatticeOptions, u64) -> Vec<Vec<f64>> + Sync,
) {
    assert_equal_bits_alone(what, grids, |options| results(options, 0));
    let batch = LatticeOptions { lanes: LaneMeaning::Batch { chains: 3 }, ..LatticeOptions::default() };
    let together = results(batch, 0);
    for chain in 0..3 {
        let alone = results(LatticeOptions::default(), chain as u64);
        let same = together.iter().zip(&alone).all(|(t, a)| t[chain] == a[0]);
        assert!(same, "{what}: chain {chain} of a batch differs from the chain alone");
    }
}

/// The same of one configuration, not of a batch.
pub fn assert_equal_bits_alone(
    what: &str,
    grids: &[&[usize]],
    results: impl Fn(LatticeOptions) -> Vec<Vec<f64>> + Sync,
) {
    let one = LatticeOptions { threads: 1, isa: Isa::Portable, ..LatticeOptions::default() };
    let reference = results(one.clone());
    for isa in [Isa::Avx2, Isa::Avx512, Isa::Neon].into_iter().filter(|isa| isa.is_available()) {
        let options = LatticeOptions { isa, ..one.clone() };
        assert_eq!(results(options), reference, "{what} {isa:?}");
    }
    for threads in [2, 3] {
        let options = LatticeOptions { threads, ..LatticeOptions::default() };
        assert_eq!(results(options), reference, "{what} {threads} threads");
    }
    for grid in grids {
        let ranks = run_ranks(grid.iter().product(), |comm| {
            let options =
                LatticeOptions { threads: 1, grid: grid.to_vec(), comm, ..LatticeOptions::default() };
            results(options)
        });
        assert!(ranks.iter().all(|r| *r == reference), "{what} ranks {grid:?}");
    }
}
