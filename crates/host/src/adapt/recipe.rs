//! From a component and its configuration to an object on a lattice of this library.

use crate::{ConfigText, HostError, Plugin, Request};
use gaugelink_lattice::{Complex, Lattice, foreign};
use gaugelink_plugin_sdk as sdk;
use sdk::{Error, Query, Served, raw};
use std::path::Path;

/// Which component, and with which configuration.
#[derive(Clone, Copy)]
pub struct Recipe<'a> {
    /// The plugin.
    pub plugin: &'a Plugin,
    /// The component's id.
    pub component: &'a str,
    /// Its configuration, TOML.
    pub config: &'a str,
    /// Where relative paths in the configuration begin.
    pub base_dir: &'a Path,
}

impl Recipe<'_> {
    /// Makes an object by `create`, on a lattice with these phases of fermions at its edges.
    pub(super) fn make<O>(
        &self,
        lattice: &Lattice,
        phases: &[Complex<f64>],
        create: impl FnOnce(&Request) -> Result<O, HostError>,
    ) -> Result<O, HostError> {
        let mut description = foreign::lattice_of(lattice);
        for (turn, phase) in description.bc_phase.iter_mut().zip(phases) {
            *turn = phase.im.atan2(phase.re).rem_euclid(std::f64::consts::TAU) / std::f64::consts::TAU;
        }
        // SAFETY: a whole struct.
        let lattice = unsafe { sdk::Lattice::from_raw(&raw const description) };
        let lattice = lattice.map_err(|error| self.plugin.fails(error))?;
        create(&Request {
            component: self.component,
            lattice: &lattice,
            config: ConfigText::Toml(self.config),
            base_dir: self.base_dir,
        })
    }

    /// Refuses a component that does not promise what `caps` names, each with why it is needed.
    pub(super) fn promises(&self, caps: &[(u64, &str)]) -> Result<(), HostError> {
        let info = self.plugin.component(self.component)?;
        match caps.iter().find(|(cap, _)| info.caps & cap == 0) {
            None => Ok(()),
            Some((_, why)) => {
                let message = format!("{} does not promise {why}", info.id);
                Err(self.plugin.fails(Error::unsupported(message)))
            }
        }
    }

    /// Refuses an object that answers that it does not serve fields of this layout.
    pub(super) fn serves(&self, answer: Result<Query, HostError>) -> Result<(), HostError> {
        match answer {
            Ok(Query { served: Served::No, .. }) => {
                let message = format!("{} does not serve this lattice's fields", self.component);
                Err(self.plugin.fails(Error::unsupported(message)))
            }
            // A plugin need not offer the question.
            Err(error) if error.status() != Some(raw::GLK_UNSUPPORTED) => Err(error),
            _ => Ok(()),
        }
    }

    /// Component and plugin with their versions.
    pub(super) fn name(&self) -> String {
        let version = self.plugin.component(self.component).map_or("", |info| info.version.as_str());
        format!("{} {version}, plugin {} {}", self.component, self.plugin.id(), self.plugin.version())
    }
}
