//! Cut, flipped and random bytes: an error or the truth, never a panic.

mod common;

use common::{SITE_BYTES, SITES, payload, whole};
use lime_rs::{Error, IldgFile, PassOptions, Selection, Shape, scan};
use proptest::prelude::*;

/// Opens, reads every record and the payload; whatever the bytes are, this must return.
fn exercise(bytes: &[u8]) {
    let found = scan(bytes);
    for record in &found.records {
        assert!(record.data_offset() + record.length() <= bytes.len() as u64);
    }
    for selection in [Selection::default(), Shape { dims: [2, 2, 2, 4], nc: 2 }.into()] {
        if let Ok(file) = IldgFile::from_source(bytes, selection) {
            let format = &file.payload().format;
            assert_eq!(format.volume() * format.site_bytes() as u64, file.payload().bytes);
            for index in 0..file.records().len() {
                file.read_record(index).unwrap();
            }
            let _ = file.text("ildg-format").unwrap();
            let _ = file.verify_checksum(|_, _| ()).unwrap().check();
        }
    }
}

#[test]
fn a_file_cut_anywhere_is_refused_or_incomplete_in_a_stated_way() {
    let bytes = whole();
    let found = scan(&bytes).records;
    let payload_end = (found[2].data_offset() + found[2].length()) as usize;
    for end in 0..bytes.len() {
        let opened = IldgFile::from_source(&bytes[..end], Selection::default());
        match opened {
            // Only where nothing but the checksum or a pad is missing may the file be opened.
            Ok(file) => {
                assert!(end >= payload_end, "opened although cut at {end} of {payload_end}");
                assert!(!file.warnings().is_empty());
                assert!(file.verify_checksum(|_, _| ()).unwrap().check().is_ok());
            }
            Err(
                Error::NotLime { .. }
                | Error::TruncatedHeader { .. }
                | Error::TruncatedRecord { .. }
                | Error::NoGaugeField { .. },
            ) => {}
            Err(other) => panic!("cut at {end}: {other}"),
        }
    }
}

#[test]
fn every_flipped_bit_of_the_payload_is_noticed() {
    let bytes = whole();
    let start = scan(&bytes).records[2].data_offset() as usize;
    for position in (start..start + SITES * SITE_BYTES).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[position] ^= 1 << (position % 8);
        let file = IldgFile::from_source(&damaged, Selection::default()).unwrap();
        let error = file.verify_checksum(|_, _| ()).unwrap().check().unwrap_err();
        assert!(matches!(error, Error::ChecksumMismatch { .. }));
    }
}

#[test]
fn two_sites_exchanged_are_noticed() {
    let bytes = whole();
    let start = scan(&bytes).records[2].data_offset() as usize;
    let mut damaged = bytes.clone();
    damaged[start..start + SITE_BYTES].copy_from_slice(&payload()[SITE_BYTES..2 * SITE_BYTES]);
    damaged[start + SITE_BYTES..start + 2 * SITE_BYTES].copy_from_slice(&payload()[..SITE_BYTES]);
    let file = IldgFile::from_source(&damaged, Selection::default()).unwrap();
    assert!(!file.verify_checksum(|_, _| ()).unwrap().is_verified());
}

#[test]
fn chunks_cover_the_payload_once_and_parts_add_up() {
    let bytes = whole();
    let file = IldgFile::from_source(&bytes, Selection::default()).unwrap();
    let stored = file.payload().checksum.unwrap();
    for chunk_bytes in [0, 1, SITE_BYTES, 3 * SITE_BYTES + 5, 1 << 20] {
        let mut seen = Vec::new();
        let options = PassOptions { chunk_bytes, posix_cksum: false };
        let verification = file
            .read_payload(options, |chunk| {
                assert_eq!(chunk.first_site as usize * SITE_BYTES, seen.len());
                seen.extend_from_slice(chunk.bytes);
                Ok::<(), Error>(())
            })
            .unwrap();
        assert!(verification.is_verified());
        assert_eq!(seen, payload());
    }
    let part = |sites| file.read_sites(sites, 1 << 20, |_| Ok::<(), Error>(())).unwrap();
    assert_eq!(part(20..32) ^ part(0..7) ^ part(7..20) ^ part(5..5), stored);
    let outside = file.read_sites(0..33, 1, |_| Ok::<(), Error>(())).unwrap_err();
    assert!(matches!(outside, Error::OutOfRange { end: 33, limit: 32, .. }));
}

#[test]
fn progress_ends_at_the_whole() {
    let bytes = whole();
    let file = IldgFile::from_source(&bytes, Selection::default()).unwrap();
    let mut last = (0, 0);
    file.verify_checksum(|done, total| last = (done, total)).unwrap();
    assert_eq!(last, (4096, 4096));
}

/// A source whose file shrinks after it was opened.
struct Shrinking(Vec<u8>);

impl lime_rs::ReadAt for Shrinking {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        match buffer.len() > 2048 {
            true => Err(std::io::ErrorKind::UnexpectedEof.into()),
            false => self.0.read_exact_at(buffer, offset),
        }
    }

    fn size(&self) -> std::io::Result<u64> {
        self.0.size()
    }
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_a_read_error_not_a_bad_checksum() {
    let file = IldgFile::from_source(Shrinking(whole()), Selection::default()).unwrap();
    let error = file.verify_checksum(|_, _| ()).unwrap_err();
    assert!(matches!(error, Error::Read { length: 4096, .. }), "{error}");
}

proptest! {
    #[test]
    fn random_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..1000), lime in any::<bool>()) {
        let mut bytes = bytes;
        if lime && bytes.len() >= 4 {
            bytes[..4].copy_from_slice(&[0x45, 0x67, 0x89, 0xab]);
        }
        exercise(&bytes);
    }

    #[test]
    fn mutated_files_are_survived(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
        headers_only in any::<bool>(),
    ) {
        let mut bytes = whole();
        // Headers and metadata are what parsing depends on; the payload is most of the file.
        let interesting: Vec<usize> = (0..bytes.len())
            .filter(|position| !headers_only || !(700..4700).contains(position))
            .collect();
        for (at, value) in changes {
            bytes[interesting[at.index(interesting.len())]] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        exercise(&bytes);
    }

    #[test]
    fn spliced_files_are_survived(from in 0usize..5000, length in 0usize..400, to in 0usize..5000) {
        let mut bytes = whole();
        let start = from.min(bytes.len());
        let piece: Vec<u8> = bytes[start..(start + length).min(bytes.len())].to_vec();
        let to = to.min(bytes.len());
        bytes.splice(to..to, piece);
        exercise(&bytes);
    }
}
