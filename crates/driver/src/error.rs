//! What ends a command, and with which exit status.

use std::path::PathBuf;
use thiserror::Error;

/// Why a command failed.
#[derive(Debug, Error)]
pub enum DriverError {
    /// A mistake in a run file or an override.
    #[error("{}: {message}", path.display())]
    Config {
        /// The run file.
        path: PathBuf,
        /// Line, key and what was expected.
        message: String,
    },
    /// A file or folder that could not be used.
    #[error("cannot {action} {}: {source}{}", path.display(), advice(action, source))]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// An input that is not what it should be.
    #[error("{0}")]
    Input(String),
    /// A request on the command line that cannot be met.
    #[error("{0}")]
    Request(String),
    /// Geometry, memory, files.
    #[error(transparent)]
    Lattice(#[from] gaugelink_lattice::LatticeError),
    /// A kernel of a device.
    #[error(transparent)]
    Device(#[from] gaugelink_device::DeviceError),
    /// A configuration file.
    #[error(transparent)]
    File(#[from] lime_rs::Error),
    /// Standard output that cannot be written to.
    #[error("cannot write to standard output: {0}; what went into files is there, send the output elsewhere")]
    Output(std::io::Error),
    /// The reader of standard output has gone (`| head`): nothing is wrong.
    #[error("standard output was closed")]
    ClosedPipe,
    /// An update or a measurement.
    #[error(transparent)]
    Physics(#[from] gaugelink_physics::PhysicsError),
    /// A plugin that cannot be found, opened or called.
    #[error(transparent)]
    Plugin(#[from] gaugelink_host::HostError),
    /// A checkpoint that cannot be written or read.
    #[error(transparent)]
    Checkpoint(#[from] gaugelink_sampler::checkpoint::CheckpointError),
    /// A configuration file, with the option that helps.
    #[error("{error}; {remedy}")]
    FileWithRemedy {
        /// What is wrong with it.
        error: lime_rs::Error,
        /// What to do on this command line.
        remedy: String,
    },
    /// A run or training that a signal ended, with a checkpoint.
    #[error("stopped by a signal after {done}, with a checkpoint: the same command goes on")]
    Stopped {
        /// How far it came.
        done: String,
    },
    /// Checks that did not hold; their lines were printed.
    #[error("{failed} of {total} files did not pass")]
    Failed {
        /// How many.
        failed: usize,
        /// Of how many.
        total: usize,
    },
    /// An ensemble with findings; they were printed.
    #[error("{wrong} {} wrong with the ensemble", if *wrong == 1 { "thing is" } else { "things are" })]
    Findings {
        /// How many.
        wrong: usize,
    },
    /// Two files that were compared and differ; the line was printed.
    #[error("the files differ")]
    Different,
    /// Rules that a plugin breaks; their lines were printed.
    #[error("{failed} of {total} checks failed")]
    Checks {
        /// How many.
        failed: usize,
        /// Of how many.
        total: usize,
    },
}

impl DriverError {
    /// What is wrong with a configuration file, if that is the error.
    pub fn file_error(&self) -> Option<&lime_rs::Error> {
        match self {
            DriverError::File(error) | DriverError::FileWithRemedy { error, .. } => Some(error),
            DriverError::Lattice(gaugelink_lattice::LatticeError::File(error)) => Some(error),
            _ => None,
        }
    }

    /// Exit status: 2 for mistakes in what was asked, 1 for everything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            DriverError::Config { .. } | DriverError::Request(_) => 2,
            _ => 1,
        }
    }
}

fn advice(action: &str, source: &std::io::Error) -> &'static str {
    use std::io::ErrorKind::*;
    match source.kind() {
        NotFound => " (check the path)",
        PermissionDenied if ["read", "look at"].iter().any(|reading| action.starts_with(reading)) => {
            " (ask for permission to read it)"
        }
        PermissionDenied | ReadOnlyFilesystem => {
            " (choose a folder that you may write to; that of a run is --set run.directory=..., that of an ensemble --out)"
        }
        StorageFull | QuotaExceeded => {
            " (free some space, then give the same command again: a run goes on from its last checkpoint)"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_be_read_is_no_question_of_writing() {
        let denied = |action| {
            let source = std::io::ErrorKind::PermissionDenied.into();
            DriverError::Io { action, path: "confs".into(), source }.to_string()
        };
        for action in ["read", "read the folder", "look at"] {
            assert!(denied(action).ends_with("(ask for permission to read it)"), "{}", denied(action));
        }
        assert!(denied("make the run directory").contains("that you may write to"));
    }
}
