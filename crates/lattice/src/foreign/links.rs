//! Links that come one by one, into a host's memory of any layout.

use super::copy::{Strides, check_kind, check_rows};
use super::describe::lattice_of;
use crate::geometry::{DIM_MAX, Site};
use crate::lattice::Lattice;
use gaugelink_plugin_sdk::{AccessMut, Error, Result, ViewMut, raw};

/// The links of a view, to be put in their places.
pub struct LinkTarget<'a> {
    access: AccessMut<'a>,
    strides: Strides,
    /// Real numbers of a link.
    link: usize,
    scalar: i32,
}

// SAFETY: it is written through `put` alone, whose caller keeps threads apart.
unsafe impl Sync for LinkTarget<'_> {}

impl<'a> LinkTarget<'a> {
    /// A view of links of U(1) (1 colour) or SU(`colours`) on a lattice that is the box at `origin` of one of `extents`
    /// sites: even and odd sites are those of the whole lattice.
    ///
    /// # Errors
    /// `INVALID_ARG` for a view that contradicts itself or the lattice, and for one that says `ACCUMULATE`; `UNSUPPORTED`
    /// for memory of devices, 16-bit numbers, a fifth dimension, links with rows left out.
    pub fn new(
        view: &'a mut ViewMut<'_>,
        colours: usize,
        lattice: &Lattice,
        extents: &Site,
        origin: &Site,
    ) -> Result<Self> {
        let copy = *view.as_view();
        let (scalar, flags) = (copy.as_raw().scalar, copy.as_raw().flags);
        check_kind(&copy, raw::GLK_GAUGE, colours, 0, 1)?;
        check_rows(copy.as_raw(), colours)?;
        if flags & raw::GLK_VIEW_ACCUMULATE != 0 {
            return Err(Error::invalid(
                "flags say ACCUMULATE; links are written over what is there: clear it",
            ));
        }
        let mut part = lattice_of(lattice);
        for mu in 0..DIM_MAX {
            (part.global[mu], part.origin[mu]) = (extents[mu] as i64, origin[mu] as i64);
        }
        // SAFETY: a whole struct.
        let part = unsafe { gaugelink_plugin_sdk::Lattice::from_raw(&raw const part) }?;
        let access = view.access(&part)?;
        let strides = Strides::of(access.as_access(), &copy, lattice);
        Ok(Self { access, strides, link: 2 * colours * colours, scalar })
    }

    /// Writes a link, unless the view holds sites of the other parity only. `site` counts the sites of the lattice, x
    /// fastest; `numbers` are its real numbers by row, column, re, im.
    ///
    /// # Panics
    /// For a site or direction out of range.
    ///
    /// # Safety
    /// No other thread puts the same link at the same time.
    pub unsafe fn put(&self, site: usize, mu: usize, numbers: &[f64]) {
        let access = self.access.as_access();
        if !access.sites().holds(site) {
            return;
        }
        let base = access.address(site, 0, 0, 0, 0).cast_mut();
        let offsets = &self.strides.offsets[mu * self.link..(mu + 1) * self.link];
        for (&offset, &x) in offsets.iter().zip(numbers) {
            let to = base.wrapping_offset(offset);
            // SAFETY: `access` has checked all addresses of the site; the rest is the caller's promise.
            unsafe {
                match self.scalar {
                    raw::GLK_F64 => to.cast::<f64>().write(x),
                    _ => to.cast::<f32>().write(x as f32),
                }
            }
        }
    }
}
