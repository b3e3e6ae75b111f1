//! Non-compact projections of the circle onto itself, mixed: the map of an active plaquette's angle.
//!
//! A component sends φ to 2 arctan(eˢ tan φ/2), that is φ + 2 arg z with
//!
//! ```text
//! z = e^{−s/2} cos² φ/2 + e^{s/2} sin² φ/2 + i sinh(s/2) sin φ,        Re z > 0
//! dφ'/dφ = 1/|z|² = 1/(e^{−s} cos² φ/2 + eˢ sin² φ/2)
//! ```
//!
//! (Rezende et al., arXiv:2002.02428; Kanwar et al., arXiv:2003.06413). The layer's map is the mean over components and
//! a shift, φ' = φ + t + (2/n) Σ arg z_k; the modulo of the literature before the mean is implied, as |arg z| < π/2.
//! Only cos φ and sin φ enter, and cos² φ/2, sin² φ/2 are formed without cancellation.

use gaugelink_lattice::number::{atan2, exp, ln, sin_cos};
use gaugelink_lattice::{Complex, Lanes, Num, Real};
use std::f64::consts::{FRAC_1_PI, PI, TAU};

/// The most components: with the shift, eight outputs of the net.
pub const COMPONENTS_MAX: usize = 7;

/// The net's outputs at a site: s of the first `n` components, and t.
#[derive(Clone, Copy)]
pub struct Mixture<V> {
    s: [V; COMPONENTS_MAX],
    t: V,
    n: usize,
}

/// Derivatives of a function of (s, t, φ).
pub struct Slopes<V> {
    /// With respect to each s.
    pub s: [V; COMPONENTS_MAX],
    /// With respect to t.
    pub t: V,
    /// With respect to φ, the components' way of moving φ' with it included.
    pub angle: V,
}

impl<V: Num> Mixture<V> {
    /// The mixture of components s_1..s_n and the shift t.
    #[inline(always)]
    pub fn new(n: usize, s: [V; COMPONENTS_MAX], t: V) -> Self {
        Self { s, t, n }
    }

    /// (2/n) Σ arg z_k and dφ'/dφ at e^{iφ} = `phase`.
    #[inline(always)]
    fn shift(&self, phase: Complex<V>) -> (V, V) {
        let (cos2, sin2) = half_angle(phase);
        let (mut angle, mut slope) = (V::splat(0.0), V::splat(0.0));
        for k in 0..self.n {
            let (z, density, _) = component(self.s[k], phase.im, cos2, sin2);
            angle = angle + atan2(z.im, z.re);
            slope = slope + density;
        }
        (angle * V::splat(2.0 / self.n as f64), slope * V::splat(1.0 / self.n as f64))
    }

    /// δ = φ' − φ and ln dφ'/dφ.
    #[inline(always)]
    pub fn forward(&self, phase: Complex<V>) -> (V, V) {
        let (shift, slope) = self.shift(phase);
        (shift + self.t, ln(slope))
    }

    /// Of L with ∂L/∂δ = `by_shift` and ∂L/∂(ln dφ'/dφ) = `by_log`: its derivatives.
    #[inline(always)]
    pub fn backward(&self, phase: Complex<V>, by_shift: V, by_log: V) -> Slopes<V> {
        let one = V::splat(1.0);
        let (cos2, sin2) = half_angle(phase);
        let (mut densities, mut scales) = ([one; COMPONENTS_MAX], [(one, one); COMPONENTS_MAX]);
        let mut sum = V::splat(0.0);
        for k in 0..self.n {
            (_, densities[k], scales[k]) = component(self.s[k], phase.im, cos2, sin2);
            sum = sum + densities[k];
        }
        let per_component = V::splat(1.0 / self.n as f64);
        let by_sum = by_log.div(sum);
        let mut s = [V::splat(0.0); COMPONENTS_MAX];
        let mut angle = by_shift * (sum.mul_add(per_component, -one));
        for k in 0..self.n {
            let density2 = densities[k] * densities[k];
            let (up, down) = scales[k];
            // ∂|z|²/∂s and ∂|z|²/∂φ = sinh(s) sin φ.
            let by_s = up.mul_add(sin2, -(down * cos2));
            let by_angle = (up - down) * V::splat(0.5) * phase.im;
            s[k] = (by_shift * per_component * phase.im * densities[k]) - by_sum * density2 * by_s;
            angle = angle - by_sum * density2 * by_angle;
        }
        Slopes { s, t: by_shift, angle }
    }
}

impl<V: Lanes> Mixture<V> {
    /// δ = φ' − φ up to multiples of 2π and ln dφ'/dφ where φ' has the phase `image`, and 1 in lanes where φ was not found, 0 in others.
    ///
    /// φ + (2/n) Σ arg z_k grows with φ and stays within π of it: Newton's method inside a bracket that it shrinks,
    /// halving where a step would leave it, until steps or residuals are a few units of rounding.
    #[inline(always)]
    pub fn inverse(&self, image: Complex<V>) -> (V, V, V) {
        let (zero, one, half) = (V::splat(0.0), V::splat(1.0), V::splat(0.5));
        let unit = if V::Scalar::BITS == 64 { f64::EPSILON } else { f64::from(f32::EPSILON) };
        let (close, near) = (V::splat(4.0 * unit), V::splat(256.0 * unit));
        let goal = atan2(image.im, image.re) - self.t;
        let goal = (goal * V::splat(0.5 * FRAC_1_PI)).round().neg_mul_add(V::splat(TAU), goal);
        let (mut low, mut high, mut phi) = (goal - V::splat(PI), goal + V::splat(PI), goal);
        let (mut slope, mut open, mut failed) = (one, one, zero);
        for _ in 0..100 {
            let (sin, cos) = sin_cos(phi);
            let (shift, here) = self.shift(Complex::new(cos, sin));
            let residual = phi + shift - goal;
            let below = residual.lt(zero);
            low = V::select(below, phi, low);
            high = V::select(below, high, phi);
            let newton = phi - residual.div(here);
            let middle = (low + high) * half;
            let next = V::select(newton.lt(low), middle, V::select(high.lt(newton), middle, newton));
            let (miss, step) = (abs(residual), abs(next - phi));
            let is_open = half.lt(open);
            phi = V::select(is_open, next, phi);
            slope = V::select(is_open, here, slope);
            // Asked so that a residual that is not a number stays open, and fails.
            let is_found = V::select(miss.lt(close), one, V::select(step.lt(close), one, zero));
            open = open * (one - is_found);
            failed = V::select(miss.lt(near), zero, one) * open;
            if !V::any(half.lt(open)) {
                break;
            }
        }
        // Not the shift at φ: where the map is steep it is less well known than φ.
        (goal - phi + self.t, ln(slope), failed)
    }
}

#[inline(always)]
fn abs<V: Num>(x: V) -> V {
    V::select(x.lt(V::splat(0.0)), -x, x)
}

/// cos² φ/2 and sin² φ/2: (1 ± cos φ)/2 for the larger, sin² φ/(2 (1 ± cos φ)) for the smaller.
#[inline(always)]
fn half_angle<V: Num>(phase: Complex<V>) -> (V, V) {
    let one = V::splat(1.0);
    let negative = phase.re.lt(V::splat(0.0));
    let twice_large = V::select(negative, one - phase.re, one + phase.re);
    let large = twice_large * V::splat(0.5);
    let small = (phase.im * phase.im).div(twice_large + twice_large);
    (V::select(negative, small, large), V::select(negative, large, small))
}

/// z of a component, 1/|z|², and e^{±s}.
#[inline(always)]
fn component<V: Num>(s: V, sin: V, cos2: V, sin2: V) -> (Complex<V>, V, (V, V)) {
    let half = s * V::splat(0.5);
    let (up, down) = (exp(half), exp(-half));
    let z = Complex::new(up.mul_add(sin2, down * cos2), (up - down) * V::splat(0.5) * sin);
    let (up2, down2) = (up * up, down * down);
    let norm2 = up2.mul_add(sin2, down2 * cos2);
    (z, V::splat(1.0).div(norm2), (up2, down2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaugelink_lattice::number::Portable;

    type Plain = Portable<f64, 8>;

    /// The formulas of the literature as they stand: φ' and ln dφ'/dφ.
    fn naive(s: &[f64], t: f64, phi: f64) -> (f64, f64) {
        let n = s.len() as f64;
        let mean: f64 =
            s.iter().map(|s| (2.0 * (s.exp() * (phi / 2.0).tan()).atan()).rem_euclid(TAU)).sum::<f64>() / n;
        let slope = s
            .iter()
            .map(|s| 1.0 / ((-s).exp() * (phi / 2.0).cos().powi(2) + s.exp() * (phi / 2.0).sin().powi(2)));
        ((mean + t).rem_euclid(TAU), (slope.sum::<f64>() / n).ln())
    }

    fn cases() -> impl Iterator<Item = (Vec<f64>, f64, f64)> {
        (0..2000).map(|i| {
            let x = |k: usize| ((i * 7 + k) as f64 * 0.731).sin();
            let s: Vec<f64> = (0..1 + i % 4).map(|k| 4.0 * x(k)).collect();
            let phi = match i % 50 {
                0 => 1e-9,
                1 => TAU - 1e-9,
                _ => PI * (1.0 + x(9)),
            };
            (s, 3.0 * x(5), phi)
        })
    }

    fn mixture(s: &[f64], t: f64) -> Mixture<f64> {
        Mixture::new(s.len(), std::array::from_fn(|k| s.get(k).copied().unwrap_or(0.0)), t)
    }

    fn phase(phi: f64) -> Complex<f64> {
        Complex::new(phi.cos(), phi.sin())
    }

    #[test]
    fn the_map_is_the_published_one() {
        for (s, t, phi) in cases() {
            let (image, log) = naive(&s, t, phi);
            let (shift, ours) = mixture(&s, t).forward(phase(phi));
            let off = (phi + shift - image + PI).rem_euclid(TAU) - PI;
            assert!(off.abs() < 1e-13 && (ours - log).abs() < 1e-13, "{s:?} {t} {phi}: {off:e} {ours} {log}");
        }
    }

    #[test]
    fn the_inverse_is_found_however_steep_the_map() {
        for (s, t, phi) in cases() {
            for scale in [1.0, 4.0] {
                let s: Vec<f64> = s.iter().map(|s| s * scale).collect();
                let (shift, log) = mixture(&s, t).forward(phase(phi));
                let image = phase(phi + shift);
                let splat = Complex::new(Plain::splat(image.re), Plain::splat(image.im));
                let rows = std::array::from_fn(|k| Plain::splat(s.get(k).copied().unwrap_or(0.0)));
                let rows = Mixture::new(s.len(), rows, Plain::splat(t));
                let (back, log_back, failed) = rows.inverse(splat);
                assert_eq!(failed.0[0], 0.0);
                // φ is known as well as φ' is, over the slope.
                let rounding = 1e-15 * (1.0 + (-log).exp()) * (1.0 + t.abs());
                let off = (back.0[0] - shift + PI).rem_euclid(TAU) - PI;
                assert!(off.abs() < 8.0 * rounding, "{s:?} {t} {phi}: {off:e}");
                let steepness = s.iter().fold(1.0, |m: f64, s| m.max(s.abs().exp()));
                assert!((log_back.0[0] - log).abs() < 8.0 * rounding * steepness, "{s:?} {t} {phi} {log}");
            }
        }
    }

    /// In lanes of their own, the others being found as ever.
    #[test]
    fn what_is_not_a_number_has_no_inverse() {
        let (good, s) = (phase(1.2), 0.7);
        for (at, bad) in [(2, phase(f64::NAN)), (5, good)] {
            let lanes = |number: f64, other: f64| {
                let mut row = Plain::splat(number);
                row.0[at] = other;
                row
            };
            let image = Complex::new(lanes(good.re, bad.re), lanes(good.im, bad.im));
            let s = lanes(s, if at == 5 { f64::NAN } else { s });
            let (_, log, failed) = Mixture::new(1, [s; COMPONENTS_MAX], Plain::splat(0.3)).inverse(image);
            for lane in 0..8 {
                let expected = (lane == at) as u64 as f64;
                assert_eq!(failed.0[lane], expected, "lane {lane}, with NaN in lane {at}");
                assert_eq!(log.0[lane].is_nan(), lane == at, "lane {lane}, with NaN in lane {at}");
            }
        }
    }

    #[test]
    fn slopes_are_differences() {
        for (s, t, phi) in cases() {
            let (a, b) = (0.8, -1.3);
            let value = |s: &[f64], t: f64, phi: f64| {
                let (shift, log) = mixture(s, t).forward(phase(phi));
                a * shift + b * log
            };
            let derivative = |f: &dyn Fn(f64) -> f64| {
                let h = 1e-4;
                (8.0 * (f(h) - f(-h)) - (f(2.0 * h) - f(-2.0 * h))) / (12.0 * h)
            };
            let ours = mixture(&s, t).backward(phase(phi), a, b);
            let close = |ours: f64, expected: f64| (ours - expected).abs() < 1e-7 * expected.abs().max(1.0);
            assert!(close(ours.t, derivative(&|h| value(&s, t + h, phi))));
            assert!(close(ours.angle, derivative(&|h| value(&s, t, phi + h))), "{s:?} {t} {phi}");
            for k in 0..s.len() {
                let moved = |h: f64| {
                    let mut s = s.clone();
                    s[k] += h;
                    value(&s, t, phi)
                };
                assert!(close(ours.s[k], derivative(&moved)), "{s:?} {t} {phi}");
            }
        }
    }
}
