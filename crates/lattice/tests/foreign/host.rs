//! Link fields as hosts keep them, each with an index formula of its own, written without the library's.

use gaugelink_lattice::{Real, Site};
use gaugelink_plugin_sdk::raw::{self, glk_view};
use gaugelink_plugin_sdk::{View, ViewMut, sized_struct};

/// Index of (site, mu, row, column, re|im), as scalars from the start of the memory; sites relative to the rank's box.
type Place = Box<dyn Fn(Site, [usize; 4]) -> usize>;

/// A host's SU(3) links.
pub struct Host<S> {
    pub name: &'static str,
    pub data: Vec<S>,
    pub raw: glk_view,
    pub place: Place,
    /// Global parity of the sites that it holds, if of one only.
    pub parity: Option<usize>,
    table: Vec<i64>,
}

impl<S: Real> Host<S> {
    fn new(name: &'static str, len: usize, order: i32, place: Place) -> Self {
        let mut raw = sized_struct::<glk_view>();
        raw.kind = raw::GLK_GAUGE;
        raw.scalar = if S::BITS == 64 { raw::GLK_F64 } else { raw::GLK_F32 };
        raw.site_order = order;
        (raw.ncolor, raw.nrow, raw.nplanes) = (3, 3, 1);
        let data = vec![S::from_f64(0.0); len];
        Self { name, data, raw, place, parity: None, table: Vec::new() }
    }
    /// Strides in scalars: site, mu, row, column, lane, re to im.
    fn strides(mut self, strides: [usize; 6]) -> Self {
        let [site, mu, row, column, lane, reim] = strides.map(|s| (s * size_of::<S>()) as i64);
        (self.raw.stride_site, self.raw.stride_mu, self.raw.stride_row) = (site, mu, row);
        (self.raw.stride_col, self.raw.stride_lane, self.raw.stride_reim) = (column, lane, reim);
        self.raw.plane_bytes = (self.data.len() * size_of::<S>()) as u64;
        self
    }
    pub fn view(&self) -> View<'_> {
        let mut raw = self.raw;
        self.point(&mut raw, self.data.as_ptr().cast_mut());
        // SAFETY: the planes are this field's memory.
        unsafe { View::from_raw(&raw const raw, "U") }.unwrap()
    }
    pub fn view_mut(&mut self) -> ViewMut<'_> {
        let (mut raw, start) = (self.raw, self.data.as_mut_ptr());
        self.point(&mut raw, start);
        // SAFETY: as above.
        unsafe { ViewMut::from_raw(&raw const raw, "U") }.unwrap()
    }
    fn point(&self, raw: &mut glk_view, start: *mut S) {
        let plane = raw.plane_bytes as usize / size_of::<S>();
        for mu in 0..raw.nplanes as usize {
            raw.plane[mu] = start.wrapping_add(mu * plane).cast();
        }
        if !self.table.is_empty() {
            raw.site_table = self.table.as_ptr();
        }
    }
    pub fn holds(&self, x: &Site) -> bool {
        self.parity.is_none_or(|p| x.iter().sum::<usize>() % 2 == p)
    }
}

fn lex(x: Site, l: Site) -> usize {
    x[0] + l[0] * (x[1] + l[1] * (x[2] + l[2] * x[3]))
}

/// `[t][z][y][x][mu][row][column][re|im]`: Grid's unvectorised order.
pub fn lexicographic<S: Real>(l: Site) -> Host<S> {
    let v = l.iter().product::<usize>();
    let place = move |x, [mu, a, b, im]: [usize; 4]| ((lex(x, l) * 4 + mu) * 9 + 3 * a + b) * 2 + im;
    Host::new("lex", v * 72, raw::GLK_SITE_LEX, Box::new(place)).strides([72, 18, 6, 2, 0, 0])
}

/// As [`lexicographic`], with matrices by columns, all real parts before the imaginary ones, and one site of padding
/// around the box.
pub fn padded<S: Real>(l: Site) -> Host<S> {
    let wide = l.map(|n| n + 2);
    let v = wide.iter().product::<usize>();
    let place = move |x: Site, [mu, a, b, im]: [usize; 4]| {
        im * v * 36 + (lex(x.map(|c| c + 1), wide) * 4 + mu) * 9 + a + 3 * b
    };
    let mut host =
        Host::new("padded", v * 72, raw::GLK_SITE_LEX, Box::new(place)).strides([36, 9, 1, 3, 0, v * 36]);
    host.raw.halo[..4].fill(1);
    host
}

/// QDP++: `multi1d<LatticeColorMatrix>`, four allocations, even sites first. `start` is the box's first site.
pub fn qdp<S: Real>(l: Site, start: Site) -> Host<S> {
    let v = l.iter().product::<usize>();
    let place = move |x: Site, [mu, a, b, im]: [usize; 4]| {
        let cb = (0..4).map(|d| x[d] + start[d]).sum::<usize>() % 2;
        let half = x[0] / 2 + l[0] / 2 * (x[1] + l[1] * (x[2] + l[2] * x[3]));
        mu * v * 18 + ((cb * v / 2 + half) * 9 + 3 * a + b) * 2 + im
    };
    let mut host = Host::new("qdp", v * 72, raw::GLK_SITE_EO, Box::new(place)).strides([18, 0, 6, 2, 0, 0]);
    host.raw.nplanes = 4;
    host.raw.plane_bytes /= 4;
    host
}

/// The odd sites alone, `[t][z][y][x/2][mu][row][column][re|im]`.
pub fn odd_half<S: Real>(l: Site) -> Host<S> {
    let v = l.iter().product::<usize>();
    let place = move |x: Site, [mu, a, b, im]: [usize; 4]| {
        let half = x[0] / 2 + l[0] / 2 * (x[1] + l[1] * (x[2] + l[2] * x[3]));
        ((half * 4 + mu) * 9 + 3 * a + b) * 2 + im
    };
    let mut host =
        Host::new("odd half", v * 36, raw::GLK_SITE_EO, Box::new(place)).strides([72, 18, 6, 2, 0, 0]);
    (host.raw.parity, host.parity) = (raw::GLK_ODD, Some(1));
    host
}

/// Grid: complex index `((osite 4 + mu) 9 + 3 a + b) Nsimd + lane`, o_d = x_d mod r_d, lane x_d / r_d.
pub fn grid<S: Real>(l: Site, simd: Site) -> Host<S> {
    let (v, n) = (l.iter().product::<usize>(), simd.iter().product::<usize>());
    let r: Site = std::array::from_fn(|d| l[d] / simd[d]);
    let place = move |x: Site, [mu, a, b, im]: [usize; 4]| {
        let osite = lex(std::array::from_fn(|d| x[d] % r[d]), r);
        let lane = lex(std::array::from_fn(|d| x[d] / r[d]), simd);
        2 * (((osite * 4 + mu) * 9 + 3 * a + b) * n + lane) + im
    };
    let mut host = Host::new("grid", v * 72, raw::GLK_SITE_BLOCK, Box::new(place)).strides([
        72 * n,
        18 * n,
        6 * n,
        2 * n,
        2,
        0,
    ]);
    host.raw.simd[..4].copy_from_slice(&simd.map(|s| s as i32));
    host
}

/// Grid, red-black: the even sites, x halved. Grid has no such links; the order is that of its spinors.
pub fn grid_even<S: Real>(l: Site, simd: Site) -> Host<S> {
    let halved = [l[0] / 2, l[1], l[2], l[3]];
    let full = grid::<S>(halved, simd);
    let inner = full.place;
    let place = move |x: Site, c: [usize; 4]| inner([x[0] / 2, x[1], x[2], x[3]], c);
    let mut host = Host { name: "grid even", place: Box::new(place), ..full };
    host.raw.site_order = raw::GLK_SITE_BLOCK_EO;
    (host.raw.parity, host.parity) = (raw::GLK_EVEN, Some(0));
    host
}

/// Sites in reverse order, with a gap of 8 scalars between them.
pub fn reversed<S: Real>(l: Site) -> Host<S> {
    let v = l.iter().product::<usize>();
    let place = move |x, [mu, a, b, im]: [usize; 4]| (v - 1 - lex(x, l)) * 80 + (mu * 9 + 3 * a + b) * 2 + im;
    let mut host =
        Host::new("table", v * 80, raw::GLK_SITE_TABLE, Box::new(place)).strides([80, 18, 6, 2, 0, 0]);
    host.table = (0..v as i64).rev().collect();
    host
}
