//! Averages of the plaquette.

use gaugelink_lattice::{GaugeField, Kernel, Lanes, LinkReader, Tally, forward};
use std::ops::Range;

/// Planes of `dims` dimensions: 1, 3, 6.
pub const fn planes(dims: usize) -> usize {
    dims * (dims - 1) / 2
}

/// Σ Re tr P over all sites, `[spatial planes, planes with the time direction]`, for each chain; time is the last
/// direction. Collective.
pub fn plaquette_sums<const N: usize>(u: &GaugeField<f64, N>) -> Vec<[f64; 2]> {
    let (lattice, chains) = (u.lattice(), u.lattice().chains());
    let mut sums = vec![0.0; 2 * chains];
    let kernel = Plaquettes { links: u.links(), dims: lattice.dims() };
    lattice.reduce(&kernel, 0..u.layout().blocks(), &mut sums);
    (0..chains).map(|chain| [sums[chain], sums[chains + chain]]).collect()
}

/// Re tr P / N averaged over sites and planes, for each chain. Collective.
pub fn plaquette<const N: usize>(u: &GaugeField<f64, N>) -> Vec<f64> {
    average(u, planes(u.lattice().dims()), |[space, time]| space + time)
}

/// The average over the planes without the time (last) direction; `None` in two dimensions. Collective.
pub fn spatial_plaquette<const N: usize>(u: &GaugeField<f64, N>) -> Option<Vec<f64>> {
    let count = planes(u.lattice().dims() - 1);
    (count > 0).then(|| average(u, count, |[space, _]| space))
}

/// The average over the planes with the time (last) direction. Collective.
pub fn temporal_plaquette<const N: usize>(u: &GaugeField<f64, N>) -> Vec<f64> {
    average(u, u.lattice().dims() - 1, |[_, time]| time)
}

fn average<const N: usize>(u: &GaugeField<f64, N>, planes: usize, pick: fn([f64; 2]) -> f64) -> Vec<f64> {
    let count = (planes * u.lattice().volume() * N) as f64;
    plaquette_sums(u).into_iter().map(|sums| pick(sums) / count).collect()
}

/// Re tr of U_mu(x) U_nu(x+mu) \[U_nu(x) U_mu(x+nu)\]†.
#[inline(always)]
pub(super) fn plaquette_trace<V: Lanes, const N: usize>(
    links: &LinkReader<'_, V::Scalar, N>,
    block: usize,
    mu: usize,
    nu: usize,
) -> V {
    let layout = links.0.layout();
    let right = links.at::<V>(block, mu).mul(&links.next(layout.neighbour(block, forward(mu)), nu));
    let left = links.at::<V>(block, nu).mul(&links.next(layout.neighbour(block, forward(nu)), mu));
    right.re_trace_mul_adjoint(&left)
}

struct Plaquettes<'a, const N: usize> {
    links: LinkReader<'a, f64, N>,
    dims: usize,
}

impl<const N: usize> Kernel<f64> for Plaquettes<'_, N> {
    const SUMS: usize = 2;
    #[inline(always)]
    fn run<V: Lanes<Scalar = f64>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        for block in range {
            let mut sums = [V::splat(0.0); 2];
            for nu in 1..self.dims {
                let kind = (nu + 1 == self.dims) as usize;
                for mu in 0..nu {
                    sums[kind] = sums[kind] + plaquette_trace::<V, N>(&self.links, block, mu, nu);
                }
            }
            tally.add(0, sums[0]);
            tally.add(1, sums[1]);
        }
    }
}
