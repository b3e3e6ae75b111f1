//! The entry point of a plugin and the functions that all its objects share.

use crate::boundary::{argument, guarded, quiet, status};
use crate::call::{string, text};
use crate::component::Component;
use crate::object::{Handle, call};
use crate::raw::{
    self, glk_component, glk_create, glk_error, glk_host, glk_object, glk_plugin, glk_query, glk_sink,
};
use crate::raw::{glk_source, glk_stats, glk_status, glk_str, glk_view};
use crate::{Args, Error, Sink, Source, flow, force, precond, proposal, sized};
use std::ffi::{CStr, c_char, c_void};
use std::marker::PhantomData;

/// Most components of one plugin.
const MOST: usize = 32;

/// What [`export_plugin!`](crate::export_plugin) fills in.
pub trait Plugin: 'static {
    /// Reverse DNS.
    const ID: &'static str;
    /// Version of the plugin.
    const VERSION: &'static str;
    /// Compiler, revision, features.
    const BUILD_INFO: &'static str;
    /// What it offers.
    const COMPONENTS: &'static [Component];
}

/// Writes the entry point `glk_plugin_entry_v1` of a plugin.
///
/// ```ignore
/// gaugelink_plugin_sdk::export_plugin! {
///     id: "org.example.flows",
///     version: env!("CARGO_PKG_VERSION"),
///     build_info: "rustc",
///     components: [STOUT],
/// }
/// ```
#[macro_export]
macro_rules! export_plugin {
    (id: $id:expr, version: $version:expr, build_info: $build:expr, components: [$($component:expr),+ $(,)?] $(,)?) => {
        struct ExportedPlugin;

        impl $crate::Plugin for ExportedPlugin {
            const ID: &'static str = $id;
            const VERSION: &'static str = $version;
            const BUILD_INFO: &'static str = $build;
            const COMPONENTS: &'static [$crate::Component] = &[$($component),+];
        }

        /// The plugin, for hosts whose minor version is `host_abi_minor`.
        // SAFETY: a plugin exports this symbol once, with this signature.
        #[unsafe(no_mangle)]
        pub extern "C" fn glk_plugin_entry_v1(host_abi_minor: u32) -> *const $crate::raw::glk_plugin {
            $crate::entry::<ExportedPlugin>(host_abi_minor)
        }
    };
}

/// The descriptor of a plugin; every minor version of the host is served.
pub fn entry<P: Plugin>(_host_abi_minor: u32) -> *const glk_plugin {
    Descriptor::<P>::PLUGIN
}

struct Descriptor<P>(PhantomData<P>);

impl<P: Plugin> Descriptor<P> {
    const COMPONENTS: &'static [glk_component; MOST] = &{
        assert!(P::COMPONENTS.len() <= MOST, "a plugin has at most 32 components");
        let mut all = [Component::none(); MOST];
        let mut i = 0;
        while i < P::COMPONENTS.len() {
            all[i] = P::COMPONENTS[i].raw();
            i += 1;
        }
        all
    };
    const POINTERS: &'static [*const glk_component; MOST] = &{
        let mut all = [std::ptr::null(); MOST];
        let mut i = 0;
        while i < P::COMPONENTS.len() {
            all[i] = &raw const Self::COMPONENTS[i];
            i += 1;
        }
        all
    };
    const PLUGIN: &'static glk_plugin = &glk_plugin {
        size: size_of::<glk_plugin>() as u32,
        abi_major: raw::GLK_ABI_MAJOR,
        abi_minor: raw::GLK_ABI_MINOR,
        ncomponents: P::COMPONENTS.len() as u32,
        id: string(P::ID),
        version: string(P::VERSION),
        build_info: string(P::BUILD_INFO),
        components: Self::POINTERS.as_ptr(),
        init: Some(init),
        fini: Some(fini),
        create: Some(create::<P>),
        destroy: Some(destroy),
        get: Some(get),
        query: Some(query),
        stats: Some(stats),
        save: Some(save),
        load: Some(load),
    };
}

/// Objects own all their state, so there is nothing to begin or end.
unsafe extern "C" fn init(host: *const glk_host, error: *mut glk_error) -> glk_status {
    // SAFETY: arguments follow `plugin.h`, as everywhere in this file.
    unsafe { status(argument(host, "host").map(|_| ()), "init", error) }
}

unsafe extern "C" fn fini() {}

unsafe extern "C" fn create<P: Plugin>(
    id: *const glk_str,
    request: *const glk_create,
    out: *mut *mut glk_object,
    error: *mut glk_error,
) -> glk_status {
    // SAFETY: see above.
    quiet(|| unsafe {
        guarded(P::ID, error, || {
            if out.is_null() {
                return Err(Error::invalid("the place for the object is NULL"));
            }
            *out = std::ptr::null_mut();
            let id = text(*argument(id, "component_id")?, "component_id")?;
            let component = P::COMPONENTS.iter().find(|component| component.id == id).ok_or_else(|| {
                let known: Vec<_> = P::COMPONENTS.iter().map(|component| component.id).collect();
                Error::not_found(format!("no component '{id}' in {}; it has {}", P::ID, known.join(", ")))
            })?;
            let handle = Handle::new(component, &Args::new(request)?).map_err(|mut error| {
                error.place = component.id.into();
                error
            })?;
            *out = Box::into_raw(Box::new(handle)).cast();
            Ok(())
        })
    })
}

unsafe extern "C" fn destroy(object: *mut glk_object) {
    if object.is_null() {
        return;
    }
    // A destructor that panics has nobody to tell; the object is gone in any case.
    let gone = || {
        // SAFETY: see above.
        drop(unsafe { Box::from_raw(object.cast::<Handle>()) });
        Ok(())
    };
    // SAFETY: no error is stored.
    quiet(|| unsafe { guarded("destroy", std::ptr::null_mut(), gone) });
}

unsafe extern "C" fn get(interface_id: *const c_char) -> *const c_void {
    if interface_id.is_null() {
        return std::ptr::null();
    }
    // SAFETY: see above.
    match unsafe { CStr::from_ptr(interface_id) } {
        id if id == raw::GLK_FLOW_ID => (&raw const *const { &flow::TABLE }).cast(),
        id if id == raw::GLK_FORCE_ID => (&raw const *const { &force::TABLE }).cast(),
        id if id == raw::GLK_PRECOND_ID => (&raw const *const { &precond::TABLE }).cast(),
        id if id == raw::GLK_PROPOSAL_ID => (&raw const *const { &proposal::TABLE }).cast(),
        _ => std::ptr::null(),
    }
}

unsafe extern "C" fn query(
    object: *mut glk_object,
    view: *const glk_view,
    out: *mut glk_query,
    error: *mut glk_error,
) -> glk_status {
    // SAFETY: see above.
    unsafe {
        call(object, error, |handle| {
            argument(out, "query")?;
            let (object, asked) = handle.object_and_view();
            let answer = object.query(asked.next(view, "view")?)?;
            sized::fill(out, |query| {
                query.result = answer.served as u32;
                query.scratch_bytes = answer.scratch_bytes;
                query.est_seconds = answer.seconds;
            });
            Ok(())
        })
    }
}

unsafe extern "C" fn stats(
    object: *mut glk_object,
    out: *mut glk_stats,
    error: *mut glk_error,
) -> glk_status {
    // SAFETY: see above.
    unsafe {
        call(object, error, |handle| {
            argument(out, "stats")?;
            let last = handle.object().stats();
            sized::fill(out, |stats| {
                stats.iters = last.iterations;
                stats.seconds = last.seconds;
                stats.flops = last.flops;
                stats.residual = last.residual;
                stats.bytes_comm = last.bytes_comm;
                stats.bytes_copied = last.bytes_copied;
            });
            Ok(())
        })
    }
}

unsafe extern "C" fn save(
    object: *mut glk_object,
    sink: *const glk_sink,
    error: *mut glk_error,
) -> glk_status {
    // SAFETY: see above.
    unsafe { call(object, error, |handle| handle.object().save(&mut Sink::new(argument(sink, "sink")?))) }
}

unsafe extern "C" fn load(
    object: *mut glk_object,
    source: *const glk_source,
    error: *mut glk_error,
) -> glk_status {
    // SAFETY: see above.
    unsafe {
        call(object, error, |handle| handle.object().load(&mut Source::new(argument(source, "source")?)))
    }
}
