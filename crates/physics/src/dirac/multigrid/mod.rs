//! Adaptive aggregation multigrid for D, after Babich et al., Phys. Rev. Lett. 105 (2010) 201602, arXiv:1005.3043, and
//! Frommer, Kahl, Krieg, Leder and Rottmann, SIAM J. Sci. Comput. 36 (2014) A1581, arXiv:1303.1377.
//!
//! Vectors that D nearly annihilates look alike everywhere: n of them, cut into blocks and chiralities, span nearly all
//! others. With P the prolongation that they make and R = P† ([`aggregates`]), one application to r is
//!
//! z = P (R D P)⁻¹ R r, then z += smoother (r − D z),
//!
//! the coarse operator R D P ([`operator`]) being solved in its even-odd form, by GMRES to a loose tolerance, or by its inverse
//! where that is small. The smoother is the Schwarz procedure, or steps of minimal residual on the even-odd form of D
//! ([`smoother`]); then the cycle can do without even sites, D⁻¹ on odd sites being Ŝ⁻¹. The test vectors begin as noise that
//! the smoother has gone over; then, orthogonal to each other, the cycle that they make is applied to themselves, which makes
//! them better ones, some rounds over.

mod aggregates;
mod coarse;
mod correction;
mod direct;
mod inverse;
mod matrices;
mod operator;
mod projection;
mod smoother;
mod solver;
#[cfg(test)]
mod tests;

use super::blocks::Blocks;
use super::spinor::SpinorField;
use super::wilson::Wilson;
use crate::PhysicsError;
use crate::solver::gram_schmidt::{orthogonalise, scale};
use crate::solver::{LinearOperator, Preconditioner, SolveError, Stopping};
use aggregates::Sites;
use correction::Correction;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Complex, Real, Site};
pub use smoother::Smoother;
use smoother::Smoothing;
pub use solver::MultigridSolver;
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

/// Test vectors at most.
pub const VECTORS_MAX: usize = 32;

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
    pub smoother: Smoother,
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
            smoother: Smoother::EvenOdd { steps: 4 },
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
    smoother: Smoothing<'d, T, N>,
    test_vectors: Vec<SpinorField<T, N>>,
    correction: Correction<T>,
    /// A r of the odd sites' r.
    odd: SpinorField<T, N>,
    setup: MultigridSetup,
    cycle_flops: f64,
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
        let MultigridParameters { vectors, coarse_tolerance, coarse_iterations, .. } = parameters;
        let blocks = Arc::new(Blocks::new(wilson.links().lattice(), parameters.block)?);
        let stop = Stopping { iterations: coarse_iterations, ..Stopping::at(coarse_tolerance) };
        let mut multigrid = Self {
            wilson,
            parameters,
            smoother: Smoothing::new(wilson, parameters.smoother, &blocks)?,
            test_vectors: (0..vectors).map(|_| wilson.vector()).collect::<Result<_, _>>()?,
            correction: Correction::new(blocks, vectors, SpinorField::<T, N>::REALS, stop)?,
            odd: wilson.vector()?,
            setup: MultigridSetup::default(),
            cycle_flops: 0.0,
        };
        multigrid.start()?;
        multigrid.refine(parameters.rounds)?;
        multigrid.setup.flops += multigrid.correction.solve_directly(true)?;
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
        self.smoother =
            Smoothing::new(wilson, self.parameters.smoother, self.correction.aggregates.blocks())?;
        let same = std::ptr::eq(wilson.links(), self.wilson.links())
            && wilson.boundary() == self.wilson.boundary()
            && wilson.csw() == self.wilson.csw();
        let difference = wilson.mass() - self.wilson.mass();
        self.wilson = wilson;
        self.correction.solve_directly(false)?;
        if same {
            self.correction.operator.add_mass(difference)?;
        } else {
            self.build()?;
        }
        self.refine(rounds)?;
        self.setup.flops += self.correction.solve_directly(true)?;
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
        self.correction.iterations
    }

    /// Test vectors from noise that the smoother has gone over.
    fn start(&mut self) -> Result<(), PhysicsError> {
        let mut smooth = self.wilson.vector()?;
        for (k, vector) in self.test_vectors.iter_mut().enumerate() {
            vector.set_gaussian(Address::new(self.parameters.seed, Purpose::Source).sample(k as u64));
            for _ in 0..self.parameters.start {
                smooth.fill(T::default());
                self.smoother.smooth(&mut smooth, vector);
                std::mem::swap(vector, &mut smooth);
                self.setup.flops += self.smoother.flops();
            }
        }
        self.build()
    }

    /// Rounds of the cycle on its own test vectors.
    fn refine(&mut self, rounds: usize) -> Result<(), PhysicsError> {
        let mut smooth = self.wilson.vector()?;
        for _ in 0..rounds {
            let mut vectors = std::mem::take(&mut self.test_vectors);
            for k in 0..vectors.len() {
                orthonormalise(&mut vectors, k)?;
            }
            for vector in &mut vectors {
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
        let Correction { aggregates, operator, .. } = &mut self.correction;
        aggregates.set_vectors(self.test_vectors.iter().map(|vector| &**vector));
        operator.build(self.wilson, aggregates)?;
        // For each column five parts of D, their restrictions, of which those of faces are short, and two rounds of products
        // with half of the vectors.
        let columns = 2.0 * self.parameters.vectors as f64;
        let faces: f64 = self.parameters.block.iter().map(|&extent| 2.0 / extent as f64).sum();
        let restrictions = (1.0 + faces + 1.0) * aggregates.flops(Sites::All);
        self.setup.flops += columns * (5.0 * LinearOperator::flops(self.wilson) + restrictions);
        Ok(())
    }

    /// `z` ← one application to `r`. Collective.
    fn cycle(&mut self, z: &mut SpinorField<T, N>, r: &SpinorField<T, N>) -> Result<(), SolveError> {
        let correction = self.correction.apply(z, r, Sites::All)?;
        self.smoother.smooth(z, r);
        self.cycle_flops = correction + self.smoother.flops();
        Ok(())
    }

    /// The same for S in place of D, on odd sites: S⁻¹ = (D⁻¹)_oo A_oo. Collective.
    fn cycle_odd(&mut self, z: &mut SpinorField<T, N>, r: &SpinorField<T, N>) -> Result<(), SolveError> {
        self.wilson.apply_site_part(&mut self.odd, r);
        let correction = self.correction.apply(z, &self.odd, Sites::Odd)?;
        self.cycle_flops = correction + self.smoother.smooth_odd(z, r, &mut self.odd);
        Ok(())
    }

    /// The cycle as an approximate inverse of the even-odd form S on odd sites.
    pub fn on_odd_sites<'m>(&'m mut self) -> OddMultigrid<'m, 'd, T, N> {
        OddMultigrid(self)
    }
}

/// A multigrid for S in place of D: see [`Multigrid::on_odd_sites`].
#[derive(Debug)]
pub struct OddMultigrid<'m, 'd, T: Real, const N: usize>(&'m mut Multigrid<'d, T, N>);

impl<T: Real, const N: usize> Preconditioner<SpinorField<T, N>> for OddMultigrid<'_, '_, T, N> {
    fn apply(
        &mut self,
        z: &mut SpinorField<T, N>,
        r: &SpinorField<T, N>,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(self.0.cycle_odd(z, r)?)
    }
    fn flops(&self) -> f64 {
        self.0.cycle_flops
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

/// Makes vector k orthogonal to those before it and of unit length: else all would turn to the lowest mode, round by
/// round, until rounding leaves nothing beside it.
fn orthonormalise<T: Real, const N: usize>(
    vectors: &mut [SpinorField<T, N>],
    k: usize,
) -> Result<(), PhysicsError> {
    let (before, rest) = vectors.split_at_mut(k);
    let v = &mut rest[0];
    let blocks = 0..v.layout().blocks();
    if k > 0 {
        let (mut h, mut sums) = ([Complex::new(0.0, 0.0)], [0.0; 2]);
        orthogonalise(v, before, blocks.clone(), (&mut h, &mut sums), |_, _| ());
    }
    let norm2 = v.norm2()[0];
    if !(norm2 > 0.0 && norm2.is_finite()) {
        return Err(PhysicsError::Parameter(format!(
            "a test vector of the multigrid has norm² {norm2}: check the links and the mass, or use fewer vectors"
        )));
    }
    scale(v, &[1.0 / norm2.sqrt()], blocks);
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
