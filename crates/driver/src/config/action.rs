//! `[action]`: which gauge action.

use super::tables::{finite, finite_if_given};
use gaugelink_physics::action::{DBW2, IWASAKI, SYMANZIK};
use serde::Deserialize;

/// `[action]`: Wilson's gauge action, or one with rectangles.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionTable {
    /// "wilson", "symanzik", "iwasaki", "dbw2" or "improved".
    #[serde(default)]
    pub kind: ActionKind,
    /// Coupling: S = β Σ (1 − Re tr P / N) for Wilson's.
    #[serde(deserialize_with = "finite")]
    pub beta: f64,
    /// Coefficient of the rectangles, for kind = "improved".
    #[serde(default, deserialize_with = "finite_if_given")]
    pub c1: Option<f64>,
}

/// A gauge action by name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionKind {
    /// Plaquettes only.
    #[default]
    Wilson,
    /// Rectangles with the tree-level coefficient.
    Symanzik,
    /// Rectangles with Iwasaki's coefficient.
    Iwasaki,
    /// Rectangles with the coefficient of DBW2.
    Dbw2,
    /// Rectangles with the coefficient `c1`.
    Improved,
}

impl ActionKind {
    /// Coefficient of the rectangles that the name stands for.
    pub fn rectangles(self) -> Option<f64> {
        match self {
            ActionKind::Wilson | ActionKind::Improved => None,
            ActionKind::Symanzik => Some(SYMANZIK),
            ActionKind::Iwasaki => Some(IWASAKI),
            ActionKind::Dbw2 => Some(DBW2),
        }
    }
}

impl ActionTable {
    /// Coefficient of the rectangles; `None` for Wilson's action.
    pub fn rectangles(&self) -> Option<f64> {
        self.kind.rectangles().or(self.c1)
    }

    /// What is wrong with the keys together.
    pub(super) fn problem(&self) -> Option<&'static str> {
        match (self.kind, self.c1) {
            (ActionKind::Improved, None) => {
                Some("kind = \"improved\" needs `c1`, the coefficient of the rectangles, e.g. c1 = -0.331")
            }
            (ActionKind::Improved, Some(_)) | (_, None) => None,
            _ => Some("`c1` is used only with kind = \"improved\""),
        }
    }
}
