//! The hopping term of Wilson's operator as a site body.
//!
//! (H ψ)(x) = Σ_mu [(1 − γ_mu) U_mu(x) ψ(x+mu) + (1 + γ_mu) U_mu(x−mu)† ψ(x−mu)], and H† with the signs of γ_mu
//! exchanged. 1 ± γ_mu has rank 2: with γ = [[0, A], [A†, 0]] the upper half h = ψ_up ± A ψ_low is carried by the
//! link alone and the lower half of the result is ± A† of the upper one. 1320 flop a site for SU(3).
//!
//! The body knows neither fields nor lanes: the same text runs on block rows, on single sites and in a recorder.

use super::gamma::UPPER;
use super::spinor::Spinor;
use gaugelink_lattice::{Complex, Num, backward, forward};

/// Two of the four spin components.
pub type HalfSpinor<V, const N: usize> = [[Complex<V>; N]; 2];

/// Where the hop at one site finds its spinors and links.
pub trait HopSource<V: Num, const N: usize> {
    /// ψ_{spin, colour} of the neighbour reached by `step`, in the neighbour's lanes.
    fn spinor(&self, step: usize, spin: usize, colour: usize) -> Complex<V>;
    /// The link between the site and the neighbour: U_mu(x) for a step forwards; U_mu(x−mu), in the neighbour's
    /// lanes, for a step backwards.
    fn link(&self, step: usize, row: usize, column: usize) -> Complex<V>;
    /// Brings a half spinor from the neighbour's lanes into the site's and multiplies it by the boundary phase.
    fn arrive(&self, step: usize, half: HalfSpinor<V, N>) -> HalfSpinor<V, N>;
}

/// `a + i^power b`.
#[inline(always)]
fn add_power<V: Num>(a: Complex<V>, power: usize, b: Complex<V>) -> Complex<V> {
    match power % 4 {
        0 => Complex { re: a.re + b.re, im: a.im + b.im },
        1 => Complex { re: a.re - b.im, im: a.im + b.re },
        2 => Complex { re: a.re - b.re, im: a.im - b.im },
        _ => Complex { re: a.re + b.im, im: a.im - b.re },
    }
}

/// Upper half of (1 ± γ) U^(†) ψ at the neighbour; `sign` is the power of i before γ: 0 or 2.
#[inline(always)]
fn carried<V: Num, S: HopSource<V, N>, const N: usize>(
    from: &S,
    mu: usize,
    is_forward: bool,
    sign: usize,
) -> HalfSpinor<V, N> {
    let step = if is_forward { forward(mu) } else { backward(mu) };
    let mut half = [[Complex::zero(); N]; 2];
    for s in 0..2 {
        let partner = UPPER[mu][s];
        for c in 0..N {
            let (up, low) = (from.spinor(step, s, c), from.spinor(step, partner.spin, c));
            half[s][c] = add_power(up, partner.power + sign, low);
        }
    }
    if is_forward {
        half = from.arrive(step, half);
    }
    let mut product = [[Complex::zero(); N]; 2];
    for i in 0..N {
        for j in 0..N {
            if is_forward {
                let u = from.link(step, i, j);
                for s in 0..2 {
                    product[s][i] =
                        if j == 0 { u * half[s][j] } else { u.mul_add(half[s][j], product[s][i]) };
                }
            } else {
                let u = from.link(step, j, i);
                for s in 0..2 {
                    product[s][i] = if j == 0 {
                        u.conj_mul(half[s][j])
                    } else {
                        u.conj_mul_add(half[s][j], product[s][i])
                    };
                }
            }
        }
    }
    if is_forward { product } else { from.arrive(step, product) }
}

/// (H ψ)(x), or (H† ψ)(x) where `DAGGER` is set: without the factor −1/2 of the operator.
#[inline(always)]
pub fn hop<V: Num, S: HopSource<V, N>, const N: usize, const DAGGER: bool>(from: &S) -> Spinor<V, N> {
    let (forwards, backwards) = if DAGGER { (0, 2) } else { (2, 0) };
    // Time first: its A is the unit matrix, so the sum starts without a product by a power of i.
    let ahead = carried(from, 3, true, forwards);
    let behind = carried(from, 3, false, backwards);
    let mut sum = Spinor::zero();
    for s in 0..2 {
        for c in 0..N {
            let (f, b) = (ahead[s][c], behind[s][c]);
            sum.0[s][c] = f + b;
            sum.0[s + 2][c] = if DAGGER { f - b } else { b - f };
        }
    }
    sum = add_direction::<V, S, N>(from, 2, forwards, backwards, sum);
    sum = add_direction::<V, S, N>(from, 1, forwards, backwards, sum);
    add_direction::<V, S, N>(from, 0, forwards, backwards, sum)
}

#[inline(always)]
fn add_direction<V: Num, S: HopSource<V, N>, const N: usize>(
    from: &S,
    mu: usize,
    forwards: usize,
    backwards: usize,
    mut sum: Spinor<V, N>,
) -> Spinor<V, N> {
    for (is_forward, sign) in [(true, forwards), (false, backwards)] {
        let half = carried(from, mu, is_forward, sign);
        for s in 0..2 {
            let partner = UPPER[mu][s];
            for c in 0..N {
                sum.0[s][c] = sum.0[s][c] + half[s][c];
                let low = &mut sum.0[partner.spin][c];
                // A† has the conjugate entries: i^-power.
                *low = add_power(*low, sign + 4 - partner.power, half[s][c]);
            }
        }
    }
    sum
}
