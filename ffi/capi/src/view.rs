//! Views of the host's memory.

use crate::boundary::{entries, get};
use crate::context::Shared;
use crate::error::{Failure, Result};
use crate::lattice::{LatticeHandle, same};
use gaugelink_lattice::Lattice;
use gaugelink_plugin_sdk::{View, ViewMut, raw, sized_struct, write_sized};
use std::ffi::c_void;
use std::sync::Arc;

/// What works on the host's views: its context and its lattice.
pub trait Home {
    fn home(&self) -> (&Shared, &Arc<Lattice>);
}

/// A view that was lent for another lattice would be followed past the end of its site table.
fn at_home(view: &raw::glk_view, home: &impl Home) -> Result<()> {
    let (context, lattice) = home.home();
    context.owner(view).map_or(Ok(()), |owner| same(lattice, &owner))
}

/// A view that the host passes to be read.
///
/// # Safety
/// NULL or a view whose planes stay readable for `'a`.
pub unsafe fn readable<'a>(
    view: *const raw::glk_view,
    name: &'static str,
    home: &impl Home,
) -> Result<View<'a>> {
    // SAFETY: the caller's promise.
    let view = unsafe { View::from_raw(view, name) }?;
    at_home(view.as_raw(), home)?;
    Ok(view)
}

/// A view that the host passes to be written.
///
/// # Safety
/// As [`readable`], and the planes may be written.
pub unsafe fn writable<'a>(
    view: *const raw::glk_view,
    name: &'static str,
    home: &impl Home,
) -> Result<ViewMut<'a>> {
    // SAFETY: the caller's promise.
    let view = unsafe { ViewMut::from_raw(view, name) }?;
    at_home(view.as_view().as_raw(), home)?;
    Ok(view)
}

/// Lends the host a view of a field.
///
/// # Safety
/// `out` is NULL or may be written as far as its size says.
pub unsafe fn lend(out: *mut raw::glk_view, view: &raw::glk_view, home: &impl Home) -> Result<()> {
    // SAFETY: the caller's promise.
    unsafe { fill(out, view) }?;
    let (context, lattice) = home.home();
    context.lend(view, lattice);
    Ok(())
}

/// Fills a view of the host.
///
/// # Safety
/// `out` is NULL or may be written as far as its size says.
unsafe fn fill(out: *mut raw::glk_view, view: &raw::glk_view) -> Result<()> {
    // SAFETY: the caller's promise.
    unsafe {
        if get(out, "out")?.size < 4 {
            return Err(Failure::invalid("out->size is not set; set it to sizeof(glk_view)"));
        }
        write_sized(out, view);
    }
    Ok(())
}

fn dense(
    handle: &LatticeHandle,
    kind: i32,
    ncolor: u32,
    scalar: i32,
    data: *mut c_void,
) -> Result<raw::glk_view> {
    let dims = handle.lattice.dims();
    let (mus, rows) = match kind {
        raw::GLK_GAUGE | raw::GLK_ALGEBRA => (dims, ncolor as usize),
        raw::GLK_WILSON => (1, 4),
        other => {
            return Err(Failure::invalid(format!("kind is {other}; GAUGE, ALGEBRA and WILSON are possible")));
        }
    };
    let bytes = match scalar {
        raw::GLK_F64 => 8,
        raw::GLK_F32 => 4,
        other => return Err(Failure::invalid(format!("scalar is {other}; F32 and F64 are possible"))),
    };
    if !(1..=64).contains(&ncolor) {
        return Err(Failure::invalid(format!("ncolor is {ncolor}")));
    }
    let columns = ncolor as usize;
    let stride = |numbers: usize| (2 * bytes * numbers) as i64;
    let mut view = sized_struct::<raw::glk_view>();
    (view.kind, view.scalar, view.site_order) = (kind, scalar, raw::GLK_SITE_LEX);
    view.device_type = raw::GLK_DEV_CPU;
    (view.nplanes, view.dim5, view.nrhs) = (1, 1, 1);
    view.gamma_basis = raw::GLK_GAMMA_DEGRAND_ROSSI;
    view.algebra_conv = raw::GLK_ALG_F;
    (view.nspin, view.nrow) = if kind == raw::GLK_WILSON { (4, 1) } else { (0, ncolor) };
    view.ncolor = ncolor;
    view.plane[0] = data;
    view.stride_col = stride(1);
    view.stride_row = stride(columns);
    view.stride_mu = stride(rows * columns);
    view.stride_site = stride(mus * rows * columns);
    view.plane_bytes = view.stride_site as u64 * handle.lattice.volume() as u64;
    Ok(view)
}

entries! {
    fn gaugelink_view_dense(
        lattice: *const LatticeHandle,
        kind: i32,
        ncolor: u32,
        scalar: i32,
        data: *mut c_void,
        out: *mut raw::glk_view,
    ) {
        fill(out, &dense(get(lattice, "lattice")?, kind, ncolor, scalar, data)?)
    }
}
