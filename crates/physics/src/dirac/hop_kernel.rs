//! The kernel of the hop: a φ + b H ψ with links, phases, and the site-diagonal part where that is no number; of several
//! right-hand sides on each block, so that links and matrices come from memory once for all of them.

use super::ahead::Ahead;
use super::boundary::BoundaryTable;
use super::chiral;
use super::hop::hop;
use super::neighbourhood::{Neighbourhood, RegisterSource};
use super::spinor::Spinor;
use gaugelink_lattice::number::register_lanes;
use gaugelink_lattice::{FieldReader, FieldWriter, Kernel, Lanes, Num, Real, Tally};
use std::ops::Range;
#[cfg(not(test))]
use {super::two_rows::TWO_ROWS, gaugelink_lattice::number::Compiled};

/// Where the matrices of a site ([`chiral`]) enter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Matrices {
    /// Nowhere.
    None,
    /// Before φ: a K φ + b H ψ.
    OnCenter,
    /// Before the hop: a φ + b K H ψ.
    OnHop,
}

/// The spinors of one right-hand side.
#[derive(Clone, Copy)]
pub(super) struct Streams<'a, T> {
    pub psi: FieldReader<'a, T>,
    pub out: FieldWriter<'a, T>,
    /// φ; `None` for 0.
    pub center: Option<FieldReader<'a, T>>,
}

/// `ROWS` rows of each link are read: all N, or two of SU(3).
pub(super) struct HopKernel<'a, T, const N: usize, const H: usize, const ROWS: usize, const DAGGER: bool> {
    pub links: FieldReader<'a, T>,
    pub table: &'a BoundaryTable<T>,
    pub each: &'a [Streams<'a, T>],
    pub a: f64,
    pub b: f64,
    pub enter: Matrices,
    /// K; any field where there are none. Not in the enum: compilers look at what a variant holds before they know which it
    /// is, and tools that watch memory tell of that.
    pub matrices: FieldReader<'a, T>,
    /// The order of the blocks; `None`: as they are numbered.
    pub walk: Option<&'a [u32]>,
    /// Whether to go from the last block to the first.
    pub returns: bool,
    /// Directions whose neighbours have left the second-level cache before they are needed again, one bit each; 0 where all
    /// is in caches. What is far is asked for [`Ahead`].
    pub far: u8,
    /// Whether to write past the caches.
    pub streams: bool,
}

/// The compiled forms of the kernel for whole links in one precision and 2H dimensions, `[group][dagger]`.
#[cfg(not(test))]
const fn whole<T: Real, const H: usize>() -> [[Compiled; 2]; 3] {
    [
        [
            Compiled::of::<T, HopKernel<T, 1, H, 1, false>, false>(),
            Compiled::of::<T, HopKernel<T, 1, H, 1, true>, false>(),
        ],
        [
            Compiled::of::<T, HopKernel<T, 2, H, 2, false>, false>(),
            Compiled::of::<T, HopKernel<T, 2, H, 2, true>, false>(),
        ],
        [
            Compiled::of::<T, HopKernel<T, 3, H, 3, false>, false>(),
            Compiled::of::<T, HopKernel<T, 3, H, 3, true>, false>(),
        ],
    ]
}

/// Those for two rows of SU(3), `[dagger]`.
#[cfg(not(test))]
const fn of_two_rows<T: Real, const H: usize>() -> [Compiled; 2] {
    [
        Compiled::of::<T, HopKernel<T, 3, H, TWO_ROWS, false>, false>(),
        Compiled::of::<T, HopKernel<T, 3, H, TWO_ROWS, true>, false>(),
    ]
}

impl<T: Real, const N: usize, const H: usize, const ROWS: usize, const DAGGER: bool> Kernel<T>
    for HopKernel<'_, T, N, H, ROWS, DAGGER>
{
    gaugelink_lattice::compiled!(test T);
    #[cfg(not(test))]
    fn compiled() -> Compiled {
        static WHOLE: [[[[Compiled; 2]; 3]; 2]; 2] =
            [[whole::<f64, 1>(), whole::<f64, 2>()], [whole::<f32, 1>(), whole::<f32, 2>()]];
        static OF_TWO_ROWS: [[[Compiled; 2]; 2]; 2] = [
            [of_two_rows::<f64, 1>(), of_two_rows::<f64, 2>()],
            [of_two_rows::<f32, 1>(), of_two_rows::<f32, 2>()],
        ];
        let precision = (T::LANES == f32::LANES) as usize;
        if ROWS == N {
            WHOLE[precision][H - 1][N - 1][DAGGER as usize]
        } else {
            OF_TWO_ROWS[precision][H - 1][DAGGER as usize]
        }
    }

    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let mut around = Neighbourhood::<V, N, H, ROWS>::new(self.links, self.table);
        let (mut product, mut whole) = (Room::<V, N, H>::new(), Room::<V, N, H>::new());
        let block_at = |step: usize| {
            let position = if self.returns { range.start + range.end - 1 - step } else { step };
            self.walk.map_or(position, |walk| walk[position] as usize)
        };
        for step in range.clone() {
            let block = block_at(step);
            let next = (self.far != 0).then(|| block_at((step + 1).min(range.end - 1)));
            for (i, streams) in self.each.iter().enumerate() {
                if let Some(next) = next {
                    around.ahead = Ahead::of(self, streams, next, i == 0);
                }
                around.visit(&streams.psi, block);
                let rows = streams.out.rows(block, 0, 4 * H * N);
                // Past the caches go whole rows only: parts of a line would go to memory one by one.
                let gathers = self.streams && V::REGISTERS > 1;
                let out = if gathers { (&raw mut whole.0).cast() } else { rows };
                let mut center = streams.center.map(|f| f.rows(block, 0, 4 * H * N));
                if let (Matrices::OnCenter, Some(phi)) = (self.enter, center) {
                    center = Some(product.fill(self.matrices.rows(block, 0, chiral::reals_of(H * N)), phi));
                }
                for offset in register_lanes::<V>() {
                    let mut sum =
                        hop::<V::Register, _, N, H, DAGGER>(&RegisterSource { around: &around, offset });
                    if self.enter == Matrices::OnHop {
                        let rows = self.matrices.rows(block, 0, chiral::reals_of(H * N));
                        // SAFETY: the rows of a site.
                        sum = unsafe { chiral::times::<V, N, H>(rows, offset, &sum) };
                    }
                    self.finish::<V>(&sum, center, (out, self.streams && !gathers), offset);
                }
                if gathers {
                    for (row, number) in
                        whole.0.as_flattened().as_flattened().as_flattened().iter().enumerate()
                    {
                        // SAFETY: the rows of this block, which is this thread's.
                        unsafe { number.stream(rows.add(row * T::LANES)) }
                    }
                }
            }
        }
        if self.streams {
            V::fence();
        }
    }
}

impl<T: Real, const N: usize, const H: usize, const ROWS: usize, const DAGGER: bool>
    HopKernel<'_, T, N, H, ROWS, DAGGER>
{
    /// Whether there are matrices.
    #[inline(always)]
    pub(super) fn has_matrices(&self) -> bool {
        self.enter != Matrices::None
    }

    /// Writes a φ + b sum, past the caches or not.
    #[inline(always)]
    fn finish<V: Lanes<Scalar = T>>(
        &self,
        sum: &Spinor<V::Register, N, H>,
        center: Option<*const T>,
        (out, streams): (*mut T, bool),
        offset: usize,
    ) {
        let (a, b) = (V::Register::splat(self.a), V::Register::splat(self.b));
        for s in 0..2 * H {
            for c in 0..N {
                for (k, x) in [sum[s][c].re, sum[s][c].im].into_iter().enumerate() {
                    let row = (2 * (s * N + c) + k) * T::LANES + offset;
                    // SAFETY: a row of this block in fields of the same shape; the block is this thread's.
                    unsafe {
                        let mut y = x * b;
                        if let Some(center) = center {
                            y = V::Register::load(center.add(row)).mul_add(a, y);
                        }
                        if streams {
                            y.stream(out.add(row));
                        } else {
                            y.store(out.add(row));
                        }
                    }
                }
            }
        }
    }
}

/// K φ of one block.
#[repr(C, align(64))]
struct Room<V, const N: usize, const H: usize>([[[[V; 2]; N]; H]; 2]);

impl<V: Lanes, const N: usize, const H: usize> Room<V, N, H> {
    #[inline(always)]
    fn new() -> Self {
        Self([[[[V::splat(0.0); 2]; N]; H]; 2])
    }

    /// Fills it from the block's matrices and φ; where its rows start.
    #[inline(always)]
    fn fill(&mut self, matrices: *const V::Scalar, phi: *const V::Scalar) -> *const V::Scalar {
        let rows: *mut V::Scalar = (&raw mut self.0).cast();
        for offset in register_lanes::<V>() {
            // SAFETY: the rows of a site's matrices and of its spinor; the room is a spinor's rows.
            unsafe {
                let product = chiral::times::<V, N, H>(matrices, offset, &Spinor::load::<V>(phi, offset));
                product.store::<V>(rows, offset);
            }
        }
        rows
    }
}
