//! The results of a run: a table for people, JSON lines for programs.

use super::Done;
use super::analysis::{CREUTZ, controlled, decisions, diverged, plain, series, updates};
use super::directory::{LOG, RunDirectory};
use super::line::{Line, Start, Term};
use super::{
    creutz, exact, importance, independence, plots, plugin_rows, reweighted, solve_rows, spectrum,
    susceptibility,
};
use crate::config::{RunFile, Stage};
use crate::error::DriverError;
use crate::report::{Report, aligned, json_lines};
use gaugelink_sampler::statistics::{
    AcceptanceStatistics, GammaEstimate, LogWeights, Measured, StatisticsError, Sufficiency,
};
use serde::Serialize;

/// Quantities without an autocorrelation time that algorithms are compared by.
const COMPARED: [&str; 4] = ["acceptance", "ESS of draws", "longest rejection", "ln Z"];

/// From here on numbers without an error have a power of ten.
const LARGE: f64 = 1e7;

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub(crate) struct Row {
    /// Always "result", to tell these lines from measurements.
    kind: &'static str,
    /// Stage, counted from 0; none for the first configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<usize>,
    what: String,
    quantity: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tau_int: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tau_int_error: Option<f64>,
    /// Measurements.
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<usize>,
    #[serde(skip_serializing_if = "String::is_empty")]
    note: String,
}

impl Row {
    pub fn new(stage: Option<usize>, what: &str, quantity: impl Into<String>) -> Self {
        Self { kind: "result", stage, what: what.into(), quantity: quantity.into(), ..Self::default() }
    }
    pub fn named(self, quantity: String) -> Self {
        Self { quantity, ..self }
    }
    pub fn value(self, value: f64) -> Self {
        Self { value: Some(value), ..self }
    }
    pub fn value_with_error(self, value: f64, error: f64) -> Self {
        Self { value: Some(value), error: Some(error), ..self }
    }
    /// The effective sample size of independent draws, with its error where there are some.
    pub fn sample_size(self, weights: &LogWeights) -> Self {
        let row = self.count(weights.len());
        match weights.measured_sample_size() {
            Ok(Measured { value, error }) => row.value_with_error(value, error),
            Err(_) => row.value(weights.effective_sample_size()),
        }
    }
    /// tau_int and its error, if this is the row of a quantity of a stage.
    pub fn tau_int_of(&self, stage: usize, quantity: &str) -> Option<(f64, f64)> {
        let is = self.stage == Some(stage) && self.quantity == quantity;
        self.tau_int.zip(self.tau_int_error).filter(|_| is)
    }
    /// The effective sample size, if this is the row of it of a stage.
    pub fn sample_size_of(&self, stage: usize) -> Option<f64> {
        self.value.filter(|_| self.stage == Some(stage) && self.quantity == "ESS of draws")
    }
    /// Whether it compares algorithms: an average along a stage of updates, or how its draws and decisions went.
    pub fn is_of_updates(&self, file: &RunFile) -> bool {
        let updates = self.stage.is_some_and(|stage| file.stages[stage].updates() > 0);
        let of_steps = ["delta H", CREUTZ].contains(&self.quantity.as_str());
        let weighted = self.what == "importance" && self.error.is_some();
        let compares = self.tau_int.is_some() || weighted || COMPARED.contains(&self.quantity.as_str());
        updates && !of_steps && compares
    }
    /// The same divided by a number, under another name and without autocorrelation time, if this is an average of `quantity`, or
    /// of it in other ways, which its name then tells after a comma.
    pub fn divided(&self, quantity: &str, name: &str, by: f64) -> Option<Self> {
        let way =
            self.quantity.strip_prefix(quantity).filter(|way| way.is_empty() || way.starts_with(','))?;
        let (value, error) = (self.value? / by, self.error? / by);
        let row = Self::new(self.stage, &self.what, format!("{name}{way}"));
        Some(Self { n: self.n, ..row.value_with_error(value, error) })
    }
    /// Compares with an exact value.
    pub fn against(self, exact: f64) -> Self {
        let note = match (self.value, self.error) {
            (Some(value), Some(error)) if error > 0.0 => {
                format!("exact {exact:.8}, {:+.1} sigma", (value - exact) / error)
            }
            _ => format!("exact {exact:.8}"),
        };
        self.note(note)
    }
    /// Adds to the note.
    pub fn note(self, note: impl AsRef<str>) -> Self {
        let between = if self.note.is_empty() { "" } else { "; " };
        Self { note: self.note + between + note.as_ref(), ..self }
    }
    /// Value and error, where there are both.
    pub fn measured(&self) -> Option<Measured> {
        Some(Measured { value: self.value?, error: self.error? })
    }
    /// Of so many measurements.
    pub fn count(self, n: usize) -> Self {
        Self { n: Some(n), ..self }
    }
    pub fn estimate(self, e: &GammaEstimate) -> Self {
        let row = Self {
            value: Some(e.value),
            error: Some(e.error),
            tau_int: Some(e.tau_int),
            tau_int_error: Some(e.tau_int_error),
            n: Some(e.measurements),
            ..self
        };
        match e.sufficiency {
            Sufficiency::TooShort => row.note("chain too short for its tau_int"),
            Sufficiency::Enough => row,
        }
    }

    /// The average of values with its error, or without where there is none.
    pub fn average(
        self,
        estimate: Result<GammaEstimate, StatisticsError>,
        values: impl Iterator<Item = f64>,
    ) -> Self {
        match estimate {
            Ok(estimate) => self.estimate(&estimate),
            Err(error) => {
                let (sum, n) = values.fold((0.0, 0usize), |(sum, n), x| (sum + x, n + 1));
                self.value(sum / n.max(1) as f64).count(n).note(format!("no error: {error}"))
            }
        }
    }

    /// What stands in the columns of the table.
    pub fn cells(&self) -> [String; 6] {
        let pair = |value: Option<f64>, error: Option<f64>| match (value, error) {
            (Some(value), Some(error)) => Measured { value, error }.to_string(),
            (Some(value), None) if value != 0.0 && value.abs() < 1e-3 => format!("{value:.2e}"),
            (Some(value), None) if value.abs() >= LARGE => format!("{value:.3e}"),
            (Some(value), None) if value.abs() >= 10.0 => format!("{value:.1}"),
            (Some(value), None) => format!("{value:.8}"),
            _ => String::new(),
        };
        [
            self.stage.map_or_else(|| "-".into(), |s| format!("{s}")) + " " + &self.what,
            self.quantity.clone(),
            pair(self.value, self.error),
            pair(self.tau_int, self.tau_int_error),
            self.n.map_or_else(String::new, |n| n.to_string()),
            self.note.clone(),
        ]
    }
}

/// Writes plots, `results.jsonl` and `table.txt`, and prints the results.
///
/// # Errors
/// [`DriverError`] where the directory cannot be written.
pub(crate) fn show(file: &RunFile, done: &Done, report: &mut Report) -> Result<(), DriverError> {
    let Done { directory, extents, lines } = done;
    plots::write(file, directory, lines)?;
    let below = plugin_rows::footer(directory)? + &solve_rows::footer(directory)?;
    write_results(directory, &rows(file, extents, lines), &below, "plots/", report)?;
    solve_rows::timings(directory)?.iter().try_for_each(|line| report.record(line))
}

/// Writes `results.jsonl` and `table.txt`, and prints the rows: as lines, or as the table with what stands `below` it and
/// the names of the directory's files, `others` among them.
///
/// # Errors
/// [`DriverError`] where the directory cannot be written.
pub(crate) fn write_results(
    directory: &RunDirectory,
    rows: &[Row],
    below: &str,
    others: &str,
    report: &mut Report,
) -> Result<(), DriverError> {
    directory.replace("results.jsonl", &json_lines(rows)?)?;
    let table = table(rows);
    directory.replace("table.txt", &table)?;
    rows.iter().try_for_each(|row| report.record(row))?;
    // A fit has no measurements along the way, a training no stages to time.
    let names = [LOG, "results.jsonl", "table.txt", "provenance.json", "timings.jsonl"];
    let files: Vec<&str> =
        names.into_iter().filter(|name| directory.file(name).exists()).chain([others]).collect();
    let files = files.join(", ");
    report.text(&format!("{table}\n{below}{}: {files}", directory.path().display()))
}

/// All rows of a run on a lattice of these extents.
pub(super) fn rows(file: &RunFile, extents: &[usize], lines: &[Line]) -> Vec<Row> {
    let mut rows = Vec::new();
    start_rows(&mut rows, lines);
    for (number, stage) in file.stages.iter().enumerate() {
        plugin_rows::which(&mut rows, number, stage, lines);
        match stage {
            Stage::Heatbath(_)
            | Stage::Hmc(_)
            | Stage::Fthmc(_)
            | Stage::Proposal(_)
            | Stage::Independence(_) => {
                update_rows(&mut rows, file, number, lines);
                term_rows(&mut rows, file, number, lines);
                weight_row(&mut rows, file, number, lines);
            }
            Stage::Importance(_) => importance::rows(&mut rows, file, number, lines),
            Stage::Flow(_) => flow_rows(&mut rows, file, number, lines),
            Stage::Solve(stage) => solve_rows::rows(&mut rows, file, (number, stage), lines),
            Stage::Spectrum(stage) => {
                spectrum::rows(&mut rows, (file, extents.len()), (number, stage), lines)
            }
            Stage::Write(_) => write_rows(&mut rows, number, lines),
        }
        plugin_rows::gain(&mut rows, file, number, lines);
        if file.stages[number].ensemble().is_some() {
            ensemble_row(&mut rows, file, number, lines);
        }
    }
    susceptibility::added(rows, file, extents)
}

fn start_rows(rows: &mut Vec<Row>, lines: &[Line]) {
    let of_start = |line: &Line| if let Line::Start(start) = line { Some(start.clone()) } else { None };
    let starts: Vec<Start> = lines.iter().filter_map(of_start).collect();
    let Some(first) = starts.first() else { return };
    let mean = starts.iter().map(|s| s.plaquette).sum::<f64>() / starts.len() as f64;
    let chains = if starts.len() > 1 { format!("mean of {} chains, ", starts.len()) } else { String::new() };
    let note = format!("{chains}unitary to {:.1e}", first.unitarity);
    rows.push(Row::new(None, "start", "plaquette").value(mean).note(note));
}

/// A quantity of one chain, where there are several.
pub(super) fn named(quantity: &str, chain: usize, file: &RunFile) -> String {
    if file.run.chains > 1 { format!("{quantity}, chain {chain}") } else { quantity.into() }
}

fn update_rows(rows: &mut Vec<Row>, file: &RunFile, number: usize, lines: &[Line]) {
    let what = file.stages[number].kind();
    let all = series(file, number, lines);
    for series in &all {
        let row = Row::new(Some(number), what, series.name);
        let kept = || series.chains.iter().flat_map(|c| &c[series.thermalisation.min(c.len())..]).copied();
        let (n, mean) = (kept().count(), kept().sum::<f64>() / kept().count().max(1) as f64);
        let row = if mean.is_finite() { row.average(series.estimate(), kept()) } else { row.count(n) };
        let row = exact::average(file, series.name).into_iter().fold(row, Row::against);
        rows.push(if series.name == CREUTZ { creutz::remarked(row, mean) } else { row });
    }
    controlled_rows(rows, file, number, lines);
    rows.extend(reweighted::rows(&all));
    let diverged = diverged(file, number, lines);
    if diverged > 0 {
        let row = Row::new(Some(number), what, "diverged").count(diverged);
        rows.push(row.note(match file.stages[number] {
            Stage::Proposal(_) | Stage::Independence(_) => {
                "proposals without a weight or an action, refused and in no average"
            }
            _ => "trajectories without a delta H, rejected and in no average: take more `steps`",
        }));
    }
    let decisions = decisions(file, number, lines);
    if let Some(rate) = AcceptanceStatistics::from_decisions(&decisions).rate() {
        let row = Row::new(Some(number), what, "acceptance").value(rate.value).count(decisions.len());
        rows.push(match (decisions.contains(&true), decisions.contains(&false)) {
            // Equal decisions tell no error.
            (true, false) => row.note("all were accepted"),
            (false, true) => row.note(none_accepted(&file.stages[number])),
            _ => Row { error: Some(rate.error), ..row },
        });
    }
    if let Stage::Independence(_) = file.stages[number] {
        independence::rows(rows, number, &updates(number, lines));
    }
    for line in lines {
        if let Line::Reversibility(r) = line
            && r.stage == number
        {
            let row = Row::new(Some(number), what, "reversibility");
            rows.push(match r.links.is_finite() {
                true => row.value(r.links).note(format!("links there and back; energy {:.1e}", r.energy)),
                false => row.note("the trajectory that was to go there and back diverged, too"),
            });
        }
    }
}

/// Averages with control variates, and how many times the measurements they are worth.
fn controlled_rows(rows: &mut Vec<Row>, file: &RunFile, number: usize, lines: &[Line]) {
    let row = |quantity: &str| Row::new(Some(number), file.stages[number].kind(), quantity);
    let all = match controlled(file, number, lines) {
        Ok(all) => all,
        Err(error) => return rows.push(row("controls").note(format!("no coefficients: {error}"))),
    };
    for series in all {
        let kept = series.kept().concat();
        let own = row(series.name).average(series.estimate(), kept.into_iter());
        let own = exact::average(file, series.name).into_iter().fold(own, Row::against);
        let same = |row: &&Row| row.stage == Some(number) && row.quantity == plain(series.name);
        let errors = rows.iter().find(same).and_then(|row| row.error).zip(own.error);
        let gain = errors.map(|(without, with)| (without / with).powi(2));
        rows.push(match gain {
            Some(gain) => own.note(format!("worth {gain:.1} times the measurements")),
            None => own,
        });
    }
}

/// Forces and iterations of each term of an action with quarks, averages over all trajectories.
fn term_rows<'a>(rows: &mut Vec<Row>, file: &RunFile, number: usize, lines: &'a [Line]) {
    let of_stage = |line: &'a Line| match line {
        Line::Term(term) if term.stage == number => Some(term),
        _ => None,
    };
    let terms: Vec<&Term> = lines.iter().filter_map(of_stage).collect();
    let Some(first) = terms.first() else { return };
    let count = terms.iter().take_while(|term| term.update == first.update).count();
    for place in 0..count {
        let own: Vec<&Term> = terms.iter().skip(place).step_by(count).copied().collect();
        let sum = |pick: fn(&Term) -> usize| own.iter().map(|term| pick(term)).sum::<usize>() as f64;
        let row =
            |quantity: &str| Row::new(Some(number), file.stages[number].kind(), quantity).count(own.len());
        let squares = own.iter().map(|term| term.force * term.force).sum::<f64>();
        let most = own.iter().map(|term| term.force_max).fold(0.0, f64::max);
        rows.push(row("force").value((squares / own.len() as f64).sqrt()).note(format!(
            "{}; level {}, {} a trajectory, the largest {most:.3}",
            own[0].name, own[0].level, own[0].forces
        )));
        if sum(|term| term.force_iterations) > 0.0 {
            let of_action = sum(|term| term.action_iterations) / own.len() as f64;
            let of_force = sum(|term| term.force_iterations) / sum(|term| term.forces);
            let note = format!("of a force; {of_action:.1} a trajectory for heat bath and accept step");
            rows.push(row("iterations").value(of_force).note(note));
        }
    }
}

/// What the rational function of one flavour misses.
fn weight_row(rows: &mut Vec<Row>, file: &RunFile, number: usize, lines: &[Line]) {
    let of_stage = |line: &Line| match line {
        Line::Weight(weight) if weight.stage == number => Some(weight.ln_weight),
        _ => None,
    };
    let weights: Vec<f64> = lines.iter().filter_map(of_stage).collect();
    if weights.is_empty() {
        return;
    }
    let most = weights.iter().fold(0.0f64, |most, w| if most > w.abs() { most } else { w.abs() });
    let advice = if most > 0.1 { ": eigenvalues outside of `range`? widen it" } else { "" };
    let row = Row::new(Some(number), file.stages[number].kind(), "ln W").count(weights.len());
    rows.push(row.value(weights.iter().sum::<f64>() / weights.len() as f64).note(format!(
        "what the rational function misses, without the determinant's sign; at most {most:.1e}{advice}"
    )));
}

/// What to do about a stage that went nowhere.
fn none_accepted(stage: &Stage) -> &'static str {
    match stage {
        Stage::Hmc(hmc) if hmc.force.is_some() => {
            "no trajectory was accepted, so the links did not change: take more `steps`; if that does not help, \
             the plugin's force is not that of the action"
        }
        Stage::Proposal(_) => {
            "no proposal was accepted, so the links did not change: let the plugin propose less far"
        }
        Stage::Independence(_) => {
            "no draw of the flow was accepted, so the links did not change: train it further, or start from a draw of it"
        }
        _ => "no trajectory was accepted, so the links did not change: take more `steps`",
    }
}

fn flow_rows(rows: &mut Vec<Row>, file: &RunFile, number: usize, lines: &[Line]) {
    let mut last = None;
    for line in lines {
        match line {
            Line::Flow(flow) if flow.stage == number => last = Some(flow),
            Line::Scales(scales) if scales.stage == number => {
                let row = |name: &str| Row::new(Some(number), "flow", named(name, scales.chain, file));
                if let Some(end) = last {
                    let note = format!("clover, at flow time {}", end.time);
                    rows.push(row("t^2 E").value(end.t2e_clover).note(note));
                    rows.extend(end.charge.map(|q| row("charge").value(q).note("clover")));
                }
                for (name, scale) in [("t0", scales.t0), ("w0", scales.w0)] {
                    rows.push(match scale {
                        Some(value) => row(name).value(value),
                        None => row(name).note("not reached"),
                    });
                }
            }
            _ => {}
        }
    }
}

/// The files of a stage of updates, in one row.
fn ensemble_row(rows: &mut Vec<Row>, file: &RunFile, number: usize, lines: &[Line]) {
    let files = lines.iter().filter_map(|line| match line {
        Line::Write(write) if write.stage == number => Some(write),
        _ => None,
    });
    let files: Vec<_> = files.collect();
    if let [first, .., last] | [first @ last] = &files[..] {
        let state = if first.verified.is_some() { "read again, verified" } else { "not read again" };
        let note = format!("{} to {}, {state}", first.file, last.file);
        let row = Row::new(Some(number), file.stages[number].kind(), "configurations");
        rows.push(row.count(files.len()).note(note));
    }
}

fn write_rows(rows: &mut Vec<Row>, number: usize, lines: &[Line]) {
    for line in lines {
        if let Line::Write(write) = line
            && write.stage == number
        {
            let state = if write.verified.is_some() { "read again, verified" } else { "not read again" };
            let note = format!("{}, checksum {} {}, {state}", write.file, write.suma, write.sumb);
            rows.push(Row::new(Some(number), "write", "plaquette").value(write.plaquette).note(note));
        }
    }
}

/// The rows as a table for people.
fn table(rows: &[Row]) -> String {
    let header = ["stage", "quantity", "value", "tau_int", "N", ""].map(String::from);
    let cells: Vec<[String; 6]> = std::iter::once(header).chain(rows.iter().map(Row::cells)).collect();
    aligned(&cells, &[4])
}
