//! Objects of `glk.flow/1`.

use crate::object::{Object, common_methods, room};
use crate::{Exec, HostError};
use gaugelink_plugin_sdk::{Rng, View, ViewMut, raw};

/// A flow U = f(V): log densities refer to the Haar measure, and slices hold one number for each field of a batch.
pub struct FlowObject<'s> {
    object: Object<'s, raw::glk_flow>,
}

impl<'s> FlowObject<'s> {
    common_methods!(raw::glk_flow, raw::GLK_FLOW_ID);

    /// Draws U and gives log q(U).
    pub fn sample(
        &mut self,
        exec: Exec,
        rng: &Rng,
        u: &mut ViewMut,
        log_q: &mut [f64],
    ) -> Result<(), HostError> {
        room(&self.object.plugin, "log_q", log_q.len(), u.batch())?;
        let sample = self.object.table.sample.ok_or_else(|| self.object.absent("sample"))?;
        // SAFETY: whole structs and views that live through the call, here and below.
        self.object.call(|object, error| unsafe {
            sample(object, &exec.raw(), rng, u.as_raw_mut(), log_q.as_mut_ptr(), error)
        })
    }
    /// U = f(V) and log |det df/dV|.
    pub fn forward(
        &mut self,
        exec: Exec,
        v: &View,
        u: &mut ViewMut,
        logdet: &mut [f64],
    ) -> Result<(), HostError> {
        room(&self.object.plugin, "logdet", logdet.len(), v.batch())?;
        let forward = self.object.table.forward.ok_or_else(|| self.object.absent("forward"))?;
        // SAFETY: see above.
        self.object.call(|object, error| unsafe {
            forward(object, &exec.raw(), v.as_raw(), u.as_raw_mut(), logdet.as_mut_ptr(), error)
        })
    }
    /// V = f⁻¹(U) and the log determinant of that map.
    pub fn inverse(
        &mut self,
        exec: Exec,
        u: &View,
        v: &mut ViewMut,
        logdet: &mut [f64],
    ) -> Result<(), HostError> {
        room(&self.object.plugin, "logdet", logdet.len(), u.batch())?;
        let inverse = self.object.table.inverse.ok_or_else(|| self.object.absent("inverse"))?;
        // SAFETY: see above.
        self.object.call(|object, error| unsafe {
            inverse(object, &exec.raw(), u.as_raw(), v.as_raw_mut(), logdet.as_mut_ptr(), error)
        })
    }
    /// log q(U).
    pub fn log_density(&mut self, exec: Exec, u: &View, log_q: &mut [f64]) -> Result<(), HostError> {
        room(&self.object.plugin, "log_q", log_q.len(), u.batch())?;
        let density = self.object.table.log_density.ok_or_else(|| self.object.absent("log_density"))?;
        // SAFETY: see above.
        self.object.call(|object, error| unsafe {
            density(object, &exec.raw(), u.as_raw(), log_q.as_mut_ptr(), error)
        })
    }
    /// From F_U = dS/dU at U = f(V) the force of S(f(V)) − log det.
    pub fn pullback(&mut self, exec: Exec, v: &View, f_u: &View, f_v: &mut ViewMut) -> Result<(), HostError> {
        let pullback = self.object.table.pullback.ok_or_else(|| self.object.absent("pullback"))?;
        // SAFETY: see above.
        self.object.call(|object, error| unsafe {
            pullback(object, &exec.raw(), v.as_raw(), f_u.as_raw(), f_v.as_raw_mut(), error)
        })
    }
}
