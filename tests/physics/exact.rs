//! Exact results of Wilson's action on the periodic two-dimensional torus.
//!
//! In two dimensions plaquettes couple only through the torus closing: with the character expansion of a plaquette's
//! weight, Σ_r d_r a_r χ_r(P), the partition function of V plaquettes is Z = Σ_r a_r^V (Migdal, Sov. Phys. JETP 42
//! (1975) 413), Haar measure normalised to 1.
//!
//! - U(1), weight exp(β cos θ): a_n = I_n(β). At vacuum angle Θ, a_n(Θ) = ∫dφ/2π e^{β cos φ} cos((n + Θ/2π) φ) over
//!   (−π, π), and ⟨Q²⟩ = −d² ln Z/dΘ² at Θ = 0.
//! - SU(N), weight exp((β/N) Re tr U): d_λ a_λ = Σ_k det_ij I_{λ_j − j + i + k}(β/N) over all integers k, λ the
//!   partitions with λ_N = 0.
//!
//! ⟨Re tr P / N⟩ = ∂_β ln Z / V.

use std::f64::consts::{PI, TAU};

/// I_n(x) by its power series.
fn bessel(n: i64, x: f64) -> f64 {
    let n = n.abs();
    let mut term = (1..=n).fold(1.0, |product, k| product * 0.5 * x / k as f64);
    let mut sum = 0.0;
    for k in 1..200 {
        sum += term;
        term *= 0.25 * x * x / (k * (k + n)) as f64;
    }
    sum
}

/// I_n'(x).
fn bessel_slope(n: i64, x: f64) -> f64 {
    0.5 * (bessel(n - 1, x) + bessel(n + 1, x))
}

/// Of a sum Z = Σ a^V with a = a(β): ln Z and ∂_β ln Z / V, from pairs (a, ∂_β a), the largest a first.
fn sum_of_powers(terms: &[(f64, f64)], volume: usize) -> (f64, f64) {
    let largest = terms[0].0;
    let power = |a: f64, v: usize| (a / largest).powi(v as i32);
    let z: f64 = terms.iter().map(|t| power(t.0, volume)).sum();
    let slope: f64 = terms.iter().map(|t| power(t.0, volume - 1) * t.1 / largest).sum();
    (volume as f64 * largest.ln() + z.ln(), slope / z)
}

/// U(1) at β on V sites.
#[derive(Clone, Copy, Debug)]
pub struct U1 {
    pub ln_z: f64,
    pub plaquette: f64,
    pub charge_squared: f64,
}

/// Representations of U(1) up to charge ±20; the ratio a_n/a_0 to the power V makes far fewer enough.
const CHARGES: i64 = 20;

impl U1 {
    pub fn new(beta: f64, volume: usize) -> Self {
        let terms: Vec<(f64, f64)> = (0..=2 * CHARGES)
            .map(|i| if i % 2 == 0 { i / 2 } else { -(i + 1) / 2 })
            .map(|n| (bessel(n, beta), bessel_slope(n, beta)))
            .collect();
        let (ln_z, plaquette) = sum_of_powers(&terms, volume);
        Self { ln_z, plaquette, charge_squared: charge_squared(beta, volume) }
    }
}

/// −Z''/Z with Z = Σ a_n(Θ)^V; Z' vanishes at Θ = 0. The derivatives of a_n by Θ are taken under its integral.
fn charge_squared(beta: f64, volume: usize) -> f64 {
    let v = volume as f64;
    let a0 = bessel(0, beta);
    let (mut z, mut curvature) = (0.0, 0.0);
    for n in -CHARGES..=CHARGES {
        let weight = |phi: f64| (beta * phi.cos()).exp() / (TAU * a0);
        let a = bessel(n, beta) / a0;
        let slope = integral(|phi| -phi / TAU * (n as f64 * phi).sin() * weight(phi));
        let bend = integral(|phi| -(phi / TAU).powi(2) * (n as f64 * phi).cos() * weight(phi));
        z += a.powi(volume as i32);
        curvature +=
            v * (v - 1.0) * a.powi(volume as i32 - 2) * slope * slope + v * a.powi(volume as i32 - 1) * bend;
    }
    -curvature / z
}

/// ∫ f over (−π, π) by Simpson's rule.
fn integral(f: impl Fn(f64) -> f64) -> f64 {
    const INTERVALS: usize = 4000;
    let h = TAU / INTERVALS as f64;
    let weight = |i: usize| match i {
        0 | INTERVALS => 1.0,
        i if i % 2 == 1 => 4.0,
        _ => 2.0,
    };
    (0..=INTERVALS).map(|i| weight(i) * f(-PI + i as f64 * h)).sum::<f64>() * h / 3.0
}

/// SU(2) or SU(3) at β on V sites.
#[derive(Clone, Copy, Debug)]
pub struct Su {
    pub ln_z: f64,
    pub plaquette: f64,
}

impl Su {
    pub fn new<const N: usize>(beta: f64, volume: usize) -> Self {
        let mut terms = Vec::new();
        // λ₁ ≥ λ₂ ≥ … ≥ λ_N = 0, the trivial representation first.
        for first in 0..=8 {
            for second in 0..=if N == 3 { first } else { 0 } {
                let mut lambda = [0; N];
                lambda[0] = first;
                if N == 3 {
                    lambda[1] = second;
                }
                terms.push(coefficient(&lambda, beta));
            }
        }
        let (ln_z, plaquette) = sum_of_powers(&terms, volume);
        Self { ln_z, plaquette }
    }
}

/// a_λ and ∂_β a_λ.
fn coefficient<const N: usize>(lambda: &[i64; N], beta: f64) -> (f64, f64) {
    let x = beta / N as f64;
    let (mut value, mut slope) = (0.0, 0.0);
    for k in -20..=20 {
        let order = |i: usize, j: usize| lambda[j] - j as i64 + i as i64 + k;
        let matrix: [[f64; N]; N] = std::array::from_fn(|i| std::array::from_fn(|j| bessel(order(i, j), x)));
        value += determinant(&matrix);
        for row in 0..N {
            let mut sloped = matrix;
            sloped[row] = std::array::from_fn(|j| bessel_slope(order(row, j), x));
            slope += determinant(&sloped);
        }
    }
    let dimension = dimension(lambda);
    (value / dimension, slope / (N as f64 * dimension))
}

/// Weyl's formula: Π_{i<j} (λ_i − λ_j + j − i)/(j − i).
fn dimension<const N: usize>(lambda: &[i64; N]) -> f64 {
    let mut product = 1.0;
    for j in 0..N {
        for i in 0..j {
            product *= (lambda[i] - lambda[j] + (j - i) as i64) as f64 / (j - i) as f64;
        }
    }
    product
}

fn determinant<const N: usize>(m: &[[f64; N]; N]) -> f64 {
    let minor = |i: usize, j: usize| m[1][i] * m[2][j] - m[1][j] * m[2][i];
    match N {
        2 => m[0][0] * m[1][1] - m[0][1] * m[1][0],
        3 => m[0][0] * minor(1, 2) - m[0][1] * minor(0, 2) + m[0][2] * minor(0, 1),
        _ => unreachable!("SU(2) and SU(3)"),
    }
}

fn assert_close(what: &str, ours: f64, tabulated: f64, tolerance: f64) {
    assert!((ours - tabulated).abs() <= tolerance, "{what}: {ours}, tabulated {tabulated}");
}

/// Tables computed with another program, digits as printed there.
#[test]
fn series_give_the_tabulated_numbers() {
    #[rustfmt::skip]
    let u1 = [
        (1.0, 8, 0.44638997, 2.600719, 15.0985), (2.0, 8, 0.69777466, 1.239299, 52.7356),
        (1.0, 16, 0.44638997, 10.402876, 60.3941), (2.0, 16, 0.69777466, 4.957196, 210.9423),
        (3.0, 16, 0.80998529, 2.831565, 405.8388), (4.0, 16, 0.86352261, 1.933879, 620.7930),
        (5.0, 16, 0.89338314, 1.473487, 845.9985), (6.0, 16, 0.91235930, 1.194701, 1077.2954),
        (7.0, 16, 0.92553221, 1.006414, 1312.6382),
    ];
    for (beta, l, plaquette, charge_squared, ln_z) in u1 {
        let ours = U1::new(beta, l * l);
        let what = |name: &str| format!("U(1) beta {beta} L {l} {name}");
        assert_close(&what("plaquette"), ours.plaquette, plaquette, 5.01e-9);
        assert_close(&what("charge"), ours.charge_squared, charge_squared, 5.01e-7);
        assert_close(&what("ln Z"), ours.ln_z, ln_z, 5.01e-5);
    }
    #[rustfmt::skip]
    let su = [
        (2, 1.8, 0.39937238, 24.3740, 97.4960), (2, 2.0, 0.43312743, 29.7046, 118.8184),
        (2, 2.2, 0.46447903, 35.4518, 141.8072), (2, 2.7, 0.53297073, 51.4472, 205.7888),
        (3, 4.0, 0.27961915, 33.9148, 135.6591), (3, 5.0, 0.35395444, 54.2116, 216.8465),
        (3, 6.0, 0.42253174, 79.0970, 316.3879),
    ];
    for (n, beta, plaquette, ln_z_8, ln_z_16) in su {
        for (l, ln_z) in [(8, ln_z_8), (16, ln_z_16)] {
            let ours = if n == 2 { Su::new::<2>(beta, l * l) } else { Su::new::<3>(beta, l * l) };
            assert_close(&format!("SU({n}) beta {beta} L {l} plaquette"), ours.plaquette, plaquette, 5.01e-9);
            assert_close(&format!("SU({n}) beta {beta} L {l} ln Z"), ours.ln_z, ln_z, 5.01e-5);
        }
    }
}

/// Closed forms: on infinite volume SU(2) has I₂(β)/I₁(β); one plaquette (V = 1) is an integral over one element.
#[test]
fn series_give_the_closed_forms() {
    for beta in [0.3, 1.8, 2.7] {
        assert_close("SU(2)", Su::new::<2>(beta, 256).plaquette, bessel(2, beta) / bessel(1, beta), 1e-12);
    }
    // Strong coupling: SU(3) has β/18 + β²/216 + O(β⁴).
    let beta = 0.01;
    assert_close("SU(3)", Su::new::<3>(beta, 64).plaquette, beta / 18.0 + beta * beta / 216.0, 1e-10);
    // U(1), any V: ⟨cos⟩ is the slope of ln Z.
    let h = 1e-4;
    let slope = (U1::new(2.0 + h, 4).ln_z - U1::new(2.0 - h, 4).ln_z) / (8.0 * h);
    assert_close("U(1)", U1::new(2.0, 4).plaquette, slope, 1e-8);
}
