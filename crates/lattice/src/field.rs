//! Numbers on every site: `[block][component][lane]`, complex components as a real and an imaginary row.

use crate::LatticeError;
use crate::group::{Matrix, matrix};
use crate::halo;
use crate::lattice::Lattice;
use crate::layout::{Layout, Neighbour};
use crate::memory::Memory;
use crate::number::{Kernel, LaneIndex, Lanes, Real};
use crate::sum::Tally;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::Arc;

/// A field of `reals` real numbers on each site.
#[derive(Debug)]
pub struct Field<T> {
    lattice: Arc<Lattice>,
    reals: usize,
    data: Memory<T>,
}

impl<T: Real> Field<T> {
    /// A field of zeros.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`]; [`LatticeError::Geometry`] for a batch of more chains than `T` has lanes.
    pub fn zeroed(lattice: &Arc<Lattice>, reals: usize) -> Result<Self, LatticeError> {
        if lattice.chains() > T::LANES {
            return Err(LatticeError::Geometry(format!(
                "a field in f{} has room for {} chains, the lattice's batch has {}: use f32, or batches of at most {}",
                T::BITS,
                T::LANES,
                lattice.chains(),
                T::LANES
            )));
        }
        let (layout, row) = (lattice.layout::<T>(), reals * T::LANES);
        let len = layout.extended_blocks().saturating_mul(row);
        // Each thread touches the blocks first that it will work on: its share of either parity, and of the ghosts.
        let parts =
            [layout.parity_blocks(0), layout.parity_blocks(1), layout.blocks()..layout.extended_blocks()];
        let zero = |numbers: &mut [MaybeUninit<T>]| {
            let numbers = SharedSlice::new(numbers);
            for part in parts {
                lattice.spread(part, |_, piece| {
                    // SAFETY: the pieces do not overlap.
                    unsafe { numbers.range(piece.start * row..piece.end * row) }.fill(MaybeUninit::zeroed());
                });
            }
        };
        // SAFETY: the parts are all blocks.
        Ok(Self { lattice: lattice.clone(), reals, data: unsafe { Memory::zeroed_by(len, zero)? } })
    }

    /// A field in memory of somebody else, which is left to its owner in the end.
    ///
    /// # Safety
    /// `start` is at a 64-byte boundary and valid for all blocks, ghosts included, as long as the field lives.
    pub(crate) unsafe fn at(start: *mut T, lattice: &Arc<Lattice>, reals: usize) -> Self {
        let len = lattice.layout::<T>().extended_blocks() * reals * T::LANES;
        // SAFETY: the caller's promise.
        Self { lattice: lattice.clone(), reals, data: unsafe { Memory::foreign(start, len) } }
    }

    /// Moves a field that was made by [`Field::at`].
    ///
    /// # Panics
    /// For one with memory of its own.
    ///
    /// # Safety
    /// As there, until it is moved again.
    #[inline]
    pub(crate) unsafe fn move_to(&mut self, start: *mut T) {
        // SAFETY: the caller's promise.
        unsafe { self.data.move_to(start) }
    }

    /// A copy in memory of its own.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`].
    pub fn duplicate(&self) -> Result<Self, LatticeError> {
        let mut copy = Self::zeroed(&self.lattice, self.reals)?;
        copy.copy_from(self);
        Ok(copy)
    }

    /// Copies all numbers, ghosts included. Both fields have the same shape.
    pub fn copy_from(&mut self, other: &Self) {
        assert_eq!(
            (self.reals, self.data.len()),
            (other.reals, other.data.len()),
            "fields of the same shape"
        );
        self.on_pieces(|mine, start| mine.copy_from_slice(&other.data[start..start + mine.len()]));
    }

    /// Sets all numbers, ghosts included.
    pub fn fill(&mut self, x: T) {
        self.on_pieces(|mine, _| mine.fill(x));
    }

    /// Calls `work` with each thread's own blocks, and where they start among all numbers.
    fn on_pieces(&mut self, work: impl Fn(&mut [T], usize) + Sync) {
        let row = self.reals * T::LANES;
        let to = SharedSlice::new(&mut self.data);
        self.lattice.spread(0..to.len / row, |_, piece| {
            // SAFETY: the pieces do not overlap.
            work(unsafe { to.range(piece.start * row..piece.end * row) }, piece.start * row);
        });
    }

    /// Copies the configurations of a batch for which `chosen` holds (with site lanes there is one).
    pub fn copy_chains_from(&mut self, other: &Self, chosen: &[bool]) {
        assert_eq!(
            (self.reals, self.data.len()),
            (other.reals, other.data.len()),
            "fields of the same shape"
        );
        if chosen.iter().all(|&c| c) {
            return self.copy_from(other);
        }
        if !chosen.contains(&true) {
            return;
        }
        let lattice = self.lattice.clone();
        let layout = lattice.layout::<T>();
        let lanes: Vec<usize> = (0..T::LANES).filter(|&l| chosen[layout.chain_of(l)]).collect();
        for (to, from) in self.data.chunks_exact_mut(T::LANES).zip(other.data.chunks_exact(T::LANES)) {
            lanes.iter().for_each(|&l| to[l] = from[l]);
        }
    }

    /// The lattice it lives on.
    pub fn lattice(&self) -> &Arc<Lattice> {
        &self.lattice
    }
    /// Its layout.
    pub fn layout(&self) -> &Layout {
        self.lattice.layout::<T>()
    }
    /// Real numbers on a site.
    pub fn reals(&self) -> usize {
        self.reals
    }
    /// One number.
    #[inline]
    pub fn get(&self, block: usize, component: usize, lane: usize) -> T {
        self.data[(block * self.reals + component) * T::LANES + lane]
    }
    /// Sets one number.
    #[inline]
    pub fn set(&mut self, block: usize, component: usize, lane: usize, value: T) {
        self.data[(block * self.reals + component) * T::LANES + lane] = value;
    }
    /// The rows of one block, `[component][lane]`.
    pub fn block(&self, block: usize) -> &[T] {
        &self.data[block * self.reals * T::LANES..][..self.reals * T::LANES]
    }
    /// The rows of one block, to be changed.
    pub fn block_mut(&mut self, block: usize) -> &mut [T] {
        &mut self.data[block * self.reals * T::LANES..][..self.reals * T::LANES]
    }
    /// Every number, ghosts included.
    pub fn as_slice(&self) -> &[T] {
        &self.data
    }
    /// Every number, ghosts included, to be changed.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.data
    }
    /// For reading in kernels.
    #[inline]
    pub fn reader(&self) -> FieldReader<'_, T> {
        FieldReader {
            start: self.data.as_ptr(),
            lane: 0,
            reals: self.reals,
            blocks: self.layout().extended_blocks(),
            layout: self.layout(),
            field: PhantomData,
        }
    }
    /// For writing in kernels, by several threads.
    #[inline]
    pub fn writer(&mut self) -> FieldWriter<'_, T> {
        let layout = self.lattice.layout::<T>();
        FieldWriter {
            start: self.data.as_mut_ptr(),
            lane: 0,
            reals: self.reals,
            blocks: layout.extended_blocks(),
            layout,
            field: PhantomData,
        }
    }
    /// Fills the ghosts from the neighbouring ranks. Collective; nothing to do where no direction is cut.
    #[inline]
    pub fn exchange(&mut self) {
        if self.layout().has_ghosts() {
            let reals = self.reals;
            self.exchange_components(0..reals);
        }
    }
    /// Fills the ghosts of some components only.
    pub fn exchange_components(&mut self, components: Range<usize>) {
        halo::exchange(self, components);
    }
    /// Copies into a field of another precision, rounding where needed; on all threads.
    pub fn convert_to<S: Real>(&self, other: &mut Field<S>) {
        assert_eq!(self.reals, other.reals, "fields of the same shape");
        let (from, lanes) = (self.layout(), other.layout().distinct_lanes());
        let lattice = other.lattice.clone();
        let to = lattice.layout::<S>();
        let origin = from.geometry().origin();
        let place = |block: usize, lane: usize| {
            let site = to.site(block, lane);
            let (from_block, site_lane) = from.locate(&std::array::from_fn(|mu| site[mu] - origin[mu]));
            (from_block, if self.lattice.chains() > 1 { (lane % lanes) % T::LANES } else { site_lane })
        };
        let row = self.reals * S::LANES;
        let numbers = SharedSlice::new(&mut other.data);
        lattice.spread(0..to.blocks(), |_, piece| {
            for block in piece {
                let places: [_; 16] = std::array::from_fn(|lane| place(block, lane % S::LANES));
                // SAFETY: each block is one thread's.
                let block = unsafe { numbers.range(block * row..(block + 1) * row) };
                for (c, lanes) in block.chunks_exact_mut(S::LANES).enumerate() {
                    for (x, &(from_block, from_lane)) in lanes.iter_mut().zip(&places) {
                        *x = S::from_f64(self.get(from_block, c, from_lane).to_f64());
                    }
                }
            }
        });
        other.exchange();
    }
    /// Σ of squares over all sites, components and ranks, one number for each chain. Collective.
    pub fn norm2(&self) -> Vec<f64> {
        struct Norm<'a, T>(FieldReader<'a, T>);
        impl<T: Real> Kernel<T> for Norm<'_, T> {
            crate::compiled!(scalar T: Norm);
            const SUMS: usize = 1;
            #[inline(always)]
            fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
                for block in range {
                    let mut sum = V::splat(0.0);
                    for c in 0..self.0.reals {
                        let x: V = self.0.load(block, c);
                        sum = x.mul_add(x, sum);
                    }
                    tally.add(0, sum);
                }
            }
        }
        let mut sums = vec![0.0; self.lattice.chains()];
        self.lattice.reduce(&Norm(self.reader()), 0..self.layout().blocks(), &mut sums);
        sums
    }
}

/// A field as kernels read it: copied freely between threads.
#[derive(Clone, Copy)]
pub struct FieldReader<'a, T> {
    start: *const T,
    lane: usize,
    reals: usize,
    blocks: usize,
    layout: &'a Layout,
    field: PhantomData<&'a [T]>,
}

// SAFETY: it stands for a shared borrow of the field's numbers.
unsafe impl<T: Sync> Send for FieldReader<'_, T> {}
// SAFETY: as for Send.
unsafe impl<T: Sync> Sync for FieldReader<'_, T> {}

impl<'a, T: Real> FieldReader<'a, T> {
    /// The layout.
    #[inline(always)]
    pub fn layout(&self) -> &'a Layout {
        self.layout
    }
    /// Real numbers on a site.
    #[inline(always)]
    pub fn reals(&self) -> usize {
        self.reals
    }
    /// The same field where each row starts at lane `lane`, for work on one register's lanes (see
    /// [`register_lanes`](crate::number::register_lanes)): what is read and written are registers.
    #[inline(always)]
    pub fn from_lane(&self, lane: usize) -> Self {
        assert!(self.lane + lane < T::LANES, "a lane outside the row");
        // SAFETY: inside the first row.
        Self { start: unsafe { self.start.add(lane) }, lane: self.lane + lane, ..*self }
    }
    /// The first of `count` rows from a component on; checked.
    #[inline(always)]
    pub fn rows(&self, block: usize, component: usize, count: usize) -> *const T {
        assert!(block < self.blocks && component + count <= self.reals, "a row outside the field");
        // SAFETY: inside the field, as just checked.
        unsafe { self.start.add((block * self.reals + component) * T::LANES) }
    }
    /// One row.
    #[inline(always)]
    pub fn load<V: Lanes<Scalar = T>>(&self, block: usize, component: usize) -> V {
        // SAFETY: the row lies inside the field and rows are 64 bytes from an aligned start.
        unsafe { V::load(self.rows(block, component, 1)) }
    }
    /// One row of a neighbouring block, lanes rotated as the step asks.
    #[inline(always)]
    pub fn load_at<V: Lanes<Scalar = T>>(&self, at: Neighbour, component: usize) -> V {
        let p = self.rows(at.block as usize, component, 1);
        // SAFETY: as in `load`; a rotation's entries are lanes.
        unsafe {
            if at.rotation == 0 {
                V::load(p)
            } else {
                V::load_permuted(p.sub(self.lane), self.layout.rotation(at.rotation), self.lane)
            }
        }
    }
    /// A matrix that starts at a component.
    #[inline(always)]
    pub fn matrix<V: Lanes<Scalar = T>, const N: usize>(
        &self,
        block: usize,
        component: usize,
    ) -> Matrix<V, N> {
        // SAFETY: the rows lie inside the field.
        unsafe { Matrix::load(self.rows(block, component, 2 * N * N)) }
    }
    /// A matrix of a neighbouring block.
    #[inline(always)]
    pub fn matrix_at<V: Lanes<Scalar = T>, const N: usize>(
        &self,
        at: Neighbour,
        component: usize,
    ) -> Matrix<V, N> {
        let p = self.rows(at.block as usize, component, 2 * N * N);
        if at.rotation == 0 {
            // SAFETY: the rows lie inside the field.
            return unsafe { Matrix::load(p) };
        }
        // SAFETY: as above.
        unsafe { self.rotated(p, self.layout.rotation(at.rotation)) }
    }
    /// The matrix at `p`, lanes rotated.
    ///
    /// # Safety
    /// A matrix's rows of this field.
    #[inline(always)]
    unsafe fn rotated<V: Lanes<Scalar = T>, const N: usize>(
        &self,
        p: *const T,
        index: &LaneIndex,
    ) -> Matrix<V, N> {
        // SAFETY: the caller vouches for the rows; a rotation's entries are lanes.
        matrix!(|i, j| unsafe {
            let z = p.add(2 * (i * N + j) * T::LANES).sub(self.lane);
            crate::Complex {
                re: V::load_permuted(z, index, self.lane),
                im: V::load_permuted(z.add(T::LANES), index, self.lane),
            }
        })
    }
}

/// A field as kernels write it.
#[derive(Clone, Copy)]
pub struct FieldWriter<'a, T> {
    start: *mut T,
    lane: usize,
    reals: usize,
    blocks: usize,
    layout: &'a Layout,
    field: PhantomData<&'a mut [T]>,
}

// SAFETY: it stands for a mutable borrow; its methods ask the caller to keep threads on blocks of their own.
unsafe impl<T: Send> Send for FieldWriter<'_, T> {}
// SAFETY: as for Send.
unsafe impl<T: Send> Sync for FieldWriter<'_, T> {}

impl<'a, T: Real> FieldWriter<'a, T> {
    /// The layout.
    #[inline(always)]
    pub fn layout(&self) -> &'a Layout {
        self.layout
    }
    /// Real numbers on a site.
    #[inline(always)]
    pub fn reals(&self) -> usize {
        self.reals
    }
    /// The same field where each row starts at lane `lane`, for work on one register's lanes (see
    /// [`register_lanes`](crate::number::register_lanes)): what is read and written are registers.
    #[inline(always)]
    pub fn from_lane(&self, lane: usize) -> Self {
        assert!(self.lane + lane < T::LANES, "a lane outside the row");
        // SAFETY: inside the first row.
        Self { start: unsafe { self.start.add(lane) }, lane: self.lane + lane, ..*self }
    }
    /// The first of `count` rows from a component on; checked.
    #[inline(always)]
    pub fn rows(&self, block: usize, component: usize, count: usize) -> *mut T {
        assert!(block < self.blocks && component + count <= self.reals, "a row outside the field");
        // SAFETY: inside the field, as just checked.
        unsafe { self.start.add((block * self.reals + component) * T::LANES) }
    }
    /// The same field for reading.
    ///
    /// # Safety
    /// What is read is not written by another thread at the same time.
    #[inline(always)]
    pub unsafe fn reader(&self) -> FieldReader<'a, T> {
        FieldReader {
            start: self.start,
            lane: self.lane,
            reals: self.reals,
            blocks: self.blocks,
            layout: self.layout,
            field: PhantomData,
        }
    }
    /// Writes one row.
    ///
    /// # Safety
    /// No other thread reads or writes the row at the same time.
    #[inline(always)]
    pub unsafe fn store<V: Lanes<Scalar = T>>(&self, block: usize, component: usize, v: V) {
        // SAFETY: the row lies inside the field.
        unsafe { v.store(self.rows(block, component, 1)) }
    }
    /// Writes a matrix that starts at a component.
    ///
    /// # Safety
    /// As [`FieldWriter::store`].
    #[inline(always)]
    pub unsafe fn store_matrix<V: Lanes<Scalar = T>, const N: usize>(
        &self,
        block: usize,
        component: usize,
        m: &Matrix<V, N>,
    ) {
        // SAFETY: the rows lie inside the field.
        unsafe { m.store(self.rows(block, component, 2 * N * N)) }
    }
}

/// A slice that several threads write in parts of their own.
struct SharedSlice<'a, T> {
    start: *mut T,
    len: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: it stands for a mutable borrow; `range` asks for disjoint parts.
unsafe impl<T: Send> Sync for SharedSlice<'_, T> {}

impl<'a, T> SharedSlice<'a, T> {
    fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), slice: PhantomData }
    }

    /// # Safety
    /// Ranges in use at the same time do not overlap.
    #[allow(clippy::mut_from_ref)]
    unsafe fn range(&self, range: Range<usize>) -> &mut [T] {
        assert!(range.start <= range.end && range.end <= self.len, "a range outside the slice");
        // SAFETY: inside the slice; disjointness is the caller's.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}
