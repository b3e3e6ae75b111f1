//! Least squares whose columns may be linearly dependent.

use nalgebra::{DMatrix, DVector};

/// Added to the diagonal of the normal matrix, relative to it.
const RIDGE: f64 = 1e-8;

/// The solution of a normal equation A c = b, or one of several: where columns depend on each other (traces of N×N matrices
/// obey relations), any of them fits as well. Columns without variance stay out; none where all are.
pub fn least_squares(normal: &DMatrix<f64>, right: &DVector<f64>) -> Option<DVector<f64>> {
    // In units in which the diagonal is 1.
    let rounding = 1e-14 * normal.diagonal().max();
    let unit = normal.diagonal().map(|d| if d > rounding { 1.0 / d.sqrt() } else { 0.0 });
    if unit.iter().all(|&unit| unit == 0.0) {
        return None;
    }
    let scaled = DMatrix::from_fn(right.len(), right.len(), |i, j| {
        normal[(i, j)] * unit[i] * unit[j] + if i == j { RIDGE } else { 0.0 }
    });
    let solution = scaled.cholesky()?.solve(&right.component_mul(&unit)).component_mul(&unit);
    solution.iter().all(|c| c.is_finite()).then_some(solution)
}
