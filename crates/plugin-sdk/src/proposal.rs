//! The interface `glk.proposal/1`.

use crate::boundary::{sized_argument, slice_mut};
use crate::flow::same_batch;
use crate::force::{pointers, views};
use crate::object::{Handle, call_on};
use crate::raw::{glk_error, glk_exec, glk_object, glk_proposal, glk_rng, glk_status, glk_view};
use crate::{Call, Object, Result, Rng, View, ViewMut};

/// New links and pseudofermions from old ones.
pub trait Proposal: Object {
    /// (U, aux) → (U', aux') with the logarithm of the weight for the accept step, one for each field of the batch.
    #[allow(clippy::too_many_arguments)]
    fn propose(
        &mut self,
        call: &Call,
        rng: &Rng,
        u: &View,
        aux: &[View],
        u_new: &mut ViewMut,
        aux_new: &mut [ViewMut],
        log_weight: &mut [f64],
    ) -> Result<()>;
}

pub(crate) const TABLE: glk_proposal =
    glk_proposal { size: size_of::<glk_proposal>() as u32, pad0: 0, propose: Some(propose) };

unsafe extern "C" fn propose(
    object: *mut glk_object,
    exec: *const glk_exec,
    rng: *const glk_rng,
    u: *const glk_view,
    aux: *const *const glk_view,
    naux: u64,
    u_new: *mut glk_view,
    aux_new: *const *mut glk_view,
    log_weight: *mut f64,
    error: *mut glk_error,
) -> glk_status {
    // SAFETY: arguments follow `plugin.h`.
    unsafe {
        call_on(object, exec, error, Handle::proposal, |proposal, call, seen| {
            let mut room = None;
            let rng = sized_argument(rng, "rng", &mut room)?;
            let (u, u_new) = (seen.input.next(u, "U")?, seen.output.next(u_new, "U_new")?);
            same_batch(u.batch(), u_new.batch())?;
            call.apart(u_new, [u])?;
            let log_weight = slice_mut(log_weight, u.batch(), "log_weight")?;
            if naux == 0 {
                return proposal.propose(call, rng, u, &[], u_new, &mut [], log_weight);
            }
            let (aux, mut aux_new) = (views(aux, naux)?, outputs(aux_new, naux)?);
            call.apart(u_new, &aux)?;
            for output in &aux_new {
                call.apart(output, [u])?;
                call.apart(output, &aux)?;
            }
            proposal.propose(call, rng, u, &aux, u_new, &mut aux_new, log_weight)
        })
    }
}

/// # Safety
/// As for [`views`].
#[cold]
unsafe fn outputs<'a>(aux_new: *const *mut glk_view, naux: u64) -> Result<Vec<ViewMut<'a>>> {
    // SAFETY: the caller's promise.
    unsafe {
        let pointers = pointers(aux_new.cast::<*const glk_view>(), naux, "aux_new")?;
        pointers.iter().map(|&view| ViewMut::from_raw(view, "aux_new")).collect()
    }
}
