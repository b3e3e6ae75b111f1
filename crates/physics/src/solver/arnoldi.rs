//! The eigenvalues of smallest modulus, by Arnoldi's method (1951, Quart. Appl. Math. 9, 17) on the inverse.
//!
//! V spans v, M⁻¹v, M⁻²v, …: M⁻¹ V_m = V_m H_m + h_{m+1,m} v_{m+1} e_m† with orthonormal V (Gram–Schmidt twice). From
//! Schur's form of H come Ritz pairs θ, v = V y, with ‖M v − v/θ‖ = |h_{m+1,m} y_m / θ| ‖M v_{m+1}‖: those of largest
//! |θ| = 1/|λ| converge first, in few steps, since the inverse sets them apart. The space grows until they have, and is never
//! restarted.

use super::gram_schmidt::{orthogonalise, scale};
use super::operator::LinearOperator;
use super::report::{SolveError, SolveReport};
use super::vector;
use gaugelink_lattice::{Complex, Field, LatticeError, Real};
use nalgebra::{Complex as NalgebraComplex, DMatrix, Schur};
use std::ops::DerefMut;
use thiserror::Error;

/// Which eigenvalues, and how well.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wanted {
    /// How many.
    pub count: usize,
    /// ‖M v − λ v‖ ≤ tolerance × |λ| with ‖v‖ = 1. The inverse must be better than that by a factor of ten.
    pub tolerance: f64,
    /// Vectors to span at most; each is a field in memory.
    pub vectors: usize,
}

/// Eigenvalues and right eigenvectors, by growing modulus.
#[derive(Debug)]
pub struct Eigenpairs<X> {
    /// λ, `[pair][chain]`.
    pub values: Vec<Vec<Complex<f64>>>,
    /// ‖M v − λ v‖ / |λ|, from the vectors themselves, `[pair][chain]`.
    pub residuals: Vec<Vec<f64>>,
    /// v of unit norm, a field for each pair; ghosts are up to date.
    pub vectors: Vec<X>,
    /// Reports of the inverse's solves.
    pub solves: Vec<SolveReport>,
}

/// Eigenvalues that were not found.
#[derive(Debug, Error)]
pub enum EigenError {
    /// The space reached its limit first.
    #[error(
        "{found} of {wanted} eigenvalues have a residual of {tolerance:.1e} in a space of {vectors} vectors: allow more \
         vectors or a larger tolerance, or ask for fewer"
    )]
    TooFewVectors {
        /// How many have converged, in the chain where fewest did.
        found: usize,
        /// How many were asked for.
        wanted: usize,
        /// What was asked.
        tolerance: f64,
        /// How many vectors there were.
        vectors: usize,
    },
    /// The space that the start spans was used up before.
    #[error(
        "only {found} of {wanted} eigenvalues have a residual of {tolerance:.1e}: there are no more vectors to find others in, \
         ask for fewer (equal ones, as of a constant field, count once)"
    )]
    Exhausted {
        /// How many are right.
        found: usize,
        /// How many were asked for.
        wanted: usize,
        /// What was asked.
        tolerance: f64,
    },
    /// The projected matrix has a number that is not finite.
    #[error("an eigenvalue is not finite: check the links and the mass")]
    NotFinite,
    /// The inverse failed.
    #[error("the solve for vector {vector}: {error}")]
    Solve {
        /// Which vector of the space.
        vector: usize,
        /// What happened.
        error: SolveError,
    },
    /// No memory for a field, or another error of the lattice.
    #[error(transparent)]
    Lattice(#[from] LatticeError),
}

/// Residuals from the vectors themselves are within this factor of the tolerance, or are those of no eigenvectors.
const DRIFT: f64 = 10.0;

/// Unit eigenvectors of the projected matrix, by falling |θ|; `None` where Schur's form is not found.
fn eigenvectors(h: &DMatrix<NalgebraComplex<f64>>) -> Option<Vec<Vec<NalgebraComplex<f64>>>> {
    let size = h.nrows();
    let (q, t) = Schur::try_new(h.clone(), f64::EPSILON, 100 * size)?.unpack();
    let small = f64::EPSILON * t.norm();
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|&a, &b| t[(b, b)].norm_sqr().total_cmp(&t[(a, a)].norm_sqr()));
    let vectors = order.into_iter().map(|k| {
        // (T − θ) x = 0 with x_k = 1, from the last row up.
        let theta = t[(k, k)];
        let mut x = vec![NalgebraComplex::new(0.0, 0.0); size];
        x[k] = NalgebraComplex::new(1.0, 0.0);
        for i in (0..k).rev() {
            let rest: NalgebraComplex<f64> = (i + 1..=k).map(|j| t[(i, j)] * x[j]).sum();
            let gap = theta - t[(i, i)];
            // Equal eigenvalues: any small gap gives a vector of the space that they share.
            x[i] = rest / if gap.norm() > small { gap } else { NalgebraComplex::new(small, 0.0) };
        }
        let norm = x.iter().map(NalgebraComplex::norm_sqr).sum::<f64>().sqrt();
        (0..size).map(|i| (0..=k).map(|j| q[(i, j)] * x[j]).sum::<NalgebraComplex<f64>>() / norm).collect()
    });
    Some(vectors.collect())
}

/// The eigenvalues of M = `a` next to 0, from the space that `start` and `invert`, x ← M⁻¹ b from x = 0, span. A batch's chains
/// are all done when each has its own. Collective.
///
/// # Errors
/// [`EigenError`].
pub fn lowest_eigenpairs<T: Real, X, A: LinearOperator<T, Vector = X>>(
    a: &A,
    mut invert: impl FnMut(&mut X, &X) -> Result<SolveReport, SolveError>,
    start: X,
    wanted: &Wanted,
) -> Result<Eigenpairs<X>, EigenError>
where
    X: DerefMut<Target = Field<T>>,
{
    let (blocks, chains) = (a.blocks(), start.lattice().chains());
    let largest = wanted.vectors.max(wanted.count);
    let mut h: Vec<DMatrix<NalgebraComplex<f64>>> = vec![DMatrix::zeros(largest + 1, largest); chains];
    let (mut room, mut sums) = (vec![Complex::new(0.0, 0.0); chains], vec![0.0; 2 * chains]);
    let mut factor = vec![0.0; chains];
    let mut applied = a.vector()?;
    let mut basis = vec![start];
    let mut solves = Vec::new();
    vector::norm2(&basis[0], blocks.clone(), &mut sums[..chains]);
    let inverse = |norm2: f64| if norm2 > 0.0 { 1.0 / norm2.sqrt() } else { 0.0 };
    (0..chains).for_each(|chain| factor[chain] = inverse(sums[chain]));
    scale(&mut basis[0], &factor, blocks.clone());
    basis[0].exchange();

    let coefficients: Vec<Vec<Vec<_>>> = loop {
        let m = basis.len();
        let mut w = a.vector()?;
        solves
            .push(invert(&mut w, &basis[m - 1]).map_err(|error| EigenError::Solve { vector: m - 1, error })?);
        for _ in 0..2 {
            orthogonalise(&mut w, &basis, blocks.clone(), (&mut room, &mut sums), |i, found| {
                for chain in 0..chains {
                    h[chain][(i, m - 1)] += NalgebraComplex::new(found[chain].re, found[chain].im);
                }
            });
        }
        for chain in 0..chains {
            h[chain][(m, m - 1)] = NalgebraComplex::new(sums[chain].sqrt(), 0.0);
            factor[chain] = inverse(sums[chain]);
        }
        scale(&mut w, &factor, blocks.clone());
        w.exchange();
        a.apply(&mut applied, &w);
        vector::norm2(&applied, blocks.clone(), &mut sums[..chains]);
        let mut found = wanted.count;
        let mut coefficients = Vec::with_capacity(chains);
        for (h, applied) in h.iter().zip(&sums) {
            let projected = h.view((0, 0), (m, m)).into_owned();
            if !projected.iter().all(|z| z.re.is_finite() && z.im.is_finite()) {
                return Err(EigenError::NotFinite);
            }
            let mut vectors = eigenvectors(&projected).ok_or(EigenError::NotFinite)?;
            vectors.truncate(wanted.count);
            // Half of the tolerance is left to the inverse.
            let rest = h[(m, m - 1)].re * applied.sqrt();
            let good = |y: &&Vec<NalgebraComplex<f64>>| rest * y[m - 1].norm() <= 0.5 * wanted.tolerance;
            found = found.min(vectors.iter().take_while(good).count());
            coefficients.push(vectors);
        }
        if found == wanted.count {
            break coefficients;
        }
        if m >= largest {
            let Wanted { count: wanted, tolerance, .. } = *wanted;
            return Err(EigenError::TooFewVectors { found, wanted, tolerance, vectors: m });
        }
        basis.push(w);
    };

    let mut found = Eigenpairs { values: Vec::new(), residuals: Vec::new(), vectors: Vec::new(), solves };
    for pair in 0..wanted.count {
        let mut v = a.vector()?;
        for (i, vector) in basis.iter().enumerate() {
            for chain in 0..chains {
                let y = coefficients[chain][pair][i];
                room[chain] = Complex::new(-y.re, -y.im);
            }
            vector::subtract(&mut v, &room, vector, blocks.clone());
        }
        v.exchange();
        a.apply(&mut applied, &v);
        // λ = ⟨v, M v⟩ has the least residual that v allows.
        vector::inner_product(&v, &applied, blocks.clone(), &mut sums);
        let values: Vec<_> =
            (0..chains).map(|chain| Complex::new(sums[chain], sums[chains + chain])).collect();
        vector::subtract(&mut applied, &values, &v, blocks.clone());
        vector::norm2(&applied, blocks.clone(), &mut sums[..chains]);
        let residuals: Vec<_> = (0..chains).map(|c| (sums[c] / values[c].norm2()).sqrt()).collect();
        // Beyond the last vector of a complete space there is rounding only, which looks converged in the projected matrix.
        if residuals.iter().any(|r| r.is_nan() || *r > DRIFT * wanted.tolerance) {
            let Wanted { count: wanted, tolerance, .. } = *wanted;
            return Err(EigenError::Exhausted { found: pair, wanted, tolerance });
        }
        found.residuals.push(residuals);
        found.values.push(values);
        found.vectors.push(v);
    }
    Ok(found)
}
