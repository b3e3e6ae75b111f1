//! Reading all files of an ensemble, several at a time, and what is shown and kept of them.

use super::averages::Averages;
use super::content::{Chain, Reading, Strictness, content_findings};
use super::examine::{Examined, Source, Task};
use super::finding::{self, Finding};
use super::member::Member;
use super::rounded::Rounded;
use super::scan::Ensemble;
use super::series::Series;
use super::store::{FILES, Store};
use super::work::in_order;
use crate::cli::EnsembleReadArgs;
use crate::error::DriverError;
use crate::links::{Lattices, counted, printable, reason, shown};
use crate::progress;
use crate::report::{Report, aligned, json_lines};
use crate::run::RunDirectory;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Where results go without --out: a folder of the ensemble's name within this one.
const OUT: &str = "gaugelink-ensemble";

/// What a folder of results holds.
const RESULTS: [&str; 4] = [FILES, "results.jsonl", "table.txt", "plots"];

/// An ensemble whose files were read.
pub(crate) struct Read<'a> {
    ensemble: &'a Ensemble,
    args: &'a EnsembleReadArgs,
    pub store: Store,
    pub readings: Vec<Reading<'a>>,
    /// Copies in single precision.
    rounded: Vec<Rounded>,
    pub findings: Vec<Finding>,
}

/// Refuses a folder for results that holds the data, or files of somebody else's which results would replace.
fn expect_own(out: &Path, ensemble: &Ensemble) -> Result<(), DriverError> {
    let place = |path: &Path| std::fs::canonicalize(path).ok();
    let refuse = |why: &str| {
        Err(DriverError::Request(format!("{}: {why}: give another folder (--out DIR)", shown(out))))
    };
    let holds = |member: &Member| member.path.parent().and_then(place) == place(out);
    if out.exists() && ensemble.members.iter().any(holds) {
        return refuse("it holds the configurations, beside which nothing is written");
    }
    let foreign = RESULTS.iter().find(|name| out.join(name).exists());
    match foreign.filter(|_| !RunDirectory::was_used(out)) {
        Some(name) => {
            refuse(&format!("it holds {name}, which no earlier call left there and this one would replace"))
        }
        None => Ok(()),
    }
}

impl<'a> Read<'a> {
    /// Reads what is not known yet, prints a line for each file as it is done, and keeps the result.
    ///
    /// # Errors
    /// Those of the folder of results; files that cannot be read are findings.
    pub fn all(
        ensemble: &'a Ensemble,
        args: &'a EnsembleReadArgs,
        task: Task<'_>,
        report: &mut Report,
    ) -> Result<Self, DriverError> {
        let out = args.out.clone().unwrap_or_else(|| PathBuf::from(OUT).join(&ensemble.label));
        expect_own(&out, ensemble)?;
        let mut store = Store::open(&out, args.again)?;
        let known = |member: &Member| {
            store.known(&Source::of(member, task.shape), |found| task.is_done(found)).cloned()
        };
        let known: Vec<Option<Examined>> = ensemble.members.iter().map(known).collect();
        let due: Vec<&Member> = ensemble
            .members
            .iter()
            .zip(&known)
            .filter(|(_, known)| known.is_none())
            .map(|(m, _)| m)
            .collect();
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        let wanted = if args.jobs == 0 { cores } else { args.jobs };
        let jobs = task.affordable(wanted.min(due.len().max(1)), &due);
        let bar = progress::bytes("reading", due.iter().map(|member| member.payload).sum());
        let mut readings = Vec::new();
        let workspace = || Lattices::new((cores / jobs).max(1));
        let work = |lattices: &mut Lattices, place: usize| match &known[place] {
            Some(found) => Ok(found.clone()),
            None => task.examine(&ensemble.members[place], lattices, &bar),
        };
        in_order(jobs, ensemble.members.len(), workspace, work, |place, found| {
            let member = &ensemble.members[place];
            if let (Ok(found), None) = (&found, &known[place]) {
                store.add(found)?;
            }
            let found = found.map_err(|error| reason(&error, &member.path));
            let reading = Reading { member, found };
            bar.suspend(|| show_file(&reading, known[place].is_none(), report))?;
            readings.push(reading);
            Ok(())
        })?;
        bar.finish_and_clear();
        let rounded = Rounded::find(&readings, task.shape);
        Ok(Self { ensemble, args, store, readings, rounded, findings: ensemble.findings.clone() })
    }

    fn strictness(&self) -> Strictness {
        let EnsembleReadArgs { sigmas, repeats, ignore_checksum, .. } = *self.args;
        Strictness { sigmas, repeats, ignore_checksum }
    }

    /// What averages are over.
    pub fn chain(&self) -> Chain<'_> {
        Chain::of(&self.readings, &self.rounded, self.strictness())
    }

    /// Judges the ensemble, writes `results.jsonl`, `table.txt` and `plots/`, and prints findings, averages and a summary;
    /// `all` observables, or only the plaquette.
    ///
    /// # Errors
    /// [`DriverError`] where the folder cannot be written.
    pub fn show(&mut self, all: bool, report: &mut Report) -> Result<Summary, DriverError> {
        let (content, spread) = content_findings(&self.readings, &self.rounded, self.strictness());
        self.findings.extend(content);
        self.findings.extend(self.changed());
        let Chain { taken, copies } = self.chain();
        let directory = self.store.directory();
        let mut rows = Vec::new();
        // An empty chain has a table too.
        let mut chains: Vec<&[_]> = taken.chunk_by(|(a, _), (b, _)| a.chain == b.chain).collect();
        if chains.is_empty() {
            chains.push(&[]);
        }
        for (number, own) in (1..).zip(&chains) {
            let of_chain =
                |copy: &&&Member| own.first().is_some_and(|(member, _)| member.chain == copy.chain);
            let copies = copies.iter().filter(of_chain).count();
            let averages = Averages::of(&self.ensemble.label, &self.ensemble.series, own, copies, all);
            let prefix = if chains.len() > 1 { format!("chain{number}-") } else { String::new() };
            averages.plot(directory, &prefix, spread.as_ref())?;
            rows.extend(averages.rows());
        }
        report.text("")?;
        finding::show(&self.findings, report)?;
        rows.iter().try_for_each(|row| report.record(row))?;
        let header = ["quantity", "value", "tau_int", "N", ""].map(String::from);
        let cells = rows.iter().map(|row| {
            let [_, cells @ ..] = row.cells();
            cells.map(|cell| printable(&cell))
        });
        let table = aligned(&std::iter::once(header).chain(cells).collect::<Vec<_>>(), &[3]);
        let summary = Summary::of(self, taken.len(), copies.len());
        let lines = json_lines(&self.findings)? + &json_lines(&rows)? + &json_lines([&summary])?;
        directory.replace("results.jsonl", &lines)?;
        directory.replace("table.txt", &format!("{table}\n{}\n", summary.text()))?;
        report.text(&format!("\n{table}"))?;
        report.record(&summary)?;
        report.text(&summary.text())?;
        report.text(&format!(
            "{}: {FILES}, results.jsonl, table.txt, plots/",
            printable(&shown(directory.path()))
        ))?;
        Ok(summary)
    }

    /// Files whose links are not what they were when they were read before.
    fn changed(&self) -> Vec<Finding> {
        let changed = |reading: &Reading<'_>| {
            let found = reading.found.as_ref().ok()?;
            let before = self.store.before_change(found)?;
            let message = format!(
                "{} was read before with other links (cksum {} then, {} now): find out who changed it; --again forgets what \
                 was",
                reading.member.name, before.crc_cksum, found.crc_cksum
            );
            Some(Finding::wrong("changed", vec![reading.member.name.clone()], message))
        };
        self.readings.iter().filter_map(changed).collect()
    }
}

/// One file, as a line.
fn show_file(reading: &Reading<'_>, read: bool, report: &mut Report) -> Result<(), DriverError> {
    let Reading { member, found } = reading;
    let ok = found.as_ref().is_ok_and(|found| found.errors.is_empty());
    report.record(&FileLine {
        kind: "file",
        number: member.number,
        chain: member.chain.as_deref(),
        name: &member.name,
        ok,
        read,
        found: found.as_ref().ok(),
        error: found.as_ref().err(),
    })?;
    let number = member.number.map_or("-".into(), |number| number.to_string());
    let state = match found {
        Ok(found) if ok => {
            format!("plaquette {:.12}, checksum {}", found.plaquette.unwrap_or(f64::NAN), found.checksum)
        }
        Ok(found) => first_words(&found.errors[0]),
        Err(reason) => first_words(reason),
    };
    let mark = if ok { "ok" } else { "FAILED" };
    report.text(&format!("{mark:<6}  {number:>6}  {}  {state}", printable(&member.name)))
}

/// A reason up to its explanation, which stands among the findings.
fn first_words(reason: &str) -> String {
    printable(reason.split([':', ';']).next().unwrap_or_default())
}

#[derive(Serialize)]
struct FileLine<'a> {
    kind: &'static str,
    number: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chain: Option<&'a str>,
    name: &'a str,
    ok: bool,
    /// Whether it was read now; else the result is that of an earlier call.
    read: bool,
    #[serde(flatten)]
    found: Option<&'a Examined>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a String>,
}

/// The ensemble in one line.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Summary {
    kind: &'static str,
    ensemble: String,
    /// Files looked at.
    files: usize,
    /// Of them with a gauge field.
    configurations: usize,
    /// Of these in averages.
    averaged: usize,
    /// Not in averages because another one holds the same field.
    copies: usize,
    first: Option<u64>,
    last: Option<u64>,
    /// That of all chains, where they have the same.
    stride: Option<u64>,
    /// The chains, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    chains: Vec<Series>,
    /// Findings that are not in order, and remarks.
    pub wrong: usize,
    notes: usize,
    #[serde(skip)]
    kinds: String,
}

impl Summary {
    fn of(read: &Read<'_>, averaged: usize, copies: usize) -> Self {
        let Read { ensemble, findings, .. } = read;
        let series = &ensemble.series;
        let stride = series.first().and_then(|series| series.stride);
        let wrong: Vec<&str> = findings.iter().filter(|f| f.wrong).map(|f| f.what).collect();
        let mut kinds: Vec<(&str, usize)> = Vec::new();
        for &what in &wrong {
            match kinds.iter_mut().find(|(kind, _)| *kind == what) {
                Some((_, count)) => *count += 1,
                None => kinds.push((what, 1)),
            }
        }
        let how_many = |(kind, count): &(&str, usize)| match count {
            1 => (*kind).to_owned(),
            _ => format!("{kind} ({count})"),
        };
        let kinds: Vec<String> = kinds.iter().map(how_many).collect();
        Self {
            kind: "summary",
            ensemble: ensemble.described(),
            files: ensemble.files,
            configurations: ensemble.members.len(),
            averaged,
            copies,
            first: series.iter().map(|series| series.first).min(),
            last: series.iter().map(|series| series.last).max(),
            stride: stride.filter(|_| series.iter().all(|other| other.stride == stride)),
            chains: if series.len() > 1 { series.clone() } else { Vec::new() },
            wrong: wrong.len(),
            notes: findings.len() - wrong.len(),
            kinds: kinds.join(", "),
        }
    }

    fn text(&self) -> String {
        let mut range = match (self.first, self.last, self.stride) {
            (Some(first), Some(last), Some(stride)) => format!(", {first} to {last} by {stride}"),
            (Some(first), Some(last), None) => format!(", {first} to {last}"),
            _ => String::new(),
        };
        if !self.chains.is_empty() {
            range = format!(", {} chains{range}", self.chains.len());
        }
        let verdict = match self.wrong {
            0 => "in order".into(),
            _ => format!("NOT in order: {}", self.kinds),
        };
        let copies = match self.copies {
            0 => String::new(),
            copies => format!(", {} left out", counted(copies as u64, "copy", "copies")),
        };
        format!(
            "{}{range}: {} of {} configurations averaged{copies}, {verdict}",
            self.ensemble, self.averaged, self.configurations
        )
    }

    /// The exit status.
    ///
    /// # Errors
    /// [`DriverError::Findings`] where something is wrong.
    pub fn verdict(&self) -> Result<(), DriverError> {
        if self.wrong == 0 { Ok(()) } else { Err(DriverError::Findings { wrong: self.wrong }) }
    }
}
