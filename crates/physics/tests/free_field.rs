//! The propagator on unit links against its formula in momentum space.
//!
//! D(p) = M + i Σ γ_mu sin p_mu with M = m + d − Σ cos p_mu in d dimensions, so S(x) = 1/V Σ_p e^{ipx} (M − i Σ γ_mu sin p_mu) / (M² + Σ sin²
//! p_mu), with momenta p_mu = (2πn + θ_mu)/L_mu that the boundary's phases θ shift.

use gaugelink_lattice::{Complex, GaugeField, Lattice, LatticeOptions, Site};
use gaugelink_physics::dirac::{
    Boundary, Propagator, PropagatorSolver, SpinMatrix, Wilson, gamma, gamma_entry, gamma5, pcac_masses,
};
use gaugelink_physics::solver::Stopping;
use std::f64::consts::{PI, TAU};

const MASS: f64 = 0.1;

/// In 2H dimensions, on as many spins; the other entries are 0.
fn in_momentum_space<const H: usize>(extents: &[usize], angles: &[f64; 4], x: [f64; 4]) -> SpinMatrix {
    let dims = 2 * H;
    let volume: usize = extents.iter().product();
    let mut sum = [[Complex::zero(); 4]; 4];
    for index in 0..volume {
        let mut rest = index;
        let mut momentum = |mu: usize| {
            let n = rest % extents[mu];
            rest /= extents[mu];
            (TAU * n as f64 + angles[mu]) / extents[mu] as f64
        };
        let p: Vec<f64> = (0..dims).map(&mut momentum).collect();
        let m = MASS + dims as f64 - p.iter().map(|p| p.cos()).sum::<f64>();
        let scale = 1.0 / (m * m + p.iter().map(|p| p.sin().powi(2)).sum::<f64>()) / volume as f64;
        let phase = p.iter().zip(&x).map(|(p, x)| p * x).sum::<f64>();
        let wave = Complex::new(scale * phase.cos(), scale * phase.sin());
        for s in 0..dims {
            for r in 0..dims {
                let mut entry = Complex::new(if s == r { m } else { 0.0 }, 0.0);
                for (mu, p) in p.iter().enumerate() {
                    entry = entry - gamma_entry::<H>(mu, s, r).times_i().scale(p.sin());
                }
                sum[s][r] = sum[s][r] + wave * entry;
            }
        }
    }
    sum
}

fn check<const N: usize, const H: usize>(
    extents: &[usize],
    angles: [f64; 4],
    source: Site,
    csw: f64,
    solver: PropagatorSolver,
) {
    let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
    let u = GaugeField::<f64, N>::cold(&lattice).unwrap();
    // Unit links have no field strength.
    let d = Wilson::<f64, N, H>::new(&u, MASS, Boundary::twisted(angles)).unwrap().with_clover(csw).unwrap();
    let (s, _) = Propagator::point(&d, source, solver, &Stopping::at(1e-14)).unwrap();
    for index in (0..lattice.volume()).step_by(7) {
        let x = lattice.geometry().site(index);
        let relative = std::array::from_fn(|mu| x[mu] as f64 - source[mu] as f64);
        let expected = in_momentum_space::<H>(extents, &angles, relative);
        for (spin, colour) in (0..2 * H).flat_map(|s| (0..N).map(move |c| (s, c))) {
            let column = s.column(spin, colour).spinor(&x, 0).unwrap();
            for (i, z) in column.components().iter().enumerate() {
                let expected = if i % N == colour { expected[i / N][spin] } else { Complex::zero() };
                let off = (*z - expected).norm2().sqrt();
                assert!(off < 1e-12, "{extents:?} {angles:?} {solver:?} {x:?}: {z:?}, {expected:?}");
            }
        }
    }
}

#[test]
fn propagators_are_those_of_momentum_space() {
    let antiperiodic = [0.0, 0.0, 0.0, PI];
    check::<3, 2>(&[4, 6, 4, 8], antiperiodic, [0; 4], 0.0, PropagatorSolver::EvenOddBiCgStab);
    check::<3, 2>(&[4, 4, 2, 8], [0.3, 0.0, 1.1, PI], [1, 2, 1, 5], 1.3, PropagatorSolver::EvenOddMixed);
    check::<3, 2>(&[3, 4, 5, 2], antiperiodic, [2, 0, 3, 1], 0.0, PropagatorSolver::BiCgStab);
    check::<1, 1>(&[8, 12], [0.0, PI, 0.0, 0.0], [3, 1, 0, 0], 0.0, PropagatorSolver::EvenOddBiCgStab);
    check::<2, 1>(&[6, 16], [0.3, 1.1, 0.0, 0.0], [5, 7, 0, 0], 0.0, PropagatorSolver::EvenOddMixed);
    check::<3, 1>(&[3, 5], [0.0, PI, 0.0, 0.0], [2, 0, 0, 0], 0.0, PropagatorSolver::BiCgStab);
}

fn product(a: &SpinMatrix, b: &SpinMatrix) -> SpinMatrix {
    std::array::from_fn(|i| {
        std::array::from_fn(|j| (0..4).fold(Complex::zero(), |sum, k| a[i][k].mul_add(b[k][j], sum)))
    })
}

/// ± tr[Γ_A S Γ_B γ5 S† γ5] with explicit matrices, three colours.
fn contracted(s: &SpinMatrix, a: &SpinMatrix, b: &SpinMatrix) -> f64 {
    let dagger: SpinMatrix = std::array::from_fn(|i| std::array::from_fn(|j| s[j][i].conj()));
    let back = product(&product(&gamma5(), &dagger), &gamma5());
    let all = product(&product(a, s), &product(b, &back));
    3.0 * (0..4).map(|i| all[i][i].re).sum::<f64>()
}

/// Meson correlators from propagators of momentum space, for every time slice; the PCAC mass of free quarks is m but for
/// the lattice spacing.
#[test]
fn meson_correlators_are_those_of_momentum_space() {
    let (extents, angles, source) = ([4, 4, 4, 12], [0.0, 0.0, 0.0, PI], [1, 2, 3, 5]);
    let lattice = Lattice::new(&extents, LatticeOptions::default()).unwrap();
    let u = GaugeField::<f64, 3>::cold(&lattice).unwrap();
    let d = Wilson::new(&u, MASS, Boundary::twisted(angles)).unwrap();
    let (s, _) =
        Propagator::point(&d, source, PropagatorSolver::EvenOddBiCgStab, &Stopping::at(1e-14)).unwrap();
    let ours = s.meson_correlators();
    let time_axial = product(&gamma(3), &gamma5());
    let [mut pions, mut axials] = [(); 2].map(|()| Vec::new());
    for t in 0..extents[3] {
        let [mut pion, mut vector, mut axial] = [0.0; 3];
        for index in 0..64 {
            let x = [index % 4, index / 4 % 4, index / 16];
            let relative = std::array::from_fn(|mu| if mu < 3 { x[mu] as f64 } else { t as f64 });
            let s = in_momentum_space::<2>(&extents, &angles, relative);
            pion += contracted(&s, &gamma5(), &gamma5());
            axial += contracted(&s, &time_axial, &gamma5());
            vector += (0..3).map(|k| contracted(&s, &gamma(k), &gamma(k))).sum::<f64>() / 3.0;
        }
        for (what, ours, expected) in
            [("pion", &ours.pion, pion), ("vector", &ours.vector, vector), ("axial", &ours.axial, axial)]
        {
            assert!((ours[0][t] - expected).abs() < 1e-12, "{what}({t}): {} {expected}", ours[0][t]);
        }
        assert!(ours.pion[0][t] > 0.0 && ours.vector[0][t] > 0.0);
        pions.push(pion);
        axials.push(axial);
    }
    for (t, m) in pcac_masses(&ours.axial[0], &ours.pion[0]) {
        let expected = (axials[t + 1] - axials[t - 1]) / (4.0 * pions[t]);
        assert!((m - expected).abs() < 1e-9, "PCAC mass {m} instead of {expected} at {t}");
        if (3..9).contains(&t) {
            assert!((m - MASS).abs() < 0.02, "PCAC mass {m} at {t}");
        }
    }
}
