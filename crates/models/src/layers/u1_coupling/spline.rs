//! Circular rational-quadratic splines: a map of an active plaquette's angle with as many bins as one likes.
//!
//! Knots x_0 = −π < … < x_K = π go to y_0 = −π < … < y_K = π, with the slopes d_0…d_K, d_K = d_0. The bins' widths and
//! heights are 2π (m + (1 − K m) softmax) of the net's numbers a and b, the slopes m' + (1 − m') e^c, so that zeros
//! give the identity: bins and slopes of narrow distributions differ by orders of magnitude, their logarithms do not. Tails are
//! no better than the least bin, m. In a bin of width w and height h, with Δ = h/w, ξ = (φ − x_k)/w and D = Δ + (d_{k+1} + d_k − 2Δ) ξ(1−ξ),
//!
//! ```text
//! φ' = y_k + h [Δ ξ² + d_k ξ(1−ξ)]/D + t        dφ'/dφ = Δ² [d_{k+1} ξ² + 2Δ ξ(1−ξ) + d_k (1−ξ)²]/D²
//! ```
//!
//! (Gregory and Delbourgo, IMA J. Numer. Anal. 2 (1982) 123; Durkan et al., arXiv:1906.04032; on circles Rezende et al.,
//! arXiv:2002.02428.) Within a bin the inverse is the root of a quadratic.

use gaugelink_lattice::number::{atan2, exp, ln};
use gaugelink_lattice::{Complex, Num};
use std::f64::consts::{FRAC_1_PI, PI, TAU};

/// The most bins.
pub const BINS_MAX: usize = 16;
/// The most numbers that a spline takes: three a bin, and the shift.
pub const SPLINE_OUTPUTS: usize = 3 * BINS_MAX + 1;
/// The least width and height of a bin, of the whole circle.
const LEAST_BIN: f64 = 1e-6;
/// The least slope at a knot.
const LEAST_SLOPE: f64 = 1e-3;
/// The largest c that counts: squares of slopes stay numbers in f32.
const LARGEST: f64 = 20.0;

type Row<V> = [V; BINS_MAX];

/// A spline of the first `n` bins, and the shift t.
pub struct Spline<V> {
    /// softmax(a), softmax(b).
    shares: [Row<V>; 2],
    /// Widths and heights.
    sizes: [Row<V>; 2],
    /// Slope at each bin's left knot.
    slopes: Row<V>,
    /// Its derivative with respect to c.
    by_c: Row<V>,
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

/// The bin that an angle lies in.
struct Bin<V> {
    x: V,
    y: V,
    width: V,
    height: V,
    left: V,
    right: V,
}

/// What the formulas of a bin are made of.
struct Inside<V> {
    /// ξ, 1 − ξ and their product.
    xi: V,
    rest: V,
    both: V,
    /// Δ.
    mean: V,
    /// Δ ξ² + d_k ξ(1−ξ).
    rise: V,
    /// D.
    base: V,
    /// d_{k+1} + d_k − 2Δ.
    bend: V,
    /// d_{k+1} ξ² + 2Δ ξ(1−ξ) + d_k (1−ξ)².
    steep: V,
}

impl<V: Num> Inside<V> {
    #[inline(always)]
    fn new(bin: &Bin<V>, xi: V) -> Self {
        // In a narrow bin rounding may put ξ outside, where the slope's formula is negative.
        let (zero, one) = (V::splat(0.0), V::splat(1.0));
        let xi = V::select(xi.lt(zero), zero, V::select(one.lt(xi), one, xi));
        let rest = one - xi;
        let both = xi * rest;
        let mean = bin.height.div(bin.width);
        let bend = bin.left + bin.right - (mean + mean);
        let rise = (mean * xi).mul_add(xi, bin.left * both);
        let base = bend.mul_add(both, mean);
        let steep = (bin.right * xi).mul_add(xi, (mean + mean).mul_add(both, bin.left * rest * rest));
        Self { xi, rest, both, mean, rise, base, bend, steep }
    }

    #[inline(always)]
    fn slope(&self) -> V {
        let ratio = self.mean.div(self.base);
        ratio * ratio * self.steep
    }
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
        let (floor, free) = (V::splat(TAU * LEAST_BIN), V::splat(TAU * (1.0 - n as f64 * LEAST_BIN)));
        for which in 0..2 {
            let of = |k: usize| outputs[which * n + k];
            let mut largest = of(0);
            for k in 1..n {
                largest = V::select(largest.lt(of(k)), of(k), largest);
            }
            let mut sum = zero;
            for k in 0..n {
                spline.shares[which][k] = exp(of(k) - largest);
                sum = sum + spline.shares[which][k];
            }
            let scale = V::splat(1.0).div(sum);
            for k in 0..n {
                let share = spline.shares[which][k] * scale;
                spline.shares[which][k] = share;
                spline.sizes[which][k] = share.mul_add(free, floor);
            }
        }
        for k in 0..n {
            let (c, most) = (outputs[2 * n + k], V::splat(LARGEST));
            let high = most.lt(c);
            let free = exp(V::select(high, most, c)) * V::splat(1.0 - LEAST_SLOPE);
            spline.slopes[k] = free + V::splat(LEAST_SLOPE);
            spline.by_c[k] = V::select(high, zero, free);
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
            let (old, new) = (bin, at(k, x, y));
            bin = Bin {
                x: V::select(before, old.x, new.x),
                y: V::select(before, old.y, new.y),
                width: V::select(before, old.width, new.width),
                height: V::select(before, old.height, new.height),
                left: V::select(before, old.left, new.left),
                right: V::select(before, old.right, new.right),
            };
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
        let mean = bin.height.div(bin.width);
        let rise = goal - bin.y;
        let bent = rise * (bin.left + bin.right - (mean + mean));
        let a = bin.height.mul_add(mean - bin.left, bent);
        let b = bin.height.mul_add(bin.left, -bent);
        let c = mean * rise;
        // ξ = 2c/(b + √(b² + 4ac)), of the root's two forms the one without cancellation.
        let root = b.mul_add(b, V::splat(4.0) * a * c);
        let root = V::select(root.lt(V::splat(0.0)), V::splat(0.0), root).sqrt();
        let xi = (c + c).div(b + root);
        let phi = bin.width.mul_add(xi, bin.x);
        let log = ln(Inside::new(&bin, xi).slope());
        // Asked so that what is not a number fails.
        let found = V::select(phi.lt(V::splat(2.0 * PI)), V::splat(0.0), V::splat(1.0));
        (goal - phi + self.t, log, found)
    }

    /// Of L with ∂L/∂δ = `by_shift` and ∂L/∂(ln dφ'/dφ) = `by_log`: its derivatives.
    #[inline(always)]
    pub fn backward(&self, phase: Complex<V>, by_shift: V, by_log: V) -> SplineSlopes<V> {
        let (zero, one, two) = (V::splat(0.0), V::splat(1.0), V::splat(2.0));
        let (phi, n) = (atan2(phase.im, phase.re), self.n);
        let bin = self.bin(phi, false);
        let per_width = one.div(bin.width);
        let f = Inside::new(&bin, (phi - bin.x) * per_width);
        let (per_base, per_steep, per_mean) = (one.div(f.base), one.div(f.steep), one.div(f.mean));
        let (part, both2) = (f.rise * per_base, f.both + f.both);
        let (side, scaled) = (f.rest - f.xi, by_shift * bin.height);
        // Derivatives of [rise/base] and ln slope with respect to ξ, Δ, d_k and d_{k+1}.
        let steep_xi = two * (bin.right.mul_add(f.xi, f.mean * side) - bin.left * f.rest);
        let log_xi = steep_xi * per_steep - two * f.bend * side * per_base;
        let by_xi = (scaled * f.slope()).mul_add(per_mean, by_log * log_xi);
        let part_mean = (f.xi * f.xi - part * (one - both2)) * per_base;
        let log_mean = two * per_mean + both2 * per_steep - two * (one - both2) * per_base;
        let by_mean = scaled.mul_add(part_mean, by_log * log_mean);
        let shared = both2 * per_base;
        let part_left = f.both * (one - part) * per_base;
        let by_left = scaled.mul_add(part_left, by_log * (f.rest * f.rest * per_steep - shared));
        let part_right = -(f.both * part * per_base);
        let by_right = scaled.mul_add(part_right, by_log * (f.xi * f.xi * per_steep - shared));
        // Of the bin itself, and of those before it through x_k and y_k.
        let by_phi = by_xi * per_width;
        let of_bin =
            [-(by_phi * f.xi) - by_mean * f.mean * per_width, by_shift.mul_add(part, by_mean * per_width)];
        let of_before = [-by_phi, by_shift];

        let mut outputs = [zero; SPLINE_OUTPUTS];
        // 1 where φ lies to the right of a bin's left knot.
        let mut beyond = [one; BINS_MAX + 1];
        let mut x = V::splat(-PI);
        for k in 1..n {
            x = x + self.sizes[0][k - 1];
            beyond[k] = V::select(phi.lt(x), zero, one);
        }
        beyond[n] = zero;
        let free = V::splat(TAU * (1.0 - n as f64 * LEAST_BIN));
        for which in 0..2 {
            let mut sum = zero;
            for k in 0..n {
                let here = beyond[k] - beyond[k + 1];
                let by_size = here.mul_add(of_bin[which], beyond[k + 1] * of_before[which]) * free;
                outputs[which * n + k] = by_size;
                sum = by_size.mul_add(self.shares[which][k], sum);
            }
            for k in 0..n {
                outputs[which * n + k] = (outputs[which * n + k] - sum) * self.shares[which][k];
            }
        }
        for k in 0..n {
            let previous = if k == 0 { n - 1 } else { k - 1 };
            let (here, behind) = (beyond[k] - beyond[k + 1], beyond[previous] - beyond[previous + 1]);
            outputs[2 * n + k] = here.mul_add(by_left, behind * by_right) * self.by_c[k];
        }
        outputs[3 * n] = by_shift;
        SplineSlopes { outputs, angle: by_phi - by_shift }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
