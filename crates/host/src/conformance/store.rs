//! Fields in the memory orders of `plugin.h`, with gaps around their numbers that nobody may touch.

use super::plane::Plane;
use gaugelink_plugin_sdk::raw::{self, GLK_MAX_DIM, glk_view};
use gaugelink_plugin_sdk::{Lattice, View, ViewMut, sized_struct};

/// What the gaps hold: NaN, read as one f64 or as two f32.
pub(super) const GAP: u64 = 0x7ff8_beef_7ff8_beef;

/// How the numbers of a site follow each other.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Form {
    /// Sites first, `[site][mu][row][column][lane][re, im]`, and a gap behind each.
    Sites,
    /// As above with real and imaginary lanes apart, `[site][mu][row][column][re, im][lane]`.
    SplitLanes,
    /// Sites last and columns before rows, `[mu][column][row][re, im][site]`.
    Components,
    /// As [`Form::Sites`] without mu: a plane for each direction.
    Planes,
}

/// A memory order.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    pub(super) order: i32,
    pub(super) scalar: i32,
    pub(super) form: Form,
    pub(super) halo: bool,
    /// `GLK_BOTH`, or that of the spinors.
    pub(super) parity: i32,
    /// Ls of the spinors; 1: they have no fifth dimension.
    pub(super) fifth: usize,
    /// Links without their last row, which follows from unitarity.
    pub(super) fewer_rows: bool,
}

/// The plain order: sites in lex order, f64, nothing in between but a gap.
pub(super) const PLAIN: Layout = Layout {
    order: raw::GLK_SITE_LEX,
    scalar: raw::GLK_F64,
    form: Form::Sites,
    halo: false,
    parity: raw::GLK_BOTH,
    fifth: 1,
    fewer_rows: false,
};

/// Which field: its kind and the extents of a site, `[mu, row, column]`.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    pub(super) code: i32,
    pub(super) extents: [usize; 3],
}

impl Kind {
    /// Numbers of one field in lex order.
    pub(super) fn len(&self, lattice: &Lattice) -> usize {
        2 * self.extents.iter().product::<usize>() * lattice.sites()
    }
    /// What a layout holds of it.
    pub(super) fn stored(mut self, layout: Layout) -> Self {
        if layout.fewer_rows && self.code == raw::GLK_GAUGE && self.extents[1] > 1 {
            self.extents[1] -= 1;
        }
        self
    }
    /// The numbers of fields that a layout holds.
    pub(super) fn held(self, layout: Layout, fields: &[f64]) -> Vec<f64> {
        let [whole, kept] = [self, self.stored(layout)].map(|kind| 2 * kind.extents[1] * kind.extents[2]);
        fields.chunks(whole).flat_map(|matrix| &matrix[..kept]).copied().collect()
    }
}

/// Memory with a field, or a batch of them.
pub(super) struct Store {
    planes: Vec<Plane>,
    raw: glk_view,
    lattice: Lattice,
    /// The site table, if the order has one.
    _table: Vec<i64>,
}

impl Store {
    /// Memory that holds nothing but gaps.
    pub(super) fn new(kind: Kind, layout: Layout, lattice: &Lattice, batch: usize) -> Self {
        let [mus, rows, columns] = kind.stored(layout).extents.map(|extent| extent as i64);
        let number = if layout.scalar == raw::GLK_F64 { 8 } else { 4 };
        let mut raw = sized_struct::<glk_view>();
        (raw.kind, raw.scalar, raw.site_order) = (kind.code, layout.scalar, layout.order);
        (raw.device_type, raw.nplanes, raw.dim5) = (raw::GLK_DEV_CPU, 1, 1);
        (raw.gamma_basis, raw.algebra_conv) = (raw::GLK_GAMMA_DEGRAND_ROSSI, raw::GLK_ALG_F);
        let spinor = kind.code == raw::GLK_WILSON;
        raw.parity = if spinor { layout.parity } else { raw::GLK_BOTH };
        (raw.nspin, raw.nrow) = if spinor { (rows as u32, 1) } else { (0, rows as u32) };
        (raw.ncolor, raw.nrhs) = (columns as u32, batch as u32);
        let (sites, lanes) = places(&mut raw, layout, lattice);
        let table: Vec<i64> =
            (0..lattice.sites() as i64).map(|lex| 2 * ((lex * 5 + 3) % lattice.sites() as i64) + 1).collect();
        let sites = if layout.order == raw::GLK_SITE_TABLE {
            raw.site_table = table.as_ptr();
            2 * sites + 1
        } else {
            sites
        };
        // A gap of one number between fields is enough to see who ignores it.
        let planes = layout.form == Form::Planes && mus > 1;
        let components = rows * columns * if planes { 1 } else { mus };
        raw.stride_lane = 2 * number;
        raw.stride_col = 2 * number * lanes;
        match layout.form {
            Form::Sites | Form::Planes => {}
            Form::SplitLanes => (raw.stride_lane, raw.stride_reim) = (number, number * lanes),
            Form::Components => raw.stride_reim = number * sites,
        }
        if layout.form == Form::Components {
            raw.stride_site = number;
            raw.stride_row = 2 * number * sites;
            raw.stride_col = raw.stride_row * rows;
            raw.stride_mu = raw.stride_col * columns;
            raw.stride_rhs = raw.stride_mu * mus + 2 * number;
        } else {
            raw.stride_row = raw.stride_col * columns;
            raw.stride_mu = if planes { 0 } else { raw.stride_row * rows };
            raw.stride_site = 2 * number * lanes * (components + 1);
            raw.stride_rhs = raw.stride_site * sites + 2 * number;
        }
        if spinor && layout.fifth > 1 {
            raw.dim5 = layout.fifth as i32;
            raw.stride_5 = raw.stride_rhs;
            raw.stride_rhs = raw.stride_5 * layout.fifth as i64 + 2 * number;
        }
        raw.plane_bytes = (raw.stride_rhs * batch as i64 + 2 * number) as u64;
        let count = if planes { mus as usize } else { 1 };
        raw.nplanes = count as u32;
        let words = raw.plane_bytes.div_ceil(8) as usize;
        let planes = (0..count).map(|_| Plane::filled(f64::from_bits(GAP), words)).collect();
        Self::of(planes, raw, lattice, table)
    }
    /// All that is in its memory, gaps included.
    pub(super) fn bits(&self) -> Vec<u64> {
        self.planes.iter().flat_map(|plane| plane.iter().map(|x| x.to_bits())).collect()
    }
    /// A field in these planes.
    fn of(mut planes: Vec<Plane>, mut raw: glk_view, lattice: &Lattice, table: Vec<i64>) -> Self {
        raw.plane.iter_mut().zip(&mut planes).for_each(|(place, plane)| *place = plane.as_mut_ptr().cast());
        Self { planes, raw, lattice: lattice.clone(), _table: table }
    }
    /// For reading.
    pub(super) fn view(&self) -> View<'_> {
        // SAFETY: the store owns memory and table.
        unsafe { View::from_raw(&raw const self.raw, "field") }.expect("the size is set")
    }
    /// For writing, with these `GLK_VIEW_*`.
    pub(super) fn view_mut(&mut self, flags: u32) -> ViewMut<'_> {
        // SAFETY: as above, and it is borrowed for writing.
        let mut view = unsafe { ViewMut::from_raw(&raw const self.raw, "field") }.expect("the size is set");
        view.set_flags(flags);
        view
    }
    /// What the owner says of the contents: 0, or another number for others.
    pub(super) fn set_generation(&mut self, generation: u64) {
        self.raw.generation = generation;
    }
    /// Writes a batch of fields given in lex order; those of a fifth dimension one after the other.
    pub(super) fn put(&mut self, fields: &[f64]) {
        let (lattice, batch) = (self.lattice.clone(), self.view().batch());
        let sites = lattice.sites();
        let mut view = self.view_mut(0);
        let mut access = view.access(&lattice).expect("a layout of our own");
        let each = fields.len() / batch;
        // The view's order has the fifth dimension within a site.
        let fifth = access.as_access().shape().dim5;
        fields.chunks(each).enumerate().for_each(|(b, field)| {
            access.scatter(b, &swapped(field, fifth, sites));
        });
    }
    /// The batch as [`Self::put`] takes it; zero at sites of the other parity.
    pub(super) fn get(&self) -> Vec<f64> {
        let view = self.view();
        let access = view.access(&self.lattice).expect("a layout of our own");
        let each = access.shape().reals_per_site() * self.lattice.sites();
        let mut out = vec![0.0; each * view.batch()];
        out.chunks_mut(each).enumerate().for_each(|(b, field)| {
            access.gather(b, field);
            field.copy_from_slice(&swapped(field, self.lattice.sites(), access.shape().dim5));
        });
        out
    }
    /// Whether every gap is as it was.
    pub(super) fn gaps_are_whole(&self) -> bool {
        let zeros = self.planes.iter().map(|plane| Plane::filled(0.0, plane.len())).collect();
        let mut marked = Self::of(zeros, self.raw, &self.lattice, Vec::new());
        let ones = vec![1.0; self.get().len()];
        marked.put(&ones);
        let halves = |word: f64| [word.to_bits() as u32, (word.to_bits() >> 32) as u32];
        let gap = halves(f64::from_bits(GAP));
        let double = self.raw.scalar == raw::GLK_F64;
        let words = |planes: &[Plane]| -> Vec<f64> {
            planes.iter().flat_map(|plane| plane.iter().copied()).collect()
        };
        words(&self.planes).into_iter().zip(words(&marked.planes)).all(|(word, mark)| {
            let (word, mark) = (halves(word), halves(mark));
            // 1.0 has a lower half of zeros.
            let used = if double { [mark[1] != 0; 2] } else { mark.map(|half| half != 0) };
            (0..2).all(|i| used[i] || word[i] == gap[i])
        })
    }
}

/// Blocks `[outer][inner]` in the order `[inner][outer]`.
fn swapped(blocks: &[f64], outer: usize, inner: usize) -> Vec<f64> {
    let each = blocks.len() / (outer * inner);
    let block = |i: usize| &blocks[(i % outer * inner + i / outer) * each..][..each];
    (0..outer * inner).flat_map(block).copied().collect()
}

/// Elements and lanes of a layout; sets lanes and halo of the view.
fn places(raw: &mut glk_view, layout: Layout, lattice: &Lattice) -> (i64, i64) {
    let one_parity = raw.parity != raw::GLK_BOTH;
    let blocked = matches!(layout.order, raw::GLK_SITE_BLOCK | raw::GLK_SITE_BLOCK_EO);
    let (mut elements, mut lanes) = (1, 1);
    raw.simd = [1; GLK_MAX_DIM];
    for (d, &extent) in lattice.local().iter().enumerate() {
        // Two lanes in each of the last two directions, as Grid has them for AVX-512.
        let halved = d == 0 && layout.order == raw::GLK_SITE_BLOCK_EO;
        if blocked && d + 2 >= lattice.ndim() && extent % 2 == 0 && !halved {
            raw.simd[d] = 2;
        }
        if layout.halo {
            raw.halo[d] = if d == 0 { 2 } else { 1 };
        }
        elements *= extent / i64::from(raw.simd[d]) + 2 * i64::from(raw.halo[d]);
        lanes *= i64::from(raw.simd[d]);
    }
    (if one_parity && layout.order != raw::GLK_SITE_TABLE { elements / 2 } else { elements }, lanes)
}

#[cfg(test)]
mod tests {
    use super::super::fields::numbers;
    use super::*;

    #[test]
    fn every_layout_gives_back_what_was_put_and_keeps_its_gaps() {
        let lattice = Lattice::single(&[4, 2, 2, 4]).unwrap();
        let kind = Kind { code: raw::GLK_GAUGE, extents: [4, 2, 2] };
        let fields: Vec<f64> =
            numbers(1, 2 * kind.len(&lattice)).iter().map(|&x| f64::from(x as f32)).collect();
        for order in [raw::GLK_SITE_LEX, raw::GLK_SITE_EO, raw::GLK_SITE_BLOCK, raw::GLK_SITE_TABLE] {
            for form in [Form::Sites, Form::SplitLanes, Form::Components, Form::Planes] {
                for scalar in [raw::GLK_F32, raw::GLK_F64] {
                    if form == Form::Components && order == raw::GLK_SITE_BLOCK {
                        continue;
                    }
                    let halo = order == raw::GLK_SITE_LEX;
                    let layout = Layout { order, scalar, form, halo, ..PLAIN };
                    let mut store = Store::new(kind, layout, &lattice, 2);
                    assert!(store.get().iter().all(|x| x.is_nan()) && store.gaps_are_whole());
                    store.put(&fields);
                    assert!(store.get() == fields && store.gaps_are_whole());
                    *store.planes.last_mut().unwrap().last_mut().unwrap() = 0.0;
                    assert!(!store.gaps_are_whole());
                }
            }
        }
    }

    #[test]
    fn a_fifth_dimension_is_a_batch_with_another_stride() {
        let lattice = Lattice::single(&[4, 2, 2, 2]).unwrap();
        let kind = Kind { code: raw::GLK_WILSON, extents: [1, 4, 3] };
        let mut store = Store::new(kind, Layout { fifth: 2, ..PLAIN }, &lattice, 2);
        let fields = numbers(1, 4 * kind.len(&lattice));
        store.put(&fields);
        assert!(store.get() == fields && store.gaps_are_whole());
        // s = 1 of field 1 begins behind three others.
        let (view, each) = (store.view(), kind.len(&lattice));
        let place = (view.as_raw().stride_rhs + view.as_raw().stride_5) as usize / 8;
        assert_eq!(store.planes[0][place], fields[3 * each]);
    }

    #[test]
    fn links_without_a_row_keep_the_others() {
        let lattice = Lattice::single(&[2, 2]).unwrap();
        let kind = Kind { code: raw::GLK_GAUGE, extents: [2, 3, 3] };
        let layout = Layout { fewer_rows: true, ..PLAIN };
        let fields = numbers(1, kind.len(&lattice));
        let mut store = Store::new(kind, layout, &lattice, 1);
        store.put(&kind.held(layout, &fields));
        assert_eq!((store.get()[12], store.get().len()), (fields[18], kind.len(&lattice) / 3 * 2));
        assert!(store.gaps_are_whole());
    }
}
