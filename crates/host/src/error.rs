//! What can go wrong between a host and its plugins.

use gaugelink_plugin_sdk::Error;
use std::path::PathBuf;
use thiserror::Error;

/// An error of finding, opening or calling a plugin.
#[derive(Debug, Error)]
pub enum HostError {
    /// No such file in any folder of the search.
    #[error("no plugin '{name}' in {}; build or install it, or add its folder to GAUGELINK_PLUGIN_PATH", list(.folders))]
    Missing {
        /// What was asked for.
        name: String,
        /// Where it was looked for.
        folders: Vec<PathBuf>,
    },
    /// Something else than a file under this path, nothing behind a link, or nothing at all.
    #[error("{}: {what}", .path.display())]
    NoFile {
        /// The path.
        path: PathBuf,
        /// What it is, and what to do.
        what: String,
    },
    /// A path that is not absolute: the system would search for it by rules of its own.
    #[error("{}: plugins are opened by absolute path only; give the whole path", .0.display())]
    Relative(PathBuf),
    /// The system could not open the file.
    #[error("{}: cannot be opened as a shared library: {reason}; check that it was built for this machine", .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A library without the entry point.
    #[error("{}: is no Gaugelink plugin of ABI 1: it exports no glk_plugin_entry_v1; rebuild it with plugin.h", .0.display())]
    NoEntry(PathBuf),
    /// A plugin of another version, or one whose descriptor breaks the rules.
    #[error("{}: {reason}", .path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// No memory for fields, or another error of the lattice.
    #[error(transparent)]
    Lattice(gaugelink_lattice::LatticeError),
    /// A call that the plugin answered with an error.
    #[error("{}: {error}", .path.display())]
    Call {
        /// The file.
        path: PathBuf,
        /// The plugin's answer.
        error: Error,
    },
}

impl HostError {
    /// The status that the plugin answered, if it was asked.
    pub fn status(&self) -> Option<i32> {
        match self {
            Self::Call { error, .. } => Some(error.code),
            _ => None,
        }
    }
}

fn list(folders: &[PathBuf]) -> String {
    let names: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
    if names.is_empty() { "any folder".into() } else { names.join(", ") }
}
