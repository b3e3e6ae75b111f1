//! Configurations to and from files, beside memory, the kernel's transfers alone and a path site by site.

use super::plain;
use super::stage::{Session, Stage};
use super::timing::{Run, whole, whole_of};
use super::{Line, Precision};
use crate::error::DriverError;
use gaugelink_lattice::file::{self, FileText};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice, LatticeError};
use lime_rs::GaugeFile;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Memory that reading may take beside the field, MiB.
const MARGIN: f64 = 64.0;

/// Writes and reads a configuration, checksums computed and compared, on one thread and on all; in the folder that was
/// asked for, else in memory (`/dev/shm`) where the machine has that, else where temporary files go: the cases name it.
pub(super) fn run(
    stage: &Stage<'_>,
    folder: Option<&Path>,
    session: &mut Session<'_>,
) -> Result<(), DriverError> {
    let lattice = stage.lattice;
    let memory = Path::new("/dev/shm");
    let usual = || if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let place = folder.map_or_else(usual, Path::to_owned);
    let folder = tempfile::tempdir_in(&place).map_err(|source| DriverError::Io {
        action: "make a folder in",
        path: place.clone(),
        source,
    })?;
    let u = GaugeField::<f64, 3>::random(lattice, 0.3, Address::new(1, Purpose::Start))?;
    let files = Files { ours: folder.path().join("bench.lime"), plain: folder.path().join("bench.plain") };
    write(&files.ours, &u)?;
    let sitewise = plain::write_sites(lattice.pool(), &files.plain, u.as_slice());
    sitewise.map_err(|source| files.failed("write to", source))?;
    let (mut back, peak) = read_anew(&files.ours, lattice)?;
    let bytes = size_of_val(u.as_slice());
    let field = bytes as f64 / f64::from(1 << 20);
    if let Some(peak) = peak {
        // The field may lie where memory was freed before.
        let line = stage.line(Precision::F64, "peak_mebibytes", peak.max(field), "MiB");
        session.tell(line.against_time("field_plus_64", field + MARGIN))?;
    }
    let all = lattice.pool().threads();
    for threads in if all > 1 { vec![1, all] } else { vec![1] } {
        lattice.pool().limit(threads);
        let case = |direction: &str| format!("io {direction} {} f64 on {}", stage.volume(), place.display());
        let mut time = |case: String, run: &mut Run<'_>| -> Result<f64, DriverError> {
            let case = if threads == all { case } else { format!("{case}, {threads} thread") };
            Ok(session.clock.time(&case, run)?.seconds)
        };
        let memcpy = time(format!("{}, memcpy", case("copy")), &mut whole(|| back.copy_from(&u)))?;
        let written = files.write(&case("write"), &mut time, &u)?;
        let was_read = files.read(&case("read"), &mut time, &u, &mut back)?;
        for (direction, [ours, kernel, sitewise]) in [("write", written), ("read", was_read)] {
            let case = case(direction);
            let rate = |seconds: f64| 1e-9 * bytes as f64 / seconds;
            let speed = || Line::new(&case, "gbytes", rate(ours), "GB/s", threads);
            session.tell(Line::new(&case, "seconds", ours, "s", threads))?;
            session.tell(speed().against_rate("memcpy", rate(memcpy)))?;
            session.tell(speed().against_rate("kernel", rate(kernel)))?;
            session.tell(speed().against_rate("sitewise", rate(sitewise)))?;
        }
    }
    Ok(())
}

/// Seconds of a case.
type Time<'t> = dyn FnMut(String, &mut Run<'_>) -> Result<f64, DriverError> + 't;

/// Where the configuration goes.
struct Files {
    ours: PathBuf,
    plain: PathBuf,
}

impl Files {
    /// Seconds to write the links into a new file: by this library, by the kernel alone, site by site.
    fn write(
        &self,
        case: &str,
        time: &mut Time<'_>,
        u: &GaugeField<f64, 3>,
    ) -> Result<[f64; 3], DriverError> {
        let (pool, numbers) = (u.lattice().pool(), u.as_slice());
        let failed = |source| self.failed("write to", source);
        // A new configuration has no old file to free.
        let mut anew = |case: String, path: &Path, write: &dyn Fn() -> Result<(), DriverError>| {
            time(case, &mut || {
                if path.exists() {
                    std::fs::remove_file(path).map_err(failed)?;
                }
                let clock = Instant::now();
                write()?;
                Ok(clock.elapsed().as_secs_f64())
            })
        };
        let kernel = || plain::write(pool, &self.plain, size_of_val(numbers)).map_err(failed);
        let sitewise = || plain::write_sites(pool, &self.plain, numbers).map(drop).map_err(failed);
        Ok([
            anew(case.into(), &self.ours, &|| write(&self.ours, u))?,
            anew(format!("{case}, kernel"), &self.plain, &kernel)?,
            anew(format!("{case}, sitewise"), &self.plain, &sitewise)?,
        ])
    }

    /// Seconds to read them back; they are compared with what was written.
    fn read(
        &self,
        case: &str,
        time: &mut Time<'_>,
        u: &GaugeField<f64, 3>,
        back: &mut GaugeField<f64, 3>,
    ) -> Result<[f64; 3], DriverError> {
        let (lattice, bytes) = (u.lattice().clone(), size_of_val(u.as_slice()));
        let failed = |source| self.failed("read from", source);
        let ours = time(case.into(), &mut whole_of(|| read(&self.ours, back)))?;
        if back.as_slice() != u.as_slice() {
            return Err(untrue(&self.ours));
        }
        let kernel = || plain::read(lattice.pool(), &self.plain, bytes).map_err(failed);
        let kernel = time(format!("{case}, kernel"), &mut whole_of(kernel))?;
        let numbers = back.as_mut_slice();
        let sitewise = || plain::read_sites(lattice.pool(), &self.plain, numbers).map_err(failed);
        let sitewise = time(format!("{case}, sitewise"), &mut whole_of(sitewise))?;
        Ok([ours, kernel, sitewise])
    }

    fn failed(&self, action: &'static str, source: std::io::Error) -> DriverError {
        DriverError::Io { action, path: self.plain.clone(), source }
    }
}

fn write(path: &Path, u: &GaugeField<f64, 3>) -> Result<(), DriverError> {
    file::write(path, u, 0, lime_rs::Precision::F64, &FileText::default())?;
    Ok(())
}

fn read(path: &Path, field: &mut GaugeField<f64, 3>) -> Result<(), DriverError> {
    if file::read(&GaugeFile::open(path)?, field, 0)?.is_bad() { Err(untrue(path)) } else { Ok(()) }
}

fn untrue(path: &Path) -> DriverError {
    DriverError::Lattice(LatticeError::Mismatch(format!(
        "{}: what was read is not what was written: the folder's disk or the memory is not to be trusted",
        path.display()
    )))
}

/// Reads a file into a new field; with it the MiB by which the process was then larger than before at most, where the
/// system tells.
fn read_anew(path: &Path, lattice: &Arc<Lattice>) -> Result<(GaugeField<f64, 3>, Option<f64>), DriverError> {
    // Resets VmHWM to VmRSS (proc(5)).
    let reset = std::fs::write("/proc/self/clear_refs", "5").is_ok();
    let before = resident("VmRSS:");
    let mut field = GaugeField::cold(lattice)?;
    read(path, &mut field)?;
    let growth = resident("VmHWM:").zip(before).map(|(after, before)| after - before);
    Ok((field, growth.filter(|_| reset)))
}

/// A size in `/proc/self/status`, MiB.
fn resident(key: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1024.0)
}
