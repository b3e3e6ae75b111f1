//! A component of a plugin: `{ plugin = "...", component = "...", config = { ... } }`.

use serde::{Deserialize, Deserializer};
use toml::Spanned;

/// Which component of which plugin, and what it is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginTable {
    /// The name that the search looks for, or a path that begins at the run file's folder; with its place in the text.
    #[serde(deserialize_with = "name")]
    pub plugin: Spanned<String>,
    /// Id of the component; may be left out where the plugin has one of the kind.
    pub component: Option<String>,
    /// Given to the plugin as it stands.
    #[serde(default)]
    pub config: toml::Table,
}

/// What a stage uses a plugin for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The field transformation of FTHMC.
    Flow,
    /// The force that guides HMC.
    Force,
    /// The proposals of Metropolis updates.
    Proposal,
    /// The preconditioner of a solve.
    Preconditioner,
}

impl Role {
    /// As in the run file.
    pub fn name(self) -> &'static str {
        match self {
            Role::Flow => "flow",
            Role::Force => "force",
            Role::Proposal => "proposal",
            Role::Preconditioner => "preconditioner",
        }
    }

    /// The interface that the component has to have.
    pub fn interface(self) -> &'static str {
        match self {
            Role::Flow => "glk.flow/1",
            Role::Force => "glk.force/1",
            Role::Proposal => "glk.proposal/1",
            Role::Preconditioner => "glk.precond/1",
        }
    }
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Spanned<String>, D::Error> {
    let name = Spanned::<String>::deserialize(deserializer)?;
    if name.get_ref().is_empty() {
        return Err(serde::de::Error::custom("give the name of a plugin, or the path of its file"));
    }
    Ok(name)
}
