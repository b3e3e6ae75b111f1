//! Chains with known autocorrelation, for the tests of this module.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use std::f64::consts::TAU;

/// Unit Gaussian numbers by Box and Muller.
pub struct Gaussian(ChaCha8Rng);

impl Gaussian {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Uniform in (0, 1].
    pub fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) + 1) as f64 * 2f64.powi(-53)
    }

    pub fn next(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (TAU * self.uniform()).cos()
    }

    pub fn series(&mut self, length: usize) -> Vec<f64> {
        (0..length).map(|_| self.next()).collect()
    }
}

/// The stationary process `x' = a x + sqrt(1 - a^2) eta` plus `mean`: unit variance, `rho(t) = a^t`.
pub fn autoregressive(gaussian: &mut Gaussian, a: f64, mean: f64, length: usize) -> Vec<f64> {
    let noise = (1.0 - a * a).sqrt();
    let mut x = gaussian.next();
    (0..length)
        .map(|_| {
            let value = mean + x;
            x = a * x + noise * gaussian.next();
            value
        })
        .collect()
}

/// `tau_int` of that process: `(1 + a) / (2 (1 - a))`.
pub fn autoregressive_tau(a: f64) -> f64 {
    (1.0 + a) / (2.0 * (1.0 - a))
}

/// Mean and variance (normalised by n - 1) of a set of pulls.
pub fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0))
}
