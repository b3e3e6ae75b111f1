//! `gaugelink plugin`: what plugins there are, and whether they keep the rules of plugin.h.

mod check;

pub(crate) use check::{check, check_here};

use crate::cli::PluginListArgs;
use crate::error::DriverError;
use crate::report::Report;
use gaugelink_host::sdk::raw;
use gaugelink_host::{ComponentInfo, Plugin, Search};
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

/// A file as it is given, or a name that the search finds: a bare name is a plugin's before it is that of a file here, and
/// a folder is no plugin.
fn find(search: &Search, path: &Path) -> Result<PathBuf, DriverError> {
    let found = search.find(&path.to_string_lossy());
    let is_name = path.components().count() == 1 && path.extension().is_none() && found.is_ok();
    if path.is_file() && !is_name {
        return std::path::absolute(path).map_err(|source| DriverError::Io {
            action: "find",
            path: path.into(),
            source,
        });
    }
    found.map_err(|error| DriverError::Request(error.to_string()))
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
