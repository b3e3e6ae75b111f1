//! Smoothing of the links.

mod flow;
mod flow_table;
mod stout;

pub use flow::GradientFlow;
pub use flow_table::{EnergyForm, FlowPoint, FlowTable, REFERENCE};
pub use stout::stout;
