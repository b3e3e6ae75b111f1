//! Power series of −ad², cut short by its characteristic polynomial.

use gaugelink_lattice::Num;
use gaugelink_lattice::group::ALGEBRA_MAX;

/// Terms of the series. With the coefficients of [`COTANGENT`] the next one is below 10⁻¹⁷ of the first for y ≤ 4.
pub const TERMS: usize = 17;

/// ζ(2k), k = 1, 2, …
const ZETA: [f64; TERMS] = [
    1.6449340668482264,
    1.0823232337111381,
    1.0173430619844492,
    1.0040773561979444,
    1.000994575127818,
    1.000246086553308,
    1.0000612481350588,
    1.0000152822594086,
    1.000003817293265,
    1.0000009539620338,
    1.0000002384505027,
    1.000000059608189,
    1.0000000149015549,
    1.000000003725334,
    1.0000000009313275,
    1.000000000232831,
    1.0000000000582077,
];

const FOUR_PI2: f64 = 4.0 * std::f64::consts::PI * std::f64::consts::PI;

/// (z cot z − 1)/y with z = √y/2: −2 Σ ζ(2k) y^{k−1} / (4π²)^k.
pub const COTANGENT: [f64; TERMS] = {
    let (mut c, mut power, mut k) = ([0.0; TERMS], 1.0, 0);
    while k < TERMS {
        power /= FOUR_PI2;
        c[k] = -2.0 * ZETA[k] * power;
        k += 1;
    }
    c
};

/// ln(sin z / z) / y with z = √y/2: −Σ ζ(2k)/k y^{k−1} / (4π²)^k.
pub const LOG_SINC: [f64; TERMS] = {
    let (mut c, mut k) = (COTANGENT, 0);
    while k < TERMS {
        c[k] *= 0.5 / (k + 1) as f64;
        k += 1;
    }
    c
};

/// (−1)^k / (2k + `shift`)!, from k = 1 on.
pub const fn alternating(shift: usize) -> [f64; TERMS] {
    let (mut c, mut term, mut k) = ([0.0; TERMS], 1.0, 0);
    let mut i = 2;
    while i <= shift {
        term /= i as f64;
        i += 1;
    }
    while k < TERMS {
        let n = 2 * k + shift;
        term /= -(((n + 1) * (n + 2)) as f64);
        c[k] = term;
        k += 1;
    }
    c
}

/// Invariants of A: y³ = e₁ y² − e₂ y + e₃ for each y = (θ_j − θ_k)².
///
/// In su(3), with t = ½‖A‖² and d = Im tr A³ / 3, e₁ = 6t, e₂ = 9t² = e₁²/4 and e₃ = 4t³ − 27d²; in su(2) the one
/// y is e₁ = Σ A^a A^a, and e₂ = e₃ = 0.
#[derive(Clone, Copy)]
pub struct Invariants<V> {
    pub e1: V,
    pub e2: V,
    pub e3: V,
    /// t
    pub half_norm2: V,
    /// d
    pub cubic: V,
}

impl<V: Num> Invariants<V> {
    /// Of A with the coordinates `c`; `cubic` is d (0 but for N = 3).
    #[inline(always)]
    pub fn new<const N: usize>(c: &[V; ALGEBRA_MAX], cubic: V) -> Self {
        let mut sum = c[0] * c[0];
        for a in 1..ALGEBRA_MAX {
            sum = c[a].mul_add(c[a], sum);
        }
        let zero = V::splat(0.0);
        let t = sum * V::splat(0.25);
        if N == 3 {
            let e1 = t * V::splat(6.0);
            let e3 = (cubic * cubic).neg_mul_add(V::splat(27.0), t * t * t * V::splat(4.0));
            Self { e1, e2: e1 * e1 * V::splat(0.25), e3, half_norm2: t, cubic }
        } else {
            Self { e1: sum, e2: zero, e3: zero, half_norm2: t, cubic: zero }
        }
    }

    /// Σ over the three y of a series that starts at y: the series divided by y is given.
    #[inline(always)]
    pub fn sum_over_differences(&self, series: &[f64; TERMS]) -> V {
        let p = self.reduce(series);
        let p2 = self.e2.neg_mul_add(V::splat(2.0), self.e1 * self.e1);
        let p3 = self.e1.mul_add(p2, self.e3.mul_add(V::splat(3.0), -(self.e2 * self.e1)));
        p[2].mul_add(p3, p[1].mul_add(p2, p[0] * self.e1))
    }

    /// Σ c_k y^k as c₀ + c₁ y + c₂ y².
    #[inline(always)]
    pub fn reduce(&self, series: &[f64; TERMS]) -> [V; 3] {
        let zero = V::splat(0.0);
        let mut p = [V::splat(series[TERMS - 1]), zero, zero];
        for k in (0..TERMS - 1).rev() {
            p = [
                p[2].mul_add(self.e3, V::splat(series[k])),
                p[2].neg_mul_add(self.e2, p[0]),
                p[2].mul_add(self.e1, p[1]),
            ];
        }
        p
    }

    /// [`Invariants::reduce`] and its derivatives with respect to e₁, where e₂ moves along, and to e₃.
    #[inline(always)]
    pub fn reduce_with_slopes<const N: usize>(&self, series: &[f64; TERMS]) -> [[V; 3]; 3] {
        let zero = V::splat(0.0);
        let e2_slope = if N == 3 { self.e1 * V::splat(0.5) } else { zero };
        let mut p = [V::splat(series[TERMS - 1]), zero, zero];
        let (mut by1, mut by3) = ([zero; 3], [zero; 3]);
        for k in (0..TERMS - 1).rev() {
            by1 = [
                by1[2] * self.e3,
                p[2].neg_mul_add(e2_slope, by1[2].neg_mul_add(self.e2, by1[0])),
                by1[2].mul_add(self.e1, by1[1] + p[2]),
            ];
            by3 = [
                by3[2].mul_add(self.e3, p[2]),
                by3[2].neg_mul_add(self.e2, by3[0]),
                by3[2].mul_add(self.e1, by3[1]),
            ];
            p = [
                p[2].mul_add(self.e3, V::splat(series[k])),
                p[2].neg_mul_add(self.e2, p[0]),
                p[2].mul_add(self.e1, p[1]),
            ];
        }
        [p, by1, by3]
    }
}
