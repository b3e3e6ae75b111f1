//! The correction from the coarse lattice, P (R D P)⁻¹ R.

use super::aggregates::{Aggregates, Sites};
use super::coarse::{CoarseLattice, CoarseVector};
use super::direct::Direct;
use super::operator::{CoarseOperator, CoarseSchur};
use crate::PhysicsError;
use crate::dirac::blocks::Blocks;
use crate::solver::{Gmres, SolveError, Stopping};
use gaugelink_lattice::{Field, Real};
use std::sync::Arc;

/// Iterations between restarts of the coarse solve.
const RESTART: usize = 40;

/// Both levels' parts of the correction: the coarse equation is solved by its inverse where it is small, else by GMRES.
#[derive(Debug)]
pub(super) struct Correction<T: Real> {
    pub lattice: Arc<CoarseLattice<T>>,
    pub aggregates: Aggregates<T>,
    pub operator: CoarseOperator<T>,
    stop: Stopping,
    /// In the place of iterations, where the operator is small.
    direct: Option<Direct<T>>,
    solver: Gmres<CoarseVector<T>>,
    b: CoarseVector<T>,
    x: CoarseVector<T>,
    source: CoarseVector<T>,
    /// Iterations of all coarse solves so far.
    pub iterations: usize,
}

impl<T: Real> Correction<T> {
    /// For `vectors` fields of `reals` real numbers a site, coarse solves ending by `stop`; without anything in it.
    pub fn new(
        blocks: Arc<Blocks<T>>,
        vectors: usize,
        reals: usize,
        stop: Stopping,
    ) -> Result<Self, PhysicsError> {
        let lattice = Arc::new(CoarseLattice::new(&blocks, 2 * vectors)?);
        let operator = CoarseOperator::new(&lattice)?;
        Ok(Self {
            solver: Gmres::new(&CoarseSchur(&operator), RESTART)?,
            aggregates: Aggregates::new(blocks, vectors, reals)?,
            b: lattice.vector()?,
            x: lattice.vector()?,
            source: lattice.vector()?,
            lattice,
            operator,
            stop,
            direct: None,
            iterations: 0,
        })
    }

    /// `z` ← P (R D P)⁻¹ R `r` from `sites` to `sites`, ghosts included; its operations. Collective.
    pub fn apply(&mut self, z: &mut Field<T>, r: &Field<T>, sites: Sites) -> Result<f64, SolveError> {
        self.aggregates.restrict(&self.lattice, &mut self.b, r, sites);
        let flops = self.solve()?;
        self.aggregates.prolong(&self.lattice, z, &self.x, sites);
        z.exchange();
        Ok(2.0 * self.aggregates.flops(sites) + flops)
    }

    /// x ≈ (R D P)⁻¹ b; its operations.
    fn solve(&mut self) -> Result<f64, SolveError> {
        self.operator.source(&mut self.source, &self.b);
        let flops = match &self.direct {
            Some(direct) => {
                direct.solve(&self.lattice, &mut self.x, &self.source);
                direct.flops
            }
            None => self.iterate()?,
        };
        self.operator.reconstruct(&mut self.x, &self.source);
        Ok(flops + self.operator.ends_flops())
    }

    /// x ≈ S⁻¹ source by GMRES.
    fn iterate(&mut self) -> Result<f64, SolveError> {
        self.x.fill(T::default());
        let schur = CoarseSchur(&self.operator);
        let report = match self.solver.solve(&schur, &mut self.x, &self.source, &self.stop) {
            Ok(report) => report,
            // A loose solution is all that is asked for: the one at hand will do.
            Err(
                SolveError::IterationLimit { report, .. }
                | SolveError::Stagnation { report, .. }
                | SolveError::Breakdown { report, .. },
            ) => *report,
            Err(error) => return Err(error),
        };
        self.iterations += report.iterations;
        Ok(report.flops)
    }

    /// Has the operator at hand solved by iterations, as while it changes; or `directly` where it is small: the operations
    /// that this takes.
    pub fn solve_directly(&mut self, directly: bool) -> Result<f64, PhysicsError> {
        self.direct = if directly { Direct::new(&self.operator, &self.lattice)? } else { None };
        Ok(self.direct.as_ref().map_or(0.0, |direct| direct.setup_flops))
    }
}
