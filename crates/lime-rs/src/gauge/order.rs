//! Where the links of a body stand: which link of which site is slot `slot` of unit `unit`.
//!
//! A body is a row of equal units. In most formats a unit is a site with its four links; in openQCD's it is an odd
//! site with the eight links that touch it, so that half of them belong to its even neighbours.

/// Arrangement of sites and links in a file. Directions 0 to 3 are x, y, z, t; the rank of a site is
/// `x + Lx (y + Ly (z + Lz t))`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// Sites with t slowest and x fastest, links x, y, z, t: ILDG, SciDAC, NERSC, MILC.
    Canonical,
    /// Sites with t slowest, then x, y, z; links t, x, y, z: HiRep.
    HiRep,
    /// Sites with t slowest, then z, y, x; links t, z, y, x: DDalphaAMG.
    DdAlphaAmg,
    /// Sites of odd x + y + z + t with t slowest, then x, y, z; each with the links `U(x, mu)` and `U(x − mu, mu)`
    /// for mu = t, x, y, z: openQCD.
    OpenQcd,
}

/// Directions from the slowest to the fastest, and of the links in a unit.
const TXYZ: [usize; 4] = [3, 0, 1, 2];
const TZYX: [usize; 4] = [3, 2, 1, 0];
const XYZT: [usize; 4] = [0, 1, 2, 3];

impl Order {
    /// Links of a unit: 4, or 8 in openQCD's order.
    pub fn links_per_unit(self) -> usize {
        if self == Self::OpenQcd { 8 } else { 4 }
    }

    /// Units of a lattice.
    pub fn units(self, dims: [usize; 4]) -> u64 {
        let volume = dims.iter().map(|&extent| extent as u64).product::<u64>();
        volume * 4 / self.links_per_unit() as u64
    }

    /// Whether the order exists on a lattice: openQCD's needs a neighbour of other parity in every direction.
    pub fn exists(self, dims: [usize; 4]) -> bool {
        self != Self::OpenQcd || dims.iter().all(|extent| extent % 2 == 0)
    }

    /// The site (by rank) and direction of a slot. `unit` is below [`Self::units`] and `slot` below
    /// [`Self::links_per_unit`].
    pub fn link(self, dims: [usize; 4], unit: u64, slot: usize) -> (u64, usize) {
        match self {
            Self::Canonical => (unit, slot),
            Self::HiRep => (rank(dims, &site(dims, TXYZ, unit)), TXYZ[slot]),
            Self::DdAlphaAmg => (unit, TZYX[slot]),
            Self::OpenQcd => {
                // Of two sites that follow each other in the order, one is odd.
                let mut x = site(dims, TXYZ, 2 * unit);
                if x.iter().sum::<usize>() % 2 == 0 {
                    x = site(dims, TXYZ, 2 * unit + 1);
                }
                let mu = TXYZ[slot / 2];
                if slot % 2 == 1 {
                    x[mu] = if x[mu] == 0 { dims[mu] - 1 } else { x[mu] - 1 };
                }
                (rank(dims, &x), mu)
            }
        }
    }

    /// The unit and slot of a link: the inverse of [`Self::link`].
    pub fn unit(self, dims: [usize; 4], rank: u64, mu: usize) -> (u64, usize) {
        let slot = |directions: [usize; 4]| directions.iter().position(|&d| d == mu).unwrap_or_default();
        match self {
            Self::Canonical => (rank, mu),
            Self::HiRep => (place(dims, TXYZ, &site(dims, TZYX, rank)), slot(TXYZ)),
            Self::DdAlphaAmg => (rank, slot(TZYX)),
            Self::OpenQcd => {
                let mut x = site(dims, TZYX, rank);
                let backward = x.iter().sum::<usize>() % 2 == 0;
                if backward {
                    x[mu] = if x[mu] + 1 == dims[mu] { 0 } else { x[mu] + 1 };
                }
                (place(dims, TXYZ, &x) / 2, 2 * slot(TXYZ) + usize::from(backward))
            }
        }
    }

    /// Names of the directions of the links, for display.
    pub fn links(self) -> [usize; 4] {
        match self {
            Self::Canonical => XYZT,
            Self::DdAlphaAmg => TZYX,
            Self::HiRep | Self::OpenQcd => TXYZ,
        }
    }
}

/// Coordinates of the site at `position` in the order in which `slowest_first` run.
fn site(dims: [usize; 4], slowest_first: [usize; 4], mut position: u64) -> [usize; 4] {
    let mut x = [0; 4];
    for &d in slowest_first.iter().rev() {
        x[d] = (position % dims[d] as u64) as usize;
        position /= dims[d] as u64;
    }
    x
}

/// The inverse of [`site`].
fn place(dims: [usize; 4], slowest_first: [usize; 4], x: &[usize; 4]) -> u64 {
    slowest_first.iter().fold(0, |position, &d| position * dims[d] as u64 + x[d] as u64)
}

fn rank(dims: [usize; 4], x: &[usize; 4]) -> u64 {
    place(dims, TZYX, x)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Order; 4] = [Order::Canonical, Order::HiRep, Order::DdAlphaAmg, Order::OpenQcd];

    #[test]
    fn every_link_has_one_place_and_every_place_one_link() {
        for dims in [[4, 4, 4, 4], [2, 4, 6, 8], [2, 2, 2, 2], [8, 2, 4, 2], [3, 1, 5, 2], [1, 3, 2, 7]] {
            for order in ALL.into_iter().filter(|order| order.exists(dims)) {
                let volume = dims.iter().product::<usize>();
                let mut seen = vec![false; 4 * volume];
                for unit in 0..order.units(dims) {
                    for slot in 0..order.links_per_unit() {
                        let (rank, mu) = order.link(dims, unit, slot);
                        assert_eq!(order.unit(dims, rank, mu), (unit, slot), "{order:?} {dims:?}");
                        let seen = &mut seen[4 * rank as usize + mu];
                        assert!(!*seen, "{order:?} {dims:?}: rank {rank}, direction {mu} twice");
                        *seen = true;
                    }
                }
                assert!(seen.into_iter().all(|seen| seen), "{order:?} {dims:?}");
            }
        }
        assert!(!Order::OpenQcd.exists([4, 4, 3, 4]) && Order::HiRep.exists([4, 4, 3, 4]));
    }

    /// The places of a few links, worked out by hand on 2x4x6x8 (x,y,z,t).
    #[test]
    fn known_links() {
        let dims = [2, 4, 6, 8];
        let rank = |x: u64, y: u64, z: u64, t: u64| x + 2 * (y + 4 * (z + 6 * t));
        // HiRep: z runs fastest, then y, then x.
        assert_eq!(Order::HiRep.link(dims, 1, 0), (rank(0, 0, 1, 0), 3));
        assert_eq!(Order::HiRep.link(dims, 6, 1), (rank(0, 1, 0, 0), 0));
        assert_eq!(Order::HiRep.link(dims, 24, 3), (rank(1, 0, 0, 0), 2));
        assert_eq!(Order::DdAlphaAmg.link(dims, 1, 0), (rank(1, 0, 0, 0), 3));
        assert_eq!(Order::DdAlphaAmg.link(dims, 1, 3), (rank(1, 0, 0, 0), 0));
        // openQCD: the first odd site is z = 1; its neighbour below in t is in the last slice.
        assert_eq!(Order::OpenQcd.link(dims, 0, 0), (rank(0, 0, 1, 0), 3));
        assert_eq!(Order::OpenQcd.link(dims, 0, 1), (rank(0, 0, 1, 7), 3));
        assert_eq!(Order::OpenQcd.link(dims, 0, 3), (rank(1, 0, 1, 0), 0));
        assert_eq!(Order::OpenQcd.link(dims, 0, 7), (rank(0, 0, 0, 0), 2));
        // The fourth one is (0, 1, 0, 0), an odd row of z.
        assert_eq!(Order::OpenQcd.link(dims, 3, 4), (rank(0, 1, 0, 0), 1));
        assert_eq!(Order::OpenQcd.link(dims, 3, 7), (rank(0, 1, 5, 0), 2));
    }
}
