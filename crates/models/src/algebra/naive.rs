//! The plain formulas: matrices of operators by their action on generators, functions by their series.

use gaugelink_lattice::Matrix;
use gaugelink_lattice::group::{algebra_dim, from_coordinates, to_coordinates, traceless_antihermitian};

/// A square matrix, row by row.
type Square = Vec<Vec<f64>>;

/// The matrix of a linear map of the algebra.
fn operator<const N: usize>(map: impl Fn(&Matrix<f64, N>) -> Matrix<f64, N>) -> Square {
    let n = algebra_dim(N);
    let column = |b: usize| {
        let mut one = [0.0; 8];
        one[b] = 1.0;
        to_coordinates(&map(&from_coordinates(&one)))
    };
    let columns: Vec<[f64; 8]> = (0..n).map(column).collect();
    (0..n).map(|a| (0..n).map(|b| columns[b][a]).collect()).collect()
}

fn product(a: &Square, b: &Square) -> Square {
    let n = a.len();
    (0..n).map(|i| (0..n).map(|j| (0..n).map(|k| a[i][k] * b[k][j]).sum()).collect()).collect()
}

/// φ(−ad) = Σ (−ad)^k/(k+1)! of A.
pub fn phi_minus<const N: usize>(a: &Matrix<f64, N>) -> Square {
    let minus_ad = operator::<N>(|xi| xi.mul(a) - a.mul(xi));
    let n = algebra_dim(N);
    let mut term: Square = (0..n).map(|i| (0..n).map(|j| f64::from(i == j)).collect()).collect();
    let mut sum = term.clone();
    for k in 1..60 {
        term = product(&term, &minus_ad);
        term.iter_mut().flatten().for_each(|x| *x /= (k + 1) as f64);
        for i in 0..n {
            (0..n).for_each(|j| sum[i][j] += term[i][j]);
        }
    }
    sum
}

/// log det (1 + φ(−ad) D), D ξ = −Ta(ξ P), by elimination with pivots.
pub fn log_det<const N: usize>(p: &Matrix<f64, N>) -> f64 {
    let d = operator::<N>(|xi| -traceless_antihermitian(&xi.mul(p)));
    let mut m = product(&phi_minus(&-traceless_antihermitian(p)), &d);
    let n = m.len();
    (0..n).for_each(|i| m[i][i] += 1.0);
    let mut sum = 0.0;
    for k in 0..n {
        let pivot = (k..n).max_by(|&i, &j| m[i][k].abs().total_cmp(&m[j][k].abs())).unwrap();
        m.swap(k, pivot);
        sum += m[k][k].abs().ln();
        for i in k + 1..n {
            let factor = m[i][k] / m[k][k];
            (k..n).for_each(|j| m[i][j] -= factor * m[k][j]);
        }
    }
    sum
}
