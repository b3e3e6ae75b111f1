//! Damaged and hostile files of every format: an error or the truth, never a panic, and no more memory than the file
//! justifies.

use lime_rs::{Body, Error, FileFormat, GaugeFile, GaugeMeta, GaugeWriter, Precision, Rows, Sums};
use proptest::prelude::*;

/// A small file of each format, of unit bytes.
fn sound(format: FileFormat) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("conf");
    let precision = if format == FileFormat::Milc { Precision::F32 } else { Precision::F64 };
    let mut meta = GaugeMeta::new(format, [2, 2, 2, 2], 3, precision);
    (meta.plaquette, meta.link_trace) = (Some(0.5), Some(0.5));
    meta.rows = if format == FileFormat::Nersc { Rows::Two } else { Rows::All };
    let writer = GaugeWriter::create(&path, &meta).unwrap();
    let body: Body = *writer.body();
    let bytes = vec![1; body.bytes() as usize];
    writer.write_body_at(0, &bytes).unwrap();
    let mut sums = Sums::new(format.checksum_kind(), false);
    sums.add(&body, 0, &bytes).unwrap();
    writer.finish(&sums, &[]).unwrap();
    std::fs::read(path).unwrap()
}

/// Reads everything that opens; the body must lie within the file.
fn examine(bytes: &[u8]) {
    let formats = FileFormat::ALL.map(Some).into_iter().chain([None]);
    for format in formats {
        let Ok(file) = GaugeFile::from_source(bytes, format, None) else { continue };
        assert!(file.offset() + file.body().bytes() <= bytes.len() as u64);
        let mut numbers = vec![0.0f64; file.body().numbers_per_unit()];
        file.read_units(0..file.body().units(), 1, true, |chunk| {
            file.body().decode(chunk.bytes, &mut numbers)?;
            Ok::<(), Error>(())
        })
        .unwrap();
    }
}

fn any_format() -> impl Strategy<Value = FileFormat> {
    (0..FileFormat::ALL.len()).prop_map(|i| FileFormat::ALL[i])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn changed_headers_are_survived(
        format in any_format(),
        changes in prop::collection::vec((0usize..900, any::<u8>()), 1..6),
    ) {
        let mut bytes = sound(format);
        for (at, value) in changes {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        examine(&bytes);
    }

    #[test]
    fn random_bytes_behind_every_beginning_are_survived(
        format in any_format(),
        kept in 0usize..40,
        junk in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let mut bytes = sound(format);
        bytes.truncate(kept);
        bytes.extend(junk);
        examine(&bytes);
    }
}

#[test]
fn every_cut_is_an_error_and_every_flipped_bit_of_a_summed_body_shows() {
    for format in FileFormat::ALL {
        let whole = sound(format);
        let file = GaugeFile::from_source(whole.as_slice(), Some(format), None).unwrap();
        let (start, end) = (file.offset() as usize, (file.offset() + file.body().bytes()) as usize);
        for length in (0..whole.len()).filter(|&length| length < end) {
            let cut = GaugeFile::from_source(&whole[..length], Some(format), None);
            assert!(cut.is_err(), "{format} cut to {length}");
        }
        if file.stated().checksum.is_some() {
            for at in (start..end).step_by(37) {
                let mut bytes = whole.clone();
                bytes[at] ^= 4;
                let file = GaugeFile::from_source(bytes.as_slice(), Some(format), None).unwrap();
                assert_ne!(
                    Some(file.sums(false).unwrap().checksum()),
                    file.stated().checksum,
                    "{format} {at}"
                );
            }
        }
    }
}
