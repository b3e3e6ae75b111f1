//! The files that a run is going to write: none of them replaces what is somebody else's.

use super::directory::RunDirectory;
use super::write::file_of;
use crate::config::RunFile;
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
