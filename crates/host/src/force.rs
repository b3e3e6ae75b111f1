//! Objects of `glk.force/1`.

use crate::object::{Object, common_methods, room};
use crate::{Exec, HostError};
use gaugelink_plugin_sdk::{Dirac, Error, Rng, View, ViewMut, raw};

/// Pseudofermions and the operators they belong to, in the same order.
#[derive(Clone, Copy, Default)]
pub struct Auxiliary<'a> {
    /// Fields.
    pub fields: &'a [View<'a>],
    /// Operators.
    pub operators: &'a [Dirac],
}

impl Auxiliary<'_> {
    fn check(&self) -> Result<(), Error> {
        let (fields, operators) = (self.fields.len(), self.operators.len());
        if fields == operators {
            return Ok(());
        }
        Err(Error::invalid(format!("{fields} auxiliary fields, but {operators} operators")))
    }
    /// Calls `body` with pointers to fields and to operators, and their number. Mostly there are none, and then no vectors
    /// are made.
    #[inline]
    fn pointers<R>(
        &self,
        body: impl FnOnce(*const *const raw::glk_view, *const *const Dirac, u64) -> R,
    ) -> R {
        if self.fields.is_empty() {
            return body(std::ptr::null(), std::ptr::null(), 0);
        }
        let fields: Vec<_> = self.fields.iter().map(|view| &raw const *view.as_raw()).collect();
        let operators: Vec<_> = self.operators.iter().map(|operator| &raw const *operator).collect();
        body(fields.as_ptr(), operators.as_ptr(), fields.len() as u64)
    }
}

/// An action with its force, or an estimate of the force alone.
pub struct ForceObject<'s> {
    object: Object<'s, raw::glk_force>,
}

impl<'s> ForceObject<'s> {
    common_methods!(raw::glk_force, raw::GLK_FORCE_ID);

    /// Tells the object that a new trajectory begins; nothing happens where the plugin has no use for it.
    pub fn refresh(&mut self, exec: Exec, u: &View, rng: &Rng) -> Result<(), HostError> {
        let Some(refresh) = self.object.table.refresh else { return Ok(()) };
        // SAFETY: whole structs and views that live through the call, here and below.
        self.object.call(|object, error| unsafe { refresh(object, &exec.raw(), u.as_raw(), rng, error) })
    }
    /// S, one number for each field of the batch.
    pub fn action(&mut self, exec: Exec, u: &View, aux: Auxiliary, s: &mut [f64]) -> Result<(), HostError> {
        room(&self.object.plugin, "S", s.len(), u.batch())?;
        let action = self.object.table.action.ok_or_else(|| self.object.absent("action"))?;
        aux.check().map_err(|error| self.object.plugin.fails(error))?;
        aux.pointers(|fields, operators, count| {
            // SAFETY: see above.
            self.object.call(|object, error| unsafe {
                action(object, &exec.raw(), u.as_raw(), fields, operators, count, s.as_mut_ptr(), error)
            })
        })
    }
    /// F = scale · force.
    pub fn force(
        &mut self,
        exec: Exec,
        u: &View,
        aux: Auxiliary,
        scale: f64,
        f: &mut ViewMut,
    ) -> Result<(), HostError> {
        let force = self.object.table.force.ok_or_else(|| self.object.absent("force"))?;
        aux.check().map_err(|error| self.object.plugin.fails(error))?;
        aux.pointers(|fields, operators, count| {
            // SAFETY: see above.
            self.object.call(|object, error| unsafe {
                force(object, &exec.raw(), u.as_raw(), fields, operators, count, scale, f.as_raw_mut(), error)
            })
        })
    }
}
