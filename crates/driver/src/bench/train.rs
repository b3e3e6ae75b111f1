//! A step of a training, and draws, of the published architectures in two dimensions (Albergo et al., arXiv:2101.08176): for
//! U(1) 16 coupling layers with mixtures of two, convolutions of 2, 8, 8 and 3 channels, 15 280 parameters; for φ⁴ theory 16
//! affine ones, convolutions of 1, 8, 8 and 2 channels, 12 960 parameters.

use super::stage::{Session, Stage, Work};
use super::{Precision, peers};
use crate::error::DriverError;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Lattice, Real};
use gaugelink_models::layers::{AffineCoupling, AffineSettings, CouplingSettings, U1Coupling};
use gaugelink_models::{Flow, FlowOf};
use gaugelink_physics::action::Phi4;
use gaugelink_train::{
    Divergence, DivergenceOf, Estimator, Plan, Schedule, Target, TrainError, TrainerOf, adam,
};
use std::sync::Arc;
use std::time::Instant;

const LAYERS: usize = 16;
const COMPONENTS: usize = 2;
const BETA: f64 = 2.0;
const PHI4: Phi4 = Phi4 { mass2: -4.0, lambda: 8.0 };

/// What is timed of a theory: a name and configurations of each step, and of a sample.
struct Cases {
    steps: [(&'static str, usize); 2],
    draws: (&'static str, usize),
}

const OF_LINKS: Cases =
    Cases { steps: [("train step 64", 64), ("train step 1024", 1024)], draws: ("train draws 1024", 1024) };
const OF_SCALARS: Cases = Cases {
    steps: [("train phi4 step 64", 64), ("train phi4 step 1024", 1024)],
    draws: ("train phi4 draws 1024", 1024),
};

/// Times steps of Adam on the reverse Kullback–Leibler divergence, and draws with their weights.
pub(super) fn run<T: Real>(
    stage: &Stage<'_>,
    precision: Precision,
    session: &mut Session<'_>,
) -> Result<(), DriverError> {
    let geometry = stage.lattice.geometry();
    let (extents, threads) = (&geometry.extents()[..geometry.dims()], stage.lattice.pool().threads());
    let links = || loss::<T>(extents, threads);
    of_theory(&OF_LINKS, links, first_parameters::<T>(), (stage, precision), session)?;
    let scalars = || scalar_loss::<T>(extents, threads);
    of_theory(&OF_SCALARS, scalars, scalar_parameters(), (stage, precision), session)
}

fn of_theory<T: Real, A: Target<T>>(
    cases: &Cases,
    loss: impl Fn() -> Result<DivergenceOf<T, A>, TrainError>,
    first: Vec<f64>,
    (stage, precision): (&Stage<'_>, Precision),
    session: &mut Session<'_>,
) -> Result<(), DriverError> {
    for (name, batch) in cases.steps {
        let stage = Stage { name, lattice: stage.lattice };
        let mut trainer = TrainerOf::new(plan::<T>(batch), loss()?, first.clone())?;
        let seconds = session.timed(&stage, precision, Work::default(), &mut || {
            let clock = Instant::now();
            trainer.step()?;
            Ok(clock.elapsed().as_secs_f64())
        })?;
        tell(&stage, precision, (batch, seconds), session)?;
    }
    let (name, count) = cases.draws;
    let stage = Stage { name, lattice: stage.lattice };
    let (mut loss, mut number) = (loss()?, 0);
    let seconds = session.timed(&stage, precision, Work::default(), &mut || {
        number += 1;
        let clock = Instant::now();
        loss.draw(Address::new(1, Purpose::Training).trajectory(number), count)?;
        Ok(clock.elapsed().as_secs_f64())
    })?;
    tell(&stage, precision, (count, seconds), session)
}

/// From the seconds of a run of so many configurations: those of all threads together, beside what others take on one core, and
/// configurations in a second.
fn tell(
    stage: &Stage<'_>,
    precision: Precision,
    (count, seconds): (usize, f64),
    session: &mut Session<'_>,
) -> Result<(), DriverError> {
    let all = seconds * stage.lattice.pool().threads() as f64;
    let peer = peers::framework(stage.name, &stage.volume(), precision);
    let time = stage.line(precision, "cpu_seconds", all, "s");
    session.tell(peer.into_iter().fold(time, |line, (name, seconds)| line.against_time(name, seconds)))?;
    session.tell(stage.line(precision, "samples_per_second", count as f64 / seconds, "1/s"))
}

fn loss<T: Real>(extents: &[usize], threads: usize) -> Result<Divergence<T, 1>, TrainError> {
    let place = |lattice: &Arc<Lattice>| {
        let layers = U1Coupling::stack(lattice, LAYERS, CouplingSettings::mixture(COMPONENTS))?;
        Flow::new(layers, first_parameters::<T>())
    };
    Divergence::new(extents, BETA, threads, &place)
}

fn first_parameters<T: Real>() -> Vec<f64> {
    U1Coupling::<T>::initial_parameters(LAYERS, &CouplingSettings::mixture(COMPONENTS), 1)
}

fn scalar_loss<T: Real>(extents: &[usize], threads: usize) -> Result<DivergenceOf<T, Phi4>, TrainError> {
    let place = |lattice: &Arc<Lattice>| {
        FlowOf::new(AffineCoupling::stack(lattice, LAYERS, AffineSettings::default())?, scalar_parameters())
    };
    DivergenceOf::towards(|| PHI4, extents, threads, &place)
}

fn scalar_parameters() -> Vec<f64> {
    AffineCoupling::<f64>::initial_parameters(LAYERS, &AffineSettings::default(), 1)
}

fn plan<T: Real>(batch: usize) -> Plan {
    Plan {
        seed: 1,
        steps: u64::MAX,
        batch,
        rate: 1e-3,
        schedule: Schedule::Constant,
        adam: adam::Settings::default(),
        estimator: Estimator::default(),
        beta_from: None,
        report_every: u64::MAX,
        samples: T::LANES,
        floor: None,
        identity: String::new(),
    }
}
