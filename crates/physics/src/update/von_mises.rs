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
