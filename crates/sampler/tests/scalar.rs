//! Hybrid Monte Carlo of a real scalar, and independence Metropolis beside it, against exact values of the free theory.

use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{LaneMeaning, Lattice, LatticeOptions, ScalarField};
use gaugelink_models::FlowOf;
use gaugelink_models::layers::{AffineCoupling, AffineSettings};
use gaugelink_physics::action::{FreeScalar, Phi4};
use gaugelink_physics::observable::scalar_moments;
use gaugelink_sampler::hmc::Trajectory;
use gaugelink_sampler::independence::IndependenceOf;
use gaugelink_sampler::integrator::Integrator;
use gaugelink_sampler::scalar_hmc::ScalarHmc;
use gaugelink_sampler::statistics::{GammaEstimate, GammaMethod, LogWeights, Samples};
use std::sync::Arc;

const CHAINS: usize = 8;

const LONG: Trajectory = Trajectory { integrator: Integrator::Omelyan, steps: 10, length: 1.0 };

fn lattice(extents: &[usize], threads: usize) -> Arc<Lattice> {
    let lanes = LaneMeaning::Batch { chains: CHAINS };
    Lattice::new(extents, LatticeOptions { threads, lanes, ..LatticeOptions::default() }).unwrap()
}

/// φ² and χ₂ along chains, and how many updates were accepted.
#[derive(PartialEq, Debug)]
struct History {
    square: Vec<Vec<f64>>,
    susceptibility: Vec<Vec<f64>>,
    accepted: usize,
}

/// `updates` of every chain after `thermalise` others; `update` says which chains took theirs.
fn history(
    phi: &mut ScalarField<f64>,
    [thermalise, updates]: [u64; 2],
    mut update: impl FnMut(&mut ScalarField<f64>, Address) -> Vec<bool>,
) -> History {
    let none = || vec![Vec::new(); CHAINS];
    let mut history = History { square: none(), susceptibility: none(), accepted: 0 };
    for trajectory in 0..thermalise + updates {
        let accepted = update(phi, Address::new(9, Purpose::Accept).trajectory(trajectory));
        if trajectory >= thermalise {
            history.accepted += accepted.iter().filter(|a| **a).count();
            for (chain, moments) in scalar_moments(phi).iter().enumerate() {
                history.square[chain].push(moments.square);
                history.susceptibility[chain].push(moments.susceptibility);
            }
        }
    }
    history
}

fn hmc(extents: &[usize], threads: usize, action: Phi4, trajectory: Trajectory, updates: u64) -> History {
    let lattice = lattice(extents, threads);
    let mut hmc = ScalarHmc::new(&lattice, action, trajectory).unwrap();
    let mut phi = ScalarField::zeroed(&lattice).unwrap();
    history(&mut phi, [200, updates], |phi, address| hmc.update(phi, address).accepted)
}

fn mean(chains: &[Vec<f64>]) -> GammaEstimate {
    let replica: Vec<&[f64]> = chains.iter().map(Vec::as_slice).collect();
    GammaMethod::default().observable(&Samples::from_replica(&replica).unwrap(), 0).unwrap()
}

fn agrees(history: &History, free: &FreeScalar, precision: f64) {
    for (what, chains, exact) in [
        ("square", &history.square, free.square),
        ("susceptibility", &history.susceptibility, free.susceptibility),
    ] {
        let estimate = mean(chains);
        let (sigmas, found) = ((estimate.value - exact) / estimate.error, estimate.measured());
        assert!(sigmas.abs() < 3.5, "{what} {found}, exact {exact}: {sigmas} sigma");
        assert!(estimate.error < precision * exact, "{what} {found} says little");
    }
}

#[test]
fn a_free_scalar_has_its_exact_moments() {
    for (extents, mass2) in [(&[8, 8][..], 0.7), (&[6, 4], 2.0), (&[4, 4, 4], 1.1)] {
        let action = Phi4::new(mass2, 0.0).unwrap();
        let history = hmc(extents, 1, action, LONG, 6000);
        assert!(history.accepted > CHAINS * 5000, "{} accepted", history.accepted);
        agrees(&history, &action.free(extents).unwrap(), 0.03);
    }
}

/// Ten of the 36 modes have half a period of 0.99: in trajectories all of length 1 they would keep their φ² for thousands.
#[test]
fn no_mode_is_frozen_by_the_length_of_trajectories() {
    let action = Phi4::new(1.0, 0.0).unwrap();
    let history = hmc(&[6, 6], 1, action, LONG, 6000);
    agrees(&history, &action.free(&[6, 6]).unwrap(), 0.01);
    let estimate = mean(&history.square);
    assert!(estimate.tau_int < 3.0, "tau_int of phi^2 is {}", estimate.tau_int);
}

/// Albergo et al. (arXiv:2101.08176) quote χ₂ = 0.75(1) by HMC at this point.
#[test]
fn the_published_susceptibility_is_found() {
    let history = hmc(&[8, 8], 2, Phi4::new(-4.0, 8.0).unwrap(), LONG, 3000);
    let chi = mean(&history.susceptibility);
    let sigma = chi.error.hypot(0.01);
    assert!((chi.value - 0.75).abs() < 3.0 * sigma && chi.error < 0.02, "{}", chi.measured());
}

#[test]
fn chains_do_not_depend_on_threads_and_trajectories_turn_back() {
    let action = Phi4::new(-4.0, 8.0).unwrap();
    let run = |threads| hmc(&[8, 8], threads, action, LONG, 3);
    assert_eq!(run(1), run(2));
    let lattice = lattice(&[8, 8], 1);
    let mut hmc = ScalarHmc::new(&lattice, action, LONG).unwrap();
    let mut phi = ScalarField::zeroed(&lattice).unwrap();
    (0..20).for_each(|t| drop(hmc.update(&mut phi, Address::new(1, Purpose::Start).trajectory(t))));
    assert!(phi.norm2().iter().all(|&square| square > 1.0), "it has left its start");
    let (off, energy) = hmc.reversibility(&mut phi, Address::new(1, Purpose::Momenta));
    assert!(off < 1e-11 && energy < 1e-9, "{off:e} {energy:e}");
}

fn flow(lattice: &Arc<Lattice>) -> FlowOf<f64, gaugelink_lattice::Scalars> {
    let settings = AffineSettings::default();
    let parameters = AffineCoupling::<f64>::initial_parameters(4, &settings, 3);
    FlowOf::new(AffineCoupling::stack(lattice, 4, settings).unwrap(), parameters).unwrap()
}

/// Any flow must do: this one is not trained. Its draws are weighed, too: ⟨w⟩ is Z.
#[test]
fn independence_metropolis_and_weights_have_the_exact_values() {
    let (extents, action) = ([2, 2], Phi4::new(0.5, 0.0).unwrap());
    let lattice = lattice(&extents, 1);
    let free = action.free(&extents).unwrap();
    let weigh = |phi: &ScalarField<f64>| Ok(action.values(phi));
    let mut update = IndependenceOf::new(&lattice, flow(&lattice)).unwrap();
    let mut phi = ScalarField::zeroed(&lattice).unwrap();
    let mut logs = Vec::new();
    let history = history(&mut phi, [200, 40_000], |phi, address| {
        let accepted = update.update(phi, &weigh, address).unwrap().accepted;
        logs.extend_from_slice(update.proposed());
        accepted
    });
    assert!(history.accepted > CHAINS * 1000, "{} accepted", history.accepted);
    agrees(&history, &free, 0.04);
    let ln_z = LogWeights::new(&logs).unwrap().ln_z().unwrap();
    let sigmas = (ln_z.value - free.ln_z) / ln_z.error;
    assert!(sigmas.abs() < 3.5 && ln_z.error < 0.05, "{ln_z}, exact {}: {sigmas} sigma", free.ln_z);
    // The weight of the configuration at hand is what the flow's inverse finds.
    let known = update.log_weights().unwrap().to_vec();
    update.weigh(&phi, &weigh).unwrap();
    for (known, found) in known.iter().zip(update.log_weights().unwrap()) {
        assert!((known - found).abs() < 1e-9, "{known} {found}");
    }
}
