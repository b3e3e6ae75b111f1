//! The inverse of a small complex matrix by elimination with pivoting (Gauss and Jordan).

use gaugelink_lattice::Complex;

/// The inverse of an n × n matrix, row by row; `None` where it is singular.
pub(super) fn inverted(mut a: Vec<Complex<f64>>, n: usize) -> Option<Vec<Complex<f64>>> {
    let zero = Complex::new(0.0, 0.0);
    // Rows are exchanged on the way down; the inverse has these as columns.
    let mut order: Vec<usize> = (0..n).collect();
    for k in 0..n {
        let size = |i: usize| a[i * n + k].norm2();
        let pivot = (k..n).max_by(|&i, &j| size(i).total_cmp(&size(j)))?;
        if !(size(pivot) > 0.0 && size(pivot).is_finite()) {
            return None;
        }
        if pivot != k {
            (0..n).for_each(|j| a.swap(k * n + j, pivot * n + j));
            order.swap(k, pivot);
        }
        let inverse = a[k * n + k].conj().scale(1.0 / a[k * n + k].norm2());
        a[k * n + k] = Complex::new(1.0, 0.0);
        let mut row: Vec<Complex<f64>> = a[k * n..][..n].to_vec();
        row.iter_mut().for_each(|z| *z = inverse * *z);
        a[k * n..][..n].copy_from_slice(&row);
        for i in (0..n).filter(|&i| i != k) {
            let minus = -std::mem::replace(&mut a[i * n + k], zero);
            for (z, &r) in a[i * n..][..n].iter_mut().zip(&row) {
                *z = minus.mul_add(r, *z);
            }
        }
    }
    let mut inverse = vec![zero; n * n];
    for i in 0..n {
        for (k, &column) in order.iter().enumerate() {
            inverse[i * n + column] = a[i * n + k];
        }
    }
    Some(inverse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    #[test]
    fn the_product_with_the_matrix_is_one() {
        let n = 9;
        let number = |k: usize| Complex::new((1.3 * k as f64).sin(), (0.7 * (k * k) as f64).cos());
        // A zero where the first pivot would be.
        let a: Vec<_> = (0..n * n).map(|k| if k == 0 { Complex::new(0.0, 0.0) } else { number(k) }).collect();
        let dense = |a: &[Complex<f64>]| {
            DMatrix::from_fn(n, n, |i, j| nalgebra::Complex::new(a[i * n + j].re, a[i * n + j].im))
        };
        let off = dense(&a) * dense(&inverted(a.clone(), n).unwrap()) - DMatrix::identity(n, n);
        assert!(off.norm() < 1e-12, "{off}");
        assert!(inverted(vec![Complex::new(1.0, 0.0); n * n], n).is_none(), "of rank one");
    }
}
