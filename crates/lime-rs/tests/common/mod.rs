#![allow(dead_code, reason = "each test binary uses its part")]
//! LIME files built byte by byte, without the crate's writer.

pub mod watching;

use lime_rs::RecordHeader;

/// Message-begin and message-end flags.
pub type Flags = (bool, bool);

/// Appends a record with its padding.
pub fn push(file: &mut Vec<u8>, kind: &str, (message_begin, message_end): Flags, data: &[u8]) {
    let header = RecordHeader { kind: kind.into(), length: data.len() as u64, message_begin, message_end };
    file.extend(header.encode().unwrap());
    file.extend(data);
    file.resize(file.len().next_multiple_of(8), 0);
}

/// A file of these records, all flags set as in SIMULATeQCD's files.
pub fn lime(records: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = Vec::new();
    for (kind, data) in records {
        push(&mut file, kind, (true, true), data);
    }
    file
}

/// `ildg-format` of a single-precision SU(2) field on 2x2x2x4 sites.
pub const FORMAT: &str = "<ildgFormat><version>1.2</version><field>su2gauge</field><precision>32</precision>\
                          <lx>2</lx><ly>2</ly><lz>2</lz><lt>4</lt></ildgFormat>";
/// Sites and bytes a site of that field: 4 links, 2x2 complex floats.
pub const SITES: usize = 32;
pub const SITE_BYTES: usize = 4 * 2 * 2 * 2 * 4;

/// Some payload for it.
pub fn payload() -> Vec<u8> {
    (0..(SITES * SITE_BYTES) as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// `scidac-checksum` of a payload, computed from the definition with zlib's CRC-32 bit by bit.
pub fn sums(payload: &[u8], site_bytes: usize) -> (u32, u32) {
    let crc = |site: &[u8]| {
        !site.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
        })
    };
    payload.chunks(site_bytes).zip(0u32..).fold((0, 0), |(a, b), (site, rank)| {
        (a ^ crc(site).rotate_left(rank % 29), b ^ crc(site).rotate_left(rank % 31))
    })
}

/// Text of a `scidac-checksum` record.
pub fn checksum_xml(payload: &[u8], site_bytes: usize) -> String {
    let (a, b) = sums(payload, site_bytes);
    format!("<scidacChecksum><version>1.0</version><suma>{a:x}</suma><sumb>{b:x}</sumb></scidacChecksum>")
}

/// A complete, faultless file.
pub fn whole() -> Vec<u8> {
    let payload = payload();
    lime(&[
        ("ildg-format", FORMAT.as_bytes()),
        ("ildg-data-lfn", b"lfn://test/whole"),
        ("ildg-binary-data", &payload),
        ("scidac-checksum", checksum_xml(&payload, SITE_BYTES).as_bytes()),
    ])
}
