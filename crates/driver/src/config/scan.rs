//! `[scan]`: one run file, run for several values of one of its keys.

use super::document::Tables;
use super::overrides::with_overrides;
use super::{FileKind, RunFile};
use crate::error::DriverError;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScanTable {
    /// The key, as in `--set`.
    pub key: String,
    /// Its values.
    pub values: Vec<f64>,
    /// Other keys that take the same values.
    #[serde(default)]
    pub also: Vec<String>,
    /// The observable whose autocorrelation times are plotted.
    #[serde(default = "charge")]
    pub observable: String,
    /// Seconds that went before each stage, such as those of its flow's training: costs are then drawn. Stages beyond the
    /// list had none.
    #[serde(default)]
    pub spent: Option<Vec<f64>>,
}

fn charge() -> String {
    "charge".into()
}

/// The runs of a scan.
#[derive(Debug, Clone)]
pub struct Scan {
    /// What is scanned.
    pub table: ScanTable,
    /// Where the runs' directories lie.
    pub directory: PathBuf,
    /// The runs, one a value, each in a directory that is named by key and value.
    pub members: Vec<RunFile>,
}

impl Scan {
    /// The scan of a run file, if it has one: the file once for each value, which stands in place of `{value}`, too.
    ///
    /// # Errors
    /// As [`RunFile::read`], of any of the runs.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Option<Self>, DriverError> {
        let text = RunFile::text_of(path)?;
        let whole = with_overrides(&text, path, overrides)?;
        let tables = Tables::parse(&whole, path)?;
        let Some(table) = tables.optional::<ScanTable>("scan")? else { return Ok(None) };
        if let Some((key, problem)) = table.problem() {
            return Err(tables.fail_key(&["scan", key], &problem));
        }
        let mut directory = PathBuf::new();
        let mut member = |&value: &f64| {
            let text = whole.replace("{value}", &value.to_string());
            let keys = std::iter::once(&table.key).chain(&table.also);
            let set: Vec<String> = keys.map(|key| format!("{key}={value:?}")).collect();
            let mut file = RunFile::parse(&text, path, FileKind::Run, &set)?;
            directory = file.directory();
            let name = table.key.rsplit('.').next().unwrap_or(&table.key);
            file.run.directory = directory.join(format!("{name}-{value}"));
            Ok(file)
        };
        let members = table.values.iter().map(&mut member).collect::<Result<_, DriverError>>()?;
        Ok(Some(Self { table, directory, members }))
    }
}

impl ScanTable {
    /// What is wrong, and with which key.
    fn problem(&self) -> Option<(&'static str, String)> {
        let distinct = |(i, value): (usize, &f64)| value.is_finite() && !self.values[..i].contains(value);
        if self.values.is_empty() || !self.values.iter().enumerate().all(distinct) {
            return Some(("values", "expected numbers, at least one and each once".into()));
        }
        let spent = self.spent.iter().flatten();
        if let Some(bad) = spent.into_iter().find(|s| !(s.is_finite() && **s >= 0.0)) {
            return Some(("spent", format!("{bad} seconds are not possible here, expected 0 or more")));
        }
        let outside = ["run", "machine", "scan", "start"];
        let is_wrong =
            |key: &String| outside.contains(&key.split('.').next().unwrap_or_default()) || !key.contains('.');
        let wrong = |key: &String| format!("`{key}` is no key to scan: expected one such as action.beta");
        if is_wrong(&self.key) {
            return Some(("key", wrong(&self.key)));
        }
        self.also.iter().find(|key| is_wrong(key)).map(|key| ("also", wrong(key)))
    }
}
