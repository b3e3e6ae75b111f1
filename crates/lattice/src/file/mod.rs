//! Gauge fields from and to files of every format, and other fields in SciDAC's, each rank its own part.

mod beyond;
mod lanes;
mod part;
mod read;
mod region;
mod sites;
mod write;

pub use part::{Part, read_box};
pub use read::{FileChecksum, ReadOptions, read, read_with};
pub use sites::{FieldFile, read_fields};
pub use write::{Complete, FileText, WriteOptions, complete_as, write, write_as};

use crate::comm::Comm;
use crate::error::LatticeError;
use crate::geometry::DIM_MAX;
use crate::lattice::Lattice;
use lime_rs::Sums;
use std::ops::Range;
use std::sync::Mutex;

/// Bytes that a thread reads or writes at a time: they stay in its second-level cache.
const CHUNK_BYTES: usize = 1 << 19;

/// Extents of a file's lattice without the trailing ones of a lattice of fewer than four dimensions.
pub fn extents(dims: &[usize; 4]) -> Vec<usize> {
    let known = (2..=DIM_MAX).rev().find(|&d| dims[d - 1] > 1).unwrap_or(2);
    dims[..known].to_vec()
}

/// Every thread's work on its share of `0..count`, and the sums of all shares in rising order.
fn on_threads(
    lattice: &Lattice,
    count: usize,
    empty: &Sums,
    work: impl Fn(Range<usize>) -> lime_rs::Result<Sums> + Sync,
) -> lime_rs::Result<Sums> {
    let parts: Vec<Mutex<lime_rs::Result<Sums>>> =
        (0..lattice.pool().threads()).map(|_| Mutex::new(Ok(empty.clone()))).collect();
    lattice.pool().run(0..count, |thread, share| {
        *parts[thread].lock().unwrap_or_else(|e| e.into_inner()) = work(share);
    });
    parts.into_iter().try_fold(empty.clone(), |mut whole, part| {
        whole.append(&part.into_inner().unwrap_or_else(|e| e.into_inner())?);
        Ok(whole)
    })
}

/// The sums of all ranks' parts; POSIX `cksum` is left out, for the parts do not follow each other.
fn combine(comm: &dyn Comm, part: &Sums) -> Sums {
    let mut words = [part.scidac.suma, part.scidac.sumb, part.milc.sum29, part.milc.sum31];
    comm.xor(&mut words);
    let mut nersc = [i64::from(part.nersc)];
    comm.sum(&mut nersc);
    let mut whole = Sums::new(part.kind, false);
    (whole.scidac.suma, whole.scidac.sumb) = (words[0], words[1]);
    (whole.milc.sum29, whole.milc.sum31) = (words[2], words[3]);
    // Modulo 2³², as the sum is defined.
    whole.nersc = nersc[0] as u32;
    whole
}

/// Rank 0's text and number on every rank.
fn share(comm: &dyn Comm, (text, number): (String, u64)) -> (String, u64) {
    let mut sizes = [text.len() as u64, number];
    comm.broadcast(bytemuck::cast_slice_mut(&mut sizes));
    let mut bytes = text.into_bytes();
    bytes.resize(sizes[0] as usize, 0);
    comm.broadcast(&mut bytes);
    (String::from_utf8_lossy(&bytes).into_owned(), sizes[1])
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
    use crate::number::{Isa, Real};
    use crate::rng::{Address, Purpose};
    use lime_rs::{Checksum, FileFormat, GaugeFile, Precision, Rows};
    use std::path::Path;

    fn round_trip<const N: usize>(extents_wanted: &[usize]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lime");
        let lattice = Lattice::new(extents_wanted, LatticeOptions::default()).unwrap();
        let u = GaugeField::<f64, N>::random(&lattice, 1.0, Address::new(9, Purpose::Start)).unwrap();
        let sum = write(&path, &u, 0, Precision::F64, &FileText::default()).unwrap();
        let file = GaugeFile::open(&path).unwrap();
        assert_eq!(extents(&file.body().dims), extents_wanted);
        let mut back = GaugeField::<f64, N>::cold(&lattice).unwrap();
        let read_sum = read(&file, &mut back, 0).unwrap();
        let whole = Checksum::Scidac(sum);
        assert_eq!((read_sum.computed, read_sum.stored, read_sum.scidac), (whole, Some(whole), sum));
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

    /// Any number of threads gives the same links and sums, and tells of every byte; with POSIX `cksum` the bytes are
    /// read in their order, without it in stretches.
    fn check_pass<const N: usize>(file: &GaugeFile, u: &GaugeField<f64, N>) {
        let extents = &u.lattice().geometry().extents()[..u.lattice().dims()];
        for (threads, posix_cksum) in [(1, true), (2, true), (3, true), (7, true), (1, false), (3, false)] {
            let plain = file.sums(posix_cksum).unwrap();
            let options = LatticeOptions { threads, ..LatticeOptions::default() };
            let lattice = Lattice::new(extents, options).unwrap();
            let mut back = GaugeField::<f64, N>::cold(&lattice).unwrap();
            let bytes = std::sync::atomic::AtomicU64::new(0);
            let count = |more| {
                bytes.fetch_add(more, std::sync::atomic::Ordering::Relaxed);
            };
            let options = ReadOptions { posix_cksum, progress: Some(&count) };
            let sums = read_with(file, &mut back, 0, options).unwrap();
            assert_eq!(sums.computed, plain.checksum());
            assert_eq!(sums.posix_cksum, plain.posix.as_ref().map(lime_rs::PosixCksum::value));
            assert_eq!(back.as_slice(), u.as_slice());
            assert_eq!(bytes.into_inner(), file.body().bytes());
        }
    }

    #[test]
    fn fields_come_back_bit_for_bit() {
        round_trip::<3>(&[4, 4, 4, 8]);
        round_trip::<3>(&[4, 2, 6, 2]);
        round_trip::<2>(&[6, 4, 4]);
        round_trip::<1>(&[8, 6]);
    }

    /// Reads a file in stretches and in order, and writes the field again: the same numbers, sums and bytes.
    fn stretched<T: Real, const N: usize>(
        path: &Path,
        extents: &[usize],
        options: LatticeOptions,
    ) -> Vec<u8> {
        let isa = options.isa;
        let lattice = Lattice::new(extents, options).unwrap();
        let file = GaugeFile::open(path).unwrap();
        let mut fields = [false, true].map(|posix_cksum| {
            let mut field = GaugeField::<T, N>::cold(&lattice).unwrap();
            let options = ReadOptions { posix_cksum, ..ReadOptions::default() };
            assert!(!read_with(&file, &mut field, 0, options).unwrap().is_bad(), "{extents:?} {isa:?}");
            field
        });
        let [quick, plain] = &mut fields;
        assert_eq!(quick.as_slice(), plain.as_slice(), "{extents:?} {isa:?}");
        let again = path.with_extension("again");
        write(&again, quick, 0, file.body().precision, &FileText::default()).unwrap();
        std::fs::read(again).unwrap()
    }

    fn stretches<const N: usize>(extents: &[usize]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("u");
        let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
        let u = GaugeField::<f64, N>::random(&lattice, 1.0, Address::new(3, Purpose::Start)).unwrap();
        for precision in [Precision::F64, Precision::F32] {
            write(&path, &u, 0, precision, &FileText::default()).unwrap();
            let bytes = std::fs::read(&path).unwrap();
            let isas = [Isa::Portable, Isa::Avx2, Isa::Avx512, Isa::Neon];
            for isa in isas.into_iter().filter(|isa| isa.is_available()) {
                for threads in [1, 5] {
                    let options = LatticeOptions { isa, threads, ..LatticeOptions::default() };
                    let double = stretched::<f64, N>(&path, extents, options.clone());
                    assert!(double == bytes, "{extents:?} {precision:?} {isa:?}");
                    let single = stretched::<f32, N>(&path, extents, options);
                    assert!(precision == Precision::F64 || single == bytes, "{extents:?} {isa:?}");
                }
            }
        }
    }

    #[test]
    fn stretches_are_what_the_plain_order_gives_on_every_vector_unit() {
        stretches::<3>(&[4, 8, 4, 16]);
        stretches::<3>(&[16, 4, 4, 4]);
        stretches::<3>(&[6, 6, 2, 2]);
        stretches::<2>(&[8, 12, 6]);
        stretches::<1>(&[12, 8]);
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
                let sum = read(&GaugeFile::open(path("1")).unwrap(), &mut back, 0).unwrap();
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
        let file = GaugeFile::open(&path).unwrap();
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

    /// Every format and Grid's records, on one, two and four ranks: one file, the same links; in openQCD's, units belong to
    /// two ranks.
    #[test]
    fn ranks_share_files_of_every_format() {
        let folder = tempfile::tempdir().unwrap();
        let path = |format: FileFormat, ranks: usize| folder.path().join(format!("{format}-{ranks}"));
        for (ranks, grid) in [(1, vec![]), (2, vec![1, 1, 1, 2]), (4, vec![2, 1, 2, 1])] {
            run_ranks(ranks, |comm| {
                let options =
                    LatticeOptions { threads: 2, grid: grid.clone(), comm, ..LatticeOptions::default() };
                let lattice = Lattice::new(&[4, 2, 8, 4], options).unwrap();
                let u = GaugeField::<f64, 3>::random(&lattice, 1.0, Address::new(9, Purpose::Start)).unwrap();
                let text =
                    FileText { lfn: Some(FileText::lfn_of(Path::new("a/u\n1"))), ..FileText::default() };
                for format in FileFormat::ALL.into_iter().chain([FileFormat::Grid]) {
                    let precision = if format == FileFormat::Milc { Precision::F32 } else { Precision::F64 };
                    let rows = if format == FileFormat::Nersc { Rows::Two } else { Rows::All };
                    let options = WriteOptions {
                        rows,
                        plaquette: Some(0.5),
                        link_trace: Some(0.25),
                        text: Some(&text),
                        ..WriteOptions::new(format, precision)
                    };
                    let sums = write_as(&path(format, ranks), &u, 0, &options).unwrap();
                    let file = GaugeFile::open_as(path(format, 1), Some(format), None).unwrap();
                    let mut back = GaugeField::<f64, 3>::cold(&lattice).unwrap();
                    let found = read(&file, &mut back, 0).unwrap();
                    assert!(!found.is_bad(), "{format}");
                    if let Some(stored) = found.stored {
                        assert_eq!((stored, found.computed), (sums.checksum(), sums.checksum()));
                    }
                    // Every rank count sums the same bytes once.
                    assert_eq!(found.scidac, file.sums(false).unwrap().scidac, "{format} on {ranks} ranks");
                    for (a, b) in u.as_slice().iter().zip(back.as_slice()) {
                        let rounding = if format == FileFormat::Milc { 1e-7 } else { 1e-14 };
                        let exact = format != FileFormat::Milc && format != FileFormat::Nersc;
                        assert!(if exact { a == b } else { (a - b).abs() < rounding }, "{format}: {a} {b}");
                    }
                }
            });
        }
        let file = GaugeFile::open(path(FileFormat::Grid, 1)).unwrap();
        assert_eq!((file.format(), file.lfn()), (FileFormat::Ildg, Some("lfn://gaugelink/u_1")));
        let stated = file.ildg().unwrap().grid_statement().unwrap();
        assert_eq!((stated.plaquette, stated.link_trace), (Some(0.5), Some(0.25)));
        // 4 links of norm 3 at each of 256 sites.
        assert!((stated.norm2.unwrap() - 3072.0).abs() < 1e-10, "{stated:?}");
        for format in FileFormat::ALL.into_iter().chain([FileFormat::Grid]) {
            let bytes = std::fs::read(path(format, 1)).unwrap();
            assert!(bytes == std::fs::read(path(format, 2)).unwrap(), "{format}");
            assert!(bytes == std::fs::read(path(format, 4)).unwrap(), "{format}");
        }
    }

    #[test]
    fn what_a_format_cannot_hold_is_refused_and_the_old_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("u");
        std::fs::write(&path, b"old").unwrap();
        let lattice = Lattice::new(&[4, 4, 4, 4], LatticeOptions::default()).unwrap();
        let mut u = GaugeField::<f64, 3>::cold(&lattice).unwrap();
        let refused = |u: &GaugeField<f64, 3>, options: &WriteOptions<'_>| {
            write_as(&path, u, 0, options).unwrap_err().to_string()
        };
        let text = refused(&u, &WriteOptions::new(FileFormat::Milc, Precision::F64));
        assert!(text.contains("32-bit precision only"), "{text}");
        let two = WriteOptions {
            rows: Rows::Two,
            plaquette: Some(1.0),
            ..WriteOptions::new(FileFormat::Nersc, Precision::F64)
        };
        let (block, lane) = u.layout().locate(&[1, 2, 3, 0]);
        u.set_link(block, 2, lane, &Matrix::diagonal(crate::Complex::new(-1.0, 0.0)));
        let text = refused(&u, &two);
        assert!(text.contains("not special unitary") && text.contains("direction 2 of site 57"), "{text}");
        // No numbers in the file: as they are, or by rounding.
        for (x, format, precision) in [
            (f64::NAN, FileFormat::Ildg, Precision::F64),
            (f64::INFINITY, FileFormat::HiRep, Precision::F64),
            (f64::NEG_INFINITY, FileFormat::OpenQcd, Precision::F64),
            (1e200, FileFormat::Ildg, Precision::F32),
            (1e200, FileFormat::Milc, Precision::F32),
        ] {
            u.set_link(block, 2, lane, &Matrix::diagonal(crate::Complex::new(x, 0.0)));
            let options = WriteOptions { plaquette: Some(1.0), ..WriteOptions::new(format, precision) };
            let text = refused(&u, &options);
            let place = text.contains("direction 2 of site 57 is not finite in ");
            assert!(place && text.contains(&precision.to_string()), "{format}: {text}");
        }
        u.as_mut_slice().fill(0.0);
        let text = refused(&u, &WriteOptions::new(FileFormat::Ildg, Precision::F64));
        assert!(text.contains("every link is zero"), "{text}");
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
    }

    /// A file may be looked at before it has its name, and until then, or where the writing is stopped, the old one is there.
    #[test]
    fn a_complete_file_has_its_name_when_it_is_given_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("u");
        let entries = || std::fs::read_dir(folder.path()).unwrap().count();
        let lattice = Lattice::new(&[4, 4, 4], LatticeOptions::default()).unwrap();
        let u = GaugeField::<f64, 3>::random(&lattice, 1.0, Address::new(9, Purpose::Start)).unwrap();
        for format in [FileFormat::Ildg, FileFormat::HiRep] {
            std::fs::write(&path, b"old").unwrap();
            let options = WriteOptions { plaquette: Some(0.5), ..WriteOptions::new(format, Precision::F64) };
            let complete = complete_as(&path, &u, 0, &options).unwrap();
            let mut back = GaugeField::<f64, 3>::cold(&lattice).unwrap();
            read(&GaugeFile::open(complete.path().unwrap()).unwrap(), &mut back, 0).unwrap();
            assert_eq!(back.as_slice(), u.as_slice());
            assert_eq!((std::fs::read(&path).unwrap(), entries()), (b"old".into(), 2));
            drop(complete);
            let stop = std::sync::atomic::AtomicBool::new(true);
            let options = WriteOptions { stop: Some(&stop), ..options };
            let stopped = write_as(&path, &u, 0, &options).unwrap_err();
            assert!(matches!(stopped, LatticeError::File(lime_rs::Error::Stopped)), "{stopped}");
            assert_eq!((std::fs::read(&path).unwrap(), entries()), (b"old".into(), 1), "{format}");
            stop.store(false, std::sync::atomic::Ordering::Relaxed);
            let sums = complete_as(&path, &u, 0, &options).unwrap().commit(lattice.comm()).unwrap();
            assert_eq!(GaugeFile::open(&path).unwrap().sums(false).unwrap().checksum(), sums.checksum());
            assert_eq!(entries(), 1);
        }
    }
}
