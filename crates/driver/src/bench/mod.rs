//! Speeds of kernels and updates, beside what the machine can do and what Grid does.
//!
//! A *case* is one kernel on one lattice in one precision. [`run`] times cases by name and hands every measured
//! number on as a [`Line`]. The limits stand in the same process on the same threads: absolute speeds drift between
//! machines and days, the ratios do not.

mod calls;
mod dirac;
mod files;
mod gauge;
mod layers;
mod limits;
mod line;
mod peers;
mod plain;
mod timing;

pub use limits::Limits;
pub use line::Line;
pub use timing::Effort;

use crate::error::DriverError;
use gaugelink_lattice::{DIM_MAX, Lattice, LatticeOptions};
use std::path::PathBuf;
use std::sync::Arc;
use timing::Stage;

/// Names and what they time.
pub const NAMES: [(&str, &str); 16] = [
    ("dslash", "Wilson's hopping term"),
    ("dirac", "Wilson's operator D"),
    ("schur", "even-odd form, S†S"),
    ("cg", "an iteration of conjugate gradients on the even-odd form"),
    ("force", "Wilson's gauge force added to the momenta"),
    ("plaquette", "the average plaquette"),
    ("momenta", "Gaussian momenta"),
    ("link-update", "U = exp(eps P) U"),
    ("heatbath", "a heat-bath sweep"),
    ("overrelaxation", "an overrelaxation sweep"),
    ("flow", "a third-order step of the gradient flow"),
    ("trajectory", "an HMC trajectory: Wilson gauge action, Omelyan, 10 steps"),
    (
        "layers",
        "masked residual layers of SU(3) that move every link once: with lanes of sites, and of a batch",
    ),
    ("io", "an ILDG file written and read with its checksums, on one thread and on all"),
    ("calls", "what a call of a plugin costs beside its work, on the smallest lattices"),
    ("limits", "memory bandwidth and fused multiply-adds"),
];

/// Extents that are timed where none are asked for: in cache and out of it.
const VOLUMES: [[usize; DIM_MAX]; 2] = [[8; DIM_MAX], [16; DIM_MAX]];
/// Those of files: a configuration too large for most caches.
const FILE_VOLUME: [usize; DIM_MAX] = [24; DIM_MAX];

/// Precision of a kernel's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Double.
    F64,
    /// Single.
    F32,
}

impl Precision {
    /// `f64` or `f32`.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F64 => "f64",
            Precision::F32 => "f32",
        }
    }
}

/// What is to be timed, beside the name.
#[derive(Clone, Debug)]
pub struct Request {
    /// Extents; empty for 8⁴ and 16⁴, and 24⁴ for files.
    pub extents: Vec<usize>,
    /// Threads; 0 takes all cores.
    pub threads: usize,
    /// Precision; `None` takes all that a kernel has.
    pub precision: Option<Precision>,
    /// How long a case is repeated.
    pub effort: Effort,
    /// Where files are written and read; `None` is memory.
    pub folder: Option<PathBuf>,
}

impl Request {
    /// Understands the options of the command line.
    ///
    /// # Errors
    /// [`DriverError::Request`] for extents or a precision that are none.
    pub fn parse(volume: Option<&str>, threads: usize, precision: Option<&str>) -> Result<Self, DriverError> {
        let extents = volume.map(parse_volume).transpose()?.map_or(Vec::new(), Vec::from);
        let precision = match precision {
            None => None,
            Some("f64") => Some(Precision::F64),
            Some("f32") => Some(Precision::F32),
            Some(other) => {
                return Err(DriverError::Request(format!("--precision {other}: give f64 or f32")));
            }
        };
        Ok(Self { extents, threads, precision, effort: Effort::full(), folder: None })
    }

    fn has(&self, precision: Precision) -> bool {
        self.precision.is_none_or(|p| p == precision)
    }
}

/// Four even extents, as in `16x16x16x32`.
pub(crate) fn parse_volume(text: &str) -> Result<[usize; DIM_MAX], DriverError> {
    let extents: Option<Vec<usize>> = text.split('x').map(|e| e.parse().ok()).collect();
    let extents = extents.and_then(|e| <[usize; DIM_MAX]>::try_from(e).ok());
    extents.filter(|e| e.iter().all(|&n| n >= 2 && n % 2 == 0)).ok_or_else(|| {
        DriverError::Request(format!("--volume {text}: give four even extents, e.g. 16x16x16x32"))
    })
}

/// Times what `name` says, `all` or one of [`NAMES`]; every number goes to `sink`.
///
/// # Errors
/// [`DriverError::Request`] for an unknown name or a precision that the kernel has not; no memory; the sink's.
pub fn run(
    name: &str,
    request: &Request,
    sink: &mut dyn FnMut(Line) -> Result<(), DriverError>,
) -> Result<(), DriverError> {
    let names: Vec<&str> = NAMES.iter().map(|(n, _)| *n).filter(|n| name == "all" || *n == name).collect();
    if names.is_empty() {
        let known = NAMES.map(|(n, _)| n).join(", ");
        return Err(DriverError::Request(format!(
            "bench {name}: there is no such case; give all, list, or one of {known}"
        )));
    }
    if request.folder.is_some() && !names.contains(&"io") {
        return Err(DriverError::Request(format!("bench {name}: writes no files; leave out --folder")));
    }
    let only_double = |name: &str| !dirac::NAMES.contains(&name) && !["limits", "layers"].contains(&name);
    if !request.has(Precision::F64) && names.iter().all(|n| only_double(n)) {
        return Err(DriverError::Request(format!(
            "bench {name}: runs in f64 only; leave out --precision f32"
        )));
    }
    let volumes = if request.extents.is_empty() {
        VOLUMES.map(Vec::from).to_vec()
    } else {
        vec![request.extents.clone()]
    };
    let lattices = volumes.iter().map(|extents| lattice(extents, request.threads));
    let lattices = lattices.collect::<Result<Vec<_>, _>>()?;
    let limits = Limits::measure(&lattices[0], &request.effort)?;
    for name in names {
        if name == "limits" {
            limits.report(request, sink)?;
            continue;
        }
        if !request.has(Precision::F64) && only_double(name) {
            continue;
        }
        if name == "calls" {
            calls::run(&request.effort, sink)?;
            continue;
        }
        if name == "io" {
            let extents = if request.extents.is_empty() { &FILE_VOLUME[..] } else { &request.extents };
            let lattice = &lattice(extents, request.threads)?;
            let stage = Stage { name, lattice, limits: &limits, effort: request.effort };
            files::run(&stage, request.folder.as_deref(), sink)?;
            continue;
        }
        for lattice in &lattices {
            let stage = Stage { name, lattice, limits: &limits, effort: request.effort };
            match name {
                _ if dirac::NAMES.contains(&name) => {
                    if request.has(Precision::F64) {
                        dirac::run::<f64>(&stage, Precision::F64, sink)?;
                    }
                    if request.has(Precision::F32) {
                        dirac::run::<f32>(&stage, Precision::F32, sink)?;
                    }
                }
                "layers" => {
                    if request.has(Precision::F64) {
                        layers::run::<f64>(&stage, Precision::F64, sink)?;
                    }
                    if request.has(Precision::F32) {
                        layers::run::<f32>(&stage, Precision::F32, sink)?;
                    }
                }
                _ => gauge::run(&stage, sink)?,
            }
        }
    }
    Ok(())
}

fn lattice(extents: &[usize], threads: usize) -> Result<Arc<Lattice>, DriverError> {
    Ok(Lattice::new(extents, LatticeOptions { threads, ..LatticeOptions::default() })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(precision: Option<Precision>) -> Request {
        Request { extents: vec![4; 4], threads: 2, precision, effort: Effort::once(), folder: None }
    }

    fn lines(name: &str) -> Vec<Line> {
        let mut lines = Vec::new();
        run(name, &small(None), &mut |line| {
            lines.push(line);
            Ok(())
        })
        .unwrap();
        lines
    }

    #[test]
    fn every_name_runs_and_its_lines_are_complete() {
        for (name, _) in NAMES {
            let lines = lines(name);
            assert!(!lines.is_empty(), "{name}");
            for line in &lines {
                assert!(line.case.starts_with(name), "{line:?}");
                let alone = ["io", "calls"].contains(&name);
                assert!(line.threads == 2 || alone && line.threads == 1, "{line:?}");
                // Of what a clock shows, work may be nothing.
                let least = if line.metric == "ns_of_work" { 0.0 } else { f64::MIN_POSITIVE };
                assert!(line.value >= least && line.value.is_finite(), "{line:?}");
                let compared = [line.limit.is_some(), line.limit_name.is_some(), line.ratio.is_some()];
                assert!(compared == [true; 3] || compared == [false; 3], "{line:?}");
            }
            if !["limits", "calls"].contains(&name) {
                assert!(lines.iter().any(|l| l.metric == "seconds" && l.unit == "s"), "{name}");
            }
        }
    }

    #[test]
    fn files_are_compared_with_memory_the_kernel_and_sites_one_by_one() {
        let lines = lines("io");
        for direction in ["io write 4x4x4x4 f64 on /", "io read 4x4x4x4 f64 on /"] {
            for threads in [1, 2] {
                let of = lines.iter().filter(|l| l.case.starts_with(direction) && l.threads == threads);
                let limits: Vec<_> = of.filter_map(|l| l.limit_name).collect();
                assert_eq!(limits, ["memcpy", "kernel", "sitewise"], "{direction}, {threads} threads");
            }
        }
    }

    #[test]
    fn files_go_where_they_are_asked_to() {
        let folder = tempfile::tempdir().unwrap();
        let request = Request { folder: Some(folder.path().into()), ..small(None) };
        let mut cases = Vec::new();
        run("io", &request, &mut |line| {
            cases.push(line.case);
            Ok(())
        })
        .unwrap();
        let place = format!("f64 on {}", folder.path().display());
        assert!(cases.iter().any(|case| case.ends_with(&place)), "{cases:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
    }

    #[test]
    fn every_kind_of_call_is_compared_with_the_limit() {
        let lines = lines("calls");
        for case in [
            "flow in C forward",
            "force in C action",
            "precond in C setup",
            "precond in C apply",
            "proposal in C propose",
            "flow in Rust forward",
            "force in Rust action",
            "precond in Rust apply",
            "precond in Rust cost",
        ] {
            let of = |metric: &str| {
                let case = format!("calls {case}");
                lines
                    .iter()
                    .find(|l| l.case == case && l.metric == metric)
                    .unwrap_or_else(|| panic!("{case}"))
            };
            let (total, cost) = (of("ns_per_call"), of("ns"));
            assert!(cost.value <= total.value && cost.limit == Some(20.0), "{total:?} {cost:?}");
            assert!((cost.ratio.unwrap() - 20.0 / cost.value).abs() < 1e-12);
        }
    }

    #[test]
    fn the_hop_is_compared_with_the_arithmetic_and_with_memory() {
        let lines = lines("dslash");
        for precision in ["f64", "f32"] {
            let of = |metric: &str| {
                let case = format!("dslash 4x4x4x4 {precision}");
                lines.iter().find(|l| l.case == case && l.metric == metric).unwrap()
            };
            assert_eq!(of("gflops").limit_name, Some("fma_peak"));
            assert_eq!(of("gbytes").limit_name, Some("triad"));
            let (speed, per_triad) = (of("gflops"), of("gflops_per_triad"));
            assert!((speed.ratio.unwrap() - speed.value / speed.limit.unwrap()).abs() < 1e-12);
            assert!(
                (per_triad.value - speed.value / of("gbytes").limit.unwrap()).abs() < 1e-12 * per_triad.value
            );
        }
    }

    #[test]
    fn wrong_requests_say_what_is_right() {
        let refused = |name: &str, request: &Request| {
            let error = run(name, request, &mut |_| Ok(())).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            error.to_string()
        };
        assert!(refused("dslsh", &small(None)).contains("overrelaxation"));
        assert!(refused("force", &small(Some(Precision::F32))).contains("f64 only"));
        let elsewhere = Request { folder: Some("/tmp".into()), ..small(None) };
        assert!(refused("force", &elsewhere).contains("leave out --folder"));
        for volume in ["8x8x8", "8x8x8x7", "axbxcxd", "", "8x8x8x8x8", "0x8x8x8"] {
            let error = Request::parse(Some(volume), 1, None).unwrap_err().to_string();
            assert!(error.contains("16x16x16x32"), "{error}");
        }
        let error = Request::parse(None, 1, Some("double")).unwrap_err().to_string();
        assert!(error.contains("f64 or f32"), "{error}");
    }
}
