//! What can go wrong below the physics.

use thiserror::Error;

/// An error of geometry, memory, communication or input, saying what to do about it.
#[derive(Debug, Error)]
pub enum LatticeError {
    /// Extents, ranks or lanes that do not make a lattice.
    #[error("{0}")]
    Geometry(String),
    /// Memory that the machine does not have or the process may not take.
    #[error(
        "{needed} MiB do not fit: {available} MiB are free for this process; use a smaller lattice, fewer chains or more ranks on other \
         machines"
    )]
    OutOfMemory {
        /// Mebibytes asked for.
        needed: u64,
        /// Mebibytes that are available to the process.
        available: u64,
    },
    /// More threads than a pool may have.
    #[error(
        "{wanted} threads are asked for: a pool has at most {most}; ask for fewer, or 0 for as many as there are cores",
        most = crate::Pool::THREADS_MAX
    )]
    TooManyThreads {
        /// Threads asked for.
        wanted: usize,
    },
    /// A thread of the pool could not be started.
    #[error(
        "cannot start {wanted} threads: {source}; use fewer (run file: threads, command line: --threads)"
    )]
    Threads {
        /// Threads asked for.
        wanted: usize,
        /// What the system answered.
        source: std::io::Error,
    },
    /// Threads could not be bound to cores.
    #[error("threads cannot be bound to cores: {0}; leave them free (run file: pin = false)")]
    Pinning(std::io::Error),
    /// A field and a file that do not belong together.
    #[error("{0}")]
    Mismatch(String),
    /// A rank that stopped because another one could not go on.
    #[error("another rank failed; its own message says why")]
    OtherRank,
    /// A file that could not be read or written.
    #[error(transparent)]
    File(#[from] lime_rs::Error),
}
