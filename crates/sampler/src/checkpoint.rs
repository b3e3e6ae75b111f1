//! Checkpoints: links and state, so that a stopped chain goes on with the bits it would have had.
//!
//! Random numbers are addressed (see [`gaugelink_lattice::rng`]), so links in full precision and a counter are all
//! that a chain consists of. The links go first, under a name of their own; then the state file, which names them,
//! is replaced in one step; only then are the older links removed. Whenever a process dies, the state file points
//! at complete links.

use gaugelink_lattice::file::{self, FileText};
use gaugelink_lattice::{GaugeField, LatticeError};
use lime_rs::{AtomicFile, GaugeFile, Precision, ScidacChecksum};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a checkpoint could not be written or read.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// The links.
    #[error("checkpoint in {}: {source}", folder.display())]
    Links {
        /// The checkpoint's folder.
        folder: PathBuf,
        /// What went wrong.
        source: LatticeError,
    },
    /// The folder or the state file.
    #[error("checkpoint {}: {source}", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// A state file that is not one.
    #[error(
        "{} is not a checkpoint of this version of the program ({source}): remove the folder {} to start anew",
        path.display(),
        path.parent().unwrap_or(path).display()
    )]
    State {
        /// The state file.
        path: PathBuf,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// Links that are not those the state file names.
    #[error(
        "{} has changed since the checkpoint was written: restore it, or remove the folder {} to start anew",
        path.display(),
        path.parent().unwrap_or(path).display()
    )]
    Changed {
        /// The file of links.
        path: PathBuf,
    },
}

/// What a checkpoint holds beside the links.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Saved<S> {
    /// Files of links, one a chain, and their SciDAC checksums.
    links: Vec<(String, u32, u32)>,
    /// The caller's state.
    pub state: S,
}

/// A folder with one checkpoint.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    folder: PathBuf,
}

impl Checkpoint {
    /// The checkpoint in a folder, which need not exist yet.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn state_path(&self) -> PathBuf {
        self.folder.join("state.json")
    }

    fn io(path: &Path) -> impl FnOnce(io::Error) -> CheckpointError {
        let path = path.to_owned();
        move |source| CheckpointError::Io { path, source }
    }

    fn links_error(&self) -> impl Fn(LatticeError) -> CheckpointError {
        let folder = self.folder.clone();
        move |source| CheckpointError::Links { folder: folder.clone(), source }
    }

    /// Writes links and state; `number` must differ between a checkpoint and the one before. Collective.
    ///
    /// # Errors
    /// [`CheckpointError`]; the checkpoint before is then intact.
    pub fn save<const N: usize, S: Serialize>(
        &self,
        u: &GaugeField<f64, N>,
        number: u64,
        state: S,
    ) -> Result<(), CheckpointError> {
        let comm = u.lattice().comm();
        if comm.rank() == 0 {
            std::fs::create_dir_all(&self.folder).map_err(Self::io(&self.folder))?;
        }
        comm.barrier();
        let mut links = Vec::new();
        for chain in 0..u.lattice().chains() {
            let name = format!("links-{number}-{chain}.lime");
            let text = FileText { lfn: Some(name.clone()), ..FileText::default() };
            let sum = file::write(&self.folder.join(&name), u, chain, Precision::F64, &text)
                .map_err(self.links_error())?;
            links.push((name, sum.suma, sum.sumb));
        }
        if comm.rank() == 0 {
            let saved = Saved { links, state };
            let path = self.state_path();
            let json = serde_json::to_vec_pretty(&saved)
                .map_err(|source| CheckpointError::State { path: path.clone(), source })?;
            AtomicFile::replace(&path, &json).map_err(|e| self.links_error()(e.into()))?;
            self.remove_all_but(&saved.links)?;
        }
        comm.barrier();
        Ok(())
    }

    /// Removes older links, and what a process that died left half written.
    fn remove_all_but(&self, links: &[(String, u32, u32)]) -> Result<(), CheckpointError> {
        for entry in std::fs::read_dir(&self.folder).map_err(Self::io(&self.folder))? {
            let name = entry.map_err(Self::io(&self.folder))?.file_name();
            let text = name.to_string_lossy();
            let old = text.starts_with("links-") && links.iter().all(|l| text != l.0);
            let unfinished = text.starts_with('.') && text.ends_with(".tmp");
            if old || unfinished {
                let path = self.folder.join(&name);
                std::fs::remove_file(&path).map_err(Self::io(&path))?;
            }
        }
        Ok(())
    }

    /// The saved state, or `None` where there is no checkpoint.
    ///
    /// # Errors
    /// [`CheckpointError::Io`], [`CheckpointError::State`].
    pub fn load<S: DeserializeOwned>(&self) -> Result<Option<Saved<S>>, CheckpointError> {
        let path = self.state_path();
        match std::fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(CheckpointError::Io { path, source }),
            Ok(json) => serde_json::from_slice(&json)
                .map(Some)
                .map_err(|source| CheckpointError::State { path, source }),
        }
    }

    /// Reads the links that belong to a loaded state. Collective.
    ///
    /// # Errors
    /// [`CheckpointError::Links`], [`CheckpointError::Changed`].
    pub fn load_links<const N: usize, S>(
        &self,
        saved: &Saved<S>,
        u: &mut GaugeField<f64, N>,
    ) -> Result<(), CheckpointError> {
        for (chain, (name, suma, sumb)) in saved.links.iter().enumerate() {
            let path = self.folder.join(name);
            let file = GaugeFile::open(&path).map_err(|e| self.links_error()(e.into()))?;
            let sum = file::read(&file, u, chain).map_err(self.links_error())?;
            if sum.scidac != (ScidacChecksum { suma: *suma, sumb: *sumb }) {
                return Err(CheckpointError::Changed { path });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaugelink_lattice::rng::{Address, Purpose};
    use gaugelink_lattice::{LaneMeaning, Lattice, LatticeOptions};

    #[test]
    fn links_and_state_come_back_and_only_the_newest_stay() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = Checkpoint::at(folder.path().join("checkpoint"));
        assert_eq!(checkpoint.load::<u32>().unwrap(), None);
        let options = LatticeOptions { lanes: LaneMeaning::Batch { chains: 3 }, ..LatticeOptions::default() };
        let lattice = Lattice::new(&[4, 4], options).unwrap();
        let u =
            |seed| GaugeField::<f64, 2>::random(&lattice, 1.0, Address::new(seed, Purpose::Start)).unwrap();
        checkpoint.save(&u(1), 1, 10u32).unwrap();
        std::fs::write(folder.path().join("checkpoint/.links-2-0.lime.a1b2c3.tmp"), "half").unwrap();
        checkpoint.save(&u(2), 2, 20u32).unwrap();
        let saved = checkpoint.load::<u32>().unwrap().unwrap();
        assert_eq!(saved.state, 20);
        let mut back = GaugeField::<f64, 2>::cold(&lattice).unwrap();
        checkpoint.load_links(&saved, &mut back).unwrap();
        let (want, layout) = (u(2), back.layout());
        for block in 0..layout.blocks() {
            for chain in 0..3 {
                assert_eq!(back.link(block, 1, chain), want.link(block, 1, chain));
            }
        }
        let files = std::fs::read_dir(folder.path().join("checkpoint")).unwrap().count();
        assert_eq!(files, 4, "three files of links and the state");
    }

    #[test]
    fn changed_links_and_a_foreign_state_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = Checkpoint::at(folder.path());
        let lattice = Lattice::new(&[4, 4], LatticeOptions::default()).unwrap();
        let u = GaugeField::<f64, 1>::random(&lattice, 1.0, Address::new(1, Purpose::Start)).unwrap();
        checkpoint.save(&u, 1, ()).unwrap();
        let saved = checkpoint.load::<()>().unwrap().unwrap();
        let links = folder.path().join("links-1-0.lime");
        let file = GaugeFile::open(&links).unwrap();
        let mut bytes = std::fs::read(&links).unwrap();
        bytes[file.offset() as usize + 3] ^= 1;
        std::fs::write(&links, bytes).unwrap();
        let mut back = GaugeField::<f64, 1>::cold(&lattice).unwrap();
        assert!(matches!(checkpoint.load_links(&saved, &mut back), Err(CheckpointError::Changed { .. })));
        std::fs::write(folder.path().join("state.json"), "{}").unwrap();
        assert!(matches!(checkpoint.load::<()>(), Err(CheckpointError::State { .. })));
    }
}
