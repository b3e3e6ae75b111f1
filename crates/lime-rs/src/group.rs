//! Which metadata records belong to which payload.
//!
//! Usually one payload has the whole file to itself, and its name and checksum may stand before or after it. In
//! a file with several payloads each has the records from its own `ildg-format` up to the next one's.

use std::ops::Range;

use crate::record::Record;
use crate::record::record_type::{ILDG_BINARY, ILDG_FORMAT};

/// Indices of the `ildg-binary-data` records.
pub(crate) fn payloads(records: &[Record]) -> Vec<usize> {
    (0..records.len()).filter(|&i| records[i].kind() == ILDG_BINARY).collect()
}

/// The records that describe one payload.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    /// Index of the payload's record.
    payload: usize,
    /// Indices of the records that belong to it alone.
    own: Range<usize>,
    /// Indices of those that may describe its links: before it and after the payload before, or all where it is the only one.
    near: Range<usize>,
}

impl Group {
    /// The group of payload number `chosen` in `payloads`.
    pub fn of(records: &[Record], payloads: &[usize], chosen: usize) -> Self {
        let payload = payloads[chosen];
        let begins = |i: &usize| records[*i].kind() == ILDG_FORMAT;
        let (own, near) = if payloads.len() == 1 {
            (0..records.len(), 0..records.len())
        } else {
            let free = if chosen == 0 { 0 } else { payloads[chosen - 1] + 1 };
            let next = payloads.get(chosen + 1).copied().unwrap_or(records.len());
            let start = (free..payload).rfind(begins).unwrap_or(free);
            let end = (payload + 1..next).find(begins).unwrap_or(next);
            (start..end, free..payload)
        };
        Self { payload, own, near }
    }

    /// Nearest record of this type before the payload, else the first after it, among its own.
    pub fn before_or_after(&self, records: &[Record], kind: &str) -> Option<usize> {
        self.before(records, kind).or_else(|| self.after(records, kind))
    }

    /// First record of this type after the payload, else the nearest before it, among its own.
    pub fn after_or_before(&self, records: &[Record], kind: &str) -> Option<usize> {
        self.after(records, kind).or_else(|| self.before(records, kind))
    }

    /// Nearest record of this type before the payload in the whole file: what several payloads may share.
    pub fn inherited(&self, records: &[Record], kind: &str) -> Option<usize> {
        (0..self.payload).rfind(|&i| records[i].kind() == kind)
    }

    /// Index of the payload's record.
    pub fn payload(&self) -> usize {
        self.payload
    }

    /// Indices of the records that may describe its links.
    pub fn near(&self) -> Range<usize> {
        self.near.clone()
    }

    /// First record of this type that describes the payload's links.
    pub fn describing(&self, records: &[Record], kind: &str) -> Option<usize> {
        self.near.clone().find(|&i| records[i].kind() == kind)
    }

    fn before(&self, records: &[Record], kind: &str) -> Option<usize> {
        (self.own.start..self.payload).rfind(|&i| records[i].kind() == kind)
    }

    fn after(&self, records: &[Record], kind: &str) -> Option<usize> {
        (self.payload + 1..self.own.end).find(|&i| records[i].kind() == kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RecordHeader;
    use crate::record::record_type::{ILDG_LFN, SCIDAC_CHECKSUM};

    /// f = format, d = data, n = name, c = checksum.
    fn records(order: &str) -> Vec<Record> {
        let kind = |letter| match letter {
            'f' => ILDG_FORMAT,
            'd' => ILDG_BINARY,
            'n' => ILDG_LFN,
            _ => SCIDAC_CHECKSUM,
        };
        order
            .chars()
            .map(|letter| Record {
                header: RecordHeader {
                    kind: kind(letter).into(),
                    length: 0,
                    message_begin: true,
                    message_end: true,
                },
                header_offset: 0,
            })
            .collect()
    }

    /// Format, name and checksum records of each payload.
    fn found(order: &str) -> Vec<[Option<usize>; 3]> {
        let records = records(order);
        let payloads = payloads(&records);
        (0..payloads.len())
            .map(|chosen| {
                let group = Group::of(&records, &payloads, chosen);
                [
                    group.before_or_after(&records, ILDG_FORMAT),
                    group.before_or_after(&records, ILDG_LFN),
                    group.after_or_before(&records, SCIDAC_CHECKSUM),
                ]
            })
            .collect()
    }

    #[test]
    fn a_single_payload_finds_its_records_anywhere() {
        assert_eq!(found("fndc"), [[Some(0), Some(1), Some(3)]]);
        assert_eq!(found("fdnc"), [[Some(0), Some(2), Some(3)]]);
        assert_eq!(found("cndf"), [[Some(3), Some(1), Some(0)]]);
        assert_eq!(found("d"), [[None; 3]]);
    }

    #[test]
    fn several_payloads_do_not_borrow_from_each_other() {
        assert_eq!(found("fndcfndc"), [[Some(0), Some(1), Some(3)], [Some(4), Some(5), Some(7)]]);
        assert_eq!(found("fdncfdnc"), [[Some(0), Some(2), Some(3)], [Some(4), Some(6), Some(7)]]);
        let shared = records("fddc");
        let second = Group::of(&shared, &payloads(&shared), 1);
        assert_eq!(second.before_or_after(&shared, ILDG_FORMAT), None);
        assert_eq!(second.inherited(&shared, ILDG_FORMAT), Some(0));
        assert_eq!(found("fdcfndc"), [[Some(0), None, Some(2)], [Some(3), Some(4), Some(6)]]);
        assert_eq!(found("fdfdc"), [[Some(0), None, None], [Some(2), None, Some(4)]]);
    }
}
