//! `[[stage]]` of kind "independence": proposals drawn from a flow.

use super::plugin::PluginTable;
use super::tables::at_least_one;
use serde::Deserialize;

/// `kind = "independence"`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndependenceStage {
    /// Proposals to each chain, each taken or refused by its weight.
    #[serde(deserialize_with = "at_least_one")]
    pub updates: u64,
    /// Heat bath sweeps before each proposal.
    #[serde(default)]
    pub sweeps: u64,
    /// Updates at the begin that stay out of averages.
    #[serde(default)]
    pub thermalise: u64,
    /// A plugin's flow.
    pub flow: PluginTable,
}
