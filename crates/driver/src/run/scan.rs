//! A scan: one run for each value of a key, then one table and one figure of them all.

use super::analysis::{names, series};
use super::directory::{RunDirectory, Work};
use super::line::Line;
use super::perform;
use super::results::{self, Row};
use crate::config::{RunFile, Scan};
use crate::error::DriverError;
use crate::plot::{ScanCurve, ScanPlot};
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
    let directory = RunDirectory::begin(&scan.directory, Work::Run, fresh)?;
    if directory.file(Work::Run.checkpoint()).exists() {
        return Err(directory.taken("a run, not a scan,"));
    }
    let (key, count) = (&scan.table.key, scan.members.len());
    let (mut rows, mut curves) = (Vec::new(), Vec::new());
    for (number, (file, &at)) in scan.members.iter().zip(&scan.table.values).enumerate() {
        aside(format_args!("{key} = {at}, run {} of {count}", number + 1));
        let (own, lines) = perform(file, fresh, false)?;
        results::show(file, &own, &lines, &mut Report::quiet())?;
        let own: Vec<Row> =
            results::rows(file, &lines).into_iter().filter(|row| row.is_of_updates(file)).collect();
        extend(&mut curves, (file, &lines, &own), (observable, at));
        rows.extend(own.into_iter().map(|row| At { key, at, row }));
    }
    let last = scan.table.values.last().copied().unwrap_or_default();
    let plot = ScanPlot { parameter: key, last, observable, curves: &curves };
    directory.replace("scan.svg", &plot.svg())?;
    directory.replace("results.jsonl", &json_lines(&rows)?)?;
    let table = table(key, &rows);
    directory.replace("table.txt", &table)?;
    rows.iter().try_for_each(|row| report.record(row))?;
    let path = directory.path().display();
    report.text(&format!("{table}\n{path}: scan.svg, results.jsonl, table.txt, and a directory of each run"))
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

fn table(key: &str, rows: &[At<'_>]) -> String {
    let header = [key, "stage", "quantity", "value", "tau_int", "N", ""].map(String::from);
    let cells = |at: &At<'_>| {
        let [stage, quantity, value, tau, n, note] = at.row.cells();
        [at.at.to_string(), stage, quantity, value, tau, n, note]
    };
    let cells: Vec<[String; 7]> = std::iter::once(header).chain(rows.iter().map(cells)).collect();
    aligned(&cells, &[5])
}
