//! A scan: one run for each value of a key, then one table and one figure of them all.

use super::analysis::{names, series};
use super::directory::{RunDirectory, Work};
use super::line::Line;
use super::perform;
use super::results::{self, Row};
use crate::config::{RunFile, Scan};
use crate::error::DriverError;
use crate::plot::{CostCurve, CostPlot, ScanCurve, ScanPlot};
use crate::report::{Report, aligned, aside, json_lines};
use gaugelink_sampler::statistics::{Measured, Sufficiency};
use serde::Serialize;

/// Measurements of a history that are drawn.
const DRAWN: usize = 4000;

/// A row of a run's table, with the value that the run has of the key.
#[derive(Serialize)]
struct At<'s> {
    key: &'s str,
    at: f64,
    #[serde(flatten)]
    row: Row,
}

/// Does the runs one after the other and shows their results together. Each run goes on from its checkpoint, if it has
/// one; a complete one is not done again.
///
/// # Errors
/// As [`super::execute`].
pub(crate) fn execute(scan: &Scan, fresh: bool, report: &mut Report) -> Result<(), DriverError> {
    let observable = &scan.table.observable;
    let known: Vec<&str> = names().collect();
    if let Some(file) = scan.members.first().filter(|_| !known.contains(&observable.as_str())) {
        let message = format!("no observable is called `{observable}`: expected one of {}", known.join(", "));
        return Err(file.fail_key(&["scan", "observable"], &message));
    }
    let directory = RunDirectory::begin(&scan.directory, Work::Run, fresh, None)?;
    if directory.file(Work::Run.checkpoint()).exists() {
        return Err(directory.taken("a run, not a scan,"));
    }
    let (key, count) = (&scan.table.key, scan.members.len());
    let (mut rows, mut curves, mut timings) = (Vec::new(), Vec::new(), Vec::new());
    for (number, (file, &at)) in scan.members.iter().zip(&scan.table.values).enumerate() {
        aside(format_args!("{key} = {at}, run {} of {count}", number + 1));
        let done = perform(file, fresh, false)?;
        results::show(file, &done, &mut Report::quiet())?;
        let rows_of_run = results::rows(file, &done.extents, &done.lines).into_iter();
        let own: Vec<Row> = rows_of_run.filter(|row| row.is_of_updates(file)).collect();
        extend(&mut curves, (file, &done.lines, &own), (observable, at));
        timings = done.directory.timings()?;
        rows.extend(own.into_iter().map(|row| At { key, at, row }));
    }
    let last = scan.table.values.last().copied().unwrap_or_default();
    let plot = ScanPlot { parameter: key, last, observable, curves: &curves };
    directory.replace("scan.svg", &plot.svg())?;
    let mut files = "scan.svg, ";
    if let (Some(spent), Some(file)) = (&scan.table.spent, scan.members.last()) {
        let curves = costs((file, &timings), (spent, last), &curves);
        let at = format!("{key} = {last}");
        directory.replace("cost.svg", &CostPlot { at: &at, observable, curves: &curves }.svg())?;
        files = "scan.svg, cost.svg, ";
    }
    directory.replace("results.jsonl", &json_lines(&rows)?)?;
    let table = table(key, &rows);
    directory.replace("table.txt", &table)?;
    rows.iter().try_for_each(|row| report.record(row))?;
    let path = directory.path().display();
    report.text(&format!("{table}\n{path}: {files}results.jsonl, table.txt, and a directory of each run"))
}

/// Adds what a run tells of each stage of updates: τ_int of the observable, and the effective sample size of draws.
fn extend(
    curves: &mut Vec<ScanCurve>,
    (file, lines, rows): (&RunFile, &[Line], &[Row]),
    (observable, at): (&str, f64),
) {
    let updates: Vec<usize> = (0..file.stages.len()).filter(|&s| file.stages[s].updates() > 0).collect();
    curves.resize_with(updates.len(), ScanCurve::default);
    for (curve, stage) in curves.iter_mut().zip(updates) {
        let kind = file.stages[stage].kind();
        let same = file.stages.iter().filter(|stage| stage.kind() == kind).count();
        curve.name = if same == 1 { kind.into() } else { format!("{kind}, stage {stage}") };
        curve.sizes.extend(rows.iter().find_map(|row| row.sample_size_of(stage)).map(|size| (at, size)));
        let Some(series) = series(file, stage, lines).into_iter().find(|s| s.name == observable) else {
            continue;
        };
        curve.history = series.kept().first().map_or_else(Vec::new, |c| c[..c.len().min(DRAWN)].to_vec());
        let Ok(estimate) = series.estimate() else { continue };
        let scale = series.spacing as f64;
        let time = Measured { value: scale * estimate.tau_int, error: scale * estimate.tau_int_error };
        match estimate.sufficiency {
            Sufficiency::Enough => curve.times.push((at, time)),
            Sufficiency::TooShort => curve.guesses.push((at, time)),
        }
    }
}

/// What an independent sample takes with each stage of the last run, 2 τ_int updates of a chain, its measurements included.
fn costs(
    (file, timings): (&RunFile, &[serde_json::Value]),
    (spent, last): (&[f64], f64),
    curves: &[ScanCurve],
) -> Vec<CostCurve> {
    let seconds = |stage: usize| {
        let own = timings.iter().filter(|line| line["stage"].as_u64() == Some(stage as u64));
        let sum = |key: &str| own.clone().filter_map(|line| line[key].as_f64()).sum::<f64>();
        sum("seconds") / (sum("updates") * file.run.chains as f64)
    };
    let updates = (0..file.stages.len()).filter(|&stage| file.stages[stage].updates() > 0);
    let cost = |(curve, stage): (&ScanCurve, usize)| {
        let at_last = |times: &[(f64, Measured)]| times.iter().find(|(at, _)| *at == last).map(|t| t.1);
        let (known, guess) = (at_last(&curve.times), at_last(&curve.guesses));
        Some(CostCurve {
            name: curve.name.clone(),
            spent: spent.get(stage).copied().unwrap_or(0.0),
            each: 2.0 * known.or(guess)?.value * seconds(stage),
            at_least: known.is_none(),
        })
    };
    curves.iter().zip(updates).filter_map(cost).collect()
}

fn table(key: &str, rows: &[At<'_>]) -> String {
    let header = [key, "stage", "quantity", "value", "tau_int", "N", ""].map(String::from);
    let cells = |at: &At<'_>| {
        let [stage, quantity, value, tau, n, note] = at.row.cells();
        [at.at.to_string(), stage, quantity, value, tau, n, note]
    };
    let cells: Vec<[String; 7]> = std::iter::once(header).chain(rows.iter().map(cells)).collect();
    aligned(&cells, &[5])
}
