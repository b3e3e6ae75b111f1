//! Chains of a plugin's proposals against exact values in two dimensions.

mod common;

use common::minimal;
use gaugelink_host::adapt::{ProposalPlugin, Recipe};
use gaugelink_host::{Plugin, Search, Services};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions};
use gaugelink_physics::action::{Action, WilsonAction};
use gaugelink_physics::observable::plaquette;
use gaugelink_sampler::statistics::{GammaMethod, Samples};
use std::path::Path;

const CHAINS: usize = 8;
const SHAKE: &str = "org.gaugelink.minimal.shake";

fn recipe<'a>(plugin: &'a Plugin, component: &'a str, config: &'a str) -> Recipe<'a> {
    Recipe { plugin, component, config, base_dir: Path::new("") }
}

struct Sampled {
    plaquette: f64,
    error: f64,
    acceptance: f64,
    copied: u64,
    log_weights: Vec<f64>,
}

/// Plaquette and error of `updates` proposals for eight chains.
fn sampled<const N: usize>(
    plugin: &Plugin,
    component: &str,
    config: &str,
    beta: f64,
    updates: u64,
) -> Sampled {
    let services = Services::new(1);
    let lanes = LaneMeaning::Batch { chains: CHAINS };
    let options = LatticeOptions { threads: 1, lanes, ..LatticeOptions::default() };
    let lattice = Lattice::new(&[4, 4], options).expect("a lattice");
    let recipe = recipe(plugin, component, config);
    let mut shake = ProposalPlugin::<N>::create(&recipe, &services, &lattice).expect("created");
    let mut u = GaugeField::haar(&lattice, Address::new(3, Purpose::Start)).expect("links");
    let action = WilsonAction::new(beta);
    let (mut series, mut taken) = (vec![vec![]; CHAINS], 0);
    for trajectory in 0..updates {
        let address = Address::new(12, Purpose::Accept).trajectory(trajectory);
        let outcome = shake.update(&mut u, &action, address).expect("proposed");
        if trajectory == 0 {
            assert_eq!(outcome.accepted, [true; CHAINS], "links at the start have no weight");
        }
        taken += outcome.accepted.iter().filter(|taken| **taken).count();
        plaquette(&u).into_iter().zip(&mut series).for_each(|(p, series)| series.push(p));
    }
    assert_eq!(shake.used().calls, updates);
    let replica: Vec<&[f64]> = series.iter().map(|series| &series[updates as usize / 20..]).collect();
    let samples = Samples::from_replica(&replica).expect("samples");
    let mean = GammaMethod::default().observable(&samples, 0).expect("a mean");
    Sampled {
        plaquette: mean.value,
        error: mean.error,
        acceptance: taken as f64 / (updates as usize * CHAINS) as f64,
        copied: shake.used().bytes_copied,
        log_weights: shake.log_weights().to_vec(),
    }
}

impl Sampled {
    fn agrees(&self, exact: f64, largest_error: f64) {
        let Self { plaquette, error, acceptance, .. } = *self;
        println!("plaquette {plaquette} ± {error}, exact {exact}, acceptance {acceptance}");
        assert!((0.01..0.9).contains(&acceptance), "acceptance {acceptance}");
        assert!(error < largest_error, "error {error}");
        assert!((plaquette - exact).abs() < 3.0 * error, "{plaquette} ± {error}, exact {exact}");
    }
}

/// In U(1) at β = 1: Σ_n I_n^15 I_n' / Σ_n I_n^16.
const U1: f64 = 0.446_393_91;

/// Small symmetric moves, in place.
#[test]
fn a_random_walk_has_the_exact_plaquettes() {
    let folder = tempfile::tempdir().expect("a folder");
    let plugin = Plugin::open(&minimal(folder.path())).expect("it opens");
    let u1 = sampled::<1>(&plugin, SHAKE, "step = 0.5", 1.0, 12_000);
    assert_eq!((u1.copied, &u1.log_weights[..]), (0, &[0.0; CHAINS][..]));
    u1.agrees(U1, 0.004);
    // I_2/I_1 at β = 2; that the lattice is finite changes it by 1e-5.
    sampled::<2>(&plugin, SHAKE, "step = 0.25", 2.0, 12_000).agrees(0.433_127_43, 0.004);
}

/// Links drawn anew with a density that is not flat, which only their weights make good.
#[test]
fn weights_make_a_tilted_density_exact() {
    let path = Search::new(&[]).find("fixture").expect("cargo built the fixture beside this test");
    let plugin = Plugin::open(&path).expect("it opens");
    let tilted = "org.gaugelink.fixture.tilted";
    let good = sampled::<1>(&plugin, tilted, "", 1.0, 40_000);
    assert!(good.log_weights.iter().all(|weight| *weight != 0.0 && weight.is_finite()));
    good.agrees(U1, 0.01);
    let bad = sampled::<1>(&plugin, tilted, "bug = 'weight'", 1.0, 40_000);
    assert!((bad.plaquette - U1).abs() > 5.0 * bad.error, "{} ± {}", bad.plaquette, bad.error);
}

#[test]
fn weights_of_a_checkpoint_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let (plugin, services) = (Plugin::open(&minimal(folder.path())).expect("it opens"), Services::new(1));
    let lattice = Lattice::new(&[4, 4], LatticeOptions::default()).expect("a lattice");
    let recipe = recipe(&plugin, SHAKE, "step = 1");
    let mut shake = ProposalPlugin::<1>::create(&recipe, &services, &lattice).expect("created");
    let mut u = GaugeField::cold(&lattice).expect("links");
    // Far from its proposals in action: with the weight of a chain that goes on, they are refused.
    shake.set_log_weights(&[0.0]);
    let address = Address::new(1, Purpose::Accept);
    let action: &dyn Action<1> = &WilsonAction::new(50.0);
    let outcome = shake.update(&mut u, action, address).expect("proposed");
    assert!(!outcome.accepted[0] && outcome.delta_h[0] > 100.0, "{:?}", outcome.delta_h);
    assert_eq!(shake.log_weights(), [0.0]);
}
