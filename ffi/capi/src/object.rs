//! Objects of plugins: what the four interfaces have in common.

use crate::algebra::Algebra;
use crate::boundary::get;
use crate::context::Shared;
use crate::dirac::phases;
use crate::error::{Failure, Result};
use crate::lattice::LatticeHandle;
use crate::plugin::PluginHandle;
use crate::text::optional;
use gaugelink_host::{ConfigText, HostError, Plugin, Request, Services};
use gaugelink_lattice::foreign::lattice_of;
use gaugelink_plugin_sdk::{Lattice, Rng, Stats, View, ViewMut, raw, sized_struct};
use std::ffi::{CStr, c_char};
use std::path::Path;
use std::sync::Arc;

/// A plugin's object. Its first field is dropped first: the object before the services that it uses.
pub struct Held<O> {
    pub object: O,
    pub lattice: Lattice,
    /// Algebra fields as matrices on their way in and out.
    matrices: [Vec<f64>; 2],
    _context: Arc<Shared>,
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
        let lattice = unsafe { Lattice::from_raw(&raw const lattice) }?;
        let base_dir = Path::new(base_dir);
        let request = Request { component, lattice: &lattice, config: ConfigText::Toml(config), base_dir };
        let context = plugin.context.clone();
        // SAFETY: the services live in the context, which is dropped after the object.
        let services: &'static Services = unsafe { &*std::ptr::from_ref(&context.services) };
        let object = create(&plugin.plugin, services, &request)?;
        Ok(Self { object, lattice, matrices: Default::default(), _context: context })
    }
    /// Room for an algebra field as matrices, number 0 or 1.
    fn room(&mut self, number: usize, colours: usize) -> &mut Vec<f64> {
        let length = self.lattice.sites() * self.lattice.ndim() * 2 * colours * colours;
        self.matrices[number].resize(length, 0.0);
        &mut self.matrices[number]
    }
    /// Calls `work` with the object and an algebra field of the library as a view (none if there is none), and another
    /// that it fills.
    pub fn with_algebra(
        &mut self,
        input: Option<&Algebra>,
        out: &mut Algebra,
        work: impl FnOnce(&mut O, &View<'_>, &mut ViewMut<'_>) -> std::result::Result<(), HostError>,
    ) -> Result<()> {
        let colours = out.field.colours();
        let lattice = self.lattice.clone();
        if let Some(input) = input {
            let colours = input.field.colours();
            input.write(&mut ViewMut::algebra(self.room(0, colours), &lattice, colours)?)?;
        } else {
            self.room(0, colours);
        }
        self.room(1, colours);
        let [from, to] = &mut self.matrices;
        let mut to = ViewMut::algebra(to, &lattice, colours)?;
        work(&mut self.object, &View::algebra(from, &lattice, colours)?, &mut to)?;
        out.read(to.as_view())
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
