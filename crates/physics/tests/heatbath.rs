//! The heat bath against expansions at strong and weak coupling.
//!
//! Exact results in two dimensions and published plaquettes are the affair of the package's tests/physics.

use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions};
use gaugelink_physics::PhysicsError;
use gaugelink_physics::observable::plaquette;
use gaugelink_physics::update::{HeatBath, Overrelaxation};

const CHAINS: usize = 8;
/// Sweeps that make one block: long against autocorrelation times of a few sweeps.
const BLOCK: usize = 50;

/// Means over blocks of measurements of a batch of chains after each heat bath sweep, which `overrelaxed`
/// overrelaxation sweeps follow.
fn blocks<const N: usize>(
    extents: &[usize],
    beta: f64,
    overrelaxed: usize,
    count: usize,
    measure: impl Fn(&GaugeField<f64, N>) -> Vec<f64>,
) -> Vec<f64> {
    let batch = LaneMeaning::Batch { chains: CHAINS };
    let options = LatticeOptions { lanes: batch, threads: 1, ..LatticeOptions::default() };
    let lattice = Lattice::new(extents, options).unwrap();
    let mut u = GaugeField::<f64, N>::cold(&lattice).unwrap();
    let address = Address::new(2024, Purpose::HeatBath);
    let mut means = Vec::new();
    for block in 0..=count {
        let mut sums = [0.0; CHAINS];
        for sweep in 0..BLOCK {
            HeatBath { beta }.sweep(&mut u, address.trajectory((block * BLOCK + sweep) as u64)).unwrap();
            (0..overrelaxed).for_each(|_| Overrelaxation.sweep(&mut u).unwrap());
            sums.iter_mut().zip(measure(&u)).for_each(|(sum, value)| *sum += value);
        }
        // The first block thermalises.
        if block > 0 {
            means.extend(sums.map(|s| s / BLOCK as f64));
        }
    }
    means
}

/// Mean and standard error.
fn mean(samples: &[f64]) -> (f64, f64) {
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    let variance = samples.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// Within 4 standard errors and the stated systematic error, and precise enough to mean something.
fn assert_agrees(what: &str, samples: &[f64], expected: f64, systematic: f64, precision: f64) {
    let (mean, error) = mean(samples);
    println!("{what}: {mean:.5} ± {error:.5}, expected {expected:.5}");
    assert!(error < precision, "{what}: error {error}");
    assert!((mean - expected).abs() < 4.0 * error + systematic, "{what}: {mean} ± {error}, not {expected}");
}

/// SU(2): ⟨P⟩ = I₂(β)/I₁(β) as in two dimensions up to the cube diagram, 4 (β/4)⁵ (Creutz 1983): 1e-5 at β = 0.3.
/// SU(3): β/18 + β²/216 up to terms of order β⁴, 5e-6 at β = 0.5.
/// U(1): I₁(β)/I₀(β) up to the cube, 4 (β/2)⁵: 4e-5 at β = 0.2.
#[test]
fn strong_coupling_in_four_dimensions() {
    let samples = blocks::<1>(&[4, 4, 4, 4], 0.2, 0, 2, plaquette);
    assert_agrees("U(1)", &samples, 0.09950, 1e-4, 1e-3);
    let samples = blocks::<2>(&[4, 4, 4, 4], 0.3, 0, 2, plaquette);
    assert_agrees("SU(2)", &samples, 0.07472, 1e-4, 1e-3);
    let samples = blocks::<3>(&[4, 4, 4, 4], 0.5, 0, 2, plaquette);
    assert_agrees("SU(3)", &samples, 0.5 / 18.0 + 0.25 / 216.0, 1e-4, 1e-3);
}

/// Equipartition: (dims − 1)(N² − 1) modes a site but for the constant ones, half a unit of action each, so
/// 1 − ⟨P⟩ = (N² − 1)/(dims β) (1 − 1/V); in SU(3) the next term is 1.22/β² (Alles et al., hep-lat/9307014).
#[test]
fn weak_coupling_in_four_dimensions() {
    let finite = 1.0 - 1.0 / 256.0;
    let gap = |u: Vec<f64>| u.into_iter().map(|p| 1.0 - p).collect::<Vec<f64>>();
    let samples = blocks::<1>(&[4, 4, 4, 4], 50.0, 1, 2, |u| gap(plaquette(u)));
    assert_agrees("U(1)", &samples, finite / 200.0, 0.01 / 200.0, 1e-4);
    let samples = blocks::<2>(&[4, 4, 4, 4], 100.0, 1, 2, |u| gap(plaquette(u)));
    assert_agrees("SU(2)", &samples, finite * 0.0075, 0.01 * 0.0075, 1e-4);
    let samples = blocks::<3>(&[4, 4, 4, 4], 120.0, 1, 2, |u| gap(plaquette(u)));
    assert_agrees("SU(3)", &samples, finite * 2.0 / 120.0 + 1.22 / 14400.0, 0.005 / 60.0, 1e-4);
}

#[test]
fn impossible_updates_are_refused() {
    let lattice = Lattice::new(&[3, 4], LatticeOptions::default()).unwrap();
    let mut u = GaugeField::<f64, 2>::cold(&lattice).unwrap();
    let address = Address::new(1, Purpose::HeatBath);
    let error = HeatBath { beta: 2.0 }.sweep(&mut u, address).unwrap_err();
    assert!(matches!(error, PhysicsError::Geometry(_)), "{error}");
    for beta in [-1.0, f64::NAN] {
        let error = HeatBath { beta }.sweep(&mut u, address).unwrap_err();
        assert!(matches!(error, PhysicsError::Parameter(_)), "{error}");
    }
}
