//! Circular rational-quadratic splines: a map of an active plaquette's angle with as many bins as one likes.
//!
//! Knots x_0 = −π < … < x_K = π go to y_0 = −π < … < y_K = π, with the slopes d_0…d_K, d_K = d_0, and a shift t is added. Widths,
//! heights and slopes come from the net's numbers a, b and c as in [`rational`](super::super::rational), where the formulas of
//! a bin are. Tails are no better than the least bin. (On circles Rezende et al., arXiv:2002.02428.) Within a bin the
//! inverse is the root of a quadratic.

pub use crate::layers::rational::{BINS_MAX, SPLINE_OUTPUTS};
use crate::layers::rational::{Bin, Bins, Inside, back_to_numbers, free, shares_and_sizes, slope};
use gaugelink_lattice::number::{atan2, ln};
use gaugelink_lattice::{Complex, Num};
use std::f64::consts::{FRAC_1_PI, PI, TAU};

/// A spline of the first `n` bins, and the shift t.
pub struct Spline<V> {
    /// softmax(a), softmax(b).
    shares: [Bins<V>; 2],
    /// Widths and heights.
    sizes: [Bins<V>; 2],
    /// Slope at each bin's left knot.
    slopes: Bins<V>,
    /// Its derivative with respect to c.
    by_c: Bins<V>,
    t: V,
    n: usize,
}

/// Derivatives of a function of (a, b, c, t, φ).
pub struct SplineSlopes<V> {
    /// With respect to the net's numbers, in their order.
    pub outputs: [V; SPLINE_OUTPUTS],
    /// With respect to φ, the spline's way of moving φ' with it included.
    pub angle: V,
}

impl<V: Num> Spline<V> {
    /// Of `n` bins, with the net's numbers a_1…a_n, b_1…b_n, c_1…c_n, t.
    #[inline(always)]
    pub fn new(n: usize, outputs: &[V; SPLINE_OUTPUTS]) -> Self {
        let zero = V::splat(0.0);
        let mut spline = Self {
            shares: [[zero; BINS_MAX]; 2],
            sizes: [[zero; BINS_MAX]; 2],
            slopes: [zero; BINS_MAX],
            by_c: [zero; BINS_MAX],
            t: outputs[3 * n],
            n,
        };
        for which in 0..2 {
            (spline.shares[which], spline.sizes[which]) = shares_and_sizes(n, &outputs[which * n..], TAU);
        }
        for k in 0..n {
            (spline.slopes[k], spline.by_c[k]) = slope(outputs[2 * n + k]);
        }
        spline
    }

    /// The bin of an angle in [−π, π], whose knots are those of the x (`image` false) or the y axis.
    #[inline(always)]
    fn bin(&self, angle: V, image: bool) -> Bin<V> {
        let start = V::splat(-PI);
        let (mut x, mut y) = (start, start);
        let at = |k: usize, x: V, y: V| Bin {
            x,
            y,
            width: self.sizes[0][k],
            height: self.sizes[1][k],
            left: self.slopes[k],
            right: self.slopes[if k + 1 < self.n { k + 1 } else { 0 }],
        };
        let mut bin = at(0, x, y);
        for k in 1..self.n {
            (x, y) = (x + self.sizes[0][k - 1], y + self.sizes[1][k - 1]);
            let before = angle.lt(if image { y } else { x });
            bin = Bin::select(before, &bin, &at(k, x, y));
        }
        bin
    }

    /// δ = φ' − φ and ln dφ'/dφ at e^{iφ} = `phase`.
    #[inline(always)]
    pub fn forward(&self, phase: Complex<V>) -> (V, V) {
        let phi = atan2(phase.im, phase.re);
        let bin = self.bin(phi, false);
        let inside = Inside::new(&bin, (phi - bin.x).div(bin.width));
        let image = bin.height.mul_add(inside.rise.div(inside.base), bin.y);
        (image - phi + self.t, ln(inside.slope()))
    }

    /// δ = φ' − φ up to multiples of 2π and ln dφ'/dφ where φ' has the phase `image`, and 1 in lanes where there is no
    /// such φ, numbers that are none, 0 in others.
    #[inline(always)]
    pub fn inverse(&self, image: Complex<V>) -> (V, V, V) {
        let goal = atan2(image.im, image.re) - self.t;
        let goal = (goal * V::splat(0.5 * FRAC_1_PI)).round().neg_mul_add(V::splat(TAU), goal);
        let bin = self.bin(goal, true);
        let xi = bin.root(goal - bin.y);
        let phi = bin.width.mul_add(xi, bin.x);
        let log = ln(Inside::new(&bin, xi).slope());
        // Asked so that what is not a number fails.
        let found = V::select(phi.lt(V::splat(2.0 * PI)), V::splat(0.0), V::splat(1.0));
        (goal - phi + self.t, log, found)
    }

    /// Of L with ∂L/∂δ = `by_shift` and ∂L/∂(ln dφ'/dφ) = `by_log`: its derivatives.
    #[inline(always)]
    pub fn backward(&self, phase: Complex<V>, by_shift: V, by_log: V) -> SplineSlopes<V> {
        let (zero, one) = (V::splat(0.0), V::splat(1.0));
        let (phi, n) = (atan2(phase.im, phase.re), self.n);
        let bin = self.bin(phi, false);
        let f = Inside::new(&bin, (phi - bin.x) * one.div(bin.width)).backward(&bin, by_shift, by_log);

        let mut outputs = [zero; SPLINE_OUTPUTS];
        // 1 where φ lies to the right of a bin's left knot.
        let mut beyond = [one; BINS_MAX + 1];
        let mut x = V::splat(-PI);
        for k in 1..n {
            x = x + self.sizes[0][k - 1];
            beyond[k] = V::select(phi.lt(x), zero, one);
        }
        beyond[n] = zero;
        let free = V::splat(free(n, TAU));
        for which in 0..2 {
            let by = &mut outputs[which * n..];
            for k in 0..n {
                let here = beyond[k] - beyond[k + 1];
                by[k] = here.mul_add(f.of_bin[which], beyond[k + 1] * f.of_before[which]) * free;
            }
            back_to_numbers(n, &self.shares[which], by);
        }
        for k in 0..n {
            let previous = if k == 0 { n - 1 } else { k - 1 };
            let (here, behind) = (beyond[k] - beyond[k + 1], beyond[previous] - beyond[previous + 1]);
            outputs[2 * n + k] = here.mul_add(f.left, behind * f.right) * self.by_c[k];
        }
        outputs[3 * n] = by_shift;
        SplineSlopes { outputs, angle: f.by_x - by_shift }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::rational::{LEAST_BIN, LEAST_SLOPE};
    use gaugelink_lattice::number::Portable;

    /// The formulas at the head as they stand: φ' and dφ'/dφ.
    fn naive(n: usize, outputs: &[f64], phi: f64) -> (f64, f64) {
        let sizes = |numbers: &[f64]| -> Vec<f64> {
            let sum: f64 = numbers.iter().map(|a| a.exp()).sum();
            let share = |a: &f64| LEAST_BIN + (1.0 - n as f64 * LEAST_BIN) * a.exp() / sum;
            numbers.iter().map(|a| TAU * share(a)).collect()
        };
        let (widths, heights) = (sizes(&outputs[..n]), sizes(&outputs[n..2 * n]));
        let slope = |k: usize| LEAST_SLOPE + (1.0 - LEAST_SLOPE) * outputs[2 * n + k % n].exp();
        let (mut k, mut x, mut y) = (0, -PI, -PI);
        while k + 1 < n && phi >= x + widths[k] {
            (x, y, k) = (x + widths[k], y + heights[k], k + 1);
        }
        let (w, h, left, right) = (widths[k], heights[k], slope(k), slope(k + 1));
        let (delta, xi) = (h / w, (phi - x) / w);
        let base = delta + (right + left - 2.0 * delta) * xi * (1.0 - xi);
        let image = y + h * (delta * xi * xi + left * xi * (1.0 - xi)) / base + outputs[3 * n];
        let steep = right * xi * xi + 2.0 * delta * xi * (1.0 - xi) + left * (1.0 - xi) * (1.0 - xi);
        (image, delta * delta * steep / (base * base))
    }

    fn cases() -> impl Iterator<Item = (usize, [f64; SPLINE_OUTPUTS], f64)> {
        (0..3000).map(|i| {
            let x = |k: usize| ((i * 11 + 3 * k) as f64 * 0.731).sin();
            let n = 2 + i % (BINS_MAX - 1);
            let phi = match i % 50 {
                0 => -PI + 1e-9,
                1 => PI - 1e-9,
                _ => PI * x(60),
            };
            (n, std::array::from_fn(|k| if k <= 3 * n { 2.5 * x(k) } else { 0.0 }), phi)
        })
    }

    fn phase(phi: f64) -> Complex<f64> {
        Complex::new(phi.cos(), phi.sin())
    }

    #[test]
    fn the_map_is_the_formula_at_the_head() {
        for (n, outputs, phi) in cases() {
            let (image, slope) = naive(n, &outputs, phi);
            let (shift, log) = Spline::new(n, &outputs).forward(phase(phi));
            // φ itself is known to 10⁻¹⁶, its image to that over the slope.
            let close = 1e-14 * (1.0 + slope);
            assert!((phi + shift - image).abs() < close, "{n} {phi}: {shift} {image}");
            assert!((log - slope.ln()).abs() < 1e-9 * (1.0 + slope), "{n} {phi}: {log} {}", slope.ln());
        }
    }

    #[test]
    fn zeros_are_the_identity_and_slopes_agree_where_the_circle_closes() {
        let (shift, log) = Spline::new(5, &[0.0; SPLINE_OUTPUTS]).forward(phase(1.234));
        assert!(shift.abs() < 1e-15 && log.abs() < 1e-15, "{shift} {log}");
        for (n, outputs, _) in cases() {
            let at = |phi: f64| Spline::new(n, &outputs).forward(phase(phi)).1;
            // 2 × 10⁻⁹ of a slope that may change a thousandfold over the narrowest bin.
            assert!((at(-PI + 1e-9) - at(PI - 1e-9)).abs() < 1e-2, "{n}");
        }
    }

    #[test]
    fn the_inverse_undoes_the_map() {
        type Plain = Portable<f64, 8>;
        for (n, outputs, phi) in cases() {
            let (shift, log) = Spline::new(n, &outputs).forward(phase(phi));
            let image = phase(phi + shift);
            let image = Complex::new(Plain::splat(image.re), Plain::splat(image.im));
            let (back, log_back, failed) = Spline::new(n, &outputs.map(Plain::splat)).inverse(image);
            let off = (back.0[0] - shift + PI).rem_euclid(TAU) - PI;
            let rounding = 3e-14 * (1.0 + (-log).exp());
            assert!(failed.0[0] == 0.0 && off.abs() < rounding, "{n} {phi}: {off:e}");
            // The logarithm may change as fast as over a narrow bin.
            assert!((log_back.0[0] - log).abs() < 1e4 * rounding, "{n} {phi}: {} {log}", log_back.0[0]);
        }
        let mut row = Plain::splat(0.4);
        row.0[3] = f64::NAN;
        let image = Complex::new(row, Plain::splat(0.9));
        let (_, _, failed) = Spline::new(4, &[Plain::splat(0.1); SPLINE_OUTPUTS]).inverse(image);
        assert_eq!(failed.0, [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    }

    /// Narrow bins, steep and flat slopes, and angles at the knots, where rounding decides for one bin or the other.
    #[test]
    fn slopes_are_positive_in_single_precision_too() {
        for i in 0..3000 {
            let x = |k: usize| ((i * 11 + 3 * k) as f32 * 0.731).sin();
            let n = 2 + i % (BINS_MAX - 1);
            let outputs: [f32; SPLINE_OUTPUTS] = std::array::from_fn(|k| 20.0 * x(k));
            let spline = Spline::new(n, &outputs);
            let mut knot = -std::f32::consts::PI;
            for k in 0..n {
                for phi in [knot, f32::from_bits(knot.to_bits() + 1), f32::from_bits(knot.to_bits() - 1)] {
                    let (shift, log) = spline.forward(Complex::new(phi.cos(), phi.sin()));
                    assert!(shift.is_finite() && log.is_finite(), "{n} {k} {phi}: {shift} {log}");
                }
                knot += spline.sizes[0][k];
            }
        }
    }

    #[test]
    fn slopes_are_differences() {
        for (n, outputs, phi) in cases() {
            let (a, b) = (0.8, -1.3);
            let value = |outputs: &[f64; SPLINE_OUTPUTS], phi: f64| {
                let (shift, log) = Spline::new(n, outputs).forward(phase(phi));
                a * shift + b * log
            };
            let h = 1e-6;
            // A difference across a knot, where the second derivative jumps, tells nothing.
            let knot = |outputs: &[f64; SPLINE_OUTPUTS]| {
                let spline = Spline::new(n, outputs);
                let mut x = -PI;
                (0..n).any(|k| {
                    let near = (phi - x).abs() < 1e-4;
                    x += spline.sizes[0][k];
                    near
                }) || (phi - PI).abs() < 1e-4
            };
            if knot(&outputs) {
                continue;
            }
            let ours = Spline::new(n, &outputs).backward(phase(phi), a, b);
            let scale = ours.outputs.iter().fold(ours.angle.abs(), |m, g| m.max(g.abs())).max(1.0);
            let difference =
                |f: &dyn Fn(f64) -> f64| (8.0 * (f(h) - f(-h)) - (f(2.0 * h) - f(-2.0 * h))) / (12.0 * h);
            let angle = difference(&|s| value(&outputs, phi + s));
            assert!((ours.angle - angle).abs() < 1e-6 * scale, "{n} {phi}: {} {angle}", ours.angle);
            for k in 0..=3 * n {
                let slope = difference(&|s| {
                    let mut moved = outputs;
                    moved[k] += s;
                    value(&moved, phi)
                });
                let ours = ours.outputs[k];
                assert!((ours - slope).abs() < 1e-6 * scale, "{n} {phi} output {k}: {ours} {slope}");
            }
        }
    }
}
