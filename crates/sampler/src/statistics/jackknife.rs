//! The jackknife on binned data, for any function of the means.

use super::gamma::GammaMethod;
use super::samples::{finite, mean};
use super::{Measured, Samples, StatisticsError};

/// How measurements are gathered into bins before resampling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinSize {
    /// Large enough for the measured autocorrelation: the optimum of bias against noise
    /// `(N (tau - 1/(4 tau))^2)^(1/3)`, and at least `2 tau_int`, for the slowest observable.
    ///
    /// A bin of `b` measurements underestimates the variance by the fraction
    /// `(tau - 1/(4 tau)) / b` (exponential autocorrelation) and knows it to `sqrt(2 b / N)`.
    Automatic,
    /// Exactly so many measurements (the remainder of a replica is spread over its bins).
    Measurements(usize),
}

/// The result of a jackknife or bootstrap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResampledEstimate {
    /// The function at the means of all measurements (no bias removed).
    pub value: f64,
    /// The statistical error.
    pub error: f64,
    /// The estimated bias of `value`; subtract it for an estimate without `O(1/N)` bias.
    pub bias: f64,
}

impl ResampledEstimate {
    /// Value and error, for printing as `0.59368(12)`.
    pub fn measured(&self) -> Measured {
        Measured { value: self.value, error: self.error }
    }
}

/// Means of all observables in bins of consecutive measurements; bins never straddle two replica.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bins {
    /// The sum of each observable over each bin: `[bin][observable]`, relative to `means`.
    pub sums: Vec<Vec<f64>>,
    /// The number of measurements in each bin; within a replica they differ by at most one.
    pub sizes: Vec<usize>,
    /// The means over all measurements.
    pub means: Vec<f64>,
    /// The bin size that was asked for.
    pub size: usize,
}

impl Bins {
    pub fn new(samples: &Samples, size: BinSize) -> Result<Self, StatisticsError> {
        let size = match size {
            BinSize::Measurements(size) if size >= 1 => size,
            BinSize::Measurements(_) => {
                return Err(StatisticsError::Parameter { name: "bin size", value: 0.0, rule: "at least 1" });
            }
            BinSize::Automatic => automatic_size(samples)?,
        };
        let means = samples.means();
        let (mut sums, mut sizes) = (Vec::new(), Vec::new());
        for range in samples.ranges() {
            // A replica shorter than a bin is one bin.
            let bins = (range.len() / size).max(1);
            for bin in 0..bins {
                let bounds = [bin, bin + 1].map(|b| range.start + b * range.len() / bins);
                let sum =
                    |a: usize| samples.column(a)[bounds[0]..bounds[1]].iter().map(|x| x - means[a]).sum();
                sums.push((0..samples.observables()).map(sum).collect());
                sizes.push(bounds[1] - bounds[0]);
            }
        }
        if sizes.len() < 2 {
            return Err(StatisticsError::TooFew { got: sizes.len(), needed: 2 });
        }
        Ok(Self { sums, sizes, means, size })
    }
}

/// The automatic bin size: see [`BinSize::Automatic`].
fn automatic_size(samples: &Samples) -> Result<usize, StatisticsError> {
    let n = samples.len() as f64;
    let mut size = 1;
    for observable in 0..samples.observables() {
        let tau = match GammaMethod::default().observable(samples, observable) {
            Ok(estimate) => estimate.tau_int,
            // A constant column needs no bins.
            Err(StatisticsError::Constant { .. }) => continue,
            Err(error) => return Err(error),
        };
        let slow = (tau - 0.25 / tau).max(0.0);
        let best = (n * slow * slow).cbrt().max(2.0 * tau).ceil();
        size = size.max(best as usize);
    }
    Ok(size)
}

/// Leave-one-bin-out means, made once and used for any number of functions.
#[derive(Debug, Clone, PartialEq)]
pub struct Jackknife {
    means: Vec<f64>,
    /// `[bin][observable]`: the means without that bin.
    replicates: Vec<Vec<f64>>,
    bin_size: usize,
}

impl Jackknife {
    /// Bins the samples and leaves each bin out in turn.
    ///
    /// # Errors
    /// [`StatisticsError::TooFew`] for fewer than two bins (or, with the automatic bin size, fewer than 8
    /// measurements), `Parameter` for a bin size of zero.
    pub fn new(samples: &Samples, bin_size: BinSize) -> Result<Self, StatisticsError> {
        let Bins { sums, sizes, means, size } = Bins::new(samples, bin_size)?;
        let n = samples.len();
        let without = |(sum, &size): (Vec<f64>, &usize)| -> Vec<f64> {
            // The deviations of all measurements sum to zero, so the rest has minus the bin's sum.
            means.iter().zip(sum).map(|(mean, sum)| mean - sum / (n - size) as f64).collect()
        };
        let replicates = sums.into_iter().zip(&sizes).map(without).collect();
        Ok(Self { means, replicates, bin_size: size })
    }

    /// The number of measurements a bin.
    pub fn bin_size(&self) -> usize {
        self.bin_size
    }

    /// The number of bins.
    pub fn bins(&self) -> usize {
        self.replicates.len()
    }

    /// The value, error and bias of a function of the means, with `B` bins:
    /// `error^2 = (B-1)/B sum (f_b - f_mean)^2`, `bias = (B-1) (f_mean - f)`.
    ///
    /// # Errors
    /// [`StatisticsError::DerivedNotFinite`] where `f` is not finite.
    pub fn estimate(&self, f: impl Fn(&[f64]) -> f64) -> Result<ResampledEstimate, StatisticsError> {
        let bins = self.bins() as f64;
        let value = finite(&f, &self.means)?;
        let replicates = self.replicates.iter().map(|m| finite(&f, m)).collect::<Result<Vec<_>, _>>()?;
        let centre = mean(&replicates);
        let squares: f64 = replicates.iter().map(|x| (x - centre).powi(2)).sum();
        let error = ((bins - 1.0) / bins * squares).sqrt();
        Ok(ResampledEstimate { value, error, bias: (bins - 1.0) * (centre - value) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{Gaussian, autoregressive, autoregressive_tau};
    use super::*;

    #[test]
    fn four_measurements_by_hand() {
        // Mean 3, squared deviations sum to 14: error of the mean sqrt(14/12); the square of the mean has
        // bias s^2/N = 14/12, which the jackknife finds exactly.
        let samples = Samples::from_series(&[1.0, 2.0, 3.0, 6.0]).unwrap();
        let jackknife = Jackknife::new(&samples, BinSize::Measurements(1)).unwrap();
        let mean = jackknife.estimate(|m| m[0]).unwrap();
        assert_eq!(mean.value, 3.0);
        assert!((mean.error - (14.0f64 / 12.0).sqrt()).abs() < 1e-14);
        assert!(mean.bias.abs() < 1e-14);
        let square = jackknife.estimate(|m| m[0] * m[0]).unwrap();
        assert!((square.bias - 14.0 / 12.0).abs() < 1e-13);

        // Bins (1,2), (3,6): means 1.5 and 4.5, error |4.5 - 1.5| / 2.
        let binned = Jackknife::new(&samples, BinSize::Measurements(2)).unwrap();
        assert!((binned.estimate(|m| m[0]).unwrap().error - 1.5).abs() < 1e-14);
    }

    #[test]
    fn bins_use_every_measurement_and_stay_in_their_replica() {
        let samples = Samples::from_replica(&[&[1.0; 11], &[4.0; 3]]).unwrap();
        let bins = Bins::new(&samples, BinSize::Measurements(4)).unwrap();
        assert_eq!(bins.sizes, [5, 6, 3]);
        let mean = 23.0 / 14.0;
        for (sum, expected) in
            bins.sums.iter().zip([5.0 * (1.0 - mean), 6.0 * (1.0 - mean), 3.0 * (4.0 - mean)])
        {
            assert!((sum[0] - expected).abs() < 1e-13);
        }
    }

    #[test]
    fn automatic_bins_give_the_error_of_the_gamma_method() {
        // Averages over 200 chains; each jackknife error scatters by sqrt(b/(2N)), about 5%, and is low by
        // half of (tau - 1/(4 tau))/b, below 4%. So the average ratio is within [0.95, 1.02].
        let (a, n, chains) = (0.9, 20_000, 200);
        let tau = autoregressive_tau(a);
        let mut gaussian = Gaussian::new(41);
        let (mut jackknife, mut gamma) = (0.0, 0.0);
        for _ in 0..chains {
            let samples = Samples::from_series(&autoregressive(&mut gaussian, a, 2.0, n)).unwrap();
            let resampled = Jackknife::new(&samples, BinSize::Automatic).unwrap();
            assert!(resampled.bin_size() as f64 >= 1.6 * tau && resampled.bin_size() < 250);
            let f = |m: &[f64]| m[0].ln();
            jackknife += resampled.estimate(f).unwrap().error / f64::from(chains);
            gamma += GammaMethod::default().function(&samples, f).unwrap().error / f64::from(chains);
        }
        // Error of ln(mean): sqrt(2 tau / N) / 2.
        let exact = (2.0 * tau / n as f64).sqrt() / 2.0;
        assert!((0.95..1.02).contains(&(jackknife / exact)), "jackknife {}", jackknife / exact);
        assert!((0.96..1.02).contains(&(gamma / exact)), "gamma {}", gamma / exact);
    }

    #[test]
    fn error_of_a_ratio_is_the_analytic_one() {
        // As for the Gamma method: x = 4 + g, y = 2 + (g + h)/2 gives N error^2 = 1/4 for x/y. The jackknife
        // error has relative sigma 1/sqrt(2N) = 0.5%.
        let mut gaussian = Gaussian::new(42);
        let n = 20_000;
        let (g, h) = (gaussian.series(n), gaussian.series(n));
        let x: Vec<f64> = g.iter().map(|g| 4.0 + g).collect();
        let y: Vec<f64> = g.iter().zip(&h).map(|(g, h)| 2.0 + (g + h) / 2.0).collect();
        let samples = Samples::from_observables(&[&x, &y]).unwrap();
        let ratio =
            Jackknife::new(&samples, BinSize::Measurements(1)).unwrap().estimate(|m| m[0] / m[1]).unwrap();
        let expected = 0.5 / (n as f64).sqrt();
        assert!((ratio.error / expected - 1.0).abs() < 4.0 * 0.005, "{} against {expected}", ratio.error);
    }

    #[test]
    fn bad_input_is_named() {
        let samples = Samples::from_series(&[1.0, 2.0, 3.0]).unwrap();
        assert!(matches!(
            Jackknife::new(&samples, BinSize::Measurements(0)),
            Err(StatisticsError::Parameter { .. })
        ));
        assert!(matches!(
            Jackknife::new(&samples, BinSize::Measurements(2)),
            Err(StatisticsError::TooFew { got: 1, needed: 2 })
        ));
        assert!(matches!(Jackknife::new(&samples, BinSize::Automatic), Err(StatisticsError::TooFew { .. })));
        let jackknife = Jackknife::new(&samples, BinSize::Measurements(1)).unwrap();
        assert!(matches!(
            jackknife.estimate(|m| (m[0] - 2.2).ln()),
            Err(StatisticsError::DerivedNotFinite { .. })
        ));
        let constant = Samples::from_series(&[1.0; 9]).unwrap();
        let frozen = Jackknife::new(&constant, BinSize::Automatic).unwrap();
        assert_eq!(
            frozen.estimate(|m| m[0]).unwrap(),
            ResampledEstimate { value: 1.0, error: 0.0, bias: 0.0 }
        );
    }
}
