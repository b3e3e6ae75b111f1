//! What a configuration asks for.

use crate::placed::{OnLattice, Placed};
use gaugelink_lattice::{Lattice, Real};
use gaugelink_models::layers::{Coefficients, Residual, Sharing};
use gaugelink_models::serve::{Make, Place};
use gaugelink_models::{Flow, Model};
use gaugelink_plugin_sdk::{Error, Result, View};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The keys of a configuration.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    model: Option<PathBuf>,
    beta: Option<f64>,
    kind: Option<Kind>,
    rho: Option<f64>,
    sublayers: Option<usize>,
    nc: Option<usize>,
}

/// Built-in architectures.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Residual,
}

/// Most sub-layers: more is a slip of the pen.
const SUBLAYERS_MAX: usize = 4096;

/// A flow before it is placed on a lattice.
pub struct Architecture {
    layers: Layers,
    nc: Option<usize>,
}

enum Layers {
    File(Box<Model>),
    Residual { rho: f64, sublayers: usize },
}

impl Architecture {
    /// # Errors
    /// For keys that exclude each other, values out of range, and files that cannot be used.
    pub fn new(settings: Settings, base_dir: &Path, place: &Place) -> Result<Self> {
        let Settings { model, beta, kind, rho, sublayers, nc } = settings;
        if nc.is_some_and(|nc| !(1..=3).contains(&nc)) {
            return Err(Error::invalid("config: nc is 1 for U(1), 2 for SU(2) or 3 for SU(3)"));
        }
        let dims = place.sites().dims();
        let layers = if let Some(model) = model {
            if kind.is_some() || rho.is_some() || sublayers.is_some() {
                return Err(Error::invalid(
                    "config: model has its own architecture: leave out kind, rho and sublayers",
                ));
            }
            let model = Model::read(base_dir.join(model)).map_err(gaugelink_models::ModelError::from)?;
            if !model.has_exact_density() {
                return Err(Error::unsupported(
                    "model: the log density of a flow of loops is integrated in steps and off by their error, while flows \
                     of plugins promise exact ones, on which accept steps rest: give a flow of other layers",
                ));
            }
            let model = match beta {
                Some(beta) => model.at(beta)?,
                None => model,
            };
            Layers::File(Box::new(model))
        } else {
            if beta.is_some() {
                return Err(Error::invalid(
                    "config: beta is for a model of a range of couplings: give model",
                ));
            }
            let Kind::Residual = kind.unwrap_or(Kind::Residual);
            let sublayers = sublayers.unwrap_or(2 * dims);
            if !(1..=SUBLAYERS_MAX).contains(&sublayers) {
                return Err(Error::invalid(format!(
                    "config: sublayers is {sublayers}; give 1 to {SUBLAYERS_MAX}"
                )));
            }
            Layers::Residual { rho: rho.unwrap_or(0.1), sublayers }
        };
        let architecture = Self { layers, nc };
        architecture.check(place)?;
        Ok(architecture)
    }
    /// Refuses at once what would be refused by the first call.
    fn check(&self, place: &Place) -> Result<()> {
        match self.nc {
            Some(1) => self.flow::<f64, 1>(place.sites()).map(drop),
            Some(2) => self.flow::<f64, 2>(place.sites()).map(drop),
            Some(3) => self.flow::<f64, 3>(place.sites()).map(drop),
            _ => match &self.layers {
                Layers::Residual { .. } => self.flow::<f64, 1>(place.sites()).map(drop),
                Layers::File(_) => Ok(()),
            },
        }
    }
    fn flow<T: Real, const N: usize>(&self, lattice: &Arc<Lattice>) -> Result<Flow<T, N>> {
        Ok(match &self.layers {
            Layers::Residual { rho, sublayers } => {
                let layers = Residual::stack(lattice, Coefficients::Plain, Sharing::One, *sublayers)?;
                Flow::new(layers, vec![*rho; *sublayers])?
            }
            Layers::File(model) => Flow::from_model(lattice, model)?,
        })
    }
}

impl Make for Architecture {
    type Instance = dyn Placed + Send;
    /// Links of the group that the configuration names.
    fn accept(&self, links: &View) -> Result<()> {
        let ncolor = links.as_raw().ncolor as usize;
        match self.nc {
            Some(nc) if nc != ncolor => {
                Err(Error::invalid(format!("ncolor is {ncolor}, the configuration says nc = {nc}")))
            }
            _ => Ok(()),
        }
    }
    fn make<T: Real, const N: usize>(&self, lattice: &Arc<Lattice>) -> Result<Box<dyn Placed + Send>> {
        Ok(Box::new(OnLattice::new(lattice, self.flow::<T, N>(lattice)?)))
    }
}
