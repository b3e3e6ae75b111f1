//! A step of a training, and draws, of the published architecture for U(1) in two dimensions (Albergo et al.,
//! arXiv:2101.08176): 16 coupling layers with mixtures of two, convolutions of 2, 8, 8 and 3 channels, 15 280 parameters.

use super::stage::{Session, Stage, Work};
use super::{Precision, peers};
use crate::error::DriverError;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Lattice, Real};
use gaugelink_models::Flow;
use gaugelink_models::layers::{CouplingSettings, U1Coupling};
use gaugelink_train::{Estimator, Plan, ReverseKl, Schedule, TrainError, Trainer, adam};
use std::sync::Arc;
use std::time::Instant;

const LAYERS: usize = 16;
const COMPONENTS: usize = 2;
const BETA: f64 = 2.0;

/// Configurations of a step.
const STEPS: [(&str, usize); 2] = [("train step 64", 64), ("train step 1024", 1024)];
/// Configurations of a sample.
const DRAWS: (&str, usize) = ("train draws 1024", 1024);

/// Times steps of Adam on the reverse Kullback–Leibler divergence, and draws with their weights.
pub(super) fn run<T: Real>(
    stage: &Stage<'_>,
    precision: Precision,
    session: &mut Session<'_>,
) -> Result<(), DriverError> {
    let geometry = stage.lattice.geometry();
    let (extents, threads) = (&geometry.extents()[..geometry.dims()], stage.lattice.pool().threads());
    for (name, batch) in STEPS {
        let stage = Stage { name, lattice: stage.lattice };
        let mut trainer = trainer::<T>(extents, threads, batch)?;
        let seconds = session.timed(&stage, precision, Work::default(), &mut || {
            let clock = Instant::now();
            trainer.step()?;
            Ok(clock.elapsed().as_secs_f64())
        })?;
        tell(&stage, precision, (batch, seconds), session)?;
    }
    let (name, count) = DRAWS;
    let stage = Stage { name, lattice: stage.lattice };
    let (mut loss, mut number) = (loss::<T>(extents, threads)?, 0);
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

fn loss<T: Real>(extents: &[usize], threads: usize) -> Result<ReverseKl<T, 1>, TrainError> {
    let place = |lattice: &Arc<Lattice>| {
        let layers = U1Coupling::stack(lattice, LAYERS, CouplingSettings::mixture(COMPONENTS))?;
        Flow::new(layers, first_parameters::<T>())
    };
    ReverseKl::new(extents, BETA, threads, &place)
}

fn first_parameters<T: Real>() -> Vec<f64> {
    U1Coupling::<T>::initial_parameters(LAYERS, &CouplingSettings::mixture(COMPONENTS), 1)
}

fn trainer<T: Real>(extents: &[usize], threads: usize, batch: usize) -> Result<Trainer<T, 1>, TrainError> {
    let plan = Plan {
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
    };
    Trainer::new(plan, loss::<T>(extents, threads)?, first_parameters::<T>())
}
