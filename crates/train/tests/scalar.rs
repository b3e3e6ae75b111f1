//! Trainings of affine couplings for φ⁴ theory: gradients, bits, restarts, and that they learn what they should.

use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{LaneMeaning, Lattice, LatticeOptions, Real, ScalarField, Scalars};
use gaugelink_models::layers::{AffineCoupling, AffineSettings};
use gaugelink_models::{FlowOf, ModelError};
use gaugelink_physics::action::Phi4;
use gaugelink_physics::observable::scalar_moments;
use gaugelink_sampler::hmc::Trajectory;
use gaugelink_sampler::independence::IndependenceOf;
use gaugelink_sampler::integrator::Integrator;
use gaugelink_sampler::scalar_hmc::ScalarHmc;
use gaugelink_sampler::statistics::{GammaEstimate, GammaMethod, Samples};
use gaugelink_train::{DivergenceOf, Estimator, Plan, Schedule, TrainError, TrainerOf, adam};
use std::sync::Arc;

const LAYERS: usize = 6;
const EXTENTS: [usize; 2] = [4, 4];

fn place<T: Real>(lattice: &Arc<Lattice>) -> Result<FlowOf<T, Scalars>, ModelError> {
    FlowOf::new(AffineCoupling::stack(lattice, LAYERS, AffineSettings::default())?, start())
}

fn start() -> Vec<f64> {
    AffineCoupling::<f64>::initial_parameters(LAYERS, &AffineSettings::default(), 2)
}

fn action() -> Phi4 {
    Phi4::new(-4.0, 8.0).unwrap()
}

fn loss<T: Real>(action: Phi4, threads: usize) -> DivergenceOf<T, Phi4> {
    DivergenceOf::towards(|| action, &EXTENTS, threads, &place).unwrap()
}

fn plan(steps: u64) -> Plan {
    Plan {
        seed: 4,
        steps,
        batch: 64,
        rate: 3e-3,
        schedule: Schedule::Cosine,
        adam: adam::Settings { norm_max: Some(10.0), ..adam::Settings::default() },
        estimator: Estimator::Path,
        beta_from: None,
        report_every: 50,
        samples: 4096,
        floor: None,
        identity: "a flow of six layers".into(),
    }
}

fn trainer(action: Phi4, threads: usize, plan: Plan) -> TrainerOf<f32, Phi4> {
    TrainerOf::new(plan, loss(action, threads), start()).unwrap()
}

/// d(mean loss)/ds along directions, by differences of fourth order at fixed random numbers.
#[test]
fn the_gradient_is_that_of_the_loss() {
    let mut loss = loss::<f64>(action(), 1);
    let address = Address::new(6, Purpose::Training);
    let (parameters, mut gradient) = (start(), vec![0.0; start().len()]);
    loss.draw_with_gradient(Estimator::Reparametrised, address, 32, &mut gradient).unwrap();
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    for pattern in 1..5u64 {
        let sign = |p: usize| if (p as u64 * pattern).is_multiple_of(3) { -1.0 } else { 1.0 };
        let direction: Vec<f64> = gradient.iter().enumerate().map(|(p, g)| sign(p) * g / norm).collect();
        let mut at = |s: f64| {
            let moved: Vec<f64> = parameters.iter().zip(&direction).map(|(p, d)| p + s * d).collect();
            loss.set_parameters(&moved).unwrap();
            loss.draw(address, 32).unwrap().mean()
        };
        // So short that hardly a hidden unit comes to its kink.
        let h = 1e-6;
        let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
        let expected: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
        assert!((slope - expected).abs() < 1e-5 * norm, "{pattern}: slope {slope}, gradient {expected}");
    }
}

/// The estimators have one mean: over many batches they agree within what they scatter.
#[test]
fn estimators_agree_in_the_mean() {
    let mut loss = loss::<f64>(action(), 2);
    loss.set_parameters(&start()).unwrap();
    let batches = 64;
    let mut along = |estimator: Estimator, direction: &[f64]| -> (f64, f64) {
        let slopes: Vec<f64> = (0..batches)
            .map(|batch| {
                let mut gradient = vec![0.0; direction.len()];
                let address = Address::new(8, Purpose::Training).trajectory(batch);
                loss.draw_with_gradient(estimator, address, 64, &mut gradient).unwrap();
                gradient.iter().zip(direction).map(|(g, d)| g * d).sum()
            })
            .collect();
        let mean = slopes.iter().sum::<f64>() / batches as f64;
        let spread = slopes.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / (batches - 1) as f64;
        (mean, (spread / batches as f64).sqrt())
    };
    let count = start().len();
    for pattern in 0..3 {
        let direction: Vec<f64> =
            (0..count).map(|p| (0.7 * p as f64 + pattern as f64).sin() / (count as f64).sqrt()).collect();
        let means = [Estimator::Reparametrised, Estimator::Path, Estimator::Score]
            .map(|estimator| along(estimator, &direction));
        for (one, other) in [(means[0], means[1]), (means[1], means[2])] {
            let off = (one.0 - other.0) / one.1.hypot(other.1);
            assert!(off.abs() < 4.0, "{means:?}: {off} sigma");
        }
    }
}

#[test]
fn threads_and_restarts_change_no_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.json");
    let steps = |trainer: &mut TrainerOf<f32, Phi4>, count: usize| -> Vec<f64> {
        (0..count).map(|_| trainer.step().unwrap()).collect()
    };
    let mut one = trainer(action(), 1, plan(8));
    let all = steps(&mut one, 6);
    let mut two = trainer(action(), 2, plan(8));
    let mut losses = steps(&mut two, 3);
    two.save(&path).unwrap();
    let mut again = trainer(action(), 2, plan(8));
    assert!(again.resume(&path).unwrap() && again.step_number() == 3);
    losses.extend(steps(&mut again, 3));
    assert!(losses == all && again.parameters() == one.parameters());
    // A checkpoint is good for its own theory only.
    let error = trainer(Phi4::new(-4.0, 7.0).unwrap(), 1, plan(8)).resume(&path).unwrap_err().to_string();
    assert!(error.contains("other settings"), "{error}");
    let plan = Plan { beta_from: Some(1.0), ..plan(8) };
    let error = TrainerOf::new(plan, loss::<f32>(action(), 1), start()).err().unwrap();
    assert!(matches!(&error, TrainError::Setting(_)) && error.to_string().contains("beta"), "{error}");
}

/// A free scalar is a Gaussian, which layers without tanh could give exactly: its divergence, whose floor is known, falls to
/// nearly nothing.
#[test]
fn a_free_scalar_is_learned_down_to_its_exact_floor() {
    let action = Phi4::new(1.0, 0.0).unwrap();
    let floor = -action.free(&EXTENTS).unwrap().ln_z;
    let mut trainer = trainer(action, 2, Plan { floor: Some(floor), ..plan(400) });
    let before = trainer.evaluate().unwrap();
    assert!(before.divergence > 1.0, "{before:?}");
    trainer.run(|_, _| Ok::<_, TrainError>(std::ops::ControlFlow::Continue(()))).unwrap();
    let after = trainer.evaluate().unwrap();
    // The divergence is a mean over so many configurations that it scatters by less than that.
    assert!(after.divergence < 0.05 * before.divergence && after.divergence > -0.05, "{after:?}");
    assert!(after.sample_size > 0.8, "{after:?}");
}

fn mean(chains: &[Vec<f64>]) -> GammaEstimate {
    let replica: Vec<&[f64]> = chains.iter().map(Vec::as_slice).collect();
    GammaMethod::default().observable(&Samples::from_replica(&replica).unwrap(), 0).unwrap()
}

/// χ₂ along chains of `updates`, an eighth of them left out.
fn susceptibility(
    lattice: &Arc<Lattice>,
    updates: u64,
    mut update: impl FnMut(&mut ScalarField<f64>, Address),
) -> GammaEstimate {
    let mut phi = ScalarField::zeroed(lattice).unwrap();
    let mut chains = vec![Vec::new(); lattice.chains()];
    for trajectory in 0..updates {
        update(&mut phi, Address::new(5, Purpose::Accept).trajectory(trajectory));
        if trajectory >= updates / 8 {
            let moments = scalar_moments(&phi);
            chains.iter_mut().zip(moments).for_each(|(chain, m)| chain.push(m.susceptibility));
        }
    }
    mean(&chains)
}

#[test]
fn training_improves_the_sample_size_and_the_chain_agrees_with_hmc() {
    // Interacting, and with one maximum of its weight, so that a short training does.
    let action = Phi4::new(1.0, 1.0).unwrap();
    let mut trainer = trainer(action, 2, plan(400));
    let before = trainer.evaluate().unwrap().sample_size;
    trainer.run(|_, _| Ok::<_, TrainError>(std::ops::ControlFlow::Continue(()))).unwrap();
    let after = trainer.evaluate().unwrap().sample_size;
    assert!(before < 0.1 && after > 0.5, "an effective sample size of {before} became {after}");

    let lanes = LaneMeaning::Batch { chains: 8 };
    let lattice = Lattice::new(&EXTENTS, LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap();
    let mut flow = place::<f64>(&lattice).unwrap();
    flow.set_parameters(trainer.parameters().to_vec()).unwrap();
    let mut metropolis = IndependenceOf::new(&lattice, flow).unwrap();
    let weigh = |phi: &ScalarField<f64>| Ok(action.values(phi));
    let of_flow = susceptibility(&lattice, 4000, |phi, address| {
        metropolis.update(phi, &weigh, address).unwrap();
    });
    let trajectory = Trajectory { integrator: Integrator::Omelyan, steps: 10, length: 1.0 };
    let mut hmc = ScalarHmc::new(&lattice, action, trajectory).unwrap();
    let of_hmc = susceptibility(&lattice, 4000, |phi, address| {
        hmc.update(phi, address);
    });
    let sigmas = (of_flow.value - of_hmc.value) / of_flow.error.hypot(of_hmc.error);
    assert!(
        sigmas.abs() < 3.5,
        "chi2 {} by the flow, {} by HMC: {sigmas} sigma",
        of_flow.measured(),
        of_hmc.measured()
    );
    assert!(of_flow.error < 0.03 * of_flow.value, "{}", of_flow.measured());
}
