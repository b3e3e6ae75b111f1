//! Prolongation and restriction by aggregates: each block of sites and each chirality has its own coefficients.
//!
//! P takes a coarse vector, numbers c_{k χ}(block) for each of n test vectors and both chiralities, to the spinor field
//! Σ_k c_{k χ}(block of x) v_{k χ}(x); R = P†. The test vectors are made orthonormal in each aggregate, so R P = 1.

use super::projection::{AddChunks, Combine, Normalise, Project};
use crate::dirac::blocks::{Blocks, CHUNKS};
use crate::dirac::multigrid::coarse::{CoarseLattice, CoarseVector, share};
use gaugelink_lattice::{Complex, Field, LatticeError, Real};
use std::ops::Range;
use std::sync::Arc;

/// Rounds of Gram and Schmidt: the second removes what rounding leaves of the first.
const ROUNDS: usize = 2;

/// On which sites a field counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sites {
    All,
    Odd,
}

/// The test vectors on the lattice inside of blocks, and room for sums.
#[derive(Debug)]
pub(super) struct Aggregates<T> {
    blocks: Arc<Blocks<T>>,
    vectors: usize,
    /// Complex numbers of one chirality's spinor.
    half: usize,
    /// `[vector][chirality][component][re|im]` of each colour.
    basis: [Field<T>; 2],
    /// A spinor field of each colour.
    spinors: [Field<T>; 2],
    /// `[vector][chirality][re|im]` of each chunk, and of each stack in the first blocks.
    sums: Field<T>,
    coefficients: Field<T>,
    all_sites: Arc<[u32]>,
}

impl<T: Real> Aggregates<T> {
    /// For `vectors` fields of `reals` real numbers a site.
    pub fn new(blocks: Arc<Blocks<T>>, vectors: usize, reals: usize) -> Result<Self, LatticeError> {
        let rows = 4 * vectors;
        Ok(Self {
            vectors,
            half: reals / 4,
            basis: blocks.fields(vectors * reals)?,
            spinors: blocks.fields(reals)?,
            sums: Field::zeroed(blocks.chunks(), rows)?,
            coefficients: Field::zeroed(blocks.chunks(), rows)?,
            all_sites: (0..blocks.volume() as u32).collect(),
            blocks,
        })
    }

    /// The blocks.
    pub fn blocks(&self) -> &Arc<Blocks<T>> {
        &self.blocks
    }
    /// Real numbers on a site.
    fn reals(&self) -> usize {
        4 * self.half
    }
    /// Floating-point operations of P or R on the whole lattice.
    pub fn flops(&self, sites: Sites) -> f64 {
        let share = if sites == Sites::All { 1.0 } else { 0.5 };
        (8 * 2 * self.half * self.vectors * self.blocks.lattice().volume()) as f64 * share
    }

    /// Takes the test vectors and makes them orthonormal in each aggregate, in their order.
    pub fn set_vectors<'v>(&mut self, vectors: impl Iterator<Item = &'v Field<T>>)
    where
        T: 'v,
    {
        for (k, vector) in vectors.enumerate() {
            for colour in 0..2 {
                let first = k * self.reals();
                self.blocks.gather(colour, &mut self.basis[colour], first, vector);
                for _ in 0..ROUNDS {
                    self.remove_earlier(colour, k);
                    self.normalise(colour, k);
                }
            }
        }
    }

    /// v_k −= Σ_{j<k} v_j ⟨v_j, v_k⟩.
    fn remove_earlier(&mut self, colour: usize, k: usize) {
        if k == 0 {
            return;
        }
        let (lattice, reals) = (self.blocks.inside().clone(), self.reals());
        self.products(colour, 0..k, k);
        let out = self.basis[colour].writer();
        let combine = Combine {
            blocks: &self.blocks,
            // SAFETY: the vectors before k are read, vector k is read and written by the thread of its site.
            basis: unsafe { out.reader() },
            vectors: 0..k,
            half: self.half,
            coefficients: self.coefficients.reader(),
            subtracts: true,
            out,
            first: k * reals,
            first_site: 0,
        };
        lattice.launch(&combine, 0..CHUNKS * self.blocks.stacks());
    }

    /// ⟨v_j, v_k⟩ of some vectors, in the coefficients.
    fn products(&mut self, colour: usize, vectors: Range<usize>, k: usize) {
        let rows = 4 * vectors.len();
        let project = Project {
            blocks: &self.blocks,
            basis: self.basis[colour].reader(),
            vectors,
            half: self.half,
            field: self.basis[colour].reader(),
            first: k * self.reals(),
            sites: &self.all_sites,
            sums: self.sums.writer(),
        };
        self.blocks.inside().launch(&project, 0..CHUNKS * self.blocks.stacks());
        self.add_chunks(rows);
    }

    /// v_k /= ‖v_k‖.
    fn normalise(&mut self, colour: usize, k: usize) {
        let (lattice, reals) = (self.blocks.inside().clone(), self.reals());
        self.products(colour, k..k + 1, k);
        let out = self.basis[colour].writer();
        let scale = Normalise {
            blocks: &self.blocks,
            norms: self.coefficients.reader(),
            half: self.half,
            out,
            first: k * reals,
        };
        lattice.launch(&scale, 0..CHUNKS * self.blocks.stacks());
    }

    /// Adds the first `rows` sums of a stack's chunks.
    fn add_chunks(&mut self, rows: usize) {
        let lattice = self.blocks.inside().clone();
        let kernel = AddChunks { sums: self.sums.reader(), rows, out: self.coefficients.writer() };
        lattice.launch(&kernel, 0..self.blocks.stacks());
    }

    /// `out` ← R ψ of what ψ has on `sites`. Collective.
    pub fn restrict(
        &mut self,
        coarse: &CoarseLattice<T>,
        out: &mut CoarseVector<T>,
        psi: &Field<T>,
        sites: Sites,
    ) {
        let all = self.all_sites.clone();
        let sites = if sites == Sites::All { &all[..] } else { &all[all.len() / 2..] };
        if self.blocks.lattice().comm().ranks() > 1 {
            out.fill(T::default());
        }
        for colour in 0..2 {
            self.gather(colour, psi);
            self.coefficients_of(coarse, colour, sites, |site, i, z| out.set_component(site, i, z));
        }
        share(self.blocks.lattice(), out);
    }

    /// The numbers of all sites of a block, even ones first.
    pub fn all_sites(&self) -> Arc<[u32]> {
        self.all_sites.clone()
    }

    /// Brings a field on the lattice to one colour's blocks, for [`Aggregates::coefficients_of`].
    pub fn gather(&mut self, colour: usize, psi: &Field<T>) {
        self.blocks.gather(colour, &mut self.spinors[colour], 0, psi);
    }

    /// ⟨v_{k χ}, ψ⟩ over some sites of each block.
    fn sum_over(&mut self, colour: usize, sites: &[u32]) {
        let lattice = self.blocks.inside().clone();
        let project = Project {
            blocks: &self.blocks,
            basis: self.basis[colour].reader(),
            vectors: 0..self.vectors,
            half: self.half,
            field: self.spinors[colour].reader(),
            first: 0,
            sites,
            sums: self.sums.writer(),
        };
        lattice.launch(&project, 0..CHUNKS * self.blocks.stacks());
        self.add_chunks(4 * self.vectors);
    }

    /// Calls `put(coarse site, component, number)` with what R has of the gathered field's `sites` in each block,
    /// numbers among the block's members.
    pub fn coefficients_of(
        &mut self,
        coarse: &CoarseLattice<T>,
        colour: usize,
        sites: &[u32],
        mut put: impl FnMut(usize, usize, Complex<T>),
    ) {
        self.sum_over(colour, sites);
        let vectors = self.vectors;
        for_seats(&self.blocks, coarse, colour, |site, stack, lane| {
            for k in 0..vectors {
                for chirality in 0..2 {
                    let at = |i| self.coefficients.get(stack, 4 * k + 2 * chirality + i, lane);
                    put(site, chirality * vectors + k, Complex::new(at(0), at(1)));
                }
            }
        });
    }

    /// `out` ← P ψ on `sites`, anything elsewhere; ghosts are stale.
    pub fn prolong(
        &mut self,
        coarse: &CoarseLattice<T>,
        out: &mut Field<T>,
        psi: &CoarseVector<T>,
        sites: Sites,
    ) {
        let first_site = if sites == Sites::All { 0 } else { self.blocks.volume() / 2 };
        let lattice = self.blocks.inside().clone();
        for colour in 0..2 {
            let (vectors, coefficients) = (self.vectors, &mut self.coefficients);
            for_seats(&self.blocks, coarse, colour, |site, stack, lane| {
                for k in 0..vectors {
                    for chirality in 0..2 {
                        let z = psi.component(site, chirality * vectors + k);
                        coefficients.set(stack, 4 * k + 2 * chirality, lane, z.re);
                        coefficients.set(stack, 4 * k + 2 * chirality + 1, lane, z.im);
                    }
                }
            });
            let combine = Combine {
                blocks: &self.blocks,
                basis: self.basis[colour].reader(),
                vectors: 0..vectors,
                half: self.half,
                coefficients: self.coefficients.reader(),
                subtracts: false,
                out: self.spinors[colour].writer(),
                first: 0,
                first_site,
            };
            lattice.launch(&combine, 0..CHUNKS * self.blocks.stacks());
        }
        self.blocks.scatter(out, self.spinors.each_ref(), 0);
    }

    /// `out` ← v_k on all blocks; ghosts are stale.
    pub fn vector(&self, out: &mut Field<T>, k: usize) {
        self.blocks.scatter(out, self.basis.each_ref(), k * self.reals());
    }
}

/// Calls `f(coarse site, stack, lane)` for each of the box's blocks of a colour.
fn for_seats<T: Real>(
    blocks: &Blocks<T>,
    coarse: &CoarseLattice<T>,
    colour: usize,
    mut f: impl FnMut(usize, usize, usize),
) {
    for stack in 0..blocks.stacks() {
        for lane in 0..T::LANES {
            // Blocks that sit twice come twice, with the same numbers.
            f(coarse.site_of(&blocks.seat(colour, stack, lane), colour), stack, lane);
        }
    }
}
