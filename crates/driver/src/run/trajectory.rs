//! Trajectories of a stage: of the gauge action alone, or with quarks on nested time scales.

use super::line::{Line, Term as TermLine, Weight};
use crate::config::{Determinant, FermionsTable, HmcStage};
use gaugelink_lattice::GaugeField;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_physics::PhysicsError;
use gaugelink_physics::action::{
    Action, ExactDeterminant, Pseudofermions, RationalPseudofermions, SiteDeterminant, Term, TermError,
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

/// The quarks' terms, the lightest flavours first, and for one flavour another copy of its term, to ask for weights.
type Quarks<const N: usize> = (Vec<Box<dyn Term<N>>>, Option<Estimate<N>>);

/// ln W of each chain and its error.
type Estimate<const N: usize> =
    Box<dyn FnMut(&GaugeField<f64, N>, Address) -> Result<Vec<(f64, f64)>, TermError>>;

/// The weights that a rational function leaves to the configurations.
pub(super) struct Correction<const N: usize> {
    estimate: Estimate<N>,
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
        let Some(fermions) = fermions.filter(|fermions| !fermions.reweights()) else {
            return Ok(Self::Gauge(Box::new(Hmc::new(u.lattice(), stage.trajectory())?), action));
        };
        let mut levels: Vec<Level<'a, N>> = stage
            .level_steps()
            .map(|steps| Level { integrator: stage.integrator, steps, terms: Vec::new() })
            .collect();
        let innermost = levels.len() - 1;
        // The lightest outermost; those that find no level of their own share the one around the gauge action's.
        let around = innermost.saturating_sub(1);
        let (dims, way) = (u.lattice().dims(), stage.determinant.unwrap_or(fermions.determinant));
        let (terms, estimate) =
            if dims == 2 { quarks::<N, 1>(u, fermions, way) } else { quarks::<N, 2>(u, fermions, way) }?;
        for (number, term) in terms.into_iter().enumerate() {
            levels[number.min(around)].terms.push(term);
        }
        let quark = fermions.quark(dims);
        if quark.csw != 0.0 && quark.matrix == QuarkMatrix::EvenOdd {
            levels[around].terms.push(Box::new(SiteDeterminant::new(u, quark, fermions.flavours as usize)?));
        }
        levels[innermost].terms.push(Box::new(action) as Box<dyn Term<N> + 'a>);
        let correction = estimate.map(|estimate| Box::new(Correction { estimate, last: Vec::new() }));
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
            self.last = (self.estimate)(u, address)?;
        }
        Ok(())
    }
}

/// One flavour; two by their determinant; or two as a chain of ratios to heavier ones, and the heaviest by themselves. In
/// 2H dimensions.
fn quarks<const N: usize, const H: usize>(
    u: &GaugeField<f64, N>,
    fermions: &FermionsTable,
    way: Determinant,
) -> Result<Quarks<N>, PhysicsError> {
    let (mut quark, solves) = (fermions.quark(2 * H), fermions.solves());
    if let Some((range, error)) = fermions.rational() {
        let made = || RationalPseudofermions::<N, H>::one_flavour(u, quark, range, error, solves);
        let mut weights = made()?;
        let estimate = move |u: &GaugeField<f64, N>, address| weights.ln_weight(u, address, WEIGHT_SOURCES);
        return Ok((vec![Box::new(made()?)], Some(Box::new(estimate))));
    }
    if way == Determinant::Exact {
        return Ok((vec![Box::new(ExactDeterminant::<N, H>::two_flavours(u, quark)?)], None));
    }
    let mut terms: Vec<Box<dyn Term<N>>> = Vec::new();
    for &heavy in &fermions.hasenbusch {
        terms.push(Box::new(Pseudofermions::<N, H>::ratio(u, quark, heavy, solves)?));
        quark = quark.with_mass(heavy);
    }
    terms.push(Box::new(Pseudofermions::<N, H>::two_flavours(u, quark, solves)?));
    Ok((terms, None))
}
