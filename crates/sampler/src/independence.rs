//! Independence Metropolis: proposals that a flow draws anew each time (Albergo, Kanwar and Shanahan, arXiv:1904.12072).
//!
//! A proposal U' = f(V') with V' from Haar measure has the density q(U'); it is taken with probability min(1, w'/w),
//! w = e^{−S}/q. Whatever the flow, the chain samples e^{−S}; a poor one only makes it slow, with long runs of rejections.

use crate::hmc::Outcome;
use crate::metropolis::accept;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice};
use gaugelink_models::{Flow, ModelError};
use gaugelink_physics::action::Action;
use std::sync::Arc;

/// The update, with the flow, a proposal's links, and the weight of the links that the chain is at.
pub struct Independence<const N: usize> {
    flow: Flow<f64, N>,
    proposal: GaugeField<f64, N>,
    log_q: Vec<f64>,
    /// ln w of each chain's links, once known.
    log_weight: Option<Vec<f64>>,
}

impl<const N: usize> Independence<N> {
    /// With a flow placed on `lattice`.
    ///
    /// # Errors
    /// No memory.
    pub fn new(lattice: &Arc<Lattice>, flow: Flow<f64, N>) -> Result<Self, ModelError> {
        let (proposal, chains) = (GaugeField::cold(lattice)?, lattice.chains());
        Ok(Self { flow, proposal, log_q: vec![0.0; chains], log_weight: None })
    }

    /// Weighs links that did not come from this update. Collective.
    ///
    /// # Errors
    /// [`ModelError::NotConverged`] where the flow's inverse is not found, [`ModelError::NotFinite`] where a weight is
    /// none; the next update then weighs its links anew.
    pub fn weigh(&mut self, u: &GaugeField<f64, N>, action: &dyn Action<N>) -> Result<(), ModelError> {
        self.log_weight = None;
        self.proposal.copy_from(u);
        self.flow.log_density(&mut self.proposal, &mut self.log_q)?;
        self.know(u, action)
    }

    /// Takes the weights of links whose density is in `log_q`.
    fn know(&mut self, u: &GaugeField<f64, N>, action: &dyn Action<N>) -> Result<(), ModelError> {
        self.log_weight = Some(finite(log_weights(&action.value(u), &self.log_q))?);
        Ok(())
    }

    /// `u` ← a draw of the flow, from which a chain begins where it soon samples. Collective.
    ///
    /// # Errors
    /// [`ModelError::NotFinite`] where the draw has no weight.
    pub fn begin(
        &mut self,
        u: &mut GaugeField<f64, N>,
        action: &dyn Action<N>,
        address: Address,
    ) -> Result<(), ModelError> {
        self.log_weight = None;
        self.flow.sample(address, u, &mut self.log_q);
        self.know(u, action)
    }

    /// One proposal for every chain of the field. Collective.
    ///
    /// Links and the accept step draw from `address` with purposes of their own, so updates differ by its `trajectory`.
    /// The first update weighs the links at hand with the flow's inverse; later ones know their weight. In the outcome,
    /// ΔH is ln w − ln w'; one that is not a number counts as a rejection.
    ///
    /// # Errors
    /// As [`Independence::weigh`], at the first update.
    pub fn update(
        &mut self,
        u: &mut GaugeField<f64, N>,
        action: &dyn Action<N>,
        address: Address,
    ) -> Result<Outcome, ModelError> {
        if self.log_weight.is_none() {
            self.weigh(u, action)?;
        }
        let from = Address { purpose: Purpose::Proposal, ..address };
        self.flow.sample(from, &mut self.proposal, &mut self.log_q);
        let proposed = log_weights(&action.value(&self.proposal), &self.log_q);
        let current = self.log_weight.get_or_insert_default();
        let delta_h: Vec<f64> = current.iter().zip(&proposed).map(|(now, then)| now - then).collect();
        let accepted = accept(&delta_h, address);
        for (chain, _) in accepted.iter().enumerate().filter(|(_, taken)| **taken) {
            current[chain] = proposed[chain];
        }
        u.copy_chains_from(&self.proposal, &accepted);
        Ok(Outcome { delta_h, accepted })
    }
}

/// The weights, if each is one.
fn finite(weights: Vec<f64>) -> Result<Vec<f64>, ModelError> {
    match weights.iter().enumerate().find(|(_, weight)| !weight.is_finite()) {
        None => Ok(weights),
        Some((chain, weight)) => Err(ModelError::NotFinite(format!(
            "the links of chain {chain} have the log weight {weight} under the flow: start from links of the group whose \
             action is finite"
        ))),
    }
}

/// ln w = −S − ln q.
fn log_weights(actions: &[f64], log_q: &[f64]) -> Vec<f64> {
    actions.iter().zip(log_q).map(|(action, log_q)| -action - log_q).collect()
}
