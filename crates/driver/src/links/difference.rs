//! How two sets of links differ.

use gaugelink_lattice::{GaugeField, LatticeError, Site};
use lime_rs::{Error, GaugeFile, Sums};
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes of a file that are looked at at a time.
const CHUNK_BYTES: usize = 1 << 19;

/// Differences of links, link by link. The difference of two links is the Frobenius norm of their difference.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Differences {
    /// Links that differ at all.
    pub differing: u64,
    /// Sum of the squares.
    sum: f64,
    /// The largest square, and where it is; of equal ones the first.
    worst: (f64, Option<(Site, usize)>),
}

impl Differences {
    /// Adds a link by the square of its difference.
    pub fn add(&mut self, site: Site, mu: usize, off: f64) {
        self.sum += off;
        self.differing += (off != 0.0) as u64;
        // Written so that a NaN is the worst.
        if off > self.worst.0 || off.is_nan() && !self.worst.0.is_nan() {
            self.worst = (off, Some((site, mu)));
        }
    }

    /// The largest difference.
    pub fn largest(&self) -> f64 {
        self.worst.0.sqrt()
    }

    /// Site and direction of the largest difference.
    pub fn place(&self) -> Option<(Site, usize)> {
        self.worst.1
    }

    /// The root of the mean square over so many links.
    pub fn rms(&self, links: usize) -> f64 {
        (self.sum / links as f64).sqrt()
    }

    /// Those between a field and a file, which is read in one pass, and the sums of the file; no second field is made.
    /// `stop` ends the pass.
    ///
    /// # Errors
    /// [`LatticeError::Mismatch`] for another lattice or group; those of reading; [`Error::Stopped`].
    pub fn from_file<const N: usize>(
        u: &GaugeField<f64, N>,
        file: &GaugeFile,
        stop: &AtomicBool,
    ) -> Result<(Self, Sums), LatticeError> {
        let (geometry, body) = (u.lattice().geometry(), file.body());
        if (body.dims, body.nc) != (geometry.extents(), N) {
            return Err(LatticeError::Mismatch("file and field differ in extents or group".into()));
        }
        let slots = body.order.links_per_unit();
        let (mut found, mut numbers) = (Self::default(), Vec::new());
        let sums = file.read_units(0..body.units(), CHUNK_BYTES, false, |chunk| {
            if stop.load(Ordering::Relaxed) {
                return Err(Error::Stopped);
            }
            numbers.resize(chunk.units as usize * body.numbers_per_unit(), 0.0f64);
            body.decode(chunk.bytes, &mut numbers)?;
            for (i, link) in numbers.chunks_exact(body.numbers_per_link()).enumerate() {
                let (index, mu) =
                    body.order.link(body.dims, chunk.first_unit + (i / slots) as u64, i % slots);
                if mu >= geometry.dims() {
                    continue;
                }
                let site = geometry.site(index as usize);
                let (block, lane) = u.layout().locate(&site);
                let own = u.link(block, mu, lane);
                let pairs = own.0.iter().flatten().zip(link.chunks_exact(2));
                let off = pairs.map(|(z, w)| (z.re - w[0]).powi(2) + (z.im - w[1]).powi(2)).sum();
                found.add(site, mu, off);
            }
            Ok::<(), Error>(())
        })?;
        Ok((found, sums))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaugelink_lattice::file::{FileText, write};
    use gaugelink_lattice::rng::{Address, Purpose};
    use gaugelink_lattice::{Complex, Lattice, LatticeOptions, Matrix};
    use lime_rs::Precision;

    #[test]
    fn one_other_link_in_a_file_is_found_at_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("u");
        let lattice = Lattice::new(&[4, 2, 6], LatticeOptions::default()).unwrap();
        let mut u = GaugeField::<f64, 2>::random(&lattice, 1.0, Address::new(3, Purpose::Start)).unwrap();
        write(&path, &u, 0, Precision::F64, &FileText::default()).unwrap();
        let file = GaugeFile::open(&path).unwrap();
        let compare =
            |u: &GaugeField<f64, 2>| Differences::from_file(u, &file, &AtomicBool::new(false)).unwrap();
        let (none, sums) = compare(&u);
        assert_eq!((none, Some(sums.checksum())), (Differences::default(), file.stated().checksum));
        let stopped = Differences::from_file(&u, &file, &AtomicBool::new(true)).unwrap_err();
        assert!(matches!(stopped, LatticeError::File(Error::Stopped)), "{stopped}");
        let (block, lane) = u.layout().locate(&[3, 1, 4, 0]);
        let off = Matrix::diagonal(Complex::new(0.5, 0.0));
        for lane in u.layout().copies(lane) {
            u.set_link(block, 2, lane, &(u.link(block, 2, lane) - off));
        }
        let (found, _) = compare(&u);
        assert_eq!((found.differing, found.place()), (1, Some(([3, 1, 4, 0], 2))));
        assert!(
            (found.largest() - 0.5f64.sqrt()).abs() < 1e-15 && (found.rms(8) - 0.25).abs() < 1e-15,
            "{found:?}"
        );
        let mut nan = Differences::default();
        [0.5, f64::NAN, 7.0].into_iter().for_each(|off| nan.add([0; 4], 0, off));
        assert!(nan.largest().is_nan() && nan.differing == 3);
        let other = GaugeField::<f64, 1>::cold(&lattice).unwrap();
        assert!(Differences::from_file(&other, &file, &AtomicBool::new(false)).is_err());
    }
}
