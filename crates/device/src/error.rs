//! What can go wrong.

use std::path::PathBuf;

/// An error of a device.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// No compiler.
    #[error("cannot run the C++ compiler {compiler}: {source}; install g++, or name another compiler in CXX")]
    NoCompiler {
        /// Its name.
        compiler: String,
        /// Why.
        source: std::io::Error,
    },
    /// The compiler refused the text.
    #[error("{compiler} refused the text of {kernel}:\n{message}")]
    Compile {
        /// Compiler.
        compiler: String,
        /// Kernel.
        kernel: String,
        /// What it wrote.
        message: String,
    },
    /// A file could not be written, or the compiled kernel not be opened.
    #[error("cannot {action} {}: {reason}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Arguments that the kernel does not have.
    #[error("{kernel}: {reason}")]
    Arguments {
        /// Kernel.
        kernel: String,
        /// What is wrong.
        reason: String,
    },
}
