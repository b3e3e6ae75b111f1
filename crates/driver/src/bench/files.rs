//! Configurations to and from files.

use super::timing::Stage;
use super::{Line, Precision};
use crate::error::DriverError;
use gaugelink_lattice::file::{self, FileText};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LatticeError};
use lime_rs::GaugeFile;

/// Writes and reads a configuration on a temporary file, checksums computed and compared; the limit is a copy of as many
/// bytes in memory.
pub(super) fn run(
    stage: &Stage<'_>,
    sink: &mut dyn FnMut(Line) -> Result<(), DriverError>,
) -> Result<(), DriverError> {
    let lattice = stage.lattice;
    let u = GaugeField::<f64, 3>::random(lattice, 0.3, Address::new(1, Purpose::Start))?;
    let mut back = GaugeField::<f64, 3>::cold(lattice)?;
    let temporary = std::env::temp_dir();
    let folder = tempfile::tempdir().map_err(|source| DriverError::Io {
        action: "make a folder in",
        path: temporary,
        source,
    })?;
    let path = folder.path().join("bench.lime");
    let bytes = size_of_val(u.as_slice());
    let memcpy = {
        let mut copy = vec![0.0; u.as_slice().len()];
        stage.effort.best(|| std::hint::black_box(copy.as_mut_slice()).copy_from_slice(u.as_slice()))
    };
    let write = || Ok(file::write(&path, &u, 0, lime_rs::Precision::F64, &FileText::default())?);
    let written = stage.effort.best_of(write, |_| None)?;
    let read = || {
        let checksum = file::read(&GaugeFile::open(&path)?, &mut back, 0)?;
        if checksum.is_bad() {
            return Err(DriverError::Lattice(LatticeError::Mismatch(format!(
                "{}: the checksum changed between writing and reading: the temporary folder's disk is not to be trusted",
                path.display()
            ))));
        }
        Ok(())
    };
    let read = stage.effort.best_of(read, |_| None)?;
    for (direction, seconds) in [("write", written), ("read", read)] {
        let line = |metric, value, unit| {
            let mut line = stage.line(Precision::F64, metric, value, unit);
            line.case = line.case.replacen("io", &format!("io {direction}"), 1);
            line
        };
        let rate = |seconds: f64| 1e-9 * bytes as f64 / seconds;
        sink(line("seconds", seconds, "s"))?;
        sink(line("gbytes", rate(seconds), "GB/s").against_rate("memcpy", rate(memcpy)))?;
    }
    Ok(())
}
