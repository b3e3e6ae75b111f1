//! The Schwarz alternating procedure, Lüscher, Comput. Phys. Commun. 156 (2004) 209, hep-lat/0310048.
//!
//! The lattice is cut into blocks of two colours. A cycle visits the colours in turn:
//!
//! x += Σ_{blocks of the colour} D_block⁻¹ (b − D x),
//!
//! D_block being D with Dirichlet boundaries, whose inverse is taken by a few steps of minimal residual on its even-odd form.

mod minimal_residual;
mod operator;
#[cfg(test)]
mod tests;

use super::blocks::Blocks;
use super::spinor::SpinorField;
use super::wilson::Wilson;
use crate::PhysicsError;
use crate::solver::{LinearOperator, Preconditioner};
use gaugelink_lattice::{Real, Site};
use minimal_residual::MinimalResidual;
use operator::BlockOperator;
use std::error::Error;
use std::sync::Arc;

/// How D is inverted approximately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SapParameters {
    /// Extents of a block, all even.
    pub block: Site,
    /// Visits of both colours.
    pub cycles: usize,
    /// Steps of minimal residual in each block.
    pub steps: usize,
}

impl Default for SapParameters {
    fn default() -> Self {
        Self { block: [4; 4], cycles: 5, steps: 4 }
    }
}

/// The procedure as an approximate inverse of D: x from zero, a number of cycles. Not linear, since the steps of minimal
/// residual depend on what they are applied to: for flexible solvers.
#[derive(Debug)]
pub struct Sap<'d, T, const N: usize> {
    wilson: &'d Wilson<'d, T, N>,
    parameters: SapParameters,
    blocks: Arc<Blocks<T>>,
    operators: [BlockOperator<T, N>; 2],
    solver: MinimalResidual<T>,
    /// D x.
    dx: SpinorField<T, N>,
    /// On one colour's blocks: the residual, the correction.
    r: SpinorField<T, N>,
    e: SpinorField<T, N>,
    c: SpinorField<T, N>,
    t: SpinorField<T, N>,
}

impl<'d, T: Real, const N: usize> Sap<'d, T, N> {
    /// The procedure for `wilson`. Keeps a copy of the links and of the clover term and its inverse. Collective.
    ///
    /// # Errors
    /// [`PhysicsError::Geometry`] where the blocks have odd extents or do not divide each rank's box into an even number in
    /// each direction, and on lattices that hold a batch; [`PhysicsError::Parameter`] for no cycles or no steps, and where
    /// the clover term is singular on a site; no memory.
    pub fn new(wilson: &'d Wilson<'d, T, N>, parameters: SapParameters) -> Result<Self, PhysicsError> {
        let blocks = Arc::new(Blocks::new(wilson.links().lattice(), parameters.block)?);
        Self::on(wilson, parameters, blocks)
    }

    /// On blocks that are there.
    pub(super) fn on(
        wilson: &'d Wilson<'d, T, N>,
        parameters: SapParameters,
        blocks: Arc<Blocks<T>>,
    ) -> Result<Self, PhysicsError> {
        if parameters.cycles == 0 || parameters.steps == 0 {
            return Err(PhysicsError::Parameter(format!(
                "a Schwarz procedure of {} cycles and {} steps in each block does nothing: give at least 1 of both",
                parameters.cycles, parameters.steps
            )));
        }
        let operators = [BlockOperator::new(wilson, &blocks, 0)?, BlockOperator::new(wilson, &blocks, 1)?];
        let inside = blocks.inside();
        Ok(Self {
            solver: MinimalResidual::new(&blocks)?,
            dx: wilson.vector()?,
            r: SpinorField::zeroed(inside)?,
            e: SpinorField::zeroed(inside)?,
            c: SpinorField::zeroed(inside)?,
            t: SpinorField::zeroed(inside)?,
            wilson,
            parameters,
            blocks,
            operators,
        })
    }

    /// The parameters.
    pub fn parameters(&self) -> &SapParameters {
        &self.parameters
    }

    /// Cycles that go on from the given x, `is_zero` telling whether it is zero, towards D x = b. Collective.
    pub(super) fn cycles(&mut self, x: &mut SpinorField<T, N>, b: &SpinorField<T, N>, mut is_zero: bool) {
        for _ in 0..self.parameters.cycles {
            for colour in 0..2 {
                if is_zero {
                    self.blocks.gather(colour, &mut self.r, 0, b);
                } else {
                    self.wilson.apply(&mut self.dx, x);
                    self.blocks.gather_difference(colour, &mut self.r, b, &self.dx);
                }
                is_zero = false;
                self.solve_blocks(colour);
                let mut corrections = [None; 2];
                corrections[colour] = Some(&*self.e);
                self.blocks.add(x, corrections);
                x.exchange();
            }
        }
    }

    /// e ≈ D_block⁻¹ r on the blocks of a colour.
    fn solve_blocks(&mut self, colour: usize) {
        let operator = &self.operators[colour];
        operator.source(&mut self.c, &self.r);
        for step in 0..self.parameters.steps {
            operator.apply(&mut self.t, &self.c);
            self.solver.step(&self.blocks, &mut self.e, &mut self.c, &self.t, step == 0);
        }
        operator.reconstruct(&mut self.e, &self.r);
    }

    /// Floating-point operations of the cycles from zero or from a given x, on the whole lattice.
    pub(super) fn cycle_flops(&self, is_zero: bool) -> f64 {
        let SapParameters { cycles, steps, .. } = self.parameters;
        let volume = self.wilson.links().lattice().volume() as f64;
        let residuals = (2 * cycles - usize::from(is_zero)) as f64;
        let operator = &self.operators[0];
        let blocks = operator.ends_flops() + steps as f64 * (operator.flops() + minimal_residual::flops(N));
        residuals * LinearOperator::flops(self.wilson) + (cycles as f64) * volume / 2.0 * blocks
    }
}

impl<T: Real, const N: usize> Preconditioner<SpinorField<T, N>> for Sap<'_, T, N> {
    fn apply(
        &mut self,
        z: &mut SpinorField<T, N>,
        r: &SpinorField<T, N>,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        z.fill(T::default());
        self.cycles(z, r, true);
        Ok(())
    }
    fn flops(&self) -> f64 {
        self.cycle_flops(true)
    }
}
