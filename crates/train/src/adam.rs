//! Adam (Kingma and Ba, arXiv:1412.6980), with the global norm of the gradient clipped.

use serde::{Deserialize, Serialize};

/// Decay rates of the moments, and what is added to the denominator.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Decay of the mean, β₁.
    pub mean_decay: f64,
    /// Decay of the mean square, β₂.
    pub square_decay: f64,
    /// ε.
    pub epsilon: f64,
    /// Longer gradients are scaled down to this norm.
    pub norm_max: Option<f64>,
}

impl Default for Settings {
    /// β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸, no clipping.
    fn default() -> Self {
        Self { mean_decay: 0.9, square_decay: 0.999, epsilon: 1e-8, norm_max: None }
    }
}

/// The moments of the gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct Adam {
    /// Its settings.
    pub settings: Settings,
    /// Steps taken.
    pub steps: u64,
    /// Running mean of the gradient.
    pub mean: Vec<f64>,
    /// Running mean of its squares.
    pub square: Vec<f64>,
}

impl Adam {
    /// For so many parameters, before the first step.
    pub fn new(settings: Settings, parameters: usize) -> Self {
        Self { settings, steps: 0, mean: vec![0.0; parameters], square: vec![0.0; parameters] }
    }

    /// One step down the gradient: θ ← θ − rate × m̂/(√v̂ + ε) with the moments' bias removed. Returns the norm of the
    /// gradient before clipping.
    pub fn step(&mut self, parameters: &mut [f64], gradient: &[f64], rate: f64) -> f64 {
        let Settings { mean_decay, square_decay, epsilon, norm_max } = self.settings;
        let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        let scale = norm_max.map_or(1.0, |most| if norm > most { most / norm } else { 1.0 });
        self.steps += 1;
        let mean_bias = 1.0 - mean_decay.powf(self.steps as f64);
        let square_bias = 1.0 - square_decay.powf(self.steps as f64);
        let moments = self.mean.iter_mut().zip(&mut self.square);
        for ((p, g), (mean, square)) in parameters.iter_mut().zip(gradient).zip(moments) {
            let g = g * scale;
            *mean = mean_decay * *mean + (1.0 - mean_decay) * g;
            *square = square_decay * *square + (1.0 - square_decay) * g * g;
            *p -= rate * (*mean / mean_bias) / ((*square / square_bias).sqrt() + epsilon);
        }
        norm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two steps by hand, with β₁ = 0.9, β₂ = 0.999. First: m̂ = g, v̂ = g², so each parameter moves by rate × sign g.
    /// Second, with gradients 4 and then 1: m = 0.9 × 0.4 + 0.1 = 0.46, m̂ = 0.46/0.19; v = 0.999 × 0.016 + 0.001 =
    /// 0.016984, v̂ = 0.016984/0.001999.
    #[test]
    fn two_steps_are_those_computed_by_hand() {
        let mut adam = Adam::new(Settings { epsilon: 0.0, ..Settings::default() }, 2);
        let mut p = [1.0, -2.0];
        assert_eq!(adam.step(&mut p, &[4.0, -3.0], 0.1), 5.0);
        assert!((p[0] - 0.9).abs() < 1e-15 && (p[1] + 1.9).abs() < 1e-15, "{p:?}");
        adam.step(&mut p, &[1.0, 0.0], 0.1);
        let expected = 0.9 - 0.1 * (0.46 / 0.19) / (0.016984f64 / 0.001999).sqrt();
        assert!((p[0] - expected).abs() < 1e-14, "{p:?} {expected}");
    }

    #[test]
    fn a_long_gradient_is_scaled_to_the_norm() {
        let settings = Settings { norm_max: Some(1.0), ..Settings::default() };
        let (mut long, mut short) = (Adam::new(settings, 2), Adam::new(settings, 2));
        let (mut p, mut q) = ([0.0; 2], [0.0; 2]);
        assert_eq!(long.step(&mut p, &[30.0, 40.0], 0.1), 50.0);
        short.step(&mut q, &[0.6, 0.8], 0.1);
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-15);
        assert!(close(&long.mean, &short.mean) && close(&long.square, &short.square) && close(&p, &q));
    }
}
