//! SU(2) elements and SU(2) subgroups of SU(N).

use gaugelink_lattice::{Complex, Matrix, Num};

/// a₀ + i a⃗·σ⃗; unit quaternions are SU(2).
#[derive(Clone, Copy, Debug)]
pub struct Quaternion<V>(pub [V; 4]);

/// Rows and columns (i, j) of the SU(2) subgroups that cover SU(2) and SU(3) (Cabibbo and Marinari 1982).
pub const fn subgroups(n: usize) -> &'static [(usize, usize)] {
    match n {
        2 => &[(0, 1)],
        3 => &[(0, 1), (0, 2), (1, 2)],
        _ => &[],
    }
}

impl<V: Num> Quaternion<V> {
    /// The projection of a matrix's 2×2 block (i, j): Re tr(g W) over the block is 2 Re(g w)₀ for SU(2) elements g.
    #[inline(always)]
    pub fn project<const N: usize>(w: &Matrix<V, N>, i: usize, j: usize) -> Self {
        let half = V::splat(0.5);
        Self([
            (w.0[i][i].re + w.0[j][j].re) * half,
            (w.0[i][j].im + w.0[j][i].im) * half,
            (w.0[i][j].re - w.0[j][i].re) * half,
            (w.0[i][i].im - w.0[j][j].im) * half,
        ])
    }

    /// Length, and the unit quaternion; 1 where the length is (as good as) zero.
    #[inline(always)]
    pub fn polar(self) -> (V, Self) {
        let [a, b, c, d] = self.0;
        let norm2 = d.mul_add(d, c.mul_add(c, b.mul_add(b, a * a)));
        let (zero, one) = (V::splat(0.0), V::splat(1.0));
        let tiny = norm2.lt(V::splat(1e-200));
        let length = V::select(tiny, zero, norm2.sqrt());
        let inverse = one.div(V::select(tiny, one, norm2.sqrt()));
        let unit = [
            V::select(tiny, one, a * inverse),
            V::select(tiny, zero, b * inverse),
            V::select(tiny, zero, c * inverse),
            V::select(tiny, zero, d * inverse),
        ];
        (length, Self(unit))
    }

    /// The inverse of a unit quaternion.
    #[inline(always)]
    pub fn conj(self) -> Self {
        let [a, b, c, d] = self.0;
        Self([a, -b, -c, -d])
    }

    /// The first row (α, β) of the matrix ((α, β), (−β*, α*)): α = a₀ + i a₃, β = a₂ + i a₁.
    #[inline(always)]
    fn row(self) -> (Complex<V>, Complex<V>) {
        let [a, b, c, d] = self.0;
        (Complex::new(a, d), Complex::new(c, b))
    }

    /// The product of the matrices.
    #[inline(always)]
    pub fn mul(self, other: Self) -> Self {
        let ((a, b), (c, d)) = (self.row(), other.row());
        // (α γ − β δ*, α δ + β γ*)
        let alpha = a * c - d.conj_mul(b);
        let beta = c.conj_mul_add(b, a * d);
        Self([alpha.re, beta.im, beta.re, alpha.im])
    }

    /// Multiplies rows i and j of `m` from the left.
    #[inline(always)]
    pub fn act<const N: usize>(self, m: &mut Matrix<V, N>, i: usize, j: usize) {
        let (alpha, beta) = self.row();
        for k in 0..N {
            let (top, bottom) = (m.0[i][k], m.0[j][k]);
            m.0[i][k] = beta.mul_add(bottom, alpha * top);
            m.0[j][k] = alpha.conj_mul(bottom) - beta.conj_mul(top);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(q: Quaternion<f64>) -> Matrix<f64, 2> {
        let mut m = Matrix::unit();
        q.act(&mut m, 0, 1);
        m
    }

    #[test]
    fn quaternions_multiply_as_their_matrices() {
        let p = Quaternion([0.3, -0.5, 0.7, 0.2]).polar().1;
        let q = Quaternion([-0.1, 0.4, 0.6, -0.9]).polar().1;
        assert!((matrix(p.mul(q)) - matrix(p).mul(&matrix(q))).norm2() < 1e-30);
        assert!((matrix(p.mul(p.conj())) - Matrix::unit()).norm2() < 1e-30);
        let back = Quaternion::project(&matrix(p), 0, 1);
        assert!(back.0.iter().zip(p.0).all(|(a, b)| (a - b).abs() < 1e-15));
        let determinant = matrix(p).0[0][0] * matrix(p).0[1][1] - matrix(p).0[0][1] * matrix(p).0[1][0];
        assert!((determinant - Complex::new(1.0, 0.0)).norm2() < 1e-30);
    }

    #[test]
    fn projection_carries_the_trace() {
        let w = Matrix::<f64, 3>::from_fn(|i, j| {
            Complex::new((i + 2 * j) as f64 * 0.3, 0.1 * (i * j) as f64 - 0.4)
        });
        let g = Quaternion([0.3, -0.5, 0.7, 0.2]).polar().1;
        for &(i, j) in subgroups(3) {
            let mut moved = w;
            g.act(&mut moved, i, j);
            let k = 3 - i - j;
            let expected = 2.0 * g.mul(Quaternion::project(&w, i, j)).0[0] + w.0[k][k].re;
            assert!((moved.trace().re - expected).abs() < 1e-14);
        }
    }

    #[test]
    fn zero_has_length_zero_and_direction_one() {
        let (length, unit) = Quaternion([0.0; 4]).polar();
        assert_eq!((length, unit.0), (0.0, [1.0, 0.0, 0.0, 0.0]));
    }
}
