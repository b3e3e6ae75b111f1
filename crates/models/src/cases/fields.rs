//! What the case list needs of a theory's variables, and what fields have in common.

use gaugelink_lattice::{Field, Lattice, Real, Site, Variables};
use std::sync::Arc;

/// Variables that layers on the case list act on.
pub trait Cased: Variables {
    /// A rough configuration whose chain c is what chain `first` + c alone would be.
    fn rough<T: Real>(lattice: &Arc<Lattice>, first: u64) -> Self::Field<T>;
    /// By a symmetry with which layers commute.
    fn transformed<T: Real>(u: &Self::Field<T>) -> Self::Field<T>;
    /// A loss on this rank for each chain that varies from number to number, with its derivative.
    fn loss<T: Real>(u: &Self::Field<T>) -> (Vec<f64>, Self::Momenta<T>);
    /// The momenta that lead `from` a configuration to one nearby in unit time, to first order: one chain, by site.
    fn shift(u: &Self::Field<f64>, from: &Self::Field<f64>) -> Vec<f64>;
}

/// A copy in memory of its own.
pub fn copy<M: Variables, T: Real>(u: &M::Field<T>) -> M::Field<T> {
    let mut copy = M::cold::<T>(u.lattice()).unwrap();
    copy.copy_from(u);
    copy
}

/// Calls `f(site, block, lane)` for this rank's sites in global order and the lane that holds `chain`.
pub fn for_sites<T: Real>(lattice: &Lattice, chain: usize, mut f: impl FnMut(&Site, usize, usize)) {
    let (layout, geometry) = (lattice.layout::<T>(), lattice.geometry());
    let origin = geometry.origin();
    for index in 0..geometry.volume() {
        let x = geometry.site(index);
        let own =
            (0..x.len()).all(|mu| (origin[mu]..origin[mu] + geometry.local_extents()[mu]).contains(&x[mu]));
        if own {
            let (block, lane) = layout.locate(&std::array::from_fn(|mu| x[mu] - origin[mu]));
            f(&x, block, if lattice.chains() > 1 { chain } else { lane });
        }
    }
}

/// The numbers of one chain, by site and component.
pub fn numbers<T: Real>(field: &Field<T>, chain: usize) -> Vec<f64> {
    let mut numbers = Vec::new();
    for_sites::<T>(field.lattice(), chain, |_, block, lane| {
        numbers.extend((0..field.reals()).map(|c| field.get(block, c, lane).to_f64()));
    });
    numbers
}

pub fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}
