//! What one block of Wilson's operator reads: its neighbours, eight in four dimensions.
//!
//! Half spinors are projected and multiplied register by register, straight from memory. Some steps take more: lanes
//! move between the parts of the lattice, or an edge is crossed that has a phase. Where a row is one register that
//! happens on the way. Where a row has several, whole rows are needed: those few steps are carried first and wait in a
//! buffer.

use super::ahead::Ahead;
use super::boundary::BoundaryTable;
use super::hop::{HalfSpinor, HopSource, project, projector_sign, transport};
use super::two_rows::third;
use gaugelink_lattice::{Complex, DIM_MAX, FieldReader, Lanes, Layout, Neighbour, Real, backward, forward};

/// Steps from a site.
const STEPS: usize = 2 * DIM_MAX;

/// Room for a block row, only ever used through pointers to its scalars.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Room<V>(V);

/// The neighbours of one block, with `ROWS` rows of each link in memory: all N, or two of SU(3).
pub(super) struct Neighbourhood<'a, V: Lanes, const N: usize, const H: usize, const ROWS: usize> {
    layout: &'a Layout,
    link: FieldReader<'a, V::Scalar>,
    table: &'a BoundaryTable<V::Scalar>,
    at: [Neighbour; STEPS],
    spinors: [*const V::Scalar; STEPS],
    links: [*const V::Scalar; STEPS],
    /// Steps that cross an edge with a phase, and those that take more than the formula, for this or because lanes
    /// move: one bit each.
    crossing: u8,
    moving: u8,
    /// What the block after this one needs from memory.
    pub ahead: Ahead<V::Scalar, N, H, ROWS>,
    /// Half spinors that wait, `[step][spin][colour][re|im]`.
    buffer: [[[[Room<V>; 2]; N]; H]; STEPS],
}

impl<'a, T: Real, V: Lanes<Scalar = T>, const N: usize, const H: usize, const ROWS: usize>
    Neighbourhood<'a, V, N, H, ROWS>
{
    #[inline(always)]
    pub fn new(link: FieldReader<'a, T>, table: &'a BoundaryTable<T>) -> Self {
        Self {
            layout: link.layout(),
            link,
            table,
            at: [Neighbour::default(); STEPS],
            spinors: [std::ptr::null(); STEPS],
            links: [std::ptr::null(); STEPS],
            crossing: 0,
            moving: 0,
            ahead: Ahead::none(),
            buffer: [[[[Room(V::splat(0.0)); 2]; N]; H]; STEPS],
        }
    }

    /// Turns to another block, or to another ψ there.
    #[inline(always)]
    pub fn visit(&mut self, psi: &FieldReader<'_, T>, block: usize, dagger: bool) {
        let link = 2 * ROWS * N;
        self.crossing = self.table.crossing(block);
        self.moving = self.crossing;
        for step in (0..STEPS).filter(|step| step % DIM_MAX < 2 * H) {
            let at = self.layout.neighbour(block, step);
            let beside = if step < DIM_MAX { block } else { at.block as usize };
            self.at[step] = at;
            self.moving |= ((at.rotation != 0) as u8) << step;
            self.spinors[step] = psi.rows(at.block as usize, 0, 4 * H * N);
            self.links[step] = self.link.rows(beside, (step % DIM_MAX) * link, link);
        }
        if V::REGISTERS > 1 && self.moving != 0 {
            self.carry(dagger);
        }
    }

    /// Carries the half spinors that need more than the formula into the buffer.
    #[inline(always)]
    fn carry(&mut self, dagger: bool) {
        for mu in 0..2 * H {
            if self.moving & (1 << forward(mu)) != 0 {
                let step = forward(mu);
                // SAFETY: `visit` took the rows of a whole spinor.
                let psi = |s: usize, c: usize| unsafe { load::<V>(self.spinors[step], s * N + c) };
                let half = project(psi, mu, projector_sign(true, dagger));
                let half = self.moved(step, half);
                self.put(step, half);
                for offset in offsets::<V>() {
                    let half = RegisterSource { around: self, offset }.waiting(step);
                    self.transport_into(step, offset, &half);
                }
            }
            if self.moving & (1 << backward(mu)) != 0 {
                let step = backward(mu);
                for offset in offsets::<V>() {
                    let source = RegisterSource { around: self, offset };
                    let psi = |s: usize, c: usize| source.spinor(step, s, c);
                    let half = project(psi, mu, projector_sign(false, dagger));
                    self.transport_into(step, offset, &half);
                }
                let p = self.room(step);
                let mut half = [[Complex::zero(); N]; H];
                for s in 0..H {
                    for c in 0..N {
                        // SAFETY: the buffer holds a half spinor's rows.
                        half[s][c] = unsafe { load::<V>(p, s * N + c) };
                    }
                }
                let half = self.moved(step, half);
                self.put(step, half);
            }
        }
    }

    /// A half spinor from the neighbour's lanes in this block's, times the phase where the step crosses an edge.
    #[inline(always)]
    fn moved(&self, step: usize, mut half: HalfSpinor<V, N, H>) -> HalfSpinor<V, N, H> {
        if self.at[step].rotation != 0 {
            let index = self.layout.rotation(self.at[step].rotation);
            for z in half.as_flattened_mut() {
                // SAFETY: a rotation's entries are lanes.
                unsafe { *z = Complex { re: z.re.permuted(index), im: z.im.permuted(index) } }
            }
        }
        if self.crossing & (1 << step) != 0 {
            self.table.turn(step, self.table.lanes(step).to_lanes(), &mut half);
        }
        half
    }

    #[inline(always)]
    fn room(&self, step: usize) -> *const T {
        (&raw const self.buffer[step]).cast()
    }

    #[inline(always)]
    fn put(&mut self, step: usize, half: HalfSpinor<V, N, H>) {
        let p: *mut T = (&raw mut self.buffer[step]).cast();
        for (i, z) in half.as_flattened().iter().enumerate() {
            // SAFETY: the buffer has room for a half spinor's rows.
            unsafe {
                z.re.store(p.add(2 * i * T::LANES));
                z.im.store(p.add((2 * i + 1) * T::LANES));
            }
        }
    }

    #[inline(always)]
    fn transport_into(&mut self, step: usize, offset: usize, half: &HalfSpinor<V::Register, N, H>) {
        let source = RegisterSource { around: self, offset };
        let product = transport(&source, step, half);
        let p: *mut T = (&raw mut self.buffer[step]).cast();
        for (i, z) in product.as_flattened().iter().enumerate() {
            // SAFETY: the buffer has room for a half spinor's rows.
            unsafe {
                V::store_register(z.re, p.add(2 * i * T::LANES + offset));
                V::store_register(z.im, p.add((2 * i + 1) * T::LANES + offset));
            }
        }
    }
}

/// The first lane of each register of a row.
#[inline(always)]
pub(super) fn offsets<V: Lanes>() -> impl Iterator<Item = usize> {
    (0..V::REGISTERS).map(|register| register * (V::Scalar::LANES / V::REGISTERS))
}

/// One register's lanes of a neighbourhood, from lane `offset` on.
pub(super) struct RegisterSource<'a, V: Lanes, const N: usize, const H: usize, const ROWS: usize> {
    pub around: &'a Neighbourhood<'a, V, N, H, ROWS>,
    pub offset: usize,
}

impl<V: Lanes, const N: usize, const H: usize, const ROWS: usize> RegisterSource<'_, V, N, H, ROWS> {
    /// An entry of a link that is in memory.
    #[inline(always)]
    fn kept(&self, step: usize, row: usize, column: usize) -> Complex<V::Register> {
        // SAFETY: `visit` took all rows of the link that are in memory.
        unsafe { load_register::<V>(self.around.links[step], row * N + column, self.offset) }
    }

    /// The half spinor that waits in the buffer.
    #[inline(always)]
    fn waiting(&self, step: usize) -> HalfSpinor<V::Register, N, H> {
        let p: *const V::Scalar = (&raw const self.around.buffer[step]).cast();
        let mut half = [[Complex::zero(); N]; H];
        for s in 0..H {
            for c in 0..N {
                // SAFETY: the buffer holds a half spinor's rows.
                half[s][c] = unsafe { load_register::<V>(p, s * N + c, self.offset) };
            }
        }
        half
    }
}

impl<T: Real, V: Lanes<Scalar = T>, const N: usize, const H: usize, const ROWS: usize>
    HopSource<V::Register, N, H> for RegisterSource<'_, V, N, H, ROWS>
{
    #[inline(always)]
    fn spinor(&self, step: usize, spin: usize, colour: usize) -> Complex<V::Register> {
        // SAFETY: `visit` took the rows of a whole spinor.
        unsafe { load_register::<V>(self.around.spinors[step], spin * N + colour, self.offset) }
    }
    #[inline(always)]
    fn link(&self, step: usize, row: usize, column: usize) -> Complex<V::Register> {
        if row < ROWS {
            return self.kept(step, row, column);
        }
        let (k, l) = ((column + 1) % N, (column + 2) % N);
        third(self.kept(step, 0, k), self.kept(step, 1, l), self.kept(step, 0, l), self.kept(step, 1, k))
    }
    #[inline(always)]
    fn begins(&self, step: usize) {
        if self.offset == 0 {
            self.around.ahead.ask(step);
        }
    }
    #[inline(always)]
    fn arrived(&self, step: usize) -> Option<HalfSpinor<V::Register, N, H>> {
        let waits = V::REGISTERS > 1 && self.around.moving & (1 << step) != 0;
        waits.then(|| self.waiting(step))
    }
    #[inline(always)]
    fn moved(&self, step: usize, mut half: HalfSpinor<V::Register, N, H>) -> HalfSpinor<V::Register, N, H> {
        let Neighbourhood { layout, table, at, crossing, moving, .. } = self.around;
        if V::REGISTERS > 1 || moving & (1 << step) == 0 {
            return half;
        }
        if at[step].rotation != 0 {
            let index = layout.rotation(at[step].rotation);
            for z in half.as_flattened_mut() {
                // SAFETY: a row is one register, and a rotation's entries are lanes.
                unsafe {
                    z.re = V::permuted_register(z.re, index);
                    z.im = V::permuted_register(z.im, index);
                }
            }
        }
        if crossing & (1 << step) != 0 {
            // SAFETY: a whole row, which is one register.
            let lanes = unsafe { V::load_register(table.lanes(step).0.as_ptr()) };
            table.turn(step, lanes, &mut half);
        }
        half
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
/// As [`load`]; `offset` is one of [`offsets`].
#[inline(always)]
pub(super) unsafe fn load_register<V: Lanes>(
    start: *const V::Scalar,
    index: usize,
    offset: usize,
) -> Complex<V::Register> {
    // SAFETY: the caller vouches for the rows.
    unsafe {
        let p = start.add(2 * index * V::Scalar::LANES + offset);
        Complex { re: V::load_register(p), im: V::load_register(p.add(V::Scalar::LANES)) }
    }
}
