//! Hybrid Monte Carlo of a real scalar, as [`Hmc`](crate::hmc::Hmc) for links: φ̇ = π, π̇ = −∂S/∂φ.
//!
//! Trajectories differ in length. Free modes are oscillators: were all trajectories as long, a mode whose half period is that
//! length would come back to ∓φ for ever, and φ² with it (Mackenzie, Phys. Lett. B 226 (1989) 369).

use crate::dynamics::{Dynamics, Hamiltonian};
use crate::hmc::{Outcome, Trajectory};
use crate::metropolis::accept;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Lattice, ScalarField, Scalars};
use gaugelink_physics::PhysicsError;
use gaugelink_physics::action::Phi4;
use std::convert::Infallible;
use std::sync::Arc;

/// Hybrid Monte Carlo of φ⁴ theory, with its workspace.
pub struct ScalarHmc {
    dynamics: Dynamics<Scalars>,
    action: Phi4,
}

impl Hamiltonian<Scalars> for Phi4 {
    type Error = Infallible;

    fn refresh(&mut self, phi: &ScalarField<f64>, _: Address) -> Result<Vec<f64>, Infallible> {
        Ok(self.values(phi))
    }

    fn value(&mut self, phi: &ScalarField<f64>) -> Result<Vec<f64>, Infallible> {
        Ok(self.values(phi))
    }

    fn kick(
        &mut self,
        _: usize,
        phi: &ScalarField<f64>,
        momenta: &mut ScalarField<f64>,
        epsilon: f64,
    ) -> Result<(), Infallible> {
        self.accumulate(phi, momenta, -epsilon, 1.0);
        Ok(())
    }
}

impl ScalarHmc {
    /// Allocates the workspace.
    ///
    /// # Errors
    /// Those of [`Trajectory::moves`]; no memory.
    pub fn new(lattice: &Arc<Lattice>, action: Phi4, trajectory: Trajectory) -> Result<Self, PhysicsError> {
        Ok(Self { dynamics: Dynamics::new(lattice, trajectory.moves()?)?, action })
    }

    /// One trajectory on every chain of the field, as [`Hmc::update`](crate::hmc::Hmc::update), between half as long as told and
    /// as long, uniformly, the same in all chains. Collective.
    pub fn update(&mut self, phi: &mut ScalarField<f64>, address: Address) -> Outcome {
        let drawn = Address { purpose: Purpose::Length, ..address }.generator().stream(0).uniform();
        self.dynamics.stretch(0.5 + 0.5 * drawn);
        let Ok(outcome) = self.dynamics.run(phi, &mut self.action, address, accept);
        outcome
    }

    /// How far a trajectory forth and back misses its start, as
    /// [`Hmc::reversibility`](crate::hmc::Hmc::reversibility); φ is put back. Collective.
    pub fn reversibility(&mut self, phi: &mut ScalarField<f64>, address: Address) -> (f64, f64) {
        let Ok(off) = self.dynamics.reversibility(phi, &mut self.action, address);
        off
    }
}
