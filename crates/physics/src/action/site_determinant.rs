//! What flavours in the even-odd form leave to the sites of the other parity: S = −N_f Σ ln |det A(x)| over the even
//! sites, A the site-diagonal part of the Dirac operator (Jansen and Liu, Comput. Phys. Commun. 99 (1997) 221). A number
//! without the clover term; with it, a term of the links alone that needs no pseudofermions.

use super::{Term, TermError};
use crate::PhysicsError;
use crate::dirac::{CloverForce, Quark};
use gaugelink_lattice::rng::Address;
use gaugelink_lattice::{GaugeField, MomentumField};

/// Even sites: [`crate::dirac::QuarkMatrix::EvenOdd`] lives on the odd ones.
const PARITY: usize = 0;

/// S = −N_f Σ ln |det A(x)| over the even sites.
#[derive(Debug)]
pub struct SiteDeterminant<const N: usize> {
    quark: Quark,
    flavours: usize,
    force: CloverForce<N>,
}

impl<const N: usize> SiteDeterminant<N> {
    /// The term of so many flavours `quark` on the lattice of `u`.
    ///
    /// # Errors
    /// [`PhysicsError::Geometry`] on a lattice that has not four dimensions; no memory.
    pub fn new(u: &GaugeField<f64, N>, quark: Quark, flavours: usize) -> Result<Self, PhysicsError> {
        quark.operator::<f64, N, 2>(u)?;
        Ok(Self { quark, flavours, force: CloverForce::new(u.lattice())? })
    }
}

impl<const N: usize> Term<N> for SiteDeterminant<N> {
    fn name(&self) -> String {
        format!("site determinants of {}, N_f = {}", self.quark, self.flavours)
    }

    fn refresh(&mut self, u: &GaugeField<f64, N>, _: Address) -> Result<Vec<f64>, TermError> {
        self.value(u)
    }

    fn value(&mut self, u: &GaugeField<f64, N>) -> Result<Vec<f64>, TermError> {
        let log_det = self.quark.operator::<f64, N, 2>(u)?.site_log_det(Some(PARITY));
        Ok(log_det.into_iter().map(|sum| -(self.flavours as f64) * sum).collect())
    }

    fn kick(
        &mut self,
        u: &GaugeField<f64, N>,
        p: &mut MomentumField<f64, N>,
        epsilon: f64,
    ) -> Result<(), TermError> {
        self.force.clear();
        let flavours = self.flavours as f64;
        self.force.add_log_det(&self.quark.operator(u)?, flavours, Some(PARITY))?;
        self.force.accumulate(p, epsilon, u);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dirac::{Boundary, QuarkMatrix};
    use crate::naive::{assert_gradient, rough_field};
    use gaugelink_lattice::{Lattice, LatticeOptions};

    #[test]
    fn force_is_the_gradient_of_the_action() {
        let lattice = Lattice::new(&[4, 2, 4, 4], LatticeOptions::default()).unwrap();
        let u = rough_field::<3>(&lattice, 0.4);
        let (boundary, matrix) = (Boundary::antiperiodic(), QuarkMatrix::EvenOdd);
        let quark = Quark { mass: 0.05, csw: 1.3, boundary, matrix };
        assert_gradient(&mut SiteDeterminant::new(&u, quark, 2).unwrap(), &u);
    }
}
