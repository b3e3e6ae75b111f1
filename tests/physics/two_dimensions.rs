//! HMC and heat bath in two dimensions against the exact results.
//!
//! Plaquettes within 3σ, σ ≤ 5e-4; squared charges within 3σ, σ ≤ 2 %.

use crate::chain::{Algorithm, Run};
use crate::exact::{Su, U1};
use crate::table::Result;
use gaugelink_physics::observable::{geometric_charge, plaquette};

const PRECISION: f64 = 5e-4;

fn run(length: usize, beta: f64, algorithm: Algorithm, count: u64) -> Run {
    Run { extents: vec![length; 2], beta, algorithm, chains: 8, warm: 200, count, seed: 41 }
}

fn check_u1(run: Run) {
    let samples = run.samples::<1, 2>(|u| {
        let squares = geometric_charge(u).unwrap().into_iter().map(|q| (q * q) as f64);
        [plaquette(u), squares.collect()]
    });
    let exact = U1::new(run.beta, run.extents.iter().product());
    Result::new::<1>(&run, &samples, 0, "plaquette").agrees(exact.plaquette, 8, 0.0, PRECISION);
    let charge = exact.charge_squared;
    Result::new::<1>(&run, &samples, 1, "Q²").agrees(charge, 6, 0.0, 0.02 * charge);
}

fn check_su<const N: usize>(run: Run) {
    let samples = run.samples::<N, 1>(|u| [plaquette(u)]);
    let exact = Su::new::<N>(run.beta, run.extents.iter().product());
    Result::new::<N>(&run, &samples, 0, "plaquette").agrees(exact.plaquette, 8, 0.0, PRECISION);
}

#[test]
fn u1_by_hmc() {
    check_u1(run(8, 1.0, Algorithm::leapfrog(6), 12000));
    check_u1(run(8, 2.0, Algorithm::leapfrog(8), 12000));
    check_u1(run(16, 2.0, Algorithm::omelyan(5), 6000));
    check_u1(run(16, 3.0, Algorithm::omelyan(6), 12000));
}

#[test]
fn u1_by_heat_bath() {
    for overrelaxed in [0, 1] {
        check_u1(run(8, 1.0, Algorithm::HeatBath { overrelaxed }, 10000));
        check_u1(run(8, 2.0, Algorithm::HeatBath { overrelaxed }, 10000));
    }
    check_u1(run(16, 2.0, Algorithm::HeatBath { overrelaxed: 1 }, 5000));
}

#[test]
fn su2_by_hmc() {
    check_su::<2>(run(8, 1.8, Algorithm::leapfrog(6), 4000));
    check_su::<2>(run(8, 2.0, Algorithm::omelyan(3), 4000));
    check_su::<2>(run(16, 2.2, Algorithm::leapfrog(8), 1500));
    check_su::<2>(run(16, 2.7, Algorithm::omelyan(4), 1500));
}

#[test]
fn su2_by_heat_bath() {
    check_su::<2>(run(8, 1.8, Algorithm::HeatBath { overrelaxed: 0 }, 4000));
    check_su::<2>(run(8, 2.0, Algorithm::HeatBath { overrelaxed: 1 }, 3000));
    check_su::<2>(run(16, 2.2, Algorithm::HeatBath { overrelaxed: 0 }, 1000));
    check_su::<2>(run(16, 2.7, Algorithm::HeatBath { overrelaxed: 1 }, 1000));
}

#[test]
fn su3_by_hmc() {
    check_su::<3>(run(8, 4.0, Algorithm::leapfrog(8), 2500));
    check_su::<3>(run(8, 5.0, Algorithm::omelyan(3), 2500));
    check_su::<3>(run(16, 6.0, Algorithm::omelyan(4), 800));
}

#[test]
fn su3_by_heat_bath() {
    check_su::<3>(run(8, 4.0, Algorithm::HeatBath { overrelaxed: 0 }, 2000));
    check_su::<3>(run(8, 5.0, Algorithm::HeatBath { overrelaxed: 1 }, 2000));
    check_su::<3>(run(16, 6.0, Algorithm::HeatBath { overrelaxed: 1 }, 600));
}
