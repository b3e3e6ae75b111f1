//! Rules of the boundary: versions, the descriptor, creation, panics. Nothing here knows physics.

use super::fields::Setting;
use super::log::{Log, Verdict};
use super::plane::Plane;
use super::rig::{Rig, string, told};
use super::{Subject, calls};
use crate::plugin::no_error;
use crate::{Exec, Plugin};
use gaugelink_plugin_sdk::{View, raw};
use std::ptr::{null, null_mut};

/// Hosts of other minor versions, and the plugin's own description.
pub(super) fn plugin(plugin: &Plugin, log: &mut Log) {
    for (name, minor) in [("old host", 0), ("new host", raw::GLK_ABI_MINOR + 1000)] {
        log.check(name, || match Plugin::open_as(plugin.path(), minor) {
            Ok(_) => Verdict::passed(format!("serves hosts of ABI 1.{minor}")),
            Err(error) => Verdict::failed(error.to_string()),
        });
    }
    let table = plugin.table();
    log.check("descriptor", || {
        let (size, whole) = (table.size as usize, size_of::<raw::glk_plugin>());
        Verdict::of(size >= whole, format!("{size} bytes of {whole}"))
    });
    log.check("ids", || {
        let ids: std::collections::BTreeSet<_> = plugin.components().iter().map(|info| &info.id).collect();
        let count = plugin.components().len();
        Verdict::of(ids.len() == count, format!("{count} components, {} ids", ids.len()))
    });
    log.check("get", || {
        // SAFETY: plugin.h allows NULL in both, and any string in get.
        let unknown = unsafe {
            if let Some(destroy) = table.destroy {
                destroy(null_mut());
            }
            table.get.is_none_or(|get| get(c"org.gaugelink.no-such-interface/1".as_ptr()).is_null())
        };
        Verdict::of(unknown, "an unknown interface has no table, and destroy takes NULL")
    });
}

/// Rules that every component keeps on a lattice that it serves.
pub(super) fn component(subject: &Subject, setting: &Setting, log: &mut Log) {
    let rig = Rig { subject, setting };
    creation(&rig, log);
    calls::component(&rig, log);
    panics(&rig, log);
}

fn creation(rig: &Rig, log: &mut Log) {
    let id = &rig.subject.info.id;
    let mut refuses = |name, id: &str, change: &dyn Fn(&mut raw::glk_create)| {
        log.check(name, || {
            let (status, object, error) = rig.create(id, change);
            let verdict = Verdict::of(status != raw::GLK_OK && object.is_null(), told(status, &error));
            rig.destroy(object);
            verdict
        });
    };
    refuses("unknown component", "org.gaugelink.no-such-component", &|_| {});
    refuses("unknown key", id, &|create| create.config = string("no_such_key_of_any_component = 1\n"));
    refuses("bad config", id, &|create| create.config = string("= not ] a configuration"));
    // Where a configuration is known to be good in TOML, it is good in no unknown language.
    let known = match rig.subject.config() {
        "" => "no_such_format",
        config => config,
    };
    refuses("config_format", id, &|create| (create.config, create.config_format) = (string(known), 77));
    refuses("NULL host", id, &|create| create.host = null());
    refuses("NULL lattice", id, &|create| create.lattice = null());
    refuses("NULL config", id, &|create| create.config = raw::glk_str { ptr: null(), len: 5 });
    let mut lattice = *rig.setting.lattice.as_raw();
    lattice.ndim = 99;
    refuses("99 directions", id, &|create| create.lattice = &raw const lattice);
    let mut empty = *rig.setting.lattice.as_raw();
    (empty.local[0], empty.global[0]) = (0, 0);
    refuses("empty lattice", id, &|create| create.lattice = &raw const empty);
    for (name, device) in [("CUDA object", raw::GLK_DEV_CUDA), ("HIP object", raw::GLK_DEV_ROCM)] {
        if rig.subject.info.devices & 1 << device == 0 {
            let mut exec = Exec::default().raw();
            exec.device_type = device;
            refuses(name, id, &|create| create.exec = &raw const exec);
        }
    }
    log.check("short create", || {
        let (status, object, error) = rig.create(id, |create| create.size = 56);
        rig.destroy(object);
        match status {
            raw::GLK_OK => Verdict::passed("base_dir may be missing from the struct"),
            _ => Verdict::failed(told(status, &error)),
        }
    });
    log.check("NULL arguments", || {
        // SAFETY: NULLs that plugin.h tells a plugin to refuse.
        let statuses = unsafe {
            let create = rig.subject.plugin.table().create.expect("checked on opening");
            let (mut object, mut error) = (null_mut(), no_error());
            let no_id = create(null(), null(), &raw mut object, &raw mut error);
            let no_request = create(&string(id), null(), &raw mut object, null_mut());
            [no_id, no_request, create(&string(id), null(), null_mut(), &raw mut error)]
        };
        Verdict::of(!statuses.contains(&raw::GLK_OK), format!("create answers {statuses:?}"))
    });
}

/// A component may offer the key `inject_panic = true`: its first call then panics.
fn panics(rig: &Rig, log: &mut Log) {
    if !rig.subject.info.config_schema.contains("\"inject_panic\"") {
        let why = "the component has no key inject_panic, which would make its first call panic";
        return log.skip("panic", why);
    }
    log.check("panic", || {
        let (status, object, error) =
            rig.create(&rig.subject.info.id, |create| create.config = string("inject_panic = true"));
        if status != raw::GLK_OK {
            return Verdict::failed(told(status, &error));
        }
        let (u, mut out) = (Plane::of(&rig.setting.gauge(5)), Plane::filled(0.0, rig.setting.len()));
        let input = View::gauge(&u, &rig.setting.lattice, rig.setting.n).expect("a whole field");
        let mut output = rig.output(&mut out);
        let mut error = no_error();
        let first = rig.main_call(object, input.as_raw(), output.as_raw_mut(), &raw mut error);
        let sentence = told(first, &error);
        let second = rig.main_call(object, input.as_raw(), output.as_raw_mut(), &raw mut error);
        rig.destroy(object);
        let good = first == raw::GLK_PANIC && second == raw::GLK_POISONED;
        Verdict::of(good, format!("{sentence}; then {}", told(second, &error)))
    });
}
