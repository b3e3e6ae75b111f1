//! Hybrid Monte Carlo guided by a force that is not the gradient of its action.
//!
//! Kicks π ← π − ε F̂(U) by any force F̂ that depends on the links alone are shears: they leave the integrators
//! reversible and keep the volume of phase space. With H of the true action in the accept step the chain is exact; how
//! well F̂ estimates the true force decides the acceptance only (Duane, Kennedy, Pendleton, Roweth, Phys. Lett. B 195
//! (1987) 216; with learned forces: Nagai and Tomiya, Phys. Rev. D 111 (2025) 074501).

use gaugelink_lattice::{GaugeField, MomentumField};
use gaugelink_physics::action::{Action, Force};

/// The value of one action with the kicks of another force, for [`Hmc`](crate::hmc::Hmc).
#[derive(Clone, Copy)]
pub struct Guided<'a, const N: usize> {
    /// Kicks the momenta.
    pub force: &'a dyn Force<N>,
    /// Enters ΔH: the action that is sampled.
    pub action: &'a dyn Action<N>,
}

impl<const N: usize> Action<N> for Guided<'_, N> {
    fn name(&self) -> String {
        format!("{}, guided by the force of {}", self.action.name(), self.force.name())
    }

    fn value(&self, u: &GaugeField<f64, N>) -> Vec<f64> {
        self.action.value(u)
    }

    fn kick(&self, u: &GaugeField<f64, N>, p: &mut MomentumField<f64, N>, epsilon: f64) {
        self.force.kick(u, p, epsilon);
    }
}
