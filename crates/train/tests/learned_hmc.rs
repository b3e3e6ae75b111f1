//! Hybrid Monte Carlo of improved actions guided by forces that were fitted to theirs: exact, and what it costs.
//!
//! Takes minutes: `cargo test --release -p gaugelink-train --test learned_hmc -- --ignored --nocapture`.

use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions, MomentumField};
use gaugelink_models::LearnedForce;
use gaugelink_physics::action::{Action, Force, IWASAKI, ImprovedAction, SYMANZIK};
use gaugelink_physics::observable::plaquette;
use gaugelink_sampler::guided::Guided;
use gaugelink_sampler::hmc::{Hmc, Trajectory};
use gaugelink_sampler::integrator::Integrator;
use gaugelink_sampler::statistics::{GammaMethod, Measured, Samples};
use gaugelink_train::force_matching::{ForceMatching, fit, force_error};
use std::sync::Arc;
use std::time::Instant;

type Links = GaugeField<f64, 3>;

struct Case {
    extents: [usize; 4],
    beta: f64,
    c1: f64,
    /// Of trajectories of two Omelyan steps. The variance of ΔH grows with the volume and the square of the length:
    /// over much longer ones than these hardly any is accepted with a learned force.
    length: f64,
    chains: usize,
    count: u64,
}

/// Configurations some way apart of an equilibrated chain: the first half for fits, the second to judge them.
fn samples(lattice: &Arc<Lattice>, action: &dyn Action<3>) -> Vec<Links> {
    let trajectory = Trajectory { integrator: Integrator::Omelyan, steps: 12, length: 1.0 };
    let mut hmc = Hmc::new(lattice, trajectory).unwrap();
    let mut u = Links::cold(lattice).unwrap();
    let mut samples = Vec::new();
    for number in 0..160 {
        let update = if number < 20 { Hmc::relax } else { Hmc::update };
        update(&mut hmc, &mut u, action, Address::new(31, Purpose::Momenta).trajectory(number));
        if number >= 60 && number % 10 == 9 {
            samples.push(u.duplicate().unwrap());
        }
    }
    samples
}

/// ⟨exp(−ΔH)⟩, plaquette and acceptance.
fn chain(start: &Links, action: &dyn Action<3>, case: &Case) -> [Measured; 3] {
    let trajectory = Trajectory { integrator: Integrator::Omelyan, steps: 2, length: case.length };
    let mut hmc = Hmc::new(start.lattice(), trajectory).unwrap();
    let mut u = start.duplicate().unwrap();
    let mut series = vec![[Vec::new(), Vec::new(), Vec::new()]; case.chains];
    for number in 0..case.count {
        let outcome = hmc.update(&mut u, action, Address::new(32, Purpose::Momenta).trajectory(number));
        for (chain, (columns, plaquette)) in series.iter_mut().zip(plaquette(&u)).enumerate() {
            columns[0].push((-outcome.delta_h[chain]).exp());
            columns[1].push(plaquette);
            columns[2].push(outcome.accepted[chain] as u64 as f64);
        }
    }
    let columns = |chain: usize| series[chain].each_ref().map(|column| &column[..]);
    let mut samples = Samples::from_observables(&columns(0)).unwrap();
    (1..case.chains).for_each(|chain| samples.push_replica(&columns(chain)).unwrap());
    std::array::from_fn(|k| {
        let first = series[0][k][0];
        if series.iter().flat_map(|columns| &columns[k]).all(|&x| x == first) {
            // A constant series, of which no error can be estimated: its mean is the constant.
            return Measured { value: first, error: 0.0 };
        }
        GammaMethod::default().observable(&samples, k).unwrap().measured()
    })
}

/// Least seconds of a kick by each force, the forces taking turns.
fn seconds(forces: &[&dyn Force<3>], u: &Links) -> Vec<f64> {
    let mut p = MomentumField::zeroed(u.lattice()).unwrap();
    let mut least = vec![f64::INFINITY; forces.len()];
    for _ in 0..30 {
        for (least, force) in least.iter_mut().zip(forces) {
            let start = Instant::now();
            force.kick(u, &mut p, 0.01);
            *least = least.min(start.elapsed().as_secs_f64());
        }
    }
    least
}

fn check(case: &Case) {
    let lanes = if case.chains > 1 { LaneMeaning::Batch { chains: case.chains } } else { LaneMeaning::Sites };
    let lattice = Lattice::new(&case.extents, LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap();
    let action = ImprovedAction::<3>::new(&lattice, case.beta, case.c1).unwrap();
    let samples = samples(&lattice, &action);
    let (train, test) = samples.split_at(samples.len() / 2);
    let learned: Vec<LearnedForce<f64, 3>> = (0..3)
        .map(|steps| {
            let start = Instant::now();
            let found =
                fit(train, &action, &ForceMatching { steps, ..Default::default() }, |_, _| ()).unwrap();
            println!("fit in {:.1} s: {found:?}", start.elapsed().as_secs_f64());
            LearnedForce::new(&lattice, &found.couplings, &found.rho).unwrap()
        })
        .collect();
    let single = LearnedForce::<f32, 3>::new(&lattice, learned[2].couplings(), learned[2].rho()).unwrap();

    let forces: [&dyn Force<3>; 5] = [&action, &learned[0], &learned[1], &learned[2], &single];
    let times = seconds(&forces, &samples[0]);
    println!("{:?}, {}, length {}:", case.extents, Action::name(&action), case.length);
    let mut own = None;
    let mut last = f64::INFINITY;
    for (i, (force, time)) in forces.iter().zip(&times).enumerate() {
        let error = force_error(*force, &action, test).unwrap();
        let guided = Guided { force: *force, action: &action };
        let [creutz, plaquette, acceptance] = chain(&samples[samples.len() - 1], &guided, case);
        println!(
            "  {}\n    relative error {:.4}, each {:.4}, {:.3} ms = {:.2} of the true force, acceptance {acceptance}, \
             plaquette {plaquette}, <exp(-dH)> {creutz}",
            force.name(),
            error.relative,
            error.each,
            time * 1e3,
            time / times[0],
        );
        assert!(acceptance.value > 0.02, "{acceptance}: a chain that moves");
        assert!((creutz.value - 1.0).abs() <= 3.0 * creutz.error.max(1e-3), "{creutz}");
        let own: Measured = *own.get_or_insert(plaquette);
        // One chain of trajectories as short as on the large lattice hardly leaves its start: no error of its plaquette
        // can be had from it.
        let difference = plaquette.value - own.value;
        let same = difference.abs() <= 3.0 * plaquette.error.hypot(own.error);
        assert!(same || case.chains == 1, "{plaquette} {own}");
        if (1..4).contains(&i) {
            assert!(error.relative < last, "a step more, a smaller error: {error:?} after {last}");
            last = error.relative;
        }
    }
}

#[test]
#[ignore = "takes minutes"]
fn iwasaki_on_4_to_the_4() {
    check(&Case { extents: [4; 4], beta: 2.6, c1: IWASAKI, length: 0.1, chains: 8, count: 500 });
}

#[test]
#[ignore = "takes minutes"]
fn symanzik_on_4_to_the_4() {
    check(&Case { extents: [4; 4], beta: 4.2, c1: SYMANZIK, length: 0.1, chains: 8, count: 500 });
}

#[test]
#[ignore = "takes minutes"]
fn symanzik_on_8_to_the_4() {
    check(&Case { extents: [8; 4], beta: 4.2, c1: SYMANZIK, length: 0.025, chains: 1, count: 200 });
}
