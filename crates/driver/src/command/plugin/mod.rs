//! `gaugelink plugin`: what plugins there are, and whether they keep the rules of plugin.h.

pub(super) mod check;
mod child;

pub(crate) use check::{check, check_here};

use crate::cli::{PluginListArgs, PluginListHereArgs};
use crate::error::DriverError;
use crate::report::Report;
use child::{End, ended, wait};
use gaugelink_host::sdk::raw;
use gaugelink_host::{ComponentInfo, Plugin, Search};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Seconds that a library may take to be opened.
const OPENED_WITHIN: u64 = 10;

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
        match listed(file)? {
            Ok(found) => {
                report.text(&found.text)?;
                report.record(&found.described)?;
            }
            Err(error) => {
                failed += 1;
                report.text(&format!("{error}\n"))?;
                report.record(&json!({ "file": file, "error": error }))?;
            }
        }
    }
    if failed == 0 { Ok(()) } else { Err(DriverError::Failed { failed, total: files.len() }) }
}

/// What is listed of a plugin.
#[derive(Serialize, Deserialize)]
struct Listed {
    text: String,
    described: Value,
}

/// [`list_here`] in another process, or why there is nothing to list.
fn listed(file: &Path) -> Result<Result<Listed, String>, DriverError> {
    let io = |action| move |source| DriverError::Io { action, path: "a temporary folder".into(), source };
    let folder = tempfile::tempdir().map_err(io("make"))?;
    let told = folder.path().join("told");
    let mut command = Command::new(std::env::current_exe().map_err(io("find the program for"))?);
    command.args(["plugin", "list-here"]).arg(file).arg("--told").arg(&told);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().map_err(io("start a process in"))?;
    let end = wait(child, &told, Duration::from_secs(OPENED_WITHIN)).map_err(io("watch a process in"))?;
    let text = std::fs::read_to_string(&told).unwrap_or_default();
    Ok(match (serde_json::from_str(&text), &end) {
        (Ok(found), End::Exit(status)) if status.success() => found,
        _ => {
            let how = ended(&end, &format!("{OPENED_WITHIN} s"));
            Err(format!("{}: opening it went wrong: {how}", file.display()))
        }
    })
}

/// Writes what is listed of a plugin, or why it cannot be, to a file.
///
/// # Errors
/// [`DriverError::Io`].
pub(crate) fn list_here(args: &PluginListHereArgs) -> Result<(), DriverError> {
    let found = match Plugin::open(&args.path) {
        Ok(plugin) => Ok(Listed { text: text(&plugin), described: described(&plugin) }),
        Err(error) => Err(error.to_string()),
    };
    let text = serde_json::to_string(&found).map_err(|error| DriverError::Input(error.to_string()))?;
    let failure = |source| DriverError::Io { action: "write to", path: args.told.clone(), source };
    std::fs::write(&args.told, text).map_err(failure)
}

/// A file as it is given, or a name that the search finds: a bare name is a plugin's before it is that of a file here. What
/// is here and no file, such as a folder, is taken where nothing else is found: opening it says what it is.
pub(super) fn find(search: &Search, path: &Path) -> Result<PathBuf, DriverError> {
    let found = search.find(&path.to_string_lossy());
    let is_name = path.components().count() == 1 && path.extension().is_none() && found.is_ok();
    if path.is_file() && !is_name || found.is_err() && path.symlink_metadata().is_ok() {
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
