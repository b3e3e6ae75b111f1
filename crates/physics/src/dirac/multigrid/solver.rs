//! Solves by multigrid: flexible GMRES in single precision on the even-odd form, its residual taken in double precision.

use super::{Multigrid, MultigridParameters, MultigridSetup};
use crate::PhysicsError;
use crate::dirac::even_odd::Schur;
use crate::dirac::spinor::SpinorField;
use crate::dirac::wilson::Wilson;
use crate::solver::{Gmres, Nested, Rounded, SolveError, SolveReport, Stopping};

/// The least that a solve in single precision is asked for.
const INNER: f64 = 1e-5;
/// How much more than its share it is asked for.
const MARGIN: f64 = 0.5;
/// Iterations between restarts.
const RESTART: usize = 30;
/// Solves in single precision before the outer one starts anew.
const ROUNDS: usize = 8;

/// The solver D x = b by multigrid, for one operator at a time.
#[derive(Debug)]
pub struct MultigridSolver<'d, const N: usize> {
    high: Schur<'d, f64, N>,
    low: Schur<'d, f32, N>,
    multigrid: Multigrid<'d, f32, N>,
    outer: Gmres<SpinorField<f64, N>>,
    inner: Gmres<SpinorField<f32, N>>,
}

impl<'d, const N: usize> MultigridSolver<'d, N> {
    /// Makes the multigrid of `low`, which is `high` in single precision. Collective.
    ///
    /// # Errors
    /// As [`Multigrid::new`].
    pub fn new(
        high: &'d Wilson<'d, f64, N>,
        low: &'d Wilson<'d, f32, N>,
        parameters: MultigridParameters,
    ) -> Result<Self, PhysicsError> {
        let multigrid = Multigrid::new(low, parameters)?;
        let (high, low) = (Schur::odd(high)?, Schur::odd(low)?);
        Ok(Self {
            outer: Gmres::new(&high, ROUNDS)?,
            inner: Gmres::new(&low, RESTART)?,
            multigrid,
            high,
            low,
        })
    }

    /// Goes on with another mass or configuration: see [`Multigrid::update`]. Collective.
    ///
    /// # Errors
    /// As there.
    pub fn update(
        &mut self,
        high: &'d Wilson<'d, f64, N>,
        low: &'d Wilson<'d, f32, N>,
        rounds: usize,
    ) -> Result<(), PhysicsError> {
        (self.high, self.low) = (Schur::odd(high)?, Schur::odd(low)?);
        self.multigrid.update(low, rounds)
    }

    /// What making it, or the last change, took.
    pub fn setup(&self) -> MultigridSetup {
        self.multigrid.setup()
    }

    /// Solves D x = b, starting from the given x, in `stop.iterations` cycles at most. Iterations, and preconditionings, are
    /// cycles. Collective.
    ///
    /// # Errors
    /// See [`SolveError`]; x then holds the last iterate.
    pub fn solve(
        &mut self,
        x: &mut SpinorField<f64, N>,
        b: &SpinorField<f64, N>,
        stop: &Stopping,
    ) -> Result<SolveReport, SolveError> {
        // Equal shares for as many rounds as are needed from x = 0.
        let rounds = (stop.tolerance.ln() / (INNER / MARGIN).ln()).ceil().max(1.0);
        let share = MARGIN * stop.tolerance.powf(1.0 / rounds);
        let inner = Stopping { tolerance: share, ..*stop };
        let cycle = self.multigrid.on_odd_sites();
        let nested = Nested::new(&self.low, cycle, &mut self.inner, inner);
        let mut preconditioner = Rounded::new(nested, &self.low)?;
        let outer = &mut self.outer;
        let solved = self
            .high
            .solve(x, b, |schur, x, c| outer.solve_preconditioned(schur, &mut preconditioner, x, c, stop));
        let cycles = preconditioner.inner().iterations();
        let in_cycles = |report| SolveReport {
            solver: "multigrid",
            iterations: cycles,
            chain_iterations: vec![cycles],
            preconditionings: cycles,
            ..report
        };
        match solved {
            // A preconditioner that may do no more gives nothing, which the outer solver takes for a breakdown.
            Err(SolveError::Breakdown { report, .. } | SolveError::Stagnation { report, .. })
                if cycles >= stop.iterations =>
            {
                let report = Box::new(in_cycles(*report));
                Err(SolveError::IterationLimit { tolerance: stop.tolerance, report })
            }
            solved => solved.map(in_cycles),
        }
    }
}
