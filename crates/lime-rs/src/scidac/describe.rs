//! What the metadata records around the data say, whichever code wrote them.

use super::content::{Content, Number};
use super::file::ScidacPayload;
use super::info::{FileInfo, RecordInfo, RecordKind, VolumeFormat};
use super::ranks::Region;
use crate::access::ReadAt;
use crate::checksum::ScidacChecksum;
use crate::error::{Error, Result};
use crate::ildg::{METADATA_LIMIT, load, plain_text, stored_checksum};
use crate::record::Record;
use crate::record::record_type::{
    ETMC_PROPAGATOR, ILDG_BINARY, ILDG_FORMAT, PRIVATE_FILE_XML, PRIVATE_RECORD_XML, RECORD_XML,
    SCIDAC_BINARY, SCIDAC_CHECKSUM,
};
use crate::warning::Warning;
use crate::xml::Document;

/// Metadata that wait for the payload they describe.
#[derive(Default)]
struct Pending {
    info: Option<RecordInfo>,
    user_xml: Option<String>,
    checksum: Option<ScidacChecksum>,
}

pub(super) fn text_of(source: &impl ReadAt, records: &[Record], kind: &str) -> Result<Option<String>> {
    let record = records.iter().find(|record| record.kind() == kind);
    record
        .map(|record| Ok(plain_text(&load(source, record, METADATA_LIMIT)?).trim_end().to_owned()))
        .transpose()
}

/// The lattice: what the caller says, else what the private record, `ildg-format` or tmLQCD's propagator format state.
pub(super) fn file_info(
    source: &impl ReadAt,
    records: &[Record],
    given: Option<&[usize]>,
    warnings: &mut Vec<Warning>,
) -> Result<FileInfo> {
    let find = |kind: &str| records.iter().find(|record| record.kind() == kind);
    let given = given.map(|dims| FileInfo::new(dims, VolumeFormat::Single)).transpose()?;
    if let Some(record) = find(PRIVATE_FILE_XML) {
        let stated = FileInfo::read(&load(source, record, METADATA_LIMIT)?, warnings);
        return match (stated, given) {
            (Ok(mut info), Some(given)) => {
                if info.dims != given.dims {
                    let [stated, used] = [&info.dims, &given.dims].map(|dims| format!("{dims:?}"));
                    warnings.push(Warning::StatedDimensionsDiffer { stated, used });
                    info.dims = given.dims;
                }
                Ok(info)
            }
            (Err(_), Some(given)) => Ok(given),
            (stated, None) => stated,
        };
    }
    warnings.push(Warning::MissingPrivateFile);
    if let Some(given) = given {
        return Ok(given);
    }
    let none = || Error::UnusableDimensions { found: String::new() };
    let record = find(ETMC_PROPAGATOR).or_else(|| find(ILDG_FORMAT)).ok_or_else(none)?;
    let document = Document::read(&load(source, record, METADATA_LIMIT)?);
    let extent = |name| document.text(name).and_then(|text| text.parse::<u32>().ok()?.try_into().ok());
    let dims: Vec<usize> =
        ["lx", "ly", "lz", "lt"].into_iter().map(extent).collect::<Option<_>>().ok_or_else(none)?;
    FileInfo::new(&dims, VolumeFormat::Single)
}

/// Goes through the records of the main volume and gives each payload the metadata around it.
pub(super) fn describe(
    source: &impl ReadAt,
    records: &[Record],
    file: &FileInfo,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<ScidacPayload>> {
    let mut payloads: Vec<ScidacPayload> = Vec::new();
    let mut pending = Pending::default();
    let mut format: Option<RecordInfo> = None;
    for record in records {
        let text = || load(source, record, METADATA_LIMIT);
        match record.kind() {
            PRIVATE_RECORD_XML => pending.info = Some(RecordInfo::read(&text()?, warnings)),
            RECORD_XML => pending.user_xml = Some(plain_text(&text()?)),
            ETMC_PROPAGATOR => format = Some(etmc(&Document::read(&text()?))),
            ILDG_FORMAT => format = Some(ildg(&Document::read(&text()?))),
            SCIDAC_CHECKSUM => {
                let sum = stored_checksum(source, record, warnings)?;
                match payloads.last_mut() {
                    Some(payload) if payload.checksum.is_none() => payload.checksum = sum,
                    _ => pending.checksum = sum,
                }
            }
            SCIDAC_BINARY | ILDG_BINARY => {
                let Pending { info, user_xml, checksum } = std::mem::take(&mut pending);
                let info = match info.or_else(|| format.clone()) {
                    Some(info) => info,
                    None => {
                        warnings.push(Warning::MissingPrivateRecord { payload: payloads.len() });
                        unknown()
                    }
                };
                let region = Region::of(&info.kind, &file.dims);
                let fault =
                    region.is_none().then(|| format!("its box {:?} is not within the lattice", info.kind));
                let region = region.or_else(|| Region::of(&RecordKind::Global, &file.dims));
                payloads.extend(region.map(|region| ScidacPayload {
                    number: Number::Byte,
                    content: Content::Numbers { count: 0 },
                    sites: region.sites(),
                    datum_bytes: 0,
                    parts: Vec::new(),
                    info,
                    user_xml,
                    checksum,
                    fault,
                    region,
                }));
            }
            _ => {}
        }
    }
    if payloads.is_empty() {
        let kinds = records.iter().map(|record| record.kind().to_owned()).collect();
        return Err(Error::NoScidacData { kinds });
    }
    Ok(payloads)
}

/// tmLQCD's `etmcFormat`: spinors, a flavour after the other.
fn etmc(document: &Document) -> RecordInfo {
    let flavours = document.text("flavours").and_then(|text| text.parse().ok()).unwrap_or(0);
    inferred("DiracFermion", document, 4, flavours)
}

fn ildg(document: &Document) -> RecordInfo {
    let field = document.text("field").unwrap_or_default();
    let colors = match field.trim_end_matches("gauge").trim_start_matches("su") {
        "u1" => 1,
        digits => digits.parse().unwrap_or(3),
    };
    RecordInfo { colors, ..inferred("ColorMatrix", document, 1, 4) }
}

fn inferred(datatype: &str, document: &Document, spins: usize, datacount: u64) -> RecordInfo {
    let precision = match document.text("precision") {
        Some("32") => "F",
        Some("64") => "D",
        _ => "",
    };
    RecordInfo {
        datatype: datatype.into(),
        precision: precision.into(),
        colors: 3,
        spins,
        datacount,
        ..unknown()
    }
}

fn unknown() -> RecordInfo {
    RecordInfo {
        version: String::new(),
        date: String::new(),
        kind: RecordKind::Field,
        datatype: String::new(),
        precision: String::new(),
        colors: 0,
        spins: 0,
        typesize: 0,
        datacount: 0,
    }
}
