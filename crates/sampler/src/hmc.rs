//! Hybrid Monte Carlo (Duane, Kennedy, Pendleton, Roweth, Phys. Lett. B 195 (1987) 216).
//!
//! Momenta are drawn from exp(−½ Σ π²), links and momenta follow the equations of motion of
//! H = ½ Σ π² + S(U) for a trajectory, and the new links are accepted with probability min(1, exp(−ΔH)).

use crate::integrator::{Integrator, Move};
use crate::metropolis::accept;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice, MomentumField};
use gaugelink_physics::PhysicsError;
use gaugelink_physics::action::Action;
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
        let Some(steps) = NonZeroUsize::new(self.steps) else {
            return Err(PhysicsError::Parameter("a trajectory of 0 steps: give 1 or more".into()));
        };
        if !(self.length > 0.0 && self.length.is_finite()) {
            return Err(PhysicsError::Parameter(format!(
                "a trajectory of length {}: give a number above 0 (1 is usual)",
                self.length
            )));
        }
        Ok(self.integrator.moves(steps, self.length))
    }
}

/// What a trajectory did, for each chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// ΔH = H(end) − H(start).
    pub delta_h: Vec<f64>,
    /// Whether the new links were taken.
    pub accepted: Vec<bool>,
}

/// Hybrid Monte Carlo with its workspace: momenta and a copy of the links.
pub struct Hmc<const N: usize> {
    moves: Vec<Move>,
    momenta: MomentumField<f64, N>,
    saved: GaugeField<f64, N>,
}

impl<const N: usize> Hmc<N> {
    /// Allocates the workspace.
    ///
    /// # Errors
    /// Those of [`Trajectory::moves`]; no memory.
    pub fn new(lattice: &Arc<Lattice>, trajectory: Trajectory) -> Result<Self, PhysicsError> {
        let (moves, momenta) = (trajectory.moves()?, MomentumField::zeroed(lattice)?);
        Ok(Self { moves, momenta, saved: GaugeField::cold(lattice)? })
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
        self.run(u, action, address, accept)
    }

    /// One trajectory that is taken whatever its ΔH, unless that is not a number. Collective.
    ///
    /// Brings links from far off near equilibrium: on a large lattice no trajectory of usual step size gets away from
    /// a cold start by [`Hmc::update`], for its ΔH grows with the volume. Not for measurements.
    pub fn relax(&mut self, u: &mut GaugeField<f64, N>, action: &dyn Action<N>, address: Address) -> Outcome {
        self.run(u, action, address, |delta_h, _| delta_h.iter().map(|dh| !dh.is_nan()).collect())
    }

    fn run(
        &mut self,
        u: &mut GaugeField<f64, N>,
        action: &dyn Action<N>,
        address: Address,
        take: impl Fn(&[f64], Address) -> Vec<bool>,
    ) -> Outcome {
        self.momenta.refresh(Address { purpose: Purpose::Momenta, ..address });
        self.saved.copy_from(u);
        let delta_h = self.integrate(u, action);
        u.reunitarise();
        let accepted = take(&delta_h, address);
        let rejected: Vec<bool> = accepted.iter().map(|a| !a).collect();
        u.copy_chains_from(&self.saved, &rejected);
        Outcome { delta_h, accepted }
    }

    /// Follows the equations of motion from the momenta at hand; returns ΔH for each chain.
    fn integrate(&mut self, u: &mut GaugeField<f64, N>, action: &dyn Action<N>) -> Vec<f64> {
        let energy = |p: &MomentumField<f64, N>, u: &GaugeField<f64, N>| -> Vec<f64> {
            p.kinetic().iter().zip(action.value(u)).map(|(k, s)| k + s).collect()
        };
        let start = energy(&self.momenta, u);
        for &step in &self.moves {
            match step {
                Move::Kick(epsilon) => action.kick(u, &mut self.momenta, epsilon),
                Move::Drift(epsilon) => u.drift(&self.momenta, epsilon),
            }
        }
        energy(&self.momenta, u).iter().zip(start).map(|(end, start)| end - start).collect()
    }

    /// How far a trajectory forth and back misses its start: (largest difference of a link's entry,
    /// |ΔH| there and back, the largest of the chains), NaN where it diverged. The links are put back. Collective.
    pub fn reversibility(
        &mut self,
        u: &mut GaugeField<f64, N>,
        action: &dyn Action<N>,
        address: Address,
    ) -> (f64, f64) {
        self.momenta.refresh(Address { purpose: Purpose::Momenta, ..address });
        self.saved.copy_from(u);
        let there = self.integrate(u, action);
        self.momenta.negate();
        let back = self.integrate(u, action);
        let off = largest(u.as_slice().iter().zip(self.saved.as_slice()).map(|(a, b)| (a - b).abs()));
        let energy = largest(there.iter().zip(back).map(|(a, b)| (a + b).abs()));
        u.copy_from(&self.saved);
        (u.lattice().comm().max(off), energy)
    }
}

/// The largest of numbers that are not negative; NaN where one is.
fn largest(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers.fold(0.0, |most, x| if x > most || x.is_nan() { x } else { most })
}
