//! One thread's share of the work: a lattice with a configuration in every lane, and a flow on it.

use crate::target::{FieldOf, MomentaOf, Target};
use crate::{Estimator, GaugeTarget, TrainError};
use gaugelink_lattice::rng::Address;
use gaugelink_lattice::{Field, LaneMeaning, Lattice, LatticeOptions, Real, Variables};
use gaugelink_models::{FlowOf, ModelError};
use gaugelink_physics::dirac::Quark;
use std::sync::Arc;

/// Places a flow on a lattice, with any parameters.
pub type PlaceFlow<'a, T, M> = dyn Fn(&Arc<Lattice>) -> Result<FlowOf<T, M>, ModelError> + 'a;

/// A group of configurations, one a lane, drawn from a flow and weighed with the action.
pub struct Group<T: Real, A: Target<T>> {
    pub(crate) flow: FlowOf<T, A::Variables>,
    pub(crate) variables: FieldOf<A, T>,
    pub(crate) cotangent: MomentaOf<A, T>,
    target: A,
}

impl<T: Real, const N: usize> Group<T, GaugeTarget<N>> {
    /// Adds two flavours of quarks to the action.
    pub fn add_quarks(&mut self, quark: Quark) -> Result<(), TrainError> {
        self.target.add_quarks(self.variables.lattice(), quark)
    }
}

impl<T: Real, A: Target<T>> Group<T, A> {
    /// On a lattice of its own, with one thread.
    pub fn new(
        extents: &[usize],
        target: A,
        place: &PlaceFlow<'_, T, A::Variables>,
    ) -> Result<Self, TrainError> {
        let lanes = LaneMeaning::Batch { chains: T::LANES };
        let lattice =
            Lattice::new(extents, LatticeOptions { threads: 1, lanes, ..LatticeOptions::default() })?;
        let (variables, cotangent) =
            (A::Variables::cold::<T>(&lattice)?, A::Variables::momenta::<T>(&lattice)?);
        Ok(Self { flow: place(&lattice)?, variables, cotangent, target })
    }

    /// Replaces the flow's parameters.
    pub fn set_parameters(&mut self, parameters: &[f64]) -> Result<(), TrainError> {
        Ok(self.flow.set_parameters(parameters.to_vec())?)
    }

    /// Replaces β.
    pub fn set_beta(&mut self, beta: f64) {
        self.target.set_beta(beta);
    }

    /// How many parameters the flow takes.
    pub fn parameters(&self) -> usize {
        self.flow.parameters().len()
    }

    /// Extents.
    pub fn extents(&self) -> Vec<usize> {
        let geometry = self.variables.lattice().geometry();
        geometry.extents()[..geometry.dims()].to_vec()
    }

    /// What it is weighed with.
    pub fn target(&self) -> &A {
        &self.target
    }

    /// ln q + S of configurations that the flow draws from an address on.
    ///
    /// # Errors
    /// Those of the action.
    pub fn sample(&mut self, address: Address, losses: &mut [f64]) -> Result<(), TrainError> {
        self.flow.sample(address, &mut self.variables, losses);
        let actions = self.target.values(&self.variables)?;
        losses.iter_mut().zip(actions).for_each(|(loss, action)| *loss += action);
        Ok(())
    }

    /// The same, and adds `share` × an estimate of the gradient of their sum to `gradient`.
    ///
    /// # Errors
    /// Those of the action, and of layers without a score, where the estimator needs it.
    pub fn sample_with_gradient(
        &mut self,
        estimator: Estimator,
        address: Address,
        share: f64,
        losses: &mut [f64],
        gradient: &mut [f64],
    ) -> Result<(), TrainError> {
        let (variables, cotangent) = (&mut self.variables, &mut self.cotangent);
        self.flow.draw(address, variables, losses);
        // ln r less the log det is ln q.
        losses.iter_mut().for_each(|loss| *loss = -*loss);
        match estimator {
            Estimator::Reparametrised => self.flow.record(variables, losses),
            Estimator::Path | Estimator::Score => {
                self.flow.record_with_score(variables, losses, cotangent)?;
            }
        }
        let actions = match estimator {
            Estimator::Reparametrised => self.target.accumulate(variables, cotangent, share, 0.0)?,
            Estimator::Path => self.target.accumulate(variables, cotangent, share, share)?,
            Estimator::Score => self.target.values(variables)?,
        };
        losses.iter_mut().zip(actions).for_each(|(loss, action)| *loss = action - *loss);
        let weight = match estimator {
            Estimator::Reparametrised => vec![-share; T::LANES],
            Estimator::Path => vec![0.0; T::LANES],
            Estimator::Score => {
                let weight = less_the_others(losses, -share);
                scale(cotangent, &weight);
                weight
            }
        };
        self.flow.backward(variables, cotangent, &weight, Some(gradient));
        Ok(())
    }
}

/// `scale` × (each number less the mean of the others).
fn less_the_others(numbers: &[f64], scale: f64) -> Vec<f64> {
    let (sum, others) = (numbers.iter().sum::<f64>(), numbers.len() as f64 - 1.0);
    numbers.iter().map(|x| scale * (x - (sum - x) / others)).collect()
}

/// Multiplies the momenta of each configuration by a factor of its own.
fn scale<T: Real>(momenta: &mut Field<T>, factors: &[f64]) {
    for lanes in momenta.as_mut_slice().chunks_exact_mut(T::LANES) {
        lanes.iter_mut().zip(factors).for_each(|(x, &factor)| *x = *x * T::from_f64(factor));
    }
}
