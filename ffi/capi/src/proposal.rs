//! Section "Plugins": proposals.

use crate::boundary::{entries, frees, get, get_mut, give};
use crate::gauge::Gauge;
use crate::lattice::LatticeHandle;
use crate::object::{Held, Wish, distinct, numbers, rng, stats};
use crate::plugin::PluginHandle;
use crate::structs::report;
use crate::view::{readable, writable};
use gaugelink_host::{Exec, ProposalObject};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_plugin_sdk::{Rng, raw};
use gaugelink_sampler::metropolis::accept;
use std::ffi::c_char;
use std::slice::from_mut;

/// `gaugelink_proposal`.
pub type Proposal = Held<ProposalObject<'static>>;

entries! {
    fn gaugelink_proposal_new(
        plugin: *const PluginHandle,
        lattice: *const LatticeHandle,
        component: *const c_char,
        config: *const c_char,
        base_dir: *const c_char,
        out: *mut *mut Proposal,
    ) {
        let wish = Wish { plugin, lattice, component, config, base_dir, phases: std::ptr::null() };
        give(out, || Proposal::new(&wish, raw::GLK_PROPOSAL_ID, ProposalObject::create))
    }
    fn gaugelink_proposal_propose(
        proposal: *mut Proposal,
        seed: u64,
        number: u64,
        u: *const Gauge,
        u_new: *mut Gauge,
        log_weight: *mut f64,
    ) {
        distinct(u, u_new)?;
        let (proposal, u, u_new) = (get_mut(proposal, "proposal")?, get(u, "u")?, get_mut(u_new, "u_new")?);
        proposal.fits(&[u.lattice(), u_new.lattice()])?;
        let weight = from_mut(get_mut(log_weight, "log_weight")?);
        let (rng, fields) = (rng(seed, number), (&u.view(), &mut u_new.view_mut()));
        let result = proposal.object.propose(Exec::default(), &rng, fields, (&[], &mut []), weight);
        u_new.settle();
        Ok(result?)
    }
    fn gaugelink_proposal_propose_view(
        proposal: *mut Proposal,
        rng: *const Rng,
        u: *const raw::glk_view,
        u_new: *mut raw::glk_view,
        log_weight: *mut f64,
    ) {
        let (proposal, rng) = (get_mut(proposal, "proposal")?, get(rng, "rng")?);
        let (u, mut u_new) = (readable(u, "u", proposal)?, writable(u_new, "u_new", proposal)?);
        let weight = numbers(log_weight, u.batch(), "log_weight")?;
        Ok(proposal.object.propose(Exec::default(), rng, (&u, &mut u_new), (&[], &mut []), weight)?)
    }
    fn gaugelink_accept(seed: u64, number: u64, delta_h: f64, taken: *mut i32) {
        let address = Address::new(seed, Purpose::Accept).trajectory(number);
        *get_mut(taken, "taken")? = accept(&[delta_h], address)[0].into();
        Ok(())
    }
    fn gaugelink_proposal_stats(proposal: *mut Proposal, out: *mut raw::glk_stats) {
        report(out, &stats(&get_mut(proposal, "proposal")?.object.stats()?))
    }
}

frees! {
    fn gaugelink_proposal_free(Proposal);
}
