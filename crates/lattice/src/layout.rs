//! Where a site lies: blocks, lanes, neighbours and ghosts.
//!
//! A field is an array of blocks; a block holds one site of each lane. What a lane means is the layout's affair:
//!
//! - **site lanes**: the rank's box is cut into equal parts, one a lane, and a block holds the sites at the same
//!   place of every part (Grid's virtual nodes). A step changes the block for all lanes alike; only where it leaves
//!   the part do the lanes rotate. A direction is cut only where the parts' extents stay even, so that all sites
//!   of a block have the same parity. Where fewer parts fit than there are lanes, the lanes repeat.
//! - **batch lanes**: each lane is a configuration of its own; lanes never rotate.
//!
//! Blocks are ordered even sites first, then odd, the longest direction slowest within each, so each parity is one
//! contiguous half. In directions that are cut over ranks, a shell of ghost blocks follows the rank's own blocks.

use crate::geometry::{DIM_MAX, Geometry, Site, ravel, unravel};
use crate::number::LaneIndex;
use std::ops::Range;

/// What the lanes of a block are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneMeaning {
    /// Sites of one configuration.
    Sites,
    /// Configurations of a batch: `chains` of them, at most the number of lanes (8 for f64, 16 for f32).
    Batch {
        /// Configurations in the batch.
        chains: usize,
    },
}

/// The step in direction +mu, as an index into the neighbour table.
pub const fn forward(mu: usize) -> usize {
    mu
}

/// The step in direction −mu.
pub const fn backward(mu: usize) -> usize {
    DIM_MAX + mu
}

/// A block reached by a step, and the rotation of lanes that goes with it (0: none).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Neighbour {
    /// Index of the block.
    pub block: u32,
    /// Index into [`Layout::rotation`].
    pub rotation: u32,
}

/// Steps in a neighbour table: forwards and backwards in each direction.
const STEPS: usize = 2 * DIM_MAX;

/// The map between sites and (block, lane), with its neighbour table.
#[derive(Debug)]
pub struct Layout {
    geometry: Geometry,
    meaning: LaneMeaning,
    lanes: usize,
    parts: Site,
    part_extents: Site,
    shell: Site,
    /// Block of a place in the part extended by the shell.
    block_of: Vec<u32>,
    /// Place of a block, in the coordinates of the extended part.
    place_of: Vec<[u16; DIM_MAX]>,
    blocks: usize,
    even_blocks: usize,
    distances: Site,
    /// Own blocks in the order of [`Layout::walk`].
    walk: Vec<u32>,
    neighbours: Vec<[Neighbour; STEPS]>,
    rotations: Vec<LaneIndex>,
}

impl Layout {
    /// The layout of `lanes` lanes (8 or 16) on this rank's box.
    pub fn new(geometry: Geometry, lanes: usize, meaning: LaneMeaning) -> Self {
        let local = geometry.local_extents();
        let mut parts = [1; DIM_MAX];
        let mut part_extents = local;
        if meaning == LaneMeaning::Sites {
            while parts.iter().product::<usize>() < lanes {
                let splittable = (0..geometry.dims()).filter(|&mu| part_extents[mu].is_multiple_of(4));
                let Some(mu) = splittable.max_by_key(|&mu| part_extents[mu]) else { break };
                part_extents[mu] /= 2;
                parts[mu] *= 2;
            }
        }
        let shell: Site = std::array::from_fn(|mu| (geometry.grid()[mu] > 1) as usize);
        let mut layout = Self {
            geometry,
            meaning,
            lanes,
            parts,
            part_extents,
            shell,
            block_of: Vec::new(),
            place_of: Vec::new(),
            blocks: part_extents.iter().product(),
            even_blocks: 0,
            distances: [0; DIM_MAX],
            walk: Vec::new(),
            neighbours: Vec::new(),
            rotations: Vec::new(),
        };
        layout.number_blocks();
        layout.rotations = (0..(STEPS + 1) * (STEPS + 1)).map(|r| layout.rotation_table(r)).collect();
        layout.neighbours = (0..layout.place_of.len()).map(|b| layout.find_neighbours(b)).collect();
        layout
    }

    fn extended(&self) -> Site {
        std::array::from_fn(|mu| self.part_extents[mu] + 2 * self.shell[mu])
    }

    fn number_blocks(&mut self) {
        let extended = self.extended();
        let total: usize = extended.iter().product();
        let origin_parity = self.geometry.origin().iter().sum::<usize>() % 2;
        // The longest direction is the slowest, so that a slice across it, the distance to a neighbour, is small.
        let mut order: [usize; DIM_MAX] = std::array::from_fn(|mu| mu);
        order.sort_by_key(|&mu| self.part_extents[mu]);
        let mut distance = 1;
        for mu in order {
            self.distances[mu] = distance;
            distance *= self.part_extents[mu];
        }
        let sides = order.map(|mu| extended[mu]);
        // Own even blocks, own odd ones, ghosts.
        let mut classes: [Vec<usize>; 4] = Default::default();
        let mut own = Vec::with_capacity(self.blocks);
        for position in 0..total {
            let ordered = unravel(position, &sides);
            let mut place = [0; DIM_MAX];
            (0..DIM_MAX).for_each(|i| place[order[i]] = ordered[i]);
            let index = ravel(&place, &extended);
            let inside = (0..DIM_MAX)
                .all(|mu| (self.shell[mu]..self.shell[mu] + self.part_extents[mu]).contains(&place[mu]));
            let steps: usize = (0..DIM_MAX).map(|mu| place[mu] + self.shell[mu]).sum();
            classes[2 * !inside as usize + (steps + origin_parity) % 2].push(index);
            if inside {
                own.push(index);
            }
        }
        self.even_blocks = classes[0].len();
        self.place_of =
            classes.iter().flatten().map(|&index| unravel(index, &extended).map(|x| x as u16)).collect();
        self.block_of = vec![0; total];
        for (block, &index) in classes.iter().flatten().enumerate() {
            self.block_of[index] = block as u32;
        }
        self.walk = own.iter().map(|&index| self.block_of[index]).collect();
    }

    /// The lane whose part lies one further, with the others of a repeated set kept apart.
    fn stepped_lane(&self, lane: usize, step: usize) -> usize {
        let sets = self.distinct_lanes();
        let mu = step % DIM_MAX;
        let mut part = unravel(lane % sets, &self.parts);
        let ahead = if step < DIM_MAX { 1 } else { self.parts[mu] - 1 };
        part[mu] = (part[mu] + ahead) % self.parts[mu];
        lane - lane % sets + ravel(&part, &self.parts)
    }

    fn rotation_table(&self, rotation: usize) -> LaneIndex {
        LaneIndex(std::array::from_fn(|l| {
            if self.meaning != LaneMeaning::Sites || l >= self.lanes {
                return l as i32;
            }
            let (first, second) = (rotation / (STEPS + 1), rotation % (STEPS + 1));
            [first, second].into_iter().filter(|&s| s > 0).fold(l, |l, s| self.stepped_lane(l, s - 1)) as i32
        }))
    }

    fn find_neighbours(&self, block: usize) -> [Neighbour; STEPS] {
        let extended = self.extended();
        std::array::from_fn(|step| {
            let mu = step % DIM_MAX;
            let mut place = self.place_of[block].map(usize::from);
            let n = extended[mu];
            let edge = if step < DIM_MAX { n - 1 } else { 0 };
            let leaves = place[mu] == edge;
            if leaves && self.shell[mu] > 0 {
                // Beyond the shell: never asked for.
                return Neighbour { block: block as u32, rotation: 0 };
            }
            place[mu] = (place[mu] + if step < DIM_MAX { 1 } else { n - 1 }) % n;
            let rotates = leaves && self.parts[mu] > 1;
            Neighbour {
                block: self.block_of[ravel(&place, &extended)],
                rotation: if rotates { step as u32 + 1 } else { 0 },
            }
        })
    }

    /// Extents and ranks.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }
    /// What a lane is.
    pub fn meaning(&self) -> LaneMeaning {
        self.meaning
    }
    /// Lanes of a block.
    pub fn lanes(&self) -> usize {
        self.lanes
    }
    /// Parts in each direction (all 1 for batch lanes).
    pub fn parts(&self) -> Site {
        self.parts
    }
    /// Extents of one part.
    pub fn part_extents(&self) -> Site {
        self.part_extents
    }
    /// Lanes that hold something of their own; the others repeat them.
    pub fn distinct_lanes(&self) -> usize {
        match self.meaning {
            LaneMeaning::Sites => self.parts.iter().product(),
            LaneMeaning::Batch { chains } => chains,
        }
    }
    /// Configurations in a field: 1 for site lanes.
    pub fn chains(&self) -> usize {
        match self.meaning {
            LaneMeaning::Sites => 1,
            LaneMeaning::Batch { chains } => chains,
        }
    }
    /// The configuration that a lane belongs to.
    pub fn chain_of(&self, lane: usize) -> usize {
        match self.meaning {
            LaneMeaning::Sites => 0,
            LaneMeaning::Batch { chains } => lane % chains,
        }
    }
    /// A lane and those that repeat it.
    pub fn copies(&self, lane: usize) -> impl Iterator<Item = usize> + use<> {
        let lanes = self.distinct_lanes();
        (lane % lanes..self.lanes).step_by(lanes)
    }
    /// Blocks of the rank's own sites.
    pub fn blocks(&self) -> usize {
        self.blocks
    }
    /// Own blocks and ghosts.
    pub fn extended_blocks(&self) -> usize {
        self.place_of.len()
    }
    /// Own blocks of one parity: 0 even, 1 odd, in global coordinates.
    pub fn parity_blocks(&self, parity: usize) -> Range<usize> {
        if parity == 0 { 0..self.even_blocks } else { self.even_blocks..self.blocks }
    }
    /// Parity of an own block.
    pub fn parity_of(&self, block: usize) -> usize {
        (block >= self.even_blocks) as usize
    }
    /// The own blocks in the order in which they lie beside each other, parities mixed. A kernel that reads
    /// neighbours and works on both parities follows it, so that what two neighbours share is still in cache when the
    /// second one needs it.
    pub fn walk(&self) -> &[u32] {
        &self.walk
    }
    /// How many blocks of the walk lie between neighbours in direction mu.
    pub fn distance(&self, mu: usize) -> usize {
        self.distances[mu]
    }
    /// Whether fields need their ghosts filled before a step is taken.
    #[inline]
    pub fn has_ghosts(&self) -> bool {
        self.extended_blocks() > self.blocks
    }
    /// The block one step away; `step` is [`forward`] or [`backward`].
    #[inline(always)]
    pub fn neighbour(&self, block: usize, step: usize) -> Neighbour {
        self.neighbours[block][step]
    }
    /// The block after two steps.
    #[inline(always)]
    pub fn neighbour2(&self, block: usize, first: usize, second: usize) -> Neighbour {
        let a = self.neighbours[block][first];
        let b = self.neighbours[a.block as usize][second];
        Neighbour { block: b.block, rotation: a.rotation * (STEPS as u32 + 1) + b.rotation }
    }
    /// The lanes' order after a rotation.
    #[inline(always)]
    pub fn rotation(&self, rotation: u32) -> &LaneIndex {
        &self.rotations[rotation as usize]
    }
    /// The lanes' order after one step that leaves their parts.
    #[inline(always)]
    pub fn rotation_of(&self, step: usize) -> &LaneIndex {
        self.rotation(step as u32 + 1)
    }
    /// Global coordinates of (own block, lane).
    pub fn site(&self, block: usize, lane: usize) -> Site {
        let origin = self.geometry.origin();
        let part = match self.meaning {
            LaneMeaning::Sites => unravel(lane % self.distinct_lanes(), &self.parts),
            LaneMeaning::Batch { .. } => [0; DIM_MAX],
        };
        std::array::from_fn(|mu| {
            origin[mu] + part[mu] * self.part_extents[mu] + self.place_of[block][mu] as usize - self.shell[mu]
        })
    }
    /// Block and lane of a site in this rank's box, given in coordinates relative to the box; for batch lanes the
    /// lane is 0.
    pub fn locate(&self, local: &Site) -> (usize, usize) {
        let place: Site = std::array::from_fn(|mu| local[mu] % self.part_extents[mu] + self.shell[mu]);
        let part: Site = std::array::from_fn(|mu| local[mu] / self.part_extents[mu]);
        (self.block_of[ravel(&place, &self.extended())] as usize, ravel(&part, &self.parts))
    }
    /// The blocks at consecutive places of a part, which are counted with x fastest.
    pub(crate) fn blocks_at(&self, places: Range<usize>) -> impl Iterator<Item = u32> {
        let (extent, extended) = (self.part_extents[0], self.extended());
        (places.start / extent..places.end.div_ceil(extent)).flat_map(move |row| {
            let first = row * extent;
            let place = unravel(first, &self.part_extents);
            let at = ravel(&std::array::from_fn(|mu| place[mu] + self.shell[mu]), &extended);
            let (start, end) = (places.start.max(first) - first, places.end.min(first + extent) - first);
            self.block_of[at + start..at + end].iter().copied()
        })
    }
    /// For ghost exchange: the pairs (sent block, ghost it fills on the neighbour) of one face. Forward faces send
    /// the box's last slice in direction `mu` to the neighbour's backward ghosts. Places in directions before `mu`
    /// include the ghosts filled there, so that corners arrive in the end.
    pub(crate) fn face(&self, mu: usize, is_forward: bool) -> Vec<(usize, usize)> {
        let extended = self.extended();
        let (sent, ghost) =
            if is_forward { (self.part_extents[mu], 0) } else { (self.shell[mu], extended[mu] - 1) };
        let mut pairs = Vec::new();
        for index in 0..extended.iter().product() {
            let mut place = unravel(index, &extended);
            let filled = (mu + 1..DIM_MAX)
                .all(|nu| (self.shell[nu]..self.shell[nu] + self.part_extents[nu]).contains(&place[nu]));
            if place[mu] != sent || !filled {
                continue;
            }
            let from = self.block_of[index] as usize;
            place[mu] = ghost;
            pairs.push((from, self.block_of[ravel(&place, &extended)] as usize));
        }
        pairs
    }
    /// Lanes at the edge of the box in direction `mu`: those whose value at the far end goes to the next rank.
    pub(crate) fn edge_lanes(&self, mu: usize, is_forward: bool) -> Vec<usize> {
        let edge = if is_forward { self.parts[mu] - 1 } else { 0 };
        (0..self.lanes)
            .filter(|&l| {
                self.meaning != LaneMeaning::Sites
                    || unravel(l % self.distinct_lanes(), &self.parts)[mu] == edge
            })
            .collect()
    }
    /// The lane that stands behind `lane` after a step (used to fill ghosts of inner parts).
    pub(crate) fn lane_after(&self, lane: usize, step: usize) -> usize {
        if self.meaning == LaneMeaning::Sites { self.stepped_lane(lane, step) } else { lane }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layouts() -> Vec<Layout> {
        let mut all = Vec::new();
        for extents in
            [&[8, 8, 8, 8][..], &[4, 4, 4, 8], &[6, 6, 6, 6], &[5, 7], &[16, 8], &[4, 4, 4], &[12, 2]]
        {
            for lanes in [8, 16] {
                for meaning in [LaneMeaning::Sites, LaneMeaning::Batch { chains: 5 }] {
                    all.push(Layout::new(Geometry::new(extents, &[], 0).unwrap(), lanes, meaning));
                }
            }
        }
        all
    }

    #[test]
    fn every_site_has_one_place() {
        for l in layouts() {
            let g = l.geometry().clone();
            let own = if l.meaning() == LaneMeaning::Sites { l.distinct_lanes() } else { 1 };
            assert_eq!(l.blocks() * own, g.local_volume());
            for index in 0..g.volume() {
                let x = g.site(index);
                let (block, lane) = l.locate(&x);
                assert_eq!(l.site(block, lane), x);
                if g.is_bipartite() {
                    assert_eq!(l.parity_of(block), x.iter().sum::<usize>() % 2);
                }
            }
        }
    }

    #[test]
    fn one_and_two_steps_reach_the_neighbouring_sites() {
        for l in layouts() {
            let g = l.geometry().clone();
            let move_by = |mut x: Site, step: usize| {
                let (mu, n) = (step % DIM_MAX, g.extents()[step % DIM_MAX]);
                x[mu] = (x[mu] + if step < DIM_MAX { 1 } else { n - 1 }) % n;
                x
            };
            let steps: Vec<usize> = (0..g.dims()).flat_map(|mu| [forward(mu), backward(mu)]).collect();
            for block in 0..l.blocks() {
                for &a in &steps {
                    for lane in 0..l.lanes() {
                        let one = l.neighbour(block, a);
                        let from = l.rotation(one.rotation).0[lane] as usize;
                        let x = move_by(l.site(block, lane), a);
                        assert_eq!(l.site(one.block as usize, from), x);
                        for &b in &steps {
                            let two = l.neighbour2(block, a, b);
                            let from = l.rotation(two.rotation).0[lane] as usize;
                            assert_eq!(l.site(two.block as usize, from), move_by(x, b));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_split_keeps_the_parts_even() {
        let l = Layout::new(Geometry::new(&[8, 8, 8, 8], &[], 0).unwrap(), 8, LaneMeaning::Sites);
        assert_eq!((l.parts(), l.part_extents()), ([1, 2, 2, 2], [8, 4, 4, 4]));
        let l = Layout::new(Geometry::new(&[6, 6, 6, 6], &[], 0).unwrap(), 8, LaneMeaning::Sites);
        assert_eq!(l.distinct_lanes(), 1);
    }
}
