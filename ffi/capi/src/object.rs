//! Objects of plugins: what the four interfaces have in common.

use crate::boundary::get;
use crate::context::Shared;
use crate::dirac::phases;
use crate::elements::Elements;
use crate::error::{Failure, Result};
use crate::lattice::{LatticeHandle, same};
use crate::plugin::PluginHandle;
use crate::text::optional;
use crate::view::Home;
use gaugelink_host::{ConfigText, HostError, Plugin, Request, Services};
use gaugelink_lattice::Lattice;
use gaugelink_lattice::foreign::lattice_of;
use gaugelink_plugin_sdk as sdk;
use sdk::{Rng, Stats, raw, sized_struct};
use std::ffi::{CStr, c_char};
use std::path::Path;
use std::sync::Arc;

/// A plugin's object. Its first field is dropped first: the object before the services that it uses.
pub struct Held<O> {
    pub object: O,
    /// Algebra fields on their way in and out.
    pub input: Elements,
    pub output: Elements,
    /// Where the object lives.
    sites: Arc<Lattice>,
    context: Arc<Shared>,
}

/// What the host says of a new object.
pub struct Wish {
    pub plugin: *const PluginHandle,
    pub lattice: *const LatticeHandle,
    pub component: *const c_char,
    pub config: *const c_char,
    pub base_dir: *const c_char,
    /// Boundary phases / 2π of fermions.
    pub phases: *const f64,
}

impl<O> Held<O> {
    /// Makes an object of an interface.
    ///
    /// # Safety
    /// The pointers are NULL or valid, `phases` for four numbers.
    pub unsafe fn new(
        wish: &Wish,
        interface: &CStr,
        create: impl FnOnce(&Plugin, &'static Services, &Request) -> std::result::Result<O, HostError>,
    ) -> Result<Self> {
        // SAFETY: the caller's promise.
        let (plugin, handle, component, config, base_dir, phases) = unsafe {
            (
                get(wish.plugin, "plugin")?,
                get(wish.lattice, "lattice")?,
                optional(wish.component, "component")?,
                optional(wish.config, "config")?.unwrap_or_default(),
                optional(wish.base_dir, "base_dir")?.unwrap_or_default(),
                phases(wish.phases),
            )
        };
        let first = || {
            let name = interface.to_string_lossy();
            plugin.first(interface).ok_or_else(|| {
                let path = plugin.plugin.path().display();
                Failure::unsupported(format!("{path} has no component of {name}; choose another plugin"))
            })
        };
        let component = component.map_or_else(first, Ok)?;
        let mut lattice = lattice_of(&handle.lattice);
        lattice.bc_phase[..4].copy_from_slice(&phases);
        // SAFETY: a whole struct.
        let lattice = unsafe { sdk::Lattice::from_raw(&raw const lattice) }?;
        let base_dir = Path::new(base_dir);
        let request = Request { component, lattice: &lattice, config: ConfigText::Toml(config), base_dir };
        let context = plugin.context.clone();
        // SAFETY: the services live in the context, which is dropped after the object.
        let services: &'static Services = unsafe { &*std::ptr::from_ref(&context.services) };
        let object = create(&plugin.plugin, services, &request)?;
        let (input, output) = (Elements::default(), Elements::default());
        Ok(Self { object, input, output, sites: handle.lattice.clone(), context })
    }
    /// Refuses fields of another lattice than the object's: a plugin follows the site table of a view as far as its own
    /// lattice reaches.
    pub fn fits(&self, fields: &[&Lattice]) -> Result<()> {
        fields.iter().try_for_each(|field| same(&self.sites, field))
    }
}

impl<O> Home for Held<O> {
    fn home(&self) -> (&Shared, &Arc<Lattice>) {
        (&self.context, &self.sites)
    }
}

/// Random numbers of a seed: number n of a chain's proposals.
pub fn rng(seed: u64, number: u64) -> Rng {
    let mut rng = sized_struct::<Rng>();
    rng.algorithm = raw::GLK_RNG_CHACHA20;
    rng.key[..8].copy_from_slice(&seed.to_le_bytes());
    rng.epoch = number;
    rng
}

/// Numbers about a call, as the host's struct.
pub fn stats(of: &Stats) -> raw::glk_stats {
    let mut out = sized_struct::<raw::glk_stats>();
    out.iters = of.iterations;
    (out.seconds, out.flops, out.residual) = (of.seconds, of.flops, of.residual);
    (out.bytes_comm, out.bytes_copied) = (of.bytes_comm, of.bytes_copied);
    out
}

/// One number of the host for each field of a view's batch.
///
/// # Safety
/// NULL or room for as many.
pub unsafe fn numbers<'a>(p: *mut f64, batch: usize, name: &str) -> Result<&'a mut [f64]> {
    // SAFETY: the caller's promise.
    unsafe {
        get(p, name)?;
        Ok(std::slice::from_raw_parts_mut(p, batch))
    }
}

/// An output that is also an input cannot be served.
pub fn distinct<T>(a: *const T, b: *const T) -> Result<()> {
    if std::ptr::eq(a, b) && !a.is_null() {
        return Err(Failure::invalid("input and output are the same field; use two"));
    }
    Ok(())
}
