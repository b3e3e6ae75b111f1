//! Hybrid Monte Carlo of several terms on nested time scales, pseudofermions among them.
//!
//! H = ½ Σ π² + Σ_i S_i. Each level has an integrator, steps and terms; a drift of one level is a whole integration of
//! the next (see [`crate::integrator`]). Cheap forces that are large belong to the inner levels, dear ones that are small
//! to the outer. Pseudofermions are drawn at the start of each trajectory from exp(−S_i), so that every trajectory
//! starts from equilibrium of the joint density exp(−Σ S_i).

use crate::dynamics::{Dynamics, Hamiltonian, largest};
use crate::hmc::{Outcome, moves, take_numbers};
use crate::integrator::Integrator;
use crate::metropolis::accept;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice, LatticeError, Links, MomentumField, Real};
use gaugelink_physics::PhysicsError;
use gaugelink_physics::action::{Term, TermError};
use std::sync::Arc;

/// A level of the integration.
pub struct Level<'a, const N: usize> {
    /// Its integrator.
    pub integrator: Integrator,
    /// Its steps: in the whole trajectory for the outermost level, in one drift of the level around it for the others
    /// (leapfrog drifts once a step, Omelyan's scheme twice).
    pub steps: usize,
    /// What kicks in it, one after the other. A level may have no terms.
    pub terms: Vec<Box<dyn Term<N> + 'a>>,
}

/// What one term did in the last trajectory: numbers to choose levels, steps and masses by.
#[derive(Clone, Debug, PartialEq)]
pub struct TermReport {
    /// The term, in words.
    pub name: String,
    /// Its level, 0 the outermost.
    pub level: usize,
    /// Kicks.
    pub kicks: usize,
    /// Iterations of its solver in all kicks together.
    pub force_iterations: usize,
    /// Iterations of its solver in heat bath and action.
    pub action_iterations: usize,
    /// |F| of a link, F^a = ∂^a S and |F|² = Σ_a (F^a)²: the root of the mean square over links, chains and kicks.
    pub force: f64,
    /// The largest |F| of any link in any kick.
    pub force_max: f64,
}

/// Hybrid Monte Carlo on nested time scales with its terms and workspace.
pub struct NestedHmc<'a, const N: usize> {
    dynamics: Dynamics<Links<N>>,
    terms: Terms<'a, N>,
}

impl<'a, const N: usize> NestedHmc<'a, N> {
    /// Trajectories of length τ > 0 with the given levels, the outermost first.
    ///
    /// # Errors
    /// [`PhysicsError::Parameter`] for no levels, one of 0 steps, or a length that is not a positive number; no memory.
    pub fn new(lattice: &Arc<Lattice>, length: f64, levels: Vec<Level<'a, N>>) -> Result<Self, PhysicsError> {
        if levels.is_empty() {
            return Err(PhysicsError::Parameter("a trajectory without levels: give 1 or more".into()));
        }
        let scales: Vec<_> = levels.iter().map(|level| (level.integrator, level.steps)).collect();
        let dynamics = Dynamics::new(lattice, moves(&scales, length)?)?;
        Ok(Self { dynamics, terms: Terms::new(lattice, levels)? })
    }

    /// One trajectory on every chain of the field. Collective.
    ///
    /// Momenta, pseudofermions and the accept step draw from `address` with their own purposes, term number n as sample n
    /// (terms count from 0 through all levels), so trajectories differ by its `trajectory`. A ΔH that is not a number
    /// counts as a rejection.
    ///
    /// # Errors
    /// A term's; the links are then as before.
    pub fn update(&mut self, u: &mut GaugeField<f64, N>, address: Address) -> Result<Outcome, TermError> {
        self.terms.forget();
        self.dynamics.run(u, &mut self.terms, address, accept)
    }

    /// One trajectory that is taken whatever its ΔH, as [`Hmc::relax`](crate::hmc::Hmc::relax). Collective.
    ///
    /// # Errors
    /// As [`NestedHmc::update`].
    pub fn relax(&mut self, u: &mut GaugeField<f64, N>, address: Address) -> Result<Outcome, TermError> {
        self.terms.forget();
        self.dynamics.run(u, &mut self.terms, address, take_numbers)
    }

    /// How far a trajectory forth and back misses its start, as
    /// [`Hmc::reversibility`](crate::hmc::Hmc::reversibility). The links are put back. Collective.
    ///
    /// # Errors
    /// As [`NestedHmc::update`].
    pub fn reversibility(
        &mut self,
        u: &mut GaugeField<f64, N>,
        address: Address,
    ) -> Result<(f64, f64), TermError> {
        self.terms.forget();
        self.dynamics.reversibility(u, &mut self.terms, address)
    }

    /// What each term did since the last trajectory began, those of the outermost level first.
    pub fn reports(&self) -> impl Iterator<Item = &TermReport> {
        self.terms.entries.iter().map(|entry| &entry.report)
    }
}

struct Entry<'a, const N: usize> {
    term: Box<dyn Term<N> + 'a>,
    report: TermReport,
    /// Σ |F|² over links, chains and kicks.
    norm2: f64,
}

/// The terms by level, and momenta to measure forces with.
struct Terms<'a, const N: usize> {
    entries: Vec<Entry<'a, N>>,
    before: MomentumField<f64, N>,
}

impl<'a, const N: usize> Terms<'a, N> {
    fn new(lattice: &Arc<Lattice>, levels: Vec<Level<'a, N>>) -> Result<Self, LatticeError> {
        let entry = |level: usize, term: Box<dyn Term<N> + 'a>| {
            let report = TermReport {
                name: term.name(),
                level,
                kicks: 0,
                force_iterations: 0,
                action_iterations: 0,
                force: 0.0,
                force_max: 0.0,
            };
            Entry { term, report, norm2: 0.0 }
        };
        let entries = levels.into_iter().enumerate();
        let entries = entries.flat_map(|(level, l)| l.terms.into_iter().map(move |term| entry(level, term)));
        Ok(Self { entries: entries.collect(), before: MomentumField::zeroed(lattice)? })
    }

    /// Begins the reports anew.
    fn forget(&mut self) {
        for Entry { report, norm2, .. } in &mut self.entries {
            (report.kicks, report.force_iterations, report.action_iterations) = (0, 0, 0);
            (report.force, report.force_max, *norm2) = (0.0, 0.0, 0.0);
        }
    }

    /// Adds up S of all terms.
    fn sum(
        &mut self,
        mut value: impl FnMut(u64, &mut dyn Term<N>) -> Result<Vec<f64>, TermError>,
    ) -> Result<Vec<f64>, TermError> {
        let mut sum = vec![0.0; self.before.lattice().chains()];
        for (number, Entry { term, report, .. }) in self.entries.iter_mut().enumerate() {
            let earlier = term.iterations();
            let result = value(number as u64, &mut **term);
            report.action_iterations += term.iterations() - earlier;
            sum.iter_mut().zip(result?).for_each(|(sum, s)| *sum += s);
        }
        Ok(sum)
    }
}

impl<const N: usize> Entry<'_, N> {
    /// Takes note of a kick by `epsilon` from `before` to `p`. Forces are told from the momenta's change, so that kicks
    /// stay fused and have the bits that they have unwatched.
    fn note(&mut self, before: &mut MomentumField<f64, N>, p: &MomentumField<f64, N>, epsilon: f64) {
        before.add(-1.0, p);
        let lattice = p.lattice();
        let links = lattice.volume() * lattice.dims() * lattice.chains();
        self.norm2 += before.norm2().iter().sum::<f64>() / (epsilon * epsilon);
        self.report.kicks += 1;
        self.report.force = (self.norm2 / (links * self.report.kicks) as f64).sqrt();
        let most = lattice.comm().max(largest_norm2(before).sqrt()) / epsilon.abs();
        self.report.force_max = largest([self.report.force_max, most].into_iter());
    }
}

/// The largest Σ_a (F^a)² of this rank's links; NaN where one is.
fn largest_norm2<const N: usize>(force: &MomentumField<f64, N>) -> f64 {
    const LANES: usize = <f64 as Real>::LANES;
    let own = force.layout().blocks() * force.reals() * LANES;
    let of_links = force.as_slice()[..own].chunks_exact(MomentumField::<f64, N>::LINK * LANES);
    of_links.fold(0.0, |most, link| {
        let mut norm2 = [0.0; LANES];
        for row in link.chunks_exact(LANES) {
            norm2.iter_mut().zip(row).for_each(|(sum, f)| *sum += f * f);
        }
        largest(std::iter::once(most).chain(norm2))
    })
}

impl<const N: usize> Hamiltonian<Links<N>> for Terms<'_, N> {
    type Error = TermError;

    fn refresh(&mut self, u: &GaugeField<f64, N>, address: Address) -> Result<Vec<f64>, TermError> {
        let address = Address { purpose: Purpose::Pseudofermion, ..address };
        self.sum(|number, term| term.refresh(u, address.sample(number)))
    }

    fn value(&mut self, u: &GaugeField<f64, N>) -> Result<Vec<f64>, TermError> {
        self.sum(|_, term| term.value(u))
    }

    fn kick(
        &mut self,
        level: usize,
        u: &GaugeField<f64, N>,
        p: &mut MomentumField<f64, N>,
        epsilon: f64,
    ) -> Result<(), TermError> {
        for entry in self.entries.iter_mut().filter(|entry| entry.report.level == level) {
            self.before.copy_from(p);
            let earlier = entry.term.iterations();
            let result = entry.term.kick(u, p, epsilon);
            entry.report.force_iterations += entry.term.iterations() - earlier;
            result?;
            entry.note(&mut self.before, p, epsilon);
        }
        Ok(())
    }
}
