//! `[model]` of a training: an architecture of flows of links.

use super::file_name::file_name;
use gaugelink_lattice::group::group_name;
use gaugelink_models::layers::{
    BINS_MAX, BlockSettings, COMPONENTS_MAX, CircleMap, CouplingContext, CouplingSettings, HIDDEN_WIDTHS,
    MapName, Residual, Sharing, Spectral, SpectralSettings, U1Block, U1Coupling,
};
use gaugelink_models::{LAYERS_MAX, LayerKind};
use serde::{Deserialize, Deserializer};
use std::path::PathBuf;

/// `[model]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelTable {
    /// "u1-coupling", "u1-block", "spectral" or "residual".
    pub kind: ModelName,
    /// Coupling layers, of which eight touch every link once; residual ones, of which two a dimension do; or halvings of blocks,
    /// 2^layers plaquettes large.
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
    #[serde(default, deserialize_with = "hidden_if_given")]
    pub hidden: Option<usize>,
    /// "per-staple" or "one": the coefficients of a residual layer.
    #[serde(default)]
    pub sharing: Option<Sharing>,
    /// What their sizes add up to over the staples of a link at most, between 0 and 1.
    #[serde(default)]
    pub bound: Option<f64>,
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
    match usize::deserialize(deserializer)? {
        n if (2..=BINS_MAX).contains(&n) => Ok(Some(n)),
        n => {
            Err(serde::de::Error::custom(format!("{n} bins are not possible here, expected 2 to {BINS_MAX}")))
        }
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

fn hidden_if_given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    hidden_width(deserializer).map(Some)
}

pub(super) fn hidden() -> usize {
    HIDDEN_WIDTHS[0]
}

/// Components where none are given.
const COMPONENTS: usize = 2;
/// Bins where none are given.
const BINS: usize = 8;
/// The bound of residual layers where none is given.
const BOUND: f64 = 0.9;

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
        CouplingSettings { map, context: self.context.unwrap_or_default(), hidden: self.width() }
    }

    /// Channels of nets.
    fn width(&self) -> usize {
        self.hidden.unwrap_or_else(hidden)
    }

    /// Those of block layers.
    pub fn blocks(&self) -> Vec<BlockSettings> {
        BlockSettings::halvings(self.layers, self.bins.unwrap_or(BINS), self.width())
    }

    /// Those of spectral layers.
    fn spectral(&self) -> SpectralSettings {
        SpectralSettings { bins: self.bins.unwrap_or(BINS), hidden: self.width() }
    }

    /// What the parameters of a residual layer are.
    fn sharing(&self) -> Sharing {
        self.sharing.unwrap_or(Sharing::PerStaple)
    }

    /// Its layers.
    pub fn architecture(&self) -> Vec<LayerKind> {
        match self.kind {
            ModelName::U1Coupling => vec![LayerKind::U1Coupling(self.coupling()); self.layers],
            ModelName::U1Block => {
                let couplings = vec![LayerKind::U1Coupling(self.coupling()); self.couplings];
                self.blocks().into_iter().map(LayerKind::U1Block).chain(couplings).collect()
            }
            ModelName::Spectral => vec![LayerKind::Spectral(self.spectral()); self.layers],
            ModelName::Residual => {
                let (sharing, bound) = (self.sharing(), Some(self.bound.unwrap_or(BOUND)));
                vec![LayerKind::Residual { sharing, bound }; self.layers]
            }
        }
    }

    /// Whether its layers have the score that some estimators need.
    pub fn has_score(&self) -> bool {
        self.kind != ModelName::Residual
    }

    /// Their parameters for N×N links in `dims` dimensions before the first step.
    pub fn initial_parameters<const N: usize>(&self, dims: usize, seed: u64) -> Vec<f64> {
        match self.kind {
            ModelName::U1Coupling => {
                U1Coupling::<f32>::initial_parameters(self.layers, &self.coupling(), seed)
            }
            ModelName::U1Block => {
                let mut parameters = U1Block::<f32>::initial_parameters(&self.blocks(), seed);
                parameters.extend(self.initial_couplings(seed));
                parameters
            }
            ModelName::Spectral => {
                Spectral::<f32, N>::initial_parameters(self.layers, &self.spectral(), seed)
            }
            // All coefficients 0: the flow that changes nothing.
            ModelName::Residual => {
                vec![0.0; self.layers * Residual::<f32, N>::parameter_count(self.sharing(), dims)]
            }
        }
    }

    /// Those of the coupling layers after blocks, which change little at first.
    pub fn initial_couplings(&self, seed: u64) -> Vec<f64> {
        let drawn = U1Coupling::<f32>::initial_parameters(self.couplings, &self.coupling(), seed);
        drawn.into_iter().map(|parameter| GENTLE * parameter).collect()
    }

    /// Why there are no such layers of this group in so many dimensions, if there are none.
    pub(super) fn problem_of(&self, group: usize, dims: usize) -> Option<String> {
        let (fits, what) = match self.kind {
            ModelName::U1Coupling | ModelName::U1Block => (group == 1 && dims == 2, "U(1) in two dimensions"),
            ModelName::Spectral => (group > 1 && dims == 2, "SU(2) and SU(3) in two dimensions"),
            ModelName::Residual => ((2..=4).contains(&dims), "two to four dimensions"),
        };
        let own = || {
            let (kind, group) = (self.kind.name(), group_name(group));
            format!("kind = \"{kind}\" is for {what}, not for {group} in {dims}")
        };
        (!fits).then(own)
    }

    /// What is wrong with a key that layers of this kind have not.
    fn foreign_key(&self) -> Option<&'static str> {
        let couplings = self.couplings > 0 || self.kind == ModelName::U1Coupling;
        let splines = self.map == Some(MapName::Spline);
        let bins = splines || !couplings || self.kind == ModelName::U1Block;
        let residual = self.kind == ModelName::Residual;
        [
            (
                self.couplings > 0 && self.kind != ModelName::U1Block,
                "`couplings` are a key of kind = \"u1-block\": here `layers` counts them",
            ),
            (self.map.is_some() && !couplings, "`map` is a key of coupling layers of U(1)"),
            (self.context.is_some() && !couplings, "`context` is a key of coupling layers of U(1)"),
            (self.components.is_some() && !couplings, "`components` is a key of coupling layers of U(1)"),
            (self.components.is_some() && splines, "`components` is a key of map = \"projection\""),
            (self.bins.is_some() && residual, "`bins` is a key of layers with splines"),
            (self.bins.is_some() && !bins, "`bins` is a key of map = \"spline\""),
            (self.hidden.is_some() && residual, "`hidden` is a key of layers with nets"),
            (self.sharing.is_some() && !residual, "`sharing` is a key of kind = \"residual\""),
            (self.bound.is_some() && !residual, "`bound` is a key of kind = \"residual\""),
        ]
        .into_iter()
        .find_map(|(is, what)| is.then_some(what))
    }

    /// What is wrong with it on a lattice.
    pub(super) fn problem(&self, extents: &[usize]) -> Option<String> {
        if let Some(what) = self.foreign_key() {
            return Some(what.into());
        }
        match self.kind {
            _ if (matches!(self.kind, ModelName::U1Coupling | ModelName::Spectral) || self.couplings > 0)
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
            ModelName::Residual if extents.iter().any(|l| !l.is_multiple_of(2)) => {
                Some("residual layers move even and odd sites in turn: they need even extents".into())
            }
            ModelName::Residual => {
                let bound = self.bound.filter(|bound| !(*bound > 0.0 && *bound < 1.0));
                bound.map(|bound| format!("`bound` = {bound}, expected a number between 0 and 1"))
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
    /// Spectral coupling layers of SU(2) and SU(3) in two dimensions.
    #[serde(rename = "spectral")]
    Spectral,
    /// Masked residual layers.
    #[serde(rename = "residual")]
    Residual,
}

impl ModelName {
    fn name(self) -> &'static str {
        match self {
            Self::U1Coupling => "u1-coupling",
            Self::U1Block => "u1-block",
            Self::Spectral => "spectral",
            Self::Residual => "residual",
        }
    }
}
