//! `[[stage]]` of kind "independence" and "importance": links drawn from flows.

use super::plugin::PluginTable;
use super::tables::at_least_one;
use super::write::WriteTable;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

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
    /// A plugin's flow, or several.
    #[serde(deserialize_with = "one_or_several")]
    pub flow: Vec<PluginTable>,
    /// How often each of several flows draws, relative to the others; none: equally often.
    #[serde(default)]
    pub shares: Vec<f64>,
    /// Configurations as files.
    pub write: Option<WriteTable>,
}

/// `kind = "importance"`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportanceStage {
    /// Draws for each chain, each with its weight.
    #[serde(deserialize_with = "at_least_one")]
    pub draws: u64,
    /// A plugin's flow, or several.
    #[serde(deserialize_with = "one_or_several")]
    pub flow: Vec<PluginTable>,
    /// As in [`IndependenceStage`].
    #[serde(default)]
    pub shares: Vec<f64>,
}

/// What is wrong with the shares of so many flows.
pub(super) fn shares_problem(shares: &[f64], flows: usize) -> Option<String> {
    if !shares.is_empty() && shares.len() != flows {
        return Some(format!("{} shares for {flows} flows: expected one for each flow", shares.len()));
    }
    let bad = shares.iter().find(|share| !(share.is_finite() && **share > 0.0))?;
    Some(format!("a flow with the share {bad} is not possible here, expected positive numbers"))
}

/// One table, or an array of them.
fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PluginTable>, D::Error> {
    struct Tables;
    impl<'de> Visitor<'de> for Tables {
        type Value = Vec<PluginTable>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a flow such as { plugin = \"flow\", config = { ... } }, or an array of such")
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            PluginTable::deserialize(MapAccessDeserializer::new(map)).map(|table| vec![table])
        }
        fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
            let tables = Vec::deserialize(SeqAccessDeserializer::new(seq))?;
            if tables.is_empty() {
                Err(serde::de::Error::custom("expected at least one flow"))
            } else {
                Ok(tables)
            }
        }
    }
    deserializer.deserialize_any(Tables)
}
