//! Where to stop summing the autocovariance.

use super::autocorrelation::AutocorrelationFunction;

/// The window criterion of Wolff's section 3.3; `None` if no lag of `gamma` meets it.
///
/// While `sum rho` is not positive the sum of `|rho|` stands in for it. Wolff's program stops at once
/// there, which for alternating chains (`rho = (-a)^t`) underestimates the error: its truncated sum
/// `1 - 2a` is well below `(1 - a)/(1 + a)`.
pub(super) fn automatic_window(gamma: &[f64], s: f64, n: f64) -> Option<usize> {
    if s == 0.0 {
        return Some(0);
    }
    let (mut sum, mut magnitude) = (0.0, 0.0);
    for t in 1..gamma.len() {
        let rho = gamma[t] / gamma[0];
        sum += rho;
        magnitude += rho.abs();
        // S tau_int = tau in the continuum; on integer times (2 tau_int + 1)/(2 tau_int - 1) = exp(S/tau).
        let beyond_half = if sum > 0.0 { sum } else { magnitude };
        let tau = s / ((beyond_half + 1.0) / beyond_half).ln();
        let t_real = t as f64;
        if (-t_real / tau).exp() < tau / (t_real * n).sqrt() {
            return Some(t);
        }
    }
    None
}

/// The first lag at which `rho` is less than `sigmas` of its errors, if any.
///
/// Beyond a few dozen lags only every 64th part of the lag is looked at: the window need not be known
/// better, and the errors of all lags would cost the square of the window.
pub(super) fn significant_window(gamma: &[f64], sigmas: f64, count: usize) -> Option<usize> {
    let rho = AutocorrelationFunction::new(gamma.iter().map(|g| g / gamma[0]).collect(), count);
    let mut t = 1;
    while t < gamma.len() {
        if rho.rho()[t] < sigmas * rho.error(t) {
            return Some(t);
        }
        t += 1 + t / 64;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn significance_by_hand() {
        // N = 100: delta rho(1) = 0.0787 (6.4 sigma), delta rho(2) = 0.1107 (1.8 sigma), rho(3) = 0.
        let gamma = [2.0, 1.0, 0.4, 0.0, 0.0];
        assert_eq!(significant_window(&gamma, 7.0, 100), Some(1));
        assert_eq!(significant_window(&gamma, 3.0, 100), Some(2));
        assert_eq!(significant_window(&gamma, 1.0, 100), Some(3));
        assert_eq!(significant_window(&gamma[..3], 1.0, 100), None);
    }

    #[test]
    fn windows_close_where_the_criterion_says() {
        // rho = 1: sum = t, tau = 1.5 / ln((t + 1)/t); with N = 100 the two errors cross between 11 and 12.
        let crosses = |t: f64| {
            let tau = 1.5 / ((t + 1.0) / t).ln();
            (-t / tau).exp() - tau / (t * 100.0).sqrt()
        };
        assert!(crosses(11.0) > 0.0 && crosses(12.0) < 0.0);
        assert_eq!(automatic_window(&[3.0; 50], 1.5, 100.0), Some(12));
        assert_eq!(automatic_window(&[3.0; 10], 1.5, 100.0), None);
        assert_eq!(automatic_window(&[3.0; 10], 0.0, 100.0), Some(0));
    }
}
