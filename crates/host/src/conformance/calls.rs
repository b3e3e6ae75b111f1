//! Arguments that lie, structs that are short, and what a plugin tells about itself afterwards.

use super::log::{Log, Verdict};
use super::plane::Plane;
use super::rig::{Arguments, Rig, refused, told};
use crate::plugin::no_error;
use gaugelink_plugin_sdk::raw::{self, glk_object, glk_view};
use gaugelink_plugin_sdk::{View, sized_struct};
use std::ptr::null_mut;
use std::time::Instant;

/// A change that makes a view wrong.
type Lie = fn(&mut glk_view);
/// A change that makes the other arguments wrong.
type Slip = fn(&mut Arguments);

pub(super) fn component(rig: &Rig, log: &mut Log) {
    let (status, object, error) = rig.create(&rig.subject.info.id, |_| {});
    if status != raw::GLK_OK {
        return log.check("calls", || Verdict::failed(told(status, &error)));
    }
    let (lattice, n) = (&rig.setting.lattice, rig.setting.n);
    let (u, mut out) = (Plane::of(&rig.setting.gauge(5)), Plane::filled(0.0, rig.setting.len()));
    let input = *View::gauge(&u, lattice, n).expect("a whole field").as_raw();
    let output = *rig.output(&mut out).as_view().as_raw();
    // First, so that nothing else can have filled them.
    statistics(rig, object, &input, &output, log);
    views(rig, object, &input, &output, log);
    overlaps(rig, object, &input, &output, log);
    changed_table(rig, object, &input, &output, log);
    arguments(rig, object, &input, &output, log);
    structs(rig, object, &input, log);
    rig.destroy(object);
    log.check("memory", || {
        drop((u, out));
        Verdict::passed("these calls leave the memory around fields as it was")
    });
}

fn views(rig: &Rig, object: *mut glk_object, input: &glk_view, output: &glk_view, log: &mut Log) {
    let mut refuses = |name, object, input: Option<&glk_view>, output: Option<&glk_view>| {
        log.check(name, || {
            let (mut error, mut output) = (no_error(), output.copied());
            let out = output.as_mut().map_or(null_mut(), |view| &raw mut *view);
            let input = input.map_or(std::ptr::null(), |view| &raw const *view);
            refused(rig.main_call(object, input, out, &raw mut error), &error)
        });
    };
    refuses("NULL object", null_mut(), Some(input), Some(output));
    refuses("NULL input", object, None, Some(output));
    if rig.subject.info.interface != "glk.precond/1" {
        refuses("NULL output", object, Some(input), None);
        let lies: [(&'static str, Lie); 3] = [
            ("short output", |v| v.plane_bytes = 16),
            ("CONST output", |v| v.flags = raw::GLK_VIEW_CONST),
            ("device output", |v| v.device_type = raw::GLK_DEV_CUDA),
        ];
        for (name, lie) in lies {
            let mut view = *output;
            lie(&mut view);
            refuses(name, object, Some(input), Some(&view));
        }
    }
    if rig.subject.info.interface == "glk.force/1" {
        let mut view = *output;
        view.algebra_conv = 77;
        refuses("algebra_conv", object, Some(input), Some(&view));
    }
    let lies: [(&'static str, Lie); 13] = [
        ("plane_bytes", |v| v.plane_bytes -= 1),
        ("stride", |v| v.stride_site = -v.stride_site),
        ("NULL plane", |v| v.plane[0] = null_mut()),
        ("halo", |v| v.halo = [i32::MAX; raw::GLK_MAX_DIM]),
        ("kind", |v| v.kind = 77),
        ("scalar", |v| v.scalar = -1),
        ("site_order", |v| v.site_order = 0),
        ("parity", |v| v.parity = 3),
        ("nplanes", |v| v.nplanes = 7),
        ("NULL table", |v| v.site_order = raw::GLK_SITE_TABLE),
        ("ncolor", |v| v.ncolor = 1 << 30),
        ("dim5 of links", |v| v.dim5 = 2),
        ("size 0", |v| v.size = 0),
    ];
    for (name, lie) in lies {
        let mut view = *input;
        lie(&mut view);
        refuses(name, object, Some(&view), Some(output));
    }
}

/// Outputs that share numbers with the input, or with themselves.
fn overlaps(rig: &Rig, object: *mut glk_object, input: &glk_view, output: &glk_view, log: &mut Log) {
    // A set-up has no output.
    if rig.subject.info.interface == "glk.precond/1" {
        return;
    }
    let len = rig.setting.len();
    // The last one shares the last complex number of the input, its own first one.
    for (name, shift) in [("output is input", 0), ("output overlaps", len - 2)] {
        log.check(name, || {
            let mut memory = Plane::filled(0.0, 2 * len);
            memory[..len].copy_from_slice(&rig.setting.gauge(5));
            let (mut error, mut from, mut to) = (no_error(), *input, *output);
            (from.plane[0], to.plane[0]) = (memory.as_mut_ptr().cast(), memory[shift..].as_mut_ptr().cast());
            refused(rig.main_call(object, &raw const from, &raw mut to, &raw mut error), &error)
        });
    }
    log.check("table entry twice", || {
        let mut table: Vec<i64> = (0..rig.setting.lattice.sites() as i64).collect();
        table[1] = table[0];
        let (mut error, mut out) = (no_error(), *output);
        (out.site_order, out.site_table) = (raw::GLK_SITE_TABLE, table.as_ptr());
        refused(rig.main_call(object, input, &raw mut out, &raw mut error), &error)
    });
}

/// A site table that nobody promised to keep, with another entry than at the last call.
fn changed_table(rig: &Rig, object: *mut glk_object, input: &glk_view, output: &glk_view, log: &mut Log) {
    log.check("changed table", || {
        let mut table: Vec<i64> = (0..rig.setting.lattice.sites() as i64).collect();
        let (mut from, mut to, place) = (*input, *output, table.as_mut_ptr());
        (from.site_order, from.site_table) = (raw::GLK_SITE_TABLE, place);
        let mut call = || {
            let mut error = no_error();
            let status = rig.main_call(object, &raw const from, &raw mut to, &raw mut error);
            (status, error)
        };
        match call() {
            (raw::GLK_OK, _) => {}
            (status @ (raw::GLK_UNSUPPORTED | raw::GLK_NEED_COPY), error) => {
                return Verdict::skipped(told(status, &error));
            }
            (status, error) => return Verdict::failed(told(status, &error)),
        }
        // SAFETY: the table lives; its last entry now leads out of every plane.
        unsafe { *place.add(rig.setting.lattice.sites() - 1) = 1 << 40 };
        let (status, error) = call();
        refused(status, &error)
    });
}

fn arguments(rig: &Rig, object: *mut glk_object, input: &glk_view, output: &glk_view, log: &mut Log) {
    let info = rig.subject.info;
    let mut refuses = |name, slip: Slip| {
        log.check(name, || {
            let (mut error, mut output, mut arguments) = (no_error(), *output, Arguments::default());
            slip(&mut arguments);
            refused(rig.main_call_with(object, input, &raw mut output, &raw mut error, &arguments), &error)
        });
    };
    for (name, device, slip) in [
        ("CUDA", raw::GLK_DEV_CUDA, (|a| a.device = raw::GLK_DEV_CUDA) as Slip),
        ("HIP", raw::GLK_DEV_ROCM, |a| a.device = raw::GLK_DEV_ROCM),
    ] {
        if info.devices & 1 << device == 0 {
            refuses(name, slip);
        }
    }
    match info.interface.as_str() {
        "glk.force/1" => refuses("naux", |a| a.naux = 1 << 60),
        "glk.proposal/1" => {
            static UNKNOWN: raw::glk_rng = raw::glk_rng { algorithm: 77, ..super::rig::draws(0) };
            static SHORT: raw::glk_rng = raw::glk_rng { size: 0, ..super::rig::draws(0) };
            refuses("naux", |a| a.naux = 1 << 60);
            refuses("NULL rng", |a| a.rng = std::ptr::null());
            refuses("short rng", |a| a.rng = &raw const SHORT);
            refuses("rng algorithm", |a| a.rng = &raw const UNKNOWN);
        }
        "glk.precond/1" => {
            refuses("dirac size 0", |a| a.dirac.size = 0);
            refuses("op", |a| a.dirac.op = 77);
            refuses("precond_form", |a| a.dirac.precond_form = 77);
            refuses("normalisation", |a| a.dirac.normalisation = 77);
            refuses("mass", |a| a.dirac.mass = f64::NAN);
        }
        _ => {}
    }
}

/// Structs that an older host made smaller: nothing is written past their size.
fn structs(rig: &Rig, object: *mut glk_object, input: &glk_view, log: &mut Log) {
    log.check("short error", || {
        let mut error = no_error();
        (error.size, error.message[0], error.where_[10]) = (20, 0x55, 0x55);
        let mut output = *input;
        let status = rig.main_call(object, std::ptr::null(), &raw mut output, &raw mut error);
        let kept = error.message[0] == 0x55 && error.where_[10] == 0x55;
        Verdict::of(status != raw::GLK_OK && kept, "an error struct of 20 bytes gets no more")
    });
    let table = rig.subject.plugin.table();
    let offered = |status| matches!(status, raw::GLK_OK | raw::GLK_UNSUPPORTED);
    if let Some(stats) = table.stats {
        log.check("short stats", || {
            let mut answer = raw::glk_stats { size: 8, bytes_copied: 7, seconds: 7.0, ..Default::default() };
            // SAFETY: a struct that is larger than it says, here and below.
            let status = unsafe { stats(object, &raw mut answer, null_mut()) };
            let kept = answer.size == 8 && answer.bytes_copied == 7 && answer.seconds == 7.0;
            Verdict::of(kept && offered(status), format!("stats of 8 bytes: status {status}"))
        });
    }
    if let Some(query) = table.query {
        log.check("short query", || {
            let mut answer = raw::glk_query { size: 8, scratch_bytes: 7, ..Default::default() };
            // SAFETY: as above.
            let status = unsafe { query(object, input, &raw mut answer, null_mut()) };
            let kept = answer.size == 8 && answer.scratch_bytes == 7;
            Verdict::of(kept && offered(status), format!("query of 8 bytes: status {status}"))
        });
    }
}

/// What is told about a call: no more time than it took, and copies where the query foretold them.
fn statistics(rig: &Rig, object: *mut glk_object, input: &glk_view, output: &glk_view, log: &mut Log) {
    let table = rig.subject.plugin.table();
    let Some(stats) = table.stats else {
        return log.skip("stats", "the plugin offers no stats");
    };
    log.check("stats", || {
        let (mut error, mut out, start) = (no_error(), *output, Instant::now());
        let status = rig.main_call(object, input, &raw mut out, &raw mut error);
        let elapsed = start.elapsed().as_secs_f64();
        if status != raw::GLK_OK {
            return Verdict::failed(told(status, &error));
        }
        let mut told_by = sized_struct::<raw::glk_stats>();
        (told_by.iters, told_by.bytes_copied) = (u32::MAX, u64::MAX);
        [told_by.seconds, told_by.flops, told_by.residual, told_by.bytes_comm] = [f64::NAN; 4];
        // SAFETY: a whole struct.
        match unsafe { stats(object, &raw mut told_by, &raw mut error) } {
            raw::GLK_OK => {}
            raw::GLK_UNSUPPORTED => return Verdict::skipped(told(raw::GLK_UNSUPPORTED, &error)),
            status => return Verdict::failed(told(status, &error)),
        }
        let numbers = [told_by.seconds, told_by.flops, told_by.residual, told_by.bytes_comm];
        if told_by.iters == u32::MAX
            || told_by.bytes_copied == u64::MAX
            || numbers.iter().any(|x| x.is_nan() || *x < 0.0)
        {
            return Verdict::failed("not all numbers are filled in; what is not known is 0");
        }
        let seconds = told_by.seconds;
        // A clock may be coarse and another one than ours.
        if seconds <= 0.0 || seconds > 1.5 * elapsed + 1e-3 {
            return Verdict::failed(format!("a call of {elapsed:.1e} s took {seconds:.1e} s by its stats"));
        }
        let foretold = foretold(rig, object, [input, output]);
        let copied = told_by.bytes_copied;
        let good = foretold.is_none_or(|copies| copies == (copied > 0));
        Verdict::of(good, format!("{seconds:.1e} s of {elapsed:.1e} s, {copied} bytes copied"))
    });
}

/// Whether a call with these views copies by the plugin's own account; `None` where it gives none.
fn foretold(rig: &Rig, object: *mut glk_object, views: [&glk_view; 2]) -> Option<bool> {
    let query = rig.subject.plugin.table().query?;
    let mut copies = false;
    // A set-up has no output.
    let used = if rig.subject.info.interface == "glk.precond/1" { 1 } else { 2 };
    for view in &views[..used] {
        let mut answer = sized_struct::<raw::glk_query>();
        answer.result = u32::MAX;
        // SAFETY: a whole struct and a view of ours.
        let status = unsafe { query(object, *view, &raw mut answer, null_mut()) };
        if status != raw::GLK_OK {
            return None;
        }
        copies |= answer.result != raw::GLK_QUERY_ZERO_COPY;
    }
    Some(copies)
}
