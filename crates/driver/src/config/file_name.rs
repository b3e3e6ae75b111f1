//! Names of the files that a run writes.

use super::write::ENSEMBLE;
use serde::{Deserialize, Deserializer};
use std::path::PathBuf;

/// A name that stays inside the run directory and is none of the run's own files.
pub(super) fn file_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    let name = PathBuf::deserialize(deserializer)?;
    let wrong = |why: &str| serde::de::Error::custom(format!("`{}` {why}", name.display()));
    let (text, bytes) = (name.to_string_lossy(), name.as_os_str().len());
    if text.contains(char::is_control) {
        return Err(serde::de::Error::custom(format!(
            "{text:?} has a character that does not print; expected a plain file name"
        )));
    }
    if bytes > LONGEST_NAME {
        return Err(wrong(&format!("has {bytes} bytes, expected a file name of at most {LONGEST_NAME}")));
    }
    if name.components().count() != 1 || name.file_name() != Some(name.as_os_str()) {
        return Err(wrong(
            "is no plain file name; it is written into the run directory, so give a name alone",
        ));
    }
    if OWN_FILES.iter().chain(&[ENSEMBLE]).any(|own| name.as_os_str() == *own) {
        return Err(wrong("is one of the run's own files; give another name"));
    }
    Ok(name)
}

/// A logical file name of ILDG.
pub(super) fn logical_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(deserializer)?;
    lime_rs::check_lfn(&name).map_err(serde::de::Error::custom)?;
    Ok(Some(name))
}

/// Bytes of the longest name of a file that is written. File systems take 255: the name of the temporary file, which
/// becomes the file when it is whole, is longer by 12, and the number of a chain by 2.
const LONGEST_NAME: usize = 240;

/// What a run directory holds beside the configurations.
pub(crate) const OWN_FILES: [&str; 10] = [
    "measurements.jsonl",
    "timings.jsonl",
    "fit.jsonl",
    "results.jsonl",
    "table.txt",
    "provenance.json",
    "run.toml",
    "lock",
    "checkpoint",
    "plots",
];
