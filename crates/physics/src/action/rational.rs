//! One flavour of quarks by a rational function (Clark and Kennedy, Phys. Rev. Lett. 98 (2007) 051601):
//!
//! |det M| = det(M†M)^½ ≈ ∫ dφ exp(−φ† R(M†M) φ),  R(y) = A Π (y + ν_r²)/(y + μ_r²) ≈ 1/√y by [`Zolotarev`].
//!
//! With Q = γ5 M Hermitian, R = A X†X for X = Π (Q + iν_r)/(Q + iμ_r), so φ = A^{−½} X⁻¹ η with η from exp(−η†η) is
//! drawn from the action itself, whatever R is (Lüscher, "Rational approximation and the RHMC algorithm", openQCD
//! documentation, section 3). With X_r = (M†M + μ_r²)⁻¹φ and residues ρ_r
//!
//! S = A [φ†φ + Σ ρ_r Re⟨φ, X_r⟩],  ∂S = −A Σ ρ_r ∂ 2 Re⟨M X_r, M X_r⟩, the right factor's X_r and the left one held fixed.
//!
//! What R misses is a weight W = det(1 + Z)^½, Z = M†M R² − 1, of each configuration; the sign of det M is another.

use super::term::told;
use super::{Solves, Term, TermError, Zolotarev};
use crate::PhysicsError;
use crate::dirac::{CloverForce, FermionMatrix, Quark, SpinorField};
use crate::solver::{LinearOperator, MultiShift, Stopping, vector};
use gaugelink_lattice::rng::Address;
use gaugelink_lattice::{Complex, GaugeField, MomentumField};

/// Pseudofermions of one flavour, with the fields to solve in.
#[derive(Debug)]
pub struct RationalPseudofermions<const N: usize, const H: usize = 2> {
    quark: Quark,
    function: Zolotarev,
    solves: Solves,
    phi: SpinorField<f64, N, H>,
    y: SpinorField<f64, N, H>,
    sum: SpinorField<f64, N, H>,
    /// One for each pole.
    x: Vec<SpinorField<f64, N, H>>,
    solver: MultiShift<SpinorField<f64, N, H>>,
    /// Where there is a clover term.
    clover: Option<CloverForce<N>>,
    iterations: usize,
}

impl<const N: usize, const H: usize> RationalPseudofermions<N, H> {
    /// One flavour `quark` on the lattice of `u`, with R for eigenvalues of M†M in `range`, relative error at most
    /// `error`. Its field is zero until [`Term::refresh`] draws it.
    ///
    /// # Errors
    /// [`PhysicsError::Parameter`] for a range or an error that no R has; otherwise as
    /// [`Pseudofermions::two_flavours`](super::Pseudofermions::two_flavours).
    pub fn one_flavour(
        u: &GaugeField<f64, N>,
        quark: Quark,
        range: [f64; 2],
        error: f64,
        solves: Solves,
    ) -> Result<Self, PhysicsError> {
        let [low, high] = range;
        if !(0.0 < low && low < high && high.is_finite()) {
            return Err(PhysicsError::Parameter(format!(
                "the range of the eigenvalues of M†M is [{low}, {high}]: give two positive numbers, the smaller one first"
            )));
        }
        let function = Zolotarev::with_error(error, range).ok_or_else(|| {
            PhysicsError::Parameter(format!(
                "no rational function of degree up to 60 has error {error:e} on [{low}, {high}]: allow more, or give a \
                 narrower range"
            ))
        })?;
        let operator = quark.operator(u)?;
        let m = quark.matrix_of(&operator)?;
        let degree = function.poles.len();
        let x = (0..degree).map(|_| m.vector()).collect::<Result<_, _>>()?;
        let clover = (quark.csw != 0.0).then(|| CloverForce::new(u.lattice())).transpose()?;
        let [phi, y, sum] = [m.vector()?, m.vector()?, m.vector()?];
        let solver = MultiShift::new(&m, degree)?;
        Ok(Self { quark, function, solves, phi, y, sum, x, solver, clover, iterations: 0 })
    }

    /// R.
    pub fn function(&self) -> &Zolotarev {
        &self.function
    }

    /// ln W of each chain to first order in Z, ½ tr Z, from `sources` Gaussian vectors: mean and standard error. Second
    /// order is below the number of components times the square of R's error. Collective.
    ///
    /// # Errors
    /// See [`TermError`].
    ///
    /// # Panics
    /// For fewer than 2 sources, which have no error.
    pub fn ln_weight(
        &mut self,
        u: &GaugeField<f64, N>,
        address: Address,
        sources: u64,
    ) -> Result<Vec<(f64, f64)>, TermError> {
        assert!(sources > 1, "an error needs two sources or more");
        let operator = self.quark.operator(u)?;
        let m = self.quark.matrix_of(&operator)?;
        let chains = u.lattice().chains();
        let mut samples = vec![Vec::new(); chains];
        let [mut source, mut normal] = [m.vector()?, m.vector()?];
        for sample in 0..sources {
            source.set_gaussian(address.sample(address.sample + sample));
            self.y.copy_from(&source);
            for _ in 0..2 {
                self.times_function(&m, self.solves.action, "correction")?;
                self.y.copy_from(&self.sum);
                self.y.exchange();
            }
            m.apply(&mut normal, &self.y);
            m.apply_dagger(&mut self.sum, &normal);
            // η†(M†M R² − 1)η as one sum of small numbers.
            let mut none = vec![0.0; chains];
            vector::subtract_from(&mut self.sum, &source, m.blocks(), &mut none);
            let sums = vector::real_product(&source, &self.sum, m.blocks());
            samples.iter_mut().zip(&sums).for_each(|(samples, minus)| samples.push(-0.5 * minus));
        }
        let n = sources as f64;
        let statistics = |samples: Vec<f64>| {
            let mean = samples.iter().sum::<f64>() / n;
            let variance = samples.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
            (mean, (variance / n).sqrt())
        };
        Ok(samples.into_iter().map(statistics).collect())
    }

    /// X_r ← (M†M + `shifts`_r)⁻¹ ψ with ψ in `y`.
    fn solve(
        &mut self,
        m: &FermionMatrix<'_, N, H>,
        shifts: &[f64],
        stop: Stopping,
        during: &'static str,
    ) -> Result<(), TermError> {
        let result = self.solver.solve(m, shifts, &mut self.x, &self.y, &stop);
        let (iterations, result) = told(result, during, || self.name());
        self.iterations += iterations;
        result
    }

    /// `sum` ← R ψ with ψ in `y`.
    fn times_function(
        &mut self,
        m: &FermionMatrix<'_, N, H>,
        stop: Stopping,
        during: &'static str,
    ) -> Result<(), TermError> {
        let (poles, a) = (self.function.poles.clone(), self.function.amplitude);
        self.solve(m, &poles, stop, during)?;
        self.sum.fill(0.0);
        add(&mut self.sum, Complex::new(a, 0.0), &self.y, m);
        for (rho, x) in self.function.residues().into_iter().zip(&self.x) {
            add(&mut self.sum, Complex::new(a * rho, 0.0), x, m);
        }
        Ok(())
    }
}

/// x ← x + a y on the sites of M, in all chains.
fn add<const N: usize, const H: usize>(
    x: &mut SpinorField<f64, N, H>,
    a: Complex<f64>,
    y: &SpinorField<f64, N, H>,
    m: &FermionMatrix<'_, N, H>,
) {
    let chains = y.lattice().chains();
    vector::subtract(x, &vec![-a; chains], y, m.blocks());
}

impl<const N: usize, const H: usize> Term<N> for RationalPseudofermions<N, H> {
    fn name(&self) -> String {
        format!("one flavour of {}, rational of degree {}", self.quark, self.function.poles.len())
    }

    fn refresh(&mut self, u: &GaugeField<f64, N>, address: Address) -> Result<Vec<f64>, TermError> {
        let operator = self.quark.operator(u)?;
        let m = self.quark.matrix_of(&operator)?;
        self.y.set_gaussian(address);
        let mut value = vec![0.0; u.lattice().chains()];
        vector::norm2(&self.y, m.blocks(), &mut value);
        // X⁻¹ = 1 + Σ iκ_r/(Q + iν_r) = 1 + Σ κ_r (ν_r + iQ)/(Q² + ν_r²).
        let zeros = self.function.zeros.clone();
        self.solve(&m, &zeros, self.solves.action, "heat bath")?;
        let scale = self.function.amplitude.sqrt().recip();
        self.phi.fill(0.0);
        self.sum.fill(0.0);
        add(&mut self.phi, Complex::new(scale, 0.0), &self.y, &m);
        for ((kappa, zero), x) in self.function.inverse_root_residues().into_iter().zip(&zeros).zip(&self.x) {
            add(&mut self.phi, Complex::new(scale * kappa * zero.sqrt(), 0.0), x, &m);
            add(&mut self.sum, Complex::new(scale * kappa, 0.0), x, &m);
        }
        self.sum.exchange();
        m.apply(&mut self.y, &self.sum);
        self.y.apply_gamma5();
        add(&mut self.phi, Complex::new(0.0, 1.0), &self.y, &m);
        self.phi.exchange();
        Ok(value)
    }

    fn value(&mut self, u: &GaugeField<f64, N>) -> Result<Vec<f64>, TermError> {
        let operator = self.quark.operator(u)?;
        let m = self.quark.matrix_of(&operator)?;
        self.y.copy_from(&self.phi);
        self.times_function(&m, self.solves.action, "action")?;
        Ok(vector::real_product(&self.phi, &self.sum, m.blocks()))
    }

    fn kick(
        &mut self,
        u: &GaugeField<f64, N>,
        p: &mut MomentumField<f64, N>,
        epsilon: f64,
    ) -> Result<(), TermError> {
        let operator = self.quark.operator(u)?;
        let m = self.quark.matrix_of(&operator)?;
        self.y.copy_from(&self.phi);
        let poles = self.function.poles.clone();
        self.solve(&m, &poles, self.solves.force, "force")?;
        if let Some(clover) = &mut self.clover {
            clover.clear();
        }
        for (rho, x) in self.function.residues().into_iter().zip(&mut self.x) {
            let weight = self.function.amplitude * rho;
            m.apply(&mut self.y, x);
            let clover = self.clover.as_mut().map(|clover| (clover, weight));
            m.accumulate_force(p, epsilon * weight, &mut self.y, x, clover);
        }
        if let Some(clover) = &mut self.clover {
            clover.accumulate(p, epsilon, u);
        }
        Ok(())
    }

    fn iterations(&self) -> usize {
        self.iterations
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dirac::dense::{columns, dense};
    use crate::dirac::{Boundary, QuarkMatrix};
    use crate::naive::{assert_gradient, rough_field};
    use gaugelink_lattice::rng::Purpose;
    use gaugelink_lattice::{Lattice, LatticeOptions};
    use nalgebra::{Complex as Z, DMatrix, DVector, SymmetricEigen};

    const TIGHT: Solves = Solves { force: Stopping { tolerance: 1e-12, ..STOP }, action: STOP };
    const STOP: Stopping = Stopping { tolerance: 1e-13, iterations: 2000, patience: 500 };

    fn quark(csw: f64, matrix: QuarkMatrix) -> Quark {
        Quark { mass: -0.1, csw, boundary: Boundary::antiperiodic(), matrix }
    }

    fn drawn() -> Address {
        Address::new(8, Purpose::Pseudofermion)
    }

    #[test]
    fn force_is_the_gradient_of_the_action() {
        fn check<const N: usize, const H: usize>(extents: &[usize], csw: f64, matrix: QuarkMatrix) {
            let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
            let u = rough_field::<N>(&lattice, 0.4);
            let (quark, range) = (quark(csw, matrix), [0.05, 100.0]);
            let mut term =
                RationalPseudofermions::<N, H>::one_flavour(&u, quark, range, 1e-6, TIGHT).unwrap();
            term.refresh(&u, drawn()).unwrap();
            assert_gradient(&mut term, &u);
        }
        check::<3, 2>(&[4, 2, 4, 2], 0.0, QuarkMatrix::Full);
        check::<3, 2>(&[4, 2, 4, 2], 1.3, QuarkMatrix::EvenOdd);
        check::<1, 1>(&[6, 4], 0.0, QuarkMatrix::EvenOdd);
    }

    /// The action is φ†(M†M)^{−½}φ, and the heat bath's value, with a dense matrix; R's error and the correction of it
    /// too.
    #[test]
    fn the_action_is_that_of_dense_matrices() {
        let lattice = Lattice::new(&[2; 4], LatticeOptions::default()).unwrap();
        let u = rough_field::<2>(&lattice, 0.5);
        let all: Vec<usize> = (0..16).collect();
        let odd: Vec<usize> = all
            .iter()
            .copied()
            .filter(|&i| lattice.geometry().site(i).iter().sum::<usize>() % 2 == 1)
            .collect();
        for (csw, matrix, sites) in [(0.0, QuarkMatrix::Full, &all), (1.3, QuarkMatrix::EvenOdd, &odd)] {
            let quark = quark(csw, matrix);
            let operator = quark.operator::<f64, 2, 2>(&u).unwrap();
            let m = dense(&quark.matrix_of(&operator).unwrap(), sites, false).unwrap().remove(0);
            let eigen = SymmetricEigen::new(m.adjoint() * &m);
            let (low, high) = (eigen.eigenvalues.min(), eigen.eigenvalues.max());
            let of = |f: &dyn Fn(f64) -> f64| -> DMatrix<Z<f64>> {
                let values = DVector::from_iterator(
                    eigen.eigenvalues.len(),
                    eigen.eigenvalues.iter().map(|&y| Z::new(f(y), 0.0)),
                );
                &eigen.eigenvectors * DMatrix::from_diagonal(&values) * eigen.eigenvectors.adjoint()
            };
            let range = [0.9 * low, 1.1 * high];
            for (error, tolerance) in [(1e-12, 1e-10), (1e-3, 2e-3)] {
                let mut term =
                    RationalPseudofermions::<2>::one_flavour(&u, quark, range, error, TIGHT).unwrap();
                let noise = term.refresh(&u, drawn()).unwrap()[0];
                let value = term.value(&u).unwrap()[0];
                assert!((value / noise - 1.0).abs() < 1e-10, "heat bath: {noise}, action {value}");
                let phi = columns(&term.phi, sites).remove(0);
                let expected = phi.dotc(&(of(&|y| 1.0 / y.sqrt()) * &phi)).re;
                assert!((value / expected - 1.0).abs() < tolerance, "{value} instead of {expected}");
                let function = term.function().clone();
                let weight: f64 =
                    eigen.eigenvalues.iter().map(|&y| 0.5 * (y * function.value(y).powi(2)).ln()).sum();
                let (mean, sigma) = term.ln_weight(&u, drawn().sample(7), 40).unwrap()[0];
                let second_order = m.nrows() as f64 * 4.0 * function.error.powi(2) + 1e-9;
                assert!((mean - weight).abs() < 4.0 * sigma + second_order, "{mean} ± {sigma}, {weight}");
            }
        }
    }

    #[test]
    fn ranges_and_errors_that_cannot_be_are_refused() {
        let lattice = Lattice::new(&[2; 4], LatticeOptions::default()).unwrap();
        let u = rough_field::<2>(&lattice, 0.5);
        let refused = |range, error| {
            let quark = quark(0.0, QuarkMatrix::EvenOdd);
            RationalPseudofermions::<2>::one_flavour(&u, quark, range, error, TIGHT).unwrap_err().to_string()
        };
        assert!(refused([1.0, 0.5], 1e-6).contains("the smaller one first"));
        assert!(refused([0.0, 0.5], 1e-6).contains("two positive numbers"));
        assert!(refused([1e-30, 100.0], 1e-12).contains("allow more"), "{}", refused([1e-30, 100.0], 1e-12));
    }
}
