//! What one block of Wilson's operator reads: its neighbours, eight in four dimensions.
//!
//! Half spinors are projected and multiplied register by register, straight from memory. Some steps take more: lanes
//! move between the parts of the lattice, or an edge is crossed that has a phase. Where whole registers change places,
//! or lanes within them, a half spinor comes from another register of the neighbour's and is rearranged on the way.
//! Where lanes come together from several registers (parts behind each other in one direction, across registers) the
//! neighbour's rows are rearranged as a whole first.

use super::ahead::Ahead;
use super::boundary::BoundaryTable;
use super::hop::{HalfSpinor, HopSource};
use super::two_rows::third;
use gaugelink_lattice::number::LaneIndex;
use gaugelink_lattice::{Complex, DIM_MAX, FieldReader, Lanes, Layout, Real};
use std::mem::MaybeUninit;

/// Steps from a site.
const STEPS: usize = 2 * DIM_MAX;

/// Room for a block row, only ever used through pointers to its scalars.
#[repr(C, align(64))]
struct Room<V>(V);

/// Room for a neighbour's spinor and link.
#[repr(C)]
struct Rearranged<V, const N: usize, const H: usize, const ROWS: usize> {
    spinor: [[[[Room<V>; 2]; N]; H]; 2],
    link: [[[Room<V>; 2]; N]; ROWS],
}

/// The neighbours of one block, with `ROWS` rows of each link in memory: all N, or two of SU(3).
pub(super) struct Neighbourhood<'a, V: Lanes, const N: usize, const H: usize, const ROWS: usize> {
    layout: &'a Layout,
    link: FieldReader<'a, V::Scalar>,
    table: &'a BoundaryTable<V::Scalar>,
    spinors: [*const V::Scalar; STEPS],
    links: [*const V::Scalar; STEPS],
    /// How the lanes within a register move where a step rotates them, and by how many lanes it then changes the register.
    within: [LaneIndex; STEPS],
    other: [usize; STEPS],
    /// Steps whose rotations mix lanes of several registers, one bit each.
    mixing: u8,
    /// By how many lanes the steps from this block change the register.
    shift: [usize; STEPS],
    /// Steps from this block that cross an edge with a phase, and those that rotate lanes: one bit each.
    crossing: u8,
    rotating: u8,
    /// What the block after this one needs from memory.
    pub ahead: Ahead<V::Scalar, N, H, ROWS>,
    /// What is read of neighbours on mixing steps.
    rearranged: [MaybeUninit<Rearranged<V, N, H, ROWS>>; STEPS],
}

impl<'a, T: Real, V: Lanes<Scalar = T>, const N: usize, const H: usize, const ROWS: usize>
    Neighbourhood<'a, V, N, H, ROWS>
{
    #[inline(always)]
    pub fn new(link: FieldReader<'a, T>, table: &'a BoundaryTable<T>) -> Self {
        let layout = link.layout();
        let mut around = Self {
            layout,
            link,
            table,
            spinors: [std::ptr::null(); STEPS],
            links: [std::ptr::null(); STEPS],
            within: [LaneIndex::NONE; STEPS],
            other: [0; STEPS],
            mixing: 0,
            shift: [0; STEPS],
            crossing: 0,
            rotating: 0,
            ahead: Ahead::none(),
            rearranged: [const { MaybeUninit::uninit() }; STEPS],
        };
        for step in 0..STEPS {
            match layout.rotation_of(step).by_register(T::LANES, T::LANES / V::REGISTERS) {
                Some(rotation) => {
                    (around.within[step], around.other[step]) = (rotation.within, rotation.other)
                }
                None => around.mixing |= 1 << step,
            }
        }
        around
    }

    /// Turns to another block, or to another ψ there.
    #[inline(always)]
    pub fn visit(&mut self, psi: &FieldReader<'_, T>, block: usize) {
        let link = 2 * ROWS * N;
        self.crossing = self.table.crossing(block);
        self.rotating = 0;
        for step in (0..STEPS).filter(|step| step % DIM_MAX < 2 * H) {
            let at = self.layout.neighbour(block, step);
            let beside = if step < DIM_MAX { block } else { at.block as usize };
            let rotates = (at.rotation != 0) as u8;
            self.rotating |= rotates << step;
            if V::REGISTERS > 1 {
                self.shift[step] = self.other[step] * rotates as usize;
            }
            self.spinors[step] = psi.rows(at.block as usize, 0, 4 * H * N);
            self.links[step] = self.link.rows(beside, (step % DIM_MAX) * link, link);
        }
        if V::REGISTERS > 1 {
            let mixing = self.mixing & self.rotating;
            for step in 0..STEPS {
                if mixing & (1 << step) != 0 {
                    self.rearrange(step);
                }
            }
        }
    }

    /// Has a step read the neighbour's rows with their lanes in this block's order, from a copy.
    #[inline(always)]
    fn rearrange(&mut self, step: usize) {
        let rotation = self.layout.rotation_of(step);
        let room = self.rearranged[step].as_mut_ptr();
        // SAFETY: rows of a spinor and of a link, and the room for them, this neighbourhood's own, which stays where it is.
        unsafe {
            let spinor: *mut T = (&raw mut (*room).spinor).cast();
            rearrange::<V>(self.spinors[step], rotation, 4 * H * N, spinor);
            self.spinors[step] = spinor;
            if step >= DIM_MAX {
                let link: *mut T = (&raw mut (*room).link).cast();
                rearrange::<V>(self.links[step], rotation, 2 * ROWS * N, link);
                self.links[step] = link;
            }
        }
        self.rotating &= !(1 << step);
        self.shift[step] = 0;
    }
}

/// One register's lanes of a neighbourhood, from lane `offset` on.
pub(super) struct RegisterSource<'a, V: Lanes, const N: usize, const H: usize, const ROWS: usize> {
    pub around: &'a Neighbourhood<'a, V, N, H, ROWS>,
    pub offset: usize,
}

impl<T: Real, V: Lanes<Scalar = T>, const N: usize, const H: usize, const ROWS: usize>
    RegisterSource<'_, V, N, H, ROWS>
{
    /// The first lane of the neighbour's register: none but the block's own register, or its partner in a rotation.
    #[inline(always)]
    fn beyond(&self, step: usize) -> usize {
        if V::REGISTERS > 1 { self.offset ^ self.around.shift[step] } else { 0 }
    }

    /// Complex number `index` of the link's rows in memory.
    #[inline(always)]
    fn kept(&self, step: usize, index: usize) -> Complex<V::Register> {
        let offset = if step < DIM_MAX { self.offset } else { self.beyond(step) };
        // SAFETY: `visit` took all rows of the link that are in memory.
        unsafe { load_register::<V>(self.around.links[step], index, offset) }
    }

    /// A half spinor times the phase, where the step crosses an edge that has one.
    #[inline(always)]
    fn turned<const P: usize>(&self, step: usize, half: &mut HalfSpinor<V::Register, N, P>) {
        let Neighbourhood { table, crossing, .. } = self.around;
        if crossing & (1 << step) != 0 {
            // SAFETY: a register of a whole row.
            let lanes = unsafe { V::Register::load(table.lanes(step).0.as_ptr().add(self.offset)) };
            table.turn(step, lanes, half);
        }
    }
}

impl<T: Real, V: Lanes<Scalar = T>, const N: usize, const H: usize, const ROWS: usize>
    HopSource<V::Register, N, H> for RegisterSource<'_, V, N, H, ROWS>
{
    const BY_SPIN: bool = V::REGISTERS > 1;
    #[inline(always)]
    fn spinor(&self, step: usize, spin: usize, colour: usize) -> Complex<V::Register> {
        // SAFETY: `visit` took the rows of a whole spinor.
        unsafe { load_register::<V>(self.around.spinors[step], spin * N + colour, self.beyond(step)) }
    }
    #[inline(always)]
    fn link(&self, step: usize, row: usize, column: usize) -> Complex<V::Register> {
        if row < ROWS {
            return self.kept(step, row * N + column);
        }
        let (k, l) = ((column + 1) % N, (column + 2) % N);
        third(self.kept(step, k), self.kept(step, N + l), self.kept(step, l), self.kept(step, N + k))
    }
    #[inline(always)]
    fn begins(&self, step: usize) {
        if self.offset == 0 {
            self.around.ahead.ask(step);
        }
    }
    #[inline(always)]
    fn moved<const P: usize>(
        &self,
        step: usize,
        mut half: HalfSpinor<V::Register, N, P>,
    ) -> HalfSpinor<V::Register, N, P> {
        let Neighbourhood { rotating, crossing, within, .. } = self.around;
        if (rotating | crossing) & (1 << step) == 0 {
            return half;
        }
        if rotating & (1 << step) != 0 {
            for z in half.as_flattened_mut() {
                // SAFETY: a rotation's entries are lanes of a register.
                unsafe {
                    z.re = z.re.permuted(&within[step]);
                    z.im = z.im.permuted(&within[step]);
                }
            }
        }
        self.turned(step, &mut half);
        half
    }
}

/// Copies rows with their lanes rearranged.
///
/// # Safety
/// The rows are valid, and there is room for as many; the rotation's entries are lanes.
#[inline(always)]
unsafe fn rearrange<V: Lanes>(from: *const V::Scalar, rotation: &LaneIndex, rows: usize, to: *mut V::Scalar) {
    for row in (0..rows).map(|row| row * V::Scalar::LANES) {
        // SAFETY: the caller vouches for the rows.
        unsafe { V::load_permuted(from.add(row), rotation, 0).store(to.add(row)) }
    }
}

/// Complex number `index` of an array of block rows.
///
/// # Safety
/// The rows are valid.
#[inline(always)]
pub(super) unsafe fn load<V: Lanes>(start: *const V::Scalar, index: usize) -> Complex<V> {
    // SAFETY: the caller vouches for the rows.
    unsafe {
        let p = start.add(2 * index * V::Scalar::LANES);
        Complex { re: V::load(p), im: V::load(p.add(V::Scalar::LANES)) }
    }
}

/// One register's lanes of it.
///
/// # Safety
/// As [`load`]; `offset` is one of [`register_lanes`](gaugelink_lattice::number::register_lanes).
#[inline(always)]
pub(super) unsafe fn load_register<V: Lanes>(
    start: *const V::Scalar,
    index: usize,
    offset: usize,
) -> Complex<V::Register> {
    // SAFETY: the caller vouches for the rows.
    unsafe {
        let p = start.add(2 * index * V::Scalar::LANES + offset);
        Complex { re: V::Register::load(p), im: V::Register::load(p.add(V::Scalar::LANES)) }
    }
}
