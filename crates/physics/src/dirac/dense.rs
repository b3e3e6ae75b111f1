//! Operators as dense matrices, for tests on small lattices.

use super::{SPINS, SpinorField};
use crate::solver::LinearOperator;
use nalgebra::{Complex, DMatrix, DVector};

/// A field's numbers on these sites, by lexicographic site number, then spin, then colour.
pub fn column<const N: usize>(field: &SpinorField<f64, N>, sites: &[usize]) -> DVector<Complex<f64>> {
    let geometry = field.lattice().geometry();
    let spinors = sites.iter().map(|&site| field.spinor(&geometry.site(site), 0).unwrap());
    let numbers = spinors.flat_map(|psi| psi.0.as_flattened().to_vec());
    DVector::from_iterator(sites.len() * SPINS * N, numbers.map(|z| Complex::new(z.re, z.im)))
}

/// The operator, or its adjoint, on these sites.
pub fn dense<const N: usize, A: LinearOperator<f64, Vector = SpinorField<f64, N>>>(
    a: &A,
    sites: &[usize],
    dagger: bool,
) -> DMatrix<Complex<f64>> {
    let (mut psi, mut out) = (a.vector().unwrap(), a.vector().unwrap());
    let geometry = psi.lattice().geometry().clone();
    let mut columns = Vec::new();
    for &site in sites {
        for (spin, colour) in (0..SPINS).flat_map(|s| (0..N).map(move |c| (s, c))) {
            psi.set_point_source(&geometry.site(site), spin, colour);
            if dagger {
                a.apply_dagger(&mut out, &psi);
            } else {
                a.apply(&mut out, &psi);
            }
            columns.push(column(&out, sites));
        }
    }
    DMatrix::from_columns(&columns)
}
