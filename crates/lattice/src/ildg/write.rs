//! Writing: a file that appears only when complete.

use super::{CHUNK_BYTES, agree, combine, local_site, own_sites};
use crate::comm::Comm;
use crate::error::LatticeError;
use crate::gauge::GaugeField;
use crate::group::Matrix;
use crate::number::Real;
use lime_rs::{IldgFormat, IldgMeta, IldgWriter, PayloadWriter, Precision, ScidacChecksum, TextRecord};
use std::path::Path;

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

/// Rank 0's text and number on every rank.
fn share(comm: &dyn Comm, (text, number): (String, u64)) -> (String, u64) {
    let mut sizes = [text.len() as u64, number];
    comm.broadcast(bytemuck::cast_slice_mut(&mut sizes));
    let mut bytes = text.into_bytes();
    bytes.resize(sizes[0] as usize, 0);
    comm.broadcast(&mut bytes);
    (String::from_utf8_lossy(&bytes).into_owned(), sizes[1])
}
