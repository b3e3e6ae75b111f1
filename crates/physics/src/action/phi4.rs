//! The action of a real scalar with a quartic self-coupling, φ⁴.

use crate::PhysicsError;
use gaugelink_lattice::{
    FieldReader, FieldWriter, Kernel, Lanes, Real, ScalarField, Tally, backward, forward,
};
use std::f64::consts::{PI, TAU};
use std::ops::Range;

/// S = Σ_x φ (−□ φ) + M² φ² + λ φ⁴ on a periodic lattice of d dimensions (Albergo et al., arXiv:2101.08176, section III A):
///
/// ```text
/// S = Σ_x [ (M² + 2d) φ(x)² − 2 Σ_μ φ(x) φ(x+μ) + λ φ(x)⁴ ]        ∂S/∂φ(x) = 2 (M² + 2d) φ + 4 λ φ³ − 2 Σ_μ [φ(x+μ) + φ(x−μ)]
/// ```
///
/// There is no ½ before the kinetic term: φ is 1/√2 of the field of the usual continuum action.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Phi4 {
    /// M², of either sign.
    pub mass2: f64,
    /// λ ≥ 0.
    pub lambda: f64,
}

/// What is known exactly without self-coupling, where momenta decouple: with k̂² = Σ_μ 4 sin²(k_μ/2), S = Σ_k (M² + k̂²) |φ_k|².
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FreeScalar {
    /// ⟨φ²⟩ = 1/V Σ_k 1/(2 (M² + k̂²)).
    pub square: f64,
    /// ⟨(Σ φ)²⟩/V = 1/(2 M²).
    pub susceptibility: f64,
    /// ln ∫ Π dφ e^{−S} = ½ Σ_k ln(π/(M² + k̂²)).
    pub ln_z: f64,
}

impl Phi4 {
    /// The action of M² and λ.
    ///
    /// # Errors
    /// [`PhysicsError::Parameter`] where e^{−S} has no integral: λ < 0, or λ = 0 without M² > 0.
    pub fn new(mass2: f64, lambda: f64) -> Result<Self, PhysicsError> {
        let is_bounded = lambda > 0.0 || (lambda == 0.0 && mass2 > 0.0);
        if !(is_bounded && mass2.is_finite() && lambda.is_finite()) {
            return Err(PhysicsError::Parameter(format!(
                "phi^4 with mass2 = {mass2}, lambda = {lambda}: give lambda > 0, or lambda = 0 and mass2 > 0"
            )));
        }
        Ok(Self { mass2, lambda })
    }

    /// The action in words.
    pub fn name(&self) -> String {
        format!("phi^4 mass2 = {}, lambda = {}", self.mass2, self.lambda)
    }

    /// S for each chain. Collective.
    pub fn values<T: Real>(&self, phi: &ScalarField<T>) -> Vec<f64> {
        let lattice = phi.lattice();
        let mut sums = vec![0.0; lattice.chains()];
        let kernel = Value { action: self, phi: phi.reader(), dims: lattice.dims() };
        lattice.reduce(&kernel, 0..phi.layout().blocks(), &mut sums);
        sums
    }

    /// π ← `keep` π + `scale` × ∂S, fused. Momenta are not exchanged.
    pub fn accumulate<T: Real>(
        &self,
        phi: &ScalarField<T>,
        momenta: &mut ScalarField<T>,
        scale: f64,
        keep: f64,
    ) {
        let (lattice, blocks) = (phi.lattice(), phi.layout().blocks());
        let dims = lattice.dims();
        let kernel = Slope { action: self, phi: phi.reader(), dims, scale, keep, momenta: momenta.writer() };
        lattice.launch(&kernel, 0..blocks);
    }

    /// Exact values on a lattice of these extents, where λ = 0.
    pub fn free(&self, extents: &[usize]) -> Option<FreeScalar> {
        if self.lambda != 0.0 {
            return None;
        }
        let volume: usize = extents.iter().product();
        let (mut square, mut ln_z) = (0.0, 0.0);
        for momentum in 0..volume {
            let (mut rest, mut denominator) = (momentum, self.mass2);
            for &extent in extents {
                denominator += 4.0 * (0.5 * TAU * (rest % extent) as f64 / extent as f64).sin().powi(2);
                rest /= extent;
            }
            square += 0.5 / denominator / volume as f64;
            ln_z += 0.5 * (PI / denominator).ln();
        }
        Some(FreeScalar { square, susceptibility: 0.5 / self.mass2, ln_z })
    }
}

/// S, a site at a time.
struct Value<'a, T> {
    action: &'a Phi4,
    phi: FieldReader<'a, T>,
    dims: usize,
}

impl<T: Real> Kernel<T> for Value<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Value);
    const SUMS: usize = 1;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        let layout = self.phi.layout();
        let quadratic = V::splat(self.action.mass2 + 2.0 * self.dims as f64);
        let quartic = V::splat(self.action.lambda);
        for block in range {
            let phi: V = self.phi.load(block, 0);
            let mut ahead = V::splat(0.0);
            for mu in 0..self.dims {
                ahead = ahead + self.phi.load_at::<V>(layout.neighbour(block, forward(mu)), 0);
            }
            let square = phi * phi;
            let potential = square * quartic.mul_add(square, quadratic);
            tally.add(0, (phi * V::splat(-2.0)).mul_add(ahead, potential));
        }
    }
}

/// π ← `keep` π + `scale` × ∂S.
struct Slope<'a, T> {
    action: &'a Phi4,
    phi: FieldReader<'a, T>,
    dims: usize,
    scale: f64,
    keep: f64,
    momenta: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for Slope<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Slope);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let layout = self.phi.layout();
        let linear = V::splat(2.0 * self.action.mass2 + 4.0 * self.dims as f64);
        let cubic = V::splat(4.0 * self.action.lambda);
        let (scale, keep) = (V::splat(self.scale), V::splat(self.keep));
        // SAFETY: a block of momenta is read and written by one thread.
        let old = unsafe { self.momenta.reader() };
        for block in range {
            let phi: V = self.phi.load(block, 0);
            let mut around = V::splat(0.0);
            for mu in 0..self.dims {
                for step in [forward(mu), backward(mu)] {
                    around = around + self.phi.load_at::<V>(layout.neighbour(block, step), 0);
                }
            }
            let here = phi * cubic.mul_add(phi * phi, linear);
            let slope = around.mul_add(V::splat(-2.0), here);
            // SAFETY: as above.
            unsafe { self.momenta.store(block, 0, slope.mul_add(scale, keep * old.load::<V>(block, 0))) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaugelink_lattice::rng::{Address, Purpose};
    use gaugelink_lattice::{LaneMeaning, Lattice, LatticeOptions};

    fn rough(lattice: &std::sync::Arc<Lattice>) -> ScalarField<f64> {
        let mut phi = ScalarField::zeroed(lattice).unwrap();
        phi.draw_gaussian(Address::new(3, Purpose::Start));
        phi
    }

    /// The sum as it is written down in the reference, over neighbours in both directions, site by site.
    #[test]
    fn the_action_is_that_of_the_plain_formula() {
        let action = Phi4::new(-4.0, 8.0).unwrap();
        for extents in [&[8, 6][..], &[3, 5], &[4, 2, 3], &[4, 4, 2, 6]] {
            let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
            let (phi, geometry) = (rough(&lattice), lattice.geometry());
            let at = |x: &[usize; 4]| {
                let (block, lane) = phi.layout().locate(x);
                phi.get(block, 0, lane)
            };
            let mut expected = 0.0;
            for x in (0..lattice.volume()).map(|i| geometry.site(i)) {
                let here = at(&x);
                expected += action.mass2 * here * here + action.lambda * here.powi(4);
                for (mu, &extent) in extents.iter().enumerate() {
                    for step in [1, extent - 1] {
                        let mut next = x;
                        next[mu] = (x[mu] + step) % extent;
                        expected += here * (here - at(&next));
                    }
                }
            }
            let value = action.values(&phi)[0];
            assert!((value - expected).abs() < 1e-12 * expected.abs(), "{extents:?}: {value} {expected}");
        }
    }

    /// Along drawn directions, by differences of fourth order; and what momenta keep.
    #[test]
    fn the_force_is_the_gradient_of_the_action() {
        let action = Phi4::new(-1.3, 2.5).unwrap();
        for (extents, lanes) in [
            (&[8, 6][..], LaneMeaning::Sites),
            (&[4, 4], LaneMeaning::Batch { chains: 3 }),
            (&[4, 2, 3], LaneMeaning::Sites),
        ] {
            let options = LatticeOptions { lanes, ..LatticeOptions::default() };
            let lattice = Lattice::new(extents, options).unwrap();
            let phi = rough(&lattice);
            let mut direction = ScalarField::zeroed(&lattice).unwrap();
            direction.draw_gaussian(Address::new(3, Purpose::Momenta));
            let along = |s: f64| {
                let mut moved = phi.duplicate().unwrap();
                moved.drift(&direction, s);
                action.values(&moved)
            };
            let h = 1e-3;
            let [up, down, far_up, far_down] = [h, -h, 2.0 * h, -2.0 * h].map(along);
            let mut force = direction.duplicate().unwrap();
            action.accumulate(&phi, &mut force, 0.5, 2.0);
            for chain in 0..lattice.chains() {
                let expected =
                    (8.0 * (up[chain] - down[chain]) - (far_up[chain] - far_down[chain])) / (12.0 * h);
                // 2 π + ½ ∂S, along π.
                let (mut product, mut norm) = (0.0, 0.0);
                for x in (0..lattice.volume()).map(|i| lattice.geometry().site(i)) {
                    let (block, lane) = phi.layout().locate(&x);
                    let lane = if lattice.chains() > 1 { chain } else { lane };
                    let pi = direction.get(block, 0, lane);
                    product += pi * force.get(block, 0, lane);
                    norm += pi * pi;
                }
                let off = product - (2.0 * norm + 0.5 * expected);
                assert!(off.abs() < 1e-8 * expected.abs().max(1.0), "{extents:?} {chain}: off by {off:e}");
            }
        }
    }

    /// On two sites a side the sum over momenta can be written down: k̂² = 0, 4, 4, 8.
    #[test]
    fn free_values_are_those_by_hand_and_interacting_ones_are_not_claimed() {
        let free = Phi4::new(2.0, 0.0).unwrap().free(&[2, 2]).unwrap();
        let square = (1.0 / 4.0 + 2.0 / 12.0 + 1.0 / 20.0) / 4.0;
        assert!((free.square - square).abs() < 1e-15 && free.susceptibility == 0.25);
        let ln_z = 0.5 * (4.0 * PI.ln() - (2.0f64 * 6.0 * 6.0 * 10.0).ln());
        assert!((free.ln_z - ln_z).abs() < 1e-14);
        assert!(Phi4::new(2.0, 0.1).unwrap().free(&[2, 2]).is_none());
    }

    #[test]
    fn actions_that_are_not_bounded_are_refused() {
        for (mass2, lambda) in [(1.0, -0.1), (0.0, 0.0), (-1.0, 0.0), (f64::NAN, 1.0), (1.0, f64::INFINITY)] {
            let message = Phi4::new(mass2, lambda).unwrap_err().to_string();
            assert!(message.contains("lambda > 0"), "{message}");
        }
        assert!(Phi4::new(-4.0, 8.0).is_ok() && Phi4::new(0.5, 0.0).is_ok());
    }
}
