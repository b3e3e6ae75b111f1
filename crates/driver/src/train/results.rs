//! The results of a training: a table for people, JSON lines for programs, a plot.

use super::chain::{CHAINS, ChainResult};
use super::first::FIT;
use super::theory;
use crate::config::TrainFile;
use crate::error::DriverError;
use crate::plot::TrainingPlot;
use crate::report::Report;
use crate::run::{Row, RunDirectory, write_results};
use gaugelink_sampler::statistics::{AcceptanceStatistics, GammaEstimate};
use gaugelink_train::Telemetry;
use gaugelink_train::exact::Theory;
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
    directory.make_folder("plots")?;
    let title = format!("Training, beta = {}, {:?}", file.action.beta, file.lattice.extents);
    let points: Vec<(f64, f64, f64)> =
        reports.iter().map(|r| (r.step as f64, r.divergence, r.sample_size)).collect();
    let untrained = theory(file).map(|exact| exact.untrained_sample_size());
    let plot = TrainingPlot { title: &title, points: &points, untrained };
    directory.replace("plots/training.svg", &plot.svg())?;
    let others = format!("plots/training.svg, {}", file.model.file.display());
    let mut all = fit_row(directory)?;
    all.extend(rows(file, reports, chain));
    write_results(directory, &all, &footer(directory)?, &others, report)
}

/// What a fit of layers left of the divergence, where there was one.
fn fit_row(directory: &RunDirectory) -> Result<Vec<Row>, DriverError> {
    let text = directory.read(FIT)?.unwrap_or_default();
    let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let of_layer = |line: &Value| Some(line["blocks"].as_f64()? * line["divergence"].as_f64()?);
    let sum: Option<f64> = lines.iter().map(of_layer).sum();
    let row =
        |sum: f64| Row::new(None, "fit", "KL divergence").value(sum).note("of all blocks, each by itself");
    Ok(sum.filter(|_| !lines.is_empty()).map(row).into_iter().collect())
}

/// How long the training took: from the timings, so it is printed and no result. Empty where there are none.
pub(super) fn footer(directory: &RunDirectory) -> Result<String, DriverError> {
    let timings = directory.timings()?;
    let last = timings.last().and_then(|line| Some((line["step"].as_u64()?, line["seconds"].as_f64()?)));
    Ok(last
        .map_or_else(String::new, |(step, seconds)| format!("training: {step} steps in {seconds:.2} s\n\n")))
}

fn rows(file: &TrainFile, reports: &[Telemetry], chain: Option<&ChainResult>) -> Vec<Row> {
    let exact = theory(file);
    let mut rows = Vec::new();
    let training = |quantity: &str| Row::new(None, "training", quantity);
    if let Some(last) = reports.last() {
        let n = last.samples;
        let note = format!("after {} steps of {}", last.step, file.train.batch);
        rows.push(
            training("ESS").value_with_error(last.sample_size, last.sample_size_error).count(n).note(note),
        );
        rows.extend(yardstick(training("ESS, yardstick"), exact));
        let is_poor = exact.is_none() && last.sample_size * (n as f64) < FEW;
        let poor = if is_poor { ": few draws have most of the weight, so it is larger" } else { "" };
        let note = format!("{}{poor}", floor(exact.is_some()));
        rows.push(training("KL divergence").value(last.divergence).count(n).note(note));
    }
    let Some(chain) = chain else { return rows };
    let of_chain = |quantity: &str| Row::new(None, "chain", quantity);
    rows.extend(acceptance_row(of_chain("acceptance"), &chain.acceptance, chain.stuck, OF_FLOWS));
    let mut mean = |name: &str, estimate: &Result<GammaEstimate, String>, exact: Option<f64>| {
        let row = judged(of_chain(name), estimate, exact);
        rows.push(match estimate.as_ref().ok().and_then(too_short) {
            Some(note) => row.note(note),
            None => row,
        });
    };
    mean("plaquette", &chain.plaquette, exact.map(|exact| exact.plaquette()));
    if let Some(charge_squared) = &chain.charge_squared {
        mean("charge^2", charge_squared, exact.and_then(|exact| exact.charge_squared()));
    }
    rows
}

/// Effective draws below which ln Z is one of few weights.
const FEW: f64 = 100.0;

/// Of a chain this many τ_int the begin, a draw of the flow and not of the theory, counts for little.
const LONG: f64 = 50.0;

/// What is said of a mean over chains each of which is short: all begin with draws of the flow.
fn too_short(estimate: &GammaEstimate) -> Option<String> {
    let each = estimate.measurements as f64 / CHAINS as f64 / estimate.tau_int;
    (each < LONG).then(|| {
        format!(
            "each chain has {each:.0} tau_int only and begins with a draw of the flow: take more `updates`"
        )
    })
}

/// The effective sample size that a flow is held against, where it is known.
pub(super) fn yardstick(row: Row, exact: Option<Theory>) -> Option<Row> {
    let exact = exact?;
    Some(row.value(exact.untrained_sample_size()).note("of a proposal without training"))
}

/// What the divergence is the difference of, where ln Z is known exactly and where not.
pub(super) fn floor(exact: bool) -> &'static str {
    if exact { "loss less -ln Z" } else { "loss and ln Z, which the same weights estimate" }
}

/// What helps chains that never move, which a flow proposes to.
pub(super) const OF_FLOWS: &str = "train longer, or take more `updates`";

/// How often chains took what was proposed to them, and what helps those that never did.
pub(super) fn acceptance_row(
    row: Row,
    acceptance: &AcceptanceStatistics,
    stuck: usize,
    advice: &str,
) -> Option<Row> {
    let rate = acceptance.rate()?;
    let stuck = match stuck {
        0 => String::new(),
        stuck => format!("; {stuck} chains never moved: {advice}"),
    };
    let note = format!("longest run of rejections {}{stuck}", acceptance.longest_rejection);
    Some(row.value(rate.value).count(acceptance.proposed).note(note))
}

/// A mean beside its exact value, where there is one.
pub(super) fn judged(row: Row, estimate: &Result<GammaEstimate, String>, exact: Option<f64>) -> Row {
    match (estimate, exact) {
        (Ok(estimate), Some(exact)) => row.estimate(estimate).against(exact),
        (Ok(estimate), None) => row.estimate(estimate),
        (Err(reason), Some(exact)) => row.note(format!("exact {exact:.8}; no mean: {reason}")),
        (Err(reason), None) => row.note(format!("no mean: {reason}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaugelink_sampler::statistics::{GammaMethod, Sufficiency};

    #[test]
    fn short_chains_say_that_their_begin_counts() {
        let alternating = |n: usize| (0..n).map(|i| (i * i % 7) as f64).collect::<Vec<f64>>();
        let note = |n: usize| too_short(&GammaMethod::default().mean(&alternating(n)).unwrap());
        assert!(note(80).unwrap().contains("tau_int only"));
        assert_eq!(note(8000), None);
    }

    /// A slow oscillation, seen once: its warning stands beside the exact value.
    #[test]
    fn a_chain_that_is_too_short_says_so_beside_the_exact_value() {
        let series: Vec<f64> = (0..64).map(|i| (i as f64 / 32.0).sin()).collect();
        let estimate = GammaMethod::default().mean(&series).unwrap();
        assert_eq!(estimate.sufficiency, Sufficiency::TooShort);
        let row = json!(judged(Row::new(None, "chain", "plaquette"), &Ok(estimate), Some(0.5)));
        let note = row["note"].as_str().unwrap();
        assert!(note.contains("too short") && note.contains("exact 0.5") && note.contains("sigma"), "{note}");
    }
}
