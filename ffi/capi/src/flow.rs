//! Section "Plugins": flows.

use crate::algebra::Algebra;
use crate::boundary::{entries, frees, get, get_mut, give};
use crate::gauge::Gauge;
use crate::lattice::LatticeHandle;
use crate::object::{Held, Wish, distinct, numbers, rng, stats};
use crate::plugin::PluginHandle;
use crate::structs::report;
use crate::view::{readable, writable};
use gaugelink_host::{Exec, FlowObject};
use gaugelink_plugin_sdk::{Rng, raw};
use std::ffi::c_char;
use std::slice::from_mut;

/// `gaugelink_flow`.
pub type Flow = Held<FlowObject<'static>>;

entries! {
    fn gaugelink_flow_new(
        plugin: *const PluginHandle,
        lattice: *const LatticeHandle,
        component: *const c_char,
        config: *const c_char,
        base_dir: *const c_char,
        out: *mut *mut Flow,
    ) {
        let wish = Wish { plugin, lattice, component, config, base_dir, phases: std::ptr::null() };
        give(out, || Flow::new(&wish, raw::GLK_FLOW_ID, FlowObject::create))
    }
    fn gaugelink_flow_sample(flow: *mut Flow, seed: u64, number: u64, u: *mut Gauge, log_q: *mut f64) {
        let (flow, u, log_q) = (get_mut(flow, "flow")?, get_mut(u, "u")?, get_mut(log_q, "log_q")?);
        flow.fits(&[u.lattice()])?;
        let rng = rng(seed, number);
        let result = flow.object.sample(Exec::default(), &rng, &mut u.view_mut(), from_mut(log_q));
        u.settle();
        Ok(result?)
    }
    fn gaugelink_flow_forward(flow: *mut Flow, v: *const Gauge, u: *mut Gauge, logdet: *mut f64) {
        distinct(v, u)?;
        let (flow, v, u) = (get_mut(flow, "flow")?, get(v, "v")?, get_mut(u, "u")?);
        flow.fits(&[v.lattice(), u.lattice()])?;
        let logdet = from_mut(get_mut(logdet, "logdet")?);
        let result = flow.object.forward(Exec::default(), &v.view(), &mut u.view_mut(), logdet);
        u.settle();
        Ok(result?)
    }
    fn gaugelink_flow_inverse(flow: *mut Flow, u: *const Gauge, v: *mut Gauge, logdet: *mut f64) {
        distinct(u, v)?;
        let (flow, u, v) = (get_mut(flow, "flow")?, get(u, "u")?, get_mut(v, "v")?);
        flow.fits(&[u.lattice(), v.lattice()])?;
        let logdet = from_mut(get_mut(logdet, "logdet")?);
        let result = flow.object.inverse(Exec::default(), &u.view(), &mut v.view_mut(), logdet);
        v.settle();
        Ok(result?)
    }
    fn gaugelink_flow_log_density(flow: *mut Flow, u: *const Gauge, log_q: *mut f64) {
        let (flow, u) = (get_mut(flow, "flow")?, get(u, "u")?);
        flow.fits(&[u.lattice()])?;
        let log_q = from_mut(get_mut(log_q, "log_q")?);
        Ok(flow.object.log_density(Exec::default(), &u.view(), log_q)?)
    }
    fn gaugelink_flow_pullback(flow: *mut Flow, v: *const Gauge, f_u: *const Algebra, f_v: *mut Algebra) {
        distinct(f_u, f_v)?;
        let (flow, v) = (get_mut(flow, "flow")?, get(v, "v")?);
        let (f_u, f_v) = (get(f_u, "f_u")?, get_mut(f_v, "f_v")?);
        flow.fits(&[v.lattice(), f_u.lattice(), f_v.lattice()])?;
        let Held { object, input, output, .. } = flow;
        input.reading(f_u, |f_u| {
            output.writing(f_v, |f_v| Ok(object.pullback(Exec::default(), &v.view(), f_u, f_v)?))
        })
    }
    fn gaugelink_flow_sample_view(flow: *mut Flow, rng: *const Rng, u: *mut raw::glk_view, log_q: *mut f64) {
        let flow = get_mut(flow, "flow")?;
        let mut u = writable(u, "u", flow)?;
        let log_q = numbers(log_q, u.batch(), "log_q")?;
        Ok(flow.object.sample(Exec::default(), get(rng, "rng")?, &mut u, log_q)?)
    }
    fn gaugelink_flow_forward_view(
        flow: *mut Flow,
        v: *const raw::glk_view,
        u: *mut raw::glk_view,
        logdet: *mut f64,
    ) {
        let flow = get_mut(flow, "flow")?;
        let (v, mut u) = (readable(v, "v", flow)?, writable(u, "u", flow)?);
        let logdet = numbers(logdet, v.batch(), "logdet")?;
        Ok(flow.object.forward(Exec::default(), &v, &mut u, logdet)?)
    }
    fn gaugelink_flow_inverse_view(
        flow: *mut Flow,
        u: *const raw::glk_view,
        v: *mut raw::glk_view,
        logdet: *mut f64,
    ) {
        let flow = get_mut(flow, "flow")?;
        let (u, mut v) = (readable(u, "u", flow)?, writable(v, "v", flow)?);
        let logdet = numbers(logdet, u.batch(), "logdet")?;
        Ok(flow.object.inverse(Exec::default(), &u, &mut v, logdet)?)
    }
    fn gaugelink_flow_log_density_view(flow: *mut Flow, u: *const raw::glk_view, log_q: *mut f64) {
        let flow = get_mut(flow, "flow")?;
        let u = readable(u, "u", flow)?;
        let log_q = numbers(log_q, u.batch(), "log_q")?;
        Ok(flow.object.log_density(Exec::default(), &u, log_q)?)
    }
    fn gaugelink_flow_pullback_view(
        flow: *mut Flow,
        v: *const raw::glk_view,
        f_u: *const raw::glk_view,
        f_v: *mut raw::glk_view,
    ) {
        let flow = get_mut(flow, "flow")?;
        let v = readable(v, "v", flow)?;
        let (f_u, mut f_v) = (readable(f_u, "f_u", flow)?, writable(f_v, "f_v", flow)?);
        Ok(flow.object.pullback(Exec::default(), &v, &f_u, &mut f_v)?)
    }
    fn gaugelink_flow_stats(flow: *mut Flow, out: *mut raw::glk_stats) {
        report(out, &stats(&get_mut(flow, "flow")?.object.stats()?))
    }
}

frees! {
    fn gaugelink_flow_free(Flow);
}
