//! Number types that a site body is written over.
//!
//! A *site body* (dslash, staple, force) is a branch-free function generic over [`Num`]. The same text runs on
//! one site (`f64`, `f32`) and on a whole 64-byte block of sites ([`Lanes`]: AVX-512, AVX2, NEON or portable).
//! Every operation rounds once and in the same way on every type, and nothing is contracted behind the text's
//! back, so all of them give the same bits.

mod dispatch;
mod elementary;
mod lane_index;
mod portable;
pub mod program;
pub mod recorder;
mod scalar;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;

pub use dispatch::{Compiled, Isa, Kernel, run_kernel};
pub use elementary::{atan2, exp, ln, sin_cos};
pub use lane_index::{ByRegister, LaneIndex};
pub use portable::Portable;
pub use program::Program;
pub use recorder::Recorded;

use std::ops::{Add, Mul, Neg, Sub};

/// Bytes of one block row: the same 64 on every machine, so that a field's layout does not depend on it.
pub const BLOCK_BYTES: usize = 64;

/// A real number, or one such number for each lane of a block.
pub trait Num:
    Copy
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Neg<Output = Self>
{
    /// The outcome of a comparison, one truth value a lane.
    type Mask: Copy;
    /// π/2 in three parts, each rounded to the lane's precision.
    const HALF_PI: [f64; 3];
    /// ln 2 in two parts, the first so short that its product with an exponent is exact.
    const LN_2: [f64; 2];
    /// The largest argument whose exponential, and its inverse, are normal numbers.
    const EXP_MAX: f64;
    /// The same constant in every lane (rounded to the lane's precision).
    fn splat(x: f64) -> Self;
    /// `self * b + c`, rounded once.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// `c - self * b`, rounded once.
    fn neg_mul_add(self, b: Self, c: Self) -> Self;
    /// `self / b`, correctly rounded.
    fn div(self, b: Self) -> Self;
    /// Square root, correctly rounded.
    fn sqrt(self) -> Self;
    /// Nearest integer, ties to even.
    fn round(self) -> Self;
    /// `self < b`, false where either is NaN.
    fn lt(self, b: Self) -> Self::Mask;
    /// `a` where the mask holds, `b` elsewhere.
    fn select(mask: Self::Mask, a: Self, b: Self) -> Self;
    /// Whether the mask holds in any lane: lets a loop end early without changing any lane's result.
    fn any(mask: Self::Mask) -> bool;
    /// `(m, e)` with `self = m 2^e` and `m` in [1, 2), for positive normal numbers.
    fn split_exponent(self) -> (Self, Self);
    /// `self * 2^e` for an integer `e`, where 2^e and the result are normal numbers.
    fn scale_exponent(self, e: Self) -> Self;
}

/// A storage precision: `f64` or `f32`.
pub trait Real:
    Num + PartialOrd + Default + bytemuck::Pod + std::fmt::Debug + std::fmt::Display + std::iter::Sum
{
    /// Lanes of one block: 8 for `f64`, 16 for `f32`.
    const LANES: usize = BLOCK_BYTES / size_of::<Self>();
    /// Bits of the number: 64 or 32.
    const BITS: u32 = 8 * size_of::<Self>() as u32;
    /// Lanes in plain arrays, for machines without a vector unit that we know.
    type Portable: Lanes<Scalar = Self>;
    /// Lanes in one 512-bit register.
    #[cfg(target_arch = "x86_64")]
    type Avx512: Lanes<Scalar = Self>;
    /// Lanes in two 256-bit registers.
    #[cfg(target_arch = "x86_64")]
    type Avx2: Lanes<Scalar = Self>;
    /// Lanes in four 128-bit registers.
    #[cfg(target_arch = "aarch64")]
    type Neon: Lanes<Scalar = Self>;
    /// Rounds to this precision.
    fn from_f64(x: f64) -> Self;
    /// Exact.
    fn to_f64(self) -> f64;
}

/// A block row, [`Real::LANES`] numbers that are computed on together, or one register's share of it.
pub trait Lanes: Num {
    /// The precision of a lane.
    type Scalar: Real;
    /// One machine register's share of a row: for bodies so large that whole rows would not stay in registers.
    type Register: Lanes<Scalar = Self::Scalar, Register = Self::Register>;
    /// Registers of this type's lanes; each of a row's holds LANES / REGISTERS.
    const REGISTERS: usize;
    /// The same number in every lane, without the rounding of [`Num::splat`].
    fn broadcast(x: Self::Scalar) -> Self;
    /// Reads a block row, or a register's lanes of it.
    ///
    /// # Safety
    /// `p` is the start of a row, 64-byte aligned and valid for reading [`Real::LANES`] scalars; for a register, a
    /// multiple of its lanes behind it.
    unsafe fn load(p: *const Self::Scalar) -> Self;
    /// Reads a block row with its lanes rearranged: lane `l` of the result is `p[index[first + l]]`.
    ///
    /// # Safety
    /// `p` is the start of a row; every `index[l]` is in `0..LANES`; `first` is 0, for a register a multiple of its lanes
    /// below LANES.
    unsafe fn load_permuted(p: *const Self::Scalar, index: &LaneIndex, first: usize) -> Self;
    /// Writes the lanes.
    ///
    /// # Safety
    /// As [`Lanes::load`], valid for writing.
    unsafe fn store(self, p: *mut Self::Scalar);
    /// Writes the lanes past the caches, for results that are not read again soon.
    ///
    /// # Safety
    /// As [`Lanes::store`].
    #[inline(always)]
    unsafe fn stream(self, p: *mut Self::Scalar) {
        // SAFETY: the same contract as `store`.
        unsafe { self.store(p) }
    }
    /// Transposes a square of as many numbers as lanes each way: calls `put(c, row)` for each row `c`, whose lane `l` is
    /// `from[l * stride + c]`.
    ///
    /// # Safety
    /// Valid for reading LANES scalars at each `from + l * stride`, at any alignment.
    #[inline(always)]
    unsafe fn transposed(from: *const Self::Scalar, stride: usize, mut put: impl FnMut(usize, Self)) {
        for c in 0..Self::Scalar::LANES {
            let mut row = Row([Self::Scalar::default(); 16]);
            for l in 0..Self::Scalar::LANES {
                // SAFETY: the caller's promise.
                row.0[l] = unsafe { from.add(l * stride + c).read_unaligned() };
            }
            put(c, row.to_lanes());
        }
    }
    /// The lanes with the bytes of each number in the opposite order.
    #[inline(always)]
    fn swapped_bytes(self) -> Self {
        let mut row = Row::from_lanes(self);
        row.0.iter_mut().for_each(|x| bytemuck::bytes_of_mut(x).reverse());
        row.to_lanes()
    }
    /// Orders what [`Lanes::stream`] wrote before everything after: called once at the end of a kernel that streams.
    #[inline(always)]
    fn fence() {}
    /// The lanes rearranged: lane `l` of the result is lane `index[l]` of `self`.
    ///
    /// # Safety
    /// Every `index[l]` is a lane of this type.
    #[inline(always)]
    unsafe fn permuted(self, index: &LaneIndex) -> Self {
        let row = Row::from_lanes(self);
        // SAFETY: the array is 64-byte aligned and holds the lanes; the caller vouches for the index.
        unsafe { Self::load_permuted(row.0.as_ptr(), index, 0) }
    }
}

/// The first lane of each register of a row.
#[inline(always)]
pub fn register_lanes<V: Lanes>() -> impl Iterator<Item = usize> {
    (0..V::REGISTERS).map(|register| register * (V::Scalar::LANES / V::REGISTERS))
}

/// A block row as an array, for the scalar work at the edges of a kernel.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Row<T>(pub [T; 16]);

impl<T: Real> Row<T> {
    /// One number for each chain, in the lanes that hold the chain.
    pub fn by_chain(lattice: &crate::Lattice, values: impl Fn(usize) -> f64) -> Self {
        let layout = lattice.layout::<T>();
        let mut row = Row([T::default(); 16]);
        for lane in 0..T::LANES {
            row.0[lane] = T::from_f64(values(layout.chain_of(lane)));
        }
        row
    }

    /// Copies the lanes of `v` into an array; the entries past them are zero.
    #[inline(always)]
    pub fn from_lanes<V: Lanes<Scalar = T>>(v: V) -> Self {
        let mut row = Row([T::default(); 16]);
        // SAFETY: the array is 64-byte aligned and holds 16 scalars.
        unsafe { v.store(row.0.as_mut_ptr()) };
        row
    }

    /// A register's lanes, those from `lane` on (see [`register_lanes`]).
    #[inline(always)]
    pub fn register<V: Lanes<Scalar = T>>(&self, lane: usize) -> V {
        assert!(
            (lane * size_of::<T>()).is_multiple_of(size_of::<V>()) && lane < T::LANES,
            "no register's lanes"
        );
        // SAFETY: the array is 64-byte aligned and holds 16 scalars; registers do not overlap its end.
        unsafe { V::load(self.0.as_ptr().add(lane)) }
    }

    /// Puts a register's lanes at those from `lane` on (see [`register_lanes`]).
    #[inline(always)]
    pub fn put<V: Lanes<Scalar = T>>(&mut self, lane: usize, v: V) {
        assert!(
            (lane * size_of::<T>()).is_multiple_of(size_of::<V>()) && lane < T::LANES,
            "no register's lanes"
        );
        // SAFETY: the array is 64-byte aligned and holds 16 scalars; registers do not overlap its end.
        unsafe { v.store(self.0.as_mut_ptr().add(lane)) }
    }

    /// The array's first [`Real::LANES`] entries as lanes.
    #[inline(always)]
    pub fn to_lanes<V: Lanes<Scalar = T>>(&self) -> V {
        // SAFETY: as in `from_lanes`.
        unsafe { V::load(self.0.as_ptr()) }
    }
}
