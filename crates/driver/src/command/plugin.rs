//! `gaugelink plugin`: what plugins there are, and whether they keep the rules of plugin.h.

use crate::cli::{PluginCheckArgs, PluginListArgs};
use crate::error::DriverError;
use crate::report::Report;
use gaugelink_host::conformance::{self, Options, Outcome};
use gaugelink_host::sdk::raw;
use gaugelink_host::{ComponentInfo, HostError, Plugin, Search};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Names of the promises.
const CAPS: [(u64, &str); 10] = [
    (raw::GLK_CAP_DETERMINISTIC, "deterministic"),
    (raw::GLK_CAP_GRID_INVARIANT, "grid-invariant"),
    (raw::GLK_CAP_STATELESS, "stateless"),
    (raw::GLK_CAP_LINEAR, "linear"),
    (raw::GLK_CAP_HERMITIAN, "hermitian"),
    (raw::GLK_CAP_EXACT_DENSITY, "exact-density"),
    (raw::GLK_CAP_CONSERVATIVE, "conservative"),
    (raw::GLK_CAP_EQUIVARIANT, "equivariant"),
    (raw::GLK_CAP_ASYNC, "async"),
    (raw::GLK_CAP_MULTI_RANK, "multi-rank"),
];

/// Lists the plugins of the search, or those named, with their components.
///
/// # Errors
/// [`DriverError::Failed`] where a file is no plugin; the others are listed all the same.
pub(crate) fn list(args: &PluginListArgs, report: &mut Report) -> Result<(), DriverError> {
    let search = Search::new(&[]);
    let files = match &args.paths[..] {
        [] => search.all(),
        paths => paths.iter().map(|path| find(&search, path)).collect::<Result<_, _>>()?,
    };
    if files.is_empty() {
        let folders: Vec<_> = search.folders().iter().map(|folder| folder.display().to_string()).collect();
        report.text(&format!("no plugin in {}", folders.join(", ")))?;
    }
    let mut failed = 0;
    for file in &files {
        match Plugin::open(file) {
            Ok(plugin) => {
                report.text(&text(&plugin))?;
                report.record(&described(&plugin))?;
            }
            Err(error) => {
                failed += 1;
                report.text(&format!("{error}\n"))?;
                report.record(&json!({ "file": file, "error": error.to_string() }))?;
            }
        }
    }
    if failed == 0 { Ok(()) } else { Err(DriverError::Failed { failed, total: files.len() }) }
}

/// Puts a plugin through the checks of [`conformance`].
///
/// # Errors
/// [`DriverError::Checks`] where one failed; their lines are printed.
pub(crate) fn check(args: &PluginCheckArgs, report: &mut Report) -> Result<(), DriverError> {
    let file = find(&Search::new(&[]), &args.path)?;
    let plugin = Plugin::open(&file).map_err(unusable)?;
    let base_dir = std::env::current_dir().unwrap_or_default();
    let mut options = Options { base_dir, only: args.component.clone(), configs: Vec::new() };
    if let Some(text) = &args.config {
        text.parse::<toml::Table>().map_err(|error| DriverError::Request(format!("--config: {error}")))?;
        options.configs = plugin.components().iter().map(|info| (info.id.clone(), text.clone())).collect();
    }
    let found = conformance::check(&file, &options).map_err(unusable)?;
    let mut last = None;
    for check in &found.checks {
        if last != Some(&check.component) {
            let title =
                if check.component.is_empty() { file.display().to_string() } else { check.component.clone() };
            report.text(&title)?;
            last = Some(&check.component);
        }
        let outcome = word(check.outcome);
        report.text(&format!("  {outcome:<8} {:<18} {}", check.name, check.sentence))?;
        report.record(&json!({
            "component": check.component, "check": check.name, "outcome": outcome, "sentence": check.sentence,
        }))?;
    }
    let [passed, failed, skipped] =
        [Outcome::Passed, Outcome::Failed, Outcome::Skipped].map(|outcome| found.count(outcome));
    report.text(&format!("{passed} passed, {failed} failed, {skipped} skipped"))?;
    if failed == 0 { Ok(()) } else { Err(DriverError::Checks { failed, total: found.checks.len() }) }
}

/// A file as it is given, or a name that the search finds: a folder of that name is no plugin.
fn find(search: &Search, path: &Path) -> Result<PathBuf, DriverError> {
    if path.is_file() {
        return std::path::absolute(path).map_err(|source| DriverError::Io {
            action: "find",
            path: path.into(),
            source,
        });
    }
    search.find(&path.to_string_lossy()).map_err(|error| DriverError::Request(error.to_string()))
}

fn unusable(error: HostError) -> DriverError {
    DriverError::Input(error.to_string())
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "FAILED",
        Outcome::Skipped => "skipped",
    }
}

fn caps(info: &ComponentInfo) -> Vec<&'static str> {
    CAPS.iter().filter(|(cap, _)| info.caps & cap != 0).map(|(_, name)| *name).collect()
}

fn text(plugin: &Plugin) -> String {
    let (id, version, minor) = (plugin.id(), plugin.version(), plugin.abi_minor());
    let mut text = format!("{}\n  {id} {version}, ABI 1.{minor}\n", plugin.path().display());
    for info in plugin.components() {
        let (id, interface, version) = (&info.id, &info.interface, &info.version);
        text += &format!("  {interface:<15} {id} {version}: {}\n", info.summary);
        text += &format!("  {:15} {}; {}\n", "", info.license, caps(info).join(", "));
    }
    text
}

fn described(plugin: &Plugin) -> Value {
    let component = |info: &ComponentInfo| {
        json!({
            "id": info.id, "interface": info.interface, "version": info.version, "summary": info.summary,
            "citation": info.citation, "license": info.license, "caps": caps(info),
            "config_schema": serde_json::from_str::<Value>(&info.config_schema).unwrap_or_default(),
        })
    };
    json!({
        "file": plugin.path(), "id": plugin.id(), "version": plugin.version(), "build": plugin.build_info(),
        "abi": [1, plugin.abi_minor()],
        "components": plugin.components().iter().map(component).collect::<Vec<_>>(),
    })
}
