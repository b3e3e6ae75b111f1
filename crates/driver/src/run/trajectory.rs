//! Trajectories of a stage: of the gauge action alone, or with quarks on nested time scales.

use super::line::{Line, Term as TermLine};
use crate::config::{FermionsTable, HmcStage};
use gaugelink_lattice::GaugeField;
use gaugelink_lattice::rng::Address;
use gaugelink_physics::PhysicsError;
use gaugelink_physics::action::{Action, Pseudofermions, SiteDeterminant, Term, TermError};
use gaugelink_physics::dirac::QuarkMatrix;
use gaugelink_sampler::hmc::{Hmc, Outcome};
use gaugelink_sampler::nested::{Level, NestedHmc};

/// What makes the trajectories of a stage.
pub(super) enum Trajectories<'a, const N: usize> {
    /// Of the gauge action.
    Gauge(Box<Hmc<N>>, &'a dyn Action<N>),
    /// Of the gauge action and pseudofermions.
    Quarks(Box<NestedHmc<'a, N>>),
}

impl<'a, const N: usize> Trajectories<'a, N> {
    /// Those of a stage on the lattice of `u`.
    ///
    /// # Errors
    /// A lattice or parameters that do not serve; no memory.
    pub fn new(
        u: &GaugeField<f64, N>,
        stage: &HmcStage,
        fermions: Option<&FermionsTable>,
        action: &'a dyn Action<N>,
    ) -> Result<Self, PhysicsError> {
        let Some(fermions) = fermions else {
            return Ok(Self::Gauge(Box::new(Hmc::new(u.lattice(), stage.trajectory())?), action));
        };
        let mut levels: Vec<Level<'a, N>> = stage
            .level_steps()
            .map(|steps| Level { integrator: stage.integrator, steps, terms: Vec::new() })
            .collect();
        let innermost = levels.len() - 1;
        // The lightest outermost; those that find no level of their own share the one around the gauge action's.
        let around = innermost.saturating_sub(1);
        for (number, term) in pseudofermions(u, fermions)?.into_iter().enumerate() {
            levels[number.min(around)].terms.push(Box::new(term));
        }
        let quark = fermions.quark();
        if quark.csw != 0.0 && quark.matrix == QuarkMatrix::EvenOdd {
            levels[around].terms.push(Box::new(SiteDeterminant::new(u, quark, 2)?));
        }
        levels[innermost].terms.push(Box::new(action) as Box<dyn Term<N> + 'a>);
        Ok(Self::Quarks(Box::new(NestedHmc::new(u.lattice(), stage.length, levels)?)))
    }

    /// One trajectory, taken whatever its ΔH where it `relaxes`.
    ///
    /// # Errors
    /// A solve that fails; the links are then as before.
    pub fn update(
        &mut self,
        u: &mut GaugeField<f64, N>,
        address: Address,
        relaxes: bool,
    ) -> Result<Outcome, TermError> {
        match self {
            Self::Gauge(hmc, action) if relaxes => Ok(hmc.relax(u, *action, address)),
            Self::Gauge(hmc, action) => Ok(hmc.update(u, *action, address)),
            Self::Quarks(hmc) if relaxes => hmc.relax(u, address),
            Self::Quarks(hmc) => hmc.update(u, address),
        }
    }

    /// How far a trajectory forth and back misses its start.
    ///
    /// # Errors
    /// As [`Trajectories::update`].
    pub fn reversibility(
        &mut self,
        u: &mut GaugeField<f64, N>,
        address: Address,
    ) -> Result<(f64, f64), TermError> {
        match self {
            Self::Gauge(hmc, action) => Ok(hmc.reversibility(u, *action, address)),
            Self::Quarks(hmc) => hmc.reversibility(u, address),
        }
    }

    /// What each term did in the last trajectory, where there are several.
    pub fn lines(&self, stage: usize, update: u64) -> Vec<Line> {
        let Self::Quarks(hmc) = self else { return Vec::new() };
        let line = |report: &gaugelink_sampler::nested::TermReport| {
            Line::Term(TermLine {
                stage,
                update,
                name: report.name.clone(),
                level: report.level,
                forces: report.kicks,
                force: report.force,
                force_max: report.force_max,
                force_iterations: report.force_iterations,
                action_iterations: report.action_iterations,
            })
        };
        hmc.reports().map(line).collect()
    }
}

/// The light flavours as a chain of ratios to heavier ones, and the heaviest by themselves.
fn pseudofermions<const N: usize>(
    u: &GaugeField<f64, N>,
    fermions: &FermionsTable,
) -> Result<Vec<Pseudofermions<N>>, PhysicsError> {
    let (mut quark, solves) = (fermions.quark(), fermions.solves());
    let mut terms = Vec::new();
    for &heavy in &fermions.hasenbusch {
        terms.push(Pseudofermions::ratio(u, quark, heavy, solves)?);
        quark = quark.with_mass(heavy);
    }
    terms.push(Pseudofermions::two_flavours(u, quark, solves)?);
    Ok(terms)
}
