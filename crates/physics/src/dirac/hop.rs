//! The hopping term of Wilson's operator as a site body.
//!
//! (H ψ)(x) = Σ_mu [(1 − γ_mu) U_mu(x) ψ(x+mu) + (1 + γ_mu) U_mu(x−mu)† ψ(x−mu)], and H† with the signs of γ_mu
//! exchanged. 1 ± γ_mu has half the rank: with γ = [[0, A], [A†, 0]] the upper half h = ψ_up ± A ψ_low is carried by the
//! link alone and the lower half of the result is ± A† of the upper one. 1320 flop a site for SU(3).
//!
//! The body knows neither fields nor lanes: the same text runs on block rows, on single sites and in a recorder.

use super::gamma::{unit_direction, upper};
use super::spinor::Spinor;
use gaugelink_lattice::{Complex, DIM_MAX, Num, backward, forward};

/// The spin components of one chirality.
pub type HalfSpinor<V, const N: usize, const H: usize = 2> = [[Complex<V>; N]; H];

/// Where the hop at one site finds its spinors and links.
pub trait HopSource<V: Num, const N: usize, const H: usize = 2> {
    /// ψ_{spin, colour} of the neighbour reached by `step`.
    fn spinor(&self, step: usize, spin: usize, colour: usize) -> Complex<V>;
    /// The link between the site and the neighbour: U_mu(x) for a step forwards, U_mu(x−mu) for one backwards.
    fn link(&self, step: usize, row: usize, column: usize) -> Complex<V>;
    /// Called before a step.
    #[inline(always)]
    fn begins(&self, _step: usize) {}
    /// The half spinor where it was carried here beforehand. `None`: project and multiply.
    #[inline(always)]
    fn arrived(&self, _step: usize) -> Option<HalfSpinor<V, N, H>> {
        None
    }
    /// A half spinor after it went the step in other ways than the formula has it: from lane to lane, by the phase at
    /// an edge.
    #[inline(always)]
    fn moved(&self, _step: usize, half: HalfSpinor<V, N, H>) -> HalfSpinor<V, N, H> {
        half
    }
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

/// The power of i before γ in the projector of a step: 1 − γ forwards, 1 + γ backwards, and the other way for H†.
#[inline(always)]
pub(crate) const fn projector_sign(is_forward: bool, dagger: bool) -> usize {
    if is_forward == dagger { 0 } else { 2 }
}

/// Upper half of (1 ± γ_mu) ψ; `sign` is the power of i before γ, 0 or 2.
#[inline(always)]
pub(crate) fn project<V: Num, const N: usize, const H: usize>(
    psi: impl Fn(usize, usize) -> Complex<V>,
    mu: usize,
    sign: usize,
) -> HalfSpinor<V, N, H> {
    let mut half = [[Complex::zero(); N]; H];
    for s in 0..H {
        let partner = upper::<H>(mu, s);
        for c in 0..N {
            half[s][c] = add_power(psi(s, c), partner.power + sign, psi(partner.spin, c));
        }
    }
    half
}

/// U h, or U† h for a step backwards. Links come by the source's method, not through a closure, whose body would not be
/// compiled for the vector unit where it is too long to be taken in.
#[inline(always)]
pub(crate) fn transport<V: Num, S: HopSource<V, N, H>, const N: usize, const H: usize>(
    from: &S,
    step: usize,
    half: &HalfSpinor<V, N, H>,
) -> HalfSpinor<V, N, H> {
    let is_forward = step < DIM_MAX;
    let mut product = [[Complex::zero(); N]; H];
    for i in 0..N {
        for j in 0..N {
            let u = if is_forward { from.link(step, i, j) } else { from.link(step, j, i) };
            for s in 0..H {
                let (h, sum) = (half[s][j], product[s][i]);
                product[s][i] = match (is_forward, j) {
                    (true, 0) => u * h,
                    (true, _) => u.mul_add(h, sum),
                    (false, 0) => u.conj_mul(h),
                    (false, _) => u.conj_mul_add(h, sum),
                };
            }
        }
    }
    product
}

#[inline(always)]
fn carried<V: Num, S: HopSource<V, N, H>, const N: usize, const H: usize>(
    from: &S,
    mu: usize,
    is_forward: bool,
    dagger: bool,
) -> HalfSpinor<V, N, H> {
    let step = if is_forward { forward(mu) } else { backward(mu) };
    from.begins(step);
    if let Some(half) = from.arrived(step) {
        return half;
    }
    let half = project(|s, c| from.spinor(step, s, c), mu, projector_sign(is_forward, dagger));
    // A link belongs to the site it starts from: the lanes move before it acts forwards, after it acted backwards.
    if is_forward {
        transport(from, step, &from.moved(step, half))
    } else {
        from.moved(step, transport(from, step, &half))
    }
}

/// (H ψ)(x), or (H† ψ)(x) where `DAGGER` is set: without the factor −1/2 of the operator.
#[inline(always)]
pub fn hop<V: Num, S: HopSource<V, N, H>, const N: usize, const H: usize, const DAGGER: bool>(
    from: &S,
) -> Spinor<V, N, H> {
    // The direction whose A is the unit matrix first: the sum starts without a product by a power of i.
    let ahead = carried(from, unit_direction::<H>(), true, DAGGER);
    let behind = carried(from, unit_direction::<H>(), false, DAGGER);
    let mut sum = Spinor::zero();
    for s in 0..H {
        for c in 0..N {
            let (f, b) = (ahead[s][c], behind[s][c]);
            sum[s][c] = f + b;
            sum[s + H][c] = if DAGGER { f - b } else { b - f };
        }
    }
    if H == 2 {
        add_direction::<V, S, N, H, DAGGER>(from, 2, &mut sum);
    }
    add_direction::<V, S, N, H, DAGGER>(from, 1, &mut sum);
    if H == 2 {
        add_direction::<V, S, N, H, DAGGER>(from, 0, &mut sum);
    }
    sum
}

#[inline(always)]
fn add_direction<V: Num, S: HopSource<V, N, H>, const N: usize, const H: usize, const DAGGER: bool>(
    from: &S,
    mu: usize,
    sum: &mut Spinor<V, N, H>,
) {
    for is_forward in [true, false] {
        let half = carried(from, mu, is_forward, DAGGER);
        let sign = projector_sign(is_forward, DAGGER);
        for s in 0..H {
            let partner = upper::<H>(mu, s);
            for c in 0..N {
                sum[s][c] = sum[s][c] + half[s][c];
                let low = &mut sum[partner.spin][c];
                // A† has the conjugate entries: i^-power.
                *low = add_power(*low, sign + 4 - partner.power, half[s][c]);
            }
        }
    }
}
