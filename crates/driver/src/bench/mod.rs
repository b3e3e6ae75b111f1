//! Speeds of kernels and updates, beside what the machine can do and what Grid does.
//!
//! A *case* is one kernel on one lattice in one precision. [`run`] times cases by name and hands every measured
//! number on as a [`Line`]. The limits stand in the same process on the same threads: absolute speeds drift between
//! machines and days, the ratios do not.

mod allocations;
mod calls;
mod coupling;
mod dirac;
mod files;
mod flops;
mod gauge;
mod layers;
mod limits;
mod line;
mod passes;
mod peers;
mod plain;
mod roofline;
mod solve;
mod stage;
#[cfg(test)]
mod tests;
mod timing;
mod train;

pub use allocations::{CountingAllocator, allocations};
pub use limits::Limits;
pub use line::Line;
pub use roofline::roofline;
pub use solve::SOURCES;
pub use timing::{Clock, Effort, Run, Timing};

use crate::error::DriverError;
use gaugelink_lattice::{DIM_MAX, Lattice, LatticeOptions, Planner};
use stage::{Session, Stage};
use std::path::PathBuf;
use std::sync::Arc;

/// Names and what they time.
pub const NAMES: [(&str, &str); 23] = [
    ("dslash", "Wilson's hopping term"),
    ("two-rows", "the same, reading two rows of each link"),
    ("dirac", "Wilson's operator D"),
    ("dirac-12", "D on twelve right-hand sides at once, each one's share"),
    ("clover", "D with the clover term"),
    ("clover-12", "the same on twelve right-hand sides"),
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
    ("coupling", "coupling layers of U(1) in two dimensions that move every link once, a batch of 64"),
    (
        "train",
        "a training step of the published flow of U(1), batches of 64 and 1024, and draws with their weights",
    ),
    ("io", "an ILDG file written and read with its checksums, on one thread and on all"),
    ("calls", "what a call of a plugin costs beside its work, on the smallest lattices"),
    ("limits", "memory bandwidth and fused multiply-adds"),
    (SOLVE, "solvers near the critical mass, on thermalised configurations; takes minutes, not among all"),
];

/// The case that is no kernel.
const SOLVE: &str = "solve";

/// Cases in two dimensions.
const PLANAR: [&str; 2] = ["coupling", "train"];

/// Extents that are timed where none are asked for: in cache and out of it.
const VOLUMES: [[usize; DIM_MAX]; 2] = [[8; DIM_MAX], [16; DIM_MAX]];
/// Those of two dimensions.
const PLANES: [[usize; 2]; 2] = [[8; 2], [16; 2]];
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
    /// Lattices, each for the cases of its dimension; none for 8⁴ and 16⁴, 24⁴ for files, 8² and 16².
    pub volumes: Vec<Vec<usize>>,
    /// Threads; 0 takes all cores.
    pub threads: usize,
    /// Precision; `None` takes all that a kernel has.
    pub precision: Option<Precision>,
    /// How long limits and cases are repeated.
    pub effort: Effort,
    /// Where files are written and read; `None` is memory.
    pub folder: Option<PathBuf>,
    /// Sources for each mass of `solve`.
    pub sources: usize,
    /// Chooses between forms of kernels by their times.
    pub planner: Option<Arc<Planner>>,
}

impl Request {
    /// Understands the options of the command line.
    ///
    /// # Errors
    /// [`DriverError::Request`] for extents or a precision that are none.
    pub fn parse(volumes: &[String], threads: usize, precision: Option<&str>) -> Result<Self, DriverError> {
        let volumes =
            volumes.iter().map(|text| parse_extents(text, &[DIM_MAX, 2])).collect::<Result<_, _>>()?;
        let precision = match precision {
            None => None,
            Some("f64") => Some(Precision::F64),
            Some("f32") => Some(Precision::F32),
            Some(other) => {
                return Err(DriverError::Request(format!("--precision {other}: give f64 or f32")));
            }
        };
        Ok(Self {
            volumes,
            threads,
            precision,
            effort: Effort::full(),
            folder: None,
            sources: SOURCES,
            planner: None,
        })
    }

    fn has(&self, precision: Precision) -> bool {
        self.precision.is_none_or(|p| p == precision)
    }

    /// The precisions that a kernel of both is to be timed in.
    fn precisions(&self) -> impl Iterator<Item = Precision> {
        [Precision::F64, Precision::F32].into_iter().filter(|&precision| self.has(precision))
    }

    /// Extents for a case of so many dimensions.
    fn volumes(&self, dims: usize, usual: &[&[usize]]) -> Vec<Vec<usize>> {
        if self.volumes.is_empty() {
            return usual.iter().map(|extents| extents.to_vec()).collect();
        }
        self.volumes.iter().filter(|extents| extents.len() == dims).cloned().collect()
    }
}

/// Four even extents, as in `16x16x16x32`.
pub(crate) fn parse_volume(text: &str) -> Result<[usize; DIM_MAX], DriverError> {
    let extents = parse_extents(text, &[DIM_MAX])?;
    Ok(std::array::from_fn(|mu| extents[mu]))
}

/// As many even extents as one of `dims`.
fn parse_extents(text: &str, dims: &[usize]) -> Result<Vec<usize>, DriverError> {
    let extents: Option<Vec<usize>> = text.split('x').map(|e| e.parse().ok()).collect();
    let is_good = |e: &Vec<usize>| dims.contains(&e.len()) && e.iter().all(|&n| n >= 2 && n % 2 == 0);
    extents.filter(is_good).ok_or_else(|| {
        let two = if dims.contains(&2) { ", or two for cases in two dimensions" } else { "" };
        DriverError::Request(format!("--volume {text}: give four even extents, e.g. 16x16x16x32{two}"))
    })
}

/// Times `names`, each `all` or one of [`NAMES`]; every number goes to `sink`.
///
/// # Errors
/// [`DriverError::Request`] for an unknown name, or a precision or extents that its kernel has not; no memory; the sink's.
pub fn run(
    names: &[&str],
    request: &Request,
    sink: &mut dyn FnMut(Line) -> Result<(), DriverError>,
) -> Result<(), DriverError> {
    run_with(names, request, &mut request.effort.clone(), sink)
}

/// As [`run`], with runs repeated by `clock`.
///
/// # Errors
/// As there, and the clock's.
pub fn run_with(
    names: &[&str],
    request: &Request,
    clock: &mut dyn Clock,
    sink: &mut dyn FnMut(Line) -> Result<(), DriverError>,
) -> Result<(), DriverError> {
    let cases = checked(names, request)?;
    let crew = lattice(&[2; DIM_MAX], request)?;
    let limits = Limits::measure(&crew, &request.effort)?;
    let mut session = Session { limits: &limits, clock, sink };
    cases.into_iter().try_for_each(|name| run_case(name, request, &mut session))
}

/// The cases of some names; what was asked for by name has to be possible.
fn checked(names: &[&str], request: &Request) -> Result<Vec<&'static str>, DriverError> {
    let all = names.contains(&"all");
    for &name in names.iter().filter(|&&name| name != "all") {
        let wrong = |what: &str| Err(DriverError::Request(format!("bench {name}: {what}")));
        if !NAMES.iter().any(|(known, _)| *known == name) {
            let known = NAMES.map(|(known, _)| known).join(", ");
            return wrong(&format!("there is no such case; give all, list, or some of {known}"));
        }
        if !request.has(Precision::F64) && is_only_double(name) {
            return wrong("runs in f64 only; leave out --precision f32");
        }
        let dims = if PLANAR.contains(&name) { 2 } else { DIM_MAX };
        if !["limits", "calls"].contains(&name) && request.volumes(dims, &[&[]]).is_empty() {
            let example = if dims == 2 { "two extents, e.g. 16x16" } else { "four, e.g. 16x16x16x16" };
            return wrong(&format!("runs on lattices of {dims} dimensions; give --volume {example}"));
        }
    }
    let cases = NAMES.iter().map(|(name, _)| *name);
    let cases: Vec<_> = cases.filter(|name| all && *name != SOLVE || names.contains(name)).collect();
    if request.folder.is_some() && !cases.contains(&"io") {
        let names = names.join(" ");
        return Err(DriverError::Request(format!("bench {names}: writes no files; leave out --folder")));
    }
    Ok(cases.into_iter().filter(|name| request.has(Precision::F64) || !is_only_double(name)).collect())
}

fn is_only_double(name: &str) -> bool {
    !dirac::NAMES.contains(&name) && !PLANAR.contains(&name) && !["limits", "layers"].contains(&name)
}

fn run_case(name: &'static str, request: &Request, session: &mut Session<'_>) -> Result<(), DriverError> {
    let volumes = match name {
        "limits" => return session.limits.report(request, session.sink),
        "calls" => return calls::run(session),
        _ if PLANAR.contains(&name) => request.volumes(2, &PLANES.each_ref().map(|v| &v[..])),
        "io" => request.volumes(DIM_MAX, &[&FILE_VOLUME]),
        SOLVE => request.volumes(DIM_MAX, &[&solve::VOLUME]),
        _ => request.volumes(DIM_MAX, &VOLUMES.each_ref().map(|v| &v[..])),
    };
    for extents in volumes {
        let stage = &Stage { name, lattice: &lattice(&extents, request)? };
        match name {
            "io" => files::run(stage, request.folder.as_deref(), session)?,
            SOLVE => solve::run(stage.lattice, request.sources, session)?,
            _ if is_only_double(name) => gauge::run(stage, session)?,
            _ => {
                for precision in request.precisions() {
                    match (name, precision) {
                        ("layers", Precision::F64) => layers::run::<f64>(stage, precision, session)?,
                        ("layers", Precision::F32) => layers::run::<f32>(stage, precision, session)?,
                        ("coupling", Precision::F64) => coupling::run::<f64>(stage, precision, session)?,
                        ("coupling", Precision::F32) => coupling::run::<f32>(stage, precision, session)?,
                        ("train", Precision::F64) => train::run::<f64>(stage, precision, session)?,
                        ("train", Precision::F32) => train::run::<f32>(stage, precision, session)?,
                        (_, Precision::F64) => dirac::run::<f64>(stage, precision, session)?,
                        (_, Precision::F32) => dirac::run::<f32>(stage, precision, session)?,
                    }
                }
            }
        }
    }
    Ok(())
}

fn lattice(extents: &[usize], request: &Request) -> Result<Arc<Lattice>, DriverError> {
    let (threads, planner) = (request.threads, request.planner.clone());
    Ok(Lattice::new(extents, LatticeOptions { threads, planner, ..LatticeOptions::default() })?)
}
