//! Configurations that a training learns from.

use crate::config::TrainFile;
use crate::ensemble::collect;
use crate::error::DriverError;
use crate::hash::sha256_hex;
use crate::links::{self, Refusals};
use crate::progress;
use gaugelink_lattice::file::extents;
use gaugelink_lattice::group::group_name;
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions};
use gaugelink_train::Data;
use serde_json::{Value, json};

/// Configurations, and which they are.
pub(super) struct Configurations {
    pub data: Data<f32>,
    files: usize,
    /// Of the checksums of all files.
    pub sha256: String,
}

/// No fault of a file is overlooked.
const REFUSED: Refusals = Refusals {
    statements: Some("`gaugelink ildg convert --ignore-checksum`"),
    links: Some("a run that starts from it and writes it"),
    links_of_wrong_files: false,
};

impl Configurations {
    /// Reads and verifies those of `[data]`, where there is one.
    ///
    /// # Errors
    /// [`DriverError`] for a file that is damaged, cannot be read, or holds other links than those of `[lattice]`.
    pub fn of<const N: usize>(file: &TrainFile) -> Result<Option<Self>, DriverError> {
        let Some(table) = &file.data else { return Ok(None) };
        let lanes = LaneMeaning::Batch { chains: 1 };
        let options = LatticeOptions { threads: 1, lanes, ..LatticeOptions::default() };
        let lattice = Lattice::new(&file.lattice.extents, options)?;
        let mut u = GaugeField::<f64, N>::cold(&lattice)?;
        let paths = collect(&table.files)?;
        let (mut data, mut sums) = (Data::new(), String::new());
        let bar = progress::bar("reading", paths.len() as u64);
        for path in &paths {
            let gauge = links::open_as(path, None, None)?;
            let (group, found) = (gauge.body().nc, extents(&gauge.body().dims));
            if group != N || found != file.lattice.extents {
                return Err(DriverError::Input(format!(
                    "{}: {} on {found:?}, where [lattice] says {} on {:?}: take configurations of that lattice",
                    path.display(),
                    group_name(group),
                    group_name(N),
                    file.lattice.extents
                )));
            }
            let loaded = links::load(&gauge, path, &mut u, 0, REFUSED)?;
            sums += &loaded.checksum.scidac.hexadecimal().concat();
            let single = u.converted::<f32>()?;
            data.add(&single, 0)?;
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(Some(Self { data, files: paths.len(), sha256: sha256_hex(sums.as_bytes()) }))
    }

    /// What a model tells of them.
    pub fn provenance(&self) -> Value {
        json!({ "configurations": self.files, "sha256_of_checksums": self.sha256 })
    }
}
