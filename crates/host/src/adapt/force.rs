//! A plugin's force as one that kicks momenta.

use super::matrices::Matrices;
use super::{Recipe, Use};
use crate::{Auxiliary, Exec, ForceObject, HostError, Services};
use gaugelink_lattice::{GaugeField, Lattice, MomentumField, foreign};
use gaugelink_physics::action::Force;
use gaugelink_plugin_sdk::raw;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A force of a plugin, placed on a lattice.
///
/// A kick cannot return an error: where the plugin fails, the momenta become NaN, so that the trajectory is rejected,
/// and [`ForcePlugin::failure`] tells why. Ask it after every update.
pub struct ForcePlugin<'s, const N: usize> {
    name: String,
    work: Mutex<Work<'s, N>>,
}

struct Work<'s, const N: usize> {
    object: ForceObject<'s>,
    matrices: Matrices<N>,
    force: MomentumField<f64, N>,
    used: Use,
    failure: Option<Box<dyn Error + Send + Sync>>,
}

impl<'s, const N: usize> ForcePlugin<'s, N> {
    /// Makes the object.
    ///
    /// # Errors
    /// What the plugin says against configuration or lattice; a component that does not promise to be stateless,
    /// without which no trajectory is reversible; out of memory.
    pub fn create(
        recipe: &Recipe<'_>,
        services: &'s Services,
        lattice: &Arc<Lattice>,
    ) -> Result<Self, HostError> {
        recipe.promises(&[(
            raw::GLK_CAP_STATELESS,
            "to be stateless (CAP_STATELESS): no trajectory would be reversible",
        )])?;
        let mut object =
            recipe.make(lattice, &[], |request| ForceObject::create(recipe.plugin, services, request))?;
        let links = GaugeField::<f64, N>::cold(lattice).map_err(HostError::Lattice)?;
        recipe.serves(object.query(&foreign::view(&links)))?;
        let matrices = Matrices::new(lattice).map_err(HostError::Lattice)?;
        let force = MomentumField::zeroed(lattice).map_err(HostError::Lattice)?;
        let work = Work { object, matrices, force, used: Use::default(), failure: None };
        Ok(Self { name: recipe.name(), work: Mutex::new(work) })
    }

    /// What it was used for so far.
    pub fn used(&self) -> Use {
        self.work().used
    }

    /// The first error since it was last asked.
    pub fn failure(&self) -> Option<Box<dyn Error + Send + Sync>> {
        self.work().failure.take()
    }

    fn work(&self) -> MutexGuard<'_, Work<'s, N>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<const N: usize> Work<'_, N> {
    /// `force` ← F(U).
    fn evaluate(&mut self, u: &GaugeField<f64, N>) -> Result<(), Box<dyn Error + Send + Sync>> {
        let start = Instant::now();
        let Self { object, matrices, force, used, .. } = self;
        matrices.lend(|f| object.force(Exec::default(), &foreign::view(u), Auxiliary::default(), 1.0, f))?;
        let converted = matrices.store(force)?;
        let copied = object.stats().map_or(0, |stats| stats.bytes_copied);
        used.add(start, converted + copied);
        Ok(())
    }
}

impl<const N: usize> Force<N> for ForcePlugin<'_, N> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn kick(&self, u: &GaugeField<f64, N>, p: &mut MomentumField<f64, N>, epsilon: f64) {
        let work = &mut *self.work();
        if work.failure.is_none() {
            match work.evaluate(u) {
                Ok(()) => return p.add(-epsilon, &work.force),
                Err(error) => work.failure = Some(error),
            }
        }
        p.fill(f64::NAN);
    }
}
