//! GMRES against dense elimination, other solvers, its theory, and failures.

mod common;

use common::bits::assert_equal_bits;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Complex, GaugeField, LaneMeaning, Lattice, LatticeError, LatticeOptions, Real};
use gaugelink_physics::PhysicsError;
use gaugelink_physics::dirac::{Boundary, SPINS, Schur, SpinorField, Wilson};
use gaugelink_physics::solver::{
    BiCgStab, ConjugateGradient, Gmres, LinearOperator, Preconditioner, RESTART_MAX, SolveError, Stopping,
};
use std::error::Error;
use std::ops::Range;
use std::sync::Arc;

type Failure = Box<dyn Error + Send + Sync>;

fn fields<const N: usize>(lattice: &Arc<Lattice>, chain: u64) -> (GaugeField<f64, N>, SpinorField<f64, N>) {
    let start = Address::new(11, Purpose::Start).chain(chain);
    let mut b = SpinorField::zeroed(lattice).unwrap();
    b.set_gaussian(Address::new(12, Purpose::Source).chain(chain));
    (GaugeField::random(lattice, 0.5, start).unwrap(), b)
}

/// Components of a field in a fixed order.
fn flat<const N: usize>(psi: &SpinorField<f64, N>) -> Vec<Complex<f64>> {
    let geometry = psi.layout().geometry();
    let sites = (0..geometry.volume()).map(|k| psi.spinor(&geometry.site(k), 0).unwrap());
    sites.flat_map(|s| s.components().to_vec()).collect()
}

/// D⁻¹ b from the whole matrix, by elimination with pivoting.
fn dense_solution<const N: usize>(d: &Wilson<'_, f64, N>, b: &SpinorField<f64, N>) -> Vec<Complex<f64>> {
    let geometry = b.layout().geometry();
    let (mut point, mut column) = (d.vector().unwrap(), d.vector().unwrap());
    let mut rows: Vec<Vec<Complex<f64>>> = vec![Vec::new(); geometry.volume() * SPINS * N];
    for k in 0..geometry.volume() {
        for index in 0..SPINS * N {
            point.set_point_source(&geometry.site(k), index / N, index % N);
            d.apply(&mut column, &point);
            rows.iter_mut().zip(flat(&column)).for_each(|(row, entry)| row.push(entry));
        }
    }
    rows.iter_mut().zip(flat(b)).for_each(|(row, entry)| row.push(entry));
    let n = rows.len();
    for k in 0..n {
        let pivot = (k..n).max_by(|&i, &j| rows[i][k].norm2().total_cmp(&rows[j][k].norm2())).unwrap();
        rows.swap(k, pivot);
        let inverse = rows[k][k].conj().scale(1.0 / rows[k][k].norm2());
        rows[k].iter_mut().for_each(|z| *z = inverse * *z);
        let top = rows[k].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|&(i, _)| i != k) {
            let minus_factor = -row[k];
            row.iter_mut().zip(&top).for_each(|(z, &t)| *z = minus_factor.mul_add(t, *z));
        }
    }
    rows.iter().map(|row| row[n]).collect()
}

fn distance(a: &[Complex<f64>], b: &[Complex<f64>]) -> f64 {
    let norm2 = |v: &mut dyn Iterator<Item = Complex<f64>>| v.map(|z| z.norm2()).sum::<f64>();
    let off = norm2(&mut a.iter().zip(b).map(|(&x, &y)| x - y));
    (off / norm2(&mut b.iter().copied())).sqrt()
}

#[test]
fn unrestarted_gmres_ends_within_the_dimension_at_the_dense_solution() {
    for extents in [[2, 2, 2, 2], [2, 2, 2, 3]] {
        let lattice = Lattice::new(&extents, LatticeOptions::default()).unwrap();
        let (u, b) = fields::<1>(&lattice, 0);
        let d = Wilson::new(&u, -0.7, Boundary::antiperiodic()).unwrap();
        let dimension = lattice.volume() * SPINS;
        let mut x = d.vector().unwrap();
        let mut solver = Gmres::new(&d, dimension).unwrap();
        let report = solver.solve(&d, &mut x, &b, &Stopping::at(1e-12)).unwrap();
        assert!(report.iterations <= dimension, "{extents:?}: {} iterations", report.iterations);
        assert!(report.worst_residual() < 2e-12, "{:e}", report.worst_residual());
        let off = distance(&flat(&x), &dense_solution(&d, &b));
        assert!(off < 1e-10, "{extents:?}: off by {off:e}");
        let falls = report.history.windows(2).all(|r| r[1] <= r[0]);
        assert!(falls, "the residual of GMRES never grows: {:?}", report.history);
    }
}

#[test]
fn the_residual_is_the_smallest_in_the_krylov_space() {
    // In one dimension the minimum is in closed form: ‖r‖² = ‖b‖² − |⟨M b, b⟩|² / ‖M b‖².
    let lattice = Lattice::new(&[4, 4, 4, 4], LatticeOptions::default()).unwrap();
    let (u, b) = fields::<3>(&lattice, 0);
    let d = Wilson::new(&u, 0.1, Boundary::periodic()).unwrap();
    let mut mb = d.vector().unwrap();
    d.apply(&mut mb, &b);
    let (b2, along) = (b.norm2()[0], mb.inner_product(&b)[0].norm2() / mb.norm2()[0]);
    let expected = ((b2 - along) / b2).sqrt();
    let mut x = d.vector().unwrap();
    let stop = Stopping { iterations: 1, ..Stopping::at(1e-10) };
    let error = Gmres::new(&d, 5).unwrap().solve(&d, &mut x, &b, &stop).unwrap_err();
    assert!(matches!(error, SolveError::IterationLimit { .. }));
    let report = error.report().unwrap();
    assert!((report.true_residual[0] - expected).abs() < 1e-14, "{} {expected}", report.true_residual[0]);
    assert!((report.history[1] - expected).abs() < 1e-14, "{} {expected}", report.history[1]);
}

/// M⁻¹ to a tolerance that changes from one application to the next.
struct Inner<'a, 'd, const N: usize> {
    d: &'a Wilson<'d, f64, N>,
    solver: BiCgStab<SpinorField<f64, N>>,
    tolerances: [f64; 2],
    applications: usize,
}

impl<'a, 'd, const N: usize> Inner<'a, 'd, N> {
    fn new(d: &'a Wilson<'d, f64, N>, tolerances: [f64; 2]) -> Self {
        Self { d, solver: BiCgStab::new(d).unwrap(), tolerances, applications: 0 }
    }
}

impl<const N: usize> Preconditioner<SpinorField<f64, N>> for Inner<'_, '_, N> {
    fn apply(&mut self, z: &mut SpinorField<f64, N>, r: &SpinorField<f64, N>) -> Result<(), Failure> {
        z.as_mut_slice().fill(0.0);
        let stop = Stopping::at(self.tolerances[self.applications % 2]);
        self.applications += 1;
        self.solver.solve(self.d, z, r, &stop)?;
        Ok(())
    }
    fn flops(&self) -> f64 {
        1000.0
    }
}

#[test]
fn solutions_are_those_of_the_other_solvers() {
    let lattice = Lattice::new(&[4, 4, 4, 8], LatticeOptions::default()).unwrap();
    let (u, b) = fields::<3>(&lattice, 0);
    let d = Wilson::new(&u, -0.3, Boundary::antiperiodic()).unwrap();
    let stop = Stopping::at(1e-11);
    let [mut by_cg, mut by_bicg] = [d.vector().unwrap(), d.vector().unwrap()];
    ConjugateGradient::new(&d).unwrap().solve(&d, &mut by_cg, &b, &stop).unwrap();
    BiCgStab::new(&d).unwrap().solve(&d, &mut by_bicg, &b, &stop).unwrap();
    let mut solver = Gmres::new(&d, 8).unwrap();
    let mut x = d.vector().unwrap();
    let plain = solver.solve(&d, &mut x, &b, &stop).unwrap();
    assert!(distance(&flat(&x), &flat(&by_cg)) < 1e-9 && distance(&flat(&x), &flat(&by_bicg)) < 1e-9);
    assert_eq!((plain.solver, plain.preconditionings), ("GMRES", 0));
    let restarts = plain.iterations.div_ceil(8);
    assert_eq!(
        plain.applications,
        plain.iterations + restarts + 1,
        "one for the residual of each cycle and the last"
    );

    let mut x = d.vector().unwrap();
    let mut inner = Inner::new(&d, [0.1, 0.3]);
    let flexible = solver.solve_preconditioned(&d, &mut inner, &mut x, &b, &stop).unwrap();
    assert!(distance(&flat(&x), &flat(&by_cg)) < 1e-9);
    assert!(flexible.iterations < plain.iterations / 3, "{} {}", flexible.iterations, plain.iterations);
    assert_eq!(flexible.preconditionings, inner.applications);
    let expected = flexible.applications as f64 * d.flops() + inner.applications as f64 * inner.flops();
    assert_eq!(flexible.flops, expected);

    let mut x = d.vector().unwrap();
    let mut exact = Inner::new(&d, [1e-13, 1e-13]);
    let stop = Stopping::at(1e-10);
    let once = solver.solve_preconditioned(&d, &mut exact, &mut x, &b, &stop).unwrap();
    assert_eq!(once.iterations, 1, "an exact inverse needs one iteration");

    let schur = Schur::odd(&d).unwrap();
    let mut solver = Gmres::new(&schur, 30).unwrap();
    let mut x = d.vector().unwrap();
    schur.solve(&mut x, &b, |s, x, c| solver.solve(s, x, c, &Stopping::at(1e-11))).unwrap();
    assert!(distance(&flat(&x), &flat(&by_cg)) < 1e-9);
}

#[test]
fn a_start_near_the_solution_is_used_and_single_precision_reaches_its_limit() {
    let lattice = Lattice::new(&[4, 4, 4, 4], LatticeOptions::default()).unwrap();
    let (u, b) = fields::<3>(&lattice, 0);
    let d = Wilson::new(&u, 0.1, Boundary::periodic()).unwrap();
    let mut solver = Gmres::new(&d, 30).unwrap();
    let mut x = d.vector().unwrap();
    solver.solve(&d, &mut x, &b, &Stopping::at(1e-9)).unwrap();
    assert_eq!(solver.solve(&d, &mut x, &b, &Stopping::at(1e-8)).unwrap().iterations, 0);

    let u_single = u.converted::<f32>().unwrap();
    let single = Wilson::new(&u_single, 0.1, Boundary::periodic()).unwrap();
    let mut y = single.vector().unwrap();
    let b_single = b.converted().unwrap();
    let report =
        Gmres::new(&single, 10).unwrap().solve(&single, &mut y, &b_single, &Stopping::at(1e-5)).unwrap();
    assert!(report.worst_residual() < 1.1e-5, "{:e}", report.worst_residual());
    assert!(distance(&flat(&y.converted::<f64>().unwrap()), &flat(&x)) < 1e-3);
}

#[test]
fn solves_give_the_same_bits() {
    let solves = |options: LatticeOptions, chain: u64| {
        let lattice = Lattice::new(&[4, 4, 4, 8], options).unwrap();
        let (u, b) = fields::<3>(&lattice, chain);
        let d = Wilson::new(&u, 0.1, Boundary::antiperiodic()).unwrap();
        let mut solver = Gmres::new(&d, 7).unwrap();
        let mut results = Vec::new();
        let mut x = d.vector().unwrap();
        let plain = solver.solve(&d, &mut x, &b, &Stopping::at(1e-8)).unwrap();
        let mut z = d.vector().unwrap();
        // Independent of when other chains are done.
        let mut hops = Hops(&d);
        let flexible = solver.solve_preconditioned(&d, &mut hops, &mut z, &b, &Stopping::at(1e-8)).unwrap();
        for (report, x) in [(plain, &x), (flexible, &z)] {
            let inner = b.inner_product(x);
            results.push(x.norm2());
            results.push(inner.iter().map(|z| z.re).collect());
            results.push(inner.iter().map(|z| z.im).collect());
            results.push(report.chain_iterations.iter().map(|&n| n as f64).collect());
            results.push(report.true_residual);
        }
        results
    };
    assert_equal_bits("GMRES", &[&[1, 1, 1, 2], &[2, 1, 2, 1]], solves);
}

/// 0.25 + 0.03 H − 0.005 H†, an approximate inverse.
struct Hops<'a, 'd, const N: usize>(&'a Wilson<'d, f64, N>);

impl<const N: usize> Preconditioner<SpinorField<f64, N>> for Hops<'_, '_, N> {
    fn apply(&mut self, z: &mut SpinorField<f64, N>, r: &SpinorField<f64, N>) -> Result<(), Failure> {
        self.0.both_hops(z, r, [0.25, 0.03, -0.005]);
        Ok(())
    }
    fn flops(&self) -> f64 {
        0.0
    }
}

/// Nothing but zeros.
struct Zero<'d>(&'d Wilson<'d, f64, 1>);

impl LinearOperator<f64> for Zero<'_> {
    type Vector = SpinorField<f64, 1>;
    fn vector(&self) -> Result<Self::Vector, LatticeError> {
        self.0.vector()
    }
    fn blocks(&self) -> Range<usize> {
        LinearOperator::blocks(self.0)
    }
    fn apply(&self, out: &mut Self::Vector, _: &Self::Vector) {
        out.as_mut_slice().fill(0.0);
    }
    fn apply_dagger(&self, out: &mut Self::Vector, psi: &Self::Vector) {
        LinearOperator::apply(self, out, psi);
    }
    fn flops(&self) -> f64 {
        0.0
    }
}

/// Fails.
struct Absent;

impl<X> Preconditioner<X> for Absent {
    fn apply(&mut self, _: &mut X, _: &X) -> Result<(), Failure> {
        Err("no such plugin".into())
    }
    fn flops(&self) -> f64 {
        0.0
    }
}

#[test]
fn failures_say_what_happened() {
    let lattice = Lattice::new(&[4, 4, 4, 4], LatticeOptions::default()).unwrap();
    let (u, mut b) = fields::<1>(&lattice, 0);
    let d = Wilson::new(&u, 0.1, Boundary::periodic()).unwrap();
    for restart in [0, RESTART_MAX + 1] {
        assert!(matches!(Gmres::new(&d, restart), Err(PhysicsError::Parameter(_))), "{restart}");
    }
    let mut solver = Gmres::new(&d, 5).unwrap();
    let stop = Stopping::at(1e-8);

    let mut x = d.vector().unwrap();
    let error = solver.solve(&Zero(&d), &mut x, &b, &stop).unwrap_err();
    assert!(matches!(error, SolveError::Breakdown { .. }), "{error}");
    assert_eq!(x.norm2(), [0.0], "no step was possible");

    let error = solver.solve_preconditioned(&d, &mut Absent, &mut x, &b, &stop).unwrap_err();
    assert!(error.to_string().contains("no such plugin"), "{error}");

    let mut zero = d.vector().unwrap();
    let report = solver.solve(&d, &mut x, &zero, &stop).unwrap();
    assert_eq!((report.iterations, report.worst_residual()), (0, 0.0));
    zero.set(0, 0, 0, f64::NAN);
    assert!(matches!(solver.solve(&d, &mut x, &zero, &stop), Err(SolveError::NotFinite { .. })));

    b.set(0, 0, 0, 1.0);
    let impatient = Stopping { patience: 0, ..Stopping::at(1e-30) };
    let error = solver.solve(&d, &mut x, &b, &impatient).unwrap_err();
    assert!(matches!(error, SolveError::Stagnation { .. }), "{error}");
}

#[test]
fn chains_of_a_batch_stop_by_themselves() {
    let options = LatticeOptions { lanes: LaneMeaning::Batch { chains: 2 }, ..LatticeOptions::default() };
    let lattice = Lattice::new(&[4, 4, 4, 4], options).unwrap();
    let (u, mut b) = fields::<2>(&lattice, 0);
    // The second chain has nothing to solve.
    for block in 0..b.layout().blocks() {
        for component in 0..b.reals() {
            for lane in (0..f64::LANES).filter(|l| l % 2 == 1) {
                b.set(block, component, lane, 0.0);
            }
        }
    }
    let d = Wilson::new(&u, 0.1, Boundary::periodic()).unwrap();
    let mut x = d.vector().unwrap();
    let report = Gmres::new(&d, 6).unwrap().solve(&d, &mut x, &b, &Stopping::at(1e-9)).unwrap();
    assert!(report.chain_iterations[0] > 6 && report.chain_iterations[1] == 0, "{report:?}");
    assert_eq!(x.norm2()[1], 0.0);
    assert!(report.true_residual[0] < 1.1e-9 && report.true_residual[1] == 0.0);
}
