//! Trainings of flows of a real scalar: the model, Markov chains by the flow and by hybrid Monte Carlo, and the results.

use super::chain::{CHAINS, mean_unless, pooled};
use super::model::{training, write_trained};
use super::results::{OF_FLOWS, acceptance_row, floor, footer, judged};
use super::{NET, ensure_room, plan, resume, train};
use crate::config::ScalarTrainFile;
use crate::error::DriverError;
use crate::plot::TrainingPlot;
use crate::progress;
use crate::report::Report;
use crate::run::{Row, RunDirectory, Work, this_program, write_results};
use crate::scalar_claims::PHI4;
use crate::signals::stop_flag;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{LaneMeaning, Lattice, LatticeOptions, Real, ScalarField, Scalars};
use gaugelink_models::file::Named;
use gaugelink_models::{FlowOf, Model, ModelError, scalar_flow_model};
use gaugelink_physics::action::Phi4;
use gaugelink_physics::observable::scalar_moments;
use gaugelink_sampler::independence::IndependenceOf;
use gaugelink_sampler::scalar_hmc::ScalarHmc;
use gaugelink_sampler::statistics::{AcceptanceStatistics, GammaEstimate};
use gaugelink_train::{DivergenceOf, Telemetry, TrainerOf};
use serde_json::{Map, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Trains and shows the results; goes on from a checkpoint where there is one.
///
/// # Errors
/// [`DriverError`]; the run directory then holds the last checkpoint.
pub(crate) fn execute(file: &ScalarTrainFile, fresh: bool, report: &mut Report) -> Result<(), DriverError> {
    let directory = RunDirectory::begin(&file.run.directory, Work::Training, fresh, Some(&file.model.file))?;
    let stop = stop_flag(directory.path())?;
    ensure_room(&file.lattice.extents, NET)?;
    if fresh {
        directory.clear()?;
    }
    let mut trainer = trainer(file)?;
    let mut reports = resume(&directory, &mut trainer)?;
    directory.replace("run.toml", &file.text)?;
    directory.make_folder("checkpoint")?;
    train(&stop, (&file.run, &file.train), &directory, &mut trainer, &mut reports, report)?;
    // Only where the log was lost.
    if reports.last().is_none_or(|last| last.step != trainer.step_number()) {
        reports.push(trainer.evaluate()?);
    }
    write_model(file, &directory, trainer.parameters(), &reports)?;
    let chains = Chains::run(file, trainer.parameters(), &stop)?;
    show(file, &directory, &reports, &chains, report)
}

fn trainer(file: &ScalarTrainFile) -> Result<TrainerOf<f32, Phi4>, DriverError> {
    let start = file.model.initial_parameters(file.run.seed);
    let place = |lattice: &Arc<Lattice>| place(file, lattice, start.clone());
    let (extents, threads) = (&file.lattice.extents, file.machine.threads);
    let loss = DivergenceOf::towards(|| file.action, extents, threads, &place)?;
    let floor = file.action.free(extents).map(|free| -free.ln_z);
    Ok(TrainerOf::new(plan(&file.run, &file.train, floor, file.training_hash()), loss, start.clone())?)
}

/// The flow of a training file on a lattice.
fn place<T: Real>(
    file: &ScalarTrainFile,
    lattice: &Arc<Lattice>,
    parameters: Vec<f64>,
) -> Result<FlowOf<T, Scalars>, ModelError> {
    FlowOf::<T, Scalars>::from_model(lattice, &model_of(file, parameters))
}

fn model_of(file: &ScalarTrainFile, parameters: Vec<f64>) -> Model {
    let Phi4 { mass2, lambda } = file.action;
    let couplings =
        [("mass2", mass2), ("lambda", lambda)].map(|(name, value)| (name.to_owned(), json!(value)));
    let action = Named { name: PHI4.into(), parameters: Map::from_iter(couplings) };
    scalar_flow_model(2, action, &file.model.architecture(), parameters)
}

/// Writes the parameters with what a host must know to use them.
fn write_model(
    file: &ScalarTrainFile,
    directory: &RunDirectory,
    parameters: &[f64],
    reports: &[Telemetry],
) -> Result<(), DriverError> {
    let model = model_of(file, parameters.to_vec());
    let mut provenance = this_program();
    provenance["run_file_sha256"] = json!(file.hash());
    provenance["seed"] = json!(file.run.seed);
    directory.replace("provenance.json", &format!("{provenance:#}\n"))?;
    let training = training(file.run.seed, &file.train, &file.lattice.extents, provenance);
    write_trained(model, training, reports, &directory.file(&file.model.file))
}

/// The Markov chains that a file asks for.
struct Chains {
    flow: Option<Moments>,
    hmc: Option<Moments>,
}

/// What eight chains of one kind gave.
struct Moments {
    /// Decisions of all chains.
    acceptance: AcceptanceStatistics,
    /// Chains that took no proposal.
    stuck: usize,
    /// χ₂ = ⟨(Σ φ)²⟩/V.
    susceptibility: Result<GammaEstimate, String>,
    /// ⟨φ²⟩.
    square: Result<GammaEstimate, String>,
}

impl Chains {
    /// Runs them until `stop` is set.
    ///
    /// # Errors
    /// No memory or threads; [`DriverError::Stopped`], after which the chains begin anew.
    fn run(file: &ScalarTrainFile, parameters: &[f64], stop: &AtomicBool) -> Result<Self, DriverError> {
        let lanes = LaneMeaning::Batch { chains: CHAINS };
        let options = LatticeOptions { threads: file.machine.threads, lanes, ..LatticeOptions::default() };
        let lattice = Lattice::new(&file.lattice.extents, options)?;
        let mut chains = Self { flow: None, hmc: None };
        if file.chain.updates > 0 {
            let flow = place::<f64>(file, &lattice, parameters.to_vec())?;
            let mut update = IndependenceOf::new(&lattice, flow)?;
            let weigh = |phi: &ScalarField<f64>| Ok(file.action.values(phi));
            let failed =
                |error: Box<dyn std::error::Error + Send + Sync>| DriverError::Input(error.to_string());
            let mut phi = ScalarField::zeroed(&lattice)?;
            update.begin(&mut phi, &weigh, Address::new(file.run.seed, Purpose::Start)).map_err(failed)?;
            let counts = (file.chain.thermalise, file.chain.updates);
            chains.flow = Some(Moments::along((file, "chain"), phi, counts, stop, |phi, at| {
                Ok(update.update(phi, &weigh, at).map_err(failed)?.accepted)
            })?);
        }
        if let Some(table) = &file.hmc {
            let mut hmc = ScalarHmc::new(&lattice, file.action, table.trajectory())
                .map_err(|error| DriverError::Input(error.to_string()))?;
            // From 0: from far off, where the force is large, trajectories would diverge and be rejected for ever.
            let phi = ScalarField::zeroed(&lattice)?;
            let counts = (table.thermalise, table.trajectories);
            chains.hmc = Some(Moments::along((file, "HMC"), phi, counts, stop, |phi, at| {
                // Sample 1: other numbers than those of the flow's chain.
                Ok(hmc.update(phi, at.sample(1)).accepted)
            })?);
        }
        Ok(chains)
    }
}

impl Moments {
    /// Along `updates` of each chain, the first `thermalise` left out; `update` says which chains took theirs.
    fn along(
        (file, what): (&ScalarTrainFile, &str),
        mut phi: ScalarField<f64>,
        (thermalise, updates): (u64, u64),
        stop: &AtomicBool,
        mut update: impl FnMut(&mut ScalarField<f64>, Address) -> Result<Vec<bool>, DriverError>,
    ) -> Result<Self, DriverError> {
        let mut decisions = vec![Vec::new(); CHAINS];
        let mut series = [vec![Vec::new(); CHAINS], vec![Vec::new(); CHAINS]];
        let bar = progress::bar(what, updates);
        for trajectory in 0..updates {
            if stop.load(Ordering::Relaxed) {
                let steps = file.train.steps;
                let done = format!("{steps} steps and {trajectory} updates ({what}), which will begin anew");
                return Err(DriverError::Stopped { done });
            }
            let accepted =
                update(&mut phi, Address::new(file.run.seed, Purpose::Proposal).trajectory(trajectory))?;
            if trajectory >= thermalise {
                for (chain, moments) in scalar_moments(&phi).iter().enumerate() {
                    decisions[chain].push(accepted[chain]);
                    series[0][chain].push(moments.susceptibility);
                    series[1][chain].push(moments.square);
                }
            }
            bar.set_position(trajectory + 1);
        }
        bar.finish_and_clear();
        let (acceptance, stuck) = pooled(&decisions);
        let [susceptibility, square] = series.map(|chains| mean_unless(stuck, &chains));
        Ok(Self { acceptance, stuck, susceptibility, square })
    }
}

/// Writes plot, `results.jsonl` and `table.txt`, and prints the results.
fn show(
    file: &ScalarTrainFile,
    directory: &RunDirectory,
    reports: &[Telemetry],
    chains: &Chains,
    report: &mut Report,
) -> Result<(), DriverError> {
    directory.make_folder("plots")?;
    let title = format!("Training, {}, {:?}", file.action.name(), file.lattice.extents);
    let points: Vec<(f64, f64, f64)> =
        reports.iter().map(|r| (r.step as f64, r.divergence, r.sample_size)).collect();
    let plot = TrainingPlot { title: &title, points: &points, untrained: None };
    directory.replace("plots/training.svg", &plot.svg())?;
    let others = format!("plots/training.svg, {}", file.model.file.display());
    write_results(directory, &rows(file, reports, chains), &footer(directory)?, &others, report)
}

fn rows(file: &ScalarTrainFile, reports: &[Telemetry], chains: &Chains) -> Vec<Row> {
    let free = file.action.free(&file.lattice.extents);
    let mut rows = Vec::new();
    if let Some(last) = reports.last() {
        let row = |quantity: &str, value: f64| {
            Row::new(None, "training", quantity).value(value).count(last.samples)
        };
        let steps = format!("after {} steps of {}", last.step, file.train.batch);
        let size = row("ESS", last.sample_size);
        rows.push(size.value_with_error(last.sample_size, last.sample_size_error).note(steps));
        rows.push(row("KL divergence", last.divergence).note(floor(free.is_some())));
    }
    for (what, moments) in [("chain", &chains.flow), ("HMC", &chains.hmc)] {
        let Some(moments) = moments else { continue };
        let row = |quantity: &str| Row::new(None, what, quantity);
        let advice = if what == "HMC" { "take more `steps`, or a shorter `length`" } else { OF_FLOWS };
        rows.extend(acceptance_row(row("acceptance"), &moments.acceptance, moments.stuck, advice));
        // Hybrid Monte Carlo, which comes last, is held against the flow's chain.
        let other = chains.flow.as_ref().filter(|_| what == "HMC");
        for (name, estimate, exact, of_flow) in [
            (
                "susceptibility",
                &moments.susceptibility,
                free.map(|free| free.susceptibility),
                other.map(|flow| &flow.susceptibility),
            ),
            ("phi^2", &moments.square, free.map(|free| free.square), other.map(|flow| &flow.square)),
        ] {
            let row = judged(row(name), estimate, exact);
            rows.push(match (estimate, of_flow) {
                (Ok(own), Some(Ok(flow))) => {
                    let sigmas = (flow.value - own.value) / flow.error.hypot(own.error);
                    row.note(format!("the flow's chain is off by {sigmas:+.1} sigma"))
                }
                _ => row,
            });
        }
    }
    rows
}
