//! A plugin's proposals with the accept step that makes them an update.

use super::{Recipe, Use};
use crate::{Exec, HostError, ProposalObject, Services};
use gaugelink_lattice::rng::Address;
use gaugelink_lattice::{GaugeField, Lattice, foreign};
use gaugelink_physics::action::Action;
use gaugelink_plugin_sdk::{Rng, raw, sized_struct};
use gaugelink_sampler::hmc::Outcome;
use gaugelink_sampler::metropolis::accept;
use std::sync::Arc;
use std::time::Instant;

/// Proposals U' of a plugin, each with its log weight w', taken with probability min(1, e^{−S(U') + w' + S(U) − w}).
///
/// A weight belongs to the path that led to its links: w is that with which U was proposed, kept here and never found
/// anew. The links at the start were not proposed, so the first proposal of a chain is taken whatever it is, unless
/// [`ProposalPlugin::set_log_weights`] tells their weights.
pub struct ProposalPlugin<'s, const N: usize> {
    object: ProposalObject<'s>,
    name: String,
    proposal: GaugeField<f64, N>,
    log_weights: Vec<f64>,
    used: Use,
}

impl<'s, const N: usize> ProposalPlugin<'s, N> {
    /// Makes the object.
    ///
    /// # Errors
    /// What the plugin says against configuration or lattice; a component that does not promise to be stateless, whose
    /// proposals could depend on the chain's past; out of memory.
    pub fn create(
        recipe: &Recipe<'_>,
        services: &'s Services,
        lattice: &Arc<Lattice>,
    ) -> Result<Self, HostError> {
        recipe.promises(&[(
            raw::GLK_CAP_STATELESS,
            "to be stateless (CAP_STATELESS): proposals that depend on the past have no weights",
        )])?;
        let mut object =
            recipe.make(lattice, &[], |request| ProposalObject::create(recipe.plugin, services, request))?;
        let proposal = GaugeField::cold(lattice).map_err(HostError::Lattice)?;
        recipe.serves(object.query(&foreign::view(&proposal)))?;
        let log_weights = vec![f64::NEG_INFINITY; lattice.chains()];
        Ok(Self { object, name: recipe.name(), proposal, log_weights, used: Use::default() })
    }

    /// The component and its plugin, with versions.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it was used for so far.
    pub fn used(&self) -> Use {
        self.used
    }

    /// The log weight of each chain's links; −∞ where none was taken yet. A checkpoint has to keep them with the links.
    pub fn log_weights(&self) -> &[f64] {
        &self.log_weights
    }

    /// Tells the log weights of links that a chain goes on from: those of a checkpoint, or 0 for proposals that are as
    /// likely as the way back.
    ///
    /// # Panics
    /// If there is not one for each chain.
    pub fn set_log_weights(&mut self, log_weights: &[f64]) {
        self.log_weights.copy_from_slice(log_weights);
    }

    /// One proposal for every chain of the field. Collective.
    ///
    /// Proposal and accept step draw from `address` with purposes of their own, so updates differ by its `trajectory`.
    /// In the outcome ΔH is (S − w) of the proposal minus that of the links; one that is not a number is a rejection.
    ///
    /// # Errors
    /// What the plugin answers; the links are then as they were.
    pub fn update(
        &mut self,
        u: &mut GaugeField<f64, N>,
        action: &dyn Action<N>,
        address: Address,
    ) -> Result<Outcome, HostError> {
        let (rng, start) = (draws(address), Instant::now());
        let mut proposed = vec![f64::NAN; self.log_weights.len()];
        foreign::lend(&mut self.proposal, |moved| {
            let links = foreign::view(u);
            self.object.propose(Exec::default(), &rng, (&links, moved), (&[], &mut []), &mut proposed)
        })?;
        self.used.add(start, self.object.stats().map_or(0, |stats| stats.bytes_copied));
        let (now, then) = (action.value(u), action.value(&self.proposal));
        let delta = |chain: usize| then[chain] - proposed[chain] - now[chain] + self.log_weights[chain];
        let delta_h: Vec<f64> = (0..proposed.len()).map(delta).collect();
        let accepted = accept(&delta_h, address);
        for (chain, _) in accepted.iter().enumerate().filter(|(_, taken)| **taken) {
            self.log_weights[chain] = proposed[chain];
        }
        u.copy_chains_from(&self.proposal, &accepted);
        Ok(Outcome { delta_h, accepted })
    }
}

/// Random numbers of an address: seed and chain are the key, trajectory and sample count the calls.
fn draws(address: Address) -> Rng {
    let mut rng = sized_struct::<Rng>();
    rng.algorithm = raw::GLK_RNG_CHACHA20;
    rng.key[..8].copy_from_slice(&address.seed.to_le_bytes());
    rng.key[8..16].copy_from_slice(&address.chain.to_le_bytes());
    (rng.epoch, rng.call) = (address.trajectory, address.sample);
    rng
}
