//! Configurations as files: `[[stage]]` of kind "write", and the key `write` of stages of updates.

use super::file_name::{file_name, logical_name};
use super::tables::{FormatName, PrecisionName, at_least_one, yes};
use serde::Deserialize;
use std::path::PathBuf;

/// `kind = "write"`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteStage {
    /// File name inside the run directory.
    #[serde(deserialize_with = "file_name")]
    pub file: PathBuf,
    /// Its format.
    #[serde(default)]
    pub format: FormatName,
    /// Logical file name, where the format has one; one is made where it is not given.
    #[serde(default, deserialize_with = "logical_name")]
    pub lfn: Option<String>,
    /// "f64" or "f32".
    #[serde(default)]
    pub precision: PrecisionName,
    /// Read the file again and compare checksum and plaquette.
    #[serde(default = "yes")]
    pub verify: bool,
}

impl WriteStage {
    /// What is wrong with the logical name, if anything is.
    pub(super) fn lfn_problem(&self) -> Option<String> {
        let lost = self.lfn.is_some() && !self.format.0.has_lfn();
        lost.then(|| format!("{} files have no logical file name, ildg and grid have", self.format.0))
    }
}

/// `write` of a stage of updates: an ensemble of its configurations, in a folder of the run directory.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteTable {
    /// Updates from one file to the next; those of the thermalisation do not count.
    #[serde(deserialize_with = "at_least_one")]
    pub every: u64,
    /// Name of the files, which each get the number of their update.
    #[serde(default = "conf", deserialize_with = "file_name")]
    file: PathBuf,
    /// As in [`WriteStage`], as all that follows.
    #[serde(default)]
    format: FormatName,
    #[serde(default, deserialize_with = "logical_name")]
    lfn: Option<String>,
    #[serde(default)]
    precision: PrecisionName,
    #[serde(default = "yes")]
    verify: bool,
}

/// The folder of ensembles in a run directory.
pub(crate) const ENSEMBLE: &str = "ensemble";

fn conf() -> PathBuf {
    "conf.lime".into()
}

impl WriteTable {
    /// Whether a file is due after so many updates of the stage.
    pub fn is_due(&self, done: u64, thermalise: u64) -> bool {
        done > thermalise && (done - thermalise).is_multiple_of(self.every)
    }

    /// How the configurations are written.
    pub fn stage(&self) -> WriteStage {
        let Self { file, format, lfn, precision, verify, .. } = self.clone();
        WriteStage { file, format, lfn, precision, verify }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_due_after_thermalisation() {
        let table: WriteTable = toml::from_str("every = 10").unwrap();
        let due: Vec<u64> = (1..=40).filter(|&done| table.is_due(done, 5)).collect();
        assert_eq!(due, [15, 25, 35]);
        assert!(toml::from_str::<WriteTable>("file = \"a/b.lime\"\nevery = 1").is_err());
        assert!(toml::from_str::<WriteTable>("every = 0").is_err());
    }
}
