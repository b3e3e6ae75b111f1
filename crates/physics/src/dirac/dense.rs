//! Operators as dense matrices, for small lattices: determinants and inverses by LU decomposition.
//!
//! Rows and columns go by lexicographic site number, then spin, then colour. Every rank holds the whole matrix and does
//! the same arithmetic on it, so results do not depend on threads and ranks.

use super::quark::FermionMatrix;
use super::spinor::{Spinor, SpinorField};
use crate::PhysicsError;
use crate::solver::LinearOperator;
use gaugelink_lattice::{Complex, Lattice};
use nalgebra::{Complex as Z, DMatrix, DVector, Dyn, LU};
use std::sync::{Arc, OnceLock};

/// Rows beyond which dense matrices are refused: those of SU(3) on 4⁴ in the even-odd form. An inverse has 8 n³
/// operations, and a term of an action asks for many.
pub const DENSE_MAX: usize = 1536;

/// The numbers of all sites, or of those of one parity.
pub fn site_numbers(lattice: &Lattice, parity: Option<usize>) -> Vec<usize> {
    let geometry = lattice.geometry();
    let of_parity =
        |&index: &usize| parity.is_none_or(|p| geometry.site(index).iter().sum::<usize>() % 2 == p);
    (0..geometry.volume()).filter(of_parity).collect()
}

/// A field's numbers on these sites, for each chain, on all ranks. Collective.
pub fn columns<const N: usize, const H: usize>(
    field: &SpinorField<f64, N, H>,
    sites: &[usize],
) -> Vec<DVector<Z<f64>>> {
    let (lattice, of_site) = (field.lattice(), 2 * H * N);
    let mut columns = vec![DVector::zeros(sites.len() * of_site); lattice.chains()];
    for (chain, column) in columns.iter_mut().enumerate() {
        for (numbers, &site) in column.as_mut_slice().chunks_exact_mut(of_site).zip(sites) {
            let Some(psi) = field.spinor(&lattice.geometry().site(site), chain) else { continue };
            numbers.iter_mut().zip(psi.components()).for_each(|(to, z)| *to = Z::new(z.re, z.im));
        }
    }
    gather(lattice, &mut columns);
    columns
}

/// Brings together what each rank has, where the others have zeros, bit by bit. Collective.
pub(super) fn gather(lattice: &Lattice, columns: &mut [DVector<Z<f64>>]) {
    if lattice.comm().ranks() == 1 {
        return;
    }
    let halves = |x: f64| [x.to_bits() as u32, (x.to_bits() >> 32) as u32];
    let numbers = columns.iter().flat_map(|column| column.iter());
    let mut words: Vec<u32> = numbers.flat_map(|z| [halves(z.re), halves(z.im)].concat()).collect();
    lattice.comm().xor(&mut words);
    let number = |w: &[u32]| f64::from_bits(u64::from(w[0]) | u64::from(w[1]) << 32);
    for (z, words) in columns.iter_mut().flat_map(|column| column.iter_mut()).zip(words.chunks_exact(4)) {
        *z = Z::new(number(&words[..2]), number(&words[2..]));
    }
}

/// Puts number `row` of `column(chain, row)` on these sites, as [`columns`] counts them. Collective.
pub fn scatter<const N: usize, const H: usize>(
    field: &mut SpinorField<f64, N, H>,
    sites: &[usize],
    column: impl Fn(usize, usize) -> Z<f64>,
) {
    let (lattice, of_site) = (field.lattice().clone(), 2 * H * N);
    for chain in 0..lattice.chains() {
        for (i, &site) in sites.iter().enumerate() {
            let number = |spin: usize, colour: usize| {
                let z = column(chain, i * of_site + spin * N + colour);
                Complex::new(z.re, z.im)
            };
            field.set_spinor(&lattice.geometry().site(site), chain, &Spinor::from_fn(number));
        }
    }
    field.exchange();
}

/// The operator, or its adjoint, on these sites, as a matrix for each chain. Collective.
///
/// # Errors
/// No memory.
pub fn dense<const N: usize, const H: usize, A: LinearOperator<f64, Vector = SpinorField<f64, N, H>>>(
    a: &A,
    sites: &[usize],
    dagger: bool,
) -> Result<Vec<DMatrix<Z<f64>>>, PhysicsError> {
    let (mut psi, mut out) = (a.vector()?, a.vector()?);
    let (geometry, size) = (psi.lattice().geometry().clone(), sites.len() * 2 * H * N);
    let mut matrices = vec![DMatrix::zeros(size, size); psi.lattice().chains()];
    for column in 0..size {
        let (site, rest) = (column / (2 * H * N), column % (2 * H * N));
        psi.set_point_source(&geometry.site(sites[site]), rest / N, rest % N);
        if dagger {
            a.apply_dagger(&mut out, &psi);
        } else {
            a.apply(&mut out, &psi);
        }
        for (matrix, numbers) in matrices.iter_mut().zip(columns(&out, sites)) {
            matrix.set_column(column, &numbers);
        }
    }
    Ok(matrices)
}

/// The matrix of a quark, decomposed, for each chain.
#[derive(Debug)]
pub struct DenseMatrix {
    lattice: Arc<Lattice>,
    sites: Vec<usize>,
    factors: Vec<LU<Z<f64>, Dyn, Dyn>>,
}

impl DenseMatrix {
    /// Of so many rows, spins and colours of all sites counted.
    ///
    /// # Errors
    /// [`PhysicsError::Geometry`] for more than [`DENSE_MAX`].
    pub fn check(rows: usize) -> Result<(), PhysicsError> {
        if rows <= DENSE_MAX {
            return Ok(());
        }
        Err(PhysicsError::Geometry(format!(
            "the quarks' matrix has {rows} rows on this lattice, and exact determinants and inverses are for {DENSE_MAX} at \
             most: take pseudofermions, or a smaller lattice"
        )))
    }

    /// Decomposes M. Collective.
    ///
    /// # Errors
    /// [`PhysicsError::Geometry`] for a lattice that is too large; no memory.
    pub fn new<const N: usize, const H: usize>(m: &FermionMatrix<'_, N, H>) -> Result<Self, PhysicsError> {
        let sites = m.sites();
        Self::check(m.rows())?;
        let lattice = m.lattice().clone();
        let factors = on_all_threads(&lattice, &dense(m, &sites, false)?, |matrix| matrix.clone().lu());
        Ok(Self { lattice, sites, factors })
    }

    /// The numbers of the sites of its rows, in order.
    pub fn sites(&self) -> &[usize] {
        &self.sites
    }

    /// ln |det M| for each chain, −∞ for a singular M.
    pub fn ln_det(&self) -> Vec<f64> {
        self.factors.iter().map(ln_abs_det).collect()
    }

    /// The sign of det M for each chain, which γ5-Hermiticity makes real.
    pub fn sign(&self) -> Vec<f64> {
        let of = |lu: &LU<Z<f64>, Dyn, Dyn>| {
            let (u, permutation) = (lu.lu_internal(), lu.p().determinant::<f64>());
            let phase = (0..u.nrows()).fold(Z::new(permutation, 0.0), |phase, i| {
                let z = u[(i, i)];
                phase * z / z.norm()
            });
            phase.re.signum()
        };
        self.factors.iter().map(of).collect()
    }

    /// M⁻¹ for each chain.
    ///
    /// # Errors
    /// [`PhysicsError::Parameter`] where M is singular.
    pub fn inverse(&self) -> Result<Vec<DMatrix<Z<f64>>>, PhysicsError> {
        let inverses = on_all_threads(&self.lattice, &self.factors, LU::try_inverse);
        inverses.into_iter().collect::<Option<_>>().ok_or_else(|| {
            PhysicsError::Parameter(
                "the quarks' matrix is singular on these links: take a larger mass or other links".into(),
            )
        })
    }
}

/// ln |det| of a decomposed matrix, −∞ for a singular one.
pub(super) fn ln_abs_det(lu: &LU<Z<f64>, Dyn, Dyn>) -> f64 {
    let u = lu.lu_internal();
    (0..u.nrows()).map(|i| u[(i, i)].norm().ln()).sum()
}

/// `f` of each chain's matrix: one thread's work each.
pub(super) fn on_all_threads<A: Sync, B: Send + Sync>(
    lattice: &Lattice,
    matrices: &[A],
    f: impl Fn(&A) -> B + Sync,
) -> Vec<B> {
    let results: Vec<OnceLock<B>> = matrices.iter().map(|_| OnceLock::new()).collect();
    lattice.pool().run(0..matrices.len(), |_, chains| {
        for chain in chains {
            results[chain].get_or_init(|| f(&matrices[chain]));
        }
    });
    results.into_iter().filter_map(OnceLock::into_inner).collect()
}
