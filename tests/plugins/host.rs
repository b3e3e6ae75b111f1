//! A host: loads plugins, makes objects, keeps fields.

use gaugelink_host::sdk::{self, ViewMut, raw};
use gaugelink_host::{ConfigText, HostError, Plugin, Request, Search, Services};
use gaugelink_lattice::foreign::{Foreign, lattice_of};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice, LatticeOptions, Real};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A plugin and what it sees of the host.
pub struct Host {
    pub plugin: Plugin,
    pub services: Services,
}

impl Host {
    pub fn new(name: &str) -> Self {
        Self { plugin: Plugin::open(&path(name)).expect("it opens"), services: Services::new(2) }
    }
    /// An object on a lattice.
    pub fn create<'h, O>(
        &'h self,
        make: impl FnOnce(&Plugin, &'h Services, &Request) -> Result<O, HostError>,
        lattice: &Lattice,
        config: &str,
    ) -> Result<O, HostError> {
        self.create_in(make, &described(lattice), config, Path::new(""))
    }
    /// An object on a lattice, with a folder for its files.
    pub fn create_in<'h, O>(
        &'h self,
        make: impl FnOnce(&Plugin, &'h Services, &Request) -> Result<O, HostError>,
        lattice: &sdk::Lattice,
        config: &str,
        base_dir: &Path,
    ) -> Result<O, HostError> {
        let component = &self.plugin.components()[0].id;
        make(
            &self.plugin,
            &self.services,
            &Request { component, lattice, config: ConfigText::Toml(config), base_dir },
        )
    }
}

/// Where cargo puts a plugin.
pub fn path(name: &str) -> PathBuf {
    Search::new(&[]).find(name).expect("cargo built it where the search looks")
}

/// A lattice as `plugin.h` describes it.
pub fn described(lattice: &Lattice) -> sdk::Lattice {
    let raw = lattice_of(lattice);
    // SAFETY: a whole struct.
    unsafe { sdk::Lattice::from_raw(&raw const raw) }.expect("a lattice of ours")
}

pub fn lattice(extents: &[usize]) -> Arc<Lattice> {
    Lattice::new(extents, LatticeOptions { threads: 2, ..LatticeOptions::default() }).expect("a lattice")
}

/// Links between smooth and random.
pub fn rough<T: Real, const N: usize>(lattice: &Arc<Lattice>, seed: u64) -> GaugeField<T, N> {
    GaugeField::random(lattice, 0.4, Address::new(seed, Purpose::Start)).expect("memory")
}

/// A field in plain order, `[site][mu][row][column][re, im]`, x fastest.
pub fn lex<F: Foreign>(field: &F) -> Vec<f64> {
    let sdk = described(field.lattice());
    let view = gaugelink_lattice::foreign::view(field);
    let access = view.access(&sdk).expect("our own view");
    let (shape, batch) = (access.shape(), view.batch());
    let mut out = vec![0.0; batch * shape.reals_per_site() * sdk.sites()];
    for (b, field) in out.chunks_mut(shape.reals_per_site() * sdk.sites()).enumerate() {
        access.gather(b, field);
    }
    out
}

/// Largest difference.
pub fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// An output of algebra elements.
pub fn algebra<'a>(data: &'a mut [f64], lattice: &sdk::Lattice, n: usize) -> ViewMut<'a> {
    ViewMut::algebra(data, lattice, n).expect("a whole field")
}

/// The status and the sentence of a refusal.
pub fn refused<O>(result: Result<O, HostError>) -> (i32, String) {
    match result {
        Ok(_) => panic!("it was served"),
        Err(error) => (error.status().unwrap_or(raw::GLK_OK), error.to_string()),
    }
}
