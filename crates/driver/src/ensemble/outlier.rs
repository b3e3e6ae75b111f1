//! Configurations whose plaquette does not belong to the rest of the series.

use gaugelink_sampler::statistics::GammaMethod;

/// Fewer plaquettes tell too little of their spread.
const FEWEST: usize = 8;
/// The median absolute deviation of a Gaussian, in standard deviations.
const MAD: f64 = 0.674_489_750_196_081_7;

/// Where the plaquettes of a series lie: a median and a standard deviation that a few outliers do not move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub median: f64,
    /// Standard deviation of one configuration, from the median absolute deviation.
    pub sigma: f64,
    /// The largest deviation that is none to remark.
    pub limit: f64,
}

impl Spread {
    /// The spread of a series, and a limit of `sigmas` standard deviations.
    ///
    /// The limit grows where the series is worth few independent measurements n = N / 2τ: by √(1 + π/2n) for the error
    /// of the median, and by 1 + 40/n² because the median deviation of a few numbers is often far too small (simulated:
    /// with 5 standard deviations less than 1 of 100 Gaussian series of any length has an outlier). Autocorrelation is
    /// that of the series clipped at the limit.
    ///
    /// `None` for fewer than 8 values, and where half of them are equal.
    pub fn of(series: &[f64], sigmas: f64) -> Option<Self> {
        if series.len() < FEWEST {
            return None;
        }
        let centre = median(series.to_vec());
        let sigma = median(series.iter().map(|x| (x - centre).abs()).collect()) / MAD;
        if sigma == 0.0 {
            return None;
        }
        let clip = sigmas * sigma;
        let clipped: Vec<f64> = series.iter().map(|x| x.clamp(centre - clip, centre + clip)).collect();
        let tau = GammaMethod::default().mean(&clipped).map_or(0.5, |estimate| estimate.tau_int.max(0.5));
        let independent = (series.len() as f64 / (2.0 * tau)).max(1.0);
        let centring = (1.0 + std::f64::consts::FRAC_PI_2 / independent).sqrt();
        let limit = clip * centring * (1.0 + 40.0 / independent.powi(2));
        Some(Self { median: centre, sigma, limit })
    }
}

/// The places of values beyond the limit.
pub(super) fn outliers(series: &[f64], spread: &Spread) -> Vec<usize> {
    let far = |i: &usize| (series[*i] - spread.median).abs() > spread.limit;
    (0..series.len()).filter(far).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 { values[half] } else { 0.5 * (values[half - 1] + values[half]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that are Gaussian enough: sums of twelve uniform ones.
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self) -> f64 {
            let mut uniform = || {
                self.0 =
                    self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (self.0 >> 11) as f64 / (1u64 << 53) as f64
            };
            (0..12).map(|_| uniform()).sum::<f64>() - 6.0
        }

        /// An autoregressive series x' = a x + √(1 − a²) η.
        fn series(&mut self, length: usize, a: f64) -> Vec<f64> {
            let mut x = self.next();
            let step = |_| {
                x = a * x + (1.0 - a * a).sqrt() * self.next();
                0.6 + 1e-3 * x
            };
            (0..length).map(step).collect()
        }
    }

    fn found(series: &[f64]) -> Vec<usize> {
        Spread::of(series, 5.0).map_or(vec![], |spread| outliers(series, &spread))
    }

    #[test]
    fn sound_series_have_no_outliers() {
        let mut numbers = Numbers(1);
        for (length, a) in [(8, 0.0), (12, 0.0), (30, 0.0), (200, 0.0), (30, 0.8), (300, 0.95)] {
            let false_alarms = (0..400).filter(|_| !found(&numbers.series(length, a)).is_empty()).count();
            assert!(false_alarms <= 8, "{false_alarms} of 400 series of {length} with a = {a}");
        }
    }

    #[test]
    fn outliers_do_not_hide_themselves_or_each_other() {
        let mut numbers = Numbers(2);
        let mut series = numbers.series(60, 0.5);
        for place in [7, 8, 40] {
            series[place] = 1.0;
        }
        series[20] -= 9e-3;
        assert_eq!(found(&series), [7, 8, 20, 40]);
        let mut short = numbers.series(12, 0.0);
        short[3] = 1.0;
        assert_eq!(found(&short), [3]);
        assert_eq!(found(&[0.5; 20]), [] as [usize; 0], "a frozen series has no spread");
        assert_eq!(found(&series[..7]), [] as [usize; 0]);
    }
}
