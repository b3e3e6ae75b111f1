//! Nothing asks for memory where time is spent: not a kernel, not an iteration of a solver, not a step of a trajectory or
//! a flow. What is left is counted out: some calls answer with a number for each chain.
//!
//! One test: the count is that of all threads of the process.

use gaugelink_driver::bench::{CountingAllocator, allocations};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions, MomentumField, Real};
use gaugelink_models::Flow;
use gaugelink_models::layers::{Coefficients, CouplingSettings, Residual, Sharing, U1Coupling};
use gaugelink_physics::action::{Action, WilsonAction};
use gaugelink_physics::dirac::{Boundary, Schur, SpinorField, Wilson};
use gaugelink_physics::observable;
use gaugelink_physics::smear::GradientFlow;
use gaugelink_physics::solver::{ConjugateGradient, LinearOperator, Stopping};
use gaugelink_physics::update::{HeatBath, Overrelaxation};
use gaugelink_sampler::hmc::{Hmc, Trajectory};
use gaugelink_sampler::integrator::Integrator;
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const START: Address = Address { seed: 1, purpose: Purpose::Start, chain: 0, sample: 0, trajectory: 0 };

/// Requests for memory in a call after two of warm-up; the least of some calls, as the test's own harness may ask, too.
fn requests(mut call: impl FnMut()) -> u64 {
    (0..2).for_each(|_| call());
    let mut counted = || {
        let before = allocations().expect("the test counts");
        call();
        allocations().expect("the test counts") - before
    };
    (0..3).map(|_| counted()).min().expect("three calls")
}

fn lattice(extents: &[usize], lanes: LaneMeaning) -> Arc<Lattice> {
    Lattice::new(extents, LatticeOptions { threads: 2, lanes, ..LatticeOptions::default() }).unwrap()
}

#[test]
fn time_is_spent_without_asking_for_memory() {
    assert_eq!(requests(|| drop(std::hint::black_box(vec![0_u8; 100]))), 1, "the test sees requests");
    for extents in [[4; 4], [8; 4]] {
        let lattice = lattice(&extents, LaneMeaning::Sites);
        gauge_kernels(&lattice);
        dirac_kernels::<f64>(&lattice);
        dirac_kernels::<f32>(&lattice);
        iterations(&lattice);
        trajectories(&lattice);
        residual_layers(&lattice);
    }
    residual_layers(&self::lattice(&[4; 4], LaneMeaning::Batch { chains: 8 }));
    for extents in [[8; 2], [16; 2]] {
        coupling_layers(&lattice(&extents, LaneMeaning::Batch { chains: 8 }));
    }
}

fn gauge_kernels(lattice: &Arc<Lattice>) {
    let mut u = GaugeField::<f64, 3>::random(lattice, 0.3, START).unwrap();
    let mut p = MomentumField::zeroed(lattice).unwrap();
    p.refresh(START);
    let action = WilsonAction::new(6.0);
    assert_eq!(requests(|| action.kick(&u, &mut p, 1e-3)), 0, "force");
    assert_eq!(requests(|| u.drift(&p, 1e-3)), 0, "link update");
    assert_eq!(requests(|| u.reunitarise()), 0, "reunitarisation");
    assert_eq!(requests(|| Overrelaxation.sweep(&mut u).unwrap()), 0, "overrelaxation");
    let mut flow = GradientFlow::wilson(lattice).unwrap();
    assert_eq!(requests(|| flow.step(&mut u, 0.01)), 0, "gradient flow");
    // Sums and averages, one a chain.
    assert!(requests(|| drop(observable::plaquette(&u))) <= 3, "plaquette");
    // Generators, one a direction and chain.
    let heatbath = HeatBath { beta: 6.0 };
    assert!(requests(|| heatbath.sweep(&mut u, START).unwrap()) <= 8, "heat bath");
    // A generator a chain, and a block of numbers a thread.
    assert!(requests(|| p.refresh(START)) <= 4, "momenta");
}

fn dirac_kernels<T: Real>(lattice: &Arc<Lattice>) {
    let u = GaugeField::<T, 3>::random(lattice, 0.3, START).unwrap();
    let d = Wilson::new(&u, 0.1, Boundary::antiperiodic()).unwrap();
    let mut psi = SpinorField::<T, 3>::zeroed(lattice).unwrap();
    psi.set_gaussian(START);
    let (mut out, mut between) = (d.vector().unwrap(), d.vector().unwrap());
    assert_eq!(requests(|| d.hop(&mut out, &psi)), 0, "hop");
    assert_eq!(requests(|| d.apply(&mut out, &psi)), 0, "Wilson operator");
    let schur = Schur::odd(&d).unwrap();
    let normal = || {
        schur.apply(&mut between, &psi);
        schur.apply_dagger(&mut out, &between);
    };
    assert_eq!(requests(normal), 0, "even-odd form");
}

/// A solve of many iterations asks for as much as one of few.
fn iterations(lattice: &Arc<Lattice>) {
    let u = GaugeField::<f64, 3>::random(lattice, 0.3, START).unwrap();
    let d = Wilson::new(&u, 0.1, Boundary::antiperiodic()).unwrap();
    let mut psi = SpinorField::<f64, 3>::zeroed(lattice).unwrap();
    psi.set_gaussian(START);
    let schur = Schur::odd(&d).unwrap();
    let (mut x, mut cg) = (schur.vector().unwrap(), ConjugateGradient::new(&schur).unwrap());
    let [few, many] = [5, 50].map(|iterations| {
        let stop = Stopping { tolerance: 0.0, iterations, patience: iterations };
        requests(|| {
            x.as_mut_slice().fill(0.0);
            // None of them is meant to converge.
            drop(cg.solve(&schur, &mut x, &psi, &stop));
        })
    });
    assert_eq!(few, many, "iterations of conjugate gradients");
    assert!(few <= 24, "{few} for a solve");
}

/// A trajectory of many steps asks for as much as one of few.
fn trajectories(lattice: &Arc<Lattice>) {
    let mut u = GaugeField::<f64, 3>::random(lattice, 0.3, START).unwrap();
    let action = WilsonAction::new(6.0);
    let [few, many] = [2, 20].map(|steps| {
        let trajectory = Trajectory { integrator: Integrator::Omelyan, steps, length: 0.1 };
        let mut hmc = Hmc::new(lattice, trajectory).unwrap();
        let mut address = START;
        requests(|| {
            address.trajectory += 1;
            hmc.update(&mut u, &action, address);
        })
    });
    assert_eq!(few, many, "steps of a trajectory");
    assert!(few <= 32, "{few} for a trajectory");
}

fn residual_layers(lattice: &Arc<Lattice>) {
    let layers = Residual::<f64, 3>::stack(lattice, Coefficients::Plain, Sharing::One, 8).unwrap();
    let mut flow = Flow::new(layers, vec![0.1; 8]).unwrap();
    check_flow(&mut flow, lattice, "residual layers");
}

fn coupling_layers(lattice: &Arc<Lattice>) {
    let settings = CouplingSettings::mixture(2);
    let layers = U1Coupling::<f64>::stack(lattice, 8, settings).unwrap();
    let mut flow = Flow::new(layers, U1Coupling::<f64>::initial_parameters(8, &settings, 1)).unwrap();
    check_flow(&mut flow, lattice, "coupling layers");
}

fn check_flow<const N: usize>(flow: &mut Flow<f64, N>, lattice: &Arc<Lattice>, what: &str) {
    let mut u = GaugeField::random(lattice, 0.3, START).unwrap();
    let mut force = MomentumField::zeroed(lattice).unwrap();
    force.refresh(START);
    let mut log_det = vec![0.0; lattice.chains()];
    assert_eq!(requests(|| flow.forward(&mut u, &mut log_det)), 0, "{what}, forward");
    // The log det and its weight, one a chain.
    assert_eq!(requests(|| flow.pullback(&mut u, &mut force)), 2, "{what}, pullback");
}
