//! Importance sampling: draws of flows, each with its weight e^{−S}/q, and weighted averages of them (Nicoli et al.,
//! arXiv:1910.13496).

use super::analysis::{LN_DET, controlled_name, observables};
use super::engine::Engine;
use super::exact;
use super::line::{Line, Update};
use super::results::Row;
use super::updates::Chain;
use crate::config::{ImportanceStage, RunFile};
use crate::error::DriverError;
use crate::links::in_the_group;
use gaugelink_host::adapt::FlowPlugin;
use gaugelink_lattice::GaugeField;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_sampler::hmc::Outcome;
use gaugelink_sampler::independence::ActionOf;
use gaugelink_sampler::mixture::Mixture;
use gaugelink_sampler::statistics::{Controlled, LogWeights, Measured, StatisticsError};
use std::fmt::Display;

impl<const N: usize> Engine<'_, N> {
    pub(super) fn importance(&mut self, stage: &ImportanceStage) -> Result<(), DriverError> {
        let number = self.state.stage;
        let failed =
            |error: &dyn Display| DriverError::Input(format!("stage {number} (importance): {error}"));
        let (lattice, action) = (self.u.lattice().clone(), self.weighed_action()?);
        let flows = self.setting.plugins.flows::<N>(number, &lattice).map_err(|error| failed(&error))?;
        let shares = self.setting.file.stages[number].all_shares();
        let mixture = Mixture::new(&lattice, flows, &shares)?;
        if self.state.done == 0 {
            self.log_plugins()?;
        }
        let numbers = vec![0.0; lattice.chains()];
        let mut chain = Weighted {
            mixture,
            log_q: numbers.clone(),
            log_weights: numbers,
            action: &*action,
            failed: &failed,
        };
        self.updates("draws of a flow", stage.draws, Line::Importance, &mut chain)?;
        self.used = Some(chain.mixture.flows().iter().map(FlowPlugin::used).sum());
        Ok(())
    }
}

struct Weighted<'p, 'a, const N: usize> {
    mixture: Mixture<FlowPlugin<'p, N>, N>,
    log_q: Vec<f64>,
    /// ln w of the links at hand.
    log_weights: Vec<f64>,
    action: &'a ActionOf<'static, N>,
    failed: &'a dyn Fn(&dyn Display) -> DriverError,
}

impl<const N: usize> Chain<N> for Weighted<'_, '_, N> {
    fn update(
        &mut self,
        u: &mut GaugeField<f64, N>,
        address: Address,
    ) -> Result<Option<Outcome>, DriverError> {
        let address = Address { purpose: Purpose::Proposal, ..address };
        let drawn = self.mixture.draw(u, &mut self.log_q, address);
        drawn.map_err(|error| (self.failed)(&error))?;
        in_the_group(u, "flow").map_err(|why| (self.failed)(&why))?;
        let actions = (self.action)(u).map_err(|error| (self.failed)(&error))?;
        self.log_weights.clear();
        self.log_weights.extend(actions.iter().zip(&self.log_q).map(|(action, log_q)| -action - log_q));
        Ok(None)
    }

    fn proposed(&self) -> &[f64] {
        &self.log_weights
    }
}

/// Below this effective sample size the weights have a tail that the draws have hardly come to.
const SMALL: f64 = 0.1;
const TAIL: &str = "few draws have most of the weight, and those that would have more were not drawn: do not trust averages and \
                    errors; take a flow nearer to the theory, or a mixture with one";

/// The draws of a stage.
fn draws<'l>(number: usize, lines: &'l [Line]) -> Vec<&'l Update> {
    let of_stage = |line: &'l Line| match line {
        Line::Importance(update) if update.stage == number => Some(update),
        _ => None,
    };
    lines.iter().filter_map(of_stage).collect()
}

/// Log weights of draws, with the quarks' determinants where there are such; one that is no number is that of links which
/// the theory does not have.
fn log_weights(draws: &[&Update]) -> Vec<f64> {
    let of_draw = |draw: &&Update| Some(draw.ln_weight? + draw.ln_det.unwrap_or(0.0));
    draws.iter().map(|draw| of_draw(draw).unwrap_or(f64::NEG_INFINITY)).collect()
}

/// The log weights of the first chain, those that there are.
pub(super) fn log_weights_of_a_chain(number: usize, lines: &[Line]) -> Vec<f64> {
    draws(number, lines).iter().filter(|draw| draw.chain == 0).filter_map(|draw| draw.ln_weight).collect()
}

/// Values less their control variates, whose coefficients take the weights into account.
fn without_controls(measured: &[&Update], values: &[f64]) -> Result<Vec<f64>, StatisticsError> {
    let draws = Controlled {
        values: vec![values.to_vec()],
        controls: vec![measured.iter().map(|draw| draw.controls.clone()).collect()],
        log_weights: vec![log_weights(measured)],
    };
    draws.without_controls().map(|chains| chains.concat())
}

/// Weighted averages, those without weights, and how good the flow is. Draws are independent, so errors need no
/// autocorrelation times.
pub(super) fn rows(rows: &mut Vec<Row>, file: &RunFile, number: usize, lines: &[Line]) {
    let row = |quantity: &str| Row::new(Some(number), "importance", quantity);
    let all = draws(number, lines);
    let measured: Vec<&Update> = all.iter().copied().filter(|draw| draw.plaquette.is_some()).collect();
    // Determinants of quarks are measured, and a weight is none without.
    let draws = if all.iter().any(|draw| draw.ln_det.is_some()) { &measured } else { &all };
    let weights = match LogWeights::new(&log_weights(draws)) {
        Ok(weights) => weights,
        Err(error) => return rows.push(row("ESS of draws").note(format!("no weights: {error}"))),
    };
    let own = LogWeights::new(&log_weights(&measured));
    let count = measured.first().map_or(0, |first| observables(first).count());
    let average = |quantity: &str, weights: &LogWeights, values: &[f64]| {
        let row = row(quantity).count(values.len());
        let row = match weights.reweighted_mean(values) {
            Ok(Measured { value, error }) => row.value_with_error(value, error),
            Err(error) => row.note(format!("no value: {error}")),
        };
        exact::average(file, quantity).into_iter().fold(row, Row::against)
    };
    for k in 0..count {
        let all: Vec<(&str, f64)> = measured.iter().filter_map(|draw| observables(draw).nth(k)).collect();
        let (name, values) = (all[0].0, all.iter().map(|(_, value)| *value).collect::<Vec<f64>>());
        let (false, Ok(own)) = (name == LN_DET, &own) else { continue };
        rows.push(average(name, own, &values));
        if let (Some(name), Ok(rest)) = (controlled_name(name), without_controls(&measured, &values)) {
            rows.push(average(name, own, &rest));
        }
        if let Ok(equal) = LogWeights::new(&vec![0.0; values.len()]) {
            let unweighted = average(name, &equal, &values);
            rows.push(unweighted.named(format!("{name}, unweighted")));
        }
    }
    let size = weights.effective_sample_size();
    let own = row("ESS of draws").sample_size(&weights).note("of their weights exp(-S)/q, 1 at most");
    rows.push(if size < SMALL { own.note(TAIL) } else { own });
    if let Ok(Measured { value, error }) = weights.ln_z() {
        let row = row("ln Z").value_with_error(value, error).count(draws.len());
        rows.push(exact::ln_z(file).into_iter().fold(row, Row::against));
    }
    let lost = draws.iter().filter(|draw| draw.ln_weight.is_none()).count();
    if lost > 0 {
        let note = "draws without a density or an action, which count with weight 0";
        rows.push(row("diverged").count(lost).note(note));
    }
}
