//! A file of plans: what a planner found out, kept from one run to the next.
//!
//! TOML, a table for each machine, in it the number of the fastest form of each kernel on each lattice. It decides the speed of
//! runs, nothing else: it may be deleted, and copied to another machine.

use crate::error::DriverError;
use gaugelink_lattice::Planner;
use lime_rs::AtomicFile;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Forms by kernel and lattice, by machine.
type Table = BTreeMap<String, BTreeMap<String, usize>>;

/// A planner and the file that its plans come from and go to.
#[derive(Debug)]
pub(crate) struct Plans {
    path: PathBuf,
    planner: Arc<Planner>,
}

impl Plans {
    /// A planner that knows what the file says of this machine; nothing if there is no file yet.
    ///
    /// # Errors
    /// [`DriverError::Io`], [`DriverError::Input`] for a file of something else.
    pub fn open(path: &Path) -> Result<Self, DriverError> {
        let found = read(path)?.remove(&machine()).unwrap_or_default();
        Ok(Self { path: path.into(), planner: Arc::new(Planner::new(found)) })
    }

    /// The planner.
    pub fn planner(&self) -> Arc<Planner> {
        self.planner.clone()
    }

    /// Writes what was found into the file, beside what it has of other machines.
    ///
    /// # Errors
    /// As [`Plans::open`].
    pub fn save(&self) -> Result<(), DriverError> {
        let mut table = read(&self.path)?;
        table.entry(machine()).or_default().extend(self.planner.found());
        let text = toml::to_string(&table)
            .map_err(|error| DriverError::Input(format!("plans for {}: {error}", self.path.display())))?;
        Ok(AtomicFile::replace(&self.path, text.as_bytes())?)
    }
}

fn read(path: &Path) -> Result<Table, DriverError> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Table::new()),
        read => read.map_err(|source| DriverError::Io { action: "read", path: path.into(), source })?,
    };
    toml::from_str(&text).map_err(|error| {
        DriverError::Input(format!(
            "{}: {}: not a file of plans; delete it, or give another name",
            path.display(),
            error.message()
        ))
    })
}

/// The processor's name, for plans hold on one kind only.
fn machine() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let models = cpuinfo.lines().filter_map(|line| line.strip_prefix("model name")?.split_once(':'));
    models.map(|(_, name)| name.trim()).next().unwrap_or(std::env::consts::ARCH).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_of_other_machines_stay_and_other_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plans.toml");
        let first = Plans::open(&path).unwrap();
        assert!(first.planner().found().is_empty());
        std::fs::write(&path, "[elsewhere]\n\"8x8: hop\" = 3\n").unwrap();
        let known =
            Plans { path: path.clone(), planner: Arc::new(Planner::new([("4x4: hop".into(), 2)].into())) };
        known.save().unwrap();
        first.save().unwrap();
        let table = read(&path).unwrap();
        assert_eq!(table["elsewhere"]["8x8: hop"], 3);
        assert_eq!(table[&machine()]["4x4: hop"], 2);
        assert_eq!(Plans::open(&path).unwrap().planner().found(), known.planner().found());

        std::fs::write(&path, "[run]\ndirectory = \"x\"\n").unwrap();
        for error in [Plans::open(&path).unwrap_err(), first.save().unwrap_err()] {
            assert!(error.to_string().contains("not a file of plans"), "{error}");
        }
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("[run]"), "it is left alone");
    }
}
