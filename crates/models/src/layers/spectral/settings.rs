//! What a spectral layer is, apart from its parameters and its place in a stack.

use super::super::conv_net::weights::Widths;
use super::super::u1_coupling::{BINS_MAX, HIDDEN_WIDTHS};
use crate::ModelError;
use serde::{Deserialize, Serialize};

/// A spectral layer's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpectralSettings {
    /// Bins of the spline of each coordinate of the cell, 2 to [`BINS_MAX`].
    pub bins: usize,
    /// Channels of the net's hidden layers, one of [`HIDDEN_WIDTHS`].
    #[serde(default = "usual_hidden")]
    pub hidden: usize,
}

fn usual_hidden() -> usize {
    HIDDEN_WIDTHS[0]
}

impl SpectralSettings {
    /// Numbers that a spline takes.
    pub(super) fn numbers(&self) -> usize {
        3 * self.bins + 1
    }

    /// Channels of the net for N×N links: traces of plaquettes and of loops around active links, which are real for N = 2, and
    /// a spline for each coordinate of the cell.
    pub(super) fn widths<const N: usize>(&self) -> Widths {
        Widths { inputs: 2 * (N - 1), hidden: self.hidden, outputs: (N - 1) * self.numbers() }
    }

    /// # Errors
    /// [`ModelError::Parameter`] for what no layer can have.
    pub fn check<const N: usize>(&self) -> Result<(), ModelError> {
        let refuse = |what: String| Err(ModelError::Parameter(what));
        if !(2..=3).contains(&N) {
            return refuse(format!("spectral layers act on SU(2) and SU(3), not on {N}x{N} matrices"));
        }
        if !(2..=BINS_MAX).contains(&self.bins) {
            return refuse(format!("a spline of {} bins: give 2 to {BINS_MAX}", self.bins));
        }
        if !HIDDEN_WIDTHS.contains(&self.hidden) {
            return refuse(format!("{} hidden channels: give one of {HIDDEN_WIDTHS:?}", self.hidden));
        }
        Ok(())
    }
}
