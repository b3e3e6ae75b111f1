//! Chains of a plugin's proposals against exact values in two dimensions.

mod common;

use common::minimal;
use gaugelink_host::adapt::{ProposalPlugin, Recipe};
use gaugelink_host::{Plugin, Search, Services};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions};
use gaugelink_physics::action::{Action, WilsonAction};
use gaugelink_physics::observable::{link_trace, plaquette};
use gaugelink_sampler::statistics::{GammaMethod, Samples};
use std::path::Path;

const CHAINS: usize = 8;
const SHAKE: &str = "org.gaugelink.minimal.shake";

fn recipe<'a>(plugin: &'a Plugin, component: &'a str, config: &'a str) -> Recipe<'a> {
    Recipe { plugin, component, config, base_dir: Path::new("") }
}

/// A mean and its error.
type Mean = (f64, f64);

struct Sampled {
    plaquette: Mean,
    /// Of Re tr U / N; no gauge is singled out, so it vanishes.
    link: Mean,
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
    let (mut plaquettes, mut links, mut taken) = (vec![vec![]; CHAINS], vec![vec![]; CHAINS], 0);
    for trajectory in 0..updates {
        let address = Address::new(12, Purpose::Accept).trajectory(trajectory);
        let outcome = shake.update(&mut u, &action, address).expect("proposed");
        if trajectory == 0 {
            assert_eq!(outcome.accepted, [true; CHAINS], "links at the start have no weight");
        }
        taken += outcome.accepted.iter().filter(|taken| **taken).count();
        plaquette(&u).into_iter().zip(&mut plaquettes).for_each(|(p, series)| series.push(p));
        link_trace(&u).into_iter().zip(&mut links).for_each(|(trace, series)| series.push(trace));
    }
    assert_eq!(shake.used().calls, updates);
    let mean = |series: &[Vec<f64>]| {
        let replica: Vec<&[f64]> = series.iter().map(|series| &series[updates as usize / 20..]).collect();
        let samples = Samples::from_replica(&replica).expect("samples");
        let mean = GammaMethod::default().observable(&samples, 0).expect("a mean");
        (mean.value, mean.error)
    };
    Sampled {
        plaquette: mean(&plaquettes),
        link: mean(&links),
        acceptance: taken as f64 / (updates as usize * CHAINS) as f64,
        copied: shake.used().bytes_copied,
        log_weights: shake.log_weights().to_vec(),
    }
}

impl Sampled {
    fn agrees(&self, exact: f64, largest_error: f64) {
        let Self { plaquette, link, acceptance, .. } = *self;
        println!("plaquette {plaquette:?}, exact {exact}, link {link:?}, acceptance {acceptance}");
        assert!((0.05..0.9).contains(&acceptance), "acceptance {acceptance}");
        for ((value, error), exact, largest) in [(plaquette, exact, largest_error), (link, 0.0, 0.02)] {
            assert!(error < largest, "error {error}");
            assert!((value - exact).abs() < 3.0 * error, "{value} ± {error}, exact {exact}");
        }
    }
}

/// Small symmetric moves, in place.
#[test]
fn a_random_walk_has_the_exact_plaquettes() {
    let folder = tempfile::tempdir().expect("a folder");
    let plugin = Plugin::open(&minimal(folder.path())).expect("it opens");
    let u1 = sampled::<1>(&plugin, SHAKE, "step = 0.5", 1.0, 8_000);
    assert_eq!((u1.copied, &u1.log_weights[..]), (0, &[0.0; CHAINS][..]));
    // Σ_n I_n^15 I_n' / Σ_n I_n^16 at β = 1.
    u1.agrees(0.446_393_91, 0.005);
    // I_2/I_1 at β = 2; that the lattice is finite changes it by 1e-5.
    sampled::<2>(&plugin, SHAKE, "step = 0.25", 2.0, 6_000).agrees(0.433_127_43, 0.005);
}

/// Links drawn anew with a density that is not flat, which only their weights make good.
#[test]
fn weights_make_a_tilted_density_exact() {
    let path = Search::new(&[]).find("fixture").expect("cargo built the fixture beside this test");
    let plugin = Plugin::open(&path).expect("it opens");
    let tilted = "org.gaugelink.fixture.tilted";
    let good = sampled::<1>(&plugin, tilted, "", 0.5, 20_000);
    assert!(good.log_weights.iter().all(|weight| *weight != 0.0 && weight.is_finite()));
    // I_1/I_0 at β = 1/2.
    good.agrees(0.242_499_6, 0.006);
    let (value, error) = sampled::<1>(&plugin, tilted, "bug = 'weight'", 0.5, 20_000).link;
    assert!(value > 0.1 && value > 10.0 * error, "without weights the links lean to 1: {value} ± {error}");
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
