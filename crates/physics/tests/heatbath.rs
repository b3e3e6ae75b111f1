//! The heat bath against exact results in two dimensions, expansions, and published plaquettes in four.

use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions};
use gaugelink_physics::PhysicsError;
use gaugelink_physics::observable::{geometric_charge, plaquette};
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

/// Exact on the 8×8 torus: Z = Σ_n I_n(β)^V and the like for SU(N).
#[test]
fn plaquettes_in_two_dimensions_are_exact() {
    for overrelaxed in [0, 1] {
        for (beta, expected) in [(1.0, 0.44638997), (2.0, 0.69777466)] {
            let samples = blocks::<1>(&[8, 8], beta, overrelaxed, 40, plaquette);
            assert_agrees(&format!("U(1) beta {beta}"), &samples, expected, 0.0, 1e-3);
        }
        for (beta, expected) in [(1.8, 0.39937238), (2.7, 0.53297073)] {
            let samples = blocks::<2>(&[8, 8], beta, overrelaxed, 30, plaquette);
            assert_agrees(&format!("SU(2) beta {beta}"), &samples, expected, 0.0, 1e-3);
        }
        for (beta, expected) in [(4.0, 0.27961915), (6.0, 0.42253174)] {
            let samples = blocks::<3>(&[8, 8], beta, overrelaxed, 20, plaquette);
            assert_agrees(&format!("SU(3) beta {beta}"), &samples, expected, 0.0, 1e-3);
        }
    }
}

#[test]
fn charges_in_two_dimensions_are_exact() {
    let squared = |u: &GaugeField<f64, 1>| {
        geometric_charge(u).unwrap().into_iter().map(|q| (q * q) as f64).collect::<Vec<f64>>()
    };
    for (beta, expected) in [(1.0, 2.600719), (2.0, 1.239299)] {
        let samples = blocks::<1>(&[8, 8], beta, 1, 60, squared);
        assert_agrees(&format!("charge squared at beta {beta}"), &samples, expected, 0.0, 0.04);
    }
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

/// SU(3) at β = 6: 0.5937 on large lattices, at most 0.001 away on 8⁴.
#[test]
fn plaquette_of_su3_at_beta_6() {
    let lattice = Lattice::new(&[8, 8, 8, 8], LatticeOptions::default()).unwrap();
    let mut u = GaugeField::<f64, 3>::cold(&lattice).unwrap();
    let mut samples = Vec::new();
    for sweep in 0..300 {
        HeatBath { beta: 6.0 }.sweep(&mut u, Address::new(77, Purpose::HeatBath).trajectory(sweep)).unwrap();
        Overrelaxation.sweep(&mut u).unwrap();
        if sweep >= 100 {
            samples.push(plaquette(&u)[0]);
        }
    }
    let means: Vec<f64> = samples.chunks(20).map(|c| c.iter().sum::<f64>() / 20.0).collect();
    assert_agrees("SU(3) beta 6", &means, 0.5937, 0.001, 1e-3);
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
