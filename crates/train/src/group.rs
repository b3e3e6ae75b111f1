//! One thread's share of the work: a lattice with a configuration in every lane, and a flow on it.

use crate::{Estimator, TrainError};
use gaugelink_lattice::rng::Address;
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions, MomentumField, Real};
use gaugelink_models::{Flow, ModelError};
use gaugelink_physics::action::WilsonAction;
use std::sync::Arc;

/// Places a flow on a lattice, with any parameters.
pub type PlaceFlow<'a, T, const N: usize> = dyn Fn(&Arc<Lattice>) -> Result<Flow<T, N>, ModelError> + 'a;

/// A group of configurations, one a lane, drawn from a flow and weighed with Wilson's action.
pub struct Group<T: Real, const N: usize> {
    flow: Flow<T, N>,
    links: GaugeField<T, N>,
    cotangent: MomentumField<T, N>,
    beta: f64,
}

impl<T: Real, const N: usize> Group<T, N> {
    /// On a lattice of its own, with one thread.
    pub fn new(extents: &[usize], beta: f64, place: &PlaceFlow<'_, T, N>) -> Result<Self, TrainError> {
        let lanes = LaneMeaning::Batch { chains: T::LANES };
        let lattice =
            Lattice::new(extents, LatticeOptions { threads: 1, lanes, ..LatticeOptions::default() })?;
        let (links, cotangent) = (GaugeField::cold(&lattice)?, MomentumField::zeroed(&lattice)?);
        Ok(Self { flow: place(&lattice)?, links, cotangent, beta })
    }

    /// Replaces the flow's parameters.
    pub fn set_parameters(&mut self, parameters: &[f64]) -> Result<(), TrainError> {
        Ok(self.flow.set_parameters(parameters.to_vec())?)
    }

    /// Replaces β.
    pub fn set_beta(&mut self, beta: f64) {
        self.beta = beta;
    }

    /// How many parameters the flow takes.
    pub fn parameters(&self) -> usize {
        self.flow.parameters().len()
    }

    /// Extents and β.
    pub fn theory(&self) -> (Vec<usize>, f64) {
        let geometry = self.links.lattice().geometry();
        (geometry.extents()[..geometry.dims()].to_vec(), self.beta)
    }

    /// S = β Σ (1 − Re tr P/N) of each configuration.
    fn action(&self) -> Vec<f64> {
        WilsonAction::new(self.beta).values(&self.links)
    }

    /// ln q + S of configurations that the flow makes of Haar-distributed links from an address on.
    pub fn sample(&mut self, address: Address, losses: &mut [f64]) {
        self.flow.sample(address, &mut self.links, losses);
        losses.iter_mut().zip(self.action()).for_each(|(loss, action)| *loss += action);
    }

    /// The same, and adds `share` × the gradient of their sum to `gradient`.
    ///
    /// # Errors
    /// Those of layers without a score, where the estimator needs it.
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
        // What of the score is added to the force, and the weight of the log det.
        let (of_score, weight) = match estimator {
            Estimator::Reparametrised => {
                self.flow.record(&mut self.links, losses);
                (0.0, -share)
            }
            Estimator::Path => {
                self.flow.record_with_score(&mut self.links, losses, &mut self.cotangent)?;
                (share, 0.0)
            }
        };
        losses.iter_mut().zip(self.action()).for_each(|(loss, action)| *loss = action - *loss);
        WilsonAction::new(self.beta).accumulate(&self.links, &mut self.cotangent, share, of_score);
        let weight = vec![weight; T::LANES];
        self.flow.backward(&mut self.links, &mut self.cotangent, &weight, Some(gradient));
        Ok(())
    }
}
