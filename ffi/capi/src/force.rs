//! Section "Plugins": forces.

use crate::algebra::Algebra;
use crate::boundary::{entries, frees, get, get_mut, give};
use crate::gauge::Gauge;
use crate::lattice::LatticeHandle;
use crate::object::{Held, Wish, numbers, rng, stats};
use crate::plugin::PluginHandle;
use crate::structs::report;
use crate::view::{readable, writable};
use gaugelink_host::{Auxiliary, Exec, ForceObject};
use gaugelink_plugin_sdk::{Rng, raw};
use std::ffi::c_char;
use std::slice::from_mut;

/// `gaugelink_force`.
pub type Force = Held<ForceObject<'static>>;

entries! {
    fn gaugelink_force_new(
        plugin: *const PluginHandle,
        lattice: *const LatticeHandle,
        component: *const c_char,
        config: *const c_char,
        base_dir: *const c_char,
        out: *mut *mut Force,
    ) {
        let wish = Wish { plugin, lattice, component, config, base_dir, phases: std::ptr::null() };
        give(out, || Force::new(&wish, raw::GLK_FORCE_ID, ForceObject::create))
    }
    fn gaugelink_force_refresh(force: *mut Force, u: *const Gauge, seed: u64, number: u64) {
        let (force, u) = (get_mut(force, "force")?, get(u, "u")?);
        force.fits(&[u.lattice()])?;
        Ok(force.object.refresh(Exec::default(), &u.view(), &rng(seed, number))?)
    }
    fn gaugelink_force_action(force: *mut Force, u: *const Gauge, s: *mut f64) {
        let (force, u) = (get_mut(force, "force")?, get(u, "u")?);
        force.fits(&[u.lattice()])?;
        let s = from_mut(get_mut(s, "s")?);
        Ok(force.object.action(Exec::default(), &u.view(), Auxiliary::default(), s)?)
    }
    fn gaugelink_force_force(force: *mut Force, u: *const Gauge, scale: f64, f: *mut Algebra) {
        let (force, u, f) = (get_mut(force, "force")?, get(u, "u")?, get_mut(f, "f")?);
        force.fits(&[u.lattice(), f.lattice()])?;
        let Held { object, output, .. } = force;
        output.writing(f, |f| Ok(object.force(Exec::default(), &u.view(), Auxiliary::default(), scale, f)?))
    }
    fn gaugelink_force_refresh_view(force: *mut Force, u: *const raw::glk_view, rng: *const Rng) {
        let force = get_mut(force, "force")?;
        let u = readable(u, "u", force)?;
        Ok(force.object.refresh(Exec::default(), &u, get(rng, "rng")?)?)
    }
    fn gaugelink_force_action_view(force: *mut Force, u: *const raw::glk_view, s: *mut f64) {
        let force = get_mut(force, "force")?;
        let u = readable(u, "u", force)?;
        let s = numbers(s, u.batch(), "s")?;
        Ok(force.object.action(Exec::default(), &u, Auxiliary::default(), s)?)
    }
    fn gaugelink_force_force_view(force: *mut Force, u: *const raw::glk_view, scale: f64, f: *mut raw::glk_view) {
        let force = get_mut(force, "force")?;
        let (u, mut f) = (readable(u, "u", force)?, writable(f, "f", force)?);
        Ok(force.object.force(Exec::default(), &u, Auxiliary::default(), scale, &mut f)?)
    }
    fn gaugelink_force_stats(force: *mut Force, out: *mut raw::glk_stats) {
        report(out, &stats(&get_mut(force, "force")?.object.stats()?))
    }
}

frees! {
    fn gaugelink_force_free(Force);
}
