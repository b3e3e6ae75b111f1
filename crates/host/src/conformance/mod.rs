//! Does a plugin keep the promises of `plugin.h`?
//!
//! Every check answers with a sentence. Fields are the checker's own, on the smallest lattice and group that a component
//! accepts: f64 with sites in lex order, and then every layout that the component declares. A plugin may end the process
//! while it is checked, or write to its standard output: [`watch`] tells what is being checked, so that a process of its
//! own can be watched from outside, as `gaugelink plugin check` does.

mod abi;
mod calls;
mod fields;
mod flow;
mod force;
mod generations;
mod layouts;
mod log;
mod plane;
mod precond;
mod process;
mod proposal;
mod rig;
mod setups;
mod store;
mod wilson;

use crate::{ComponentInfo, HostError, Plugin, Request, Services};
use gaugelink_lattice::Pool;
use gaugelink_plugin_sdk::Lattice;
use log::{Log, Verdict};
use process::Process;
use std::path::Path;
use std::sync::Arc;

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
    /// TOML configuration of every component that has none in `configs`.
    pub config: String,
    /// TOML configurations of components, by id.
    pub configs: Vec<(String, String)>,
    /// Folder where relative paths in them begin.
    pub base_dir: std::path::PathBuf,
    /// The one component to check beside the plugin as a whole; all where there is none.
    pub only: Option<String>,
    /// Whether nothing else happens in this process: what becomes of its threads, working folder and environment is then
    /// the plugin's doing, and checked.
    pub alone: bool,
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

/// What a watcher is told.
pub enum Event<'a> {
    /// A check of a component (empty: of the plugin as a whole) begins.
    Begins {
        /// The component's id.
        component: &'a str,
        /// The check.
        name: &'static str,
    },
    /// It ended.
    Ends(&'a Check),
}

/// Checks a plugin.
///
/// # Errors
/// If it cannot be opened, or has no component that is to be checked only; all that it does wrong afterwards is in the
/// report.
pub fn check(path: &Path, options: &Options) -> Result<Report, HostError> {
    watch(path, options, &mut |_| {})
}

/// As [`check`]; the watcher is told of each check before it begins and after it ended.
///
/// # Errors
/// As there.
pub fn watch(path: &Path, options: &Options, watcher: &mut dyn FnMut(Event)) -> Result<Report, HostError> {
    let mut report = Report::default();
    // Objects plan for as many threads as are granted: with one, calls with two could not differ.
    let services = Services::new(2);
    let lending = Services::new(Arc::new(Pool::new(LENT).map_err(HostError::Lattice)?));
    let mut process = Process::now(options.alone);
    let mut log = Log { report: &mut report, component: "", watcher, process: &mut process };
    log.announce("open");
    let plugin = Plugin::open(path)?;
    log.check("open", || Verdict::passed("opening it leaves the process as it was"));
    let chosen = match &options.only {
        Some(id) => std::slice::from_ref(plugin.component(id)?),
        None => plugin.components(),
    };
    abi::plugin(&plugin, &mut log);
    for info in chosen {
        let mut log = Log {
            report: &mut *log.report,
            component: &info.id,
            watcher: &mut *log.watcher,
            process: &mut *log.process,
        };
        let before = options.alone.then(process::threads).flatten();
        log.announce("create");
        let subject = Subject { plugin: &plugin, services: &services, lending: &lending, info, options };
        match info.interface.as_str() {
            "glk.flow/1" => flow::component(&subject, &mut log),
            "glk.force/1" => force::component(&subject, &mut log),
            "glk.precond/1" => precond::component(&subject, &mut log),
            "glk.proposal/1" => proposal::component(&subject, &mut log),
            other => log.skip("interface", format!("{other}: no checks are known for this interface")),
        }
        if let Some(before) = before {
            log.check("threads end", || match process::left_behind(&before) {
                0 => Verdict::passed("no thread is left after destroy and fini"),
                left => Verdict::failed(format!(
                    "{left} threads are left after destroy and fini; join them there (OpenMP: omp_pause_resource_all)"
                )),
            });
        }
    }
    Ok(report)
}

/// Threads of a host that lends them.
const LENT: usize = 3;

/// A component under test.
struct Subject<'a> {
    plugin: &'a Plugin,
    services: &'a Services,
    /// Those of a host that lends its threads.
    lending: &'a Services,
    info: &'a ComponentInfo,
    options: &'a Options,
}

impl Subject<'_> {
    fn config(&self) -> &str {
        let configs = &self.options.configs;
        configs.iter().find(|(id, _)| *id == self.info.id).map_or(&self.options.config, |(_, config)| config)
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
