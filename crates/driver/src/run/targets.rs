//! The files that a run is going to write: none of them replaces what is somebody else's.

use super::directory::RunDirectory;
use super::write::file_of;
use crate::config::{ENSEMBLE, RunFile};
use crate::error::DriverError;
use crate::paths::is_same;

/// Refuses to write over the run file, over the configuration that the run starts from, and, where no run was in the
/// directory before, over anything.
///
/// # Errors
/// [`DriverError::Request`].
pub(crate) fn check(file: &RunFile) -> Result<(), DriverError> {
    let directory = file.directory();
    let is_new = !RunDirectory::was_used(&directory);
    for (number, stage) in file.stages.iter().enumerate() {
        let Some((name, _)) = stage.target() else { continue };
        let chains = file.run.chains as usize;
        for chain in 0..chains {
            let target = directory.join(file_of(name, chain, chains));
            let problem = if is_same(&target, &file.path) {
                "is the run file"
            } else if file.start.file.as_deref().is_some_and(|start| is_same(&target, start)) {
                "is the configuration that the run starts from"
            } else if is_new && target.exists() {
                "is there already, and no run made it"
            } else {
                continue;
            };
            return Err(DriverError::Request(format!(
                "stage {number} ({}): {} {problem}: give another name, or another directory (--set \
                 run.directory=...)",
                stage.kind(),
                target.display()
            )));
        }
    }
    Ok(())
}

/// Refuses to begin an ensemble where files of another one are: their numbers would mix.
///
/// # Errors
/// [`DriverError::Request`].
pub(crate) fn no_other_ensemble(file: &RunFile, directory: &RunDirectory) -> Result<(), DriverError> {
    let folder = directory.file(ENSEMBLE);
    let is_empty = || std::fs::read_dir(&folder).map_or(true, |mut entries| entries.next().is_none());
    if file.stages.iter().all(|stage| stage.ensemble().is_none()) || is_empty() {
        return Ok(());
    }
    Err(DriverError::Request(format!(
        "{} holds the configurations of another run: choose another directory (--set run.directory=...), or move them \
         away",
        folder.display()
    )))
}
