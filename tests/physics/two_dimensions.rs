//! HMC and heat bath in two dimensions against the exact results.
//!
//! By default plaquettes within 3σ, σ ≤ 5e-4, and squared charges within 3σ, σ ≤ 2 %; the long form has 10 times the
//! updates and half these σ. Each run has a seed of its own: runs that share random numbers err together.

use crate::chain::{Algorithm, Run};
use crate::exact::{Su, U1};
use crate::table::Result;
use gaugelink_physics::observable::{geometric_charge, plaquette};

/// The theories' runs: (L, β, algorithm, updates).
type Case = (usize, f64, Algorithm, u64);

const fn heat_bath(overrelaxed: usize) -> Algorithm {
    Algorithm::HeatBath { overrelaxed }
}

const U1_HMC: [Case; 4] = [
    (8, 1.0, Algorithm::leapfrog(6), 8000),
    (8, 2.0, Algorithm::leapfrog(8), 8000),
    (16, 2.0, Algorithm::omelyan(4, 1.0), 3000),
    (16, 3.0, Algorithm::omelyan(5, 1.0), 8000),
];
const U1_HEAT_BATH: [Case; 4] = [
    (8, 1.0, heat_bath(0), 5000),
    (8, 2.0, heat_bath(0), 5000),
    (8, 2.0, heat_bath(1), 5000),
    (16, 3.0, heat_bath(1), 4000),
];
const SU2_HMC: [Case; 4] = [
    (8, 1.8, Algorithm::leapfrog(6), 3000),
    (8, 2.0, Algorithm::omelyan(3, 1.0), 3000),
    (16, 2.2, Algorithm::leapfrog(8), 800),
    (16, 2.7, Algorithm::omelyan(4, 1.0), 800),
];
const SU2_HEAT_BATH: [Case; 4] = [
    (8, 1.8, heat_bath(0), 2500),
    (8, 2.0, heat_bath(1), 2500),
    (16, 2.2, heat_bath(0), 700),
    (16, 2.7, heat_bath(1), 700),
];
const SU3_HMC: [Case; 3] = [
    (8, 4.0, Algorithm::leapfrog(8), 2000),
    (8, 5.0, Algorithm::omelyan(3, 1.0), 2000),
    (16, 6.0, Algorithm::omelyan(4, 1.0), 600),
];
const SU3_HEAT_BATH: [Case; 3] =
    [(8, 4.0, heat_bath(0), 1500), (8, 5.0, heat_bath(1), 1500), (16, 6.0, heat_bath(1), 500)];

/// Updates and σ of a form of the tests.
#[derive(Clone, Copy)]
struct Form {
    updates: u64,
    sigma: f64,
}

const SHORT: Form = Form { updates: 1, sigma: 1.0 };
const LONG: Form = Form { updates: 10, sigma: 0.5 };

fn check(cases: &[Case], form: Form, seed: u64, one: impl Fn(Run)) {
    for (i, &(length, beta, algorithm, count)) in cases.iter().enumerate() {
        let seed = seed + i as u64 + 1000 * form.updates;
        let (extents, count) = (vec![length; 2], count * form.updates);
        one(Run { extents, beta, algorithm, chains: 8, warm: 200, count, seed });
    }
}

fn u1(cases: &[Case], form: Form, seed: u64) {
    check(cases, form, seed, |run| {
        let samples = run.samples::<1, 2>(|u| {
            let squares = geometric_charge(u).unwrap().into_iter().map(|q| (q * q) as f64);
            [plaquette(u), squares.collect()]
        });
        let exact = U1::new(run.beta, run.extents.iter().product());
        let result = |k: usize, name: &str| Result::new::<1>(&run, &samples, k, name);
        result(0, "plaquette").agrees(exact.plaquette, 8, 0.0, 5e-4 * form.sigma);
        result(1, "Q²").agrees(exact.charge_squared, 6, 0.0, 0.02 * exact.charge_squared * form.sigma);
    });
}

fn su<const N: usize>(cases: &[Case], form: Form, seed: u64) {
    check(cases, form, seed, |run| {
        let samples = run.samples::<N, 1>(|u| [plaquette(u)]);
        let exact = Su::new::<N>(run.beta, run.extents.iter().product());
        let result = Result::new::<N>(&run, &samples, 0, "plaquette");
        result.agrees(exact.plaquette, 8, 0.0, 5e-4 * form.sigma);
    });
}

#[test]
fn u1_by_hmc() {
    u1(&U1_HMC, SHORT, 110);
}

#[test]
fn u1_by_heat_bath() {
    u1(&U1_HEAT_BATH, SHORT, 120);
}

#[test]
fn su2_by_hmc() {
    su::<2>(&SU2_HMC, SHORT, 210);
}

#[test]
fn su2_by_heat_bath() {
    su::<2>(&SU2_HEAT_BATH, SHORT, 220);
}

#[test]
fn su3_by_hmc() {
    su::<3>(&SU3_HMC, SHORT, 310);
}

#[test]
fn su3_by_heat_bath() {
    su::<3>(&SU3_HEAT_BATH, SHORT, 320);
}

#[test]
#[ignore = "long: tests/run --full"]
fn long_u1_by_hmc() {
    u1(&U1_HMC, LONG, 110);
}

#[test]
#[ignore = "long: tests/run --full"]
fn long_u1_by_heat_bath() {
    u1(&U1_HEAT_BATH, LONG, 120);
}

#[test]
#[ignore = "long: tests/run --full"]
fn long_su2() {
    su::<2>(&SU2_HMC, LONG, 210);
    su::<2>(&SU2_HEAT_BATH, LONG, 220);
}

#[test]
#[ignore = "long: tests/run --full"]
fn long_su3() {
    su::<3>(&SU3_HMC, LONG, 310);
    su::<3>(&SU3_HEAT_BATH, LONG, 320);
}
