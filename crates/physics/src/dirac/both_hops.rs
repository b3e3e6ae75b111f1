//! A combination of the hop and its adjoint in one pass: the general operator of nearest neighbours that respects the
//! lattice's symmetry.
//!
//! With (T_±mu ψ)(x) the neighbours' spinors carried to x, H = Σ (1 − γ_mu) T_mu + (1 + γ_mu) T_−mu gives
//! H + H† = 2 Σ (T_mu + T_−mu) and H† − H = 2 Σ γ_mu (T_mu − T_−mu). So a + b H + c H† has every coefficient of the
//! two sums, and costs two hops' arithmetic but reads links and spinors once.

use super::boundary::BoundaryTable;
use super::hop::hop;
use super::neighbourhood::{Neighbourhood, RegisterSource, offsets};
use super::spinor::{SPINS, Spinor};
use gaugelink_lattice::{FieldReader, FieldWriter, Kernel, Lanes, Num, Real, Tally};
use std::ops::Range;

/// out ← a ψ + b Hψ + c H†ψ with `coefficients` = (a, b, c).
pub(super) struct BothHops<'a, T, const N: usize> {
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

impl<T: Real, const N: usize> Kernel<T> for BothHops<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: BothHops);

    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let mut around = Neighbourhood::<V, N, N>::new(self.links, self.table);
        let mut adjoint = Neighbourhood::<V, N, N>::new(self.links, self.table);
        for step in range.clone() {
            let position = if self.returns { range.start + range.end - 1 - step } else { step };
            let block = self.walk[position] as usize;
            around.visit(&self.psi, block, false);
            // Only half spinors that wait in the buffer know which hop they are for.
            let for_adjoint = if V::REGISTERS > 1 {
                adjoint.visit(&self.psi, block, true);
                &adjoint
            } else {
                &around
            };
            let psi = self.psi.rows(block, 0, 2 * SPINS * N);
            let out = self.out.rows(block, 0, 2 * SPINS * N);
            for offset in offsets::<V>() {
                let plain = RegisterSource { around: &around, offset };
                let dagger = RegisterSource { around: for_adjoint, offset };
                let h = hop::<V::Register, _, N, false>(&plain);
                let h_dagger = hop::<V::Register, _, N, true>(&dagger);
                self.finish::<V>(&h, &h_dagger, psi, out, offset);
            }
        }
        if self.streams {
            V::fence();
        }
    }
}

impl<T: Real, const N: usize> BothHops<'_, T, N> {
    #[inline(always)]
    fn finish<V: Lanes<Scalar = T>>(
        &self,
        h: &Spinor<V::Register, N>,
        h_dagger: &Spinor<V::Register, N>,
        psi: *const T,
        out: *mut T,
        offset: usize,
    ) {
        let [a, b, c] = self.coefficients.map(V::Register::splat);
        let sums = h.0.as_flattened().iter().zip(h_dagger.0.as_flattened());
        for (i, (x, x_dagger)) in sums.enumerate() {
            for (k, (x, x_dagger)) in [(x.re, x_dagger.re), (x.im, x_dagger.im)].into_iter().enumerate() {
                let row = (2 * i + k) * T::LANES + offset;
                // SAFETY: a row of this block in fields of the same shape; the block is this thread's.
                unsafe {
                    let y = x_dagger.mul_add(c, x * b);
                    let y = V::load_register(psi.add(row)).mul_add(a, y);
                    if self.streams {
                        V::stream_register(y, out.add(row));
                    } else {
                        V::store_register(y, out.add(row));
                    }
                }
            }
        }
    }
}
