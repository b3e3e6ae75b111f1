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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algebra::naive;
    use gaugelink_lattice::group::from_coordinates;

    fn check<const N: usize>() {
        for k in 0..30 {
            let size = [1e-9, 0.1, 0.5, 0.9][k % 4];
            let wave = |shift: f64| {
                let mut c = [0.0; ALGEBRA_MAX];
                (0..algebra_dim(N)).for_each(|a| c[a] = ((k * 8 + a) as f64 * 1.9 + shift).sin());
                c
            };
            let (mut c, g) = (wave(0.0), wave(0.4));
            c.iter_mut().for_each(|c| *c *= size);
            let a = from_coordinates::<f64, N>(&c);
            let (fast, matrix) = (Frame::new(&a).phi_minus(&g), naive::phi_minus(&a));
            for i in 0..algebra_dim(N) {
                let expected: f64 = (0..algebra_dim(N)).map(|j| matrix[i][j] * g[j]).sum();
                assert!((fast[i] - expected).abs() < 4e-15, "N={N} size {size}: {} {expected}", fast[i]);
            }
        }
    }

    #[test]
    fn agrees_with_the_plain_series() {
        check::<1>();
        check::<2>();
        check::<3>();
    }
}
