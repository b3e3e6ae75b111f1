//! SciDAC files as QIO lays them out (QIO 2.x, `qio_2p3`): one or more logical records of lattice fields and global
//! data, in one file or in several volumes.
//!
//! LIME records in order, `|` ends a message: `scidac-private-file-xml`, (`scidac-sitelist`), `scidac-file-xml` |
//! `scidac-private-record-xml`, `scidac-record-xml`, the data, `scidac-checksum` | the next logical record …
//! The data are `scidac-binary-data`, or `ildg-binary-data` in ILDG files and in everything that Grid writes.

mod agreement;
mod content;
mod describe;
mod file;
mod info;
mod links;
mod numbers;
mod places;
mod ranks;
mod read;
mod volume;
mod write;

pub use content::{ComponentOrder, Content, Number};
pub use file::{ScidacFile, ScidacPayload};
pub use info::{FileInfo, RecordInfo, RecordKind, VolumeFormat};
pub use read::DatumChunk;
pub use write::{RecordWriter, ScidacMeta, ScidacWriter};

pub(crate) use agreement::compare_private_records;
pub(crate) use file::is_data;
pub(crate) use info::{checksum, date};
pub(crate) use links::describe_links;
pub(crate) use places::Places;
