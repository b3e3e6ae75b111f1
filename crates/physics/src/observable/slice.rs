//! Sums over the slices of one direction.

use gaugelink_lattice::Field;
use gaugelink_lattice::sum::ExactSum;

/// Σ over the sites of each slice x_mu = 0, 1, ..., exact: `[slice][component][chain]`. Collective.
///
/// Sites are walked one by one: for quantities measured now and then.
pub fn slice_sums(field: &Field<f64>, mu: usize) -> Vec<Vec<Vec<f64>>> {
    let (lattice, layout) = (field.lattice(), field.layout());
    let (chains, components) = (layout.chains(), field.reals());
    let slices = lattice.geometry().extents()[mu];
    let mut sums = vec![ExactSum::default(); slices * components * chains];
    for block in 0..layout.blocks() {
        for lane in 0..layout.distinct_lanes() {
            let slice = layout.site(block, lane)[mu];
            for c in 0..components {
                sums[(slice * components + c) * chains + layout.chain_of(lane)]
                    .add(field.get(block, c, lane));
            }
        }
    }
    lattice.sum_over_ranks(&mut sums);
    let values: Vec<f64> = sums.iter().map(ExactSum::value).collect();
    let of_slice = |slice: &[f64]| slice.chunks_exact(chains).map(<[f64]>::to_vec).collect();
    values.chunks_exact(components * chains).map(of_slice).collect()
}
