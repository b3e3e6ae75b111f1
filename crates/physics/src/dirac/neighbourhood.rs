//! What one block of Wilson's operator reads: its eight neighbours.
//!
//! In the bulk a half spinor is projected and multiplied register by register, straight from memory. Where lanes move
//! between the parts of the lattice, or a step crosses an edge with a phase, whole rows are needed: those few steps
//! are carried first and wait in a buffer.

use super::boundary::BoundaryTable;
use super::hop::{HalfSpinor, HopSource, project, projector_sign, transport};
use super::spinor::SPINS;
use gaugelink_lattice::{Complex, DIM_MAX, FieldReader, Lanes, Layout, Neighbour, Real, backward, forward};

/// Steps from a site.
const STEPS: usize = 2 * DIM_MAX;

/// Room for a block row, only ever used through pointers to its scalars.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Room<V>(V);

/// The neighbours of one block.
pub(super) struct Neighbourhood<V: Lanes, const N: usize> {
    at: [Neighbour; STEPS],
    spinors: [*const V::Scalar; STEPS],
    links: [*const V::Scalar; STEPS],
    /// Steps that cross an edge with a phase, and those that wait in the buffer: one bit each.
    crossing: u8,
    waiting: u8,
    /// Half spinors that wait, `[step][spin][colour][re|im]`.
    buffer: [[[[Room<V>; 2]; N]; 2]; STEPS],
}

impl<T: Real, V: Lanes<Scalar = T>, const N: usize> Neighbourhood<V, N> {
    #[inline(always)]
    pub fn new() -> Self {
        Self {
            at: [Neighbour::default(); STEPS],
            spinors: [std::ptr::null(); STEPS],
            links: [std::ptr::null(); STEPS],
            crossing: 0,
            waiting: 0,
            buffer: [[[[Room(V::splat(0.0)); 2]; N]; 2]; STEPS],
        }
    }

    /// Turns to another block.
    #[inline(always)]
    pub fn visit(
        &mut self,
        psi: &FieldReader<'_, T>,
        links: &FieldReader<'_, T>,
        table: &BoundaryTable<T>,
        block: usize,
    ) {
        let (layout, link) = (psi.layout(), 2 * N * N);
        self.crossing = table.crossing(block);
        self.waiting = self.crossing;
        for step in 0..STEPS {
            let at = layout.neighbour(block, step);
            let beside = if step < DIM_MAX { block } else { at.block as usize };
            self.at[step] = at;
            self.waiting |= ((at.rotation != 0) as u8) << step;
            self.spinors[step] = psi.rows(at.block as usize, 0, 2 * SPINS * N);
            self.links[step] = links.rows(beside, (step % DIM_MAX) * link, link);
        }
    }

    /// Carries the half spinors that need more than the formula into the buffer.
    #[inline(always)]
    pub fn carry_waiting(&mut self, layout: &Layout, table: &BoundaryTable<T>, dagger: bool) {
        if self.waiting == 0 {
            return;
        }
        for mu in 0..DIM_MAX {
            if self.waiting & (1 << forward(mu)) != 0 {
                let step = forward(mu);
                // SAFETY: `visit` took the rows of a whole spinor.
                let psi = |s: usize, c: usize| unsafe { load::<V>(self.spinors[step], s * N + c) };
                let half = project(psi, mu, projector_sign(true, dagger));
                let half = self.moved(layout, table, step, half);
                self.put(step, half);
                for offset in offsets::<V>() {
                    let half = RegisterSource { around: self, offset }.waiting(step);
                    self.transport_into(step, true, offset, &half);
                }
            }
            if self.waiting & (1 << backward(mu)) != 0 {
                let step = backward(mu);
                for offset in offsets::<V>() {
                    let source = RegisterSource { around: self, offset };
                    let psi = |s: usize, c: usize| source.spinor(step, s, c);
                    let half = project(psi, mu, projector_sign(false, dagger));
                    self.transport_into(step, false, offset, &half);
                }
                let p = self.room(step);
                let mut half = [[Complex::zero(); N]; 2];
                for s in 0..2 {
                    for c in 0..N {
                        // SAFETY: the buffer holds a half spinor's rows.
                        half[s][c] = unsafe { load::<V>(p, s * N + c) };
                    }
                }
                let half = self.moved(layout, table, step, half);
                self.put(step, half);
            }
        }
    }

    /// A half spinor from the neighbour's lanes in this block's, times the phase where the step crosses an edge.
    #[inline(always)]
    fn moved(
        &self,
        layout: &Layout,
        table: &BoundaryTable<T>,
        step: usize,
        mut half: HalfSpinor<V, N>,
    ) -> HalfSpinor<V, N> {
        if self.at[step].rotation != 0 {
            let index = layout.rotation(self.at[step].rotation);
            for z in half.as_flattened_mut() {
                // SAFETY: a rotation's entries are lanes.
                unsafe { *z = Complex { re: z.re.permuted(index), im: z.im.permuted(index) } }
            }
        }
        if self.crossing & (1 << step) != 0 {
            let (mask, phase) = table.phase::<V>(step);
            for z in half.as_flattened_mut() {
                let turned = *z * phase;
                z.re = V::select(mask, turned.re, z.re);
                z.im = V::select(mask, turned.im, z.im);
            }
        }
        half
    }

    #[inline(always)]
    fn room(&self, step: usize) -> *const T {
        (&raw const self.buffer[step]).cast()
    }

    #[inline(always)]
    fn put(&mut self, step: usize, half: HalfSpinor<V, N>) {
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
    fn transport_into(
        &mut self,
        step: usize,
        is_forward: bool,
        offset: usize,
        half: &HalfSpinor<V::Register, N>,
    ) {
        let source = RegisterSource { around: self, offset };
        let product = transport(|i, j| source.link(step, i, j), is_forward, half);
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
pub(super) struct RegisterSource<'a, V: Lanes, const N: usize> {
    pub around: &'a Neighbourhood<V, N>,
    pub offset: usize,
}

impl<V: Lanes, const N: usize> RegisterSource<'_, V, N> {
    /// The half spinor that waits in the buffer.
    #[inline(always)]
    fn waiting(&self, step: usize) -> HalfSpinor<V::Register, N> {
        let p: *const V::Scalar = (&raw const self.around.buffer[step]).cast();
        let mut half = [[Complex::zero(); N]; 2];
        for s in 0..2 {
            for c in 0..N {
                // SAFETY: the buffer holds a half spinor's rows.
                half[s][c] = unsafe { load_register::<V>(p, s * N + c, self.offset) };
            }
        }
        half
    }
}

impl<V: Lanes, const N: usize> HopSource<V::Register, N> for RegisterSource<'_, V, N> {
    #[inline(always)]
    fn spinor(&self, step: usize, spin: usize, colour: usize) -> Complex<V::Register> {
        // SAFETY: `visit` took the rows of a whole spinor.
        unsafe { load_register::<V>(self.around.spinors[step], spin * N + colour, self.offset) }
    }
    #[inline(always)]
    fn link(&self, step: usize, row: usize, column: usize) -> Complex<V::Register> {
        // SAFETY: `visit` took the rows of a whole link.
        unsafe { load_register::<V>(self.around.links[step], row * N + column, self.offset) }
    }
    #[inline(always)]
    fn arrived(&self, step: usize) -> Option<HalfSpinor<V::Register, N>> {
        if self.around.waiting & (1 << step) == 0 { None } else { Some(self.waiting(step)) }
    }
}

/// Complex number `index` of an array of block rows.
///
/// # Safety
/// The rows are valid.
#[inline(always)]
unsafe fn load<V: Lanes>(start: *const V::Scalar, index: usize) -> Complex<V> {
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
unsafe fn load_register<V: Lanes>(
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
