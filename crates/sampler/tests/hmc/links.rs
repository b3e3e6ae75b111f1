//! Lattices, starts and bits that the tests share.

use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions};
use std::sync::Arc;

/// A batch of so many chains on one thread.
pub fn batch(chains: usize) -> LatticeOptions {
    LatticeOptions { threads: 1, lanes: LaneMeaning::Batch { chains }, ..LatticeOptions::default() }
}

/// A lattice of one rank.
pub fn lattice(extents: &[usize], options: LatticeOptions) -> Arc<Lattice> {
    Lattice::new(extents, options).unwrap()
}

/// Links some way from 1, each chain its own.
pub fn rough<const N: usize>(lattice: &Arc<Lattice>, first_chain: u64) -> GaugeField<f64, N> {
    GaugeField::random(lattice, 0.5, address(first_chain)).unwrap()
}

/// Where the chains' random numbers come from.
pub fn address(first_chain: u64) -> Address {
    Address::new(1987, Purpose::Start).chain(first_chain)
}

/// The bits of the links of a site, by its number.
pub type Bits = Vec<(usize, Vec<u64>)>;

/// The bits of a chain's links on this rank, `(site, bits)` in the order of global sites.
pub fn bits<const N: usize>(u: &GaugeField<f64, N>, chain: usize) -> Bits {
    let (lattice, layout) = (u.lattice(), u.layout());
    let mut sites = Vec::new();
    for block in 0..layout.blocks() {
        for lane in (0..layout.distinct_lanes()).filter(|&lane| layout.chain_of(lane) == chain) {
            let site = lattice.geometry().site_index(&layout.site(block, lane));
            sites.push((site, (0..u.reals()).map(|c| u.get(block, c, lane).to_bits()).collect()));
        }
    }
    sites.sort();
    sites
}

/// Whether every link is finite, ghosts included.
pub fn all_finite<const N: usize>(u: &GaugeField<f64, N>) -> bool {
    u.as_slice().iter().all(|x| x.is_finite())
}
