//! The sum of the angles of independent plaquettes of U(1), modulo 2π.
//!
//! A Wilson loop around n plaquettes in two dimensions, far from the torus's constraint, has the density
//!
//! ```text
//! f_n(θ) = 1/2π (1 + 2 Σ_k (I_k(β)/I_0(β))^n cos kθ),   f_1(θ) = e^{β cos θ}/2π I_0(β)
//! ```
//!
//! from the characters of the group (Migdal, Zh. Eksp. Teor. Fiz. 69 (1975) 810).

use super::U1;
use std::f64::consts::{PI, TAU};

/// The density of the sum of `plaquettes` angles.
#[derive(Clone, Debug)]
pub struct U1Sum {
    beta: f64,
    plaquettes: usize,
    /// Of cos kθ from k = 0 on, the whole being normalised.
    coefficients: Vec<f64>,
}

/// Below it, relative to an even density, rounding is all there is.
const LEAST: f64 = 1e-14;

impl U1Sum {
    /// The sum of so many plaquettes at β.
    pub fn new(beta: f64, plaquettes: usize) -> Self {
        let powers = U1 { beta, volume: plaquettes }.characters();
        let doubled = powers.iter().enumerate().map(|(k, power)| if k == 0 { 1.0 } else { 2.0 * power });
        Self { beta, plaquettes, coefficients: doubled.map(|c| c / TAU).collect() }
    }

    /// ln f(θ) and its derivative.
    pub fn ln(&self, theta: f64) -> (f64, f64) {
        if self.plaquettes == 1 {
            let top: f64 = self.coefficients.iter().sum();
            return (top.ln() + self.beta * (theta.cos() - 1.0), -self.beta * theta.sin());
        }
        let (sin, cos) = theta.sin_cos();
        // cos kθ and sin kθ by turning.
        let (mut c, mut s, mut value, mut slope) = (1.0, 0.0, 0.0, 0.0);
        for (k, a) in self.coefficients.iter().enumerate() {
            value += a * c;
            slope -= k as f64 * a * s;
            (c, s) = (c * cos - s * sin, s * cos + c * sin);
        }
        let value = value.max(LEAST);
        (value.ln(), slope / value)
    }

    /// Angles in (−π, π) that follow each other with equal shares of the density between them.
    pub fn quantiles(&self) -> Vec<f64> {
        const POINTS: usize = 8192;
        let centre = |i: usize| -PI + TAU * (i as f64 + 0.5) / POINTS as f64;
        let mut sum = 0.0;
        let below: Vec<f64> = (0..POINTS)
            .map(|i| {
                sum += self.ln(centre(i)).0.exp();
                sum
            })
            .collect();
        let at = |p: f64| below.partition_point(|b| *b < p * sum).min(POINTS - 1);
        (0..POINTS).map(|i| centre(at((i as f64 + 0.5) / POINTS as f64))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integral(f: impl Fn(f64) -> f64) -> f64 {
        (0..4096).map(|i| f(TAU * i as f64 / 4096.0)).sum::<f64>() * TAU / 4096.0
    }

    #[test]
    fn sums_are_convolutions_of_single_plaquettes() {
        for (beta, n) in [(1.0, 2), (7.0, 2), (7.0, 8)] {
            let (half, whole) = (U1Sum::new(beta, n / 2), U1Sum::new(beta, n));
            for theta in [0.0, 0.7, -2.0, 3.1] {
                let convolved = integral(|x| (half.ln(x).0 + half.ln(theta - x).0).exp());
                let (ln, slope) = whole.ln(theta);
                assert!((ln.exp() / convolved - 1.0).abs() < 1e-9, "{beta} {n} {theta}: {ln} {convolved}");
                // Where f is small, its rounding is 10⁻¹⁰ of it.
                let h = 1e-4;
                let difference = (whole.ln(theta + h).0 - whole.ln(theta - h).0) / (2.0 * h);
                assert!((difference - slope).abs() < 1e-5 * slope.abs().max(1.0), "{difference} {slope}");
            }
        }
    }

    #[test]
    fn quantiles_hold_equal_shares() {
        let sum = U1Sum::new(3.0, 2);
        let quantiles = sum.quantiles();
        let mean = quantiles.iter().map(|q| q.cos()).sum::<f64>() / quantiles.len() as f64;
        let expected = integral(|x| x.cos() * sum.ln(x).0.exp());
        assert!((mean - expected).abs() < 1e-3, "{mean} {expected}");
    }
}
