//! Pseudofermion actions against dense matrices of the plain formula; what a solve that fails leaves behind.

use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Complex, GaugeField, Lattice, LatticeOptions, MomentumField};
use gaugelink_physics::action::{ExactDeterminant, Pseudofermions, Solves, Term, TermError};
use gaugelink_physics::dirac::{Boundary, Quark, QuarkMatrix, Spinor, SpinorField, naive};
use gaugelink_physics::solver::{SolveError, Stopping};
use nalgebra::{Complex as Z, DMatrix, DVector};
use std::sync::Arc;

const MASS: f64 = -0.3;
const HEAVY: f64 = 0.5;
const TIGHT: Solves = Solves { force: Stopping { tolerance: 1e-12, ..STOP }, action: STOP };
const STOP: Stopping = Stopping { tolerance: 1e-13, iterations: 2000, patience: 500 };

fn lattice(extents: &[usize]) -> Arc<Lattice> {
    Lattice::new(extents, LatticeOptions::default()).unwrap()
}

fn links<const N: usize>(lattice: &Arc<Lattice>) -> GaugeField<f64, N> {
    GaugeField::random(lattice, 0.5, Address::new(11, Purpose::Start)).unwrap()
}

fn quark(matrix: QuarkMatrix) -> Quark {
    Quark { mass: MASS, csw: 0.0, boundary: boundary(), matrix }
}

fn boundary() -> Boundary {
    Boundary::twisted([0.0, 0.7, 0.0, std::f64::consts::PI])
}

fn drawn() -> Address {
    Address::new(12, Purpose::Pseudofermion)
}

/// D as a matrix, odd sites first, by the plain formula.
fn dense<const N: usize, const H: usize>(u: &GaugeField<f64, N>, mass: f64) -> DMatrix<Z<f64>> {
    let lattice = u.lattice();
    let order = odd_first(lattice);
    let of_site = 2 * H * N;
    let mut d = DMatrix::zeros(order.len() * of_site, order.len() * of_site);
    let mut psi = SpinorField::<f64, N, H>::zeroed(lattice).unwrap();
    for (i, &from) in order.iter().enumerate() {
        for (spin, colour) in (0..2 * H).flat_map(|s| (0..N).map(move |c| (s, c))) {
            psi.set_point_source(&lattice.geometry().site(from), spin, colour);
            let column = naive::wilson(u, &psi, mass, &boundary(), false, 0);
            for (j, &to) in order.iter().enumerate() {
                for (row, z) in column[to].components().iter().enumerate() {
                    d[(j * of_site + row, i * of_site + spin * N + colour)] = Z::new(z.re, z.im);
                }
            }
        }
    }
    d
}

fn odd_first(lattice: &Lattice) -> Vec<usize> {
    let parity = |site: &usize| lattice.geometry().site(*site).iter().sum::<usize>() % 2;
    let mut order: Vec<usize> = (0..lattice.volume()).collect();
    order.sort_by_key(|site| (1 - parity(site), *site));
    order
}

/// The matrix of an action: D, or Ŝ = D_pp − D_pq D_qq⁻¹ D_qp on the odd sites.
fn matrix(d: &DMatrix<Z<f64>>, which: QuarkMatrix) -> DMatrix<Z<f64>> {
    if which == QuarkMatrix::Full {
        return d.clone();
    }
    let half = d.nrows() / 2;
    let part = |i: usize, j: usize| d.view((i * half, j * half), (half, half)).into_owned();
    part(0, 0) - part(0, 1) * part(1, 1).try_inverse().unwrap() * part(1, 0)
}

/// The first `len` numbers of a field, odd sites first.
fn vector<const N: usize, const H: usize>(psi: &SpinorField<f64, N, H>, len: usize) -> DVector<Z<f64>> {
    let lattice = psi.lattice();
    let all = odd_first(lattice).into_iter().flat_map(|site| {
        let psi = psi.spinor(&lattice.geometry().site(site), 0).unwrap();
        psi.components().iter().map(|z| Z::new(z.re, z.im)).collect::<Vec<_>>()
    });
    DVector::from_iterator(len, all.take(len))
}

/// ‖M⁻† ψ‖² = ψ†(M†M)⁻¹ψ.
fn action(m: &DMatrix<Z<f64>>, psi: &DVector<Z<f64>>) -> f64 {
    m.adjoint().lu().solve(psi).unwrap().norm_squared()
}

#[test]
fn actions_are_those_of_dense_matrices() {
    fn check<const N: usize, const H: usize>(extents: &[usize]) {
        let lattice = lattice(extents);
        let u = links::<N>(&lattice);
        let (light, heavy) = (dense::<N, H>(&u, MASS), dense::<N, H>(&u, HEAVY));
        for which in [QuarkMatrix::Full, QuarkMatrix::EvenOdd] {
            let (m, m_h) = (matrix(&light, which), matrix(&heavy, which));
            let assert = |what: &str, ours: f64, expected: f64| {
                let error = (ours / expected - 1.0).abs();
                assert!(error < 1e-10, "N={N} {which:?} {what}: {ours} instead of {expected}");
            };
            let mut term = Pseudofermions::<N, H>::two_flavours(&u, quark(which), TIGHT).unwrap();
            let noise = term.refresh(&u, drawn()).unwrap()[0];
            let phi = vector(term.field(), m.nrows());
            assert("action", term.value(&u).unwrap()[0], action(&m, &phi));
            assert("heat bath", noise, action(&m, &phi));

            let mut term = Pseudofermions::<N, H>::ratio(&u, quark(which), HEAVY, TIGHT).unwrap();
            let noise = term.refresh(&u, drawn()).unwrap()[0];
            let phi = vector(term.field(), m.nrows());
            let psi = m_h.adjoint() * phi;
            assert("ratio", term.value(&u).unwrap()[0], action(&m, &psi));
            assert("heat bath of the ratio", noise, action(&m, &psi));

            let mut term = ExactDeterminant::<N, H>::two_flavours(&u, quark(which)).unwrap();
            // That of D in either form.
            let ln_det: f64 = light.clone().lu().u().diagonal().iter().map(|z| z.norm().ln()).sum();
            assert("determinant", term.value(&u).unwrap()[0], -2.0 * ln_det);
        }
    }
    check::<3, 2>(&[2, 2, 2, 2]);
    check::<2, 2>(&[2, 2, 2, 4]);
    check::<1, 2>(&[4, 2, 2, 2]);
    check::<3, 1>(&[2, 4]);
    check::<1, 1>(&[4, 6]);
}

/// Both forms stand for one determinant: ln|det D| − ln|det Ŝ| is the same number for all links, that of free even sites.
#[test]
fn the_even_odd_determinant_is_the_full_one() {
    let lattice = lattice(&[2, 2, 2, 2]);
    let ln_det = |m: DMatrix<Z<f64>>| m.lu().u().diagonal().iter().map(|z| z.norm().ln()).sum::<f64>();
    let expected = (lattice.volume() / 2 * 12) as f64 * (MASS + 4.0).ln();
    for width in [0.0, 0.5] {
        let u = GaugeField::<f64, 3>::random(&lattice, width, drawn()).unwrap();
        let d = dense::<3, 2>(&u, MASS);
        let (full, even_odd) = (ln_det(d.clone()), ln_det(matrix(&d, QuarkMatrix::EvenOdd)));
        assert!((full - even_odd - expected).abs() < 1e-10, "{full} {even_odd} {expected}");
        assert!((even_odd - expected).abs() > 0.1, "a determinant that depends on the links: {even_odd}");
    }
}

/// ⟨η†η⟩ is the number of complex components that the action sees: all, or those of the odd sites.
#[test]
fn noise_is_drawn_on_the_sites_of_the_action() {
    let lattice = lattice(&[4, 4, 4, 8]);
    let u = links::<3>(&lattice);
    for (which, sites) in [(QuarkMatrix::Full, 512), (QuarkMatrix::EvenOdd, 256)] {
        let mut term = Pseudofermions::<3>::two_flavours(&u, quark(which), TIGHT).unwrap();
        let (value, count) = (term.refresh(&u, drawn()).unwrap()[0], (12 * sites) as f64);
        assert!((value - count).abs() < 4.0 * count.sqrt(), "{which:?}: {value} instead of {count}");
        let again = term.refresh(&u, drawn().sample(1)).unwrap()[0];
        assert!((again - count).abs() < 4.0 * count.sqrt() && again != value, "{which:?}: {again} {value}");
    }
}

#[test]
fn a_solve_that_fails_is_told_and_leaves_the_momenta() {
    let lattice = lattice(&[4, 4, 4, 4]);
    let u = links::<3>(&lattice);
    let few = Stopping { iterations: 3, ..STOP };
    for which in [QuarkMatrix::Full, QuarkMatrix::EvenOdd] {
        let solves = Solves { force: few, action: few };
        let mut term = Pseudofermions::<3>::two_flavours(&u, quark(which), solves).unwrap();
        term.refresh(&u, drawn()).unwrap();
        let mut p = MomentumField::zeroed(&lattice).unwrap();
        p.refresh(Address::new(3, Purpose::Momenta));
        let before = p.as_slice().to_vec();
        let error = term.kick(&u, &mut p, 0.1).unwrap_err();
        assert!(before == p.as_slice(), "momenta stay");
        assert!(
            matches!(&error, TermError::Solve { source: SolveError::IterationLimit { .. }, .. }),
            "{error}"
        );
        let message = error.to_string();
        assert!(
            message.contains("two flavours of Wilson quarks of mass -0.3") && message.contains("force"),
            "{message}"
        );
        assert_eq!(term.iterations(), 3);
        let message = term.value(&u).unwrap_err().to_string();
        assert!(message.contains("action") && message.contains("did not converge"), "{message}");
        let mut ratio = Pseudofermions::<3>::ratio(&u, quark(which), HEAVY, solves).unwrap();
        let message = ratio.refresh(&u, drawn()).unwrap_err().to_string();
        assert!(message.contains("ratio to mass 0.5 of two") && message.contains("heat bath"), "{message}");
    }
}

#[test]
fn lattices_that_do_not_serve_are_refused() {
    let u = links::<3>(&lattice(&[3, 4, 4, 4]));
    assert!(Pseudofermions::<3>::two_flavours(&u, quark(QuarkMatrix::Full), TIGHT).is_ok());
    let refused =
        Pseudofermions::<3>::two_flavours(&u, quark(QuarkMatrix::EvenOdd), TIGHT).unwrap_err().to_string();
    assert!(refused.contains("even extents"), "{refused}");
    let u = links::<3>(&lattice(&[4, 4]));
    let full = quark(QuarkMatrix::Full);
    let refused = Pseudofermions::<3>::two_flavours(&u, full, TIGHT).unwrap_err().to_string();
    assert!(refused.contains("4 dimensions, this one has 2"), "{refused}");
    assert!(Pseudofermions::<3, 1>::two_flavours(&u, full, TIGHT).is_ok());
    let clover = Quark { csw: 1.0, ..full };
    let refused = Pseudofermions::<3, 1>::two_flavours(&u, clover, TIGHT).unwrap_err().to_string();
    assert!(refused.contains("clover term needs a lattice of 4 dimensions"), "{refused}");
}

/// A field of somebody else's choice is what the action is of.
#[test]
fn fields_can_be_given() {
    let lattice = lattice(&[2, 2, 2, 2]);
    let u = links::<3>(&lattice);
    let mut phi = SpinorField::<f64, 3>::zeroed(&lattice).unwrap();
    let mut one = Spinor::zero();
    one[2][1] = Complex::new(0.3, -0.4);
    phi.set_spinor(&[1, 0, 0, 0], 0, &one);
    let mut term = Pseudofermions::<3>::two_flavours(&u, quark(QuarkMatrix::Full), TIGHT).unwrap();
    term.set_field(&phi);
    let d = dense::<3, 2>(&u, MASS);
    let expected = action(&d, &vector(&phi, d.nrows()));
    assert!((term.value(&u).unwrap()[0] / expected - 1.0).abs() < 1e-10);
}

/// A guess from an earlier solve would make trajectories irreversible: it must leave no trace.
#[test]
fn forces_depend_on_nothing_that_was_asked_before() {
    let lattice = lattice(&[4, 4, 4, 4]);
    let u = links::<3>(&lattice);
    let mut other = u.duplicate().unwrap();
    let mut p = MomentumField::zeroed(&lattice).unwrap();
    p.refresh(Address::new(3, Purpose::Momenta));
    other.drift(&p, 0.05);
    let loose = Solves { force: Stopping::at(1e-5), action: Stopping::at(1e-5) };
    for which in [QuarkMatrix::Full, QuarkMatrix::EvenOdd] {
        let mut term = Pseudofermions::<3>::ratio(&u, quark(which), HEAVY, loose).unwrap();
        term.refresh(&u, drawn()).unwrap();
        let mut asked = |u: &GaugeField<f64, 3>| {
            let mut force = MomentumField::zeroed(&lattice).unwrap();
            term.kick(u, &mut force, -1.0).unwrap();
            (force.as_slice().to_vec(), term.value(u).unwrap())
        };
        let (first, elsewhere, again) = (asked(&u), asked(&other), asked(&u));
        assert!(first == again && first != elsewhere, "{which:?}");
    }
}
