//! Independence Metropolis with flows of plugins, alone or between heat bath sweeps.

use super::engine::Engine;
use super::line::{Line, Update};
use super::results::Row;
use super::updates::Chain;
use crate::config::IndependenceStage;
use crate::error::DriverError;
use crate::links::in_the_group;
use gaugelink_host::adapt::FlowPlugin;
use gaugelink_lattice::GaugeField;
use gaugelink_lattice::rng::Address;
use gaugelink_physics::update::HeatBath;
use gaugelink_sampler::hmc::Outcome;
use gaugelink_sampler::independence::{ActionOf, Independence};
use gaugelink_sampler::mixture::Mixture;
use gaugelink_sampler::statistics::{AcceptanceStatistics, LogWeights};
use std::fmt::Display;

impl<const N: usize> Engine<'_, N> {
    pub(super) fn independence(&mut self, stage: &IndependenceStage) -> Result<(), DriverError> {
        let number = self.state.stage;
        let failed =
            |error: &dyn Display| DriverError::Input(format!("stage {number} (independence): {error}"));
        let (lattice, action) = (self.u.lattice().clone(), self.weighed_action()?);
        let flows = self.setting.plugins.flows::<N>(number, &lattice).map_err(|error| failed(&error))?;
        let shares = self.setting.file.stages[number].all_shares();
        let mut update = Independence::new(&lattice, Mixture::new(&lattice, flows, &shares)?)?;
        if self.state.done == 0 {
            self.log_plugins()?;
        } else if let Some(known) = self.state.log_weights.iter().copied().collect::<Option<Vec<f64>>>() {
            update.set_log_weights(&known);
        }
        let heat_bath = HeatBath { beta: self.beta() };
        let mut chain = Draws { update, heat_bath, sweeps: stage.sweeps, action: &*action, failed: &failed };
        self.updates("proposals of a flow", stage.updates, Line::Independence, &mut chain)?;
        self.used = Some(chain.update.flows().iter().map(FlowPlugin::used).sum());
        Ok(())
    }
}

struct Draws<'p, 'a, const N: usize> {
    update: Independence<FlowPlugin<'p, N>, N>,
    heat_bath: HeatBath,
    sweeps: u64,
    action: &'a ActionOf<'static, N>,
    failed: &'a dyn Fn(&dyn Display) -> DriverError,
}

impl<const N: usize> Chain<N> for Draws<'_, '_, N> {
    fn update(
        &mut self,
        u: &mut GaugeField<f64, N>,
        address: Address,
    ) -> Result<Option<Outcome>, DriverError> {
        for sweep in 0..self.sweeps {
            // Sweeps of an update draw where no other update does.
            self.heat_bath.sweep(u, address.trajectory(address.trajectory | sweep << 40))?;
        }
        if self.sweeps > 0 {
            self.update.weigh(u, self.action).map_err(|error| (self.failed)(&error))?;
        }
        let outcome = self.update.update(u, self.action, address);
        let outcome = outcome.map_err(|error| (self.failed)(&error))?;
        if outcome.accepted.contains(&true) {
            in_the_group(u, "flow").map_err(|why| (self.failed)(&why))?;
        }
        Ok(Some(outcome))
    }

    fn log_weights(&self) -> Vec<Option<f64>> {
        self.update.log_weights().unwrap_or_default().iter().copied().map(Some).collect()
    }

    fn proposed(&self) -> &[f64] {
        self.update.proposed()
    }
}

/// How good the flow is, from all updates of a stage, in whose thermalisation draws are like any others: the effective
/// sample size of its draws, and how long the chain once stood still.
pub(super) fn rows(rows: &mut Vec<Row>, number: usize, updates: &[&Update]) {
    let row = |quantity: &str| Row::new(Some(number), "independence", quantity);
    let logs: Vec<f64> = updates.iter().filter_map(|update| update.ln_weight).collect();
    let size = row("ESS of draws");
    rows.push(match LogWeights::new(&logs) {
        Ok(weights) => size.sample_size(&weights).note("of their weights exp(-S)/q, 1 at most"),
        Err(error) => size.count(logs.len()).note(format!("no weights: {error}")),
    });
    let chains = updates.iter().map(|update| update.chain + 1).max().unwrap_or(0);
    let longest = |chain: usize| {
        let own = updates.iter().filter(|update| update.chain == chain);
        let decisions: Vec<bool> = own.filter_map(|update| update.accepted).collect();
        AcceptanceStatistics::from_decisions(&decisions).longest_rejection
    };
    let longest = (0..chains).map(longest).max().unwrap_or(0);
    rows.push(row("longest rejection").value(longest as f64).note("draws refused one after the other"));
}
