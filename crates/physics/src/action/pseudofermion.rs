//! Two degenerate flavours of quarks as an integral over pseudofermions (Weingarten and Petcher, Phys. Lett. B 99
//! (1981) 333):
//!
//! det(M†M) = ∫ dφ exp(−φ†(M†M)⁻¹φ),  drawn as φ = M†η with η from exp(−η†η).
//!
//! X = (M†M)⁻¹φ and Y = M X give S = Re⟨φ, X⟩ and ∂^a S = −∂^a 2 Re⟨Y, M X⟩, with X and Y held fixed there.
//!
//! Hasenbusch's ratio (Phys. Lett. B 519 (2001) 177) has a smaller force, and with it larger steps:
//!
//! det(M†M) / det(M_h†M_h):  S = φ† M_h (M†M)⁻¹ M_h† φ,  drawn as φ = M_h⁻† M†η.
//!
//! With X = (M†M)⁻¹ M_h†φ it is S = Re⟨M_h†φ, X⟩ and ∂^a S = −∂^a 2 Re⟨Y, M X⟩ + ∂^a 2 Re⟨φ, M_h X⟩. Ratios of a light
//! and a heavier mass, of that and one more, and the heaviest by itself make up the light flavours.
//!
//! Solves start from zero: a guess from the past of the trajectory would make the force depend on it, and the
//! trajectory irreversible.

use super::term::told;
use super::{Term, TermError};
use crate::PhysicsError;
use crate::dirac::{CloverForce, FermionMatrix, Quark, SpinorField};
use crate::solver::{ConjugateGradient, LinearOperator, Stopping, vector};
use gaugelink_lattice::rng::Address;
use gaugelink_lattice::{GaugeField, MomentumField};

/// When the solves of a fermion action end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Solves {
    /// Those of forces. A looser tolerance costs acceptance, never exactness, as far as trajectories stay reversible.
    pub force: Stopping,
    /// Those of heat bath and action, which enter the accept step: what they miss is an error of the ensemble.
    pub action: Stopping,
}

impl Default for Solves {
    fn default() -> Self {
        Self { force: Stopping::at(1e-8), action: Stopping::at(1e-11) }
    }
}

/// Pseudofermions of two degenerate flavours, or of their ratio to heavier ones, with the fields to solve in.
#[derive(Debug)]
pub struct Pseudofermions<const N: usize, const H: usize = 2> {
    quark: Quark,
    /// The denominator of a ratio.
    heavy: Option<Quark>,
    solves: Solves,
    phi: SpinorField<f64, N, H>,
    x: SpinorField<f64, N, H>,
    y: SpinorField<f64, N, H>,
    solver: ConjugateGradient<SpinorField<f64, N, H>>,
    /// Where there is a clover term.
    clover: Option<CloverForce<N>>,
    iterations: usize,
}

impl<const N: usize, const H: usize> Pseudofermions<N, H> {
    /// Two flavours `quark` on the lattice of `u`. Their field is zero until [`Term::refresh`] draws it.
    ///
    /// # Errors
    /// [`PhysicsError::Geometry`] on a lattice that has not 2H dimensions, or has an odd extent in the even-odd form; no
    /// memory.
    pub fn two_flavours(u: &GaugeField<f64, N>, quark: Quark, solves: Solves) -> Result<Self, PhysicsError> {
        let operator = quark.operator(u)?;
        let m = quark.matrix_of(&operator)?;
        let [phi, x, y] = [m.vector()?, m.vector()?, m.vector()?];
        let clover = (quark.csw != 0.0).then(|| CloverForce::new(u.lattice())).transpose()?;
        let solver = ConjugateGradient::new(&m)?;
        Ok(Self { quark, heavy: None, solves, phi, x, y, solver, clover, iterations: 0 })
    }

    /// Hasenbusch's ratio of two flavours `quark` to two of mass `heavy`.
    ///
    /// # Errors
    /// As [`Pseudofermions::two_flavours`].
    pub fn ratio(
        u: &GaugeField<f64, N>,
        quark: Quark,
        heavy: f64,
        solves: Solves,
    ) -> Result<Self, PhysicsError> {
        Ok(Self { heavy: Some(quark.with_mass(heavy)), ..Self::two_flavours(u, quark, solves)? })
    }

    /// The field φ; in the even-odd form the even sites may hold anything.
    pub fn field(&self) -> &SpinorField<f64, N, H> {
        &self.phi
    }

    /// Takes φ from elsewhere. Collective.
    pub fn set_field(&mut self, phi: &SpinorField<f64, N, H>) {
        self.phi.copy_from(phi);
        self.phi.exchange();
    }

    /// x ← (M†M)⁻¹ y, from zero.
    fn solve(
        &mut self,
        m: &FermionMatrix<'_, N, H>,
        stop: Stopping,
        during: &'static str,
    ) -> Result<(), TermError> {
        self.x.fill(0.0);
        let result = self.solver.solve_normal(m, &mut self.x, &self.y, &stop);
        let (iterations, result) = told(result, during, || self.name());
        self.iterations += iterations;
        result
    }

    /// y ← ψ and x ← (M†M)⁻¹ψ, where ψ is φ, or M_h†φ for a ratio.
    fn invert(
        &mut self,
        u: &GaugeField<f64, N>,
        m: &FermionMatrix<'_, N, H>,
        stop: Stopping,
        during: &'static str,
    ) -> Result<(), TermError> {
        match self.heavy {
            None => self.y.copy_from(&self.phi),
            Some(heavy) => heavy.matrix_of(&heavy.operator(u)?)?.apply_dagger(&mut self.y, &self.phi),
        }
        self.solve(m, stop, during)
    }
}

impl<const N: usize, const H: usize> Term<N> for Pseudofermions<N, H> {
    fn name(&self) -> String {
        match self.heavy {
            None => format!("two flavours of {}", self.quark),
            Some(heavy) => format!("ratio to mass {} of two flavours of {}", heavy.mass, self.quark),
        }
    }

    fn refresh(&mut self, u: &GaugeField<f64, N>, address: Address) -> Result<Vec<f64>, TermError> {
        let operator = self.quark.operator(u)?;
        let m = self.quark.matrix_of(&operator)?;
        self.y.set_gaussian(address);
        m.apply_dagger(&mut self.phi, &self.y);
        let mut value = vec![0.0; u.lattice().chains()];
        vector::norm2(&self.y, m.blocks(), &mut value);
        if let Some(heavy) = self.heavy {
            // M_h⁻† = M_h (M_h†M_h)⁻¹.
            let operator = heavy.operator(u)?;
            let heavy = heavy.matrix_of(&operator)?;
            self.y.copy_from(&self.phi);
            self.solve(&heavy, self.solves.action, "heat bath")?;
            heavy.apply(&mut self.phi, &self.x);
        }
        Ok(value)
    }

    fn value(&mut self, u: &GaugeField<f64, N>) -> Result<Vec<f64>, TermError> {
        let operator = self.quark.operator(u)?;
        let m = self.quark.matrix_of(&operator)?;
        self.invert(u, &m, self.solves.action, "action")?;
        // The residual r of conjugate gradients from zero enters this product by r†(M†M)⁻¹r only.
        Ok(vector::real_product(&self.y, &self.x, m.blocks()))
    }

    fn kick(
        &mut self,
        u: &GaugeField<f64, N>,
        p: &mut MomentumField<f64, N>,
        epsilon: f64,
    ) -> Result<(), TermError> {
        let operator = self.quark.operator(u)?;
        let m = self.quark.matrix_of(&operator)?;
        self.invert(u, &m, self.solves.force, "force")?;
        m.apply(&mut self.y, &self.x);
        if let Some(clover) = &mut self.clover {
            clover.clear();
        }
        let clover = self.clover.as_mut().map(|clover| (clover, 1.0));
        m.accumulate_force(p, epsilon, &mut self.y, &mut self.x, clover);
        if let Some(heavy) = self.heavy {
            let operator = heavy.operator(u)?;
            self.y.copy_from(&self.phi);
            let clover = self.clover.as_mut().map(|clover| (clover, -1.0));
            heavy.matrix_of(&operator)?.accumulate_force(p, -epsilon, &mut self.y, &mut self.x, clover);
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
    use crate::dirac::{Boundary, QuarkMatrix};
    use crate::naive::{assert_gradient, rough_field};
    use gaugelink_lattice::rng::Purpose;
    use gaugelink_lattice::{Lattice, LatticeOptions};

    #[test]
    fn force_is_the_gradient_of_the_action() {
        fn check<const N: usize, const H: usize>(extents: &[usize], csw: f64, boundary: Boundary) {
            let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
            let u = rough_field::<N>(&lattice, 0.4);
            let solves = Solves { force: Stopping::at(1e-12), action: Stopping::at(1e-12) };
            for matrix in [QuarkMatrix::Full, QuarkMatrix::EvenOdd] {
                let quark = Quark { mass: 0.05, csw, boundary, matrix };
                let plain = Pseudofermions::<N, H>::two_flavours(&u, quark, solves).unwrap();
                let ratio = Pseudofermions::ratio(&u, quark, 0.4, solves).unwrap();
                for mut term in [plain, ratio] {
                    term.refresh(&u, Address::new(8, Purpose::Pseudofermion)).unwrap();
                    assert_gradient(&mut term, &u);
                }
            }
        }
        let twisted = Boundary::twisted([0.3, 0.0, 1.1, std::f64::consts::PI]);
        check::<3, 2>(&[4, 4, 4, 4], 0.0, Boundary::antiperiodic());
        check::<3, 2>(&[4, 4, 4, 4], 1.3, Boundary::antiperiodic());
        check::<3, 2>(&[2, 4, 2, 4], 0.0, twisted);
        check::<2, 2>(&[4, 4, 4, 4], 1.3, twisted);
        check::<1, 2>(&[4, 4, 2, 8], 0.0, Boundary::antiperiodic());
        check::<3, 1>(&[4, 6], 0.0, twisted);
        check::<2, 1>(&[8, 4], 0.0, twisted);
        check::<1, 1>(&[2, 8], 0.0, twisted);
    }
}
