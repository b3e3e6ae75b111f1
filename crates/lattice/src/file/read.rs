//! Reading: every thread its own sites.

use super::beyond::Beyond;
use super::lanes::Stretches;
use super::region::{Piece, Region, count, within};
use super::{CHUNK_BYTES, agree, combine, on_threads};
use crate::error::LatticeError;
use crate::field::FieldWriter;
use crate::gauge::GaugeField;
use crate::geometry::Site;
use crate::group::group_name;
use crate::number::Real;
use lime_rs::{Body, Checksum, GaugeFile, PosixCksum, ScidacChecksum, Sums, UnitChunk};

/// What reading a file told about its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileChecksum {
    /// Checksum of the bytes that were read, of the kind that the format states.
    pub computed: Checksum,
    /// The one that the file states.
    pub stored: Option<Checksum>,
    /// SciDAC's sums over the units of the file, whatever its format: a fingerprint.
    pub scidac: ScidacChecksum,
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
/// [`LatticeError::Mismatch`] where file and field differ in extents or group; [`LatticeError::File`], also for links
/// that the field has no place for (directions of extent 1 at the end) and that are no unit matrices;
/// [`LatticeError::OtherRank`] where another rank failed.
pub fn read<T: Real, const N: usize>(
    file: &GaugeFile,
    field: &mut GaugeField<T, N>,
    chain: usize,
) -> Result<FileChecksum, LatticeError> {
    read_with(file, field, chain, ReadOptions::default())
}

/// [`read`] with options. Each thread of the lattice reads, sums and decodes sites of its own.
///
/// # Errors
/// As [`read`].
pub fn read_with<T: Real, const N: usize>(
    file: &GaugeFile,
    field: &mut GaugeField<T, N>,
    chain: usize,
    options: ReadOptions<'_>,
) -> Result<FileChecksum, LatticeError> {
    let lattice = field.lattice().clone();
    let geometry = lattice.geometry();
    let format = file.body();
    if format.dims != geometry.extents() || format.nc != N {
        let [x, y, z, t] = geometry.extents();
        return Err(LatticeError::Mismatch(format!(
            "the file holds {} on {:?} (x,y,z,t), the field to read it into is {} on [{x}, {y}, {z}, {t}]: give one \
             of the file's lattice and group, or another file",
            group_name(format.nc),
            format.dims,
            group_name(N),
        )));
    }
    let writer = field.writer();
    let empty = Sums::new(file.format().checksum_kind(), options.posix_cksum);
    // POSIX `cksum` minds the order of the bytes, which stretches do not keep.
    let stretches = Stretches::new(writer.layout(), format).filter(|_| !options.posix_cksum);
    let whole = if let Some(stretches) = stretches {
        on_threads(&lattice, stretches.places(), &empty, |share| {
            stretches.read(file, writer, lattice.isa(), share, options.progress)
        })
    } else {
        let (region, dims) = (Region::of(geometry), geometry.dims());
        let pieces = region.units(format.order);
        on_threads(&lattice, count(&pieces), &empty, |share| {
            read_pieces(file, options, within(&pieces, &share), |chunk, numbers| {
                each_link(&region, format, chunk, numbers, |site, mu, link| {
                    if mu < dims {
                        place::<T, N>(writer, chain, site, mu, link);
                    }
                });
            })
        })
    };
    let whole = agree(lattice.comm(), whole)?;
    let sums = combine(lattice.comm(), &whole);
    field.exchange();
    let posix_cksum = whole.posix.filter(|_| geometry.ranks() == 1).as_ref().map(PosixCksum::value);
    let stored = file.stated().checksum;
    Ok(FileChecksum { computed: sums.checksum(), stored, scidac: sums.scidac, posix_cksum })
}

/// Hands the numbers of some units to `visit` and returns the sums over those that count here. Links that no field has
/// a place for have to be unit matrices.
pub(super) fn read_pieces(
    file: &GaugeFile,
    options: ReadOptions<'_>,
    pieces: Vec<Piece>,
    visit: impl Fn(&UnitChunk<'_>, &[f64]),
) -> lime_rs::Result<Sums> {
    let body = file.body();
    let beyond = Beyond::of(body);
    let mut numbers = Vec::new();
    let mut sums = Sums::new(file.format().checksum_kind(), options.posix_cksum);
    for Piece { units, counted } in pieces {
        let part = file.read_units(units, CHUNK_BYTES, options.posix_cksum, |chunk| {
            numbers.resize(chunk.units as usize * body.numbers_per_unit(), 0.0f64);
            body.decode(chunk.bytes, &mut numbers)?;
            if let Some(beyond) = &beyond {
                beyond.check(chunk.first_unit, &numbers).map_err(|error| file.named(error))?;
            }
            visit(&chunk, &numbers);
            if let Some(progress) = options.progress {
                progress(chunk.bytes.len() as u64);
            }
            Ok::<(), lime_rs::Error>(())
        })?;
        if counted {
            sums.append(&part);
        }
    }
    Ok(sums)
}

/// Calls `each(site, mu, numbers)` for the links of some units that belong to the box; `site` is counted from its origin.
pub(super) fn each_link(
    region: &Region,
    body: &Body,
    chunk: &UnitChunk<'_>,
    numbers: &[f64],
    mut each: impl FnMut(&Site, usize, &[f64]),
) {
    let slots = body.order.links_per_unit();
    // Links of one site mostly follow each other.
    let mut last = (u64::MAX, None);
    for (i, link) in numbers.chunks_exact(body.numbers_per_link()).enumerate() {
        let unit = chunk.first_unit + (i / slots) as u64;
        let (index, mu) = body.order.link(region.extents(), unit, i % slots);
        if last.0 != index {
            last = (index, region.site(index));
        }
        if let Some(site) = &last.1 {
            each(site, mu, link);
        }
    }
}

/// Puts a link into the field.
#[inline]
fn place<T: Real, const N: usize>(
    writer: FieldWriter<'_, T>,
    chain: usize,
    site: &Site,
    mu: usize,
    numbers: &[f64],
) {
    let (layout, link) = (writer.layout(), GaugeField::<T, N>::LINK);
    let (block, lane) = layout.locate(site);
    let rows = writer.rows(block, mu * link, link);
    for lane in layout.copies(lane + chain) {
        for (c, &x) in numbers.iter().enumerate() {
            // SAFETY: inside the rows just asked for; an order has each link in one unit only, which no other thread
            // has, and so no other thread has these lanes of these rows.
            unsafe { rows.add(c * T::LANES + lane).write(T::from_f64(x)) }
        }
    }
}
