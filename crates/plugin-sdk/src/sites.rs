//! Where a site stands in memory: the orders of `glk_view`.

use crate::raw::{self, GLK_MAX_DIM, glk_view};
use crate::{Error, Lattice, Result};

/// The map from a local site (lex, x fastest) to a byte offset, for one view.
#[derive(Clone, Debug)]
pub struct Sites {
    order: i32,
    parity: i32,
    ndim: usize,
    local: [i64; GLK_MAX_DIM],
    /// Sum of the global coordinates of local site 0.
    origin: i64,
    /// Places on each side and their lanes, of LEX with halo and of BLOCK orders.
    halo: [i64; GLK_MAX_DIM],
    rows: [i64; GLK_MAX_DIM],
    simd: [i64; GLK_MAX_DIM],
    half: i64,
    stride_site: i64,
    stride_lane: i64,
    table: *const i64,
    sites: usize,
}

// SAFETY: the table is only read.
unsafe impl Send for Sites {}
// SAFETY: as above.
unsafe impl Sync for Sites {}

/// Most sites with their halo, as for lattices: beyond, their numbers would overflow.
const PLACES_MAX: i64 = 1 << 48;

impl Sites {
    /// Checks order, parity, halo and lanes of a view against its lattice.
    ///
    /// `name` is the argument's name in messages.
    ///
    /// # Safety
    /// A site table has one entry for each local site and lives as long as the result.
    pub(crate) unsafe fn new(view: &glk_view, lattice: &Lattice, name: &str) -> Result<Self> {
        let ndim = lattice.ndim();
        let mut sites = Self {
            order: view.site_order,
            parity: view.parity,
            ndim,
            local: [1; GLK_MAX_DIM],
            origin: lattice.origin().iter().sum(),
            halo: [0; GLK_MAX_DIM],
            rows: [1; GLK_MAX_DIM],
            simd: [1; GLK_MAX_DIM],
            half: lattice.sites() as i64 / 2,
            stride_site: view.stride_site,
            stride_lane: view.stride_lane,
            table: view.site_table,
            sites: lattice.sites(),
        };
        let fail = |what: String| Err(Error::invalid(format!("{name}: {what}")));
        let blocked = matches!(view.site_order, raw::GLK_SITE_BLOCK | raw::GLK_SITE_BLOCK_EO);
        if !(raw::GLK_BOTH..=raw::GLK_ODD).contains(&view.parity) {
            return fail(format!("parity is {}; BOTH (0), EVEN (1) and ODD (2) exist", view.parity));
        }
        let one_parity = view.parity != raw::GLK_BOTH;
        let halved = view.site_order == raw::GLK_SITE_BLOCK_EO;
        for d in 0..ndim {
            let (halo, simd) = (i64::from(view.halo[d]), i64::from(view.simd[d].max(1)));
            let places = lattice.local()[d] / if halved && d == 0 { 2 } else { 1 };
            if halo != 0 && (view.site_order != raw::GLK_SITE_LEX || halo < 0) {
                return fail(format!("halo[{d}] is {halo}; only LEX order has a halo, of 0 or more sites"));
            }
            if view.simd[d] < 0 || (simd != 1 && (!blocked || places % simd != 0)) {
                return fail(format!(
                    "simd[{d}] is {} for {places} places of site_order {}",
                    view.simd[d], view.site_order
                ));
            }
            sites.local[d] = lattice.local()[d];
            let rows = if simd == 1 { places } else { places / simd };
            (sites.halo[d], sites.simd[d], sites.rows[d]) = (halo, simd, rows);
        }
        let wide = |places: i64, d: usize| places.checked_mul(sites.local[d] + 2 * sites.halo[d]);
        if (0..ndim).try_fold(1, wide).is_none_or(|places| places > PLACES_MAX) {
            let halo = &view.halo[..ndim];
            return fail(format!("halo is {halo:?}: with it the lattice has more than 2^48 places"));
        }
        match view.site_order {
            raw::GLK_SITE_LEX | raw::GLK_SITE_BLOCK if one_parity => {
                fail(format!("site_order {} holds all sites, but parity is {}", view.site_order, view.parity))
            }
            raw::GLK_SITE_EO | raw::GLK_SITE_BLOCK_EO if sites.local[0] % 2 != 0 => {
                fail(format!("even-odd order needs an even local extent in x, not {}", sites.local[0]))
            }
            raw::GLK_SITE_BLOCK_EO if !one_parity => {
                fail("BLOCK_EO order holds one parity, but parity is BOTH".into())
            }
            raw::GLK_SITE_TABLE if view.site_table.is_null() => {
                fail("site_order is TABLE and site_table NULL".into())
            }
            raw::GLK_SITE_LEX..=raw::GLK_SITE_TABLE => Ok(sites),
            other => fail(format!("site_order is {other}; 1 (LEX) to 5 (TABLE) exist")),
        }
    }
    /// Sites of the lattice's part on this rank, whatever the view's parity.
    pub fn count(&self) -> usize {
        self.sites
    }
    /// Whether the view holds this site.
    pub fn holds(&self, lex: usize) -> bool {
        self.parity == raw::GLK_BOTH || (self.coordinates(lex).1 & 1) + 1 == i64::from(self.parity)
    }
    /// Bytes from the plane's start to the site's first number. Meaningless for a site that the view does not hold.
    ///
    /// # Panics
    /// Past the last site.
    #[inline]
    pub fn offset(&self, lex: usize) -> i64 {
        let (element, lane) = self.element(lex);
        element * self.stride_site + lane * self.stride_lane
    }
    /// Element and lane of a site.
    ///
    /// # Panics
    /// Past the last site.
    #[inline]
    pub fn element(&self, lex: usize) -> (i64, i64) {
        assert!(lex < self.sites, "site {lex} of {}", self.sites);
        match self.order {
            raw::GLK_SITE_LEX if self.halo == [0; GLK_MAX_DIM] => (lex as i64, 0),
            raw::GLK_SITE_EO => {
                let odd = self.parity == raw::GLK_BOTH && self.coordinates(lex).1 & 1 == 1;
                (lex as i64 / 2 + if odd { self.half } else { 0 }, 0)
            }
            raw::GLK_SITE_TABLE => {
                assert!(self.holds(lex), "site {lex} has the other parity");
                // SAFETY: the constructor's promise, and lex is in range.
                (unsafe { *self.table.add(lex) }, 0)
            }
            order => self.place(&self.coordinates(lex).0, order),
        }
    }
    /// LEX with halo, and BLOCK orders.
    fn place(&self, x: &[i64; GLK_MAX_DIM], order: i32) -> (i64, i64) {
        let (mut element, mut lane, mut step, mut lane_step) = (0, 0, 1, 1);
        for d in 0..self.ndim {
            if order == raw::GLK_SITE_LEX {
                element += step * (x[d] + self.halo[d]);
                step *= self.local[d] + 2 * self.halo[d];
            } else {
                let place = if order == raw::GLK_SITE_BLOCK_EO && d == 0 { x[d] / 2 } else { x[d] };
                element += step * (place % self.rows[d]);
                step *= self.rows[d];
                lane += lane_step * (place / self.rows[d]);
                lane_step *= self.simd[d];
            }
        }
        (element, lane)
    }
    /// Local coordinates, and the sum of the global ones.
    #[inline]
    fn coordinates(&self, mut lex: usize) -> ([i64; GLK_MAX_DIM], i64) {
        let (mut x, mut sum) = ([0; GLK_MAX_DIM], self.origin);
        for d in 0..self.ndim {
            x[d] = lex as i64 % self.local[d];
            lex /= self.local[d] as usize;
            sum += x[d];
        }
        (x, sum)
    }
    /// An entry of the table that two sites have.
    pub(crate) fn repeated(&self) -> Option<i64> {
        if self.order != raw::GLK_SITE_TABLE {
            return None;
        }
        let held = (0..self.sites).filter(|&lex| self.holds(lex));
        let mut entries: Vec<i64> = held.map(|lex| self.element(lex).0).collect();
        let (low, high) = (*entries.iter().min()?, *entries.iter().max()?);
        let span = high.abs_diff(low);
        // A bit for each place, where there are not many more of them than sites.
        if span / 64 > entries.len() as u64 {
            entries.sort_unstable();
            return entries.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        }
        let mut taken = vec![0u64; span as usize / 64 + 1];
        entries.into_iter().find(|entry| {
            let place = entry.abs_diff(low) as usize;
            let (bits, bit) = (&mut taken[place / 64], 1 << (place % 64));
            let was = *bits & bit != 0;
            *bits |= bit;
            was
        })
    }
    /// Smallest and largest offset of a site.
    pub(crate) fn range(&self) -> (i128, i128) {
        let span = |count: i64, stride: i64| i128::from(count - 1) * i128::from(stride);
        if self.order == raw::GLK_SITE_TABLE {
            // Every entry is looked at: a lying table must not lead out of the plane.
            let held = (0..self.sites).filter(|&lex| self.holds(lex));
            let offsets = held.map(|lex| i128::from(self.element(lex).0) * i128::from(self.stride_site));
            let range = |range: Option<(i128, i128)>, x: i128| {
                range.map_or(Some((x, x)), |(a, b)| Some((a.min(x), b.max(x))))
            };
            return offsets.fold(None, range).unwrap_or((0, 0));
        }
        let rows: i64 = match self.order {
            raw::GLK_SITE_LEX => (0..self.ndim).map(|d| self.local[d] + 2 * self.halo[d]).product(),
            raw::GLK_SITE_EO if self.parity != raw::GLK_BOTH => self.half,
            raw::GLK_SITE_EO => self.sites as i64,
            _ => self.rows.iter().product(),
        };
        let (a, b) = (span(rows, self.stride_site), span(self.simd.iter().product(), self.stride_lane));
        (a.min(0) + b.min(0), a.max(0) + b.max(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sized;

    fn sites(view: &glk_view, lattice: &Lattice) -> Result<Sites> {
        // SAFETY: the tests' tables have an entry for each site.
        unsafe { Sites::new(view, lattice, "U") }
    }

    fn view(order: i32) -> glk_view {
        let mut view = sized::new::<glk_view>();
        (view.site_order, view.stride_site, view.stride_lane) = (order, 1000, 1);
        view
    }

    #[test]
    fn grid_puts_halves_of_a_direction_in_lanes() {
        // 4x4, two lanes in y: rows (x, y mod 2), lane y/2.
        let lattice = Lattice::single(&[4, 4]).unwrap();
        let mut v = view(raw::GLK_SITE_BLOCK);
        v.simd[1] = 2;
        let s = sites(&v, &lattice).unwrap();
        assert_eq!(s.element(3 + 4 * 3), (3 + 4, 1), "site (3, 3)");
        assert_eq!(s.offset(2 + 4), 6000, "site (2, 1)");
        v.site_order = raw::GLK_SITE_BLOCK_EO;
        v.parity = raw::GLK_ODD;
        let s = sites(&v, &lattice).unwrap();
        assert_eq!(s.element(3 + 4 * 2), (1, 1), "site (3, 2): x/2 = 1, y mod 2 = 0");
        assert!(s.holds(3 + 4 * 2) && !s.holds(3 + 4 * 3));
    }

    #[test]
    fn even_odd_order_follows_global_parity() {
        let mut raw = *Lattice::single(&[4, 2]).unwrap().as_raw();
        (raw.global[0], raw.origin[0], raw.nranks, raw.comm_kind) = (9, 1, 2, raw::GLK_COMM_HOST);
        // SAFETY: a whole struct.
        let lattice = unsafe { Lattice::from_raw(&raw const raw) }.unwrap();
        let s = sites(&view(raw::GLK_SITE_EO), &lattice).unwrap();
        let elements: Vec<i64> = (0..8).map(|lex| s.element(lex).0).collect();
        assert_eq!(elements, [4, 0, 5, 1, 2, 6, 3, 7], "local site 0 is odd");
    }

    #[test]
    fn halo_shifts_and_tables_rule() {
        let lattice = Lattice::single(&[2, 2]).unwrap();
        let mut v = view(raw::GLK_SITE_LEX);
        v.halo = [1, 2, 0, 0, 0, 0];
        assert_eq!(sites(&v, &lattice).unwrap().element(3), (2 + 4 * 3, 0));
        assert_eq!(sites(&v, &lattice).unwrap().range(), (0, 23_000));
        let table = [7, 5, 3, 1];
        let mut v = view(raw::GLK_SITE_TABLE);
        v.site_table = table.as_ptr();
        assert_eq!(sites(&v, &lattice).unwrap().offset(2), 3000);
        assert_eq!(sites(&v, &lattice).unwrap().range(), (1000, 7000));
    }

    #[test]
    fn entries_that_two_sites_have_are_found_near_and_far() {
        let lattice = Lattice::single(&[2, 2]).unwrap();
        let repeated = |table: [i64; 4], parity: i32| {
            let mut v = view(raw::GLK_SITE_TABLE);
            (v.site_table, v.parity) = (table.as_ptr(), parity);
            sites(&v, &lattice).unwrap().repeated()
        };
        assert_eq!(repeated([7, 5, 3, 1], raw::GLK_BOTH), None);
        assert_eq!(repeated([7, 5, -3, 5], raw::GLK_BOTH), Some(5));
        assert_eq!(repeated([i64::MAX, 0, i64::MIN, i64::MAX], raw::GLK_BOTH), Some(i64::MAX));
        assert_eq!(repeated([i64::MAX, 0, i64::MIN, 1], raw::GLK_BOTH), None);
        // Sites 0 and 3 are even: what they share with others does not count.
        assert_eq!(repeated([1, 1, 2, 2], raw::GLK_EVEN), None);
        assert_eq!(repeated([1, 2, 3, 1], raw::GLK_EVEN), Some(1));
    }

    #[test]
    fn refusals_name_the_field() {
        let lattice = Lattice::single(&[3, 4]).unwrap();
        let message = |v: &glk_view| sites(v, &lattice).unwrap_err().message.clone();
        assert!(message(&view(9)).contains("site_order is 9"));
        assert!(message(&view(raw::GLK_SITE_EO)).contains("even local extent"));
        assert!(message(&view(raw::GLK_SITE_TABLE)).contains("site_table"));
        let mut v = view(raw::GLK_SITE_BLOCK);
        v.simd[0] = 2;
        assert!(message(&v).contains("simd[0]"));
        v.parity = 3;
        assert!(message(&v).contains("parity is 3"));
    }
}
