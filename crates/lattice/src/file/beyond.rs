//! Links of a file in directions that a field does not have. Fields leave out directions of extent 1 at the end; there a
//! file may hold unit matrices only, ‖U − 1‖ = 0 to the rounding of its numbers, for other links would be lost.

use super::extents;
use lime_rs::{Body, Error};

/// The links that are left out of a file's sites.
#[derive(Clone, Copy)]
pub(super) struct Beyond<'a> {
    body: &'a Body,
    /// Directions that a field has.
    dims: usize,
}

impl<'a> Beyond<'a> {
    /// `None` where a field has all directions of the file.
    pub fn of(body: &'a Body) -> Option<Self> {
        let dims = extents(&body.dims).len();
        (dims < body.dims.len()).then_some(Self { body, dims })
    }

    /// Looks at the numbers of whole units from `first_unit` on.
    ///
    /// # Errors
    /// [`Error::LinkLeftOut`] for the first link that is no unit matrix; NaN is none.
    pub fn check(&self, first_unit: u64, numbers: &[f64]) -> lime_rs::Result<()> {
        let Self { body, dims } = *self;
        let slots = body.order.links_per_unit();
        for (i, link) in numbers.chunks_exact(body.numbers_per_link()).enumerate() {
            let (rank, mu) = body.order.link(body.dims, first_unit + (i / slots) as u64, i % slots);
            if mu < dims {
                continue;
            }
            // The diagonal's real parts lie 2 (nc + 1) numbers apart.
            let unit = |c: usize| f64::from(u8::from(c.is_multiple_of(2 * (body.nc + 1))));
            // Written so that NaN stays.
            let larger = |most: f64, off: f64| if off > most || off.is_nan() { off } else { most };
            let deviation = link.iter().enumerate().map(|(c, x)| (x - unit(c)).abs()).fold(0.0, larger);
            let limit = body.rounding();
            if deviation.is_nan() || deviation > limit {
                return Err(Error::LinkLeftOut { dims: body.dims, rank, mu, deviation, limit });
            }
        }
        Ok(())
    }

    /// As [`Self::check`], of stored bytes; `numbers` is room for them.
    ///
    /// # Errors
    /// As there.
    pub fn check_bytes(&self, first_unit: u64, bytes: &[u8], numbers: &mut Vec<f64>) -> lime_rs::Result<()> {
        let units = bytes.len() / self.body.unit_bytes();
        numbers.resize(units * self.body.numbers_per_unit(), 0.0);
        self.body.decode(bytes, numbers)?;
        self.check(first_unit, numbers)
    }
}

#[cfg(test)]
mod tests {
    use crate::file::{Part, ReadOptions, WriteOptions, read_box, read_with, write_as};
    use crate::gauge::GaugeField;
    use crate::lattice::{Lattice, LatticeOptions};
    use crate::layout::LaneMeaning;
    use crate::rng::{Address, Purpose};
    use lime_rs::{Error, FileFormat, GaugeFile, Precision};
    use std::path::Path;

    /// Reads a file in every way that there is: in stretches, in the file's order, into a batch, as a box.
    fn read_all<const N: usize>(path: &Path, format: FileFormat, dims: &[usize]) -> Vec<Option<String>> {
        let file = GaugeFile::open_as(path, Some(format), None).unwrap();
        let batch = LaneMeaning::Batch { chains: 3 };
        let mut answers = Vec::new();
        for (lanes, posix_cksum) in [(LaneMeaning::Sites, false), (LaneMeaning::Sites, true), (batch, false)]
        {
            let lattice = Lattice::new(dims, LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap();
            let mut u = GaugeField::<f64, N>::cold(&lattice).unwrap();
            let options = ReadOptions { posix_cksum, ..ReadOptions::default() };
            answers.push(read_with(&file, &mut u, 0, options).err().map(|error| error.to_string()));
        }
        let lattice = Lattice::new(dims, LatticeOptions::default()).unwrap();
        let part =
            read_box(&file, &lattice, &[0; 4], |_, _, _| ()).and_then(|part| Part::whole(&file, &[part]));
        answers.push(part.err().map(|error| error.to_string()));
        answers
    }

    fn check<const N: usize>(dims: &[usize], format: FileFormat, precision: Precision) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("u");
        let lattice = Lattice::new(dims, LatticeOptions::default()).unwrap();
        let u = GaugeField::<f64, N>::random(&lattice, 1.0, Address::new(9, Purpose::Start)).unwrap();
        let options = WriteOptions {
            plaquette: Some(0.5),
            link_trace: Some(0.1),
            ..WriteOptions::new(format, precision)
        };
        write_as(&path, &u, 0, &options).unwrap();
        assert_eq!(read_all::<N>(&path, format, dims), [const { None }; 4], "{format}: unit matrices");
        let file = GaugeFile::open_as(&path, Some(format), None).unwrap();
        let body = *file.body();
        // The first number of the link in direction t of a site in the middle.
        let (unit, slot) = body.order.unit(body.dims, 37, 3);
        let place = file.offset()
            + unit * body.unit_bytes() as u64
            + (slot * body.unit_bytes() / body.order.links_per_unit()) as u64;
        let bytes = std::fs::read(&path).unwrap();
        for (value, lost) in [(1.0 + 1e-3, true), (f64::NAN, true), (0.0, true), (1.0 + 1e-13, false)] {
            let mut other = bytes.clone();
            let at = place as usize;
            let stored = &mut other[at..at + precision.bytes()];
            lime_rs::encode_ordered(body.byte_order, precision, &[value], stored).unwrap();
            std::fs::write(&path, other).unwrap();
            for answer in read_all::<N>(&path, format, dims) {
                let said = answer.as_deref().unwrap_or("nothing");
                assert_eq!(answer.is_some(), lost, "{format} {value}: {said}");
                assert!(
                    !lost || said.contains("direction t of site 37") && said.contains("would be lost"),
                    "{said}"
                );
                assert!(!lost || said.starts_with(path.to_str().unwrap()), "{said}");
            }
        }
    }

    #[test]
    fn links_that_a_field_has_no_place_for_are_unit_matrices_or_an_error() {
        check::<3>(&[4, 4, 4], FileFormat::Ildg, Precision::F64);
        check::<2>(&[4, 6, 4], FileFormat::Ildg, Precision::F32);
        check::<1>(&[8, 6], FileFormat::Ildg, Precision::F64);
        check::<3>(&[4, 4, 4], FileFormat::HiRep, Precision::F64);
        check::<3>(&[4, 4, 4], FileFormat::Milc, Precision::F32);
    }

    #[test]
    fn fields_of_four_dimensions_leave_nothing_out() {
        let body = FileFormat::Ildg.body([4, 4, 1, 4], 3, Precision::F64, lime_rs::Rows::All).unwrap();
        assert!(super::Beyond::of(&body).is_none());
        let error = Error::LinkLeftOut { dims: [4, 4, 4, 1], rank: 3, mu: 3, deviation: 1.0, limit: 1e-12 };
        assert!(error.to_string().contains("4x4x4x1"), "{error}");
    }
}
