//! Eigenvalues and eigenvectors of unitary matrices, without branches.
//!
//! Jacobi's method for matrices that commute (Cardoso and Souloumiac, SIAM J. Matrix Anal. Appl. 17 (1996) 161): W = A + iB with
//! Hermitian A and B. In the plane of p and q each has a part h·σ/2, h = (2 Re a_pq, −2 Im a_pq, a_pp − a_qq); of the
//! combinations cos φ A + sin φ B the one with the longest h, along n, is made diagonal there by
//!
//! ```text
//! R = [ c  −s* ]      c = √((1 + n_z)/2)      s = (n_x + i n_y)/2c
//!     [ s   c  ]
//! ```
//!
//! One rotation is exact for N = 2; for N = 3 sweeps through the three planes converge quadratically, and where eigenvalues
//! agree nothing is divided by their difference.

use gaugelink_lattice::number::atan2;
use gaugelink_lattice::{Complex, Matrix, Num};

/// Sweeps for N = 3.
const SWEEPS: usize = 6;
/// The planes.
const PLANES: [(usize, usize); 3] = [(0, 1), (0, 2), (1, 2)];
/// Squares of what is no longer there.
const NOTHING: f64 = 1e-30;
/// Of unit vectors' lengths: below it two are orthogonal and of the same length, and one is as good as the other.
const EVEN: f64 = 1e-6;

/// W = V diag(e^{iα}) V†.
pub struct Eigen<V, const N: usize> {
    /// Eigenvectors are columns.
    pub vectors: Matrix<V, N>,
    /// α, in (−π, π], in no order.
    pub angles: [V; N],
}

impl<V: Num, const N: usize> Eigen<V, N> {
    /// Of a unitary matrix.
    #[inline(always)]
    pub fn new(w: &Matrix<V, N>) -> Self {
        let (mut w, mut vectors) = (*w, Matrix::unit());
        let (sweeps, planes) = if N == 3 { (SWEEPS, 3) } else { (1, N - 1) };
        for _ in 0..sweeps {
            for &(p, q) in &PLANES[..planes] {
                rotate(&mut w, &mut vectors, p, q);
            }
        }
        let mut angles = [V::splat(0.0); N];
        for i in 0..N {
            angles[i] = atan2(w.0[i][i].im, w.0[i][i].re);
        }
        Self { vectors, angles }
    }
}

#[inline(always)]
fn rotate<V: Num, const N: usize>(w: &mut Matrix<V, N>, vectors: &mut Matrix<V, N>, p: usize, q: usize) {
    let (zero, one) = (V::splat(0.0), V::splat(1.0));
    let (over, under) = (w.0[p][q], w.0[q][p]);
    let difference = w.0[p][p] - w.0[q][q];
    // h of A and of B.
    let a = [over.re + under.re, under.im - over.im, difference.re];
    let b = [over.im + under.im, over.re - under.re, difference.im];
    let (a2, b2) = (dot(&a, &a), dot(&b, &b));
    let some = V::splat(NOTHING).lt(a2 + b2);
    let scale = one.div(V::select(some, a2 + b2, one));
    // The longer axis of the ellipse cos φ a + sin φ b, tan 2φ = v/u.
    let u = (a2 - b2) * scale;
    let cross = dot(&a, &b) * scale;
    let v = cross + cross;
    let length = u.mul_add(u, v * v).sqrt();
    let of_b = u.lt(zero);
    let even = length.lt(V::splat(EVEN));
    let of_a = V::select(even, one, V::select(of_b, v, length + u));
    let of_b = V::select(even, zero, V::select(of_b, length - u, v));
    let scale = scale.sqrt();
    let mut n = [zero; 3];
    for k in 0..3 {
        n[k] = of_b.mul_add(b[k] * scale, of_a * (a[k] * scale));
    }
    // n or −n: the rotation by less than a right angle.
    let size = dot(&n, &n).sqrt();
    let per_size = one.div(V::select(V::splat(NOTHING).lt(size), size, one));
    let per_size = V::select(n[2].lt(zero), -per_size, per_size);
    let cos = V::select(some, n[2] * per_size, one);
    let c = ((one + cos) * V::splat(0.5)).sqrt();
    let per_c = V::select(some, per_size, zero).div(c + c);
    let s = Complex::new(n[0] * per_c, n[1] * per_c);
    for m in [&mut *w, vectors] {
        for i in 0..N {
            let (x, y) = (m.0[i][p], m.0[i][q]);
            m.0[i][p] = s.mul_add(y, x.scale(c));
            m.0[i][q] = (-s).conj_mul_add(x, y.scale(c));
        }
    }
    for j in 0..N {
        let (x, y) = (w.0[p][j], w.0[q][j]);
        w.0[p][j] = s.conj_mul_add(y, x.scale(c));
        w.0[q][j] = (-s).mul_add(x, y.scale(c));
    }
}

#[inline(always)]
fn dot<V: Num>(a: &[V; 3], b: &[V; 3]) -> V {
    a[2].mul_add(b[2], a[1].mul_add(b[1], a[0] * b[0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaugelink_lattice::Real;
    use gaugelink_lattice::group::{exponential, from_coordinates};

    /// V diag(e^{iα}) V† from what was found.
    fn rebuilt<T: Real, const N: usize>(eigen: &Eigen<T, N>) -> Matrix<T, N> {
        let mut middle = Matrix::zero();
        for i in 0..N {
            let (sin, cos) = gaugelink_lattice::number::sin_cos(eigen.angles[i]);
            middle.0[i][i] = Complex::new(cos, sin);
        }
        eigen.vectors.mul(&middle).mul_adjoint(&eigen.vectors)
    }

    fn check<T: Real, const N: usize>(rounding: f64) {
        let mut worst = [0.0f64; 2];
        for seed in 0..4000usize {
            // From the unit matrix to all of the group; and eigenvalues that agree, or almost.
            let size = [0.0, 1e-7, 1e-3, 0.3, 1.0, 5.0][seed % 6];
            let c = std::array::from_fn(|a| T::from_f64(size * ((seed * 17 + a * 7) as f64 * 1.3).sin()));
            let mut w = exponential(&from_coordinates::<T, N>(&c));
            if seed % 7 == 0 {
                // A pair, turned to nowhere in particular.
                let gap = [0.0, 1e-9, 1e-4][seed % 3];
                let c = std::array::from_fn(|a| {
                    let diagonal = if a == 2 { gap } else { [0.0, 1.9][usize::from(a == 7)] };
                    T::from_f64(diagonal)
                });
                let near = exponential(&from_coordinates::<T, N>(&c));
                w = w.mul(&near).mul_adjoint(&w);
            }
            let eigen = Eigen::new(&w);
            let off = (rebuilt(&eigen) - w).norm2().to_f64().sqrt();
            let v = eigen.vectors;
            let bent = (v.mul_adjoint(&v) - Matrix::unit()).norm2().to_f64().sqrt();
            worst = [worst[0].max(off), worst[1].max(bent)];
        }
        assert!(worst[0] < rounding && worst[1] < rounding, "N={N}: {worst:?}");
    }

    #[test]
    fn eigenvectors_rebuild_the_matrix_and_are_orthonormal() {
        check::<f64, 2>(3e-15);
        check::<f64, 3>(1e-14);
        check::<f32, 2>(2e-6);
        check::<f32, 3>(5e-6);
    }
}
