//! Configurations that the library writes for these tests.

use crate::program::run;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Complex, GaugeField, Lattice, LatticeOptions, Matrix};
use lime_rs::{IldgFile, IldgFormat, IldgMeta, IldgWriter, Precision, ScidacChecksum, encode_as};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder for one test's files.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a rough field after `change`, with a checksum that fits.
    pub fn field<const N: usize>(
        &self,
        name: &str,
        extents: &[usize],
        precision: Precision,
        change: impl FnOnce(&mut GaugeField<f64, N>),
    ) -> PathBuf {
        let path = self.path(name);
        let options = LatticeOptions { threads: 1, ..LatticeOptions::default() };
        let lattice = Lattice::new(extents, options).unwrap();
        // SU(4) has no exponential: unit links will do.
        let mut u = match N {
            4 => GaugeField::<f64, N>::cold(&lattice),
            _ => GaugeField::<f64, N>::random(&lattice, 0.3, Address::new(11, Purpose::Start)),
        }
        .unwrap();
        change(&mut u);
        write(&path, &u, precision);
        path
    }

    /// A sound SU(3) file on 4x4x4x4.
    pub fn sound(&self, name: &str) -> PathBuf {
        self.field::<3>(name, &[4, 4, 4, 4], Precision::F64, |_| ())
    }

    /// A file that states its plaquette, and whose metadata have x and t exchanged: 8x4x4x4 instead of 4x4x4x8.
    pub fn exchanged(&self, name: &str) -> PathBuf {
        let sound = self.field::<3>("whole", &[4, 4, 4, 8], Precision::F64, |_| ());
        let stating = self.path("stating");
        assert_eq!(run("ildg convert --to ildg", &[&sound, &stating]).status, 0);
        self.copy(&stating, name, |all| {
            for (old, new) in [("<lx>4", "<lx>8"), ("<lt>8", "<lt>4")] {
                let at = all.windows(old.len()).position(|bytes| bytes == old.as_bytes()).unwrap();
                all[at..at + old.len()].copy_from_slice(new.as_bytes());
            }
        })
    }

    /// An ILDG file with changed links and a checksum that fits them.
    pub fn relinked(&self, from: &Path, name: &str, change: impl FnOnce(&mut [u8])) -> PathBuf {
        let (path, file, (offset, length)) = (self.path(name), IldgFile::open(from).unwrap(), payload(from));
        let mut bytes = std::fs::read(from).unwrap()[offset..offset + length].to_vec();
        change(&mut bytes);
        write_bytes(&path, file.payload().format.clone(), &bytes);
        path
    }

    /// A copy of a file whose bytes were changed.
    pub fn copy(&self, from: &Path, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
        let path = self.path(name);
        let mut bytes = std::fs::read(from).unwrap();
        change(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// Writes links as they are: the library itself writes none that are no numbers.
fn write<const N: usize>(path: &Path, u: &GaugeField<f64, N>, precision: Precision) {
    let (lattice, geometry) = (u.lattice(), u.lattice().geometry());
    let mut numbers = Vec::new();
    for index in 0..lattice.volume() {
        let (block, lane) = u.layout().locate(&geometry.site(index));
        for mu in 0..4 {
            let link = if mu < lattice.dims() { u.link(block, mu, lane) } else { Matrix::unit() };
            numbers.extend(link.0.iter().flatten().flat_map(|z| [z.re, z.im]));
        }
    }
    let mut bytes = vec![0; numbers.len() * precision.bytes()];
    encode_as(precision, &numbers, &mut bytes).unwrap();
    write_bytes(path, IldgFormat::new(geometry.extents(), N, precision).unwrap(), &bytes);
}

/// Writes the bytes of links, with their checksum.
fn write_bytes(path: &Path, format: IldgFormat, bytes: &[u8]) {
    let mut sum = ScidacChecksum::default();
    sum.add_range(0, format.site_bytes(), bytes).unwrap();
    let mut meta = IldgMeta::new(format);
    (meta.lfn, meta.date) = (Some("lfn://test/conf".into()), String::new());
    let writer = IldgWriter::create(path, &meta).unwrap();
    writer.write_payload_at(0, bytes).unwrap();
    writer.finish(sum, &[]).unwrap();
}

/// Where a file's payload begins, and how long it is.
pub fn payload(path: &Path) -> (usize, usize) {
    let file = IldgFile::open(path).unwrap();
    (file.payload().offset as usize, file.payload().bytes as usize)
}

/// Sets one link to a multiple of the unit matrix.
pub fn set<const N: usize>(u: &mut GaugeField<f64, N>, site: [usize; 4], mu: usize, z: Complex<f64>) {
    let (block, lane) = u.layout().locate(&site);
    for lane in u.layout().copies(lane) {
        u.set_link(block, mu, lane, &Matrix::diagonal(z));
    }
}

/// A U(1) field on a torus of `charge` units of flux: every plaquette has the angle that is returned.
pub fn constant_flux(u: &mut GaugeField<f64, 1>, charge: i32) -> f64 {
    let [lx, ly, ..] = u.lattice().geometry().extents();
    let angle = std::f64::consts::TAU * f64::from(charge) / (lx * ly) as f64;
    let phase = |angle: f64| Complex::new(angle.cos(), angle.sin());
    for (x, y) in (0..lx).flat_map(|x| (0..ly).map(move |y| (x, y))) {
        set(u, [x, y, 0, 0], 0, phase(-angle * y as f64));
        let seam = if y + 1 == ly { angle * (ly * x) as f64 } else { 0.0 };
        set(u, [x, y, 0, 0], 1, phase(seam));
    }
    angle
}
