//! The low modes of Wilson's operator: eigenvalues of D, and of the Hermitian γ5 D, whose moduli are D's smallest singular
//! values. Where D on a configuration has its leftmost eigenvalue at real part λ for m = 0, the critical mass is m_c = −λ.

use super::even_odd::Schur;
use super::spinor::SpinorField;
use super::wilson::Wilson;
use crate::PhysicsError;
use crate::solver::{
    BiCgStab, ConjugateGradient, EigenError, Eigenpairs, LinearOperator, SolveError, SolveReport, Stopping,
    Wanted, lowest_eigenpairs,
};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{LatticeError, Real};
use std::ops::Range;
use thiserror::Error;

/// Which operator's eigenvalues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Spectrum {
    /// D: complex, in conjugate pairs.
    #[default]
    Dirac,
    /// γ5 D: real, of both signs; their moduli are the singular values of D.
    Hermitian,
}

/// Low modes that were not found.
#[derive(Debug, Error)]
pub enum SpectrumError {
    /// A lattice on which an operator is not defined.
    #[error(transparent)]
    Physics(#[from] PhysicsError),
    /// The search failed.
    #[error(transparent)]
    Eigen(#[from] EigenError),
}

/// D, or γ5 D.
#[derive(Debug)]
struct OperatorOf<'d, T, const N: usize, const H: usize>(&'d Wilson<'d, T, N, H>, Spectrum);

impl<T: Real, const N: usize, const H: usize> LinearOperator<T> for OperatorOf<'_, T, N, H> {
    type Vector = SpinorField<T, N, H>;

    fn vector(&self) -> Result<SpinorField<T, N, H>, LatticeError> {
        self.0.vector()
    }
    fn blocks(&self) -> Range<usize> {
        LinearOperator::blocks(self.0)
    }
    fn apply(&self, out: &mut SpinorField<T, N, H>, psi: &SpinorField<T, N, H>) {
        self.0.apply(out, psi);
        if self.1 == Spectrum::Hermitian {
            out.apply_gamma5();
        }
    }
    fn apply_dagger(&self, out: &mut SpinorField<T, N, H>, psi: &SpinorField<T, N, H>) {
        match self.1 {
            Spectrum::Dirac => self.0.apply_dagger(out, psi),
            Spectrum::Hermitian => self.apply(out, psi),
        }
    }
    fn flops(&self) -> f64 {
        self.0.flops()
    }
}

/// D⁻¹ for any mass: BiCGStab, and where that fails conjugate gradients on the normal equations; on the even-odd form where
/// the extents allow it.
struct Inverse<'d, const N: usize, const H: usize> {
    wilson: &'d Wilson<'d, f64, N, H>,
    schur: Option<Schur<'d, f64, N, H>>,
    fast: BiCgStab<SpinorField<f64, N, H>>,
    sure: ConjugateGradient<SpinorField<f64, N, H>>,
    stop: Stopping,
}

impl<'d, const N: usize, const H: usize> Inverse<'d, N, H> {
    fn new(wilson: &'d Wilson<'d, f64, N, H>, tolerance: f64) -> Result<Self, PhysicsError> {
        let bipartite = wilson.links().lattice().geometry().is_bipartite();
        let schur = bipartite.then(|| Schur::odd(wilson)).transpose()?;
        let stop = Stopping { patience: 300, ..Stopping::at(tolerance) };
        Ok(Self { wilson, schur, fast: BiCgStab::new(wilson)?, sure: ConjugateGradient::new(wilson)?, stop })
    }

    fn solve(
        &mut self,
        x: &mut SpinorField<f64, N, H>,
        b: &SpinorField<f64, N, H>,
    ) -> Result<SolveReport, SolveError> {
        let Self { wilson, schur, fast, sure, stop } = self;
        match schur {
            Some(schur) => schur.solve(x, b, |schur, x, c| solve_surely(schur, (fast, sure), x, c, stop)),
            None => solve_surely(*wilson, (fast, sure), x, b, stop),
        }
    }
}

fn solve_surely<const N: usize, const H: usize, A: LinearOperator<f64, Vector = SpinorField<f64, N, H>>>(
    a: &A,
    (fast, sure): (&mut BiCgStab<SpinorField<f64, N, H>>, &mut ConjugateGradient<SpinorField<f64, N, H>>),
    x: &mut SpinorField<f64, N, H>,
    b: &SpinorField<f64, N, H>,
    stop: &Stopping,
) -> Result<SolveReport, SolveError> {
    match fast.solve(a, x, b, stop) {
        Err(
            SolveError::Stagnation { .. } | SolveError::IterationLimit { .. } | SolveError::Breakdown { .. },
        ) => {
            x.fill(0.0);
            sure.solve_direct(a, x, b, stop)
        }
        done => done,
    }
}

impl<const N: usize, const H: usize> Wilson<'_, f64, N, H> {
    /// The eigenvalues of D or γ5 D next to 0, with their vectors. Arnoldi's method starts from noise of `seed`: the same
    /// values to the tolerance for any of them. Collective.
    ///
    /// # Errors
    /// [`SpectrumError`].
    pub fn low_modes(
        &self,
        spectrum: Spectrum,
        wanted: &Wanted,
        seed: u64,
    ) -> Result<Eigenpairs<SpinorField<f64, N, H>>, SpectrumError> {
        let dimension = 2 * H * N * self.links().lattice().volume();
        if wanted.count > dimension {
            return Err(SpectrumError::Physics(PhysicsError::Parameter(format!(
                "{} eigenvalues of an operator that has {dimension}: ask for fewer",
                wanted.count
            ))));
        }
        let mut start = self.vector().map_err(PhysicsError::Lattice)?;
        start.set_gaussian(Address::new(seed, Purpose::Source));
        let mut inverse = Inverse::new(self, 0.05 * wanted.tolerance)?;
        let mut gamma5_b = self.vector().map_err(PhysicsError::Lattice)?;
        let invert = |x: &mut SpinorField<f64, N, H>, b: &SpinorField<f64, N, H>| match spectrum {
            Spectrum::Dirac => inverse.solve(x, b),
            Spectrum::Hermitian => {
                gamma5_b.copy_from(b);
                gamma5_b.apply_gamma5();
                inverse.solve(x, &gamma5_b)
            }
        };
        Ok(lowest_eigenpairs(&OperatorOf(self, spectrum), invert, start, wanted)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dirac::Boundary;
    use crate::dirac::dense::dense;
    use crate::naive::rough_field;
    use gaugelink_lattice::{Complex, LaneMeaning, Lattice, LatticeOptions};
    use nalgebra::DMatrix;

    const N: usize = 2;

    /// All eigenvalues of a dense matrix by growing modulus.
    fn spectrum(matrix: DMatrix<nalgebra::Complex<f64>>) -> Vec<nalgebra::Complex<f64>> {
        let mut all: Vec<_> = matrix.schur().eigenvalues().unwrap().iter().copied().collect();
        all.sort_by(|a, b| a.norm().total_cmp(&b.norm()));
        all
    }

    /// D and γ5 D against their dense matrices, of one configuration and of a batch of two.
    #[test]
    fn low_modes_are_those_of_the_dense_matrix() {
        let wanted = Wanted { count: 6, tolerance: 1e-9, vectors: 100 };
        let sites: Vec<usize> = (0..16).collect();
        for (csw, mass, lanes) in
            [(0.0, -0.3, LaneMeaning::Sites), (1.2, 0.05, LaneMeaning::Batch { chains: 2 })]
        {
            let options = LatticeOptions { lanes, ..LatticeOptions::default() };
            let u = rough_field::<N>(&Lattice::new(&[2; 4], options).unwrap(), 0.6);
            let d =
                Wilson::<f64, N>::new(&u, mass, Boundary::antiperiodic()).unwrap().with_clover(csw).unwrap();
            for kind in [Spectrum::Dirac, Spectrum::Hermitian] {
                let found = d.low_modes(kind, &wanted, 3).unwrap();
                for (chain, matrix) in
                    dense(&OperatorOf(&d, kind), &sites, false).unwrap().into_iter().enumerate()
                {
                    let all = spectrum(matrix);
                    for (pair, values) in found.values.iter().enumerate() {
                        let Complex { re, im } = values[chain];
                        let near = all.iter().map(|z| (z - nalgebra::Complex::new(re, im)).norm());
                        let off = near.fold(f64::INFINITY, f64::min);
                        assert!(
                            off < 1e-8,
                            "{kind:?}, c_sw {csw}, chain {chain}: {re} + {im}i is off by {off}"
                        );
                        // Conjugate pairs may come in either order.
                        let modulus = re.hypot(im);
                        assert!(
                            (modulus - all[pair].norm()).abs() < 1e-8,
                            "{kind:?}, pair {pair}: |λ| = {modulus}"
                        );
                        assert!(found.residuals[pair][chain] < wanted.tolerance, "{:?}", found.residuals);
                    }
                }
            }
        }
    }

    #[test]
    fn eigenvalues_that_there_are_not_are_not_invented() {
        let lattice = Lattice::new(&[2, 2], LatticeOptions::default()).unwrap();
        let u = rough_field::<1>(&lattice, 0.6);
        let d = Wilson::<f64, 1, 1>::new(&u, 0.1, Boundary::antiperiodic()).unwrap();
        let modes = |d: &Wilson<'_, f64, 1, 1>, count| {
            d.low_modes(Spectrum::Dirac, &Wanted { count, tolerance: 1e-8, vectors: 60 }, 3)
        };
        assert_eq!(modes(&d, 8).unwrap().values.len(), 8);
        let error = modes(&d, 9).unwrap_err().to_string();
        assert!(error.contains("9 eigenvalues of an operator that has 8"), "{error}");
        // Where nobody counts them first, those beyond the last have no vectors.
        let mut inverse = Inverse::new(&d, 1e-10).unwrap();
        let mut start = d.vector().unwrap();
        start.set_gaussian(Address::new(3, Purpose::Source));
        let wanted = Wanted { count: 9, tolerance: 1e-8, vectors: 60 };
        let all = OperatorOf(&d, Spectrum::Dirac);
        let error =
            lowest_eigenpairs(&all, |x, b| inverse.solve(x, b), start, &wanted).unwrap_err().to_string();
        assert!(error.contains("only 8 of 9 eigenvalues"), "{error}");
    }

    #[test]
    fn a_space_too_small_is_an_error() {
        let lattice = Lattice::new(&[2, 2, 2, 3], LatticeOptions::default()).unwrap();
        let u = rough_field::<N>(&lattice, 0.4);
        let d = Wilson::<f64, N>::new(&u, 0.2, Boundary::antiperiodic()).unwrap();
        let wanted = Wanted { count: 4, tolerance: 1e-9, vectors: 6 };
        let error = d.low_modes(Spectrum::Dirac, &wanted, 1).unwrap_err();
        assert!(error.to_string().contains("in a space of 6 vectors"), "{error}");
    }
}
