//! What was odd in a file that could nevertheless be read; every oddity has its own wording.

use std::fmt;

use crate::endian::ByteOrder;
use crate::format::Precision;
use crate::gauge::FileFormat;

/// Something a reader put up with. Records are counted from 1, as in the record table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The file ends before the zeros that should fill its last record up to a multiple of eight bytes.
    MissingPad {
        /// Number of the record.
        record: usize,
        /// How many padding bytes are missing.
        missing: u64,
    },
    /// Zeros follow the last record.
    TrailingZeros {
        /// Where they begin.
        offset: u64,
        /// How many there are.
        length: u64,
    },
    /// A record header states a LIME version other than 1.
    LimeVersion {
        /// Number of the record.
        record: usize,
        /// The version it states.
        version: u16,
    },
    /// A record type fills all of its 128 bytes without a closing NUL.
    UnterminatedType {
        /// Number of the record.
        record: usize,
    },
    /// An XML record is not well formed; its elements were read all the same.
    MalformedXml {
        /// Type of the record.
        record: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// Something stands before the XML declaration, where strict parsers give up.
    DisplacedXmlDeclaration {
        /// Type of the record.
        record: &'static str,
    },
    /// `ildg-format` lacks an element; its value was inferred.
    MissingField {
        /// Name of the element.
        element: &'static str,
    },
    /// `ildg-format` names a field that is no SU(N) or U(1) gauge field.
    UnknownField {
        /// What it says.
        stated: String,
        /// Number of colours that the payload's length means.
        nc: usize,
    },
    /// `ildg-format` names another gauge group than the payload's length means.
    StatedFieldDiffers {
        /// What it says.
        stated: String,
        /// Number of colours that the payload's length means.
        nc: usize,
    },
    /// `ildg-format` states another precision than the payload's length means.
    StatedPrecisionDiffers {
        /// What it says, in bits.
        stated: String,
        /// What the length means.
        actual: Precision,
    },
    /// The caller gave other dimensions or colours than `ildg-format` states; the caller's hold.
    StatedShapeDiffers {
        /// What `ildg-format` says.
        stated: String,
        /// What is used.
        used: String,
    },
    /// There is no `ildg-format` record; the caller's dimensions and number of colours are used.
    MissingFormat,
    /// There is no `ildg-data-lfn` record.
    MissingLfn,
    /// There is no `scidac-checksum` record: nothing can be verified.
    MissingChecksum,
    /// The `scidac-checksum` record cannot be understood: nothing can be verified.
    UnreadableChecksum {
        /// What is wrong with it.
        detail: String,
    },
    /// There is no `scidac-private-file-xml` record.
    MissingPrivateFile,
    /// A payload has no `scidac-private-record-xml` or other description.
    MissingPrivateRecord {
        /// Number of the payload, from 0.
        payload: usize,
    },
    /// An element of a private SciDAC record makes no sense; it was passed over.
    UnusableElement {
        /// Type of the record.
        record: &'static str,
        /// Name of the element.
        element: &'static str,
        /// What stands there.
        found: String,
    },
    /// The caller gave other dimensions than `scidac-private-file-xml` states; the caller's hold.
    StatedDimensionsDiffer {
        /// What it states.
        stated: String,
        /// What is used.
        used: String,
    },
    /// A private SciDAC record of an ILDG file contradicts `ildg-format`, which holds.
    PrivateRecordDiffers {
        /// Type of the record.
        record: &'static str,
        /// Name of the element.
        element: &'static str,
        /// What it says.
        stated: String,
        /// What is used.
        used: String,
    },
    /// A private SciDAC record states another number of bytes a site than the payload's length means.
    StatedDatumDiffers {
        /// Number of the payload, from 0.
        payload: usize,
        /// Bytes stated.
        stated: u64,
        /// Bytes by the length.
        actual: u64,
    },
    /// A SciDAC payload has no checksum.
    PayloadWithoutChecksum {
        /// Number of the payload, from 0.
        payload: usize,
    },
    /// A SciDAC payload cannot be read; the others can.
    UnusablePayload {
        /// Number of the payload, from 0.
        payload: usize,
        /// Why.
        detail: String,
    },
    /// The file holds several gauge fields.
    SeveralPayloads {
        /// How many.
        count: usize,
        /// Which one is described here, counted from 0.
        chosen: usize,
    },
    /// A SciDAC file holds several fields of four colour matrices a site.
    SeveralFields {
        /// How many.
        count: usize,
        /// Which of them is described here, counted from 0.
        chosen: usize,
    },
    /// The caller gave another shape than the header states; the caller's holds.
    HeaderShapeDiffers {
        /// The format.
        format: FileFormat,
        /// What the header says.
        stated: String,
        /// What is used.
        used: String,
    },
    /// The header states other rows or numbers than the length of the file means.
    HeaderContradictsLength {
        /// The format.
        format: FileFormat,
        /// What the header says.
        stated: String,
        /// What the length means.
        used: String,
    },
    /// The header lacks a value; another was taken.
    MissingHeaderKey {
        /// The format.
        format: FileFormat,
        /// Name of the value.
        key: &'static str,
        /// What was taken.
        taken: &'static str,
    },
    /// A value of the header that cannot be understood.
    UnreadableHeaderValue {
        /// The format.
        format: FileFormat,
        /// Name of the value.
        key: &'static str,
        /// What stands there.
        value: String,
    },
    /// The header states no checksum; that of some formats never does.
    NoStoredChecksum {
        /// The format.
        format: FileFormat,
    },
    /// The header leaves the order of bytes open; the checksum told it.
    ByteOrderByChecksum {
        /// The order.
        order: ByteOrder,
    },
    /// The header leaves the order of bytes open, and no checksum tells it; the size of the numbers did.
    ByteOrderGuessed {
        /// The order.
        order: ByteOrder,
    },
    /// Bytes follow the links.
    TrailingBytes {
        /// The format.
        format: FileFormat,
        /// How many.
        length: u64,
    },
}

/// Text from a file, short enough for a message.
pub(crate) fn abridged(text: &str) -> String {
    text.chars().take(60).collect()
}

fn endian(order: ByteOrder) -> &'static str {
    match order {
        ByteOrder::Big => "big",
        ByteOrder::Little => "little",
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingPad { record, missing } => {
                write!(
                    f,
                    "the file ends {missing} padding bytes early, after record {record}; the data are complete"
                )
            }
            Self::TrailingZeros { offset, length } => {
                write!(f, "{length} zero bytes follow the last record, from byte {offset} on; ignored")
            }
            Self::LimeVersion { record, version } => {
                write!(f, "record {record} states LIME version {version}; read as version 1")
            }
            Self::UnterminatedType { record } => {
                write!(f, "the type of record {record} has no closing NUL within its 128 bytes")
            }
            Self::MalformedXml { record, detail } => {
                write!(
                    f,
                    "the `{record}` record is not well-formed XML ({detail}); its elements were read leniently"
                )
            }
            Self::DisplacedXmlDeclaration { record } => {
                write!(
                    f,
                    "white space precedes the XML declaration of the `{record}` record; strict readers refuse it"
                )
            }
            Self::MissingField { element } => {
                write!(
                    f,
                    "`ildg-format` has no <{element}>; inferred from the length of the payload where it matters"
                )
            }
            Self::UnknownField { stated, nc } => {
                write!(
                    f,
                    "`ildg-format` names the unknown field `{stated}`; by its length the payload has nc = {nc}"
                )
            }
            Self::StatedFieldDiffers { stated, nc } => {
                write!(
                    f,
                    "`ildg-format` names the field `{stated}`, but by its length the payload has nc = {nc}"
                )
            }
            Self::StatedPrecisionDiffers { stated, actual } => write!(
                f,
                "`ildg-format` states {stated}-bit numbers, but by its length the payload holds {}-bit numbers",
                actual.bits()
            ),
            Self::StatedShapeDiffers { stated, used } => {
                write!(f, "`ildg-format` states {stated}; the given {used} is used instead")
            }
            Self::MissingFormat => {
                write!(
                    f,
                    "there is no `ildg-format` record; the given dimensions and number of colours are used"
                )
            }
            Self::MissingLfn => {
                write!(f, "there is no `ildg-data-lfn` record: the file does not say its ILDG name")
            }
            Self::MissingChecksum => {
                write!(f, "there is no `scidac-checksum` record: damage to the payload cannot be noticed")
            }
            Self::UnreadableChecksum { detail } => {
                write!(
                    f,
                    "the `scidac-checksum` record is unreadable ({detail}): the payload cannot be verified"
                )
            }
            Self::MissingPrivateFile => {
                write!(f, "there is no `scidac-private-file-xml` record; the dimensions were found elsewhere")
            }
            Self::MissingPrivateRecord { payload } => {
                write!(
                    f,
                    "nothing describes the payload with index {payload}; it is taken for a field of bytes"
                )
            }
            Self::UnusableElement { record, element, found } => {
                write!(
                    f,
                    "<{element}> of a `{record}` record is `{found}`, which makes no sense; passed over"
                )
            }
            Self::StatedDimensionsDiffer { stated, used } => {
                write!(
                    f,
                    "`scidac-private-file-xml` states the extents {stated}; the given {used} are used instead"
                )
            }
            Self::PrivateRecordDiffers { record, element, stated, used } => {
                write!(
                    f,
                    "<{element}> of the `{record}` record is {stated}, but {used} by `ildg-format` and the length of the \
                     payload; the latter is used, programs that use QIO take the former"
                )
            }
            Self::StatedDatumDiffers { payload, stated, actual } => write!(
                f,
                "the private record of the payload with index {payload} states {stated} bytes a site, but by its length \
                 it has {actual}"
            ),
            Self::PayloadWithoutChecksum { payload } => {
                write!(
                    f,
                    "the payload with index {payload} has no `scidac-checksum`: damage to it cannot be noticed"
                )
            }
            Self::UnusablePayload { payload, detail } => {
                write!(f, "the payload with index {payload} cannot be read: {detail}")
            }
            Self::SeveralPayloads { count, chosen } => {
                write!(
                    f,
                    "the file holds {count} `ildg-binary-data` records; this is the one with index {chosen}"
                )
            }
            Self::SeveralFields { count, chosen } => {
                write!(
                    f,
                    "{count} fields of the file have four colour matrices a site; this is the one with index {chosen}"
                )
            }
            Self::HeaderShapeDiffers { format, stated, used } => {
                write!(f, "the {format} header states {stated}; the given {used} is used instead")
            }
            Self::HeaderContradictsLength { format, stated, used } => {
                write!(
                    f,
                    "the {format} header states {stated}, but by the length of the file there are {used}"
                )
            }
            Self::MissingHeaderKey { format, key, taken } => {
                write!(f, "the {format} header has no {key}; {taken} was taken")
            }
            Self::UnreadableHeaderValue { format, key, value } => {
                write!(f, "the {format} header has an unreadable {key}, `{value}`")
            }
            Self::NoStoredChecksum { format } if format.has_checksum() => {
                write!(f, "the {format} header states no checksum: damage to the links cannot be noticed")
            }
            Self::NoStoredChecksum { format } => {
                write!(f, "{format} files have no checksum: only damage that moves the plaquette is noticed")
            }
            Self::ByteOrderByChecksum { order } => {
                write!(
                    f,
                    "the header does not tell the order of bytes; by the checksum it is {}-endian",
                    endian(*order)
                )
            }
            Self::ByteOrderGuessed { order } => {
                write!(
                    f,
                    "the header does not tell the order of bytes, nor does the checksum; by the size of the numbers it \
                     is {}-endian",
                    endian(*order)
                )
            }
            Self::TrailingBytes { format, length } => {
                write!(f, "{length} bytes follow the links of this {format} file; ignored")
            }
        }
    }
}
