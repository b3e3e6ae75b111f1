//! What the writer writes is what the reader reads, in QIO's order, and nothing half-written is ever seen.

use std::fs;
use std::path::Path;

use lime_rs::{
    Error, IldgFile, IldgFormat, IldgMeta, IldgWriter, PayloadWriter, Precision, ScidacChecksum, TextRecord,
    decode, encode_as,
};
use proptest::prelude::*;

fn numbers(format: &IldgFormat) -> Vec<f64> {
    (0..format.volume() as usize * format.numbers_per_site()).map(|i| (i as f64 * 0.37).sin()).collect()
}

fn stored(format: &IldgFormat) -> Vec<u8> {
    let numbers = numbers(format);
    let mut bytes = vec![0; numbers.len() * format.precision.bytes()];
    encode_as(format.precision, &numbers, &mut bytes).unwrap();
    bytes
}

fn checksum(format: &IldgFormat, bytes: &[u8]) -> ScidacChecksum {
    let mut sum = ScidacChecksum::default();
    sum.add_range(0, format.site_bytes(), bytes).unwrap();
    sum
}

fn write(path: &Path, meta: &IldgMeta, trailing: &[TextRecord]) -> Vec<u8> {
    let bytes = stored(&meta.format);
    let writer = IldgWriter::create(path, meta).unwrap();
    writer.write_payload_at(0, &bytes).unwrap();
    writer.finish(checksum(&meta.format, &bytes), trailing).unwrap();
    bytes
}

fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn records_stand_in_the_order_and_messages_of_qio() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("conf.lime");
    let mut meta = IldgMeta::new(IldgFormat::new([4, 4, 4, 8], 3, Precision::F64).unwrap());
    meta.lfn = Some("lfn://test/conf".into());
    meta.extra.push(TextRecord::new("xlf-info", "plaquette = 0.5\n"));
    write(&path, &meta, &[TextRecord::new("gaugelink-provenance", "{}")]);

    let file = IldgFile::open(&path).unwrap();
    let table: Vec<(&str, bool, bool)> = file
        .records()
        .iter()
        .map(|record| (record.kind(), record.header.message_begin, record.header.message_end))
        .collect();
    assert_eq!(
        table,
        [
            ("scidac-private-file-xml", true, false),
            ("scidac-file-xml", false, true),
            ("scidac-private-record-xml", true, false),
            ("scidac-record-xml", false, false),
            ("ildg-format", false, false),
            ("ildg-data-lfn", false, false),
            ("xlf-info", false, false),
            ("ildg-binary-data", false, false),
            ("scidac-checksum", false, true),
            ("gaugelink-provenance", true, true),
        ]
    );
    assert_eq!(file.warnings(), []);
    assert_eq!(file.payload().lfn.as_deref(), Some("lfn://test/conf"));
    assert_eq!(file.text("xlf-info").unwrap().as_deref(), Some("plaquette = 0.5"));
    assert_eq!(file.text("gaugelink-provenance").unwrap().as_deref(), Some("{}"));
    assert!(file.verify_checksum(|_, _| ()).unwrap().is_verified());
}

#[test]
fn threads_and_ranks_write_one_payload() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("conf.lime");
    let format = IldgFormat::new([4, 4, 2, 6], 2, Precision::F32).unwrap();
    let bytes = stored(&format);
    let writer = IldgWriter::create(&path, &IldgMeta::new(format.clone())).unwrap();
    let (own, other) = bytes.split_at(bytes.len() / 2);
    let half = own.len() as u64;
    let rank =
        PayloadWriter::attach(writer.temporary_path(), writer.payload_offset(), writer.payload_bytes())
            .unwrap();
    std::thread::scope(|scope| {
        for (part, piece) in own.chunks(1024).enumerate().rev() {
            let writer = &writer;
            scope.spawn(move || writer.write_payload_at(part as u64 * 1024, piece).unwrap());
        }
        scope.spawn(|| rank.write_payload_at(half, other).unwrap());
    });
    writer.add_written(rank.finish().unwrap());
    writer.finish(checksum(&format, &bytes), &[]).unwrap();

    let file = IldgFile::open(&path).unwrap();
    assert_eq!(file.read_record(file.payload().record).unwrap(), bytes);
    assert!(file.verify_checksum(|_, _| ()).unwrap().is_verified());
}

#[test]
fn an_unfinished_file_vanishes_and_the_old_one_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("conf.lime");
    let meta = IldgMeta::new(IldgFormat::new([2; 4], 1, Precision::F64).unwrap());
    write(&path, &meta, &[]);
    let before = fs::read(&path).unwrap();

    let writer = IldgWriter::create(&path, &meta).unwrap();
    writer.write_payload_at(0, &[1; 64]).unwrap();
    assert_eq!(entries(folder.path()), 2);
    drop(writer);
    assert_eq!((entries(folder.path()), fs::read(&path).unwrap()), (1, before.clone()));

    let writer = IldgWriter::create(&path, &meta).unwrap();
    writer.write_payload_at(0, &[1; 64]).unwrap();
    let error = writer.finish(ScidacChecksum::default(), &[]).unwrap_err();
    assert!(matches!(error.root(), Error::IncompletePayload { written: 64, expected: 1024 }), "{error}");
    assert_eq!((entries(folder.path()), fs::read(&path).unwrap()), (1, before));
}

#[test]
fn what_would_mislead_readers_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("conf.lime");
    let format = IldgFormat::new([2; 4], 3, Precision::F64).unwrap();
    for kind in ["ildg-binary-data", "scidac-checksum", "", &"x".repeat(128)] {
        let mut meta = IldgMeta::new(format.clone());
        meta.extra.push(TextRecord::new(kind, "text"));
        assert!(matches!(IldgWriter::create(&path, &meta), Err(Error::RecordType { .. })));
    }
    let writer = IldgWriter::create(&path, &IldgMeta::new(format.clone())).unwrap();
    for (offset, length) in
        [(0, writer.payload_bytes() as usize + 1), (writer.payload_bytes(), 1), (u64::MAX, 1)]
    {
        let error = writer.write_payload_at(offset, &vec![0; length]).unwrap_err();
        assert!(matches!(error, Error::OutOfRange { .. }));
    }
    let impossible = IldgFormat { nc: 7, ..format };
    assert!(matches!(
        IldgWriter::create(&path, &IldgMeta::new(impossible)),
        Err(Error::ImpossibleShape { .. })
    ));
    drop(writer);
    assert_eq!(entries(folder.path()), 0);
}

#[test]
fn a_full_disk_is_named_with_what_to_do() {
    // Every write to this device fails with ENOSPC.
    let full = PayloadWriter::attach("/dev/full", 0, 1024).unwrap();
    let text = full.write_payload_at(0, &[1; 1024]).unwrap_err().to_string();
    assert!(text.contains("/dev/full") && text.contains("free space on that disk"), "{text}");
}

#[test]
fn a_missing_or_forbidden_folder_is_named_with_what_to_do() {
    let meta = IldgMeta::new(IldgFormat::new([2; 4], 3, Precision::F64).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let text = IldgWriter::create(folder.path().join("no/conf.lime"), &meta).unwrap_err().to_string();
    assert!(text.contains("no/conf.lime") && text.contains("create the folder first"), "{text}");
    // No one may create files here, not even root.
    let text = IldgWriter::create("/proc/self/conf.lime", &meta).unwrap_err().to_string();
    assert!(text.contains("/proc/self/conf.lime"), "{text}");
}

#[test]
fn two_dimensional_u1_fields_have_extent_one_in_z_and_t() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("schwinger.lime");
    let format = IldgFormat::new([16, 8, 1, 1], 1, Precision::F64).unwrap();
    write(&path, &IldgMeta::new(format.clone()), &[]);
    let file = IldgFile::open(&path).unwrap();
    assert_eq!(file.payload().format, format);
    assert_eq!(file.payload().bytes, 16 * 8 * 4 * 2 * 8);
    assert_eq!(
        file.text("ildg-format").unwrap().map(|xml| xml.contains("<field>u1gauge</field>")),
        Some(true)
    );
}

#[test]
fn a_format_read_without_a_version_is_written_with_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("conf.lime");
    let mut meta = IldgMeta::new(IldgFormat::new([2; 4], 3, Precision::F32).unwrap());
    for (given, written) in [("", "1.0"), ("1.1", "1.1"), ("<&", "<&")] {
        meta.format.version = given.into();
        write(&path, &meta, &[]);
        assert_eq!(IldgFile::open(&path).unwrap().payload().format.version, written);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_field_survives_the_round_trip(
        dims in prop::array::uniform4(1usize..5),
        nc in 1usize..=4,
        double in any::<bool>(),
        lfn in prop::option::of("lfn://[a-z]{1,20}"),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("conf.lime");
        let precision = if double { Precision::F64 } else { Precision::F32 };
        let mut meta = IldgMeta::new(IldgFormat::new(dims, nc, precision).unwrap());
        meta.lfn = lfn.clone();
        let bytes = write(&path, &meta, &[]);

        let file = IldgFile::open(&path).unwrap();
        prop_assert_eq!(&file.payload().format, &meta.format);
        prop_assert_eq!(&file.payload().lfn, &lfn);
        prop_assert!(file.verify_checksum(|_, _| ()).unwrap().is_verified());
        let back = file.read_record(file.payload().record).unwrap();
        prop_assert_eq!(&back, &bytes);
        if double {
            let mut values = vec![0.0f64; file.payload().numbers()];
            decode(&back, &mut values).unwrap();
            prop_assert_eq!(values, numbers(&meta.format));
        }
    }
}

#[test]
fn logical_file_names_are_one_line_of_plain_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("conf");
    let mut meta = IldgMeta::new(IldgFormat::new([2; 4], 3, Precision::F64).unwrap());
    for (lfn, words) in [
        ("lfn://a\nb", "control characters"),
        ("lfn://a\0", "control characters"),
        ("lfn://\u{1b}[2J", "control characters"),
        ("lfn://\u{85}", "control characters"),
        ("", "is empty"),
        (" ", "is empty"),
    ] {
        meta.lfn = Some(lfn.into());
        let text = IldgWriter::create(&path, &meta).unwrap_err().to_string();
        assert!(text.contains(words) && !text.contains(char::is_control), "{text}");
    }
    assert_eq!(entries(folder.path()), 0);
    meta.lfn = Some("lfn://Länge/4×4 a".into());
    write(&path, &meta, &[]);
    assert_eq!(IldgFile::open(&path).unwrap().payload().lfn, meta.lfn);
}
