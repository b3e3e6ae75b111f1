//! Which links or sites a coupling layer changes, what it may look at, and which sites its net must visit.

use super::convolution::TAPS;
use crate::ModelError;
use gaugelink_lattice::number::Row;
use gaugelink_lattice::{LaneMeaning, Lattice, Real, Site};

/// The class of each site, which tells its part in a layer.
///
/// Of layers of links they are stripes of period 4 across direction nu = 1 − mu: the class of a site is x_nu − offset mod 4.
///
/// | class | plaquette P_01(x) |
/// |---|---|
/// | 0 | active: contains the active link θ_mu(x), moves with it |
/// | 1, 2 | frozen: contains no active link, is the net's context |
/// | 3 | passive: contains the active link of its neighbour, is looked at only in 2×1 loops that do not contain it |
///
/// Of layers of scalars they are a checkerboard: active sites have class 0, frozen ones class 1, the net's context.
///
/// The lanes of a block may be of different classes; what is so in any lane is done for the block, and rows of ones and
/// zeros single out the lanes.
pub struct Stripes<T> {
    /// Direction of the active links; 0 where sites are active.
    pub mu: usize,
    /// By how much the class grows along each direction.
    along: [i32; 2],
    /// The classes of the lanes of each own block: an index into `patterns`.
    pub pattern_of: Vec<u32>,
    /// The patterns that occur.
    pub patterns: Vec<Pattern<T>>,
    /// Lanes that are sites of their own.
    pub distinct_lanes: usize,
    /// Whether lanes are configurations.
    pub is_batch: bool,
}

/// The classes of a block's lanes.
pub struct Pattern<T> {
    /// Class of each lane.
    pub classes: [u8; 16],
    /// For each class, 1 in its lanes, 0 in others.
    pub members: [Row<T>; 4],
    /// 1 in lanes with a frozen plaquette (or, of a checkerboard, a frozen site), 0 in others.
    pub frozen: Row<T>,
}

impl<T: Real> Pattern<T> {
    fn new(classes: [u8; 16]) -> Self {
        let row = |of: &dyn Fn(u8) -> bool| Row(classes.map(|c| T::from_f64(f64::from(of(c)))));
        Self { classes, members: [0, 1, 2, 3].map(|class| row(&|c| c == class)), frozen: row(&is_frozen) }
    }

    /// Whether any lane is, `step` further, of a class that `chosen` holds for.
    pub fn any(&self, step: i32, chosen: impl Fn(u8) -> bool) -> bool {
        self.classes[..T::LANES].iter().any(|&c| chosen(moved(c, step)))
    }
}

/// Which classes play which part for a layer's net.
#[derive(Clone, Copy)]
pub struct Roles {
    /// The input varies there.
    pub seen: fn(u8) -> bool,
    /// The first channel of the input is 1 there, beside what varies.
    pub ones: fn(u8) -> bool,
    /// The second hidden layer is needed there.
    pub near: fn(u8) -> bool,
    /// The outputs are needed there.
    pub active: fn(u8) -> bool,
}

impl Roles {
    /// Links, by frozen plaquettes.
    pub const PLAQUETTES: Self =
        Self { seen: is_frozen, ones: |class| !is_frozen(class), near: is_near, active: is_active };
    /// Links, by frozen plaquettes and by loops around active links.
    pub const LOOPS: Self = Self { seen: has_plaquette_or_loop, ..Self::PLAQUETTES };
    /// Sites of a checkerboard, whose classes count modulo 2.
    pub const CHECKERBOARD: Self = Self {
        seen: |class| class % 2 == 1,
        ones: |_| false,
        near: |_| true,
        active: |class| class % 2 == 0,
    };
}

/// Whether a class's plaquettes are frozen.
pub fn is_frozen(class: u8) -> bool {
    class == 1 || class == 2
}

/// Whether a class's plaquettes contain their site's active link.
pub fn is_active(class: u8) -> bool {
    class == 0
}

/// Whether the net sees a frozen plaquette, or a 2×1 loop, at a class's sites.
pub fn has_plaquette_or_loop(class: u8) -> bool {
    is_frozen(class) || is_active(class)
}

/// Whether the net's second hidden layer is needed there: at active sites and beside them.
pub fn is_near(class: u8) -> bool {
    class != 2
}

/// Class of the site `step` further.
pub fn moved(class: u8, step: i32) -> u8 {
    (i32::from(class) + step).rem_euclid(4) as u8
}

impl<T: Real> Stripes<T> {
    /// The stripes of layer number `index`: mu = index mod 2, offset (index div 2) mod 4.
    ///
    /// # Errors
    /// [`ModelError::Geometry`] for other than two dimensions and extents that are no multiples of 4.
    pub fn new(lattice: &Lattice, index: usize) -> Result<Self, ModelError> {
        let extents = &lattice.geometry().extents()[..lattice.dims()];
        if extents.len() != 2 || extents.iter().any(|l| !l.is_multiple_of(4)) {
            return Err(ModelError::Geometry(format!(
                "coupling layers need two dimensions whose extents are multiples of 4, not {extents:?}"
            )));
        }
        let (mu, offset) = (index % 2, index / 2 % 4);
        Ok(Self::with_classes(lattice, mu, |site| ((site[1 - mu] + 4 - offset) % 4) as u8))
    }

    /// The checkerboard of layer number `index`: even sites are active in even layers, odd ones in odd layers.
    ///
    /// # Errors
    /// [`ModelError::Geometry`] for other than two dimensions and extents that are odd.
    pub fn checkerboard(lattice: &Lattice, index: usize) -> Result<Self, ModelError> {
        let extents = &lattice.geometry().extents()[..lattice.dims()];
        if extents.len() != 2 || extents.iter().any(|l| !l.is_multiple_of(2)) {
            return Err(ModelError::Geometry(format!(
                "affine coupling layers need two dimensions whose extents are even, not {extents:?}"
            )));
        }
        Ok(Self::with(lattice, 0, [1, 1], |site| ((site[0] + site[1] + index) % 2) as u8))
    }

    /// Sites of any classes, below 4, in stripes across direction 1 − `mu`.
    pub fn with_classes(lattice: &Lattice, mu: usize, class: impl Fn(&Site) -> u8) -> Self {
        Self::with(lattice, mu, [mu as i32, 1 - mu as i32], class)
    }

    fn with(lattice: &Lattice, mu: usize, along: [i32; 2], class: impl Fn(&Site) -> u8) -> Self {
        let layout = lattice.layout::<T>();
        let mut stripes = Self {
            mu,
            along,
            pattern_of: Vec::with_capacity(layout.blocks()),
            patterns: Vec::new(),
            distinct_lanes: layout.distinct_lanes().min(T::LANES),
            is_batch: layout.meaning() != LaneMeaning::Sites,
        };
        for block in 0..layout.blocks() {
            let of_lane = |lane| if lane < T::LANES { class(&layout.site(block, lane)) } else { 0 };
            let classes: [u8; 16] = std::array::from_fn(of_lane);
            let pattern = stripes.patterns.iter().position(|p| p.classes == classes).unwrap_or_else(|| {
                stripes.patterns.push(Pattern::new(classes));
                stripes.patterns.len() - 1
            });
            stripes.pattern_of.push(pattern as u32);
        }
        stripes
    }

    /// The pattern of a block.
    #[inline(always)]
    pub fn pattern(&self, block: usize) -> &Pattern<T> {
        &self.patterns[self.pattern_of[block] as usize]
    }

    /// Own blocks any of whose lanes is of a class that `chosen` holds for.
    pub fn blocks(&self, chosen: impl Fn(u8) -> bool) -> Vec<u32> {
        let has = |pattern: &u32| self.patterns[*pattern as usize].any(0, &chosen);
        (0u32..).zip(&self.pattern_of).filter(|(_, pattern)| has(pattern)).map(|(block, _)| block).collect()
    }

    /// By how much the class grows along a tap.
    pub fn step(&self, tap: usize) -> i32 {
        TAPS[tap][0] * self.along[0] + TAPS[tap][1] * self.along[1]
    }
}
