//! Iterative refinement: most of a solve in lower precision, the answer in the higher one.
//!
//! r = b − M x in the precision of x, an inner solve M' e = r / ‖r‖ in lower precision to a modest tolerance, x += ‖r‖ e,
//! until ‖r‖ itself has the tolerance asked for (Wilkinson 1963; for lattice operators Giusti, Hoelbling, Lüscher and
//! Wittig, Comput. Phys. Commun. 153 (2003) 31). M' need only be near M: it decides how many rounds there are, not what
//! comes out.

use super::bicgstab::BiCgStab;
use super::operator::LinearOperator;
use super::report::{SolveError, SolveReport, Stopping};
use super::vector;
use gaugelink_lattice::{Complex, Field, LatticeError, Real};
use std::ops::{DerefMut, Range};
use std::time::Instant;

/// The least that an inner solve is asked for: below it, single precision begins to lose touch.
const INNER: f64 = 1e-5;
/// How much more than its share an inner solve is asked for, since it does not quite get it.
const MARGIN: f64 = 0.5;
/// A round that does not make the residual smaller by this factor is the last one.
const PROGRESS: f64 = 0.5;

/// The fields of refined solves, kept from one to the next: `X` in high precision, `Y` in low.
#[derive(Debug)]
pub struct Refinement<X, Y> {
    r: X,
    e: X,
    low_r: Y,
    low_e: Y,
    inner: BiCgStab<Y>,
}

impl<X, Y> Refinement<X, Y> {
    /// Fields for solves with `high` and `low` or other operators on the same lattice.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`].
    pub fn new<T: Real, S: Real>(
        high: &impl LinearOperator<T, Vector = X>,
        low: &impl LinearOperator<S, Vector = Y>,
    ) -> Result<Self, LatticeError> {
        Ok(Self {
            r: high.vector()?,
            e: high.vector()?,
            low_r: low.vector()?,
            low_e: low.vector()?,
            inner: BiCgStab::new(low)?,
        })
    }

    /// Solves M x = b with M = `high`, starting from the given x, by BiCGStab on `low`, which is nearly the same. The
    /// report counts the inner iterations; its residuals are those of `high`. Collective.
    ///
    /// # Errors
    /// See [`SolveError`]; x then holds the last iterate.
    pub fn solve<T: Real, S: Real>(
        &mut self,
        high: &impl LinearOperator<T, Vector = X>,
        low: &impl LinearOperator<S, Vector = Y>,
        x: &mut X,
        b: &X,
        stop: &Stopping,
    ) -> Result<SolveReport, SolveError>
    where
        X: DerefMut<Target = Field<T>>,
        Y: DerefMut<Target = Field<S>>,
    {
        let (blocks, chains, start) = (high.blocks(), x.lattice().chains(), Instant::now());
        // Equal shares for as many rounds as are needed from x = 0. They do not depend on what other chains do.
        let rounds = (stop.tolerance.ln() / (INNER / MARGIN).ln()).ceil().max(1.0);
        let share = MARGIN * stop.tolerance.powf(1.0 / rounds);
        let [mut scale, mut norm2] = [(); 2].map(|()| vec![0.0; chains]);
        vector::norm2(b, blocks.clone(), &mut scale);
        let mut report = SolveReport {
            solver: "BiCGStab in mixed precision",
            iterations: 0,
            chain_iterations: vec![0; chains],
            applications: 0,
            preconditionings: 0,
            flops: 0.0,
            seconds: 0.0,
            recursive_residual: vec![0.0; chains],
            true_residual: vec![f64::INFINITY; chains],
            history: Vec::new(),
        };
        loop {
            high.apply(&mut self.r, x);
            vector::subtract_from(&mut self.r, b, blocks.clone(), &mut norm2);
            report.applications += 1;
            report.flops += high.flops() * chains as f64;
            let mut stagnates = false;
            for chain in 0..chains {
                let relative = if norm2[chain] == 0.0 { 0.0 } else { (norm2[chain] / scale[chain]).sqrt() };
                let before = std::mem::replace(&mut report.true_residual[chain], relative);
                stagnates |= relative > stop.tolerance && relative > PROGRESS * before;
                if relative <= stop.tolerance {
                    norm2[chain] = 0.0;
                }
            }
            report.recursive_residual.copy_from_slice(&report.true_residual);
            report.seconds = start.elapsed().as_secs_f64();
            let (worst, tolerance) = (report.worst_residual(), stop.tolerance);
            report.history.push(worst);
            if report.true_residual.iter().any(|r| !r.is_finite()) {
                return Err(SolveError::NotFinite { report: Box::new(report) });
            }
            if worst <= tolerance {
                return Ok(report);
            }
            if stagnates {
                return Err(SolveError::Stagnation { tolerance, report: Box::new(report) });
            }
            if report.iterations >= stop.iterations {
                return Err(SolveError::IterationLimit { tolerance, report: Box::new(report) });
            }
            let inner = Stopping {
                tolerance: share,
                iterations: stop.iterations - report.iterations,
                patience: stop.patience,
            };
            self.round((low, x), &norm2, blocks.clone(), &inner, &mut report)?;
        }
    }

    /// x += ‖r‖ e with M' e = r / ‖r‖; nothing for chains whose ‖r‖² is given as 0.
    fn round<T: Real, S: Real>(
        &mut self,
        (low, x): (&impl LinearOperator<S, Vector = Y>, &mut X),
        norm2: &[f64],
        blocks: Range<usize>,
        stop: &Stopping,
        report: &mut SolveReport,
    ) -> Result<(), SolveError>
    where
        X: DerefMut<Target = Field<T>>,
        Y: DerefMut<Target = Field<S>>,
    {
        let real = |f: &dyn Fn(f64) -> f64| -> Vec<_> {
            norm2.iter().map(|n| Complex::new(if *n == 0.0 { 0.0 } else { f(n.sqrt()) }, 0.0)).collect()
        };
        self.e.fill(T::default());
        vector::subtract(&mut self.e, &real(&|norm| -1.0 / norm), &self.r, blocks.clone());
        self.e.convert_to(&mut self.low_r);
        self.low_e.fill(S::default());
        let (solved, ended) = match self.inner.solve(low, &mut self.low_e, &self.low_r, stop) {
            Ok(solved) => (solved, None),
            // How far it came is seen from the residual that it leaves.
            Err(
                SolveError::Stagnation { report, .. }
                | SolveError::IterationLimit { report, .. }
                | SolveError::Breakdown { report, .. },
            ) => (*report, None),
            Err(SolveError::NotFinite { report }) => {
                ((*report).clone(), Some(SolveError::NotFinite { report }))
            }
            Err(error) => return Err(error),
        };
        for (n, more) in report.chain_iterations.iter_mut().zip(&solved.chain_iterations) {
            *n += more;
        }
        report.iterations = report.chain_iterations.iter().copied().max().unwrap_or(0);
        report.applications += solved.applications;
        report.flops += solved.flops;
        if let Some(error) = ended {
            return Err(error);
        }
        self.low_e.convert_to(&mut self.e);
        vector::subtract(x, &real(&|norm| -norm), &self.e, blocks);
        x.exchange();
        Ok(())
    }
}
