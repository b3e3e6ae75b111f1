//! Trainings: from first parameters or a checkpoint to a model file, a Markov chain with it, and the results.

mod chain;
mod model;
mod results;

use crate::config::TrainFile;
use crate::error::DriverError;
use crate::progress;
use crate::report::Report;
use crate::run::{RunDirectory, stop_flag};
use gaugelink_lattice::{Lattice, Real};
use gaugelink_models::layers::U1Coupling;
use gaugelink_models::{Flow, ModelError};
use gaugelink_train::{Plan, Progress, ReverseKl, Telemetry, TrainError, Trainer, adam, exact};
use serde_json::json;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// The log of evaluations.
const LOG: &str = "measurements.jsonl";

/// Trains and shows the results; goes on from a checkpoint where there is one.
///
/// # Errors
/// [`DriverError`]; the run directory then holds the last checkpoint.
pub(crate) fn execute(file: &TrainFile, fresh: bool, report: &mut Report) -> Result<(), DriverError> {
    let directory = RunDirectory::open(&file.run.directory)?;
    if fresh {
        directory.clear()?;
    }
    let folder = directory.file("checkpoint");
    std::fs::create_dir_all(&folder).map_err(|source| DriverError::Io {
        action: "make the folder",
        path: folder.clone(),
        source,
    })?;
    let mut trainer = trainer(file)?;
    let checkpoint = folder.join("training.json");
    let resumed = trainer.resume(&checkpoint)?;
    let mut reports = if resumed { earlier(&directory, trainer.step_number())? } else { Vec::new() };
    if resumed {
        eprintln!("gaugelink: going on from the checkpoint after {} steps", trainer.step_number());
    }
    directory.replace("run.toml", &file.text)?;
    directory.replace("provenance.json", &format!("{:#}\n", model::provenance(file)))?;
    train(file, &directory, &checkpoint, &mut trainer, &mut reports, report)?;
    if reports.last().is_none_or(|last| last.step != trainer.step_number()) {
        reports.push(trainer.evaluate()?);
    }
    model::write(file, &directory, &trainer, &reports)?;
    let chain = (file.chain.updates > 0).then(|| chain::run(file, trainer.parameters())).transpose()?;
    results::show(file, &directory, &reports, chain.as_ref(), report)
}

/// The flow of a training file on a lattice.
pub(super) fn place<T: Real>(
    file: &TrainFile,
    lattice: &Arc<Lattice>,
    parameters: Vec<f64>,
) -> Result<Flow<T, 1>, ModelError> {
    Flow::new(U1Coupling::stack(lattice, file.model.layers as usize, file.model.components)?, parameters)
}

/// What is known exactly.
pub(super) fn theory(file: &TrainFile) -> exact::U1 {
    exact::U1 { beta: file.action.beta, volume: file.lattice.extents.iter().product() }
}

fn trainer(file: &TrainFile) -> Result<Trainer<f32, 1>, DriverError> {
    let table = &file.train;
    let start = U1Coupling::<f32>::initial_parameters(
        file.model.layers as usize,
        file.model.components,
        file.run.seed,
    );
    let plan = Plan {
        seed: file.run.seed,
        steps: table.steps,
        batch: table.batch,
        rate: table.learning_rate,
        schedule: table.schedule,
        adam: adam::Settings { norm_max: Some(table.gradient_norm), ..adam::Settings::default() },
        report_every: table.report_every,
        samples: table.samples,
        floor: -theory(file).ln_z(),
    };
    let (beta, threads) = (file.action.beta, file.machine.threads);
    let loss = ReverseKl::new(&file.lattice.extents, beta, threads, &|l| place(file, l, start.clone()))?;
    Ok(Trainer::new(plan, loss, start)?)
}

/// Steps to the end, with evaluations, checkpoints and a progress bar.
fn train(
    file: &TrainFile,
    directory: &RunDirectory,
    checkpoint: &Path,
    trainer: &mut Trainer<f32, 1>,
    reports: &mut Vec<Telemetry>,
    report: &mut Report,
) -> Result<(), DriverError> {
    let stop = stop_flag(directory.path())?;
    let bar = progress::bar("training", file.train.steps);
    let mut saved = Instant::now();
    let done = trainer.run(|trainer, progress| -> Result<_, DriverError> {
        match progress {
            Progress::Step { step, .. } => bar.set_position(step),
            Progress::Report(telemetry) => {
                bar.set_message(format!("KL {:.3}, ESS {:.3}", telemetry.divergence, telemetry.sample_size));
                reports.push(*telemetry);
                directory.replace(LOG, &results::lines(reports)?)?;
                directory.timing(&json!({ "step": telemetry.step, "seconds": telemetry.seconds }))?;
                report.record(&results::line(telemetry))?;
            }
        }
        let stopping = stop.load(Ordering::Relaxed);
        if stopping || saved.elapsed().as_secs_f64() >= file.run.checkpoint_seconds {
            trainer.save(checkpoint)?;
            saved = Instant::now();
        }
        Ok(if stopping { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    bar.finish_and_clear();
    if !done {
        return Err(DriverError::Stopped { updates: trainer.step_number() });
    }
    Ok(trainer.save(checkpoint)?)
}

/// The evaluations up to a step that an earlier process logged.
fn earlier(directory: &RunDirectory, step: u64) -> Result<Vec<Telemetry>, DriverError> {
    let path = directory.file(LOG);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(DriverError::Io { action: "read", path, source }),
    };
    let parse = |line: &str| {
        serde_json::from_str::<Telemetry>(line).map_err(|error| {
            DriverError::Input(format!("{}: {error}; begin anew with --fresh", path.display()))
        })
    };
    let all = text.lines().map(parse).collect::<Result<Vec<_>, _>>()?;
    Ok(all.into_iter().filter(|telemetry| telemetry.step <= step).collect())
}

impl From<TrainError> for DriverError {
    fn from(error: TrainError) -> Self {
        DriverError::Input(error.to_string())
    }
}

impl From<ModelError> for DriverError {
    fn from(error: ModelError) -> Self {
        DriverError::Input(error.to_string())
    }
}
