//! Spinors as other codes store them, turned into this library's basis and back.

use super::spinor::SpinorField;
use gaugelink_lattice::{Complex, DIM_MAX, Real};
use std::f64::consts::TAU;

/// With tmLQCD's γ_k = [[0, −iσ_k], [iσ_k, 0]] and γ_t = [[0, −1], [−1, 0]] (nissa's files have it, too) and V γ' V† = γ:
/// component s of V ψ' is this sign times this component of ψ'. V is its own inverse.
const TMLQCD: [(usize, f64); 4] = [(3, 1.0), (2, -1.0), (1, -1.0), (0, 1.0)];

impl<T: Real, const N: usize> SpinorField<T, N> {
    /// Turns spinors as tmLQCD and nissa store them into the library's: the basis, and the phases of the boundary, which
    /// they spread evenly over the sites of a direction and the library has at the edge. `phases` are those of x, y, z, t
    /// over 2π: ½ is antiperiodic. Collective.
    pub fn turn_from_tmlqcd(&mut self, phases: [f64; DIM_MAX]) {
        self.turn(phases, 1.0);
    }

    /// The inverse of [`Self::turn_from_tmlqcd`]. Collective.
    pub fn turn_to_tmlqcd(&mut self, phases: [f64; DIM_MAX]) {
        self.turn(phases, -1.0);
    }

    fn turn(&mut self, phases: [f64; DIM_MAX], sign: f64) {
        let extents = self.lattice().geometry().extents();
        for block in 0..self.layout().blocks() {
            for lane in 0..T::LANES {
                let x = self.layout().site(block, lane);
                let turns: f64 = (0..DIM_MAX).map(|mu| phases[mu] * x[mu] as f64 / extents[mu] as f64).sum();
                let (im, re) = (sign * TAU * turns).sin_cos();
                let phase = Complex::new(T::from_f64(re), T::from_f64(im));
                for c in 0..N {
                    let theirs = [0, 1, 2, 3].map(|s| {
                        let part = |im: usize| self.get(block, 2 * (s * N + c) + im, lane);
                        Complex::new(part(0), part(1))
                    });
                    for (s, (from, sign)) in TMLQCD.into_iter().enumerate() {
                        let z = (theirs[from] * phase).scale(T::from_f64(sign));
                        self.set(block, 2 * (s * N + c), lane, z.re);
                        self.set(block, 2 * (s * N + c) + 1, lane, z.im);
                    }
                }
            }
        }
        self.exchange();
    }
}
