//! Averages of the plaquette.

use super::slice_sums;
use crate::PhysicsError;
use gaugelink_lattice::number::{Row, register_lanes};
use gaugelink_lattice::{Field, FieldWriter, GaugeField, Kernel, Lanes, LinkReader, Real, Tally, forward};
use std::ops::Range;

/// Planes of `dims` dimensions: 1, 3, 6.
pub const fn planes(dims: usize) -> usize {
    dims * (dims - 1) / 2
}

/// Σ Re tr P over all sites, `[spatial planes, planes with the time direction]`, for each chain; time is the last
/// direction. Collective.
pub fn plaquette_sums<T: Real, const N: usize>(u: &GaugeField<T, N>) -> Vec<[f64; 2]> {
    let (lattice, chains) = (u.lattice(), u.lattice().chains());
    let mut sums = vec![0.0; 2 * chains];
    let kernel = PlaquetteSums { links: u.links(), dims: lattice.dims() };
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

/// [`spatial_plaquette`] of each slice t = 0, 1, ...: `[t][chain]`. Collective.
///
/// # Errors
/// [`PhysicsError::Geometry`] in two dimensions, where there is no spatial plane; no memory.
pub fn spatial_plaquette_per_slice<const N: usize>(
    u: &GaugeField<f64, N>,
) -> Result<Vec<Vec<f64>>, PhysicsError> {
    if u.lattice().dims() == 2 {
        return Err(PhysicsError::Geometry(
            "two dimensions have no spatial plaquette: ask for the temporal one".into(),
        ));
    }
    per_slice(u, 0, planes(u.lattice().dims() - 1))
}

/// [`temporal_plaquette`] of each slice: the plaquettes between t and t + 1, `[t][chain]`. Collective.
///
/// # Errors
/// No memory.
pub fn temporal_plaquette_per_slice<const N: usize>(
    u: &GaugeField<f64, N>,
) -> Result<Vec<Vec<f64>>, PhysicsError> {
    per_slice(u, 1, u.lattice().dims() - 1)
}

fn per_slice<const N: usize>(
    u: &GaugeField<f64, N>,
    kind: usize,
    planes: usize,
) -> Result<Vec<Vec<f64>>, PhysicsError> {
    let (lattice, time) = (u.lattice(), u.lattice().dims() - 1);
    let mut sites = Field::zeroed(lattice, 2)?;
    let kernel = SitePlaquettes { links: u.links(), dims: lattice.dims(), sites: sites.writer() };
    lattice.launch(&kernel, 0..u.layout().blocks());
    let count = (planes * lattice.volume() / lattice.geometry().extents()[time] * N) as f64;
    let slices = slice_sums(&sites, time).into_iter();
    Ok(slices.map(|mut slice| slice.swap_remove(kind).into_iter().map(|s| s / count).collect()).collect())
}

/// Re tr of U_mu(x) U_nu(x+mu) \[U_nu(x) U_mu(x+nu)\]†.
#[inline(always)]
fn plaquette_trace<V: Lanes, const N: usize>(
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

/// Σ over planes of Re tr P at a site, `[spatial, with time]`.
#[inline(always)]
fn site_sums<V: Lanes, const N: usize>(
    links: &LinkReader<'_, V::Scalar, N>,
    dims: usize,
    block: usize,
) -> [V; 2] {
    let mut sums = [V::splat(0.0); 2];
    for nu in 1..dims {
        let kind = (nu + 1 == dims) as usize;
        for mu in 0..nu {
            sums[kind] = sums[kind] + plaquette_trace::<V, N>(links, block, mu, nu);
        }
    }
    sums
}

struct PlaquetteSums<'a, T, const N: usize> {
    links: LinkReader<'a, T, N>,
    dims: usize,
}

impl<T: Real, const N: usize> Kernel<T> for PlaquetteSums<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: PlaquetteSums);
    const SUMS: usize = 2;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        for block in range {
            let mut rows = [Row([T::default(); 16]); 2];
            for lane in register_lanes::<V>() {
                let sums = site_sums::<V::Register, N>(&self.links.from_lane(lane), self.dims, block);
                rows.iter_mut().zip(sums).for_each(|(row, sum)| row.put(lane, sum));
            }
            for (kind, row) in rows.iter().enumerate() {
                tally.add::<V>(kind, row.to_lanes());
            }
        }
    }
}

struct SitePlaquettes<'a, const N: usize> {
    links: LinkReader<'a, f64, N>,
    dims: usize,
    sites: FieldWriter<'a, f64>,
}

impl<const N: usize> Kernel<f64> for SitePlaquettes<'_, N> {
    gaugelink_lattice::compiled!(group N: SitePlaquettes);
    #[inline(always)]
    fn run<V: Lanes<Scalar = f64>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for block in range {
            for (kind, sum) in site_sums::<V, N>(&self.links, self.dims, block).into_iter().enumerate() {
                // SAFETY: a block is written by one thread.
                unsafe { self.sites.store(block, kind, sum) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naive::{NaiveLinks, rough_field};
    use gaugelink_lattice::{Lattice, LatticeOptions};

    fn check<const N: usize>(extents: &[usize]) {
        let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
        let u = rough_field::<N>(&lattice, 0.6);
        let naive = NaiveLinks::new(&u, 0);
        let time = extents.len() - 1;
        let mut sums = [0.0; 2];
        for nu in 0..extents.len() {
            for mu in 0..nu {
                let steps = [(mu, true), (nu, true), (mu, false), (nu, false)];
                sums[(nu == time) as usize] += naive.loop_sum(&steps);
            }
        }
        for (kind, (&ours, &sum)) in plaquette_sums(&u)[0].iter().zip(&sums).enumerate() {
            assert!((ours - sum).abs() < 1e-11, "N={N} {extents:?} kind {kind}: {ours} instead of {sum}");
        }
        let slices = temporal_plaquette_per_slice(&u).unwrap();
        let mean = slices.iter().map(|s| s[0]).sum::<f64>() / slices.len() as f64;
        assert!((mean - temporal_plaquette(&u)[0]).abs() < 1e-14, "slices make up the whole");
        assert_eq!(spatial_plaquette_per_slice(&u).is_err(), extents.len() == 2);
        assert_eq!(spatial_plaquette(&u).is_none(), extents.len() == 2);
    }

    #[test]
    fn sums_are_those_of_the_plain_loops() {
        check::<1>(&[6, 4]);
        check::<1>(&[3, 5]);
        check::<2>(&[4, 6, 2]);
        check::<3>(&[4, 2, 3, 8]);
        check::<2>(&[4, 4, 4, 4]);
    }

    #[test]
    fn a_cold_field_has_plaquette_one() {
        let lattice = Lattice::new(&[4, 4, 4, 4], LatticeOptions::default()).unwrap();
        assert_eq!(plaquette(&GaugeField::<f64, 3>::cold(&lattice).unwrap()), [1.0]);
    }
}
