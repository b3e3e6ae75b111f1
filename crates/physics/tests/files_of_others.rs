//! Solutions that other codes wrote: the operators take them back to their sources.

mod common;

use common::{EXTENTS, read_links, test_data};
use gaugelink_lattice::{Complex, Lattice, LatticeOptions};
use gaugelink_physics::dirac::{Boundary, SPINS, SpinMatrix, Spinor, SpinorField, Wilson, gamma};
use lime_rs::ScidacFile;
use std::path::Path;

const N: usize = 3;

/// The numbers of a file's only field, site by site, x fastest.
fn numbers(path: &Path) -> Vec<f64> {
    let file = ScidacFile::open(path).unwrap();
    let (numbers, verification) = file.numbers(0).unwrap();
    verification.check().unwrap();
    numbers
}

fn zero() -> SpinMatrix {
    [[Complex::zero(); SPINS]; SPINS]
}

fn product(a: &SpinMatrix, b: &SpinMatrix) -> SpinMatrix {
    std::array::from_fn(|i| {
        std::array::from_fn(|j| (0..SPINS).fold(Complex::zero(), |sum, k| a[i][k].mul_add(b[k][j], sum)))
    })
}

/// γ_x, γ_y, γ_z, γ_t of tmLQCD: [[0, −iσ_k], [iσ_k, 0]] in space, [[0, −1], [−1, 0]] in time.
fn tmlqcd() -> [SpinMatrix; 4] {
    let c = Complex::new;
    let sigma = [
        [[c(0.0, 0.0), c(1.0, 0.0)], [c(1.0, 0.0), c(0.0, 0.0)]],
        [[c(0.0, 0.0), c(0.0, -1.0)], [c(0.0, 1.0), c(0.0, 0.0)]],
        [[c(1.0, 0.0), c(0.0, 0.0)], [c(0.0, 0.0), c(-1.0, 0.0)]],
    ];
    std::array::from_fn(|mu| {
        let mut g = zero();
        for i in 0..2 {
            for j in 0..2 {
                let (upper, lower) = match mu {
                    3 if i == j => (c(-1.0, 0.0), c(-1.0, 0.0)),
                    3 => (c(0.0, 0.0), c(0.0, 0.0)),
                    k => (sigma[k][i][j] * c(0.0, -1.0), sigma[k][i][j] * c(0.0, 1.0)),
                };
                (g[i][j + 2], g[i + 2][j]) = (upper, lower);
            }
        }
        g
    })
}

/// The unitary V with V γ' V† = γ: Σ Γ X Γ'† over all products Γ of the matrices, scaled.
fn rotation(from: &[SpinMatrix; 4]) -> SpinMatrix {
    let to: [SpinMatrix; 4] = std::array::from_fn(gamma);
    let dagger =
        |m: &SpinMatrix| -> SpinMatrix { std::array::from_fn(|i| std::array::from_fn(|j| m[j][i].conj())) };
    let unit: SpinMatrix =
        std::array::from_fn(|i| std::array::from_fn(|j| Complex::new(if i == j { 1.0 } else { 0.0 }, 0.0)));
    // Anything that no symmetry makes vanish.
    let x: SpinMatrix = std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            Complex::new((1.0 + i as f64 + 3.0 * j as f64).sin(), (2.0 * i as f64 - j as f64).cos())
        })
    });
    let mut v = zero();
    for set in 0..16 {
        let of = |gammas: &[SpinMatrix; 4]| {
            (0..4).filter(|mu| set >> mu & 1 == 1).fold(unit, |all, mu| product(&all, &gammas[mu]))
        };
        let term = product(&product(&of(&to), &x), &dagger(&of(from)));
        v.as_flattened_mut().iter_mut().zip(term.as_flattened()).for_each(|(v, t)| *v = *v + *t);
    }
    let norm = v[0].iter().map(|z| z.norm2()).sum::<f64>().sqrt();
    v.as_flattened_mut().iter_mut().for_each(|z| *z = z.scale(1.0 / norm));
    for mu in 0..4 {
        let turned = product(&product(&v, &from[mu]), &dagger(&v));
        let off = turned.as_flattened().iter().zip(to[mu].as_flattened()).map(|(a, b)| (*a - *b).norm2());
        assert!(off.sum::<f64>() < 1e-24, "the matrices of direction {mu}");
    }
    v
}

fn turned(v: &SpinMatrix, psi: &Spinor<f64, N>) -> Spinor<f64, N> {
    Spinor::from_fn(|s, c| (0..SPINS).fold(Complex::zero(), |sum, r| v[s][r].mul_add(psi[r][c], sum)))
}

/// The library's turn of what is stored is `ours` up to one phase, that of the rotation, and its inverse gives back what is
/// stored.
fn check_turns(stored: &SpinorField<f64, N>, ours: &SpinorField<f64, N>) {
    let phases = [0.0, 0.0, 0.0, 0.5];
    let mut turned = stored.duplicate().unwrap();
    turned.turn_from_tmlqcd(phases);
    let (norm, product) = (ours.norm2()[0], ours.inner_product(&turned)[0]);
    assert!(
        (turned.norm2()[0] / norm - 1.0).abs() < 1e-12 && (product.norm2().sqrt() / norm - 1.0).abs() < 1e-12
    );
    turned.turn_to_tmlqcd(phases);
    let off = turned.as_slice().iter().zip(stored.as_slice()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(off < 1e-14, "{off:e}");
}

/// Twelve propagators of a point source at the origin, kappa = 0.15, antiperiodic in time, by nissa in tmLQCD's basis: D
/// of each, in ours, is the source, to their residual of some 3e-8.
#[test]
fn propagators_of_nissa_go_back_to_their_sources() {
    let Some(folder) = test_data() else { return };
    let lattice = Lattice::new(&EXTENTS, LatticeOptions::default()).unwrap();
    let u = read_links(&lattice);
    let d = Wilson::with_kappa(&u, 0.15, Boundary::antiperiodic()).unwrap();
    let v = rotation(&tmlqcd());
    let mut worst = 0.0f64;
    for (spin, colour) in (0..SPINS).flat_map(|s| (0..N).map(move |c| (s, c))) {
        let name =
            format!("etmc_propagator_nissa_L4T8_source1/source_1.0003.00.inverted.{:02}", N * spin + colour);
        let numbers = numbers(&folder.join(name));
        let [mut psi, mut out, mut stored] =
            [(); 3].map(|()| SpinorField::<f64, N>::zeroed(&lattice).unwrap());
        for (site, numbers) in numbers.chunks_exact(2 * SPINS * N).enumerate() {
            let complex = |k: usize| Complex::new(numbers[2 * k], numbers[2 * k + 1]);
            let theirs = Spinor::from_fn(|s, c| complex(s * N + c));
            let x = lattice.geometry().site(site);
            // Their phase of π is spread evenly over the time slices; ours is all at the edge.
            let phi = std::f64::consts::PI * x[3] as f64 / EXTENTS[3] as f64;
            stored.set_spinor(&x, 0, &theirs);
            let theirs = theirs.map(|z| z * Complex::new(phi.cos(), phi.sin()));
            psi.set_spinor(&x, 0, &turned(&v, &theirs));
        }
        psi.exchange();
        check_turns(&stored, &psi);
        d.apply(&mut out, &psi);
        let mut source = Spinor::zero();
        source[spin][colour] = Complex::new(1.0, 0.0);
        let mut origin = out.spinor(&[0; 4], 0).unwrap();
        for (z, s) in origin.components_mut().iter_mut().zip(turned(&v, &source).components()) {
            *z = *z - *s;
        }
        out.set_spinor(&[0; 4], 0, &origin);
        worst = worst.max(out.norm2()[0].sqrt());
    }
    println!("|D S - source| is {worst:.1e} at most");
    assert!(worst < 1e-7, "D of a propagator is off its source by {worst:e}");
}

/// MILC's solution of M a = b for asqtad quarks: M = 2m + D, D v(x) = Σ_mu [F_mu(x) v(x+mu) − F_mu(x−mu)† v(x−mu) + the
/// same with L and three steps], with fat links F and long links L that contain phases and boundary. In single precision.
#[test]
fn staggered_solutions_of_milc_go_back_to_their_sources() {
    let Some(folder) = test_data() else { return };
    let read = |name: &str| numbers(&folder.join(format!("scidac_milc_{name}_l8888_f32.lime")));
    let (fat, long) = (read("fat"), read("long"));
    let (a, b) = (read("ksvector_Minv"), read("ksvector_src"));
    let complex = |field: &[f64], k: usize| Complex::new(field[2 * k], field[2 * k + 1]);
    let lattice = Lattice::new(&[8; 4], LatticeOptions::default()).unwrap();
    let geometry = lattice.geometry();
    let (mut off, mut norm) = (0.0, 0.0);
    for site in 0..geometry.volume() {
        let x = geometry.site(site);
        let away = |mu: usize, steps: usize| {
            let mut y = x;
            y[mu] = (x[mu] + steps) % 8;
            geometry.site_index(&y)
        };
        for row in 0..N {
            let mut sum = complex(&a, N * site + row).scale(2.0 * 0.1) - complex(&b, N * site + row);
            for (links, steps) in [(&fat, 1), (&long, 3)] {
                for mu in 0..4 {
                    let (ahead, behind) = (away(mu, steps), away(mu, 8 - steps));
                    for column in 0..N {
                        let u = complex(links, (4 * site + mu) * N * N + N * row + column);
                        sum = u.mul_add(complex(&a, N * ahead + column), sum);
                        let u = complex(links, (4 * behind + mu) * N * N + N * column + row);
                        sum = sum - u.conj_mul(complex(&a, N * behind + column));
                    }
                }
            }
            off += sum.norm2();
            norm += complex(&b, N * site + row).norm2();
        }
    }
    let relative = (off / norm).sqrt();
    println!("|M a - b| / |b| is {relative:.2e}");
    assert!((relative - 8.0e-8).abs() < 0.1e-8, "|M a - b| / |b| is {relative:e} instead of 8.0e-8");
}
