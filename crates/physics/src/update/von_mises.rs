//! Phases of the von Mises distribution.

use super::streams::Streams;
use gaugelink_lattice::number::{ln, sin_cos};
use gaugelink_lattice::{Complex, Lanes};
use std::f64::consts::TAU;

/// exp(iθ) of density exp(κ cos θ) dθ, in each lane; κ ≥ 0.
///
/// Best and Fisher (J. R. Stat. Soc. C 28 (1979) 152): a wrapped Cauchy phase is proposed and accepted with a
/// probability that stays above 0.65 for every κ. The wrapped Cauchy phase is a uniform phase under a Möbius map,
/// (z + ρ)/(1 + ρ z), so no angle need be computed; in this form nothing is lost at small κ.
#[inline(always)]
pub fn draw_phase<V: Lanes<Scalar = f64>>(streams: &mut Streams, kappa: V) -> Complex<V> {
    let (zero, half, one, two) = (V::splat(0.0), V::splat(0.5), V::splat(1.0), V::splat(2.0));
    // τ = 1 + √(1 + 4κ²); ρ = (τ − √2τ)/(2κ) = 2κ/(τ + √2τ).
    let two_kappa = two * kappa;
    let tau = one + two_kappa.mul_add(two_kappa, one).sqrt();
    let root = tau + (two * tau).sqrt();
    let rho = two_kappa.div(root);
    let rho2 = rho * rho;
    // κ (1 + ρ²)/(2ρ)
    let kappa_r = (one + rho2) * root * V::splat(0.25);
    let mut phase = Complex::new(one, zero);
    let mut pending = one;
    while V::any(half.lt(pending)) {
        let [r1, r2] = streams.draw::<V, 2>(pending);
        let (sin, cos) = sin_cos(r1 * V::splat(TAU));
        let inverse = one.div((two * rho).mul_add(cos, one + rho2));
        let proposal =
            Complex::new((one + rho2).mul_add(cos, two * rho) * inverse, (one - rho2) * sin * inverse);
        let c = kappa.neg_mul_add(proposal.re, kappa_r);
        // Accepted with probability c e^{1−c}.
        let refused = (ln(c) + one - c).lt(ln(r2));
        let open = half.lt(pending);
        phase = Complex::new(V::select(open, proposal.re, phase.re), V::select(open, proposal.im, phase.im));
        pending = pending * V::select(refused, one, zero);
    }
    phase
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naive::{assert_mean, bessel_i};
    use crate::update::streams::tests::{Plain, for_many_streams};
    use gaugelink_lattice::Num;
    use gaugelink_lattice::number::Row;

    /// ⟨cos nθ⟩ = I_n/I₀, ⟨sin θ⟩ = 0.
    #[test]
    fn moments_are_those_of_the_weight() {
        for kappa in [0.0, 1e-9, 0.3, 1.0, 4.0, 50.0] {
            let (mut cos, mut sin) = (Vec::new(), Vec::new());
            for_many_streams(|streams| {
                let z = draw_phase(streams, Plain::splat(kappa));
                let (re, im) = (Row::from_lanes(z.re), Row::from_lanes(z.im));
                cos.extend(&re.0[..8]);
                sin.extend(&im.0[..8]);
            });
            let i0 = bessel_i(0, kappa);
            assert_mean(&format!("cos at {kappa}"), &cos, bessel_i(1, kappa) / i0);
            let twice: Vec<f64> = cos.iter().map(|c| 2.0 * c * c - 1.0).collect();
            assert_mean(&format!("cos 2θ at {kappa}"), &twice, bessel_i(2, kappa) / i0);
            assert_mean(&format!("sin at {kappa}"), &sin, 0.0);
            assert!(cos.iter().zip(&sin).all(|(c, s)| (c * c + s * s - 1.0).abs() < 1e-14));
        }
    }
}
