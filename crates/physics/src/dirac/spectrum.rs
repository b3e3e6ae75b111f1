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
use std::ops::{ControlFlow, Range};
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
    /// The eigenvalues of D or γ5 D next to 0, each as often as it occurs, with their vectors. Arnoldi's method starts from
    /// noise of `seed`: the same values to the tolerance for any of them. `progress` is told of every solve, and may break off.
    /// Collective.
    ///
    /// # Errors
    /// [`SpectrumError`].
    pub fn low_modes(
        &self,
        spectrum: Spectrum,
        wanted: &Wanted,
        seed: u64,
        progress: impl FnMut(&SolveReport) -> ControlFlow<()>,
    ) -> Result<Eigenpairs<SpinorField<f64, N, H>>, SpectrumError> {
        let dimension = 2 * H * N * self.links().lattice().volume();
        if wanted.count > dimension {
            return Err(SpectrumError::Physics(PhysicsError::Parameter(format!(
                "{} eigenvalues of an operator that has {dimension}: ask for fewer",
                wanted.count
            ))));
        }
        let start = |v: &mut SpinorField<f64, N, H>, number| {
            v.set_gaussian(Address::new(seed, Purpose::Source).sample(number));
        };
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
        Ok(lowest_eigenpairs(&OperatorOf(self, spectrum), invert, start, progress, wanted)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dirac::Boundary;
    use crate::dirac::dense::dense;
    use crate::naive::rough_field;
    use gaugelink_lattice::{Complex, GaugeField, LaneMeaning, Lattice, LatticeOptions};
    use nalgebra::DMatrix;

    const N: usize = 2;

    fn go_on(_: &SolveReport) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

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
                let found = d.low_modes(kind, &wanted, 3, go_on).unwrap();
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
            d.low_modes(Spectrum::Dirac, &Wanted { count, tolerance: 1e-8, vectors: 60 }, 3, go_on)
        };
        assert_eq!(modes(&d, 8).unwrap().values.len(), 8);
        let error = modes(&d, 9).unwrap_err().to_string();
        assert!(error.contains("9 eigenvalues of an operator that has 8"), "{error}");
        // Where nobody counts them first, those beyond the last have no vectors.
        let mut inverse = Inverse::new(&d, 1e-10).unwrap();
        let start = |v: &mut SpinorField<f64, 1, 1>, number| {
            v.set_gaussian(Address::new(3, Purpose::Source).sample(number));
        };
        let wanted = Wanted { count: 9, tolerance: 1e-8, vectors: 60 };
        let all = OperatorOf(&d, Spectrum::Dirac);
        let error = lowest_eigenpairs(&all, |x, b| inverse.solve(x, b), start, go_on, &wanted)
            .unwrap_err()
            .to_string();
        assert!(error.contains("only 8 of 9 eigenvalues"), "{error}");
    }

    /// Free quarks, λ = m + Σ (1 − cos p) ± i √(Σ sin² p), each as often as momenta, spins and colours have it: 8 in the first
    /// level, 24 in the second. γ5 D has ± |λ|.
    #[test]
    fn eigenvalues_come_as_often_as_they_occur() {
        let extents = [2, 2, 2, 4];
        let lattice = Lattice::new(&extents, LatticeOptions::default()).unwrap();
        let u = GaugeField::<f64, N>::cold(&lattice).unwrap();
        let mass = 0.1;
        let d = Wilson::<f64, N>::new(&u, mass, Boundary::antiperiodic()).unwrap();
        let mut all: Vec<(f64, f64)> = Vec::new();
        for site in 0..lattice.volume() {
            let (mut re, mut sines, mut rest) = (mass, 0.0, site);
            for (mu, &extent) in extents.iter().enumerate() {
                let half = if mu == 3 { 0.5 } else { 0.0 };
                let p = std::f64::consts::TAU * ((rest % extent) as f64 + half) / extent as f64;
                rest /= extent;
                re += 1.0 - p.cos();
                sines += p.sin().powi(2);
            }
            all.extend([(re, sines.sqrt()), (re, -sines.sqrt())].repeat(2 * N));
        }
        all.sort_by(|a, b| a.0.hypot(a.1).total_cmp(&b.0.hypot(b.1)));
        for count in [1, 5, 20] {
            let wanted = Wanted { count, tolerance: 1e-9, vectors: 100 };
            for kind in [Spectrum::Dirac, Spectrum::Hermitian] {
                let found = d.low_modes(kind, &wanted, 3, go_on).unwrap();
                for (pair, values) in found.values.iter().enumerate() {
                    let modulus = values[0].re.hypot(values[0].im);
                    let exact = all[pair].0.hypot(all[pair].1);
                    assert!(
                        (modulus - exact).abs() < 1e-8,
                        "{kind:?}, {pair} of {count}: {modulus}, not {exact}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_space_too_small_is_an_error() {
        let lattice = Lattice::new(&[2, 2, 2, 3], LatticeOptions::default()).unwrap();
        let u = rough_field::<N>(&lattice, 0.4);
        let d = Wilson::<f64, N>::new(&u, 0.2, Boundary::antiperiodic()).unwrap();
        let wanted = Wanted { count: 4, tolerance: 1e-9, vectors: 6 };
        let error = d.low_modes(Spectrum::Dirac, &wanted, 1, go_on).unwrap_err();
        assert!(error.to_string().contains("in a space of 6 vectors"), "{error}");
    }
}
