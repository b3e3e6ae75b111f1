//! Spectral flows learn by the reverse Kullback–Leibler divergence.

use gaugelink_lattice::{Lattice, Real};
use gaugelink_models::layers::{Spectral, SpectralSettings};
use gaugelink_models::{Flow, ModelError};
use gaugelink_train::{Divergence, Estimator, Plan, Schedule, Trainer, adam, exact};
use std::sync::Arc;

const LAYERS: usize = 8;
const SETTINGS: SpectralSettings = SpectralSettings { bins: 4, hidden: 8 };

fn start<const N: usize>() -> Vec<f64> {
    Spectral::<f64, N>::initial_parameters(LAYERS, &SETTINGS, 2)
}

fn place<T: Real, const N: usize>(lattice: &Arc<Lattice>) -> Result<Flow<T, N>, ModelError> {
    Flow::new(Spectral::stack(lattice, LAYERS, SETTINGS)?, start::<N>())
}

/// The divergence before and after `steps` steps on 4×4.
fn divergences<const N: usize>(beta: f64, steps: u64, estimator: Estimator) -> (f64, f64) {
    let floor = -exact::Sun { n: N, beta, volume: 16 }.ln_z();
    let plan = Plan {
        seed: 4,
        steps,
        batch: 64,
        rate: 1e-2,
        schedule: Schedule::Cosine,
        adam: adam::Settings { norm_max: Some(10.0), ..adam::Settings::default() },
        estimator,
        beta_from: None,
        report_every: steps,
        samples: 1024,
        floor: Some(floor),
        identity: "a flow of eight spectral layers".into(),
    };
    let loss = Divergence::<f32, N>::new(&[4, 4], beta, 0, &place::<f32, N>).unwrap();
    let mut trainer = Trainer::new(plan, loss, start::<N>()).unwrap();
    let before = trainer.evaluate().unwrap();
    for _ in 0..steps {
        trainer.step().unwrap();
    }
    let after = trainer.evaluate().unwrap();
    println!("SU({N}) at {beta}, {estimator:?}: {before:?} {after:?}");
    (before.divergence, after.divergence)
}

#[test]
fn a_few_dozen_steps_bring_the_divergence_down_in_su2() {
    for estimator in [Estimator::Reparametrised, Estimator::Path] {
        let (before, after) = divergences::<2>(1.8, 48, estimator);
        assert!(after > 0.0 && after < 0.5 * before, "{estimator:?}: {before} {after}");
    }
}

#[test]
fn a_few_dozen_steps_bring_the_divergence_down_in_su3() {
    let (before, after) = divergences::<3>(4.0, 48, Estimator::Path);
    assert!(after > 0.0 && after < 0.5 * before, "{before} {after}");
}
