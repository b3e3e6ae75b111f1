//! The plain tables of a run file.

use gaugelink_lattice::Pool;
use gaugelink_models::layers::Loops;
use lime_rs::{FileFormat, Precision};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::path::PathBuf;

/// `[run]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunTable {
    /// Seed of all random numbers; needed wherever there are any.
    pub seed: Option<u64>,
    /// Where everything is written; made if missing. `{input}` stands for the name of the start file, without its
    /// last extension.
    #[serde(deserialize_with = "directory")]
    pub directory: PathBuf,
    /// Independent chains in the lanes of one field, 1 to 8; for small lattices.
    #[serde(default = "one", deserialize_with = "chains")]
    pub chains: u64,
    /// Seconds between checkpoints, at least; 0 writes one after every update.
    #[serde(default = "checkpoint_seconds", deserialize_with = "not_negative")]
    pub checkpoint_seconds: f64,
}

fn checkpoint_seconds() -> f64 {
    60.0
}

/// `[lattice]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatticeTable {
    /// "U(1)", "SU(2)" or "SU(3)".
    pub group: GroupName,
    /// 2 to 4 extents, in the order x, y, z, t.
    pub extents: Vec<usize>,
}

/// `[start]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartTable {
    /// "cold", "hot" or "file".
    #[serde(default)]
    pub kind: StartKind,
    /// File of a configuration, for kind = "file"; `--input` on the command line takes its place.
    pub file: Option<PathBuf>,
    /// Its format, where its bytes do not tell.
    pub format: Option<FormatName>,
    /// Go on though the file's checksum is wrong, or the plaquette or link trace that it states.
    #[serde(default)]
    pub ignore_checksum: bool,
    /// Go on though links are not unitary, or of another determinant than 1; updates need links that are.
    #[serde(default)]
    pub ignore_unitarity: bool,
}

/// How the first configuration comes about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StartKind {
    /// All links 1.
    #[default]
    Cold,
    /// Random links.
    Hot,
    /// From a file.
    File,
}

/// `[measure]`: what is measured after updates, beside the plaquette.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasureTable {
    /// Updates between measurements.
    #[serde(default = "one", deserialize_with = "at_least_one")]
    pub every: u64,
    /// Polyakov loop in the last direction.
    #[serde(default = "yes")]
    pub polyakov: bool,
    /// Topological charge: geometric for U(1) in two dimensions, clover in four.
    #[serde(default)]
    pub charge: bool,
    /// Sign of one flavour's determinant.
    #[serde(default)]
    pub sign: bool,
    /// Control variates, by the loops that they are made from: "leading", "next", "second".
    #[serde(default)]
    pub controls: Option<Loops>,
    /// Condensate of a flavour of `[fermions]`.
    #[serde(default)]
    pub condensate: Option<Condensate>,
    /// Sources of each estimate of it.
    #[serde(default = "four", deserialize_with = "at_least_one")]
    pub condensate_sources: u64,
}

/// How the condensate is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Condensate {
    /// From the inverse of the whole matrix: small lattices.
    Exact,
    /// By solves for random sources.
    Stochastic,
}

impl Default for MeasureTable {
    fn default() -> Self {
        Self {
            every: 1,
            polyakov: true,
            charge: false,
            sign: false,
            controls: None,
            condensate: None,
            condensate_sources: four(),
        }
    }
}

/// `[machine]`: changes speed, never results.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineTable {
    /// Threads of each rank; 0 takes all cores.
    #[serde(default)]
    pub threads: usize,
    /// Ranks in each direction, as threads of this process.
    #[serde(default)]
    pub ranks: Vec<usize>,
    /// Whether each thread is bound to a core.
    #[serde(default)]
    pub pin: bool,
    /// A file of plans: forms of kernels are timed, and the fastest are taken and kept there.
    pub plans: Option<PathBuf>,
}

impl MachineTable {
    /// What is wrong with the threads of all ranks, if anything is.
    pub(crate) fn problem(&self) -> Option<String> {
        let ranks = self.ranks.iter().fold(1usize, |all, &n| all.saturating_mul(n));
        let threads = ranks.saturating_mul(self.threads.max(1));
        let most = Pool::THREADS_MAX;
        (threads > most).then(|| {
            format!(
                "{threads} threads in all, at most {most} are possible: this process may use {} cores",
                cores()
            )
        })
    }
}

/// Cores that the process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get())
}

/// A gauge group by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct GroupName(pub usize);

impl TryFrom<String> for GroupName {
    type Error = String;
    fn try_from(name: String) -> Result<Self, String> {
        (1..=3)
            .find(|&n| gaugelink_lattice::group::group_name(n) == name)
            .map(GroupName)
            .ok_or_else(|| format!("no group is called `{name}`: expected \"U(1)\", \"SU(2)\" or \"SU(3)\""))
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&gaugelink_lattice::group::group_name(self.0))
    }
}

/// A file format by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct FormatName(pub FileFormat);

impl Default for FormatName {
    fn default() -> Self {
        Self(FileFormat::Ildg)
    }
}

impl TryFrom<String> for FormatName {
    type Error = String;
    fn try_from(name: String) -> Result<Self, String> {
        let format = name.parse().map_err(|formats| format!("no format is called `{name}`: {formats}"));
        format.map(FormatName)
    }
}

/// Precision of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PrecisionName {
    /// 64 bits.
    #[default]
    F64,
    /// 32 bits.
    F32,
}

impl From<PrecisionName> for Precision {
    fn from(name: PrecisionName) -> Self {
        match name {
            PrecisionName::F64 => Precision::F64,
            PrecisionName::F32 => Precision::F32,
        }
    }
}

fn four() -> u64 {
    4
}

pub(super) fn one() -> u64 {
    1
}

pub(super) fn yes() -> bool {
    true
}

/// A count that must not be zero.
pub(super) fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match u64::deserialize(deserializer)? {
        0 => Err(serde::de::Error::custom("0 is not possible here, expected at least 1")),
        n => Ok(n),
    }
}

/// Counts that must not be zero.
pub(super) fn counts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
    let counts = Vec::<u64>::deserialize(deserializer)?;
    match counts.contains(&0) {
        true => Err(serde::de::Error::custom("0 is not possible here, expected each at least 1")),
        false => Ok(counts),
    }
}

/// Steps of a trajectory: their list is held in memory, and no trajectory needs so many.
pub(super) const STEPS_MAX: u64 = 100_000;

/// Integration steps of a trajectory, 1 to [`STEPS_MAX`].
pub(super) fn trajectory_steps<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match at_least_one(deserializer)? {
        n if n > STEPS_MAX => Err(serde::de::Error::custom(format!(
            "{n} steps of a trajectory are not possible here, expected at most {STEPS_MAX}"
        ))),
        n => Ok(n),
    }
}

/// A number that must be positive and finite.
pub(super) fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let x = f64::deserialize(deserializer)?;
    if x > 0.0 && x.is_finite() {
        Ok(x)
    } else {
        Err(serde::de::Error::custom(format!("{x} is not possible here, expected a positive number")))
    }
}

/// A number, not NaN or infinite.
pub(crate) fn finite<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let x = f64::deserialize(deserializer)?;
    if x.is_finite() {
        Ok(x)
    } else {
        Err(serde::de::Error::custom(format!("{x} is not possible here, expected a finite number")))
    }
}

/// The same of a key that may be left out.
pub(crate) fn finite_if_given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    finite(deserializer).map(Some)
}

pub(super) fn positive_if_given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    positive(deserializer).map(Some)
}

fn not_negative<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let x = f64::deserialize(deserializer)?;
    if x >= 0.0 {
        Ok(x)
    } else {
        Err(serde::de::Error::custom(format!("{x} is not possible here, expected 0 or more")))
    }
}

/// A path that can be a folder's.
pub(super) fn directory<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() || text.contains('\0') {
        return Err(serde::de::Error::custom(format!(
            "{text:?} is no folder's name, expected a path such as \"runs/su3\""
        )));
    }
    Ok(text.into())
}

/// As many as a block has lanes.
fn chains<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match u64::deserialize(deserializer)? {
        n @ 1..=8 => Ok(n),
        n => Err(serde::de::Error::custom(format!(
            "{n} chains are not possible in one field, expected 1 to 8"
        ))),
    }
}
