//! Markov chains, and what is measured on them.

use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions};
use gaugelink_physics::action::WilsonAction;
use gaugelink_physics::update::{HeatBath, Overrelaxation};
use gaugelink_sampler::hmc::{Hmc, Trajectory};
use gaugelink_sampler::integrator::Integrator;
use gaugelink_sampler::statistics::Samples;
use std::fmt;
use std::sync::Arc;

/// How links are updated.
#[derive(Clone, Copy, Debug)]
pub enum Algorithm {
    /// Trajectories.
    Hmc(Trajectory),
    /// A heat bath sweep and so many of overrelaxation.
    HeatBath { overrelaxed: usize },
}

impl Algorithm {
    /// Leapfrog trajectories of length 1.
    pub const fn leapfrog(steps: usize) -> Self {
        Self::Hmc(Trajectory { integrator: Integrator::Leapfrog, steps, length: 1.0 })
    }
    /// Trajectories of Omelyan's integrator.
    pub const fn omelyan(steps: usize, length: f64) -> Self {
        Self::Hmc(Trajectory { integrator: Integrator::Omelyan, steps, length })
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hmc(Trajectory { integrator, steps, length }) => {
                write!(f, "HMC, {integrator}, {steps} steps, τ = {length}")
            }
            Self::HeatBath { overrelaxed } => write!(f, "heat bath + {overrelaxed} overrelaxation"),
        }
    }
}

/// A run of Wilson's action at one coupling.
#[derive(Clone, Debug)]
pub struct Run {
    pub extents: Vec<usize>,
    pub beta: f64,
    pub algorithm: Algorithm,
    /// Chains of a batch; 1 puts the sites of one chain into the lanes.
    pub chains: usize,
    /// Updates from a cold start that are not measured; half of HMC's are taken whatever their ΔH.
    pub warm: u64,
    /// Updates that are.
    pub count: u64,
    pub seed: u64,
}

/// One update: its number among all goes into the addresses of its random numbers. Returns how many chains took it.
type Update<const N: usize> = Box<dyn FnMut(&mut GaugeField<f64, N>, u64) -> usize>;

impl Run {
    /// Runs it, measuring after each update: `measure` returns observables, each with a value for each chain. Chains
    /// are the replica of the samples.
    pub fn samples<const N: usize, const K: usize>(
        &self,
        measure: impl Fn(&GaugeField<f64, N>) -> [Vec<f64>; K],
    ) -> Samples {
        let lanes = match self.chains {
            1 => LaneMeaning::Sites,
            chains => LaneMeaning::Batch { chains },
        };
        // One thread: tests run beside each other.
        let options = LatticeOptions { lanes, threads: 1, ..LatticeOptions::default() };
        let lattice = Lattice::new(&self.extents, options).unwrap();
        let mut u = GaugeField::<f64, N>::cold(&lattice).unwrap();
        let mut update = self.update::<N>(&lattice);
        for number in 0..self.warm {
            update(&mut u, number);
        }
        let mut series: Vec<[Vec<f64>; K]> = vec![[const { Vec::new() }; K]; self.chains];
        let mut taken = 0;
        for number in self.warm..self.warm + self.count {
            taken += update(&mut u, number);
            for (k, values) in measure(&u).into_iter().enumerate() {
                series.iter_mut().zip(values).for_each(|(chain, value)| chain[k].push(value));
            }
        }
        let acceptance = taken as f64 / (self.chains as u64 * self.count) as f64;
        println!("{self:?}: acceptance {acceptance:.3}");
        assert!(acceptance > 0.6, "{self:?}: acceptance {acceptance}");
        assert!(u.unitarity_violation() < 1e-14, "{self:?}: links leave the group");
        let columns = |chain: usize| series[chain].each_ref().map(|column| &column[..]);
        let mut samples = Samples::from_observables(&columns(0)).unwrap();
        (1..self.chains).for_each(|chain| samples.push_replica(&columns(chain)).unwrap());
        samples
    }

    fn update<const N: usize>(&self, lattice: &Arc<Lattice>) -> Update<N> {
        // The cold start is too far from equilibrium for decisions.
        let relaxing = self.warm / 2;
        let (chains, beta, address) = (self.chains, self.beta, Address::new(self.seed, Purpose::Momenta));
        match self.algorithm {
            Algorithm::Hmc(trajectory) => {
                let mut hmc = Hmc::<N>::new(lattice, trajectory).unwrap();
                Box::new(move |u, number| {
                    let (action, address) = (WilsonAction::new(beta), address.trajectory(number));
                    let outcome = match number < relaxing {
                        true => hmc.relax(u, &action, address),
                        false => hmc.update(u, &action, address),
                    };
                    outcome.accepted.iter().filter(|&&accepted| accepted).count()
                })
            }
            Algorithm::HeatBath { overrelaxed } => Box::new(move |u, number| {
                HeatBath { beta }.sweep(u, address.trajectory(number)).unwrap();
                (0..overrelaxed).for_each(|_| Overrelaxation.sweep(u).unwrap());
                chains
            }),
        }
    }
}
