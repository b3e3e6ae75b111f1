//! Is a shared library one for this machine, and whole? The system's loader says little of the first, and maps what the
//! headers name: a file that ends before kills the process with a signal.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// `EM_*` of this program's processor, and names of those that are met.
const OWN: Option<u16> = if cfg!(target_arch = "x86_64") {
    Some(62)
} else if cfg!(target_arch = "aarch64") {
    Some(183)
} else {
    None
};
const NAMES: [(u16, &str); 7] = [
    (3, "x86, 32 bits"),
    (21, "POWER"),
    (22, "S390"),
    (40, "ARM, 32 bits"),
    (62, "x86-64"),
    (183, "AArch64"),
    (243, "RISC-V"),
];

/// What is wrong with the headers of an ELF file, in words. Files of other kinds are left to the loader, which refuses
/// them with a sentence.
pub(crate) fn flaw(path: &Path) -> io::Result<Option<String>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let cut =
        |needs: u64| format!("it is cut off: its headers speak of {needs} bytes, and there are {length}");
    let mut header = [0; 64];
    let begin = &mut header[..length.min(64) as usize];
    file.read_exact_at(begin, 0)?;
    let magic = begin.len().min(4);
    if begin[..magic] != b"\x7fELF"[..magic] {
        return Ok(None);
    }
    if begin.len() < 20 {
        return Ok(Some(cut(64)));
    }
    let machine = match header[5] {
        2 => u16::from_be_bytes([header[18], header[19]]),
        _ => u16::from_le_bytes([header[18], header[19]]),
    };
    if OWN.is_some_and(|own| own != machine) {
        return Ok(Some(format!(
            "it is for {}, and this program for {}",
            named(machine),
            named(OWN.unwrap_or(0))
        )));
    }
    if header[..6] != *b"\x7fELF\x02\x01" {
        return Ok(None);
    }
    if length < 64 {
        return Ok(Some(cut(64)));
    }
    let needs = needed(&file, &header, length)?;
    Ok((needs > length).then(|| cut(needs)))
}

fn named(machine: u16) -> String {
    let known = NAMES.iter().find(|(number, _)| *number == machine);
    known.map_or_else(|| format!("processors of ELF's number {machine}"), |(_, name)| (*name).into())
}

/// Bytes that the headers of a 64-bit little-endian file speak of.
fn needed(file: &File, header: &[u8; 64], length: u64) -> io::Result<u64> {
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
    Ok(needs)
}
