//! The quark condensate of one flavour, Re tr D⁻¹ / V = ∂ ln |det D| / ∂m / V: the trace over sites, spins and colours. The
//! average of ψ̄ψ has the opposite sign.
//!
//! From the whole matrix, on small lattices. In the even-odd form (D⁻¹)_pp = Ŝ_p⁻¹ for either parity p; both traces are equal
//! where A is a number a, as det D = det(a² − D_oe D_eo) = det(a² − D_eo D_oe) has the derivative 2a tr (a² − D_oe D_eo)⁻¹.
//!
//! On any lattice by random sources with ⟨η η†⟩ = 1, tr D⁻¹ = ⟨η†D⁻¹η⟩; by Z2 noise, which has no variance from the
//! diagonal of D⁻¹ (Dong and Liu, Phys. Lett. B 328 (1994) 130).

use crate::PhysicsError;
use crate::action::{TermError, told};
use crate::dirac::{DenseMatrix, FermionMatrix, Quark, QuarkMatrix, Schur, SpinorField};
use crate::solver::{ConjugateGradient, LinearOperator, Stopping};
use gaugelink_lattice::GaugeField;
use gaugelink_lattice::rng::Address;

/// The condensate for each chain from the whole matrix in 2H dimensions. Collective.
///
/// # Errors
/// As [`ln_determinant`](super::ln_determinant), and [`PhysicsError::Parameter`] where D is singular.
pub fn exact_condensate<const N: usize, const H: usize>(
    u: &GaugeField<f64, N>,
    quark: Quark,
) -> Result<Vec<f64>, PhysicsError> {
    let operator = quark.operator::<f64, N, H>(u)?;
    let matrix = quark.matrix_of(&operator)?;
    let (matrices, weight) = match quark.matrix {
        QuarkMatrix::EvenOdd if quark.csw == 0.0 => (vec![matrix], 2.0),
        QuarkMatrix::EvenOdd => {
            let even = FermionMatrix::EvenOdd(Schur::even(&operator)?.asymmetric());
            (vec![matrix, even], 1.0)
        }
        QuarkMatrix::Full => (vec![matrix], 1.0),
    };
    let mut condensates = vec![0.0; u.lattice().chains()];
    for matrix in matrices {
        let inverses = DenseMatrix::new(&matrix)?.inverse()?;
        let traces = inverses.iter().map(|inverse| weight * inverse.trace().re);
        condensates
            .iter_mut()
            .zip(traces)
            .for_each(|(sum, trace)| *sum += trace / u.lattice().volume() as f64);
    }
    Ok(condensates)
}

/// Estimates of the condensate by random sources, with the fields to solve in.
#[derive(Debug)]
pub struct StochasticCondensate<const N: usize, const H: usize = 2> {
    quark: Quark,
    stop: Stopping,
    source: SpinorField<f64, N, H>,
    solution: SpinorField<f64, N, H>,
    solver: ConjugateGradient<SpinorField<f64, N, H>>,
}

impl<const N: usize, const H: usize> StochasticCondensate<N, H> {
    /// For a flavour on the lattice of `u`; solves end by `stop`.
    ///
    /// # Errors
    /// [`PhysicsError::Geometry`] on a lattice that has not 2H dimensions, or has an odd extent in the even-odd form; no
    /// memory.
    pub fn new(u: &GaugeField<f64, N>, quark: Quark, stop: Stopping) -> Result<Self, PhysicsError> {
        let operator = quark.operator(u)?;
        let m = quark.matrix_of(&operator)?;
        let (source, solution, solver) = (m.vector()?, m.vector()?, ConjugateGradient::new(&m)?);
        Ok(Self { quark, stop, source, solution, solver })
    }

    /// The average over so many sources for each chain; source number n is drawn from `address` as sample n. Collective.
    ///
    /// # Errors
    /// See [`TermError`].
    pub fn estimate(
        &mut self,
        u: &GaugeField<f64, N>,
        address: Address,
        sources: u64,
    ) -> Result<Vec<f64>, TermError> {
        let operator = self.quark.operator(u)?;
        let lattice = u.lattice();
        let mut sums = vec![0.0; lattice.chains()];
        let (solver, stop) = (&mut self.solver, &self.stop);
        for sample in 0..sources {
            self.source.set_z2(address.sample(sample));
            self.source.exchange();
            self.solution.fill(0.0);
            let result = match self.quark.matrix {
                QuarkMatrix::Full => solver.solve_direct(&operator, &mut self.solution, &self.source, stop),
                QuarkMatrix::EvenOdd => {
                    Schur::odd(&operator)?.solve(&mut self.solution, &self.source, |schur, x, c| {
                        solver.solve_direct(schur, x, c, stop)
                    })
                }
            };
            told(result, "source", || format!("condensate of {}", self.quark)).1?;
            let products = self.source.inner_product(&self.solution);
            sums.iter_mut().zip(products).for_each(|(sum, product)| *sum += product.re);
        }
        let count = (sources * lattice.volume() as u64) as f64;
        Ok(sums.into_iter().map(|sum| sum / count).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::ln_determinant;
    use super::*;
    use crate::dirac::Boundary;
    use crate::naive::rough_field;
    use gaugelink_lattice::rng::Purpose;
    use gaugelink_lattice::{Lattice, LatticeOptions};
    use std::f64::consts::{PI, TAU};
    use std::sync::Arc;

    const ANGLES: [f64; 4] = [0.3, 0.9, 0.0, PI];

    fn quark(csw: f64, matrix: QuarkMatrix) -> Quark {
        Quark { mass: 0.1, csw, boundary: Boundary::twisted(ANGLES), matrix }
    }

    fn lattice(extents: &[usize]) -> Arc<Lattice> {
        Lattice::new(extents, LatticeOptions { threads: 1, ..LatticeOptions::default() }).unwrap()
    }

    /// Free quarks in momentum space: det D = Π_p (M² + Σ sin² p_mu)^{HN} with M = m + d − Σ cos p_mu.
    #[test]
    fn free_quarks_are_those_of_momentum_space() {
        fn check<const N: usize, const H: usize>(extents: &[usize], matrix: QuarkMatrix) {
            let lattice = lattice(extents);
            let (mut ln_det, mut trace) = (0.0, 0.0);
            for index in 0..lattice.volume() {
                let n = lattice.geometry().site(index);
                let p = (0..2 * H).map(|mu| (TAU * n[mu] as f64 + ANGLES[mu]) / extents[mu] as f64);
                let (cos, sin2) =
                    p.fold((0.0, 0.0), |(c, s): (f64, f64), p| (c + p.cos(), s + p.sin().powi(2)));
                let m = 0.1 + (2 * H) as f64 - cos;
                ln_det += (H * N) as f64 * (m * m + sin2).ln();
                trace += (2 * H * N) as f64 * m / (m * m + sin2);
            }
            let (u, quark) = (GaugeField::<f64, N>::cold(&lattice).unwrap(), quark(0.0, matrix));
            let ours = ln_determinant::<N, H>(&u, quark).unwrap()[0];
            assert!(
                (ours / ln_det - 1.0).abs() < 1e-12,
                "{extents:?} {matrix:?}: {ours} instead of {ln_det}"
            );
            let (ours, expected) =
                (exact_condensate::<N, H>(&u, quark).unwrap()[0], trace / lattice.volume() as f64);
            assert!((ours / expected - 1.0).abs() < 1e-12, "{extents:?} {matrix:?}: {ours} {expected}");
        }
        check::<1, 1>(&[4, 6], QuarkMatrix::EvenOdd);
        check::<3, 1>(&[3, 5], QuarkMatrix::Full);
        check::<2, 1>(&[4, 4], QuarkMatrix::EvenOdd);
        check::<1, 2>(&[2, 4, 2, 2], QuarkMatrix::EvenOdd);
    }

    /// On rough links it is the derivative of ln |det D| with respect to the mass.
    #[test]
    fn the_condensate_is_the_derivative_of_the_determinant() {
        fn check<const N: usize, const H: usize>(extents: &[usize], csw: f64, matrix: QuarkMatrix) {
            const STEP: f64 = 1e-4;
            let u = rough_field::<N>(&lattice(extents), 0.6);
            let quark = quark(csw, matrix);
            let at = |mass: f64| ln_determinant::<N, H>(&u, quark.with_mass(mass)).unwrap()[0];
            let expected = (at(0.1 + STEP) - at(0.1 - STEP)) / (2.0 * STEP) / u.lattice().volume() as f64;
            let ours = exact_condensate::<N, H>(&u, quark).unwrap()[0];
            assert!((ours / expected - 1.0).abs() < 1e-7, "{extents:?} {matrix:?}: {ours} {expected}");
        }
        check::<1, 1>(&[4, 6], 0.0, QuarkMatrix::EvenOdd);
        check::<2, 1>(&[3, 4], 0.0, QuarkMatrix::Full);
        check::<1, 2>(&[2, 2, 2, 4], 1.3, QuarkMatrix::EvenOdd);
    }

    /// Estimates scatter about the trace with the variance of Z2 noise, ¼ Σ_{i≠j} |A_ij|² with A = D⁻¹ + D⁻†.
    #[test]
    fn random_sources_have_the_average_and_the_variance_of_the_trace() {
        fn check<const N: usize, const H: usize>(extents: &[usize], matrix: QuarkMatrix) {
            const SOURCES: u64 = 600;
            let u = rough_field::<N>(&lattice(extents), 0.6);
            let quark = quark(0.0, matrix);
            let expected = exact_condensate::<N, H>(&u, quark).unwrap()[0];
            let operator = quark.operator::<f64, N, H>(&u).unwrap();
            let inverse =
                DenseMatrix::new(&FermionMatrix::Full(&operator)).unwrap().inverse().unwrap().remove(0);
            let hermitian = &inverse + inverse.adjoint();
            let off: f64 = hermitian.norm_squared() - hermitian.diagonal().norm_squared();
            let variance = 0.25 * off / (u.lattice().volume() as f64).powi(2);
            let mut sources = StochasticCondensate::<N, H>::new(&u, quark, Stopping::at(1e-10)).unwrap();
            let address = Address::new(3, Purpose::Source);
            let one = |n| sources.estimate(&u, address.trajectory(n), 1).unwrap()[0];
            let estimates: Vec<f64> = (0..SOURCES).map(one).collect();
            let mean = estimates.iter().sum::<f64>() / SOURCES as f64;
            let sigma = (variance / SOURCES as f64).sqrt();
            assert!((mean - expected).abs() < 3.0 * sigma, "{extents:?}: {mean} ± {sigma}, {expected}");
            let scatter = estimates.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / SOURCES as f64;
            assert!((scatter / variance - 1.0).abs() < 0.25, "{extents:?}: {scatter} instead of {variance}");
        }
        check::<1, 1>(&[4, 6], QuarkMatrix::EvenOdd);
        check::<1, 2>(&[2, 2, 2, 2], QuarkMatrix::Full);
    }
}
