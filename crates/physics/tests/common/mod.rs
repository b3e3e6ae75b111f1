//! Shared by the tests against other codes: Grid's values and the configuration that they belong to.

#![allow(dead_code, reason = "each test file uses a part")]

pub mod bits;

use gaugelink_lattice::{Complex, GaugeField, Lattice, Matrix, Site};
use gaugelink_physics::dirac::SpinorField;
use std::path::PathBuf;
use std::sync::Arc;

/// The configuration's extents.
pub const EXTENTS: [usize; 4] = [4, 4, 4, 8];

/// The folder of test data; `None`, with a word why, where it is not given.
pub fn test_data() -> Option<PathBuf> {
    let folder = std::env::var_os("GAUGELINK_TEST_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: GAUGELINK_TEST_DATA is not set to the folder of test configurations");
    }
    folder
}

/// What Grid computes on the configuration.
pub struct GridValues(serde_json::Value);

impl GridValues {
    /// The values, or `None` where there is no test data.
    pub fn load() -> Option<Self> {
        let text = std::fs::read_to_string(test_data()?.join("../grid-values.json")).unwrap();
        let mut all: serde_json::Value = serde_json::from_str(&text).unwrap();
        Some(Self(all["values"].take()))
    }
    /// Any value.
    pub fn raw(&self, key: &str) -> &serde_json::Value {
        let value = &self.0[key];
        assert!(!value.is_null(), "no value {key}");
        value
    }
    /// A real number.
    pub fn real(&self, key: &str) -> f64 {
        self.raw(key).as_f64().unwrap()
    }
    /// A list of real numbers.
    pub fn reals(&self, key: &str) -> Vec<f64> {
        self.raw(key).as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
    }
    /// A complex number.
    pub fn complex(&self, key: &str) -> Complex<f64> {
        to_complex(self.raw(key))
    }
    /// A list of complex numbers (spinors, matrices row-major).
    pub fn complexes(&self, key: &str) -> Vec<Complex<f64>> {
        self.raw(key).as_array().unwrap().iter().map(to_complex).collect()
    }
    /// A 3×3 matrix.
    pub fn matrix(&self, key: &str) -> Matrix<f64, 3> {
        let entries = self.complexes(key);
        Matrix::from_fn(|i, j| entries[3 * i + j])
    }
}

fn to_complex(pair: &serde_json::Value) -> Complex<f64> {
    Complex::new(pair[0].as_f64().unwrap(), pair[1].as_f64().unwrap())
}

/// Asserts agreement relative to the larger of `expected` and 1e-3.
pub fn assert_close(what: &str, ours: f64, expected: f64, tolerance: f64) {
    let error = (ours - expected).abs() / expected.abs().max(1e-3);
    assert!(error < tolerance, "{what}: {ours} instead of {expected}, off by {error:e}");
}

/// Asserts that matrices agree, relative to the norm of `expected`.
pub fn assert_close_matrix(what: &str, ours: &Matrix<f64, 3>, expected: &Matrix<f64, 3>, tolerance: f64) {
    let error = ((*ours - *expected).norm2() / expected.norm2()).sqrt();
    assert!(error < tolerance, "{what}: off by {error:e}\n{ours:?}\n{expected:?}");
}

/// Reads the SU(3) links that Grid's values belong to: the payload is big-endian f64, sites t, z, y, x (x fastest),
/// then mu, row, column, re and im.
pub fn read_links(lattice: &Arc<Lattice>) -> GaugeField<f64, 3> {
    let file = test_data().unwrap().join("ildg_nissa_tmlqcd_L4T8_f64.lime");
    let bytes = std::fs::read(&file).unwrap();
    let payload = record(&bytes, "ildg-binary-data").unwrap();
    let numbers: Vec<f64> =
        payload.chunks_exact(8).map(|b| f64::from_be_bytes(b.try_into().unwrap())).collect();
    assert_eq!(numbers.len(), 512 * 72);
    let mut u = GaugeField::cold(lattice).unwrap();
    for_own_sites(lattice, |x, block, lane| {
        let site = lattice.geometry().site_index(x);
        for mu in 0..4 {
            let link = Matrix::from_fn(|i, j| {
                let c = 72 * site + 18 * mu + 2 * (3 * i + j);
                Complex::new(numbers[c], numbers[c + 1])
            });
            u.set_link(block, mu, lane, &link);
        }
    });
    u.exchange();
    u
}

/// The first record of a LIME file with this type.
fn record<'a>(bytes: &'a [u8], kind: &str) -> Option<&'a [u8]> {
    let mut at = 0;
    while at + 144 <= bytes.len() {
        let length = u64::from_be_bytes(bytes[at + 8..at + 16].try_into().unwrap()) as usize;
        let name = bytes[at + 16..at + 144].split(|&b| b == 0).next().unwrap();
        if name == kind.as_bytes() {
            return Some(&bytes[at + 144..at + 144 + length]);
        }
        at += 144 + length.next_multiple_of(8);
    }
    None
}

/// Grid's spinor field: ψ(x)_{s,c} = cos(0.1 k) + i sin(0.37 k), k = c + 3 (s + 4 i), i the site's number.
pub fn grid_psi(lattice: &Arc<Lattice>) -> SpinorField<f64, 3> {
    let mut psi = SpinorField::zeroed(lattice).unwrap();
    for_own_sites(lattice, |x, block, lane| {
        let i = lattice.geometry().site_index(x);
        for component in 0..12 {
            let k = (component + 12 * i) as f64;
            psi.set(block, 2 * component, lane, (0.1 * k).cos());
            psi.set(block, 2 * component + 1, lane, (0.37 * k).sin());
        }
    });
    psi.exchange();
    psi
}

/// Calls `f(site, block, lane)` for every block and lane of this rank's f64 fields.
pub fn for_own_sites(lattice: &Lattice, mut f: impl FnMut(&Site, usize, usize)) {
    let layout = lattice.layout::<f64>();
    for block in 0..layout.blocks() {
        for lane in 0..layout.lanes() {
            f(&layout.site(block, lane), block, lane);
        }
    }
}

/// U_mu at a site (one rank).
pub fn link_at(u: &GaugeField<f64, 3>, x: &Site, mu: usize) -> Matrix<f64, 3> {
    let (block, lane) = u.layout().locate(x);
    u.link(block, mu, lane)
}
