//! The propagator on unit links against its formula in momentum space.
//!
//! D(p) = M + i Σ γ_mu sin p_mu with M = m + d − Σ cos p_mu in d dimensions, so S(x) = 1/V Σ_p e^{ipx} (M − i Σ γ_mu sin p_mu) / (M² + Σ sin²
//! p_mu), with momenta p_mu = (2πn + θ_mu)/L_mu that the boundary's phases θ shift.

use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Complex, GaugeField, Lattice, LatticeOptions, Site};
use gaugelink_physics::dirac::{
    Boundary, Propagator, PropagatorSolver, SpinMatrix, Wilson, gamma_entry, pcac_masses,
};
use gaugelink_physics::solver::{LinearOperator, Stopping};
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

/// γ_mu and γ5 in 2H dimensions; the other entries are 0.
fn gammas<const H: usize>() -> (Vec<SpinMatrix>, SpinMatrix) {
    let matrix = |entry: &dyn Fn(usize, usize) -> Complex<f64>| -> SpinMatrix {
        let inside = |s, r| if s < 2 * H && r < 2 * H { entry(s, r) } else { Complex::zero() };
        std::array::from_fn(|s| std::array::from_fn(|r| inside(s, r)))
    };
    let each = (0..2 * H).map(|mu| matrix(&|s, r| gamma_entry::<H>(mu, s, r))).collect();
    let sign = |s, r| Complex::new(f64::from(s == r) * if s < H { 1.0 } else { -1.0 }, 0.0);
    (each, matrix(&sign))
}

/// ± tr[Γ_A S Γ_B γ5 S† γ5] with explicit matrices, for one colour.
fn contracted(s: &SpinMatrix, a: &SpinMatrix, b: &SpinMatrix, gamma5: &SpinMatrix) -> f64 {
    let dagger: SpinMatrix = std::array::from_fn(|i| std::array::from_fn(|j| s[j][i].conj()));
    let back = product(&product(gamma5, &dagger), gamma5);
    let all = product(&product(a, s), &product(b, &back));
    (0..4).map(|i| all[i][i].re).sum::<f64>()
}

/// Meson correlators from propagators of momentum space, for every time slice; the PCAC mass of free quarks that time alone
/// twists is m but for the lattice spacing.
fn check_mesons<const N: usize, const H: usize>(
    extents: &[usize],
    angles: [f64; 4],
    source: Site,
    solver: PropagatorSolver,
) {
    let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
    let u = GaugeField::<f64, N>::cold(&lattice).unwrap();
    let d = Wilson::<f64, N, H>::new(&u, MASS, Boundary::twisted(angles)).unwrap();
    let (s, _) = Propagator::point(&d, source, solver, &Stopping::at(1e-14)).unwrap();
    let ours = s.meson_correlators();
    let (gammas, gamma5) = gammas::<H>();
    let last = 2 * H - 1;
    let time_axial = product(&gammas[last], &gamma5);
    let space: usize = extents[..last].iter().product();
    let [mut pions, mut axials] = [(); 2].map(|()| Vec::new());
    for t in 0..extents[last] {
        let [mut pion, mut vector, mut axial] = [0.0; 3];
        for index in 0..space {
            // Sites of a slice in any order: all are summed over.
            let mut rest = index;
            let relative = std::array::from_fn(|mu| {
                if mu >= last {
                    return if mu == last { t as f64 } else { 0.0 };
                }
                let x = rest % extents[mu];
                rest /= extents[mu];
                x as f64
            });
            let s = in_momentum_space::<H>(extents, &angles, relative);
            let contracted = |a, b| N as f64 * contracted(&s, a, b, &gamma5);
            pion += contracted(&gamma5, &gamma5);
            axial += contracted(&time_axial, &gamma5);
            vector += gammas[..last].iter().map(|k| contracted(k, k)).sum::<f64>() / last as f64;
        }
        for (what, ours, expected) in
            [("pion", &ours.pion, pion), ("vector", &ours.vector, vector), ("axial", &ours.axial, axial)]
        {
            let off = (ours[0][t] - expected).abs();
            assert!(off < 1e-12, "{extents:?} {solver:?} {what}({t}): {} {expected}", ours[0][t]);
        }
        assert!(ours.pion[0][t] > 0.0 && ours.vector[0][t] > 0.0);
        pions.push(pion);
        axials.push(axial);
    }
    for (t, m) in pcac_masses(&ours.axial[0], &ours.pion[0]) {
        let expected = (axials[t + 1] - axials[t - 1]) / (4.0 * pions[t]);
        assert!((m - expected).abs() < 1e-9, "PCAC mass {m} instead of {expected} at {t}");
        if angles[..last].iter().all(|&angle| angle == 0.0) && (3..extents[last] - 3).contains(&t) {
            assert!((m - MASS).abs() < 0.02, "{extents:?}: PCAC mass {m} at {t}");
        }
    }
}

#[test]
fn meson_correlators_are_those_of_momentum_space() {
    use PropagatorSolver::{
        BiCgStab, EvenOddBiCgStab, EvenOddBiCgStabL, EvenOddConjugateGradient, Gcr, Gmres,
    };
    check_mesons::<3, 2>(&[4, 4, 4, 12], [0.0, 0.0, 0.0, PI], [1, 2, 3, 5], EvenOddBiCgStab);
    check_mesons::<2, 2>(&[4, 2, 4, 8], [0.3, 0.0, -1.1, PI], [1, 0, 3, 5], EvenOddBiCgStab);
    for solver in [
        EvenOddBiCgStab,
        EvenOddBiCgStabL { degree: 2 },
        EvenOddConjugateGradient,
        BiCgStab,
        Gcr { restart: 30 },
        Gmres { restart: 30 },
    ] {
        check_mesons::<1, 1>(&[8, 16], [0.0, PI, 0.0, 0.0], [3, 5, 0, 0], solver);
    }
    check_mesons::<2, 1>(&[6, 12], [0.5, PI, 0.0, 0.0], [5, 11, 0, 0], EvenOddBiCgStab);
    check_mesons::<3, 1>(&[5, 7], [0.0, 1.0, 0.0, 0.0], [2, 0, 0, 0], BiCgStab);
}

/// ⟨φ, γ5 D γ5 ψ⟩ = ⟨D φ, ψ⟩ on rough links, whatever the phases.
#[test]
fn twisted_operators_are_gamma5_hermitian() {
    fn check<const N: usize, const H: usize>(extents: &[usize], csw: f64) {
        let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
        let start = |number| Address::new(number, Purpose::Start);
        let u = GaugeField::<f64, N>::random(&lattice, 0.7, start(1)).unwrap();
        let angles = [0.3, -1.1, 0.5 * PI, PI];
        let d = Wilson::<f64, N, H>::new(&u, MASS, Boundary::twisted(angles)).unwrap();
        let d = d.with_clover(csw).unwrap();
        let [mut phi, mut psi, mut of_phi, mut of_psi] = [(); 4].map(|()| d.vector().unwrap());
        phi.set_gaussian(start(2));
        psi.set_gaussian(start(3));
        d.apply(&mut of_phi, &phi);
        let right = of_phi.inner_product(&psi)[0];
        psi.apply_gamma5();
        d.apply(&mut of_psi, &psi);
        of_psi.apply_gamma5();
        let left = phi.inner_product(&of_psi)[0];
        let (off, scale) = ((left - right).norm2().sqrt(), right.norm2().sqrt());
        assert!(off < 1e-12 * scale, "U({N}) {extents:?}: {left:?} {right:?}");
    }
    check::<3, 2>(&[4, 4, 2, 6], 1.3);
    check::<2, 2>(&[2, 3, 4, 5], 0.0);
    check::<1, 1>(&[6, 8], 0.0);
    check::<3, 1>(&[3, 4], 0.0);
}
