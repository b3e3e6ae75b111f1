//! What a configuration asks for.

use crate::placed::{OnLattice, Prepared};
use gaugelink_lattice::{Lattice, Real};
use gaugelink_models::precond::TransportWeights;
use gaugelink_models::serve::Make;
use gaugelink_models::{Model, ModelError};
use gaugelink_plugin_sdk::{Error, Result};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The keys of a configuration.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    fit: Option<bool>,
    vectors: Option<usize>,
    seed: Option<u64>,
    a: Option<[f64; 3]>,
    model: Option<PathBuf>,
}

/// Most vectors of a fit: more is a slip of the pen.
const VECTORS_MAX: usize = 1024;

/// Where the weights come from.
pub enum Source {
    Given(TransportWeights),
    File(Box<Model>),
    Fit(Fit),
}

/// How to fit them.
#[derive(Clone, Copy)]
pub struct Fit {
    pub vectors: usize,
    pub seed: u64,
}

impl Source {
    /// # Errors
    /// For keys that exclude each other, values out of range, and files that cannot be used.
    pub fn new(settings: Settings, base_dir: &Path) -> Result<Self> {
        let Settings { fit, vectors, seed, a, model } = settings;
        let fits = fit.unwrap_or(a.is_none() && model.is_none());
        if [a.is_some(), model.is_some(), fits].into_iter().filter(|&given| given).count() != 1 {
            return Err(Error::invalid(
                "config: give one of a = [a0, a1, a2], model = \"FILE\" and fit = true",
            ));
        }
        if !fits && (vectors.is_some() || seed.is_some()) {
            return Err(Error::invalid("config: vectors and seed belong to fit = true"));
        }
        if let Some(a) = a {
            if a.iter().any(|a| !a.is_finite()) {
                return Err(Error::invalid(format!("config: a is {a:?}; give finite numbers")));
            }
            return Ok(Self::Given(TransportWeights { site: a[0], hop: a[1], spin_hop: a[2] }));
        }
        if let Some(model) = model {
            let model = Model::read(base_dir.join(model)).map_err(ModelError::from)?;
            return Ok(Self::File(Box::new(model)));
        }
        let vectors = vectors.unwrap_or(4);
        if !(1..=VECTORS_MAX).contains(&vectors) {
            return Err(Error::invalid(format!("config: vectors is {vectors}; give 1 to {VECTORS_MAX}")));
        }
        Ok(Self::Fit(Fit { vectors, seed: seed.unwrap_or(1) }))
    }
}

impl Make for Source {
    type Instance = dyn Prepared + Send;
    fn make<T: Real, const N: usize>(&self, lattice: &Arc<Lattice>) -> Result<Box<dyn Prepared + Send>> {
        let (weights, fit) = match self {
            Self::Given(weights) => (Some(*weights), None),
            Self::File(model) => (Some(TransportWeights::from_model::<N>(model)?), None),
            Self::Fit(fit) => (None, Some(*fit)),
        };
        Ok(Box::new(OnLattice::<T, N>::new(lattice, weights, fit)))
    }
}
