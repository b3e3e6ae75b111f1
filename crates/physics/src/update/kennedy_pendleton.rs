//! SU(2) elements of weight exp(α a₀) times the Haar measure.

use super::quaternion::Quaternion;
use super::streams::Streams;
use gaugelink_lattice::Lanes;
use gaugelink_lattice::number::{ln, sin_cos};
use std::f64::consts::TAU;

/// Below this α the flat proposal is accepted more often than Kennedy and Pendleton's: (2α)^{3/2} = √π.
const FLAT_BELOW: f64 = 0.7322;

/// A unit quaternion a of density exp(α a₀) √(1 − a₀²) da₀ d²n⃗, in each lane; α ≥ 0.
///
/// With a₀ = 1 − 2λ² the density of λ is λ² exp(−2αλ²) √(1 − λ²). Kennedy and Pendleton (Phys. Lett. B 156 (1985)
/// 393) draw the first two factors as the length of a Gaussian vector and accept with √(1 − λ²), which is likely for
/// large α. For small α, a₀ is drawn flat and accepted with √(1 − a₀²) exp(α (a₀ − 1)).
#[inline(always)]
pub fn draw_rotation<V: Lanes<Scalar = f64>>(streams: &mut Streams, alpha: V) -> Quaternion<V> {
    let (zero, half, one, two) = (V::splat(0.0), V::splat(0.5), V::splat(1.0), V::splat(2.0));
    let four = V::splat(4.0);
    let flat = alpha.lt(V::splat(FLAT_BELOW));
    let width = V::splat(-0.5).div(V::select(flat, one, alpha));
    // λ² = (1 − a₀)/2
    let mut lambda2 = zero;
    let mut pending = one;
    while V::any(half.lt(pending)) {
        let [r1, r2, r3, r4] = streams.draw::<V, 4>(pending);
        let (_, cos) = sin_cos(r2 * V::splat(TAU));
        let gauss2 = (cos * cos).mul_add(ln(r3), ln(r1)) * width;
        let refuse_gauss = V::select((one - gauss2).lt(r4 * r4), one, zero);
        let flat2 = one - r1;
        let outside = (flat2 * r1 * four).lt(r2 * r2);
        let too_low = (-(alpha * two * flat2)).lt(ln(r3));
        let refuse_flat = V::select(outside, one, V::select(too_low, one, zero));

        let proposal = V::select(flat, flat2, gauss2);
        lambda2 = V::select(half.lt(pending), proposal, lambda2);
        pending = pending * V::select(flat, refuse_flat, refuse_gauss);
    }
    let radius = ((one - lambda2) * lambda2).sqrt() * two;
    let [r1, r2] = streams.draw::<V, 2>(one);
    let (sin, cos) = sin_cos(r2 * V::splat(TAU));
    let z = two.mul_add(r1, -one);
    let across = ((one - r1) * r1).sqrt() * two * radius;
    Quaternion([lambda2.neg_mul_add(two, one), across * cos, across * sin, z * radius])
}
