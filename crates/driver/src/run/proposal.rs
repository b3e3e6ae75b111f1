//! Metropolis updates: a plugin proposes, the action decides.

use super::engine::Engine;
use super::line::Line;
use super::updates::Chain;
use crate::config::ProposalStage;
use crate::error::DriverError;
use crate::links::in_the_group;
use gaugelink_host::adapt::ProposalPlugin;
use gaugelink_lattice::GaugeField;
use gaugelink_lattice::rng::Address;
use gaugelink_physics::action::Action;
use gaugelink_sampler::hmc::Outcome;
use std::fmt::Display;

impl<const N: usize> Engine<'_, N> {
    pub(super) fn proposal(&mut self, stage: &ProposalStage) -> Result<(), DriverError> {
        let number = self.state.stage;
        let failed = |error: &dyn Display| DriverError::Input(format!("stage {number} (proposal): {error}"));
        let (lattice, action) = (self.u.lattice().clone(), self.action()?);
        let mut plugin =
            self.setting.plugins.proposal::<N>(number, &lattice).map_err(|error| failed(&error))?;
        if self.state.done == 0 {
            self.log_plugins()?;
        } else {
            let known = self.state.log_weights.iter().map(|weight| weight.unwrap_or(f64::NEG_INFINITY));
            plugin.set_log_weights(&known.collect::<Vec<_>>());
        }
        let mut chain = Proposals { plugin, action: &*action, failed: &failed };
        self.updates("proposals", stage.updates, Line::Proposal, &mut chain)?;
        self.used = Some(chain.plugin.used());
        Ok(())
    }
}

struct Proposals<'p, 'a, const N: usize> {
    plugin: ProposalPlugin<'p, N>,
    action: &'a dyn Action<N>,
    failed: &'a dyn Fn(&dyn Display) -> DriverError,
}

impl<const N: usize> Chain<N> for Proposals<'_, '_, N> {
    fn update(
        &mut self,
        u: &mut GaugeField<f64, N>,
        address: Address,
    ) -> Result<Option<Outcome>, DriverError> {
        let outcome = self.plugin.update(u, self.action, address).map_err(|error| (self.failed)(&error))?;
        if outcome.accepted.contains(&true) {
            in_the_group(u, "proposal").map_err(|why| (self.failed)(&why))?;
        }
        Ok(Some(outcome))
    }

    fn log_weights(&self) -> Vec<Option<f64>> {
        self.plugin.log_weights().iter().map(|&w| (w != f64::NEG_INFINITY).then_some(w)).collect()
    }
}
