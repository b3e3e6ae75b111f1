//! What was found out about files, a JSON line for each: a second call reads only new and changed ones.

use super::examine::{Examined, Source};
use crate::error::DriverError;
use crate::report::json_lines;
use crate::run::RunDirectory;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

/// Name of the file with the lines.
pub(crate) const FILES: &str = "files.jsonl";

/// A folder of results, locked while this value lives.
#[derive(Debug)]
pub(crate) struct Store {
    directory: RunDirectory,
    file: File,
    /// Results by the file's path, in the order in which they came.
    known: HashMap<String, Vec<Examined>>,
}

impl Store {
    /// Opens the folder of results and makes it where it is missing; `again` forgets what is known.
    ///
    /// Half a line, left by a process that was killed, is cut off; lines of other versions are left alone and not used.
    ///
    /// # Errors
    /// [`DriverError::Io`]; [`DriverError::Input`] where another process works in the folder.
    pub fn open(path: &Path, again: bool) -> Result<Self, DriverError> {
        let directory = RunDirectory::open(path, "--out DIR")?;
        let lines = directory.file(FILES);
        let failed = |source| DriverError::Io { action: "open", path: lines.clone(), source };
        let file = OpenOptions::new().create(true).append(true).open(&lines).map_err(failed)?;
        let bytes = if again { Vec::new() } else { std::fs::read(&lines).map_err(failed)? };
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).map_err(failed)?;
        let mut known: HashMap<String, Vec<Examined>> = HashMap::new();
        let lines = bytes[..whole].split(|&byte| byte == b'\n');
        for found in lines.filter_map(|line| serde_json::from_slice::<Examined>(line).ok()) {
            known.entry(found.source.file.clone()).or_default().push(found);
        }
        Ok(Self { directory, file, known })
    }

    /// The folder.
    pub fn directory(&self) -> &RunDirectory {
        &self.directory
    }

    /// The last result on these bytes that is `enough`.
    pub fn known(&self, source: &Source, enough: impl Fn(&Examined) -> bool) -> Option<&Examined> {
        let known = self.known.get(&source.file)?.iter().rev();
        known.into_iter().find(|found| found.source == *source && enough(found))
    }

    /// A result on other bytes under the same name, from before the file was changed.
    pub fn before_change(&self, now: &Examined) -> Option<&Examined> {
        let other =
            |old: &&Examined| old.source.given == now.source.given && old.fingerprint() != now.fingerprint();
        self.known.get(&now.source.file)?.iter().rev().find(other)
    }

    /// Keeps a result: one write of one whole line.
    ///
    /// # Errors
    /// [`DriverError::Io`].
    pub fn add(&mut self, found: &Examined) -> Result<(), DriverError> {
        let line = json_lines([found])?;
        self.file.write_all(line.as_bytes()).map_err(|source| DriverError::Io {
            action: "write to",
            path: self.directory.file(FILES),
            source,
        })?;
        self.known.entry(found.source.file.clone()).or_default().push(found.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: &str, bytes: u64, sum: u32) -> Examined {
        let text = format!(
            r#"{{"source":{{"file":"{file}","bytes":{bytes},"modified":[1,2],"given":""}},"format":"ildg",
            "dims":[4,4,4,4],"nc":3,"precision":"f64","plaquette":0.1,"spatial_plaquette":null,
            "temporal_plaquette":null,"link_trace":null,"polyakov":[],"unitarity":0.0,"checksum":"ok",
            "computed_checksum":"","stored_checksum":null,"suma":"","sumb":"","crc_cksum":{sum},
            "errors":[],"misstated":0,"warnings":[]}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn whole_lines_are_known_again_and_half_ones_are_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = [found("a", 10, 1), found("b", 10, 2)];
        let mut store = Store::open(folder.path(), false).unwrap();
        store.add(&a).unwrap();
        store.add(&b).unwrap();
        let error = Store::open(folder.path(), false).unwrap_err().to_string();
        assert!(error.contains("another process") && error.contains("--out"), "{error}");
        drop(store);
        let path = folder.path().join(FILES);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 20]).unwrap();
        let mut store = Store::open(folder.path(), false).unwrap();
        let known = |found: &Examined| store.known(&found.source, |_| true);
        assert_eq!((known(&a), known(&b)), (Some(&a), None));
        assert_eq!(store.known(&a.source, |found| found.flow.is_some()), None);
        store.add(&b).unwrap();
        drop(store);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        let store = Store::open(folder.path(), true).unwrap();
        assert_eq!(store.known(&a.source, |_| true), None);
    }

    #[test]
    fn changed_files_are_not_known_and_their_past_is() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path(), false).unwrap();
        store.add(&found("a", 10, 1)).unwrap();
        let longer = found("a", 11, 3);
        assert_eq!(store.known(&longer.source, |_| true), None);
        assert_eq!(store.before_change(&longer).unwrap().crc_cksum, 1);
        assert_eq!(store.before_change(&found("a", 10, 1)), None, "only touched");
    }
}
