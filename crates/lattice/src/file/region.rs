//! The box of a file's lattice that is read or written here, and the units of the file that hold its links.

use crate::error::LatticeError;
use crate::geometry::{DIM_MAX, Geometry, Site, ravel, unravel};
use lime_rs::Order;
use std::ops::Range;

/// A box of sites within the lattice of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    /// Extents of the whole lattice.
    extents: Site,
    /// The first site of the box.
    origin: Site,
    /// Extents of the box.
    local: Site,
}

/// Consecutive units of a file that hold links of a box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub units: Range<u64>,
    /// Whether they count for this box in the file's sums: each unit counts for the box of its first link.
    pub counted: bool,
}

impl Region {
    /// The box of a rank.
    pub fn of(geometry: &Geometry) -> Self {
        Self { extents: geometry.extents(), origin: geometry.origin(), local: geometry.local_extents() }
    }

    /// A box anywhere in a lattice of these extents.
    ///
    /// # Errors
    /// [`LatticeError::Mismatch`] for a box that reaches past its end.
    pub fn within(extents: Site, origin: Site, local: Site) -> Result<Self, LatticeError> {
        let inside = |mu: usize| origin[mu].checked_add(local[mu]).is_some_and(|end| end <= extents[mu]);
        if (0..DIM_MAX).all(inside) {
            return Ok(Self { extents, origin, local });
        }
        Err(LatticeError::Mismatch(format!(
            "the box of {local:?} sites (x,y,z,t) at {origin:?} reaches past the end of the file's {extents:?}: \
             choose origin and extents within it"
        )))
    }

    pub fn extents(&self) -> Site {
        self.extents
    }

    /// The units that hold links of the box, in rising order.
    pub fn units(&self, order: Order) -> Vec<Piece> {
        if self.local == self.extents {
            return vec![Piece { units: 0..order.units(self.extents), counted: true }];
        }
        // In these orders the number of a unit is that of its site.
        if matches!(order, Order::Canonical | Order::DdAlphaAmg) {
            return self.sites().into_iter().map(|units| Piece { units, counted: true }).collect();
        }
        let mut units: Vec<u64> = Vec::new();
        for site in self.sites().into_iter().flatten() {
            for mu in 0..DIM_MAX {
                let (unit, _) = order.unit(self.extents, site, mu);
                // Links of one site mostly share a unit.
                if units.last() != Some(&unit) {
                    units.push(unit);
                }
            }
        }
        units.sort_unstable();
        units.dedup();
        let mut pieces: Vec<Piece> = Vec::new();
        for unit in units {
            let counted = self.site(order.link(self.extents, unit, 0).0).is_some();
            match pieces.last_mut() {
                Some(last) if last.units.end == unit && last.counted == counted => last.units.end = unit + 1,
                _ => pieces.push(Piece { units: unit..unit + 1, counted }),
            }
        }
        pieces
    }

    /// The global site numbers of the box, as ranges in rising order.
    fn sites(&self) -> Vec<Range<u64>> {
        let rows = [1, self.local[1], self.local[2], self.local[3]];
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for row in 0..rows.iter().product() {
            let place = unravel(row, &rows);
            let x = std::array::from_fn(|mu| self.origin[mu] + place[mu]);
            let first = ravel(&x, &self.extents) as u64;
            let end = first + self.local[0] as u64;
            match ranges.last_mut() {
                Some(last) if last.end == first => last.end = end,
                _ => ranges.push(first..end),
            }
        }
        ranges
    }

    /// The site of the box with a global number, if it is there, by its coordinates within the box.
    pub fn site(&self, index: u64) -> Option<Site> {
        let (x, Self { origin, local, .. }) = (unravel(index as usize, &self.extents), self);
        let inside = (0..DIM_MAX).all(|mu| (origin[mu]..origin[mu] + local[mu]).contains(&x[mu]));
        inside.then(|| std::array::from_fn(|mu| x[mu] - origin[mu]))
    }
}

/// How many units there are.
pub(super) fn count(pieces: &[Piece]) -> usize {
    pieces.iter().map(|piece| piece.units.end - piece.units.start).sum::<u64>() as usize
}

/// What the share `share` of the concatenated units covers of the pieces.
pub(super) fn within(pieces: &[Piece], share: &Range<usize>) -> Vec<Piece> {
    let mut before = 0;
    let mut covered = Vec::new();
    for Piece { units, counted } in pieces {
        let length = units.end - units.start;
        let from = (share.start as u64).clamp(before, before + length) - before;
        let to = (share.end as u64).clamp(before, before + length) - before;
        if from < to {
            covered.push(Piece { units: units.start + from..units.start + to, counted: *counted });
        }
        before += length;
    }
    covered
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The units with a link of the box, found by looking at every unit of the file.
    fn by_definition(region: &Region, order: Order) -> Vec<(u64, bool)> {
        let own = |unit, slot| region.site(order.link(region.extents, unit, slot).0).is_some();
        let some = |unit| (0..order.links_per_unit()).any(|slot| own(unit, slot));
        (0..order.units(region.extents)).filter(|&unit| some(unit)).map(|unit| (unit, own(unit, 0))).collect()
    }

    #[test]
    fn a_box_has_the_units_with_its_links_in_every_order() {
        let extents = [4, 6, 2, 8];
        for (origin, local) in [
            ([0; 4], extents),
            ([0; 4], [4, 6, 2, 1]),
            ([1, 2, 0, 3], [1, 1, 1, 1]),
            ([3, 5, 1, 7], [1, 1, 1, 1]),
            ([1, 2, 0, 3], [3, 4, 2, 5]),
            ([0, 0, 1, 4], [4, 3, 1, 4]),
        ] {
            let region = Region::within(extents, origin, local).unwrap();
            for order in [Order::Canonical, Order::HiRep, Order::DdAlphaAmg, Order::OpenQcd] {
                let pieces = region.units(order);
                let found: Vec<(u64, bool)> =
                    pieces.iter().flat_map(|p| p.units.clone().map(|unit| (unit, p.counted))).collect();
                assert_eq!(found, by_definition(&region, order), "{order:?}, {local:?} at {origin:?}");
                let apart = |pair: &[Piece]| pair[0].units.end < pair[1].units.start;
                assert!(pieces.windows(2).all(|pair| apart(pair) || pair[0].counted != pair[1].counted));
            }
        }
    }
}
