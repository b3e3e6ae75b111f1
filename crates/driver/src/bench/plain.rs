//! What links cost on their way to and from files without this library: the kernel's transfers alone, and a path site by
//! site with a table for the CRC, as QIO's. Each on all threads that the pool grants.

use gaugelink_lattice::Pool;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Mutex;

/// Bytes of a transfer by the kernel alone.
const CHUNK: usize = 1 << 19;
/// Numbers of a site: four links of SU(3).
const SITE: usize = 72;
/// Bytes of a site.
const SITE_BYTES: usize = 8 * SITE;

/// Writes `bytes` bytes in large parts and has them on disk.
pub(super) fn write(pool: &Pool, path: &Path, bytes: usize) -> io::Result<()> {
    let file = File::create(path)?;
    let buffer = [1; CHUNK];
    each_chunk(pool, bytes, |at, length| file.write_all_at(&buffer[..length], at))?;
    file.sync_all()
}

/// Reads `bytes` bytes in large parts.
pub(super) fn read(pool: &Pool, path: &Path, bytes: usize) -> io::Result<()> {
    let file = File::open(path)?;
    each_chunk(pool, bytes, |at, length| {
        thread_local!(static BUFFER: std::cell::RefCell<Vec<u8>> = std::cell::RefCell::new(vec![0; CHUNK]));
        BUFFER.with_borrow_mut(|buffer| file.read_exact_at(&mut buffer[..length], at))
    })
}

fn each_chunk(
    pool: &Pool,
    bytes: usize,
    work: impl Fn(u64, usize) -> io::Result<()> + Sync,
) -> io::Result<()> {
    let share = |chunks: Range<usize>| {
        chunks.map(|k| k * CHUNK).try_for_each(|at| work(at as u64, CHUNK.min(bytes - at))).map(|()| [0; 2])
    };
    shares(pool, bytes.div_ceil(CHUNK), share).map(drop)
}

/// Writes sites of big-endian numbers one by one, and returns SciDAC's sums.
pub(super) fn write_sites(pool: &Pool, path: &Path, numbers: &[f64]) -> io::Result<[u32; 2]> {
    let (file, table) = (File::create(path)?, table());
    let sums = shares(pool, numbers.len() / SITE, |sites| {
        let mut sums = [0; 2];
        let mut bytes = [0; SITE_BYTES];
        for site in sites {
            for (b, x) in bytes.chunks_exact_mut(8).zip(&numbers[site * SITE..]) {
                b.copy_from_slice(&x.to_be_bytes());
            }
            add(&mut sums, site, crc(&table, &bytes));
            file.write_all_at(&bytes, (site * SITE_BYTES) as u64)?;
        }
        Ok(sums)
    })?;
    file.sync_all()?;
    Ok(sums)
}

/// Reads what [`write_sites`] wrote.
pub(super) fn read_sites(pool: &Pool, path: &Path, numbers: &mut [f64]) -> io::Result<[u32; 2]> {
    let (file, table) = (File::open(path)?, table());
    let sites = (numbers.len() / SITE).div_ceil(pool.limited());
    let parts: Vec<_> = numbers.chunks_mut(sites * SITE).map(Mutex::new).collect();
    shares(pool, parts.len(), |share| {
        let mut sums = [0; 2];
        let mut bytes = [0; SITE_BYTES];
        for part in share {
            let mut numbers = parts[part].lock().unwrap_or_else(|e| e.into_inner());
            for (i, numbers) in numbers.chunks_exact_mut(SITE).enumerate() {
                let site = part * sites + i;
                file.read_exact_at(&mut bytes, (site * SITE_BYTES) as u64)?;
                add(&mut sums, site, crc(&table, &bytes));
                for (b, x) in bytes.as_chunks::<8>().0.iter().zip(numbers) {
                    *x = f64::from_be_bytes(*b);
                }
            }
        }
        Ok(sums)
    })
}

/// The threads' sums over their shares of `0..count`, combined.
fn shares(
    pool: &Pool,
    count: usize,
    work: impl Fn(Range<usize>) -> io::Result<[u32; 2]> + Sync,
) -> io::Result<[u32; 2]> {
    let whole = Mutex::new(Ok([0; 2]));
    pool.run(0..count, |_, share| {
        let part = work(share);
        let mut whole = whole.lock().unwrap_or_else(|e| e.into_inner());
        match (&mut *whole, part) {
            (Ok([a, b]), Ok(part)) => (*a, *b) = (*a ^ part[0], *b ^ part[1]),
            (_, Err(error)) => *whole = Err(error),
            (Err(_), Ok(_)) => {}
        }
    });
    whole.into_inner().unwrap_or_else(|e| e.into_inner())
}

fn add(sums: &mut [u32; 2], site: usize, crc: u32) {
    sums[0] ^= crc.rotate_left((site % 29) as u32);
    sums[1] ^= crc.rotate_left((site % 31) as u32);
}

/// CRC-32 byte by byte.
fn crc(table: &[u32; 256], bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| table[usize::from(crc as u8 ^ byte)] ^ (crc >> 8))
}

fn table() -> [u32; 256] {
    std::array::from_fn(|i| {
        (0..8).fold(i as u32, |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_are_the_librarys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sites");
        let numbers: Vec<f64> = (0..100 * SITE).map(|i| 1.0 / (i as f64 + 0.5)).collect();
        for threads in [1, 3] {
            let pool = Pool::new(threads).unwrap();
            let written = write_sites(&pool, &path, &numbers).unwrap();
            let mut back = vec![0.0; numbers.len()];
            assert_eq!(read_sites(&pool, &path, &mut back).unwrap(), written);
            assert_eq!(back, numbers);
            let mut sum = lime_rs::ScidacChecksum::default();
            sum.add_range(0, SITE_BYTES, &std::fs::read(&path).unwrap()).unwrap();
            assert_eq!([sum.suma, sum.sumb], written);
            assert!(read(&pool, &path, numbers.len() * 8 + 1).is_err(), "the file ends earlier");
        }
    }
}
