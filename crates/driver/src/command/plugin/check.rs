//! `gaugelink plugin check`: the checks of [`conformance`] in a process of their own, which a plugin may crash, end, hang
//! or write from.

use super::child::{End, ended, wait};
use super::find;
use crate::cli::{PluginCheckArgs, PluginCheckHereArgs};
use crate::error::DriverError;
use crate::report::Report;
use gaugelink_host::Search;
use gaugelink_host::conformance::{self, Check, Event, Options, Outcome};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// One check, as a line of the result.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Checked {
    component: String,
    check: String,
    outcome: String,
    sentence: String,
}

/// What the process of the checks tells.
#[derive(Debug, Serialize, Deserialize)]
enum Told {
    Begins {
        component: String,
        check: String,
    },
    Ends(Checked),
    /// The plugin cannot be checked.
    Unusable(String),
    /// All checks are done.
    Done,
}

const FAILED: &str = "FAILED";

impl Checked {
    /// What a file says of itself, whether it holds, and with which numbers.
    pub fn claim(name: &str, holds: bool, sentence: String) -> Self {
        let outcome = word(if holds { Outcome::Passed } else { Outcome::Failed });
        Self { component: String::new(), check: name.into(), outcome: outcome.into(), sentence }
    }
}

/// Puts a plugin through the checks of [`conformance`].
///
/// # Errors
/// [`DriverError::Checks`] where one failed; their lines are printed.
pub(crate) fn check(args: &PluginCheckArgs, report: &mut Report) -> Result<(), DriverError> {
    let file = find(&Search::new(&[]), &args.path)?;
    if let Some(text) = &args.config {
        text.parse::<toml::Table>().map_err(|error| DriverError::Request(format!("--config: {error}")))?;
    }
    let lines = watched(&file, args.component.as_deref(), args.config.as_deref(), args.timeout)?;
    show(&file.display().to_string(), &lines, report)
}

/// Prints lines by components; what belongs to none stands under `name`.
///
/// # Errors
/// [`DriverError::Checks`] where one failed.
pub(crate) fn show(name: &str, lines: &[Checked], report: &mut Report) -> Result<(), DriverError> {
    let mut last = None;
    for line in lines {
        if last != Some(&line.component) {
            report.text(if line.component.is_empty() { name } else { &line.component })?;
            last = Some(&line.component);
        }
        report.text(&format!("  {:<8} {:<18} {}", line.outcome, line.check, line.sentence))?;
        report.record(line)?;
    }
    let count = |outcome| lines.iter().filter(|line| line.outcome == word(outcome)).count();
    let [passed, failed, skipped] = [Outcome::Passed, Outcome::Failed, Outcome::Skipped].map(count);
    report.text(&format!("{passed} passed, {failed} failed, {skipped} skipped"))?;
    if failed == 0 { Ok(()) } else { Err(DriverError::Checks { failed, total: lines.len() }) }
}

/// The checks in this process; what happens is written to a file, line by line.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn check_here(args: &PluginCheckHereArgs) -> Result<(), DriverError> {
    let failure = |source| DriverError::Io { action: "write to", path: args.events.clone(), source };
    let mut events = File::create(&args.events).map_err(failure)?;
    let mut tell = |told: &Told| {
        let line = serde_json::to_string(told).unwrap_or_default() + "\n";
        events.write_all(line.as_bytes()).map_err(failure)
    };
    let mut written = Ok(());
    let base_dir = std::env::current_dir().unwrap_or_default();
    let options = Options {
        base_dir,
        only: args.component.clone(),
        config: args.config.clone(),
        configs: Vec::new(),
        alone: true,
    };
    let result = conformance::watch(&args.path, &options, &mut |event| {
        if written.is_ok() {
            written = tell(&match event {
                Event::Begins { component, name } => {
                    Told::Begins { component: component.into(), check: name.into() }
                }
                Event::Ends(check) => Told::Ends(line(check)),
            });
        }
    });
    written?;
    tell(&result.map_or_else(|error| Told::Unusable(error.to_string()), |_| Told::Done))
}

/// A check that did not pass.
fn failed(component: String, check: &str, sentence: String) -> Checked {
    Checked { component, check: check.into(), outcome: FAILED.into(), sentence }
}

fn line(check: &Check) -> Checked {
    Checked {
        component: check.component.clone(),
        check: check.name.into(),
        outcome: word(check.outcome).into(),
        sentence: check.sentence.clone(),
    }
}

/// The lines of [`check_here`] in another process, with those about how it ended and what it wrote.
///
/// # Errors
/// [`DriverError`] where the process cannot be started, or the plugin has no such component.
pub(crate) fn watched(
    file: &Path,
    component: Option<&str>,
    config: Option<&str>,
    timeout: u64,
) -> Result<Vec<Checked>, DriverError> {
    let io = |action| move |source| DriverError::Io { action, path: "a temporary folder".into(), source };
    let folder = tempfile::tempdir().map_err(io("make"))?;
    let place = |name: &str| folder.path().join(name);
    let (events, written) = (place("events"), [place("output"), place("errors")]);
    let stream = |path| File::create(path).map(Stdio::from).map_err(io("write to"));
    let mut command = Command::new(std::env::current_exe().map_err(io("find the program for"))?);
    command.args(["plugin", "check-here"]).arg(file).arg("--events").arg(&events);
    if let Some(component) = component {
        command.arg("--component").arg(component);
    }
    if let Some(config) = config {
        command.arg("--config").arg(config);
    }
    command.stdin(Stdio::null()).stdout(stream(&written[0])?).stderr(stream(&written[1])?);
    let child = command.spawn().map_err(io("start a process in"))?;
    let end = wait(child, &events, Duration::from_secs(timeout)).map_err(io("watch a process in"))?;
    let text = std::fs::read_to_string(&events).unwrap_or_default();
    let mut lines = Vec::new();
    let (mut running, mut done) = (Some((String::new(), String::from("start"))), false);
    // The last line may be cut off.
    for told in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
        match told {
            Told::Begins { component, check } => running = Some((component, check)),
            Told::Ends(line) => lines.push(line),
            // An open plugin is unusable where it does not have the component.
            Told::Unusable(error) if !lines.is_empty() => return Err(DriverError::Request(error)),
            Told::Unusable(error) => {
                lines.push(failed(String::new(), "open", error));
                (running, done) = (None, true);
            }
            Told::Done => (running, done) = (None, true),
        }
    }
    let limit = format!("{timeout} s (--timeout)");
    match running {
        Some((component, check)) => lines.push(failed(component, &check, ended(&end, &limit))),
        None if !matches!(end, End::Exit(status) if status.success()) => {
            lines.push(failed(String::new(), "end", format!("after the last check {}", ended(&end, &limit))));
        }
        None => {}
    }
    for (name, path) in ["output", "errors"].into_iter().zip(&written) {
        let bytes = std::fs::read(path).unwrap_or_default();
        let stream = if name == "output" { "standard output" } else { "standard error" };
        if !bytes.is_empty() {
            let begin: String = String::from_utf8_lossy(&bytes).chars().take(60).collect();
            let sentence =
                format!("{} bytes were written to {stream}, beginning with {begin:?}", bytes.len());
            lines.push(failed(String::new(), name, sentence));
        } else if done {
            let sentence = format!("nothing was written to {stream}");
            lines.push(Checked {
                component: String::new(),
                check: name.into(),
                outcome: "passed".into(),
                sentence,
            });
        }
    }
    Ok(lines)
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => FAILED,
        Outcome::Skipped => "skipped",
    }
}
