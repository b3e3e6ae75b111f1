//! What this machine can do at most: fused multiply-adds a second, and memory bandwidth.
//!
//! Kernels are quoted as fractions of these, measured in the same process with the lattice's own threads and vector
//! instructions: absolute speeds drift between machines and days, the fractions do not.

use crate::field::{Field, FieldReader, FieldWriter};
use crate::lattice::Lattice;
use crate::number::{Kernel, Lanes, Num, Real, run_kernel};
use crate::sum::Tally;
use crate::{LatticeError, LatticeOptions};
use std::ops::Range;
use std::time::Instant;

/// Repetitions of a measurement; the best counts.
const REPETITIONS: usize = 10;
/// Links of each chain of fused multiply-adds in one measurement, about a millisecond.
const LINKS: usize = 200_000;
/// Chains on machines of 16 registers and of 32: enough to hide the latency, few enough to stay in registers.
const CHAINS: [usize; 2] = [12, 24];

struct FusedMultiplyAdds<T, const CHAINS: usize>(std::marker::PhantomData<T>);

impl<T: Real, const CHAINS: usize> Kernel<T> for FusedMultiplyAdds<T, CHAINS> {
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        // Opaque to the compiler, so that nothing is computed beforehand; the chains converge to 2.
        let (half, one) = std::hint::black_box((0.5, 1.0));
        let (half, one) = (V::Register::splat(half), V::Register::splat(one));
        for _ in 0..range.len() * V::REGISTERS {
            let mut x = [V::Register::splat(0.0); CHAINS];
            for _ in 0..LINKS {
                for chain in 0..CHAINS {
                    x[chain] = x[chain].mul_add(half, one);
                }
            }
            let mut sum = x[0];
            for chain in 1..CHAINS {
                sum = sum + x[chain];
            }
            std::hint::black_box(V::Register::any(sum.lt(half)));
        }
    }
}

/// The best of some runs, in seconds.
fn best_time(mut run: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    };
    (0..REPETITIONS).map(time).fold(f64::INFINITY, f64::min)
}

/// Peak of fused multiply-adds (2 flop each) of all threads of the lattice in precision `T`, in GF/s.
pub fn fma_peak<T: Real>(lattice: &Lattice) -> f64 {
    fma_rate::<T, { CHAINS[0] }>(lattice).max(fma_rate::<T, { CHAINS[1] }>(lattice))
}

fn fma_rate<T: Real, const N: usize>(lattice: &Lattice) -> f64 {
    let threads = lattice.pool().threads();
    let kernel = FusedMultiplyAdds::<T, N>(std::marker::PhantomData);
    // Not `launch`, which leaves so few blocks to one thread.
    let seconds = best_time(|| {
        lattice
            .pool()
            .run(0..threads, |_, piece| run_kernel(lattice.isa(), &kernel, piece, &mut Tally::none()));
    });
    (2 * threads * N * LINKS * T::LANES) as f64 / seconds * 1e-9
}

struct Triad<'a> {
    a: FieldWriter<'a, f64>,
    b: FieldReader<'a, f64>,
    c: FieldReader<'a, f64>,
    streams: bool,
}

impl Kernel<f64> for Triad<'_> {
    crate::compiled!(Triad);
    #[inline(always)]
    fn run<V: Lanes<Scalar = f64>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let factor = V::splat(3.0);
        for block in range {
            let sum = self.c.load::<V>(block, 0).mul_add(factor, self.b.load(block, 0));
            let p = self.a.rows(block, 0, 1);
            // SAFETY: a row of the field; the block is this thread's.
            unsafe { if self.streams { sum.stream(p) } else { sum.store(p) } }
        }
        if self.streams {
            V::fence();
        }
    }
}

/// STREAM's triad a = b + s c on arrays of `mebibytes` each (STREAM asks for four times the last cache), on `threads`
/// threads: GB/s, 24 bytes an element whether or not the store first reads its line. `streams` asks for stores past
/// the caches, which then do not.
///
/// # Errors
/// [`LatticeError::OutOfMemory`], [`LatticeError::Threads`].
pub fn triad(threads: usize, mebibytes: usize, streams: bool) -> Result<f64, LatticeError> {
    // A lattice of one row a block.
    let rows = (mebibytes << 20) / crate::BLOCK_BYTES;
    let options = LatticeOptions { threads, ..LatticeOptions::default() };
    let side = 64;
    let lattice =
        Lattice::new(&[side, side, (rows * f64::LANES / (side * side)).max(2).next_multiple_of(4)], options)?;
    let field = |x: f64| -> Result<Field<f64>, LatticeError> {
        let mut f = Field::zeroed(&lattice, 1)?;
        f.as_mut_slice().fill(x);
        Ok(f)
    };
    let (mut a, b, c) = (field(0.0)?, field(1.0)?, field(2.0)?);
    let blocks = a.layout().blocks();
    let seconds = best_time(|| {
        lattice.launch(&Triad { a: a.writer(), b: b.reader(), c: c.reader(), streams }, 0..blocks);
    });
    Ok((24 * f64::LANES * blocks) as f64 / seconds * 1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_of_a_real_machine() {
        let lattice =
            Lattice::new(&[4, 4], LatticeOptions { threads: 1, ..LatticeOptions::default() }).unwrap();
        let (double, single) = (fma_peak::<f64>(&lattice), fma_peak::<f32>(&lattice));
        assert!(double > 0.5 && double < 1000.0 && single > double, "{double} {single} GF/s");
        for streams in [false, true] {
            let bandwidth = triad(1, 16, streams).unwrap();
            assert!(bandwidth > 0.5 && bandwidth < 1000.0, "{bandwidth} GB/s");
        }
    }
}
