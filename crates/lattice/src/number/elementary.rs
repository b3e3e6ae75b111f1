//! Sine, cosine and logarithm in the operations of [`Num`], so that random numbers and exponentials give the same
//! bits on every machine and in every lane (a C library's do not).

use super::Num;

/// Sum of `c[k] z^k` by Horner's rule.
#[inline(always)]
fn polynomial<V: Num>(z: V, c: &[f64]) -> V {
    let mut sum = V::splat(c[c.len() - 1]);
    for &ck in c[..c.len() - 1].iter().rev() {
        sum = sum.mul_add(z, V::splat(ck));
    }
    sum
}

/// `(sin x, cos x)` for |x| up to about 10⁵, to a few units in the last place.
///
/// The argument is reduced by multiples of π/2 held in three parts; on [−π/4, π/4] the Taylor series are summed to
/// where the next term is below 10⁻¹⁸.
#[inline(always)]
pub fn sin_cos<V: Num>(x: V) -> (V, V) {
    const SIN: [f64; 8] = [
        -1.0 / 6.0,
        1.0 / 120.0,
        -1.0 / 5_040.0,
        1.0 / 362_880.0,
        -1.0 / 39_916_800.0,
        1.0 / 6_227_020_800.0,
        -1.0 / 1_307_674_368_000.0,
        1.0 / 355_687_428_096_000.0,
    ];
    const COS: [f64; 8] = [
        1.0 / 24.0,
        -1.0 / 720.0,
        1.0 / 40_320.0,
        -1.0 / 3_628_800.0,
        1.0 / 479_001_600.0,
        -1.0 / 87_178_291_200.0,
        1.0 / 20_922_789_888_000.0,
        -1.0 / 6_402_373_705_728_000.0,
    ];
    let k = (x * V::splat(std::f64::consts::FRAC_2_PI)).round();
    let mut r = x;
    for part in V::HALF_PI {
        r = k.neg_mul_add(V::splat(part), r);
    }
    let z = r * r;
    let sin = (r * z).mul_add(polynomial(z, &SIN), r);
    let cos = (z * z).mul_add(polynomial(z, &COS), z.neg_mul_add(V::splat(0.5), V::splat(1.0)));

    // The quadrant, k - 4 round(k/4), is one of -2, -1, 0, 1, 2.
    let quadrant = (k * V::splat(0.25)).round().neg_mul_add(V::splat(4.0), k);
    let distance = quadrant * quadrant;
    let odd = (distance - V::splat(1.0)) * (distance - V::splat(1.0));
    let odd = odd.lt(V::splat(0.5));
    let even_sign = V::select(V::splat(2.0).lt(distance), V::splat(-1.0), V::splat(1.0));
    (V::select(odd, quadrant * cos, even_sign * sin), V::select(odd, -quadrant * sin, even_sign * cos))
}

/// Natural logarithm of a positive normal number, to a few units in the last place.
///
/// With x = 2ᵉ m and √½ ≤ m < √2, ln m = 2 artanh f, f = (m − 1)/(m + 1), |f| < 0.172, by its series.
#[inline(always)]
pub fn ln<V: Num>(x: V) -> V {
    const ARTANH: [f64; 10] = [
        1.0 / 3.0,
        1.0 / 5.0,
        1.0 / 7.0,
        1.0 / 9.0,
        1.0 / 11.0,
        1.0 / 13.0,
        1.0 / 15.0,
        1.0 / 17.0,
        1.0 / 19.0,
        1.0 / 21.0,
    ];
    /// ln 2 cut to 32 bits, so that its product with an exponent is exact, and the rest.
    const LN2_HIGH: f64 = 0.6931471803691238;
    const LN2_LOW: f64 = 1.9082149292705877e-10;
    let one = V::splat(1.0);
    let (m, e) = x.split_exponent();
    let large = V::splat(std::f64::consts::SQRT_2).lt(m);
    let m = V::select(large, m * V::splat(0.5), m);
    let e = V::select(large, e + one, e);
    let f = (m - one).div(m + one);
    let z = f * f;
    let two_f = f + f;
    let series = (two_f * z).mul_add(polynomial(z, &ARTANH), two_f);
    e.mul_add(V::splat(LN2_HIGH), e.mul_add(V::splat(LN2_LOW), series))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Arguments spread over the range that kernels use, and the awkward ones.
    fn arguments() -> impl Iterator<Item = f64> {
        let spread = (0..20_000).map(|i| (i as f64 - 10_000.0) * 0.731);
        spread.chain([0.0, 1e-300, 1e-8, std::f64::consts::FRAC_PI_4, std::f64::consts::PI, 12345.6789])
    }

    #[test]
    fn sine_and_cosine_agree_with_the_c_library() {
        for x in arguments() {
            let (s, c) = sin_cos(x);
            assert!((s - x.sin()).abs() < 3e-16, "sin {x}: {s} {}", x.sin());
            assert!((c - x.cos()).abs() < 3e-16, "cos {x}: {c} {}", x.cos());
        }
        for x in arguments().filter(|x| x.abs() < 1000.0) {
            let (s, c) = sin_cos(x as f32);
            assert!((s as f64 - (x as f32 as f64).sin()).abs() < 2e-7, "sin {x}");
            assert!((c as f64 - (x as f32 as f64).cos()).abs() < 2e-7, "cos {x}");
        }
    }

    #[test]
    fn logarithm_agrees_with_the_c_library() {
        for i in 1..100_000 {
            for x in [i as f64 * 1e-5, i as f64 * 37.5, 1.0 - i as f64 * 1e-15, 1e-300 * i as f64] {
                let error = (ln(x) - x.ln()).abs();
                assert!(error <= 4e-16 * x.ln().abs().max(1e-17), "ln {x}: {} {}", ln(x), x.ln());
            }
        }
    }
}
