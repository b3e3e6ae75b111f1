//! What a coupling layer is, apart from its parameters and its place in a stack.

use super::mixture::COMPONENTS_MAX;
use super::spline::BINS_MAX;
use crate::ModelError;
use crate::layers::conv_net::weights::Widths;
use serde::{Deserialize, Serialize};

/// Widths that the net's hidden layers can have.
pub const HIDDEN_WIDTHS: [usize; 4] = [8, 16, 24, 32];

/// The map of an active plaquette's angle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CircleMap {
    /// A mixture of so many non-compact projections and a shift.
    Projection {
        /// 1 to [`COMPONENTS_MAX`].
        components: usize,
    },
    /// A circular spline of so many bins and a shift.
    Spline {
        /// 2 to [`BINS_MAX`].
        bins: usize,
    },
}

impl CircleMap {
    /// How many numbers it takes from the net.
    pub fn outputs(self) -> usize {
        match self {
            Self::Projection { components } => components + 1,
            Self::Spline { bins } => 3 * bins + 1,
        }
    }
}

/// What the net sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CouplingContext {
    /// (cos, sin) of frozen plaquettes, (1, 0) at other sites.
    #[default]
    Plaquettes,
    /// These, and at active sites (cos, sin) of the 2×1 loop around the active link, (0, 0) at other sites.
    Loops,
}

impl CouplingContext {
    /// Channels of the net's input.
    pub fn channels(self) -> usize {
        match self {
            Self::Plaquettes => 2,
            Self::Loops => 4,
        }
    }
}

/// A coupling layer's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Entry", into = "Entry")]
pub struct CouplingSettings {
    /// The map of an active plaquette's angle.
    pub map: CircleMap,
    /// What the net sees.
    pub context: CouplingContext,
    /// Channels of its hidden layers, one of [`HIDDEN_WIDTHS`].
    pub hidden: usize,
}

impl CouplingSettings {
    /// The layer of the literature: a mixture of so many projections, plaquettes as context, hidden layers of 8 channels.
    pub fn mixture(components: usize) -> Self {
        let map = CircleMap::Projection { components };
        Self { map, context: CouplingContext::Plaquettes, hidden: HIDDEN_WIDTHS[0] }
    }

    /// Channels of the net.
    pub(super) fn widths(&self) -> Widths {
        Widths { inputs: self.context.channels(), hidden: self.hidden, outputs: self.map.outputs() }
    }

    /// # Errors
    /// [`ModelError::Parameter`] for what no layer can have.
    pub fn check(&self) -> Result<(), ModelError> {
        let refuse = |what: String| Err(ModelError::Parameter(what));
        match self.map {
            CircleMap::Projection { components } if !(1..=COMPONENTS_MAX).contains(&components) => {
                return refuse(format!("a mixture of {components} components: give 1 to {COMPONENTS_MAX}"));
            }
            CircleMap::Spline { bins } if !(2..=BINS_MAX).contains(&bins) => {
                return refuse(format!("a spline of {bins} bins: give 2 to {BINS_MAX}"));
            }
            _ => {}
        }
        if !HIDDEN_WIDTHS.contains(&self.hidden) {
            return refuse(format!("{} hidden channels: give one of {HIDDEN_WIDTHS:?}", self.hidden));
        }
        Ok(())
    }
}

/// The settings as model files write them: what is as in the literature is left out.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    components: Option<usize>,
    #[serde(default, skip_serializing_if = "is_usual")]
    map: MapName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bins: Option<usize>,
    #[serde(default, skip_serializing_if = "is_usual")]
    context: CouplingContext,
    #[serde(default = "usual_hidden", skip_serializing_if = "is_usual_hidden")]
    hidden: usize,
}

/// A map by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MapName {
    /// [`CircleMap::Projection`].
    #[default]
    Projection,
    /// [`CircleMap::Spline`].
    Spline,
}

fn is_usual<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn usual_hidden() -> usize {
    HIDDEN_WIDTHS[0]
}

fn is_usual_hidden(hidden: &usize) -> bool {
    *hidden == usual_hidden()
}

impl From<CouplingSettings> for Entry {
    fn from(CouplingSettings { map, context, hidden }: CouplingSettings) -> Self {
        let (map, components, bins) = match map {
            CircleMap::Projection { components } => (MapName::Projection, Some(components), None),
            CircleMap::Spline { bins } => (MapName::Spline, None, Some(bins)),
        };
        Self { components, map, bins, context, hidden }
    }
}

impl TryFrom<Entry> for CouplingSettings {
    type Error = &'static str;
    fn try_from(Entry { components, map, bins, context, hidden }: Entry) -> Result<Self, Self::Error> {
        let map = match (map, components, bins) {
            (MapName::Projection, Some(components), None) => CircleMap::Projection { components },
            (MapName::Spline, None, Some(bins)) => CircleMap::Spline { bins },
            (MapName::Projection, ..) => return Err("a projection has `components` and no `bins`"),
            (MapName::Spline, ..) => return Err("a spline has `bins` and no `components`"),
        };
        Ok(Self { map, context, hidden })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_short_and_come_back() {
        let text = |settings: &CouplingSettings| serde_json::to_string(settings).unwrap();
        let usual = CouplingSettings::mixture(3);
        assert_eq!(text(&usual), r#"{"components":3}"#);
        let wide = CouplingSettings {
            map: CircleMap::Spline { bins: 6 },
            context: CouplingContext::Loops,
            hidden: 16,
        };
        assert_eq!(text(&wide), r#"{"map":"spline","bins":6,"context":"loops","hidden":16}"#);
        for settings in [usual, wide] {
            assert_eq!(serde_json::from_str::<CouplingSettings>(&text(&settings)).unwrap(), settings);
        }
        for (wrong, word) in [
            (r#"{"bins":3}"#, "`components`"),
            (r#"{"map":"spline","components":3}"#, "`bins`"),
            (r#"{"components":3,"dilation":2}"#, "dilation"),
        ] {
            let error = serde_json::from_str::<CouplingSettings>(wrong).unwrap_err().to_string();
            assert!(error.contains(word), "{wrong}: {error}");
        }
    }

    #[test]
    fn what_no_layer_can_have_is_refused() {
        let good = CouplingSettings::mixture(2);
        assert!(good.check().is_ok());
        let map = |map| CouplingSettings { map, ..good };
        for wrong in [
            map(CircleMap::Projection { components: 0 }),
            map(CircleMap::Projection { components: 8 }),
            map(CircleMap::Spline { bins: 1 }),
            map(CircleMap::Spline { bins: BINS_MAX + 1 }),
            CouplingSettings { hidden: 12, ..good },
        ] {
            assert!(wrong.check().unwrap_err().to_string().contains("give"), "{wrong:?}");
        }
    }
}
