//! A chain of proposals by the linked host: taken and refused as by the crates, with the exact plaquette.

use crate::compile::{Answers, Place};
use crate::expected::Plugins;
use gaugelink_host::adapt::{ProposalPlugin, Recipe};
use gaugelink_host::{Plugin, Services};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice, LatticeOptions};
use gaugelink_physics::action::WilsonAction;
use gaugelink_physics::observable::plaquette;
use gaugelink_sampler::statistics::{GammaMethod, Samples};
use std::path::Path;

/// Those of the host.
const UPDATES: u64 = 8000;
/// I_n of U(1) on 4x4 at β = 1: Σ_n I_n^15 I_n' / Σ_n I_n^16.
const EXACT: f64 = 0.446_393_91;

/// What was taken, and the plaquette after each update.
struct Chain {
    history: String,
    plaquettes: Vec<f64>,
}

/// The chain of the host by the crates.
fn chain(place: &Place) -> Chain {
    let plugin = Plugin::open(&place.plugin("minimal_c")).unwrap();
    let services = Services::new(1);
    let lattice = Lattice::new(&[4, 4], LatticeOptions::default()).unwrap();
    let recipe = Recipe {
        plugin: &plugin,
        component: "org.gaugelink.minimal.shake",
        config: "step = 0.5",
        base_dir: Path::new(""),
    };
    let mut proposal = ProposalPlugin::<1>::create(&recipe, &services, &lattice).unwrap();
    let mut u = GaugeField::cold(&lattice).unwrap();
    let mut chain = Chain { history: String::new(), plaquettes: Vec::new() };
    for trajectory in 0..UPDATES {
        let address = Address::new(12, Purpose::Accept).trajectory(trajectory);
        let outcome = proposal.update(&mut u, &WilsonAction::new(1.0), address).unwrap();
        chain.history.push(if outcome.accepted[0] { '1' } else { '0' });
        chain.plaquettes.push(plaquette(&u)[0]);
    }
    chain
}

/// What the host says of proposals.
pub fn assert_proposals(a: &Answers, plugins: Plugins, place: &Place) {
    let refusals: &[(&str, &str, &str)] = match plugins {
        Plugins::Rust => &[("proposal_absent", "12", "no component of glk.proposal/1")],
        Plugins::MinimalC => &[
            ("proposal_in_place", "3", "use two"),
            ("proposal_other_lattice", "3", "[4, 4, 1, 1]"),
            ("proposal_of_a_flow", "3", "glk.flow/1"),
            ("proposal_unknown_key", "3", "step"),
            ("proposal_unknown_cipher", "12", "algorithm"),
            ("proposal_batch", "3", "2 fields"),
        ],
    };
    a.refused(refusals);
    assert_eq!(a.number("proposal_offered"), f64::from(u8::from(plugins == Plugins::MinimalC)));
    if plugins == Plugins::Rust {
        return;
    }
    let expected = chain(place);
    assert_eq!(a.text("proposal_history"), expected.history);
    assert_eq!(&expected.history[..1], "1", "links at the start have no weight");
    let mean = expected.plaquettes.iter().sum::<f64>() / UPDATES as f64;
    a.close("proposal_mean_plaquette", mean, 1e-12);
    a.close("proposal_plaquette", expected.plaquettes[UPDATES as usize - 1], 0.0);
    for zero in ["log_weight", "bytes_copied", "view_log_weight", "view_difference"] {
        assert_eq!(a.number(&format!("proposal_{zero}")), 0.0, "{zero}");
    }
    assert_eq!(a.number("accept_nan"), 0.0);
    let samples = Samples::from_replica(&[&expected.plaquettes[UPDATES as usize / 20..]]).unwrap();
    let mean = GammaMethod::default().observable(&samples, 0).unwrap();
    println!("plaquette {} ± {}, exact {EXACT}", mean.value, mean.error);
    assert!(
        mean.error < 0.02 && (mean.value - EXACT).abs() < 3.0 * mean.error,
        "{} ± {}",
        mean.value,
        mean.error
    );
}
