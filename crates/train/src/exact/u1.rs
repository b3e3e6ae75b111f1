//! U(1) in two dimensions.
//!
//! The plaquettes of a closed surface multiply to 1, and the characters of the group make the sum over configurations a
//! sum over one representation n of all plaquettes:
//!
//! ```text
//! Z = ∫ dU exp(β Σ cos θ_P) = Σ_n I_n(β)^V        ⟨cos θ_P⟩ = Σ I_n^{V−1} I_n' / Σ I_n^V
//! Z(θ) = Σ_n J_n(θ)^V,  J_n(θ) = ∫ dφ/2π e^{β cos φ} cos((n + θ/2π) φ)        ⟨Q²⟩ = −∂² ln Z/∂θ² at 0
//! ```
//!
//! for Haar measure normalised to 1 and the geometric charge Q = Σ θ_P/2π.

use std::f64::consts::{PI, TAU};

/// U(1) in two dimensions at inverse coupling `beta` on `volume` sites.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct U1 {
    /// β.
    pub beta: f64,
    /// Sites, which are as many as plaquettes.
    pub volume: usize,
}

/// Representations beyond this one are below any rounding up to [`U1::LARGEST_BETA`].
const REPRESENTATIONS: i32 = 60;
/// Points of the integrals over a plaquette's angle.
const POINTS: usize = 4096;

impl U1 {
    /// Largest |β| of the sums.
    pub const LARGEST_BETA: f64 = 100.0;

    /// ln ∫ dU e^{−S} with S = β Σ (1 − cos θ_P), the action of the code: −ln of it is the least that ⟨ln q + S⟩ can be.
    pub fn ln_z(&self) -> f64 {
        let i0 = self.scaled(|_| 1.0);
        let sum: f64 = self.terms().map(|(_, _, power)| power).sum();
        // I_0(β) = e^β × scaled: the constant of the action takes the exponential away.
        self.volume as f64 * i0.ln() + sum.ln()
    }

    /// ⟨cos θ_P⟩.
    pub fn plaquette(&self) -> f64 {
        let (mut sum, mut slope) = (0.0, 0.0);
        for (n, value, power) in self.terms() {
            sum += power;
            slope += power * self.scaled(|phi| phi.cos() * (n * phi).cos()) / value;
        }
        slope / sum
    }

    /// ⟨Q²⟩ of the geometric charge.
    pub fn charge_squared(&self) -> f64 {
        let v = self.volume as f64;
        let (mut sum, mut second) = (0.0, 0.0);
        for (n, value, power) in self.terms() {
            // ∂J/∂θ = −⟨φ sin nφ⟩/2π, ∂²J/∂θ² = −⟨φ² cos nφ⟩/4π².
            let first = -self.scaled(|phi| phi * (n * phi).sin()) / TAU;
            let twice = -self.scaled(|phi| phi * phi * (n * phi).cos()) / (TAU * TAU);
            sum += power;
            second += power * (v * twice / value + v * (v - 1.0) * (first / value).powi(2));
        }
        // ∂ ln Z/∂θ vanishes at 0 by symmetry.
        -second / sum
    }

    /// The effective sample size of a proposal without any training: all plaquettes but one drawn independently, the
    /// last closing the torus, has I_0(β)²/I_0(2β) whatever the volume.
    pub fn untrained_sample_size(&self) -> f64 {
        let double = Self { beta: 2.0 * self.beta, ..*self };
        self.scaled(|_| 1.0).powi(2) / double.scaled(|_| 1.0)
    }

    /// e^{−β} ∫ dφ/2π e^{β cos φ} f(φ) over (−π, π), by the midpoint rule, which is exact to rounding for smooth periodic
    /// f; for others its error falls with the square of the points, and is taken out by Richardson's rule.
    fn scaled(&self, f: impl Fn(f64) -> f64) -> f64 {
        let rule = |points: usize| {
            let sum: f64 = (0..points)
                .map(|k| {
                    let phi = -PI + TAU * (k as f64 + 0.5) / points as f64;
                    (self.beta * (phi.cos() - 1.0)).exp() * f(phi)
                })
                .sum();
            sum / points as f64
        };
        (4.0 * rule(2 * POINTS) - rule(POINTS)) / 3.0
    }

    /// (I_k/I_0)^V from k = 0 on, as far as they are above rounding.
    pub(super) fn characters(&self) -> Vec<f64> {
        self.terms().filter(|(n, _, _)| *n >= 0.0).map(|(_, _, power)| power).collect()
    }

    /// For each representation n, (n, e^{−β} I_n, (I_n/I_0)^V).
    fn terms(&self) -> impl Iterator<Item = (f64, f64, f64)> + '_ {
        let i0 = self.scaled(|_| 1.0);
        (-REPRESENTATIONS..=REPRESENTATIONS).filter_map(move |n| {
            let n = f64::from(n);
            let value = self.scaled(|phi| (n * phi).cos());
            // Representations so high that rounding is all there is.
            (value > 1e-14 * i0).then(|| (n, value, (value / i0).powi(self.volume as i32)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of an independent evaluation, to the digits given: β, L, ⟨cos⟩, ⟨Q²⟩, ln Z without the action's constant.
    #[test]
    fn values_are_the_independent_ones() {
        for (beta, l, plaquette, charge, ln_z) in [
            (1.0, 8, 0.44638997, 2.600719, 15.0985),
            (2.0, 8, 0.69777466, 1.239299, 52.7356),
            (2.0, 16, 0.69777466, 4.957196, 210.9423),
            (5.0, 16, 0.89338314, 1.473487, 845.9985),
            (7.0, 16, 0.92553221, 1.006414, 1312.6382),
        ] {
            let exact = U1 { beta, volume: l * l };
            assert!((exact.plaquette() - plaquette).abs() < 6e-9, "{beta} {l}: {}", exact.plaquette());
            assert!((exact.charge_squared() - charge).abs() < 6e-7, "{beta} {l}: {}", exact.charge_squared());
            let ln_z_bare = exact.ln_z() + beta * (l * l) as f64;
            assert!((ln_z_bare - ln_z).abs() < 6e-5, "{beta} {l}: {ln_z_bare}");
        }
        // Without a coupling only n = 0 is left, and plaquettes spread evenly: θ² has the mean π²/3.
        for volume in [4, 16, 256] {
            let charge = U1 { beta: 0.0, volume }.charge_squared();
            let expected = volume as f64 / 12.0;
            assert!((charge / expected - 1.0).abs() < 1e-9, "{volume}: {charge} instead of {expected}");
        }
        let untrained = U1 { beta: 7.0, volume: 256 }.untrained_sample_size();
        assert!((untrained - 0.22).abs() < 0.005, "{untrained}");
    }
}
