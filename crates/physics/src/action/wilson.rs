//! Wilson's plaquette action (Wilson 1974), S = β Σ_P (1 − Re tr P / N).

use super::{Action, accumulate_staple_force};
use crate::observable::{planes, plaquette_sums};
use gaugelink_lattice::group::group_name;
use gaugelink_lattice::{GaugeField, MomentumField};

/// S = β Σ_P (1 − Re tr P / N) over all plaquettes of 2 to 4 dimensions; U(1): S = β Σ (1 − cos θ_P).
///
/// ∂^a S = −(β/N) Re tr(T_a U A), which is β/(2N) times coordinate a of Ta(U A), A the staple sum (for U(1), with
/// generator i, β times it).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WilsonAction {
    /// Inverse coupling: β = 2N/g² for SU(N), 1/g² for U(1).
    pub beta: f64,
}

impl WilsonAction {
    /// The action of inverse coupling β.
    pub fn new(beta: f64) -> Self {
        Self { beta }
    }
}

impl<const N: usize> Action<N> for WilsonAction {
    fn name(&self) -> String {
        format!("Wilson {} beta = {}", group_name(N), self.beta)
    }

    fn value(&self, u: &GaugeField<f64, N>) -> Vec<f64> {
        let count = (planes(u.lattice().dims()) * u.lattice().volume()) as f64;
        let sums = plaquette_sums(u);
        sums.iter().map(|[space, time]| self.beta * (count - (space + time) / N as f64)).collect()
    }

    fn kick(&self, u: &GaugeField<f64, N>, p: &mut MomentumField<f64, N>, epsilon: f64) {
        let slope = if N == 1 { self.beta } else { self.beta / (2 * N) as f64 };
        accumulate_staple_force(u, p, -epsilon * slope, 1.0);
    }
}
