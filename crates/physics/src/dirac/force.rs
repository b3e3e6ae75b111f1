//! The force of the hopping term: derivatives of inner products of Wilson's operator with respect to the links.
//!
//! With D = (m + d) − ½ H and ∂^a f(U) = d/ds f(e^{sT_a} U),
//!
//! ∂^a 2 Re⟨Y, D X⟩ = −Re tr(T_a W)  without the clover term, whose part [`super::clover_force`] has,
//! W = Σ_spin U \[(1 − γ_mu) X(x+mu) ⊗ Y(x)† + (1 + γ_mu) Y(x+mu) ⊗ X(x)†\],
//!
//! for the link U = U_mu(x), the phase of the boundary included where the step crosses it. As (1 ± γ)² = 2 (1 ± γ), and
//! the lower half of (1 ± γ) ψ is a unitary matrix times the upper one, the sum over spins is that of the products of
//! the upper halves of projected spinors.
//!
//! The action φ†(M†M)⁻¹φ has the derivative −∂^a 2 Re⟨Y, M X⟩ with X = (M†M)⁻¹φ, Y = M X held fixed (Gottlieb, Liu,
//! Toussaint, Renken, Sugar, Phys. Rev. D 35 (1987) 2531). In the even-odd form the same sum serves: X and Y are
//! continued to the other parity first, see [`Schur::extend`].

use super::boundary::BoundaryTable;
use super::even_odd::Schur;
use super::hop::{HalfSpinor, project, projector_sign};
use super::neighbourhood::load;
use super::pass::Combine;
use super::spinor::SpinorField;
use super::wilson::Wilson;
use gaugelink_lattice::group::{algebra_dim, to_coordinates, traceless_antihermitian};
use gaugelink_lattice::number::register_lanes;
use gaugelink_lattice::{
    Complex, FieldReader, FieldWriter, Kernel, Lanes, LinkReader, Matrix, MomentumField, Num, Real, Tally,
    forward,
};
use std::ops::Range;

impl<const N: usize, const H: usize> Wilson<'_, f64, N, H> {
    /// π^a ← π^a + `scale` × ∂^a 2 Re⟨Y, D X⟩ with X and Y held fixed, fused. Ghosts of `x` and `y` are up to date;
    /// those of the momenta are not touched.
    pub fn accumulate_force(
        &self,
        p: &mut MomentumField<f64, N>,
        scale: f64,
        y: &SpinorField<f64, N, H>,
        x: &SpinorField<f64, N, H>,
    ) {
        // −Re tr(T_a W) is half a coordinate of Ta(W); for U(1), with generator i, the coordinate.
        let slope = if N == 1 { 1.0 } else { 0.5 };
        let kernel = HopForce::<N, H> {
            links: self.links().links(),
            table: self.table(),
            y: y.reader(),
            x: x.reader(),
            momenta: p.writer(),
            scale: slope * scale,
            lane: 0,
        };
        self.links().lattice().launch(&kernel, 0..self.links().layout().blocks());
    }
}

impl<T: Real, const N: usize, const H: usize> Schur<'_, T, N, H> {
    /// ψ_q ← −A_qq⁻¹ D_qp ψ_p: continues ψ to the other parity, so that D ψ vanishes there. Collective.
    pub fn extend(&self, psi: &mut SpinorField<T, N, H>) {
        self.extend_by::<false>(psi);
    }

    /// ψ_q ← −A_qq⁻¹ (D†)_qp ψ_p, so that D†ψ vanishes there. Collective.
    ///
    /// With X continued by [`Schur::extend`] and Y by this, ∂^a Re⟨Y_p, Ŝ X_p⟩ is ∂^a Re⟨Y, D X⟩, the sum over both
    /// parities, in which the continued spinors are held fixed; Ŝ is the asymmetric form.
    pub fn extend_dagger(&self, psi: &mut SpinorField<T, N, H>) {
        self.extend_by::<true>(psi);
    }

    fn extend_by<const DAGGER: bool>(&self, psi: &mut SpinorField<T, N, H>) {
        let wilson = self.wilson();
        let there = match self.inverses() {
            Some(inverses) => Combine::TimesScaled(inverses, 0.5),
            None => Combine::Scaled(0.5 / wilson.diagonal()),
        };
        wilson.run_within::<DAGGER>(psi, None, there, 1 - self.parity());
    }
}

/// π^a ← π^a + `scale` × coordinate a of Ta(M), for link mu of a block.
///
/// # Safety
/// The block is the calling thread's, to read and to write.
#[inline(always)]
pub(super) unsafe fn add_to_momenta<V: Lanes<Scalar = f64>, const N: usize>(
    momenta: &FieldWriter<'_, f64>,
    block: usize,
    mu: usize,
    m: &Matrix<V, N>,
    scale: V,
) {
    let force = to_coordinates(&traceless_antihermitian(m));
    for a in 0..algebra_dim(N) {
        let c = mu * algebra_dim(N) + a;
        // SAFETY: the caller's promise.
        unsafe {
            let old = momenta.reader().load::<V>(block, c);
            momenta.store(block, c, force[a].mul_add(scale, old));
        }
    }
}

struct HopForce<'a, const N: usize, const H: usize> {
    links: LinkReader<'a, f64, N>,
    table: &'a BoundaryTable<f64>,
    y: FieldReader<'a, f64>,
    x: FieldReader<'a, f64>,
    momenta: FieldWriter<'a, f64>,
    /// Before the coordinates of Ta(W).
    scale: f64,
    /// The first of the lanes that are worked on, where all fields start.
    lane: usize,
}

impl<const N: usize, const H: usize> Kernel<f64> for HopForce<'_, N, H> {
    gaugelink_lattice::compiled!(group N, half H: HopForce);
    #[inline(always)]
    fn run<V: Lanes<Scalar = f64>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for block in range {
            for lane in register_lanes::<V>() {
                let part = Self {
                    links: self.links.from_lane(lane),
                    y: self.y.from_lane(lane),
                    x: self.x.from_lane(lane),
                    momenta: self.momenta.from_lane(lane),
                    lane,
                    ..*self
                };
                part.kick::<V::Register>(block);
            }
        }
    }
}

impl<const N: usize, const H: usize> HopForce<'_, N, H> {
    #[inline(always)]
    fn kick<V: Lanes<Scalar = f64>>(&self, block: usize) {
        let scale = V::splat(self.scale);
        for mu in 0..2 * H {
            let mut sum = Matrix::zero();
            for is_forward in [true, false] {
                let sign = projector_sign(is_forward, false);
                let (ahead, here) = if is_forward { (self.x, self.y) } else { (self.y, self.x) };
                let ahead = self.ahead::<V>(ahead, block, mu, sign);
                add_outer(&ahead, &projected::<V, N, H>(here, block, mu, sign), &mut sum);
            }
            let w = self.links.at::<V>(block, mu).mul(&sum);
            // SAFETY: the block is this thread's.
            unsafe { add_to_momenta(&self.momenta, block, mu, &w, scale) }
        }
    }

    /// The projected half spinor of the neighbour ahead, in this block's lanes and with the phase of the edge.
    #[inline(always)]
    fn ahead<V: Lanes<Scalar = f64>>(
        &self,
        psi: FieldReader<'_, f64>,
        block: usize,
        mu: usize,
        sign: usize,
    ) -> HalfSpinor<V, N, H> {
        let step = forward(mu);
        let at = psi.layout().neighbour(block, step);
        let mut half = if at.rotation == 0 {
            projected(psi, at.block as usize, mu, sign)
        } else {
            project!(H, H, N, mu, sign, 0, |s, c| {
                let index = 2 * (s * N + c);
                Complex { re: psi.load_at::<V>(at, index), im: psi.load_at(at, index + 1) }
            })
        };
        if self.table.crossing(block) & (1 << step) != 0 {
            self.table.turn(step, self.table.lanes(step).register(self.lane), &mut half);
        }
        half
    }
}

/// Upper half of (1 ± γ_mu) ψ of a block.
#[inline(always)]
fn projected<V: Lanes<Scalar = f64>, const N: usize, const H: usize>(
    psi: FieldReader<'_, f64>,
    block: usize,
    mu: usize,
    sign: usize,
) -> HalfSpinor<V, N, H> {
    let start = psi.rows(block, 0, 4 * H * N);
    // SAFETY: the rows of a whole spinor.
    project!(H, H, N, mu, sign, 0, |s, c| unsafe { load(start, s * N + c) })
}

/// `sum` += Σ_spin a ⊗ b†.
#[inline(always)]
fn add_outer<V: Num, const N: usize, const H: usize>(
    a: &HalfSpinor<V, N, H>,
    b: &HalfSpinor<V, N, H>,
    sum: &mut Matrix<V, N>,
) {
    for s in 0..H {
        for i in 0..N {
            for j in 0..N {
                sum.0[i][j] = b[s][j].conj_mul_add(a[s][i], sum.0[i][j]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dirac::{Boundary, naive};
    use crate::naive::rough_field;
    use gaugelink_lattice::rng::{Address, Purpose};
    use gaugelink_lattice::{LaneMeaning, Lattice, LatticeOptions};

    #[test]
    fn the_force_is_that_of_the_plain_formula() {
        fn check<const N: usize, const H: usize>(extents: &[usize], lanes: LaneMeaning) {
            let lattice =
                Lattice::new(extents, LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap();
            let u = rough_field::<N>(&lattice, 0.6);
            let [x, y] = [1, 2].map(|sample| {
                let mut psi = SpinorField::<f64, N, H>::zeroed(&lattice).unwrap();
                psi.set_gaussian(Address::new(6, Purpose::Source).sample(sample));
                psi
            });
            let boundary = Boundary::twisted([0.3, 0.0, 1.1, std::f64::consts::PI]);
            let d = Wilson::new(&u, 0.1, boundary).unwrap();
            let mut p = MomentumField::zeroed(&lattice).unwrap();
            p.as_mut_slice().fill(0.25);
            d.accumulate_force(&mut p, 0.7, &y, &x);
            for chain in 0..lattice.chains() {
                let expected = naive::hop_force(&u, &y, &x, &boundary, chain);
                for (site, of_site) in expected.iter().enumerate() {
                    let (block, located) = p.layout().locate(&lattice.geometry().site(site));
                    let lane = if lattice.chains() > 1 { chain } else { located };
                    for (c, force) in of_site.concat().into_iter().enumerate() {
                        let off = p.get(block, c, lane) - (0.25 + 0.7 * force);
                        assert!(off.abs() < 2e-13, "N={N} {extents:?} site {site} component {c}: {off:e}");
                    }
                }
            }
        }
        for lanes in [LaneMeaning::Sites, LaneMeaning::Batch { chains: 3 }] {
            check::<3, 2>(&[4, 4, 2, 8], lanes);
            check::<3, 2>(&[3, 4, 5, 2], lanes);
            check::<2, 2>(&[4, 2, 6, 4], lanes);
            check::<1, 2>(&[8, 4, 2, 4], lanes);
            check::<3, 1>(&[8, 4], lanes);
            check::<2, 1>(&[3, 5], lanes);
            check::<1, 1>(&[16, 2], lanes);
        }
    }
}
