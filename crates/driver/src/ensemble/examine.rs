//! One configuration, read and judged: what is kept of it.

use super::member::Member;
use crate::cli::{LatticeArgs, ShapeArgs};
use crate::command::measure::Flow;
use crate::error::DriverError;
use crate::links::{
    self, Fault, Lattices, Loaded, Measured, Survey, checksum_word, judge_averages, judge_file,
    precision_name, with_group,
};
use gaugelink_lattice::file::{ReadOptions, read_with};
use gaugelink_lattice::{GaugeField, ensure_memory};
use gaugelink_physics::observable::{polyakov_loop, spatial_plaquette, temporal_plaquette};
use gaugelink_physics::smear::{EnergyForm, FlowPoint, FlowTable};
use indicatif::ProgressBar;
use lime_rs::GaugeFile;
use serde::{Deserialize, Serialize};
use std::os::unix::ffi::OsStrExt;

/// Which bytes were read, and as what: a result holds as long as this is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Source {
    /// Absolute path; with escapes where it is no UTF-8.
    pub file: String,
    pub bytes: u64,
    /// Time of the last change: seconds and nanoseconds since 1970.
    pub modified: (u64, u32),
    /// Format and shape from the command line.
    pub given: String,
}

impl Source {
    pub fn of(member: &Member, shape: &ShapeArgs) -> Self {
        let path = std::path::absolute(&member.path).unwrap_or_else(|_| member.path.clone());
        let format = shape.format.map(|format| format.name());
        let LatticeArgs { dims, nc } = &shape.lattice;
        let dims = dims.as_ref().map(|dims| format!("{dims:?} {nc}"));
        let given = format.into_iter().map(str::to_owned).chain(dims).collect::<Vec<_>>().join(" ");
        Self {
            // Names of other bytes than UTF-8 stay different names.
            file: path
                .to_str()
                .map_or_else(|| path.as_os_str().as_bytes().escape_ascii().to_string(), Into::into),
            bytes: member.bytes,
            modified: member.modified,
            given,
        }
    }
}

/// A configuration as it was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Examined {
    pub source: Source,
    pub format: String,
    pub dims: [usize; 4],
    pub nc: usize,
    pub precision: String,
    /// Averages; none where links are no numbers.
    pub plaquette: Option<f64>,
    pub spatial_plaquette: Option<f64>,
    pub temporal_plaquette: Option<f64>,
    pub link_trace: Option<f64>,
    /// Polyakov loops, real and imaginary part, in each direction.
    pub polyakov: Vec<[f64; 2]>,
    /// Largest ‖U U† − 1‖.
    pub unitarity: f64,
    /// "ok", "none" or "bad".
    pub checksum: String,
    /// In the manner of the format.
    pub computed_checksum: String,
    pub stored_checksum: Option<String>,
    /// SciDAC's sums over the units of the file, whatever its format.
    pub suma: String,
    pub sumb: String,
    /// POSIX `cksum` of the links' bytes.
    pub crc_cksum: u32,
    /// Why it is no good.
    pub errors: Vec<String>,
    /// How many of these are about what the file states: checksum, plaquette, link trace.
    pub misstated: usize,
    /// What is odd about it.
    pub warnings: Vec<String>,
    /// Its gradient flow, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub flow: Option<Flowed>,
}

impl Examined {
    /// Whether it counts in averages; what the file states alone may be forgiven.
    pub fn is_usable(&self, ignore_checksum: bool) -> bool {
        let forgiven = if ignore_checksum { self.misstated } else { 0 };
        self.errors.len() == forgiven && self.plaquette.is_some()
    }

    /// What the bytes of the links are: equal for equal bytes only.
    pub fn fingerprint(&self) -> (&str, &str, u32) {
        (&self.suma, &self.sumb, self.crc_cksum)
    }
}

/// The gradient flow of a configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Flowed {
    /// As they were asked for.
    pub until: f64,
    pub step: f64,
    /// Flow times that were measured, and t²E from clover leaves there.
    pub times: Vec<f64>,
    pub t2e: Vec<f64>,
    /// Clover charge at the end.
    pub charge: Option<f64>,
}

impl Flowed {
    /// t₀ of a curve t²E over these flow times.
    pub fn t0(times: &[f64], t2e: &[f64]) -> Option<f64> {
        let point = |(&time, &t2e): (&f64, &f64)| FlowPoint {
            time,
            plaquette: vec![0.0],
            t2e_plaquette: vec![0.0],
            t2e_clover: vec![t2e],
            charge: None,
        };
        FlowTable { points: times.iter().zip(t2e).map(point).collect() }.t0(EnergyForm::Clover, 0)
    }
}

/// What is done with each file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task<'a> {
    pub shape: &'a ShapeArgs,
    /// Flow time and step.
    pub flow: Option<(f64, f64)>,
    /// Whether files with a wrong checksum are measured.
    pub ignore_checksum: bool,
}

impl Task<'_> {
    /// Whether a result has all that is asked for.
    pub fn is_done(&self, found: &Examined) -> bool {
        let flowed = found.flow.as_ref().map(|flow| (flow.until, flow.step));
        self.flow.is_none() || self.flow == flowed || !found.is_usable(self.ignore_checksum)
    }

    /// How many files at a time, at most `jobs`, have room for their fields.
    pub fn affordable(&self, jobs: usize, files: &[&Member]) -> usize {
        // A Polyakov loop carries two matrices a site; a flow, the algebra.
        let bytes = |member: &&Member| {
            let sites = member.dims.iter().fold(8u64, |volume, &l| volume.saturating_mul(l as u64));
            let matrices = if self.flow.is_some() { 4 + 4 + 2 } else { 4 + 2 };
            sites.saturating_mul((matrices * 2 * member.nc * member.nc) as u64)
        };
        let most = files.iter().map(bytes).max().unwrap_or(0);
        (1..=jobs).rev().find(|&jobs| ensure_memory(most.saturating_mul(jobs as u64)).is_ok()).unwrap_or(1)
    }

    /// Reads a file and looks at every link.
    ///
    /// # Errors
    /// Those of opening, reading and memory; what is wrong with the links stands in the result.
    pub fn examine(
        &self,
        member: &Member,
        lattices: &mut Lattices,
        bar: &ProgressBar,
    ) -> Result<Examined, DriverError> {
        let file = links::open(&member.path, self.shape, 0)?;
        with_group!(file.body().nc, N => self.examine_links::<N>(member, &file, lattices, bar))
    }

    fn examine_links<const N: usize>(
        &self,
        member: &Member,
        file: &GaugeFile,
        lattices: &mut Lattices,
        bar: &ProgressBar,
    ) -> Result<Examined, DriverError> {
        let body = file.body();
        let lattice = lattices.of(file)?;
        let mut u = GaugeField::<f64, N>::cold(&lattice)?;
        let advance = |bytes| bar.inc(bytes);
        let options = ReadOptions { posix_cksum: true, progress: Some(&advance) };
        let checksum = read_with(file, &mut u, 0, options)?;
        let loaded = Loaded { checksum, survey: Survey::of(&u, 0) };
        let mut verdict = judge_file(&loaded, file, &member.path);
        let [suma, sumb] = checksum.scidac.hexadecimal();
        let mut found = Examined {
            source: Source::of(member, self.shape),
            format: file.format().name().into(),
            dims: body.dims,
            nc: N,
            precision: precision_name(body.precision).into(),
            plaquette: None,
            spatial_plaquette: None,
            temporal_plaquette: None,
            link_trace: None,
            polyakov: Vec::new(),
            unitarity: loaded.survey.unitarity(),
            checksum: checksum_word(&checksum).into(),
            computed_checksum: checksum.computed.to_string(),
            stored_checksum: checksum.stored.map(|sum| sum.to_string()),
            suma,
            sumb,
            crc_cksum: checksum.posix_cksum.unwrap_or_default(),
            errors: Vec::new(),
            misstated: 0,
            warnings: file.warnings().iter().map(ToString::to_string).collect(),
            flow: None,
        };
        if loaded.survey.not_finite.count == 0 {
            let measured = Measured::of(&u, 0);
            let open = loaded.survey.zero.count > 0;
            judge_averages((file.format(), file.stated(), body), measured, open, &mut verdict);
            (found.plaquette, found.link_trace) = (Some(measured.plaquette), Some(measured.link_trace));
            found.spatial_plaquette = spatial_plaquette(&u).map(|p| p[0]);
            found.temporal_plaquette = Some(temporal_plaquette(&u)[0]);
            for mu in 0..lattice.dims() {
                let value = polyakov_loop(&u, mu)?[0];
                found.polyakov.push([value.re, value.im]);
            }
        }
        found.misstated = verdict.errors.iter().filter(|(fault, _)| *fault == Fault::Statement).count();
        found.errors.extend(verdict.reasons());
        found.warnings.extend(verdict.warnings);
        if let Some((until, step)) = self.flow.filter(|_| found.is_usable(self.ignore_checksum)) {
            let table = Flow::new(until, step).table(&mut u, |_| ())?;
            found.flow = Some(Flowed {
                until,
                step,
                times: table.points.iter().map(|point| point.time).collect(),
                t2e: table.points.iter().map(|point| point.t2e_clover[0]).collect(),
                charge: table.points.last().and_then(|point| point.charge.as_ref().map(|charge| charge[0])),
            });
        }
        Ok(found)
    }
}
