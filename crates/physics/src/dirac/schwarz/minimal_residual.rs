//! Steps of minimal residual with a coefficient for each block.
//!
//! α = ⟨t, r⟩ / ‖t‖² with t = S r, x += α r, r −= α t. Sums run over the sites of a block in its own order, so they do not
//! depend on what else there is.

use crate::dirac::blocks::{Blocks, CHUNKS, part};
use crate::solver::vector::{complex, store};
use gaugelink_lattice::{Complex, Field, FieldReader, FieldWriter, Kernel, Lanes, LatticeError, Real, Tally};
use std::ops::Range;

/// Real numbers of the sums of a chunk: ⟨t, r⟩ and ‖t‖².
const SUMS: usize = 3;

/// Floating-point operations of a step for each odd site.
pub(super) fn flops(colours: usize) -> f64 {
    // A product, a norm, two sums with a complex factor.
    (4 * colours * (8 + 4 + 2 * 8)) as f64
}

/// The sums of a step, one set for each chunk.
#[derive(Debug)]
pub(super) struct MinimalResidual<T> {
    sums: Field<T>,
}

impl<T: Real> MinimalResidual<T> {
    pub fn new(blocks: &Blocks<T>) -> Result<Self, LatticeError> {
        Ok(Self { sums: Field::zeroed(blocks.chunks(), SUMS)? })
    }

    /// One step on the odd sites, from x = 0 where it is the `first`.
    pub fn step(
        &mut self,
        blocks: &Blocks<T>,
        x: &mut Field<T>,
        r: &mut Field<T>,
        t: &Field<T>,
        first: bool,
    ) {
        let lattice = blocks.inside().clone();
        let chunks = 0..CHUNKS * blocks.stacks();
        let products = Products { blocks, t: t.reader(), r: r.reader(), sums: self.sums.writer() };
        lattice.launch(&products, chunks.clone());
        let step =
            Step { blocks, x: x.writer(), r: r.writer(), t: t.reader(), sums: self.sums.reader(), first };
        lattice.launch(&step, chunks);
    }
}

/// The odd sites of a chunk.
#[inline(always)]
fn odd_sites<T: Real>(blocks: &Blocks<T>, chunk: usize) -> &[u32] {
    let odd = &blocks.members(chunk / CHUNKS)[blocks.volume() / 2..];
    &odd[part(odd.len(), chunk % CHUNKS, CHUNKS)]
}

struct Products<'a, T> {
    blocks: &'a Blocks<T>,
    t: FieldReader<'a, T>,
    r: FieldReader<'a, T>,
    sums: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for Products<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Products);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for chunk in range {
            let (mut product, mut norm) = ([Complex::zero(); 2], [V::splat(0.0); 2]);
            for &site in odd_sites(self.blocks, chunk) {
                for k in 0..self.t.reals() / 2 {
                    let (t, r) =
                        (complex::<V, T>(&self.t, site as usize, k), complex(&self.r, site as usize, k));
                    // Two sums that do not wait for each other.
                    product[k % 2] = t.conj_mul_add(r, product[k % 2]);
                    norm[k % 2] = t.im.mul_add(t.im, t.re.mul_add(t.re, norm[k % 2]));
                }
            }
            let product = product[0] + product[1];
            // SAFETY: a chunk is one thread's.
            unsafe {
                self.sums.store(chunk, 0, product.re);
                self.sums.store(chunk, 1, product.im);
                self.sums.store(chunk, 2, norm[0] + norm[1]);
            }
        }
    }
}

struct Step<'a, T> {
    blocks: &'a Blocks<T>,
    x: FieldWriter<'a, T>,
    r: FieldWriter<'a, T>,
    t: FieldReader<'a, T>,
    sums: FieldReader<'a, T>,
    first: bool,
}

impl<T: Real> Step<'_, T> {
    /// α in each lane, 0 where t is zero.
    #[inline(always)]
    fn alpha<V: Lanes<Scalar = T>>(&self, stack: usize) -> Complex<V> {
        let mut sums = [V::splat(0.0); SUMS];
        for chunk in stack * CHUNKS..(stack + 1) * CHUNKS {
            for i in 0..SUMS {
                sums[i] = sums[i] + self.sums.load(chunk, i);
            }
        }
        let moves = V::splat(0.0).lt(sums[2]);
        let inverse = V::select(moves, V::splat(1.0).div(sums[2]), V::splat(0.0));
        Complex { re: sums[0] * inverse, im: sums[1] * inverse }
    }
}

impl<T: Real> Kernel<T> for Step<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Step);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        // SAFETY: a site is read and written by one thread.
        let (x, r) = unsafe { (self.x.reader(), self.r.reader()) };
        for chunk in range {
            let alpha = self.alpha::<V>(chunk / CHUNKS);
            let minus = -alpha;
            for &site in odd_sites(self.blocks, chunk) {
                let site = site as usize;
                for k in 0..self.t.reals() / 2 {
                    let old: Complex<V> = complex(&r, site, k);
                    let step =
                        if self.first { alpha * old } else { alpha.mul_add(old, complex(&x, site, k)) };
                    let rest = minus.mul_add(complex(&self.t, site, k), old);
                    // SAFETY: as above.
                    unsafe {
                        store(&self.x, site, k, step);
                        store(&self.r, site, k, rest);
                    }
                }
            }
        }
    }
}
