//! Energy density E = ½ Σ_{mu<nu} F^a F^a (U(1), with generator i: Σ F²), in two lattice forms (Lüscher,
//! arXiv:1006.4518, section 3).

use super::{field_strength, planes, plaquette};
use gaugelink_lattice::{GaugeField, Kernel, Lanes, LinkReader, Tally};
use std::ops::Range;

/// The plaquette form: 2 Σ_{mu<nu} Re tr(1 − P_mu nu), averaged over the sites, for each chain (SU(3) in four
/// dimensions: 36 (1 − plaquette)). Collective.
pub fn plaquette_energy<const N: usize>(u: &GaugeField<f64, N>) -> Vec<f64> {
    let scale = (2 * N * planes(u.lattice().dims())) as f64;
    plaquette(u).into_iter().map(|p| scale * (1.0 - p)).collect()
}

/// The clover form: −Σ_{mu<nu} tr(F_mu nu F_mu nu) with [`field_strength`], averaged over the sites, for each chain.
/// Collective.
pub fn clover_energy<const N: usize>(u: &GaugeField<f64, N>) -> Vec<f64> {
    let lattice = u.lattice();
    let mut sums = vec![0.0; lattice.chains()];
    let kernel = CloverEnergy { links: u.links(), dims: lattice.dims() };
    lattice.reduce(&kernel, 0..u.layout().blocks(), &mut sums);
    sums.into_iter().map(|s| s / lattice.volume() as f64).collect()
}

struct CloverEnergy<'a, const N: usize> {
    links: LinkReader<'a, f64, N>,
    dims: usize,
}

impl<const N: usize> Kernel<f64> for CloverEnergy<'_, N> {
    gaugelink_lattice::compiled!(group N: CloverEnergy);
    const SUMS: usize = 1;
    #[inline(always)]
    fn run<V: Lanes<Scalar = f64>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        for block in range {
            let mut sum = V::splat(0.0);
            for n in 1..self.dims {
                for m in 0..n {
                    // −tr F² = tr F†F
                    sum = sum + field_strength::<V, N>(&self.links, block, m, n).norm2();
                }
            }
            tally.add(0, sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naive::{NaiveLinks, constant_field, rough_field};
    use gaugelink_lattice::{Lattice, LatticeOptions};

    fn check<const N: usize>(extents: &[usize]) {
        let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
        let u = rough_field::<N>(&lattice, 0.5);
        let naive = NaiveLinks::new(&u, 0);
        let mut sum = 0.0;
        for n in 0..extents.len() {
            for m in 0..n {
                sum += naive.sites().map(|x| naive.field_strength(&x, m, n).norm2()).sum::<f64>();
            }
        }
        let expected = sum / lattice.volume() as f64;
        assert!((clover_energy(&u)[0] - expected).abs() < 1e-12 * expected, "N={N} {extents:?}");
    }

    #[test]
    fn clover_form_is_that_of_the_plain_leaves() {
        check::<1>(&[6, 4]);
        check::<2>(&[4, 3, 8]);
        check::<3>(&[4, 2, 4, 8]);
    }

    /// A constant Abelian field of plaquette angle φ: E = sin²φ (clover) and 2 (1 − cos φ) (plaquette).
    #[test]
    fn constant_field_has_the_analytic_energies() {
        let lattice = Lattice::new(&[6, 8], LatticeOptions::default()).unwrap();
        let (u, phi) = constant_field(&lattice, 1);
        assert!((clover_energy(&u)[0] - phi.sin().powi(2)).abs() < 1e-14);
        assert!((plaquette_energy(&u)[0] - 2.0 * (1.0 - phi.cos())).abs() < 1e-14);
    }
}
