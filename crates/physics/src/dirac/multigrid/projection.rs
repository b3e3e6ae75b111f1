//! Sums over aggregates and combinations of test vectors, the kernels of prolongation and restriction.
//!
//! A field of test vectors is `[vector][chirality][component][re|im]` on the lattice inside of blocks; sums and coefficients
//! are `[vector][chirality][re|im]`.

use crate::dirac::blocks::{Blocks, CHUNKS, part};
use crate::dirac::neighbourhood::load;
use crate::solver::vector::{complex, store};
use gaugelink_lattice::{Complex, FieldReader, FieldWriter, Kernel, Lanes, Real, Tally};
use std::ops::Range;

/// ⟨v_{k χ}, ψ⟩ over each chunk's part of some sites.
pub(super) struct Project<'a, T> {
    pub blocks: &'a Blocks<T>,
    pub basis: FieldReader<'a, T>,
    pub vectors: Range<usize>,
    pub half: usize,
    pub field: FieldReader<'a, T>,
    /// The first of ψ's components.
    pub first: usize,
    pub sites: &'a [u32],
    pub sums: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for Project<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Project);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for chunk in range {
            let members = self.blocks.members(chunk / CHUNKS);
            let sites = &self.sites[part(self.sites.len(), chunk % CHUNKS, CHUNKS)];
            for (row, k) in self.vectors.clone().enumerate() {
                let mut sums = [Complex::<V>::zero(); 2];
                for &site in sites {
                    let at = members[site as usize] as usize;
                    let v = self.basis.rows(at, k * 4 * self.half, 4 * self.half);
                    let psi = self.field.rows(at, self.first, 4 * self.half);
                    for c in 0..self.half {
                        for chirality in 0..2 {
                            let i = chirality * self.half + c;
                            // SAFETY: both are a spinor's rows.
                            let (v, psi) = unsafe { (load::<V>(v, i), load(psi, i)) };
                            sums[chirality] = v.conj_mul_add(psi, sums[chirality]);
                        }
                    }
                }
                for chirality in 0..2 {
                    // SAFETY: a chunk is one thread's.
                    unsafe { store(&self.sums, chunk, 2 * row + chirality, sums[chirality]) };
                }
            }
        }
    }
}

/// Adds the sums of each stack's chunks.
pub(super) struct AddChunks<'a, T> {
    pub sums: FieldReader<'a, T>,
    pub rows: usize,
    pub out: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for AddChunks<'_, T> {
    gaugelink_lattice::compiled!(scalar T: AddChunks);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for stack in range {
            for row in 0..self.rows {
                let mut sum = V::splat(0.0);
                for chunk in stack * CHUNKS..(stack + 1) * CHUNKS {
                    sum = sum + self.sums.load(chunk, row);
                }
                // SAFETY: a stack is one thread's.
                unsafe { self.out.store(stack, row, sum) };
            }
        }
    }
}

/// `out` ← Σ_k c_{k χ} v_{k χ}, or `out` less that.
pub(super) struct Combine<'a, T> {
    pub blocks: &'a Blocks<T>,
    pub basis: FieldReader<'a, T>,
    pub vectors: Range<usize>,
    pub half: usize,
    pub coefficients: FieldReader<'a, T>,
    pub subtracts: bool,
    pub out: FieldWriter<'a, T>,
    /// The first of `out`'s components.
    pub first: usize,
    /// The first of each block's sites.
    pub first_site: usize,
}

impl<T: Real> Kernel<T> for Combine<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Combine);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        // SAFETY: what is written of a site is read by the same thread.
        let out = unsafe { self.out.reader() };
        for chunk in range {
            let stack = chunk / CHUNKS;
            let members = &self.blocks.members(stack)[self.first_site..];
            let coefficients = self.coefficients.rows(stack, 0, 4 * self.vectors.len());
            for &at in &members[part(members.len(), chunk % CHUNKS, CHUNKS)] {
                let at = at as usize;
                let numbers = 4 * self.half * self.vectors.len();
                let basis = self.basis.rows(at, self.vectors.start * 4 * self.half, numbers);
                // Pairs of components: a spinor of one chirality has an even number.
                for pair in 0..self.half {
                    let chirality = usize::from(2 * pair >= self.half);
                    let mut sums = [Complex::<V>::zero(); 2];
                    for k in 0..self.vectors.len() {
                        // SAFETY: a coefficient of each vector, and two numbers of its spinor.
                        unsafe {
                            let c = load::<V>(coefficients, 2 * k + chirality);
                            for i in 0..2 {
                                let v = load::<V>(basis, (k * self.half + pair) * 2 + i);
                                sums[i] = c.mul_add(v, sums[i]);
                            }
                        }
                    }
                    for i in 0..2 {
                        let k = self.first / 2 + 2 * pair + i;
                        let z = if self.subtracts { complex(&out, at, k) - sums[i] } else { sums[i] };
                        // SAFETY: as above.
                        unsafe { store(&self.out, at, k, z) };
                    }
                }
            }
        }
    }
}

/// `out` /= the root of the norms squared; zero stays zero.
pub(super) struct Normalise<'a, T> {
    pub blocks: &'a Blocks<T>,
    pub norms: FieldReader<'a, T>,
    pub half: usize,
    pub out: FieldWriter<'a, T>,
    pub first: usize,
}

impl<T: Real> Kernel<T> for Normalise<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Normalise);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        // SAFETY: a site is read and written by one thread.
        let out = unsafe { self.out.reader() };
        for chunk in range {
            let stack = chunk / CHUNKS;
            let members = self.blocks.members(stack);
            let factors = [0, 1].map(|chirality| {
                let norm2: V = self.norms.load(stack, 2 * chirality);
                let some = V::splat(0.0).lt(norm2);
                V::select(some, V::splat(1.0).div(norm2.sqrt()), V::splat(0.0))
            });
            for &at in &members[part(members.len(), chunk % CHUNKS, CHUNKS)] {
                for i in 0..2 * self.half {
                    let k = self.first / 2 + i;
                    let z: Complex<V> = complex(&out, at as usize, k);
                    // SAFETY: as above.
                    unsafe {
                        store(&self.out, at as usize, k, z.scale(factors[usize::from(i >= self.half)]))
                    };
                }
            }
        }
    }
}
