//! Rational-quadratic splines, of which circles and intervals are made (Gregory and Delbourgo, IMA J. Numer. Anal. 2 (1982)
//! 123; Durkan et al., arXiv:1906.04032).
//!
//! In a bin of width w and height h, with the slopes d_k and d_{k+1} at its knots, Δ = h/w, ξ = (x − x_k)/w and
//! D = Δ + (d_{k+1} + d_k − 2Δ) ξ(1−ξ),
//!
//! ```text
//! y = y_k + h [Δ ξ² + d_k ξ(1−ξ)]/D        dy/dx = Δ² [d_{k+1} ξ² + 2Δ ξ(1−ξ) + d_k (1−ξ)²]/D²
//! ```
//!
//! Widths and heights are shares of a length, m + (1 − K m) softmax of a net's numbers, slopes m' + (1 − m') e^c: zeros give
//! the identity. Bins and slopes of narrow distributions differ by orders of magnitude, their logarithms do not.

use gaugelink_lattice::Num;
use gaugelink_lattice::number::exp;

/// The most bins.
pub const BINS_MAX: usize = 16;
/// The most numbers that a spline takes: three a bin and one more.
pub const SPLINE_OUTPUTS: usize = 3 * BINS_MAX + 1;
/// The least width and height of a bin, of the whole length.
pub const LEAST_BIN: f64 = 1e-6;
/// The least slope at a knot.
pub const LEAST_SLOPE: f64 = 1e-3;
/// The largest c that counts: squares of slopes stay numbers in f32.
const LARGEST: f64 = 20.0;

/// A number for each bin.
pub type Bins<V> = [V; BINS_MAX];

/// softmax of the first `n` numbers, and the sizes of bins that add up to `length`.
#[inline(always)]
pub fn shares_and_sizes<V: Num>(n: usize, numbers: &[V], length: f64) -> (Bins<V>, Bins<V>) {
    let zero = V::splat(0.0);
    let (floor, free) = (V::splat(length * LEAST_BIN), V::splat(free(n, length)));
    let (mut shares, mut sizes) = ([zero; BINS_MAX], [zero; BINS_MAX]);
    let mut largest = numbers[0];
    for k in 1..n {
        largest = V::select(largest.lt(numbers[k]), numbers[k], largest);
    }
    let mut sum = zero;
    for k in 0..n {
        shares[k] = exp(numbers[k] - largest);
        sum = sum + shares[k];
    }
    let scale = V::splat(1.0).div(sum);
    for k in 0..n {
        shares[k] = shares[k] * scale;
        sizes[k] = shares[k].mul_add(free, floor);
    }
    (shares, sizes)
}

/// What the least sizes leave of the length.
#[inline(always)]
pub fn free(n: usize, length: f64) -> f64 {
    length * (1.0 - n as f64 * LEAST_BIN)
}

/// From the derivatives with respect to shares to those with respect to the numbers whose softmax they are, in place.
#[inline(always)]
pub fn back_to_numbers<V: Num>(n: usize, shares: &Bins<V>, by: &mut [V]) {
    let mut sum = V::splat(0.0);
    for k in 0..n {
        sum = by[k].mul_add(shares[k], sum);
    }
    for k in 0..n {
        by[k] = (by[k] - sum) * shares[k];
    }
}

/// The slope of a net's number c, and its derivative with respect to c.
#[inline(always)]
pub fn slope<V: Num>(c: V) -> (V, V) {
    let most = V::splat(LARGEST);
    let high = most.lt(c);
    let free = exp(V::select(high, most, c)) * V::splat(1.0 - LEAST_SLOPE);
    (free + V::splat(LEAST_SLOPE), V::select(high, V::splat(0.0), free))
}

/// A bin: its left knot, size and slopes.
#[derive(Clone, Copy)]
pub struct Bin<V> {
    pub x: V,
    pub y: V,
    pub width: V,
    pub height: V,
    pub left: V,
    pub right: V,
}

impl<V: Num> Bin<V> {
    /// `a` where the mask holds, `b` elsewhere.
    #[inline(always)]
    pub fn select(mask: V::Mask, a: &Self, b: &Self) -> Self {
        Self {
            x: V::select(mask, a.x, b.x),
            y: V::select(mask, a.y, b.y),
            width: V::select(mask, a.width, b.width),
            height: V::select(mask, a.height, b.height),
            left: V::select(mask, a.left, b.left),
            right: V::select(mask, a.right, b.right),
        }
    }

    /// ξ where y − y_k is `rise`.
    #[inline(always)]
    pub fn root(&self, rise: V) -> V {
        let mean = self.height.div(self.width);
        let bent = rise * (self.left + self.right - (mean + mean));
        let a = self.height.mul_add(mean - self.left, bent);
        let b = self.height.mul_add(self.left, -bent);
        let c = mean * rise;
        // ξ = 2c/(b + √(b² + 4ac)), of the root's two forms the one without cancellation.
        let root = b.mul_add(b, V::splat(4.0) * a * c);
        let root = V::select(root.lt(V::splat(0.0)), V::splat(0.0), root).sqrt();
        (c + c).div(b + root)
    }

    /// The bin seen from its other end: there 1 − ξ has the part of ξ.
    #[inline(always)]
    pub fn mirrored(&self) -> Self {
        Self { left: self.right, right: self.left, ..*self }
    }
}

/// What the formulas of a bin are made of.
pub struct Inside<V> {
    /// ξ, 1 − ξ and their product.
    pub xi: V,
    pub rest: V,
    both: V,
    /// Δ.
    mean: V,
    /// Δ ξ² + d_k ξ(1−ξ).
    pub rise: V,
    /// D.
    pub base: V,
    /// d_{k+1} + d_k − 2Δ.
    bend: V,
    /// d_{k+1} ξ² + 2Δ ξ(1−ξ) + d_k (1−ξ)².
    steep: V,
}

/// Derivatives of a function of y and ln dy/dx.
pub struct BinSlopes<V> {
    /// With respect to x.
    pub by_x: V,
    /// With respect to the bin's width and height.
    pub of_bin: [V; 2],
    /// With respect to x_k and y_k, and so to each width and height before.
    pub of_before: [V; 2],
    /// With respect to d_k and d_{k+1}.
    pub left: V,
    pub right: V,
}

impl<V: Num> Inside<V> {
    /// At ξ.
    #[inline(always)]
    pub fn new(bin: &Bin<V>, xi: V) -> Self {
        let xi = clamped(xi);
        Self::between(bin, xi, V::splat(1.0) - xi)
    }

    /// At ξ, with 1 − ξ given, too.
    #[inline(always)]
    pub fn between(bin: &Bin<V>, xi: V, rest: V) -> Self {
        let both = xi * rest;
        let mean = bin.height.div(bin.width);
        let bend = bin.left + bin.right - (mean + mean);
        let rise = (mean * xi).mul_add(xi, bin.left * both);
        let base = bend.mul_add(both, mean);
        let steep = (bin.right * xi).mul_add(xi, (mean + mean).mul_add(both, bin.left * rest * rest));
        Self { xi, rest, both, mean, rise, base, bend, steep }
    }

    /// D less the rise: h times it over D is what is left of the bin's height.
    #[inline(always)]
    pub fn fall(&self, bin: &Bin<V>) -> V {
        (self.mean * self.rest).mul_add(self.rest, bin.right * self.both)
    }

    /// dy/dx.
    #[inline(always)]
    pub fn slope(&self) -> V {
        let ratio = self.mean.div(self.base);
        ratio * ratio * self.steep
    }

    /// Of L with ∂L/∂y = `by_y` and ∂L/∂(ln dy/dx) = `by_log`: its derivatives.
    #[inline(always)]
    pub fn backward(&self, bin: &Bin<V>, by_y: V, by_log: V) -> BinSlopes<V> {
        let (one, two) = (V::splat(1.0), V::splat(2.0));
        let per_width = one.div(bin.width);
        let (per_base, per_steep, per_mean) = (one.div(self.base), one.div(self.steep), one.div(self.mean));
        let (part, both2) = (self.rise * per_base, self.both + self.both);
        let (side, scaled) = (self.rest - self.xi, by_y * bin.height);
        // Derivatives of [rise/base] and ln slope with respect to ξ, Δ, d_k and d_{k+1}.
        let steep_xi = two * (bin.right.mul_add(self.xi, self.mean * side) - bin.left * self.rest);
        let log_xi = steep_xi * per_steep - two * self.bend * side * per_base;
        let by_xi = (scaled * self.slope()).mul_add(per_mean, by_log * log_xi);
        let part_mean = (self.xi * self.xi - part * (one - both2)) * per_base;
        let log_mean = two * per_mean + both2 * per_steep - two * (one - both2) * per_base;
        let by_mean = scaled.mul_add(part_mean, by_log * log_mean);
        let shared = both2 * per_base;
        let part_left = self.both * (one - part) * per_base;
        let left = scaled.mul_add(part_left, by_log * (self.rest * self.rest * per_steep - shared));
        let part_right = -(self.both * part * per_base);
        let right = scaled.mul_add(part_right, by_log * (self.xi * self.xi * per_steep - shared));
        // Of the bin itself, and of those before it through x_k and y_k.
        let by_x = by_xi * per_width;
        let of_bin =
            [-(by_x * self.xi) - by_mean * self.mean * per_width, by_y.mul_add(part, by_mean * per_width)];
        BinSlopes { by_x, of_bin, of_before: [-by_x, by_y], left, right }
    }
}

/// Within 0 and 1: in a narrow bin rounding may put ξ outside, where the slope's formula is negative.
#[inline(always)]
pub fn clamped<V: Num>(xi: V) -> V {
    let (zero, one) = (V::splat(0.0), V::splat(1.0));
    V::select(xi.lt(zero), zero, V::select(one.lt(xi), one, xi))
}
