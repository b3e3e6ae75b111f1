//! What a theory is made of, so that flows, trainings and molecular dynamics are written once: links of a group, or scalars.

use crate::LatticeError;
use crate::field::Field;
use crate::gauge::{GaugeField, MomentumField};
use crate::lattice::Lattice;
use crate::number::Real;
use crate::rng::Address;
use crate::scalar::ScalarField;
use std::f64::consts::TAU;
use std::ops::DerefMut;
use std::sync::Arc;

/// The variables of a theory: their fields, how momenta move them, and the distribution that flows begin with.
///
/// Densities refer to a measure of the variables: the product Haar measure, normalised to 1, or Π dφ.
pub trait Variables: 'static {
    /// A configuration.
    type Field<T: Real>: DerefMut<Target = Field<T>> + Send + Sync;
    /// Momenta, or derivatives with respect to the variables.
    type Momenta<T: Real>: DerefMut<Target = Field<T>> + Send + Sync;

    /// The configuration that is 1 or 0 everywhere.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`], or [`LatticeError::Geometry`] for a batch wider than the precision's lanes.
    fn cold<T: Real>(lattice: &Arc<Lattice>) -> Result<Self::Field<T>, LatticeError>;

    /// Momenta 0.
    ///
    /// # Errors
    /// As [`Variables::cold`].
    fn momenta<T: Real>(lattice: &Arc<Lattice>) -> Result<Self::Momenta<T>, LatticeError>;

    /// Moves the variables along the momenta by a time ε.
    fn drift<T: Real>(field: &mut Self::Field<T>, momenta: &Self::Momenta<T>, epsilon: f64);

    /// Takes back what rounding did to a configuration.
    fn restore<T: Real>(field: &mut Self::Field<T>);

    /// Draws from the prior, the distribution that flows begin with. Collective.
    fn draw<T: Real>(field: &mut Self::Field<T>, address: Address);

    /// Adds the logarithm of the prior's density, one number a chain. Collective.
    fn add_log_prior<T: Real>(field: &Self::Field<T>, log_density: &mut [f64]);

    /// The derivative of that logarithm.
    fn prior_score<T: Real>(field: &Self::Field<T>, score: &mut Self::Momenta<T>);
}

/// Links of U(1) (`N` = 1), SU(2) or SU(3); the prior is Haar measure, whose density is 1.
pub enum Links<const N: usize> {}

impl<const N: usize> Variables for Links<N> {
    type Field<T: Real> = GaugeField<T, N>;
    type Momenta<T: Real> = MomentumField<T, N>;

    fn cold<T: Real>(lattice: &Arc<Lattice>) -> Result<GaugeField<T, N>, LatticeError> {
        GaugeField::cold(lattice)
    }

    fn momenta<T: Real>(lattice: &Arc<Lattice>) -> Result<MomentumField<T, N>, LatticeError> {
        MomentumField::zeroed(lattice)
    }

    fn drift<T: Real>(field: &mut GaugeField<T, N>, momenta: &MomentumField<T, N>, epsilon: f64) {
        field.drift(momenta, epsilon);
    }

    fn restore<T: Real>(field: &mut GaugeField<T, N>) {
        field.reunitarise();
    }

    fn draw<T: Real>(field: &mut GaugeField<T, N>, address: Address) {
        field.draw_haar(address);
    }

    fn add_log_prior<T: Real>(_: &GaugeField<T, N>, _: &mut [f64]) {}

    fn prior_score<T: Real>(_: &GaugeField<T, N>, score: &mut MomentumField<T, N>) {
        score.fill(T::default());
    }
}

/// Real scalars; the prior has independent Gaussians of variance 1.
pub enum Scalars {}

impl Variables for Scalars {
    type Field<T: Real> = ScalarField<T>;
    type Momenta<T: Real> = ScalarField<T>;

    fn cold<T: Real>(lattice: &Arc<Lattice>) -> Result<ScalarField<T>, LatticeError> {
        ScalarField::zeroed(lattice)
    }

    fn momenta<T: Real>(lattice: &Arc<Lattice>) -> Result<ScalarField<T>, LatticeError> {
        ScalarField::zeroed(lattice)
    }

    fn drift<T: Real>(field: &mut ScalarField<T>, momenta: &ScalarField<T>, epsilon: f64) {
        field.drift(momenta, epsilon);
    }

    fn restore<T: Real>(_: &mut ScalarField<T>) {}

    fn draw<T: Real>(field: &mut ScalarField<T>, address: Address) {
        field.draw_gaussian(address);
    }

    /// −½ Σ φ² − ½ V ln 2π.
    fn add_log_prior<T: Real>(field: &ScalarField<T>, log_density: &mut [f64]) {
        let constant = 0.5 * field.lattice().volume() as f64 * TAU.ln();
        log_density.iter_mut().zip(field.norm2()).for_each(|(log, square)| *log -= 0.5 * square + constant);
    }

    fn prior_score<T: Real>(field: &ScalarField<T>, score: &mut ScalarField<T>) {
        score.fill(T::default());
        score.drift(field, -1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LatticeOptions;
    use crate::rng::Purpose;

    /// ln r = Σ (−½ φ² − ½ ln 2π), added number by number; its derivative is −φ.
    #[test]
    fn the_prior_of_scalars_is_that_of_gaussians() {
        let lattice = Lattice::new(&[4, 6], LatticeOptions::default()).unwrap();
        let mut phi = ScalarField::<f64>::zeroed(&lattice).unwrap();
        Scalars::draw(&mut phi, Address::new(7, Purpose::Start));
        let mut expected = 0.25;
        for site in 0..24u64 {
            let x = Address::new(7, Purpose::Start).generator().stream(site).gaussian_pair().0;
            expected -= 0.5 * x * x + 0.918_938_533_204_672_8;
        }
        let mut log = [0.25];
        Scalars::add_log_prior(&phi, &mut log);
        assert!((log[0] - expected).abs() < 1e-12, "{} {expected}", log[0]);
        let mut score = ScalarField::zeroed(&lattice).unwrap();
        Scalars::prior_score(&phi, &mut score);
        assert!(score.as_slice().iter().zip(phi.as_slice()).all(|(s, x)| *s == -x));
    }
}
