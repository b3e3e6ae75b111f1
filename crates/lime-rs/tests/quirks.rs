//! Every oddity of real LIME and ILDG files, each in a small file of its own.

mod common;

use common::{FORMAT, SITE_BYTES, checksum_xml, lime, payload, push, sums, whole};
use lime_rs::{
    ByteOrder, Error, FileFormat, GaugeFile, GaugeMeta, GaugeWriter, IldgFile, Precision, ScidacChecksum,
    Selection, Shape, Sums, Warning,
};

const SHAPE: Shape = Shape { dims: [2, 2, 2, 4], nc: 2 };

fn open(bytes: &[u8]) -> IldgFile<&[u8]> {
    IldgFile::from_source(bytes, Selection::default()).unwrap()
}

/// Opens and verifies; the warnings must be exactly these.
#[track_caller]
fn verified(bytes: &[u8], warnings: &[Warning]) {
    let file = open(bytes);
    assert_eq!(file.warnings(), warnings);
    assert!(file.verify_checksum(|_, _| ()).unwrap().is_verified());
    assert_eq!((file.payload().format.dims, file.payload().format.nc), (SHAPE.dims, SHAPE.nc));
}

/// Format, name, data, checksum, with these texts.
fn assembled(format: &str, checksum: &str) -> Vec<u8> {
    lime(&[
        ("ildg-format", format.as_bytes()),
        ("ildg-data-lfn", b"lfn://test"),
        ("ildg-binary-data", &payload()),
        ("scidac-checksum", checksum.as_bytes()),
    ])
}

fn with_format(format: &str) -> Vec<u8> {
    assembled(format, &checksum_xml(&payload(), SITE_BYTES))
}

fn with_checksum(checksum: &str) -> Vec<u8> {
    assembled(FORMAT, checksum)
}

#[test]
fn a_faultless_file_has_no_warning() {
    verified(&whole(), &[]);
    assert_eq!(open(&whole()).payload().lfn.as_deref(), Some("lfn://test/whole"));
}

#[test]
fn unclosed_quote_and_no_field() {
    let format = FORMAT
        .replace("<ildgFormat>", "<ildgFormat xsi:schemaLocation=\"http://www.lqcd.org/ildg filefmt.xsd>")
        .replace("<field>su2gauge</field>", "");
    let detail = "an attribute without its closing quote".into();
    verified(
        &with_format(&format),
        &[
            Warning::MalformedXml { record: "ildg-format", detail },
            Warning::MissingField { element: "field" },
        ],
    );
}

#[test]
fn newline_before_the_xml_declaration() {
    let format = format!("\n<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{FORMAT}\n");
    verified(&with_format(&format), &[Warning::DisplacedXmlDeclaration { record: "ildg-format" }]);
}

#[test]
fn namespace_prefixes_spaces_and_closing_nuls() {
    let format = FORMAT.replace("</", "</ildg:").replace('<', "<ildg:").replace("<ildg:/ildg:", "</ildg:");
    let format = format.replace(">2<", ">\n 2 <") + "\0\0";
    verified(&with_format(&format), &[]);
    let payload = payload();
    let file = lime(&[
        ("ildg-format", FORMAT.as_bytes()),
        ("ildg-data-lfn", b"\n lfn://test/whole \n\0\0"),
        ("ildg-binary-data", &payload),
        ("scidac-checksum", checksum_xml(&payload, SITE_BYTES).as_bytes()),
    ]);
    verified(&file, &[]);
    assert_eq!(open(&file).payload().lfn.as_deref(), Some("lfn://test/whole"));
}

#[test]
fn message_flags_do_not_matter() {
    let payload = payload();
    let checksum = checksum_xml(&payload, SITE_BYTES);
    for flags in [(true, true), (false, false), (true, false), (false, true)] {
        let mut file = Vec::new();
        push(&mut file, "ildg-format", flags, FORMAT.as_bytes());
        push(&mut file, "ildg-data-lfn", (true, false), b"lfn://test");
        push(&mut file, "ildg-binary-data", flags, &payload);
        push(&mut file, "scidac-checksum", (true, false), checksum.as_bytes());
        verified(&file, &[]);
    }
}

#[test]
fn name_after_the_data() {
    let payload = payload();
    let file = lime(&[
        ("ildg-format", FORMAT.as_bytes()),
        ("ildg-binary-data", &payload),
        ("ildg-data-lfn", b"mc://late\0"),
        ("scidac-checksum", checksum_xml(&payload, SITE_BYTES).as_bytes()),
    ]);
    verified(&file, &[]);
    assert_eq!(open(&file).payload().lfn.as_deref(), Some("mc://late"));
}

#[test]
fn hexadecimal_prefixes_and_spaces_in_checksums() {
    let (a, b) = sums(&payload(), SITE_BYTES);
    let spaced = format!("<c><suma> 0x{a:x} </suma><sumb>\n0X{b:X}\n</sumb></c>");
    verified(&with_checksum(&spaced), &[]);
}

#[test]
fn private_records_that_contradict_the_format() {
    let payload = payload();
    let file = |dims: &str, [colors, typesize, datacount]: [u32; 3]| {
        let file = format!("<f><spacetime>4</spacetime><dims>{dims}</dims><volfmt>0</volfmt></f>");
        let record = format!(
            "<r><colors>{colors}</colors><typesize>{typesize}</typesize><datacount>{datacount}</datacount></r>"
        );
        lime(&[
            ("scidac-private-file-xml", file.as_bytes()),
            ("scidac-private-record-xml", record.as_bytes()),
            ("ildg-format", FORMAT.as_bytes()),
            ("ildg-data-lfn", b"lfn://test"),
            ("ildg-binary-data", &payload),
            ("scidac-checksum", checksum_xml(&payload, SITE_BYTES).as_bytes()),
        ])
    };
    let differs = |record, element, stated: &str, used: &str| {
        let (stated, used) = (stated.to_owned(), used.to_owned());
        Warning::PrivateRecordDiffers { record, element, stated, used }
    };
    let site = (SITE_BYTES / 4) as u32;
    verified(&file("2 2 2 4", [2, site, 4]), &[]);
    // Zeros are what other codes write where they have nothing to say.
    verified(&file("2 2 2 4", [0, 0, 0]), &[]);
    let private = "scidac-private-file-xml";
    verified(&file("4 2 2 2", [2, site, 4]), &[differs(private, "dims", "[4, 2, 2, 2]", "[2, 2, 2, 4]")]);
    let unusable = Warning::UnusableElement { record: private, element: "dims", found: "none".into() };
    verified(&file("none", [2, site, 4]), &[unusable]);
    let record = "scidac-private-record-xml";
    verified(
        &file("2 2 2 4", [3, 72, 1]),
        &[
            differs(record, "colors", "3", "2"),
            differs(record, "typesize", "72", "32"),
            differs(record, "datacount", "1", "4"),
        ],
    );
}

#[test]
fn binary_junk_in_xml_records() {
    let payload = payload();
    let junk: Vec<u8> = (0..=255).collect();
    let file = lime(&[
        ("scidac-file-xml", &junk),
        ("xlf-info", b"plaquette = 0.5\n\xff\n"),
        ("ildg-format", FORMAT.as_bytes()),
        ("ildg-data-lfn", b"lfn://test"),
        ("ildg-binary-data", &payload),
        ("scidac-checksum", checksum_xml(&payload, SITE_BYTES).as_bytes()),
    ]);
    verified(&file, &[]);
    assert_eq!(open(&file).text("xlf-info").unwrap().unwrap(), "plaquette = 0.5\n\u{fffd}");
    assert_eq!(open(&file).read_record(0).unwrap(), junk);
}

#[test]
fn no_format_at_all() {
    let bare = lime(&[("ildg-binary-data", &payload())]);
    let error = IldgFile::from_source(&bare, Selection::default()).unwrap_err();
    assert!(matches!(error, Error::MissingFormat { bytes: 4096, .. }), "{error}");

    let file = IldgFile::from_source(&bare, SHAPE).unwrap();
    assert_eq!(file.payload().format.precision, Precision::F32);
    assert_eq!(file.warnings(), [Warning::MissingFormat, Warning::MissingLfn, Warning::MissingChecksum]);

    let wrong = Shape { dims: [2, 2, 2, 5], nc: 2 };
    assert!(matches!(IldgFile::from_source(&bare, wrong), Err(Error::LengthMismatch { .. })));
}

#[test]
fn missing_final_pad() {
    let mut file = whole();
    let length = checksum_xml(&payload(), SITE_BYTES).len();
    let missing = length.next_multiple_of(8) - length;
    assert!(missing > 0, "the test needs a record that is padded");
    file.truncate(file.len() - missing);
    verified(&file, &[Warning::MissingPad { record: 4, missing: missing as u64 }]);
}

#[test]
fn wrong_stored_checksum() {
    let bytes = with_checksum("<c><suma>1</suma><sumb>2</sumb></c>");
    let verification = open(&bytes).verify_checksum(|_, _| ()).unwrap();
    let (suma, sumb) = sums(&payload(), SITE_BYTES);
    assert_eq!(verification.computed, ScidacChecksum { suma, sumb });
    let error = verification.check().unwrap_err();
    assert!(matches!(error, Error::ChecksumMismatch { stored: ScidacChecksum { suma: 1, sumb: 2 }, .. }));
}

#[test]
fn unreadable_checksum() {
    let bytes = with_checksum("<c><suma>xyz</suma><sumb>2</sumb></c>");
    let file = open(&bytes);
    assert!(matches!(file.warnings(), [Warning::UnreadableChecksum { .. }]));
    let verification = file.verify_checksum(|_, _| ()).unwrap();
    assert!(!verification.is_verified() && verification.check().is_ok());
}

#[test]
fn several_payloads_are_chosen_by_index() {
    let (first, second) = (payload(), payload().into_iter().rev().collect::<Vec<u8>>());
    let file = lime(&[
        ("ildg-format", FORMAT.as_bytes()),
        ("ildg-data-lfn", b"lfn://0"),
        ("ildg-binary-data", &first),
        ("scidac-checksum", checksum_xml(&first, SITE_BYTES).as_bytes()),
        ("ildg-format", FORMAT.as_bytes()),
        ("ildg-data-lfn", b"lfn://1"),
        ("ildg-binary-data", &second),
        ("scidac-checksum", checksum_xml(&second, SITE_BYTES).as_bytes()),
    ]);
    for index in [0, 1] {
        let chosen = Selection { payload: index, shape: None };
        let opened = IldgFile::from_source(&file, chosen).unwrap();
        assert_eq!(opened.payload_count(), 2);
        assert_eq!(opened.payload().lfn, Some(format!("lfn://{index}")));
        assert_eq!(opened.warnings(), [Warning::SeveralPayloads { count: 2, chosen: index }]);
        assert!(opened.verify_checksum(|_, _| ()).unwrap().is_verified());
    }
    let absent = Selection { payload: 2, shape: None };
    assert!(matches!(IldgFile::from_source(&file, absent), Err(Error::NoSuchPayload { index: 2, count: 2 })));
}

/// A gauge field of several is described by its own records, whatever opens it, and a file of one has no second.
#[test]
fn what_is_stated_of_one_gauge_field_is_not_stated_of_another() {
    let payload = payload();
    let info = |plaquette: &str| format!("plaquette = {plaquette}");
    let (first, third) = (info("0.25"), info("0.75"));
    let file = lime(&[
        ("xlf-info", first.as_bytes()),
        ("ildg-format", FORMAT.as_bytes()),
        ("ildg-binary-data", &payload),
        ("ildg-format", FORMAT.as_bytes()),
        ("ildg-binary-data", &payload),
        ("ildg-format", FORMAT.as_bytes()),
        ("xlf-info", third.as_bytes()),
        ("ildg-binary-data", &payload),
    ]);
    for (index, stated) in [(0, Some(0.25)), (1, None), (2, Some(0.75))] {
        let chosen = Selection { payload: index, shape: None };
        let opened = GaugeFile::from_source(&file[..], None, chosen).unwrap();
        assert_eq!(opened.stated().plaquette, stated, "{index}");
        assert_eq!(opened.text("xlf-info").unwrap().is_some(), stated.is_some(), "{index}");
    }
}

/// Formats that hold one field, and files that do, have none with another index than 0.
#[test]
fn a_second_field_of_a_file_with_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("u");
    for (format, precision) in [
        (FileFormat::Ildg, Precision::F64),
        (FileFormat::Scidac, Precision::F64),
        (FileFormat::Nersc, Precision::F64),
        (FileFormat::Milc, Precision::F32),
        (FileFormat::OpenQcd, Precision::F64),
        (FileFormat::DdAlphaAmg, Precision::F64),
        (FileFormat::HiRep, Precision::F64),
    ] {
        let mut meta = GaugeMeta::new(format, [2; 4], 3, precision);
        (meta.plaquette, meta.lfn) = (Some(0.5), Some("lfn://test/u".into()));
        let writer = GaugeWriter::create(&path, &meta).unwrap();
        let bytes = vec![0; writer.body().bytes() as usize];
        let mut sums = Sums::new(format.checksum_kind(), false);
        sums.add(writer.body(), 0, &bytes).unwrap();
        writer.write_body_at(0, &bytes).unwrap();
        writer.finish(&sums, &[]).unwrap();
        let open = |payload| GaugeFile::open_as(&path, Some(format), Selection { payload, shape: None });
        assert_eq!(open(0).unwrap().format(), format);
        let error = open(1).unwrap_err();
        assert!(matches!(error.root(), Error::NoSuchPayload { index: 1, count: 1 }), "{format}: {error}");
    }
}

#[test]
fn a_format_shared_by_several_payloads() {
    let payload = payload();
    let file = lime(&[
        ("ildg-format", FORMAT.as_bytes()),
        ("ildg-binary-data", &payload),
        ("ildg-binary-data", &payload),
    ]);
    let second = IldgFile::from_source(&file, Selection { payload: 1, shape: None }).unwrap();
    assert_eq!(second.payload().format.dims, SHAPE.dims);
}

#[test]
fn a_file_of_another_kind_is_refused_by_the_names_of_its_records() {
    let file = lime(&[("scidac-private-file-xml", b"<a/>"), ("scidac-binary-data", &[0; 64])]);
    let error = IldgFile::from_source(&file, Selection::default()).unwrap_err();
    assert!(error.to_string().contains("scidac-private-file-xml, scidac-binary-data"), "{error}");
    for bytes in [&b""[..], b"BEGIN_HEADER\n", &[0; 1000]] {
        assert!(matches!(IldgFile::from_source(bytes, SHAPE), Err(Error::NotLime { record: 1, .. })));
    }
}

#[test]
fn every_warning_has_its_own_wording() {
    let (record, format) = ("ildg-format", FileFormat::Nersc);
    let warnings = [
        Warning::MissingPad { record: 1, missing: 1 },
        Warning::TrailingZeros { offset: 1, length: 1 },
        Warning::LimeVersion { record: 1, version: 1 },
        Warning::UnterminatedType { record: 1 },
        Warning::MalformedXml { record, detail: "1".into() },
        Warning::DisplacedXmlDeclaration { record },
        Warning::MissingField { element: "field" },
        Warning::UnknownField { stated: "1".into(), nc: 1 },
        Warning::StatedFieldDiffers { stated: "1".into(), nc: 1 },
        Warning::StatedPrecisionDiffers { stated: "1".into(), actual: Precision::F32 },
        Warning::StatedShapeDiffers { stated: "1".into(), used: "1".into() },
        Warning::MissingFormat,
        Warning::MissingLfn,
        Warning::MissingChecksum,
        Warning::UnreadableChecksum { detail: "1".into() },
        Warning::SeveralPayloads { count: 1, chosen: 1 },
        Warning::SeveralFields { count: 1, chosen: 1 },
        Warning::MissingPrivateFile,
        Warning::MissingPrivateRecord { payload: 1 },
        Warning::UnusableElement { record, element: "field", found: "1".into() },
        Warning::StatedDimensionsDiffer { stated: "1".into(), used: "1".into() },
        Warning::PrivateRecordDiffers { record, element: "dims", stated: "1".into(), used: "1".into() },
        Warning::StatedDatumDiffers { payload: 1, stated: 1, actual: 1 },
        Warning::PayloadWithoutChecksum { payload: 1 },
        Warning::UnusablePayload { payload: 1, detail: "1".into() },
        Warning::HeaderShapeDiffers { format, stated: "1".into(), used: "1".into() },
        Warning::HeaderContradictsLength { format, stated: "1".into(), used: "1".into() },
        Warning::MissingHeaderKey { format, key: "1", taken: "1" },
        Warning::UnreadableHeaderValue { format, key: "1", value: "1".into() },
        Warning::NoStoredChecksum { format },
        Warning::ByteOrderByChecksum { order: ByteOrder::Big },
        Warning::ByteOrderGuessed { order: ByteOrder::Big },
        Warning::TrailingBytes { format, length: 1 },
    ];
    let wordings: std::collections::BTreeSet<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(wordings.len(), warnings.len());
}
