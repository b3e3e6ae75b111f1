//! Hybrid Monte Carlo (Duane, Kennedy, Pendleton, Roweth, Phys. Lett. B 195 (1987) 216).
//!
//! Momenta are drawn from exp(−½ Σ π²), links and momenta follow the equations of motion of
//! H = ½ Σ π² + S(U) for a trajectory, and the new links are accepted with probability min(1, exp(−ΔH)).

use crate::dynamics::{Dynamics, Hamiltonian};
use crate::integrator::{Integrator, Move, Scale, nested_moves};
use crate::metropolis::accept;
use gaugelink_lattice::rng::Address;
use gaugelink_lattice::{GaugeField, Lattice, Links, MomentumField};
use gaugelink_physics::PhysicsError;
use gaugelink_physics::action::Action;
use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// How a trajectory is integrated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trajectory {
    /// Integrator.
    pub integrator: Integrator,
    /// Steps, 1 or more.
    pub steps: usize,
    /// Length τ > 0 in units where H = ½ Σ π² + S (Grid's τ is √2 shorter).
    pub length: f64,
}

impl Trajectory {
    /// The moves it is made of.
    ///
    /// # Errors
    /// [`PhysicsError::Parameter`] for no steps or a length that is not a positive number: such a trajectory would
    /// stand still and always be accepted.
    pub fn moves(&self) -> Result<Vec<Move>, PhysicsError> {
        moves(&[(self.integrator, self.steps)], self.length)
    }
}

/// The moves of nested levels, (integrator, steps), the outermost first.
pub(crate) fn moves(levels: &[(Integrator, usize)], length: f64) -> Result<Vec<Move>, PhysicsError> {
    let scale = |&(integrator, steps): &(Integrator, usize)| {
        let steps = NonZeroUsize::new(steps)
            .ok_or_else(|| PhysicsError::Parameter("a trajectory of 0 steps: give 1 or more".into()))?;
        Ok(Scale { integrator, steps })
    };
    let scales: Vec<Scale> = levels.iter().map(scale).collect::<Result<_, PhysicsError>>()?;
    if !(length > 0.0 && length.is_finite()) {
        return Err(PhysicsError::Parameter(format!(
            "a trajectory of length {length}: give a number above 0 (1 is usual)"
        )));
    }
    Ok(nested_moves(&scales, length))
}

/// What a trajectory did, for each chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// ΔH = H(end) − H(start).
    pub delta_h: Vec<f64>,
    /// Whether the new links were taken.
    pub accepted: Vec<bool>,
}

/// Hybrid Monte Carlo of one action that never fails, with its workspace.
///
/// [`NestedHmc`](crate::nested::NestedHmc) has several terms, each on its own time scale.
pub struct Hmc<const N: usize>(Dynamics<Links<N>>);

/// The Hamiltonian of a function of the links.
struct Plain<'a, const N: usize>(&'a dyn Action<N>);

impl<const N: usize> Hamiltonian<Links<N>> for Plain<'_, N> {
    type Error = Infallible;

    fn refresh(&mut self, u: &GaugeField<f64, N>, _: Address) -> Result<Vec<f64>, Infallible> {
        Ok(self.0.value(u))
    }

    fn value(&mut self, u: &GaugeField<f64, N>) -> Result<Vec<f64>, Infallible> {
        Ok(self.0.value(u))
    }

    fn kick(
        &mut self,
        _: usize,
        u: &GaugeField<f64, N>,
        p: &mut MomentumField<f64, N>,
        epsilon: f64,
    ) -> Result<(), Infallible> {
        self.0.kick(u, p, epsilon);
        Ok(())
    }
}

impl<const N: usize> Hmc<N> {
    /// Allocates the workspace.
    ///
    /// # Errors
    /// Those of [`Trajectory::moves`]; no memory.
    pub fn new(lattice: &Arc<Lattice>, trajectory: Trajectory) -> Result<Self, PhysicsError> {
        Ok(Self(Dynamics::new(lattice, trajectory.moves()?)?))
    }

    /// One trajectory on every chain of the field. Collective.
    ///
    /// Momenta and the accept step draw from `address` with their own purposes, so trajectories differ by its
    /// `trajectory`. A ΔH that is not a number counts as a rejection.
    pub fn update(
        &mut self,
        u: &mut GaugeField<f64, N>,
        action: &dyn Action<N>,
        address: Address,
    ) -> Outcome {
        let Ok(outcome) = self.0.run(u, &mut Plain(action), address, accept);
        outcome
    }

    /// One trajectory that is taken whatever its ΔH, unless that is not a number. Collective.
    ///
    /// Brings links from far off near equilibrium: on a large lattice no trajectory of usual step size gets away from
    /// a cold start by [`Hmc::update`], for its ΔH grows with the volume. Not for measurements.
    pub fn relax(&mut self, u: &mut GaugeField<f64, N>, action: &dyn Action<N>, address: Address) -> Outcome {
        let Ok(outcome) = self.0.run(u, &mut Plain(action), address, take_numbers);
        outcome
    }

    /// How far a trajectory forth and back misses its start: (largest difference of a link's entry,
    /// |ΔH| there and back, the largest of the chains), NaN where it diverged. The links are put back. Collective.
    pub fn reversibility(
        &mut self,
        u: &mut GaugeField<f64, N>,
        action: &dyn Action<N>,
        address: Address,
    ) -> (f64, f64) {
        let Ok(off) = self.0.reversibility(u, &mut Plain(action), address);
        off
    }
}

/// Takes every chain whose ΔH is a number.
pub(crate) fn take_numbers(delta_h: &[f64], _: Address) -> Vec<bool> {
    delta_h.iter().map(|dh| !dh.is_nan()).collect()
}
