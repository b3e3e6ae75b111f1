//! The canonical cell of eigenvalues: one point for each conjugation class.
//!
//! Sorted around the circle so that Σ θ_i = 0, θ_1 ≥ … ≥ θ_N ≥ θ_1 − 2π, the gaps g_i = θ_i − θ_{i+1} and the one across the
//! cut, 2π − θ_1 + θ_N, are positive and add up to 2π. Coordinates on the unit interval are
//!
//! ```text
//! SU(2)   r = g_1/2π                  g_1 = 2π r
//! SU(3)   r = (g_1 + g_2)/2π          g_1 = 2π r s      dg_1 dg_2 = (2π)² r dr ds
//!         s = g_1/(g_1 + g_2)         g_2 = 2π r (1−s)
//! ```
//!
//! The density of Haar measure in them is ν = [r] Π_{i<j} 4 sin²((θ_i − θ_j)/2) up to a constant (Boyda et al., arXiv:2008.05456).

use super::eigen::Eigen;
use super::interval::Point;
use gaugelink_lattice::number::{ln, sin_cos};
use gaugelink_lattice::{Matrix, Num};
use std::f64::consts::{FRAC_1_PI, PI, TAU};

/// A point of the cell: r, and for N = 3 also s (else s = 1).
#[derive(Clone, Copy)]
pub struct Cell<V> {
    pub r: Point<V>,
    pub s: Point<V>,
}

/// sin and cot of half the difference of two angles.
#[derive(Clone, Copy)]
struct Half<V> {
    sin: V,
    cot: V,
}

/// What the formulas of a point are made of: the pairs (1, 2), (2, 3), (1, 3); only the first for N = 2.
pub struct Halves<V>([Half<V>; 3]);

/// The pairs (i, j) in the order of [`Halves`].
pub const PAIRS: [(usize, usize); 3] = [(0, 1), (1, 2), (0, 2)];

/// How many pairs there are.
pub const fn pairs(n: usize) -> usize {
    n * (n - 1) / 2
}

/// The eigenvectors of W in the order of the cell, and its point.
#[inline(always)]
pub fn canonical<V: Num, const N: usize>(w: &Matrix<V, N>) -> (Matrix<V, N>, Cell<V>) {
    let Eigen { vectors, angles } = Eigen::new(w);
    let (mut v, mut angles) = (vectors, angles);
    // Descending.
    for (i, j) in [(0, 1), (1, 2), (0, 1)] {
        if j < N {
            let swap = angles[i].lt(angles[j]);
            let (x, y) = (angles[i], angles[j]);
            (angles[i], angles[j]) = (V::select(swap, y, x), V::select(swap, x, y));
            swap_columns(&mut v, swap, i, j);
        }
    }
    let mut sum = angles[0];
    for i in 1..N {
        sum = sum + angles[i];
    }
    // Their sum is 2π k: for k = 1 the first goes below the last one, for k = −1 the last above the first.
    let k = (sum * V::splat(0.5 * FRAC_1_PI)).round();
    let (half, zero) = (V::splat(0.5), V::splat(0.0));
    let (down, up) = (half.lt(k), k.lt(-half));
    let mut gaps = [zero; N];
    for i in 0..N {
        gaps[i] = if i + 1 < N { angles[i] - angles[i + 1] } else { V::splat(TAU) - (angles[0] - angles[i]) };
    }
    let (old_gaps, old) = (gaps, v);
    let least = V::splat(least::<V>());
    for i in 0..N {
        let (next, before) = ((i + 1) % N, (i + N - 1) % N);
        let gap = V::select(down, old_gaps[next], V::select(up, old_gaps[before], old_gaps[i]));
        gaps[i] = V::select(gap.lt(least), least, gap);
        for row in 0..N {
            let (here, next, before) = (old.0[row][i], old.0[row][next], old.0[row][before]);
            v.0[row][i].re = V::select(down, next.re, V::select(up, before.re, here.re));
            v.0[row][i].im = V::select(down, next.im, V::select(up, before.im, here.im));
        }
    }
    let turn = V::splat(0.5 * FRAC_1_PI);
    let one = V::splat(1.0);
    let cell = if N == 3 {
        let both = gaps[0] + gaps[1];
        Cell {
            r: Point { x: both * turn, rest: gaps[N - 1] * turn },
            s: Point { x: gaps[0].div(both), rest: gaps[1].div(both) },
        }
    } else {
        let r = Point { x: gaps[0] * turn, rest: gaps[N - 1] * turn };
        Cell { r, s: Point { x: one, rest: zero } }
    };
    (v, cell)
}

/// The rounding of an angle: eigenvalues that are closer count as being so far apart, for which everything has its limit.
#[inline(always)]
fn least<V: Num>() -> f64 {
    // Only f64 reaches so far.
    if V::EXP_MAX > 100.0 { 1e-15 } else { 5e-7 }
}

#[inline(always)]
fn swap_columns<V: Num, const N: usize>(m: &mut Matrix<V, N>, swap: V::Mask, i: usize, j: usize) {
    for row in 0..N {
        let (x, y) = (m.0[row][i], m.0[row][j]);
        m.0[row][i].re = V::select(swap, y.re, x.re);
        m.0[row][i].im = V::select(swap, y.im, x.im);
        m.0[row][j].re = V::select(swap, x.re, y.re);
        m.0[row][j].im = V::select(swap, x.im, y.im);
    }
}

/// Of the angle 2π x, where 1 − x is `rest`.
#[inline(always)]
fn half<V: Num>(x: V, rest: V) -> Half<V> {
    let left = x.lt(rest);
    let (sin, cos) = sin_cos(V::select(left, x, rest) * V::splat(PI));
    let cot = cos.div(sin);
    Half { sin, cot: V::select(left, cot, -cot) }
}

impl<V: Num> Cell<V> {
    /// The halves of a point's differences.
    #[inline(always)]
    pub fn halves<const N: usize>(&self) -> Halves<V> {
        let (r, s) = (&self.r, &self.s);
        if N < 3 {
            return Halves([half(r.x, r.rest); 3]);
        }
        Halves([
            half(r.x * s.x, r.x.mul_add(s.rest, r.rest)),
            half(r.x * s.rest, r.x.mul_add(s.x, r.rest)),
            half(r.x, r.rest),
        ])
    }

    /// θ′_i − θ_i from this point to another.
    #[inline(always)]
    pub fn turn_to<const N: usize>(&self, to: &Self) -> [V; N] {
        let gap = |cell: &Self| [cell.r.x * cell.s.x, cell.r.x * cell.s.rest];
        let (old, new) = (gap(self), gap(to));
        let mut turn = [V::splat(0.0); N];
        if N == 2 {
            turn[0] = (new[0] - old[0]) * V::splat(PI);
            turn[N - 1] = -turn[0];
        } else if N == 3 {
            let third = V::splat(TAU / 3.0);
            let (first, second) = ((new[0] - old[0]) * third, (new[1] - old[1]) * third);
            turn[0] = first + first + second;
            turn[N - 1] = -(first + second + second);
            turn[1] = second - first;
        }
        turn
    }

    /// From the derivatives with respect to (r, s) to those with respect to (g_1, g_2).
    #[inline(always)]
    pub fn by_gaps<const N: usize>(&self, [by_r, by_s]: [V; 2]) -> [V; 2] {
        let turn = V::splat(0.5 * FRAC_1_PI);
        if N < 3 {
            return [by_r * turn, V::splat(0.0)];
        }
        let scaled = by_s.div(self.r.x);
        [scaled.mul_add(self.s.rest, by_r) * turn, scaled.neg_mul_add(self.s.x, by_r) * turn]
    }

    /// From the derivatives with respect to (g_1, g_2) to those with respect to (r, s).
    #[inline(always)]
    pub fn by_coordinates<const N: usize>(&self, [first, second]: [V; 2]) -> [V; 2] {
        let turn = V::splat(TAU);
        if N < 3 {
            return [first * turn, V::splat(0.0)];
        }
        let by_r = first.mul_add(self.s.x, second * self.s.rest);
        [by_r * turn, (first - second) * self.r.x * turn]
    }

    /// ln ν but for a constant.
    #[inline(always)]
    pub fn log_density<const N: usize>(&self, halves: &Halves<V>) -> V {
        let [first, second, third] = &halves.0;
        if N < 3 {
            let log = ln(first.sin);
            return log + log;
        }
        let log = ln(first.sin * second.sin * third.sin);
        log + log + ln(self.r.x)
    }

    /// Its derivatives with respect to r and s.
    #[inline(always)]
    pub fn log_density_slopes<const N: usize>(&self, halves: &Halves<V>) -> [V; 2] {
        let turn = V::splat(TAU);
        let [first, second, third] = &halves.0;
        if N < 3 {
            return [first.cot * turn, V::splat(0.0)];
        }
        let around = first.cot.mul_add(self.s.x, second.cot.mul_add(self.s.rest, third.cot));
        let by_r = around.mul_add(turn, V::splat(1.0).div(self.r.x));
        [by_r, (first.cot - second.cot) * self.r.x * turn]
    }
}

impl<V: Num> Halves<V> {
    /// sin(Δ′/2)/sin(Δ/2) of each pair, from these halves to those of the image.
    #[inline(always)]
    pub fn ratios(&self, image: &Self) -> [V; 3] {
        let mut ratios = [V::splat(1.0); 3];
        for k in 0..3 {
            ratios[k] = image.0[k].sin.div(self.0[k].sin);
        }
        ratios
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaugelink_lattice::Complex;

    /// diag(e^{iα}), in a basis that mixes.
    fn matrix<const N: usize>(angles: [f64; N]) -> Matrix<f64, N> {
        let mut w = Matrix::zero();
        for i in 0..N {
            w.0[i][i] = Complex::new(angles[i].cos(), angles[i].sin());
        }
        w
    }

    #[test]
    fn points_are_those_of_the_formulas_whatever_the_order() {
        // Angles with a sum of 0, 2π and −2π.
        for angles in [[0.7, 0.2, -0.9], [-0.9, 0.7, 0.2], [2.0, 1.9, TAU - 3.9], [-2.0, -1.9, 3.9 - TAU]] {
            let (_, cell) = canonical::<f64, 3>(&matrix(angles));
            // Brought to a sum of 0 by hand.
            let mut sorted = angles;
            let sum: f64 = angles.iter().sum();
            sorted.sort_by(|a, b| b.total_cmp(a));
            if sum > 1.0 {
                sorted = [sorted[1], sorted[2], sorted[0] - TAU];
            } else if sum < -1.0 {
                sorted = [sorted[2] + TAU, sorted[0], sorted[1]];
            }
            let (first, second) = (sorted[0] - sorted[1], sorted[1] - sorted[2]);
            assert!((cell.r.x - (first + second) / TAU).abs() < 1e-14, "{angles:?}");
            assert!((cell.s.x - first / (first + second)).abs() < 1e-14, "{angles:?}");
            assert!(
                (cell.r.x + cell.r.rest - 1.0).abs() < 1e-14 && (cell.s.x + cell.s.rest - 1.0).abs() < 1e-14
            );
        }
        let (_, cell) = canonical::<f64, 2>(&matrix([-1.2, 1.2]));
        assert!((cell.r.x - 1.2 / PI).abs() < 1e-15);
    }

    /// Weyl's formula: Π 4 sin² adds up to N! (2π)^{N−1} over all angles with a sum of 0, of which the cell is one N!-th.
    #[test]
    fn the_density_is_that_of_haar_measure() {
        const STEPS: usize = 400;
        let at = |k: usize| {
            let x = (k as f64 + 0.5) / STEPS as f64;
            Point { x, rest: 1.0 - x }
        };
        // dθ_1 = π dr.
        let density = |k: usize| {
            let cell = Cell { r: at(k), s: Point { x: 1.0, rest: 0.0 } };
            4.0 * cell.log_density::<2>(&cell.halves::<2>()).exp() * PI
        };
        let mean = (0..STEPS).map(density).sum::<f64>() / STEPS as f64;
        assert!((mean / TAU - 1.0).abs() < 1e-4, "{mean}");
        // dθ_1 dθ_2 = dg_1 dg_2/3.
        let density = |k: usize| {
            let cell = Cell { r: at(k / STEPS), s: at(k % STEPS) };
            64.0 * cell.log_density::<3>(&cell.halves::<3>()).exp() * TAU * TAU / 3.0
        };
        let mean = (0..STEPS * STEPS).map(density).sum::<f64>() / (STEPS * STEPS) as f64;
        assert!((mean / (TAU * TAU) - 1.0).abs() < 1e-4, "{mean}");
    }

    #[test]
    fn slopes_of_the_density_are_differences() {
        let (h, point) = (1e-5, |x: f64| Point { x, rest: 1.0 - x });
        for k in 0..50usize {
            let x = |m: usize| 0.5 + 0.45 * ((7 * k + m) as f64 * 1.3).sin();
            let (r, s) = (x(0), x(3));
            let log = |r: f64, s: f64| {
                let cell = Cell { r: point(r), s: point(s) };
                cell.log_density::<3>(&cell.halves::<3>())
            };
            let cell = Cell { r: point(r), s: point(s) };
            let slopes = cell.log_density_slopes::<3>(&cell.halves::<3>());
            let expected =
                [(log(r + h, s) - log(r - h, s)) / (2.0 * h), (log(r, s + h) - log(r, s - h)) / (2.0 * h)];
            for (slope, expected) in slopes.iter().zip(expected) {
                assert!(
                    (slope - expected).abs() < 1e-4 * (1.0 + expected.abs()),
                    "{r} {s}: {slope} {expected}"
                );
            }
        }
    }
}
