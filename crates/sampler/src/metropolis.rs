//! The accept step (Metropolis, Rosenbluth, Rosenbluth, Teller and Teller, J. Chem. Phys. 21 (1953) 1087).

use gaugelink_lattice::rng::{Address, Purpose, global_uniform};

/// Which chains take their proposal: each with probability min(1, e^{−ΔH}), none whose ΔH is not a number. Collective.
///
/// Draws one number for each chain from `address`, with the purpose of accept steps.
pub fn accept(delta_h: &[f64], address: Address) -> Vec<bool> {
    let draws = global_uniform(delta_h.len(), Address { purpose: Purpose::Accept, ..address });
    delta_h.iter().zip(draws).map(|(dh, draw)| draw <= (-dh).exp()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_the_rule() {
        let (mut taken, updates) = ([0; 4], 4000);
        for trajectory in 0..updates {
            let address = Address::new(5, Purpose::Start).trajectory(trajectory);
            let accepted = accept(&[-1.0, 0.5, f64::NAN, f64::NEG_INFINITY], address);
            taken.iter_mut().zip(accepted).for_each(|(taken, accepted)| *taken += u64::from(accepted));
        }
        let rate = taken[1] as f64 / updates as f64;
        assert_eq!([taken[0], taken[2], taken[3]], [updates, 0, updates]);
        // Three sigma of 4000 draws.
        assert!((rate - (-0.5f64).exp()).abs() < 0.024, "{rate}");
    }
}
