//! What a configuration asks for.

use crate::placed::{OnLattice, Placed};
use gaugelink_lattice::{Lattice, Real};
use gaugelink_models::serve::Make;
use gaugelink_models::{LearnedForce, Model, ModelError};
use gaugelink_plugin_sdk::{Error, Result, raw};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The keys of a configuration.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    model: Option<PathBuf>,
    c: Option<Vec<f64>>,
    rho: Option<Vec<f64>>,
    beta: Option<f64>,
}

/// A force before it is placed on a lattice.
pub enum Parameters {
    File(Box<Model>),
    Given { couplings: Vec<f64>, rho: Vec<f64> },
}

impl Parameters {
    /// # Errors
    /// For keys that exclude each other, values out of range, and files that cannot be used.
    pub fn new(settings: Settings, base_dir: &Path, lattice: &Arc<Lattice>) -> Result<Self> {
        let Settings { model, c, rho, beta } = settings;
        if let Some(model) = model {
            if c.is_some() || rho.is_some() || beta.is_some() {
                return Err(Error::invalid(
                    "config: model has its own coefficients: leave out c, rho and beta",
                ));
            }
            let model = Model::read(base_dir.join(model)).map_err(ModelError::from)?;
            return Ok(Self::File(Box::new(model)));
        }
        if beta.is_some() && (c.is_some() || rho.is_some()) {
            return Err(Error::invalid("config: beta means c = [beta]: leave out c and rho, or beta"));
        }
        let couplings = c.unwrap_or_else(|| vec![beta.unwrap_or(1.0)]);
        let rho = rho.unwrap_or_default();
        // Refused now, not by the first call.
        LearnedForce::<f64, 1>::new(lattice, &couplings, &rho)?;
        Ok(Self::Given { couplings, rho })
    }
}

impl Make for Parameters {
    type Instance = dyn Placed + Send;
    /// An action of single numbers would lose what the accept step needs.
    fn scalar(&self, of_view: i32) -> i32 {
        if of_view == raw::GLK_F32 { raw::GLK_F64 } else { of_view }
    }
    fn make<T: Real, const N: usize>(&self, lattice: &Arc<Lattice>) -> Result<Box<dyn Placed + Send>> {
        let force = match self {
            Self::File(model) => LearnedForce::<f64, N>::from_model(lattice, model)?,
            Self::Given { couplings, rho } => LearnedForce::new(lattice, couplings, rho)?,
        };
        Ok(Box::new(OnLattice::new(lattice, force)?))
    }
}
