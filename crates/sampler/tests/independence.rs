//! Independence Metropolis against exact values of two-dimensional U(1), with flows that are not trained.

use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions};
use gaugelink_models::Flow;
use gaugelink_models::layers::U1Coupling;
use gaugelink_physics::action::WilsonAction;
use gaugelink_physics::observable::{geometric_charge, plaquette};
use gaugelink_sampler::independence::Independence;
use gaugelink_sampler::statistics::{GammaMethod, Samples};
use std::sync::Arc;

const CHAINS: usize = 8;

fn lattice(threads: usize) -> Arc<Lattice> {
    let lanes = LaneMeaning::Batch { chains: CHAINS };
    Lattice::new(&[4, 4], LatticeOptions { threads, lanes, ..LatticeOptions::default() }).unwrap()
}

/// A flow with random parameters: any map must give a correct chain.
fn flow(lattice: &Arc<Lattice>) -> Flow<f64, 1> {
    let layers = U1Coupling::stack(lattice, 8, 2).unwrap();
    Flow::new(layers, U1Coupling::<f64>::initial_parameters(8, 2, 3)).unwrap()
}

struct History {
    plaquettes: Vec<Vec<f64>>,
    charges: Vec<Vec<f64>>,
    accepted: usize,
}

fn run(threads: usize, beta: f64, updates: u64) -> History {
    let lattice = lattice(threads);
    let action = WilsonAction::new(beta);
    let mut update = Independence::new(&lattice, flow(&lattice)).unwrap();
    let mut u = GaugeField::haar(&lattice, Address::new(3, Purpose::Start)).unwrap();
    let mut history =
        History { plaquettes: vec![vec![]; CHAINS], charges: vec![vec![]; CHAINS], accepted: 0 };
    for trajectory in 0..updates {
        let address = Address::new(12, Purpose::Accept).trajectory(trajectory);
        let outcome = update.update(&mut u, &action, address).unwrap();
        history.accepted += outcome.accepted.iter().filter(|a| **a).count();
        for (chain, (p, q)) in plaquette(&u).into_iter().zip(geometric_charge(&u).unwrap()).enumerate() {
            history.plaquettes[chain].push(p);
            history.charges[chain].push((q * q) as f64);
        }
    }
    history
}

/// β = 1 on 4×4: Z = Σ_n I_n^16 gives ⟨cos θ⟩ = Σ I_n^15 I_n'/Z, and the θ-dependence of Z gives ⟨Q²⟩; both from an
/// independent numerical evaluation of the sums.
const PLAQUETTE: f64 = 0.446_393_91;
const CHARGE_SQUARED: f64 = 0.650_098;

#[test]
fn means_are_exact_whatever_the_flow() {
    let history = run(0, 1.0, 20_000);
    let rate = history.accepted as f64 / (20_000 * CHAINS) as f64;
    assert!((0.02..0.9).contains(&rate), "acceptance {rate}");
    for (series, expected, precision) in
        [(&history.plaquettes, PLAQUETTE, 0.01), (&history.charges, CHARGE_SQUARED, 0.1)]
    {
        let replica: Vec<&[f64]> = series.iter().map(|s| &s[500..]).collect();
        let samples = Samples::from_replica(&replica).unwrap();
        let mean = GammaMethod::default().observable(&samples, 0).unwrap();
        assert!(mean.error < precision, "error {}", mean.error);
        assert!((mean.value - expected).abs() < 3.0 * mean.error, "{} ± {}", mean.value, mean.error);
    }
}

#[test]
fn threads_change_no_bit_and_weights_are_those_of_the_inverse() {
    let (one, two) = (run(1, 1.0, 50), run(2, 1.0, 50));
    assert!(one.plaquettes == two.plaquettes && one.charges == two.charges);
    // A chain that goes on with its weight found anew from the links makes the same decisions.
    let lattice = lattice(1);
    let action = WilsonAction::new(1.0);
    let mut update = Independence::new(&lattice, flow(&lattice)).unwrap();
    let mut u = GaugeField::haar(&lattice, Address::new(3, Purpose::Start)).unwrap();
    let mut again = Vec::new();
    for trajectory in 0..50 {
        if trajectory % 10 == 0 {
            update.weigh(&u, &action).unwrap();
        }
        let address = Address::new(12, Purpose::Accept).trajectory(trajectory);
        update.update(&mut u, &action, address).unwrap();
        again.push(plaquette(&u)[3]);
    }
    assert_eq!(again, one.plaquettes[3]);
}
