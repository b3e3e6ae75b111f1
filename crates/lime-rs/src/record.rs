//! The LIME record: a 144-byte big-endian header, the data, zeros up to a multiple of eight bytes.
//!
//! Header (c-lime 1.x): u32 magic `0x456789ab` at 0; u16 version 1 at 4; flags at 6 (message begin 0x80,
//! message end 0x40); reserved byte at 7; u64 data length at 8; NUL-terminated record type at 16.

use crate::access::WriteAt;
use crate::error::{Error, Result};

/// Length of a LIME record header in bytes.
pub const HEADER_BYTES: u64 = 144;

pub(crate) const MAGIC: [u8; 4] = 0x4567_89ab_u32.to_be_bytes();
const VERSION: u16 = 1;
const MESSAGE_BEGIN: u8 = 0x80;
const MESSAGE_END: u8 = 0x40;
const TYPE_OFFSET: usize = 16;
/// The type field has 128 bytes, the last of them a NUL.
const TYPE_BYTES: usize = 127;

/// Record types that the readers and writers of this crate know by name.
pub mod record_type {
    /// File-wide SciDAC metadata: lattice dimensions, volume format.
    pub const PRIVATE_FILE_XML: &str = "scidac-private-file-xml";
    /// The user's text on the file.
    pub const FILE_XML: &str = "scidac-file-xml";
    /// SciDAC metadata of one logical record: number type, colours, bytes a site.
    pub const PRIVATE_RECORD_XML: &str = "scidac-private-record-xml";
    /// The user's text on one logical record.
    pub const RECORD_XML: &str = "scidac-record-xml";
    /// A SciDAC payload that is not an ILDG gauge field.
    pub const SCIDAC_BINARY: &str = "scidac-binary-data";
    /// Ranks of the sites that a volume of several holds.
    pub const SITELIST: &str = "scidac-sitelist";
    /// The pair of sums over the payload before it.
    pub const SCIDAC_CHECKSUM: &str = "scidac-checksum";
    /// ILDG format: field, precision, dimensions.
    pub const ILDG_FORMAT: &str = "ildg-format";
    /// Logical file name of the configuration in the ILDG catalogue.
    pub const ILDG_LFN: &str = "ildg-data-lfn";
    /// The gauge field.
    pub const ILDG_BINARY: &str = "ildg-binary-data";
    /// Format of a propagator file of tmLQCD: precision, flavours, dimensions.
    pub const ETMC_PROPAGATOR: &str = "etmc-propagator-format";
    /// Grid's metadata of a field.
    pub const GRID_FORMAT: &str = "grid-format";
    /// The norm of a field that Grid wrote.
    pub const FIELD_NORM: &str = "FieldNormMetaData";
    /// Run information of the ETMC / tmLQCD family: plaquette, beta, kappa, date as lines of text.
    pub const XLF_INFO: &str = "xlf-info";
}

/// What a record header states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordHeader {
    /// Record type, e.g. `ildg-binary-data`.
    pub kind: String,
    /// Length of the data in bytes, padding not counted.
    pub length: u64,
    /// Message-begin flag.
    pub message_begin: bool,
    /// Message-end flag.
    pub message_end: bool,
}

/// A record as found in a file: its header and where its data lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What the header states. The flags are for display: real files set them in every wrong way.
    pub header: RecordHeader,
    /// Offset of the header in the file, in bytes.
    pub header_offset: u64,
}

impl Record {
    /// Offset of the data in the file, in bytes.
    pub fn data_offset(&self) -> u64 {
        self.header_offset + HEADER_BYTES
    }

    /// Record type, e.g. `ildg-format`.
    pub fn kind(&self) -> &str {
        &self.header.kind
    }

    /// Length of the data in bytes.
    pub fn length(&self) -> u64 {
        self.header.length
    }
}

/// Message-begin and message-end flags of a record by its place in the message.
pub(crate) type Flags = (bool, bool);
pub(crate) const FIRST: Flags = (true, false);
pub(crate) const MIDDLE: Flags = (false, false);
pub(crate) const LAST: Flags = (false, true);
pub(crate) const ALONE: Flags = (true, true);

/// Text with the closing NUL that QIO counts in the length.
pub(crate) fn terminated(text: &str) -> String {
    format!("{}\0", text.trim_end_matches('\0'))
}

/// What is odd but harmless in one header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct HeaderOddities {
    /// A LIME version other than 1.
    pub version: Option<u16>,
    /// The type fills its field without a closing NUL.
    pub unterminated: bool,
}

impl RecordHeader {
    pub(crate) fn new(kind: &str, (message_begin, message_end): Flags, length: u64) -> Self {
        Self { kind: kind.into(), length, message_begin, message_end }
    }

    /// The 144 bytes of this header.
    ///
    /// # Errors
    /// [`Error::RecordType`] where the type is empty, longer than 127 bytes or holds a NUL.
    pub fn encode(&self) -> Result<[u8; HEADER_BYTES as usize]> {
        let name = self.kind.as_bytes();
        if name.is_empty() || name.len() > TYPE_BYTES || name.contains(&0) {
            return Err(Error::RecordType { kind: self.kind.clone() });
        }
        let mut bytes = [0u8; HEADER_BYTES as usize];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..6].copy_from_slice(&VERSION.to_be_bytes());
        bytes[6] = if self.message_begin { MESSAGE_BEGIN } else { 0 }
            | if self.message_end { MESSAGE_END } else { 0 };
        bytes[8..16].copy_from_slice(&self.length.to_be_bytes());
        bytes[TYPE_OFFSET..TYPE_OFFSET + name.len()].copy_from_slice(name);
        Ok(bytes)
    }

    /// Reads a header; `None` where the magic number is missing.
    pub(crate) fn decode(bytes: &[u8; HEADER_BYTES as usize]) -> Option<(Self, HeaderOddities)> {
        if bytes[..4] != MAGIC {
            return None;
        }
        let version = u16::from_be_bytes([bytes[4], bytes[5]]);
        let mut length = [0u8; 8];
        length.copy_from_slice(&bytes[8..16]);
        let name = &bytes[TYPE_OFFSET..];
        let end = name.iter().position(|&byte| byte == 0);
        let oddities =
            HeaderOddities { version: (version != VERSION).then_some(version), unterminated: end.is_none() };
        let header = RecordHeader {
            kind: String::from_utf8_lossy(&name[..end.unwrap_or(name.len())]).into_owned(),
            length: u64::from_be_bytes(length),
            message_begin: bytes[6] & MESSAGE_BEGIN != 0,
            message_end: bytes[6] & MESSAGE_END != 0,
        };
        Some((header, oddities))
    }
}

/// Zero bytes after data of this length: `(8 − n mod 8) mod 8`.
pub(crate) fn padding(length: u64) -> u64 {
    (8 - length % 8) % 8
}

/// Writes a whole record at `offset` and returns the offset of the next one.
pub(crate) fn write_record(
    sink: &impl WriteAt,
    offset: u64,
    header: &RecordHeader,
    data: &[u8],
    failed: impl Fn(std::io::Error) -> Error,
) -> Result<u64> {
    let mut bytes = header.encode()?.to_vec();
    bytes.extend_from_slice(data);
    bytes.resize(bytes.len() + padding(header.length) as usize, 0);
    sink.write_all_at(&bytes, offset).map_err(failed)?;
    Ok(offset + bytes.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(kind: &str) -> RecordHeader {
        RecordHeader {
            kind: kind.into(),
            length: 0x0102_0304_0506_0708,
            message_begin: true,
            message_end: false,
        }
    }

    #[test]
    fn header_bytes_follow_the_lime_layout() {
        let bytes = header("xlf-info").encode().unwrap();
        assert_eq!(bytes[..8], [0x45, 0x67, 0x89, 0xab, 0, 1, 0x80, 0]);
        assert_eq!(bytes[8..16], [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(&bytes[16..25], b"xlf-info\0");
        assert!(bytes[25..].iter().all(|&byte| byte == 0));
    }

    #[test]
    fn header_survives_the_round_trip() {
        let kind = "x".repeat(127);
        let (back, oddities) = RecordHeader::decode(&header(&kind).encode().unwrap()).unwrap();
        assert_eq!(back, header(&kind));
        assert_eq!(oddities, HeaderOddities::default());
    }

    #[test]
    fn unusable_types_are_refused() {
        for kind in [String::new(), "x".repeat(128), "a\0b".into()] {
            assert!(matches!(header(&kind).encode(), Err(Error::RecordType { .. })));
        }
    }

    #[test]
    fn odd_headers_are_read_and_reported() {
        let mut bytes = header("a").encode().unwrap();
        bytes[5] = 7;
        bytes[16..].fill(b'z');
        let (back, oddities) = RecordHeader::decode(&bytes).unwrap();
        assert_eq!(back.kind.len(), 128);
        assert_eq!(oddities, HeaderOddities { version: Some(7), unterminated: true });
        bytes[0] = 0;
        assert!(RecordHeader::decode(&bytes).is_none());
    }

    #[test]
    fn padding_reaches_the_next_multiple_of_eight() {
        assert_eq!([0, 1, 7, 8, 9, u64::MAX].map(padding), [0, 7, 1, 0, 7, 1]);
    }
}
