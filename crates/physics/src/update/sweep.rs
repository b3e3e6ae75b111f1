//! One pass over all links: direction by direction, each on even sites, then on odd.

use super::quaternion::{Quaternion, subgroups};
use crate::PhysicsError;
use crate::action::staple;
use gaugelink_lattice::group::reunitarise;
use gaugelink_lattice::number::Compiled;
use gaugelink_lattice::{
    BlockLinks, Complex, FieldWriter, GaugeField, Kernel, Lanes, Layout, LinkReader, Num, Tally,
};
use std::ops::Range;

/// How an update chooses the new value of link × staple, given the old one as length × unit element.
pub trait Choice: Sync {
    /// What a choice draws from at one block.
    type Random;
    /// The random numbers for the links of direction `mu` at a block.
    fn random(&self, layout: &Layout, block: usize, mu: usize) -> Self::Random;
    /// U(1): the new phase, where `length` is |link × staple| and `old` its phase.
    fn phase<V: Lanes<Scalar = f64>>(
        &self,
        random: &mut Self::Random,
        length: V,
        old: Complex<V>,
    ) -> Complex<V>;
    /// SU(2), and SU(2) subgroups of SU(N): the same for quaternions; Re tr = 2 × `length` × component 0.
    fn rotation<V: Lanes<Scalar = f64>>(
        &self,
        random: &mut Self::Random,
        length: V,
        old: Quaternion<V>,
    ) -> Quaternion<V>;
    /// Where [`forms`] of this choice are kept.
    fn compiled() -> &'static [Compiled; 3];
}

/// Updates every link once. Collective.
///
/// Links of one direction and parity do not see each other in a plaquette, so they are updated at the same time; that
/// needs a lattice that is bipartite across its boundaries.
pub fn sweep<C: Choice, const N: usize>(u: &mut GaugeField<f64, N>, choice: &C) -> Result<(), PhysicsError> {
    let lattice = u.lattice().clone();
    if !lattice.geometry().is_bipartite() {
        let extents = &lattice.geometry().extents()[..lattice.dims()];
        return Err(PhysicsError::Geometry(format!(
            "heat bath and overrelaxation update even and odd sites in turn, which needs even extents, not \
             {extents:?}: make them even, or use HMC"
        )));
    }
    let layout = lattice.layout::<f64>();
    let link = GaugeField::<f64, N>::LINK;
    for mu in 0..lattice.dims() {
        for parity in 0..2 {
            let kernel = LinkUpdate::<C, N> { links: u.writer(), dims: lattice.dims(), mu, choice };
            lattice.launch(&kernel, layout.parity_blocks(parity));
            u.exchange_components(mu * link..(mu + 1) * link);
        }
    }
    Ok(())
}

/// The code of sweeps with a choice, for each group.
pub const fn forms<C: Choice>() -> [Compiled; 3] {
    [
        Compiled::of::<f64, LinkUpdate<C, 1>, { cfg!(test) }>(),
        Compiled::of::<f64, LinkUpdate<C, 2>, { cfg!(test) }>(),
        Compiled::of::<f64, LinkUpdate<C, 3>, { cfg!(test) }>(),
    ]
}

struct LinkUpdate<'a, C, const N: usize> {
    links: FieldWriter<'a, f64>,
    dims: usize,
    mu: usize,
    choice: &'a C,
}

impl<C: Choice, const N: usize> Kernel<f64> for LinkUpdate<'_, C, N> {
    fn compiled() -> Compiled {
        C::compiled()[N - 1]
    }

    #[inline(always)]
    fn run<V: Lanes<Scalar = f64>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        // SAFETY: of what is written, a block's links of one direction and parity, only that block's are read.
        let links = LinkReader::<f64, N>(unsafe { self.links.reader() });
        for block in range {
            let mut random = self.choice.random(links.0.layout(), block, self.mu);
            let mut u = links.at::<V>(block, self.mu);
            let mut loops = u.mul(&staple(&BlockLinks { links, block }, self.dims, self.mu));
            if N == 1 {
                let (length, old) = polar(loops.0[0][0]);
                let new = self.choice.phase(&mut random, length, old);
                u.0[0][0] = old.conj_mul(new) * u.0[0][0];
            }
            for &(i, j) in subgroups(N) {
                let (length, old) = Quaternion::project(&loops, i, j).polar();
                let turn = self.choice.rotation(&mut random, length, old).mul(old.conj());
                turn.act(&mut u, i, j);
                turn.act(&mut loops, i, j);
            }
            // SAFETY: as above.
            unsafe { self.links.store_matrix(block, self.mu * 2 * N * N, &reunitarise(&u)) }
        }
    }
}

/// Modulus, and the phase; 1 where the modulus is (as good as) zero.
#[inline(always)]
fn polar<V: Num>(z: Complex<V>) -> (V, Complex<V>) {
    let (zero, one) = (V::splat(0.0), V::splat(1.0));
    let tiny = z.norm2().lt(V::splat(1e-200));
    let modulus = V::select(tiny, zero, z.norm2().sqrt());
    let inverse = one.div(V::select(tiny, one, z.norm2().sqrt()));
    let phase = z.scale(inverse);
    (modulus, Complex::new(V::select(tiny, one, phase.re), V::select(tiny, zero, phase.im)))
}
