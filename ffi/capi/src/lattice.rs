//! Section "Lattice".

use crate::boundary::{entries, frees, get, give};
use crate::context::{Context, Shared};
use crate::error::{Failure, Result};
use gaugelink_lattice::{Lattice, LatticeOptions};
use std::sync::Arc;

/// `gaugelink_lattice`.
pub struct LatticeHandle {
    pub context: Arc<Shared>,
    pub lattice: Arc<Lattice>,
}

impl LatticeHandle {
    /// A lattice of these extents.
    pub fn new(context: &Arc<Shared>, extents: &[usize]) -> Result<Self> {
        let options = LatticeOptions { pool: Some(context.pool.clone()), ..LatticeOptions::default() };
        Ok(Self { context: context.clone(), lattice: Lattice::new(extents, options)? })
    }
}

/// Extents of the host.
pub fn extents(given: &[i64]) -> Result<Vec<usize>> {
    let extent = |&extent: &i64| {
        usize::try_from(extent).map_err(|_| Failure::invalid(format!("extents {given:?}: they count sites")))
    };
    given.iter().map(extent).collect()
}

/// What works together lives on equal lattices.
pub fn same(a: &Lattice, b: &Lattice) -> Result<()> {
    let (a, b) = (a.geometry().extents(), b.geometry().extents());
    if a == b {
        return Ok(());
    }
    Err(Failure::invalid(format!("one is on a lattice of {a:?} sites, the other of {b:?}")))
}

entries! {
    fn gaugelink_lattice_new(context: *const Context, ndim: u32, given: *const i64, out: *mut *mut LatticeHandle) {
        give(out, || {
            let context = get(context, "context")?;
            get(given, "extents")?;
            if ndim > 16 {
                return Err(Failure::invalid(format!("ndim is {ndim}; a lattice has 2 to 4 extents")));
            }
            LatticeHandle::new(&context.0, &extents(std::slice::from_raw_parts(given, ndim as usize))?)
        })
    }
}

frees! {
    fn gaugelink_lattice_free(LatticeHandle);
}

#[unsafe(no_mangle)]
unsafe extern "C" fn gaugelink_lattice_ndim(lattice: *const LatticeHandle) -> u32 {
    // SAFETY: NULL or a handle that was not freed; the same below.
    unsafe { lattice.as_ref() }.map_or(0, |handle| handle.lattice.dims() as u32)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn gaugelink_lattice_extent(lattice: *const LatticeHandle, mu: u32) -> i64 {
    // SAFETY: as above.
    let extents = unsafe { lattice.as_ref() }.map(|handle| handle.lattice.geometry().extents());
    extents.and_then(|extents| extents.get(mu as usize).copied()).unwrap_or(1) as i64
}

#[unsafe(no_mangle)]
unsafe extern "C" fn gaugelink_lattice_volume(lattice: *const LatticeHandle) -> i64 {
    // SAFETY: as above.
    unsafe { lattice.as_ref() }.map_or(0, |handle| handle.lattice.volume() as i64)
}
