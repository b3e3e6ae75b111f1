//! HMC through a fixed field transformation against plain HMC, and against the heat bath.

use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions, MomentumField};
use gaugelink_models::Flow;
use gaugelink_models::layers::{Coefficients, Residual, Sharing};
use gaugelink_physics::action::{Action, WilsonAction};
use gaugelink_physics::observable::plaquette;
use gaugelink_physics::update::{HeatBath, Overrelaxation};
use gaugelink_sampler::hmc::{Hmc, Trajectory};
use gaugelink_sampler::integrator::Integrator;
use gaugelink_sampler::statistics::{GammaMethod, Measured, Samples, Sufficiency};
use gaugelink_sampler::transformation::{Transformation, TransformationError, Transformed};
use std::sync::Arc;

type Links = GaugeField<f64, 3>;

/// All links moved once with ρ = 0.1: Σ|ρ| is 0.6 in four dimensions, 0.2 in two.
fn flow<const N: usize>(lattice: &Arc<Lattice>) -> Flow<f64, N> {
    let count = 2 * lattice.dims();
    let layers = Residual::stack(lattice, Coefficients::Plain, Sharing::One, count).unwrap();
    Flow::new(layers, vec![0.1; count]).unwrap()
}

fn lattice(extents: &[usize], lanes: LaneMeaning) -> Arc<Lattice> {
    on_threads(extents, lanes, 1)
}

/// 0 threads are all that the machine has.
fn on_threads(extents: &[usize], lanes: LaneMeaning, threads: usize) -> Arc<Lattice> {
    Lattice::new(extents, LatticeOptions { lanes, threads, ..LatticeOptions::default() }).unwrap()
}

fn rough<const N: usize>(lattice: &Arc<Lattice>) -> GaugeField<f64, N> {
    GaugeField::random(lattice, 0.5, Address::new(6, Purpose::Start)).unwrap()
}

/// d/ds of the action along a random direction, by differences of fourth order.
#[test]
fn kicks_are_the_gradient() {
    fn check<const N: usize>(extents: &[usize]) {
        let lattice = lattice(extents, LaneMeaning::Sites);
        let (v, mut flow, wilson) =
            (rough::<N>(&lattice), flow::<N>(&lattice), WilsonAction::new(2.0 * N as f64));
        let action = Transformed::new(&mut flow, &wilson, &lattice).unwrap();
        let mut direction = MomentumField::zeroed(&lattice).unwrap();
        direction.refresh(Address::new(3, Purpose::Momenta));
        let value = |s: f64| {
            let mut moved = v.duplicate().unwrap();
            moved.drift(&direction, s);
            action.value(&moved)[0]
        };
        let h = 1e-3;
        let slope = (8.0 * (value(h) - value(-h)) - (value(2.0 * h) - value(-2.0 * h))) / (12.0 * h);
        let mut force = MomentumField::zeroed(&lattice).unwrap();
        action.kick(&v, &mut force, -1.0);
        let expected = force.dot(&direction)[0];
        let off = (slope - expected).abs() / force.kinetic()[0].sqrt();
        assert!(off < 1e-8, "N={N} {extents:?}: slope {slope}, by kick {expected}");
    }
    check::<1>(&[4, 4]);
    check::<2>(&[4, 6]);
    check::<3>(&[4, 4, 4, 4]);
}

#[test]
fn trajectories_run_backwards_to_their_start() {
    for (extents, lanes) in
        [(&[4, 4, 4, 4][..], LaneMeaning::Batch { chains: 8 }), (&[8, 8, 8, 8], LaneMeaning::Sites)]
    {
        let lattice = lattice(extents, lanes);
        let (mut flow, wilson) = (flow::<3>(&lattice), WilsonAction::new(6.0));
        let action = Transformed::new(&mut flow, &wilson, &lattice).unwrap();
        let trajectory = Trajectory { integrator: Integrator::Omelyan, steps: 5, length: 1.0 };
        let mut hmc = Hmc::new(&lattice, trajectory).unwrap();
        let (links, energy) =
            hmc.reversibility(&mut rough(&lattice), &action, Address::new(8, Purpose::Momenta));
        println!("{extents:?}: links off by {links:.1e}, H by {energy:.1e}");
        assert!(links > 0.0 && links <= 1e-9 && energy <= 1e-9, "{links} {energy}");
    }
}

#[test]
fn forward_takes_the_inverse_back() {
    let lattice = lattice(&[4, 4, 4, 4], LaneMeaning::Sites);
    let (mut flow, wilson) = (flow::<3>(&lattice), WilsonAction::new(6.0));
    let action = Transformed::new(&mut flow, &wilson, &lattice).unwrap();
    let u = rough(&lattice);
    let (mut v, mut back) = (u.duplicate().unwrap(), u.duplicate().unwrap());
    action.inverse(&u, &mut v).unwrap();
    action.forward(&v, &mut back).unwrap();
    let off = u.as_slice().iter().zip(back.as_slice()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(off < 1e-13 && v.as_slice() != u.as_slice(), "off by {off:e}");
}

/// A chain in a batch is the chain alone, bit for bit.
#[test]
fn a_batch_runs_its_chains_unmixed() {
    let run = |lanes: LaneMeaning, chain: u64| {
        let lattice = lattice(&[4, 4, 4, 4], lanes);
        let start = Address::new(6, Purpose::Start).chain(chain);
        let mut v = GaugeField::<f64, 3>::random(&lattice, 0.5, start).unwrap();
        let trajectory = Trajectory { integrator: Integrator::Leapfrog, steps: 3, length: 0.3 };
        let mut hmc = Hmc::new(&lattice, trajectory).unwrap();
        let (mut flow, wilson) = (flow::<3>(&lattice), WilsonAction::new(6.0));
        hmc.relax(&mut v, &Transformed::new(&mut flow, &wilson, &lattice).unwrap(), start).delta_h
    };
    let together = run(LaneMeaning::Batch { chains: 3 }, 0);
    for chain in 0..3 {
        assert_eq!(run(LaneMeaning::Sites, chain as u64)[0], together[chain]);
    }
}

struct Run {
    extents: &'static [usize],
    lanes: LaneMeaning,
    threads: usize,
    beta: f64,
    trajectory: Trajectory,
    warm: u64,
    count: u64,
}

struct Results {
    plaquette: Measured,
    exp_minus_dh: Measured,
    acceptance: f64,
}

/// A chain, or a batch of them, from a cold start.
fn run(run: &Run, seed: u64, through_flow: bool) -> Results {
    let start = std::time::Instant::now();
    let lattice = on_threads(run.extents, run.lanes, run.threads);
    let (plain, mut flow) = (WilsonAction::new(run.beta), flow::<3>(&lattice));
    let transformed = Transformed::new(&mut flow, &plain, &lattice).unwrap();
    let action: &dyn Action<3> = if through_flow { &transformed } else { &plain };
    let mut hmc = Hmc::new(&lattice, run.trajectory).unwrap();
    let mut v = GaugeField::<f64, 3>::cold(&lattice).unwrap();
    let mut u = v.duplicate().unwrap();
    let chains = lattice.chains();
    let mut series = vec![[Vec::new(), Vec::new()]; chains];
    let mut taken = 0;
    for number in 0..run.warm + run.count {
        let address = Address::new(seed, Purpose::Momenta).trajectory(number);
        if number < run.warm / 2 {
            hmc.relax(&mut v, action, address);
            continue;
        }
        let outcome = hmc.update(&mut v, action, address);
        if number < run.warm {
            continue;
        }
        taken += outcome.accepted.iter().filter(|&&a| a).count();
        if through_flow {
            transformed.forward(&v, &mut u).unwrap();
        } else {
            u.copy_from(&v);
        }
        for (chain, value) in plaquette(&u).into_iter().enumerate() {
            series[chain][0].push(value);
            series[chain][1].push((-outcome.delta_h[chain]).exp());
        }
    }
    let columns: Vec<[&[f64]; 2]> = series.iter().map(|s| [&s[0][..], &s[1][..]]).collect();
    let mut samples = Samples::from_observables(&columns[0]).unwrap();
    columns[1..].iter().for_each(|c| samples.push_replica(c).unwrap());
    let measured = |k: usize| GammaMethod::default().observable(&samples, k).unwrap();
    let results = Results {
        plaquette: measured(0).measured(),
        exp_minus_dh: measured(1).measured(),
        acceptance: taken as f64 / (run.count as usize * chains) as f64,
    };
    println!(
        "{} {:?}, {} x {chains} trajectories of {}: plaquette {} (tau_int {:.1}), <exp(-dH)> {}, acceptance {:.3}, {:.1} s",
        action.name(),
        run.extents,
        run.count,
        run.trajectory.steps,
        results.plaquette,
        measured(0).tau_int,
        results.exp_minus_dh,
        results.acceptance,
        start.elapsed().as_secs_f64()
    );
    results
}

/// The plaquette of a chain of heat bath sweeps, four overrelaxations after each, from a cold start.
fn heat_bath(setting: &Run, seed: u64) -> Measured {
    const SWEEPS: u64 = 2000;
    let start = std::time::Instant::now();
    let lattice = on_threads(setting.extents, setting.lanes, setting.threads);
    let mut u = Links::cold(&lattice).unwrap();
    let mut series = Vec::new();
    for number in 0..SWEEPS {
        let address = Address::new(seed, Purpose::HeatBath).trajectory(number);
        HeatBath { beta: setting.beta }.sweep(&mut u, address).unwrap();
        (0..4).for_each(|_| Overrelaxation.sweep(&mut u).unwrap());
        if number >= setting.warm {
            series.push(plaquette(&u)[0]);
        }
    }
    let estimate = GammaMethod::default().mean(&series).unwrap();
    println!(
        "heat bath {:?}, {} sweeps: plaquette {} (tau_int {:.1}), {:.1} s",
        setting.extents,
        series.len(),
        estimate.measured(),
        estimate.tau_int,
        start.elapsed().as_secs_f64()
    );
    assert_eq!(estimate.sufficiency, Sufficiency::Enough, "an error to trust");
    estimate.measured()
}

fn check(setting: &Run, seed: u64) {
    judge(run(setting, seed, false).plaquette, &run(setting, seed + 1, true));
}

fn judge(expected: Measured, flow: &Results) {
    let off = (expected.value - flow.plaquette.value) / expected.error.hypot(flow.plaquette.error);
    println!("the plaquettes differ by {off:+.2} sigma");
    assert!(off.abs() < 3.0, "{expected} and {}", flow.plaquette);
    let creutz = flow.exp_minus_dh;
    assert!((creutz.value - 1.0).abs() < 3.0 * creutz.error && creutz.error <= 0.05, "{creutz}");
    assert!(flow.acceptance > 0.5, "{}", flow.acceptance);
}

const OMELYAN: Trajectory = Trajectory { integrator: Integrator::Omelyan, steps: 6, length: 1.0 };

#[test]
fn su3_plaquette_is_that_of_plain_hmc() {
    let lanes = LaneMeaning::Batch { chains: 8 };
    let extents = &[4, 4, 4, 4];
    check(&Run { extents, lanes, threads: 1, beta: 6.0, trajectory: OMELYAN, warm: 20, count: 30 }, 61);
}

#[test]
#[ignore = "long: tests/run --full"]
fn long_su3_plaquette_is_that_of_plain_hmc() {
    let (extents, lanes) = (&[4, 4, 4, 4], LaneMeaning::Batch { chains: 8 });
    check(&Run { extents, lanes, threads: 0, beta: 6.0, trajectory: OMELYAN, warm: 50, count: 500 }, 62);
}

/// Plain HMC of as many trajectories moves so slowly here that its error is not known; the heat bath's is.
#[test]
#[ignore = "long: tests/run --full"]
fn long_su3_plaquette_is_that_of_the_heat_bath() {
    let (extents, lanes) = (&[8, 8, 8, 8], LaneMeaning::Sites);
    let trajectory = Trajectory { steps: 8, ..OMELYAN };
    let setting = Run { extents, lanes, threads: 0, beta: 6.0, trajectory, warm: 60, count: 300 };
    judge(heat_bath(&setting, 63), &run(&setting, 64, true));
}

/// A map whose forces fail though it maps.
struct Broken;

impl Transformation<3> for Broken {
    fn name(&self) -> String {
        "broken".into()
    }
    fn forward(&mut self, v: &Links, u: &mut Links, _: &mut [f64]) -> Result<(), TransformationError> {
        u.copy_from(v);
        Ok(())
    }
    fn inverse(&mut self, u: &Links, v: &mut Links, _: &mut [f64]) -> Result<(), TransformationError> {
        v.copy_from(u);
        Ok(())
    }
    fn pullback(
        &mut self,
        _: &Links,
        _: &mut Links,
        _: &mut dyn FnMut(&Links, &mut MomentumField<f64, 3>),
        _: &mut MomentumField<f64, 3>,
    ) -> Result<(), TransformationError> {
        Err("no force today".into())
    }
}

#[test]
fn a_kick_that_fails_rejects_the_trajectory_and_is_told_once() {
    let lattice = lattice(&[4, 4, 4, 4], LaneMeaning::Sites);
    let (mut map, wilson) = (Broken, WilsonAction::new(6.0));
    let action = Transformed::new(&mut map, &wilson, &lattice).unwrap();
    let mut v = rough(&lattice);
    let before = v.duplicate().unwrap();
    let outcome =
        Hmc::new(&lattice, OMELYAN).unwrap().update(&mut v, &action, Address::new(9, Purpose::Momenta));
    assert!(outcome.accepted == [false] && outcome.delta_h[0].is_nan());
    assert!(v.as_slice() == before.as_slice(), "the links stay");
    assert_eq!(action.failure().expect("told").to_string(), "no force today");
    assert!(action.failure().is_none(), "told once");
}
