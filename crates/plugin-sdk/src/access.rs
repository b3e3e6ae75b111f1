//! Numbers of a checked view, one by one and as whole fields.

use crate::raw::{self, glk_view};
use crate::{Shape, Sites};
use std::marker::PhantomData;
use std::ops::Range;

/// The numbers of a checked view, for reading.
pub struct Access<'a> {
    raw: glk_view,
    shape: Shape,
    sites: Sites,
    stride_mu: i64,
    stride_im: i64,
    /// First byte of a number in each plane, and the one behind the last.
    reach: [usize; 2],
    memory: PhantomData<&'a [f64]>,
}

/// The numbers of a checked view, for writing as well.
pub struct AccessMut<'a>(Access<'a>);

impl Access<'_> {
    /// # Safety
    /// Every address of the shape lies in the planes.
    pub(crate) unsafe fn new(
        raw: glk_view,
        shape: Shape,
        sites: Sites,
        [stride_mu, stride_im]: [i64; 2],
        reach: [usize; 2],
    ) -> Self {
        Self { raw, shape, sites, stride_mu, stride_im, reach, memory: PhantomData }
    }
    /// Extents of a site's numbers.
    pub fn shape(&self) -> Shape {
        self.shape
    }
    /// The order of sites.
    pub fn sites(&self) -> &Sites {
        &self.sites
    }
    /// Bytes from the real to the imaginary part.
    pub fn imaginary_bytes(&self) -> i64 {
        self.stride_im
    }
    /// The address of the real part of element (row, column) in direction mu of a site, s = 0, of field b of the batch.
    ///
    /// # Panics
    /// For an index out of range, and for a site that the view does not hold.
    #[inline]
    pub fn address(&self, site: usize, mu: usize, row: usize, column: usize, b: usize) -> *const u8 {
        let shape = &self.shape;
        let inside = mu < shape.directions && row < shape.rows && column < shape.columns && b < shape.batch;
        assert!(inside, "element ({mu}, {row}, {column}) of field {b} in {shape:?}");
        debug_assert!(self.sites.holds(site), "the view does not hold site {site}");
        let plane = self.raw.plane[if self.raw.nplanes > 1 { mu } else { 0 }];
        let offset = self.sites.offset(site)
            + mu as i64 * self.stride_mu
            + row as i64 * self.raw.stride_row
            + column as i64 * self.raw.stride_col
            + b as i64 * self.raw.stride_rhs;
        plane.cast::<u8>().wrapping_offset(offset as isize)
    }
    /// Real and imaginary part of an element (0 for real numbers); indices as for [`Self::address`].
    #[inline]
    pub fn get(&self, site: usize, mu: usize, row: usize, column: usize, b: usize) -> [f64; 2] {
        self.at(self.address(site, mu, row, column, b))
    }
    fn at(&self, address: *const u8) -> [f64; 2] {
        let im = address.wrapping_offset(if self.shape.reals == 2 { self.stride_im } else { 0 } as isize);
        // SAFETY: all addresses of the shape were checked with the view: bounds, alignment, number type.
        let z = unsafe {
            if self.raw.scalar == raw::GLK_F64 {
                [address.cast::<f64>().read(), im.cast::<f64>().read()]
            } else {
                [f64::from(address.cast::<f32>().read()), f64::from(im.cast::<f32>().read())]
            }
        };
        if self.shape.reals == 2 { z } else { [z[0], 0.0] }
    }
    /// Calls `each(index, address)` for every element of field b that the view holds; `index` counts the numbers of
    /// `[site][s][mu][row][column][re, im]`, sites in lex order.
    fn walk(&self, b: usize, mut each: impl FnMut(usize, *const u8)) {
        let shape = self.shape;
        for site in (0..self.sites.count()).filter(|&site| self.sites.holds(site)) {
            let mut index = site * shape.reals_per_site();
            for s in 0..shape.dim5 {
                for mu in 0..shape.directions {
                    let base = self
                        .address(site, mu, 0, 0, b)
                        .wrapping_offset((s as i64 * self.raw.stride_5) as isize);
                    for row in 0..shape.rows {
                        for column in 0..shape.columns {
                            let step = row as i64 * self.raw.stride_row + column as i64 * self.raw.stride_col;
                            each(index, base.wrapping_offset(step as isize));
                            index += shape.reals;
                        }
                    }
                }
            }
        }
    }
    /// The bytes of each plane from the first number to the last.
    pub(crate) fn planes(&self) -> impl Iterator<Item = Range<usize>> {
        let (count, [low, high]) = (self.raw.nplanes.max(1) as usize, self.reach);
        self.raw.plane[..count].iter().map(move |plane| plane.addr() + low..plane.addr() + high)
    }
    /// Calls `each` with the bytes of every number of every field.
    pub(crate) fn each_number(&self, mut each: impl FnMut(Range<usize>)) {
        let bytes = if self.raw.scalar == raw::GLK_F64 { 8 } else { 4 };
        for b in 0..self.shape.batch {
            self.walk(b, |_, address| {
                for part in [0, self.stride_im].into_iter().take(self.shape.reals) {
                    let start = address.wrapping_offset(part as isize).addr();
                    each(start..start + bytes);
                }
            });
        }
    }
    /// Copies field b into `[site][s][mu][row][column][re, im]`, sites in lex order; other parities stay as they are.
    /// Returns the bytes copied.
    ///
    /// # Panics
    /// If `out` is shorter than the field.
    pub fn gather(&self, b: usize, out: &mut [f64]) -> u64 {
        let mut elements = 0;
        self.walk(b, |index, address| {
            let z = self.at(address);
            out[index..index + self.shape.reals].copy_from_slice(&z[..self.shape.reals]);
            elements += 1;
        });
        self.bytes(elements)
    }
    fn bytes(&self, elements: u64) -> u64 {
        elements * self.shape.reals as u64 * if self.raw.scalar == raw::GLK_F64 { 8 } else { 4 }
    }
}

impl<'a> AccessMut<'a> {
    pub(crate) fn new(access: Access<'a>) -> Self {
        Self(access)
    }
    /// For reading.
    pub fn as_access(&self) -> &Access<'a> {
        &self.0
    }
    /// As [`Access::address`].
    ///
    /// # Panics
    /// As there.
    #[inline]
    pub fn address(&mut self, site: usize, mu: usize, row: usize, column: usize, b: usize) -> *mut u8 {
        self.0.address(site, mu, row, column, b).cast_mut()
    }
    /// Writes an element, or adds to it if the view says `ACCUMULATE`; indices as for [`Access::address`].
    #[inline]
    pub fn set(&mut self, site: usize, mu: usize, row: usize, column: usize, b: usize, z: [f64; 2]) {
        self.put(self.0.address(site, mu, row, column, b), z);
    }
    fn put(&self, address: *const u8, mut z: [f64; 2]) {
        if self.0.raw.flags & raw::GLK_VIEW_ACCUMULATE != 0 {
            let old = self.0.at(address);
            z = [z[0] + old[0], z[1] + old[1]];
        }
        let parts = [(0, z[0]), (self.0.stride_im, z[1])];
        for (step, x) in parts.into_iter().take(self.0.shape.reals) {
            let to = address.cast_mut().wrapping_offset(step as isize);
            // SAFETY: as for reading; whoever made the view vouches that it may be written.
            unsafe {
                if self.0.raw.scalar == raw::GLK_F64 {
                    to.cast::<f64>().write(x);
                } else {
                    to.cast::<f32>().write(x as f32);
                }
            }
        }
    }
    /// The reverse of [`Access::gather`].
    ///
    /// # Panics
    /// If `from` is shorter than the field.
    pub fn scatter(&mut self, b: usize, from: &[f64]) -> u64 {
        let (reals, mut elements) = (self.0.shape.reals, 0);
        self.0.walk(b, |index, address| {
            self.put(address, [from[index], if reals == 2 { from[index + 1] } else { 0.0 }]);
            elements += 1;
        });
        self.0.bytes(elements)
    }
}
