//! The best weights of the parallel-transport layer in closed form.
//!
//! For v complex Gaussian and u = D v, Σ ‖M u − v‖² (Lehner and Wettig 2023, arXiv:2302.05419) is quadratic in the real
//! weights a of M = Σ a_i M_i: with G_ij = Re⟨M_i u, M_j u⟩ and h_i = Re⟨M_i u, v⟩ its minimum is at G a = h. A few
//! vectors suffice, because each averages over the whole lattice.

use super::parallel_transport::TransportWeights;
use crate::ModelError;
use gaugelink_lattice::Real;
use gaugelink_lattice::rng::Address;
use gaugelink_physics::dirac::{SpinorField, Wilson};
use gaugelink_physics::solver::LinearOperator;

/// Weights and what is left of the loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TransportFit {
    /// The minimum.
    pub weights: TransportWeights,
    /// Σ ‖M D v − v‖² / Σ ‖v‖² there: 0 for an exact inverse, 1 for M = 0.
    pub loss: f64,
    /// Gaussian vectors behind it, over all chains.
    pub vectors: usize,
}

/// Weights of the layer.
const WEIGHTS: usize = 3;
/// M_i = a + b H + c H† for i = 1, 2; M_0 = 1.
const HOPS: [[f64; 3]; WEIGHTS - 1] = [[0.0, 0.5, 0.5], [0.0, -0.5, 0.5]];

/// Fits the weights to D with `vectors` Gaussian vectors (samples `address.sample` and on) for each chain of the batch;
/// all chains share the weights. Collective.
///
/// # Errors
/// [`ModelError::Parameter`] for no vectors, or links on which the three parts of M cannot be told apart; out of memory.
pub fn fit<T: Real, const N: usize>(
    wilson: &Wilson<'_, T, N>,
    vectors: usize,
    address: Address,
) -> Result<TransportFit, ModelError> {
    if vectors == 0 {
        return Err(ModelError::Parameter("a fit needs vectors: give 1 or more, 4 are plenty".into()));
    }
    let (mut v, mut u) = (wilson.vector()?, wilson.vector()?);
    let mut hops = [wilson.vector()?, wilson.vector()?];
    let sum = |a: &SpinorField<T, N>, b: &SpinorField<T, N>| -> f64 {
        a.inner_product(b).iter().map(|z| z.re).sum()
    };
    let (mut gram, mut target, mut v2) = ([[0.0; WEIGHTS]; WEIGHTS], [0.0; WEIGHTS], 0.0);
    for sample in 0..vectors as u64 {
        v.set_gaussian(address.sample(address.sample + sample));
        wilson.apply(&mut u, &v);
        for (hop, coefficients) in hops.iter_mut().zip(HOPS) {
            wilson.both_hops(hop, &u, coefficients);
        }
        let parts = [&u, &hops[0], &hops[1]];
        for i in 0..WEIGHTS {
            target[i] += sum(parts[i], &v);
            for j in 0..=i {
                gram[i][j] += sum(parts[i], parts[j]);
            }
        }
        v2 += sum(&v, &v);
    }
    let a = solve(&gram, &target).ok_or_else(|| {
        let text =
            "on these links hops cannot be told from the site itself: fit on a thermalised configuration";
        ModelError::Parameter(text.into())
    })?;
    // At the minimum ‖M u − v‖² = ‖v‖² − Σ a_i h_i.
    let left = (v2 - a.iter().zip(&target).map(|(a, h)| a * h).sum::<f64>()).max(0.0);
    Ok(TransportFit {
        weights: TransportWeights { site: a[0], hop: a[1], spin_hop: a[2] },
        loss: left / v2,
        vectors: vectors * wilson.links().lattice().chains(),
    })
}

/// Solves G a = h by Cholesky's decomposition of the lower triangle of G; `None` where G is singular.
fn solve(gram: &[[f64; WEIGHTS]; WEIGHTS], target: &[f64; WEIGHTS]) -> Option<[f64; WEIGHTS]> {
    let mut l = [[0.0; WEIGHTS]; WEIGHTS];
    for i in 0..WEIGHTS {
        for j in 0..=i {
            let rest = (0..j).fold(gram[i][j], |sum, k| sum - l[i][k] * l[j][k]);
            if i != j {
                l[i][j] = rest / l[j][j];
            } else if rest > f64::EPSILON.sqrt() * gram[i][i] {
                l[i][i] = rest.sqrt();
            } else {
                return None;
            }
        }
    }
    let mut a = *target;
    for i in 0..WEIGHTS {
        a[i] = (0..i).fold(a[i], |sum, k| sum - l[i][k] * a[k]) / l[i][i];
    }
    for i in (0..WEIGHTS).rev() {
        a[i] = (i + 1..WEIGHTS).fold(a[i], |sum, k| sum - l[k][i] * a[k]) / l[i][i];
    }
    Some(a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_systems_are_solved_and_singular_ones_refused() {
        // (1, 2, 3) times a positive matrix; only its lower triangle is read.
        let gram = [[4.0, f64::NAN, f64::NAN], [2.0, 5.0, f64::NAN], [-1.0, 1.0, 3.0]];
        let a = solve(&gram, &[5.0, 15.0, 10.0]).unwrap();
        for (a, expected) in a.iter().zip([1.0, 2.0, 3.0]) {
            assert!((a - expected).abs() < 1e-14, "{a} {expected}");
        }
        assert_eq!(solve(&[[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]], &[1.0; 3]), None);
    }
}
