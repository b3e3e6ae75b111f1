//! Adaptive aggregation multigrid for D, after Babich et al., Phys. Rev. Lett. 105 (2010) 201602, arXiv:1005.3043, and
//! Frommer, Kahl, Krieg, Leder and Rottmann, SIAM J. Sci. Comput. 36 (2014) A1581, arXiv:1303.1377.
//!
//! Vectors that D nearly annihilates look alike everywhere: n of them, cut into blocks and chiralities, span nearly all
//! others. With P the prolongation that they make and R = P† ([`aggregates`]), one application to r is
//!
//! z = P (R D P)⁻¹ R r, then z += SAP (r − D z),
//!
//! the coarse operator R D P ([`operator`]) being solved to a loose tolerance by GMRES on its even-odd form, and SAP being
//! [`super::Sap`]. The test vectors begin as noise that the smoother has gone over; then the cycle that they make is
//! applied to themselves, which makes them better ones, some rounds over.

mod aggregates;
mod coarse;
mod inverse;
mod matrices;
mod operator;
#[cfg(test)]
mod tests;

use super::blocks::Blocks;
use super::schwarz::{Sap, SapParameters};
use super::spinor::SpinorField;
use super::wilson::Wilson;
use crate::PhysicsError;
use crate::solver::{Gmres, LinearOperator, Preconditioner, SolveError, Stopping, gram_schmidt};
use aggregates::Aggregates;
use coarse::{CoarseLattice, CoarseVector};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Real, Site};
use operator::{CoarseOperator, CoarseSchur};
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

/// Test vectors at most.
pub const VECTORS_MAX: usize = 32;
/// Iterations between restarts of the coarse solve.
const RESTART: usize = 40;

/// How a multigrid is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MultigridParameters {
    /// Extents of an aggregate, all even.
    pub block: Site,
    /// Test vectors, 1 to [`VECTORS_MAX`].
    pub vectors: usize,
    /// How often the smoother goes over the noise that they begin as.
    pub start: usize,
    /// Rounds in which the cycle is applied to them.
    pub rounds: usize,
    /// The smoother.
    pub smoother: SapParameters,
    /// Relative residual of coarse solves.
    pub coarse_tolerance: f64,
    /// Iterations of a coarse solve at most.
    pub coarse_iterations: usize,
    /// Seed of the noise.
    pub seed: u64,
}

impl Default for MultigridParameters {
    fn default() -> Self {
        Self {
            block: [4; 4],
            vectors: 20,
            start: 3,
            rounds: 3,
            smoother: SapParameters { block: [4; 4], cycles: 2, steps: 4 },
            coarse_tolerance: 0.1,
            coarse_iterations: 200,
            seed: 1,
        }
    }
}

/// What making or changing a multigrid took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MultigridSetup {
    /// Floating-point operations, over all ranks.
    pub flops: f64,
    /// Wall-clock time.
    pub seconds: f64,
}

/// A cycle of two levels as an approximate inverse of D, for flexible solvers.
#[derive(Debug)]
pub struct Multigrid<'d, T: Real, const N: usize> {
    wilson: &'d Wilson<'d, T, N>,
    parameters: MultigridParameters,
    smoother: Sap<'d, T, N>,
    test_vectors: Vec<SpinorField<T, N>>,
    aggregates: Aggregates<T>,
    operator: CoarseOperator<T>,
    solver: Gmres<CoarseVector<T>>,
    b: CoarseVector<T>,
    x: CoarseVector<T>,
    source: CoarseVector<T>,
    setup: MultigridSetup,
    cycle_flops: f64,
    coarse_iterations: usize,
}

impl<'d, T: Real, const N: usize> Multigrid<'d, T, N> {
    /// Makes the multigrid of `wilson`. Collective.
    ///
    /// # Errors
    /// [`PhysicsError::Geometry`] where aggregates or the smoother's blocks have odd extents or do not divide each rank's box
    /// into an even number in each direction, and on lattices that hold a batch; [`PhysicsError::Parameter`] for parameters
    /// outside their ranges, links that are no numbers, and a coarse operator or clover term that is singular on a
    /// site; no memory.
    pub fn new(wilson: &'d Wilson<'d, T, N>, parameters: MultigridParameters) -> Result<Self, PhysicsError> {
        let start = Instant::now();
        check(&parameters)?;
        let lattice = wilson.links().lattice();
        let blocks = Arc::new(Blocks::new(lattice, parameters.block)?);
        let for_smoother = if parameters.smoother.block == parameters.block {
            blocks.clone()
        } else {
            Arc::new(Blocks::new(lattice, parameters.smoother.block)?)
        };
        let smoother = Sap::on(wilson, parameters.smoother, for_smoother)?;
        let coarse = Arc::new(CoarseLattice::new(&blocks, 2 * parameters.vectors)?);
        let operator = CoarseOperator::new(&coarse)?;
        let aggregates = Aggregates::new(blocks, parameters.vectors, SpinorField::<T, N>::REALS)?;
        let test_vectors = (0..parameters.vectors).map(|_| wilson.vector()).collect::<Result<_, _>>()?;
        let mut multigrid = Self {
            solver: Gmres::new(&CoarseSchur(&operator), RESTART)?,
            b: coarse.vector()?,
            x: coarse.vector()?,
            source: coarse.vector()?,
            wilson,
            parameters,
            smoother,
            test_vectors,
            aggregates,
            operator,
            setup: MultigridSetup::default(),
            cycle_flops: 0.0,
            coarse_iterations: 0,
        };
        multigrid.start()?;
        multigrid.refine(parameters.rounds)?;
        multigrid.setup.seconds = start.elapsed().as_secs_f64();
        Ok(multigrid)
    }

    /// The multigrid of another mass or configuration, from the same test vectors and after `rounds` more of applying the
    /// cycle to them: 0 for another mass of the same configuration, 1 or more along a Markov chain. Collective.
    ///
    /// # Errors
    /// As [`Multigrid::new`]; [`PhysicsError::Geometry`] for links on another lattice.
    pub fn update(&mut self, wilson: &'d Wilson<'d, T, N>, rounds: usize) -> Result<(), PhysicsError> {
        let start = Instant::now();
        if !Arc::ptr_eq(wilson.links().lattice(), self.wilson.links().lattice()) {
            return Err(PhysicsError::Geometry(
                "a multigrid goes on with links on the lattice it was made for: make a new one".into(),
            ));
        }
        self.setup = MultigridSetup::default();
        self.smoother = self.smoother.for_operator(wilson)?;
        let same = std::ptr::eq(wilson.links(), self.wilson.links())
            && wilson.boundary() == self.wilson.boundary()
            && wilson.csw() == self.wilson.csw();
        let difference = wilson.mass() - self.wilson.mass();
        self.wilson = wilson;
        if same {
            self.operator.add_mass(difference)?;
        } else {
            self.build()?;
        }
        self.refine(rounds)?;
        self.setup.seconds = start.elapsed().as_secs_f64();
        Ok(())
    }

    /// The parameters.
    pub fn parameters(&self) -> &MultigridParameters {
        &self.parameters
    }
    /// What making it, or the last change, took.
    pub fn setup(&self) -> MultigridSetup {
        self.setup
    }
    /// Iterations of the coarse solves of all applications so far.
    pub fn coarse_iterations(&self) -> usize {
        self.coarse_iterations
    }

    /// Test vectors from noise that the smoother has gone over.
    fn start(&mut self) -> Result<(), PhysicsError> {
        let mut smooth = self.wilson.vector()?;
        for (k, vector) in self.test_vectors.iter_mut().enumerate() {
            vector.set_gaussian(Address::new(self.parameters.seed, Purpose::Source).sample(k as u64));
            for _ in 0..self.parameters.start {
                smooth.fill(T::default());
                self.smoother.cycles(&mut smooth, vector, true);
                std::mem::swap(vector, &mut smooth);
                self.setup.flops += self.smoother.cycle_flops(true);
            }
        }
        self.build()
    }

    /// Rounds of the cycle on its own test vectors.
    fn refine(&mut self, rounds: usize) -> Result<(), PhysicsError> {
        let mut smooth = self.wilson.vector()?;
        for _ in 0..rounds {
            let mut vectors = std::mem::take(&mut self.test_vectors);
            for vector in &mut vectors {
                normalise(vector)?;
                self.cycle(&mut smooth, vector).map_err(|error| {
                    PhysicsError::Parameter(format!("the multigrid's test vectors: {error}"))
                })?;
                self.setup.flops += self.cycle_flops;
                std::mem::swap(vector, &mut smooth);
            }
            self.test_vectors = vectors;
            self.build()?;
        }
        Ok(())
    }

    /// Prolongation and coarse operator of the test vectors at hand.
    fn build(&mut self) -> Result<(), PhysicsError> {
        self.aggregates.set_vectors(self.test_vectors.iter().map(|vector| &**vector));
        self.operator.build(self.wilson, &mut self.aggregates)?;
        // For each column D's parts and their restrictions, the faces' being a quarter in 4⁴.
        let (volume, vectors) =
            (self.wilson.links().lattice().volume() as f64, self.parameters.vectors as f64);
        let restrictions = 1.0 + self.parameters.block.iter().map(|&b| 2.0 / b as f64).sum::<f64>();
        self.setup.flops += 2.0 * vectors * LinearOperator::flops(self.wilson) * 5.0;
        self.setup.flops +=
            (2.0 * vectors * restrictions + 2.0 * vectors) * volume * self.aggregates.site_flops();
        Ok(())
    }

    /// `z` ← one application to `r`. Collective.
    fn cycle(&mut self, z: &mut SpinorField<T, N>, r: &SpinorField<T, N>) -> Result<(), SolveError> {
        let coarse = self.operator.lattice().clone();
        self.aggregates.restrict(&coarse, &mut self.b, r);
        let coarse_flops = self.solve_coarse()?;
        self.aggregates.prolong(&coarse, z, &self.x);
        z.exchange();
        self.smoother.cycles(z, r, false);
        let volume = self.wilson.links().lattice().volume() as f64;
        self.cycle_flops =
            2.0 * volume * self.aggregates.site_flops() + coarse_flops + self.smoother.cycle_flops(false);
        Ok(())
    }

    /// x ≈ (R D P)⁻¹ b; its operations.
    fn solve_coarse(&mut self) -> Result<f64, SolveError> {
        let MultigridParameters { coarse_tolerance, coarse_iterations, .. } = self.parameters;
        let stop = Stopping { iterations: coarse_iterations, ..Stopping::at(coarse_tolerance) };
        self.operator.source(&mut self.source, &self.b);
        self.x.fill(T::default());
        let schur = CoarseSchur(&self.operator);
        let report = match self.solver.solve(&schur, &mut self.x, &self.source, &stop) {
            Ok(report) => report,
            // A loose solution is all that is asked for: the one at hand will do.
            Err(
                SolveError::IterationLimit { report, .. }
                | SolveError::Stagnation { report, .. }
                | SolveError::Breakdown { report, .. },
            ) => *report,
            Err(error) => return Err(error),
        };
        self.coarse_iterations += report.iterations;
        self.operator.reconstruct(&mut self.x, &self.source);
        Ok(report.flops + self.operator.ends_flops())
    }
}

fn check(parameters: &MultigridParameters) -> Result<(), PhysicsError> {
    let MultigridParameters { vectors, coarse_tolerance, coarse_iterations, .. } = *parameters;
    let wrong = |what: String| Err(PhysicsError::Parameter(format!("multigrid: {what}")));
    if !(1..=VECTORS_MAX).contains(&vectors) {
        return wrong(format!("{vectors} test vectors: give 1 to {VECTORS_MAX}, 20 is usual"));
    }
    if !(coarse_tolerance > 0.0 && coarse_tolerance < 1.0) || coarse_iterations == 0 {
        return wrong(format!(
            "a coarse solve to {coarse_tolerance} in {coarse_iterations} iterations: give a tolerance between 0 and 1, 0.1 is \
             usual, and at least one iteration"
        ));
    }
    Ok(())
}

/// v /= ‖v‖, or an error where that is no number.
fn normalise<T: Real, const N: usize>(v: &mut SpinorField<T, N>) -> Result<(), PhysicsError> {
    let norm2 = v.norm2();
    if !(norm2[0] > 0.0 && norm2[0].is_finite()) {
        return Err(PhysicsError::Parameter(format!(
            "the multigrid's test vectors have norm² {}: check the links and the mass",
            norm2[0]
        )));
    }
    let blocks = 0..v.layout().blocks();
    gram_schmidt::scale(v, &[1.0 / norm2[0].sqrt()], blocks);
    v.exchange();
    Ok(())
}

impl<T: Real, const N: usize> Preconditioner<SpinorField<T, N>> for Multigrid<'_, T, N> {
    fn apply(
        &mut self,
        z: &mut SpinorField<T, N>,
        r: &SpinorField<T, N>,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(self.cycle(z, r)?)
    }
    fn flops(&self) -> f64 {
        self.cycle_flops
    }
}
