//! The small matrix H of Arnoldi's method: its eigenvectors, and its parts that a new search begins with.

use super::schur::schur;
use nalgebra::{Complex, DMatrix};

/// An eigenvector of the projected matrix.
#[derive(Debug)]
pub(super) struct Ritz {
    /// |λ| = 1/|θ|.
    pub modulus: f64,
    /// y, of unit norm: the vector is V y.
    pub y: Vec<Complex<f64>>,
}

/// All of them, by growing |λ|; `None` where H is not finite or Schur's form is not found.
pub(super) fn eigenvectors(h: &DMatrix<Complex<f64>>) -> Option<Vec<Ritz>> {
    let size = h.nrows();
    let (q, t) = schur(h.clone())?;
    let small = f64::EPSILON * t.norm();
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|&a, &b| t[(b, b)].norm_sqr().total_cmp(&t[(a, a)].norm_sqr()));
    let vectors = order.into_iter().map(|k| {
        // (T − θ) x = 0 with x_k = 1, from the last row up.
        let theta = t[(k, k)];
        let mut x = vec![Complex::new(0.0, 0.0); size];
        x[k] = Complex::new(1.0, 0.0);
        for i in (0..k).rev() {
            let rest: Complex<f64> = (i + 1..=k).map(|j| t[(i, j)] * x[j]).sum();
            let gap = theta - t[(i, i)];
            // Equal eigenvalues: any small gap gives a vector of the space that they share.
            x[i] = rest / if gap.norm() > small { gap } else { Complex::new(small, 0.0) };
        }
        let norm = norm(&x);
        let y = (0..size).map(|i| (0..=k).map(|j| q[(i, j)] * x[j]).sum::<Complex<f64>>() / norm).collect();
        Ritz { modulus: 1.0 / theta.norm(), y }
    });
    Some(vectors.collect())
}

fn norm(x: &[Complex<f64>]) -> f64 {
    x.iter().map(Complex::norm_sqr).sum::<f64>().sqrt()
}

/// Orthonormal columns that span the eigenvectors, and H in them. A vector that the others span has a column of zeros.
pub(super) fn invariant(
    h: &DMatrix<Complex<f64>>,
    vectors: &[Ritz],
) -> (DMatrix<Complex<f64>>, DMatrix<Complex<f64>>) {
    let mut z = DMatrix::zeros(h.nrows(), vectors.len());
    for (k, Ritz { y, .. }) in vectors.iter().enumerate() {
        let mut column = nalgebra::DVector::from_column_slice(y);
        for _ in 0..2 {
            for i in 0..k {
                let part = z.column(i).dotc(&column);
                column.axpy(-part, &z.column(i), Complex::new(1.0, 0.0));
            }
        }
        let norm = column.norm();
        if norm > f64::EPSILON.sqrt() {
            z.set_column(k, &column.unscale(norm));
        }
    }
    let t = z.adjoint() * h * &z;
    (z, t)
}
