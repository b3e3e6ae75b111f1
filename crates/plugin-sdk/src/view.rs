//! Safe views of fields that somebody else owns.

use crate::raw::{self, glk_view};
use crate::{Access, AccessMut, Error, Lattice, LayoutId, Result, Sites, sized};
use std::marker::PhantomData;

/// A field that may be read.
#[derive(Clone, Copy)]
pub struct View<'a> {
    raw: glk_view,
    name: &'static str,
    layout: Option<LayoutId>,
    memory: PhantomData<&'a [f64]>,
}

/// A field that may be read and written.
pub struct ViewMut<'a>(View<'a>);

/// Extents of a site's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Directions of a link field, else 1.
    pub directions: usize,
    /// Matrix rows that are stored, or spins.
    pub rows: usize,
    /// Matrix columns, or colours.
    pub columns: usize,
    /// Ls.
    pub dim5: usize,
    /// Fields of the batch.
    pub batch: usize,
    /// 2 for complex numbers, 1 for real ones.
    pub reals: usize,
}

impl Shape {
    /// Numbers of one site of one field of the batch.
    pub fn reals_per_site(&self) -> usize {
        self.directions * self.rows * self.columns * self.dim5 * self.reals
    }
}

impl<'a> View<'a> {
    /// What a host passed as the argument `name`.
    ///
    /// # Safety
    /// `raw` is NULL or as [`crate::read_sized`] wants it, and its planes stay readable for `'a`.
    #[inline]
    pub unsafe fn from_raw(raw: *const glk_view, name: &'static str) -> Result<Self> {
        // SAFETY: the caller's promise.
        let raw = unsafe { sized::read(raw) }
            .ok_or_else(|| Error::invalid(format!("{name} is NULL, or its size is not set")))?;
        Ok(Self { raw, name, layout: None, memory: PhantomData })
    }
    /// As [`Self::from_raw`] of another view, of this layout, into the struct of the last one.
    ///
    /// # Safety
    /// As there; the struct is whole, and as this one but for planes and generation.
    #[inline]
    pub(crate) unsafe fn move_to(&mut self, raw: *const glk_view, name: &'static str) {
        // SAFETY: the caller's promise.
        unsafe {
            self.raw.plane = (&raw const (*raw).plane).read_unaligned();
            self.raw.generation = (&raw const (*raw).generation).read_unaligned();
        }
        self.name = name;
    }
    /// The name of its layout, for what was found out about it to be kept from call to call. None for views that no
    /// host gave to an object, that were changed, and whose site table may change.
    #[inline]
    pub fn layout(&self) -> Option<LayoutId> {
        self.layout
    }
    pub(crate) fn set_layout(&mut self, layout: Option<LayoutId>) {
        self.layout = layout;
    }
    /// A batch of link fields in a slice, `[field][site][mu][row][column][re, im]`, sites in lex order.
    pub fn gauge(data: &'a [f64], lattice: &Lattice, ncolor: usize) -> Result<Self> {
        Self::lex(data.as_ptr(), data.len(), lattice, raw::GLK_GAUGE, [lattice.ndim(), ncolor, ncolor])
    }
    /// As [`Self::gauge`], of algebra elements in the convention `GLK_ALG_F`.
    pub fn algebra(data: &'a [f64], lattice: &Lattice, ncolor: usize) -> Result<Self> {
        Self::lex(data.as_ptr(), data.len(), lattice, raw::GLK_ALGEBRA, [lattice.ndim(), ncolor, ncolor])
    }
    /// A batch of Wilson spinors in a slice, `[field][site][spin][colour][re, im]`, sites in lex order.
    pub fn spinor(data: &'a [f64], lattice: &Lattice, nspin: usize, ncolor: usize) -> Result<Self> {
        Self::lex(data.as_ptr(), data.len(), lattice, raw::GLK_WILSON, [1, nspin, ncolor])
    }
    fn lex(
        data: *const f64,
        len: usize,
        lattice: &Lattice,
        kind: i32,
        [mus, rows, columns]: [usize; 3],
    ) -> Result<Self> {
        let site = 2 * mus * rows * columns;
        let field = site * lattice.sites();
        if field == 0 || len == 0 || !len.is_multiple_of(field) {
            return Err(Error::invalid(format!("a slice of {len} numbers is no batch of fields of {field}")));
        }
        let mut raw = sized::new::<glk_view>();
        raw.kind = kind;
        raw.scalar = raw::GLK_F64;
        raw.site_order = raw::GLK_SITE_LEX;
        raw.device_type = raw::GLK_DEV_CPU;
        raw.nplanes = 1;
        raw.dim5 = 1;
        raw.gamma_basis = raw::GLK_GAMMA_DEGRAND_ROSSI;
        raw.algebra_conv = raw::GLK_ALG_F;
        (raw.nspin, raw.nrow) = if kind == raw::GLK_WILSON { (rows as u32, 1) } else { (0, rows as u32) };
        raw.ncolor = columns as u32;
        raw.nrhs = (len / field) as u32;
        raw.plane[0] = data.cast_mut().cast();
        raw.plane_bytes = 8 * len as u64;
        raw.stride_site = 8 * site as i64;
        raw.stride_mu = 16 * (rows * columns) as i64;
        raw.stride_row = 16 * columns as i64;
        raw.stride_col = 16;
        raw.stride_rhs = 8 * field as i64;
        Ok(Self { raw, name: "view", layout: None, memory: PhantomData })
    }
    /// The same view without its lifetime, for preconditioners that read links in place between calls.
    ///
    /// # Safety
    /// It is not used after the host may have freed or changed the field: after the next `setup` or in `drop`.
    pub unsafe fn retain(&self) -> View<'static> {
        View { raw: self.raw, name: self.name, layout: self.layout, memory: PhantomData }
    }
    /// The C struct.
    #[inline]
    pub fn as_raw(&self) -> &glk_view {
        &self.raw
    }
    /// The name of the argument, for errors.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }
    /// Fields of the batch.
    #[inline]
    pub fn batch(&self) -> usize {
        self.raw.nrhs.max(1) as usize
    }
    /// Extents of a site's numbers, by kind.
    pub fn shape(&self, lattice: &Lattice) -> Result<Shape> {
        let raw = &self.raw;
        let (nspin, ncolor, nrow) = (raw.nspin as usize, raw.ncolor as usize, raw.nrow as usize);
        let ([directions, rows, columns], reals) = match raw.kind {
            raw::GLK_GAUGE | raw::GLK_ALGEBRA => ([lattice.ndim(), nrow, ncolor], 2),
            raw::GLK_WILSON => ([1, nspin, ncolor], 2),
            raw::GLK_STAGGERED => ([1, 1, ncolor], 2),
            raw::GLK_SCALAR => ([1, 1, 1], 1),
            other => return Err(self.wrong(format!("kind is {other}; 1 (GAUGE) to 5 (SCALAR) exist"))),
        };
        if !(1..=64).contains(&columns)
            || !(1..=64).contains(&rows)
            || (reals == 2 && directions > 1 && rows > columns)
        {
            return Err(self.wrong(format!(
                "nspin {nspin}, ncolor {ncolor}, nrow {nrow} do not fit its kind {}",
                raw.kind
            )));
        }
        if directions > 1 && raw.dim5 > 1 {
            return Err(self.wrong(format!("dim5 is {}; links have no fifth dimension", raw.dim5)));
        }
        if raw.kind == raw::GLK_ALGEBRA && !matches!(raw.algebra_conv, raw::GLK_ALG_F | raw::GLK_ALG_NEG_F) {
            return Err(self
                .wrong(format!("algebra_conv is {}; ALG_F (1) and ALG_NEG_F (2) exist", raw.algebra_conv)));
        }
        if raw.dim5 < 0 || raw.dim5 > 1 << 16 || raw.nrhs > 1 << 20 {
            return Err(self.wrong(format!("dim5 is {}, nrhs {}", raw.dim5, raw.nrhs)));
        }
        Ok(Shape { directions, rows, columns, dim5: raw.dim5.max(1) as usize, batch: self.batch(), reals })
    }
    /// Checks everything (codes, strides, alignment, bounds) and gives access to the numbers. CPU memory only.
    pub fn access(&self, lattice: &Lattice) -> Result<Access<'_>> {
        self.checked(lattice, false)
    }
    /// As [`Self::access`]. The numbers of a field that is written must each have a place: more than fit into the bytes that
    /// the strides reach share some.
    fn checked(&self, lattice: &Lattice, written: bool) -> Result<Access<'_>> {
        let raw = &self.raw;
        let shape = self.shape(lattice)?;
        if !matches!(raw.device_type, 0 | raw::GLK_DEV_CPU | raw::GLK_DEV_CUDA_HOST | raw::GLK_DEV_ROCM_HOST)
        {
            let message =
                format!("{}: device_type is {}; only CPU memory is served", self.name, raw.device_type);
            return Err(Error::unsupported(message));
        }
        let scalar_bytes = match raw.scalar {
            raw::GLK_F64 => 8,
            raw::GLK_F32 => 4,
            raw::GLK_F16 | raw::GLK_BF16 => {
                return Err(Error::unsupported(format!("{}: 16-bit numbers are not served", self.name)));
            }
            other => return Err(self.wrong(format!("scalar is {other}; F32 (3) and F64 (4) are served"))),
        };
        // SAFETY: whoever made the view vouches for its table.
        let sites = unsafe { Sites::new(raw, lattice, self.name) }?;
        let planes = raw.nplanes.max(1) as usize;
        if planes != 1 && planes != shape.directions || planes > raw::GLK_MAX_PLANES {
            return Err(self.wrong(format!("nplanes is {planes}; 1 or {} are possible", shape.directions)));
        }
        // A power of two: no division, of which a check would have a dozen.
        let uneven = |bytes: i64| bytes & (scalar_bytes - 1) != 0;
        let stride_mu = if planes > 1 { 0 } else { raw.stride_mu };
        let stride_im = if raw.stride_reim == 0 { scalar_bytes } else { raw.stride_reim };
        let steps = [
            ("stride_mu", shape.directions, stride_mu),
            ("stride_row", shape.rows, raw.stride_row),
            ("stride_col", shape.columns, raw.stride_col),
            ("stride_5", shape.dim5, raw.stride_5),
            ("stride_rhs", shape.batch, raw.stride_rhs),
            ("stride_reim", shape.reals, stride_im),
            ("stride_site", 2, raw.stride_site),
            ("stride_lane", 2, raw.stride_lane),
        ];
        let (mut low, mut high) = sites.range();
        for (i, (field, count, stride)) in steps.into_iter().enumerate() {
            if count > 1 && uneven(stride) {
                return Err(self
                    .wrong(format!("{field} is {stride}, no multiple of a number's {scalar_bytes} bytes")));
            }
            if i < 6 {
                let span = (count as i128 - 1) * i128::from(stride);
                (low, high) = (low + span.min(0), high + span.max(0));
            }
        }
        if low < 0 || high + i128::from(scalar_bytes) > i128::from(raw.plane_bytes) {
            let last = high + i128::from(scalar_bytes);
            return Err(self.wrong(format!(
                "its strides reach bytes {low} to {last} of a plane, but plane_bytes is {}",
                raw.plane_bytes
            )));
        }
        let held = if raw.parity == raw::GLK_BOTH { lattice.sites() } else { lattice.sites() / 2 };
        let numbers = (shape.reals_per_site() / planes) as i128 * shape.batch as i128 * held as i128;
        let reached = high - low + i128::from(scalar_bytes);
        if written && numbers * i128::from(scalar_bytes) > reached {
            return Err(self.wrong(format!(
                "its strides put {numbers} numbers into {reached} bytes of a plane, so that some share a place; an output needs \
                 one for each"
            )));
        }
        for (i, plane) in raw.plane[..planes].iter().enumerate() {
            if plane.is_null() || uneven(plane.addr() as i64) {
                return Err(self.wrong(format!("plane[{i}] is NULL or not aligned to {scalar_bytes} bytes")));
            }
        }
        if written && let Some(entry) = sites.repeated() {
            return Err(self.wrong(format!(
                "site_table has the entry {entry} twice; an output needs a place for each site"
            )));
        }
        let reach = [low as usize, (high + i128::from(scalar_bytes)) as usize];
        // SAFETY: every address of the shape was checked above.
        Ok(unsafe { Access::new(*raw, shape, sites, [stride_mu, stride_im], reach) })
    }
    fn wrong(&self, what: String) -> Error {
        Error::invalid(format!("{}: {what}", self.name))
    }
}

impl<'a> ViewMut<'a> {
    /// As [`View::from_raw`].
    ///
    /// # Safety
    /// As there, and the planes may be written.
    #[inline]
    pub unsafe fn from_raw(raw: *const glk_view, name: &'static str) -> Result<Self> {
        // SAFETY: the caller's promise.
        let view = unsafe { View::from_raw(raw, name) }?;
        if view.raw.flags & raw::GLK_VIEW_CONST != 0 {
            return Err(view.wrong("flags say CONST, but it is an output".into()));
        }
        Ok(Self(view))
    }
    /// As [`View::gauge`].
    pub fn gauge(data: &'a mut [f64], lattice: &Lattice, ncolor: usize) -> Result<Self> {
        let shape = [lattice.ndim(), ncolor, ncolor];
        Ok(Self(View::lex(data.as_mut_ptr(), data.len(), lattice, raw::GLK_GAUGE, shape)?))
    }
    /// As [`View::algebra`].
    pub fn algebra(data: &'a mut [f64], lattice: &Lattice, ncolor: usize) -> Result<Self> {
        let shape = [lattice.ndim(), ncolor, ncolor];
        Ok(Self(View::lex(data.as_mut_ptr(), data.len(), lattice, raw::GLK_ALGEBRA, shape)?))
    }
    /// As [`View::spinor`].
    pub fn spinor(data: &'a mut [f64], lattice: &Lattice, nspin: usize, ncolor: usize) -> Result<Self> {
        Ok(Self(View::lex(data.as_mut_ptr(), data.len(), lattice, raw::GLK_WILSON, [1, nspin, ncolor])?))
    }
    /// For reading.
    #[inline]
    pub fn as_view(&self) -> &View<'a> {
        &self.0
    }
    #[inline]
    pub(crate) fn view_mut(&mut self) -> &mut View<'a> {
        &mut self.0
    }
    /// The C struct, for functions of the ABI. Nothing checks what is written through it: planes, `plane_bytes` and site
    /// table have to stay true.
    pub fn as_raw_mut(&mut self) -> *mut glk_view {
        self.0.layout = None;
        &raw mut self.0.raw
    }
    /// Describes the same memory as a field of another kind (`GLK_GAUGE`, `GLK_ALGEBRA`, ...).
    pub fn set_kind(&mut self, kind: i32) {
        self.0.layout = None;
        self.0.raw.kind = kind;
    }
    /// Sets the sign of algebra elements, `GLK_ALG_F` or `GLK_ALG_NEG_F`.
    pub fn set_algebra_conv(&mut self, convention: i32) {
        self.0.layout = None;
        self.0.raw.algebra_conv = convention;
    }
    /// Sets `GLK_VIEW_*`.
    pub fn set_flags(&mut self, flags: u32) {
        self.0.layout = None;
        self.0.raw.flags = flags;
    }
    /// Fields of the batch.
    #[inline]
    pub fn batch(&self) -> usize {
        self.0.batch()
    }
    /// As [`View::access`], for writing as well.
    pub fn access(&mut self, lattice: &Lattice) -> Result<AccessMut<'_>> {
        Ok(AccessMut::new(self.0.checked(lattice, true)?))
    }
}
