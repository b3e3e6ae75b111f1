//! `gaugelink model convert`: weights that PyTorch trained, as a model file that says how good it is.

use super::{Volume, volume};
use crate::claims::{Claims, Quality, Sampled, extents_text};
use crate::cli::positive;
use crate::error::DriverError;
use crate::links::shown;
use crate::paths::is_same;
use crate::report::{Report, aside};
use crate::run::this_program;
use clap::Args;
use gaugelink_models::file::{Measured, Named, StateDict};
use gaugelink_train::exact;
use serde_json::{Map, json};
use std::path::PathBuf;

/// Of `model convert`.
#[derive(Args, Debug)]
#[command(
    after_help = "The flow is that of Albergo et al., arXiv:2101.08176. With PyTorch: from safetensors.torch \
                  import save_file; save_file(layers.state_dict(), \"flow.safetensors\"). See docs/tour.md, \
                  Weights from PyTorch"
)]
pub(crate) struct ModelConvertArgs {
    /// Weights: the state_dict of the flow's layers, a safetensors file of any precision and names that count layers
    pub weights: PathBuf,
    /// Model file to write, which must not be there yet; it appears only when complete
    pub model: PathBuf,
    /// Replace the model file if it is there
    #[arg(long)]
    pub force: bool,
    /// Coupling of Wilson's action that the weights were trained for
    #[arg(long, value_parser = positive, allow_negative_numbers = true)]
    pub beta: f64,
    /// Extents to measure it on, multiples of 4: those that it was trained on, unless it is to be used on others
    #[arg(long, value_name = "XxY", value_parser = volume)]
    pub volume: Volume,
    #[command(flatten)]
    pub sampled: Sampled,
    /// A JSON line on standard output, nothing else
    #[arg(long)]
    pub json: bool,
}

/// Part of the divergence of uniform links that a trained flow does not leave: the published one leaves 0.03, with its layers in
/// other orders 0.2.
const POOR: f64 = 0.1;

/// Reads weights, measures the flow that they are, and writes its model file.
///
/// # Errors
/// [`DriverError::Request`] where the model file is the weights, or there already; [`DriverError::Input`] for weights of
/// another flow, lattices that it cannot be on, and files that cannot be read or written.
pub(crate) fn convert(args: &ModelConvertArgs, report: &mut Report) -> Result<(), DriverError> {
    let problem = if is_same(&args.weights, &args.model) {
        "is the file to convert: give another name"
    } else if args.model.is_dir() {
        "is a folder: name a file in it"
    } else if args.model.exists() && !args.force {
        "is there already: give another name, or --force, which replaces it"
    } else {
        ""
    };
    if !problem.is_empty() {
        return Err(DriverError::Request(format!("{} {problem}", shown(&args.model))));
    }
    let input = |error: &dyn std::fmt::Display| DriverError::Input(error.to_string());
    let weights = StateDict::read(&args.weights).map_err(|error| input(&error))?;
    let parameters = Map::from_iter([("beta".to_owned(), json!(args.beta))]);
    let action = Named { name: "wilson".into(), parameters };
    let mut model = weights.u1_coupling_flow(action).map_err(|error| input(&error))?;

    let extents = &args.volume.0;
    let claims = Claims::of(&model, Some(extents))?.filter(|_| extents.len() == 2);
    let claims = claims.ok_or_else(|| {
        DriverError::Request("the flow is one of two dimensions: give --volume XxY, e.g. 8x8".into())
    })?;
    let quality = claims.quality(&args.sampled)?;
    let header = &mut model.header;
    header.training.version = env!("CARGO_PKG_VERSION").into();
    header.training.other.insert("provenance".into(), this_program());
    // Its name alone: equal weights make equal models, wherever they lie.
    let name = args.weights.file_name().unwrap_or_default().to_string_lossy();
    header.training.other["converted"]["file"] = json!(name);
    header.measured = Measured {
        ess: Some(quality.sample_size.value),
        samples: Some(quality.samples as u64),
        loss: Some(quality.loss),
        other: Map::from_iter([
            ("divergence".to_owned(), json!(quality.divergence.value)),
            ("extents".to_owned(), json!(extents)),
            ("seed".to_owned(), json!(args.sampled.seed)),
        ]),
    };
    model.write(&args.model).map_err(|error| input(&error))?;
    report.record(&json!({
        "weights": shown(&args.weights),
        "weights_sha256": weights.sha256,
        "file": shown(&args.model),
        "model": model.header,
    }))?;
    report.text(&format!(
        "{}: {} layers of kind {}, {} parameters\n{}\nwritten: {}",
        shown(&args.weights),
        model.header.architecture.len(),
        model.header.architecture[0].kind,
        model.parameters.len(),
        judged(args, &quality),
        shown(&args.model)
    ))
}

/// What was measured, beside what flows have that are none; a warning where it is not much better.
fn judged(args: &ModelConvertArgs, quality: &Quality) -> String {
    let (extents, beta) = (&args.volume.0, args.beta);
    let exact = exact::U1 { beta, volume: extents.iter().product() };
    // ⟨S⟩ + ln Z, where ⟨cos θ_P⟩ = 0.
    let uniform = beta * exact.volume as f64 + exact.ln_z();
    let left = quality.divergence.value / uniform;
    if left > POOR {
        aside(format_args!(
            "this flow leaves {:.0} % of the divergence of uniform links, where trained ones leave a few: are --beta and the \
             order of layers those of the training, and masks, activations and channels those of the published flow?",
            100.0 * left
        ));
    }
    format!(
        "ESS {} from {} draws on {} at beta = {beta}, seed {}; without training {:.4}\nKL divergence {}; of links \
         drawn uniformly {uniform:.4}",
        quality.sample_size,
        quality.samples,
        extents_text(extents),
        args.sampled.seed,
        exact.untrained_sample_size(),
        quality.divergence
    )
}
