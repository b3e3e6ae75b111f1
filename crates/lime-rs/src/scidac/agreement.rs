//! Whether SciDAC's private records say of a gauge field what `ildg-format` and its length say.

use super::info::{FileInfo, RecordInfo};
use crate::access::ReadAt;
use crate::error::{Error, Result};
use crate::format::IldgFormat;
use crate::group::Group;
use crate::ildg::{METADATA_LIMIT, load};
use crate::record::Record;
use crate::record::record_type::{PRIVATE_FILE_XML, PRIVATE_RECORD_XML};
use crate::warning::Warning;

/// Warns of what differs: programs that use QIO follow these records, others `ildg-format`.
pub(crate) fn compare_private_records(
    source: &impl ReadAt,
    records: &[Record],
    group: &Group,
    format: &IldgFormat,
    warnings: &mut Vec<Warning>,
) -> Result<()> {
    let mut differs = |record, element, stated: String, used: String| {
        if stated != used {
            warnings.push(Warning::PrivateRecordDiffers { record, element, stated, used });
        }
    };
    let mut odd = Vec::new();
    if let Some(index) = group.inherited(records, PRIVATE_FILE_XML) {
        match FileInfo::read(&load(source, &records[index], METADATA_LIMIT)?, &mut odd) {
            Ok(info) => {
                differs(PRIVATE_FILE_XML, "dims", format!("{:?}", info.dims), format!("{:?}", format.dims))
            }
            Err(Error::UnusableDimensions { found }) => {
                odd.push(Warning::UnusableElement { record: PRIVATE_FILE_XML, element: "dims", found });
            }
            Err(error) => return Err(error),
        }
    }
    if let Some(index) = group.before_or_after(records, PRIVATE_RECORD_XML) {
        let info = RecordInfo::read(&load(source, &records[index], METADATA_LIMIT)?, &mut odd);
        let used = RecordInfo::gauge(format, "");
        let numbers = [
            ("colors", info.colors as u64, used.colors as u64),
            ("typesize", info.typesize, used.typesize),
            ("datacount", info.datacount, used.datacount),
        ];
        for (element, stated, used) in numbers.into_iter().filter(|&(_, stated, _)| stated > 0) {
            differs(PRIVATE_RECORD_XML, element, stated.to_string(), used.to_string());
        }
    }
    warnings.append(&mut odd);
    Ok(())
}
