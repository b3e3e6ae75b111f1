//! The results of a training: a table for people, JSON lines for programs, a plot.

use super::chain::ChainResult;
use super::theory;
use crate::config::TrainFile;
use crate::error::DriverError;
use crate::plot::TrainingPlot;
use crate::report::Report;
use crate::run::{Row, RunDirectory, table};
use gaugelink_sampler::statistics::GammaEstimate;
use gaugelink_train::Telemetry;
use serde::Serialize;
use serde_json::{Value, json};

/// An evaluation as a line of the log, without the time that it took to get there, so that equal trainings have equal
/// logs.
pub(super) fn line(telemetry: &Telemetry) -> Value {
    let mut line = json!({ "kind": "training" });
    if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), json!(telemetry)) {
        line.extend(fields.into_iter().filter(|(key, _)| key != "seconds"));
    }
    line
}

/// The log of evaluations.
pub(super) fn lines(reports: &[Telemetry]) -> Result<String, DriverError> {
    json_lines(reports.iter().map(line))
}

fn json_lines(lines: impl Iterator<Item = impl Serialize>) -> Result<String, DriverError> {
    let mut text = String::new();
    for line in lines {
        text += &serde_json::to_string(&line).map_err(|e| DriverError::Input(e.to_string()))?;
        text.push('\n');
    }
    Ok(text)
}

/// Writes plot, `results.jsonl` and `table.txt`, and prints the results.
///
/// # Errors
/// [`DriverError`] where the directory cannot be written.
pub(super) fn show(
    file: &TrainFile,
    directory: &RunDirectory,
    reports: &[Telemetry],
    chain: Option<&ChainResult>,
    report: &mut Report,
) -> Result<(), DriverError> {
    let rows = rows(file, reports, chain);
    directory.replace("results.jsonl", &json_lines(rows.iter())?)?;
    let table = table(&rows);
    directory.replace("table.txt", &table)?;
    directory.make_folder("plots")?;
    let title = format!("Training, beta = {}, {:?}", file.action.beta, file.lattice.extents);
    let points: Vec<(f64, f64, f64)> =
        reports.iter().map(|r| (r.step as f64, r.divergence, r.sample_size)).collect();
    let untrained = theory(file).untrained_sample_size();
    let plot = TrainingPlot { title: &title, points: &points, untrained };
    directory.replace("plots/training.svg", &plot.svg())?;
    rows.iter().try_for_each(|row| report.record(row))?;
    let files = format!(
        "{}, measurements.jsonl, results.jsonl, table.txt, plots/training.svg, provenance.json",
        file.model.file
    );
    report.text(&format!("{table}\n{}: {files}", directory.path().display()))
}

fn rows(file: &TrainFile, reports: &[Telemetry], chain: Option<&ChainResult>) -> Vec<Row> {
    let exact = theory(file);
    let mut rows = Vec::new();
    let training = |quantity: &str| Row::new(None, "training", quantity);
    if let Some(last) = reports.last() {
        let n = last.samples;
        rows.push(training("ESS").value(last.sample_size).count(n));
        let untrained = format!("of a proposal without training: {:.4}", exact.untrained_sample_size());
        rows.push(training("ESS, yardstick").value(exact.untrained_sample_size()).note(untrained));
        rows.push(training("KL divergence").value(last.divergence).count(n).note("loss less -ln Z"));
        let note = format!("{} steps of {}", last.step, file.train.batch);
        rows.push(training("seconds").value(last.seconds).note(note));
    }
    let Some(chain) = chain else { return rows };
    let of_chain = |quantity: &str| Row::new(None, "chain", quantity);
    if let Some(rate) = chain.acceptance.rate() {
        let note = format!("longest run of rejections {}", chain.acceptance.longest_rejection);
        rows.push(of_chain("acceptance").value(rate.value).count(chain.acceptance.proposed).note(note));
    }
    for (name, estimate, exact) in [
        ("plaquette", &chain.plaquette, exact.plaquette()),
        ("charge^2", &chain.charge_squared, exact.charge_squared()),
    ] {
        rows.push(judged(of_chain(name), estimate, exact));
    }
    rows
}

/// A mean beside its exact value.
fn judged(row: Row, estimate: &Result<GammaEstimate, String>, exact: f64) -> Row {
    match estimate {
        Ok(estimate) => {
            let sigmas = (estimate.value - exact) / estimate.error;
            row.estimate(estimate).note(format!("exact {exact:.8}, {sigmas:+.1} sigma"))
        }
        Err(reason) => row.note(format!("exact {exact:.8}; no mean: {reason}")),
    }
}
