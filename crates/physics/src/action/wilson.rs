//! Wilson's plaquette action (Wilson 1974), S = β Σ_P (1 − Re tr P / N).

use super::{Action, accumulate_staple_force};
use crate::observable::{planes, plaquette_sums};
use gaugelink_lattice::group::group_name;
use gaugelink_lattice::{GaugeField, MomentumField, Real};

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

    /// S(U) for each chain, of links in either precision. Collective.
    pub fn values<T: Real, const N: usize>(&self, u: &GaugeField<T, N>) -> Vec<f64> {
        let count = (planes(u.lattice().dims()) * u.lattice().volume()) as f64;
        let sums = plaquette_sums(u);
        sums.iter().map(|[space, time]| self.beta * (count - (space + time) / N as f64)).collect()
    }

    /// π ← `keep` π + `scale` × ∂S, fused, as [`accumulate_staple_force`].
    pub fn accumulate<T: Real, const N: usize>(
        &self,
        u: &GaugeField<T, N>,
        p: &mut MomentumField<T, N>,
        scale: f64,
        keep: f64,
    ) {
        let slope = if N == 1 { self.beta } else { self.beta / (2 * N) as f64 };
        accumulate_staple_force(u, p, scale * slope, keep);
    }
}

impl<const N: usize> Action<N> for WilsonAction {
    fn name(&self) -> String {
        format!("Wilson {} beta = {}", group_name(N), self.beta)
    }

    fn value(&self, u: &GaugeField<f64, N>) -> Vec<f64> {
        self.values(u)
    }

    fn kick(&self, u: &GaugeField<f64, N>, p: &mut MomentumField<f64, N>, epsilon: f64) {
        self.accumulate(u, p, -epsilon, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naive::{NaiveLinks, assert_gradient, rough_field};
    use gaugelink_lattice::group::algebra_dim;
    use gaugelink_lattice::{Lattice, LatticeOptions};

    const BETA: f64 = 1.7;

    fn for_all(check: [fn(&[usize]); 3]) {
        for extents in [&[6, 4][..], &[3, 5], &[4, 6, 2], &[4, 2, 3, 8], &[8, 4, 2, 4]] {
            check.iter().for_each(|f| f(extents));
        }
    }

    fn force<const N: usize>(u: &GaugeField<f64, N>) -> MomentumField<f64, N> {
        let mut force = MomentumField::zeroed(u.lattice()).unwrap();
        WilsonAction::new(BETA).kick(u, &mut force, -1.0);
        force
    }

    #[test]
    fn action_and_force_are_those_of_the_plain_formulas() {
        fn check<const N: usize>(extents: &[usize]) {
            let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
            let u = rough_field::<N>(&lattice, 0.6);
            let naive = NaiveLinks::new(&u, 0);
            let (value, expected) =
                (Action::value(&WilsonAction::new(BETA), &u)[0], naive.wilson_action(BETA));
            assert!((value - expected).abs() < 1e-12 * expected, "N={N} {extents:?}: {value} {expected}");
            let force = force(&u);
            let slope = if N == 1 { BETA } else { BETA / (2 * N) as f64 };
            for x in naive.sites() {
                let (block, lane) = u.layout().locate(&x);
                for mu in 0..extents.len() {
                    let expected = naive.staple_force(&x, mu);
                    for a in 0..algebra_dim(N) {
                        let ours = force.get(block, mu * algebra_dim(N) + a, lane);
                        assert!(
                            (ours - slope * expected[a]).abs() < 1e-13,
                            "N={N} {extents:?} {x:?} {mu} {a}"
                        );
                    }
                }
            }
        }
        for_all([check::<1>, check::<2>, check::<3>]);
    }

    #[test]
    fn force_is_the_gradient_of_the_action() {
        fn check<const N: usize>(extents: &[usize]) {
            let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
            assert_gradient(&mut &WilsonAction::new(BETA), &rough_field::<N>(&lattice, 0.6));
        }
        for_all([check::<1>, check::<2>, check::<3>]);
    }
}
