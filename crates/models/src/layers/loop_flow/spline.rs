//! Coefficients that depend on the time of the flow: natural cubic splines through equidistant knots.
//!
//! Between knots of distance h a spline s with the second derivatives M_k at the knots is cubic, M_{k−1} + 4 M_k + M_{k+1} =
//! 6 (s_{k−1} − 2 s_k + s_{k+1})/h², and M = 0 at both ends (de Boor, A Practical Guide to Splines, chapter IV). One knot is
//! a constant, two are a straight line.

use nalgebra::{DMatrix, DVector};

/// The value at `t` in \[0, 1\] of the spline through 1 at knot k and 0 at the others, for each k of `knots`.
pub fn basis(knots: usize, t: f64) -> Vec<f64> {
    if knots < 2 {
        return vec![1.0; knots];
    }
    let last = knots - 1;
    let h = 1.0 / last as f64;
    let interval = ((t / h) as usize).min(last - 1);
    let (b, a) = (t / h - interval as f64, interval as f64 + 1.0 - t / h);
    let curvatures = curvatures(knots);
    let value = |k: usize| {
        let at = |knot: usize| if knot == k { 1.0 } else { 0.0 };
        let bend = |x: f64, knot: usize| (x * x * x - x) * h * h / 6.0 * curvatures[(knot, k)];
        a * at(interval) + b * at(interval + 1) + bend(a, interval) + bend(b, interval + 1)
    };
    (0..knots).map(value).collect()
}

/// Second derivatives at the knots (rows) of the spline through 1 at one knot (columns).
fn curvatures(knots: usize) -> DMatrix<f64> {
    let (inner, h) = (knots - 2, 1.0 / (knots - 1) as f64);
    let mut all = DMatrix::zeros(knots, knots);
    if inner == 0 {
        return all;
    }
    let tridiagonal = DMatrix::from_fn(inner, inner, |i, j| match i.abs_diff(j) {
        0 => 4.0,
        1 => 1.0,
        _ => 0.0,
    });
    let lu = tridiagonal.lu();
    for k in 0..knots {
        let bent = DVector::from_fn(inner, |i, _| match (i + 1).abs_diff(k) {
            0 => -12.0 / (h * h),
            1 => 6.0 / (h * h),
            _ => 0.0,
        });
        // The matrix is diagonally dominant.
        let solution = lu.solve(&bent).unwrap_or_else(|| DVector::zeros(inner));
        (0..inner).for_each(|i| all[(i + 1, k)] = solution[i]);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spline(values: &[f64], t: f64) -> f64 {
        basis(values.len(), t).iter().zip(values).map(|(b, v)| b * v).sum()
    }

    /// Through its knots, straight lines as they are, and with continuous first and second derivatives.
    #[test]
    fn splines_are_natural_and_smooth() {
        let values = [0.3, -1.0, 2.0, 0.7, 0.1];
        for (k, v) in values.iter().enumerate() {
            assert!((spline(&values, k as f64 / 4.0) - v).abs() < 1e-14);
        }
        let line: Vec<f64> = (0..7).map(|k| 2.0 - 0.5 * k as f64).collect();
        for t in [0.0, 0.13, 0.5, 0.99, 1.0] {
            assert!((spline(&line, t) - (2.0 - 3.0 * t)).abs() < 1e-13);
            assert!((spline(&[2.0, -1.0], t) - (2.0 - 3.0 * t)).abs() < 1e-14);
            assert_eq!(spline(&[1.5], t), 1.5);
        }
        let h = 1e-4;
        let second =
            |t: f64| (spline(&values, t + h) - 2.0 * spline(&values, t) + spline(&values, t - h)) / (h * h);
        let first = |t: f64, side: f64| {
            let s = |k: f64| spline(&values, t + side * k * h);
            side * (-1.5 * s(0.0) + 2.0 * s(1.0) - 0.5 * s(2.0)) / h
        };
        for knot in [0.25, 0.5, 0.75] {
            assert!((first(knot, 1.0) - first(knot, -1.0)).abs() < 1e-4);
            assert!(
                (second(knot - h) - second(knot + h)).abs() < 0.5,
                "{} {}",
                second(knot - h),
                second(knot + h)
            );
        }
        assert!(second(h).abs() < 0.5 && second(1.0 - h).abs() < 0.5);
    }
}
