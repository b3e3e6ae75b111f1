//! Rational-quadratic splines of the unit interval onto itself, with both ends fixed.
//!
//! Knots x_0 = 0 < … < x_K = 1 go to y_0 = 0 < … < y_K = 1 with the slopes d_0…d_K, all of them free; the formulas of a bin are
//! in [`rational`](super::super::rational). A point comes with its distance from either end, and its image, too: what is close to
//! an end stays so to relative precision, as the ratio of sines at eigenvalues that almost agree needs.

use crate::layers::rational::{
    BINS_MAX, Bin, Bins, Inside, SPLINE_OUTPUTS, back_to_numbers, free, shares_and_sizes, slope,
};
use gaugelink_lattice::Num;
use gaugelink_lattice::number::ln;

/// A point of the unit interval: x and 1 − x.
#[derive(Clone, Copy)]
pub struct Point<V> {
    pub x: V,
    pub rest: V,
}

/// A spline of the first `n` bins.
pub struct Interval<V> {
    /// softmax(a), softmax(b).
    shares: [Bins<V>; 2],
    /// Widths and heights.
    sizes: [Bins<V>; 2],
    /// Slope at each knot, and its derivative with respect to c.
    slopes: [V; BINS_MAX + 1],
    by_c: [V; BINS_MAX + 1],
    n: usize,
}

/// The bin of a point: with what lies to the right of it, on either axis.
struct Found<V> {
    bin: Bin<V>,
    beyond: [V; 2],
}

/// A point in its bin, and what the map makes of it.
pub struct Mapped<V> {
    bin: Bin<V>,
    inside: Inside<V>,
    pub image: Point<V>,
    /// ln dy/dx.
    pub log: V,
}

impl<V: Num> Mapped<V> {
    /// dy/dx.
    #[inline(always)]
    pub fn slope(&self) -> V {
        self.inside.slope()
    }
}

impl<V: Num> Interval<V> {
    /// Of `n` bins, with the net's numbers a_1…a_n, b_1…b_n, c_0…c_n.
    #[inline(always)]
    pub fn new(n: usize, numbers: &[V; SPLINE_OUTPUTS]) -> Self {
        let zero = V::splat(0.0);
        let mut spline = Self {
            shares: [[zero; BINS_MAX]; 2],
            sizes: [[zero; BINS_MAX]; 2],
            slopes: [zero; BINS_MAX + 1],
            by_c: [zero; BINS_MAX + 1],
            n,
        };
        for which in 0..2 {
            (spline.shares[which], spline.sizes[which]) = shares_and_sizes(n, &numbers[which * n..], 1.0);
        }
        for k in 0..n + 1 {
            (spline.slopes[k], spline.by_c[k]) = slope(numbers[2 * n + k]);
        }
        spline
    }

    /// The bin of a point of the x (`image` false) or the y axis.
    #[inline(always)]
    fn find(&self, at: &Point<V>, image: bool) -> Found<V> {
        let zero = V::splat(0.0);
        // Added up from the right: so they are 0 for the last bin.
        let mut beyond = [[zero; BINS_MAX]; 2];
        for k in (1..self.n).rev() {
            for axis in 0..2 {
                beyond[axis][k - 1] = beyond[axis][k] + self.sizes[axis][k];
            }
        }
        let (mut x, mut y) = (zero, zero);
        let mut found = Found { bin: self.bin(0, x, y), beyond: [beyond[0][0], beyond[1][0]] };
        for k in 1..self.n {
            (x, y) = (x + self.sizes[0][k - 1], y + self.sizes[1][k - 1]);
            let before = at.x.lt(if image { y } else { x });
            found.bin = Bin::select(before, &found.bin, &self.bin(k, x, y));
            for axis in 0..2 {
                found.beyond[axis] = V::select(before, found.beyond[axis], beyond[axis][k]);
            }
        }
        found
    }

    #[inline(always)]
    fn bin(&self, k: usize, x: V, y: V) -> Bin<V> {
        Bin {
            x,
            y,
            width: self.sizes[0][k],
            height: self.sizes[1][k],
            left: self.slopes[k],
            right: self.slopes[k + 1],
        }
    }

    /// The image of a point.
    #[inline(always)]
    pub fn forward(&self, at: &Point<V>) -> Mapped<V> {
        let Found { bin, beyond } = self.find(at, false);
        let left = at.x.lt(at.rest);
        let distance = V::select(left, at.x - bin.x, at.rest - beyond[0]);
        let inside = inside(&bin, distance.div(bin.width), left);
        let scale = bin.height.div(inside.base);
        let image =
            Point { x: scale.mul_add(inside.rise, bin.y), rest: scale.mul_add(inside.fall(&bin), beyond[1]) };
        Mapped { log: ln(inside.slope()), bin, inside, image }
    }

    /// The point whose image is `at`.
    #[inline(always)]
    pub fn inverse(&self, at: &Point<V>) -> Point<V> {
        let Found { bin, beyond } = self.find(at, true);
        let left = at.x.lt(at.rest);
        let distance = V::select(left, at.x - bin.y, at.rest - beyond[1]);
        let root = Bin::select(left, &bin, &bin.mirrored()).root(distance);
        let Inside { xi, rest, .. } = inside(&bin, root, left);
        Point { x: bin.width.mul_add(xi, bin.x), rest: bin.width.mul_add(rest, beyond[0]) }
    }

    /// Of L with ∂L/∂y = `by_y` and ∂L/∂(ln dy/dx) = `by_log`: its derivatives with respect to x and to the net's numbers.
    #[inline(always)]
    pub fn backward(
        &self,
        at: &Point<V>,
        mapped: &Mapped<V>,
        by_y: V,
        by_log: V,
    ) -> (V, [V; SPLINE_OUTPUTS]) {
        let (zero, one, n) = (V::splat(0.0), V::splat(1.0), self.n);
        let f = mapped.inside.backward(&mapped.bin, by_y, by_log);
        let mut numbers = [zero; SPLINE_OUTPUTS];
        // 1 where x lies to the right of a bin's left knot.
        let mut beyond = [one; BINS_MAX + 1];
        let mut x = zero;
        for k in 1..n {
            x = x + self.sizes[0][k - 1];
            beyond[k] = V::select(at.x.lt(x), zero, one);
        }
        beyond[n] = zero;
        let free = V::splat(free(n, 1.0));
        for which in 0..2 {
            let by = &mut numbers[which * n..];
            for k in 0..n {
                let here = beyond[k] - beyond[k + 1];
                by[k] = here.mul_add(f.of_bin[which], beyond[k + 1] * f.of_before[which]) * free;
            }
            back_to_numbers(n, &self.shares[which], by);
        }
        let mut behind = zero;
        for k in 0..n + 1 {
            let here = if k < n { beyond[k] - beyond[k + 1] } else { zero };
            numbers[2 * n + k] = here.mul_add(f.left, behind * f.right) * self.by_c[k];
            behind = here;
        }
        (f.by_x, numbers)
    }
}

/// At ξ = `part`, or 1 − ξ = `part` where `left` does not hold.
#[inline(always)]
fn inside<V: Num>(bin: &Bin<V>, part: V, left: V::Mask) -> Inside<V> {
    let part = crate::layers::rational::clamped(part);
    let other = V::splat(1.0) - part;
    Inside::between(bin, V::select(left, part, other), V::select(left, other, part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::rational::{LEAST_BIN, LEAST_SLOPE};

    /// The formulas as they stand: y and dy/dx.
    fn naive(n: usize, numbers: &[f64], at: f64) -> (f64, f64) {
        let sizes = |numbers: &[f64]| -> Vec<f64> {
            let sum: f64 = numbers.iter().map(|a| a.exp()).sum();
            numbers.iter().map(|a| LEAST_BIN + (1.0 - n as f64 * LEAST_BIN) * a.exp() / sum).collect()
        };
        let (widths, heights) = (sizes(&numbers[..n]), sizes(&numbers[n..2 * n]));
        let slope = |k: usize| LEAST_SLOPE + (1.0 - LEAST_SLOPE) * numbers[2 * n + k].exp();
        let (mut k, mut x, mut y) = (0, 0.0, 0.0);
        while k + 1 < n && at >= x + widths[k] {
            (x, y, k) = (x + widths[k], y + heights[k], k + 1);
        }
        let (w, h, left, right) = (widths[k], heights[k], slope(k), slope(k + 1));
        let (delta, xi) = (h / w, (at - x) / w);
        let base = delta + (right + left - 2.0 * delta) * xi * (1.0 - xi);
        let image = y + h * (delta * xi * xi + left * xi * (1.0 - xi)) / base;
        let steep = right * xi * xi + 2.0 * delta * xi * (1.0 - xi) + left * (1.0 - xi) * (1.0 - xi);
        (image, delta * delta * steep / (base * base))
    }

    fn cases() -> impl Iterator<Item = (usize, [f64; SPLINE_OUTPUTS], Point<f64>)> {
        (0..2000).map(|i| {
            let x = |k: usize| ((i * 11 + 3 * k) as f64 * 0.731).sin();
            let n = 2 + i % (BINS_MAX - 1);
            let at = 0.5 + 0.5 * x(60);
            (n, std::array::from_fn(|k| if k <= 3 * n { 2.0 * x(k) } else { 0.0 }), point(at))
        })
    }

    fn point(x: f64) -> Point<f64> {
        Point { x, rest: 1.0 - x }
    }

    #[test]
    fn the_map_is_the_formula_and_the_inverse_undoes_it() {
        for (n, numbers, at) in cases() {
            let (image, slope) = naive(n, &numbers, at.x);
            let spline = Interval::new(n, &numbers);
            let mapped = spline.forward(&at);
            assert!((mapped.image.x - image).abs() < 1e-14 * (1.0 + slope), "{n} {}", at.x);
            assert!((mapped.image.x + mapped.image.rest - 1.0).abs() < 1e-15);
            assert!((mapped.log - slope.ln()).abs() < 1e-9 * (1.0 + slope), "{n} {}", at.x);
            let back = spline.inverse(&mapped.image);
            assert!((back.x - at.x).abs() < 1e-14 * (1.0 + 1.0 / slope), "{n} {}: {}", at.x, back.x);
        }
        let same = Interval::new(5, &[0.0; SPLINE_OUTPUTS]).forward(&point(0.3));
        assert!((same.image.x - 0.3).abs() < 1e-15 && same.log.abs() < 1e-15);
    }

    #[test]
    fn the_ends_are_kept_to_relative_precision() {
        for (n, numbers, _) in cases().step_by(17) {
            let spline = Interval::new(n, &numbers);
            for small in [1e-12, 1e-18, 1e-25] {
                for (at, knot) in [(Point { x: small, rest: 1.0 }, 0), (Point { x: 1.0, rest: small }, n)] {
                    let image = spline.forward(&at).image;
                    let (distance, slope) =
                        (if knot == 0 { image.x } else { image.rest }, spline.slopes[knot]);
                    assert!(
                        (distance / small - slope).abs() < 1e-4 * slope,
                        "{n} {small} {knot}: {distance:e}"
                    );
                    let back = spline.inverse(&image);
                    let back = if knot == 0 { back.x } else { back.rest };
                    assert!((back / small - 1.0).abs() < 1e-12, "{n} {small} {knot}: {back:e}");
                }
            }
        }
    }

    #[test]
    fn slopes_are_differences() {
        for (n, numbers, at) in cases() {
            let (a, b) = (0.8, -1.3);
            let value = |numbers: &[f64; SPLINE_OUTPUTS], x: f64| {
                let mapped = Interval::new(n, numbers).forward(&point(x));
                a * mapped.image.x + b * mapped.log
            };
            let h = 1e-6;
            // A difference across a knot, where the second derivative jumps, tells nothing.
            let spline = Interval::new(n, &numbers);
            let mut knot = 0.0;
            let near = (0..=n).any(|k| {
                let near = (at.x - knot).abs() < 2e-4;
                knot += if k < n { spline.sizes[0][k] } else { 0.0 };
                near
            });
            if near {
                continue;
            }
            let (by_x, by_numbers) = spline.backward(&at, &spline.forward(&at), a, b);
            let scale = by_numbers.iter().fold(by_x.abs(), |m, g| m.max(g.abs())).max(1.0);
            let difference =
                |f: &dyn Fn(f64) -> f64| (8.0 * (f(h) - f(-h)) - (f(2.0 * h) - f(-2.0 * h))) / (12.0 * h);
            let slope = difference(&|s| value(&numbers, at.x + s));
            assert!((by_x - slope).abs() < 1e-6 * scale, "{n} {}: {by_x} {slope}", at.x);
            for k in 0..=3 * n {
                let slope = difference(&|s| {
                    let mut moved = numbers;
                    moved[k] += s;
                    value(&moved, at.x)
                });
                assert!((by_numbers[k] - slope).abs() < 1e-6 * scale, "{n} {} {k}", at.x);
            }
        }
    }
}
