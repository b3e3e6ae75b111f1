//! Fields and lattices of this library as `plugin.h` describes them.

use super::{Foreign, directions, scalar_code};
use crate::field::Field;
use crate::geometry::DIM_MAX;
use crate::lattice::Lattice;
use crate::number::{BLOCK_BYTES, Real};
use gaugelink_plugin_sdk::{View, ViewMut, raw, sized_struct};

/// A lattice with periodic fermions; several ranks talk through the host's callbacks.
pub fn lattice_of(lattice: &Lattice) -> raw::glk_lattice {
    let geometry = lattice.geometry();
    let (extents, local, origin) = (geometry.extents(), geometry.local_extents(), geometry.origin());
    let mut out = sized_struct::<raw::glk_lattice>();
    out.ndim = geometry.dims() as u32;
    for mu in 0..DIM_MAX {
        out.global[mu] = extents[mu] as i64;
        out.local[mu] = local[mu] as i64;
        out.origin[mu] = origin[mu] as i64;
        out.procs[mu] = geometry.grid()[mu] as i32;
        out.proc_coord[mu] = (origin[mu] / local[mu]) as i32;
        out.nbr_fwd[mu] = geometry.neighbour_rank(mu, true) as i32;
        out.nbr_bwd[mu] = geometry.neighbour_rank(mu, false) as i32;
    }
    out.rank = geometry.rank() as i32;
    out.nranks = geometry.ranks() as i32;
    out.comm_kind = if geometry.ranks() > 1 { raw::GLK_COMM_HOST } else { raw::GLK_COMM_SELF };
    out
}

/// A field where it stands, to be read; a batch has one field for each chain.
///
/// The memory is `[block][component][re|im][lane]`, so the site order is `TABLE`: no regular order describes blocks
/// sorted by parity. The table belongs to the lattice, and is told to be kept: objects do not outlive the lattice of the
/// fields that they are lent.
pub fn view<F: Foreign>(field: &F) -> View<'_> {
    let mut description = describe::<F>(field.lattice());
    description.plane[0] = field.as_slice().as_ptr().cast_mut().cast();
    description.flags |= raw::GLK_VIEW_CONST;
    // SAFETY: the description covers the field's own blocks, which the result borrows.
    unsafe { View::from_raw(&raw const description, "view") }.expect("the size was just set")
}

/// As [`view`], to be written; afterwards [`super::settle`] has to be called, which [`super::lend`] does by itself.
pub fn view_mut<F: Foreign>(field: &mut F) -> ViewMut<'_> {
    let mut description = describe::<F>(field.lattice());
    description.plane[0] = field.as_mut_slice().as_mut_ptr().cast();
    // SAFETY: the description covers the field's own blocks, which the result borrows mutably.
    unsafe { ViewMut::from_raw(&raw const description, "view") }.expect("the size was just set")
}

/// The description of a field of this kind, but for its address.
pub(super) fn describe<F: Foreign>(lattice: &Lattice) -> raw::glk_view {
    let layout = lattice.layout::<F::Scalar>();
    let directions = directions(F::KIND, lattice.dims());
    let reals = 2 * directions * F::ROWS * F::COLUMNS;
    let scalar = size_of::<F::Scalar>() as i64;
    // A number is a row of re and a row of im.
    let number = 2 * BLOCK_BYTES as i64;
    let mut out = sized_struct::<raw::glk_view>();
    out.flags = raw::GLK_VIEW_TABLE_KEPT;
    out.kind = F::KIND;
    out.scalar = scalar_code::<F::Scalar>();
    out.site_order = raw::GLK_SITE_TABLE;
    out.device_type = raw::GLK_DEV_CPU;
    out.nplanes = 1;
    out.dim5 = 1;
    out.gamma_basis = raw::GLK_GAMMA_DEGRAND_ROSSI;
    (out.nspin, out.nrow) =
        if F::KIND == raw::GLK_WILSON { (F::ROWS as u32, 1) } else { (0, F::ROWS as u32) };
    out.ncolor = F::COLUMNS as u32;
    out.nrhs = layout.chains() as u32;
    out.plane_bytes = (layout.blocks() * reals * BLOCK_BYTES) as u64;
    out.stride_site = scalar;
    out.stride_mu = number * (F::ROWS * F::COLUMNS) as i64;
    out.stride_row = number * F::COLUMNS as i64;
    out.stride_col = number;
    out.stride_rhs = scalar;
    out.stride_reim = BLOCK_BYTES as i64;
    out.site_table = lattice.site_table::<F::Scalar>(reals).as_ptr();
    out
}

/// Whether a view has exactly the layout that fields `F` on this lattice have, with every lane used.
///
/// Where the site table is not this lattice's own, all of it is compared: see [`super::Recognised`].
pub fn matches<F: Foreign>(view: &View<'_>, lattice: &Lattice) -> bool {
    let table = view.as_raw().site_table;
    let ours = || lattice.site_table::<F::Scalar>(reals::<F>(lattice));
    resembles::<F>(view, lattice)
        && (table == ours().as_ptr() || {
            let sites = lattice.geometry().local_volume();
            // SAFETY: whoever made the view vouches for one entry for each local site.
            unsafe { std::slice::from_raw_parts(table, sites) == ours() }
        })
}

/// As [`matches()`], but for the entries of the site table.
pub fn resembles<F: Foreign>(view: &View<'_>, lattice: &Lattice) -> bool {
    let (theirs, ours) = (view.as_raw(), describe::<F>(lattice));
    let layout = lattice.layout::<F::Scalar>();
    let shape = |v: &raw::glk_view| {
        let batch = v.nrhs.max(1);
        let rhs = if batch > 1 { v.stride_rhs } else { 0 };
        let basis = if v.kind == raw::GLK_WILSON { (v.gamma_basis, v.nspin) } else { (0, v.nrow) };
        let mu = if v.kind == raw::GLK_WILSON { 0 } else { v.stride_mu };
        (
            (v.kind, v.scalar, v.site_order, v.parity, v.nplanes.max(1), v.dim5.max(1), v.ncolor, batch),
            (v.stride_site, mu, v.stride_row, v.stride_col, v.stride_reim, rhs, basis),
        )
    };
    let on_cpu = matches!(theirs.device_type, 0 | raw::GLK_DEV_CPU);
    on_cpu
        && layout.distinct_lanes() == layout.lanes()
        && shape(theirs) == shape(&ours)
        && theirs.plane_bytes >= ours.plane_bytes
        && in_place(view)
        && !theirs.site_table.is_null()
}

/// Whether a field can stand where the view's plane begins.
#[inline]
pub(super) fn in_place(view: &View<'_>) -> bool {
    let plane = view.as_raw().plane[0];
    !plane.is_null() && plane.addr().is_multiple_of(BLOCK_BYTES)
}

/// Real numbers on a site.
pub(super) fn reals<F: Foreign>(lattice: &Lattice) -> usize {
    2 * directions(F::KIND, lattice.dims()) * F::ROWS * F::COLUMNS
}

/// Bytes of the rank's own blocks.
pub(super) fn own_bytes<T: Real>(field: &Field<T>) -> usize {
    field.layout().blocks() * field.reals() * BLOCK_BYTES
}
