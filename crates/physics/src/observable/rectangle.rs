//! The 2×1 rectangle.

use gaugelink_lattice::{GaugeField, Kernel, Lanes, LinkReader, Tally, backward, forward};
use std::ops::Range;

/// Σ Re tr R over all sites and the dims (dims − 1) loops of 2×1 and 1×2 links, for each chain. Collective.
pub fn rectangle_sums<const N: usize>(u: &GaugeField<f64, N>) -> Vec<f64> {
    let (lattice, dims) = (u.lattice(), u.lattice().dims());
    let mut sums = vec![0.0; lattice.chains()];
    lattice.reduce(&Rectangles { links: u.links(), dims }, 0..u.layout().blocks(), &mut sums);
    sums
}

/// Re tr R / N averaged over sites and the dims (dims − 1) loops of 2×1 and 1×2 links, for each chain. Collective.
pub fn rectangle<const N: usize>(u: &GaugeField<f64, N>) -> Vec<f64> {
    let dims = u.lattice().dims();
    let count = (dims * (dims - 1) * u.lattice().volume() * N) as f64;
    rectangle_sums(u).into_iter().map(|s| s / count).collect()
}

/// Re tr of the rectangle of two links in direction mu and one in nu, whose long side has its middle at x: the way
/// from x to x + nu around one plaquette, and back around the other. Only next neighbours are read, so one layer of
/// ghosts is enough.
#[inline(always)]
fn rectangle_trace<V: Lanes, const N: usize>(
    links: &LinkReader<'_, V::Scalar, N>,
    block: usize,
    mu: usize,
    nu: usize,
) -> V {
    let layout = links.0.layout();
    let (ahead, behind) = (layout.neighbour(block, forward(mu)), layout.neighbour(block, backward(mu)));
    let up = layout.neighbour(block, forward(nu));
    let up_behind = layout.neighbour2(block, forward(nu), backward(mu));
    let right = links.at::<V>(block, mu).mul(&links.next(ahead, nu)).mul_adjoint(&links.next(up, mu));
    let left =
        links.next::<V>(behind, mu).adjoint_mul(&links.next(behind, nu)).mul(&links.next(up_behind, mu));
    right.re_trace_mul_adjoint(&left)
}

struct Rectangles<'a, const N: usize> {
    links: LinkReader<'a, f64, N>,
    dims: usize,
}

impl<const N: usize> Kernel<f64> for Rectangles<'_, N> {
    gaugelink_lattice::compiled!(group N: Rectangles);
    const SUMS: usize = 1;
    #[inline(always)]
    fn run<V: Lanes<Scalar = f64>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        for block in range {
            let mut sum = V::splat(0.0);
            for mu in 0..self.dims {
                for nu in (0..self.dims).filter(|&nu| nu != mu) {
                    sum = sum + rectangle_trace::<V, N>(&self.links, block, mu, nu);
                }
            }
            tally.add(0, sum);
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
        let (mut sum, mut count) = (0.0, 0);
        for mu in 0..extents.len() {
            for nu in (0..extents.len()).filter(|&nu| nu != mu) {
                sum += naive.loop_sum(&[
                    (mu, true),
                    (mu, true),
                    (nu, true),
                    (mu, false),
                    (mu, false),
                    (nu, false),
                ]);
                count += lattice.volume() * N;
            }
        }
        assert!((rectangle(&u)[0] - sum / count as f64).abs() < 1e-13, "N={N} {extents:?}");
    }

    #[test]
    fn average_is_that_of_the_plain_loops() {
        check::<1>(&[6, 4]);
        check::<2>(&[4, 3, 8]);
        check::<3>(&[4, 2, 4, 8]);
    }
}
