//! The Gamma method: errors of means and of functions of means from the summed autocovariance.
//!
//! U. Wolff, "Monte Carlo errors with less errors", hep-lat/0306017, Comput. Phys. Commun. 156 (2004)
//! 143, with the erratum 176 (2007) 383. With `d_i` the deviations of the (linearised) observable from
//! its mean over all replica,
//!
//! - `Gamma(t) = <d_i d_{i+t}>`, `C(W) = Gamma(0) + 2 sum_{t=1}^W Gamma(t)`, `error^2 = C(W) / N`;
//! - `tau_int = C(W) / (2 Gamma(0)) = 1/2 + sum_{t=1}^W rho(t)`, with
//!   `(delta tau_int)^2 = 4/N (W + 1/2 - tau_int) tau_int^2` (eq. 42);
//! - the subtraction of the measured mean lowers every `Gamma(t)` by `C/N`, which is added back (eq. 49);
//! - a `tau_int` below 1/2 counts only where the series resolves it, else it is 1/2 (see [`RESOLVED`]);
//! - `W` is the first lag at which the estimated systematic error `exp(-W/tau)` falls below the
//!   statistical one, with `tau = S tau_int` up to corrections (section 3.3; see `window.rs`).
//!
//! The optional tail follows Schaefer, Sommer and Virotta, arXiv:1009.5228: where a slow mode with
//! known `tau_exp` may hide in the noise, its largest compatible contribution is added.

use super::autocorrelation::{AutocorrelationFunction, autocovariance};
use super::replica::{ReplicaConsistency, bias, consistency};
use super::samples::{finite, mean};
use super::window::{automatic_window, significant_window};
use super::{Measured, Samples, StatisticsError};

/// The least number of measurements: with fewer, no window is meaningful.
const FEWEST: usize = 8;

/// The shortest chain in units of `tau_int` whose error is trusted. The window criterion cannot serve:
/// it closes at about an eighth of the series however slow the chain is.
const SHORTEST: f64 = 50.0;

/// How many times the error `sqrt(W/N)` that `tau_int` has for independent measurements a `tau_int` below 1/2 must be.
///
/// Anticorrelated chains have `tau_int < 1/2`, but in short ones noise does the same, and where the sum of `rho` comes
/// near -1/2 the error would come near 0. pyerrors takes 1/2 for every `tau_int` below it, which overestimates the errors
/// of chains that are anticorrelated; here 1/2 is taken where the series cannot tell `tau_int` from 0 by two sigma.
const RESOLVED: f64 = 2.0;

/// The slow mode for which a tail is added to the autocorrelation function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tail {
    /// Exponential autocorrelation time of the slowest mode, in measurements.
    pub tau_exp: f64,
    /// The window ends at the first lag where `rho` is below this many of its errors (3 is usual).
    pub sigmas: f64,
}

/// The settings of the Gamma method.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GammaMethod {
    /// `S`, the assumed ratio of exponential to integrated autocorrelation time; 1 to 2 is sensible,
    /// zero asserts that the measurements are independent (`W = 0`).
    pub window_factor: f64,
    /// Adds a tail for a slow mode; the window is then set by the significance of `rho`, not by `S`.
    pub tail: Option<Tail>,
}

impl Default for GammaMethod {
    /// `S = 1.5`, no tail.
    fn default() -> Self {
        Self { window_factor: 1.5, tail: None }
    }
}

/// Whether the series is long enough for its own autocorrelation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sufficiency {
    /// The window closed within the data, which are worth at least 25 independent measurements.
    Enough,
    /// Not enough data: the window reached the largest lag (half of the longest replica), or the chain is
    /// shorter than 50 `tau_int`; both `tau_int` and the error are then likely too small.
    TooShort,
}

/// The result of the Gamma method. Times are in measurements.
#[derive(Debug, Clone, PartialEq)]
pub struct GammaEstimate {
    /// The mean, or the function of the means with its leading bias removed (from two replica on).
    pub value: f64,
    /// The statistical error, autocorrelations included.
    pub error: f64,
    /// The statistical error of the error: `error sqrt((W + 1/2) / N)`.
    pub error_of_error: f64,
    /// The error that independent measurements would have: `sqrt(Gamma(0) / N)`.
    pub naive_error: f64,
    /// `tau_int = 1/2 + sum rho(t)`, in units of the spacing of the measurements.
    pub tau_int: f64,
    /// The statistical error of `tau_int`.
    pub tau_int_error: f64,
    /// The summation window `W`.
    pub window: usize,
    /// Whether the chain is long enough to trust the error.
    pub sufficiency: Sufficiency,
    /// `rho(t)`, to at least twice the window where the series is long enough.
    pub autocorrelation: AutocorrelationFunction,
    /// The number of measurements `N`, all replica together.
    pub measurements: usize,
    /// Agreement of the replica; `None` for a single one.
    pub replica: Option<ReplicaConsistency>,
    /// The estimated `O(1/N)` bias that was removed from `value`; zero for means and single replica.
    pub bias: f64,
}

impl GammaEstimate {
    /// Value and error, for printing as `0.59368(12)`.
    pub fn measured(&self) -> Measured {
        Measured { value: self.value, error: self.error }
    }

    /// The number of independent measurements this chain is worth: `N / (2 tau_int)`.
    pub fn effective_measurements(&self) -> f64 {
        self.measurements as f64 / (2.0 * self.tau_int)
    }
}

impl GammaMethod {
    /// The mean of one series on one replica.
    ///
    /// # Errors
    /// [`StatisticsError::TooFew`] below 8 measurements, `NotFinite`, `Constant`, or `Parameter` for a setting out
    /// of range.
    pub fn mean(&self, series: &[f64]) -> Result<GammaEstimate, StatisticsError> {
        self.observable(&Samples::from_series(series)?, 0)
    }

    /// The mean of one primary observable of the samples, over all replica.
    ///
    /// # Errors
    /// As [`GammaMethod::mean`], and [`StatisticsError::Shape`] if there is no such observable.
    pub fn observable(&self, samples: &Samples, observable: usize) -> Result<GammaEstimate, StatisticsError> {
        if observable >= samples.observables() {
            return Err(StatisticsError::Shape {
                what: "number of observables",
                expected: observable + 1,
                got: samples.observables(),
            });
        }
        self.check(samples)?;
        let value = mean(samples.column(observable));
        let deviations = samples.column(observable).iter().map(|x| x - value).collect();
        let replica: Vec<f64> =
            (0..samples.lengths().len()).map(|r| samples.replica_means(r)[observable]).collect();
        self.analyse(samples, value, deviations, &replica, 0.0)
    }

    /// A function `f` of the means of all primary observables, by linear error propagation.
    ///
    /// The gradient is numerical, with the (naive) error of each observable as its step. The samples
    /// are projected onto the gradient, so correlations among the observables are exact. With two or
    /// more replica the leading bias of `f` is estimated and removed (Wolff, section 3.4).
    ///
    /// # Errors
    /// As [`GammaMethod::mean`], and [`StatisticsError::DerivedNotFinite`] where `f` is not finite.
    pub fn function(
        &self,
        samples: &Samples,
        f: impl Fn(&[f64]) -> f64,
    ) -> Result<GammaEstimate, StatisticsError> {
        self.check(samples)?;
        let means = samples.means();
        let value = finite(&f, &means)?;
        let mut deviations = vec![0.0; samples.len()];
        for (observable, &centre) in means.iter().enumerate() {
            let column = samples.column(observable);
            let step = naive_error(column, centre);
            let mut shifted = means.clone();
            let mut at = |x: f64| {
                shifted[observable] = x;
                finite(&f, &shifted)
            };
            let (above, below) = (centre + step, centre - step);
            if above == below {
                continue; // A constant observable does not contribute.
            }
            let slope = (at(above)? - at(below)?) / (above - below);
            for (deviation, x) in deviations.iter_mut().zip(column) {
                *deviation += slope * (x - centre);
            }
        }
        let replica: Vec<f64> = (0..samples.lengths().len())
            .map(|r| finite(&f, &samples.replica_means(r)))
            .collect::<Result<_, _>>()?;
        let bias = bias(samples, value, &replica);
        self.analyse(samples, value, deviations, &replica, bias)
    }

    fn check(&self, samples: &Samples) -> Result<(), StatisticsError> {
        let parameter = |name, value: f64, fits: bool, rule| {
            if fits { Ok(()) } else { Err(StatisticsError::Parameter { name, value, rule }) }
        };
        let s = self.window_factor;
        parameter(
            "window factor S",
            s,
            s.is_finite() && s >= 0.0,
            "a finite number, zero or more (1.5 is usual)",
        )?;
        if let Some(Tail { tau_exp, sigmas }) = self.tail {
            let positive = |x: f64| x.is_finite() && x > 0.0;
            parameter("tau_exp", tau_exp, positive(tau_exp), "a positive number of measurements")?;
            parameter(
                "significance of the tail",
                sigmas,
                positive(sigmas),
                "a positive number of errors (3 is usual)",
            )?;
        }
        if samples.len() < FEWEST {
            return Err(StatisticsError::TooFew { got: samples.len(), needed: FEWEST });
        }
        Ok(())
    }

    fn analyse(
        &self,
        samples: &Samples,
        value: f64,
        mut deviations: Vec<f64>,
        replica: &[f64],
        bias: f64,
    ) -> Result<GammaEstimate, StatisticsError> {
        let count = samples.len();
        let n = count as f64;
        // In units of the largest deviation no square can over- or underflow.
        let scale = deviations.iter().fold(0.0f64, |largest, d| largest.max(d.abs()));
        if scale == 0.0 {
            return Err(StatisticsError::Constant { value, length: count });
        }
        if !scale.is_finite() {
            return Err(StatisticsError::DerivedNotFinite { value: scale, means: samples.means() });
        }
        deviations.iter_mut().for_each(|d| *d /= scale);

        let Summed { gamma, window, closed, total } = self.sum(samples, &deviations, 1);
        let mut tau_int = total / (2.0 * gamma[0]);
        let mut tau_int_error = 2.0 * tau_int * ((window as f64 + 0.5 - tau_int).max(0.0) / n).sqrt();
        let kept = gamma.len().min(4 * window + 200);
        let rho = gamma[..kept].iter().map(|g| g / gamma[0]).collect();
        let autocorrelation = AutocorrelationFunction::new(rho, count);
        if let Some(Tail { tau_exp, .. }) = self.tail {
            let noise = autocorrelation.error(window);
            tau_int += tau_exp * autocorrelation.rho()[window].max(2.0 * noise);
            tau_int_error = tau_int_error.hypot(tau_exp * noise);
        }
        let enough = closed && n >= SHORTEST * tau_int;
        let sufficiency = if enough { Sufficiency::Enough } else { Sufficiency::TooShort };
        let naive_error = scale * (gamma[0] / n).sqrt();
        let error = naive_error * (2.0 * tau_int).sqrt();
        let replica = (replica.len() > 1).then(|| {
            let variance = self.variance_within_replica(samples, deviations) * scale * scale;
            consistency(samples, replica, bias, variance)
        });
        Ok(GammaEstimate {
            value: value - bias,
            error,
            error_of_error: error * ((window as f64 + 0.5) / n).sqrt(),
            naive_error,
            tau_int,
            tau_int_error,
            window,
            sufficiency,
            autocorrelation,
            measurements: count,
            replica,
            bias,
        })
    }

    /// The autocovariance of deviations from `means` measured means, and its sum over the window.
    fn sum(&self, samples: &Samples, deviations: &[f64], means: usize) -> Summed {
        let n = samples.len() as f64;
        let ranges: Vec<_> = samples.ranges().collect();
        let longest = samples.lengths().iter().copied().max().unwrap_or(0);
        let mut gamma = autocovariance(deviations, &ranges, longest / 2);
        let end = match self.tail {
            None => automatic_window(&gamma, self.window_factor, n),
            Some(tail) => significant_window(&gamma, tail.sigmas, samples.len()),
        };
        let window = end.unwrap_or(gamma.len() - 1);
        let unresolved = RESOLVED * (window as f64 / n).sqrt();
        let sum = |gamma: &[f64]| {
            let sum = gamma[0] + 2.0 * gamma[1..=window].iter().sum::<f64>();
            // C = 2 tau_int Gamma(0).
            if sum < gamma[0] * (2.0 * unresolved).min(1.0) { gamma[0] } else { sum }
        };
        // Each measured mean carries the variance C / (its number of measurements).
        let missing = sum(&gamma) * means as f64 / n;
        gamma.iter_mut().for_each(|g| *g += missing);
        Summed { total: sum(&gamma), gamma, window, closed: end.is_some() }
    }

    /// `C` from the deviations within each replica.
    ///
    /// Wolff divides by the `C` of deviations from the common mean, where replica that disagree look like
    /// one slow chain and so pass; within the replica their disagreement cannot hide.
    fn variance_within_replica(&self, samples: &Samples, mut deviations: Vec<f64>) -> f64 {
        for range in samples.ranges() {
            let own = &mut deviations[range];
            let centre = mean(own);
            own.iter_mut().for_each(|d| *d -= centre);
        }
        self.sum(samples, &deviations, samples.lengths().len()).total
    }
}

/// The autocovariance, freed of the bias of measured means, and its sum to the window.
struct Summed {
    gamma: Vec<f64>,
    window: usize,
    /// Whether the criterion for the window was met.
    closed: bool,
    /// `C(window)`; `Gamma(0)` where it would mean a `tau_int` below 1/2 that is not [`RESOLVED`].
    total: f64,
}

/// `sqrt(Gamma(0) / N)` of one column.
fn naive_error(column: &[f64], centre: f64) -> f64 {
    let scale = column.iter().fold(0.0f64, |largest, x| largest.max((x - centre).abs()));
    if scale == 0.0 {
        return 0.0;
    }
    let squares: f64 = column.iter().map(|x| ((x - centre) / scale).powi(2)).sum();
    scale * squares.sqrt() / column.len() as f64
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{Gaussian, autoregressive};
    use super::*;

    fn close(got: f64, expected: f64) {
        assert!((got - expected).abs() <= 1e-12 * expected.abs(), "{got} against {expected}");
    }

    #[test]
    fn eight_measurements_by_hand() {
        // Gamma(0) = 1, Gamma(1) = 1/7. At t = 1: exp(-1/tau) = 8^(-2/3) = 1/4, tau/sqrt(8) = 0.2550,
        // so W = 1 and C = 9/7; with C/8 added, Gamma = 65/56, 17/56 and C = 99/56.
        let estimate = GammaMethod::default().mean(&[1.0, 1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0]).unwrap();
        assert_eq!(estimate.value, 0.0);
        assert_eq!(estimate.window, 1);
        let (tau, error) = (99.0 / 130.0, (99.0f64 / 448.0).sqrt());
        close(estimate.error, error);
        close(estimate.naive_error, (65.0f64 / 448.0).sqrt());
        close(estimate.tau_int, tau);
        close(estimate.tau_int_error, 2.0 * tau * ((1.5 - tau) / 8.0).sqrt());
        close(estimate.error_of_error, error * (1.5f64 / 8.0).sqrt());
        close(estimate.autocorrelation.rho()[1], 17.0 / 65.0);
        close(estimate.effective_measurements(), 4.0 / tau);
        assert_eq!(estimate.sufficiency, Sufficiency::TooShort);
        assert_eq!(estimate.replica, None);
    }

    #[test]
    fn independent_measurements_by_hand() {
        // Sum of squares 40 about the mean 3; Gamma(0) = 5, plus C/N = 5/8.
        let series = [0.0, 6.0, 1.0, 5.0, 2.0, 4.0, 3.0 - 6f64.sqrt(), 3.0 + 6f64.sqrt()];
        let estimate = GammaMethod { window_factor: 0.0, tail: None }.mean(&series).unwrap();
        close(estimate.value, 3.0);
        close(estimate.error, (45.0f64 / 64.0).sqrt());
        assert_eq!((estimate.tau_int, estimate.window), (0.5, 0));
    }

    #[test]
    fn anticorrelation_that_is_not_resolved_counts_as_none() {
        // x, -x, x, -x with a window so eager that it closes at W = 1, where C = 1 - 2: no error can come of that.
        let alternating: Vec<f64> = (0..100).map(|i| f64::from(i % 2)).collect();
        let estimate = GammaMethod { window_factor: 0.1, tail: None }.mean(&alternating).unwrap();
        assert_eq!((estimate.window, estimate.tau_int), (1, 0.5));
        // Gamma(0) = 1/4, and 1% more for the mean.
        close(estimate.error, (0.25f64 * 1.01 / 100.0).sqrt());
        close(estimate.tau_int_error, 0.1);
    }

    #[test]
    fn linear_function_equals_the_series_of_its_values() {
        let mut gaussian = Gaussian::new(8);
        let x = autoregressive(&mut gaussian, 0.7, 5.0, 3000);
        let y = autoregressive(&mut gaussian, 0.3, -2.0, 3000);
        let z: Vec<f64> = x.iter().zip(&y).map(|(x, y)| 2.0 * x - 3.0 * y).collect();
        let samples = Samples::from_observables(&[&x, &y]).unwrap();
        let derived = GammaMethod::default().function(&samples, |m| 2.0 * m[0] - 3.0 * m[1]).unwrap();
        let direct = GammaMethod::default().mean(&z).unwrap();
        assert_eq!(derived.window, direct.window);
        assert!((derived.value - direct.value).abs() < 1e-12);
        assert!((derived.error / direct.error - 1.0).abs() < 1e-9);
        assert!((derived.tau_int - direct.tau_int).abs() < 1e-9);
    }

    #[test]
    fn error_of_a_ratio_is_the_analytic_one() {
        // x = 4 + g, y = 2 + (g + h)/2, white noise: var(x) = 1, var(y) = 1/2, cov = 1/2. For x/y:
        // N error^2 = r^2 (1/16 + 1/8 - 2 * 1/16) with r = 2, i.e. 1/4.
        let mut gaussian = Gaussian::new(9);
        let n = 40_000;
        let (g, h) = (gaussian.series(n), gaussian.series(n));
        let x: Vec<f64> = g.iter().map(|g| 4.0 + g).collect();
        let y: Vec<f64> = g.iter().zip(&h).map(|(g, h)| 2.0 + (g + h) / 2.0).collect();
        let samples = Samples::from_observables(&[&x, &y]).unwrap();
        let ratio = GammaMethod::default().function(&samples, |m| m[0] / m[1]).unwrap();
        let expected = 0.5 / (n as f64).sqrt();
        assert!((ratio.error - expected).abs() < 4.0 * ratio.error_of_error, "{} {expected}", ratio.error);
        assert!((ratio.value - 2.0).abs() < 4.0 * expected);
    }

    #[test]
    fn scale_of_the_observable_does_not_matter() {
        let series = autoregressive(&mut Gaussian::new(12), 0.8, 1.0, 2000);
        let plain = GammaMethod::default().mean(&series).unwrap();
        for scale in [2f64.powi(900), 2f64.powi(-900)] {
            let scaled: Vec<f64> = series.iter().map(|x| x * scale).collect();
            let estimate = GammaMethod::default().mean(&scaled).unwrap();
            close(estimate.error / scale, plain.error);
            close(estimate.tau_int, plain.tau_int);
        }
    }

    #[test]
    fn a_tail_by_hand_where_nothing_is_significant() {
        // Gamma(1) = 1/7 as above is no 3 sigma: W = 1, and the tail is 2 delta rho(1) tau_exp.
        let series = [1.0, 1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0];
        let method = GammaMethod { tail: Some(Tail { tau_exp: 4.0, sigmas: 3.0 }), ..Default::default() };
        let estimate = method.mean(&series).unwrap();
        // rho = 1, r1 = 17/65, then Gamma(2..4) = -1, -1/5, 1 with 9/56 added, over 65/56.
        let rho = [1.0f64, 17.0 / 65.0, -47.0 / 65.0, (9.0 - 11.2) / 65.0, 1.0];
        let at = |k: usize| -> f64 { rho.get(k).copied().unwrap_or(0.0) };
        let sum: f64 = (1..8).map(|k| (at(k + 1) + at(k - 1) - 2.0 * at(k) * at(1)).powi(2)).sum();
        let noise = (sum / 8.0).sqrt();
        close(estimate.tau_int, 99.0 / 130.0 + 4.0 * 2.0 * noise);
    }

    #[test]
    fn every_bad_series_has_its_own_outcome() {
        let method = GammaMethod::default();
        assert_eq!(method.mean(&[1.0; 7]), Err(StatisticsError::TooFew { got: 7, needed: 8 }));
        assert_eq!(method.mean(&[0.1; 100]), Err(StatisticsError::Constant { value: 0.1, length: 100 }));
        let mut series = vec![0.0; 20];
        series[3] = f64::NAN;
        assert!(matches!(
            method.mean(&series),
            Err(StatisticsError::NotFinite { observable: 0, replica: 0, index: 3, .. })
        ));
        // Drifts and chains as long as their autocorrelation time are flagged.
        let drift: Vec<f64> = (0..1000).map(f64::from).collect();
        assert_eq!(method.mean(&drift).unwrap().sufficiency, Sufficiency::TooShort);
        let slow = autoregressive(&mut Gaussian::new(15), (-1.0f64 / 1000.0).exp(), 0.0, 1000);
        assert_eq!(method.mean(&slow).unwrap().sufficiency, Sufficiency::TooShort);

        let samples = Samples::from_series(&drift).unwrap();
        assert!(matches!(
            method.function(&samples, |m| (m[0] - 1e9).sqrt()),
            Err(StatisticsError::DerivedNotFinite { .. })
        ));
        assert!(matches!(method.observable(&samples, 1), Err(StatisticsError::Shape { .. })));
        assert!(matches!(
            method.function(&samples, |_| 4.0),
            Err(StatisticsError::Constant { value: 4.0, .. })
        ));
        assert!(method.mean(&[1.7e308, 1.7e308, -1.7e308].repeat(8)).is_err());
        for bad in [f64::NAN, -1.0] {
            let method = GammaMethod { window_factor: bad, tail: None };
            assert!(matches!(method.mean(&drift), Err(StatisticsError::Parameter { .. })));
            let method = GammaMethod { tail: Some(Tail { tau_exp: bad, sigmas: 3.0 }), ..Default::default() };
            assert!(matches!(method.mean(&drift), Err(StatisticsError::Parameter { .. })));
        }
    }
}
