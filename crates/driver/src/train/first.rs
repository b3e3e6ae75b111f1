//! The parameters that a training begins with: drawn, fitted, or those of a model of the same layers.

use crate::claims::{QUARKS, quark_parameters};
use crate::config::{BlockFitTable, TrainFile};
use crate::error::DriverError;
use crate::hash::sha256_hex;
use gaugelink_models::file::Named;
use gaugelink_models::{Conditional, Model, flow_model};
use gaugelink_train::BlockFit;
use serde_json::{Map, Value, json};

/// The file in the run directory that tells of a fit.
pub(super) const FIT: &str = "fit.jsonl";

/// First parameters.
#[derive(Default)]
pub(super) struct First {
    /// The parameters of all layers.
    pub parameters: Vec<f64>,
    /// SHA-256 of the numbers, where they come from a model.
    pub sha256: Option<String>,
    /// For each layer that was fitted, what that left of the divergence.
    pub fit: Vec<Value>,
    /// A range of couplings, and the parameters of all layers at each of its knots.
    pub range: Option<Knots>,
}

/// Parameters over a range of couplings.
pub(super) type Knots = (Conditional, Vec<Vec<f64>>);

impl First {
    /// Draws or fits them, or reads the model that the file names. A training that goes on from a checkpoint fits nothing but
    /// a range of couplings, of which the checkpoint has only one.
    ///
    /// # Errors
    /// [`DriverError::Input`] for a model that cannot be read or has other layers, or a fit that fails.
    pub fn of<const N: usize>(file: &TrainFile, goes_on: bool) -> Result<Self, DriverError> {
        let drawn = || file.model.initial_parameters::<N>(file.lattice.extents.len(), file.run.seed);
        if let Some(table) = file.fit.as_ref().filter(|table| !goes_on || table.betas.is_some()) {
            return fitted(file, table);
        }
        let Some(path) = &file.train.start else {
            return Ok(Self { parameters: drawn(), ..Self::default() });
        };
        let model = Model::read(path).map_err(|error| DriverError::Input(error.to_string()))?;
        let (ours, theirs) = (of_file::<N>(file, drawn()).header, model.header);
        theirs
            .theory
            .expect_theory(&ours.theory)
            .map_err(|error| DriverError::Input(format!("[train] start = {}: {error}", path.display())))?;
        if (&ours.kind, &ours.architecture) != (&theirs.kind, &theirs.architecture) {
            return Err(DriverError::Input(format!(
                "[train] start = {}: the model has other layers than [model] asks for; give one of the same kind, number, \
                 and settings of layers",
                path.display()
            )));
        }
        let bytes: Vec<u8> = model.parameters.iter().flat_map(|p| p.to_le_bytes()).collect();
        let sha256 = Some(sha256_hex(&bytes));
        Ok(Self { parameters: model.parameters, sha256, ..Self::default() })
    }

    /// What makes the training this one and no other.
    pub fn identity(&self, file: &TrainFile) -> String {
        [Some(file.training_hash()), self.sha256.clone()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" from ")
    }
}

/// Parameters of block layers that are fitted one by one.
fn fitted(file: &TrainFile, table: &BlockFitTable) -> Result<First, DriverError> {
    let BlockFitTable { steps, points, learning_rate: rate, .. } = *table;
    let (seed, threads, range) = (file.run.seed, file.machine.threads, table.range());
    // Over a range the fit begins where densities are narrow: from there it finds the broad ones, and not the other way round.
    let beta = range.map_or(table.beta.unwrap_or(file.action.beta), |range| range.to);
    let fit = BlockFit { beta, range, steps, rate, points, seed, threads };
    let blocks = file.model.blocks();
    let layers = fit.fit(&blocks)?;
    let volume: usize = file.lattice.extents.iter().product();
    let told = blocks.iter().zip(&layers).enumerate().map(|(layer, (settings, fitted))| {
        let count = volume / settings.block().iter().product::<usize>();
        json!({ "kind": "fit", "layer": layer, "blocks": count, "divergence": fitted.divergence })
    });
    let fit = told.collect();
    let knot = |k: usize| layers.iter().flat_map(|layer| layer.knots[k].clone()).collect::<Vec<f64>>();
    let Some(range) = range else {
        let parameters = [knot(0), file.model.initial_couplings(seed)].concat();
        return Ok(First { parameters, fit, ..First::default() });
    };
    let knots: Vec<Vec<f64>> = (0..range.knots).map(knot).collect();
    let parameters = over(file, (range, &knots)).at(file.action.beta);
    let parameters = parameters.map_err(|error| DriverError::Input(error.to_string()))?.parameters;
    Ok(First { parameters, fit, range: Some((range, knots)), ..First::default() })
}

/// The model of a training file over a range of couplings, which blocks of U(1) may have.
pub(super) fn over(file: &TrainFile, (range, knots): (Conditional, &[Vec<f64>])) -> Model {
    of_file::<1>(file, knots[0].clone()).over(range, knots)
}

/// The model of a training file with some parameters.
pub(super) fn of_file<const N: usize>(file: &TrainFile, parameters: Vec<f64>) -> Model {
    let mut target = Map::from_iter([("beta".to_owned(), json!(file.action.beta))]);
    if let Some(quark) = file.quark() {
        target.extend(quark_parameters(&quark));
    }
    let name = if file.fermions.is_some() { QUARKS } else { "wilson" };
    let target = Named { name: name.into(), parameters: target };
    flow_model::<N>(file.lattice.extents.len(), target, &file.model.architecture(), parameters)
}
