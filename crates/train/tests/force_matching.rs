//! Force matching finds forces that it can express, and comes closer to others with every stout step.

use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions};
use gaugelink_models::LearnedForce;
use gaugelink_physics::action::{Force, IWASAKI, ImprovedAction, WilsonAction};
use gaugelink_train::TrainError;
use gaugelink_train::force_matching::{ForceMatching, fit, force_error};
use std::sync::Arc;

fn lattice(extents: &[usize], options: LatticeOptions) -> Arc<Lattice> {
    Lattice::new(extents, options).unwrap()
}

fn rough<const N: usize>(lattice: &Arc<Lattice>, seed: u64) -> GaugeField<f64, N> {
    GaugeField::random(lattice, 0.3, Address::new(seed, Purpose::Start)).unwrap()
}

fn settings(steps: usize) -> ForceMatching {
    ForceMatching { steps, tolerance: 1e-12, ..ForceMatching::default() }
}

#[test]
fn a_force_of_the_same_form_is_found() {
    let lattice = lattice(&[4, 4, 4], LatticeOptions::default());
    let samples = [1, 2, 3].map(|seed| rough::<2>(&lattice, seed));
    let (couplings, rho) = ([2.0, -0.7], [0.12]);
    let truth = LearnedForce::<f64, 2>::new(&lattice, &couplings, &rho).unwrap();
    let mut steps = Vec::new();
    let found = fit(&samples, &truth, &settings(1), |iteration, loss| steps.push((iteration, loss))).unwrap();
    println!("{found:?}");
    assert!(found.couplings.iter().zip(couplings).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?}");
    assert!((found.rho[0] - rho[0]).abs() < 1e-5, "{found:?}");
    assert!(steps.iter().map(|(_, loss)| loss).eq(&found.losses), "progress is told every loss");
    let learned = LearnedForce::<f64, 2>::new(&lattice, &found.couplings, &found.rho).unwrap();
    let error = force_error(&learned, &truth, &[rough(&lattice, 4)]).unwrap();
    assert!(error.relative < 1e-6, "{error:?}");
}

/// Without stout steps the answer is known: of Wilson's action it is β, of any other the projection.
#[test]
fn without_steps_it_is_a_projection() {
    let lattice = lattice(&[4, 2, 4, 4], LatticeOptions::default());
    let samples = [rough::<3>(&lattice, 7)];
    let found = fit(&samples, &WilsonAction::new(5.5), &settings(0), |_, _| ()).unwrap();
    assert!((found.couplings[0] - 5.5).abs() < 1e-12 && found.rho.is_empty(), "{found:?}");

    let truth = ImprovedAction::<3>::new(&lattice, 2.6, IWASAKI).unwrap();
    let found = fit(&samples, &truth, &settings(0), |_, _| ()).unwrap();
    let mut forces = [0, 1].map(|_| gaugelink_lattice::MomentumField::zeroed(&lattice).unwrap());
    truth.kick(&samples[0], &mut forces[0], -1.0);
    WilsonAction::new(1.0).kick(&samples[0], &mut forces[1], -1.0);
    let [f, w] = &forces;
    let (fw, ww, ff) = (f.dot(w)[0], w.dot(w)[0], f.dot(f)[0]);
    assert!((found.couplings[0] - fw / ww).abs() < 1e-12);
    let learned = LearnedForce::<f64, 3>::new(&lattice, &found.couplings, &[]).unwrap();
    let error = force_error(&learned, &truth, &samples).unwrap();
    let sine = 1.0 - fw * fw / (ww * ff);
    assert!((error.relative.powi(2) - sine).abs() < 1e-12, "{error:?}");
    assert!((found.losses[0] - sine).abs() < 1e-12);
    assert!((error.each.powi(2) * (128 * 32) as f64 - sine * ff).abs() < 1e-9 * ff, "{error:?}");
}

#[test]
fn steps_help_and_bits_are_the_same_on_threads_and_in_batches() {
    let with = |options: LatticeOptions| {
        let lattice = lattice(&[4, 4, 4, 4], options);
        let samples = [rough::<3>(&lattice, 8)];
        let truth = ImprovedAction::<3>::new(&lattice, 2.6, IWASAKI).unwrap();
        [0, 1].map(|steps| fit(&samples, &truth, &settings(steps), |_, _| ()).unwrap())
    };
    let one = with(LatticeOptions { threads: 1, ..LatticeOptions::default() });
    println!("{one:?}");
    let [wilson, smeared] = one.each_ref().map(|found| found.losses.last().unwrap());
    assert!(*smeared < 0.8 * wilson, "a stout step makes the loss smaller: {wilson} {smeared}");
    let losses = &one[1].losses;
    assert!(losses.windows(2).all(|pair| pair[1] < pair[0]), "every step is one down: {losses:?}");
    assert!(with(LatticeOptions { threads: 2, ..LatticeOptions::default() }) == one, "two threads");
    let batch = LatticeOptions { lanes: LaneMeaning::Batch { chains: 1 }, ..LatticeOptions::default() };
    assert!(with(batch) == one, "a batch of one");
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let lattice = lattice(&[4, 4], LatticeOptions::default());
    let truth = WilsonAction::new(2.0);
    let refused = |samples: &[GaugeField<f64, 2>], settings: &ForceMatching| match fit(
        samples,
        &truth,
        settings,
        |_, _| (),
    ) {
        Err(TrainError::Setting(text)) => text,
        other => panic!("{other:?}"),
    };
    assert!(refused(&[], &settings(0)).contains("no configurations"));
    assert!(refused(&[GaugeField::cold(&lattice).unwrap()], &settings(0)).contains("not cold"));
    let standing = ForceMatching { rho: 0.0, ..settings(1) };
    assert!(refused(&[rough(&lattice, 1)], &standing).contains("not independent"));
    assert!(refused(&[rough(&lattice, 1)], &settings(17)).contains("16 are the most"));
    assert!(refused(&[rough(&lattice, 1)], &settings(usize::MAX)).contains("16 are the most"));
}

#[test]
fn settings_are_read_from_toml() {
    let read = toml::from_str::<ForceMatching>;
    assert_eq!(
        read("steps = 2\nrho = 0.1").unwrap(),
        ForceMatching { steps: 2, rho: 0.1, ..Default::default() }
    );
    assert!(read("stesp = 2").is_err());
}
