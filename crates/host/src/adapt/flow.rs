//! A plugin's flow as the transformation of FTHMC.

use super::matrices::Matrices;
use super::{Recipe, Use};
use crate::{Exec, FlowObject, HostError, Services};
use gaugelink_lattice::{GaugeField, Lattice, MomentumField, foreign};
use gaugelink_plugin_sdk::raw;
use gaugelink_sampler::transformation::{Transformation, TransformationError};
use std::sync::Arc;
use std::time::Instant;

/// A flow of a plugin, placed on a lattice.
pub struct FlowPlugin<'s, const N: usize> {
    object: FlowObject<'s>,
    name: String,
    at_u: Matrices<N>,
    at_v: Matrices<N>,
    used: Use,
}

impl<'s, const N: usize> FlowPlugin<'s, N> {
    /// Makes the object.
    ///
    /// # Errors
    /// What the plugin says against configuration or lattice; a component that does not promise to be stateless with
    /// exact densities, without which the accept step is wrong; out of memory.
    pub fn create(
        recipe: &Recipe<'_>,
        services: &'s Services,
        lattice: &Arc<Lattice>,
    ) -> Result<Self, HostError> {
        recipe.promises(&[
            (raw::GLK_CAP_EXACT_DENSITY, "exact densities (CAP_EXACT_DENSITY): the accept step needs them"),
            (raw::GLK_CAP_STATELESS, "to be stateless (CAP_STATELESS): no trajectory would be reversible"),
        ])?;
        let mut object =
            recipe.make(lattice, &[], |request| FlowObject::create(recipe.plugin, services, request))?;
        let matrices = || Matrices::new(lattice).map_err(HostError::Lattice);
        let (at_u, at_v) = (matrices()?, matrices()?);
        let links = GaugeField::<f64, N>::cold(lattice).map_err(HostError::Lattice)?;
        recipe.serves(object.query(&foreign::view(&links)))?;
        Ok(Self { object, name: recipe.name(), at_u, at_v, used: Use::default() })
    }

    /// What it was used for so far.
    pub fn used(&self) -> Use {
        self.used
    }

    /// Counts a call with the bytes that were converted here; those that the plugin copied come on top.
    fn count(&mut self, start: Instant, converted: u64) {
        let copied = self.object.stats().map_or(0, |stats| stats.bytes_copied);
        self.used.add(start, converted + copied);
    }
}

impl<const N: usize> Transformation<N> for FlowPlugin<'_, N> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn forward(
        &mut self,
        v: &GaugeField<f64, N>,
        u: &mut GaugeField<f64, N>,
        log_det: &mut [f64],
    ) -> Result<(), TransformationError> {
        let start = Instant::now();
        foreign::lend(u, |u| self.object.forward(Exec::default(), &foreign::view(v), u, log_det))?;
        self.count(start, 0);
        Ok(())
    }

    fn inverse(
        &mut self,
        u: &GaugeField<f64, N>,
        v: &mut GaugeField<f64, N>,
        log_det: &mut [f64],
    ) -> Result<(), TransformationError> {
        let start = Instant::now();
        foreign::lend(v, |v| self.object.inverse(Exec::default(), &foreign::view(u), v, log_det))?;
        self.count(start, 0);
        Ok(())
    }

    fn pullback(
        &mut self,
        v: &GaugeField<f64, N>,
        u: &mut GaugeField<f64, N>,
        gradient: &mut dyn FnMut(&GaugeField<f64, N>, &mut MomentumField<f64, N>),
        force: &mut MomentumField<f64, N>,
    ) -> Result<(), TransformationError> {
        let mut log_det = vec![0.0; v.lattice().chains()];
        self.forward(v, u, &mut log_det)?;
        gradient(u, force);
        let start = Instant::now();
        let mut converted = self.at_u.load(force)?;
        let (object, at_u) = (&mut self.object, &self.at_u);
        self.at_v
            .lend(|f_v| at_u.view(|f_u| object.pullback(Exec::default(), &foreign::view(v), f_u, f_v)))?;
        converted += self.at_v.store(force)?;
        self.count(start, converted);
        Ok(())
    }
}
