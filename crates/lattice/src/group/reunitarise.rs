//! Back onto the group after rounding has drifted off it.

use super::Matrix;
use crate::complex::Complex;
use crate::number::Num;

/// The group element next to a matrix that is off the group by little.
///
/// U(1): divided by its modulus. SU(2): the quaternion part, normalised. SU(3): Gram–Schmidt on the first two rows,
/// the third is the conjugate of their cross product.
#[inline(always)]
pub fn reunitarise<V: Num, const N: usize>(u: &Matrix<V, N>) -> Matrix<V, N> {
    let mut m = *u;
    if N == 2 {
        let half = V::splat(0.5);
        let mut row = u.0[0];
        row[0] = (u.0[0][0] + u.0[N - 1][N - 1].conj()).scale(half);
        row[N - 1] = (u.0[0][N - 1] - u.0[N - 1][0].conj()).scale(half);
        let row = normalise(row);
        m.0[0] = row;
        m.0[N - 1][0] = -row[N - 1].conj();
        m.0[N - 1][N - 1] = row[0].conj();
        return m;
    }
    for i in 0..N.min(2) {
        for k in 0..i {
            let mut overlap = m.0[k][0].conj_mul(m.0[i][0]);
            for j in 1..N {
                overlap = m.0[k][j].conj_mul_add(m.0[i][j], overlap);
            }
            for j in 0..N {
                m.0[i][j] = m.0[i][j] - overlap * m.0[k][j];
            }
        }
        m.0[i] = normalise(m.0[i]);
    }
    if N == 3 {
        for j in 0..N {
            let (a, b) = ((j + 1) % N, (j + 2) % N);
            m.0[N - 1][j] = (m.0[0][a] * m.0[1][b] - m.0[0][b] * m.0[1][a]).conj();
        }
    }
    m
}

#[inline(always)]
fn normalise<V: Num, const N: usize>(mut row: [Complex<V>; N]) -> [Complex<V>; N] {
    let mut norm2 = row[0].norm2();
    for j in 1..N {
        norm2 = norm2 + row[j].norm2();
    }
    let s = V::splat(1.0).div(norm2.sqrt());
    for j in 0..N {
        row[j] = row[j].scale(s);
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::{exponential, from_coordinates};

    fn check<const N: usize>() {
        let c = [0.3, -0.7, 0.2, 0.9, -0.1, 0.4, 0.8, -0.5];
        let u = exponential(&from_coordinates::<f64, N>(&c));
        let off =
            Matrix::from_fn(|i, j| u.0[i][j] + Complex::new(1e-6 * (i + 2 * j) as f64, -1e-6 * j as f64));
        let back = reunitarise(&off);
        assert!((back.mul_adjoint(&back) - Matrix::unit()).norm2() < 1e-30, "N={N}");
        assert!((back - u).norm2() < 1e-9, "N={N}: moved too far");
        assert!((reunitarise(&u) - u).norm2() < 1e-30, "N={N}: a group element must stay");
        if N == 3 {
            let cross = back.0[0][0] * back.0[1][1] - back.0[0][1] * back.0[1][0];
            let product = cross * back.0[2][2];
            assert!(
                product.re > 0.0 && (cross.conj() - back.0[2][2]).norm2() < 1e-30,
                "determinant is not 1"
            );
        }
    }

    #[test]
    fn lands_on_the_group_and_leaves_it_alone_there() {
        check::<1>();
        check::<2>();
        check::<3>();
    }
}
