//! A box of a file into memory that is no field of ours, and checksums of boxes put together.

use super::on_threads;
use super::read::{FileChecksum, ReadOptions, each_link, read_pieces};
use super::region::{Region, count, within};
use crate::error::LatticeError;
use crate::geometry::{Site, ravel};
use crate::lattice::Lattice;
use lime_rs::{GaugeFile, Sums};
use std::ops::Range;

/// A box's part of a file's checksum.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// Sums over the units that count for the box: each unit counts for the box that has its first link.
    pub sums: Sums,
    /// How many units these are.
    pub units: u64,
    /// Which they are: the sum, modulo 2³², of a number made of each unit's. A unit that is missing is not made up for by
    /// one that is there twice.
    pub cover: u32,
}

/// A part of [`Part::cover`]: SplitMix64's mixing (Steele, Lea and Flood 2014), of which 32 bits are kept.
fn cover(units: Range<u64>) -> u32 {
    units.fold(0, |sum: u32, unit| {
        let mut x = unit.wrapping_add(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        sum.wrapping_add((x ^ (x >> 31)) as u32)
    })
}

impl Part {
    /// The checksum of a file from the parts of boxes that cover its lattice once, in any order.
    ///
    /// # Errors
    /// [`LatticeError::Mismatch`] for parts that hold more or fewer units than the file.
    pub fn whole(file: &GaugeFile, parts: &[Self]) -> Result<FileChecksum, LatticeError> {
        let held = parts.iter().fold(0u64, |all, part| all.saturating_add(part.units));
        let units = file.body().units();
        if held != units {
            return Err(LatticeError::Mismatch(format!(
                "{} parts hold {held} of the {units} units of the file: give the part of every box of the lattice, \
                 each once",
                parts.len()
            )));
        }
        let covered = parts.iter().fold(0u32, |all, part| all.wrapping_add(part.cover));
        if covered != cover(0..units) {
            return Err(LatticeError::Mismatch(format!(
                "{} parts hold {units} units, as many as the file, but not each of them: some boxes overlap, others are \
                 missing; give the part of every box of the lattice, each once",
                parts.len()
            )));
        }
        let mut sums = Sums::new(file.format().checksum_kind(), false);
        parts.iter().for_each(|part| sums.append(&part.sums));
        Ok(FileChecksum {
            computed: sums.checksum(),
            stored: file.stated().checksum,
            scidac: sums.scidac,
            posix_cksum: None,
        })
    }
}

/// Reads the links of the box that begins at `origin` of the file's lattice and has the extents of `lattice`, on the
/// lattice's threads, and of the file only what holds them. `put(site, mu, numbers)` is called once for each link: the
/// number of the site within the box, x fastest; the direction; and the 2 nc² real numbers by row, column, re, im.
/// A lattice of fewer dimensions than the file's is a slice, without the links out of it.
///
/// # Errors
/// [`LatticeError::Mismatch`] for a box that reaches past the end, and for a lattice of several ranks, which has boxes of
/// its own; [`LatticeError::File`], as for [`read`](super::read()).
pub fn read_box(
    file: &GaugeFile,
    lattice: &Lattice,
    origin: &Site,
    put: impl Fn(usize, usize, &[f64]) + Sync,
) -> Result<Part, LatticeError> {
    let (geometry, body) = (lattice.geometry(), file.body());
    if geometry.ranks() > 1 {
        return Err(LatticeError::Mismatch(
            "a box is read by one rank: make a lattice of the box's extents".into(),
        ));
    }
    let local = geometry.extents();
    let region = Region::within(body.dims, *origin, local)?;
    let pieces = region.units(body.order);
    let empty = Sums::new(file.format().checksum_kind(), false);
    let sums = on_threads(lattice, count(&pieces), &empty, |share| {
        read_pieces(file, ReadOptions::default(), within(&pieces, &share), |chunk, numbers| {
            each_link(&region, body, chunk, numbers, |site, mu, link| {
                if mu < geometry.dims() {
                    put(ravel(site, &local), mu, link);
                }
            });
        })
    })?;
    let counted = || pieces.iter().filter(|piece| piece.counted).map(|piece| piece.units.clone());
    let units = counted().map(|units| units.end - units.start).sum();
    let cover = counted().fold(0u32, |all, units| all.wrapping_add(cover(units)));
    Ok(Part { sums, units, cover })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{WriteOptions, write_as};
    use crate::gauge::GaugeField;
    use crate::geometry::unravel;
    use crate::lattice::LatticeOptions;
    use crate::rng::{Address, Purpose};
    use lime_rs::{FileFormat, Precision};
    use std::sync::Mutex;

    const EXTENTS: Site = [4, 6, 2, 8];

    fn lattice(extents: &[usize], threads: usize) -> std::sync::Arc<Lattice> {
        Lattice::new(extents, LatticeOptions { threads, ..LatticeOptions::default() }).unwrap()
    }

    /// The links of a box, each of which has to come once.
    fn links(file: &GaugeFile, extents: &[usize], threads: usize, origin: &Site) -> (Part, Vec<Vec<f64>>) {
        let (lattice, dims) = (lattice(extents, threads), extents.len());
        let found = Mutex::new(vec![Vec::new(); lattice.volume() * dims]);
        let part = read_box(file, &lattice, origin, |site, mu, numbers| {
            let old = std::mem::replace(&mut found.lock().unwrap()[site * dims + mu], numbers.to_vec());
            assert!(old.is_empty(), "site {site}, direction {mu} twice");
        });
        (part.unwrap(), found.into_inner().unwrap())
    }

    /// Boxes of unequal extents that cover the lattice, in every format: the links of the whole, and its checksum.
    #[test]
    fn boxes_are_what_the_whole_has_there() {
        let folder = tempfile::tempdir().unwrap();
        let u = GaugeField::<f64, 3>::random(&lattice(&EXTENTS, 1), 1.0, Address::new(9, Purpose::Start))
            .unwrap();
        for format in FileFormat::ALL {
            let path = folder.path().join(format.name());
            let precision = if format == FileFormat::Milc { Precision::F32 } else { Precision::F64 };
            let options = WriteOptions {
                plaquette: Some(0.5),
                link_trace: Some(0.1),
                ..WriteOptions::new(format, precision)
            };
            write_as(&path, &u, 0, &options).unwrap();
            let file = GaugeFile::open_as(&path, Some(format), None).unwrap();
            let (all, whole) = links(&file, &EXTENTS, 2, &[0; 4]);
            assert_eq!(all.units, file.body().units());
            assert_eq!(whole.iter().filter(|link| link.len() == 18).count(), whole.len(), "{format}");
            let (block, lane) = u.layout().locate(&[3, 1, 0, 2]);
            let expected = u.link(block, 1, lane).0[2][0];
            let found = &whole[4 * ravel(&[3, 1, 0, 2], &EXTENTS) + 1];
            assert!(
                (found[12] - expected.re).abs() < 1e-7 && (found[13] - expected.im).abs() < 1e-7,
                "{format}"
            );

            let mut parts = Vec::new();
            for (origin, extents) in
                [([0, 0, 0, 0], [4, 3, 2, 8]), ([0, 3, 0, 0], [4, 3, 2, 3]), ([0, 3, 0, 3], [4, 3, 2, 5])]
            {
                let (part, links) = links(&file, &extents, 3, &origin);
                for (i, link) in links.iter().enumerate() {
                    let x = unravel(i / 4, &extents);
                    let there = ravel(&std::array::from_fn(|mu| x[mu] + origin[mu]), &EXTENTS);
                    assert_eq!(link, &whole[4 * there + i % 4], "{format}: {x:?} of the box at {origin:?}");
                }
                parts.push(part);
            }
            let sum = Part::whole(&file, &parts).unwrap();
            assert_eq!(sum.computed, all.sums.checksum(), "{format}");
            assert!(!sum.is_bad() && sum.computed == file.sums(false).unwrap().checksum());
            // Nothing is verified while a box is missing, or there twice, nor where one makes up for the other.
            let (half, _) = links(&file, &[4, 6, 2, 4], 1, &[0; 4]);
            for wrong in [&parts[..2], &[&parts[..], &parts[..1]].concat(), &[half.clone(), half]] {
                let text = Part::whole(&file, wrong).unwrap_err().to_string();
                assert!(text.contains("each once"), "{text}");
            }
        }
    }

    #[test]
    fn a_slice_has_the_links_within_it_and_a_box_beyond_the_end_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("u");
        let u = GaugeField::<f64, 2>::random(&lattice(&EXTENTS, 1), 1.0, Address::new(9, Purpose::Start))
            .unwrap();
        write_as(&path, &u, 0, &WriteOptions::new(FileFormat::Ildg, Precision::F64)).unwrap();
        let file = GaugeFile::open(&path).unwrap();
        let (part, slice) = links(&file, &[4, 6, 2], 1, &[0, 0, 0, 5]);
        assert_eq!((part.units, slice.len()), (48, 3 * 48));
        let (block, lane) = u.layout().locate(&[1, 2, 1, 5]);
        assert_eq!(slice[3 * ravel(&[1, 2, 1, 0], &EXTENTS) + 2][0], u.link(block, 2, lane).0[0][0].re);
        for origin in [[1, 0, 0, 0], [0, 0, 0, 8], [usize::MAX, 0, 0, 0]] {
            let text =
                read_box(&file, &lattice(&[4, 6, 2], 1), &origin, |_, _, _| ()).unwrap_err().to_string();
            assert!(text.contains("past the end of the file's [4, 6, 2, 8]"), "{text}");
        }
    }
}
