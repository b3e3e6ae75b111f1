//! Plots of a run as self-contained SVG: no scripts, no external fonts, an explicit white background.
//!
//! Each plot is a struct of borrowed data with one method, `svg()`, that returns the whole file as text.
//! No input is an error: values that are not finite are left out and counted in the caption, and a plot
//! without data says so. Titles and labels may hold `_{...}` and `^{...}` for sub- and superscripts.

mod autocorrelation;
mod axis;
mod convergence;
mod correlator;
mod cost;
mod decimate;
mod ensemble;
mod figure;
mod flow;
mod history;
mod panel;
mod roofline;
mod scan;
mod shape;
#[cfg(test)]
mod structure;
mod text;
mod training;

pub use autocorrelation::AutocorrelationPlot;
pub use convergence::{ConvergenceCurve, ConvergencePlot};
pub use correlator::{CorrelatorPlot, Plateau};
pub use cost::{CostCurve, CostPlot};
pub use ensemble::EnsemblePlot;
pub use flow::FlowPlot;
pub use history::HistoryPlot;
pub use roofline::{Kernel, RooflinePlot};
pub use scan::{ScanCurve, ScanPlot};
pub use training::TrainingPlot;
