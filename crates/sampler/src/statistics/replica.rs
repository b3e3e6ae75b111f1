//! Several replica: do they agree, and what do they say about the bias of a derived quantity?

use super::Samples;
use statrs::function::gamma::gamma_ur;

/// Whether the replica agree with each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReplicaConsistency {
    /// `sum_r (value_r - value)^2 N_r / C`, with `C` from the fluctuations within the replica.
    pub chi_squared: f64,
    /// The number of replica minus one.
    pub degrees_of_freedom: usize,
    /// The probability of a chi-squared at least as large; below about 0.01 the replica disagree.
    pub q: f64,
}

/// The bias of `f(means)`: the mean over replica of `f` has a bias larger by the number of replica.
pub(super) fn bias(samples: &Samples, value: f64, replica: &[f64]) -> f64 {
    if replica.len() < 2 {
        return 0.0;
    }
    (weighted_mean(samples, replica) - value) / (replica.len() as f64 - 1.0)
}

/// The mean of the replica's values, weighted by their lengths.
fn weighted_mean(samples: &Samples, replica: &[f64]) -> f64 {
    let n = samples.len() as f64;
    replica.iter().zip(samples.lengths()).map(|(value, &length)| value * (length as f64 / n)).sum()
}

/// Chi-squared of the replica's values, each freed of its share of the bias, about their mean, where
/// `variance` is `C`: a mean of `N_r` measurements has the squared error `C / N_r`.
pub(super) fn consistency(
    samples: &Samples,
    replica: &[f64],
    bias: f64,
    variance: f64,
) -> ReplicaConsistency {
    let n = samples.len() as f64;
    let unbiased: Vec<f64> = replica
        .iter()
        .zip(samples.lengths())
        .map(|(value, &length)| value - bias * n / length as f64)
        .collect();
    let centre = weighted_mean(samples, &unbiased);
    let deviations = unbiased.iter().zip(samples.lengths()).filter(|(value, _)| **value != centre);
    // Replica without fluctuation that differ have an infinite chi-squared.
    let chi_squared: f64 =
        deviations.map(|(value, &length)| (value - centre).powi(2) / variance * length as f64).sum();
    let degrees_of_freedom = replica.len() - 1;
    let q = match chi_squared {
        0.0 => 1.0,
        finite if finite.is_finite() => gamma_ur(degrees_of_freedom as f64 / 2.0, finite / 2.0),
        _ => 0.0,
    };
    ReplicaConsistency { chi_squared, degrees_of_freedom, q }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consistency_by_hand() {
        // Three replica of 10: values 1, 2, 3 about 2, C = 30: chi^2 = (1 + 0 + 1)/3 and for two degrees
        // of freedom Q = exp(-chi^2 / 2).
        let samples = Samples::from_replica(&[&[0.0; 10], &[0.0; 10], &[0.0; 10]]).unwrap();
        let result = consistency(&samples, &[1.0, 2.0, 3.0], 0.0, 30.0);
        assert!((result.chi_squared - 2.0 / 3.0).abs() < 1e-14);
        assert!((result.q - (-1.0f64 / 3.0).exp()).abs() < 1e-13);
    }

    #[test]
    fn replica_that_agree_exactly_or_not_at_all() {
        let samples = Samples::from_replica(&[&[0.0; 10], &[0.0; 10]]).unwrap();
        let same = consistency(&samples, &[2.0, 2.0], 0.0, 30.0);
        assert_eq!((same.chi_squared, same.q), (0.0, 1.0));
        let apart = consistency(&samples, &[1.0, 2.0], 0.0, 0.0);
        assert_eq!((apart.chi_squared, apart.q), (f64::INFINITY, 0.0));
    }

    #[test]
    fn consistency_removes_the_bias() {
        // Lengths 20 and 10, bias 0.1: 0.15 off the first and 0.3 off the second value leave 0.85 and 1.7
        // about 34/30, so chi^2 = (20 (17/60)^2 + 10 (34/60)^2) / 30.
        let samples = Samples::from_replica(&[&[0.0; 20], &[0.0; 10]]).unwrap();
        let result = consistency(&samples, &[1.0, 2.0], 0.1, 30.0);
        assert!((result.chi_squared - 17340.0 / 3600.0 / 30.0).abs() < 1e-14);
    }

    #[test]
    fn bias_by_hand() {
        // Values 1 and 4 weighted 3:1 have the mean 7/4; with the value 1 of all data the bias is 3/4.
        let samples = Samples::from_replica(&[&[0.0; 6], &[0.0; 2]]).unwrap();
        assert_eq!(bias(&samples, 1.0, &[1.0, 4.0]), 0.75);
        assert_eq!(bias(&samples, 1.0, &[1.0]), 0.0);
    }
}
