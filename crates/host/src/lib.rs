//! Plugins from the host's side: finding them, opening them, calling their objects, checking that they keep the rules.
//!
//! [`Search`] finds a file, [`Plugin::open`] opens it, [`Services`] is what the plugin sees of the host, and
//! [`FlowObject`], [`ForceObject`], [`PrecondObject`], [`ProposalObject`] are its objects. [`conformance::check`] puts a
//! plugin through the promises of `plugin.h`. [`adapt`] makes of objects what samplers and solvers take.

pub mod adapt;
pub mod conformance;
mod elf;
mod error;
mod flow;
mod force;
mod object;
mod plugin;
mod precond;
mod proposal;
mod search;
mod services;

pub use error::HostError;
pub use flow::FlowObject;
pub use force::{Auxiliary, ForceObject};
pub use gaugelink_plugin_sdk as sdk;
pub use object::{ConfigText, Exec, Request};
pub use plugin::{ComponentInfo, Plugin};
pub use precond::{HostOperator, PrecondObject};
pub use proposal::ProposalObject;
pub use search::Search;
pub use services::Services;
