//! The eigenvalues of smallest modulus, by Arnoldi's method (1951, Quart. Appl. Math. 9, 17) on the inverse, with copies.
//!
//! V spans v, M⁻¹v, M⁻²v, …: M⁻¹ V_m = V_m H_m + h_{m+1,m} v_{m+1} e_m† with orthonormal V (Gram–Schmidt twice). From
//! Schur's form of H come Ritz pairs θ, v = V y, with ‖M v − v/θ‖ = |h_{m+1,m} y_m / θ| ‖M v_{m+1}‖: those of largest
//! |θ| = 1/|λ| converge first, in few steps, since the inverse sets them apart. The space grows until they have.
//!
//! One start has a single vector of each eigenspace in it. So the pairs found are kept as an orthonormal basis of what they
//! span (Saad, Numerical methods for large eigenvalue problems, 2nd ed. 2011, 4.4: deflation by Schur vectors), and a search
//! from a new start in the rest follows, until one finds none that are smaller.

use super::gram_schmidt::{orthogonalise, scale};
use super::operator::LinearOperator;
use super::report::{SolveError, SolveReport};
use super::ritz::{Ritz, eigenvectors, invariant};
use super::vector;
use gaugelink_lattice::{Complex, Field, LatticeError, Real};
use nalgebra::{Complex as NalgebraComplex, DMatrix};
use std::ops::{ControlFlow, DerefMut, Range};
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
    /// The space reached its limit in a search for others like those found.
    #[error(
        "{wanted} eigenvalues were found, but whether others are as small does not show in a space of {vectors} vectors: allow \
         more vectors, or ask for fewer"
    )]
    Unsure {
        /// How many were asked for.
        wanted: usize,
        /// How many vectors there were.
        vectors: usize,
    },
    /// The whole space was searched before.
    #[error(
        "only {found} of {wanted} eigenvalues have a residual of {tolerance:.1e}: there are no more vectors to find others in, \
         ask for fewer"
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
    /// The caller broke off.
    #[error("stopped before all eigenvalues were found")]
    Stopped,
    /// No memory for a field, or another error of the lattice.
    #[error(transparent)]
    Lattice(#[from] LatticeError),
}

/// Residuals from the vectors themselves are within this factor of the tolerance, or are those of no eigenvectors.
const DRIFT: f64 = 10.0;

/// A second or later search ends where the next eigenvalue is known to this relative error.
const SURE: f64 = 1e-3;

/// Where the second Gram–Schmidt makes ‖w‖² this much smaller, w lay in the space but for rounding.
const ROUNDING: f64 = 1e-2;

/// An orthonormal basis V of a part of the space, and H, what M⁻¹ is in it.
struct Space<'a, A, X> {
    a: &'a A,
    blocks: Range<usize>,
    chains: usize,
    /// Where a chain's space has no further vector, it has zeros.
    basis: Vec<X>,
    /// `[chain]`.
    h: Vec<DMatrix<NalgebraComplex<f64>>>,
    room: Vec<Complex<f64>>,
    sums: Vec<f64>,
}

impl<'a, A, X> Space<'a, A, X> {
    fn new(a: &'a A, blocks: Range<usize>, chains: usize, largest: usize) -> Self {
        let h = vec![DMatrix::zeros(largest + 1, largest); chains];
        let room = vec![Complex::new(0.0, 0.0); chains];
        Self { a, blocks, chains, basis: Vec::new(), h, room, sums: vec![0.0; 2 * chains] }
    }

    /// Makes w a unit vector with nothing of the basis in it; what there was is told to H where w is M⁻¹ of the basis' last.
    /// False where no chain has anything left.
    fn separate<T: Real>(&mut self, w: &mut X, is_inverse: bool) -> bool
    where
        X: DerefMut<Target = Field<T>>,
    {
        let Self { chains, basis, h, room, sums, blocks, .. } = self;
        let (chains, m) = (*chains, basis.len());
        let mut first = vec![0.0; chains];
        vector::norm2(w, blocks.clone(), &mut sums[..chains]);
        for _ in 0..if m > 0 { 2 } else { 0 } {
            first.copy_from_slice(&sums[..chains]);
            orthogonalise(w, basis, blocks.clone(), (room, sums), |i, found| {
                if is_inverse {
                    for chain in 0..chains {
                        h[chain][(i, m - 1)] += NalgebraComplex::new(found[chain].re, found[chain].im);
                    }
                }
            });
        }
        let mut factor = vec![0.0; chains];
        for chain in 0..chains {
            let left = if sums[chain] > ROUNDING * first[chain] { sums[chain].sqrt() } else { 0.0 };
            if is_inverse {
                h[chain][(m, m - 1)] = NalgebraComplex::new(left, 0.0);
            }
            factor[chain] = if left > 0.0 { 1.0 / left } else { 0.0 };
        }
        scale(w, &factor, blocks.clone());
        w.exchange();
        factor.iter().any(|f| *f > 0.0)
    }

    /// Σ c_i v_i, with the coefficients of `[chain]`.
    fn combine<T: Real>(
        &mut self,
        c: impl Fn(usize, usize) -> NalgebraComplex<f64>,
    ) -> Result<X, LatticeError>
    where
        X: DerefMut<Target = Field<T>>,
        A: LinearOperator<T, Vector = X>,
    {
        let mut v = self.a.vector()?;
        for (i, vector) in self.basis.iter().enumerate() {
            for chain in 0..self.chains {
                let c = c(chain, i);
                self.room[chain] = Complex::new(-c.re, -c.im);
            }
            vector::subtract(&mut v, &self.room, vector, self.blocks.clone());
        }
        Ok(v)
    }

    /// The eigenvectors of H for each chain, by growing |λ|.
    fn ritz(&self) -> Result<Vec<Vec<Ritz>>, EigenError> {
        let m = self.basis.len();
        let of = |h: &DMatrix<_>| eigenvectors(&h.view((0, 0), (m, m)).into_owned());
        self.h.iter().map(of).collect::<Option<_>>().ok_or(EigenError::NotFinite)
    }

    /// Leaves of the basis what the first `count` eigenvectors span.
    fn keep<T: Real>(&mut self, ritz: &[Vec<Ritz>], count: usize) -> Result<(), LatticeError>
    where
        X: DerefMut<Target = Field<T>>,
        A: LinearOperator<T, Vector = X>,
    {
        let m = self.basis.len();
        let mut parts = Vec::with_capacity(self.chains);
        for (h, ritz) in self.h.iter_mut().zip(ritz) {
            let (z, t) = invariant(&h.view((0, 0), (m, m)).into_owned(), &ritz[..count]);
            h.fill(NalgebraComplex::new(0.0, 0.0));
            h.view_mut((0, 0), (count, count)).copy_from(&t);
            parts.push(z);
        }
        self.basis =
            (0..count).map(|k| self.combine(|chain, i| parts[chain][(i, k)])).collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Grows the space from the unit vector w until the smallest `wanted` eigenvalues have converged, in the second and
    /// later searches the next one so far that it is none of them.
    fn search<T: Real>(
        &mut self,
        mut w: X,
        (invert, progress): (
            &mut impl FnMut(&mut X, &X) -> Result<SolveReport, SolveError>,
            &mut impl FnMut(&SolveReport) -> ControlFlow<()>,
        ),
        wanted: &Wanted,
        solves: &mut Vec<SolveReport>,
    ) -> Result<Vec<Vec<Ritz>>, EigenError>
    where
        X: DerefMut<Target = Field<T>>,
        A: LinearOperator<T, Vector = X>,
    {
        let again = !self.basis.is_empty();
        let mut applied = self.a.vector()?;
        loop {
            self.basis.push(w);
            let m = self.basis.len();
            w = self.a.vector()?;
            let error = |error| EigenError::Solve { vector: solves.len(), error };
            let report = invert(&mut w, &self.basis[m - 1]).map_err(error)?;
            let flow = progress(&report);
            solves.push(report);
            let more = self.separate(&mut w, true);
            self.a.apply(&mut applied, &w);
            vector::norm2(&applied, self.blocks.clone(), &mut self.sums[..self.chains]);
            let ritz = self.ritz()?;
            let (mut found, mut sure) = (wanted.count, true);
            for (chain, ritz) in ritz.iter().enumerate() {
                let rest = self.h[chain][(m, m - 1)].re * self.sums[chain].sqrt();
                let residual = |of: &Ritz| rest * of.y[m - 1].norm();
                // Half of the tolerance is left to the inverse.
                let good = ritz.iter().take_while(|of| residual(of) <= 0.5 * wanted.tolerance).count();
                found = found.min(good);
                // Small ones are found first: where the next has been, none is missing before it.
                sure &= !again || ritz.get(wanted.count).is_none_or(|next| residual(next) <= SURE);
            }
            if !more || (found == wanted.count && sure) {
                return Ok(ritz);
            }
            if self.basis.len() >= wanted.vectors.max(wanted.count) {
                let Wanted { count: wanted, tolerance, .. } = *wanted;
                return Err(match found < wanted {
                    true => EigenError::TooFewVectors { found, wanted, tolerance, vectors: m },
                    false => EigenError::Unsure { wanted, vectors: m },
                });
            }
            if flow.is_break() {
                return Err(EigenError::Stopped);
            }
        }
    }
}

/// The eigenvalues of M = `a` next to 0, as often as they occur, by `invert`, x ← M⁻¹ b from x = 0. `start` fills a vector with
/// noise, another for each number. `progress` is told of every solve, and may break off. A batch's chains are all done when
/// each has its own. Collective.
///
/// # Errors
/// [`EigenError`].
pub fn lowest_eigenpairs<T: Real, X, A: LinearOperator<T, Vector = X>>(
    a: &A,
    mut invert: impl FnMut(&mut X, &X) -> Result<SolveReport, SolveError>,
    start: impl Fn(&mut X, u64),
    mut progress: impl FnMut(&SolveReport) -> ControlFlow<()>,
    wanted: &Wanted,
) -> Result<Eigenpairs<X>, EigenError>
where
    X: DerefMut<Target = Field<T>>,
{
    let mut applied = a.vector()?;
    let (blocks, chains) = (a.blocks(), applied.lattice().chains());
    let mut space = Space::new(a, blocks.clone(), chains, wanted.vectors.max(wanted.count));
    let mut solves = Vec::new();
    let mut ritz: Vec<Vec<Ritz>> = Vec::new();
    let mut moduli = vec![f64::INFINITY; chains];
    for number in 0.. {
        let mut w = a.vector()?;
        start(&mut w, number);
        if !space.separate(&mut w, false) {
            break;
        }
        ritz = space.search(w, (&mut invert, &mut progress), wanted, &mut solves)?;
        let count = wanted.count.min(space.basis.len());
        let mut smaller = count < wanted.count;
        for (before, ritz) in moduli.iter_mut().zip(&ritz) {
            let sum: f64 = ritz[..count].iter().map(|of| of.modulus).sum();
            smaller |= sum < *before * (1.0 - DRIFT * wanted.tolerance) || sum.is_infinite();
            *before = sum;
        }
        if !smaller {
            break;
        }
        space.keep(&ritz, count)?;
        ritz = space.ritz()?;
    }

    let mut found = Eigenpairs { values: Vec::new(), residuals: Vec::new(), vectors: Vec::new(), solves };
    for pair in 0..wanted.count {
        let exhausted =
            || EigenError::Exhausted { found: pair, wanted: wanted.count, tolerance: wanted.tolerance };
        if ritz.iter().any(|of| of.len() <= pair) {
            return Err(exhausted());
        }
        let mut v = space.combine(|chain, i| ritz[chain][pair].y[i])?;
        v.exchange();
        a.apply(&mut applied, &v);
        // λ = ⟨v, M v⟩ has the least residual that v allows.
        let sums = &mut space.sums;
        vector::inner_product(&v, &applied, blocks.clone(), sums);
        let values: Vec<_> =
            (0..chains).map(|chain| Complex::new(sums[chain], sums[chains + chain])).collect();
        vector::subtract(&mut applied, &values, &v, blocks.clone());
        vector::norm2(&applied, blocks.clone(), &mut sums[..chains]);
        let residuals: Vec<_> = (0..chains).map(|c| (sums[c] / values[c].norm2()).sqrt()).collect();
        // Beyond the last vector of a complete space there is rounding only, which looks converged in the projected matrix.
        if residuals.iter().any(|r| r.is_nan() || *r > DRIFT * wanted.tolerance) {
            return Err(exhausted());
        }
        found.residuals.push(residuals);
        found.values.push(values);
        found.vectors.push(v);
    }
    Ok(found)
}
