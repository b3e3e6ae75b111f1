//! Averages with control variates: what they explain of an observable is taken off it.

use super::StatisticsError;
use super::least_squares::least_squares;
use nalgebra::{DMatrix, DVector};

/// Measurements needed for each control.
const EACH: usize = 4;

/// An observable along chains, each measurement with its controls and its weight.
#[derive(Clone, Debug, Default)]
pub struct Controlled {
    /// `[chain][measurement]`
    pub values: Vec<Vec<f64>>,
    /// `[chain][measurement][control]`; each control has the average 0.
    pub controls: Vec<Vec<Vec<f64>>>,
    /// ln of the weight of each measurement, `[chain][measurement]`; empty where all are the same.
    pub log_weights: Vec<Vec<f64>>,
}

impl Controlled {
    /// The observable less Σ_k c_k × control k, with the c that leave the least (weighted) variance.
    ///
    /// Those of the first half of each chain come from the second halves, and the other way round: a coefficient that has seen
    /// the fluctuations which it is to take away would take some of the average with it.
    ///
    /// # Errors
    /// [`StatisticsError::TooFew`] with less than four measurements a control in a half; [`StatisticsError::Constant`] where the
    /// controls are.
    pub fn without_controls(&self) -> Result<Vec<Vec<f64>>, StatisticsError> {
        let halves = [0, 1].map(|half| self.coefficients(half));
        let [first, second] = halves;
        let (first, second) = (first?, second?);
        let corrected = |chain: usize, at: usize| {
            let c = if at < self.middle(chain) { &second } else { &first };
            let controls = &self.controls[chain][at];
            self.values[chain][at] - c.iter().zip(controls).map(|(c, g)| c * g).sum::<f64>()
        };
        let of_chain = |chain: usize| (0..self.values[chain].len()).map(|at| corrected(chain, at)).collect();
        Ok((0..self.values.len()).map(of_chain).collect())
    }

    fn middle(&self, chain: usize) -> usize {
        self.values[chain].len() / 2
    }

    /// From the first (0) or second (1) halves of all chains.
    fn coefficients(&self, half: usize) -> Result<Vec<f64>, StatisticsError> {
        let places = (0..self.values.len()).flat_map(|chain| {
            let (middle, end) = (self.middle(chain), self.values[chain].len());
            (if half == 0 { 0..middle } else { middle..end }).map(move |at| (chain, at))
        });
        let places: Vec<(usize, usize)> = places.collect();
        let count = places.first().map_or(0, |&(chain, at)| self.controls[chain][at].len());
        if count == 0 || places.len() < EACH * count {
            let (got, needed) = (2 * places.len(), 2 * EACH * count.max(1));
            return Err(StatisticsError::TooFew { got, needed });
        }
        let log_weight = |&(chain, at): &(usize, usize)| self.log_weights.get(chain).map_or(0.0, |w| w[at]);
        let largest = places.iter().map(log_weight).fold(f64::NEG_INFINITY, f64::max);
        let roots: Vec<f64> = places.iter().map(|p| (0.5 * (log_weight(p) - largest)).exp()).collect();
        let all: f64 = roots.iter().map(|root| root * root).sum();
        let mean = |of: &dyn Fn(usize, usize) -> f64| {
            let sum = places.iter().zip(&roots).map(|(&(chain, at), root)| root * root * of(chain, at));
            sum.sum::<f64>() / all
        };
        let value = mean(&|chain, at| self.values[chain][at]);
        let means: Vec<f64> = (0..count).map(|k| mean(&|chain, at| self.controls[chain][at][k])).collect();
        let features = DMatrix::from_fn(places.len(), count, |row, k| {
            let (chain, at) = places[row];
            roots[row] * (self.controls[chain][at][k] - means[k])
        });
        let values = DVector::from_fn(places.len(), |row, _| {
            let (chain, at) = places[row];
            roots[row] * (self.values[chain][at] - value)
        });
        let solution = least_squares(&features.tr_mul(&features), &features.tr_mul(&values));
        let constant = StatisticsError::Constant { value: means[0], length: places.len() };
        Ok(solution.ok_or(constant)?.as_slice().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{Gaussian, autoregressive, moments};
    use super::*;

    /// O = 3 + 2 g₀ − g₁ + 0.1 × noise, with a third control that is twice the first.
    fn sample(gaussian: &mut Gaussian, chains: usize, length: usize) -> Controlled {
        let mut sample = Controlled::default();
        for _ in 0..chains {
            let [a, b] = [0.5, 0.0].map(|rho| autoregressive(gaussian, rho, 0.0, length));
            let noise = gaussian.series(length);
            let value = |t: usize| 3.0 + 2.0 * a[t] - b[t] + 0.1 * noise[t];
            sample.values.push((0..length).map(value).collect());
            sample.controls.push((0..length).map(|t| vec![a[t], b[t], 2.0 * a[t]]).collect());
        }
        sample
    }

    #[test]
    fn what_the_controls_explain_is_gone_and_the_average_stays() {
        let sample = sample(&mut Gaussian::new(31), 3, 4000);
        let rest = sample.without_controls().unwrap().concat();
        let (mean, variance) = moments(&rest);
        assert!((variance / 0.01 - 1.0).abs() < 0.05, "{variance}");
        assert!((mean - 3.0).abs() < 3.0 * 0.1 / (rest.len() as f64).sqrt(), "{mean}");
    }

    /// With as few measurements as are allowed: fitted to themselves, means of heavy-tailed values would be off.
    #[test]
    fn few_measurements_do_not_bend_the_average() {
        let (mut gaussian, sets) = (Gaussian::new(32), 4000);
        let means: Vec<f64> = (0..sets)
            .map(|_| {
                let g = gaussian.series(8);
                // The control is not independent of the deviation it cannot explain.
                let values: Vec<f64> = g.iter().map(|g| g + g * g).collect();
                let controls = g.iter().map(|&g| vec![g]).collect();
                let sample =
                    Controlled { values: vec![values], controls: vec![controls], ..Controlled::default() };
                moments(&sample.without_controls().unwrap().concat()).0
            })
            .collect();
        let (mean, variance) = moments(&means);
        let sigma = (variance / f64::from(sets)).sqrt();
        assert!((mean - 1.0).abs() < 3.0 * sigma && sigma < 0.02, "{mean} {sigma}");
    }

    /// Draws from N(0, 1) with weights of N(m, 1): x − m is a control there, and x² = 1 + m² + 2m (x − m) + ...
    #[test]
    fn weighted_controls_have_weighted_coefficients() {
        let (m, mut gaussian) = (0.5, Gaussian::new(33));
        let x = gaussian.series(40_000);
        let sample = Controlled {
            values: vec![x.iter().map(|x| 2.0 * m * x).collect()],
            controls: vec![x.iter().map(|x| vec![x - m]).collect()],
            log_weights: vec![x.iter().map(|x| m * x - 0.5 * m * m).collect()],
        };
        for rest in sample.without_controls().unwrap().concat() {
            assert!((rest - 2.0 * m * m).abs() < 1e-6, "{rest}");
        }
    }

    #[test]
    fn too_few_measurements_are_refused() {
        let mut sample = sample(&mut Gaussian::new(34), 1, 22);
        assert_eq!(sample.without_controls(), Err(StatisticsError::TooFew { got: 22, needed: 24 }));
        sample.controls = vec![vec![vec![0.0]; 22]];
        assert!(matches!(sample.without_controls(), Err(StatisticsError::Constant { .. })));
        assert!(Controlled::default().without_controls().is_err());
    }
}
