//! log det of the link map V → exp(A) V, A = −Ta(P), P = V Σ with Σ independent of V.
//!
//! Its Jacobian in the frame of the new link is Ad(e^A) M, M = 1 + φ(−ad) D, D ξ = −Ta(ξ P) (reference: Abbott et al.,
//! arXiv:2401.10874, and Grid's SmearedConfigurationMasked, which inverts nothing but computes det M as it stands).
//! With R the Hermitian part of P, D = −½ ad − S, S ξ = ½{R, ξ} without its trace, and as φ(−x) x = 1 − e^{−x},
//!
//! e^{ad/2} M = cosh(ad/2) − sinhc(ad/2) S = sinhc(ad/2) (G − S),   G = (ad/2) coth(ad/2),
//!
//! so that log det M = Σ_{j<k} 2 ln sinc((θ_j − θ_k)/2) + log det(G − S), where G − S is symmetric. M is invertible, with
//! det M > 0, wherever ‖P‖ < 1 (Ta does not expand, |φ(−ad)| ≤ 1), and so, as ‖P‖ grows from 0, G − S stays positive
//! definite: its elimination needs no pivots.

use super::Frame;
use super::adjoint::{
    Operator, adjoint_transposed, anticommutator_transposed, product, subtract_anticommutator,
    symmetric_product, trace_of_product,
};
use super::series::{COTANGENT, Invariants, LOG_SINC};
use gaugelink_lattice::group::{ALGEBRA_MAX, algebra_dim, to_coordinates};
use gaugelink_lattice::number::ln;
use gaugelink_lattice::{Complex, Matrix, Num};

/// −ad² and its square and cube.
type Powers<V> = [Operator<V>; 3];

/// The factors of det M at one link.
pub struct LogDet<V> {
    /// G − S = L diag(1/inverse pivots) Lᵀ with ones on the diagonal of L.
    lower: Operator<V>,
    inverse_pivots: [V; ALGEBRA_MAX],
    /// The product of the pivots, det(G − S).
    product: V,
    powers: Powers<V>,
}

impl<V: Num> LogDet<V> {
    /// From P and A = −Ta(P).
    #[inline(always)]
    pub fn new<const N: usize>(p: &Matrix<V, N>, at: &Frame<V, N>) -> Self {
        let (zero, one) = (V::splat(0.0), V::splat(1.0));
        let mut b = [[zero; ALGEBRA_MAX]; ALGEBRA_MAX];
        let mut powers = [b; 3];
        if N > 1 {
            powers[0] = symmetric_product::<V, N>(&at.ad, &at.ad);
            powers[1] = symmetric_product::<V, N>(&powers[0], &powers[0]);
            powers[2] = symmetric_product::<V, N>(&powers[1], &powers[0]);
            let q = at.invariants.reduce(&COTANGENT);
            for i in 0..algebra_dim(N) {
                for j in 0..algebra_dim(N) {
                    b[i][j] =
                        q[2].mul_add(powers[2][i][j], q[1].mul_add(powers[1][i][j], q[0] * powers[0][i][j]));
                }
            }
        }
        for i in 0..algebra_dim(N) {
            b[i][i] = b[i][i] + one;
        }
        let (r0, r) = hermitian_coordinates(p);
        subtract_anticommutator::<V, N>(&mut b, r0, &r);
        let mut inverse_pivots = [one; ALGEBRA_MAX];
        let mut product = one;
        for k in 0..algebra_dim(N) {
            product = product * b[k][k];
            inverse_pivots[k] = one.div(b[k][k]);
            for i in k + 1..algebra_dim(N) {
                let factor = b[i][k] * inverse_pivots[k];
                for j in k + 1..i + 1 {
                    b[i][j] = factor.neg_mul_add(b[j][k], b[i][j]);
                }
            }
            for i in k + 1..algebra_dim(N) {
                b[i][k] = b[i][k] * inverse_pivots[k];
            }
        }
        Self { lower: b, inverse_pivots, product, powers }
    }

    /// log det M.
    #[inline(always)]
    pub fn value<const N: usize>(&self, at: &Frame<V, N>) -> V {
        if N == 1 {
            return ln(self.product);
        }
        at.invariants.sum_over_differences(&LOG_SINC).mul_add(V::splat(2.0), ln(self.product))
    }

    /// (G − S)⁻¹
    #[inline(always)]
    fn inverse<const N: usize>(&self) -> Operator<V> {
        let n = algebra_dim(N);
        let zero = V::splat(0.0);
        // L⁻¹ below the diagonal.
        let mut l = [[zero; ALGEBRA_MAX]; ALGEBRA_MAX];
        for i in 0..n {
            for j in 0..i {
                let mut sum = self.lower[i][j];
                for k in j + 1..i {
                    sum = self.lower[i][k].mul_add(l[k][j], sum);
                }
                l[i][j] = -sum;
            }
        }
        let mut inverse = [[zero; ALGEBRA_MAX]; ALGEBRA_MAX];
        for i in 0..n {
            for j in 0..i + 1 {
                // Row i of L⁻¹ is the first that reaches column i.
                let first = if i == j { self.inverse_pivots[i] } else { self.inverse_pivots[i] * l[i][j] };
                let mut sum = first;
                for k in i + 1..n {
                    sum = (l[k][i] * self.inverse_pivots[k]).mul_add(l[k][j], sum);
                }
                inverse[i][j] = sum;
                inverse[j][i] = sum;
            }
        }
        inverse
    }

    /// The derivatives of log det M.
    #[inline(always)]
    pub fn slope<const N: usize>(&self, at: &Frame<V, N>) -> LogDetSlope<V> {
        let (ad, invariants) = (&at.ad, &at.invariants);
        let n = algebra_dim(N);
        let inverse = self.inverse::<N>();
        let mut trace = inverse[0][0];
        for i in 1..n {
            trace = trace + inverse[i][i];
        }
        let by_r = anticommutator_transposed::<V, N>(&inverse);
        let mut by_a = [V::splat(0.0); ALGEBRA_MAX];
        if N == 1 {
            return LogDetSlope { by_a, by_r0: trace, by_r };
        }
        let [q, by1, by3] = invariants.reduce_with_slopes::<N>(&COTANGENT);
        // Where −ad² moves at fixed coefficients: tr(w d(−ad²)) = −tr((w ad + ad w) d ad).
        let w = self.weight::<N>(&inverse, &q);
        let mut m = w;
        for i in 0..n {
            for j in i + 1..n {
                let mut sum = V::splat(0.0);
                for k in 0..n {
                    sum = w[i][k].mul_add(ad[k][j], w[j][k].neg_mul_add(ad[k][i], sum));
                }
                m[i][j] = -sum;
            }
        }
        let turning = adjoint_transposed::<V, N>(&m);
        // Where the coefficients move: with e₁ and, in su(3), e₃.
        let (mut slope1, mut slope3) = self.sinc_slopes::<N>(&q, invariants);
        for k in 0..3 {
            let trace = trace_of_product::<V, N>(&inverse, &self.powers[k]);
            slope1 = trace.mul_add(by1[k], slope1);
            slope3 = trace.mul_add(by3[k], slope3);
        }
        let t = invariants.half_norm2;
        let (along_a, along_square) = if N == 3 {
            let by_t = (t * t * V::splat(6.0)).mul_add(slope3, slope1 * V::splat(3.0));
            (by_t, invariants.cubic * slope3 * V::splat(54.0))
        } else {
            (slope1 + slope1, V::splat(0.0))
        };
        let (_, square) = hermitian_coordinates(&at.square);
        for i in 0..n {
            by_a[i] = along_square.mul_add(square[i], along_a.mul_add(at.coordinates[i], turning[i]));
        }
        LogDetSlope { by_a, by_r0: trace, by_r }
    }

    /// Derivatives of Σ 2 ln sinc with respect to e₁ and e₃: Σ (z cot z − 1)/y dy over the three y.
    #[inline(always)]
    fn sinc_slopes<const N: usize>(&self, q: &[V; 3], invariants: &Invariants<V>) -> (V, V) {
        let e1 = invariants.e1;
        if N == 3 {
            let half = e1 * V::splat(0.5);
            ((half * half).mul_add(q[2], half.mul_add(q[1], q[0])), q[2])
        } else {
            (e1.mul_add(e1.mul_add(q[2], q[1]), q[0]), V::splat(0.0))
        }
    }

    /// w with tr(w d(−ad²)) = tr(inverse × Σ q_k d((−ad²)^{k+1})): the symmetric q₀ K + q₁ (K Y + Y K) +
    /// q₂ (K Y² + Y K Y + Y² K).
    #[inline(always)]
    fn weight<const N: usize>(&self, inverse: &Operator<V>, q: &[V; 3]) -> Operator<V> {
        let n = algebra_dim(N);
        let [y, y2, _] = &self.powers;
        let ky = product::<V, N>(inverse, y);
        let (outer, inner) = (product::<V, N>(inverse, y2), product::<V, N>(y, &ky));
        // q₁ K Y + q₂ (K Y² + ½ Y K Y), to be symmetrised.
        let mut half = ky;
        for i in 0..n {
            for j in 0..n {
                let quadratic = inner[i][j].mul_add(V::splat(0.5), outer[i][j]);
                half[i][j] = quadratic.mul_add(q[2], ky[i][j] * q[1]);
            }
        }
        let mut w = half;
        for i in 0..n {
            for j in 0..n {
                w[i][j] = inverse[i][j].mul_add(q[0], half[i][j] + half[j][i]);
            }
        }
        w
    }
}

/// Derivatives of log det M at a link, P moving A and R.
pub struct LogDetSlope<V> {
    /// With respect to the coordinates of A, at fixed R.
    pub by_a: [V; ALGEBRA_MAX],
    /// Minus that with respect to r₀, R = r₀ + Σ r_c λ_c, at fixed A.
    pub by_r0: V,
    /// Minus that with respect to r_c.
    pub by_r: [V; ALGEBRA_MAX],
}

/// (r₀, r) of the Hermitian part of a matrix, r₀ + Σ r_c λ_c.
#[inline(always)]
fn hermitian_coordinates<V: Num, const N: usize>(m: &Matrix<V, N>) -> (V, [V; ALGEBRA_MAX]) {
    let r0 = m.trace().re * V::splat(1.0 / N as f64);
    if N == 1 {
        return (r0, [V::splat(0.0); ALGEBRA_MAX]);
    }
    // −iR/2 has the coordinates r; its trace does not enter them.
    let quarter = V::splat(0.25);
    let mut x = *m;
    for i in 0..N {
        for j in 0..N {
            let (a, b) = (m.0[i][j], m.0[j][i]);
            x.0[i][j] = Complex::new((a.im - b.im) * quarter, -((a.re + b.re) * quarter));
        }
    }
    let mean = x.trace().im * V::splat(1.0 / N as f64);
    for i in 0..N {
        x.0[i][i].im = x.0[i][i].im - mean;
    }
    (r0, to_coordinates(&x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algebra::naive;
    use gaugelink_lattice::group::{from_coordinates, traceless_antihermitian};

    /// The fast formula at A = −Ta(P).
    fn fast<const N: usize>(p: &Matrix<f64, N>) -> f64 {
        let at = Frame::new(&-traceless_antihermitian(p));
        LogDet::new(p, &at).value(&at)
    }

    /// P of norm below 1, large and small, with all directions filled.
    fn loops<const N: usize>() -> impl Iterator<Item = Matrix<f64, N>> {
        (0..40).map(|k| {
            let m = Matrix::<f64, N>::from_fn(|i, j| {
                let angle = (17 * k + 5 * i + 3 * j) as f64;
                Complex::new((1.3 * angle).sin(), (0.7 * angle).cos())
            });
            let size = [1e-8, 0.01, 0.3, 0.6, 0.95][k % 5];
            m.scale(size / m.norm2().sqrt())
        })
    }

    fn equals_the_plain_determinant<const N: usize>() {
        for p in loops::<N>() {
            let (value, expected) = (fast(&p), naive::log_det(&p));
            assert!(
                (value - expected).abs() < 3e-15 * (1.0 + 10.0 * expected.abs()),
                "N={N}: {value} {expected}"
            );
        }
    }

    #[test]
    fn log_det_is_that_of_the_plain_matrix() {
        equals_the_plain_determinant::<1>();
        equals_the_plain_determinant::<2>();
        equals_the_plain_determinant::<3>();
    }

    /// Eigenvalues that coincide: A = 0, and A along λ₈.
    #[test]
    fn degenerate_eigenvalues_are_nothing_special() {
        for c in [0.0, 0.8] {
            let a = from_coordinates::<f64, 3>(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, c]);
            let p = Matrix::diagonal(Complex::new(0.2, 0.1)) + a;
            let (value, expected) = (fast(&p), naive::log_det(&p));
            assert!((value - expected).abs() < 1e-14, "{value} {expected}");
        }
    }

    fn slope_is_the_derivative<const N: usize>() {
        for (p, direction) in loops::<N>().zip(loops::<N>().skip(3)) {
            let at = Frame::new(&-traceless_antihermitian(&p));
            let slope = LogDet::new(&p, &at).slope(&at);
            let moved = to_coordinates(&-traceless_antihermitian(&direction));
            let (r0, r) = hermitian_coordinates(&direction);
            let mut expected = -slope.by_r0 * r0;
            for a in 0..algebra_dim(N) {
                expected += slope.by_a[a] * moved[a] - slope.by_r[a] * r[a];
            }
            let value = |s: f64| fast(&(p + direction.scale(s)));
            let h = 1e-3;
            let numeric = (8.0 * (value(h) - value(-h)) - (value(2.0 * h) - value(-2.0 * h))) / (12.0 * h);
            assert!((numeric - expected).abs() < 1e-9, "N={N}: {numeric} {expected}");
        }
    }

    #[test]
    fn slopes_are_derivatives() {
        slope_is_the_derivative::<1>();
        slope_is_the_derivative::<2>();
        slope_is_the_derivative::<3>();
    }
}
