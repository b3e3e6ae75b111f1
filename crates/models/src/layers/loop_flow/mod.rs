//! Gradient flows of Wilson loops (Lüscher, arXiv:0907.5491; Bacchio, Kessel, Schaefer and Vaitl, arXiv:2212.08469), in two
//! dimensions.
//!
//! U = V(1) of the flow that begins at V(0) = V,
//!
//! ```text
//! V̇ = Z V     Z^a = −∂^a S̃_t     S̃_t = Σ_i c_i(t) W_i(V)     d log det/dt = Σ ∂^a Z^a = −Σ_i c_i(t) Δ W_i
//! ```
//!
//! with loops W_i that Lüscher's expansion consists of ([`LoopSet`]), coefficients that are splines in t, and Lüscher's
//! integrator of third order. The Laplacians are sums of the same loops. The parameters are the c_i at the knots, knot by
//! knot; [`LoopFlow::expanded`] are those of the expansion.
//!
//! The map is the one of the integrator, and its inverse and gradients are exact for it. The log det is the integral of the
//! divergence, by the same rule: it is off the map's own by O(h³), summed over the lattice, so that the number of steps has
//! to be large enough for it, which halving them shows.

mod field;
mod jet;
mod path;
mod set;
mod site;
mod spline;
mod step;
#[cfg(test)]
mod tests;
mod words;

pub use field::LoopField;
pub use set::LoopSet;
pub use spline::basis as spline_basis;

use crate::{Layer, ModelError, Undo};
use field::Coefficients;
use gaugelink_lattice::{GaugeField, Lattice, Links, MomentumField, Real};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use step::{STAGES, Stepper, TIMES};

/// Which loops, by the order of Lüscher's expansion that has them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loops {
    /// The plaquette.
    Leading,
    /// With the pairs of plaquettes that share a link or are the same: 8 loops.
    Next,
    /// With three plaquettes, one beside the other: 44 loops.
    Second,
}

impl Loops {
    /// The order: one less than the plaquettes of a loop.
    pub fn order(self) -> usize {
        match self {
            Self::Leading => 0,
            Self::Next => 1,
            Self::Second => 2,
        }
    }

    /// How many there are for N×N links.
    pub fn count(self, n: usize) -> usize {
        LoopSet::new(n, self.order()).count()
    }
}

/// Most knots of a coefficient and most steps: more is a damaged file.
pub const KNOTS_MAX: usize = 1 << 10;
/// Most steps.
pub const STEPS_MAX: usize = 1 << 12;

/// A flow on a lattice.
pub struct LoopFlow<T: Real, const N: usize> {
    stepper: Stepper<T, N>,
    knots: usize,
    /// By step and stage, how much each knot counts.
    shares: Vec<[Vec<f64>; STAGES]>,
    /// Links at the beginning of each step, for the way back.
    starts: Vec<GaugeField<T, N>>,
}

impl<T: Real, const N: usize> LoopFlow<T, N> {
    /// With coefficients through `knots` knots, in `steps` steps of the integrator.
    ///
    /// # Errors
    /// [`ModelError::Parameter`] for no or too many knots or steps; [`ModelError::Geometry`] for a lattice that has not two
    /// dimensions or on which loops meet themselves; no memory.
    pub fn new(lattice: &Arc<Lattice>, loops: Loops, knots: usize, steps: usize) -> Result<Self, ModelError> {
        for (what, count, most) in [("knots", knots, KNOTS_MAX), ("steps", steps, STEPS_MAX)] {
            if !(1..=most).contains(&count) {
                return Err(ModelError::Parameter(format!(
                    "a loop flow of {count} {what}: give 1 to {most}"
                )));
            }
        }
        let share = |step: usize| TIMES.map(|time| spline::basis(knots, (step as f64 + time) / steps as f64));
        let start = |_| GaugeField::cold(lattice);
        Ok(Self {
            stepper: Stepper::new(lattice, loops.order(), 1.0 / steps as f64)?,
            knots,
            shares: (0..steps).map(share).collect(),
            starts: (0..steps).map(start).collect::<Result<_, _>>()?,
        })
    }

    /// Parameters of Lüscher's expansion for Wilson's action at `beta`, to the order of the loops.
    pub fn expanded(loops: Loops, knots: usize, beta: f64) -> Vec<f64> {
        let powers = LoopSet::new(N, loops.order()).expansion(beta);
        let at = |knot: usize| {
            let t = if knots > 1 { knot as f64 / (knots - 1) as f64 } else { 0.5 };
            let terms = |i: usize| powers.iter().rev().fold(0.0, |sum, power| sum * t + power[i]);
            (0..powers[0].len()).map(terms).collect::<Vec<f64>>()
        };
        (0..knots).flat_map(at).collect()
    }

    fn count(&self) -> usize {
        self.stepper.loops.set().count()
    }

    /// The coefficients at the stages of a step.
    fn coefficients(&self, step: usize, parameters: &[f64]) -> [Coefficients; STAGES] {
        std::array::from_fn(|stage| {
            let mut c = vec![0.0; self.count()];
            for (share, knot) in self.shares[step][stage].iter().zip(parameters.chunks_exact(c.len())) {
                c.iter_mut().zip(knot).for_each(|(c, parameter)| *c += share * parameter);
            }
            Coefficients::new(self.stepper.loops.set(), c)
        })
    }
}

impl<T: Real, const N: usize> Layer<T, Links<N>> for LoopFlow<T, N> {
    fn parameters(&self) -> usize {
        self.knots * self.count()
    }

    fn check(&self, parameters: &[f64]) -> Result<(), ModelError> {
        if parameters.iter().all(|c| c.is_finite()) {
            return Ok(());
        }
        Err(ModelError::Parameter("coefficients of a loop flow that are not finite: train it anew".into()))
    }

    fn forward(
        &mut self,
        u: &mut GaugeField<T, N>,
        parameters: &[f64],
        log_det: &mut [f64],
        undo: Option<&mut Undo<T>>,
    ) {
        if let Some(undo) = undo {
            undo.push(u.as_slice());
        }
        for step in 0..self.shares.len() {
            let c = self.coefficients(step, parameters);
            self.stepper.forward(u, &c, log_det);
        }
    }

    fn inverse(
        &mut self,
        u: &mut GaugeField<T, N>,
        parameters: &[f64],
        log_det: &mut [f64],
    ) -> Result<(), ModelError> {
        for step in (0..self.shares.len()).rev() {
            let c = self.coefficients(step, parameters);
            self.stepper.inverse(u, &c, log_det)?;
        }
        Ok(())
    }

    fn restore(&mut self, u: &mut GaugeField<T, N>, undo: &mut Undo<T>) {
        undo.pop(u.as_mut_slice());
    }

    fn vjp(
        &mut self,
        v: &GaugeField<T, N>,
        parameters: &[f64],
        cotangent: &mut MomentumField<T, N>,
        weight: &[f64],
        mut gradient: Option<&mut [f64]>,
    ) {
        let steps = self.shares.len();
        let mut unused = vec![0.0; weight.len()];
        self.starts[0].copy_from(v);
        for step in 0..steps - 1 {
            let c = self.coefficients(step, parameters);
            let (before, after) = self.starts.split_at_mut(step + 1);
            after[0].copy_from(&before[step]);
            self.stepper.forward(&mut after[0], &c, &mut unused);
        }
        for step in (0..steps).rev() {
            let c = self.coefficients(step, parameters);
            let mut by_c: [Vec<f64>; STAGES] = std::array::from_fn(|_| vec![0.0; self.count()]);
            let asked = gradient.is_some().then_some(&mut by_c);
            self.stepper.backward(&self.starts[step], &c, cotangent, weight, asked);
            if let Some(gradient) = gradient.as_deref_mut() {
                for (share, by_c) in self.shares[step].iter().zip(&by_c) {
                    for (share, knot) in share.iter().zip(gradient.chunks_exact_mut(by_c.len())) {
                        knot.iter_mut().zip(by_c).for_each(|(g, by)| *g += share * by);
                    }
                }
            }
        }
    }
}
