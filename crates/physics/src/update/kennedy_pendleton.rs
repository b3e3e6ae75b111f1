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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naive::{assert_mean, bessel_i};
    use crate::update::streams::tests::{Plain, for_many_streams};
    use gaugelink_lattice::Num;
    use gaugelink_lattice::number::Row;

    /// ⟨a₀⟩ = I₂/I₁ and ⟨1 − a₀²⟩ = 3 I₂/(α I₁); n⃗ has no direction. The α lie on both sides of where the method
    /// changes.
    #[test]
    fn moments_are_those_of_the_weight() {
        for alpha in [0.0, 0.1, 0.6, 0.73, 0.74, 1.5, 8.0, 60.0] {
            let mut samples: [Vec<f64>; 4] = Default::default();
            for_many_streams(|streams| {
                let a = draw_rotation(streams, Plain::splat(alpha)).0.map(Row::from_lanes);
                for lane in 0..8 {
                    (0..4).for_each(|i| samples[i].push(a[i].0[lane]));
                }
            });
            let ratio = bessel_i(2, alpha) / bessel_i(1, alpha);
            let (mean, across) = if alpha == 0.0 { (0.0, 0.75) } else { (ratio, 3.0 * ratio / alpha) };
            assert_mean(&format!("a0 at {alpha}"), &samples[0], mean);
            let outside: Vec<f64> = samples[0].iter().map(|a| 1.0 - a * a).collect();
            assert_mean(&format!("1 - a0² at {alpha}"), &outside, across);
            for i in 1..4 {
                assert_mean(&format!("a{i} at {alpha}"), &samples[i], 0.0);
                let squares: Vec<f64> = samples[i].iter().map(|a| a * a).collect();
                assert_mean(&format!("a{i}² at {alpha}"), &squares, across / 3.0);
            }
            let off = (0..samples[0].len()).map(|k| samples.iter().map(|a| a[k] * a[k]).sum::<f64>() - 1.0);
            assert!(off.fold(0.0, |worst: f64, d| worst.max(d.abs())) < 1e-14, "unit length at {alpha}");
        }
    }
}
