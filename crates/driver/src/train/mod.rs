//! Trainings: from first parameters or a checkpoint to a model file, a Markov chain with it, and the results.

mod chain;
mod data;
mod first;
pub(crate) mod loops;
mod model;
mod results;
pub(crate) mod scalar;

use crate::config::{TrainFile, TrainRunTable, TrainTable};
use crate::error::DriverError;
use crate::progress;
use crate::report::{Report, aside, json_lines};
use crate::run::{LOG, RunDirectory, Work};
use crate::signals::stop_flag;
use data::Configurations;
use first::{First, Knots};
use gaugelink_lattice::group::algebra_dim;
use gaugelink_lattice::{Lattice, Real, ensure_memory};
use gaugelink_models::{Flow, ModelError};
use gaugelink_train::exact::Theory;
use gaugelink_train::{Divergence, Plan, Progress, Target, Telemetry, TrainError, Trainer, TrainerOf, adam};
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Trains and shows the results; goes on from a checkpoint where there is one.
///
/// # Errors
/// [`DriverError`]; the run directory then holds the last checkpoint.
pub(crate) fn execute(file: &TrainFile, fresh: bool, report: &mut Report) -> Result<(), DriverError> {
    match file.lattice.group.0 {
        1 => execute_in::<1>(file, fresh, report),
        2 => execute_in::<2>(file, fresh, report),
        _ => execute_in::<3>(file, fresh, report),
    }
}

fn execute_in<const N: usize>(file: &TrainFile, fresh: bool, report: &mut Report) -> Result<(), DriverError> {
    let directory = RunDirectory::begin(&file.run.directory, Work::Training, fresh, Some(&file.model.file))?;
    let stop = stop_flag(directory.path())?;
    start_is_kept(file, &directory)?;
    let links = algebra_dim(N) + 2 * N * N;
    ensure_room(&file.lattice.extents, NET + links * file.lattice.extents.len())?;
    let goes_on = !fresh && directory.file(Work::Training.checkpoint()).exists();
    let mut first = First::of::<N>(file, goes_on)?;
    let data = Configurations::of::<N>(file)?;
    let provenance = model::provenance(file, &first, data.as_ref());
    let range = first.range.take();
    let fit = json_lines(&first.fit)?;
    let trainer = trainer::<N>(file, first, data)?;
    if fresh {
        directory.clear()?;
    }
    if !fit.is_empty() {
        directory.replace(first::FIT, &fit)?;
    }
    execute_until(&stop, file, &directory, (trainer, provenance, range), report)
}

/// Numbers a site of a net's channels and what layers share, at the least.
const NET: usize = 60;

/// Refuses a training that cannot fit: with so many numbers a site in fields of one group of configurations.
fn ensure_room(extents: &[usize], numbers: usize) -> Result<(), DriverError> {
    let sites = extents.iter().fold(1u64, |volume, &l| volume.saturating_mul(l as u64));
    let group = (numbers * f32::LANES * size_of::<f32>()) as u64;
    Ok(ensure_memory(sites.saturating_mul(group))?)
}

/// Refuses a training that would replace the model it begins with.
fn start_is_kept(file: &TrainFile, directory: &RunDirectory) -> Result<(), DriverError> {
    let Some(start) = &file.train.start else { return Ok(()) };
    let place = |path: &Path| std::fs::canonicalize(path).ok();
    match (place(start), place(&directory.file(&file.model.file))) {
        (Some(start), Some(model)) if start == model => Err(DriverError::Input(format!(
            "{} is the model that the training begins with (`start`) and the one that it would write: give `file` of \
             [model] another name",
            model.display()
        ))),
        _ => Ok(()),
    }
}

/// The same, as long as `stop` is not set.
fn execute_until<const N: usize>(
    stop: &AtomicBool,
    file: &TrainFile,
    directory: &RunDirectory,
    (mut trainer, provenance, range): (Trainer<f32, N>, Value, Option<Knots>),
    report: &mut Report,
) -> Result<(), DriverError> {
    let mut reports = resume(directory, &mut trainer)?;
    directory.replace("run.toml", &file.text)?;
    directory.replace("provenance.json", &format!("{provenance:#}\n"))?;
    directory.make_folder("checkpoint")?;
    train(stop, (&file.run, &file.train), directory, &mut trainer, &mut reports, report)?;
    // Only where the log was lost.
    if reports.last().is_none_or(|last| last.step != trainer.step_number()) {
        reports.push(trainer.evaluate()?);
    }
    model::write(file, directory, (&trainer, provenance, range), &reports)?;
    let chain =
        (file.chain.updates > 0).then(|| chain::run::<N>(file, trainer.parameters(), stop)).transpose()?;
    results::show(file, directory, &reports, chain.as_ref(), report)
}

/// The flow of a training file on a lattice.
pub(super) fn place<T: Real, const N: usize>(
    file: &TrainFile,
    lattice: &Arc<Lattice>,
    parameters: Vec<f64>,
) -> Result<Flow<T, N>, ModelError> {
    Flow::from_model(lattice, &first::of_file::<N>(file, parameters))
}

/// What is known exactly, which nothing is with quarks.
pub(super) fn theory(file: &TrainFile) -> Option<Theory> {
    let theory = Theory::wilson(file.lattice.group.0, file.action.beta, &file.lattice.extents);
    theory.filter(|_| file.fermions.is_none())
}

fn trainer<const N: usize>(
    file: &TrainFile,
    first: First,
    data: Option<Configurations>,
) -> Result<Trainer<f32, N>, DriverError> {
    let of_data = data.as_ref().map_or(String::new(), |data| format!(" with data {}", data.sha256));
    let identity = first.identity(file) + &of_data;
    let start = first.parameters;
    let (beta, threads) = (file.action.beta, file.machine.threads);
    let mut loss = Divergence::new(&file.lattice.extents, beta, threads, &|l| place(file, l, start.clone()))?;
    if let Some(quark) = file.quark() {
        loss = loss.with_quarks(quark)?;
    }
    let floor = theory(file).map(|theory| -theory.ln_z());
    let trainer = Trainer::new(plan(&file.run, &file.train, floor, identity), loss, start)?;
    Ok(match (data, &file.data) {
        (Some(data), Some(table)) => trainer.with_data(data.data, table.share)?,
        _ => trainer,
    })
}

/// What the tables say of a training.
fn plan(run: &TrainRunTable, table: &TrainTable, floor: Option<f64>, identity: String) -> Plan {
    Plan {
        seed: run.seed,
        steps: table.steps,
        batch: table.batch,
        rate: table.learning_rate,
        schedule: table.schedule,
        adam: adam::Settings { norm_max: Some(table.gradient_norm), ..adam::Settings::default() },
        estimator: table.estimator,
        beta_from: table.beta_from,
        report_every: table.report_every,
        samples: table.samples,
        floor,
        identity,
    }
}

/// Goes on from the checkpoint where there is one, and gives the evaluations up to there.
fn resume<A: Target<f32>>(
    directory: &RunDirectory,
    trainer: &mut TrainerOf<f32, A>,
) -> Result<Vec<Telemetry>, DriverError> {
    if !trainer.resume(&directory.file(Work::Training.checkpoint()))? {
        return Ok(Vec::new());
    }
    aside(format_args!("going on from the checkpoint after {} steps", trainer.step_number()));
    earlier(directory, trainer.step_number())
}

/// Steps to the end, with evaluations, checkpoints and a progress bar.
fn train<A: Target<f32>>(
    stop: &AtomicBool,
    (run, table): (&TrainRunTable, &TrainTable),
    directory: &RunDirectory,
    trainer: &mut TrainerOf<f32, A>,
    reports: &mut Vec<Telemetry>,
    report: &mut Report,
) -> Result<(), DriverError> {
    let checkpoint = directory.file(Work::Training.checkpoint());
    let bar = progress::bar("training", table.steps);
    let mut saved = Instant::now();
    let done = trainer.run(|trainer, progress| -> Result<_, DriverError> {
        match progress {
            Progress::Step { step, .. } => bar.set_position(step),
            // A step's evaluation comes before the step, which is where checkpoints are made and the training stops.
            Progress::Report(telemetry) => {
                bar.set_message(format!("KL {:.3}, ESS {:.3}", telemetry.divergence, telemetry.sample_size));
                reports.push(*telemetry);
                directory.replace(LOG, &json_lines(reports.iter().map(results::line))?)?;
                directory.timing(&json!({ "step": telemetry.step, "seconds": telemetry.seconds }))?;
                report.tell(&results::line(telemetry))?;
                return Ok(ControlFlow::Continue(()));
            }
        }
        let stopping = stop.load(Ordering::Relaxed);
        if stopping || saved.elapsed().as_secs_f64() >= run.checkpoint_seconds {
            trainer.save(&checkpoint)?;
            saved = Instant::now();
        }
        Ok(if stopping { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    bar.finish_and_clear();
    if !done {
        return Err(DriverError::Stopped { done: format!("{} steps", trainer.step_number()) });
    }
    Ok(trainer.save(&checkpoint)?)
}

/// The evaluations up to a step that an earlier process logged.
fn earlier(directory: &RunDirectory, step: u64) -> Result<Vec<Telemetry>, DriverError> {
    let text = directory.read(LOG)?.unwrap_or_default();
    let parse = |line: &str| {
        serde_json::from_str::<Telemetry>(line).map_err(|error| {
            let path = directory.file(LOG);
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const SMALL: &str = r#"
[run]
seed = 5
directory = "x"
[lattice]
group = "U(1)"
extents = [4, 4]
[action]
beta = 1.5
[model]
kind = "u1-coupling"
layers = 8
[train]
steps = 3
batch = 32
learning_rate = 2e-3
report_every = 1
samples = 64
[chain]
updates = 40
"#;

    #[test]
    fn a_training_begins_with_a_model_of_the_same_layers_of_any_lattice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("first.safetensors");
        let start = format!("train.start={}", path.display());
        let parse = |set: &[&str]| {
            let set: Vec<String> = set.iter().chain([&&start[..]]).map(|s| s.to_string()).collect();
            TrainFile::parse(SMALL, Path::new("x"), &set).unwrap()
        };
        let refused = |set: &[&str]| First::of::<1>(&parse(set), false).err().unwrap().to_string();
        assert!(refused(&[]).contains("first.safetensors"), "no such file");
        let plain = TrainFile::parse(SMALL, Path::new("x"), &[]).unwrap();
        let mut parameters = First::of::<1>(&plain, false).unwrap().parameters;
        parameters[7] = 0.25;
        first::of_file::<1>(&plain, parameters.clone()).write(&path).unwrap();
        let elsewhere = parse(&["lattice.extents=[8,8]", "action.beta=7.0"]);
        let begun = First::of::<1>(&elsewhere, false).unwrap();
        assert_eq!(begun.parameters, parameters);
        assert_eq!(
            trainer::<1>(&elsewhere, First::of::<1>(&elsewhere, false).unwrap(), None).unwrap().parameters(),
            parameters
        );
        for other in ["model.layers=9", "model.components=3", "model.context=loops", "model.map=spline"] {
            assert!(refused(&[other]).contains("other layers"), "{other}");
        }
        parameters[7] = 0.5;
        first::of_file::<1>(&plain, parameters).write(&path).unwrap();
        let other = First::of::<1>(&elsewhere, false).unwrap();
        assert_ne!(begun.identity(&elsewhere), other.identity(&elsewhere), "another model");
        assert!(model::provenance(&elsewhere, &other, None)["start_sha256"].is_string());
    }

    /// An evaluation is due at every step here, and the signal has always come already.
    #[test]
    fn stops_at_evaluations_and_in_the_chain_lose_nothing() {
        let file = TrainFile::parse(SMALL, Path::new("x"), &[]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let begin =
            |name: &str| RunDirectory::begin(&folder.path().join(name), Work::Training, false, None).unwrap();
        let (whole, parts) = (begin("whole"), begin("parts"));
        let go = |directory: &RunDirectory, stop: bool| {
            let first = First::of::<1>(&file, false).unwrap();
            let provenance = model::provenance(&file, &first, None);
            let training = (trainer::<1>(&file, first, None).unwrap(), provenance, None);
            execute_until(&AtomicBool::new(stop), &file, directory, training, &mut Report::new(true))
        };
        go(&whole, false).unwrap();
        for step in [1, 2, 3] {
            let stopped = go(&parts, true).unwrap_err();
            assert!(stopped.to_string().contains(&format!("after {step} steps, with")), "{stopped}");
            assert_eq!(parts.read(LOG).unwrap().unwrap().lines().count(), step as usize);
            assert!(!parts.file("model.safetensors").exists());
        }
        let in_chain = go(&parts, true).unwrap_err();
        assert!(in_chain.to_string().contains("3 steps and 0 updates of the chain"), "{in_chain}");
        assert!(parts.file("model.safetensors").exists() && !parts.file("results.jsonl").exists());
        go(&parts, false).unwrap();
        let model = "model.safetensors";
        for name in [LOG, "results.jsonl", "table.txt", "provenance.json", "plots/training.svg", model] {
            let read = |directory: &RunDirectory| std::fs::read(directory.file(name)).unwrap();
            assert!(read(&whole) == read(&parts), "{name} differs");
        }
    }

    #[test]
    fn a_fit_is_told_and_kept_over_a_stop() {
        let set =
            ["model.kind=u1-block", "model.layers=2", "fit.steps=20", "fit.points=32"].map(String::from);
        let file = TrainFile::parse(SMALL, Path::new("x"), &set).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let run = |name: &str, fresh: bool| {
            let mut file = file.clone();
            file.run.directory = folder.path().join(name);
            execute(&file, fresh, &mut Report::quiet()).unwrap();
            ["fit.jsonl", "results.jsonl", "model.safetensors"]
                .map(|file| std::fs::read(folder.path().join(name).join(file)).unwrap())
        };
        let first = run("a", false);
        assert_eq!(String::from_utf8_lossy(&first[0]).lines().count(), 2);
        assert!(String::from_utf8_lossy(&first[1]).contains("\"fit\""));
        assert_eq!(first, run("a", false), "shown again");
        assert_eq!(first, run("b", true), "and done again");
    }
}
