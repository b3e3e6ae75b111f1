//! Fields of any kind, such as spinors, from and to records of SciDAC files, each rank its own sites.

use super::region::{Piece, Region, count, within};
use super::{CHUNK_BYTES, agree, share};
use crate::error::LatticeError;
use crate::field::{Field, FieldWriter};
use crate::geometry::Site;
use crate::lattice::Lattice;
use crate::number::Real;
use lime_rs::{
    Error, Order, PayloadWriter, Precision, RecordWriter, ScidacChecksum, ScidacFile, ScidacMeta,
    ScidacWriter, Verification, VolumeFormat, decode_as, encode_as,
};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// A SciDAC file under construction by all ranks. Dropped before [`FieldFile::finish`] it vanishes.
#[derive(Debug)]
pub struct FieldFile {
    lattice: Arc<Lattice>,
    /// On rank 0.
    writer: Option<ScidacWriter>,
}

impl FieldFile {
    /// Begins a single file of fields on a lattice; `file_xml` is the user's text on it. Collective.
    ///
    /// # Errors
    /// [`LatticeError::File`]; [`LatticeError::OtherRank`].
    pub fn create(path: &Path, lattice: &Arc<Lattice>, file_xml: &str) -> Result<Self, LatticeError> {
        let (comm, geometry) = (lattice.comm(), lattice.geometry());
        let extents = &geometry.extents()[..geometry.dims()];
        let begin = || ScidacWriter::create(path, extents, file_xml);
        let writer = agree(comm, (comm.rank() == 0).then(begin).transpose())?;
        Ok(Self { lattice: lattice.clone(), writer })
    }

    /// Writes a field of the lattice (for a batch, its chain `chain`) as the next logical record. Number k of a site is component
    /// `order[k]` of the field; `meta` describes them. Collective.
    ///
    /// # Errors
    /// [`LatticeError::File`], also for numbers that are not finite; [`LatticeError::OtherRank`].
    pub fn write<T: Real>(
        &mut self,
        meta: &ScidacMeta,
        field: &Field<T>,
        chain: usize,
        order: &[usize],
        precision: Precision,
    ) -> Result<ScidacChecksum, LatticeError> {
        let (comm, site_bytes) = (self.lattice.comm(), order.len() * precision.bytes());
        let begun = self.writer.as_mut().map(|writer| writer.begin_record(meta)).transpose();
        let record = agree(comm, begun)?;
        let (temporary, offset) = share(comm, record.as_ref().map(RecordWriter::place).unwrap_or_default());
        let body = site_bytes as u64 * self.lattice.geometry().volume() as u64;
        let write_part = || match &record {
            Some(record) => {
                let put = |first: u64, bytes: &[u8]| record.write_sites(first, bytes);
                Ok((write_sites(field, chain, order, precision, put)?, 0))
            }
            None => {
                let part = PayloadWriter::attach(temporary, offset, body)?;
                let put = |first: u64, bytes: &[u8]| {
                    let mut sum = ScidacChecksum::default();
                    sum.add_range(first, site_bytes, bytes)?;
                    part.write_payload_at(first * site_bytes as u64, bytes)?;
                    Ok(sum)
                };
                let sum = write_sites(field, chain, order, precision, put)?;
                Ok((sum, part.finish()?))
            }
        };
        let (part, elsewhere) = agree(comm, write_part())?;
        let mut sums = [part.suma, part.sumb];
        comm.xor(&mut sums);
        let whole = ScidacChecksum { suma: sums[0], sumb: sums[1] };
        let mut written = [elsewhere as i64];
        comm.sum(&mut written);
        let finished = record.map(|record| {
            record.add_written(written[0] as u64);
            record.finish(whole)
        });
        agree(comm, finished.transpose())?;
        Ok(whole)
    }

    /// Completes the file. Collective.
    ///
    /// # Errors
    /// [`LatticeError::File`]: the old file, if any, is intact; [`LatticeError::OtherRank`].
    pub fn finish(self) -> Result<(), LatticeError> {
        agree(self.lattice.comm(), self.writer.map_or(Ok(()), ScidacWriter::finish))
    }
}

/// This rank's sites as bytes to `put`, with the number of the first, from all threads; the sum of what it returns.
fn write_sites<T: Real>(
    field: &Field<T>,
    chain: usize,
    order: &[usize],
    precision: Precision,
    put: impl Fn(u64, &[u8]) -> lime_rs::Result<ScidacChecksum> + Sync,
) -> lime_rs::Result<ScidacChecksum> {
    let (lattice, layout) = (field.lattice(), field.layout());
    let region = Region::of(lattice.geometry());
    let pieces = region.units(Order::Canonical);
    let at_once = (CHUNK_BYTES / (order.len() * precision.bytes())).max(1) as u64;
    each_thread(lattice, count(&pieces), |share| {
        let (mut numbers, mut bytes) = (Vec::new(), Vec::new());
        let mut sum = ScidacChecksum::default();
        for Piece { units, .. } in within(&pieces, &share) {
            for first in units.clone().step_by(at_once as usize) {
                numbers.clear();
                for site in (first..units.end.min(first + at_once)).filter_map(|rank| region.site(rank)) {
                    let (block, lane) = layout.locate(&site);
                    let lane = layout.copies(lane + chain).next().unwrap_or(lane);
                    numbers.extend(order.iter().map(|&c| field.get(block, c, lane).to_f64()));
                }
                check_finite(&numbers, order.len(), first, precision)?;
                bytes.resize(numbers.len() * precision.bytes(), 0);
                encode_as(precision, &numbers, &mut bytes)?;
                sum ^= put(first, &bytes)?;
            }
        }
        Ok(sum)
    })
}

/// Refuses numbers, `each` of them a site, that are none in the file's precision.
fn check_finite(numbers: &[f64], each: usize, first: u64, precision: Precision) -> lime_rs::Result<()> {
    let odd = |x: &f64| match precision {
        Precision::F64 => !x.is_finite(),
        Precision::F32 => !(*x as f32).is_finite(),
    };
    let Some(bad) = numbers.iter().position(odd) else { return Ok(()) };
    let rank = first + (bad / each) as u64;
    let detail = format!(
        "number {} of site {rank} is not finite in {precision} precision: NaN, infinity, or beyond the largest number; mend \
         the field, or find out where it diverged",
        bad % each
    );
    Err(Error::Unwritable { detail })
}

/// Reads logical record `index` of a file, in whatever volumes, into fields; for a batch, into their chain `chain`. Number k of
/// a site becomes component `order[k].1` of field `order[k].0`: a propagator has a field for each column. A bad checksum is no
/// error before [`Verification::check`]. Collective.
///
/// # Errors
/// [`LatticeError::Mismatch`] where file and fields differ in extents or in the numbers of a site; [`LatticeError::File`];
/// [`LatticeError::OtherRank`].
pub fn read_fields<T: Real>(
    file: &ScidacFile,
    index: usize,
    fields: &mut [&mut Field<T>],
    chain: usize,
    order: &[(usize, usize)],
) -> Result<Verification, LatticeError> {
    let lattice = fields[0].lattice().clone();
    let geometry = lattice.geometry();
    let extents = &geometry.extents()[..geometry.dims()];
    if file.info().dims != extents {
        return Err(LatticeError::Mismatch(format!(
            "the file's lattice is {:?} (x first), that of the fields to read it into {extents:?}: give one of the file's \
             extents, or another file",
            file.info().dims
        )));
    }
    let mut verification = file.verification(index, ScidacChecksum::default())?;
    let payload = &file.payloads()[index];
    if payload.content.numbers() != order.len() as u64 {
        return Err(LatticeError::Mismatch(format!(
            "record {index} of the file has {} numbers a site ({:?}), {} are to be read: choose another record",
            payload.content.numbers(),
            payload.content,
            order.len()
        )));
    }
    let region = Region::of(geometry);
    // In a single file a site's number is its place; of several volumes every rank looks through all.
    let in_order = file.info().volume_format == VolumeFormat::Single;
    let pieces = if in_order {
        region.units(Order::Canonical)
    } else {
        vec![Piece { units: 0..payload.sites, counted: true }]
    };
    let writers: Vec<FieldWriter<'_, T>> = fields.iter_mut().map(|field| field.writer()).collect();
    let sum = each_thread(&lattice, count(&pieces), |share| {
        let mut numbers: Vec<f64> = Vec::new();
        let mut sum = ScidacChecksum::default();
        for Piece { units, .. } in within(&pieces, &share) {
            sum ^= file.read_data(index, units, CHUNK_BYTES, |chunk| {
                let Some(precision) = payload.number.precision() else {
                    let detail = "its numbers are no floating-point numbers".into();
                    return Err(Error::UnusableRecord { index, detail });
                };
                numbers.resize(chunk.count as usize * order.len(), 0.0);
                decode_as(precision, chunk.bytes, &mut numbers)?;
                for (i, numbers) in (0..chunk.count).zip(numbers.chunks_exact(order.len())) {
                    if let Some(site) = region.site(chunk.rank(i)) {
                        put_site(&writers, chain, &site, order, numbers);
                    }
                }
                Ok(())
            })?;
        }
        Ok(sum)
    });
    let sum = agree(lattice.comm(), sum)?;
    let mut sums = [sum.suma, sum.sumb];
    if in_order {
        lattice.comm().xor(&mut sums);
    }
    fields.iter_mut().for_each(|field| field.exchange());
    verification.computed = ScidacChecksum { suma: sums[0], sumb: sums[1] };
    Ok(verification)
}

/// Puts a site's numbers into the fields.
#[inline]
fn put_site<T: Real>(
    writers: &[FieldWriter<'_, T>],
    chain: usize,
    site: &Site,
    order: &[(usize, usize)],
    numbers: &[f64],
) {
    let layout = writers[0].layout();
    let (block, lane) = layout.locate(site);
    for lane in layout.copies(lane + chain) {
        for (&(field, component), &x) in order.iter().zip(numbers) {
            let row = writers[field].rows(block, component, 1);
            // SAFETY: inside the row just asked for; a site is in one place of the file only, which one thread reads.
            unsafe { row.add(lane).write(T::from_f64(x)) }
        }
    }
}

/// Every thread's work on its share of `0..count`, and the sum of all parts.
fn each_thread(
    lattice: &Lattice,
    count: usize,
    work: impl Fn(Range<usize>) -> lime_rs::Result<ScidacChecksum> + Sync,
) -> lime_rs::Result<ScidacChecksum> {
    let parts: Vec<Mutex<lime_rs::Result<ScidacChecksum>>> =
        (0..lattice.pool().threads()).map(|_| Mutex::new(Ok(ScidacChecksum::default()))).collect();
    lattice.pool().run(0..count, |thread, share| {
        *parts[thread].lock().unwrap_or_else(|e| e.into_inner()) = work(share);
    });
    let mut parts = parts.into_iter().map(|part| part.into_inner().unwrap_or_else(|e| e.into_inner()));
    parts.try_fold(ScidacChecksum::default(), |sum, part| Ok(sum ^ part?))
}
