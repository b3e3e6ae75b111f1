//! Links drawn from the Haar measure.

use crate::LatticeError;
use crate::gauge::GaugeField;
use crate::lattice::Lattice;
use crate::number::Real;
use crate::rng::{Address, fill_gaussian};
use std::sync::Arc;

impl<T: Real, const N: usize> GaugeField<T, N> {
    /// Independent links, each uniform on U(1), SU(2) or SU(3): a sample of the product Haar measure.
    ///
    /// Chain c of a batch is drawn at chain `address.chain` + c. The links do not depend on lanes, threads or ranks;
    /// those in f32 are, up to rounding, those in f64.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`], or [`LatticeError::Geometry`] for a batch wider than the precision's lanes.
    pub fn haar(lattice: &Arc<Lattice>, address: Address) -> Result<Self, LatticeError> {
        let mut links = Self::cold(lattice)?;
        links.draw_haar(address);
        Ok(links)
    }

    /// [`GaugeField::haar`] into a field that is there. Collective.
    ///
    /// Complex Gaussian matrices are invariant under multiplication from both sides, and so is what their
    /// normalisation (U(1)), the quaternion in them (SU(2)) or Gram–Schmidt with a third row that makes the
    /// determinant 1 (SU(3)) leaves of them (Mezzadri, math-ph/0609050): that is Haar measure.
    pub fn draw_haar(&mut self, address: Address) {
        const { assert!(N <= 3, "U(1), SU(2) or SU(3)") };
        fill_gaussian(self, address);
        self.reunitarise();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::run_ranks;
    use crate::group::{Matrix, exponential, from_coordinates};
    use crate::rng::Purpose;
    use crate::{Complex, LaneMeaning, LatticeOptions};

    fn address() -> Address {
        Address::new(21, Purpose::Start)
    }

    fn links<const N: usize>(extents: &[usize]) -> Vec<Matrix<f64, N>> {
        let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
        let u = GaugeField::<f64, N>::haar(&lattice, address()).unwrap();
        assert!(u.unitarity_violation() < 1e-14);
        let mut all = Vec::new();
        for block in 0..u.layout().blocks() {
            for lane in 0..u.layout().distinct_lanes() {
                all.extend((0..extents.len()).map(|mu| u.link(block, mu, lane)));
            }
        }
        all
    }

    /// The mean of samples against what is expected, within 4 of its own standard errors.
    fn assert_mean(what: &str, samples: &[f64], expected: f64) {
        let n = samples.len() as f64;
        let mean = samples.iter().sum::<f64>() / n;
        let variance = samples.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let sigma = (variance / n).sqrt();
        assert!((mean - expected).abs() < 4.0 * sigma, "{what}: {mean} ± {sigma} instead of {expected}");
    }

    /// Characters are orthonormal: ⟨tr U⟩ = 0, ⟨|tr U|²⟩ = 1 for every group; ⟨|tr U|⁴⟩ counts the invariants in
    /// (N ⊗ N̄)²: 1, 2, 2 for U(1), SU(2), SU(3); ⟨(tr U)³⟩ is 1 for SU(3). Translation by any g changes nothing.
    fn check<const N: usize>(fourth: f64, cube: f64) {
        let g = exponential(&from_coordinates::<f64, N>(&[0.9, -1.7, 0.4, 1.1, -0.6, 0.3, 2.0, -0.8]));
        let all = links::<N>(&[8, 8, 16, 8]);
        for (side, shifted) in [
            ("U", all.clone()),
            ("gU", all.iter().map(|u| g.mul(u)).collect()),
            ("Ug", all.iter().map(|u| u.mul(&g)).collect()),
        ] {
            let traces: Vec<Complex<f64>> = shifted.iter().map(Matrix::trace).collect();
            let mean = |what: &str, f: &dyn Fn(Complex<f64>) -> f64, expected: f64| {
                let samples: Vec<f64> = traces.iter().map(|&t| f(t)).collect();
                assert_mean(&format!("N={N} {side} {what}"), &samples, expected);
            };
            mean("Re tr", &|t| t.re, 0.0);
            if N != 2 {
                mean("Im tr", &|t| t.im, 0.0);
                mean("Re tr²", &|t| (t * t).re, 0.0);
            }
            if N > 1 {
                mean("|tr|²", &|t| t.norm2(), 1.0);
                mean("|tr|⁴", &|t| t.norm2().powi(2), fourth);
            }
            mean("Re tr³", &|t| (t * t * t).re, cube);
        }
    }

    #[test]
    fn moments_are_those_of_haar_measure() {
        check::<1>(1.0, 0.0);
        check::<2>(2.0, 0.0);
        check::<3>(2.0, 1.0);
    }

    #[test]
    fn lanes_threads_ranks_and_batches_change_nothing() {
        fn chains<T: Real>(options: LatticeOptions) -> Vec<Vec<f64>> {
            let lattice = Lattice::new(&[8, 4], options).unwrap();
            let u = GaugeField::<T, 2>::haar(&lattice, address()).unwrap();
            let origin = lattice.geometry().origin();
            let local = lattice.geometry().local_extents();
            (0..lattice.chains())
                .map(|chain| {
                    let mut all = Vec::new();
                    for site in 0..lattice.volume() {
                        let x = lattice.geometry().site(site);
                        let inside = |mu: usize| (origin[mu]..origin[mu] + local[mu]).contains(&x[mu]);
                        if !(0..4).all(inside) {
                            continue;
                        }
                        let (block, lane) = u.layout().locate(&std::array::from_fn(|mu| x[mu] - origin[mu]));
                        let lane = if lattice.chains() > 1 { chain } else { lane };
                        all.extend((0..u.reals()).map(|c| u.get(block, c, lane).to_f64()));
                    }
                    all
                })
                .collect()
        }
        let one = LatticeOptions { threads: 1, ..LatticeOptions::default() };
        let reference = chains::<f64>(one.clone());
        assert_eq!(chains::<f64>(LatticeOptions { threads: 3, ..one.clone() }), reference);
        let lanes = LaneMeaning::Batch { chains: 16 };
        let batch = chains::<f32>(LatticeOptions { lanes, ..one.clone() });
        assert!(batch.len() == 16 && batch[0] == chains::<f32>(one.clone())[0] && batch[0] != batch[15]);
        assert!(batch[0].iter().zip(&reference[0]).all(|(a, b)| (a - b).abs() < 1e-6));
        let halves = run_ranks(2, |comm| {
            chains::<f64>(LatticeOptions { grid: vec![1, 2], comm, ..one.clone() }).swap_remove(0)
        });
        assert_eq!(halves.concat(), reference[0]);
    }
}
