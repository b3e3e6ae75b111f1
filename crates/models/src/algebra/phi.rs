//! The derivative of the exponential.

use super::adjoint::{Operator, apply};
use super::series::{Invariants, TERMS, alternating};
use gaugelink_lattice::Num;
use gaugelink_lattice::group::{ALGEBRA_MAX, algebra_dim};

/// (1 − e^{−x})/x is E(y) − x O(y) with y = −x²: E = Σ (−y)^k/(2k+1)!, O = Σ (−y)^k/(2k+2)!; from y on, over y.
const EVEN: [f64; TERMS] = alternating(1);
const ODD: [f64; TERMS] = alternating(2);

/// φ(−ad) g with φ(x) = (eˣ − 1)/x, exact to rounding while the eigenvalues of A differ by less than 4.
///
/// φ(ad) takes δA to δ(e^A) e^{−A}, and φ(−ad) is its transpose; e^{−ad} g is g − ad φ(−ad) g.
#[inline(always)]
pub fn phi_minus<V: Num, const N: usize>(
    ad: &Operator<V>,
    invariants: &Invariants<V>,
    g: &[V; ALGEBRA_MAX],
) -> [V; ALGEBRA_MAX] {
    if N == 1 {
        return *g;
    }
    let (even, odd) = (invariants.reduce(&EVEN), invariants.reduce(&ODD));
    let mut e = *g;
    let mut o = *g;
    for a in 0..algebra_dim(N) {
        o[a] = g[a] * V::splat(0.5);
    }
    let mut power = *g;
    for k in 0..3 {
        // −ad² on the last power.
        power = apply::<V, N>(ad, &apply::<V, N>(ad, &power));
        for a in 0..algebra_dim(N) {
            power[a] = -power[a];
            e[a] = even[k].mul_add(power[a], e[a]);
            o[a] = odd[k].mul_add(power[a], o[a]);
        }
    }
    let turned = apply::<V, N>(ad, &o);
    for a in 0..algebra_dim(N) {
        e[a] = e[a] - turned[a];
    }
    e
}
