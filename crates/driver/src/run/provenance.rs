//! Where a result comes from: in the run directory and in every configuration written.

use super::plugins::Identity;
use crate::config::RunFile;
use gaugelink_lattice::file::FileChecksum;
use lime_rs::TextRecord;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The start file and what its bytes are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct InputFile {
    pub file: String,
    /// SciDAC checksum of the payload, hexadecimal; for other formats the same sums over their units.
    pub suma: String,
    pub sumb: String,
    /// Whether the file states this checksum: "ok", "bad", "none".
    pub checksum: String,
}

impl InputFile {
    /// Only the name of the file counts, so that equal files make equal records wherever they are.
    pub fn new(path: &Path, sum: &FileChecksum) -> Self {
        let checksum = match sum.stored {
            None => "none",
            Some(stored) if stored == sum.computed => "ok",
            Some(_) => "bad",
        };
        let [suma, sumb] = sum.scidac.hexadecimal();
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { file, suma, sumb, checksum: checksum.into() }
    }
}

/// Which program this is, for what it leaves behind.
pub(crate) fn this_program() -> serde_json::Value {
    serde_json::json!({
        "program": "gaugelink",
        "version": env!("CARGO_PKG_VERSION"),
        "revision": env!("GAUGELINK_REVISION"),
    })
}

/// Everything that decides a run's bits, and nothing that does not: equal runs have equal records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Provenance {
    pub program: String,
    pub version: String,
    pub revision: String,
    pub run_file_sha256: String,
    pub seed: u64,
    pub input: Option<InputFile>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub plugins: Vec<Identity>,
}

impl Provenance {
    pub fn new(file: &RunFile, input: Option<InputFile>, plugins: Vec<Identity>) -> Self {
        Self {
            program: "gaugelink".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            revision: env!("GAUGELINK_REVISION").into(),
            run_file_sha256: file.hash(),
            seed: file.seed(),
            input,
            plugins,
        }
    }

    /// The record `gaugelink-provenance` of a configuration: this, and where in the chain it stands.
    pub fn record(&self, chain: usize, updates: u64) -> TextRecord {
        let text = serde_json::json!({ "provenance": self, "chain": chain, "updates": updates });
        TextRecord::new("gaugelink-provenance", format!("{text:#}\n"))
    }
}
