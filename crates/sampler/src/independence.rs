//! Independence Metropolis: proposals that a flow draws anew each time (Albergo, Kanwar and Shanahan, arXiv:1904.12072).
//!
//! A proposal U' = f(V') with V' from the flow's prior has the density q(U'); it is taken with probability min(1, w'/w),
//! w = e^{−S}/q. Whatever the flow, the chain samples e^{−S}; a poor one only makes it slow, with long runs of rejections.

use crate::hmc::Outcome;
use crate::metropolis::accept;
use crate::mixture::Mixture;
use crate::transformation::{Transformation, TransformationError};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice, LatticeError, Links, ScalarField, Scalars, Variables};
use gaugelink_models::{FlowOf, ModelError};
use std::sync::Arc;

/// S of a configuration, one number a chain, that draws are weighed with. Collective.
pub type ActionOfField<'a, M> =
    dyn Fn(&<M as Variables>::Field<f64>) -> Result<Vec<f64>, TransformationError> + 'a;

/// S of links.
pub type ActionOf<'a, const N: usize> = ActionOfField<'a, Links<N>>;

/// A density q that can be drawn from and asked for.
pub trait Draws<M: Variables> {
    /// `field` ← a draw from q, `log_q` ← ln q of it. Collective.
    ///
    /// # Errors
    /// Whatever keeps it from working.
    fn draw(
        &mut self,
        field: &mut M::Field<f64>,
        log_q: &mut [f64],
        address: Address,
    ) -> Result<(), TransformationError>;

    /// `log_q` ← ln q of a configuration. Collective.
    ///
    /// # Errors
    /// As [`Draws::draw`]; an inverse that is not found.
    fn log_density(&mut self, field: &M::Field<f64>, log_q: &mut [f64]) -> Result<(), TransformationError>;
}

impl<F: Transformation<N>, const N: usize> Draws<Links<N>> for Mixture<F, N> {
    fn draw(
        &mut self,
        field: &mut GaugeField<f64, N>,
        log_q: &mut [f64],
        address: Address,
    ) -> Result<(), TransformationError> {
        Mixture::draw(self, field, log_q, address)
    }

    fn log_density(
        &mut self,
        field: &GaugeField<f64, N>,
        log_q: &mut [f64],
    ) -> Result<(), TransformationError> {
        Mixture::log_density(self, field, log_q)
    }
}

impl Draws<Scalars> for FlowOf<f64, Scalars> {
    fn draw(
        &mut self,
        field: &mut ScalarField<f64>,
        log_q: &mut [f64],
        address: Address,
    ) -> Result<(), TransformationError> {
        self.sample(address, field, log_q);
        Ok(())
    }

    fn log_density(
        &mut self,
        field: &ScalarField<f64>,
        log_q: &mut [f64],
    ) -> Result<(), TransformationError> {
        Ok(FlowOf::log_density(self, &mut field.duplicate()?, log_q)?)
    }
}

/// The update, with what it draws from, a proposal, and the weight of the configuration that the chain is at.
pub struct IndependenceOf<D, M: Variables> {
    draws: D,
    proposal: M::Field<f64>,
    log_q: Vec<f64>,
    /// ln w of each chain's configuration, once known.
    log_weight: Option<Vec<f64>>,
    /// ln w of each chain's last proposal.
    proposed: Vec<f64>,
}

/// Of links, with one flow or several.
pub type Independence<F, const N: usize> = IndependenceOf<Mixture<F, N>, Links<N>>;

impl<F: Transformation<N>, const N: usize> Independence<F, N> {
    /// The flows.
    pub fn flows(&self) -> &[F] {
        self.draws.flows()
    }
}

impl<D: Draws<M>, M: Variables> IndependenceOf<D, M> {
    /// With what is placed on `lattice`.
    ///
    /// # Errors
    /// No memory.
    pub fn new(lattice: &Arc<Lattice>, draws: D) -> Result<Self, LatticeError> {
        let proposal = M::cold::<f64>(lattice)?;
        let chains = vec![0.0; lattice.chains()];
        Ok(Self { draws, proposal, log_q: chains.clone(), log_weight: None, proposed: chains })
    }

    /// ln w of the links that each chain is at; none before the first update.
    pub fn log_weights(&self) -> Option<&[f64]> {
        self.log_weight.as_deref()
    }

    /// ln w of each chain's last proposal.
    pub fn proposed(&self) -> &[f64] {
        &self.proposed
    }

    /// Takes the weights of the links that the next update begins with, as [`IndependenceOf::log_weights`] told them: a
    /// chain that goes on has the bits of one that was not stopped.
    pub fn set_log_weights(&mut self, log_weights: &[f64]) {
        self.log_weight = Some(log_weights.to_vec());
    }

    /// Weighs links that did not come from this update. Collective.
    ///
    /// # Errors
    /// Those of the flows' inverses and of the action; [`ModelError::NotFinite`] where a weight is none; the next update then weighs its
    /// links anew.
    pub fn weigh(
        &mut self,
        u: &M::Field<f64>,
        action: &ActionOfField<'_, M>,
    ) -> Result<(), TransformationError> {
        self.log_weight = None;
        self.draws.log_density(u, &mut self.log_q)?;
        let weights = action(u)?.iter().zip(&self.log_q).map(|(action, log_q)| -action - log_q).collect();
        self.log_weight = Some(finite(weights)?);
        Ok(())
    }

    /// A draw from `address` as the proposal, and its weights.
    fn draw(&mut self, action: &ActionOfField<'_, M>, address: Address) -> Result<(), TransformationError> {
        self.draws.draw(&mut self.proposal, &mut self.log_q, address)?;
        let actions = action(&self.proposal)?;
        let weights = actions.iter().zip(&self.log_q).map(|(action, log_q)| -action - log_q);
        self.proposed.clear();
        self.proposed.extend(weights);
        Ok(())
    }

    /// `u` ← a draw of the flow, from which a chain begins where it soon samples. Collective.
    ///
    /// # Errors
    /// Those of the flow and of the action; [`ModelError::NotFinite`] where the draw has no weight.
    pub fn begin(
        &mut self,
        u: &mut M::Field<f64>,
        action: &ActionOfField<'_, M>,
        address: Address,
    ) -> Result<(), TransformationError> {
        self.log_weight = None;
        self.draw(action, address)?;
        u.copy_from(&self.proposal);
        self.log_weight = Some(finite(self.proposed.clone())?);
        Ok(())
    }

    /// One proposal for every chain of the field. Collective.
    ///
    /// Links and the accept step draw from `address` with purposes of their own, so updates differ by its `trajectory`.
    /// The first update weighs the links at hand with the flow's inverse; later ones know their weight. In the outcome,
    /// ΔH is ln w − ln w'; one that is not a number counts as a rejection.
    ///
    /// # Errors
    /// Those of the flow and of the action; as [`IndependenceOf::weigh`], at the first update.
    pub fn update(
        &mut self,
        u: &mut M::Field<f64>,
        action: &ActionOfField<'_, M>,
        address: Address,
    ) -> Result<Outcome, TransformationError> {
        if self.log_weight.is_none() {
            self.weigh(u, action)?;
        }
        self.draw(action, Address { purpose: Purpose::Proposal, ..address })?;
        let current = self.log_weight.get_or_insert_default();
        let delta_h: Vec<f64> = current.iter().zip(&self.proposed).map(|(now, then)| now - then).collect();
        let accepted = accept(&delta_h, address);
        for (chain, _) in accepted.iter().enumerate().filter(|(_, taken)| **taken) {
            current[chain] = self.proposed[chain];
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
            "the configuration of chain {chain} has the log weight {weight} under the flow: start from one whose action is \
             finite (links: of the group)"
        ))),
    }
}
