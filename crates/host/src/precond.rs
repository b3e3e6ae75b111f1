//! Objects of `glk.precond/1`.

use crate::object::{Object, common_methods, told};
use crate::{Exec, HostError};
use gaugelink_plugin_sdk::{Cost, Dirac, Setup, View, ViewMut, raw};
use std::ffi::c_void;

/// The host's own M, lent to a set-up.
#[derive(Clone, Copy)]
pub struct HostOperator {
    /// Computes out = M in, or M† in.
    pub function: raw::glk_apply_fn,
    /// Its first argument.
    pub context: *mut c_void,
}

/// A preconditioner z ≈ M⁻¹ r.
pub struct PrecondObject<'s> {
    object: Object<'s, raw::glk_precond>,
}

impl<'s> PrecondObject<'s> {
    common_methods!(raw::glk_precond, raw::GLK_PRECOND_ID);

    /// Prepares for the links U and the operator. U stays borrowed: plugins may read links in place.
    pub fn setup(&mut self, exec: Exec, u: &View<'s>, dirac: &Dirac, mode: Setup) -> Result<(), HostError> {
        // SAFETY: U is borrowed for as long as the object lives, and no operator is lent.
        unsafe { self.setup_with(exec, u, dirac, mode, None) }
    }
    /// As [`Self::setup`], for links that change later, and with an operator to use.
    ///
    /// # Safety
    /// The memory of U, and the operator if one is lent, stay valid until the next set-up or until the object is dropped;
    /// [`Self::apply`] is called only while U is as it was.
    pub unsafe fn setup_with(
        &mut self,
        exec: Exec,
        u: &View,
        dirac: &Dirac,
        mode: Setup,
        operator: Option<HostOperator>,
    ) -> Result<(), HostError> {
        let setup = self.object.table.setup.ok_or_else(|| self.object.absent("setup"))?;
        let (function, context) = operator.map_or((None, std::ptr::null_mut()), |m| (m.function, m.context));
        // SAFETY: whole structs that live through the call; the caller vouches for U and M afterwards.
        self.object.call(|object, error| unsafe {
            setup(object, &exec.raw(), u.as_raw(), dirac, mode.raw(), function, context, error)
        })
    }
    /// z ≈ M⁻¹ r, or M⁻† r, for each field of the batch.
    pub fn apply(&mut self, exec: Exec, r: &View, z: &mut ViewMut, dagger: bool) -> Result<(), HostError> {
        let apply = self.object.table.apply.ok_or_else(|| self.object.absent("apply"))?;
        // SAFETY: whole structs and views that live through the call.
        self.object.call(|object, error| unsafe {
            apply(object, &exec.raw(), r.as_raw(), z.as_raw_mut(), i32::from(dagger), error)
        })
    }
    /// What one application costs.
    pub fn cost(&mut self) -> Result<Cost, HostError> {
        let cost = self.object.table.cost.ok_or_else(|| self.object.absent("cost"))?;
        let mut answer = Cost::default();
        // SAFETY: three numbers.
        self.object.call(|object, error| unsafe {
            let (flops, bytes) = (&raw mut answer.flops, &raw mut answer.bytes);
            cost(object, flops, bytes, &raw mut answer.dirac_equivalents, error)
        })?;
        Ok(Cost {
            flops: told!(answer.flops),
            bytes: told!(answer.bytes),
            dirac_equivalents: told!(answer.dirac_equivalents),
        })
    }
}
