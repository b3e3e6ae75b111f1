//! `gaugelink model`: what a model file says of itself, whether it is so, and models made of weights from elsewhere.

pub(crate) mod convert;

use super::plugin::check::{Checked, show, watched};
use super::plugin::find;
use crate::claims::{Claims, Sampled};
use crate::error::DriverError;
use crate::report::Report;
use crate::scalar_claims::ScalarClaims;
use clap::{Args, Subcommand};
use convert::ModelConvertArgs;
use gaugelink_host::Search;
use gaugelink_lattice::DIM_MAX;
use gaugelink_models::Model;
use gaugelink_models::file::{ModelKind, Training};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// `model`
#[derive(Subcommand, Debug)]
pub(crate) enum ModelCommand {
    /// Theory, layers, training, and what was measured
    Info(ModelInfoArgs),
    /// Inverse, Jacobian, covariance and the other checks of plugins, and the ESS of flows measured anew
    Check(ModelCheckArgs),
    /// Make a model of PyTorch's weights of the published flow of U(1), and measure how good it is
    Convert(ModelConvertArgs),
}

/// Extents, as of `--volume`.
#[derive(Clone, Debug)]
pub(crate) struct Volume(pub Vec<usize>);

/// `16x16` and the like, of two to four dimensions.
pub(crate) fn volume(text: &str) -> Result<Volume, String> {
    let extents: Option<Vec<usize>> = text.split('x').map(|extent| extent.parse().ok()).collect();
    let extents = extents.filter(|e| (2..=DIM_MAX).contains(&e.len()) && e.iter().all(|&l| l > 1));
    extents.map(Volume).ok_or_else(|| "give two to four extents of 2 or more, e.g. 16x16".into())
}

/// Of `model info`.
#[derive(Args, Debug)]
pub(crate) struct ModelInfoArgs {
    /// Model files
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// JSON lines on standard output, nothing else
    #[arg(long)]
    pub json: bool,
}

/// Of `model check`.
#[derive(Args, Debug)]
pub(crate) struct ModelCheckArgs {
    /// Model file
    pub file: PathBuf,
    /// Extents to sample a flow on; without them those that the model was measured on
    #[arg(long, value_name = "XxY", value_parser = volume)]
    pub volume: Option<Volume>,
    #[command(flatten)]
    pub sampled: Sampled,
    /// A check of the plugin's that takes longer has failed
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: u64,
    /// JSON lines on standard output, nothing else
    #[arg(long)]
    pub json: bool,
}

/// Reads a model file, whose numbers have to be those that it was written with.
pub(super) fn read(path: &Path) -> Result<Model, DriverError> {
    Model::read(path).map_err(|error| DriverError::Input(error.to_string()))
}

/// What the header says, in lines.
///
/// # Errors
/// [`DriverError::Input`] for a file that is no model, or damaged.
pub(crate) fn info(args: &ModelInfoArgs, report: &mut Report) -> Result<(), DriverError> {
    for path in &args.files {
        let model = read(path)?;
        let header = &model.header;
        let mut line = |name: &str, text: String| match text.is_empty() {
            true => Ok(()),
            false => report.text(&format!("  {name:<14} {text}")),
        };
        line("file", path.display().to_string())?;
        let kind = format!("{:?}", header.kind).to_lowercase();
        line("kind", format!("{kind} for {} in {} dimensions", header.theory.group, header.theory.dims))?;
        for target in header.action.iter().chain(&header.operator) {
            let settings = target.parameters.iter().map(|(key, value)| format!("{key} = {value}"));
            line("of", format!("{} {}", target.name, settings.collect::<Vec<_>>().join(", ")))?;
        }
        for run in header.architecture.chunk_by(|a, b| a.kind == b.kind) {
            line("layers", format!("{} of kind {}", run.len(), run[0].kind))?;
        }
        line("parameters", model.parameters.len().to_string())?;
        line("conventions", header.conventions.clone())?;
        line_of_training(&header.training, &mut line)?;
        let measured = &header.measured;
        let mut claims: Vec<String> = measured.ess.iter().map(|ess| format!("ESS {ess:.4}")).collect();
        claims.extend(measured.samples.iter().map(|n| format!("from {n} samples")));
        claims.extend(measured.other.iter().map(|(key, value)| format!("{key} {value}")));
        line("measured", claims.join(", "))?;
        for (key, value) in &header.other {
            line(key, value.to_string())?;
        }
        report.record(&json!({ "file": path.display().to_string(), "model": header }))?;
    }
    Ok(())
}

/// Where the parameters come from: a training here, or one elsewhere.
fn line_of_training(
    training: &Training,
    line: &mut impl FnMut(&str, String) -> Result<(), DriverError>,
) -> Result<(), DriverError> {
    let words = |(key, value): (&String, &Value)| format!("{key} {value}, ");
    let version = &training.version;
    if let Some(Value::Object(converted)) = training.other.get("converted") {
        let said = converted.iter().map(words).collect::<String>();
        return line("converted", format!("{said}version {version}"));
    }
    let other = training.other.iter().filter(|(key, _)| *key != "provenance");
    let other = other.map(words).collect::<String>();
    let Training { seed, steps, batch, .. } = training;
    line("training", format!("seed {seed}, {steps} steps of {batch}, {other}version {version}"))
}

/// Puts a model through the checks of plugins, with the plugin that serves its kind, and measures anew what it says of
/// itself.
///
/// # Errors
/// [`DriverError::Checks`] where a check failed or a claim does not hold; their lines are printed.
pub(crate) fn check(args: &ModelCheckArgs, report: &mut Report) -> Result<(), DriverError> {
    let model = read(&args.file)?;
    let plugin = match model.header.kind {
        ModelKind::Flow => "flow",
        ModelKind::Force => "force",
        ModelKind::Precond => "precond",
    };
    let mut lines = Vec::new();
    let volume = args.volume.as_ref().map(|volume| &volume.0);
    let scalar = ScalarClaims::of(&model, volume)?;
    let is_served = model.header.kind != ModelKind::Flow || model.has_exact_density();
    if is_served && scalar.is_none() {
        let path = std::path::absolute(&args.file).unwrap_or_else(|_| args.file.clone());
        let name = path.to_string_lossy().into_owned();
        let mut config = toml::Table::from_iter([("model".to_owned(), name.into())]);
        if let Some(range) = model.conditional().map_err(|error| DriverError::Input(error.to_string()))? {
            config.insert("beta".into(), (0.5 * (range.from + range.to)).into());
        }
        let library = find(&Search::new(&[]), Path::new(plugin))?;
        lines = watched(&library, None, Some(&config.to_string()), args.timeout)?;
    }
    let sampled = match (scalar, Claims::of(&model, volume)?) {
        (Some(claims), _) => claims.measure(&args.sampled)?,
        (None, Some(claims)) => claims.measure(&args.sampled)?,
        (None, None) => Vec::new(),
    };
    lines.extend(sampled.into_iter().map(|(name, holds, sentence)| Checked::claim(name, holds, sentence)));
    if lines.is_empty() {
        return Err(DriverError::Request(format!(
            "{}: there is nothing to check: the model states no action that is known here",
            args.file.display()
        )));
    }
    show(&args.file.display().to_string(), &lines, report)
}
