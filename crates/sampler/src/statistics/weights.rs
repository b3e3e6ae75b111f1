//! Importance weights: effective sample size, partition function, reweighted means.
//!
//! A proposal `q` and a target `p = exp(-S) / Z` give each sample the log weight
//! `ln w = -S - ln q`. All sums are taken relative to the largest weight, so nothing overflows.

use super::gamma::{GammaEstimate, GammaMethod};
use super::samples::mean;
use super::{Measured, Samples, StatisticsError};

/// The log weights of samples drawn from a proposal. Minus infinity (weight zero) is allowed.
#[derive(Debug, Clone, PartialEq)]
pub struct LogWeights {
    /// `w / max w`, in [0, 1].
    relative: Vec<f64>,
    /// `ln max w`.
    largest: f64,
}

impl LogWeights {
    /// From `ln w` of each sample, up to a common constant if only ratios are wanted.
    ///
    /// # Errors
    /// [`StatisticsError::TooFew`] for no weights, `NotFinite` for NaN or plus infinity,
    /// `ZeroWeights` if every weight is zero.
    pub fn new(log_weights: &[f64]) -> Result<Self, StatisticsError> {
        if log_weights.is_empty() {
            return Err(StatisticsError::TooFew { got: 0, needed: 1 });
        }
        if let Some(index) = log_weights.iter().position(|w| w.is_nan() || *w == f64::INFINITY) {
            let value = log_weights[index];
            return Err(StatisticsError::NotFinite { observable: 0, replica: 0, index, value });
        }
        let largest = log_weights.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b));
        if largest == f64::NEG_INFINITY {
            return Err(StatisticsError::ZeroWeights { length: log_weights.len() });
        }
        Ok(Self { relative: log_weights.iter().map(|w| (w - largest).exp()).collect(), largest })
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.relative.len()
    }

    /// Always false: there is at least one weight.
    pub fn is_empty(&self) -> bool {
        self.relative.is_empty()
    }

    /// The effective sample size per sample, `(sum w)^2 / (N sum w^2)`, between `1/N` and 1.
    pub fn effective_sample_size(&self) -> f64 {
        let sum: f64 = self.relative.iter().sum();
        let squares: f64 = self.relative.iter().map(|w| w * w).sum();
        sum * sum / (squares * self.len() as f64)
    }

    /// The same with its error, the linearised one for independent samples: that of
    /// `(2 w <w> / <w^2>) - (w <w> / <w^2>)^2` at each. It is too small where few samples have most of the weight.
    ///
    /// # Errors
    /// [`StatisticsError::TooFew`] for fewer than two samples.
    pub fn measured_sample_size(&self) -> Result<Measured, StatisticsError> {
        self.at_least_two()?;
        let n = self.len() as f64;
        let square = self.relative.iter().map(|w| w * w).sum::<f64>() / n;
        let centre = mean(&self.relative);
        let change = |w: f64| {
            let (linear, quadratic) = (w - centre, w * w - square);
            centre / square * (2.0 * linear - centre / square * quadratic)
        };
        let spread: f64 = self.relative.iter().map(|&w| change(w).powi(2)).sum();
        Ok(Measured { value: self.effective_sample_size(), error: (spread / n / (n - 1.0)).sqrt() })
    }

    /// `ln` of the mean weight, the estimate of `ln Z` for a normalised proposal.
    ///
    /// The error is the linearised one for independent samples, `sqrt((1/ESS - 1) / (N - 1))`. The
    /// estimate is low by about half the square of the error (Jensen).
    ///
    /// # Errors
    /// [`StatisticsError::TooFew`] for fewer than two samples.
    pub fn ln_z(&self) -> Result<Measured, StatisticsError> {
        self.at_least_two()?;
        let value = self.largest + mean(&self.relative).ln();
        // (1/ESS - 1), written as a sum of squares so that it cannot turn negative by rounding.
        let centre = mean(&self.relative);
        let n = self.len() as f64;
        let spread: f64 = self.relative.iter().map(|w| (w / centre - 1.0).powi(2)).sum();
        Ok(Measured { value, error: (spread / n / (n - 1.0)).sqrt() })
    }

    /// The reweighted mean `sum w O / sum w` of an observable, for independent samples.
    ///
    /// The error is that of the linearised ratio,
    /// `error^2 = N/(N-1) sum w^2 (O - mean)^2 / (sum w)^2`.
    ///
    /// # Errors
    /// [`StatisticsError::TooFew`] for fewer than two samples, `Shape` if the lengths differ, `NotFinite`
    /// for a value that is not finite.
    pub fn reweighted_mean(&self, observable: &[f64]) -> Result<Measured, StatisticsError> {
        self.at_least_two()?;
        self.matches(observable)?;
        let sum: f64 = self.relative.iter().sum();
        let reference = observable[0];
        let weighted = || self.relative.iter().zip(observable);
        let value = reference + weighted().map(|(w, o)| w / sum * (o - reference)).sum::<f64>();
        let n = self.len() as f64;
        let squares: f64 = weighted().map(|(w, o)| (w / sum * (o - value)).powi(2)).sum();
        Ok(Measured { value, error: (squares * n / (n - 1.0)).sqrt() })
    }

    /// The reweighted mean with autocorrelations of numerator and denominator taken into account, for
    /// weights along a Markov chain (reweighting in mass or coupling).
    ///
    /// # Errors
    /// As [`LogWeights::reweighted_mean`] and [`GammaMethod::function`].
    pub fn reweighted_mean_of_chain(
        &self,
        observable: &[f64],
        method: &GammaMethod,
    ) -> Result<GammaEstimate, StatisticsError> {
        self.reweighted_mean_of_chains(observable, &[self.len()], method)
    }

    /// The same for weights along several chains of these lengths, one after the other.
    ///
    /// # Errors
    /// As [`LogWeights::reweighted_mean_of_chain`], and `Shape` if the lengths do not add up to the number of weights.
    pub fn reweighted_mean_of_chains(
        &self,
        observable: &[f64],
        lengths: &[usize],
        method: &GammaMethod,
    ) -> Result<GammaEstimate, StatisticsError> {
        self.matches(observable)?;
        let total = lengths.iter().sum();
        if total != self.len() {
            let what = "weights of all chains";
            return Err(StatisticsError::Shape { what, expected: self.len(), got: total });
        }
        let weighted: Vec<f64> = self.relative.iter().zip(observable).map(|(w, o)| w * o).collect();
        let (mut weighted, mut weights) = (&weighted[..], &self.relative[..]);
        let mut next = |length: usize| {
            let ((a, rest_a), (b, rest_b)) = (weighted.split_at(length), weights.split_at(length));
            (weighted, weights) = (rest_a, rest_b);
            [a, b]
        };
        let Some((&first, others)) = lengths.split_first() else {
            return Err(StatisticsError::TooFew { got: 0, needed: 1 });
        };
        let mut samples = Samples::from_observables(&next(first))?;
        others.iter().try_for_each(|&length| samples.push_replica(&next(length)))?;
        method.function(&samples, |means| means[0] / means[1])
    }

    fn at_least_two(&self) -> Result<(), StatisticsError> {
        if self.len() < 2 { Err(StatisticsError::TooFew { got: self.len(), needed: 2 }) } else { Ok(()) }
    }

    fn matches(&self, observable: &[f64]) -> Result<(), StatisticsError> {
        if observable.len() != self.len() {
            return Err(StatisticsError::Shape {
                what: "observable values per weight",
                expected: self.len(),
                got: observable.len(),
            });
        }
        Samples::from_series(observable).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{Gaussian, autoregressive, moments};
    use super::*;

    #[test]
    fn effective_sample_size_by_hand() {
        let ess = |weights: &[f64]| LogWeights::new(weights).unwrap().effective_sample_size();
        assert_eq!(ess(&[2.0; 5]), 1.0);
        assert_eq!(ess(&[0.0, f64::NEG_INFINITY]), 0.5);
        // w = 1, 2, 3: 36 / (3 * 14).
        let log = [1.0f64, 2.0, 3.0].map(f64::ln);
        assert!((ess(&log) - 36.0 / 42.0).abs() < 1e-15);
        // A common constant drops out, however large.
        assert!((ess(&log.map(|w| w + 1e6)) - 36.0 / 42.0).abs() < 1e-9);
        assert!((ess(&log.map(|w| w - 1e6)) - 36.0 / 42.0).abs() < 1e-9);
    }

    #[test]
    fn ln_z_by_hand() {
        // Weights 1 and 3: mean 2, relative deviations -1/2 and 1/2: error^2 = (1/2) / (2 * 1).
        let z = LogWeights::new(&[5000.0, 5000.0 + 3f64.ln()]).unwrap().ln_z().unwrap();
        assert!((z.value - 5000.0 - 2f64.ln()).abs() < 1e-12);
        assert!((z.error - 0.5).abs() < 1e-12);
    }

    #[test]
    fn reweighted_mean_by_hand() {
        // Weights 1 and 3 of 0 and 4: mean 3, error^2 = 2 ((3/4)^2 + (3/4)^2).
        let mean = LogWeights::new(&[0.0, 3f64.ln()]).unwrap().reweighted_mean(&[0.0, 4.0]).unwrap();
        assert!((mean.value - 3.0).abs() < 1e-14);
        assert!((mean.error - 1.5).abs() < 1e-14);
    }

    #[test]
    fn gaussian_reweighting_has_its_analytic_errors() {
        // q = N(0,1), p = N(m,1): ln w = m x - m^2/2, Z = 1, ESS = exp(-m^2), N error^2 of the reweighted
        // mean of x = exp(m^2)(1 + m^2), and of ln Z = exp(m^2) - 1. 600 sets, 4 sigma.
        let (m, n, sets) = (0.5f64, 2000, 600);
        let mut gaussian = Gaussian::new(21);
        let (mut pulls_z, mut pulls_x, mut ess, mut error_x, mut error_z) =
            (vec![], vec![], vec![], vec![], vec![]);
        let mut error_ess = vec![];
        for _ in 0..sets {
            let x = gaussian.series(n);
            let log: Vec<f64> = x.iter().map(|x| m * x - m * m / 2.0 + 700.0).collect();
            let weights = LogWeights::new(&log).unwrap();
            let (z, mean) = (weights.ln_z().unwrap(), weights.reweighted_mean(&x).unwrap());
            pulls_z.push((z.value - 700.0) / z.error);
            pulls_x.push((mean.value - m) / mean.error);
            ess.push(weights.effective_sample_size());
            error_ess.push(weights.measured_sample_size().unwrap().error.powi(2) * n as f64);
            error_z.push(z.error * (n as f64).sqrt());
            error_x.push(mean.error * (n as f64).sqrt());
        }
        for pulls in [pulls_z, pulls_x] {
            let (mean, variance) = moments(&pulls);
            // The O(1/N) bias is 1/2 of an error squared: below 0.02 of an error here.
            assert!(mean.abs() < 4.0 / f64::from(sets).sqrt() + 0.02, "mean pull {mean}");
            assert!(
                (variance - 1.0).abs() < 4.0 * (2.0 / f64::from(sets)).sqrt() + 0.02,
                "variance {variance}"
            );
        }
        // The square, whose mean is right: that of the root is a few per cent low, as fourth powers of w vary by much.
        // With <w^k> = exp(k (k - 1) m^2 / 2): N error^2 of ESS = <(2 (w - 1) a - (w^2 - 1/a) a^2)^2>, a = exp(-m^2).
        let a = (-m * m).exp();
        let moment = |k: f64| (k * (k - 1.0) * m * m / 2.0).exp();
        let (linear, mixed) = (moment(2.0) - 1.0, moment(3.0) - moment(2.0));
        let quadratic = moment(4.0) - moment(2.0).powi(2);
        let error_of_size = a * a * (4.0 * linear - 4.0 * a * mixed + a * a * quadratic);
        for (values, expected) in [
            (ess, (-m * m).exp()),
            (error_x, ((m * m).exp() * (1.0 + m * m)).sqrt()),
            (error_z, ((m * m).exp() - 1.0).sqrt()),
            (error_ess, error_of_size),
        ] {
            let (mean, variance) = moments(&values);
            let sigma = (variance / f64::from(sets)).sqrt();
            assert!((mean - expected).abs() < 4.0 * sigma + 2e-3 * expected, "{mean} against {expected}");
        }
    }

    #[test]
    fn chains_know_their_autocorrelation() {
        // Equal weights: the reweighted mean is the mean, with the error of the Gamma method.
        let series = autoregressive(&mut Gaussian::new(22), 0.9, 2.0, 5000);
        let weights = LogWeights::new(&[-3.0; 5000]).unwrap();
        let chain = weights.reweighted_mean_of_chain(&series, &GammaMethod::default()).unwrap();
        let plain = GammaMethod::default().mean(&series).unwrap();
        assert!((chain.value - plain.value).abs() < 1e-12);
        assert!((chain.error / plain.error - 1.0).abs() < 1e-9);
        let independent = weights.reweighted_mean(&series).unwrap();
        assert!((independent.value - plain.value).abs() < 1e-12);
        assert!(independent.error < 0.5 * plain.error);
    }

    #[test]
    fn bad_weights_are_named() {
        assert!(matches!(LogWeights::new(&[]), Err(StatisticsError::TooFew { .. })));
        assert!(matches!(
            LogWeights::new(&[0.0, f64::NAN]),
            Err(StatisticsError::NotFinite { index: 1, .. })
        ));
        assert!(matches!(LogWeights::new(&[f64::INFINITY]), Err(StatisticsError::NotFinite { .. })));
        assert_eq!(LogWeights::new(&[f64::NEG_INFINITY; 3]), Err(StatisticsError::ZeroWeights { length: 3 }));
        let weights = LogWeights::new(&[0.0, 1.0]).unwrap();
        assert!(matches!(weights.reweighted_mean(&[1.0]), Err(StatisticsError::Shape { .. })));
        assert!(matches!(weights.reweighted_mean(&[1.0, f64::NAN]), Err(StatisticsError::NotFinite { .. })));
        let one = LogWeights::new(&[0.0]).unwrap();
        assert!(matches!(one.ln_z(), Err(StatisticsError::TooFew { .. })));
        assert!(matches!(one.measured_sample_size(), Err(StatisticsError::TooFew { .. })));
    }
}
