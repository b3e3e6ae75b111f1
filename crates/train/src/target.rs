//! What a flow is trained towards.

use crate::TrainError;
use gaugelink_lattice::{Real, ScalarField, Scalars, Variables};
use gaugelink_physics::action::Phi4;
use serde_json::{Value, json};

/// The weight e^{−S} of a theory, for flows in precision `T`: of a group of configurations, one in each lane.
pub trait Target<T: Real>: Send {
    /// What the theory is made of.
    type Variables: Variables;

    /// S of each configuration.
    ///
    /// # Errors
    /// Those of the action.
    fn values(&mut self, u: &FieldOf<Self, T>) -> Result<Vec<f64>, TrainError>;

    /// `cotangent` ← `keep` × `cotangent` + `share` × ∂S; S of each configuration.
    ///
    /// # Errors
    /// Those of the action and its derivative.
    fn accumulate(
        &mut self,
        u: &FieldOf<Self, T>,
        cotangent: &mut MomentaOf<Self, T>,
        share: f64,
        keep: f64,
    ) -> Result<Vec<f64>, TrainError>;

    /// The coupling that a training may approach step by step, where there is one.
    fn beta(&self) -> Option<f64> {
        None
    }

    /// Replaces that coupling.
    fn set_beta(&mut self, _beta: f64) {}

    /// Which theory it is but for that coupling, by the keys of a checkpoint.
    fn in_words(&self) -> Vec<(&'static str, Value)>;
}

/// Configurations of a target.
pub type FieldOf<A, T> = <<A as Target<T>>::Variables as Variables>::Field<T>;
/// Derivatives with respect to them.
pub type MomentaOf<A, T> = <<A as Target<T>>::Variables as Variables>::Momenta<T>;

impl<T: Real> Target<T> for Phi4 {
    type Variables = Scalars;

    fn values(&mut self, phi: &ScalarField<T>) -> Result<Vec<f64>, TrainError> {
        Ok(Phi4::values(self, phi))
    }

    fn accumulate(
        &mut self,
        phi: &ScalarField<T>,
        cotangent: &mut ScalarField<T>,
        share: f64,
        keep: f64,
    ) -> Result<Vec<f64>, TrainError> {
        Phi4::accumulate(self, phi, cotangent, share, keep);
        Ok(Phi4::values(self, phi))
    }

    fn in_words(&self) -> Vec<(&'static str, Value)> {
        vec![("theory", json!("phi4")), ("mass2", json!(self.mass2)), ("lambda", json!(self.lambda))]
    }
}
