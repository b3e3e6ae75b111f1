//! Objects: made, asked and destroyed.

use crate::plugin::no_error;
use crate::{HostError, Plugin, Services};
use gaugelink_plugin_sdk::{
    Error, Extensible, Lattice, Query, Served, Stats, View, raw, read_sized, sized_struct,
};
use std::ffi::CStr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// A configuration's text and its language.
#[derive(Clone, Copy, Debug)]
pub enum ConfigText<'a> {
    /// TOML.
    Toml(&'a str),
    /// JSON.
    Json(&'a str),
}

/// What an object is made of.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The component's id.
    pub component: &'a str,
    /// Where the object lives.
    pub lattice: &'a Lattice,
    /// Its configuration.
    pub config: ConfigText<'a>,
    /// Where relative paths in the configuration begin.
    pub base_dir: &'a Path,
}

/// Where a call runs: the CPU with at most this many threads, 0 for what [`Services`] grants.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exec {
    /// Threads, the caller's included.
    pub threads: usize,
}

impl Exec {
    #[inline]
    pub(crate) fn raw(self) -> raw::glk_exec {
        let mut exec = sized_struct::<raw::glk_exec>();
        exec.device_type = raw::GLK_DEV_CPU;
        exec.max_threads = self.threads as u32;
        exec
    }
}

/// Held during init and fini of any plugin: `plugin.h` has hosts serialise them.
static COUNTED: Mutex<()> = Mutex::new(());

/// A number of an answer, read by itself: the plugin has just written them one by one, and wider loads, which the compiler
/// would make of several, had to wait until these have reached the cache, which takes as long as the rest of the call.
macro_rules! told {
    ($number:expr) => {
        // SAFETY: a field of a local struct.
        unsafe { (&raw const $number).read_volatile() }
    };
}
pub(crate) use told;

/// An object and the table of its interface. Dropping it destroys the object.
pub(crate) struct Object<'s, T> {
    pub(crate) plugin: Plugin,
    pub(crate) table: T,
    pub(crate) pointer: *mut raw::glk_object,
    services: &'s Services,
    /// Made once: filling 512 bytes would be most of a call's cost.
    error: Box<raw::glk_error>,
}

// SAFETY: plugin.h lets any thread call an object, one at a time; calls take `&mut self`.
unsafe impl<T> Send for Object<'_, T> {}

impl<'s, T: Extensible> Object<'s, T> {
    pub(crate) fn new(
        plugin: &Plugin,
        services: &'s Services,
        request: &Request,
        interface: &CStr,
    ) -> Result<Self, HostError> {
        let info = plugin.component(request.component)?;
        if info.interface.as_bytes() != interface.to_bytes() {
            let wanted = interface.to_string_lossy();
            let message = format!("{} is a component of {}, not of {wanted}", info.id, info.interface);
            return Err(plugin.fails(Error::invalid(message)));
        }
        // SAFETY: get takes any string; a table begins with its size.
        let table =
            unsafe { plugin.table().get.and_then(|get| read_sized(get(interface.as_ptr()).cast::<T>())) };
        let missing = || plugin.fails(Error::unsupported(format!("no table for {}", info.interface)));
        let table = table.ok_or_else(missing)?;
        let mut error = no_error();
        // SAFETY: services outlive the object, as its lifetime says.
        unsafe {
            if let Some(init) = plugin.table().init {
                let one = COUNTED.lock().unwrap_or_else(PoisonError::into_inner);
                let status = init(services.as_raw(), &raw mut error);
                drop(one);
                plugin.answer(status, &error)?;
            }
        }
        // From here on dropping the object balances init.
        let mut object = Self {
            plugin: plugin.clone(),
            table,
            pointer: std::ptr::null_mut(),
            services,
            error: Box::new(error),
        };
        object.pointer = object.create(request)?;
        Ok(object)
    }
    fn create(&self, request: &Request) -> Result<*mut raw::glk_object, HostError> {
        let (format, config) = match request.config {
            ConfigText::Toml(text) => (raw::GLK_CONFIG_TOML, text),
            ConfigText::Json(text) => (raw::GLK_CONFIG_JSON, text),
        };
        let string = |text: &str| raw::glk_str { ptr: text.as_ptr().cast(), len: text.len() as u64 };
        let exec = Exec::default().raw();
        let mut create = sized_struct::<raw::glk_create>();
        create.host = self.services.as_raw();
        create.lattice = request.lattice.as_raw();
        create.exec = &raw const exec;
        create.config_format = format;
        create.config = string(config);
        create.base_dir = string(request.base_dir.to_str().ok_or_else(|| {
            let folder = request.base_dir.display();
            self.plugin.fails(Error::invalid(format!("base_dir {folder} is not UTF-8; rename the folder")))
        })?);
        let (mut pointer, mut error) = (std::ptr::null_mut(), no_error());
        let function = self.plugin.table().create.ok_or_else(|| self.absent("create"))?;
        // SAFETY: all structs are whole and live through the call.
        let status = unsafe {
            function(&string(request.component), &raw const create, &raw mut pointer, &raw mut error)
        };
        self.plugin.answer(status, &error)?;
        if pointer.is_null() {
            return Err(self.plugin.fails(Error::internal("create answered OK, but made no object")));
        }
        Ok(pointer)
    }
}

impl<T> Object<'_, T> {
    /// A function that the plugin does not offer.
    #[cold]
    pub(crate) fn absent(&self, what: &str) -> HostError {
        self.plugin.fails(Error::unsupported(format!("the plugin offers no {what}")))
    }
    /// Runs a call and takes its answer.
    #[inline]
    pub(crate) fn call(
        &mut self,
        body: impl FnOnce(*mut raw::glk_object, *mut raw::glk_error) -> raw::glk_status,
    ) -> Result<(), HostError> {
        (self.error.where_[0], self.error.message[0]) = (0, 0);
        (self.error.device_code, self.error.rank) = (0, -1);
        let status = body(self.pointer, &raw mut *self.error);
        self.plugin.answer(status, &self.error)
    }
    pub(crate) fn query(&mut self, view: &View) -> Result<Query, HostError> {
        let query = self.plugin.table().query.ok_or_else(|| self.absent("query"))?;
        let mut answer = sized_struct::<raw::glk_query>();
        // SAFETY: whole structs.
        self.call(|object, error| unsafe { query(object, view.as_raw(), &raw mut answer, error) })?;
        let served = match answer.result {
            raw::GLK_QUERY_ZERO_COPY => Served::ZeroCopy,
            raw::GLK_QUERY_COPY => Served::Copy,
            _ => Served::No,
        };
        Ok(Query { served, scratch_bytes: told!(answer.scratch_bytes), seconds: told!(answer.est_seconds) })
    }
    pub(crate) fn stats(&mut self) -> Result<Stats, HostError> {
        let stats = self.plugin.table().stats.ok_or_else(|| self.absent("stats"))?;
        let mut answer = sized_struct::<raw::glk_stats>();
        // SAFETY: whole structs.
        self.call(|object, error| unsafe { stats(object, &raw mut answer, error) })?;
        Ok(Stats {
            iterations: told!(answer.iters),
            seconds: told!(answer.seconds),
            flops: told!(answer.flops),
            residual: told!(answer.residual),
            bytes_comm: told!(answer.bytes_comm),
            bytes_copied: told!(answer.bytes_copied),
        })
    }
}

impl<T> Drop for Object<'_, T> {
    fn drop(&mut self) {
        // SAFETY: the object was made by this plugin, and init called; nobody uses it any more.
        unsafe {
            if let (Some(destroy), false) = (self.plugin.table().destroy, self.pointer.is_null()) {
                destroy(self.pointer);
            }
            if let Some(fini) = self.plugin.table().fini {
                let _one = COUNTED.lock().unwrap_or_else(PoisonError::into_inner);
                fini();
            }
        }
    }
}

/// The methods that objects of all interfaces have.
macro_rules! common_methods {
    ($table:ty, $id:expr) => {
        /// Makes an object of a component.
        ///
        /// # Errors
        /// What the plugin says against configuration, lattice or component.
        pub fn create(
            plugin: &$crate::Plugin,
            services: &'s $crate::Services,
            request: &$crate::Request,
        ) -> Result<Self, $crate::HostError> {
            Ok(Self { object: $crate::object::Object::new(plugin, services, request, $id)? })
        }
        /// Whether, and how, the plugin serves a view.
        pub fn query(
            &mut self,
            view: &gaugelink_plugin_sdk::View,
        ) -> Result<gaugelink_plugin_sdk::Query, $crate::HostError> {
            self.object.query(view)
        }
        /// Numbers about the last call.
        pub fn stats(&mut self) -> Result<gaugelink_plugin_sdk::Stats, $crate::HostError> {
            self.object.stats()
        }
    };
}
pub(crate) use common_methods;

/// One output number for each field of the batch.
#[inline]
pub(crate) fn room(plugin: &Plugin, name: &str, room: usize, batch: usize) -> Result<(), HostError> {
    if room == batch { Ok(()) } else { Err(no_room(plugin, name, room, batch)) }
}

#[cold]
fn no_room(plugin: &Plugin, name: &str, room: usize, batch: usize) -> HostError {
    plugin.fails(Error::invalid(format!(
        "{name} has room for {room} numbers, and the batch has {batch} fields"
    )))
}
