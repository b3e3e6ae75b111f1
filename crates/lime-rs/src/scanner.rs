//! Walks the LIME records of a file: one header read each, a loop, and no trust in any length.

use crate::access::ReadAt;
use crate::error::{Error, Result};
use crate::record::{HEADER_BYTES, MAGIC, Record, RecordHeader, padding};
use crate::warning::Warning;

/// The records of a file, as far as it can be read.
#[derive(Debug)]
pub struct Scan {
    /// Every complete record, in file order.
    pub records: Vec<Record>,
    /// What was odd but harmless.
    pub warnings: Vec<Warning>,
    /// Why the scan stopped before the end of the file, if it did.
    pub fault: Option<Error>,
}

impl Scan {
    /// Records and warnings of a whole file.
    ///
    /// # Errors
    /// The fault at which the scan stopped.
    pub fn complete(self) -> Result<(Vec<Record>, Vec<Warning>)> {
        match self.fault {
            None => Ok((self.records, self.warnings)),
            Some(fault) => Err(fault),
        }
    }
}

/// Finds the records of a LIME file. Never fails as a whole: what precedes a fault is returned with it, so that
/// a record table can be shown of a damaged file too.
///
/// Memory is bounded by the file's length: a record that claims more than the file has is a fault.
pub fn scan(source: &(impl ReadAt + ?Sized)) -> Scan {
    let mut records = Vec::new();
    let mut warnings = Vec::new();
    let fault = walk(source, &mut records, &mut warnings).err();
    Scan { records, warnings, fault }
}

fn walk(
    source: &(impl ReadAt + ?Sized),
    records: &mut Vec<Record>,
    warnings: &mut Vec<Warning>,
) -> Result<()> {
    let size = source.size().map_err(|source| Error::Read { offset: 0, length: 0, source })?;
    let mut offset = 0;
    if size == 0 {
        return Err(Error::NotLime { offset: 0, record: 1 });
    }
    while offset < size {
        let number = records.len() + 1;
        let present = (size - offset).min(HEADER_BYTES);
        let mut bytes = [0u8; HEADER_BYTES as usize];
        read(source, &mut bytes[..present as usize], offset)?;
        let Some((header, oddities)) = RecordHeader::decode(&bytes) else {
            if number > 1 && rest_is_zero(source, offset, size)? {
                warnings.push(Warning::TrailingZeros { offset, length: size - offset });
                return Ok(());
            }
            let cut = MAGIC.starts_with(&bytes[..present.min(4) as usize]);
            return Err(match cut {
                true => Error::TruncatedHeader { record: number, offset, present },
                false => Error::NotLime { offset, record: number },
            });
        };
        if present < HEADER_BYTES {
            return Err(Error::TruncatedHeader { record: number, offset, present });
        }
        if let Some(version) = oddities.version {
            warnings.push(Warning::LimeVersion { record: number, version });
        }
        if oddities.unterminated {
            warnings.push(Warning::UnterminatedType { record: number });
        }
        let record = Record { header, header_offset: offset };
        let available = size - record.data_offset();
        let length = record.length();
        if length > available {
            let kind = record.header.kind;
            return Err(Error::TruncatedRecord {
                record: number,
                kind,
                expected: length,
                present: available,
            });
        }
        let pad = padding(length);
        if pad > available - length {
            warnings.push(Warning::MissingPad { record: number, missing: pad - (available - length) });
            records.push(record);
            return Ok(());
        }
        offset = record.data_offset() + length + pad;
        records.push(record);
    }
    Ok(())
}

fn rest_is_zero(source: &(impl ReadAt + ?Sized), mut offset: u64, size: u64) -> Result<bool> {
    let mut buffer = [0u8; 4096];
    while offset < size {
        let part = &mut buffer[..(size - offset).min(4096) as usize];
        read(source, part, offset)?;
        if part.iter().any(|&byte| byte != 0) {
            return Ok(false);
        }
        offset += part.len() as u64;
    }
    Ok(true)
}

pub(crate) fn read(source: &(impl ReadAt + ?Sized), buffer: &mut [u8], offset: u64) -> Result<()> {
    let length = buffer.len() as u64;
    source.read_exact_at(buffer, offset).map_err(|source| Error::Read { offset, length, source })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::record::write_record;

    /// Records of the given types and lengths, filled with 1s.
    fn lime(records: &[(&str, usize)]) -> Vec<u8> {
        let memory = Mutex::new(Vec::new());
        let mut offset = 0;
        for &(kind, length) in records {
            let header = RecordHeader {
                kind: kind.into(),
                length: length as u64,
                message_begin: true,
                message_end: true,
            };
            let failed = |source| Error::Read { offset: 0, length: 0, source };
            offset = write_record(&memory, offset, &header, &vec![1; length], failed).unwrap();
        }
        memory.into_inner().unwrap()
    }

    #[test]
    fn records_lie_where_header_and_padding_put_them() {
        let scan = scan(&lime(&[("a", 5), ("b", 0), ("c", 8)]));
        assert!(scan.fault.is_none() && scan.warnings.is_empty());
        let offsets: Vec<u64> = scan.records.iter().map(Record::data_offset).collect();
        assert_eq!(offsets, [144, 144 + 8 + 144, 144 + 8 + 144 + 144]);
        assert_eq!(scan.records.iter().map(Record::kind).collect::<String>(), "abc");
    }

    #[test]
    fn every_cut_is_reported_for_what_it_is() {
        let whole = lime(&[("first", 16), ("second", 13)]);
        for end in 0..whole.len() {
            let scan = scan(&whole[..end]);
            match (end, &scan.fault) {
                (0, Some(Error::NotLime { record: 1, .. })) => {}
                (1..144, Some(Error::TruncatedHeader { record: 1, offset: 0, present })) => {
                    assert_eq!(*present, end as u64);
                }
                (144..160, Some(Error::TruncatedRecord { record: 1, expected: 16, present, .. })) => {
                    assert_eq!(*present, end as u64 - 144);
                }
                // Between two records a cut cannot be noticed here.
                (160, None) => assert_eq!(scan.records.len(), 1),
                (161..304, Some(Error::TruncatedHeader { record: 2, offset: 160, .. })) => {}
                (304..317, Some(Error::TruncatedRecord { record: 2, kind, expected: 13, present })) => {
                    assert_eq!((kind.as_str(), *present), ("second", end as u64 - 304));
                }
                (317.., None) => {
                    let missing = 320 - end as u64;
                    assert_eq!(scan.warnings, [Warning::MissingPad { record: 2, missing }]);
                    assert_eq!(scan.records.len(), 2);
                }
                (end, fault) => panic!("cut at {end}: {fault:?}"),
            }
        }
    }

    #[test]
    fn a_length_near_the_end_of_u64_neither_overflows_nor_allocates() {
        for length in [u64::MAX, u64::MAX - 7, u64::MAX - 144, i64::MAX as u64] {
            let mut bytes = lime(&[("a", 8)]);
            bytes[8..16].copy_from_slice(&length.to_be_bytes());
            let fault = scan(&bytes).fault;
            assert!(
                matches!(fault, Some(Error::TruncatedRecord { expected, present: 8, .. }) if expected == length)
            );
        }
    }

    #[test]
    fn zeros_after_the_last_record_are_a_warning_and_junk_is_an_error() {
        let mut bytes = lime(&[("a", 8)]);
        bytes.extend([0; 300]);
        let found = scan(&bytes);
        assert_eq!(found.warnings, [Warning::TrailingZeros { offset: 152, length: 300 }]);
        assert!(found.complete().is_ok());
        bytes[400] = 1;
        let fault = scan(&bytes).fault;
        assert!(matches!(fault, Some(Error::NotLime { offset: 152, record: 2 })));
    }
}
