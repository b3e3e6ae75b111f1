//! Links on the case list: starts, gauge transformations, a loss with a known gradient.

use super::fields::{Cased, for_sites};
use gaugelink_lattice::group::{
    algebra_dim, exponential, from_coordinates, to_coordinates, traceless_antihermitian,
};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Complex, GaugeField, Lattice, Links, Matrix, MomentumField, Real, Site};
use std::sync::Arc;

impl<const N: usize> Cased for Links<N> {
    fn rough<T: Real>(lattice: &Arc<Lattice>, first: u64) -> GaugeField<T, N> {
        rough(lattice, first)
    }

    fn transformed<T: Real>(u: &GaugeField<T, N>) -> GaugeField<T, N> {
        gauge_transformed(u)
    }

    fn loss<T: Real>(u: &GaugeField<T, N>) -> (Vec<f64>, MomentumField<T, N>) {
        loss(u)
    }

    /// Coordinates of Ta(U U₀†) by site, direction and generator.
    fn shift(u: &GaugeField<f64, N>, from: &GaugeField<f64, N>) -> Vec<f64> {
        let mut shift = Vec::new();
        for_sites::<f64>(u.lattice(), 0, |_, block, lane| {
            for mu in 0..u.lattice().dims() {
                let turn = u.link(block, mu, lane).mul_adjoint(&from.link(block, mu, lane));
                let coordinates = to_coordinates(&traceless_antihermitian(&turn));
                shift.extend_from_slice(&coordinates[..algebra_dim(N)]);
            }
        });
        shift
    }
}

/// A rough field whose chain c is what chain `first` + c alone would be.
pub fn rough<T: Real, const N: usize>(lattice: &Arc<Lattice>, first: u64) -> GaugeField<T, N> {
    GaugeField::random(lattice, 0.6, Address::new(29, Purpose::Start).chain(first)).unwrap()
}

/// g(x): exp of random algebra elements.
pub fn rotation<T: Real, const N: usize>(lattice: &Lattice, x: &Site) -> Matrix<T, N> {
    let site = lattice.geometry().site_index(x) as u64;
    let mut stream = Address::new(9, Purpose::GaugeTransformation).generator().stream(site);
    exponential(&from_coordinates(&std::array::from_fn(|_| T::from_f64(2.0 * stream.gaussian_pair().0))))
}

/// U_mu(x) → g(x) U_mu(x) g(x + mu)†.
pub fn gauge_transformed<T: Real, const N: usize>(u: &GaugeField<T, N>) -> GaugeField<T, N> {
    let lattice = u.lattice().clone();
    let g = |x: &Site| rotation::<T, N>(&lattice, x);
    let mut turned = u.duplicate().unwrap();
    for_sites::<T>(&lattice, 0, |x, block, lane| {
        for mu in 0..lattice.dims() {
            let mut next = *x;
            next[mu] = (x[mu] + 1) % lattice.geometry().extents()[mu];
            let link = g(x).mul(&u.link(block, mu, lane)).mul_adjoint(&g(&next));
            u.layout().copies(lane).for_each(|l| turned.set_link(block, mu, l, &link));
        }
    });
    turned.exchange();
    turned
}

/// L = Σ Re tr(U B) with B that varies from link to link and is nowhere special: L on this rank for each chain, and
/// its ∂^a L = Re tr(T_a U B).
pub fn loss<T: Real, const N: usize>(u: &GaugeField<T, N>) -> (Vec<f64>, MomentumField<T, N>) {
    let lattice = u.lattice().clone();
    let mut cotangent = MomentumField::zeroed(&lattice).unwrap();
    let mut values = vec![0.0; lattice.chains()];
    for chain in 0..lattice.chains() {
        for_sites::<T>(&lattice, chain, |x, block, lane| {
            for mu in 0..lattice.dims() {
                let link = (4 * lattice.geometry().site_index(x) + mu) as f64;
                let b = Matrix::<T, N>::from_fn(|i, j| {
                    let angle = 1.7 * link + 0.9 * i as f64 + 2.3 * j as f64;
                    Complex::new(T::from_f64(angle.sin()), T::from_f64((1.3 * angle).cos()))
                });
                let loops = u.link(block, mu, lane).mul(&b);
                values[chain] += loops.trace().re.to_f64();
                for a in 0..algebra_dim(N) {
                    let mut one = [T::default(); 8];
                    one[a] = T::from_f64(1.0);
                    let slope = from_coordinates::<T, N>(&one).re_trace_mul(&loops);
                    u.layout()
                        .copies(lane)
                        .for_each(|l| cotangent.set(block, mu * algebra_dim(N) + a, l, slope));
                }
            }
        });
    }
    (values, cotangent)
}
