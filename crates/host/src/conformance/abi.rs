//! Rules of the boundary: sizes, versions, NULLs, lies, panics. Nothing here knows physics.

use super::fields::Setting;
use super::{Log, Subject};
use crate::plugin::no_error;
use crate::{Exec, Plugin};
use gaugelink_plugin_sdk::raw::{self, glk_error, glk_exec, glk_object, glk_status, glk_view};
use gaugelink_plugin_sdk::{Error, View, ViewMut, read_sized, sized_struct};
use std::ptr::{null, null_mut};

/// Hosts of other minor versions, and the plugin's own description.
pub(super) fn plugin(plugin: &Plugin, log: &mut Log) {
    for (name, minor) in [("old host", 0), ("new host", raw::GLK_ABI_MINOR + 1000)] {
        let opened = Plugin::open_as(plugin.path(), minor);
        let sentence = match &opened {
            Ok(_) => format!("serves hosts of ABI 1.{minor}"),
            Err(error) => error.to_string(),
        };
        log.verdict(name, opened.is_ok(), sentence);
    }
    let table = plugin.table();
    let whole = table.size as usize >= size_of::<raw::glk_plugin>();
    log.verdict("descriptor", whole, format!("{} bytes of {}", table.size, size_of::<raw::glk_plugin>()));
    let ids: std::collections::BTreeSet<_> = plugin.components().iter().map(|info| &info.id).collect();
    let unique = ids.len() == plugin.components().len() && !ids.iter().any(|id| id.is_empty());
    log.verdict("ids", unique, format!("{} components, {} ids", plugin.components().len(), ids.len()));
    // SAFETY: plugin.h allows NULL in both, and any string in get.
    let unknown = unsafe {
        if let Some(destroy) = table.destroy {
            destroy(null_mut());
        }
        table.get.is_none_or(|get| get(c"org.gaugelink.no-such-interface/1".as_ptr()).is_null())
    };
    log.verdict("get", unknown, "an unknown interface has no table, and destroy takes NULL");
}

/// A change that makes a view wrong.
type Lie = fn(&mut glk_view);

/// A call of the object under test with what the checker makes of its arguments.
struct Rig<'a> {
    subject: &'a Subject<'a>,
    setting: &'a Setting,
}

fn string(text: &str) -> raw::glk_str {
    raw::glk_str { ptr: text.as_ptr().cast(), len: text.len() as u64 }
}

impl Rig<'_> {
    /// Creates an object after `change`; the object, if any, is destroyed by the caller.
    fn create(
        &self,
        id: &str,
        change: impl FnOnce(&mut raw::glk_create),
    ) -> (glk_status, *mut glk_object, glk_error) {
        let exec = Exec::default().raw();
        let mut create = sized_struct::<raw::glk_create>();
        create.host = self.subject.services.as_raw();
        create.lattice = self.setting.lattice.as_raw();
        create.exec = &raw const exec;
        create.config_format = raw::GLK_CONFIG_TOML;
        create.config = string(self.subject.config());
        let base = self.subject.options.base_dir.to_string_lossy().into_owned();
        create.base_dir = string(&base);
        change(&mut create);
        let (mut object, mut error) = (null_mut(), no_error());
        let function = self.subject.plugin.table().create.expect("checked on opening");
        // SAFETY: whole structs, apart from what the check changed within the rules of plugin.h.
        let status = unsafe { function(&string(id), &raw const create, &raw mut object, &raw mut error) };
        (status, object, error)
    }
    fn destroy(&self, object: *mut glk_object) {
        // SAFETY: the object is the plugin's own, or NULL.
        unsafe { self.subject.plugin.table().destroy.expect("checked on opening")(object) };
    }
    /// What the main function writes to.
    fn output<'o>(&self, out: &'o mut [f64]) -> ViewMut<'o> {
        let (lattice, n) = (&self.setting.lattice, self.setting.n);
        match self.subject.info.interface.as_str() {
            "glk.force/1" => ViewMut::algebra(out, lattice, n),
            _ => ViewMut::gauge(out, lattice, n),
        }
        .expect("a whole field")
    }
    /// The main function of the interface: forward, force or setup.
    fn main_call(
        &self,
        object: *mut glk_object,
        input: *const glk_view,
        output: *mut glk_view,
        error: *mut glk_error,
    ) -> glk_status {
        let exec: glk_exec = Exec { threads: 1 }.raw();
        let get = self.subject.plugin.table().get.expect("checked on opening");
        let mut number = [0.0];
        // SAFETY: tables of the ids' types; arguments within the rules of plugin.h.
        unsafe {
            match self.subject.info.interface.as_str() {
                "glk.flow/1" => read_sized(get(raw::GLK_FLOW_ID.as_ptr()).cast::<raw::glk_flow>())
                    .and_then(|table| table.forward)
                    .map(|f| f(object, &exec, input, output, number.as_mut_ptr(), error)),
                "glk.force/1" => read_sized(get(raw::GLK_FORCE_ID.as_ptr()).cast::<raw::glk_force>())
                    .and_then(|table| table.force)
                    .map(|f| f(object, &exec, input, null(), null(), 0, 1.0, output, error)),
                _ => read_sized(get(raw::GLK_PRECOND_ID.as_ptr()).cast::<raw::glk_precond>())
                    .and_then(|table| table.setup)
                    .map(|f| {
                        let mut dirac = sized_struct::<raw::glk_dirac>();
                        (dirac.op, dirac.mass) = (raw::GLK_DIRAC_WILSON, 0.1);
                        f(
                            object,
                            &exec,
                            input,
                            &raw const dirac,
                            raw::GLK_SETUP_RESET,
                            None,
                            null_mut(),
                            error,
                        )
                    }),
            }
            .unwrap_or(raw::GLK_UNSUPPORTED)
        }
    }
}

/// The sentence of a status that should be an error.
fn told(status: glk_status, error: &glk_error) -> String {
    if status == raw::GLK_OK { "it was served".into() } else { Error::load(status, error).to_string() }
}

/// Rules that every component keeps on a lattice that it serves.
pub(super) fn component(subject: &Subject, setting: &Setting, log: &mut Log) {
    let rig = Rig { subject, setting };
    creation(&rig, log);
    calls(&rig, log);
    panics(&rig, log);
}

fn creation(rig: &Rig, log: &mut Log) {
    let id = &rig.subject.info.id;
    let mut refused = |name, id: &str, change: &dyn Fn(&mut raw::glk_create)| {
        let (status, object, error) = rig.create(id, change);
        let good = status != raw::GLK_OK && object.is_null();
        rig.destroy(object);
        log.verdict(name, good, told(status, &error));
    };
    refused("unknown component", "org.gaugelink.no-such-component", &|_| {});
    refused("unknown key", id, &|create| create.config = string("no_such_key_of_any_component = 1\n"));
    refused("bad config", id, &|create| create.config = string("= not ] a configuration"));
    refused("NULL host", id, &|create| create.host = null());
    refused("NULL lattice", id, &|create| create.lattice = null());
    refused("NULL config", id, &|create| create.config = raw::glk_str { ptr: null(), len: 5 });
    let mut lattice = *rig.setting.lattice.as_raw();
    lattice.ndim = 99;
    refused("99 directions", id, &|create| create.lattice = &raw const lattice);
    let mut empty = *rig.setting.lattice.as_raw();
    (empty.local[0], empty.global[0]) = (0, 0);
    refused("empty lattice", id, &|create| create.lattice = &raw const empty);
    let (status, object, error) = rig.create(id, |create| create.size = 56);
    rig.destroy(object);
    log.verdict(
        "short create",
        status == raw::GLK_OK,
        match status {
            raw::GLK_OK => "base_dir may be missing from the struct".into(),
            _ => told(status, &error),
        },
    );
    // SAFETY: NULLs that plugin.h tells a plugin to refuse.
    let statuses = unsafe {
        let create = rig.subject.plugin.table().create.expect("checked on opening");
        let (mut object, mut error) = (null_mut(), no_error());
        let no_id = create(null(), null(), &raw mut object, &raw mut error);
        let no_request = create(&string(id), null(), &raw mut object, null_mut());
        [no_id, no_request, create(&string(id), null(), null_mut(), &raw mut error)]
    };
    log.verdict("NULL arguments", !statuses.contains(&raw::GLK_OK), format!("create answers {statuses:?}"));
}

fn calls(rig: &Rig, log: &mut Log) {
    let (status, object, error) = rig.create(&rig.subject.info.id, |_| {});
    if status != raw::GLK_OK {
        return log.verdict("calls", false, told(status, &error));
    }
    let (lattice, n) = (&rig.setting.lattice, rig.setting.n);
    let (u, mut out) = (rig.setting.gauge(5), vec![0.0; rig.setting.len()]);
    let input = *View::gauge(&u, lattice, n).expect("a whole field").as_raw();
    let output = *rig.output(&mut out).as_view().as_raw();
    let mut refused = |name, object, input: Option<&glk_view>, output: Option<&glk_view>| {
        let (mut error, mut output) = (no_error(), output.copied());
        let out = output.as_mut().map_or(null_mut(), |view| &raw mut *view);
        let status =
            rig.main_call(object, input.map_or(null(), |view| &raw const *view), out, &raw mut error);
        log.verdict(name, status != raw::GLK_OK, told(status, &error));
    };
    refused("NULL object", null_mut(), Some(&input), Some(&output));
    refused("NULL input", object, None, Some(&output));
    if rig.subject.info.interface != "glk.precond/1" {
        refused("NULL output", object, Some(&input), None);
        let mut short = output;
        short.plane_bytes = 16;
        refused("short output", object, Some(&input), Some(&short));
        let mut constant = output;
        constant.flags = raw::GLK_VIEW_CONST;
        refused("CONST output", object, Some(&input), Some(&constant));
    }
    let lies: [(&'static str, Lie); 9] = [
        ("plane_bytes", |v| v.plane_bytes -= 1),
        ("stride", |v| v.stride_site = -v.stride_site),
        ("NULL plane", |v| v.plane[0] = null_mut()),
        ("halo", |v| v.halo = [i32::MAX; raw::GLK_MAX_DIM]),
        ("kind", |v| v.kind = 77),
        ("scalar", |v| v.scalar = -1),
        ("site_order", |v| v.site_order = 0),
        ("ncolor", |v| v.ncolor = 1 << 30),
        ("size 0", |v| v.size = 0),
    ];
    for (name, lie) in lies {
        let mut view = input;
        lie(&mut view);
        refused(name, object, Some(&view), Some(&output));
    }
    outputs(rig, object, &input, log);
    rig.destroy(object);
}

/// Structs that an older host made smaller: nothing is written past their size.
fn outputs(rig: &Rig, object: *mut glk_object, input: &glk_view, log: &mut Log) {
    let mut error = no_error();
    (error.size, error.message[0], error.where_[10]) = (20, 0x55, 0x55);
    let mut output = *input;
    let status = rig.main_call(object, null(), &raw mut output, &raw mut error);
    let kept = error.message[0] == 0x55 && error.where_[10] == 0x55;
    log.verdict("short error", status != raw::GLK_OK && kept, "an error struct of 20 bytes gets no more");
    let table = rig.subject.plugin.table();
    // SAFETY: structs that are larger than they say.
    unsafe {
        if let Some(stats) = table.stats {
            let mut answer = raw::glk_stats { size: 8, bytes_copied: 7, seconds: 7.0, ..Default::default() };
            let status = stats(object, &raw mut answer, null_mut());
            let kept = answer.size == 8 && answer.bytes_copied == 7 && answer.seconds == 7.0;
            let served = matches!(status, raw::GLK_OK | raw::GLK_UNSUPPORTED);
            log.verdict("short stats", kept && served, format!("stats of 8 bytes: status {status}"));
        }
        if let Some(query) = table.query {
            let mut answer = raw::glk_query { size: 8, scratch_bytes: 7, ..Default::default() };
            let status = query(object, input, &raw mut answer, null_mut());
            let kept = answer.size == 8 && answer.scratch_bytes == 7;
            let served = matches!(status, raw::GLK_OK | raw::GLK_UNSUPPORTED);
            log.verdict("short query", kept && served, format!("query of 8 bytes: status {status}"));
        }
    }
}

/// A component may offer the key `inject_panic = true`: its first call then panics.
fn panics(rig: &Rig, log: &mut Log) {
    if !rig.subject.info.config_schema.contains("\"inject_panic\"") {
        return log
            .skip("panic", "the component has no key inject_panic, which would make its first call panic");
    }
    let (status, object, error) =
        rig.create(&rig.subject.info.id, |create| create.config = string("inject_panic = true"));
    if status != raw::GLK_OK {
        return log.verdict("panic", false, told(status, &error));
    }
    let (u, mut out) = (rig.setting.gauge(5), vec![0.0; rig.setting.len()]);
    let input = View::gauge(&u, &rig.setting.lattice, rig.setting.n).expect("a whole field");
    let mut output = rig.output(&mut out);
    let mut error = no_error();
    let first = rig.main_call(object, input.as_raw(), output.as_raw_mut(), &raw mut error);
    let sentence = told(first, &error);
    let second = rig.main_call(object, input.as_raw(), output.as_raw_mut(), &raw mut error);
    rig.destroy(object);
    let good = first == raw::GLK_PANIC && second == raw::GLK_POISONED;
    log.verdict("panic", good, format!("{sentence}; then {}", told(second, &error)));
}
