//! Trainings: gradients, bits, restarts, and that they learn.

use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Complex, GaugeField, LaneMeaning, Lattice, LatticeOptions, Real};
use gaugelink_models::layers::{CouplingSettings, U1Coupling};
use gaugelink_models::{Flow, ModelError};
use gaugelink_physics::dirac::{Boundary, Quark, QuarkMatrix};
use gaugelink_physics::update::HeatBath;
use gaugelink_train::{
    Data, Divergence, Estimator, Plan, Progress, Schedule, Telemetry, TrainError, Trainer, adam, exact,
};
use std::ops::ControlFlow;
use std::sync::Arc;

const LAYERS: usize = 8;
const EXTENTS: [usize; 2] = [4, 4];

fn place<T: Real>(lattice: &Arc<Lattice>) -> Result<Flow<T, 1>, ModelError> {
    Flow::new(U1Coupling::stack(lattice, LAYERS, CouplingSettings::mixture(2))?, start())
}

fn start() -> Vec<f64> {
    U1Coupling::<f64>::initial_parameters(LAYERS, &CouplingSettings::mixture(2), 2)
}

fn plan(beta: f64, steps: u64) -> Plan {
    Plan {
        seed: 4,
        steps,
        batch: 64,
        rate: 2e-3,
        schedule: Schedule::Cosine,
        adam: adam::Settings { norm_max: Some(10.0), ..adam::Settings::default() },
        estimator: Estimator::Reparametrised,
        beta_from: None,
        report_every: 50,
        samples: 4096,
        floor: Some(-exact::U1 { beta, volume: 16 }.ln_z()),
        identity: "a flow of eight layers".into(),
    }
}

fn trainer(threads: usize, plan: Plan) -> Trainer<f32, 1> {
    Trainer::new(plan, Divergence::new(&EXTENTS, 1.5, threads, &place).unwrap(), start()).unwrap()
}

fn steps(trainer: &mut Trainer<f32, 1>, count: usize) -> Vec<f64> {
    (0..count).map(|_| trainer.step().unwrap()).collect()
}

/// Two flavours with antiperiodic boundaries in time.
fn quark() -> Quark {
    let boundary = Boundary::periodic().with(1, Complex::new(-1.0, 0.0));
    Quark { mass: 0.1, csw: 0.0, boundary, matrix: QuarkMatrix::EvenOdd }
}

#[test]
fn the_gradient_is_that_of_the_loss() {
    check_gradient(Divergence::new(&EXTENTS, 1.5, 1, &place).unwrap());
}

#[test]
fn the_gradient_with_quarks_is_that_of_the_loss() {
    check_gradient(Divergence::new(&EXTENTS, 1.5, 1, &place).unwrap().with_quarks(quark()).unwrap());
}

/// Configurations of links from heat bath, `sweeps` from each lane of a batch, in precision `T`.
fn data<T: Real>(beta: f64, sweeps: u64) -> Data<T> {
    let lattice = |chains| {
        let lanes = LaneMeaning::Batch { chains };
        Lattice::new(&EXTENTS, LatticeOptions { lanes, threads: 1, ..LatticeOptions::default() }).unwrap()
    };
    let mut u = GaugeField::<f64, 1>::cold(&lattice(f64::LANES)).unwrap();
    let mut one = GaugeField::<T, 1>::cold(&lattice(T::LANES)).unwrap();
    let mut data = Data::new();
    for sweep in 0..sweeps + 20 {
        HeatBath { beta }.sweep(&mut u, Address::new(3, Purpose::HeatBath).trajectory(sweep)).unwrap();
        for chain in (0..f64::LANES).filter(|_| sweep >= 20) {
            for block in 0..u.layout().blocks() {
                let place = one.layout().locate(&u.layout().site(block, 0)).0;
                for component in 0..u.reals() {
                    let x = T::from_f64(u.get(block, component, chain));
                    one.set(place, component, 0, x);
                }
            }
            data.add(&one, 0).unwrap();
        }
    }
    data
}

/// −d⟨ln q⟩/ds, by differences of fourth order, over the same configurations.
#[test]
fn the_gradient_of_the_forward_divergence_is_that_of_the_loss() {
    let mut loss = Divergence::<f64, 1>::new(&EXTENTS, 1.5, 1, &place).unwrap();
    let (data, address) = (data(1.5, 8), Address::new(6, Purpose::Training));
    assert_eq!(data.len(), 64);
    let (mut gradient, mut room) = (vec![0.0; start().len()], vec![0.0; start().len()]);
    loss.fit_with_gradient(&data, address, 32, &mut gradient).unwrap();
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    // Along the gradient, and with signs flipped by a pattern.
    for pattern in 1..4usize {
        let sign = |i: usize| if i.is_multiple_of(pattern) { 1.0 } else { -1.0 };
        let direction: Vec<f64> = gradient.iter().enumerate().map(|(i, g)| sign(i) * g / norm).collect();
        let expected: f64 = direction.iter().zip(&gradient).map(|(d, g)| d * g).sum();
        let mut at = |s: f64| {
            let moved: Vec<f64> = start().iter().zip(&direction).map(|(p, d)| p + s * d).collect();
            loss.set_parameters(&moved).unwrap();
            loss.fit_with_gradient(&data, address, 32, &mut room).unwrap().mean()
        };
        let h = 1e-7;
        let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
        assert!((slope - expected).abs() < 1e-6 * norm, "pattern {pattern}: {slope} instead of {expected}");
    }
}

/// From data alone, and from both divergences.
#[test]
fn a_flow_learns_from_configurations() {
    let data = data::<f32>(1.5, 64);
    for forward in [1.0, 0.5] {
        let mut trainer = trainer(2, plan(1.5, 60)).with_data(data.clone(), forward).unwrap();
        let before = trainer.evaluate().unwrap();
        let first = steps(&mut trainer, 60);
        let after = trainer.evaluate().unwrap();
        assert!(after.divergence < 0.5 * before.divergence, "{forward}: {before:?} {after:?}");
        assert!(after.sample_size > before.sample_size + 0.1, "{forward}: {before:?} {after:?}");
        // The same bits on one thread.
        let mut alone = self::trainer(1, plan(1.5, 60)).with_data(data.clone(), forward).unwrap();
        assert_eq!(steps(&mut alone, 5), first[..5]);
    }
    let none = trainer(1, plan(1.5, 1)).with_data(Data::new(), 0.5).err().unwrap().to_string();
    assert!(none.contains("at least one"), "{none}");
}

/// d(mean loss)/ds along the gradient, by differences of fourth order at fixed random numbers.
fn check_gradient(mut loss: Divergence<f64, 1>) {
    let address = Address::new(6, Purpose::Training);
    let (parameters, mut gradient) = (start(), vec![0.0; start().len()]);
    let draws = loss.draw_with_gradient(Estimator::Reparametrised, address, 32, &mut gradient).unwrap();
    // Determinants are computed in another way where a gradient is asked for.
    for (with, without) in draws.losses.iter().zip(loss.draw(address, 32).unwrap().losses) {
        assert!((with - without).abs() < 1e-10, "with the gradient {with}, without {without}");
    }
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    // Several directions: along the gradient, and the gradient with signs flipped by a fixed pattern.
    for pattern in 1..5u64 {
        let direction: Vec<f64> = gradient
            .iter()
            .enumerate()
            .map(|(i, g)| if pattern > 1 && (i as u64 * 7 % 11).is_multiple_of(pattern) { -g } else { *g })
            .map(|g| g / norm)
            .collect();
        let expected: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
        let mut at = |s: f64| {
            let moved: Vec<f64> = parameters.iter().zip(&direction).map(|(p, d)| p + s * d).collect();
            loss.set_parameters(&moved).unwrap();
            loss.draw(address, 32).unwrap().mean()
        };
        // So small that hardly a kink of LeakyReLU lies in between; rounding is 1e-8 then.
        let h = 1e-7;
        let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
        assert!((slope - expected).abs() < 1e-6 * norm, "pattern {pattern}: {slope} instead of {expected}");
    }
}

#[test]
fn threads_change_no_bit() {
    let (mut one, mut two) = (trainer(1, plan(1.5, 20)), trainer(2, plan(1.5, 20)));
    assert_eq!(steps(&mut one, 5), steps(&mut two, 5));
    assert_eq!(one.parameters(), two.parameters());
    let (a, b) = (one.evaluate().unwrap(), two.evaluate().unwrap());
    assert_eq!((a.loss, a.sample_size), (b.loss, b.sample_size));
}

#[test]
fn a_restart_goes_on_with_the_same_bits() {
    let annealed = Plan { estimator: Estimator::Path, beta_from: Some(0.5), ..plan(1.5, 20) };
    for plan in [plan(1.5, 20), annealed] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.json");
        let mut whole = trainer(1, plan.clone());
        assert!(!whole.resume(&path).unwrap());
        steps(&mut whole, 3);
        whole.save(&path).unwrap();
        let rest = steps(&mut whole, 4);
        let mut resumed = trainer(2, plan);
        assert!(resumed.resume(&path).unwrap());
        assert_eq!((resumed.step_number(), steps(&mut resumed, 4)), (3, rest));
        assert_eq!(resumed.parameters(), whole.parameters());
    }
}

/// A checkpoint is good for the training that wrote it, whatever else takes as many parameters.
#[test]
fn a_checkpoint_of_another_training_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.json");
    let plan = || plan(1.5, 20);
    trainer(1, plan()).save(&path).unwrap();
    let on = |extents: &[usize], beta: f64, plan: Plan| {
        let loss = Divergence::<f32, 1>::new(extents, beta, 1, &place).unwrap();
        Trainer::new(plan, loss, start()).unwrap().resume(&path).map_err(|error| error.to_string())
    };
    assert_eq!(on(&EXTENTS, 1.5, plan()), Ok(true));
    for other in [
        on(&EXTENTS, 1.5, Plan { rate: 1e-3, ..plan() }),
        on(&EXTENTS, 1.5, Plan { identity: "a flow of other layers".into(), ..plan() }),
        on(&EXTENTS, 1.5, Plan { estimator: Estimator::Path, ..plan() }),
        on(&EXTENTS, 1.5, Plan { beta_from: Some(1.0), ..plan() }),
        on(&EXTENTS, 1.6, plan()),
        on(&[4, 8], 1.5, plan()),
        on(&[8, 4], 1.5, plan()),
    ] {
        assert!(other.as_ref().is_err_and(|error| error.contains("other settings")), "{other:?}");
    }
}

/// Stopped after the very step at which an evaluation is due: what the two parts told is what the whole tells.
#[test]
fn a_stop_at_an_evaluation_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.json");
    let plan = || Plan { report_every: 5, ..plan(1.5, 12) };
    let run = |trainer: &mut Trainer<f32, 1>, stop: u64, told: &mut Vec<Telemetry>| {
        let done = trainer.run(|trainer, progress| -> Result<_, TrainError> {
            match progress {
                Progress::Report(telemetry) => told.push(Telemetry { seconds: 0.0, ..*telemetry }),
                Progress::Step { step, .. } if step == stop => {
                    trainer.save(&path)?;
                    return Ok(ControlFlow::Break(()));
                }
                Progress::Step { .. } => {}
            }
            Ok(ControlFlow::Continue(()))
        });
        done.unwrap()
    };
    let (mut whole, mut parts) = (Vec::new(), Vec::new());
    assert!(run(&mut trainer(1, plan()), 0, &mut whole));
    assert!(!run(&mut trainer(1, plan()), 5, &mut parts));
    let mut resumed = trainer(1, plan());
    assert!(resumed.resume(&path).unwrap() && resumed.step_number() == 5);
    assert!(run(&mut resumed, 0, &mut parts));
    assert_eq!(whole.iter().map(|t| t.step).collect::<Vec<_>>(), [5, 10, 12]);
    assert_eq!(parts, whole);
}

/// 300 small steps on 4×4 at β = 1.5 beat the proposal that needs no training, I_0(β)²/I_0(2β), and the divergence is
/// positive and falls.
#[test]
fn a_short_training_brings_the_divergence_down() {
    let mut trainer = trainer(0, plan(1.5, 300));
    let untrained = trainer.evaluate().unwrap();
    println!("untrained: {untrained:?}");
    let mut reports: Vec<Telemetry> = Vec::new();
    let done = trainer.run(|_, progress| -> Result<_, TrainError> {
        if let Progress::Report(telemetry) = progress {
            reports.push(*telemetry);
        }
        Ok(ControlFlow::Continue(()))
    });
    assert!(done.unwrap() && reports.len() == 6 && reports[5].step == 300);
    assert!(reports.iter().all(|r| r.divergence > 0.0), "{reports:?}");
    assert!(reports[5].divergence < 0.5 * untrained.divergence, "{untrained:?} {reports:?}");
    assert!(reports[5].sample_size > 2.0 * untrained.sample_size, "{untrained:?} {reports:?}");
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let refused = |plan: Plan| {
        let loss = Divergence::<f32, 1>::new(&EXTENTS, 1.5, 1, &place).unwrap();
        Trainer::new(plan, loss, start()).err().unwrap().to_string()
    };
    assert!(refused(Plan { batch: 20, ..plan(1.5, 1) }).contains("multiple of 16"));
    assert!(refused(Plan { report_every: 0, ..plan(1.5, 1) }).contains("above 0"));
    assert!(refused(Plan { rate: f64::NAN, ..plan(1.5, 1) }).contains("above 0"));
}

/// A flow that turns every active plaquette by an angle that its net makes of the others, and stretches none: it leaves
/// Haar measure alone, which is the weight at β = 0. Every configuration's path gradient vanishes then; total derivatives
/// do not.
#[test]
fn path_gradients_vanish_where_the_flow_is_perfect() {
    let turning = |lattice: &Arc<Lattice>| {
        let mut parameters = start();
        for layer in parameters.chunks_exact_mut(955) {
            // Weights and offsets of the two outputs that stretch; the third one turns.
            layer[736..880].fill(0.0);
            layer[952..954].fill(0.0);
        }
        Flow::<f64, 1>::new(U1Coupling::stack(lattice, LAYERS, CouplingSettings::mixture(2))?, parameters)
    };
    let mut loss = Divergence::new(&EXTENTS, 0.0, 1, &turning).unwrap();
    let mut norm = |estimator| {
        let mut gradient = vec![0.0; loss.parameters()];
        let draws = loss
            .draw_with_gradient(estimator, Address::new(6, Purpose::Training), 32, &mut gradient)
            .unwrap();
        assert!(draws.losses.iter().all(|loss| loss.abs() < 1e-12));
        gradient.iter().map(|g| g * g).sum::<f64>().sqrt()
    };
    let (path, total) = (norm(Estimator::Path), norm(Estimator::Reparametrised));
    assert!(path < 1e-13 && total > 1e-2, "{path:e} {total:e}");
    // Losses that are all alike tell the score nothing.
    assert!(norm(Estimator::Score) < 1e-10);
}

/// Sixteen configurations at a time in single precision, eight in double: the same losses and gradients, to single precision.
#[test]
fn quarks_weigh_alike_in_both_precisions() {
    fn drawn<T: Real>(estimator: Estimator) -> (Vec<f64>, Vec<f64>) {
        let mut loss =
            Divergence::<T, 1>::new(&EXTENTS, 1.5, 1, &place).unwrap().with_quarks(quark()).unwrap();
        let mut gradient = vec![0.0; loss.parameters()];
        let address = Address::new(9, Purpose::Training);
        let draws = loss.draw_with_gradient(estimator, address, 32, &mut gradient).unwrap();
        (draws.losses, gradient)
    }
    let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    for estimator in [Estimator::Reparametrised, Estimator::Path] {
        let (single, double) = (drawn::<f32>(estimator), drawn::<f64>(estimator));
        assert!(distance(&single.0, &double.0) < 1e-2, "{:?} {:?}", single.0, double.0);
        let off = distance(&single.1, &double.1) / distance(&double.1, &vec![0.0; double.1.len()]);
        println!("{estimator:?}: gradients off by {off:e}");
        assert!(off < 1e-3, "{estimator:?}: gradients off by {off:e}");
    }
}

/// Means of two estimators along fixed directions agree within the error of their paired difference, which is so small a part of
/// the mean along the first.
fn check_means(mut loss: Divergence<f64, 1>, [one, other]: [Estimator; 2], batches: u64, precision: f64) {
    let mut gradient = |estimator, trajectory| {
        let mut gradient = vec![0.0; loss.parameters()];
        let address = Address::new(8, Purpose::Training).trajectory(trajectory);
        loss.draw_with_gradient(estimator, address, 64, &mut gradient).unwrap();
        gradient
    };
    let first = gradient(Estimator::Path, 1000);
    let directions: Vec<Vec<f64>> = (0..4usize)
        .map(|k| {
            first.iter().enumerate().map(|(i, g)| if k > 0 && i % (k + 1) == 0 { -g } else { *g }).collect()
        })
        .collect();
    let along = |gradient: &[f64]| -> Vec<f64> {
        directions.iter().map(|d| d.iter().zip(gradient).map(|(d, g)| d * g).sum()).collect()
    };
    let pairs: Vec<(Vec<f64>, Vec<f64>)> =
        (0..batches).map(|b| (along(&gradient(one, b)), along(&gradient(other, b)))).collect();
    for k in 0..directions.len() {
        let n = batches as f64;
        let mean = pairs.iter().map(|(p, _)| p[k]).sum::<f64>() / n;
        let off = pairs.iter().map(|(p, r)| p[k] - r[k]).sum::<f64>() / n;
        let variance = pairs.iter().map(|(p, r)| (p[k] - r[k] - off).powi(2)).sum::<f64>() / (n - 1.0);
        let error = (variance / n).sqrt();
        println!("direction {k}: {mean}, differ by {off} ± {error}");
        assert!(off.abs() < 4.0 * error, "direction {k}: {mean}, differ by {off} ± {error}");
        assert!(k > 0 || error < precision * mean.abs(), "the error {error} of {mean} tells nothing");
    }
}

#[test]
fn path_gradients_have_the_mean_of_total_ones() {
    let loss = Divergence::new(&EXTENTS, 1.5, 1, &place).unwrap();
    check_means(loss, [Estimator::Path, Estimator::Reparametrised], 40, 0.05);
}

#[test]
fn the_score_has_the_mean_of_path_gradients() {
    let loss = || Divergence::new(&EXTENTS, 1.5, 1, &place).unwrap();
    let estimators = [Estimator::Path, Estimator::Score];
    check_means(loss(), estimators, 200, 0.1);
    check_means(loss().with_quarks(quark()).unwrap(), estimators, 200, 0.1);
}

/// β goes from that of the first step to the loss's over the first half; evaluations are at the latter throughout.
#[test]
fn steps_are_taken_at_their_own_beta() {
    let mut trainer = trainer(1, Plan { beta_from: Some(0.5), ..plan(1.5, 8) });
    for expected in [0.5, 0.75, 1.0, 1.25, 1.5, 1.5] {
        let at = |beta: f64, sample: u64, count: usize| {
            let mut loss = Divergence::<f32, 1>::new(&EXTENTS, beta, 1, &place).unwrap();
            loss.set_parameters(trainer.parameters()).unwrap();
            let address = Address::new(4, Purpose::Training).sample(sample).trajectory(trainer.step_number());
            loss.draw(address, count).unwrap().mean()
        };
        let (step, evaluation) = (at(expected, 0, 64), at(1.5, 1, 4096));
        assert_eq!(trainer.evaluate().unwrap().loss, evaluation, "β = {expected}");
        assert_eq!(trainer.step().unwrap(), step, "β = {expected}");
    }
}
