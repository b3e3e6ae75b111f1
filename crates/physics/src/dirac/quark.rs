//! A quark flavour: what its Dirac operator depends on beside the links, and the matrix that stands for it in an action.

use super::boundary::Boundary;
use super::even_odd::Schur;
use super::spinor::SpinorField;
use super::wilson::Wilson;
use crate::PhysicsError;
use crate::solver::LinearOperator;
use gaugelink_lattice::{GaugeField, LatticeError, MomentumField, Real};
use std::ops::Range;

/// Which matrix has the determinant of a quark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuarkMatrix {
    /// D on all sites.
    Full,
    /// The even-odd form S on the odd sites. det D is det S times a power of m + 4, which no link changes.
    EvenOdd,
}

/// A flavour of Wilson quarks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quark {
    /// Mass m, with kappa = 1/(2(m + 4)).
    pub mass: f64,
    /// Phases at the edges.
    pub boundary: Boundary,
    /// The matrix of its pseudofermions.
    pub matrix: QuarkMatrix,
}

impl Quark {
    /// The same flavour with another mass.
    pub fn with_mass(self, mass: f64) -> Self {
        Self { mass, ..self }
    }

    /// Its Dirac operator.
    ///
    /// # Errors
    /// As [`Wilson::new`].
    pub fn operator<'u, T: Real, const N: usize>(
        &self,
        links: &'u GaugeField<T, N>,
    ) -> Result<Wilson<'u, T, N>, PhysicsError> {
        Wilson::new(links, self.mass, self.boundary)
    }

    /// Its matrix, made of its Dirac operator.
    ///
    /// # Errors
    /// As [`Schur::odd`] for the even-odd form.
    pub fn matrix_of<'d, const N: usize>(
        &self,
        operator: &'d Wilson<'d, f64, N>,
    ) -> Result<FermionMatrix<'d, N>, PhysicsError> {
        Ok(match self.matrix {
            QuarkMatrix::Full => FermionMatrix::Full(operator),
            QuarkMatrix::EvenOdd => FermionMatrix::EvenOdd(Schur::odd(operator)?),
        })
    }
}

/// The matrix M of an action φ†(M†M)⁻¹φ.
#[derive(Debug)]
pub enum FermionMatrix<'d, const N: usize> {
    /// D.
    Full(&'d Wilson<'d, f64, N>),
    /// S on one parity.
    EvenOdd(Schur<'d, f64, N>),
}

impl<const N: usize> FermionMatrix<'_, N> {
    /// π^a ← π^a + `scale` × ∂^a 2 Re⟨Y, M X⟩ with X and Y held fixed; ghosts of both are up to date. For the even-odd
    /// form X is continued to the other parity, and Y is overwritten. Collective.
    pub fn accumulate_force(
        &self,
        p: &mut MomentumField<f64, N>,
        scale: f64,
        y: &mut SpinorField<f64, N>,
        x: &mut SpinorField<f64, N>,
    ) {
        match self {
            Self::Full(d) => d.accumulate_force(p, scale, y, x),
            Self::EvenOdd(s) => s.accumulate_force(p, scale, y, x),
        }
    }
}

impl<const N: usize> LinearOperator<f64> for FermionMatrix<'_, N> {
    type Vector = SpinorField<f64, N>;

    fn vector(&self) -> Result<SpinorField<f64, N>, LatticeError> {
        match self {
            Self::Full(d) => d.vector(),
            Self::EvenOdd(s) => s.vector(),
        }
    }
    fn blocks(&self) -> Range<usize> {
        match self {
            Self::Full(d) => LinearOperator::blocks(*d),
            Self::EvenOdd(s) => LinearOperator::blocks(s),
        }
    }
    fn apply(&self, out: &mut SpinorField<f64, N>, psi: &SpinorField<f64, N>) {
        match self {
            Self::Full(d) => d.apply(out, psi),
            Self::EvenOdd(s) => s.apply(out, psi),
        }
    }
    fn apply_dagger(&self, out: &mut SpinorField<f64, N>, psi: &SpinorField<f64, N>) {
        match self {
            Self::Full(d) => d.apply_dagger(out, psi),
            Self::EvenOdd(s) => s.apply_dagger(out, psi),
        }
    }
    fn flops(&self) -> f64 {
        match self {
            Self::Full(d) => d.flops(),
            Self::EvenOdd(s) => s.flops(),
        }
    }
}
