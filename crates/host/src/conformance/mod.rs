//! Does a plugin keep the promises of `plugin.h`?
//!
//! Every check answers with a sentence. Fields are the checker's own: f64, sites in lex order, on the smallest lattice
//! and group that a component accepts. A plugin may crash the process while it is checked; run [`check`] in a process
//! of its own where that matters.

mod abi;
mod fields;
mod flow;
mod force;
mod precond;

use crate::{ComponentInfo, HostError, Plugin, Request, Services};
use gaugelink_plugin_sdk::{Lattice, raw};
use std::path::Path;

/// Step of numerical derivatives, which are of the fourth order: small, for a net of leaky ReLUs has kinks, and a step
/// across one spoils the quotient; rounding costs 1e-9 at worst.
const STEP: f64 = 1e-5;

/// What became of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The promise is kept.
    Passed,
    /// It is broken.
    Failed,
    /// It was not made, or could not be tested.
    Skipped,
}

/// One check.
#[derive(Clone, Debug)]
pub struct Check {
    /// The component's id; empty for the plugin as a whole.
    pub component: String,
    /// A short name.
    pub name: &'static str,
    /// What became of it.
    pub outcome: Outcome,
    /// What was found, or why it was skipped.
    pub sentence: String,
}

/// All checks of a plugin.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In order.
    pub checks: Vec<Check>,
}

/// What to check with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// TOML configurations of components, by id; others are created with their defaults.
    pub configs: Vec<(String, String)>,
    /// Folder where relative paths in them begin.
    pub base_dir: std::path::PathBuf,
    /// The one component to check beside the plugin as a whole; all where there is none.
    pub only: Option<String>,
}

impl Report {
    /// Whether no check failed.
    pub fn passed(&self) -> bool {
        self.count(Outcome::Failed) == 0
    }
    /// Number of checks with this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.checks.iter().filter(|check| check.outcome == outcome).count()
    }
}

/// Checks a plugin.
///
/// # Errors
/// If it cannot be opened, or has no component that is to be checked only; all that it does wrong afterwards is in the
/// report.
pub fn check(path: &Path, options: &Options) -> Result<Report, HostError> {
    let plugin = Plugin::open(path)?;
    let chosen = match &options.only {
        Some(id) => std::slice::from_ref(plugin.component(id)?),
        None => plugin.components(),
    };
    // Objects plan for as many threads as are granted: with one, calls with two could not differ.
    let services = Services::new(2);
    let mut report = Report::default();
    abi::plugin(&plugin, &mut Log { report: &mut report, component: "" });
    for info in chosen {
        let mut log = Log { report: &mut report, component: &info.id };
        let subject = Subject { plugin: &plugin, services: &services, info, options };
        match info.interface.as_str() {
            "glk.flow/1" => flow::component(&subject, &mut log),
            "glk.force/1" => force::component(&subject, &mut log),
            "glk.precond/1" => precond::component(&subject, &mut log),
            other => log.skip("interface", format!("{other}: no checks are known for this interface")),
        }
    }
    Ok(report)
}

/// Writes the report of one component.
struct Log<'a> {
    report: &'a mut Report,
    component: &'a str,
}

impl Log<'_> {
    fn add(&mut self, name: &'static str, outcome: Outcome, sentence: String) {
        self.report.checks.push(Check { component: self.component.into(), name, outcome, sentence });
    }
    fn skip(&mut self, name: &'static str, why: impl Into<String>) {
        self.add(name, Outcome::Skipped, why.into());
    }
    fn verdict(&mut self, name: &'static str, good: bool, sentence: impl Into<String>) {
        self.add(name, if good { Outcome::Passed } else { Outcome::Failed }, sentence.into());
    }
    /// A deviation that should be below a limit; an unsupported call is skipped, another error is a failure.
    fn limit(&mut self, name: &'static str, what: &str, limit: f64, result: Result<f64, HostError>) {
        match result {
            Ok(deviation) => {
                self.verdict(
                    name,
                    deviation <= limit,
                    format!("{what}: {deviation:.1e} (limit {limit:.0e})"),
                );
            }
            Err(error) if error.status() == Some(raw::GLK_UNSUPPORTED) => self.skip(name, error.to_string()),
            Err(error) => self.verdict(name, false, error.to_string()),
        }
    }
    /// Two results that should be the same to the last bit.
    fn same_bits(
        &mut self,
        name: &'static str,
        what: &str,
        a: Result<Vec<f64>, HostError>,
        b: Result<Vec<f64>, HostError>,
    ) {
        match (a, b) {
            (Ok(a), Ok(b)) => {
                let differ = a.iter().zip(&b).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
                self.verdict(name, differ == 0, format!("{what}: {differ} of {} numbers differ", a.len()));
            }
            (Err(error), _) | (_, Err(error)) => self.verdict(name, false, error.to_string()),
        }
    }
}

/// A component under test.
struct Subject<'a> {
    plugin: &'a Plugin,
    services: &'a Services,
    info: &'a ComponentInfo,
    options: &'a Options,
}

impl Subject<'_> {
    fn config(&self) -> &str {
        let configs = &self.options.configs;
        configs.iter().find(|(id, _)| *id == self.info.id).map_or("", |(_, config)| config)
    }
    fn request<'r>(&'r self, lattice: &'r Lattice) -> Request<'r> {
        Request {
            component: &self.info.id,
            lattice,
            config: crate::ConfigText::Toml(self.config()),
            base_dir: &self.options.base_dir,
        }
    }
    fn promises(&self, cap: u64) -> bool {
        self.info.caps & cap != 0
    }
}
