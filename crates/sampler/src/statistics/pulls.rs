//! Tests of the Gamma method on many chains with known autocorrelation: are its errors true?

use super::synthetic::{Gaussian, autoregressive, autoregressive_tau, moments};
use super::{GammaEstimate, GammaMethod, Samples, Sufficiency, Tail};

/// Mean pull zero and variance one, each within 4 sigma; `systematic` is the known relative bias of
/// the squared error (truncation of the window, fluctuation of the error).
fn assert_standard_normal(pulls: &[f64], systematic: f64) {
    let (mean, variance) = moments(pulls);
    let n = pulls.len() as f64;
    assert!(mean.abs() < 4.0 / n.sqrt(), "mean pull {mean}");
    assert!((variance - 1.0).abs() < 4.0 * (2.0 / n).sqrt() + systematic, "variance of pulls {variance}");
}

#[test]
fn pulls_of_autoregressive_chains_are_standard_normal() {
    let chains = 1000;
    for (a, length, seed) in [(0.0, 2000, 1), (0.5, 4000, 2), (0.9, 20000, 3), (-0.4, 2000, 4)] {
        let mut gaussian = Gaussian::new(seed);
        let estimates: Vec<_> = (0..chains)
            .map(|_| GammaMethod::default().mean(&autoregressive(&mut gaussian, a, 0.3, length)).unwrap())
            .collect();
        let pulls: Vec<f64> = estimates.iter().map(|e| (e.value - 0.3) / e.error).collect();
        assert_standard_normal(&pulls, 0.04);

        // tau_int: unbiased to 4 sigma of the average plus the truncated tail exp(-W/tau_exp), and
        // scattered as its error says. Its error formula neglects W-fluctuations: 20% allowed.
        let tau = autoregressive_tau(a);
        let average =
            |f: &dyn Fn(&GammaEstimate) -> f64| estimates.iter().map(f).sum::<f64>() / chains as f64;
        let (mean_tau, variance) = moments(&estimates.iter().map(|e| e.tau_int).collect::<Vec<_>>());
        let tail = if a > 0.0 { average(&|e| a.powi(e.window as i32)) } else { 0.0 };
        let sigma = (variance / chains as f64).sqrt();
        assert!((mean_tau - tau).abs() < 4.0 * sigma + 1.5 * tail * tau, "a = {a}: {mean_tau} against {tau}");
        if a > 0.0 {
            let ratio = variance.sqrt() / average(&|e| e.tau_int_error);
            assert!((ratio - 1.0).abs() < 0.2, "a = {a}: scatter of tau_int over its error {ratio}");
            let (_, scatter) = moments(&estimates.iter().map(|e| e.error).collect::<Vec<_>>());
            let ratio = scatter.sqrt() / average(&|e| e.error_of_error);
            assert!((ratio - 1.0).abs() < 0.2, "a = {a}: scatter of the error over its error {ratio}");
        }
        assert!(estimates.iter().all(|e| e.sufficiency == Sufficiency::Enough));
    }
}

/// Noise in short chains looks like anticorrelation; an error must not become much too small by it.
#[test]
fn errors_of_short_chains_are_not_too_small() {
    let chains = 4000;
    for (a, length, seed) in [(0.0, 10, 6), (0.0, 30, 7), (-0.4, 30, 8), (-0.8, 60, 9)] {
        let mut gaussian = Gaussian::new(seed);
        let estimates = (0..chains)
            .map(|_| GammaMethod::default().mean(&autoregressive(&mut gaussian, a, 0.3, length)).unwrap());
        let estimates: Vec<_> = estimates.collect();
        let far = estimates.iter().filter(|e| (e.value - 0.3).abs() > 4.0 * e.error).count() as f64;
        let least = estimates.iter().map(|e| e.error / e.naive_error).fold(f64::INFINITY, f64::min);
        // Nine degrees of freedom are beyond 4 sigma in 3 of 1000 cases.
        assert!(
            far < 0.005 * f64::from(chains),
            "a = {a}, N = {length}: {far} of {chains} are off by 4 sigma"
        );
        assert!(least > 0.5, "a = {a}, N = {length}: an error is {least} of the naive one");
    }
}

#[test]
fn replica_of_unequal_length_agree_and_disagree() {
    let mut gaussian = Gaussian::new(5);
    let (mut pulls, mut qs) = (Vec::new(), Vec::new());
    for _ in 0..600 {
        let series = [3000, 700, 1500].map(|n| autoregressive(&mut gaussian, 0.6, -1.0, n));
        let samples = Samples::from_replica(&[&series[0], &series[1], &series[2]]).unwrap();
        let estimate = GammaMethod::default().observable(&samples, 0).unwrap();
        pulls.push((estimate.value + 1.0) / estimate.error);
        qs.push(estimate.replica.unwrap().q);
    }
    assert_standard_normal(&pulls, 0.04);
    // Q is uniform: mean 1/2, variance 1/12 (its own sigma 1/sqrt(180 n)), 4 sigma each.
    let (mean, variance) = moments(&qs);
    assert!((mean - 0.5).abs() < 4.0 / (12.0f64 * 600.0).sqrt() + 0.01, "mean Q {mean}");
    assert!(
        (variance - 1.0 / 12.0).abs() < 4.0 / (180.0f64 * 600.0).sqrt() + 0.003,
        "variance of Q {variance}"
    );

    let apart = [0.0, 3.0].map(|mean| autoregressive(&mut gaussian, 0.0, mean, 500));
    let samples = Samples::from_replica(&[&apart[0], &apart[1]]).unwrap();
    let replica = GammaMethod::default().observable(&samples, 0).unwrap().replica.unwrap();
    assert_eq!(replica.degrees_of_freedom, 1);
    // The means differ by 3 with variance 2/500.
    assert!((replica.chi_squared / (9.0 * 250.0) - 1.0).abs() < 0.4, "chi squared {}", replica.chi_squared);
    assert!(replica.q < 1e-100);

    // Each replica frozen at a value of its own.
    let frozen = Samples::from_replica(&[&[1.0; 50], &[2.0; 50]]).unwrap();
    let estimate = GammaMethod::default().observable(&frozen, 0).unwrap();
    assert_eq!((estimate.replica.unwrap().q, estimate.sufficiency), (0.0, Sufficiency::TooShort));
}

#[test]
fn bias_of_a_square_is_found_from_replica() {
    // <mean^2> = mu^2 + 1/N. Each run estimates the bias 1/N with spread sqrt(2/(R-1))/N.
    let mut gaussian = Gaussian::new(10);
    let (replica, length, runs) = (6, 50, 400);
    let n = (replica * length) as f64;
    let biases: Vec<f64> = (0..runs)
        .map(|_| {
            let series: Vec<Vec<f64>> = (0..replica).map(|_| gaussian.series(length)).collect();
            let series: Vec<&[f64]> = series.iter().map(Vec::as_slice).collect();
            let samples = Samples::from_replica(&series).unwrap();
            GammaMethod::default().function(&samples, |m| (m[0] + 1.0).powi(2)).unwrap().bias * n
        })
        .collect();
    let (mean, variance) = moments(&biases);
    assert!((mean - 1.0).abs() < 4.0 * (variance / runs as f64).sqrt(), "N bias {mean}");
    assert!((variance / (2.0 / 5.0) - 1.0).abs() < 0.4, "variance of N bias {variance}");
}

#[test]
fn a_million_measurements() {
    let a = 0.98;
    let series = autoregressive(&mut Gaussian::new(13), a, 0.0, 1_000_000);
    let estimate = GammaMethod::default().mean(&series).unwrap();
    assert!((estimate.tau_int - autoregressive_tau(a)).abs() < 4.0 * estimate.tau_int_error);
    assert!(estimate.value.abs() < 4.0 * estimate.error);
}

#[test]
fn a_tail_covers_a_hidden_slow_mode() {
    // Fast noise of variance 0.9 and a slow mode, tau_exp = 100, of variance 0.1:
    // true N error^2 = 0.9 + 0.1 * 2 tau_slow = 20.9; the window closes long before the slow mode.
    let a = (-1.0f64 / 100.0).exp();
    let n = 20_000;
    let truth = ((0.9 + 0.2 * autoregressive_tau(a)) / n as f64).sqrt();
    let mut gaussian = Gaussian::new(14);
    let with = GammaMethod { tail: Some(Tail { tau_exp: 100.0, sigmas: 3.0 }), ..Default::default() };
    let (mut plain, mut tailed) = (0.0, 0.0);
    for _ in 0..100 {
        let slow = autoregressive(&mut gaussian, a, 0.0, n);
        let series: Vec<f64> =
            slow.iter().map(|s| 0.1f64.sqrt() * s + 0.9f64.sqrt() * gaussian.next()).collect();
        plain += GammaMethod::default().mean(&series).unwrap().error / 100.0;
        tailed += with.mean(&series).unwrap().error / 100.0;
    }
    assert!(plain < 0.8 * truth, "plain window sees {} of the error", plain / truth);
    assert!(tailed > 0.9 * truth && tailed < 1.5 * truth, "with the tail {}", tailed / truth);
}
