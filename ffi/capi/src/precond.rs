//! Section "Plugins": preconditioners.

use crate::boundary::{entries, frees, get, get_mut, give};
use crate::dirac::description;
use crate::error::{Failure, Result};
use crate::gauge::Gauge;
use crate::lattice::LatticeHandle;
use crate::object::{Held, Wish, distinct, stats};
use crate::plugin::PluginHandle;
use crate::spinor::Spinor;
use crate::structs::report;
use crate::view::{readable, writable};
use gaugelink_host::{Exec, HostOperator, PrecondObject};
use gaugelink_lattice::foreign::{lend, view};
use gaugelink_physics::dirac::SpinorField;
use gaugelink_physics::solver::Preconditioner;
use gaugelink_plugin_sdk as sdk;
use sdk::{Setup, View, raw};
use std::error::Error;
use std::ffi::{c_char, c_void};

/// `gaugelink_precond`.
pub struct Precond {
    held: Held<PrecondObject<'static>>,
    /// The links of the last set-up, which the plugin may read where they stand: dropped after the object.
    links: Option<Gauge>,
    /// Whether a set-up failed: what the object still refers to is not known then.
    broken: bool,
}

/// A preconditioner during a solve.
pub struct Lent<'a> {
    object: &'a mut PrecondObject<'static>,
    dagger: bool,
    flops: f64,
}

impl Precond {
    /// As a solver wants it: M, or M† with `dagger`.
    ///
    /// # Errors
    /// `GLK_PRECONDITION` after a set-up that failed.
    pub fn lent(&mut self, dagger: bool) -> Result<Lent<'_>> {
        let object = self.ready()?;
        // A plugin need not know what it costs.
        let flops = object.cost().map_or(0.0, |cost| cost.flops);
        Ok(Lent { object, dagger, flops })
    }
    /// The object, to be applied.
    fn ready(&mut self) -> Result<&mut PrecondObject<'static>> {
        if self.broken {
            return Err(Failure(sdk::Error::new(
                raw::GLK_PRECONDITION,
                "the last set-up failed; set the preconditioner up again before it is applied",
            )));
        }
        Ok(&mut self.held.object)
    }
    /// # Safety
    /// `op` is as far valid as the header says; U stays as it is until the next set-up or the end.
    unsafe fn setup(
        &mut self,
        u: &View<'_>,
        op: *const raw::glk_dirac,
        mode: i32,
        lent: Option<HostOperator>,
    ) -> Result<()> {
        let mode = Setup::from_raw(mode)?;
        // SAFETY: the caller's promise.
        let result = unsafe {
            let op = description(op)?;
            self.held.object.setup_with(Exec::default(), u, &op, mode, lent)
        };
        self.broken = result.is_err();
        Ok(result?)
    }
}

impl<const N: usize> Preconditioner<SpinorField<f64, N>> for Lent<'_> {
    fn apply(
        &mut self,
        z: &mut SpinorField<f64, N>,
        r: &SpinorField<f64, N>,
    ) -> std::result::Result<(), Box<dyn Error + Send + Sync>> {
        Ok(lend(z, |z| self.object.apply(Exec::default(), &view(r), z, self.dagger))?)
    }
    fn flops(&self) -> f64 {
        self.flops
    }
}

entries! {
    fn gaugelink_precond_new(
        plugin: *const PluginHandle,
        lattice: *const LatticeHandle,
        component: *const c_char,
        config: *const c_char,
        base_dir: *const c_char,
        phases: *const f64,
        out: *mut *mut Precond,
    ) {
        let wish = Wish { plugin, lattice, component, config, base_dir, phases };
        give(out, || {
            let held = Held::new(&wish, raw::GLK_PRECOND_ID, PrecondObject::create)?;
            Ok(Precond { held, links: None, broken: false })
        })
    }
    fn gaugelink_precond_setup(precond: *mut Precond, u: *const Gauge, op: *const raw::glk_dirac, mode: i32) {
        let (precond, u) = (get_mut(precond, "precond")?, get(u, "u")?);
        precond.held.fits(&[u.lattice()])?;
        // The host may change or free its own. A copy of them that is here already stays where the plugin knows it.
        if let Some(links) = precond.links.take_if(|links| links.is_copy_of(u)) {
            let result = precond.setup(&links.view(), op, mode, None);
            precond.links = Some(links);
            return result;
        }
        let links = u.duplicate()?;
        precond.setup(&links.view(), op, mode, None)?;
        precond.links = Some(links);
        Ok(())
    }
    fn gaugelink_precond_apply(precond: *mut Precond, r: *const Spinor, z: *mut Spinor, dagger: i32) {
        distinct(r, z)?;
        let (precond, r, z) = (get_mut(precond, "precond")?, get(r, "r")?, get_mut(z, "z")?);
        precond.held.fits(&[r.lattice(), z.lattice()])?;
        let result = precond.ready()?.apply(Exec::default(), &r.view(), &mut z.view_mut(), dagger != 0);
        z.settle();
        Ok(result?)
    }
    fn gaugelink_precond_setup_view(
        precond: *mut Precond,
        u: *const raw::glk_view,
        op: *const raw::glk_dirac,
        mode: i32,
        function: raw::glk_apply_fn,
        context: *mut c_void,
    ) {
        let lent = function.is_some().then_some(HostOperator { function, context });
        let precond = get_mut(precond, "precond")?;
        precond.setup(&readable(u, "u", &precond.held)?, op, mode, lent)
    }
    fn gaugelink_precond_apply_view(
        precond: *mut Precond,
        r: *const raw::glk_view,
        z: *mut raw::glk_view,
        dagger: i32,
    ) {
        let precond = get_mut(precond, "precond")?;
        let (r, mut z) = (readable(r, "r", &precond.held)?, writable(z, "z", &precond.held)?);
        Ok(precond.ready()?.apply(Exec::default(), &r, &mut z, dagger != 0)?)
    }
    fn gaugelink_precond_stats(precond: *mut Precond, out: *mut raw::glk_stats) {
        report(out, &stats(&get_mut(precond, "precond")?.held.object.stats()?))
    }
}

frees! {
    fn gaugelink_precond_free(Precond);
}
