//! Prolongation, restriction and coarse operator against their definitions, and the cycle in solves.

use super::aggregates::{Aggregates, Sites};
use super::coarse::{CoarseLattice, CoarseVector};
use super::direct::Direct;
use super::operator::{CoarseOperator, CoarseSchur, apply_gamma5};
use super::{Multigrid, MultigridParameters, MultigridSolver, Smoother};
use crate::PhysicsError;
use crate::dirac::blocks::Blocks;
use crate::dirac::{Boundary, SapParameters, SpinorField, Wilson};
use crate::naive::rough_field;
use crate::solver::{BiCgStab, Gmres, LinearOperator, Preconditioner, Rounded, SolveError, Stopping};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Complex, GaugeField, LaneMeaning, Lattice, LatticeOptions, Real, Site};
use std::sync::Arc;

fn noise<T: Real, const N: usize>(lattice: &Arc<Lattice>, seed: u64) -> SpinorField<T, N> {
    let mut psi = SpinorField::zeroed(lattice).unwrap();
    psi.set_gaussian(Address::new(seed, Purpose::Source));
    psi
}

/// Some numbers on a coarse lattice.
fn coarse_noise<T: Real>(coarse: &CoarseLattice<T>, seed: usize) -> CoarseVector<T> {
    let mut vector = coarse.vector().unwrap();
    for site in 0..coarse.sites() {
        for i in 0..coarse.components() {
            let k = (seed + site * coarse.components() + i) as f64;
            let z = Complex::new(T::from_f64((1.3 * k).sin()), T::from_f64((0.7 * k * k).cos()));
            vector.set_component(site, i, z);
        }
    }
    vector
}

fn product<T: Real>(coarse: &CoarseLattice<T>, a: &CoarseVector<T>, b: &CoarseVector<T>) -> Complex<f64> {
    let mut sum = Complex::new(0.0, 0.0);
    for site in 0..coarse.sites() {
        for i in 0..coarse.components() {
            let wide = |z: Complex<T>| Complex::new(z.re.to_f64(), z.im.to_f64());
            sum = wide(a.component(site, i)).conj_mul_add(wide(b.component(site, i)), sum);
        }
    }
    sum
}

/// ‖a − b‖ / ‖b‖.
fn distance<T: Real>(coarse: &CoarseLattice<T>, a: &CoarseVector<T>, b: &CoarseVector<T>) -> f64 {
    let mut difference = coarse.vector().unwrap();
    for site in 0..coarse.sites() {
        for i in 0..coarse.components() {
            difference.set_component(site, i, a.component(site, i) - b.component(site, i));
        }
    }
    (product(coarse, &difference, &difference).re / product(coarse, b, b).re).sqrt()
}

struct TwoLevels<T: Real> {
    coarse: Arc<CoarseLattice<T>>,
    aggregates: Aggregates<T>,
    operator: CoarseOperator<T>,
}

/// The levels that rough test vectors make.
fn two_levels<T: Real, const N: usize>(d: &Wilson<'_, T, N>, block: Site, vectors: usize) -> TwoLevels<T> {
    let lattice = d.links().lattice();
    let blocks = Arc::new(Blocks::<T>::new(lattice, block).unwrap());
    let coarse = Arc::new(CoarseLattice::new(&blocks, 2 * vectors).unwrap());
    let mut aggregates = Aggregates::new(blocks, vectors, SpinorField::<T, N>::REALS).unwrap();
    let rough: Vec<SpinorField<T, N>> = (0..vectors).map(|k| noise(lattice, 50 + k as u64)).collect();
    aggregates.set_vectors(rough.iter().map(|v| &**v));
    let mut operator = CoarseOperator::new(&coarse).unwrap();
    operator.build(d, &mut aggregates).unwrap();
    TwoLevels { coarse, aggregates, operator }
}

fn check_definitions<T: Real, const N: usize>(extents: [usize; 4], block: Site, vectors: usize, csw: f64) {
    let what = format!("N={N} f{} {extents:?} {block:?} {vectors} vectors", T::BITS);
    let tolerance = if T::BITS == 64 { 1e-12 } else { 1e-5 };
    let lattice = Lattice::new(&extents, LatticeOptions { threads: 2, ..LatticeOptions::default() }).unwrap();
    let u = rough_field::<N>(&lattice, 0.6).converted::<T>().unwrap();
    let d = Wilson::new(&u, 0.1, Boundary::antiperiodic()).unwrap().with_clover(csw).unwrap();
    let TwoLevels { coarse, mut aggregates, mut operator } = two_levels(&d, block, vectors);

    let psi = coarse_noise(&coarse, 1);
    let mut fine = d.vector().unwrap();
    aggregates.prolong(&coarse, &mut fine, &psi, Sites::All);
    let mut back = coarse.vector().unwrap();
    aggregates.restrict(&coarse, &mut back, &fine, Sites::All);
    let off = distance(&coarse, &back, &psi);
    assert!(off < tolerance, "{what}: R P = 1 is off by {off:e}");

    // ⟨P ψ, η⟩ = ⟨ψ, R η⟩.
    let eta = noise::<T, N>(&lattice, 7);
    let fine_product = fine.inner_product(&eta)[0];
    aggregates.restrict(&coarse, &mut back, &eta, Sites::All);
    let off = (fine_product - product(&coarse, &psi, &back)).norm2().sqrt() / fine_product.norm2().sqrt();
    assert!(off < 100.0 * tolerance, "{what}: R = P† is off by {off:e}");

    fine.exchange();
    let mut image = d.vector().unwrap();
    d.apply(&mut image, &fine);
    let mut expected = coarse.vector().unwrap();
    aggregates.restrict(&coarse, &mut expected, &image, Sites::All);
    let mut ours = coarse.vector().unwrap();
    operator.apply(&mut ours, &psi);
    let off = distance(&coarse, &ours, &expected);
    assert!(off < tolerance, "{what}: R D P is off by {off:e}");

    // ⟨φ, Γ5 D_c ψ⟩ = ⟨Γ5 D_c φ, ψ⟩.
    let phi = coarse_noise(&coarse, 1000);
    let mut of_phi = coarse.vector().unwrap();
    operator.apply(&mut of_phi, &phi);
    [&mut of_phi, &mut ours].into_iter().for_each(|v| apply_gamma5(&coarse, v));
    let (left, right) = (product(&coarse, &phi, &ours), product(&coarse, &of_phi, &psi));
    assert!((left - right).norm2() < (tolerance * tolerance) * 1e4 * left.norm2(), "{what}: Γ5-Hermiticity");

    // The even-odd form's adjoint, and its solution in the whole.
    let schur = CoarseSchur(&operator);
    let [mut s_psi, mut s_phi] = [(); 2].map(|()| coarse.vector().unwrap());
    schur.apply(&mut s_psi, &psi);
    schur.apply_dagger(&mut s_phi, &phi);
    let odd = |v: &CoarseVector<T>| {
        let mut odd = coarse.vector().unwrap();
        for site in coarse.parity(1) {
            (0..coarse.components()).for_each(|i| odd.set_component(site, i, v.component(site, i)));
        }
        odd
    };
    let (left, right) = (product(&coarse, &odd(&phi), &s_psi), product(&coarse, &odd(&s_phi), &psi));
    assert!((left - right).norm2() < (tolerance * tolerance) * 1e4 * left.norm2(), "{what}: S†");
    let [mut source, mut x] = [(); 2].map(|()| coarse.vector().unwrap());
    operator.source(&mut source, &phi);
    let stop = Stopping::at(tolerance);
    Gmres::new(&schur, 60).unwrap().solve(&schur, &mut x, &source, &stop).unwrap();
    operator.reconstruct(&mut x, &source);
    operator.apply(&mut back, &x);
    let off = distance(&coarse, &back, &phi);
    assert!(off < 100.0 * tolerance, "{what}: the even-odd solution is off by {off:e}");

    let direct = Direct::new(&operator, &coarse).unwrap().unwrap();
    direct.solve(&coarse, &mut x, &source);
    operator.reconstruct(&mut x, &source);
    operator.apply(&mut back, &x);
    let off = distance(&coarse, &back, &phi);
    assert!(off < 100.0 * tolerance, "{what}: the solution by the inverse is off by {off:e}");

    // Another mass.
    let heavier = Wilson::new(&u, 0.35, Boundary::antiperiodic()).unwrap().with_clover(csw).unwrap();
    operator.add_mass(0.25).unwrap();
    heavier.apply(&mut image, &fine);
    aggregates.restrict(&coarse, &mut expected, &image, Sites::All);
    operator.apply(&mut ours, &psi);
    let off = distance(&coarse, &ours, &expected);
    assert!(off < tolerance, "{what}: R D P of another mass is off by {off:e}");
}

#[test]
fn prolongation_restriction_and_coarse_operator_are_what_they_say() {
    check_definitions::<f64, 3>([8, 4, 4, 8], [4, 2, 2, 4], 5, 1.3);
    check_definitions::<f32, 3>([8, 4, 4, 8], [4, 2, 2, 4], 9, 1.3);
    check_definitions::<f64, 2>([12, 4, 4, 4], [2, 2, 2, 2], 3, 0.0);
    check_definitions::<f64, 1>([8, 8, 4, 4], [4, 2, 2, 2], 2, 0.0);
    check_definitions::<f32, 1>([8, 8, 4, 4], [4, 4, 2, 2], 8, 1.1);
}

fn parameters(block: Site) -> MultigridParameters {
    MultigridParameters {
        block,
        vectors: 6,
        start: 2,
        rounds: 1,
        smoother: Smoother::Schwarz(SapParameters { block, cycles: 1, steps: 3 }),
        ..MultigridParameters::default()
    }
}

#[test]
fn preconditioned_solutions_are_those_of_other_solvers() {
    let lattice = Lattice::new(&[8, 8, 4, 8], LatticeOptions::default()).unwrap();
    let (u, b) = (rough_field::<3>(&lattice, 0.4), noise::<f64, 3>(&lattice, 5));
    let d = Wilson::new(&u, -0.35, Boundary::antiperiodic()).unwrap().with_clover(1.0).unwrap();
    let stop = Stopping::at(1e-11);
    let mut expected = d.vector().unwrap();
    let plain = BiCgStab::new(&d).unwrap().solve(&d, &mut expected, &b, &stop).unwrap();
    let u_single = u.converted::<f32>().unwrap();
    let single = d.on(&u_single).unwrap();
    let mut multigrids: [Box<dyn Preconditioner<SpinorField<f64, 3>>>; 2] = [
        Box::new(Multigrid::new(&d, parameters([4, 4, 2, 4])).unwrap()),
        Box::new(Rounded::new(Multigrid::new(&single, parameters([4, 4, 2, 4])).unwrap(), &single).unwrap()),
    ];
    let mut solver = Gmres::new(&d, 30).unwrap();
    for multigrid in &mut multigrids {
        let mut x = d.vector().unwrap();
        let report = solver.solve_preconditioned(&d, &mut **multigrid, &mut x, &b, &stop).unwrap();
        assert!(report.iterations < plain.iterations / 2, "{} {}", report.iterations, plain.iterations);
        assert!(report.worst_residual() < 1.1e-11);
        // Each application has more work than the smoother alone.
        let least = report.preconditionings as f64 * 5.0 * LinearOperator::flops(&d);
        assert!(report.flops > least, "{} {least}", report.flops);
        x.as_mut_slice().iter_mut().zip(expected.as_slice()).for_each(|(x, e)| *x -= e);
        let off = (x.norm2()[0] / expected.norm2()[0]).sqrt();
        assert!(off < 1e-9, "off by {off:e}");
    }
}

#[test]
fn cycles_end_at_their_limit() {
    let lattice = Lattice::new(&[4; 4], LatticeOptions::default()).unwrap();
    // Constant fields are in the kernel of D: no x solves D x = b.
    let u = GaugeField::<f64, 3>::cold(&lattice).unwrap();
    let high = Wilson::new(&u, 0.0, Boundary::periodic()).unwrap();
    let links = u.converted::<f32>().unwrap();
    let low = high.on(&links).unwrap();
    let mut solver = MultigridSolver::new(&high, &low, parameters([2; 4])).unwrap();
    let (mut x, b) = (high.vector().unwrap(), noise(&lattice, 3));
    let stop = Stopping { iterations: 60, ..Stopping::default() };
    match solver.solve(&mut x, &b, &stop) {
        Err(SolveError::IterationLimit { report, .. }) => {
            assert_eq!((report.solver, report.iterations), ("multigrid", 60))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_mass_and_configuration_go_on_from_the_test_vectors() {
    let lattice = Lattice::new(&[8, 4, 4, 8], LatticeOptions::default()).unwrap();
    let (u, b) = (rough_field::<3>(&lattice, 0.4), noise::<f64, 3>(&lattice, 5));
    let operator = |u, mass| Wilson::new(u, mass, Boundary::periodic()).unwrap().with_clover(1.0).unwrap();
    let (first, second) = (operator(&u, 0.05), operator(&u, -0.05));
    let mut changed = u.duplicate().unwrap();
    let mut momenta = gaugelink_lattice::MomentumField::zeroed(&lattice).unwrap();
    momenta.refresh(Address::new(3, Purpose::Momenta));
    changed.drift(&momenta, 0.05);
    let third = operator(&changed, -0.05);
    let mut multigrid = Multigrid::new(&first, parameters([4, 2, 2, 4])).unwrap();
    let mut solver = Gmres::new(&first, 30).unwrap();
    for (d, rounds) in [(&second, 0), (&third, 1)] {
        multigrid.update(d, rounds).unwrap();
        // R D P of the operator at hand.
        let coarse = multigrid.correction.lattice.clone();
        let psi = coarse_noise(&coarse, 1);
        let [mut fine, mut image] = [d.vector().unwrap(), d.vector().unwrap()];
        multigrid.correction.aggregates.prolong(&coarse, &mut fine, &psi, Sites::All);
        d.apply(&mut image, &fine);
        let [mut expected, mut ours] = [coarse.vector().unwrap(), coarse.vector().unwrap()];
        multigrid.correction.aggregates.restrict(&coarse, &mut expected, &image, Sites::All);
        multigrid.correction.operator.apply(&mut ours, &psi);
        assert!(distance(&coarse, &ours, &expected) < 1e-12);
        let mut x = d.vector().unwrap();
        let stop = Stopping { iterations: 40, ..Stopping::at(1e-10) };
        let report = solver.solve_preconditioned(d, &mut multigrid, &mut x, &b, &stop).unwrap();
        assert!(report.worst_residual() < 1.1e-10);
    }
    let elsewhere = Lattice::new(&[8, 4, 4, 8], LatticeOptions::default()).unwrap();
    let v = rough_field::<3>(&elsewhere, 0.4);
    let other = operator(&v, -0.05);
    assert!(matches!(multigrid.update(&other, 0), Err(PhysicsError::Geometry(_))));
}

#[test]
fn what_makes_no_multigrid_is_refused_with_a_sentence() {
    let error = |extents: &[usize], lanes, parameters: MultigridParameters| {
        let lattice = Lattice::new(extents, LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap();
        let u = rough_field::<1>(&lattice, 0.3);
        let d = Wilson::new(&u, 0.1, Boundary::periodic()).unwrap();
        Multigrid::new(&d, parameters).unwrap_err()
    };
    let sites = LaneMeaning::Sites;
    for extents in [[2; 4], [4; 4], [8, 8, 8, 12], [5, 8, 8, 8]] {
        let error = error(&extents, sites, MultigridParameters::default());
        assert!(matches!(error, PhysicsError::Geometry(_)), "{error}");
    }
    let smoother = Smoother::Schwarz(SapParameters { block: [4, 4, 4, 3], ..SapParameters::default() });
    let wrong = MultigridParameters { block: [2; 4], smoother, ..parameters([2; 4]) };
    assert!(matches!(error(&[8; 4], sites, wrong), PhysicsError::Geometry(_)));
    let batch = error(&[8; 4], LaneMeaning::Batch { chains: 2 }, MultigridParameters::default());
    assert!(batch.to_string().contains("holds one configuration"), "{batch}");
    let usual = MultigridParameters::default();
    for wrong in [
        MultigridParameters { vectors: 0, ..usual },
        MultigridParameters { vectors: 33, ..usual },
        MultigridParameters { coarse_tolerance: 0.0, ..usual },
        MultigridParameters { coarse_tolerance: f64::NAN, ..usual },
        MultigridParameters { coarse_iterations: 0, ..usual },
        MultigridParameters { smoother: Smoother::EvenOdd { steps: 0 }, ..usual },
    ] {
        let error = error(&[8; 4], sites, wrong);
        assert!(matches!(error, PhysicsError::Parameter(_)), "{error}");
    }
    // Links that are no numbers.
    let lattice = Lattice::new(&[4; 4], LatticeOptions::default()).unwrap();
    let mut u = GaugeField::<f64, 1>::cold(&lattice).unwrap();
    u.set(0, 0, 0, f64::NAN);
    let d = Wilson::new(&u, 0.1, Boundary::periodic()).unwrap();
    assert!(Multigrid::new(&d, parameters([2; 4])).is_err());
}
