//! Sources that fill a time slice: what they are, and what correlators are made from them.

use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Complex, GaugeField, LaneMeaning, Lattice, LatticeOptions};
use gaugelink_physics::dirac::{
    Boundary, Propagator, PropagatorSolver, Source, SpinorField, Wilson, gamma_entry,
};
use gaugelink_physics::solver::{LinearOperator, Stopping};
use std::f64::consts::{FRAC_1_SQRT_2, TAU};
use std::ops::ControlFlow;

const MASS: f64 = 0.2;
const SOLVER: PropagatorSolver = PropagatorSolver::EvenOddBiCgStab;

fn noise(seed: u64) -> Address {
    Address::new(seed, Purpose::Source)
}

/// From a wall free quarks have no momentum in space, or that of the twist: with p_k = θ_k/L_k for all k the wave e^{ipx} is the
/// source's only where θ_k = 0, so S(t) = 1/T Σ_p e^{ipt} (m + 1 − cos p − iγ_t sin p) / ((m + 1 − cos p)² + sin² p).
#[test]
fn walls_have_no_momentum() {
    fn check<const N: usize, const H: usize>(extents: &[usize], theta: f64, t: usize) {
        let last = 2 * H - 1;
        let time = extents[last];
        let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
        let u = GaugeField::<f64, N>::cold(&lattice).unwrap();
        let mut angles = [0.0; 4];
        angles[last] = theta;
        let d = Wilson::<f64, N, H>::new(&u, MASS, Boundary::twisted(angles)).unwrap();
        let (s, _) = Propagator::solved(&d, Source::Wall { t }, SOLVER, &Stopping::at(1e-14), |_| {
            ControlFlow::Continue(())
        })
        .unwrap();
        for x in (0..lattice.volume()).map(|index| lattice.geometry().site(index)) {
            let off = x[last] as f64 - t as f64;
            for (spin, colour) in (0..2 * H).flat_map(|s| (0..N).map(move |c| (s, c))) {
                let column = s.column(spin, colour).spinor(&x, 0).unwrap();
                for (i, z) in column.components().iter().enumerate() {
                    let mut expected = Complex::zero();
                    for n in 0..time {
                        let p = (TAU * n as f64 + theta) / time as f64;
                        let m = MASS + 1.0 - p.cos();
                        let wave = Complex::new((p * off).cos(), (p * off).sin());
                        let wave = wave.scale(1.0 / (m * m + p.sin().powi(2)) / time as f64);
                        let unit = Complex::new(if i / N == spin { m } else { 0.0 }, 0.0);
                        let entry = unit - gamma_entry::<H>(last, i / N, spin).times_i().scale(p.sin());
                        expected = expected + wave * entry;
                    }
                    let expected = if i % N == colour { expected } else { Complex::zero() };
                    assert!((*z - expected).norm2().sqrt() < 1e-12, "{extents:?} {x:?}: {z:?} {expected:?}");
                }
            }
        }
    }
    check::<3, 2>(&[4, 2, 4, 6], std::f64::consts::PI, 4);
    check::<1, 1>(&[6, 8], 0.7, 5);
}

/// D gives back the source: of modulus 1 on its slice, the same number for every spin and colour, different ones for every site
/// and chain, and the same for any ranks and lanes, which the sites' own random numbers see to.
#[test]
fn noise_is_on_its_slice_alone() {
    let lanes = LaneMeaning::Batch { chains: 3 };
    let lattice = Lattice::new(&[4, 6], LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap();
    let u = GaugeField::<f64, 2>::random(&lattice, 0.6, Address::new(1, Purpose::Start)).unwrap();
    let d = Wilson::<f64, 2, 1>::new(&u, MASS, Boundary::periodic()).unwrap();
    let source = Source::Noise { t: 2, address: noise(7) };
    let (s, _) =
        Propagator::solved(&d, source, SOLVER, &Stopping::at(1e-14), |_| ControlFlow::Continue(())).unwrap();
    let mut eta: SpinorField<f64, 2, 1> = d.vector().unwrap();
    let mut numbers = vec![Vec::new(); 3];
    for (spin, colour) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        d.apply(&mut eta, s.column(spin, colour));
        for (chain, numbers) in numbers.iter_mut().enumerate() {
            for x in (0..lattice.volume()).map(|index| lattice.geometry().site(index)) {
                for (i, z) in eta.spinor(&x, chain).unwrap().components().iter().enumerate() {
                    let there = x[1] == 2 && i == 2 * spin + colour;
                    if there {
                        numbers.push(*z);
                    }
                    let off = |part: f64| (part.abs() - if there { FRAC_1_SQRT_2 } else { 0.0 }).abs();
                    assert!(off(z.re).max(off(z.im)) < 1e-12, "{x:?} ({spin}, {colour}): {i} {z:?}");
                }
            }
        }
    }
    let signs = |numbers: &[Complex<f64>]| -> Vec<(bool, bool)> {
        numbers.iter().map(|z| (z.re > 0.0, z.im > 0.0)).collect()
    };
    for numbers in &numbers {
        let first = signs(&numbers[..4]);
        assert!(numbers.chunks_exact(4).all(|of_column| signs(of_column) == first), "{numbers:?}");
    }
    assert_ne!(signs(&numbers[0]), signs(&numbers[1]));
}

/// On rough links: averages over noise against the sum over all points of the slice, for every correlator and time.
#[test]
fn noise_averages_to_the_points_of_its_slice() {
    const DRAWS: u64 = 300;
    let lattice = Lattice::new(&[4, 6], LatticeOptions::default()).unwrap();
    let u = GaugeField::<f64, 1>::random(&lattice, 0.6, Address::new(3, Purpose::Start)).unwrap();
    let d = Wilson::<f64, 1, 1>::new(&u, MASS, Boundary::twisted([0.4, 1.0, 0.0, 0.0])).unwrap();
    let stop = Stopping::at(1e-10);
    let correlators = |source: Source| {
        let mesons = Propagator::solved(&d, source, SOLVER, &stop, |_| ControlFlow::Continue(()))
            .unwrap()
            .0
            .meson_correlators();
        [&mesons.pion[0][..], &mesons.vector[0], &mesons.axial[0]].concat()
    };
    let mut exact = [0.0; 18];
    for x in 0..4 {
        let point = correlators(Source::Point([x, 5, 0, 0]));
        exact.iter_mut().zip(point).for_each(|(sum, value)| *sum += value);
    }
    let draws: Vec<Vec<f64>> =
        (0..DRAWS).map(|seed| correlators(Source::Noise { t: 5, address: noise(seed) })).collect();
    for (k, exact) in exact.iter().enumerate() {
        let mean = draws.iter().map(|draw| draw[k]).sum::<f64>() / DRAWS as f64;
        let variance = draws.iter().map(|draw| (draw[k] - mean).powi(2)).sum::<f64>() / (DRAWS - 1) as f64;
        let error = (variance / DRAWS as f64).sqrt();
        assert!((mean - exact).abs() < 4.0 * error, "{k}: {mean} +- {error} instead of {exact}");
    }
}

#[test]
fn slices_outside_are_refused() {
    let lattice = Lattice::new(&[4, 6], LatticeOptions::default()).unwrap();
    let u = GaugeField::<f64, 1>::cold(&lattice).unwrap();
    let d = Wilson::<f64, 1, 1>::new(&u, MASS, Boundary::periodic()).unwrap();
    for (source, said) in [
        (Source::Wall { t: 6 }, "slices count from 0 to 5"),
        (Source::Noise { t: 9, address: noise(1) }, "time slice 9"),
        (Source::Point([0, 0, 1, 0]), "outside the lattice"),
    ] {
        let error =
            Propagator::solved(&d, source, SOLVER, &Stopping::at(1e-8), |_| ControlFlow::Continue(()))
                .unwrap_err()
                .to_string();
        assert!(error.contains(said), "{error}");
    }
}
