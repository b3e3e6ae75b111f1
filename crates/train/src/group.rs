//! One thread's share of the work: a lattice with a configuration in every lane, and a flow on it.

use crate::target::Target;
use crate::{Estimator, TrainError};
use gaugelink_lattice::rng::Address;
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions, MomentumField, Real};
use gaugelink_models::{Flow, ModelError};
use gaugelink_physics::dirac::Quark;
use std::sync::Arc;

/// Places a flow on a lattice, with any parameters.
pub type PlaceFlow<'a, T, const N: usize> = dyn Fn(&Arc<Lattice>) -> Result<Flow<T, N>, ModelError> + 'a;

/// A group of configurations, one a lane, drawn from a flow and weighed with the action.
pub struct Group<T: Real, const N: usize> {
    flow: Flow<T, N>,
    links: GaugeField<T, N>,
    cotangent: MomentumField<T, N>,
    target: Target<N>,
}

impl<T: Real, const N: usize> Group<T, N> {
    /// On a lattice of its own, with one thread, for Wilson's action.
    pub fn new(extents: &[usize], beta: f64, place: &PlaceFlow<'_, T, N>) -> Result<Self, TrainError> {
        let lanes = LaneMeaning::Batch { chains: T::LANES };
        let lattice =
            Lattice::new(extents, LatticeOptions { threads: 1, lanes, ..LatticeOptions::default() })?;
        let (links, cotangent) = (GaugeField::cold(&lattice)?, MomentumField::zeroed(&lattice)?);
        Ok(Self { flow: place(&lattice)?, links, cotangent, target: Target::new(beta) })
    }

    /// Replaces the flow's parameters.
    pub fn set_parameters(&mut self, parameters: &[f64]) -> Result<(), TrainError> {
        Ok(self.flow.set_parameters(parameters.to_vec())?)
    }

    /// Replaces β.
    pub fn set_beta(&mut self, beta: f64) {
        self.target.set_beta(beta);
    }

    /// Adds two flavours of quarks to the action.
    pub fn add_quarks(&mut self, quark: Quark) -> Result<(), TrainError> {
        self.target.add_quarks(self.links.lattice(), quark)
    }

    /// How many parameters the flow takes.
    pub fn parameters(&self) -> usize {
        self.flow.parameters().len()
    }

    /// Extents and β.
    pub fn theory(&self) -> (Vec<usize>, f64) {
        let geometry = self.links.lattice().geometry();
        (geometry.extents()[..geometry.dims()].to_vec(), self.target.beta())
    }

    /// ln q + S of configurations that the flow makes of Haar-distributed links from an address on.
    ///
    /// # Errors
    /// Those of the action.
    pub fn sample(&mut self, address: Address, losses: &mut [f64]) -> Result<(), TrainError> {
        self.flow.sample(address, &mut self.links, losses);
        let actions = self.target.values(&self.links)?;
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
        self.links.draw_haar(address);
        losses.fill(0.0);
        let (links, cotangent) = (&mut self.links, &mut self.cotangent);
        match estimator {
            Estimator::Reparametrised => self.flow.record(links, losses),
            Estimator::Path | Estimator::Score => self.flow.record_with_score(links, losses, cotangent)?,
        }
        let actions = match estimator {
            Estimator::Reparametrised => self.target.accumulate(links, cotangent, share, 0.0)?,
            Estimator::Path => self.target.accumulate(links, cotangent, share, share)?,
            Estimator::Score => self.target.values(links)?,
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
        self.flow.backward(links, cotangent, &weight, Some(gradient));
        Ok(())
    }
}

/// `scale` × (each number less the mean of the others).
fn less_the_others(numbers: &[f64], scale: f64) -> Vec<f64> {
    let (sum, others) = (numbers.iter().sum::<f64>(), numbers.len() as f64 - 1.0);
    numbers.iter().map(|x| scale * (x - (sum - x) / others)).collect()
}

/// Multiplies the momenta of each configuration by a factor of its own.
fn scale<T: Real, const N: usize>(momenta: &mut MomentumField<T, N>, factors: &[f64]) {
    for lanes in momenta.as_mut_slice().chunks_exact_mut(T::LANES) {
        lanes.iter_mut().zip(factors).for_each(|(x, &factor)| *x = *x * T::from_f64(factor));
    }
}
