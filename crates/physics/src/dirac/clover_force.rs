//! The force of the clover term.
//!
//! What depends on the links through F alone is a sum T = Σ_x Σ_{mu<nu} Re tr(Λ_mu nu(x) Q_mu nu(x)), Q the four leaves at x
//! and Λ anti-Hermitian, held fixed: with F = (Q − Q†)/8, Re tr(Λ F) = ¼ Re tr(Λ Q). The matrices Λ come from spinors,
//!
//! ∂ 2 Re⟨Y, A X⟩:  Λ = −(c_sw/4) [Σ_{s,r} σ_sr X_r ⊗ Y_s†], the anti-Hermitian part,
//! ∂ ln det A:       Λ = −(c_sw/8) Σ_{s,r} σ_sr (A⁻¹)_rs,
//!
//! and a link's force from Λ at the corners of its six plaquettes: each is a leaf of all four of its corners, so U of the loop
//! U a b c has U [Λ₁ a b c + a Λ₂ b c + a b Λ₃ c + a b c Λ₄] with Λ of the corners in turn (as in Jansen and Liu, Comput.
//! Phys. Commun. 99 (1997) 221, section 3).

use super::chiral;
use super::clover::Clover;
use super::force::add_to_momenta;
use super::gamma::{Partner, sigma, times_power};
use super::spinor::{SPINS, SpinorField};
use super::wilson::Wilson;
use crate::PhysicsError;
use gaugelink_lattice::number::register_lanes;
use gaugelink_lattice::{
    Complex, DIM_MAX, Field, FieldReader, FieldWriter, GaugeField, Kernel, Lanes, Lattice, LatticeError,
    LinkReader, Matrix, MomentumField, Neighbour, Num, Tally, backward, forward,
};
use std::ops::Range;
use std::sync::Arc;

/// Planes mu < nu of four dimensions.
const PLANES: usize = DIM_MAX * (DIM_MAX - 1) / 2;

/// Where Λ of the plane of `mu` and `nu`, in either order, begins.
const fn plane<const N: usize>(mu: usize, nu: usize) -> usize {
    let (low, high) = if mu < nu { (mu, nu) } else { (nu, mu) };
    (high * (high - 1) / 2 + low) * 2 * N * N
}

/// Λ on all sites and planes, `[block][plane][row][column][re|im][lane]`: what the forces of several terms are gathered
/// from at once.
#[derive(Debug)]
pub struct CloverForce<const N: usize>(Field<f64>);

impl<const N: usize> CloverForce<N> {
    /// Λ = 0.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`].
    pub fn new(lattice: &Arc<Lattice>) -> Result<Self, LatticeError> {
        Ok(Self(Field::zeroed(lattice, PLANES * 2 * N * N)?))
    }

    /// Λ = 0.
    pub fn clear(&mut self) {
        self.0.fill(0.0);
    }

    /// Adds `weight` × 2 Re⟨Y, A X⟩, A the site-diagonal part of D, to what is differentiated: nothing, where D has no
    /// clover term.
    pub fn add_spinors<const H: usize>(
        &mut self,
        d: &Wilson<'_, f64, N, H>,
        weight: f64,
        y: &SpinorField<f64, N, H>,
        x: &SpinorField<f64, N, H>,
    ) {
        if d.csw() == 0.0 {
            return;
        }
        let lattice = self.0.lattice().clone();
        let kernel: Outer<'_, N> =
            Outer { x: x.reader(), y: y.reader(), out: self.0.writer(), weight: -0.25 * d.csw() * weight };
        lattice.launch(&kernel, 0..x.layout().blocks());
    }

    /// Adds `weight` × Σ ln |det A(x)| over the sites of one parity, or all. Collective.
    ///
    /// # Errors
    /// As [`Wilson::apply_site_inverse`].
    pub fn add_log_det(
        &mut self,
        d: &Wilson<'_, f64, N>,
        weight: f64,
        parity: Option<usize>,
    ) -> Result<(), PhysicsError> {
        let Some(inverses) = d.clover().map(Clover::inverses).transpose()? else { return Ok(()) };
        let lattice = self.0.lattice().clone();
        let kernel: LogDet<'_, N> =
            LogDet { inverses, out: self.0.writer(), weight: -0.125 * d.csw() * weight };
        let layout = inverses.layout();
        lattice.launch(&kernel, parity.map_or(0..layout.blocks(), |p| layout.parity_blocks(p)));
        Ok(())
    }

    /// π^a ← π^a + `scale` × ∂^a of what was added. Collective; ghosts of the momenta are not touched.
    pub fn accumulate(&mut self, p: &mut MomentumField<f64, N>, scale: f64, links: &GaugeField<f64, N>) {
        self.0.exchange();
        // Re tr(T_a M) is less half a coordinate of Ta(M); for U(1), with generator i, less the coordinate.
        let slope = if N == 1 { -1.0 } else { -0.5 };
        let kernel: Gather<'_, N> = Gather {
            links: links.links(),
            lambda: self.0.reader(),
            momenta: p.writer(),
            scale: slope * scale,
        };
        links.lattice().launch(&kernel, 0..links.layout().blocks());
    }
}

/// (M − M†)/2.
#[inline(always)]
fn antihermitian<V: Num, const N: usize>(m: &Matrix<V, N>) -> Matrix<V, N> {
    (*m - m.adjoint()).scale(V::splat(0.5))
}

/// Adds `weight` × the matrix to Λ of a plane.
///
/// # Safety
/// The block is the calling thread's.
#[inline(always)]
unsafe fn add<V: Lanes<Scalar = f64>, const N: usize>(
    out: &FieldWriter<'_, f64>,
    block: usize,
    component: usize,
    m: &Matrix<V, N>,
    weight: f64,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let old = out.reader().matrix::<V, N>(block, component);
        out.store_matrix(block, component, &(old + m.scale(V::splat(weight))));
    }
}

struct Outer<'a, const N: usize> {
    x: FieldReader<'a, f64>,
    y: FieldReader<'a, f64>,
    out: FieldWriter<'a, f64>,
    weight: f64,
}

impl<const N: usize> Kernel<f64> for Outer<'_, N> {
    gaugelink_lattice::compiled!(group N: Outer);
    #[inline(always)]
    fn run<V: Lanes<Scalar = f64>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let number = |field: &FieldReader<'_, f64>, block: usize, s: usize, c: usize| {
            let at = 2 * (s * N + c);
            Complex { re: field.load::<V>(block, at), im: field.load(block, at + 1) }
        };
        for block in range {
            for nu in 1..DIM_MAX {
                for mu in 0..nu {
                    let mut sum = Matrix::<V, N>::zero();
                    for (s, Partner { spin, power }) in sigma(mu, nu).into_iter().enumerate() {
                        for d in 0..N {
                            let x = times_power(number(&self.x, block, spin, d), power);
                            for c in 0..N {
                                let y = number(&self.y, block, s, c);
                                sum.0[d][c] = y.conj_mul_add(x, sum.0[d][c]);
                            }
                        }
                    }
                    // SAFETY: the block is this thread's.
                    unsafe { add(&self.out, block, plane::<N>(mu, nu), &antihermitian(&sum), self.weight) }
                }
            }
        }
    }
}

struct LogDet<'a, const N: usize> {
    inverses: FieldReader<'a, f64>,
    out: FieldWriter<'a, f64>,
    weight: f64,
}

impl<const N: usize> Kernel<f64> for LogDet<'_, N> {
    gaugelink_lattice::compiled!(group N: LogDet);
    #[inline(always)]
    fn run<V: Lanes<Scalar = f64>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for block in range {
            let inverses = [0, 1].map(|chirality| chiral::read::<V, N>(&self.inverses, block, chirality));
            for nu in 1..DIM_MAX {
                for mu in 0..nu {
                    let mut sum = Matrix::<V, N>::zero();
                    let partners = sigma(mu, nu);
                    for s in 0..SPINS {
                        let Partner { spin, power } = partners[s];
                        for d in 0..N {
                            for c in 0..N {
                                let z = inverses[s / 2].entry(spin % 2 * N + d, s % 2 * N + c);
                                sum.0[d][c] = sum.0[d][c] + times_power(z, power);
                            }
                        }
                    }
                    // SAFETY: the block is this thread's.
                    unsafe { add(&self.out, block, plane::<N>(mu, nu), &antihermitian(&sum), self.weight) }
                }
            }
        }
    }
}

struct Gather<'a, const N: usize> {
    links: LinkReader<'a, f64, N>,
    lambda: FieldReader<'a, f64>,
    momenta: FieldWriter<'a, f64>,
    /// Before the coordinates of Ta(M).
    scale: f64,
}

impl<const N: usize> Kernel<f64> for Gather<'_, N> {
    gaugelink_lattice::compiled!(group N: Gather);
    #[inline(always)]
    fn run<V: Lanes<Scalar = f64>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for block in range {
            for lane in register_lanes::<V>() {
                let (links, lambda) = (self.links.from_lane(lane), self.lambda.from_lane(lane));
                let momenta = self.momenta.from_lane(lane);
                Self { links, lambda, momenta, ..*self }.kick::<V::Register>(block);
            }
        }
    }
}

impl<const N: usize> Gather<'_, N> {
    #[inline(always)]
    fn kick<V: Lanes<Scalar = f64>>(&self, block: usize) {
        let scale = V::splat(self.scale);
        for mu in 0..DIM_MAX {
            let mut sum = Matrix::<V, N>::zero();
            for nu in (0..DIM_MAX).filter(|&nu| nu != mu) {
                // Q_nu mu = Q_mu nu†, so Λ_nu mu = −Λ_mu nu; a loop the other way round likewise has −Λ.
                let (ahead, behind) = (self.ahead::<V>(block, mu, nu), self.behind::<V>(block, mu, nu));
                let closed = ahead - behind;
                sum = if mu < nu { sum + closed } else { sum - closed };
            }
            let m = self.links.at::<V>(block, mu).mul(&sum);
            // SAFETY: the block is this thread's.
            unsafe { add_to_momenta(&self.momenta, block, mu, &m, scale) }
        }
    }

    #[inline(always)]
    fn lambda_at<V: Lanes<Scalar = f64>>(&self, at: Neighbour, mu: usize, nu: usize) -> Matrix<V, N> {
        self.lambda.matrix_at(at, plane::<N>(mu, nu))
    }

    /// The paths that close U_mu(x) on the side of +nu, with Λ at each corner in turn.
    #[inline(always)]
    fn ahead<V: Lanes<Scalar = f64>>(&self, block: usize, mu: usize, nu: usize) -> Matrix<V, N> {
        let layout = self.lambda.layout();
        let (end, side) = (layout.neighbour(block, forward(mu)), layout.neighbour(block, forward(nu)));
        let corner = layout.neighbour2(block, forward(mu), forward(nu));
        let here = self.lambda.matrix::<V, N>(block, plane::<N>(mu, nu));
        let (a, b, c) =
            (self.links.next::<V>(end, nu), self.links.next::<V>(side, mu), self.links.at::<V>(block, nu));
        // (Λ₁ a + a Λ₂) b† c† + a b† (Λ₃ c† + c† Λ₄)
        let first = self.lambda_at::<V>(end, mu, nu).mul_add(&a, &a.mul(&self.lambda_at(corner, mu, nu)));
        let second = self.lambda_at::<V>(side, mu, nu).mul_adjoint_add(&c, &c.adjoint_mul(&here));
        a.mul_adjoint(&b).mul_add(&second, &first.mul(&c.mul(&b).adjoint()))
    }

    /// Those on the side of −nu.
    #[inline(always)]
    fn behind<V: Lanes<Scalar = f64>>(&self, block: usize, mu: usize, nu: usize) -> Matrix<V, N> {
        let layout = self.lambda.layout();
        let (end, side) = (layout.neighbour(block, forward(mu)), layout.neighbour(block, backward(nu)));
        let corner = layout.neighbour2(block, forward(mu), backward(nu));
        let here = self.lambda.matrix::<V, N>(block, plane::<N>(mu, nu));
        let (a, b, c) = (
            self.links.next::<V>(corner, nu),
            self.links.next::<V>(side, mu),
            self.links.next::<V>(side, nu),
        );
        // (Λ₁ a† + a† Λ₂) b† c + a† b† (Λ₃ c + c Λ₄)
        let first = self
            .lambda_at::<V>(end, mu, nu)
            .mul_adjoint_add(&a, &a.adjoint_mul(&self.lambda_at(corner, mu, nu)));
        let second = self.lambda_at::<V>(side, mu, nu).mul_add(&c, &c.mul(&here));
        b.mul(&a).adjoint().mul_add(&second, &first.mul(&b.adjoint_mul(&c)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Action;
    use crate::dirac::Boundary;
    use crate::naive::{assert_gradient, rough_field};
    use gaugelink_lattice::LatticeOptions;
    use gaugelink_lattice::rng::{Address, Purpose};

    /// 2 Re⟨Y, A X⟩ + 3 ln |det A|, X and Y fixed.
    struct Terms<const N: usize> {
        x: SpinorField<f64, N>,
        y: SpinorField<f64, N>,
        parity: Option<usize>,
    }

    impl<const N: usize> Terms<N> {
        fn operator<'u>(&self, u: &'u GaugeField<f64, N>) -> Wilson<'u, f64, N> {
            Wilson::new(u, 0.1, Boundary::antiperiodic()).unwrap().with_clover(1.3).unwrap()
        }
    }

    impl<const N: usize> Action<N> for Terms<N> {
        fn name(&self) -> String {
            format!("clover term, N = {N}, parity {:?}", self.parity)
        }
        fn value(&self, u: &GaugeField<f64, N>) -> Vec<f64> {
            let d = self.operator(u);
            let mut ax = SpinorField::zeroed(u.lattice()).unwrap();
            d.apply_site_part(&mut ax, &self.x);
            vec![2.0 * self.y.inner_product(&ax)[0].re + 3.0 * d.site_log_det(self.parity)[0]]
        }
        fn kick(&self, u: &GaugeField<f64, N>, p: &mut MomentumField<f64, N>, epsilon: f64) {
            let d = self.operator(u);
            let mut force = CloverForce::new(u.lattice()).unwrap();
            force.add_spinors(&d, 1.0, &self.y, &self.x);
            force.add_log_det(&d, 3.0, self.parity).unwrap();
            force.accumulate(p, -epsilon, u);
        }
    }

    fn check<const N: usize>(extents: &[usize], parity: Option<usize>) {
        let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
        let [x, y] = [0, 1].map(|sample| {
            let mut psi = SpinorField::zeroed(&lattice).unwrap();
            psi.set_gaussian(Address::new(5, Purpose::Source).sample(sample));
            psi
        });
        assert_gradient(&mut &Terms { x, y, parity }, &rough_field::<N>(&lattice, 0.6));
    }

    #[test]
    fn the_force_is_the_gradient() {
        check::<1>(&[4, 2, 4, 4], Some(1));
        check::<2>(&[4, 2, 4, 4], Some(0));
        check::<3>(&[4, 4, 2, 4], Some(1));
        check::<3>(&[3, 4, 2, 5], None);
    }
}
