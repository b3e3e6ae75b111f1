//! Extents of the lattice and its decomposition over ranks.

use crate::LatticeError;

/// Most dimensions; a lattice of fewer has extent 1 in the others.
pub const DIM_MAX: usize = 4;

/// Global coordinates (x, y, z, t).
pub type Site = [usize; DIM_MAX];

/// A periodic lattice of 2 to 4 dimensions, cut into equal boxes over a grid of ranks.
///
/// Directions are numbered 0, 1, 2, 3 = x, y, z, t. Ranks are numbered with the x coordinate of the grid fastest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Geometry {
    dims: usize,
    extents: Site,
    grid: Site,
    rank: usize,
}

impl Geometry {
    /// A lattice of `extents` (2 to 4 of them) over a grid of `grid` ranks, seen from `rank`.
    ///
    /// `grid` may be shorter than `extents`; missing entries are 1.
    ///
    /// # Errors
    /// [`LatticeError::Geometry`] where an extent is below 2 or is not divisible by the grid's, or the lattice has
    /// too many sites.
    pub fn new(extents: &[usize], grid: &[usize], rank: usize) -> Result<Self, LatticeError> {
        let dims = extents.len();
        let fail = |text: String| Err(LatticeError::Geometry(text));
        if !(2..=DIM_MAX).contains(&dims) {
            return fail(format!("a lattice has 2 to {DIM_MAX} extents, not {dims}: give e.g. [8, 8, 8, 8]"));
        }
        if grid.len() > dims {
            return fail(format!(
                "{} rank counts for {dims} extents: give at most one per dimension",
                grid.len()
            ));
        }
        let mut g = Self { dims, extents: [1; DIM_MAX], grid: [1; DIM_MAX], rank };
        g.extents[..dims].copy_from_slice(extents);
        g.grid[..grid.len()].copy_from_slice(grid);
        let mut volume = 1usize;
        for mu in 0..dims {
            let (extent, ranks) = (g.extents[mu], g.grid[mu]);
            if extent < 2 {
                return fail(format!(
                    "extent {extent} in direction {mu}: a periodic direction needs at least 2 sites"
                ));
            }
            if ranks == 0 || extent % ranks != 0 {
                return fail(format!(
                    "extent {extent} in direction {mu} does not divide into {ranks} equal parts: choose a rank count \
                     that divides it"
                ));
            }
            volume = match volume.checked_mul(extent).filter(|&v| v <= 1 << 40) {
                Some(v) => v,
                None => return fail(format!("{extents:?} has more than 2^40 sites: use a smaller lattice")),
            };
        }
        if volume / g.ranks() > 1 << 31 {
            return fail(format!(
                "{} sites on one rank: use more ranks (at most 2^31 sites each)",
                volume / g.ranks()
            ));
        }
        if rank >= g.ranks() {
            return fail(format!("rank {rank} of {} ranks {:?}", g.ranks(), g.grid));
        }
        Ok(g)
    }

    /// Number of dimensions.
    pub fn dims(&self) -> usize {
        self.dims
    }
    /// Global extents; 1 past the last dimension.
    pub fn extents(&self) -> Site {
        self.extents
    }
    /// Ranks in each direction.
    pub fn grid(&self) -> Site {
        self.grid
    }
    /// This rank's number.
    pub fn rank(&self) -> usize {
        self.rank
    }
    /// Number of ranks.
    pub fn ranks(&self) -> usize {
        self.grid.iter().product()
    }
    /// Extents of one rank's box.
    pub fn local_extents(&self) -> Site {
        std::array::from_fn(|mu| self.extents[mu] / self.grid[mu])
    }
    /// Sites of the whole lattice.
    pub fn volume(&self) -> usize {
        self.extents.iter().product()
    }
    /// Sites of one rank's box.
    pub fn local_volume(&self) -> usize {
        self.local_extents().iter().product()
    }
    /// Global coordinates of this rank's first site.
    pub fn origin(&self) -> Site {
        let place = unravel(self.rank, &self.grid);
        let local = self.local_extents();
        std::array::from_fn(|mu| place[mu] * local[mu])
    }
    /// The rank next to this one, periodic.
    pub fn neighbour_rank(&self, mu: usize, forward: bool) -> usize {
        let mut place = unravel(self.rank, &self.grid);
        let n = self.grid[mu];
        place[mu] = (place[mu] + if forward { 1 } else { n - 1 }) % n;
        ravel(&place, &self.grid)
    }
    /// Lexicographic number of a site, x fastest: the order of files and of random number streams.
    pub fn site_index(&self, x: &Site) -> usize {
        ravel(x, &self.extents)
    }
    /// Inverse of [`Geometry::site_index`].
    pub fn site(&self, index: usize) -> Site {
        unravel(index, &self.extents)
    }
    /// Whether sites can be coloured like a chessboard across the periodic boundary.
    pub fn is_bipartite(&self) -> bool {
        self.extents[..self.dims].iter().all(|l| l % 2 == 0)
    }
}

/// Number of coordinates `x` in a box, x fastest.
pub(crate) fn ravel(x: &Site, extents: &Site) -> usize {
    (0..DIM_MAX).rev().fold(0, |index, mu| index * extents[mu] + x[mu])
}

/// Inverse of [`ravel`].
pub(crate) fn unravel(mut index: usize, extents: &Site) -> Site {
    std::array::from_fn(|mu| {
        let x = index % extents[mu];
        index /= extents[mu];
        x
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_tile_the_lattice() {
        let extents = [4, 6, 8];
        let grid = [2, 1, 4];
        let mut seen = vec![false; 4 * 6 * 8];
        for rank in 0..8 {
            let g = Geometry::new(&extents, &grid, rank).unwrap();
            let (o, l) = (g.origin(), g.local_extents());
            assert_eq!(l, [2, 6, 2, 1]);
            for i in 0..g.local_volume() {
                let x = unravel(i, &l);
                let index = g.site_index(&std::array::from_fn(|mu| o[mu] + x[mu]));
                assert!(!std::mem::replace(&mut seen[index], true));
            }
            for mu in 0..3 {
                let ahead = Geometry::new(&extents, &grid, g.neighbour_rank(mu, true)).unwrap();
                assert_eq!(ahead.neighbour_rank(mu, false), rank);
            }
        }
        assert!(seen.into_iter().all(|s| s));
    }

    #[test]
    fn nonsense_is_refused_with_a_sentence() {
        for (extents, grid) in [
            (&[8][..], &[][..]),
            (&[8, 1], &[]),
            (&[8, 8], &[3]),
            (&[8, 8], &[1, 1, 1]),
            (&[1 << 21, 1 << 21], &[]),
        ] {
            let error = Geometry::new(extents, grid, 0).unwrap_err().to_string();
            assert!(error.len() > 20, "{error}");
        }
    }
}
