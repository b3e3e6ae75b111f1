//! Sine, cosine, arc tangent, exponential and logarithm in the operations of [`Num`], so that random numbers and exponentials give the same
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

/// Natural logarithm of a positive normal number, to a few units in the last place; NaN for NaN, zero and negative
/// numbers, so that what went wrong before is still seen after.
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
    let one = V::splat(1.0);
    let (m, e) = x.split_exponent();
    let large = V::splat(std::f64::consts::SQRT_2).lt(m);
    let m = V::select(large, m * V::splat(0.5), m);
    let e = V::select(large, e + one, e);
    let f = (m - one).div(m + one);
    let z = f * f;
    let two_f = f + f;
    let series = (two_f * z).mul_add(polynomial(z, &ARTANH), two_f);
    let [high, low] = V::LN_2;
    let result = e.mul_add(V::splat(high), e.mul_add(V::splat(low), series));
    V::select(V::splat(0.0).lt(x), result, V::splat(f64::NAN))
}

/// eˣ to a few units in the last place; |x| beyond [`Num::EXP_MAX`] counts as that, so that neither eˣ nor its inverse
/// overflows.
///
/// x = k ln 2 + r with |r| ≤ ½ ln 2, eˣ = 2ᵏ eʳ; the Taylor series is summed to where the next term is below 10⁻¹⁷.
#[inline(always)]
pub fn exp<V: Num>(x: V) -> V {
    const EXP: [f64; 14] = [
        1.0,
        1.0,
        1.0 / 2.0,
        1.0 / 6.0,
        1.0 / 24.0,
        1.0 / 120.0,
        1.0 / 720.0,
        1.0 / 5_040.0,
        1.0 / 40_320.0,
        1.0 / 362_880.0,
        1.0 / 3_628_800.0,
        1.0 / 39_916_800.0,
        1.0 / 479_001_600.0,
        1.0 / 6_227_020_800.0,
    ];
    let limit = V::splat(V::EXP_MAX);
    let x = V::select(limit.lt(x), limit, V::select(x.lt(-limit), -limit, x));
    let k = (x * V::splat(std::f64::consts::LOG2_E)).round();
    let [high, low] = V::LN_2;
    let r = k.neg_mul_add(V::splat(low), k.neg_mul_add(V::splat(high), x));
    polynomial(r, &EXP).scale_exponent(k)
}

/// The angle of (x, y) ≠ (0, 0), in (−π, π], to a few units in the last place.
///
/// The smaller coordinate over the larger is a ≤ 1; arctan a = arctan c + arctan((a − c)/(1 + a c)) with the nearest of
/// c = 0, tan π/8, 1, and the series of the rest, below tan π/16, is summed to where the next term is below 10⁻¹⁷.
#[inline(always)]
pub fn atan2<V: Num>(y: V, x: V) -> V {
    use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, FRAC_PI_8, PI};
    const ARCTAN: [f64; 11] = [
        -1.0 / 3.0,
        1.0 / 5.0,
        -1.0 / 7.0,
        1.0 / 9.0,
        -1.0 / 11.0,
        1.0 / 13.0,
        -1.0 / 15.0,
        1.0 / 17.0,
        -1.0 / 19.0,
        1.0 / 21.0,
        -1.0 / 23.0,
    ];
    const TAN: [f64; 3] = [0.198_912_367_379_658, 0.414_213_562_373_095_03, 0.668_178_637_919_298_9];
    let zero = V::splat(0.0);
    let (ax, ay) = (V::select(x.lt(zero), -x, x), V::select(y.lt(zero), -y, y));
    let steep = ax.lt(ay);
    let (small, large) = (V::select(steep, ax, ay), V::select(steep, ay, ax));
    let (first, second) = ((large * V::splat(TAN[0])).lt(small), (large * V::splat(TAN[2])).lt(small));
    let c = V::select(second, V::splat(1.0), V::select(first, V::splat(TAN[1]), zero));
    let base = V::select(second, V::splat(FRAC_PI_4), V::select(first, V::splat(FRAC_PI_8), zero));
    let f = c.neg_mul_add(large, small).div(c.mul_add(small, large));
    let z = f * f;
    let angle = base + (f * z).mul_add(polynomial(z, &ARCTAN), f);
    let angle = V::select(steep, V::splat(FRAC_PI_2) - angle, angle);
    let angle = V::select(x.lt(zero), V::splat(PI) - angle, angle);
    V::select(y.lt(zero), -angle, angle)
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

    /// Distance in units of the last place of what is expected.
    fn ulps<T: crate::Real>(ours: T, expected: f64) -> f64 {
        let digits = if T::BITS == 64 { 52 } else { 23 };
        (ours.to_f64() - expected).abs() / 2f64.powi(expected.abs().log2().floor() as i32 - digits)
    }

    #[test]
    fn exponential_agrees_with_the_c_library() {
        for i in -20_000..=20_000 {
            let x = i as f64 * 0.033_371;
            assert!(ulps(exp(x), x.exp()) < 2.0, "exp {x}: {} {}", exp(x), x.exp());
            let x = (i as f64 * 0.004_347) as f32;
            assert!(ulps(exp(x), (x as f64).exp()) < 2.0, "exp {x}: {} {}", exp(x), x.exp());
        }
        assert_eq!((exp(0.0), exp(1e9), exp(-1e9f32)), (1.0, exp(708.0), exp(-87.0f32)));
        assert!(exp(1e9) * exp(-1e9) > 0.999 && exp(1e9f32) * exp(-1e9f32) > 0.999);
    }

    #[test]
    fn arc_tangent_agrees_with_the_c_library() {
        for i in 0..40_000 {
            let (radius, angle) = (1.5f64.powi(i % 100 - 50), (i - 20_000) as f64 * 1.57e-4);
            let (y, x) = (radius * angle.sin(), radius * angle.cos());
            if y != 0.0 {
                assert!(ulps(atan2(y, x), y.atan2(x)) < 3.0, "atan2 {y} {x}: {} {}", atan2(y, x), y.atan2(x));
                let (y, x) = (y as f32, x as f32);
                let expected = (y as f64).atan2(x as f64);
                assert!(ulps(atan2(y, x), expected) < 3.0, "atan2 {y} {x}: {} {expected}", atan2(y, x));
            }
        }
        assert_eq!((atan2(0.0, 1.0), atan2(0.0, -1.0)), (0.0, std::f64::consts::PI));
        assert_eq!((atan2(1.0, 0.0), atan2(-1e-200, 1.0)), (std::f64::consts::FRAC_PI_2, -1e-200));
    }

    /// Exponential and a broadcast, arc tangent, and logarithm of rows, by the rows' vector unit.
    struct Functions<'a, T>(&'a [std::cell::UnsafeCell<crate::number::Row<T>>]);

    // SAFETY: used by one thread.
    unsafe impl<T> Sync for Functions<'_, T> {}

    impl<T: crate::Real> crate::Kernel<T> for Functions<'_, T> {
        #[inline(always)]
        fn run<V: crate::Lanes<Scalar = T>>(&self, _: std::ops::Range<usize>, _: &mut crate::Tally<'_>) {
            use crate::number::Row;
            // SAFETY: this thread alone holds the rows.
            unsafe {
                let (x, y): (V, V) = ((*self.0[0].get()).to_lanes(), (*self.0[1].get()).to_lanes());
                *self.0[2].get() = Row::from_lanes(ln((*self.0[2].get()).to_lanes::<V>()));
                *self.0[0].get() = Row::from_lanes(exp(x) + V::broadcast(T::from_f64(0.1)));
                *self.0[1].get() = Row::from_lanes(atan2(x, y));
            }
        }
    }

    #[test]
    fn vector_units_give_the_bits_of_single_numbers() {
        use crate::number::{Isa, Row, run_kernel};
        fn check<T: crate::Real>() {
            let x: [T; 16] = std::array::from_fn(|l| T::from_f64((l as f64 - 7.3) * 9.7));
            let y: [T; 16] = std::array::from_fn(|l| T::from_f64((l as f64 * 1.7).sin() * 30.0));
            // Logarithms of these are none: NaN in their lanes, and numbers between them.
            let none = [f64::NAN, -2.5, 0.0, f64::NEG_INFINITY].map(T::from_f64);
            let z: [T; 16] =
                std::array::from_fn(
                    |l| {
                        if l % 2 == 0 { none[l / 2 % 4] } else { T::from_f64(0.37 * l as f64) }
                    },
                );
            for isa in [Isa::Portable, Isa::Avx2, Isa::Avx512, Isa::Neon] {
                if !isa.is_available() {
                    continue;
                }
                let mut rows = [Row(x).into(), Row(y).into(), Row(z).into()];
                run_kernel(isa, &Functions(&rows), 0..1, &mut crate::Tally::none());
                let [e, a, log] =
                    rows.each_mut().map(|row: &mut std::cell::UnsafeCell<Row<T>>| row.get_mut().0);
                for l in 0..T::LANES {
                    assert!(e[l] == exp(x[l]) + T::from_f64(0.1) && a[l] == atan2(x[l], y[l]), "{isa:?} {l}");
                    let same = if l % 2 == 0 { log[l].to_f64().is_nan() } else { log[l] == ln(z[l]) };
                    assert!(same, "{isa:?} {l}: ln {} = {}", z[l], log[l]);
                }
            }
        }
        check::<f64>();
        check::<f32>();
    }
}
