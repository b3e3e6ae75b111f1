//! Two degenerate flavours of quarks without pseudofermions, by the determinant itself, for small lattices:
//!
//! S = −ln det(M†M) = −2 ln |det M|,  ∂^a S = −2 Re tr(M⁻¹ ∂^a M) = −Σ_k ∂^a 2 Re⟨Y_k, M e_k⟩,  Y_k = M⁻† e_k held fixed,
//!
//! with unit vectors e_k, so that the force is that of pseudofermions, once for each row of M. Without clover term S is
//! −2 ln |det D|, with the constant that the even-odd form leaves out.

use super::{Term, TermError};
use crate::PhysicsError;
use crate::dirac::dense::{DenseMatrix, scatter};
use crate::dirac::{CloverForce, Quark, SpinorField};
use crate::observable::ln_determinant;
use crate::solver::LinearOperator;
use gaugelink_lattice::rng::Address;
use gaugelink_lattice::{GaugeField, MomentumField};
use nalgebra::Complex as Z;

/// −ln det(M†M) of two flavours, with the fields that its force takes.
#[derive(Debug)]
pub struct ExactDeterminant<const N: usize, const H: usize = 2> {
    quark: Quark,
    x: SpinorField<f64, N, H>,
    y: SpinorField<f64, N, H>,
    /// Where there is a clover term.
    clover: Option<CloverForce<N>>,
}

impl<const N: usize, const H: usize> ExactDeterminant<N, H> {
    /// Two flavours `quark` on the lattice of `u`.
    ///
    /// # Errors
    /// As [`Pseudofermions::two_flavours`](super::Pseudofermions::two_flavours), and [`PhysicsError::Geometry`] where M has
    /// more than [`DENSE_MAX`](crate::dirac::DENSE_MAX) rows.
    pub fn two_flavours(u: &GaugeField<f64, N>, quark: Quark) -> Result<Self, PhysicsError> {
        let operator = quark.operator(u)?;
        let m = quark.matrix_of(&operator)?;
        DenseMatrix::check(m.rows())?;
        let clover = (quark.csw != 0.0).then(|| CloverForce::new(u.lattice())).transpose()?;
        Ok(Self { quark, x: m.vector()?, y: m.vector()?, clover })
    }

    /// [`Term::kick`], and S for each chain from the same decomposition. Collective.
    ///
    /// # Errors
    /// Links on which M is singular; no memory.
    pub fn value_and_kick(
        &mut self,
        u: &GaugeField<f64, N>,
        p: &mut MomentumField<f64, N>,
        epsilon: f64,
    ) -> Result<Vec<f64>, TermError> {
        let operator = self.quark.operator(u)?;
        let m = self.quark.matrix_of(&operator)?;
        let matrix = DenseMatrix::new(&m)?;
        let inverse = matrix.inverse()?;
        if let Some(clover) = &mut self.clover {
            clover.clear();
        }
        for k in 0..inverse.first().map_or(0, |inverse| inverse.nrows()) {
            let one = |row: usize| Z::new(f64::from(u8::from(row == k)), 0.0);
            scatter(&mut self.x, matrix.sites(), |_, row| one(row));
            scatter(&mut self.y, matrix.sites(), |chain, row| inverse[chain][(k, row)].conj());
            let clover = self.clover.as_mut().map(|clover| (clover, 1.0));
            m.accumulate_force(p, epsilon, &mut self.y, &mut self.x, clover);
        }
        if let Some(clover) = &mut self.clover {
            clover.accumulate(p, epsilon, u);
        }
        let mut ln_det = matrix.ln_det();
        if self.quark.csw == 0.0 {
            ln_det.iter_mut().zip(m.ln_det_of_rest()).for_each(|(ln_det, rest)| *ln_det += rest);
        }
        Ok(action(&ln_det))
    }
}

impl<const N: usize, const H: usize> Term<N> for ExactDeterminant<N, H> {
    fn name(&self) -> String {
        format!("exact determinant of two flavours of {}", self.quark)
    }

    fn refresh(&mut self, u: &GaugeField<f64, N>, _: Address) -> Result<Vec<f64>, TermError> {
        self.value(u)
    }

    fn value(&mut self, u: &GaugeField<f64, N>) -> Result<Vec<f64>, TermError> {
        if self.quark.csw == 0.0 {
            return Ok(action(&ln_determinant::<N, H>(u, self.quark)?));
        }
        let operator = self.quark.operator::<f64, N, H>(u)?;
        Ok(action(&DenseMatrix::new(&self.quark.matrix_of(&operator)?)?.ln_det()))
    }

    fn kick(
        &mut self,
        u: &GaugeField<f64, N>,
        p: &mut MomentumField<f64, N>,
        epsilon: f64,
    ) -> Result<(), TermError> {
        self.value_and_kick(u, p, epsilon).map(drop)
    }
}

/// S of ln |det| for each chain.
fn action(ln_det: &[f64]) -> Vec<f64> {
    ln_det.iter().map(|ln_det| -2.0 * ln_det).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dirac::{Boundary, QuarkMatrix};
    use crate::naive::{assert_gradient, rough_field};
    use gaugelink_lattice::{LaneMeaning, Lattice, LatticeOptions};

    #[test]
    fn force_is_the_gradient_of_the_action() {
        fn check<const N: usize, const H: usize>(extents: &[usize], csw: f64, matrix: QuarkMatrix) {
            let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
            let u = rough_field::<N>(&lattice, 0.4);
            let boundary = Boundary::twisted([0.3, 0.9, 0.0, std::f64::consts::PI]);
            let quark = Quark { mass: 0.05, csw, boundary, matrix };
            let mut term = ExactDeterminant::<N, H>::two_flavours(&u, quark).unwrap();
            let mut p = MomentumField::zeroed(&lattice).unwrap();
            let [alone, with_force] =
                [term.value(&u).unwrap()[0], term.value_and_kick(&u, &mut p, 0.1).unwrap()[0]];
            assert!((alone - with_force).abs() < 1e-10 * alone.abs().max(1.0), "{alone} {with_force}");
            assert_gradient(&mut term, &u);
        }
        check::<1, 1>(&[4, 6], 0.0, QuarkMatrix::EvenOdd);
        check::<1, 1>(&[3, 5], 0.0, QuarkMatrix::Full);
        check::<2, 1>(&[2, 4], 0.0, QuarkMatrix::EvenOdd);
        check::<3, 1>(&[4, 4], 0.0, QuarkMatrix::EvenOdd);
        check::<2, 2>(&[2, 2, 2, 2], 1.3, QuarkMatrix::EvenOdd);
    }

    /// In a batch each chain has its own determinant and force.
    #[test]
    fn chains_do_not_meet() {
        let quark =
            Quark { mass: 0.1, csw: 0.0, boundary: Boundary::periodic(), matrix: QuarkMatrix::EvenOdd };
        let lanes = LaneMeaning::Batch { chains: 3 };
        let batch = Lattice::new(&[4, 4], LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap();
        let drawn = Address::new(4, gaugelink_lattice::rng::Purpose::Start);
        let asked = |u: &GaugeField<f64, 1>| {
            let mut term = ExactDeterminant::<1, 1>::two_flavours(u, quark).unwrap();
            let mut p = MomentumField::zeroed(u.lattice()).unwrap();
            term.kick(u, &mut p, 0.3).unwrap();
            (term.value(u).unwrap(), p.norm2())
        };
        let together = asked(&GaugeField::random(&batch, 0.7, drawn).unwrap());
        assert_ne!(together.0[0], together.0[1]);
        let lattice = Lattice::new(&[4, 4], LatticeOptions::default()).unwrap();
        for chain in 0..3 {
            let alone = asked(&GaugeField::random(&lattice, 0.7, drawn.chain(chain as u64)).unwrap());
            assert_eq!((together.0[chain], together.1[chain]), (alone.0[0], alone.1[0]));
        }
    }

    #[test]
    fn lattices_that_are_too_large_are_refused() {
        let lattice = Lattice::new(&[4, 4, 4, 8], LatticeOptions::default()).unwrap();
        let u = GaugeField::<f64, 3>::cold(&lattice).unwrap();
        let (boundary, matrix) = (Boundary::antiperiodic(), QuarkMatrix::EvenOdd);
        let quark = Quark { mass: 0.05, csw: 0.0, boundary, matrix };
        let refused = ExactDeterminant::<3>::two_flavours(&u, quark).unwrap_err().to_string();
        assert!(refused.contains("3072 rows") && refused.contains("1536 at most"), "{refused}");
    }
}
