//! A quark flavour: what its Dirac operator depends on beside the links, and the matrix that stands for it in an action.

use super::boundary::Boundary;
use super::clover_force::CloverForce;
use super::dense::site_numbers;
use super::even_odd::Schur;
use super::spinor::SpinorField;
use super::wilson::Wilson;
use crate::PhysicsError;
use crate::solver::LinearOperator;
use gaugelink_lattice::{GaugeField, Lattice, LatticeError, MomentumField, Real};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Which matrix has the determinant of a quark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuarkMatrix {
    /// D on all sites.
    Full,
    /// The asymmetric even-odd form Ŝ on the odd sites: det D = det A det Ŝ with A the site-diagonal part of D on the
    /// even sites, a constant without clover term.
    EvenOdd,
}

/// A flavour of Wilson quarks, with or without the clover term.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quark {
    /// Mass m, with kappa = 1/(2(m + d)) in d dimensions.
    pub mass: f64,
    /// Coefficient of the clover term, 0 for none.
    pub csw: f64,
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
    /// As [`Wilson::new`] and [`Wilson::with_clover`].
    pub fn operator<'u, T: Real, const N: usize, const H: usize>(
        &self,
        links: &'u GaugeField<T, N>,
    ) -> Result<Wilson<'u, T, N, H>, PhysicsError> {
        Wilson::new(links, self.mass, self.boundary)?.with_clover(self.csw)
    }

    /// Its matrix, made of its Dirac operator.
    ///
    /// # Errors
    /// As [`Schur::odd`] for the even-odd form.
    pub fn matrix_of<'d, const N: usize, const H: usize>(
        &self,
        operator: &'d Wilson<'d, f64, N, H>,
    ) -> Result<FermionMatrix<'d, N, H>, PhysicsError> {
        Ok(match self.matrix {
            QuarkMatrix::Full => FermionMatrix::Full(operator),
            QuarkMatrix::EvenOdd => FermionMatrix::EvenOdd(Schur::odd(operator)?.asymmetric()),
        })
    }
}

impl fmt::Display for Quark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Masses from kappa have more digits than anyone reads.
        let mass = (self.mass * 1e6).round() / 1e6;
        match self.csw {
            0.0 => write!(f, "Wilson quarks of mass {mass}")?,
            csw => write!(f, "clover quarks of mass {mass} and c_sw {csw}")?,
        }
        f.write_str(if self.matrix == QuarkMatrix::EvenOdd { ", even-odd" } else { "" })
    }
}

/// The matrix M of an action φ†(M†M)⁻¹φ.
#[derive(Debug)]
pub enum FermionMatrix<'d, const N: usize, const H: usize = 2> {
    /// D.
    Full(&'d Wilson<'d, f64, N, H>),
    /// Ŝ on one parity.
    EvenOdd(Schur<'d, f64, N, H>),
}

impl<const N: usize, const H: usize> FermionMatrix<'_, N, H> {
    /// The lattice of its links.
    pub fn lattice(&self) -> &Arc<Lattice> {
        match self {
            Self::Full(d) => d.links().lattice(),
            Self::EvenOdd(s) => s.wilson().links().lattice(),
        }
    }

    /// Lexicographic numbers of the sites on which it acts, in order.
    pub fn sites(&self) -> Vec<usize> {
        let parity = match self {
            Self::Full(_) => None,
            Self::EvenOdd(s) => Some(s.parity()),
        };
        site_numbers(self.lattice(), parity)
    }

    /// ln |det| of what D has beside M, for each chain: ln |det D| = this + ln |det M|. Collective.
    pub fn ln_det_of_rest(&self) -> Vec<f64> {
        match self {
            Self::Full(d) => vec![0.0; d.links().lattice().chains()],
            Self::EvenOdd(s) => s.wilson().site_log_det(Some(1 - s.parity())),
        }
    }

    /// Rows of it as a matrix.
    pub fn rows(&self) -> usize {
        self.sites().len() * 2 * H * N
    }

    /// π^a ← π^a + `scale` × ∂^a 2 Re⟨Y, M X⟩ with X and Y held fixed; ghosts of both are up to date. For the even-odd
    /// form both are continued to the other parity. The clover term's part goes, with its weight in the place of `scale`, to
    /// `clover`, where it waits to be accumulated. Collective.
    pub fn accumulate_force(
        &self,
        p: &mut MomentumField<f64, N>,
        scale: f64,
        y: &mut SpinorField<f64, N, H>,
        x: &mut SpinorField<f64, N, H>,
        clover: Option<(&mut CloverForce<N>, f64)>,
    ) {
        let d = match self {
            Self::Full(d) => d,
            Self::EvenOdd(schur) => {
                schur.extend(x);
                schur.extend_dagger(y);
                schur.wilson()
            }
        };
        d.accumulate_force(p, scale, y, x);
        if let Some((clover, weight)) = clover {
            clover.add_spinors(d, weight, y, x);
        }
    }
}

impl<const N: usize, const H: usize> LinearOperator<f64> for FermionMatrix<'_, N, H> {
    type Vector = SpinorField<f64, N, H>;

    fn vector(&self) -> Result<SpinorField<f64, N, H>, LatticeError> {
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
    fn apply(&self, out: &mut SpinorField<f64, N, H>, psi: &SpinorField<f64, N, H>) {
        match self {
            Self::Full(d) => d.apply(out, psi),
            Self::EvenOdd(s) => s.apply(out, psi),
        }
    }
    fn apply_dagger(&self, out: &mut SpinorField<f64, N, H>, psi: &SpinorField<f64, N, H>) {
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
