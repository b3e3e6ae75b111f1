//! Is a shared library whole? The system's loader maps what the headers name, and a file that ends before kills the
//! process with a signal.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes that the headers of a 64-bit little-endian ELF file need, and bytes that it has, if that is less. Files of other
/// kinds are left to the loader, which refuses them with a sentence.
pub(crate) fn missing(path: &Path) -> io::Result<Option<(u64, u64)>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut header = [0; 64];
    let short = |needs: u64| Ok((needs > length).then_some((needs, length)));
    if length < 64 {
        let mut magic = vec![0; length.min(4) as usize];
        file.read_exact_at(&mut magic, 0)?;
        return if magic == b"\x7fELF"[..magic.len()] { short(64) } else { Ok(None) };
    }
    file.read_exact_at(&mut header, 0)?;
    if header[..6] != *b"\x7fELF\x02\x01" {
        return Ok(None);
    }
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte));
    // Offset, size and count of program and section headers; in each entry, where the part of the file begins and how
    // long it is. SHT_NOBITS (8) has none.
    let programs = (&header[32..40], &header[54..56], &header[56..58], [8, 32]);
    let sections = (&header[40..48], &header[58..60], &header[60..62], [24, 32]);
    let mut needs = 64;
    for (table, size, count, [begin, bytes]) in [programs, sections] {
        let (table, size, count) = (number(table), number(size), number(count));
        let end = table.saturating_add(size * count);
        needs = needs.max(end);
        if end > length || size < 56 || table == 0 {
            continue;
        }
        let mut entries = vec![0; (size * count) as usize];
        file.read_exact_at(&mut entries, table)?;
        for entry in entries.chunks(size as usize) {
            let empty = begin == 24 && number(&entry[4..8]) == 8;
            if !empty {
                needs = needs
                    .max(number(&entry[begin..begin + 8]).saturating_add(number(&entry[bytes..bytes + 8])));
            }
        }
    }
    short(needs)
}
