//! The command line: one definition gives the parser and the help.

use crate::command;
use crate::command::model::ModelCommand;
use crate::command::reproduce::ReproduceArgs;
use crate::error::DriverError;
use crate::report::{Report, aside};
use clap::{Args, Parser, Subcommand};
use lime_rs::{FileFormat, Precision};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Machine learning inside real lattice QCD: exact sampling and solving, ILDG in and out.
#[derive(Parser, Debug)]
#[command(name = "gaugelink", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Do what a run file says: sample, flow, solve, write; goes on where a stopped run left off
    Run(RunArgs),
    /// Solve the Wilson-Dirac equation on a configuration, as a run file's [solve] table says
    Solve(RunArgs),
    /// Train a flow, as a file says, and sample with it; goes on where a stopped training left off
    Train(TrainArgs),
    /// Look into configuration files, compare and convert them (ILDG, NERSC, MILC, openQCD, DDalphaAMG, HiRep)
    #[command(subcommand)]
    Ildg(IldgCommand),
    /// Measure plaquettes, loops, charge and gradient flow on configurations
    Measure(MeasureArgs),
    /// Take a folder of configurations as one ensemble: list, verify and measure it
    #[command(subcommand)]
    Ensemble(EnsembleCommand),
    /// Show the plugins that are found, and check that they keep the rules of plugin.h
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Model files: what they say, whether it is so, and models made of PyTorch's weights
    #[command(subcommand)]
    Model(ModelCommand),
    /// Draw configurations from a flow's model file, the same bytes for the same seed on any machine
    Reproduce(ReproduceArgs),
    /// Kernels of devices: their text, and whether they compute what the CPU computes
    #[command(subcommand)]
    Device(DeviceCommand),
    /// Time kernels against the machine's limits
    Bench(BenchArgs),
}

#[derive(Subcommand, Debug)]
enum DeviceCommand {
    /// The kernels, or the text of one, for CUDA, HIP and C++ alike
    Text(DeviceTextArgs),
    /// Run every kernel without a device, each thread a fiber, and compare it with the library bit by bit
    Test(DeviceTestArgs),
}

/// Of `device text`.
#[derive(Args, Debug)]
pub(crate) struct DeviceTextArgs {
    /// Kernel; without it all are listed
    pub name: Option<String>,
    /// Write each text into a file of this folder
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// JSON lines on standard output, nothing else
    #[arg(long)]
    pub json: bool,
}

/// Of `device test`.
#[derive(Args, Debug)]
pub(crate) struct DeviceTestArgs {
    /// Extents, all even
    #[arg(long, value_name = "XxYxZxT", default_value = "4x4x4x8")]
    pub volume: String,
    /// JSON lines on standard output, nothing else
    #[arg(long)]
    pub json: bool,
}

#[derive(Subcommand, Debug)]
enum IldgCommand {
    /// Records and metadata; reads no payload
    Info(FileArgs),
    /// Checksum, plaquette, link trace and unitarity, against what the file states
    Verify(VerifyArgs),
    /// Write a configuration in another format or precision; nothing is rounded unless asked for
    Convert(ConvertArgs),
    /// Compare two files link by link; exit status 0: equal, 1: different, 2: cannot be compared
    Diff(DiffArgs),
}

#[derive(Subcommand, Debug)]
enum EnsembleCommand {
    /// Numbers, names and headers, gaps and files that do not belong; reads no links
    List(EnsembleArgs),
    /// Read every byte and every link: damage, copies, gaps, outliers, and the history of the plaquette
    Verify(EnsembleVerifyArgs),
    /// Averages with autocorrelation times, histories and plots of plaquettes, loops and gradient flow
    Measure(EnsembleMeasureArgs),
}

#[derive(Subcommand, Debug)]
enum PluginCommand {
    /// Plugins with their components, interfaces, versions, licences and promises
    List(PluginListArgs),
    /// What is listed of one file, in this process, for `list`, which watches it
    #[command(hide = true)]
    ListHere(PluginListHereArgs),
    /// Put a plugin through the promises of plugin.h: inverse, Jacobian, covariance, gradient, errors, ...
    Check(PluginCheckArgs),
    /// The checks in this process, for `check`, which watches it
    #[command(hide = true)]
    CheckHere(PluginCheckHereArgs),
}

/// Of `plugin list`.
#[derive(Args, Debug)]
pub(crate) struct PluginListArgs {
    /// Files, or names to search for; without any, all that the search finds
    pub paths: Vec<PathBuf>,
    /// JSON lines on standard output, nothing else
    #[arg(long)]
    pub json: bool,
}

/// Of `plugin list-here`.
#[derive(Args, Debug)]
pub(crate) struct PluginListHereArgs {
    /// File
    pub path: PathBuf,
    /// Where what is found is written
    #[arg(long)]
    pub told: PathBuf,
}

/// Of `plugin check`.
#[derive(Args, Debug)]
pub(crate) struct PluginCheckArgs {
    /// File, or a name to search for
    pub path: PathBuf,
    /// Check only this component
    #[arg(long, value_name = "ID")]
    pub component: Option<String>,
    /// Configuration of the components, TOML, e.g. 'beta = 6.0'
    #[arg(long, value_name = "TOML")]
    pub config: Option<String>,
    /// A check that takes longer has failed
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: u64,
    /// JSON lines on standard output, nothing else
    #[arg(long)]
    pub json: bool,
}

/// Of `plugin check-here`.
#[derive(Args, Debug)]
pub(crate) struct PluginCheckHereArgs {
    /// File
    pub path: PathBuf,
    /// Where what happens is written, as JSON lines
    #[arg(long)]
    pub events: PathBuf,
    /// Check only this component
    #[arg(long)]
    pub component: Option<String>,
    /// Configuration of the components
    #[arg(long, default_value = "")]
    pub config: String,
}

/// Of `run` and `solve`.
#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// Run file (TOML); docs/runs has examples, docs/run-files.md explains every key
    pub file: PathBuf,
    /// Start from this file (of any format), whatever [start] says
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Change a key, e.g. --set action.beta=5.7 --set stage.0.sweeps=10 (stages count from 0)
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Begin anew: removes what an earlier run left in the run directory, but for configurations
    #[arg(long)]
    pub fresh: bool,
    /// JSON lines on standard output, nothing else
    #[arg(long)]
    pub json: bool,
}

/// Of `train`.
#[derive(Args, Debug)]
pub(crate) struct TrainArgs {
    /// Training file (TOML); docs/runs has an example, docs/run-files.md explains every key
    pub file: PathBuf,
    /// Change a key, e.g. --set train.steps=3000
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Begin anew: removes what an earlier training left in the run directory
    #[arg(long)]
    pub fresh: bool,
    /// JSON lines on standard output, nothing else
    #[arg(long)]
    pub json: bool,
}

/// Of `ildg info` and `ildg verify`.
#[derive(Args, Debug)]
pub(crate) struct FileArgs {
    /// Configuration files of any format
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub shape: ShapeArgs,
    /// Which gauge field of a file that holds several, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub payload: usize,
    /// JSON lines on standard output, nothing else
    #[arg(long)]
    pub json: bool,
}

/// Of `ildg verify`.
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub files: FileArgs,
    /// Pass files whose checksum, or stated plaquette, link trace or norm, is wrong, with a warning: their links are judged all
    /// the same
    #[arg(long)]
    pub ignore_checksum: bool,
}

/// Of `ildg convert`.
#[derive(Args, Debug)]
pub(crate) struct ConvertArgs {
    /// The file to read
    pub input: PathBuf,
    /// The file to write, which must not be there yet; it appears only when complete
    pub output: PathBuf,
    /// Replace the file to write if it is there
    #[arg(long)]
    pub force: bool,
    /// Format to write: ildg, grid (ILDG that Grid's reader accepts), scidac, nersc, milc, openqcd, ddalphaamg, hirep
    #[arg(long, value_name = "FORMAT")]
    pub to: FileFormat,
    /// f32 or f64; without it that of the input, or f64 where the format has no f32
    #[arg(long, value_name = "P", value_parser = precision)]
    pub precision: Option<Precision>,
    /// Rows of SU(3) links to keep, 2 or 3 (nersc has both)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..=3))]
    pub rows: Option<u8>,
    /// Logical file name (ildg, grid); without it that of the input, or one made from the output's name
    #[arg(long, value_name = "LFN", value_parser = lfn)]
    pub lfn: Option<String>,
    #[command(flatten)]
    pub shape: ShapeArgs,
    /// Which gauge field of a file that holds several, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub payload: usize,
    /// Convert a file whose checksum, or stated plaquette, link trace or norm, is wrong, with the links that it has
    #[arg(long)]
    pub ignore_checksum: bool,
    /// Convert links that are not unitary or have another determinant than 1: fat links, signs multiplied in
    #[arg(long)]
    pub ignore_unitarity: bool,
    /// A JSON line on standard output, nothing else
    #[arg(long)]
    pub json: bool,
}

/// Of `ildg diff`.
#[derive(Args, Debug)]
pub(crate) struct DiffArgs {
    /// One file
    pub a: PathBuf,
    /// The other one
    pub b: PathBuf,
    /// Largest difference of two links (Frobenius norm) that counts as equal
    #[arg(long, value_name = "T", default_value_t = 0.0, value_parser = tolerance, allow_negative_numbers = true)]
    pub tolerance: f64,
    /// Format of the files, where the bytes do not tell: ildg, scidac, nersc, milc, openqcd, ddalphaamg, hirep; A,B for one of
    /// each file
    #[arg(long, value_name = "FORMAT", value_parser = formats)]
    pub format: Option<[FileFormat; 2]>,
    #[command(flatten)]
    pub lattice: LatticeArgs,
    /// Which gauge field of files that hold several, counted from 0; N,M for one of each file
    #[arg(long, value_name = "N", default_value = "0", value_parser = payloads)]
    pub payload: [usize; 2],
    /// Compare files whose checksums are wrong
    #[arg(long)]
    pub ignore_checksum: bool,
    /// A JSON line on standard output, nothing else
    #[arg(long)]
    pub json: bool,
}

fn precision(text: &str) -> Result<Precision, String> {
    match text {
        "f32" => Ok(Precision::F32),
        "f64" => Ok(Precision::F64),
        _ => Err("give f32 or f64".to_owned()),
    }
}

fn lfn(text: &str) -> Result<String, String> {
    lime_rs::check_lfn(text).map(|()| text.to_owned()).map_err(|error| error.to_string())
}

/// A number for both files, or one for each.
fn payloads(text: &str) -> Result<[usize; 2], String> {
    let (one, other) = text.split_once(',').unwrap_or((text, text));
    let number = |text: &str| text.parse().map_err(|_| "give N, or N,M, counted from 0".to_owned());
    Ok([number(one)?, number(other)?])
}

/// A format for both files, or one for each.
fn formats(text: &str) -> Result<[FileFormat; 2], String> {
    let (one, other) = text.split_once(',').unwrap_or((text, text));
    Ok([one.parse()?, other.parse()?])
}

fn tolerance(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|x| x.is_finite() && *x >= 0.0);
    number.ok_or_else(|| "give 0 or a number above".to_owned())
}

/// For files that do not say their format or shape, or say it wrongly.
#[derive(Args, Debug)]
pub(crate) struct ShapeArgs {
    /// Format of the files, where the bytes do not tell: ildg, scidac, nersc, milc, openqcd, ddalphaamg, hirep
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<FileFormat>,
    #[command(flatten)]
    pub lattice: LatticeArgs,
}

/// For files that do not say their lattice and group, or say them wrongly.
#[derive(Args, Debug)]
pub(crate) struct LatticeArgs {
    /// Extents of a file that does not state them, e.g. 8,8,8,16
    #[arg(long, value_name = "X,Y,Z,T", value_delimiter = ',', num_args = 1)]
    pub dims: Option<Vec<usize>>,
    /// Number of colours of such a file
    #[arg(long, value_name = "N", default_value_t = 3, requires = "dims")]
    pub nc: usize,
}

/// Of `measure`.
#[derive(Args, Debug)]
pub(crate) struct MeasureArgs {
    #[command(flatten)]
    pub files: FileArgs,
    /// Flow each configuration up to this flow time (lattice units)
    #[arg(long, value_name = "T", value_parser = positive, allow_negative_numbers = true)]
    pub flow: Option<f64>,
    /// Step of the gradient flow
    #[arg(long, value_name = "EPS", default_value_t = 0.02, value_parser = positive, allow_negative_numbers = true)]
    pub flow_step: f64,
    /// Measure files whose checksum, or stated plaquette or link trace, is wrong, with the links that they have
    #[arg(long)]
    pub ignore_checksum: bool,
    /// Measure links that are not unitary or have another determinant than 1: fat links, signs multiplied in
    #[arg(long)]
    pub ignore_unitarity: bool,
    /// Threads; 0 takes all cores
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
}

/// Of `ensemble list`, and of what reads the files of an ensemble.
#[derive(Args, Debug)]
pub(crate) struct EnsembleArgs {
    /// Folders, files, or quoted patterns such as 'DIR/*/conf.*.lime', of one ensemble
    #[arg(required = true, value_name = "DIR")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub shape: ShapeArgs,
    /// JSON lines on standard output, nothing else
    #[arg(long)]
    pub json: bool,
}

/// Of `ensemble verify` and `ensemble measure`.
#[derive(Args, Debug)]
pub(crate) struct EnsembleReadArgs {
    #[command(flatten)]
    pub ensemble: EnsembleArgs,
    /// Folder of the results; without it gaugelink-ensemble/NAME here, NAME being that of the data's folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Read all files, not only new and changed ones, and forget what is known of them
    #[arg(long)]
    pub again: bool,
    /// Files at a time, as far as memory goes; 0 takes one for each core
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub jobs: usize,
    /// Standard deviations from which on a plaquette is an outlier
    #[arg(long, value_name = "K", default_value_t = 5.0, value_parser = positive, allow_negative_numbers = true)]
    pub sigmas: f64,
    /// Neighbours with the same links are rejected trajectories, not copies
    #[arg(long)]
    pub repeats: bool,
    /// Let files count whose checksum, or stated plaquette or link trace, is wrong
    #[arg(long)]
    pub ignore_checksum: bool,
}

/// Of `ensemble verify`.
#[derive(Args, Debug)]
pub(crate) struct EnsembleVerifyArgs {
    #[command(flatten)]
    pub read: EnsembleReadArgs,
    /// Write QCDml documents of the configurations and of the ensemble into this folder; none is ever replaced
    #[arg(long, value_name = "DIR", requires = "metadata")]
    pub qcdml: Option<PathBuf>,
    /// What the files do not say of themselves (TOML); docs/ensemble.toml explains every key
    #[arg(long, value_name = "FILE", requires = "qcdml")]
    pub metadata: Option<PathBuf>,
}

/// Of `ensemble measure`.
#[derive(Args, Debug)]
pub(crate) struct EnsembleMeasureArgs {
    #[command(flatten)]
    pub read: EnsembleReadArgs,
    /// Flow each configuration up to this flow time (lattice units)
    #[arg(long, value_name = "T", value_parser = positive, allow_negative_numbers = true)]
    pub flow: Option<f64>,
    /// Step of the gradient flow
    #[arg(long, value_name = "EPS", default_value_t = 0.02, value_parser = positive, allow_negative_numbers = true)]
    pub flow_step: f64,
}

pub(crate) fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|x| x.is_finite() && *x > 0.0);
    number.ok_or_else(|| "give a number above 0".to_owned())
}

/// Of `bench`.
#[derive(Args, Debug)]
pub(crate) struct BenchArgs {
    /// What to time: all, or some of the names that `gaugelink bench list` prints
    #[arg(required = true)]
    pub names: Vec<String>,
    /// Extents, e.g. 16x16x16x16, or 16x16 for cases in two dimensions; may be given several times
    #[arg(long, value_name = "XxYxZxT")]
    pub volume: Vec<String>,
    /// Threads; 0 takes all cores
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// f64 or f32, for kernels that have both
    #[arg(long, value_name = "P")]
    pub precision: Option<String>,
    /// Where io writes and reads its files; the default is memory, /dev/shm, where there is that
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// Sources for each mass of `solve`
    #[arg(long, value_name = "N", default_value_t = crate::bench::SOURCES as u16, value_parser = clap::value_parser!(u16).range(1..))]
    pub sources: u16,
    /// A file of plans: forms of kernels are timed, and the fastest are taken and kept there
    #[arg(long, value_name = "FILE.toml")]
    pub plans: Option<PathBuf>,
    /// Draws the kernels under the machine's roofline
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
    /// JSON lines on standard output, nothing else
    #[arg(long)]
    pub json: bool,
}

/// Parses the command line, runs the command and tells how it went. Results go to standard output, messages and
/// progress to standard error. 0: done; 1: failed; 2: the request itself was wrong.
pub fn main() -> ExitCode {
    // A limit on the size of files is to be an error of the write that meets it, not the end of the program.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::<AtomicBool>::default());
    match dispatch(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(DriverError::ClosedPipe) => ExitCode::SUCCESS,
        Err(error) => {
            aside(format_args!("{error}"));
            ExitCode::from(error.exit_code())
        }
    }
}

fn dispatch(command: Command) -> Result<(), DriverError> {
    match command {
        Command::Run(args) => command::run::run(&args, &mut Report::new(args.json)),
        Command::Solve(args) => command::run::solve(&args, &mut Report::new(args.json)),
        Command::Train(args) => command::train::train(&args, &mut Report::new(args.json)),
        Command::Ildg(IldgCommand::Info(args)) => command::ildg::info(&args, &mut Report::new(args.json)),
        Command::Ildg(IldgCommand::Verify(args)) => {
            command::ildg::verify(&args, &mut Report::new(args.files.json))
        }
        Command::Ildg(IldgCommand::Convert(args)) => {
            command::ildg::convert(&args, &mut Report::new(args.json))
        }
        Command::Ildg(IldgCommand::Diff(args)) => command::ildg::diff(&args, &mut Report::new(args.json)),
        Command::Measure(args) => command::measure::measure(&args, &mut Report::new(args.files.json)),
        Command::Ensemble(EnsembleCommand::List(args)) => {
            command::ensemble::list(&args, &mut Report::new(args.json))
        }
        Command::Ensemble(EnsembleCommand::Verify(args)) => {
            command::ensemble::verify(&args, &mut Report::new(args.read.ensemble.json))
        }
        Command::Ensemble(EnsembleCommand::Measure(args)) => {
            command::ensemble::measure(&args, &mut Report::new(args.read.ensemble.json))
        }
        Command::Plugin(PluginCommand::List(args)) => {
            command::plugin::list(&args, &mut Report::new(args.json))
        }
        Command::Plugin(PluginCommand::ListHere(args)) => command::plugin::list_here(&args),
        Command::Plugin(PluginCommand::Check(args)) => {
            command::plugin::check(&args, &mut Report::new(args.json))
        }
        Command::Plugin(PluginCommand::CheckHere(args)) => command::plugin::check_here(&args),
        Command::Model(ModelCommand::Info(args)) => command::model::info(&args, &mut Report::new(args.json)),
        Command::Model(ModelCommand::Check(args)) => {
            command::model::check(&args, &mut Report::new(args.json))
        }
        Command::Model(ModelCommand::Convert(args)) => {
            command::model::convert::convert(&args, &mut Report::new(args.json))
        }
        Command::Reproduce(args) => command::reproduce::reproduce(&args, &mut Report::new(args.json)),
        Command::Device(DeviceCommand::Text(args)) => {
            command::device::text(&args, &mut Report::new(args.json))
        }
        Command::Device(DeviceCommand::Test(args)) => {
            command::device::test(&args, &mut Report::new(args.json))
        }
        Command::Bench(args) => command::bench::bench(&args, &mut Report::new(args.json)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
