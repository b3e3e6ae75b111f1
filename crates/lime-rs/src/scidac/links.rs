//! The gauge field of a SciDAC file without ILDG's records: what its private record says.

use super::content::Number;
use super::file::ScidacFile;
use super::info::RecordKind;
use crate::access::ReadAt;
use crate::endian::ByteOrder;
use crate::error::{Error, Result};
use crate::format::Precision;
use crate::gauge::{Body, Checksum, Description, Order, Rows, Stated};
use crate::grid::usqcd_averages;
use crate::ildg::Selection;
use crate::scidac::Content;
use crate::shape::Shape;
use crate::warning::Warning;

/// The description of a field of four colour matrices a site, the one chosen of several, and its index among all records.
pub(crate) fn describe_links<R: ReadAt>(
    file: &ScidacFile<R>,
    Selection { shape: given, payload: wanted }: Selection,
    warnings: &mut Vec<Warning>,
) -> Result<(Description, usize)> {
    warnings.extend_from_slice(file.warnings());
    let fields: Vec<usize> = (0..file.payloads().len())
        .filter(|&i| {
            let payload = &file.payloads()[i];
            payload.info.kind == RecordKind::Field && payload.content.is_links()
        })
        .collect();
    let dims = &file.info().dims;
    if fields.is_empty() || !(1..=4).contains(&dims.len()) {
        let records = file.records(0).unwrap_or_default();
        return Err(Error::NoGaugeField { kinds: records.iter().map(|r| r.kind().to_owned()).collect() });
    }
    let Some(&chosen) = fields.get(wanted) else {
        return Err(Error::NoSuchPayload { index: wanted, count: fields.len() });
    };
    if fields.len() > 1 {
        warnings.push(Warning::SeveralFields { count: fields.len(), chosen: wanted });
    }
    let payload = &file.payloads()[chosen];
    let unusable = |detail: String| Error::UnusableRecord { index: chosen, detail };
    let precision = match payload.number {
        Number::F32 => Precision::F32,
        Number::F64 => Precision::F64,
        other => return Err(unusable(format!("its numbers are {other:?}, which links are not made of"))),
    };
    // Of no use where several files share them.
    let offset = payload.offset().unwrap_or_default();
    let Content::ColourMatrix { nc, .. } = payload.content else {
        return Err(unusable("it holds no links".into()));
    };
    let mut extents = [1; 4];
    extents[..dims.len()].copy_from_slice(dims);
    let nc = given.map_or(nc, |shape| shape.nc);
    let (byte_order, rows, order) = (ByteOrder::Big, Rows::All, Order::Canonical);
    let body = Body { dims: extents, nc, precision, byte_order, rows, order }.checked()?;
    if body.bytes() != payload.bytes() {
        let shape = Shape { dims: extents, nc };
        return Err(unusable(format!(
            "it has {} bytes, and {shape} needs {}",
            payload.bytes(),
            body.bytes()
        )));
    }
    let averages = usqcd_averages(payload.user_xml.as_deref().unwrap_or_default());
    let [plaquette, link_trace] = averages.map(|average| average.map(|(value, _)| value));
    let rounding = averages.map(|average| average.map_or(0.0, |(_, rounding)| rounding));
    let checksum = payload.checksum.map(Checksum::Scidac);
    let stated = Stated { checksum, plaquette, link_trace, rounding, ..Stated::default() };
    Ok((Description { body, offset, stated }, chosen))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gauge::{FileFormat, GaugeFile, GaugeMeta, GaugeWriter, Sums};
    use crate::record::Record;
    use crate::record::record_type::{ILDG_BINARY, ILDG_FORMAT, ILDG_LFN, SCIDAC_BINARY};
    use crate::writer::TextRecord;

    const DIMS: [usize; 4] = [2, 2, 2, 4];

    /// The bytes of a SciDAC file with links that count up.
    fn written(nc: usize, precision: Precision) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("u");
        let mut meta = GaugeMeta::new(FileFormat::Scidac, DIMS, nc, precision);
        meta.lfn = Some("lfn://nobody/sees/it".into());
        meta.extra = vec![TextRecord::new("xlf-info", "plaquette = 0.5")];
        let writer = GaugeWriter::create(&path, &meta).unwrap();
        let bytes: Vec<u8> = (0..writer.body().bytes()).map(|i| (i % 251) as u8).collect();
        let mut sums = Sums::default();
        sums.add(writer.body(), 0, &bytes).unwrap();
        writer.write_body_at(0, &bytes).unwrap();
        writer.finish(&sums, &[TextRecord::new("note", "after")]).unwrap();
        std::fs::read(&path).unwrap()
    }

    #[test]
    fn files_without_the_records_of_ildg_are_told_by_their_private_record() {
        for (nc, precision) in
            [(1, Precision::F64), (2, Precision::F32), (3, Precision::F64), (4, Precision::F32)]
        {
            let bytes = written(nc, precision);
            let file = GaugeFile::from_source(&bytes[..], None, None).unwrap();
            let body = file.body();
            assert_eq!((file.format(), body.dims, body.nc), (FileFormat::Scidac, DIMS, nc));
            assert_eq!((body.precision, file.warnings().len()), (precision, 0), "{:?}", file.warnings());
            assert_eq!(file.stated().checksum, Some(file.sums(false).unwrap().checksum()));
            let kinds: Vec<&str> = file.records().iter().map(Record::kind).collect();
            assert!(kinds.contains(&SCIDAC_BINARY) && kinds.contains(&"note"), "{kinds:?}");
            assert!(
                ![ILDG_BINARY, ILDG_FORMAT, ILDG_LFN].iter().any(|kind| kinds.contains(kind)),
                "{kinds:?}"
            );
            assert_eq!(file.text("xlf-info").unwrap().as_deref(), Some("plaquette = 0.5"));
            assert!(file.lfn().is_none() && file.ildg().is_none());
        }
    }

    #[test]
    fn the_caller_overrules_the_extents_and_no_other_shape_fits() {
        let bytes = written(3, Precision::F64);
        let open = |dims, nc| GaugeFile::from_source(&bytes[..], None, Some(Shape { dims, nc }));
        let file = open([4, 2, 2, 2], 3).unwrap();
        assert_eq!((file.body().dims, file.warnings().len()), ([4, 2, 2, 2], 1));
        let text = open(DIMS, 2).unwrap_err().to_string();
        assert!(text.contains("SU(2)") || text.contains("nc = 2"), "{text}");
        assert!(open([4, 4, 4, 4], 3).is_err());
    }
}
