//! Draws from one flow or from several: a density q on the links that can be drawn from and asked for.
//!
//! A mixture q = Σ_k s_k q_k draws from flow k with probability s_k, each chain for itself, and the density of what was drawn
//! takes all flows. Where one of them covers what another misses, no weight e^{−S}/q is larger than with the first alone by
//! more than 1/s_k (Hackett et al., arXiv:2107.00734).

use crate::transformation::{Transformation, TransformationError};
use gaugelink_lattice::rng::{Address, global_uniform};
use gaugelink_lattice::{GaugeField, Lattice, LatticeError};
use std::sync::Arc;

/// Flows from Haar measure, each with its share of the draws.
pub struct Mixture<F, const N: usize> {
    flows: Vec<F>,
    /// They add up to 1.
    shares: Vec<f64>,
    base: GaugeField<f64, N>,
    /// What one of several flows draws.
    image: Option<GaugeField<f64, N>>,
    log_det: Vec<f64>,
}

impl<F: Transformation<N>, const N: usize> Mixture<F, N> {
    /// Of flows placed on `lattice`, and how often each draws, relative to the others.
    ///
    /// # Errors
    /// No memory.
    ///
    /// # Panics
    /// Without flows, for another number of shares, and for shares that are not positive.
    pub fn new(lattice: &Arc<Lattice>, flows: Vec<F>, shares: &[f64]) -> Result<Self, LatticeError> {
        assert!(!flows.is_empty() && flows.len() == shares.len(), "a share for each flow");
        assert!(shares.iter().all(|&share| share > 0.0 && share.is_finite()), "positive shares");
        let all: f64 = shares.iter().sum();
        let image = if flows.len() > 1 { Some(GaugeField::cold(lattice)?) } else { None };
        Ok(Self {
            flows,
            shares: shares.iter().map(|share| share / all).collect(),
            base: GaugeField::cold(lattice)?,
            image,
            log_det: vec![0.0; lattice.chains()],
        })
    }

    /// Of one flow.
    ///
    /// # Errors
    /// No memory.
    pub fn of_one(lattice: &Arc<Lattice>, flow: F) -> Result<Self, LatticeError> {
        Self::new(lattice, vec![flow], &[1.0])
    }

    /// The flows.
    pub fn flows(&self) -> &[F] {
        &self.flows
    }

    /// `u` ← links drawn from q, `log_q` ← ln q of them with respect to Haar measure. Collective.
    ///
    /// # Errors
    /// Those of the flows.
    pub fn draw(
        &mut self,
        u: &mut GaugeField<f64, N>,
        log_q: &mut [f64],
        address: Address,
    ) -> Result<(), TransformationError> {
        self.base.draw_haar(address);
        let Some(image) = &mut self.image else {
            self.flows[0].forward(&self.base, u, &mut self.log_det)?;
            log_q.iter_mut().zip(&self.log_det).for_each(|(log_q, log_det)| *log_q = -log_det);
            return Ok(());
        };
        let chosen = chosen(&self.shares, log_q.len(), address);
        for (k, flow) in self.flows.iter_mut().enumerate() {
            let own: Vec<bool> = chosen.iter().map(|&choice| choice == k).collect();
            if own.contains(&true) {
                flow.forward(&self.base, image, &mut self.log_det)?;
                u.copy_chains_from(image, &own);
            }
        }
        self.log_density(u, log_q)
    }

    /// `log_q` ← ln q of links, with respect to Haar measure. Collective.
    ///
    /// # Errors
    /// Those of the flows' inverses.
    pub fn log_density(
        &mut self,
        u: &GaugeField<f64, N>,
        log_q: &mut [f64],
    ) -> Result<(), TransformationError> {
        log_q.fill(f64::NEG_INFINITY);
        for (flow, share) in self.flows.iter_mut().zip(&self.shares) {
            // The log det of the inverse is the flow's ln q; that of a single flow is taken as it is.
            flow.inverse(u, &mut self.base, &mut self.log_det)?;
            for (log_q, log_det) in log_q.iter_mut().zip(&self.log_det) {
                *log_q = log_sum(*log_q, log_det + share.ln());
            }
        }
        Ok(())
    }
}

/// The flow that each chain draws from.
fn chosen(shares: &[f64], chains: usize, address: Address) -> Vec<usize> {
    let choose = |uniform: f64| {
        let mut below = 0.0;
        let found = shares.iter().position(|share| {
            below += share;
            uniform <= below
        });
        // Shares add up to 1 to rounding.
        found.unwrap_or(shares.len() - 1)
    };
    global_uniform(chains, address).into_iter().map(choose).collect()
}

/// ln(eᵃ + eᵇ).
fn log_sum(a: f64, b: f64) -> f64 {
    let (less, more) = if a < b { (a, b) } else { (b, a) };
    if less == f64::NEG_INFINITY { more } else { more + (less - more).exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaugelink_lattice::rng::Purpose;

    #[test]
    fn each_flow_draws_its_share() {
        let (shares, draws) = ([0.1, 0.6, 0.3], 20_000);
        let mut counts = [0; 3];
        for trajectory in 0..draws / 4 {
            let address = Address::new(8, Purpose::Proposal).trajectory(trajectory);
            chosen(&shares, 4, address).into_iter().for_each(|k| counts[k] += 1);
        }
        for (count, share) in counts.into_iter().zip(shares) {
            let sigma = (share * (1.0 - share) / draws as f64).sqrt();
            let rate = f64::from(count) / draws as f64;
            assert!((rate - share).abs() < 3.0 * sigma, "{rate} {share}");
        }
    }

    #[test]
    fn sums_of_logarithms_do_not_overflow() {
        assert!((log_sum(2f64.ln(), 3f64.ln()) - 5f64.ln()).abs() < 1e-15);
        assert!((log_sum(-1e5, -1e5) + 1e5 - 2f64.ln()).abs() < 1e-9);
        assert_eq!(log_sum(f64::NEG_INFINITY, 4.5), 4.5);
        assert!(log_sum(f64::NAN, 1.0).is_nan() && log_sum(1.0, f64::NAN).is_nan());
    }
}
