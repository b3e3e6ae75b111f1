//! Trainings of flows of Wilson loops: a fit, steps of the optimiser, and a judgement on another lattice.

use super::results::{floor, yardstick};
use super::{plan, resume, train};
use crate::config::{LoopTrainFile, TrainTable};
use crate::error::DriverError;
use crate::report::Report;
use crate::run::{Row, RunDirectory, Work, this_program, write_results};
use crate::signals::stop_flag;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Lattice, Real};
use gaugelink_models::file::{Measured, Named, Training};
use gaugelink_models::layers::LoopFlow;
use gaugelink_models::{Flow, LayerKind, ModelError, flow_model};
use gaugelink_sampler::statistics::LogWeights;
use gaugelink_train::exact::Theory;
use gaugelink_train::{Divergence, GeneratorFit, TrainError, Trainer, step_error};
use serde_json::{Map, json};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Configurations behind the error of the steps.
const STEP_ERROR_SAMPLES: usize = 32;

/// Fits, trains, writes the model and shows the results.
///
/// # Errors
/// [`DriverError`]; the run directory then holds the last checkpoint.
pub(crate) fn execute(file: &LoopTrainFile, fresh: bool, report: &mut Report) -> Result<(), DriverError> {
    let directory = RunDirectory::begin(&file.run.directory, Work::Training, fresh, Some(&file.model.file))?;
    let stop = stop_flag(directory.path())?;
    if fresh {
        directory.clear()?;
    }
    directory.replace("run.toml", &file.text)?;
    directory.make_folder("checkpoint")?;
    match file.lattice.group.0 {
        1 => execute_until::<1>(&stop, file, &directory, report),
        2 => execute_until::<2>(&stop, file, &directory, report),
        _ => execute_until::<3>(&stop, file, &directory, report),
    }
}

fn execute_until<const N: usize>(
    stop: &AtomicBool,
    file: &LoopTrainFile,
    directory: &RunDirectory,
    report: &mut Report,
) -> Result<(), DriverError> {
    let mut rows = Vec::new();
    let parameters = match &file.train {
        Some(table) => trained::<N>(stop, file, table, directory, &mut rows, report)?,
        None => fitted::<N>(file, &mut rows)?,
    };
    let judged = Judged::new::<N>(file, &parameters)?;
    rows.extend(judged.rows());
    write_model::<N>(file, directory, parameters, &judged)?;
    let others = format!("{}", file.model.file.display());
    write_results(directory, &rows, "", &others, report)?;
    if judged.step_error > file.evaluate.step_error {
        return Err(DriverError::Input(format!(
            "ln q changes by {:.1e} with twice the steps, more than {}: take more `steps`",
            judged.step_error, file.evaluate.step_error
        )));
    }
    Ok(())
}

/// The flow of a training file, with `steps` steps.
fn place<T: Real, const N: usize>(
    file: &LoopTrainFile,
    steps: usize,
    lattice: &Arc<Lattice>,
    parameters: &[f64],
) -> Result<Flow<T, N>, ModelError> {
    Flow::new(kind(file, steps).stack(lattice, 1)?, parameters.to_vec())
}

fn kind(file: &LoopTrainFile, steps: usize) -> LayerKind {
    LayerKind::LoopFlow { loops: file.model.loops, knots: file.model.knots, steps }
}

/// First parameters.
fn fitted<const N: usize>(file: &LoopTrainFile, rows: &mut Vec<Row>) -> Result<Vec<f64>, DriverError> {
    let fit = GeneratorFit {
        loops: file.model.loops,
        knots: file.model.knots,
        beta: file.action.beta,
        samples: file.fit.samples,
        seed: file.run.seed,
        threads: file.machine.threads,
    };
    let fitted = fit.fit::<N>(&file.lattice.extents)?;
    let (time, left) =
        fitted.left.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0.0, f64::NAN));
    let row = Row::new(None, "fit", "left of the variance").value(left).count(file.fit.samples);
    rows.push(row.note(format!("most, at t = {time:.3}")));
    Ok(fitted.parameters)
}

/// After the steps of the optimiser, from a checkpoint on where there is one.
fn trained<const N: usize>(
    stop: &AtomicBool,
    file: &LoopTrainFile,
    table: &TrainTable,
    directory: &RunDirectory,
    rows: &mut Vec<Row>,
    report: &mut Report,
) -> Result<Vec<f64>, DriverError> {
    let checkpoint = directory.file(Work::Training.checkpoint());
    let start = if checkpoint.exists() {
        LoopFlow::<f64, N>::expanded(file.model.loops, file.model.knots, file.action.beta)
    } else {
        fitted::<N>(file, rows)?
    };
    let floor = Theory::wilson(N, file.action.beta, &file.lattice.extents).map(|theory| -theory.ln_z());
    let loss = loss::<f32, N>(file, &file.lattice.extents, &start)?;
    let mut trainer = Trainer::new(plan(&file.run, table, floor, file.hash()), loss, start)?;
    let mut reports = resume(directory, &mut trainer)?;
    train(stop, (&file.run, table), directory, &mut trainer, &mut reports, report)?;
    Ok(trainer.parameters().to_vec())
}

fn loss<T: Real, const N: usize>(
    file: &LoopTrainFile,
    extents: &[usize],
    parameters: &[f64],
) -> Result<Divergence<T, N>, TrainError> {
    let place = |lattice: &Arc<Lattice>| place(file, file.model.steps, lattice, parameters);
    Divergence::new(extents, file.action.beta, file.machine.threads, &place)
}

/// What the flow is worth on the lattice of `[evaluate]`.
struct Judged {
    weights: LogWeights,
    loss: f64,
    divergence: f64,
    /// What is known exactly.
    exact: Option<Theory>,
    step_error: f64,
}

impl Judged {
    fn new<const N: usize>(file: &LoopTrainFile, parameters: &[f64]) -> Result<Self, DriverError> {
        let (extents, samples) = (&file.evaluate.extents, file.evaluate.samples);
        let address = Address::new(file.run.seed, Purpose::Training).sample(2);
        let draws = loss::<f32, N>(file, extents, parameters)?.draw(address, samples)?;
        let weights = LogWeights::new(&draws.log_weights()).map_err(TrainError::from)?;
        let flow =
            |steps: usize| move |lattice: &Arc<Lattice>| place::<f64, N>(file, steps, lattice, parameters);
        let (coarse, fine) = (flow(file.model.steps), flow(2 * file.model.steps));
        let step_error =
            step_error::<N>(extents, file.machine.threads, (&coarse, &fine), address, STEP_ERROR_SAMPLES)?;
        let exact = Theory::wilson(N, file.action.beta, extents);
        let ln_z = match exact {
            Some(exact) => exact.ln_z(),
            None => weights.ln_z().map_err(TrainError::from)?.value,
        };
        Ok(Self { weights, loss: draws.mean(), divergence: draws.mean() + ln_z, exact, step_error })
    }

    fn rows(&self) -> Vec<Row> {
        let row = |quantity: &str| Row::new(None, "flow", quantity);
        let steps = "rms change of ln q with twice the steps";
        let mut rows = vec![row("ESS").sample_size(&self.weights)];
        rows.extend(yardstick(row("ESS, yardstick"), self.exact));
        rows.push(
            row("KL divergence")
                .value(self.divergence)
                .count(self.weights.len())
                .note(floor(self.exact.is_some())),
        );
        rows.push(row("step error").value(self.step_error).count(STEP_ERROR_SAMPLES).note(steps));
        rows
    }
}

/// Writes the parameters with what a host must know to use them.
fn write_model<const N: usize>(
    file: &LoopTrainFile,
    directory: &RunDirectory,
    parameters: Vec<f64>,
    judged: &Judged,
) -> Result<(), DriverError> {
    let beta = Map::from_iter([("beta".to_owned(), json!(file.action.beta))]);
    let target = Named { name: "wilson".into(), parameters: beta };
    let mut model = flow_model::<N>(2, target, &[kind(file, file.model.steps)], parameters);
    let mut provenance = this_program();
    provenance["run_file_sha256"] = json!(file.hash());
    provenance["seed"] = json!(file.run.seed);
    directory.replace("provenance.json", &format!("{provenance:#}\n"))?;
    model.header.training = Training {
        seed: file.run.seed,
        steps: file.train.as_ref().map_or(0, |table| table.steps),
        batch: file.train.as_ref().map_or(0, |table| table.batch as u64),
        version: env!("CARGO_PKG_VERSION").into(),
        other: Map::from_iter([
            ("extents".to_owned(), json!(file.lattice.extents)),
            ("fit_samples".to_owned(), json!(file.fit.samples)),
            ("provenance".to_owned(), provenance),
        ]),
    };
    model.header.measured = Measured {
        ess: Some(judged.weights.effective_sample_size()),
        samples: Some(judged.weights.len() as u64),
        loss: Some(judged.loss),
        other: Map::from_iter([
            ("extents".to_owned(), json!(file.evaluate.extents)),
            ("divergence".to_owned(), json!(judged.divergence)),
            ("step_error".to_owned(), json!(judged.step_error)),
        ]),
    };
    model.write(directory.file(&file.model.file)).map_err(|error| DriverError::Input(error.to_string()))
}
