//! Independence Metropolis against exact values of two-dimensional U(1), with flows that are not trained.

use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions};
use gaugelink_models::layers::{CouplingSettings, U1Coupling};
use gaugelink_models::{Flow, ModelError};
use gaugelink_physics::action::{Action, WilsonAction};
use gaugelink_physics::observable::{geometric_charge, plaquette};
use gaugelink_sampler::independence::Independence;
use gaugelink_sampler::mixture::Mixture;
use gaugelink_sampler::statistics::{GammaMethod, LogWeights, Samples};
use gaugelink_sampler::transformation::TransformationError;
use std::sync::Arc;

const CHAINS: usize = 8;

fn lattice(threads: usize) -> Arc<Lattice> {
    let lanes = LaneMeaning::Batch { chains: CHAINS };
    Lattice::new(&[4, 4], LatticeOptions { threads, lanes, ..LatticeOptions::default() }).unwrap()
}

fn wilson(beta: f64) -> impl Fn(&GaugeField<f64, 1>) -> Result<Vec<f64>, TransformationError> {
    move |u| Ok(WilsonAction::new(beta).value(u))
}

/// A flow with random parameters: any map must give a correct chain.
fn flow(lattice: &Arc<Lattice>, seed: u64, scale: f64) -> Flow<f64, 1> {
    let settings = CouplingSettings::mixture(2);
    let layers = U1Coupling::stack(lattice, 8, settings).unwrap();
    let parameters = U1Coupling::<f64>::initial_parameters(8, &settings, seed);
    Flow::new(layers, parameters.into_iter().map(|p| scale * p).collect()).unwrap()
}

type Draws = Mixture<Flow<f64, 1>, 1>;

fn of_one(lattice: &Arc<Lattice>) -> Draws {
    Mixture::of_one(lattice, flow(lattice, 3, 1.0)).unwrap()
}

struct History {
    plaquettes: Vec<Vec<f64>>,
    charges: Vec<Vec<f64>>,
    accepted: usize,
}

fn run(threads: usize, beta: f64, updates: u64) -> History {
    run_with(threads, beta, updates, of_one)
}

fn run_with(threads: usize, beta: f64, updates: u64, draws: fn(&Arc<Lattice>) -> Draws) -> History {
    let lattice = lattice(threads);
    let action = wilson(beta);
    let mut update = Independence::new(&lattice, draws(&lattice)).unwrap();
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

/// β = 1 on 4×4: Z = Σ_n I_n^16 gives ⟨cos θ⟩ = Σ I_n^15 I_n'/Z, and the θ-dependence of Z gives ⟨Q²⟩; all from an
/// independent numerical evaluation of the sums.
const PLAQUETTE: f64 = 0.446_393_91;
const CHARGE_SQUARED: f64 = 0.650_098;

#[test]
fn means_are_exact_whatever_the_flow() {
    let history = run(0, 1.0, 20_000);
    let rate = history.accepted as f64 / (20_000 * CHAINS) as f64;
    assert!((0.02..0.9).contains(&rate), "acceptance {rate}");
    assert_exact(&history, [(PLAQUETTE, 0.01), (CHARGE_SQUARED, 0.1)]);
}

/// Exact values, and how precise the means have to be.
fn assert_exact(history: &History, exact: [(f64, f64); 2]) {
    for (series, (expected, precision)) in [&history.plaquettes, &history.charges].into_iter().zip(exact) {
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
    let action = wilson(1.0);
    let mut update = Independence::new(&lattice, of_one(&lattice)).unwrap();
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

#[test]
fn a_draw_of_the_flow_has_the_weight_of_its_links() {
    let lattice = lattice(1);
    let action = wilson(1.0);
    let outcome = |weighed: bool| {
        let mut update = Independence::new(&lattice, of_one(&lattice)).unwrap();
        let mut u = GaugeField::cold(&lattice).unwrap();
        update.begin(&mut u, &action, Address::new(3, Purpose::Start)).unwrap();
        assert!(plaquette(&u).iter().all(|p| p.abs() < 0.999), "the links are drawn");
        if weighed {
            update.weigh(&u, &action).unwrap();
        }
        update.update(&mut u, &action, Address::new(12, Purpose::Accept)).unwrap().delta_h
    };
    for (known, found) in outcome(false).into_iter().zip(outcome(true)) {
        assert!((known - found).abs() < 1e-9 * known.abs().max(1.0), "{known} {found}");
    }
}

/// An action that one chain has no value of.
fn undefined(u: &GaugeField<f64, 1>) -> Result<Vec<f64>, TransformationError> {
    let chain = |chain| if chain == 3 { f64::INFINITY } else { 1.0 };
    Ok((0..u.lattice().chains()).map(chain).collect())
}

/// A weight that is not a number would be kept for ever: no proposal is better, none is worse.
#[test]
fn links_without_a_weight_are_refused_and_the_old_weight_is_forgotten() {
    let lattice = lattice(1);
    let action = wilson(1.0);
    let mut update = Independence::new(&lattice, of_one(&lattice)).unwrap();
    let mut u = GaugeField::haar(&lattice, Address::new(3, Purpose::Start)).unwrap();
    let address = |trajectory| Address::new(12, Purpose::Accept).trajectory(trajectory);
    update.update(&mut u, &action, address(0)).unwrap();

    let error = update.weigh(&u, &undefined).unwrap_err();
    let error = error.downcast::<ModelError>().unwrap();
    assert!(matches!(&*error, ModelError::NotFinite(text) if text.contains("chain 3")), "{error}");
    // An update that still knew a weight would not ask for one.
    assert!(update.update(&mut u, &undefined, address(1)).is_err(), "weighed anew");
    let mut broken = u.duplicate().unwrap();
    broken.as_mut_slice().fill(f64::NAN);
    assert!(update.weigh(&broken, &action).is_err(), "no inverse of links that are no numbers");
    let error = update.weigh(&u, &|_: &_| Err("the action of a test".into())).unwrap_err();
    assert_eq!(error.to_string(), "the action of a test");

    let before = u.duplicate().unwrap();
    update.weigh(&u, &action).unwrap();
    let outcome = update.update(&mut u, &action, address(2)).unwrap();
    assert!(outcome.delta_h.iter().all(|dh| dh.is_finite()));
    let moved = u.as_slice() != before.as_slice();
    assert_eq!(moved, outcome.accepted.contains(&true));
}

/// Two flows whose draws differ, both near Haar measure, so that weights have an error.
fn of_two(lattice: &Arc<Lattice>) -> Draws {
    Mixture::new(lattice, vec![flow(lattice, 3, 0.4), flow(lattice, 7, 0.4)], &[1.0, 3.0]).unwrap()
}

#[test]
fn the_density_of_a_mixture_takes_all_flows() {
    let lattice = lattice(1);
    let mut u = GaugeField::cold(&lattice).unwrap();
    let address = Address::new(5, Purpose::Proposal);
    let densities = |mixture: &mut Draws, u: &GaugeField<f64, 1>| {
        let mut log_q = vec![0.0; CHAINS];
        mixture.log_density(u, &mut log_q).unwrap();
        log_q
    };
    let mut log_q = vec![0.0; CHAINS];
    of_two(&lattice).draw(&mut u, &mut log_q, address).unwrap();
    let [a, b] =
        [3, 7].map(|seed| densities(&mut Mixture::of_one(&lattice, flow(&lattice, seed, 0.4)).unwrap(), &u));
    for chain in 0..CHAINS {
        let expected = (0.25 * a[chain].exp() + 0.75 * b[chain].exp()).ln();
        assert!((log_q[chain] - expected).abs() < 1e-9, "{chain}: {} {expected}", log_q[chain]);
    }
    assert_eq!(log_q, densities(&mut of_two(&lattice), &u));
    // Each chain's links are those of one of the flows, and both have drawn.
    let images = [3, 7].map(|seed| {
        let mut image = GaugeField::cold(&lattice).unwrap();
        let mut mixture = Mixture::of_one(&lattice, flow(&lattice, seed, 0.4)).unwrap();
        mixture.draw(&mut image, &mut [0.0; CHAINS], address).unwrap();
        plaquette(&image)
    });
    let from = |flow: usize| (0..CHAINS).filter(|&c| plaquette(&u)[c] == images[flow][c]).count();
    assert_eq!((from(0) + from(1), from(0) > 0, from(1) > 0), (CHAINS, true, true));
}

/// ln Z, plaquette and charge squared at β = 1/2.
const HALF: (f64, f64, f64) = (0.984795507, 0.24249961, 0.951934);

/// ⟨e^{−S}/q⟩ over draws from q is Z = Σ_n I_n(β)^16, and averages with these weights are those of the theory: only if
/// the draws have the density that is told. The numbers are those of an independent evaluation of the sums.
#[test]
fn weights_of_a_mixture_add_up_to_the_partition_function() {
    let lattice = lattice(0);
    let action = WilsonAction::new(0.5);
    let mut mixture = of_two(&lattice);
    let mut u = GaugeField::cold(&lattice).unwrap();
    let (mut logs, mut plaquettes) = (Vec::new(), Vec::new());
    for trajectory in 0..2000 {
        let mut log_q = vec![0.0; CHAINS];
        mixture.draw(&mut u, &mut log_q, Address::new(6, Purpose::Proposal).trajectory(trajectory)).unwrap();
        // The action is β Σ (1 − cos θ), that of the sums −β Σ cos θ.
        logs.extend(action.value(&u).iter().zip(&log_q).map(|(s, log_q)| 8.0 - s - log_q));
        plaquettes.extend(plaquette(&u));
    }
    let weights = LogWeights::new(&logs).unwrap();
    let (ln_z, mean) = (weights.ln_z().unwrap(), weights.reweighted_mean(&plaquettes).unwrap());
    assert!(ln_z.error < 0.05 && (ln_z.value - HALF.0).abs() < 3.0 * ln_z.error, "{ln_z}");
    assert!(mean.error < 0.01 && (mean.value - HALF.1).abs() < 3.0 * mean.error, "{mean}");
}

#[test]
fn chains_of_a_mixture_are_exact() {
    let history = run_with(0, 0.5, 1500, of_two);
    assert_exact(&history, [(HALF.1, 0.01), (HALF.2, 0.1)]);
}
