//! SU(3) in four dimensions against published plaquettes.

use crate::chain::{Algorithm, Run};
use crate::table::Result;
use gaugelink_physics::observable::plaquette;
use std::time::Instant;

/// A coupling, the plaquette of large volumes, and how far finite size may move it on a box.
struct Point {
    beta: f64,
    published: f64,
    length: usize,
    shift: f64,
}

/// Updates of a chain and the σ that they must reach.
struct Effort {
    steps: usize,
    trajectories: u64,
    sweeps: u64,
    sigma: f64,
}

/// HMC and heat bath against the published value, and against each other: within 3σ.
fn check(point: &Point, effort: &Effort, seed: u64) {
    let Point { beta, published, length, shift } = *point;
    let measure = |algorithm: Algorithm, count: u64, seed: u64| {
        let start = Instant::now();
        let warm = 20 + length as u64 * 5;
        let run = Run { extents: vec![length; 4], beta, algorithm, chains: 1, warm, count, seed };
        let samples = run.samples::<3, 1>(|u| [plaquette(u)]);
        let result = Result::new::<3>(&run, &samples, 0, "plaquette");
        println!("{algorithm}, {length}^4: {:.1} s", start.elapsed().as_secs_f64());
        result.agrees(published, 5, shift, effort.sigma);
        result.measured()
    };
    let hmc = measure(Algorithm::omelyan(effort.steps, 1.0), effort.trajectories, seed);
    let heat_bath = measure(Algorithm::HeatBath { overrelaxed: 2 }, effort.sweeps, seed + 1);
    let (difference, error) = (hmc.value - heat_bath.value, hmc.error.hypot(heat_bath.error));
    println!("beta {beta}, {length}^4: HMC − heat bath = {:+.2} sigma", difference / error);
    assert!(difference.abs() < 3.0 * error, "beta {beta}: HMC {hmc}, heat bath {heat_bath}");
}

#[test]
#[ignore = "long: tests/run --full"]
fn su3_at_beta_5_7() {
    let point = Point { beta: 5.7, published: 0.5492, length: 8, shift: 1e-3 };
    check(&point, &Effort { steps: 7, trajectories: 900, sweeps: 600, sigma: 1e-3 }, 570);
}

#[test]
fn su3_at_beta_6_0() {
    let point = Point { beta: 6.0, published: 0.59368, length: 8, shift: 1e-3 };
    check(&point, &Effort { steps: 7, trajectories: 400, sweeps: 600, sigma: 5e-4 }, 600);
}

const LONG: Effort = Effort { steps: 10, trajectories: 900, sweeps: 700, sigma: 3e-4 };

#[test]
#[ignore = "long: tests/run --full"]
fn long_su3_at_beta_5_7() {
    check(
        &Point { beta: 5.7, published: 0.5492, length: 12, shift: 1e-4 },
        &Effort { trajectories: 2400, ..LONG },
        1570,
    );
}

#[test]
#[ignore = "long: tests/run --full"]
fn long_su3_at_beta_6_0() {
    check(&Point { beta: 6.0, published: 0.59368, length: 12, shift: 1e-4 }, &LONG, 1600);
}
