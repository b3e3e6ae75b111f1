//! The autocovariance `Gamma(t)` and the normalised autocorrelation function `rho(t)`.

use realfft::RealFftPlanner;
use std::ops::Range;

/// How far beyond `t` the sum for the error of `rho(t)` runs (the Lambda of hep-lat/0409106, E.11).
const ERROR_SUM_EXTENT: usize = 100;

/// `Gamma(t)` for `t = 0 ..= t_max`: the mean of `d_i d_{i+t}` over all pairs within a replica.
///
/// `deviations` holds the replica one after the other at `ranges`; the deviations are from the mean
/// over all replica. Wolff's estimator (hep-lat/0306017, eq. 31), except that a replica not longer
/// than `t` contributes no pairs instead of forbidding that lag. The sums are convolutions by FFT,
/// so the cost does not depend on the window: `O(N log N)`.
pub(super) fn autocovariance(deviations: &[f64], ranges: &[Range<usize>], t_max: usize) -> Vec<f64> {
    let mut planner = RealFftPlanner::<f64>::new();
    let mut sums = vec![0.0; t_max + 1];
    let mut pairs = vec![0usize; t_max + 1];
    for range in ranges {
        let length = range.len();
        let lags = t_max.min(length - 1);
        // Padding by the largest lag keeps the cyclic wrap-around out of the lags that are read.
        let padded = (length + lags).next_power_of_two().max(2);
        let forward = planner.plan_fft_forward(padded);
        let inverse = planner.plan_fft_inverse(padded);
        let mut signal = forward.make_input_vec();
        let mut spectrum = forward.make_output_vec();
        signal[..length].copy_from_slice(&deviations[range.clone()]);
        forward.process(&mut signal, &mut spectrum).expect("the plan made these buffers");
        for bin in &mut spectrum {
            *bin = (bin.norm_sqr() / padded as f64).into();
        }
        inverse.process(&mut spectrum, &mut signal).expect("the plan made these buffers");
        for t in 0..=lags {
            sums[t] += signal[t];
            pairs[t] += length - t;
        }
    }
    sums.iter().zip(pairs).map(|(sum, pairs)| sum / pairs.max(1) as f64).collect()
}

/// The normalised autocorrelation function `rho(t) = Gamma(t) / Gamma(0)` of an observable.
#[derive(Debug, Clone, PartialEq)]
pub struct AutocorrelationFunction {
    rho: Vec<f64>,
    measurements: usize,
}

impl AutocorrelationFunction {
    /// From `rho(0) = 1, rho(1), ...` of a chain with `measurements` values.
    pub(super) fn new(rho: Vec<f64>, measurements: usize) -> Self {
        Self { rho, measurements }
    }

    /// `rho(t)` at lag `t` = position, in measurements; `rho(0) = 1`.
    pub fn rho(&self) -> &[f64] {
        &self.rho
    }

    /// The largest lag known.
    pub fn max_lag(&self) -> usize {
        self.rho.len() - 1
    }

    /// The statistical error of `rho(t)` in Luscher's approximation (hep-lat/0409106, eq. E.11):
    ///
    /// `(delta rho(t))^2 = 1/N sum_{k=1}^{t + 100} [rho(k+t) + rho(k-t) - 2 rho(k) rho(t)]^2`,
    ///
    /// with `rho` taken as zero beyond [`AutocorrelationFunction::max_lag`]. Costs `O(t)`.
    pub fn error(&self, t: usize) -> f64 {
        let rho = |lag: usize| self.rho.get(lag).copied().unwrap_or(0.0);
        let sum: f64 = (1..=t + ERROR_SUM_EXTENT)
            .map(|k| (rho(k + t) + rho(k.abs_diff(t)) - 2.0 * rho(k) * rho(t)).powi(2))
            .sum();
        (sum / self.measurements as f64).sqrt()
    }

    /// `tau_int` summed to lag `window`: `1/2 + sum_{t=1}^{window} rho(t)`.
    pub fn tau_int(&self, window: usize) -> f64 {
        0.5 + self.rho.iter().take(window + 1).skip(1).sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{Gaussian, autoregressive};
    use super::*;

    fn ranges(lengths: &[usize]) -> Vec<Range<usize>> {
        lengths.iter().scan(0, |end, length| Some(std::mem::replace(end, *end + length)..*end)).collect()
    }

    /// The definition, pair by pair.
    fn direct(deviations: &[f64], ranges: &[Range<usize>], t: usize) -> f64 {
        let pairs: Vec<f64> = ranges
            .iter()
            .flat_map(|r| (r.start..r.end).filter(move |i| i + t < r.end))
            .map(|i| deviations[i] * deviations[i + t])
            .collect();
        if pairs.is_empty() { 0.0 } else { pairs.iter().sum::<f64>() / pairs.len() as f64 }
    }

    #[test]
    fn autocovariance_equals_its_definition() {
        let deviations = autoregressive(&mut Gaussian::new(7), 0.8, 0.0, 57);
        for lengths in [&[57][..], &[20, 37], &[1, 2, 54]] {
            let ranges = ranges(lengths);
            let gamma = autocovariance(&deviations, &ranges, 28);
            for (t, gamma) in gamma.iter().enumerate() {
                let expected = direct(&deviations, &ranges, t);
                assert!((gamma - expected).abs() < 1e-13, "lag {t}: {gamma} against {expected}");
            }
        }
    }

    #[test]
    fn autocovariance_by_hand() {
        // Deviations 1, 2, -3: Gamma = (14/3, (2 - 6)/2, -3/1).
        let gamma = autocovariance(&[1.0, 2.0, -3.0], &ranges(&[3]), 2);
        for (got, expected) in gamma.iter().zip([14.0 / 3.0, -2.0, -3.0]) {
            assert!((got - expected).abs() < 1e-14);
        }
    }

    #[test]
    fn error_of_white_noise_is_one_over_root_n() {
        let mut rho = vec![0.0; 300];
        rho[0] = 1.0;
        let function = AutocorrelationFunction::new(rho, 400);
        // Only k = t contributes: rho(0)^2 / N.
        assert_eq!(function.error(5), 0.05);
        assert_eq!(function.error(0), 0.0);
    }

    #[test]
    fn error_matches_bartlett_for_an_autoregressive_process() {
        // Bartlett 1946 for rho = a^t: N var = (1 + a^2)(1 - a^{2t}) / (1 - a^2) - 2 t a^{2t}.
        let (a, n) = (0.7f64, 1000);
        let function = AutocorrelationFunction::new((0..400).map(|t| a.powi(t)).collect(), n);
        for t in [1, 2, 5, 20] {
            let a2t = a.powi(2 * t);
            let bartlett = (1.0 + a * a) * (1.0 - a2t) / (1.0 - a * a) - 2.0 * f64::from(t) * a2t;
            let expected = (bartlett / n as f64).sqrt();
            assert!((function.error(t as usize) / expected - 1.0).abs() < 1e-10, "lag {t}");
        }
    }

    #[test]
    fn error_matches_the_scatter_over_chains() {
        // 400 chains: the relative sigma of a standard deviation is 1/sqrt(800) = 3.5%; 4 sigma allowed.
        let (a, n, chains) = (0.6f64, 2000, 400);
        let mut gaussian = Gaussian::new(11);
        let estimates: Vec<f64> = (0..chains)
            .map(|_| {
                let gamma = autocovariance(&autoregressive(&mut gaussian, a, 0.0, n), &ranges(&[n]), 3);
                gamma[3] / gamma[0]
            })
            .collect();
        let scatter = super::super::synthetic::moments(&estimates).1.sqrt();
        let exact = AutocorrelationFunction::new((0..200).map(|t| a.powi(t)).collect(), n);
        assert!((scatter / exact.error(3) - 1.0).abs() < 4.0 * 0.0354, "{scatter} {}", exact.error(3));
    }
}
