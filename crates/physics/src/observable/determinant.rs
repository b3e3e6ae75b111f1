//! The determinant of one flavour's Dirac operator: in two dimensions by slices, else from the whole matrix, for small lattices.

use crate::PhysicsError;
use crate::dirac::{DenseMatrix, Quark, QuarkMatrix, has_slices, ln_det_by_slices};
use gaugelink_lattice::GaugeField;

/// Parity of the sites whose determinants the even-odd form leaves out: Ŝ lives on the odd ones.
const EVEN: usize = 0;

/// ln |det D| of one flavour for each chain, in 2H dimensions. Collective.
///
/// # Errors
/// [`PhysicsError::Geometry`] on a lattice that is too large for that or does not serve the quark; no memory.
pub fn ln_determinant<const N: usize, const H: usize>(
    u: &GaugeField<f64, N>,
    quark: Quark,
) -> Result<Vec<f64>, PhysicsError> {
    let operator = quark.operator::<f64, N, H>(u)?;
    let matrix = quark.matrix_of(&operator)?;
    if H == 1 && has_slices(&quark) {
        DenseMatrix::check(matrix.rows())?;
        return Ok(ln_det_by_slices(u, &quark));
    }
    let (of_matrix, of_rest) = (DenseMatrix::new(&matrix)?.ln_det(), matrix.ln_det_of_rest());
    Ok(of_matrix.into_iter().zip(of_rest).map(|(matrix, rest)| matrix + rest).collect())
}

/// The sign of det D for each chain, from the whole matrix in 2H dimensions: pseudofermions of one flavour, and rational
/// functions of D†D, know only |det D|. Collective.
///
/// # Errors
/// As [`ln_determinant`].
pub fn determinant_sign<const N: usize, const H: usize>(
    u: &GaugeField<f64, N>,
    quark: Quark,
) -> Result<Vec<f64>, PhysicsError> {
    let operator = quark.operator::<f64, N, H>(u)?;
    let of_matrix = DenseMatrix::new(&quark.matrix_of(&operator)?)?.sign();
    Ok(match quark.matrix {
        QuarkMatrix::Full => of_matrix,
        QuarkMatrix::EvenOdd => {
            let of_sites = operator.site_sign(Some(EVEN));
            of_matrix.into_iter().zip(of_sites).map(|(matrix, sites)| matrix * sites).collect()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dirac::Boundary;
    use crate::dirac::dense::dense;
    use gaugelink_lattice::rng::{Address, Purpose};
    use gaugelink_lattice::{Lattice, LatticeOptions};

    /// The sign of the product of all eigenvalues, by its real ones: complex ones come in pairs. A negative mass makes some of
    /// them negative; with the clover term, on rough links, even the sites' determinants.
    #[test]
    fn the_sign_of_the_determinant_is_that_of_the_real_eigenvalues() {
        fn check<const N: usize, const H: usize>(extents: &[usize], csw: f64, signs: &mut Vec<f64>) {
            let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
            for seed in 0..3 {
                let u = GaugeField::random(&lattice, 0.8, Address::new(seed, Purpose::Start)).unwrap();
                for mass in [0.3, -0.9, -1.3, -2.1, -2.45, -4.3] {
                    let boundary = Boundary::antiperiodic();
                    let quark = |matrix| Quark { mass, csw, boundary, matrix };
                    let d = quark(QuarkMatrix::Full).operator::<f64, N, H>(&u).unwrap();
                    let all: Vec<usize> = (0..lattice.volume()).collect();
                    let matrix = dense(&d, &all, false).unwrap().remove(0);
                    let values = matrix.schur().eigenvalues().unwrap();
                    let negative = values.iter().filter(|z| z.re < 0.0 && z.im.abs() < 1e-7 * z.norm());
                    let expected = if negative.count() % 2 == 0 { 1.0 } else { -1.0 };
                    for matrix in [QuarkMatrix::Full, QuarkMatrix::EvenOdd] {
                        let sign = determinant_sign::<N, H>(&u, quark(matrix)).unwrap()[0];
                        assert_eq!(sign, expected, "{extents:?} mass {mass} c_sw {csw} {matrix:?}");
                    }
                    signs.push(expected);
                }
            }
        }
        let mut signs = Vec::new();
        check::<1, 1>(&[4, 4], 0.0, &mut signs);
        check::<2, 2>(&[2; 4], 0.0, &mut signs);
        check::<3, 2>(&[2; 4], 2.6, &mut signs);
        let negative = signs.iter().filter(|&&sign| sign < 0.0).count();
        assert!((3..signs.len() - 3).contains(&negative), "{signs:?}");
    }
}
