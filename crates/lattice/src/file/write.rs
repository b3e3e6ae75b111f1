//! Writing: a file that appears only when complete.

use super::lanes::Stretches;
use super::region::{Piece, Region, count, within};
use super::{CHUNK_BYTES, agree, combine, on_threads, share};
use crate::comm::Comm;
use crate::error::LatticeError;
use crate::gauge::GaugeField;
use crate::geometry::{DIM_MAX, Site};
use crate::group::Matrix;
use crate::number::Real;
use lime_rs::{
    AtomicFile, Body, ByteOrder, FileFormat, GaugeMeta, GaugeWriter, PayloadWriter, Precision, Rows,
    ScidacChecksum, Sums, TextRecord,
};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// What goes into a file of LIME records beside the field; other formats have no place for it.
#[derive(Clone, Debug, Default)]
pub struct FileText {
    /// Logical file name, e.g. `lfn://group/ensemble/conf.1000`.
    pub lfn: Option<String>,
    /// The user's XML on the file (`scidac-file-xml`) and on the field (`scidac-record-xml`), for ILDG and SciDAC; a short title
    /// where there is none.
    pub user_xml: [Option<String>; 2],
    /// Records before the payload, e.g. `xlf-info`.
    pub before: Vec<TextRecord>,
    /// Records after it, e.g. `gaugelink-provenance`.
    pub after: Vec<TextRecord>,
}

impl FileText {
    /// A logical file name for a file of which no other is known, made from its path: `lfn://gaugelink/NAME`.
    pub fn lfn_of(path: &Path) -> String {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        format!("lfn://gaugelink/{}", name.replace(char::is_control, "_"))
    }
}

/// How [`write_as`] writes a field.
#[derive(Clone, Copy, Debug)]
pub struct WriteOptions<'a> {
    /// The format.
    pub format: FileFormat,
    /// Width of the numbers.
    pub precision: Precision,
    /// What is kept of each link.
    pub rows: Rows,
    /// Average plaquette, for headers that state it.
    pub plaquette: Option<f64>,
    /// Average link trace, for headers that state it.
    pub link_trace: Option<f64>,
    /// Further records, and the logical file name, which Grid's reader needs.
    pub text: Option<&'a FileText>,
    /// Raised, it ends the writing: [`lime_rs::Error::Stopped`].
    pub stop: Option<&'a AtomicBool>,
}

impl WriteOptions<'_> {
    /// All rows, nothing stated, no further records.
    pub fn new(format: FileFormat, precision: Precision) -> Self {
        let (rows, plaquette, link_trace, text, stop) = (Rows::All, None, None, None, None);
        Self { format, precision, rows, plaquette, link_trace, text, stop }
    }
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
    let options = WriteOptions { text: Some(text), ..WriteOptions::new(FileFormat::Ildg, precision) };
    Ok(write_as(path, field, chain, &options)?.scidac)
}

/// A file that is complete, but has not yet its name. Dropped without [`Complete::commit`] it vanishes.
#[derive(Debug)]
pub struct Complete {
    /// Sums of its bytes; of openQCD's format, which states none, not complete where ranks share units.
    pub sums: Sums,
    /// On the first rank.
    file: Option<AtomicFile>,
}

impl Complete {
    /// Where it may be read meanwhile, on the first rank.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(AtomicFile::temporary_path)
    }

    /// Gives it its name, and returns its sums. Collective.
    ///
    /// # Errors
    /// [`LatticeError::File`]: the old file, if any, is intact; [`LatticeError::OtherRank`].
    pub fn commit(self, comm: &dyn Comm) -> Result<Sums, LatticeError> {
        agree(comm, self.file.map_or(Ok(()), AtomicFile::commit))?;
        Ok(self.sums)
    }
}

/// Writes a gauge field (for a batch, its chain `chain`) as a file of any format that appears only when complete, and
/// returns its sums, as of [`Complete`]. Collective.
///
/// # Errors
/// As [`complete_as`].
pub fn write_as<T: Real, const N: usize>(
    path: &Path,
    field: &GaugeField<T, N>,
    chain: usize,
    options: &WriteOptions<'_>,
) -> Result<Sums, LatticeError> {
    complete_as(path, field, chain, options)?.commit(field.lattice().comm())
}

/// As [`write_as`], up to the last step: `path` is what it was until [`Complete::commit`]. Collective.
///
/// # Errors
/// [`LatticeError::File`], e.g. for links that the format cannot hold, or that are no finite numbers in the file's
/// precision, or all zero: the old file, if any, is intact;
/// [`LatticeError::OtherRank`].
pub fn complete_as<T: Real, const N: usize>(
    path: &Path,
    field: &GaugeField<T, N>,
    chain: usize,
    options: &WriteOptions<'_>,
) -> Result<Complete, LatticeError> {
    let lattice = field.lattice();
    let (comm, geometry) = (lattice.comm(), lattice.geometry());
    let mut meta = GaugeMeta::new(options.format, geometry.extents(), N, options.precision);
    (meta.rows, meta.plaquette, meta.link_trace) = (options.rows, options.plaquette, options.link_trace);
    if options.format == FileFormat::Grid {
        meta.norm2 = Some(field.norm2()[chain]);
    }
    if let Some(text) = options.text {
        (meta.lfn, meta.extra) = (text.lfn.clone(), text.before.clone());
        meta.user_xml = text.user_xml.clone();
    }
    let body = options.format.body(meta.dims, N, meta.precision, meta.rows)?;
    let written = field.as_slice().iter().any(|x| x.to_f64() != 0.0);
    if comm.max(f64::from(written)) == 0.0 {
        let detail = "every link is zero: fill the field before it is written".into();
        return Err(lime_rs::Error::Unwritable { detail }.into());
    }
    let first = comm.rank() == 0;
    let writer = if first { GaugeWriter::create(path, &meta).map(Some) } else { Ok(None) };
    let writer = agree(comm, writer)?;
    let place = writer.as_ref().map(|w| (w.temporary_path().to_string_lossy().into_owned(), w.offset()));
    let (temporary, offset) = share(comm, place.unwrap_or_default());

    let empty = Sums::new(options.format.checksum_kind(), false);
    let go_on = || match options.stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
        true => Err(lime_rs::Error::Stopped),
        false => Ok(()),
    };
    let write_part = || {
        if let Some(writer) = &writer {
            let put = |at: u64, bytes: &[u8]| go_on().and_then(|()| writer.write_body_at(at, bytes));
            return Ok((write_body(field, chain, &body, &empty, put)?, 0));
        }
        let part = PayloadWriter::attach(temporary, offset, body.bytes())?;
        let put = |at: u64, bytes: &[u8]| go_on().and_then(|()| part.write_payload_at(at, bytes));
        Ok((write_body(field, chain, &body, &empty, put)?, part.finish()?))
    };
    let (part, elsewhere) = agree(comm, write_part())?;
    let whole = combine(comm, &part);
    let mut written = [elsewhere as i64];
    comm.sum(&mut written);
    let finished = match writer {
        Some(writer) => {
            writer.add_written(written[0] as u64);
            writer.complete(&whole, options.text.map_or(&[], |text| &text.after)).map(Some)
        }
        None => Ok(None),
    };
    Ok(Complete { file: agree(comm, finished)?, sums: whole })
}

/// Hands this rank's links as bytes to `put`, with their offset in the body, from all threads.
fn write_body<T: Real, const N: usize>(
    field: &GaugeField<T, N>,
    chain: usize,
    body: &Body,
    empty: &Sums,
    put: impl Fn(u64, &[u8]) -> lime_rs::Result<()> + Sync,
) -> lime_rs::Result<Sums> {
    let lattice = field.lattice();
    let put = |at: u64, bytes: &[u8]| {
        check_numbers(body, at, bytes)?;
        put(at, bytes)
    };
    if let Some(stretches) = Stretches::new(field.layout(), body) {
        let unit: Vec<T> = Matrix::<T, N>::unit().0.iter().flatten().flat_map(|z| [z.re, z.im]).collect();
        let beyond = unit.repeat(DIM_MAX - lattice.dims());
        return on_threads(lattice, stretches.places(), empty, |share| {
            stretches.write(field.reader(), &beyond, lattice.isa(), share, empty.clone(), put)
        });
    }
    let region = Region::of(lattice.geometry());
    let pieces = region.units(body.order);
    on_threads(lattice, count(&pieces), empty, |share| {
        write_units(field, chain, body, &region, within(&pieces, &share), empty.clone(), put)
    })
}

/// Refuses bytes at `at` of the body that hold a number which is none: NaN, or infinite, perhaps by rounding only.
fn check_numbers(body: &Body, at: u64, bytes: &[u8]) -> lime_rs::Result<()> {
    let exponent: u32 = match body.precision {
        Precision::F64 => 0x7ff0_0000,
        Precision::F32 => 0x7f80_0000,
    };
    // In the file's order of bytes, so that no number is turned around.
    let exponent = match body.byte_order {
        ByteOrder::Big => exponent.to_be(),
        ByteOrder::Little => exponent.to_le(),
    };
    let bad = match (body.precision, body.byte_order) {
        (Precision::F64, ByteOrder::Big) => {
            first_odd(bytes.as_chunks::<8>().0, exponent, |x| [x[0], x[1], x[2], x[3]])
        }
        (Precision::F64, ByteOrder::Little) => {
            first_odd(bytes.as_chunks::<8>().0, exponent, |x| [x[4], x[5], x[6], x[7]])
        }
        (Precision::F32, _) => first_odd(bytes.as_chunks::<4>().0, exponent, |x| *x),
    };
    let Some(bad) = bad else { return Ok(()) };
    let (unit, slots) = (body.unit_bytes() as u64, body.order.links_per_unit());
    let place = at + (bad * body.precision.bytes()) as u64;
    let slot = (place % unit) as usize / (body.unit_bytes() / slots);
    let (rank, mu) = body.order.link(body.dims, place / unit, slot);
    let detail = format!(
        "the link in direction {mu} of site {rank} is not finite in {} precision: NaN, infinity, or beyond the largest \
         number; mend the field, or find out where it diverged",
        body.precision
    );
    Err(lime_rs::Error::Unwritable { detail })
}

/// The first number with all bits of the exponent set, in the word that has it.
fn first_odd<const B: usize>(
    numbers: &[[u8; B]],
    exponent: u32,
    word: impl Fn(&[u8; B]) -> [u8; 4],
) -> Option<usize> {
    let odd = |x: &[u8; B]| u32::from_ne_bytes(word(x)) & exponent == exponent;
    // To look at every number without a branch is faster than to stop at the first.
    if numbers.iter().fold(false, |any, x| any | odd(x)) { numbers.iter().position(odd) } else { None }
}

fn write_units<T: Real, const N: usize>(
    field: &GaugeField<T, N>,
    chain: usize,
    body: &Body,
    region: &Region,
    pieces: Vec<Piece>,
    mut sums: Sums,
    put: impl Fn(u64, &[u8]) -> lime_rs::Result<()>,
) -> lime_rs::Result<Sums> {
    let (per_unit, unit_bytes, slots) =
        (body.numbers_per_unit(), body.unit_bytes(), body.order.links_per_unit());
    let at_once = (CHUNK_BYTES / unit_bytes).max(1);
    let mut numbers = vec![0.0f64; at_once * per_unit];
    let mut bytes = vec![0; at_once * unit_bytes];
    let mut own = vec![false; at_once * slots];
    for Piece { units, .. } in pieces {
        let mut start = units.start;
        while start < units.end {
            let count = at_once.min((units.end - start) as usize);
            let links = numbers[..count * per_unit].chunks_exact_mut(2 * N * N);
            // Links of one site mostly follow each other.
            let mut last = (u64::MAX, None);
            for (i, (link, own)) in links.zip(&mut own).enumerate() {
                let unit = start + (i / slots) as u64;
                let (index, mu) = body.order.link(body.dims, unit, i % slots);
                if last.0 != index {
                    last = (index, region.site(index));
                }
                *own = last.1.is_some();
                if let Some(site) = last.1 {
                    put_link(field, chain, &site, mu, link);
                }
            }
            let bytes = &mut bytes[..count * unit_bytes];
            body.encode(start, &numbers[..count * per_unit], bytes)?;
            let at = start * unit_bytes as u64;
            let own = &own[..count * slots];
            if own.iter().all(|&own| own) {
                sums.add(body, start, bytes)?;
                put(at, bytes)?;
            } else {
                // Units that are shared with other ranks: each writes its own links.
                let link_bytes = unit_bytes / slots;
                for (i, link) in bytes.chunks_exact(link_bytes).enumerate().filter(|&(i, _)| own[i]) {
                    put(at + (i * link_bytes) as u64, link)?;
                }
            }
            start += count as u64;
        }
    }
    Ok(sums)
}

/// The numbers of one link; directions that the lattice does not have hold unit links.
fn put_link<T: Real, const N: usize>(
    field: &GaugeField<T, N>,
    chain: usize,
    site: &Site,
    mu: usize,
    numbers: &mut [f64],
) {
    let (block, lane) = field.layout().locate(site);
    let u = if mu < field.lattice().dims() { field.link(block, mu, lane + chain) } else { Matrix::unit() };
    for (z, numbers) in u.0.iter().flatten().zip(numbers.chunks_exact_mut(2)) {
        (numbers[0], numbers[1]) = (z.re.to_f64(), z.im.to_f64());
    }
}
