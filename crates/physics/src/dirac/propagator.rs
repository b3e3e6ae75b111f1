//! Quark propagators from a source for each spin and colour, and what is made of them.

use super::even_odd::Schur;
use super::source::Source;
use super::spinor::SpinorField;
use super::wilson::Wilson;
use crate::PhysicsError;
use crate::solver::{
    AT_ONCE, BiCgStab, BiCgStabL, ConjugateGradient, Gcr, Gmres, LinearOperator, MixedBiCgStab,
    Preconditioner, SolveError, SolveReport, Stopping, vector,
};
use gaugelink_lattice::{LatticeError, Real, Site};
use std::ops::ControlFlow;
use thiserror::Error;

/// How D x = b is solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum PropagatorSolver {
    /// BiCGStab on the even-odd operator: the fastest here away from very light masses.
    #[default]
    EvenOddBiCgStab,
    /// BiCGStab on the even-odd operator in single precision, refined in the precision of the links.
    EvenOddMixed,
    /// BiCGStab(l) on the even-odd operator: where steps of BiCGStab nearly vanish.
    EvenOddBiCgStabL {
        /// l, from 1 to [`DEGREE_MAX`](crate::solver::DEGREE_MAX).
        degree: usize,
    },
    /// Conjugate gradients on the even-odd operator's normal equations: always converges.
    EvenOddConjugateGradient,
    /// BiCGStab on D: for lattices with an odd extent.
    BiCgStab,
    /// GCR on D.
    Gcr {
        /// Iterations between restarts.
        restart: usize,
    },
    /// GMRES on D: for comparisons with preconditioned solves, and where BiCGStab breaks down.
    Gmres {
        /// Iterations between restarts.
        restart: usize,
    },
}

/// A propagator that could not be computed.
#[derive(Debug, Error)]
pub enum PropagatorError {
    /// A lattice on which the solver is not defined.
    #[error(transparent)]
    Physics(#[from] PhysicsError),
    /// A solve that did not converge.
    #[error("source spin {spin}, colour {colour}: {error}")]
    Solve {
        /// The source's spin.
        spin: usize,
        /// The source's colour.
        colour: usize,
        /// What happened.
        error: SolveError,
    },
    /// The caller broke off.
    #[error("stopped before the last solve")]
    Stopped,
}

/// S(x) = D⁻¹ η: one solution for each spin and colour of a source.
#[derive(Debug)]
pub struct Propagator<T, const N: usize, const H: usize = 2> {
    source: Source,
    /// `[source spin][source colour]`, flattened.
    columns: Vec<SpinorField<T, N, H>>,
}

impl<T: Real, const N: usize, const H: usize> Propagator<T, N, H> {
    /// Solves for all point sources, one for each spin and colour, of 1 at `source`, on every chain of a batch. The tolerance is that of each
    /// solve. Collective.
    ///
    /// # Errors
    /// [`PropagatorError`].
    pub fn point(
        wilson: &Wilson<'_, T, N, H>,
        source: Site,
        solver: PropagatorSolver,
        stop: &Stopping,
    ) -> Result<(Self, Vec<SolveReport>), PropagatorError> {
        Self::solved(wilson, source.into(), solver, stop, |_| ControlFlow::Continue(()))
    }

    /// [`Propagator::point`] for any source, that tells `progress` of every solve done, and ends where that breaks off.
    /// Collective.
    ///
    /// # Errors
    /// [`PropagatorError`].
    pub fn solved(
        wilson: &Wilson<'_, T, N, H>,
        source: Source,
        solver: PropagatorSolver,
        stop: &Stopping,
        progress: impl FnMut(&SolveReport) -> ControlFlow<()>,
    ) -> Result<(Self, Vec<SolveReport>), PropagatorError> {
        match solver {
            PropagatorSolver::EvenOddMixed => {
                let links = wilson.links().converted::<f32>().map_err(PhysicsError::Lattice)?;
                let low = wilson.on(&links)?;
                let (schur, low) = (Schur::odd(wilson)?, Schur::odd(&low)?);
                let mut mixed = MixedBiCgStab::new(&schur, &low).map_err(PhysicsError::Lattice)?;
                Self::columns(wilson, source, stop, progress, |x, b, stop| {
                    schur.solve_each(x, b, |schur, x, c| {
                        let mut results = mixed.solve_each((schur, &low), x, c, stop)?;
                        for (result, (x, c)) in results.iter_mut().zip(x.iter_mut().zip(c)) {
                            let Some(first) = lost(result) else { continue };
                            let mut double = BiCgStab::new(schur)?;
                            x.fill(T::default());
                            *result = double.solve(schur, x, c, stop).map(|next| first.followed_by(next));
                        }
                        Ok(results)
                    })
                })
            }
            PropagatorSolver::EvenOddBiCgStab => {
                let schur = Schur::odd(wilson)?;
                let mut bicgstab = BiCgStab::new(&schur).map_err(PhysicsError::Lattice)?;
                Self::columns(wilson, source, stop, progress, |x, b, stop| {
                    schur.solve_each(x, b, |schur, x, c| bicgstab.solve_each(schur, x, c, stop))
                })
            }
            PropagatorSolver::EvenOddBiCgStabL { degree } => {
                let schur = Schur::odd(wilson)?;
                let mut solver = BiCgStabL::new(&schur, degree)?;
                Self::columns(wilson, source, stop, progress, |x, b, stop| {
                    schur.solve_each(x, b, |schur, x, c| {
                        Ok(x.iter_mut().zip(c).map(|(x, c)| solver.solve(schur, x, c, stop)).collect())
                    })
                })
            }
            PropagatorSolver::EvenOddConjugateGradient => {
                let schur = Schur::odd(wilson)?;
                let mut cg = ConjugateGradient::new(&schur).map_err(PhysicsError::Lattice)?;
                Self::columns(wilson, source, stop, progress, |x, b, stop| {
                    schur.solve_each(x, b, |schur, x, c| cg.solve_each(schur, x, c, stop))
                })
            }
            PropagatorSolver::BiCgStab => {
                let mut bicgstab = BiCgStab::new(wilson).map_err(PhysicsError::Lattice)?;
                Self::columns(wilson, source, stop, progress, |x, b, stop| {
                    bicgstab.solve_each(wilson, x, b, stop)
                })
            }
            PropagatorSolver::Gcr { restart } => {
                let mut gcr = Gcr::new(wilson, restart)?;
                Self::columns(wilson, source, stop, progress, |x, b, stop| {
                    Ok(x.iter_mut().zip(b).map(|(x, b)| gcr.solve(wilson, None, x, b, stop)).collect())
                })
            }
            PropagatorSolver::Gmres { restart } => {
                let mut gmres = Gmres::new(wilson, restart)?;
                Self::columns(wilson, source, stop, progress, |x, b, stop| {
                    Ok(x.iter_mut().zip(b).map(|(x, b)| gmres.solve(wilson, x, b, stop)).collect())
                })
            }
        }
    }

    /// [`Propagator::solved`] by flexible GMRES on D with a preconditioner, restarted after `restart` iterations.
    /// Collective.
    ///
    /// # Errors
    /// [`PropagatorError`].
    pub fn preconditioned(
        wilson: &Wilson<'_, T, N, H>,
        source: Source,
        restart: usize,
        preconditioner: &mut dyn Preconditioner<SpinorField<T, N, H>>,
        stop: &Stopping,
        progress: impl FnMut(&SolveReport) -> ControlFlow<()>,
    ) -> Result<(Self, Vec<SolveReport>), PropagatorError> {
        let mut gmres = Gmres::new(wilson, restart)?;
        Self::columns(wilson, source, stop, progress, |x, b, stop| {
            let each = x.iter_mut().zip(b);
            Ok(each.map(|(x, b)| gmres.solve_preconditioned(wilson, preconditioner, x, b, stop)).collect())
        })
    }

    /// [`Propagator::solved`] by a solver of D x = b that is given x to start from, b, and when to stop. Collective.
    ///
    /// # Errors
    /// [`PropagatorError`].
    pub fn solved_by(
        wilson: &Wilson<'_, T, N, H>,
        source: Source,
        stop: &Stopping,
        progress: impl FnMut(&SolveReport) -> ControlFlow<()>,
        mut solve: impl FnMut(
            &mut SpinorField<T, N, H>,
            &SpinorField<T, N, H>,
            &Stopping,
        ) -> Result<SolveReport, SolveError>,
    ) -> Result<(Self, Vec<SolveReport>), PropagatorError> {
        Self::columns(wilson, source, stop, progress, |x, b, stop| {
            Ok(x.iter_mut().zip(b).map(|(x, b)| solve(x, b, stop)).collect())
        })
    }

    /// The solutions that `solve` finds, some at once. Residuals are those of D, whatever system the solver iterates on: where
    /// one is above the tolerance, the solver goes on with a smaller one.
    fn columns(
        wilson: &Wilson<'_, T, N, H>,
        source: Source,
        stop: &Stopping,
        mut progress: impl FnMut(&SolveReport) -> ControlFlow<()>,
        mut solve: impl FnMut(
            &mut [SpinorField<T, N, H>],
            &[SpinorField<T, N, H>],
            &Stopping,
        ) -> Result<Vec<Result<SolveReport, SolveError>>, LatticeError>,
    ) -> Result<(Self, Vec<SolveReport>), PropagatorError> {
        let lattice = wilson.links().lattice();
        source.check(lattice.geometry())?;
        let weights = source.weights(lattice).map_err(PhysicsError::Lattice)?;
        let some =
            |count: usize| (0..count).map(|_| SpinorField::zeroed(lattice)).collect::<Result<Vec<_>, _>>();
        let all: Vec<_> = (0..2 * H).flat_map(|spin| (0..N).map(move |colour| (spin, colour))).collect();
        let mut b = some(AT_ONCE).map_err(PhysicsError::Lattice)?;
        let mut room = wilson.vector().map_err(PhysicsError::Lattice)?;
        let (mut columns, mut reports) = (Vec::new(), Vec::new());
        for group in all.chunks(AT_ONCE) {
            b.iter_mut().zip(group).for_each(|(b, &pair)| source.set(b, weights.as_ref(), pair));
            let mut x = some(group.len()).map_err(PhysicsError::Lattice)?;
            let results = solve(&mut x, &b[..group.len()], stop).map_err(PhysicsError::Lattice)?;
            for ((result, (x, b)), &(spin, colour)) in
                results.into_iter().zip(x.iter_mut().zip(&b)).zip(group)
            {
                let failed = |error| PropagatorError::Solve { spin, colour, error };
                let mut report = result.map_err(failed)?;
                report.true_residual = residual(wilson, &mut room, x, b);
                let mut more = *stop;
                while report.worst_residual() > stop.tolerance {
                    more.tolerance *= 0.5 * stop.tolerance / report.worst_residual();
                    let again = solve(std::slice::from_mut(x), std::slice::from_ref(b), &more);
                    let next = again.map_err(PhysicsError::Lattice)?.remove(0).map_err(|mut error| {
                        if let Some(report) = error.report_mut() {
                            report.true_residual = residual(wilson, &mut room, x, b);
                        }
                        failed(error.wanting(stop.tolerance))
                    });
                    report = report.followed_by(next?);
                    report.true_residual = residual(wilson, &mut room, x, b);
                }
                let flow = progress(&report);
                reports.push(report);
                if flow.is_break() && reports.len() < all.len() {
                    return Err(PropagatorError::Stopped);
                }
            }
            columns.append(&mut x);
        }
        Ok((Self { source, columns }, reports))
    }

    /// Of 2HN columns that were computed before.
    pub(super) fn of_columns(source: Source, columns: Vec<SpinorField<T, N, H>>) -> Self {
        Self { source, columns }
    }

    /// What it was solved for.
    pub fn source(&self) -> Source {
        self.source
    }

    /// A column, to be changed.
    pub fn column_mut(&mut self, spin: usize, colour: usize) -> &mut SpinorField<T, N, H> {
        &mut self.columns[spin * N + colour]
    }

    /// D⁻¹ η for one source spin and colour.
    pub fn column(&self, spin: usize, colour: usize) -> &SpinorField<T, N, H> {
        &self.columns[spin * N + colour]
    }
}

/// The report of a solve that lost its way: near-singular operators lose their directions in single precision first.
fn lost(result: &Result<SolveReport, SolveError>) -> Option<SolveReport> {
    match result {
        Err(SolveError::Stagnation { report, .. } | SolveError::Breakdown { report, .. }) => {
            Some((**report).clone())
        }
        _ => None,
    }
}

/// ‖b − D x‖ / ‖b‖ for each chain. Collective.
fn residual<T: Real, const N: usize, const H: usize>(
    wilson: &Wilson<'_, T, N, H>,
    room: &mut SpinorField<T, N, H>,
    x: &SpinorField<T, N, H>,
    b: &SpinorField<T, N, H>,
) -> Vec<f64> {
    let blocks = LinearOperator::blocks(wilson);
    let [mut off, mut norm2] = [(); 2].map(|()| vec![0.0; wilson.links().lattice().chains()]);
    wilson.apply(room, x);
    vector::subtract_from(room, b, blocks.clone(), &mut off);
    vector::norm2(b, blocks, &mut norm2);
    off.iter().zip(&norm2).map(|(off, norm2)| (off / norm2).sqrt()).collect()
}

/// Effective masses of a correlator that is even under t → T − t: m with cosh(m) = (C(t−1) + C(t+1)) / 2C(t), for
/// 0 < t < T, as (t, m); left out where no mass fits.
pub fn effective_masses(correlator: &[f64]) -> Vec<(usize, f64)> {
    let mass = |t: usize| {
        let cosh = (correlator[t - 1] + correlator[(t + 1) % correlator.len()]) / (2.0 * correlator[t]);
        (cosh.is_finite() && cosh >= 1.0).then(|| (t, cosh.acosh()))
    };
    (1..correlator.len()).filter_map(mass).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dirac::Boundary;
    use crate::naive::rough_field;
    use gaugelink_lattice::{Lattice, LatticeOptions};

    /// At this mass the even-odd form's residual is a quarter of D's.
    #[test]
    fn tolerances_and_residuals_are_those_of_d() {
        let lattice = Lattice::new(&[4, 4, 2, 4], LatticeOptions::default()).unwrap();
        let u = rough_field::<3>(&lattice, 0.5);
        let d = Wilson::<f64, 3>::new(&u, -3.5, Boundary::antiperiodic()).unwrap();
        let (source, stop) = ([1, 0, 1, 2], Stopping::at(1e-7));
        let solver = PropagatorSolver::EvenOddConjugateGradient;
        let (quark, reports) = Propagator::point(&d, source, solver, &stop).unwrap();
        let [mut b, mut out] = [(); 2].map(|()| d.vector().unwrap());
        for (i, report) in reports.iter().enumerate() {
            b.set_point_source(&source, i / 3, i % 3);
            d.apply(&mut out, quark.column(i / 3, i % 3));
            let off: f64 = out.as_slice().iter().zip(b.as_slice()).map(|(a, b)| (a - b).powi(2)).sum();
            assert!(off.sqrt() <= stop.tolerance, "source {i}: {:e}", off.sqrt());
            assert!((off.sqrt() / report.true_residual[0] - 1.0).abs() < 1e-3, "source {i}: {report:?}");
        }
    }

    #[test]
    fn a_single_state_has_its_mass_at_all_times() {
        let correlator: Vec<f64> = (0..16).map(|t| (0.37 * (t as f64 - 8.0)).cosh()).collect();
        let masses = effective_masses(&correlator);
        assert_eq!(masses.len(), 15);
        assert!(masses.iter().all(|(_, m)| (m - 0.37).abs() < 1e-9), "{masses:?}");
        assert!(effective_masses(&[1.0, 2.0, 1.0, 2.0]).iter().all(|(t, _)| t % 2 == 0));
    }
}
