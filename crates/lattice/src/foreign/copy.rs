//! Copies between fields and views of any layout.

use super::describe::{lattice_of, matches, own_bytes};
use super::{Foreign, Recognised, directions};
use crate::field::Field;
use crate::geometry::ravel;
use crate::lattice::Lattice;
use crate::layout::{LaneMeaning, Layout};
use crate::number::{BLOCK_BYTES, Real};
use gaugelink_plugin_sdk::{Access, Error, Result, View, ViewMut, raw};
use std::ops::Range;

/// Reads the fields `first`, `first + 1`, ... of the view's batch into the field's chains (one with site lanes).
/// Sites that the view does not hold, of the other parity, stay. Returns the bytes of the view that were read.
///
/// # Errors
/// `INVALID_ARG` for a view that contradicts itself or the lattice, `UNSUPPORTED` for what is not served: memory of
/// devices, 16-bit numbers, a fifth dimension, links with rows left out, other gamma bases.
pub fn read_view<F: Foreign>(view: &View<'_>, first: usize, field: &mut F) -> Result<u64> {
    Ok(read(view, first, field, &mut Recognised::default())?.0)
}

/// As [`read_view`]; also whether the view's layout is the field's own.
pub(super) fn read<F: Foreign>(
    view: &View<'_>,
    first: usize,
    field: &mut F,
    own: &mut Recognised,
) -> Result<(u64, bool)> {
    check::<F>(view, first, field.layout().chains())?;
    if first == 0 && own.matches::<F>(view, field.lattice()) {
        return Ok((read_own(view, field), true));
    }
    let lattice = field.lattice().clone();
    let layout = lattice.layout::<F::Scalar>();
    let access = view.access(&sdk_lattice(&lattice)?)?;
    let strides = Strides::of(&access, view, &lattice);
    let writer = field.writer();
    let reals = writer.reals();
    let sweep = Sweep::new(layout, &access, view, first);
    let scalar = view.as_raw().scalar;
    lattice.pool().run(0..layout.blocks(), |_, piece| {
        sweep.run(piece, |block, sites| {
            let rows = writer.rows(block, 0, reals);
            // SAFETY: `access` has checked all addresses of the sites; a block is written by one thread.
            unsafe {
                match scalar {
                    raw::GLK_F64 => gather::<f64, F::Scalar>(sites, &strides, rows),
                    _ => gather::<f32, F::Scalar>(sites, &strides, rows),
                }
            }
        });
    });
    field.exchange();
    Ok((strides.bytes(&sweep), false))
}

/// Writes the field's chains into the fields `first`, `first + 1`, ... of the view's batch, or adds to what is there
/// where the view says `ACCUMULATE`. Returns the bytes of the view that were written.
///
/// # Errors
/// As [`read_view`].
pub fn write_view<F: Foreign>(field: &F, view: &mut ViewMut<'_>, first: usize) -> Result<u64> {
    let lattice = field.lattice();
    let layout = lattice.layout::<F::Scalar>();
    let (scalar, flags) = (view.as_view().as_raw().scalar, view.as_view().as_raw().flags);
    check::<F>(view.as_view(), first, layout.chains())?;
    let adds = flags & raw::GLK_VIEW_ACCUMULATE != 0;
    if first == 0 && !adds && matches::<F>(view.as_view(), lattice) {
        return Ok(write_own(field, view));
    }
    let copy = *view.as_view();
    let access = view.access(&sdk_lattice(lattice)?)?;
    let strides = Strides::of(access.as_access(), &copy, lattice);
    let (reader, reals) = (field.reader(), field.reals());
    let sweep = Sweep::new(layout, access.as_access(), &copy, first);
    lattice.pool().run(0..layout.blocks(), |_, piece| {
        sweep.run(piece, |block, sites| {
            let rows = reader.rows(block, 0, reals);
            let sites = &sites[..sweep.distinct()];
            // SAFETY: `access` has checked all addresses of the sites, and nobody else writes these.
            unsafe {
                match scalar {
                    raw::GLK_F64 => scatter::<f64, F::Scalar>(rows, &strides, sites, adds),
                    _ => scatter::<f32, F::Scalar>(rows, &strides, sites, adds),
                }
            }
        });
    });
    Ok(strides.bytes(&sweep))
}

/// What a view has to be before its addresses are looked at.
pub(super) fn check<F: Foreign>(view: &View<'_>, first: usize, chains: usize) -> Result<()> {
    let v = view.as_raw();
    check_kind(view, F::KIND, F::COLUMNS, first, chains)?;
    if F::KIND == raw::GLK_WILSON && v.nspin as usize != F::ROWS {
        return Err(Error::invalid(format!("nspin is {}, these spinors have {}", v.nspin, F::ROWS)));
    }
    if F::KIND == raw::GLK_WILSON && v.gamma_basis != raw::GLK_GAMMA_DEGRAND_ROSSI {
        return Err(Error::unsupported(format!(
            "gamma_basis is {}; only DEGRAND_ROSSI ({}) is served: rotate the spins, or set it",
            v.gamma_basis,
            raw::GLK_GAMMA_DEGRAND_ROSSI
        )));
    }
    if F::KIND == raw::GLK_GAUGE {
        check_rows(v, F::ROWS)?;
    }
    Ok(())
}

/// All rows of the matrices have to be there.
pub(super) fn check_rows(v: &raw::glk_view, rows: usize) -> Result<()> {
    if v.nrow as usize == rows {
        return Ok(());
    }
    Err(Error::unsupported(format!("nrow is {}; links with all {rows} rows are served", v.nrow)))
}

/// Kind, colours, fifth dimension and batch of a view.
pub(super) fn check_kind(
    view: &View<'_>,
    kind: i32,
    colours: usize,
    first: usize,
    chains: usize,
) -> Result<()> {
    let v = view.as_raw();
    if v.kind != kind {
        return Err(Error::invalid(format!("kind is {}, a view of kind {kind} is needed", v.kind)));
    }
    if v.ncolor as usize != colours {
        return Err(Error::invalid(format!("ncolor is {}, the field has {colours} colours", v.ncolor)));
    }
    if v.dim5 > 1 {
        return Err(Error::unsupported(format!(
            "dim5 is {}; fields of a fifth dimension are not served",
            v.dim5
        )));
    }
    if first + chains > view.batch() {
        return Err(Error::invalid(format!(
            "nrhs is {}, and fields {first} to {} are needed",
            view.batch(),
            first + chains - 1
        )));
    }
    Ok(())
}

/// The lattice as views are checked against it.
pub(super) fn sdk_lattice(lattice: &Lattice) -> Result<gaugelink_plugin_sdk::Lattice> {
    let raw = lattice_of(lattice);
    // SAFETY: a whole struct.
    unsafe { gaugelink_plugin_sdk::Lattice::from_raw(&raw const raw) }
}

/// Offsets of a site's real numbers, `[component][re|im]`, from the real part of its first component.
pub(super) struct Strides {
    pub offsets: Vec<isize>,
    scalar_bytes: u64,
}

impl Strides {
    pub fn of(access: &Access<'_>, view: &View<'_>, lattice: &Lattice) -> Self {
        let shape = access.shape();
        let site = (0..access.sites().count()).find(|&lex| access.sites().holds(lex)).unwrap_or(0);
        let first = access.address(site, 0, 0, 0, 0).addr() as isize;
        let mut offsets = Vec::new();
        for mu in 0..directions(view.as_raw().kind, lattice.dims()) {
            for row in 0..shape.rows {
                for column in 0..shape.columns {
                    let re = access.address(site, mu, row, column, 0).addr() as isize - first;
                    offsets.extend([re, re + access.imaginary_bytes() as isize]);
                }
            }
        }
        let scalar_bytes = if view.as_raw().scalar == raw::GLK_F64 { 8 } else { 4 };
        Self { offsets, scalar_bytes }
    }
    /// Bytes of all sites of a sweep.
    pub fn bytes(&self, sweep: &Sweep<'_>) -> u64 {
        sweep.sites() as u64 * self.offsets.len() as u64 * self.scalar_bytes
    }
}

/// A walk over the sites that a view holds, with their lanes in the field.
pub(super) struct Sweep<'a> {
    layout: &'a Layout,
    access: &'a Access<'a>,
    /// 0 both, 1 even, 2 odd.
    parity: usize,
    first: usize,
    /// What a lane adds to the lexicographic number of lane 0's site.
    lanes: Vec<usize>,
}

// SAFETY: addresses are only computed from what it refers to.
unsafe impl Sync for Sweep<'_> {}

impl<'a> Sweep<'a> {
    pub fn new(layout: &'a Layout, access: &'a Access<'a>, view: &View<'_>, first: usize) -> Self {
        let local = layout.geometry().local_extents();
        let start = layout.site(0, 0);
        let step = |lane| {
            let x = layout.site(0, lane);
            ravel(&std::array::from_fn(|mu| x[mu] - start[mu]), &local)
        };
        let lanes = (0..layout.distinct_lanes()).map(step).collect();
        Self { layout, access, parity: view.as_raw().parity as usize, first, lanes }
    }
    fn holds(&self, block: usize) -> bool {
        self.parity == 0 || self.parity == self.layout.parity_of(block) + 1
    }
    /// Fields times sites.
    fn sites(&self) -> usize {
        (0..self.layout.blocks()).filter(|&b| self.holds(b)).count() * self.layout.distinct_lanes()
    }
    /// Lanes with sites of their own.
    pub fn distinct(&self) -> usize {
        self.lanes.len()
    }
    /// Calls `each(block, sites)` for a piece of the walk over the blocks; `sites` has the address of the first number
    /// of every lane's site, those of repeating lanes included.
    pub fn run(&self, piece: Range<usize>, mut each: impl FnMut(usize, &[*const u8])) {
        let (local, origin) = (self.layout.geometry().local_extents(), self.layout.geometry().origin());
        let batch = matches!(self.layout.meaning(), LaneMeaning::Batch { .. });
        let mut sites = [std::ptr::null(); f32::LANES];
        for &block in &self.layout.walk()[piece] {
            let block = block as usize;
            if !self.holds(block) {
                continue;
            }
            let x = self.layout.site(block, 0);
            let lex = ravel(&std::array::from_fn(|mu| x[mu] - origin[mu]), &local);
            for (lane, site) in sites[..self.layout.lanes()].iter_mut().enumerate() {
                let lane = lane % self.distinct();
                let b = self.first + if batch { lane } else { 0 };
                *site = self.access.address(lex + self.lanes[lane], 0, 0, 0, b);
            }
            each(block, &sites[..self.layout.lanes()]);
        }
    }
}

/// Row by row of the block, so that each of its cache lines is written once.
///
/// # Safety
/// All numbers of the sites are readable, one site for each lane, and `rows` is a block with as many rows.
#[inline]
unsafe fn gather<S: Real, T: Real>(sites: &[*const u8], strides: &Strides, rows: *mut T) {
    assert_eq!(sites.len(), T::LANES, "a site for each lane");
    for (c, &offset) in strides.offsets.iter().enumerate() {
        for lane in 0..T::LANES {
            // SAFETY: the caller's promise.
            unsafe {
                let x = sites[lane].wrapping_offset(offset).cast::<S>().read();
                rows.add(c * T::LANES + lane).write(T::from_f64(x.to_f64()));
            }
        }
    }
}

/// Site by site, so that each cache line of the view is written once.
///
/// # Safety
/// All numbers of the sites are writable, and `rows` is a block with as many rows.
#[inline]
unsafe fn scatter<S: Real, T: Real>(rows: *const T, strides: &Strides, sites: &[*const u8], adds: bool) {
    for (lane, site) in sites.iter().enumerate() {
        for (c, &offset) in strides.offsets.iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe {
                let x = rows.add(c * T::LANES + lane).read().to_f64();
                let to = site.wrapping_offset(offset).cast_mut().cast::<S>();
                to.write(S::from_f64(if adds { to.read().to_f64() + x } else { x }));
            }
        }
    }
}

/// A copy of the same layout, block by block.
#[inline]
pub(super) fn read_own<F: Foreign>(view: &View<'_>, field: &mut F) -> u64 {
    let (from, to) = (view.as_raw().plane[0] as usize, field.as_mut_slice().as_mut_ptr() as usize);
    copy_blocks(field, from, to);
    field.exchange();
    own_bytes(field) as u64
}

fn write_own<F: Foreign>(field: &F, view: &mut ViewMut<'_>) -> u64 {
    copy_blocks(field, field.as_slice().as_ptr() as usize, view.as_view().as_raw().plane[0] as usize);
    own_bytes(field) as u64
}

/// The rank's own blocks. Both ranges are checked by `matches`; they may be the same memory.
#[inline]
fn copy_blocks<T: Real>(field: &Field<T>, from: usize, to: usize) {
    let block = field.reals() * BLOCK_BYTES;
    field.lattice().spread(0..field.layout().blocks(), |_, piece| {
        let (start, bytes) = (block * piece.start, block * piece.len());
        // SAFETY: pieces of ranges that the caller has checked.
        unsafe { std::ptr::copy((from + start) as *const u8, (to + start) as *mut u8, bytes) };
    });
}
