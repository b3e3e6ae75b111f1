//! Lattice configurations on disk: LIME records, ILDG and SciDAC, NERSC, MILC, openQCD, DDalphaAMG and HiRep, as
//! bytes, checksums and metadata.
//!
//! The crate knows no lattice field and no physics: it tells where the payload lies, what it claims to be,
//! whether its bytes are those that were written, and it turns bytes into numbers. Whether the numbers are a
//! gauge field (unitarity, plaquette) is the caller's to check.
//!
//! Reading: [`IldgFile::open`] scans the records, reads the metadata leniently and collects [`Warning`]s;
//! [`IldgFile::read_payload`] streams the payload once, computing checksums while the caller decodes each
//! chunk with [`decode`]. Writing: [`IldgWriter`] lays out every record before the payload, takes payload
//! bytes in any order from any thread or rank, and replaces the target only when all is on disk.
//!
//! Other SciDAC files, with several records or volumes: [`ScidacFile`] and [`ScidacWriter`]. ILDG's metadata documents:
//! [`qcdml`].
//! Any format: [`GaugeFile`] finds out which one a file has, [`GaugeFile::read_units`] streams its links, and
//! [`GaugeWriter`] writes them.
//!
//! Byte layout of an ILDG payload (ILDG Binary File Format, version 1.2), slowest index first:
//! `t, z, y, x, mu (x, y, z, t), row, column, re/im`, IEEE big endian, 32 or 64 bits a number. Sites are
//! therefore ordered by their lexicographic rank `r = x + Lx (y + Ly (z + Lz t))`. A lattice of fewer than
//! four dimensions has extent 1 in the later ones; four links a site are stored all the same.
//!
//! ```no_run
//! # fn main() -> Result<(), lime_rs::Error> {
//! let file = lime_rs::IldgFile::open("conf.1000.lime")?;
//! let mut links = vec![0.0f64; file.payload().numbers()];
//! let per_site = file.payload().format.numbers_per_site();
//! file.read_payload(lime_rs::PassOptions::default(), |chunk| {
//!     let first = chunk.first_site as usize * per_site;
//!     let count = chunk.sites as usize * per_site;
//!     lime_rs::decode_as(file.payload().format.precision, chunk.bytes, &mut links[first..first + count])
//! })?
//! .check()?;
//! # Ok(())
//! # }
//! ```

mod access;
mod atomic;
mod checksum;
mod cksum;
mod crc;
mod ddalphaamg;
mod endian;
mod error;
mod format;
mod gauge;
mod grid;
mod group;
mod hirep;
mod ildg;
mod milc;
mod nersc;
mod openqcd;
mod pass;
pub mod qcdml;
mod record;
mod scanner;
mod scidac;
mod shape;
mod stated;
mod warning;
mod writer;
mod xml;

pub use access::{ReadAt, WriteAt};
pub use atomic::AtomicFile;
pub use checksum::ScidacChecksum;
pub use cksum::PosixCksum;
pub use endian::{ByteOrder, Real, decode, decode_as, decode_ordered, encode, encode_as, encode_ordered};
pub use error::{Error, Result};
pub use format::{IldgFormat, Precision};
pub use gauge::{
    Body, Checksum, ChecksumKind, FileFormat, Further, GaugeFile, GaugeMeta, GaugeWriter, MilcChecksum,
    Order, Rows, Stated, Sums, UnitChunk, UserRecord, plaquette_in,
};
pub use grid::{GridMeta, GridStatement};
pub use ildg::{IldgFile, Payload, Selection};
pub use pass::{Chunk, PassOptions, Verification};
pub use record::{HEADER_BYTES, Record, RecordHeader, record_type};
pub use scanner::{Scan, scan};
pub use scidac::{
    ComponentOrder, Content, DatumChunk, FileInfo, Number, RecordInfo, RecordKind, RecordWriter, ScidacFile,
    ScidacMeta, ScidacPayload, ScidacWriter, VolumeFormat,
};
pub use shape::{Shape, propose_shapes};
pub use warning::Warning;
pub use writer::{IldgMeta, IldgWriter, PayloadWriter, TextRecord, check_lfn};
pub use xml::{check_xml, escape, odd_character};
