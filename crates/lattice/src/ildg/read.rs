//! Reading: every thread its own sites.

use super::{CHUNK_BYTES, agree, combine, local_site, own_sites};
use crate::error::LatticeError;
use crate::field::FieldWriter;
use crate::gauge::GaugeField;
use crate::geometry::Geometry;
use crate::group::group_name;
use crate::number::Real;
use lime_rs::{IldgFile, PosixCksum, ScidacChecksum};
use std::ops::Range;
use std::sync::Mutex;

/// What reading a file told about its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileChecksum {
    /// SciDAC checksum of the bytes that were read.
    pub computed: ScidacChecksum,
    /// The one that the file states.
    pub stored: Option<ScidacChecksum>,
    /// POSIX `cksum` of the payload, where [`ReadOptions`] ask for it and one rank reads all of it.
    pub posix_cksum: Option<u32>,
}

impl FileChecksum {
    /// Whether the file states another checksum than its bytes have.
    pub fn is_bad(&self) -> bool {
        self.stored.is_some_and(|stored| stored != self.computed)
    }
}

/// How [`read_with`] goes through a payload.
#[derive(Clone, Copy, Default)]
pub struct ReadOptions<'a> {
    /// Also compute the POSIX `cksum`, ILDG's `crcCheckSum`.
    pub posix_cksum: bool,
    /// Hears, from every thread, how many more bytes have been read.
    pub progress: Option<&'a (dyn Fn(u64) + Sync)>,
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
    read_with(file, field, chain, ReadOptions::default())
}

/// [`read`] with options. Each thread of the lattice reads, sums and decodes consecutive sites of its own.
///
/// # Errors
/// As [`read`].
pub fn read_with<T: Real, const N: usize>(
    file: &IldgFile,
    field: &mut GaugeField<T, N>,
    chain: usize,
    options: ReadOptions<'_>,
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
    let ranges = own_sites(geometry);
    let sites = ranges.iter().map(|range| range.end - range.start).sum::<u64>() as usize;
    let writer = field.writer();
    let parts: Vec<Mutex<lime_rs::Result<Part>>> =
        (0..lattice.pool().threads()).map(|_| Mutex::new(Ok(Part::default()))).collect();
    lattice.pool().run(0..sites, |thread, piece| {
        let part = read_part::<T, N>(file, geometry, writer, chain, options, within(&ranges, &piece));
        *parts[thread].lock().unwrap_or_else(|e| e.into_inner()) = part;
    });
    let whole = parts.into_iter().try_fold(Part::default(), |mut whole, part| {
        let part = part.into_inner().unwrap_or_else(|e| e.into_inner())?;
        whole.sum ^= part.sum;
        whole.cksum.append(&part.cksum);
        Ok(whole)
    });
    let whole = agree(lattice.comm(), whole)?;
    let computed = combine(lattice.comm(), whole.sum);
    field.exchange();
    let posix_cksum = (options.posix_cksum && geometry.ranks() == 1).then(|| whole.cksum.value());
    Ok(FileChecksum { computed, stored: file.payload().checksum, posix_cksum })
}

/// Sums over the part of a payload that one thread has read.
#[derive(Default)]
struct Part {
    sum: ScidacChecksum,
    cksum: PosixCksum,
}

/// Reads some sites into the field.
fn read_part<T: Real, const N: usize>(
    file: &IldgFile,
    geometry: &Geometry,
    writer: FieldWriter<'_, T>,
    chain: usize,
    options: ReadOptions<'_>,
    ranges: Vec<Range<u64>>,
) -> lime_rs::Result<Part> {
    let (layout, format) = (writer.layout(), &file.payload().format);
    let (per_site, link) = (format.numbers_per_site(), GaugeField::<T, N>::LINK);
    let mut numbers = vec![0.0f64; CHUNK_BYTES / format.precision.bytes()];
    let mut part = Part::default();
    for sites in ranges {
        part.sum ^= file.read_sites(sites, CHUNK_BYTES, |chunk| {
            let count = chunk.sites as usize * per_site;
            lime_rs::decode_as(format.precision, chunk.bytes, &mut numbers[..count])?;
            for (i, site) in numbers[..count].chunks_exact(per_site).enumerate() {
                let (block, lane) = layout.locate(&local_site(geometry, chunk.first_site as usize + i));
                let used = geometry.dims() * link;
                let rows = writer.rows(block, 0, used);
                for lane in layout.copies(lane + chain) {
                    for (c, &x) in site[..used].iter().enumerate() {
                        // SAFETY: inside the rows just asked for; no other thread has this site, and so no other
                        // thread has these lanes of the block.
                        unsafe { rows.add(c * T::LANES + lane).write(T::from_f64(x)) }
                    }
                }
            }
            if options.posix_cksum {
                part.cksum.update(chunk.bytes);
            }
            if let Some(progress) = options.progress {
                progress(chunk.bytes.len() as u64);
            }
            Ok::<(), lime_rs::Error>(())
        })?;
    }
    Ok(part)
}

/// What the piece `piece` of the concatenated `ranges` covers of them.
fn within(ranges: &[Range<u64>], piece: &Range<usize>) -> Vec<Range<u64>> {
    let mut before = 0;
    let mut covered = Vec::new();
    for range in ranges {
        let length = range.end - range.start;
        let from = (piece.start as u64).clamp(before, before + length) - before;
        let to = (piece.end as u64).clamp(before, before + length) - before;
        if from < to {
            covered.push(range.start + from..range.start + to);
        }
        before += length;
    }
    covered
}
