//! Scalars on the case list: starts, translations, a loss with a known derivative.

use super::fields::{Cased, copy, for_sites, numbers};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Lattice, Real, ScalarField, Scalars, Variables};
use std::sync::Arc;

impl Cased for Scalars {
    fn rough<T: Real>(lattice: &Arc<Lattice>, first: u64) -> ScalarField<T> {
        let mut phi = Self::cold(lattice).unwrap();
        phi.draw_gaussian(Address::new(29, Purpose::Start).chain(first));
        phi
    }

    /// By one step along both of two directions, with which a checkerboard comes to lie upon itself. On one rank.
    fn transformed<T: Real>(phi: &ScalarField<T>) -> ScalarField<T> {
        let (lattice, layout) = (phi.lattice().clone(), phi.layout());
        let mut moved = copy::<Self, T>(phi);
        for_sites::<T>(&lattice, 0, |x, block, lane| {
            let mut from = *x;
            for mu in 0..2 {
                from[mu] = (x[mu] + 1) % lattice.geometry().extents()[mu];
            }
            let (from_block, from_lane) = layout.locate(&from);
            let value = phi.get(from_block, 0, from_lane);
            layout.copies(lane).for_each(|l| moved.set(block, 0, l, value));
        });
        moved.exchange();
        moved
    }

    /// Σ b φ + ½ c φ² with b and c that are nowhere special.
    fn loss<T: Real>(phi: &ScalarField<T>) -> (Vec<f64>, ScalarField<T>) {
        let lattice = phi.lattice().clone();
        let mut cotangent = Self::momenta(&lattice).unwrap();
        let mut values = vec![0.0; lattice.chains()];
        for chain in 0..lattice.chains() {
            for_sites::<T>(&lattice, chain, |x, block, lane| {
                let site = lattice.geometry().site_index(x) as f64;
                let (b, c) = ((1.7 * site).sin(), (2.3 * site).cos());
                let value = phi.get(block, 0, lane).to_f64();
                values[chain] += value * (b + 0.5 * c * value);
                let slope = T::from_f64(b + c * value);
                phi.layout().copies(lane).for_each(|l| cotangent.set(block, 0, l, slope));
            });
        }
        (values, cotangent)
    }

    fn shift(phi: &ScalarField<f64>, from: &ScalarField<f64>) -> Vec<f64> {
        numbers(phi, 0).iter().zip(numbers(from, 0)).map(|(x, y)| x - y).collect()
    }
}
