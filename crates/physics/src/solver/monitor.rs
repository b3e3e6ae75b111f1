//! Watches the residuals of a solve: which chains are done, and whether it still makes progress.

use super::report::{SolveError, SolveReport, Stopping};
use std::time::Instant;

/// How a solve's iteration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Converged,
    IterationLimit,
    Stagnation,
    NotFinite,
    Breakdown(&'static str),
}

pub(super) struct Monitor {
    solver: &'static str,
    stop: Stopping,
    start: Instant,
    /// ‖right-hand side‖² of each chain.
    scale: Vec<f64>,
    residual: Vec<f64>,
    done: Vec<bool>,
    chain_iterations: Vec<usize>,
    history: Vec<f64>,
    iterations: usize,
    best: f64,
    since_best: usize,
    pub applications: usize,
    pub preconditionings: usize,
    /// Of the preconditioner's applications, for one chain.
    pub preconditioning_flops: f64,
}

impl Monitor {
    pub fn new(solver: &'static str, stop: &Stopping, chains: usize) -> Self {
        Self {
            solver,
            stop: *stop,
            start: Instant::now(),
            scale: vec![0.0; chains],
            residual: vec![0.0; chains],
            done: vec![false; chains],
            chain_iterations: vec![0; chains],
            history: Vec::with_capacity(stop.iterations.saturating_add(1).min(1 << 20)),
            iterations: 0,
            best: f64::INFINITY,
            since_best: 0,
            applications: 0,
            preconditionings: 0,
            preconditioning_flops: 0.0,
        }
    }

    /// The norms squared that residuals are relative to.
    pub fn set_scale(&mut self, norm2: &[f64]) {
        self.scale.copy_from_slice(norm2);
    }

    /// Whether a chain has reached the tolerance: its coefficients are zero from then on.
    pub fn done(&self, chain: usize) -> bool {
        self.done[chain]
    }

    /// Takes the residuals ‖r‖² before the next iteration; `Some` where there is to be none.
    pub fn observe(&mut self, norm2: &[f64]) -> Option<End> {
        let mut worst = 0.0f64;
        for (chain, (&n, &scale)) in norm2.iter().zip(&self.scale).enumerate() {
            if !(n.is_finite() && scale.is_finite()) {
                return Some(End::NotFinite);
            }
            if !self.done[chain] {
                self.residual[chain] = relative(n, scale);
                self.done[chain] = self.residual[chain] <= self.stop.tolerance;
                self.chain_iterations[chain] = self.iterations;
            }
            worst = worst.max(self.residual[chain]);
        }
        self.history.push(worst);
        if self.done.iter().all(|&d| d) {
            return Some(End::Converged);
        }
        self.since_best = if worst < self.best { 0 } else { self.since_best + 1 };
        self.best = self.best.min(worst);
        if self.since_best > self.stop.patience {
            return Some(End::Stagnation);
        }
        if self.iterations >= self.stop.iterations {
            return Some(End::IterationLimit);
        }
        self.iterations += 1;
        None
    }

    /// The report: `iterated` and `asked` are ‖true residual‖² of the system iterated on and of the one asked for.
    pub fn finish(
        self,
        end: End,
        flops: f64,
        iterated: &[f64],
        asked: (&[f64], &[f64]),
    ) -> Result<SolveReport, SolveError> {
        let (asked, asked_scale) = asked;
        let true_residual: Vec<f64> = asked.iter().zip(asked_scale).map(|(&n, &s)| relative(n, s)).collect();
        let lost = iterated.iter().zip(&self.scale).any(|(&n, &s)| {
            let residual = relative(n, s);
            residual.is_nan() || residual > DRIFT * self.stop.tolerance
        });
        let chain_flops = flops * self.applications as f64 + self.preconditioning_flops;
        let report = SolveReport {
            solver: self.solver,
            iterations: self.chain_iterations.iter().copied().max().unwrap_or(0),
            chain_iterations: self.chain_iterations,
            applications: self.applications,
            preconditionings: self.preconditionings,
            flops: chain_flops * self.residual.len() as f64,
            seconds: self.start.elapsed().as_secs_f64(),
            recursive_residual: self.residual,
            true_residual,
            history: self.history,
        };
        let tolerance = self.stop.tolerance;
        match end {
            End::Converged if !lost => Ok(report),
            End::Converged | End::Stagnation => {
                Err(SolveError::Stagnation { tolerance, report: Box::new(report) })
            }
            End::IterationLimit => Err(SolveError::IterationLimit { tolerance, report: Box::new(report) }),
            End::NotFinite => Err(SolveError::NotFinite { report: Box::new(report) }),
            End::Breakdown(quantity) => Err(SolveError::Breakdown { quantity, report: Box::new(report) }),
        }
    }
}

/// A converged solve has its true residual within this factor of the tolerance.
const DRIFT: f64 = 10.0;

/// ‖r‖ / ‖b‖; zero where both vanish.
pub(super) fn relative(norm2: f64, scale: f64) -> f64 {
    if norm2 == 0.0 { 0.0 } else { (norm2 / scale).sqrt() }
}
