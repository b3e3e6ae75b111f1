//! Plugins as transformation, force and preconditioner: the same numbers as the library's own, and errors that surface.

mod common;

use common::minimal;
use gaugelink_host::adapt::{FlowPlugin, ForcePlugin, PrecondPlugin, Recipe};
use gaugelink_host::{Plugin, Search, Services};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions, MomentumField};
use gaugelink_physics::action::{Action, Force, WilsonAction};
use gaugelink_physics::dirac::{Boundary, SpinorField, Wilson};
use gaugelink_physics::solver::Preconditioner;
use gaugelink_sampler::guided::Guided;
use gaugelink_sampler::hmc::{Hmc, Trajectory};
use gaugelink_sampler::integrator::Integrator;
use gaugelink_sampler::transformation::{Transformation, Transformed};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const TRAJECTORY: Trajectory = Trajectory { integrator: Integrator::Omelyan, steps: 4, length: 0.5 };

fn address() -> Address {
    Address::new(77, Purpose::Start)
}

fn fixture() -> Plugin {
    let path: PathBuf = Search::new(&[]).find("fixture").expect("cargo built the fixture beside this test");
    Plugin::open(&path).expect("it opens")
}

fn recipe<'a>(plugin: &'a Plugin, component: &'a str, config: &'a str) -> Recipe<'a> {
    Recipe { plugin, component, config, base_dir: Path::new("") }
}

fn batch(chains: usize) -> LatticeOptions {
    LatticeOptions { threads: 2, lanes: LaneMeaning::Batch { chains }, ..LatticeOptions::default() }
}

/// The largest difference of two fields, relative to the largest number.
fn difference(a: &[f64], b: &[f64]) -> f64 {
    let largest = a.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / largest
}

/// Site lanes, lanes that repeat others, and batches: all are described to the plugin.
#[test]
fn a_force_kicks_as_the_librarys_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let (plugin, services) = (Plugin::open(&minimal(folder.path())).expect("it opens"), Services::new(2));
    let recipe = recipe(&plugin, "org.gaugelink.minimal.wilson", "beta = 5.7");
    let sites = LatticeOptions { threads: 2, ..LatticeOptions::default() };
    let cases: [(&[usize], LatticeOptions); 3] =
        [(&[4, 4, 4, 4], sites.clone()), (&[3, 5, 2], sites), (&[4, 2, 4], batch(3))];
    for (extents, options) in cases {
        let lattice = Lattice::new(extents, options).expect("a lattice");
        let force = ForcePlugin::<3>::create(&recipe, &services, &lattice).expect("created");
        let u = GaugeField::<f64, 3>::random(&lattice, 0.5, address()).expect("links");
        let mut own = MomentumField::<f64, 3>::zeroed(&lattice).expect("momenta");
        own.refresh(address());
        let mut theirs = MomentumField::<f64, 3>::zeroed(&lattice).expect("momenta");
        theirs.refresh(address());
        Action::kick(&WilsonAction::new(5.7), &u, &mut own, 0.3);
        force.kick(&u, &mut theirs, 0.3);
        let off = difference(own.as_slice(), theirs.as_slice());
        assert!(off < 1e-13, "{extents:?}: {off}");
        let used = force.used();
        // Links stay where they are: only the force itself is converted, from 18 numbers a link.
        let field =
            lattice.geometry().volume() as u64 * lattice.chains() as u64 * extents.len() as u64 * 18 * 8;
        assert_eq!((used.calls, used.bytes_copied), (1, field), "{extents:?}");
    }
}

/// ∂S of the transformed action against its slope along a drift, through a flow that is not trivial.
#[test]
fn a_flow_pulls_the_force_back() {
    let (plugin, services) = (fixture(), Services::new(1));
    let recipe = recipe(&plugin, "org.gaugelink.fixture.layer", "");
    for options in [LatticeOptions::default(), batch(2)] {
        let lattice = Lattice::new(&[8, 4], options).expect("a lattice");
        let mut flow = FlowPlugin::<1>::create(&recipe, &services, &lattice).expect("created");
        let u = GaugeField::<f64, 1>::random(&lattice, 0.7, address()).expect("links");
        let (mut v, mut back) = (u.duplicate().expect("links"), u.duplicate().expect("links"));
        let (mut there, mut here) = (vec![0.0; lattice.chains()], vec![0.0; lattice.chains()]);
        flow.inverse(&u, &mut v, &mut there).expect("inverse");
        flow.forward(&v, &mut back, &mut here).expect("forward");
        assert!(difference(u.as_slice(), back.as_slice()) < 1e-12);
        assert!(difference(u.as_slice(), v.as_slice()) > 1e-2, "the map does something");
        assert!(there.iter().zip(&here).all(|(a, b)| (a + b).abs() < 1e-12 && *a != 0.0));
        let wilson = WilsonAction::new(2.0);
        let action = Transformed::new(&mut flow, &wilson, &lattice).expect("room");
        let mut direction = MomentumField::<f64, 1>::zeroed(&lattice).expect("momenta");
        direction.refresh(address());
        let mut kicked = MomentumField::<f64, 1>::zeroed(&lattice).expect("momenta");
        Action::kick(&action, &v, &mut kicked, -1.0);
        let slope = kicked.dot(&direction);
        let at = |epsilon: f64| {
            let mut moved = v.duplicate().expect("links");
            moved.drift(&direction, epsilon);
            Action::value(&action, &moved)
        };
        let (ahead, behind) = (at(1e-5), at(-1e-5));
        for chain in 0..lattice.chains() {
            let numeric = (ahead[chain] - behind[chain]) / 2e-5;
            assert!((numeric - slope[chain]).abs() < 1e-6 * numeric.abs(), "{numeric} {}", slope[chain]);
        }
        let mut hmc = Hmc::new(&lattice, TRAJECTORY).expect("room");
        let (links, energy) = hmc.reversibility(&mut v, &action, address());
        assert!(links < 1e-9 && energy < 1e-9, "{links} {energy}");
        assert!(action.failure().is_none());
    }
}

/// Through the identity HMC is the plain one, up to the rounding of forces that become matrices and coordinates again.
#[test]
fn the_identity_changes_nothing_but_rounding() {
    let folder = tempfile::tempdir().expect("a folder");
    let (plugin, services) = (Plugin::open(&minimal(folder.path())).expect("it opens"), Services::new(1));
    let lattice = Lattice::new(&[4, 4, 4, 4], LatticeOptions::default()).expect("a lattice");
    let recipe = recipe(&plugin, "org.gaugelink.minimal.identity", "");
    let mut flow = FlowPlugin::<2>::create(&recipe, &services, &lattice).expect("created");
    let wilson = WilsonAction::new(2.3);
    let mut u = GaugeField::<f64, 2>::random(&lattice, 0.5, address()).expect("links");
    let mut v = u.duplicate().expect("links");
    let mut hmc = Hmc::new(&lattice, TRAJECTORY).expect("room");
    let plain = hmc.update(&mut u, &wilson, address());
    let through = Transformed::new(&mut flow, &wilson, &lattice).expect("room");
    let mapped = hmc.update(&mut v, &through, address());
    assert!((plain.delta_h[0] - mapped.delta_h[0]).abs() < 1e-10);
    assert!(difference(u.as_slice(), v.as_slice()) < 1e-13);
}

#[test]
fn failures_reject_the_trajectory_and_are_told() {
    let (plugin, services) = (fixture(), Services::new(1));
    let lattice = Lattice::new(&[4, 4], LatticeOptions::default()).expect("a lattice");
    let wilson = WilsonAction::new(1.0);
    let start = GaugeField::<f64, 1>::random(&lattice, 0.5, address()).expect("links");
    let panics = recipe(&plugin, "org.gaugelink.fixture.layer", "inject_panic = true");
    let mut flow = FlowPlugin::<1>::create(&panics, &services, &lattice).expect("created");
    let action = Transformed::new(&mut flow, &wilson, &lattice).expect("room");
    let mut hmc = Hmc::new(&lattice, TRAJECTORY).expect("room");
    let mut u = start.duplicate().expect("links");
    let outcome = hmc.update(&mut u, &action, address());
    assert_eq!(outcome.accepted, [false]);
    assert_eq!(u.as_slice(), start.as_slice());
    let failure = action.failure().expect("told").to_string();
    assert!(failure.contains("as the configuration asked"), "{failure}");
    assert!(action.failure().is_none(), "told once");
    let other: Arc<Lattice> = Lattice::new(&[4, 4, 4], LatticeOptions::default()).expect("a lattice");
    let plain = recipe(&plugin, "org.gaugelink.fixture.layer", "");
    let error = FlowPlugin::<1>::create(&plain, &services, &other).err().expect("refused").to_string();
    assert!(error.contains("two even directions"), "{error}");
}

/// A force that fails makes ΔH NaN though the action in the accept step is sound.
#[test]
fn a_force_that_fails_rejects_the_trajectory() {
    let (plugin, services) = (fixture(), Services::new(1));
    let recipe = recipe(&plugin, "org.gaugelink.fixture.free", "refuses = true");
    let lattice = Lattice::new(&[4, 4], LatticeOptions::default()).expect("a lattice");
    let force = ForcePlugin::<2>::create(&recipe, &services, &lattice).expect("created");
    let wilson = WilsonAction::new(5.7);
    let start = GaugeField::<f64, 2>::random(&lattice, 0.2, address()).expect("links");
    let mut u = start.duplicate().expect("links");
    let guided = Guided { force: &force, action: &wilson };
    let outcome = Hmc::new(&lattice, TRAJECTORY).expect("room").update(&mut u, &guided, address());
    assert_eq!((outcome.accepted, outcome.delta_h[0].is_nan()), (vec![false], true));
    assert_eq!(u.as_slice(), start.as_slice());
    let failure = force.failure().expect("told").to_string();
    assert!(failure.contains("these links are refused"), "{failure}");
}

#[test]
fn a_preconditioner_is_set_up_and_applied_in_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let (plugin, services) = (Plugin::open(&minimal(folder.path())).expect("it opens"), Services::new(1));
    let recipe = recipe(&plugin, "org.gaugelink.minimal.jacobi", "");
    let lattice = Lattice::new(&[4, 4, 2, 4], LatticeOptions::default()).expect("a lattice");
    let u = GaugeField::<f64, 3>::random(&lattice, 0.5, address()).expect("links");
    let wilson = Wilson::new(&u, 0.3, Boundary::antiperiodic()).expect("an operator");
    let mut jacobi = PrecondPlugin::create(&recipe, &services, &wilson).expect("created");
    let mut r = SpinorField::<f64, 3>::zeroed(&lattice).expect("a spinor");
    r.set_gaussian(address());
    let mut z = SpinorField::<f64, 3>::zeroed(&lattice).expect("a spinor");
    jacobi.apply(&mut z, &r).expect("applied");
    let own: Vec<f64> = r.as_slice().iter().map(|x| x / 4.3).collect();
    assert!(difference(&own, z.as_slice()) < 1e-15);
    assert_eq!((jacobi.used().calls, jacobi.used().bytes_copied), (2, 0));
}
