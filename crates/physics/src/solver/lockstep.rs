//! Several right-hand sides in step: each has a solve of its own, and the operator is applied to all of them at once.

use super::operator::LinearOperator;
use super::report::{SolveError, SolveReport};
use arrayvec::ArrayVec;
use gaugelink_lattice::Real;
use std::time::Instant;

/// Right-hand sides that go through the lattice together, at most: of so many spinors the last cache still holds what
/// neighbours share, and the links come from memory in a fourth of the bytes.
pub const AT_ONCE: usize = 4;

/// `out` ← M ψ for the (`out`, ψ) that `fields` picks of the solves; `None` leaves one out.
pub(super) fn apply_to<'r, T: Real, A: LinearOperator<T>, R>(
    a: &A,
    solves: &'r mut [R],
    fields: impl Fn(&'r mut R) -> Option<(&'r mut A::Vector, &'r A::Vector)>,
) where
    A::Vector: 'r,
{
    a.apply_each(&mut solves.iter_mut().filter_map(fields).collect::<ArrayVec<_, AT_ONCE>>());
}

/// `out` ← M† ψ, likewise.
pub(super) fn apply_dagger_to<'r, T: Real, A: LinearOperator<T>, R>(
    a: &A,
    solves: &'r mut [R],
    fields: impl Fn(&'r mut R) -> Option<(&'r mut A::Vector, &'r A::Vector)>,
) where
    A::Vector: 'r,
{
    a.apply_dagger_each(&mut solves.iter_mut().filter_map(fields).collect::<ArrayVec<_, AT_ONCE>>());
}

/// Gives each solve its share of the time since `start`, by the work that it took.
pub(super) fn share_time(results: &mut [Result<SolveReport, SolveError>], start: Instant) {
    let seconds = start.elapsed().as_secs_f64();
    let all: usize = results.iter().filter_map(report).map(|report| report.applications).sum();
    for report in results.iter_mut().filter_map(report_mut) {
        report.seconds = seconds * report.applications as f64 / all.max(1) as f64;
    }
}

fn report(result: &Result<SolveReport, SolveError>) -> Option<&SolveReport> {
    result.as_ref().map_or_else(SolveError::report, Some)
}

fn report_mut(result: &mut Result<SolveReport, SolveError>) -> Option<&mut SolveReport> {
    result.as_mut().map_or_else(SolveError::report_mut, Some)
}
