//! Molecular dynamics: the trajectories of H = ½ Σ π² + S, for any S that has a value and kicks.
//!
//! One engine for [`Hmc`](crate::hmc::Hmc) and [`ScalarHmc`](crate::scalar_hmc::ScalarHmc), whose one action never fails,
//! and [`NestedHmc`](crate::nested::NestedHmc), whose terms may.

use crate::hmc::Outcome;
use crate::integrator::Move;
use gaugelink_lattice::rng::{Address, Purpose, fill_gaussian};
use gaugelink_lattice::{Lattice, LatticeError, Variables};
use std::sync::Arc;

/// S, all terms together. All methods are collective.
pub(crate) trait Hamiltonian<M: Variables> {
    /// Why it has no value or no force.
    type Error;

    /// Draws what is drawn for a trajectory from `u`; S for each chain.
    fn refresh(&mut self, u: &M::Field<f64>, address: Address) -> Result<Vec<f64>, Self::Error>;

    /// S for each chain.
    fn value(&mut self, u: &M::Field<f64>) -> Result<Vec<f64>, Self::Error>;

    /// π ← π − ε ∂S with the terms of one level.
    fn kick(
        &mut self,
        level: usize,
        u: &M::Field<f64>,
        p: &mut M::Momenta<f64>,
        epsilon: f64,
    ) -> Result<(), Self::Error>;
}

/// The moves of a trajectory with their workspace: momenta and a copy of the variables.
pub(crate) struct Dynamics<M: Variables> {
    moves: Vec<Move>,
    /// By which the moves are longer or shorter than they are.
    factor: f64,
    momenta: M::Momenta<f64>,
    saved: M::Field<f64>,
}

impl<M: Variables> Dynamics<M> {
    pub fn new(lattice: &Arc<Lattice>, moves: Vec<Move>) -> Result<Self, LatticeError> {
        Ok(Self { moves, factor: 1.0, momenta: M::momenta::<f64>(lattice)?, saved: M::cold::<f64>(lattice)? })
    }

    /// Makes the moves of the next trajectories longer or shorter by a factor.
    pub fn stretch(&mut self, factor: f64) {
        self.factor = factor;
    }

    /// One trajectory, taken by the chains that `take` chooses from ΔH. After an error the links are as before.
    pub fn run<S: Hamiltonian<M>>(
        &mut self,
        u: &mut M::Field<f64>,
        s: &mut S,
        address: Address,
        take: impl Fn(&[f64], Address) -> Vec<bool>,
    ) -> Result<Outcome, S::Error> {
        let [start, end] = self.or_back(u, |dynamics, u| {
            let start = dynamics.start(u, s, address)?;
            Ok([start, dynamics.integrate(u, s)?])
        })?;
        M::restore::<f64>(u);
        let delta_h: Vec<f64> = end.iter().zip(start).map(|(end, start)| end - start).collect();
        let accepted = take(&delta_h, address);
        let rejected: Vec<bool> = accepted.iter().map(|a| !a).collect();
        u.copy_chains_from(&self.saved, &rejected);
        Ok(Outcome { delta_h, accepted })
    }

    /// How far a trajectory forth and back misses its start: see [`Hmc::reversibility`](crate::hmc::Hmc::reversibility).
    pub fn reversibility<S: Hamiltonian<M>>(
        &mut self,
        u: &mut M::Field<f64>,
        s: &mut S,
        address: Address,
    ) -> Result<(f64, f64), S::Error> {
        let [start, back] = self.or_back(u, |dynamics, u| {
            let start = dynamics.start(u, s, address)?;
            dynamics.integrate(u, s)?;
            dynamics.momenta.as_mut_slice().iter_mut().for_each(|p| *p = -*p);
            Ok([start, dynamics.integrate(u, s)?])
        })?;
        let off = largest(u.as_slice().iter().zip(self.saved.as_slice()).map(|(a, b)| (a - b).abs()));
        let energy = largest(start.iter().zip(back).map(|(a, b)| (a - b).abs()));
        u.copy_from(&self.saved);
        Ok((u.lattice().comm().max(off), energy))
    }

    /// Keeps the links, and puts them back where `work` fails.
    fn or_back<R, E>(
        &mut self,
        u: &mut M::Field<f64>,
        work: impl FnOnce(&mut Self, &mut M::Field<f64>) -> Result<R, E>,
    ) -> Result<R, E> {
        self.saved.copy_from(u);
        let result = work(self, u);
        if result.is_err() {
            u.copy_from(&self.saved);
        }
        result
    }

    /// Draws momenta and what S has to draw; returns H for each chain.
    fn start<S: Hamiltonian<M>>(
        &mut self,
        u: &M::Field<f64>,
        s: &mut S,
        address: Address,
    ) -> Result<Vec<f64>, S::Error> {
        fill_gaussian(&mut self.momenta, Address { purpose: Purpose::Momenta, ..address });
        let value = s.refresh(u, address)?;
        Ok(self.energy(value))
    }

    /// Follows the equations of motion from the momenta at hand; returns H at the end for each chain.
    fn integrate<S: Hamiltonian<M>>(
        &mut self,
        u: &mut M::Field<f64>,
        s: &mut S,
    ) -> Result<Vec<f64>, S::Error> {
        for &step in &self.moves {
            match step {
                Move::Kick { level, epsilon } => {
                    s.kick(level, u, &mut self.momenta, epsilon * self.factor)?
                }
                Move::Drift(epsilon) => M::drift::<f64>(u, &self.momenta, epsilon * self.factor),
            }
        }
        let value = s.value(u)?;
        Ok(self.energy(value))
    }

    fn energy(&self, value: Vec<f64>) -> Vec<f64> {
        self.momenta.norm2().iter().zip(value).map(|(squares, s)| 0.5 * squares + s).collect()
    }
}

/// The largest of numbers that are not negative; NaN where one is.
pub(crate) fn largest(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers.fold(0.0, |most, x| if x > most || x.is_nan() { x } else { most })
}
