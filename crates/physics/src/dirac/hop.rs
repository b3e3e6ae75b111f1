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

/// Spin components of one chirality: all H of them, or some.
pub type HalfSpinor<V, const N: usize, const H: usize = 2> = [[Complex<V>; N]; H];

/// Where the hop at one site finds its spinors and links.
pub trait HopSource<V: Num, const N: usize, const H: usize = 2> {
    /// Whether to carry one spin component after the other, and read each link once for each: for machines with 16
    /// registers, which do not hold two components and their products.
    const BY_SPIN: bool = false;
    /// ψ_{spin, colour} of the neighbour reached by `step`.
    fn spinor(&self, step: usize, spin: usize, colour: usize) -> Complex<V>;
    /// The link between the site and the neighbour: U_mu(x) for a step forwards, U_mu(x−mu) for one backwards.
    fn link(&self, step: usize, row: usize, column: usize) -> Complex<V>;
    /// Called before a step.
    #[inline(always)]
    fn begins(&self, _step: usize) {}
    /// Components of a half spinor after they went the step in other ways than the formula has it: from lane to lane, by
    /// the phase at an edge.
    #[inline(always)]
    fn moved<const P: usize>(&self, _step: usize, half: HalfSpinor<V, N, P>) -> HalfSpinor<V, N, P> {
        half
    }
}

/// `a + i^power b`.
#[inline(always)]
pub(crate) fn add_power<V: Num>(a: Complex<V>, power: usize, b: Complex<V>) -> Complex<V> {
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

/// Upper half of (1 ± γ_mu) ψ, its components `first` to `first` + P of H; `sign` is the power of i before γ, 0 or 2. A
/// macro, as the body of a closure that reads ψ may be left as a function of its own, without the kernel's instructions.
macro_rules! project {
    ($h:expr, $p:expr, $n:expr, $mu:expr, $sign:expr, $first:expr, |$s:ident, $c:ident| $psi:expr) => {{
        let (mu, sign, first): (usize, usize, usize) = ($mu, $sign, $first);
        let mut half = [[gaugelink_lattice::Complex::zero(); $n]; $p];
        for i in 0..$p {
            let partner = $crate::dirac::gamma::upper::<{ $h }>(mu, first + i);
            for $c in 0..$n {
                let upper = {
                    let $s = first + i;
                    $psi
                };
                let lower = {
                    let $s = partner.spin;
                    $psi
                };
                half[i][$c] = $crate::dirac::hop::add_power(upper, partner.power + sign, lower);
            }
        }
        half
    }};
}
pub(crate) use project;

/// U h, or U† h for a step backwards. Links come by the source's method, not through a closure, whose body would not be
/// compiled for the vector unit where it is too long to be taken in.
#[inline(always)]
pub(crate) fn transport<V: Num, S: HopSource<V, N, H>, const N: usize, const H: usize, const P: usize>(
    from: &S,
    step: usize,
    half: &HalfSpinor<V, N, P>,
) -> HalfSpinor<V, N, P> {
    let is_forward = step < DIM_MAX;
    let mut product = [[Complex::zero(); N]; P];
    for i in 0..N {
        for j in 0..N {
            let u = if is_forward { from.link(step, i, j) } else { from.link(step, j, i) };
            for s in 0..P {
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

/// The neighbour's half spinor at this site: its components `first` to `first` + P.
#[inline(always)]
fn carried<V: Num, S: HopSource<V, N, H>, const N: usize, const H: usize, const P: usize>(
    from: &S,
    step: usize,
    first: usize,
    dagger: bool,
) -> HalfSpinor<V, N, P> {
    let (mu, is_forward) = (step % DIM_MAX, step < DIM_MAX);
    let sign = projector_sign(is_forward, dagger);
    let half = project!(H, P, N, mu, sign, first, |s, c| from.spinor(step, s, c));
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
    let mut sum = Spinor::zero();
    if S::BY_SPIN {
        // The sum stays in memory: it does not fit, and what is kept of it across the steps' branches costs more than it saves.
        let sum = std::hint::black_box(&mut sum);
        add_all::<V, S, N, H, DAGGER>(from, sum);
        return *sum;
    }
    add_all::<V, S, N, H, DAGGER>(from, &mut sum);
    sum
}

#[inline(always)]
fn add_all<V: Num, S: HopSource<V, N, H>, const N: usize, const H: usize, const DAGGER: bool>(
    from: &S,
    sum: &mut Spinor<V, N, H>,
) {
    // The direction whose A is the unit matrix first: the sum starts without a product by a power of i.
    let mu = unit_direction::<H>();
    from.begins(forward(mu));
    from.begins(backward(mu));
    if S::BY_SPIN {
        start::<V, S, N, H, 1, DAGGER>(from, mu, 0, sum);
        if H == 2 {
            start::<V, S, N, H, 1, DAGGER>(from, mu, 1, sum);
        }
    } else {
        start::<V, S, N, H, H, DAGGER>(from, mu, 0, sum);
    }
    if H == 2 {
        add_direction::<V, S, N, H, DAGGER>(from, 2, sum);
    }
    add_direction::<V, S, N, H, DAGGER>(from, 1, sum);
    if H == 2 {
        add_direction::<V, S, N, H, DAGGER>(from, 0, sum);
    }
}

/// The first direction's part of the sum, its components `first` to `first` + P and their partners.
#[inline(always)]
fn start<
    V: Num,
    S: HopSource<V, N, H>,
    const N: usize,
    const H: usize,
    const P: usize,
    const DAGGER: bool,
>(
    from: &S,
    mu: usize,
    first: usize,
    sum: &mut Spinor<V, N, H>,
) {
    let ahead: HalfSpinor<V, N, P> = carried(from, forward(mu), first, DAGGER);
    let behind: HalfSpinor<V, N, P> = carried(from, backward(mu), first, DAGGER);
    for s in 0..P {
        for c in 0..N {
            let (f, b) = (ahead[s][c], behind[s][c]);
            sum[first + s][c] = f + b;
            sum[first + s + H][c] = if DAGGER { f - b } else { b - f };
        }
    }
}

#[inline(always)]
fn add_direction<V: Num, S: HopSource<V, N, H>, const N: usize, const H: usize, const DAGGER: bool>(
    from: &S,
    mu: usize,
    sum: &mut Spinor<V, N, H>,
) {
    add_step::<V, S, N, H, DAGGER>(from, forward(mu), sum);
    add_step::<V, S, N, H, DAGGER>(from, backward(mu), sum);
}

#[inline(always)]
fn add_step<V: Num, S: HopSource<V, N, H>, const N: usize, const H: usize, const DAGGER: bool>(
    from: &S,
    step: usize,
    sum: &mut Spinor<V, N, H>,
) {
    from.begins(step);
    // No loop: compilers leave one of so much text as it is, and look γ up in it.
    if S::BY_SPIN {
        add_components::<V, S, N, H, 1, DAGGER>(from, step, 0, sum);
        if H == 2 {
            add_components::<V, S, N, H, 1, DAGGER>(from, step, 1, sum);
        }
    } else {
        add_components::<V, S, N, H, H, DAGGER>(from, step, 0, sum);
    }
}

#[inline(always)]
fn add_components<
    V: Num,
    S: HopSource<V, N, H>,
    const N: usize,
    const H: usize,
    const P: usize,
    const DAGGER: bool,
>(
    from: &S,
    step: usize,
    first: usize,
    sum: &mut Spinor<V, N, H>,
) {
    let half: HalfSpinor<V, N, P> = carried(from, step, first, DAGGER);
    let sign = projector_sign(step < DIM_MAX, DAGGER);
    for s in 0..P {
        let partner = upper::<H>(step % DIM_MAX, first + s);
        for c in 0..N {
            sum[first + s][c] = sum[first + s][c] + half[s][c];
            let low = &mut sum[partner.spin][c];
            // A† has the conjugate entries: i^-power.
            *low = add_power(*low, sign + 4 - partner.power, half[s][c]);
        }
    }
}
