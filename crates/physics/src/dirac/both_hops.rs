//! A combination of the hop and its adjoint in one pass: the general operator of nearest neighbours that respects the
//! lattice's symmetry.
//!
//! With (T_±mu ψ)(x) the neighbours' spinors carried to x, H = Σ (1 − γ_mu) T_mu + (1 + γ_mu) T_−mu gives
//! H + H† = 2 Σ (T_mu + T_−mu) and H† − H = 2 Σ γ_mu (T_mu − T_−mu). So a + b H + c H† has every coefficient of the
//! two sums, and costs two hops' arithmetic but reads links and spinors once.

use super::boundary::BoundaryTable;
use super::hop::hop;
use super::neighbourhood::{Neighbourhood, RegisterSource};
use super::spinor::Spinor;
use gaugelink_lattice::number::register_lanes;
use gaugelink_lattice::{FieldReader, FieldWriter, Kernel, Lanes, Num, Real, Tally};
use std::ops::Range;

/// out ← a ψ + b Hψ + c H†ψ with `coefficients` = (a, b, c).
pub(super) struct BothHops<'a, T, const N: usize, const H: usize> {
    pub links: FieldReader<'a, T>,
    pub table: &'a BoundaryTable<T>,
    pub psi: FieldReader<'a, T>,
    pub out: FieldWriter<'a, T>,
    pub coefficients: [f64; 3],
    /// The order of the blocks.
    pub walk: &'a [u32],
    /// Whether to go from the last block to the first.
    pub returns: bool,
    /// Whether to write past the caches.
    pub streams: bool,
}

impl<T: Real, const N: usize, const H: usize> Kernel<T> for BothHops<'_, T, N, H> {
    gaugelink_lattice::compiled!(scalar T, group N, half H: BothHops);

    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let mut around = Neighbourhood::<V, N, H, N>::new(self.links, self.table);
        for step in range.clone() {
            let position = if self.returns { range.start + range.end - 1 - step } else { step };
            let block = self.walk[position] as usize;
            around.visit(&self.psi, block);
            let psi = self.psi.rows(block, 0, 4 * H * N);
            let out = self.out.rows(block, 0, 4 * H * N);
            for offset in register_lanes::<V>() {
                let source = RegisterSource { around: &around, offset };
                let h = hop::<V::Register, _, N, H, false>(&source);
                let h_dagger = hop::<V::Register, _, N, H, true>(&source);
                self.finish::<V>(&h, &h_dagger, psi, out, offset);
            }
        }
        if self.streams {
            V::fence();
        }
    }
}

impl<T: Real, const N: usize, const H: usize> BothHops<'_, T, N, H> {
    #[inline(always)]
    fn finish<V: Lanes<Scalar = T>>(
        &self,
        h: &Spinor<V::Register, N, H>,
        h_dagger: &Spinor<V::Register, N, H>,
        psi: *const T,
        out: *mut T,
        offset: usize,
    ) {
        let [a, b, c] = self.coefficients.map(V::Register::splat);
        let sums = h.components().iter().zip(h_dagger.components());
        for (i, (x, x_dagger)) in sums.enumerate() {
            for (k, (x, x_dagger)) in [(x.re, x_dagger.re), (x.im, x_dagger.im)].into_iter().enumerate() {
                let row = (2 * i + k) * T::LANES + offset;
                // SAFETY: a row of this block in fields of the same shape; the block is this thread's.
                unsafe {
                    let y = x_dagger.mul_add(c, x * b);
                    let y = V::Register::load(psi.add(row)).mul_add(a, y);
                    if self.streams {
                        y.stream(out.add(row));
                    } else {
                        y.store(out.add(row));
                    }
                }
            }
        }
    }
}
