//! The Markov chain of a trained flow: independence Metropolis in double precision.

use super::place;
use crate::config::TrainFile;
use crate::error::DriverError;
use crate::progress;
use crate::run::with_quarks;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions};
use gaugelink_physics::action::WilsonAction;
use gaugelink_physics::observable::{geometric_charge, plaquette};
use gaugelink_sampler::independence::Independence;
use gaugelink_sampler::mixture::Mixture;
use gaugelink_sampler::statistics::{AcceptanceStatistics, GammaEstimate, GammaMethod, Samples};
use gaugelink_sampler::transformation::TransformationError;
use std::sync::atomic::{AtomicBool, Ordering};

/// Chains in the lanes of one field.
pub(super) const CHAINS: usize = 8;

/// What the chains gave.
pub(super) struct ChainResult {
    /// Decisions of all chains.
    pub acceptance: AcceptanceStatistics,
    /// Chains that took no proposal: their averages are those of one configuration.
    pub stuck: usize,
    /// ⟨Re tr P⟩/N.
    pub plaquette: Result<GammaEstimate, String>,
    /// ⟨Q²⟩ of the geometric charge, where there is one.
    pub charge_squared: Option<Result<GammaEstimate, String>>,
}

/// Runs the chains, each from a draw of the flow on, until `stop` is set.
///
/// # Errors
/// No memory or threads; an inverse that is not found; [`DriverError::Stopped`], after which the chains begin anew.
pub(super) fn run<const N: usize>(
    file: &TrainFile,
    parameters: &[f64],
    stop: &AtomicBool,
) -> Result<ChainResult, DriverError> {
    let lanes = LaneMeaning::Batch { chains: CHAINS };
    let options = LatticeOptions { threads: file.machine.threads, lanes, ..LatticeOptions::default() };
    let lattice = Lattice::new(&file.lattice.extents, options)?;
    let (wilson, quark) = (WilsonAction::new(file.action.beta), file.quark());
    let action = |u: &GaugeField<f64, N>| with_quarks(wilson.values(u), u, quark);
    let draws = Mixture::of_one(&lattice, place::<f64, N>(file, &lattice, parameters.to_vec())?)?;
    let mut update = Independence::new(&lattice, draws)?;
    let mut u = GaugeField::cold(&lattice)?;
    let failed = |error: TransformationError| DriverError::Input(error.to_string());
    update.begin(&mut u, &action, Address::new(file.run.seed, Purpose::Start)).map_err(failed)?;
    let mut decisions = vec![Vec::new(); CHAINS];
    let mut plaquettes = vec![Vec::new(); CHAINS];
    let mut charges = (N == 1 && lattice.dims() == 2).then(|| plaquettes.clone());
    let bar = progress::bar("chain", file.chain.updates);
    for trajectory in 0..file.chain.updates {
        if stop.load(Ordering::Relaxed) {
            let steps = file.train.steps;
            let done = format!("{steps} steps and {trajectory} updates of the chain, which will begin anew");
            return Err(DriverError::Stopped { done });
        }
        let address = Address::new(file.run.seed, Purpose::Proposal).trajectory(trajectory);
        let outcome = update.update(&mut u, &action, address).map_err(failed)?;
        if trajectory >= file.chain.thermalise {
            extend(&mut decisions, outcome.accepted);
            extend(&mut plaquettes, plaquette(&u));
            if let Some(series) = &mut charges {
                extend(series, geometric_charge(&u)?.into_iter().map(|charge| (charge * charge) as f64));
            }
        }
        bar.set_position(trajectory + 1);
    }
    bar.finish_and_clear();
    let (acceptance, stuck) = pooled(&decisions);
    let plaquette = mean_unless(stuck, &plaquettes);
    let charge_squared = charges.map(|charges| mean_unless(stuck, &charges));
    Ok(ChainResult { acceptance, stuck, plaquette, charge_squared })
}

/// Adds a number to the series of each chain.
fn extend<V>(series: &mut [Vec<V>], numbers: impl IntoIterator<Item = V>) {
    series.iter_mut().zip(numbers).for_each(|(series, number)| series.push(number));
}

/// The decisions of all chains, and how many of these took no proposal.
pub(super) fn pooled(decisions: &[Vec<bool>]) -> (AcceptanceStatistics, usize) {
    let each: Vec<AcceptanceStatistics> =
        decisions.iter().map(|d| AcceptanceStatistics::from_decisions(d)).collect();
    let acceptance = AcceptanceStatistics {
        proposed: each.iter().map(|a| a.proposed).sum(),
        accepted: each.iter().map(|a| a.accepted).sum(),
        longest_rejection: each.iter().map(|a| a.longest_rejection).max().unwrap_or(0),
    };
    (acceptance, each.iter().filter(|a| a.accepted == 0).count())
}

/// The mean over all chains, unless some never moved.
pub(super) fn mean_unless(stuck: usize, chains: &[Vec<f64>]) -> Result<GammaEstimate, String> {
    match stuck {
        0 => mean(chains),
        _ => Err(format!("{stuck} of {CHAINS} chains took no proposal")),
    }
}

fn mean(chains: &[Vec<f64>]) -> Result<GammaEstimate, String> {
    let replica: Vec<&[f64]> = chains.iter().map(Vec::as_slice).collect();
    Samples::from_replica(&replica)
        .and_then(|samples| GammaMethod::default().observable(&samples, 0))
        .map_err(|error| error.to_string())
}
