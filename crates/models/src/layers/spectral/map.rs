//! The map of one matrix, W → h(W), and its derivatives: site bodies.
//!
//! With W = V diag(e^{iθ}) V† and θ′ from the splines of the cell's coordinates, h(W) = V diag(e^{iθ′}) V† is R W with
//! R = V diag(e^{i(θ′−θ)}) V†. Eigenvectors are never differentiated: where W moves as δW = ω W, h moves as δh = η h, in the
//! basis of V with (Daleckii and Krein; Λ = e^{iθ})
//!
//! ```text
//! η_ij = E_ij ω_ij    E_ij = (Λ′_i Λ′*_j − 1)/(Λ_i Λ*_j − 1) = e^{i(Δ′−Δ)/2} sin(Δ′/2)/sin(Δ/2)    Δ = θ_i − θ_j
//! η_ii = i Σ_j ∂θ′_i/∂θ_j Im ω_jj
//! log det = ln |∂(r′, s′)/∂(r, s)| + ln ν(θ′) − ln ν(θ)
//! ```
//!
//! The image of a small gap is known to relative precision, so that the ratio of sines has its limit, the slope, where
//! eigenvalues agree.

use super::cell::{Cell, Halves, PAIRS, canonical, pairs};
use super::interval::{Interval, Mapped};
use crate::layers::rational::SPLINE_OUTPUTS;
use gaugelink_lattice::group::{ALGEBRA_MAX, from_coordinates, to_coordinates};
use gaugelink_lattice::number::sin_cos;
use gaugelink_lattice::{Complex, Matrix, Num};

/// The numbers of a spline for each coordinate.
pub type Numbers<V> = [[V; SPLINE_OUTPUTS]; 2];

/// The splines of r and, for N = 3, of s.
pub struct Map<V> {
    r: Interval<V>,
    s: Option<Interval<V>>,
}

/// The image of a cell's point.
pub struct Image<V> {
    pub cell: Cell<V>,
    r: Mapped<V>,
    s: Option<Mapped<V>>,
}

impl<V: Num> Map<V> {
    /// Of `bins` bins.
    #[inline(always)]
    pub fn new<const N: usize>(bins: usize, numbers: &Numbers<V>) -> Self {
        let s = if N == 3 { Some(Interval::new(bins, &numbers[1])) } else { None };
        Self { r: Interval::new(bins, &numbers[0]), s }
    }

    #[inline(always)]
    fn forward(&self, cell: &Cell<V>) -> Image<V> {
        let r = self.r.forward(&cell.r);
        match &self.s {
            None => Image { cell: Cell { r: r.image, ..*cell }, r, s: None },
            Some(spline) => {
                let s = spline.forward(&cell.s);
                Image { cell: Cell { r: r.image, s: s.image }, r, s: Some(s) }
            }
        }
    }

    #[inline(always)]
    fn inverse(&self, image: &Cell<V>) -> Cell<V> {
        let r = self.r.inverse(&image.r);
        let s = match &self.s {
            None => image.s,
            Some(spline) => spline.inverse(&image.s),
        };
        Cell { r, s }
    }

    /// Of L with the derivatives `by` with respect to r′ and s′, and `by_log` with respect to ln of the slopes' product: those
    /// with respect to r and s, and to the numbers.
    #[inline(always)]
    fn backward(&self, cell: &Cell<V>, image: &Image<V>, by: [V; 2], by_log: V) -> ([V; 2], Numbers<V>) {
        let zero = V::splat(0.0);
        let (by_r, of_r) = self.r.backward(&cell.r, &image.r, by[0], by_log);
        match (&self.s, &image.s) {
            (Some(spline), Some(mapped)) => {
                let (by_s, of_s) = spline.backward(&cell.s, mapped, by[1], by_log);
                ([by_r, by_s], [of_r, of_s])
            }
            _ => ([by_r, zero], [of_r, [zero; SPLINE_OUTPUTS]]),
        }
    }
}

impl<V: Num> Image<V> {
    /// ln of the slopes' product.
    #[inline(always)]
    fn log(&self) -> V {
        match &self.s {
            None => self.r.log,
            Some(s) => self.r.log + s.log,
        }
    }
}

/// A matrix's move by the map or its inverse.
pub struct Move<V, const N: usize> {
    /// What it is multiplied by from the left.
    pub rotation: Matrix<V, N>,
    /// log det of the map, also for the inverse.
    pub log: V,
    /// 1 in lanes whose image is not a number, 0 in others.
    pub failed: V,
}

/// The move of W, or of h(W) back to W.
#[inline(always)]
pub fn moved<V: Num, const N: usize>(map: &Map<V>, w: &Matrix<V, N>, inverse: bool) -> Move<V, N> {
    let (vectors, here) = canonical(w);
    let source = if inverse { map.inverse(&here) } else { here };
    let image = map.forward(&source);
    let to = if inverse { &source } else { &image.cell };
    let phases = phases(&here.turn_to::<N>(to));
    let mut scaled = vectors;
    for i in 0..N {
        for j in 0..N {
            scaled.0[i][j] = vectors.0[i][j] * phases[j];
        }
    }
    let after = image.cell.log_density::<N>(&image.cell.halves::<N>());
    let before = source.log_density::<N>(&source.halves::<N>());
    let log = image.log() + (after - before);
    let (zero, one) = (V::splat(0.0), V::splat(1.0));
    // Asked so that what is not a number fails.
    let failed = V::select((to.r.x + to.s.x).lt(V::splat(3.0)), zero, one);
    Move { rotation: scaled.mul_adjoint(&vectors), log, failed }
}

#[inline(always)]
fn phases<V: Num, const N: usize>(angles: &[V; N]) -> [Complex<V>; N] {
    let mut phases = [Complex::zero(); N];
    for i in 0..N {
        let (sin, cos) = sin_cos(angles[i]);
        phases[i] = Complex::new(cos, sin);
    }
    phases
}

/// What the way back makes of the cotangent of a link U′ = R(W) U.
pub struct Back<V> {
    /// That of U at fixed R, or for a score that of which [`Back::of_w`] must be subtracted.
    pub of_link: [V; ALGEBRA_MAX],
    /// ∂^a through R with respect to W → e^{sT_a} W.
    pub of_w: [V; ALGEBRA_MAX],
    /// With respect to the splines' numbers.
    pub numbers: Numbers<V>,
}

/// A matrix of the way back in the basis of V: what is above the diagonal, and the diagonal as derivatives by gaps.
struct InBasis<V, const N: usize> {
    above: [Complex<V>; 3],
    by_gaps: [V; 2],
}

impl<V: Num, const N: usize> InBasis<V, N> {
    /// Of an algebra element g, which stands for δL = Σ g^a ω^a = −2 tr(g ω).
    #[inline(always)]
    fn new(g: &[V; ALGEBRA_MAX], vectors: &Matrix<V, N>) -> Self {
        let inner = vectors.adjoint_mul(&from_coordinates::<V, N>(g).mul(vectors));
        let mut above = [Complex::zero(); 3];
        for k in 0..pairs(N) {
            let (i, j) = PAIRS[k];
            above[k] = inner.0[i][j];
        }
        let (first, last) = (inner.0[0][0].im, inner.0[N - 1][N - 1].im);
        Self { above, by_gaps: [first + first, -(last + last)] }
    }

    /// The algebra element.
    #[inline(always)]
    fn coordinates(&self, vectors: &Matrix<V, N>) -> [V; ALGEBRA_MAX] {
        let mut inner = Matrix::zero();
        for k in 0..pairs(N) {
            let (i, j) = PAIRS[k];
            inner.0[i][j] = self.above[k];
            inner.0[j][i] = -self.above[k].conj();
        }
        let half = V::splat(0.5);
        let [first, second] = self.by_gaps;
        inner.0[0][0].im = first * half;
        inner.0[N - 1][N - 1].im = -((if N == 3 { second } else { first }) * half);
        if N == 3 {
            inner.0[1][1].im = (second - first) * half;
        }
        to_coordinates(&vectors.mul(&inner).mul_adjoint(vectors))
    }
}

/// A matrix with its image, and what derivatives are made of.
pub struct Derivative<V, const N: usize> {
    vectors: Matrix<V, N>,
    cell: Cell<V>,
    image: Image<V>,
    /// ∂ ln ν/∂(r, s) here and at the image.
    slopes: [[V; 2]; 2],
    /// Of each pair sin(Δ′/2)/sin(Δ/2) and e^{i(Δ′−Δ)/2}.
    ratios: [V; 3],
    phases: [Complex<V>; 3],
}

impl<V: Num, const N: usize> Derivative<V, N> {
    /// At W.
    #[inline(always)]
    pub fn new(map: &Map<V>, w: &Matrix<V, N>) -> Self {
        let (vectors, cell) = canonical(w);
        let image = map.forward(&cell);
        let halves: [Halves<V>; 2] = [cell.halves::<N>(), image.cell.halves::<N>()];
        let turn = cell.turn_to::<N>(&image.cell);
        let mut half_turns = [V::splat(0.0); 3];
        for k in 0..pairs(N) {
            let (i, j) = PAIRS[k];
            half_turns[k] = (turn[i] - turn[j]) * V::splat(0.5);
        }
        let slopes =
            [cell.log_density_slopes::<N>(&halves[0]), image.cell.log_density_slopes::<N>(&halves[1])];
        let ratios = halves[0].ratios(&halves[1]);
        Self { vectors, cell, image, slopes, ratios, phases: phases(&half_turns) }
    }

    /// From the cotangent `g` of U′ and ∂L/∂(log det) = `weight`.
    #[inline(always)]
    pub fn of_cotangent(&self, map: &Map<V>, g: &[V; ALGEBRA_MAX], weight: V) -> Back<V> {
        self.back(map, &InBasis::new(g, &self.vectors), weight)
    }

    /// From the score `g` of U: with the score g′ of U′ that has η^T g′ + ∂ log det = g, and weight 1.
    #[inline(always)]
    pub fn of_score(&self, map: &Map<V>, g: &[V; ALGEBRA_MAX]) -> Back<V> {
        let (one, image) = (V::splat(1.0), &self.image);
        let before = InBasis::<V, N>::new(g, &self.vectors);
        let (of_log, _) = map.backward(&self.cell, image, self.slopes[1], one);
        let given = self.cell.by_coordinates::<N>(before.by_gaps);
        let mut by = [V::splat(0.0); 2];
        for c in 0..N - 1 {
            let slope = match &image.s {
                Some(s) if c == 1 => s.slope(),
                _ => image.r.slope(),
            };
            by[c] = (given[c] - (of_log[c] - self.slopes[0][c])).div(slope);
        }
        let mut after = InBasis::<V, N> { above: before.above, by_gaps: image.cell.by_gaps::<N>(by) };
        for k in 0..pairs(N) {
            after.above[k] = (before.above[k] * self.phases[k]).scale(one.div(self.ratios[k]));
        }
        let mut back = self.back(map, &after, one);
        let score = after.coordinates(&self.vectors);
        for a in 0..ALGEBRA_MAX {
            back.of_link[a] = score[a] + back.of_w[a];
        }
        back
    }

    #[inline(always)]
    fn back(&self, map: &Map<V>, g: &InBasis<V, N>, weight: V) -> Back<V> {
        let image = &self.image;
        // The diagonal: through the gaps to (r′, s′), to (r, s), to the gaps.
        let mut by = image.cell.by_coordinates::<N>(g.by_gaps);
        for c in 0..N - 1 {
            by[c] = weight.mul_add(self.slopes[1][c], by[c]);
        }
        let (mut by, numbers) = map.backward(&self.cell, image, by, weight);
        for c in 0..N - 1 {
            by[c] = weight.neg_mul_add(self.slopes[0][c], by[c]);
        }
        let by_gaps = self.cell.by_gaps::<N>(by);
        // Of h through η^T, less what turns with R alone.
        let mut of_link = InBasis::<V, N> { above: g.above, by_gaps: g.by_gaps };
        let mut of_w = InBasis::<V, N> {
            above: g.above,
            by_gaps: [by_gaps[0] - g.by_gaps[0], by_gaps[1] - g.by_gaps[1]],
        };
        for k in 0..pairs(N) {
            let phase = self.phases[k].conj();
            let turned = g.above[k] * phase;
            of_link.above[k] = turned * phase;
            of_w.above[k] = turned.scale(self.ratios[k]) - of_link.above[k];
        }
        let vectors = &self.vectors;
        Back { of_link: of_link.coordinates(vectors), of_w: of_w.coordinates(vectors), numbers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::rational::LEAST_SLOPE;
    use gaugelink_lattice::group::{algebra_dim, exponential};

    const BINS: usize = 3;

    fn numbers() -> Numbers<f64> {
        std::array::from_fn(|c| {
            std::array::from_fn(|k| if k <= 3 * BINS { ((5 * c + k) as f64 * 1.7).sin() } else { 0.0 })
        })
    }

    /// The slope at an end of the first spline.
    fn end(knot: usize) -> f64 {
        LEAST_SLOPE + (1.0 - LEAST_SLOPE) * numbers()[0][2 * BINS + knot].exp()
    }

    fn cotangent<const N: usize>() -> [f64; ALGEBRA_MAX] {
        std::array::from_fn(|a| if a < algebra_dim(N) { ((a + 2) as f64 * 0.9).cos() } else { 0.0 })
    }

    /// At ±1 and next to it h multiplies the distance by the spline's slope: log det is three times its logarithm, and the way
    /// back multiplies, too.
    #[test]
    fn in_su2_the_limit_at_equal_eigenvalues_is_the_slope() {
        let (map, g) = (Map::new::<2>(BINS, &numbers()), cotangent::<2>());
        for (sign, knot) in [(1.0, 0), (-1.0, BINS)] {
            for size in [0.0, 1e-12, 1e-8] {
                let c =
                    std::array::from_fn(|a| if a < 3 { size * ((a + 1) as f64 * 1.1).sin() } else { 0.0 });
                let w = exponential(&from_coordinates::<f64, 2>(&c)).scale(sign);
                let log = moved(&map, &w, false).log;
                let slope = end(knot);
                assert!((log - 3.0 * slope.ln()).abs() < 1e-6, "{sign} {size}: {log} {}", 3.0 * slope.ln());
                let back = Derivative::new(&map, &w).of_cotangent(&map, &g, 0.0);
                for a in 0..3 {
                    let (found, expected) = (back.of_w[a] + back.of_link[a], slope * g[a]);
                    assert!((found - expected).abs() < 1e-6, "{sign} {size} {a}: {found} {expected}");
                }
            }
        }
    }

    /// Across a pair of eigenvalues that comes together the way back is continuous along what turns the two.
    #[test]
    fn in_su3_a_pair_comes_together_continuously() {
        let map = Map::new::<3>(BINS, &numbers());
        // Off-diagonal in the plane of the pair.
        let g = std::array::from_fn(|a| [0.7, -0.4][a.min(1)] * f64::from(u8::from(a < 2)));
        let at = |gap: f64| {
            let mut w = Matrix::<f64, 3>::zero();
            for (i, angle) in [0.8 + 0.5 * gap, 0.8 - 0.5 * gap, -1.6].into_iter().enumerate() {
                w.0[i][i] = Complex::new(angle.cos(), angle.sin());
            }
            let back = Derivative::new(&map, &w).of_cotangent(&map, &g, 0.0);
            (moved(&map, &w, false).log, back.of_w)
        };
        let (log, of_w) = at(1e-5);
        assert!(of_w.iter().any(|x| x.abs() > 1e-2), "{of_w:?}");
        for gap in [1e-8, 1e-12, 0.0] {
            let (other_log, other) = at(gap);
            assert!((log - other_log).abs() < 1e-3, "{gap}: {log} {other_log}");
            for a in 0..8 {
                assert!((of_w[a] - other[a]).abs() < 1e-3, "{gap} {a}: {} {}", of_w[a], other[a]);
            }
        }
    }
}
