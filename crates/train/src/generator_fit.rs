//! Coefficients of a loop flow by least squares: no gradient through a flow is needed.
//!
//! A flow with the generator S̃_t takes Haar measure to p_t ∝ exp(−t S) at every t if Lüscher's equation holds
//! (arXiv:0907.5491, equation 3.4),
//!
//! ```text
//! −Δ S̃_t + t ∂S·∂S̃_t = S + C_t
//! ```
//!
//! With S̃_t = Σ c_i(t) W_i the left side is linear in the coefficients. What is left of it is the rate at which the
//! logarithm of the importance weight changes along the flow, so that its variance over p_t, summed over t, is what is made
//! least: links are drawn from p_t by heat bath, and c_i(t) = Σ_k B_k(t) c_ik with splines B_k makes one linear system of it
//! all.

use crate::TrainError;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions, MomentumField};
use gaugelink_models::layers::{LoopField, Loops, spline_basis};
use gaugelink_physics::action::WilsonAction;
use gaugelink_physics::update::HeatBath;
use gaugelink_sampler::controls::loop_features;
use gaugelink_sampler::statistics::least_squares;
use nalgebra::{DMatrix, DVector};

/// What is fitted, and from how many links.
#[derive(Clone, Copy, Debug)]
pub struct GeneratorFit {
    /// The loops.
    pub loops: Loops,
    /// Knots of the coefficients.
    pub knots: usize,
    /// β of Wilson's action.
    pub beta: f64,
    /// Configurations at each time, in batches of 8.
    pub samples: usize,
    /// Seed of the heat bath.
    pub seed: u64,
    /// Threads.
    pub threads: usize,
}

/// Chains side by side.
pub const CHAINS: usize = 8;
/// Sweeps before the first configuration of a time, and between two.
const THERMALISE: u64 = 40;
const SWEEPS: u64 = 4;
/// Times for each knot.
const TIMES: usize = 3;
/// The coefficients, and at each time what is left of the equation, as a fraction of the variance of the action.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// Parameters of the layer.
    pub parameters: Vec<f64>,
    /// (t, variance of what is left / variance of S)
    pub left: Vec<(f64, f64)>,
}

/// Second moments at one time.
struct Moments {
    time: f64,
    basis: Vec<f64>,
    features: DMatrix<f64>,
    with_action: DVector<f64>,
    action: f64,
}

impl GeneratorFit {
    /// Fits on a lattice of these extents, which is periodic and even.
    ///
    /// # Errors
    /// Those of the loops for the lattice; [`TrainError::Setting`] for too few samples or where there is no solution.
    pub fn fit<const N: usize>(&self, extents: &[usize]) -> Result<Fitted, TrainError> {
        let lanes = LaneMeaning::Batch { chains: CHAINS };
        let options = LatticeOptions { threads: self.threads, lanes, ..LatticeOptions::default() };
        let lattice = Lattice::new(extents, options)?;
        let mut loops = LoopField::<f64, N>::new(&lattice, self.loops.order())?;
        let count = loops.set().count();
        if self.samples < 2 * count {
            return Err(TrainError::Setting(format!(
                "{} configurations at each time for {count} loops: give {} or more",
                self.samples,
                2 * count
            )));
        }
        let mut u = GaugeField::cold(&lattice)?;
        let mut force = MomentumField::zeroed(&lattice)?;
        let times = (TIMES * self.knots).max(8);
        let moments: Vec<Moments> = (0..times)
            .map(|index| {
                let time = (index as f64 + 0.5) / times as f64;
                self.moments(&mut loops, &mut u, &mut force, (index, time))
            })
            .collect::<Result<_, _>>()?;
        let parameters = solve(&moments, self.knots, count).ok_or_else(|| {
            TrainError::Setting("the fit of a generator has no solution: give more samples".into())
        })?;
        let left = moments.iter().map(|m| (m.time, m.left(&parameters))).collect();
        Ok(Fitted { parameters: parameters.as_slice().to_vec(), left })
    }

    fn moments<const N: usize>(
        &self,
        loops: &mut LoopField<f64, N>,
        u: &mut GaugeField<f64, N>,
        force: &mut MomentumField<f64, N>,
        (index, time): (usize, f64),
    ) -> Result<Moments, TrainError> {
        let count = loops.set().count();
        let action = WilsonAction::new(self.beta);
        let heat_bath = HeatBath { beta: self.beta * time };
        let address = Address::new(self.seed, Purpose::HeatBath).chain((index * CHAINS) as u64);
        let (mut sweep, mut rows, mut actions) = (0, Vec::new(), Vec::new());
        while actions.len() < self.samples {
            let until = sweep + if sweep == 0 { THERMALISE } else { SWEEPS };
            while sweep < until {
                heat_bath.sweep(u, address.trajectory(sweep))?;
                sweep += 1;
            }
            action.accumulate(u, force, 1.0, 0.0);
            actions.extend(action.values(u));
            rows.extend(loop_features(loops, u, force, time).into_iter().flatten());
        }
        let samples = actions.len();
        let mut features = DMatrix::from_row_slice(samples, count, &rows);
        for mut column in features.column_iter_mut() {
            let mean = column.mean();
            column.add_scalar_mut(-mean);
        }
        let mut actions = DVector::from_vec(actions);
        let mean = actions.mean();
        actions.add_scalar_mut(-mean);
        let per = 1.0 / samples as f64;
        Ok(Moments {
            time,
            basis: spline_basis(self.knots, time),
            features: features.tr_mul(&features) * per,
            with_action: features.tr_mul(&actions) * per,
            action: actions.norm_squared() * per,
        })
    }
}

impl Moments {
    /// The variance of what is left, relative to that of the action.
    fn left(&self, parameters: &DVector<f64>) -> f64 {
        let count = self.with_action.len();
        let c = DVector::from_fn(count, |i, _| {
            self.basis.iter().enumerate().map(|(k, b)| b * parameters[k * count + i]).sum()
        });
        1.0 + ((&self.features * &c).dot(&c) - 2.0 * self.with_action.dot(&c)) / self.action
    }
}

/// The least sum over times.
fn solve(moments: &[Moments], knots: usize, count: usize) -> Option<DVector<f64>> {
    let mut normal = DMatrix::<f64>::zeros(knots * count, knots * count);
    let mut right = DVector::zeros(knots * count);
    for m in moments {
        for (k, bk) in m.basis.iter().enumerate() {
            right.rows_mut(k * count, count).axpy(*bk, &m.with_action, 1.0);
            for (l, bl) in m.basis.iter().enumerate() {
                let mut block = normal.view_mut((k * count, l * count), (count, count));
                block += &m.features * (bk * bl);
            }
        }
    }
    least_squares(&normal, &right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaugelink_models::layers::{LoopFlow, LoopSet};

    /// At a small coupling the fit finds Lüscher's expansion; U(1), whose loops are independent.
    #[test]
    fn a_fit_at_small_coupling_is_the_expansion() {
        let (loops, beta) = (Loops::Next, 0.1);
        let fit = GeneratorFit { loops, knots: 2, beta, samples: 256, seed: 3, threads: 1 };
        let fitted = fit.fit::<1>(&[6, 6]).unwrap();
        let expanded = LoopFlow::<f64, 1>::expanded(loops, 2, beta);
        let leading = expanded[0].abs();
        for (k, (fitted, expanded)) in fitted.parameters.iter().zip(&expanded).enumerate() {
            assert!((fitted - expanded).abs() < 0.01 * leading, "{k}: {fitted} {expanded}");
        }
        let (knot, next) = (LoopSet::new(1, 1).count(), 1);
        let slope = fitted.parameters[knot + next] - fitted.parameters[next];
        let expected = expanded[knot + next] - expanded[next];
        assert!((slope / expected - 1.0).abs() < 0.2, "{slope} {expected}");
        assert!(fitted.left.iter().all(|(_, left)| *left < 1e-4), "{:?}", fitted.left);
    }

    /// Larger sets leave less.
    #[test]
    fn more_loops_leave_less() {
        let left = [Loops::Leading, Loops::Next, Loops::Second].map(|loops| {
            let fit = GeneratorFit { loops, knots: 4, beta: 4.0, samples: 512, seed: 5, threads: 1 };
            let left = fit.fit::<3>(&[6, 6]).unwrap().left;
            left.iter().map(|(_, left)| left).sum::<f64>() / left.len() as f64
        });
        println!("left of the variance: {left:?}");
        assert!(left[1] < 0.3 * left[0] && left[2] < 0.5 * left[1], "{left:?}");
    }
}
