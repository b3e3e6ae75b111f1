//! What a file says beside its links and what describes them: its users' own texts, which a copy should not lose.

use super::{GaugeFile, Source};
use crate::access::ReadAt;
use crate::error::Result;
use crate::group::Group;
use crate::ildg::{METADATA_LIMIT, load};
use crate::record::record_type::{
    FIELD_NORM, GRID_FORMAT, ILDG_BINARY, ILDG_FORMAT, PRIVATE_FILE_XML, PRIVATE_RECORD_XML, SCIDAC_BINARY,
    SCIDAC_CHECKSUM, SITELIST,
};
use crate::record::{MIDDLE, Record, RecordHeader};
use crate::scidac::is_data;
use crate::xml::odd_character;

/// Types of records that describe links and their bytes: a copy has its own.
const DESCRIBING: [&str; 9] = [
    PRIVATE_FILE_XML,
    PRIVATE_RECORD_XML,
    SITELIST,
    ILDG_FORMAT,
    ILDG_BINARY,
    SCIDAC_BINARY,
    SCIDAC_CHECKSUM,
    GRID_FORMAT,
    FIELD_NORM,
];

/// A record of a gauge file that is its users' own, the logical file name among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// Its type, e.g. `xlf-info`.
    pub kind: String,
    /// Its text without closing NULs; `None` for bytes that are no text, for more than a mebibyte, and for a type that no
    /// record may have.
    pub text: Option<String>,
    /// Whether it stands before the links.
    pub before: bool,
}

impl<R: ReadAt> GaugeFile<R> {
    /// The records that are its users' own, in file order; in a file of several fields those before this one's links and
    /// after the field before. None in formats without records.
    ///
    /// # Errors
    /// [`Error::Read`](crate::Error::Read).
    pub fn user_records(&self) -> Result<Vec<UserRecord>> {
        let records = self.records();
        let (payload, near) = match &self.source {
            Source::Ildg(file) => (file.group.payload(), file.group.near()),
            Source::Scidac { record, .. } => {
                let data: Vec<usize> = (0..records.len()).filter(|&i| is_data(&records[i])).collect();
                let group = Group::of(records, &data, *record);
                (group.payload(), group.near())
            }
            Source::Other { .. } => return Ok(Vec::new()),
        };
        let own = near.filter(|&i| !DESCRIBING.contains(&records[i].kind()));
        own.map(|i| {
            let text = self.record_text(&records[i])?;
            Ok(UserRecord { kind: records[i].kind().into(), text, before: i < payload })
        })
        .collect::<Result<_>>()
        .map_err(|error| self.named(error))
    }

    fn record_text(&self, record: &Record) -> Result<Option<String>> {
        let writable = RecordHeader::new(record.kind(), MIDDLE, 0).encode().is_ok();
        if record.length() > METADATA_LIMIT || !writable {
            return Ok(None);
        }
        let text = String::from_utf8(load(self.source(), record, METADATA_LIMIT)?).ok();
        Ok(text
            .map(|text| text.trim_end_matches('\0').to_owned())
            .filter(|text| odd_character(text).is_none()))
    }
}
