//! Gauge fields from and to ILDG files, each rank its own part.

use crate::comm::Comm;
use crate::error::LatticeError;
use crate::gauge::GaugeField;
use crate::geometry::{DIM_MAX, Geometry, Site, ravel, unravel};
use crate::group::{Matrix, group_name};
use crate::number::Real;
use lime_rs::{
    IldgFile, IldgFormat, IldgMeta, IldgWriter, PayloadWriter, Precision, ScidacChecksum, TextRecord,
};
use std::ops::Range;
use std::path::Path;

/// Bytes read or written at a time.
const CHUNK_BYTES: usize = 1 << 19;

/// What reading a file told about its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileChecksum {
    /// SciDAC checksum of the bytes that were read.
    pub computed: ScidacChecksum,
    /// The one that the file states.
    pub stored: Option<ScidacChecksum>,
}

impl FileChecksum {
    /// Whether the file states another checksum than its bytes have.
    pub fn is_bad(&self) -> bool {
        self.stored.is_some_and(|stored| stored != self.computed)
    }
}

/// Extents of a file's lattice without the trailing ones of a lattice of fewer than four dimensions.
pub fn extents(format: &IldgFormat) -> Vec<usize> {
    let dims = (2..=DIM_MAX).rev().find(|&d| format.dims[d - 1] > 1).unwrap_or(2);
    format.dims[..dims].to_vec()
}

/// Reads a gauge field into `field`; for a batch, into its chain `chain`. Collective.
///
/// The checksum of all ranks' bytes is returned beside what the file states; a difference is no error here.
///
/// # Errors
/// [`LatticeError::Mismatch`] where file and field differ in extents or group; [`LatticeError::File`];
/// [`LatticeError::OtherRank`] where another rank failed.
pub fn read<T: Real, const N: usize>(
    file: &IldgFile,
    field: &mut GaugeField<T, N>,
    chain: usize,
) -> Result<FileChecksum, LatticeError> {
    let lattice = field.lattice().clone();
    let geometry = lattice.geometry();
    let format = &file.payload().format;
    if format.dims != geometry.extents() || format.nc != N {
        let [x, y, z, t] = geometry.extents();
        return Err(LatticeError::Mismatch(format!(
            "the file holds {} on {:?} (x,y,z,t), the run has {} on [{x}, {y}, {z}, {t}]: change the run's lattice \
             or choose another file",
            group_name(format.nc),
            format.dims,
            group_name(N),
        )));
    }
    let dims = lattice.dims();
    let mut numbers = vec![0.0f64; CHUNK_BYTES / format.precision.bytes()];
    let mut read_part = || {
        let mut sum = ScidacChecksum::default();
        for sites in own_sites(geometry) {
            sum ^= file.read_sites(sites, CHUNK_BYTES, |chunk| {
                let count = chunk.sites as usize * format.numbers_per_site();
                lime_rs::decode_as(format.precision, chunk.bytes, &mut numbers[..count])?;
                for (i, site) in numbers[..count].chunks_exact(format.numbers_per_site()).enumerate() {
                    let local = local_site(geometry, chunk.first_site as usize + i);
                    let (block, lane) = field.layout().locate(&local);
                    for (mu, link) in site.chunks_exact(2 * N * N).enumerate().take(dims) {
                        let u = Matrix::<T, N>::from_fn(|i, j| {
                            let c = 2 * (i * N + j);
                            crate::Complex::new(T::from_f64(link[c]), T::from_f64(link[c + 1]))
                        });
                        let copies = field.layout().copies(lane + chain);
                        copies.for_each(|lane| field.set_link(block, mu, lane, &u));
                    }
                }
                Ok::<(), lime_rs::Error>(())
            })?;
        }
        Ok(sum)
    };
    let computed = combine(lattice.comm(), agree(lattice.comm(), read_part())?);
    field.exchange();
    Ok(FileChecksum { computed, stored: file.payload().checksum })
}

/// What goes into a file beside the field.
#[derive(Clone, Debug, Default)]
pub struct FileText {
    /// Logical file name, e.g. `lfn://group/ensemble/conf.1000`.
    pub lfn: Option<String>,
    /// Records before the payload, e.g. `xlf-info`.
    pub before: Vec<TextRecord>,
    /// Records after it, e.g. `gaugelink-provenance`.
    pub after: Vec<TextRecord>,
}

/// Writes a gauge field (for a batch, its chain `chain`) as an ILDG file that appears only when complete.
/// Collective.
///
/// # Errors
/// [`LatticeError::File`]: the old file, if any, is intact; [`LatticeError::OtherRank`].
pub fn write<T: Real, const N: usize>(
    path: &Path,
    field: &GaugeField<T, N>,
    chain: usize,
    precision: Precision,
    text: &FileText,
) -> Result<ScidacChecksum, LatticeError> {
    let lattice = field.lattice();
    let comm = lattice.comm();
    let format = IldgFormat::new(lattice.geometry().extents(), N, precision)?;
    let mut meta = IldgMeta::new(format.clone());
    meta.lfn = text.lfn.clone();
    meta.extra = text.before.clone();
    // The time of writing would make two runs of one seed differ.
    meta.date = String::new();

    let first = comm.rank() == 0;
    let writer = if first { IldgWriter::create(path, &meta).map(Some) } else { Ok(None) };
    let writer = agree(comm, writer)?;
    let place =
        writer.as_ref().map(|w| (w.temporary_path().to_string_lossy().into_owned(), w.payload_offset()));
    let (temporary, offset) = share(comm, place.unwrap_or_default());

    let write_part = || {
        if let Some(writer) = &writer {
            return write_sites(field, chain, &format, |at, bytes| writer.write_payload_at(at, bytes))
                .map(|s| (s, 0));
        }
        let bytes = format.volume() * format.site_bytes() as u64;
        let part = PayloadWriter::attach(temporary, offset, bytes)?;
        let sum = write_sites(field, chain, &format, |at, bytes| part.write_payload_at(at, bytes))?;
        Ok((sum, part.finish()?))
    };
    let (sum, elsewhere) = agree(comm, write_part())?;
    let checksum = combine(comm, sum);
    let mut written = [elsewhere as i64];
    comm.sum(&mut written);
    let finished = match writer {
        Some(writer) => {
            writer.add_written(written[0] as u64);
            writer.finish(checksum, &text.after)
        }
        None => Ok(()),
    };
    agree(comm, finished)?;
    Ok(checksum)
}

fn write_sites<T: Real, const N: usize>(
    field: &GaugeField<T, N>,
    chain: usize,
    format: &IldgFormat,
    mut put: impl FnMut(u64, &[u8]) -> lime_rs::Result<()>,
) -> lime_rs::Result<ScidacChecksum> {
    let geometry = field.lattice().geometry();
    let (per_site, site_bytes) = (format.numbers_per_site(), format.site_bytes());
    let at_once = (CHUNK_BYTES / site_bytes).max(1);
    let mut numbers = vec![0.0f64; at_once * per_site];
    let mut bytes = vec![0; at_once * site_bytes];
    let mut sum = ScidacChecksum::default();
    for sites in own_sites(geometry) {
        let mut start = sites.start;
        while start < sites.end {
            let count = at_once.min((sites.end - start) as usize);
            for (i, site) in numbers[..count * per_site].chunks_exact_mut(per_site).enumerate() {
                let (block, lane) = field.layout().locate(&local_site(geometry, start as usize + i));
                for (mu, link) in site.chunks_exact_mut(2 * N * N).enumerate() {
                    // Directions that the lattice does not have hold unit links.
                    let u = if mu < geometry.dims() {
                        field.link(block, mu, lane + chain)
                    } else {
                        Matrix::unit()
                    };
                    for (c, z) in u.0.iter().flatten().enumerate() {
                        link[2 * c] = z.re.to_f64();
                        link[2 * c + 1] = z.im.to_f64();
                    }
                }
            }
            let bytes = &mut bytes[..count * site_bytes];
            lime_rs::encode_as(format.precision, &numbers[..count * per_site], bytes)?;
            sum.add_range(start, site_bytes, bytes)?;
            put(start * site_bytes as u64, bytes)?;
            start += count as u64;
        }
    }
    Ok(sum)
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

/// Rank 0's text and number on every rank.
fn share(comm: &dyn Comm, (text, number): (String, u64)) -> (String, u64) {
    let mut sizes = [text.len() as u64, number];
    comm.broadcast(bytemuck::cast_slice_mut(&mut sizes));
    let mut bytes = text.into_bytes();
    bytes.resize(sizes[0] as usize, 0);
    comm.broadcast(&mut bytes);
    (String::from_utf8_lossy(&bytes).into_owned(), sizes[1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::run_ranks;
    use crate::lattice::{Lattice, LatticeOptions};
    use crate::layout::LaneMeaning;
    use crate::rng::{Address, Purpose};

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

        // A batch holds the same numbers in one of its lanes.
        let options = LatticeOptions { lanes: LaneMeaning::Batch { chains: 3 }, ..LatticeOptions::default() };
        let together = Lattice::new(extents_wanted, options).unwrap();
        let mut batch = GaugeField::<f64, N>::cold(&together).unwrap();
        read(&file, &mut batch, 2).unwrap();
        let again = folder.path().join("b.lime");
        assert_eq!(write(&again, &batch, 2, Precision::F64, &FileText::default()).unwrap(), sum);
        assert_eq!(batch.link(0, 0, 1), Matrix::unit(), "other chains are not touched");
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
