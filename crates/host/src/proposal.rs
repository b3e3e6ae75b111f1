//! Objects of `glk.proposal/1`.

use crate::object::{Object, common_methods, room};
use crate::{Exec, HostError, Plugin};
use gaugelink_plugin_sdk::{Error, Rng, View, ViewMut, raw};

/// A stochastic proposal of links and pseudofermions.
pub struct ProposalObject<'s> {
    object: Object<'s, raw::glk_proposal>,
}

impl<'s> ProposalObject<'s> {
    common_methods!(raw::glk_proposal, raw::GLK_PROPOSAL_ID);

    /// (U, aux) → (U', aux') with the log weight for the accept step, one for each field of the batch. `u` and `aux` are
    /// the old and new fields as pairs.
    pub fn propose(
        &mut self,
        exec: Exec,
        rng: &Rng,
        (u, u_new): (&View, &mut ViewMut),
        (aux, aux_new): (&[View], &mut [ViewMut]),
        log_weight: &mut [f64],
    ) -> Result<(), HostError> {
        room(&self.object.plugin, "log_weight", log_weight.len(), u.batch())?;
        let propose = self.object.table.propose.ok_or_else(|| self.object.absent("propose"))?;
        if aux.len() != aux_new.len() {
            return Err(unlike(&self.object.plugin, aux.len(), aux_new.len()));
        }
        let mut call = |(old, new): (&[*const raw::glk_view], &[*mut raw::glk_view])| {
            // SAFETY: whole structs and views that live through the call.
            self.object.call(|object, error| unsafe {
                let (u, u_new) = (u.as_raw(), u_new.as_raw_mut());
                let (old, new, count) = (old.as_ptr(), new.as_ptr(), old.len() as u64);
                propose(object, &exec.raw(), rng, u, old, count, u_new, new, log_weight.as_mut_ptr(), error)
            })
        };
        if aux.is_empty() {
            return call((&[], &[]));
        }
        let old: Vec<_> = aux.iter().map(|view| &raw const *view.as_raw()).collect();
        let new: Vec<_> = aux_new.iter_mut().map(ViewMut::as_raw_mut).collect();
        call((&old, &new))
    }
}

#[cold]
fn unlike(plugin: &Plugin, old: usize, new: usize) -> HostError {
    plugin.fails(Error::invalid(format!("{old} auxiliary fields become {new}")))
}
