//! Everything that can go wrong, each with what, where and what to do.

use std::io;
use std::path::PathBuf;

use crate::checksum::ScidacChecksum;
use crate::gauge::{FITS, FileFormat};
use crate::qcdml::Violation;

/// Result with this crate's [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of reading and writing. Records are counted from 1, as in the record table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An error in a named file; [`Error::root`] gives the bare one.
    #[error("{}: {fault}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: Box<Error>,
    },
    /// A file cannot be opened for reading.
    #[error("cannot open the file: {source}; check its path and permissions")]
    Open {
        /// The system's reason.
        source: io::Error,
    },
    /// What is to be read is no regular file.
    #[error("not a regular file but {what}, which was not opened: name a file that holds a configuration")]
    NotRegular {
        /// "a folder", "a pipe", "a socket" or "a device".
        what: &'static str,
    },
    /// The bytes are those of no format, or there are none.
    #[error("{}", unknown(*size))]
    UnknownFormat {
        /// Length of the file.
        size: u64,
    },
    /// Header and length are those of several formats.
    #[error(
        "the header fits {}: only the links can tell them apart; name the format",
        candidates.iter().map(|format| format.name()).collect::<Vec<_>>().join(" and ")
    )]
    SeveralFormats {
        /// These.
        candidates: Vec<FileFormat>,
    },
    /// The links in none of the orders have the stated plaquette, and none is clearly better.
    #[error("{}", undecided(*stated, found))]
    UndecidedFormat {
        /// That of the header.
        stated: Option<f64>,
        /// Those of the links, read as each format.
        found: Vec<(FileFormat, f64)>,
    },
    /// A header that cannot be used.
    #[error("not a usable {format} header: {detail}")]
    BadHeader {
        /// The format.
        format: FileFormat,
        /// What is wrong with it.
        detail: String,
    },
    /// The file ends before the links do.
    #[error(
        "truncated: {shape} needs {expected} bytes of links after the {format} header, and the file has {present}; \
         copy the file again, or correct the shape"
    )]
    TruncatedBody {
        /// The format.
        format: FileFormat,
        /// Lattice and colours.
        shape: String,
        /// Bytes needed.
        expected: u64,
        /// Bytes present.
        present: u64,
    },
    /// A format that cannot hold the links.
    #[error("{format} files hold {what}; {remedy}")]
    CannotHold {
        /// The format.
        format: FileFormat,
        /// What it holds.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// A link that does not follow from the rows that would be written.
    #[error(
        "the link in direction {mu} of site {rank} is not special unitary to rounding: what would be left out is off \
         by {deviation:.1e}, and {limit:.0e} is allowed; keep all rows"
    )]
    LinkLosesRows {
        /// Rank of the site.
        rank: u64,
        /// Direction.
        mu: usize,
        /// Largest difference.
        deviation: f64,
        /// What rounding explains.
        limit: f64,
    },
    /// A link that is no unit matrix, in a direction that the reader's fields do not have.
    #[error(
        "the link in direction {} of site {rank} is no unit matrix (off by {deviation:.1e}, and {limit:.0e} is \
         allowed): fields leave out directions of extent 1 at the end, as of {}, so the links there would be lost; use a \
         program that keeps them, or find out whether the extents are others",
        ["x", "y", "z", "t"].get(*mu).unwrap_or(&"?"),
        dims.map(|extent| extent.to_string()).join("x")
    )]
    LinkLeftOut {
        /// Extents of the file's lattice.
        dims: [usize; 4],
        /// Rank of the site.
        rank: u64,
        /// Direction.
        mu: usize,
        /// Largest difference of a component from that of the unit matrix.
        deviation: f64,
        /// What rounding explains.
        limit: f64,
    },
    /// A header that states the plaquette, and none was given.
    #[error("a {format} header states the plaquette: measure and give it")]
    PlaquetteNeeded {
        /// The format.
        format: FileFormat,
    },
    /// A read failed, or the file became shorter while it was read.
    #[error(
        "cannot read {length} bytes at byte {offset}: {source}; if the file was being written or moved, try again"
    )]
    Read {
        /// Where.
        offset: u64,
        /// How many bytes.
        length: u64,
        /// The system's reason.
        source: io::Error,
    },
    /// There is too little memory for a buffer. This says nothing about the file.
    #[error("not enough memory for a buffer of {bytes} bytes; free some, or use smaller chunks")]
    OutOfMemory {
        /// Size of the buffer.
        bytes: u64,
    },
    /// No LIME record where one must begin.
    #[error(
        "no LIME magic number at byte {offset}, where record {record} should begin; {}",
        if *record == 1 { "this is no LIME file" } else { "the file is damaged there or something was appended" }
    )]
    NotLime {
        /// Where.
        offset: u64,
        /// Number of the record.
        record: usize,
    },
    /// The file ends within a record header.
    #[error(
        "truncated: record {record} at byte {offset} has {present} of the 144 bytes of its header; \
         copy the file again"
    )]
    TruncatedHeader {
        /// Number of the record.
        record: usize,
        /// Where its header begins.
        offset: u64,
        /// How many bytes of it there are.
        present: u64,
    },
    /// The file ends within a record's data.
    #[error(
        "truncated: record {record} (`{kind}`) should have {expected} bytes of data but the file ends after \
         {present}; copy the file again"
    )]
    TruncatedRecord {
        /// Number of the record.
        record: usize,
        /// Its type.
        kind: String,
        /// Length that its header states, in bytes.
        expected: u64,
        /// Bytes present.
        present: u64,
    },
    /// No gauge field in the file.
    #[error(
        "no gauge field: neither an `ildg-binary-data` record nor a SciDAC field of four colour matrices a site; the \
         records are: {}",
        listed(kinds)
    )]
    NoGaugeField {
        /// Types of the records that are there.
        kinds: Vec<String>,
    },
    /// The file holds fewer gauge fields than the index asked for.
    #[error("there is no gauge field with index {index}: the file holds {count}, counted from 0")]
    NoSuchPayload {
        /// Index asked for.
        index: usize,
        /// Number of `ildg-binary-data` records.
        count: usize,
    },
    /// No SciDAC data in the file.
    #[error("no `scidac-binary-data` or `ildg-binary-data` record; the records are: {}", listed(kinds))]
    NoScidacData {
        /// Types of the records that are there.
        kinds: Vec<String>,
    },
    /// The file holds fewer logical records than the index asked for.
    #[error("there is no logical record with index {index}: the file holds {count}, counted from 0")]
    NoSuchRecord {
        /// Index asked for.
        index: usize,
        /// Number of logical records.
        count: usize,
    },
    /// The data of a logical record cannot be read as asked.
    #[error("the logical record with index {index} cannot be read: {detail}")]
    UnusableRecord {
        /// Index of the record.
        index: usize,
        /// Why.
        detail: String,
    },
    /// No record states the lattice's extents, or none that a lattice can have.
    #[error("no usable dimensions (`{found}`): give the extents of the lattice, x first, each at least 1")]
    UnusableDimensions {
        /// What stands there.
        found: String,
    },
    /// The volumes of a SciDAC file are incomplete or do not belong together.
    #[error(
        "the volumes do not make up a file: {detail}; bring all of its `.vol0000`, `.vol0001`, … together"
    )]
    Volumes {
        /// What is wrong.
        detail: String,
    },
    /// No metadata tell the shape of the field.
    #[error(
        "no `ildg-format` record: the dimensions (lx ly lz lt) and the number of colours of the {bytes} bytes \
         must be given; {proposals}"
    )]
    MissingFormat {
        /// Length of the payload.
        bytes: u64,
        /// Shapes that fit, as a sentence.
        proposals: String,
    },
    /// `ildg-format` does not give the dimensions.
    #[error(
        "`ildg-format` gives no usable <{element}> ({found}): give the dimensions and the number of colours yourself"
    )]
    UnusableFormat {
        /// Name of the element.
        element: &'static str,
        /// What stands there.
        found: String,
    },
    /// The payload's length fits no gauge field on the lattice.
    #[error(
        "the payload has {bytes} bytes, which fits no U(1) or SU(2..4) field of 32- or 64-bit numbers with {expected}; \
         correct the dimensions or the number of colours, or copy the file again"
    )]
    LengthMismatch {
        /// Length of the payload.
        bytes: u64,
        /// The shape that was stated.
        expected: String,
    },
    /// Dimensions or colours outside of what the format can hold.
    #[error(
        "{what} cannot be a gauge field: every extent must be at least 1, nc 1 to 4, the payload below 2^63 bytes"
    )]
    ImpossibleShape {
        /// The shape.
        what: String,
    },
    /// A text record longer than any real one.
    #[error("record `{kind}` has {length} bytes, more than the {limit} that are read into memory at once")]
    RecordTooLong {
        /// Type of the record.
        kind: String,
        /// Its length.
        length: u64,
        /// The limit.
        limit: u64,
    },
    /// The stored checksum disagrees with the payload.
    #[error(
        "checksum mismatch: the file states {stored}, its payload gives {computed}; the payload was damaged or the \
         stored sum is wrong: copy the file again, or ignore the checksum deliberately"
    )]
    ChecksumMismatch {
        /// What `scidac-checksum` states.
        stored: ScidacChecksum,
        /// What the payload gives.
        computed: ScidacChecksum,
    },
    /// A checksum record that cannot be read.
    #[error("not a SciDAC checksum: {detail}")]
    BadChecksum {
        /// What is wrong with it.
        detail: String,
    },
    /// A buffer does not fit its counterpart.
    #[error("{what}: {given} given, {needed} needed")]
    SizeMismatch {
        /// Which sizes disagree.
        what: &'static str,
        /// Size given.
        given: u64,
        /// Size needed.
        needed: u64,
    },
    /// A range of sites or bytes beyond the payload.
    #[error("{what} {start}..{end} lies outside 0..{limit}")]
    OutOfRange {
        /// What is counted.
        what: &'static str,
        /// First.
        start: u64,
        /// One past the last.
        end: u64,
        /// How many there are.
        limit: u64,
    },
    /// A record type that LIME cannot hold or that would mislead readers.
    #[error(
        "`{kind}` cannot be the type of an additional record: it must have 1 to 127 bytes, no NUL, and not be one \
         that the writer itself writes"
    )]
    RecordType {
        /// The type.
        kind: String,
    },
    /// What the caller gave cannot be written.
    #[error("cannot be written: {detail}")]
    Unwritable {
        /// What is wrong and what is needed.
        detail: String,
    },
    /// A QCDml document breaks the schema's rules.
    #[error("not QCDml 2.0: {}", joined(violations))]
    Qcdml {
        /// What is wrong.
        violations: Vec<Violation>,
    },
    /// A writer was finished before every byte of the payload was there.
    #[error("{written} of {expected} payload bytes were written; the target file was left as it was")]
    IncompletePayload {
        /// Bytes written.
        written: u64,
        /// Bytes needed.
        expected: u64,
    },
    /// Whoever asked for a file wants it no more.
    #[error(
        "writing was stopped: the unfinished file was removed, and the old file, if there was one, is as it was"
    )]
    Stopped,
    /// A pipe, device or socket stands where a file is to be written.
    #[error("{} is no regular file but a pipe, device or socket, which stays: give another name", path.display())]
    NoRegularFile {
        /// Its path.
        path: PathBuf,
    },
    /// Writing failed.
    #[error("cannot {action} {}: {source}{}; {}", path.display(), left(action), advice(source))]
    Write {
        /// What was attempted, e.g. `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl Error {
    /// Names the file in which this error occurred.
    pub fn in_file(self, path: impl Into<PathBuf>) -> Self {
        match self {
            named @ (Self::InFile { .. } | Self::Write { .. } | Self::NoRegularFile { .. }) => named,
            fault => Self::InFile { path: path.into(), fault: Box::new(fault) },
        }
    }

    /// The error itself without the file's name.
    pub fn root(&self) -> &Self {
        match self {
            Self::InFile { fault, .. } => fault.root(),
            other => other,
        }
    }
}

/// Links that fit in no order may be damaged; those that fit in several, such as unit matrices, are not.
fn undecided(stated: Option<f64>, found: &[(FileFormat, f64)]) -> String {
    let given =
        found.iter().map(|(format, p)| format!("{p:.9} as {format}")).collect::<Vec<_>>().join(" and ");
    let fit = stated.is_some_and(|stated| found.iter().any(|(_, p)| (stated - p).abs() < FITS));
    let stated = stated.map_or("none".into(), |plaquette| format!("{plaquette:.9}"));
    let advice = match fit {
        true => "both fit; name the format",
        false => {
            "neither fits, and these formats have no checksum: the file may be damaged, or was written with another \
             normalisation of the plaquette; copy it again, or name the format to read it as it is"
        }
    };
    format!("the header states the plaquette {stated}, and the links give {given}: {advice}")
}

/// An empty file is no question of formats.
fn unknown(size: u64) -> String {
    match size {
        0 => "the file is empty: nothing was ever written to it, or its copy failed; copy it again".into(),
        _ => format!(
            "no LIME file, and no header of another format that fits {size} bytes (NERSC, MILC, openQCD, DDalphaAMG, \
             HiRep); if you know the format, name it to learn what is wrong with the file"
        ),
    }
}

/// Names for a message: damaged or foreign files may have very many, and control characters in them.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 24;
    let mut text =
        names.iter().take(SHOWN).map(|name| name.escape_debug().to_string()).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text += &format!(" and {} more", names.len() - SHOWN);
    }
    text
}

/// The first few things that are wrong.
fn joined(violations: &[Violation]) -> String {
    const SHOWN: usize = 8;
    let mut text = violations.iter().take(SHOWN).map(ToString::to_string).collect::<Vec<_>>().join("; ");
    if violations.len() > SHOWN {
        text += &format!("; and {} more", violations.len() - SHOWN);
    }
    text
}

/// What a failed write leaves: the name is the last thing that a file gets.
fn left(action: &str) -> &'static str {
    match action {
        "write" | "flush" | "set the permissions of" | "rename the finished file to" => {
            ", and the old file, if there was one, is as it was"
        }
        _ => "",
    }
}

/// What the user can do about a failed write.
fn advice(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull => "free space on that disk or choose another folder",
        io::ErrorKind::QuotaExceeded => "your disk quota is used up: delete files or choose another folder",
        io::ErrorKind::ReadOnlyFilesystem => "that file system is read-only: choose another folder",
        io::ErrorKind::PermissionDenied => "ask for write permission on that folder or choose another one",
        io::ErrorKind::NotFound => "create the folder first or correct the path",
        io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => "correct the path",
        io::ErrorKind::InvalidFilename => "give a shorter name",
        io::ErrorKind::FileTooLarge => "that file system or your limits allow no file of this size",
        _ => "check the disk, then write again",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn write_errors_name_path_reason_and_remedy() {
        for (code, remedy) in [(28, "free space"), (13, "permission"), (30, "read-only"), (122, "quota")] {
            let source = io::Error::from_raw_os_error(code);
            let text = Error::Write { action: "write", path: "/data/conf.lime".into(), source }.to_string();
            assert!(text.contains("/data/conf.lime") && text.contains(remedy), "{text}");
        }
    }

    #[test]
    fn a_list_of_records_stays_readable() {
        let kinds = vec!["a\x1b".to_owned(); 30];
        let text = Error::NoGaugeField { kinds }.to_string();
        assert!(text.contains("are: a\\u{1b}, a") && text.ends_with("a\\u{1b} and 6 more"), "{text}");
    }

    #[test]
    fn a_file_is_named_once() {
        let error = Error::NotLime { offset: 0, record: 1 }.in_file("a.lime").in_file("b.lime");
        let text = error.to_string();
        assert!(text.starts_with("a.lime: ") && !text.contains("b.lime"), "{text}");
        assert!(matches!(error.root(), Error::NotLime { .. }));
    }
}
