//! The derivative of the exponential.

use super::Frame;
use super::series::{TERMS, alternating};
use gaugelink_lattice::Num;
use gaugelink_lattice::group::{ALGEBRA_MAX, algebra_dim};

/// (1 − e^{−x})/x is E(y) − x O(y) with y = −x²: E = Σ (−y)^k/(2k+1)!, O = Σ (−y)^k/(2k+2)!; from y on, over y.
const EVEN: [f64; TERMS] = alternating(1);
const ODD: [f64; TERMS] = alternating(2);

impl<V: Num, const N: usize> Frame<V, N> {
    /// φ(−ad) g with φ(x) = (eˣ − 1)/x, exact to rounding while the eigenvalues of A differ by less than 4.
    ///
    /// φ(ad) takes δA to δ(e^A) e^{−A}, and φ(−ad) is its transpose; e^{−ad} g is g − ad φ(−ad) g.
    #[inline(always)]
    pub fn phi_minus(&self, g: &[V; ALGEBRA_MAX]) -> [V; ALGEBRA_MAX] {
        if N == 1 {
            return *g;
        }
        let (even, odd) = (self.invariants.reduce(&EVEN), self.invariants.reduce(&ODD));
        let (mut e, mut o, mut power) = (*g, *g, *g);
        for a in 0..algebra_dim(N) {
            o[a] = g[a] * V::splat(0.5);
        }
        for k in 0..3 {
            let next = self.commutator(&self.commutator(&power));
            for a in 0..algebra_dim(N) {
                // −ad² of the last power.
                power[a] = -next[a];
                e[a] = even[k].mul_add(power[a], e[a]);
                o[a] = odd[k].mul_add(power[a], o[a]);
            }
        }
        let turned = self.commutator(&o);
        for a in 0..algebra_dim(N) {
            e[a] = e[a] - turned[a];
        }
        e
    }
}
