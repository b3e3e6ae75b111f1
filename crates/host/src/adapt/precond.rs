//! A plugin's preconditioner as one of flexible solvers.

use super::{Recipe, Use};
use crate::{Exec, HostError, PrecondObject, Services};
use gaugelink_lattice::foreign;
use gaugelink_physics::dirac::{SpinorField, Wilson};
use gaugelink_physics::solver::Preconditioner;
use gaugelink_plugin_sdk::{Cost, Setup, raw, sized_struct};
use std::error::Error;
use std::time::Instant;

/// A preconditioner of a plugin, set up for Wilson's operator on one configuration, which it borrows: plugins may read
/// links in place.
pub struct PrecondPlugin<'a, const N: usize> {
    object: PrecondObject<'a>,
    name: String,
    cost: Cost,
    used: Use,
}

impl<'a, const N: usize> PrecondPlugin<'a, N> {
    /// Makes the object and sets it up for `wilson`. Collective.
    ///
    /// # Errors
    /// What the plugin says against configuration, lattice or operator.
    pub fn create(
        recipe: &Recipe<'_>,
        services: &'a Services,
        wilson: &Wilson<'a, f64, N>,
    ) -> Result<Self, HostError> {
        let links = wilson.links();
        let mut object = recipe.make(links.lattice(), &wilson.boundary().0, |request| {
            PrecondObject::create(recipe.plugin, services, request)
        })?;
        let spinor = SpinorField::<f64, N>::zeroed(links.lattice()).map_err(HostError::Lattice)?;
        recipe.serves(object.query(&foreign::view(&spinor)))?;
        let mut dirac = sized_struct::<raw::glk_dirac>();
        dirac.op = if wilson.csw() == 0.0 { raw::GLK_DIRAC_WILSON } else { raw::GLK_DIRAC_CLOVER };
        dirac.mass = wilson.mass();
        (dirac.csw_r, dirac.csw_t) = (wilson.csw(), wilson.csw());
        dirac.precond_form = raw::GLK_DIRAC_FULL;
        dirac.normalisation = raw::GLK_DIRAC_BY_MASS;
        let start = Instant::now();
        object.setup(Exec::default(), &foreign::view(links), &dirac, Setup::Reset)?;
        let mut used = Use::default();
        used.add(start, object.stats().map_or(0, |stats| stats.bytes_copied));
        // A plugin need not know what it costs.
        let cost = object.cost().unwrap_or_default();
        Ok(Self { object, name: recipe.name(), cost, used })
    }

    /// The component and its plugin, with versions.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What an application costs by the plugin's own account; zeros where it gives none.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// What it was used for so far, the set-up included.
    pub fn used(&self) -> Use {
        self.used
    }
}

impl<const N: usize> Preconditioner<SpinorField<f64, N>> for PrecondPlugin<'_, N> {
    fn apply(
        &mut self,
        z: &mut SpinorField<f64, N>,
        r: &SpinorField<f64, N>,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let start = Instant::now();
        foreign::lend(z, |z| self.object.apply(Exec::default(), &foreign::view(r), z, false))?;
        self.used.add(start, self.object.stats().map_or(0, |stats| stats.bytes_copied));
        Ok(())
    }

    fn flops(&self) -> f64 {
        self.cost.flops
    }
}
