//! Fields for the case list: starts, gauge transformations, a loss with a known gradient.

use gaugelink_lattice::group::{algebra_dim, exponential, from_coordinates};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Complex, GaugeField, Lattice, Matrix, MomentumField, Real, Site};
use std::sync::Arc;

/// A rough field whose chain c is what chain `first` + c alone would be.
pub fn rough<T: Real, const N: usize>(lattice: &Arc<Lattice>, first: u64) -> GaugeField<T, N> {
    GaugeField::random(lattice, 0.6, Address::new(29, Purpose::Start).chain(first)).unwrap()
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

/// The links of one chain, by site and direction.
pub fn chain_links<T: Real, const N: usize>(u: &GaugeField<T, N>, chain: usize) -> Vec<Matrix<T, N>> {
    let mut links = Vec::new();
    for_sites::<T>(u.lattice(), chain, |_, block, lane| {
        links.extend((0..u.lattice().dims()).map(|mu| u.link(block, mu, lane)));
    });
    links
}

/// The coordinates of one chain, by site, direction and generator.
pub fn chain_algebra<T: Real, const N: usize>(p: &MomentumField<T, N>, chain: usize) -> Vec<f64> {
    let mut coordinates = Vec::new();
    for_sites::<T>(p.lattice(), chain, |_, block, lane| {
        coordinates.extend((0..p.reals()).map(|c| p.get(block, c, lane).to_f64()));
    });
    coordinates
}

pub fn largest_difference<T: Real, const N: usize>(a: &[Matrix<T, N>], b: &[Matrix<T, N>]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (*a - *b).norm2().to_f64().sqrt()).fold(0.0, f64::max)
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
