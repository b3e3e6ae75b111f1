//! Topological charge.

use super::field_strength;
use crate::PhysicsError;
use gaugelink_lattice::group::group_name;
use gaugelink_lattice::number::Row;
use gaugelink_lattice::{GaugeField, Kernel, Lanes, LinkReader, Tally};
use std::f64::consts::{PI, TAU};
use std::ops::Range;

/// The clover charge in four dimensions, Q = −(1/4π²) Σ_x tr(F_xy F_zt − F_xz F_yt + F_xt F_yz) with
/// [`field_strength`]: (1/32π²) Σ ε tr(H H) for H = −iF and ε_xyzt = +1. For each chain. Collective.
///
/// # Errors
/// [`PhysicsError::Geometry`] in other than four dimensions.
pub fn topological_charge<const N: usize>(u: &GaugeField<f64, N>) -> Result<Vec<f64>, PhysicsError> {
    let lattice = u.lattice();
    if lattice.dims() != 4 {
        return Err(PhysicsError::Geometry(format!(
            "the clover charge lives in 4 dimensions, not {}: in 2 dimensions U(1) has a geometric charge",
            lattice.dims()
        )));
    }
    let mut sums = vec![0.0; lattice.chains()];
    lattice.reduce(&CloverCharge { links: u.links() }, 0..u.layout().blocks(), &mut sums);
    Ok(sums.into_iter().map(|s| s * (-0.25 / (PI * PI))).collect())
}

/// The geometric charge of U(1) in two dimensions, Q = Σ_x arg P(x) / 2π with angles in (−π, π]: an integer on a
/// periodic lattice. For each chain. Collective.
///
/// # Errors
/// [`PhysicsError::Geometry`] in other than two dimensions, and for another group.
pub fn geometric_charge<const N: usize>(u: &GaugeField<f64, N>) -> Result<Vec<i64>, PhysicsError> {
    let lattice = u.lattice();
    if lattice.dims() != 2 || N != 1 {
        return Err(PhysicsError::Geometry(format!(
            "the geometric charge is one of U(1) in 2 dimensions, not of {} in {}: in 4 dimensions ask for the clover \
             charge",
            group_name(N),
            lattice.dims()
        )));
    }
    let mut sums = vec![0.0; lattice.chains()];
    lattice.reduce(&Angles { links: u.links() }, 0..u.layout().blocks(), &mut sums);
    Ok(sums.into_iter().map(|s| (s / TAU).round() as i64).collect())
}

struct CloverCharge<'a, const N: usize> {
    links: LinkReader<'a, f64, N>,
}

impl<const N: usize> Kernel<f64> for CloverCharge<'_, N> {
    gaugelink_lattice::compiled!(group N: CloverCharge);
    const SUMS: usize = 1;
    #[inline(always)]
    fn run<V: Lanes<Scalar = f64>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        for block in range {
            let mut sum = V::splat(0.0);
            // ε_{0 n p q}: the plane (0, n) and the plane (p, q) that completes it to an even permutation.
            for (n, p, q) in [(1, 2, 3), (2, 3, 1), (3, 1, 2)] {
                let electric = field_strength::<V, N>(&self.links, block, 0, n);
                let magnetic = field_strength::<V, N>(&self.links, block, p, q);
                sum = sum + electric.re_trace_mul(&magnetic);
            }
            tally.add(0, sum);
        }
    }
}

struct Angles<'a, const N: usize> {
    links: LinkReader<'a, f64, N>,
}

impl<const N: usize> Kernel<f64> for Angles<'_, N> {
    gaugelink_lattice::compiled!(group N: Angles);
    const SUMS: usize = 1;
    #[inline(always)]
    fn run<V: Lanes<Scalar = f64>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        for block in range {
            let p = self.links.plaquette::<V>(block, 0, 1).0[0][0];
            let (mut angle, im) = (Row::from_lanes(p.re), Row::from_lanes(p.im));
            // The C library's arctangent may differ in the last bit between machines; the sum is rounded to an
            // integer.
            angle.0.iter_mut().zip(&im.0).for_each(|(re, im)| *re = im.atan2(*re));
            tally.add(0, angle.to_lanes::<V>());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naive::{NaiveLinks, constant_field, rough_field};
    use gaugelink_lattice::{Lattice, LatticeOptions};

    #[test]
    fn constant_fields_have_their_integer_charge() {
        let lattice = Lattice::new(&[6, 8], LatticeOptions::default()).unwrap();
        for charge in [-3, 0, 1, 7] {
            let (u, _) = constant_field(&lattice, charge);
            assert_eq!(geometric_charge(&u).unwrap(), [charge]);
        }
        assert!(topological_charge(&constant_field(&lattice, 1).0).is_err());
    }

    #[test]
    fn rough_field_has_the_charge_of_the_plain_sum() {
        let lattice = Lattice::new(&[6, 10], LatticeOptions::default()).unwrap();
        let u = rough_field::<1>(&lattice, 2.0);
        let naive = NaiveLinks::new(&u, 0);
        let steps = [(0, true), (1, true), (0, false), (1, false)];
        let angles: f64 = naive
            .sites()
            .map(|x| {
                let p = naive.path(&x, &steps).0[0][0];
                p.im.atan2(p.re)
            })
            .sum();
        let charge = geometric_charge(&u).unwrap()[0];
        assert!((angles / TAU - charge as f64).abs() < 1e-12 && charge != 0, "{angles} {charge}");
    }

    #[test]
    fn clover_charge_is_that_of_the_plain_leaves() {
        let lattice = Lattice::new(&[4, 2, 3, 8], LatticeOptions::default()).unwrap();
        let u = rough_field::<3>(&lattice, 0.4);
        let naive = NaiveLinks::new(&u, 0);
        let mut sum = 0.0;
        for x in naive.sites() {
            let f = |m, n| naive.field_strength(&x, m, n);
            sum += f(0, 1).re_trace_mul(&f(2, 3)) - f(0, 2).re_trace_mul(&f(1, 3))
                + f(0, 3).re_trace_mul(&f(1, 2));
        }
        let expected = -sum / (4.0 * PI * PI);
        let ours = topological_charge(&u).unwrap()[0];
        assert!((ours - expected).abs() < 1e-13, "{ours} instead of {expected}");
        let plane = Lattice::new(&[4, 4], LatticeOptions::default()).unwrap();
        assert!(geometric_charge(&rough_field::<1>(&plane, 0.1)).is_ok());
    }
}
