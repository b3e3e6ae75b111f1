//! A preconditioned solve as the preconditioner of another: most of the work in low precision.

use super::gmres::Gmres;
use super::operator::LinearOperator;
use super::preconditioner::Preconditioner;
use super::report::{SolveError, Stopping};
use gaugelink_lattice::{Field, Real};
use std::error::Error;
use std::ops::DerefMut;

/// An approximate solution of M z = r by flexible GMRES with the preconditioner `P`, from z = 0.
#[derive(Debug)]
pub struct Nested<'a, A, P, X> {
    operator: &'a A,
    preconditioner: P,
    solver: &'a mut Gmres<X>,
    stop: Stopping,
    iterations: usize,
    flops: f64,
}

impl<'a, A, P, X> Nested<'a, A, P, X> {
    /// Solves with `operator` that end by `stop`, all together within its iterations.
    pub fn new(operator: &'a A, preconditioner: P, solver: &'a mut Gmres<X>, stop: Stopping) -> Self {
        Self { operator, preconditioner, solver, stop, iterations: 0, flops: 0.0 }
    }

    /// Iterations of all solves so far.
    pub fn iterations(&self) -> usize {
        self.iterations
    }
}

impl<T: Real, A, P, X> Preconditioner<X> for Nested<'_, A, P, X>
where
    A: LinearOperator<T, Vector = X>,
    P: Preconditioner<X>,
    X: DerefMut<Target = Field<T>>,
{
    fn apply(&mut self, z: &mut X, r: &X) -> Result<(), Box<dyn Error + Send + Sync>> {
        z.fill(T::default());
        let left = Stopping { iterations: self.stop.iterations.saturating_sub(self.iterations), ..self.stop };
        let report =
            match self.solver.solve_preconditioned(self.operator, &mut self.preconditioner, z, r, &left) {
                Ok(report) => report,
                // How far it came is seen from the residual that it leaves.
                Err(SolveError::IterationLimit { report, .. } | SolveError::Stagnation { report, .. }) => {
                    *report
                }
                Err(error) => return Err(error.into()),
            };
        self.iterations += report.iterations;
        self.flops = report.flops / report.chain_iterations.len() as f64;
        Ok(())
    }
    fn flops(&self) -> f64 {
        self.flops
    }
}
