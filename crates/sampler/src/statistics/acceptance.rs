//! Metropolis acceptance and the energy violation `dH` of molecular dynamics.

use super::gamma::{GammaEstimate, GammaMethod};
use super::{Measured, StatisticsError};
use statrs::function::erf::erfc;

/// What a sequence of accept or reject decisions says about a chain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AcceptanceStatistics {
    /// The number of proposals.
    pub proposed: usize,
    /// The number accepted.
    pub accepted: usize,
    /// The longest run of consecutive rejections: a chain stuck on one configuration.
    pub longest_rejection: usize,
}

impl AcceptanceStatistics {
    /// Counts the decisions of a chain, in order; `true` is accepted.
    pub fn from_decisions(decisions: &[bool]) -> Self {
        let longest_rejection = decisions.split(|&accepted| accepted).map(<[bool]>::len).max().unwrap_or(0);
        let accepted = decisions.iter().filter(|&&accepted| accepted).count();
        Self { proposed: decisions.len(), accepted, longest_rejection }
    }

    /// The acceptance rate with its binomial error `sqrt(p (1-p) / N)`, or `None` without proposals.
    ///
    /// Decisions of an independence chain are correlated, so there the error is a lower bound.
    pub fn rate(&self) -> Option<Measured> {
        let n = self.proposed as f64;
        let value = self.accepted as f64 / n;
        (self.proposed > 0).then(|| Measured { value, error: (value * (1.0 - value) / n).sqrt() })
    }
}

/// The mean of `exp(-dH)`, which is 1 exactly for a correct, thermalised HMC (Creutz's equality).
///
/// `dh` is the energy change of every proposal, accepted or not.
///
/// # Errors
/// As [`GammaMethod::mean`]; `NotFinite` also for `dH` so negative that `exp(-dH)` overflows.
pub fn exp_minus_dh(dh: &[f64], method: &GammaMethod) -> Result<GammaEstimate, StatisticsError> {
    let factors: Vec<f64> = dh.iter().map(|dh| (-dh).exp()).collect();
    method.mean(&factors)
}

/// The acceptance rate that a mean energy violation predicts for large volumes,
/// `erfc(sqrt(<dH>) / 2)` (Gupta, Irback, Karsch and Petersson, Phys. Lett. B 242 (1990) 437).
///
/// A mean that fluctuated below zero counts as zero.
pub fn expected_acceptance(mean_dh: f64) -> f64 {
    erfc(mean_dh.max(0.0).sqrt() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::Gaussian;
    use super::*;

    #[test]
    fn decisions_by_hand() {
        let statistics =
            AcceptanceStatistics::from_decisions(&[true, false, false, true, false, false, false, true]);
        assert_eq!(statistics, AcceptanceStatistics { proposed: 8, accepted: 3, longest_rejection: 3 });
        let rate = statistics.rate().unwrap();
        assert_eq!(rate.value, 0.375);
        assert!((rate.error - (0.375f64 * 0.625 / 8.0).sqrt()).abs() < 1e-15);
        assert_eq!(AcceptanceStatistics::from_decisions(&[]).rate(), None);
        assert_eq!(AcceptanceStatistics::from_decisions(&[false; 4]).longest_rejection, 4);
    }

    #[test]
    fn gaussian_energy_violation() {
        // dH of mean s^2/2 and variance s^2 has <exp(-dH)> = 1 and acceptance erfc(s / sqrt(8)).
        let (s, n) = (1.2f64, 100_000);
        let mut gaussian = Gaussian::new(31);
        let dh: Vec<f64> = (0..n).map(|_| s * s / 2.0 + s * gaussian.next()).collect();
        let creutz = exp_minus_dh(&dh, &GammaMethod::default()).unwrap();
        assert!((creutz.value - 1.0).abs() < 4.0 * creutz.error, "{}", creutz.measured());
        // exp(-dH) is log-normal: variance exp(s^2) - 1. Heavy tails: 15% for the error.
        let expected = (((s * s).exp() - 1.0) / n as f64).sqrt();
        assert!((creutz.error / expected - 1.0).abs() < 0.15);

        let decisions: Vec<bool> = dh.iter().map(|dh| gaussian.uniform() < (-dh).exp()).collect();
        let rate = AcceptanceStatistics::from_decisions(&decisions).rate().unwrap();
        assert!((rate.value - expected_acceptance(s * s / 2.0)).abs() < 4.0 * rate.error, "{rate}");
    }

    #[test]
    fn expected_acceptance_of_known_points() {
        assert_eq!(expected_acceptance(0.0), 1.0);
        assert_eq!(expected_acceptance(-0.1), 1.0);
        // erfc(1/2), Abramowitz and Stegun table 7.1.
        assert!((expected_acceptance(1.0) - 0.479_500_122_2).abs() < 1e-10);
    }

    #[test]
    fn overflow_is_an_error() {
        let mut dh = vec![0.1; 20];
        dh[4] = -1000.0;
        assert!(matches!(
            exp_minus_dh(&dh, &GammaMethod::default()),
            Err(StatisticsError::NotFinite { index: 4, .. })
        ));
    }
}
