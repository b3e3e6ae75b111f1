//! Gauge fields from and to ILDG files, each rank its own part.

mod read;
mod stated;
mod write;

pub use read::{FileChecksum, ReadOptions, read, read_with};
pub use stated::stated_plaquette;
pub use write::{FileText, write};

use crate::comm::Comm;
use crate::error::LatticeError;
use crate::geometry::{DIM_MAX, Geometry, Site, ravel, unravel};
use lime_rs::{IldgFormat, ScidacChecksum};
use std::ops::Range;

/// Bytes read or written at a time.
const CHUNK_BYTES: usize = 1 << 19;

/// Extents of a file's lattice without the trailing ones of a lattice of fewer than four dimensions.
pub fn extents(format: &IldgFormat) -> Vec<usize> {
    let dims = (2..=DIM_MAX).rev().find(|&d| format.dims[d - 1] > 1).unwrap_or(2);
    format.dims[..dims].to_vec()
}

/// The global site numbers of this rank's box, as ranges in rising order.
fn own_sites(geometry: &Geometry) -> Vec<Range<u64>> {
    let (local, origin) = (geometry.local_extents(), geometry.origin());
    let rows = [1, local[1], local[2], local[3]];
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for row in 0..rows.iter().product() {
        let place = unravel(row, &rows);
        let first = geometry.site_index(&std::array::from_fn(|mu| origin[mu] + place[mu])) as u64;
        let end = first + local[0] as u64;
        match ranges.last_mut() {
            Some(last) if last.end == first => last.end = end,
            _ => ranges.push(first..end),
        }
    }
    ranges
}

fn local_site(geometry: &Geometry, index: usize) -> Site {
    let (x, origin) = (geometry.site(index), geometry.origin());
    debug_assert_eq!(ravel(&x, &geometry.extents()), index);
    std::array::from_fn(|mu| x[mu] - origin[mu])
}

fn combine(comm: &dyn Comm, part: ScidacChecksum) -> ScidacChecksum {
    let mut words = [part.suma, part.sumb];
    comm.xor(&mut words);
    ScidacChecksum { suma: words[0], sumb: words[1] }
}

/// The value where every rank has one, else an error on every rank.
fn agree<R>(comm: &dyn Comm, result: lime_rs::Result<R>) -> Result<R, LatticeError> {
    let all = comm.all(result.is_ok());
    let value = result?;
    if all { Ok(value) } else { Err(LatticeError::OtherRank) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::run_ranks;
    use crate::gauge::GaugeField;
    use crate::group::Matrix;
    use crate::lattice::{Lattice, LatticeOptions};
    use crate::layout::LaneMeaning;
    use crate::rng::{Address, Purpose};
    use lime_rs::{IldgFile, Precision};
    use std::path::Path;

    fn round_trip<const N: usize>(extents_wanted: &[usize]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lime");
        let lattice = Lattice::new(extents_wanted, LatticeOptions::default()).unwrap();
        let u = GaugeField::<f64, N>::random(&lattice, 1.0, Address::new(9, Purpose::Start)).unwrap();
        let sum = write(&path, &u, 0, Precision::F64, &FileText::default()).unwrap();
        let file = IldgFile::open(&path).unwrap();
        assert_eq!(extents(&file.payload().format), extents_wanted);
        let mut back = GaugeField::<f64, N>::cold(&lattice).unwrap();
        let read_sum = read(&file, &mut back, 0).unwrap();
        assert_eq!((read_sum.computed, read_sum.stored), (sum, Some(sum)));
        assert_eq!(back.as_slice(), u.as_slice());
        check_pass(&file, &u);

        // A batch holds the same numbers in one of its lanes.
        let options = LatticeOptions { lanes: LaneMeaning::Batch { chains: 3 }, ..LatticeOptions::default() };
        let together = Lattice::new(extents_wanted, options).unwrap();
        let mut batch = GaugeField::<f64, N>::cold(&together).unwrap();
        read(&file, &mut batch, 2).unwrap();
        let again = folder.path().join("b.lime");
        assert_eq!(write(&again, &batch, 2, Precision::F64, &FileText::default()).unwrap(), sum);
        assert_eq!(batch.link(0, 0, 1), Matrix::unit(), "other chains are not touched");
    }

    /// Any number of threads gives the same links and sums, and tells of every byte.
    fn check_pass<const N: usize>(file: &IldgFile, u: &GaugeField<f64, N>) {
        let passed = lime_rs::PassOptions { posix_cksum: true, ..Default::default() };
        let plain = file.read_payload(passed, |_| Ok::<(), lime_rs::Error>(())).unwrap();
        let extents = &u.lattice().geometry().extents()[..u.lattice().dims()];
        for threads in [1, 2, 3, 7] {
            let options = LatticeOptions { threads, ..LatticeOptions::default() };
            let lattice = Lattice::new(extents, options).unwrap();
            let mut back = GaugeField::<f64, N>::cold(&lattice).unwrap();
            let bytes = std::sync::atomic::AtomicU64::new(0);
            let count = |more| {
                bytes.fetch_add(more, std::sync::atomic::Ordering::Relaxed);
            };
            let options = ReadOptions { posix_cksum: true, progress: Some(&count) };
            let sums = read_with(file, &mut back, 0, options).unwrap();
            assert_eq!((sums.computed, sums.posix_cksum), (plain.computed, plain.posix_cksum));
            assert_eq!(back.as_slice(), u.as_slice());
            assert_eq!(bytes.into_inner(), file.payload().bytes);
        }
    }

    #[test]
    fn fields_come_back_bit_for_bit() {
        round_trip::<3>(&[4, 4, 4, 8]);
        round_trip::<3>(&[4, 2, 6, 2]);
        round_trip::<2>(&[6, 4, 4]);
        round_trip::<1>(&[8, 6]);
    }

    #[test]
    fn ranks_write_and_read_the_same_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for (ranks, grid) in [(1, vec![]), (2, vec![1, 1, 1, 2]), (4, vec![2, 1, 2, 1])] {
            run_ranks(ranks, |comm| {
                let options =
                    LatticeOptions { threads: 1, grid: grid.clone(), comm, ..LatticeOptions::default() };
                let lattice = Lattice::new(&[4, 4, 4, 4], options).unwrap();
                let u = GaugeField::<f64, 3>::random(&lattice, 1.0, Address::new(9, Purpose::Start)).unwrap();
                write(&path(&format!("{ranks}")), &u, 0, Precision::F32, &FileText::default()).unwrap();
                let mut back = GaugeField::<f64, 3>::cold(&lattice).unwrap();
                let sum = read(&IldgFile::open(path("1")).unwrap(), &mut back, 0).unwrap();
                assert!(!sum.is_bad() && sum.stored.is_some());
                let block = u.layout().blocks() / 2;
                let off = (u.link(block, 1, 0) - back.link(block, 1, 0)).norm2();
                assert!(off > 0.0 && off < 1e-13, "rounded to single precision, {off}");
            });
        }
        let bytes = std::fs::read(path("1")).unwrap();
        assert_eq!(bytes, std::fs::read(path("2")).unwrap());
        assert_eq!(bytes, std::fs::read(path("4")).unwrap());
    }

    #[test]
    fn another_lattice_and_a_failing_rank_are_errors_everywhere() {
        let folder = tempfile::tempdir().unwrap();
        let lattice = Lattice::new(&[4, 4], LatticeOptions::default()).unwrap();
        let u = GaugeField::<f64, 2>::cold(&lattice).unwrap();
        let path = folder.path().join("u");
        write(&path, &u, 0, Precision::F64, &FileText::default()).unwrap();
        let file = IldgFile::open(&path).unwrap();
        let mut other = GaugeField::<f64, 1>::cold(&lattice).unwrap();
        let error = read(&file, &mut other, 0).unwrap_err().to_string();
        assert!(error.contains("SU(2)") && error.contains("U(1)"), "{error}");
        let errors = run_ranks(2, |comm| {
            let options = LatticeOptions { threads: 1, grid: vec![2], comm, ..LatticeOptions::default() };
            let lattice = Lattice::new(&[4, 4], options).unwrap();
            let u = GaugeField::<f64, 2>::cold(&lattice).unwrap();
            write(Path::new("/nonexistent/x"), &u, 0, Precision::F64, &FileText::default())
                .unwrap_err()
                .to_string()
        });
        assert!(errors[0].contains("/nonexistent") && errors[1].contains("another rank"), "{errors:?}");
    }
}
