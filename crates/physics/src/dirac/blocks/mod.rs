//! The lattice cut into blocks of sites, each block in a lane of its own.
//!
//! Blocks are coloured like a chessboard. The sites of one colour's blocks are fields on a lattice *inside*: a lane is a
//! block, and stacks of as many blocks as there are lanes follow each other along the longest direction. Sums over a
//! block are then sums within a lane, in an order of their own: they do not depend on where the layout, threads or ranks
//! put the block. Links that leave a block are put to zero there, so operators of the whole lattice run on all blocks
//! of a colour at once, each with Dirichlet boundaries.

mod copy;

use crate::PhysicsError;
use copy::Plan;
use gaugelink_lattice::{DIM_MAX, Field, LaneMeaning, Lattice, LatticeError, LatticeOptions, Real, Site};
use std::ops::Range;
use std::sync::Arc;

/// Parts of a block, each the work of one thread, with sums of their own.
pub(super) const CHUNKS: usize = 16;

/// One colour's blocks.
#[derive(Debug)]
struct Colour<T> {
    /// The block in each lane of each stack; some twice where there are fewer blocks than lanes.
    seats: Vec<Vec<usize>>,
    from_lattice: Plan<T>,
}

/// A rank's box in blocks.
#[derive(Debug)]
pub(super) struct Blocks<T> {
    lattice: Arc<Lattice>,
    extents: Site,
    /// Blocks in each direction of the box.
    counts: Site,
    /// The direction of stacks.
    along: usize,
    colours: [Colour<T>; 2],
    to_lattice: Plan<T>,
    inside: Arc<Lattice>,
    chunks: Arc<Lattice>,
    /// The sites of each stack, even ones first.
    members: Vec<u32>,
}

/// Where a block sits.
#[derive(Clone, Copy, Debug, Default)]
struct Seat {
    colour: usize,
    stack: usize,
    lane: usize,
}

impl<T: Real> Blocks<T> {
    /// The box of `lattice` in blocks of these extents.
    ///
    /// # Errors
    /// [`PhysicsError::Geometry`] where the lattice has not four dimensions or holds a batch, and where the blocks have odd
    /// extents or do not divide the box into an even number in each direction; no memory.
    pub fn new(lattice: &Arc<Lattice>, extents: Site) -> Result<Self, PhysicsError> {
        let geometry = lattice.geometry();
        let local = geometry.local_extents();
        let fail = |text: String| Err(PhysicsError::Geometry(text));
        if geometry.dims() != DIM_MAX || lattice.layout::<T>().meaning() != LaneMeaning::Sites {
            return fail(format!(
                "blocks of sites need a lattice of 4 dimensions that holds one configuration, this one has {} and {}",
                geometry.dims(),
                lattice.chains()
            ));
        }
        check_blocks(&local, &extents)?;
        let counts: Site = std::array::from_fn(|mu| local[mu] / extents[mu]);
        let seats = seats::<T>(lattice, &extents, &counts);
        let stacks = seats[0].len();
        let along = (0..DIM_MAX).max_by_key(|&mu| extents[mu]).unwrap_or(0);
        let within = |extents: &Site| {
            Lattice::new(
                extents,
                LatticeOptions {
                    pool: Some(lattice.pool().clone()),
                    lanes: LaneMeaning::Batch { chains: T::LANES },
                    isa: lattice.isa(),
                    ..LatticeOptions::default()
                },
            )
        };
        let mut stacked = extents;
        stacked[along] *= stacks;
        let inside = within(&stacked)?;
        let chunks = within(&[2, 2, 2, CHUNKS / 8 * stacks])?;
        let mut blocks = Self {
            lattice: lattice.clone(),
            extents,
            counts,
            along,
            colours: seats.map(|seats| Colour { seats, from_lattice: Plan::default() }),
            to_lattice: Plan::default(),
            inside,
            chunks,
            members: Vec::new(),
        };
        let mut members = vec![Vec::new(); stacks];
        for at in 0..blocks.inside.layout::<T>().blocks() {
            members[blocks.place(at).0].push(at as u32);
        }
        blocks.members = members.concat();
        for colour in 0..2 {
            blocks.colours[colour].from_lattice = blocks.plan_from_lattice(colour);
        }
        blocks.to_lattice = blocks.plan_to_lattice();
        Ok(blocks)
    }

    /// The stack of a block of the lattice inside, and the place in the lanes' blocks.
    fn place(&self, at: usize) -> (usize, Site) {
        let mut site = self.inside.layout::<T>().site(at, 0);
        let stack = site[self.along] / self.extents[self.along];
        site[self.along] %= self.extents[self.along];
        (stack, site)
    }

    fn plan_from_lattice(&self, colour: usize) -> Plan<T> {
        let layout = self.lattice.layout::<T>();
        Plan::new(self.inside.layout::<T>().blocks(), 1, |at, lane| {
            let (stack, site) = self.place(at);
            let block = coordinates(self.colours[colour].seats[stack][lane], &self.counts);
            let local = std::array::from_fn(|mu| block[mu] * self.extents[mu] + site[mu]);
            let (at, lane) = layout.locate(&local);
            (0, at, lane)
        })
    }

    fn plan_to_lattice(&self) -> Plan<T> {
        let mut seats = vec![Seat::default(); self.counts.iter().product()];
        for (colour, of_colour) in self.colours.iter().enumerate() {
            for (stack, lanes) in of_colour.seats.iter().enumerate() {
                // The first of a block's lanes counts.
                for (lane, &block) in lanes.iter().enumerate().rev() {
                    seats[block] = Seat { colour, stack, lane };
                }
            }
        }
        let (layout, inside) = (self.lattice.layout::<T>(), self.inside.layout::<T>());
        let origin = layout.geometry().origin();
        Plan::new(layout.blocks(), 2, |at, lane| {
            let site = layout.site(at, lane);
            let local: Site = std::array::from_fn(|mu| site[mu] - origin[mu]);
            let block = number(&std::array::from_fn(|mu| local[mu] / self.extents[mu]), &self.counts);
            let mut place: Site = std::array::from_fn(|mu| local[mu] % self.extents[mu]);
            let seat = seats[block];
            place[self.along] += seat.stack * self.extents[self.along];
            (seat.colour, inside.locate(&place).0, seat.lane)
        })
    }

    /// The lattice that is cut.
    pub fn lattice(&self) -> &Arc<Lattice> {
        &self.lattice
    }
    /// The lattice of one colour's fields.
    pub fn inside(&self) -> &Arc<Lattice> {
        &self.inside
    }
    /// A lattice of [`CHUNKS`] blocks for each stack, for sums.
    pub fn chunks(&self) -> &Arc<Lattice> {
        &self.chunks
    }
    /// Extents of a block.
    pub fn extents(&self) -> &Site {
        &self.extents
    }
    /// Stacks of each colour.
    pub fn stacks(&self) -> usize {
        self.colours[0].seats.len()
    }
    /// Which of the box's blocks sits in a lane: its coordinates.
    pub fn seat(&self, colour: usize, stack: usize, lane: usize) -> Site {
        coordinates(self.colours[colour].seats[stack][lane], &self.counts)
    }
    /// Sites of a block.
    pub fn volume(&self) -> usize {
        self.extents.iter().product()
    }
    /// The sites of a stack, in the same order for each: even ones, then odd ones.
    pub fn members(&self, stack: usize) -> &[u32] {
        &self.members[stack * self.volume()..][..self.volume()]
    }
    /// The numbers among [`Blocks::members`] of the sites whose coordinate in direction `mu` is `at`.
    pub fn slice(&self, mu: usize, at: usize) -> Vec<u32> {
        let members = self.members(0);
        (0..members.len() as u32).filter(|&i| self.place(members[i as usize] as usize).1[mu] == at).collect()
    }
    /// Puts to zero what a field of links has of links that leave a block.
    pub fn cut_links(&self, links: &mut Field<T>) {
        let link = links.reals() / DIM_MAX * T::LANES;
        for at in 0..self.inside.layout::<T>().blocks() {
            let (_, site) = self.place(at);
            for mu in (0..DIM_MAX).filter(|&mu| site[mu] + 1 == self.extents[mu]) {
                links.block_mut(at)[mu * link..][..link].fill(T::default());
            }
        }
    }
    /// Components of one colour's blocks, from `first` of `out` on, from those of a field on the lattice.
    pub fn gather(&self, colour: usize, out: &mut Field<T>, first: usize, from: &Field<T>) {
        let components = (0, first, from.reals());
        self.colours[colour].from_lattice.run(out, [Some(from), Some(from)], None, components, false);
    }
    /// `out` ← b − a on one colour's blocks.
    pub fn gather_difference(&self, colour: usize, out: &mut Field<T>, b: &Field<T>, a: &Field<T>) {
        let components = (0, 0, b.reals());
        self.colours[colour].from_lattice.run(out, [Some(a), Some(a)], Some(b), components, false);
    }
    /// A field on the lattice from components of both colours' blocks, from `first` on; ghosts are stale.
    pub fn scatter(&self, out: &mut Field<T>, from: [&Field<T>; 2], first: usize) {
        let components = (first, 0, out.reals());
        self.to_lattice.run(out, from.map(Some), None, components, false);
    }
    /// Adds both colours' blocks, or those of one, to a field on the lattice; ghosts are stale.
    pub fn add(&self, out: &mut Field<T>, from: [Option<&Field<T>>; 2]) {
        let components = (0, 0, out.reals());
        self.to_lattice.run(out, from, None, components, true);
    }
    /// A field of `reals` real numbers on the sites of each colour's blocks.
    pub fn fields(&self, reals: usize) -> Result<[Field<T>; 2], LatticeError> {
        Ok([Field::zeroed(&self.inside, reals)?, Field::zeroed(&self.inside, reals)?])
    }
}

/// Whether blocks of these extents cut a rank's box into an even number in each direction, as colours need.
///
/// # Errors
/// [`PhysicsError::Geometry`] where they do not, or have an odd extent.
pub fn check_blocks(local: &Site, block: &Site) -> Result<(), PhysicsError> {
    let fits = |mu: usize| {
        let b = block[mu];
        b >= 2 && b.is_multiple_of(2) && local[mu].is_multiple_of(2 * b)
    };
    match (0..DIM_MAX).find(|&mu| !fits(mu)) {
        None => Ok(()),
        Some(mu) => {
            // The smallest block takes two sites each way.
            let advice = if local.iter().all(|l| l.is_multiple_of(4)) {
                "give even extents that divide it into an even number of blocks, such as 2"
            } else {
                "none would, for that takes extents that are multiples of 4: choose a solver without blocks"
            };
            Err(PhysicsError::Geometry(format!(
                "blocks of {block:?} sites do not fit a box of {local:?} in direction {mu}: {advice}"
            )))
        }
    }
}

/// A part of `len` sites.
#[inline(always)]
pub(super) fn part(len: usize, part: usize, parts: usize) -> Range<usize> {
    len * part / parts..len * (part + 1) / parts
}

/// The coordinates of a block, x fastest.
pub(super) fn coordinates(mut number: usize, counts: &Site) -> Site {
    std::array::from_fn(|mu| {
        let x = number % counts[mu];
        number /= counts[mu];
        x
    })
}

/// The number of a block, x fastest.
pub(super) fn number(block: &Site, counts: &Site) -> usize {
    (0..DIM_MAX).rev().fold(0, |index, mu| index * counts[mu] + block[mu])
}

/// The block in each lane of each stack, for both colours. Where each lane of the lattice has as many blocks of either
/// colour, they stay in their lanes, so that rows are copied whole.
fn seats<T: Real>(lattice: &Lattice, extents: &Site, counts: &Site) -> [Vec<Vec<usize>>; 2] {
    let layout = lattice.layout::<T>();
    let total: usize = counts.iter().product();
    let colour = |block: usize| coordinates(block, counts).iter().sum::<usize>() % 2;
    let lane = |block: usize| {
        let corner = coordinates(block, counts);
        layout.locate(&std::array::from_fn(|mu| corner[mu] * extents[mu])).1
    };
    [0, 1].map(|wanted| {
        let ours: Vec<usize> = (0..total).filter(|&block| colour(block) == wanted).collect();
        let lists: Vec<Vec<usize>> =
            (0..T::LANES).map(|l| ours.iter().copied().filter(|&block| lane(block) == l).collect()).collect();
        if lists.iter().all(|list| list.len() * T::LANES == ours.len()) {
            return (0..lists[0].len()).map(|stack| lists.iter().map(|list| list[stack]).collect()).collect();
        }
        let seat = |stack: usize, lane: usize| ours[(stack * T::LANES + lane) % ours.len()];
        (0..ours.len().div_ceil(T::LANES))
            .map(|stack| (0..T::LANES).map(|lane| seat(stack, lane)).collect())
            .collect()
    })
}
