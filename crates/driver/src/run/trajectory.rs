//! Trajectories of a stage: of the gauge action alone, or with quarks on nested time scales.

use super::line::{Line, Term as TermLine, Weight};
use crate::config::{FermionsTable, HmcStage};
use gaugelink_lattice::GaugeField;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_physics::PhysicsError;
use gaugelink_physics::action::{
    Action, Pseudofermions, RationalPseudofermions, SiteDeterminant, Term, TermError,
};
use gaugelink_physics::dirac::QuarkMatrix;
use gaugelink_sampler::hmc::{Hmc, Outcome};
use gaugelink_sampler::nested::{Level, NestedHmc};

/// What makes the trajectories of a stage.
pub(super) enum Trajectories<'a, const N: usize> {
    /// Of the gauge action.
    Gauge(Box<Hmc<N>>, &'a dyn Action<N>),
    /// Of the gauge action and pseudofermions; for one flavour with what its rational function misses.
    Quarks(Box<NestedHmc<'a, N>>, Option<Box<Correction<N>>>),
}

/// The weights that a rational function leaves to the configurations.
pub(super) struct Correction<const N: usize> {
    term: RationalPseudofermions<N>,
    /// ln W of each chain and its error, where the last update was one to look at.
    last: Vec<(f64, f64)>,
}

/// A weight costs some force: every so many updates one is estimated.
const WEIGHTS_EVERY: u64 = 10;
/// Gaussian vectors of an estimate.
const WEIGHT_SOURCES: u64 = 4;

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
            levels[number.min(around)].terms.push(term);
        }
        let quark = fermions.quark();
        if quark.csw != 0.0 && quark.matrix == QuarkMatrix::EvenOdd {
            levels[around].terms.push(Box::new(SiteDeterminant::new(u, quark, fermions.flavours as usize)?));
        }
        levels[innermost].terms.push(Box::new(action) as Box<dyn Term<N> + 'a>);
        let correction = rational(u, fermions)?.map(|term| Box::new(Correction { term, last: Vec::new() }));
        Ok(Self::Quarks(Box::new(NestedHmc::new(u.lattice(), stage.length, levels)?), correction))
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
            Self::Quarks(hmc, correction) => {
                let outcome = if relaxes { hmc.relax(u, address) } else { hmc.update(u, address) }?;
                if let Some(correction) = correction {
                    correction.look(u, address)?;
                }
                Ok(outcome)
            }
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
            Self::Quarks(hmc, _) => hmc.reversibility(u, address),
        }
    }

    /// What each term did in the last trajectory, where there are several.
    pub fn lines(&self, stage: usize, update: u64) -> Vec<Line> {
        let Self::Quarks(hmc, correction) = self else { return Vec::new() };
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
        let weights = correction.iter().flat_map(|correction| correction.last.iter().enumerate());
        let weights = weights.map(|(chain, &(ln_weight, error))| {
            Line::Weight(Weight { stage, update, chain, ln_weight, error })
        });
        hmc.reports().map(line).chain(weights).collect()
    }
}

impl<const N: usize> Correction<N> {
    /// Estimates ln W after an update, every tenth time.
    fn look(&mut self, u: &GaugeField<f64, N>, address: Address) -> Result<(), TermError> {
        self.last.clear();
        if (address.trajectory + 1).is_multiple_of(WEIGHTS_EVERY) {
            let address = Address { purpose: Purpose::Source, ..address };
            self.last = self.term.ln_weight(u, address, WEIGHT_SOURCES)?;
        }
        Ok(())
    }
}

/// One flavour, or two as a chain of ratios to heavier ones, and the heaviest by themselves.
fn pseudofermions<const N: usize>(
    u: &GaugeField<f64, N>,
    fermions: &FermionsTable,
) -> Result<Vec<Box<dyn Term<N>>>, PhysicsError> {
    if let Some(term) = rational(u, fermions)? {
        return Ok(vec![Box::new(term)]);
    }
    let (mut quark, solves) = (fermions.quark(), fermions.solves());
    let mut terms: Vec<Box<dyn Term<N>>> = Vec::new();
    for &heavy in &fermions.hasenbusch {
        terms.push(Box::new(Pseudofermions::ratio(u, quark, heavy, solves)?));
        quark = quark.with_mass(heavy);
    }
    terms.push(Box::new(Pseudofermions::two_flavours(u, quark, solves)?));
    Ok(terms)
}

/// One flavour.
fn rational<const N: usize>(
    u: &GaugeField<f64, N>,
    fermions: &FermionsTable,
) -> Result<Option<RationalPseudofermions<N>>, PhysicsError> {
    let made = fermions.rational().map(|(range, error)| {
        RationalPseudofermions::one_flavour(u, fermions.quark(), range, error, fermions.solves())
    });
    made.transpose()
}
