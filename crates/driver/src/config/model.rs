//! `[model]` of a training: an architecture of U(1) in two dimensions.

use super::file_name::file_name;
use gaugelink_models::layers::{
    BINS_MAX, BlockSettings, COMPONENTS_MAX, CircleMap, CouplingContext, CouplingSettings, HIDDEN_WIDTHS,
    MapName, U1Block, U1Coupling,
};
use gaugelink_models::{LAYERS_MAX, LayerKind};
use serde::{Deserialize, Deserializer};
use std::path::PathBuf;

/// `[model]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelTable {
    /// "u1-coupling" or "u1-block".
    pub kind: ModelName,
    /// Coupling layers, of which eight touch every link once; or halvings of blocks, 2^layers plaquettes large.
    #[serde(deserialize_with = "layers")]
    pub layers: usize,
    /// Coupling layers after those of blocks, for what these cannot know: quarks.
    #[serde(default)]
    pub couplings: usize,
    /// "projection" or "spline": the map of each active link's plaquette.
    #[serde(default)]
    pub map: Option<MapName>,
    /// Components of a mixture of projections, 1 to 7.
    #[serde(default, deserialize_with = "components")]
    pub components: Option<usize>,
    /// Bins of a spline, 2 to 16.
    #[serde(default, deserialize_with = "bins")]
    pub bins: Option<usize>,
    /// "plaquettes" or "loops": what the net sees.
    #[serde(default)]
    pub context: Option<CouplingContext>,
    /// Channels of the net's hidden layers.
    #[serde(default = "hidden", deserialize_with = "hidden_width")]
    pub hidden: usize,
    /// Name of the model file in the run directory.
    #[serde(default = "model_file", deserialize_with = "file_name")]
    pub file: PathBuf,
}

pub(super) fn layers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    up_to(deserializer, LAYERS_MAX, "layers")
}

fn components<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    up_to(deserializer, COMPONENTS_MAX, "components").map(Some)
}

fn bins<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    match up_to(deserializer, BINS_MAX, "bins")? {
        1 => Err(serde::de::Error::custom(format!("a spline of 1 bin is no map, expected 2 to {BINS_MAX}"))),
        n => Ok(Some(n)),
    }
}

pub(super) fn hidden_width<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    match usize::deserialize(deserializer)? {
        n if HIDDEN_WIDTHS.contains(&n) => Ok(n),
        n => Err(serde::de::Error::custom(format!(
            "{n} hidden channels are not possible, expected one of {HIDDEN_WIDTHS:?}"
        ))),
    }
}

pub(super) fn hidden() -> usize {
    HIDDEN_WIDTHS[0]
}

/// Components where none are given.
const COMPONENTS: usize = 2;
/// Bins where none are given.
const BINS: usize = 8;

/// What of the usual first parameters is left to coupling layers after blocks: a net of three layers says little then.
const GENTLE: f64 = 0.3;

/// Most halvings of blocks.
const HALVINGS_MAX: usize = 20;

impl ModelTable {
    /// The settings of coupling layers.
    pub(super) fn coupling(&self) -> CouplingSettings {
        let map = match self.map.unwrap_or_default() {
            MapName::Projection => {
                CircleMap::Projection { components: self.components.unwrap_or(COMPONENTS) }
            }
            MapName::Spline => CircleMap::Spline { bins: self.bins.unwrap_or(BINS) },
        };
        CouplingSettings { map, context: self.context.unwrap_or_default(), hidden: self.hidden }
    }

    /// Those of block layers.
    pub fn blocks(&self) -> Vec<BlockSettings> {
        BlockSettings::halvings(self.layers, self.bins.unwrap_or(BINS), self.hidden)
    }

    /// Its layers.
    pub fn architecture(&self) -> Vec<LayerKind> {
        match self.kind {
            ModelName::U1Coupling => vec![LayerKind::U1Coupling(self.coupling()); self.layers],
            ModelName::U1Block => {
                let couplings = vec![LayerKind::U1Coupling(self.coupling()); self.couplings];
                self.blocks().into_iter().map(LayerKind::U1Block).chain(couplings).collect()
            }
        }
    }

    /// Their parameters before the first step.
    pub fn initial_parameters(&self, seed: u64) -> Vec<f64> {
        match self.kind {
            ModelName::U1Coupling => {
                U1Coupling::<f32>::initial_parameters(self.layers, &self.coupling(), seed)
            }
            ModelName::U1Block => {
                let mut parameters = U1Block::<f32>::initial_parameters(&self.blocks(), seed);
                parameters.extend(self.initial_couplings(seed));
                parameters
            }
        }
    }

    /// Those of the coupling layers after blocks, which change little at first.
    pub fn initial_couplings(&self, seed: u64) -> Vec<f64> {
        let drawn = U1Coupling::<f32>::initial_parameters(self.couplings, &self.coupling(), seed);
        drawn.into_iter().map(|parameter| GENTLE * parameter).collect()
    }

    /// What is wrong with it on a lattice of two dimensions.
    pub(super) fn problem(&self, extents: &[usize]) -> Option<String> {
        let foreign = match (self.kind, self.map.unwrap_or_default()) {
            (ModelName::U1Block, _) if self.couplings == 0 => [
                (self.map.is_some(), "`map` is a key of coupling layers"),
                (self.context.is_some(), "`context` is a key of coupling layers"),
                (self.components.is_some(), "`components` is a key of coupling layers"),
            ],
            (ModelName::U1Block, MapName::Projection) => [(false, ""); 3],
            (ModelName::U1Coupling, _) if self.couplings > 0 => {
                [(true, "`couplings` are a key of kind = \"u1-block\": here `layers` counts them"); 3]
            }
            (_, MapName::Projection) => [(self.bins.is_some(), "`bins` is a key of map = \"spline\""); 3],
            (_, MapName::Spline) => {
                [(self.components.is_some(), "`components` is a key of map = \"projection\""); 3]
            }
        };
        if let Some((_, what)) = foreign.into_iter().find(|(is, _)| *is) {
            return Some(what.into());
        }
        match self.kind {
            _ if (self.kind == ModelName::U1Coupling || self.couplings > 0)
                && extents.iter().any(|&l| l == 0 || !l.is_multiple_of(4)) =>
            {
                Some("coupling layers need extents that are multiples of 4".into())
            }
            _ if self.couplings > LAYERS_MAX - HALVINGS_MAX => {
                Some(format!("{} coupling layers are not possible here", self.couplings))
            }
            ModelName::U1Block if self.layers > HALVINGS_MAX => {
                Some(format!("kind = \"u1-block\" has up to {HALVINGS_MAX} layers, not {}", self.layers))
            }
            ModelName::U1Block => {
                let block = self.blocks()[0].block();
                let fits = extents.iter().zip(block).all(|(&l, b)| l > 0 && l.is_multiple_of(b));
                let what =
                    || format!("{} halvings need extents that are multiples of {block:?}", self.layers);
                (!fits).then(what)
            }
            _ => None,
        }
    }
}

/// A count from 1 to `most`.
fn up_to<'de, D: Deserializer<'de>>(deserializer: D, most: usize, what: &str) -> Result<usize, D::Error> {
    match usize::deserialize(deserializer)? {
        n if (1..=most).contains(&n) => Ok(n),
        n => Err(serde::de::Error::custom(format!("{n} {what} are not possible here, expected 1 to {most}"))),
    }
}

pub(super) fn model_file() -> PathBuf {
    "model.safetensors".into()
}

/// An architecture by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum ModelName {
    /// Coupling layers of U(1) in two dimensions.
    #[serde(rename = "u1-coupling")]
    U1Coupling,
    /// Block layers of U(1) in two dimensions.
    #[serde(rename = "u1-block")]
    U1Block,
}
