//! Gauge transformations U_mu(x) → g(x) U_mu(x) g(x + mu)†: loops and actions do not change, forces and spinors turn with g.

use gaugelink_lattice::group::{algebra_dim, exponential, from_coordinates};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Complex, GaugeField, Lattice, LatticeOptions, Matrix, MomentumField, Site};
use gaugelink_physics::action::{Action, IWASAKI, ImprovedAction, WilsonAction};
use gaugelink_physics::dirac::{
    Boundary, Multigrid, MultigridParameters, Sap, SapParameters, Spinor, SpinorField, Wilson,
};
use gaugelink_physics::observable;
use gaugelink_physics::smear::{GradientFlow, stout};
use gaugelink_physics::solver::{Gmres, LinearOperator, Preconditioner, Stopping};

/// g(x): exp of random algebra elements.
fn rotation<const N: usize>(lattice: &Lattice, x: &Site) -> Matrix<f64, N> {
    let site = lattice.geometry().site_index(x) as u64;
    let mut stream = Address::new(9, Purpose::GaugeTransformation).generator().stream(site);
    exponential(&from_coordinates(&std::array::from_fn(|_| 2.0 * stream.gaussian_pair().0)))
}

fn transformed<const N: usize>(u: &GaugeField<f64, N>) -> GaugeField<f64, N> {
    let lattice = u.lattice();
    let mut v = u.duplicate().unwrap();
    for block in 0..u.layout().blocks() {
        for lane in 0..u.layout().lanes() {
            let x = u.layout().site(block, lane);
            for mu in 0..lattice.dims() {
                let mut next = x;
                next[mu] = (x[mu] + 1) % lattice.geometry().extents()[mu];
                let link = rotation(lattice, &x).mul(&u.link(block, mu, lane));
                v.set_link(block, mu, lane, &link.mul_adjoint(&rotation(lattice, &next)));
            }
        }
    }
    v.exchange();
    v
}

fn start<const N: usize>(extents: &[usize]) -> GaugeField<f64, N> {
    let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
    GaugeField::random(&lattice, 0.5, Address::new(2, Purpose::Start)).unwrap()
}

/// Everything that must not change.
fn invariants<const N: usize>(u: &GaugeField<f64, N>) -> Vec<f64> {
    let mut values = vec![
        Action::value(&WilsonAction::new(1.3), u)[0],
        observable::plaquette(u)[0],
        observable::temporal_plaquette(u)[0],
        observable::rectangle(u)[0],
        observable::plaquette_energy(u)[0],
        observable::clover_energy(u)[0],
    ];
    for mu in 0..u.lattice().dims() {
        let loops = observable::polyakov_loop(u, mu).unwrap()[0];
        values.extend([loops.re, loops.im]);
    }
    if u.lattice().dims() == 4 {
        values.push(observable::topological_charge(u).unwrap()[0]);
    }
    values
}

fn check<const N: usize>(extents: &[usize]) {
    let u = start::<N>(extents);
    let v = transformed(&u);
    assert!((observable::link_trace(&u)[0] - observable::link_trace(&v)[0]).abs() > 1e-3, "links did change");
    for (i, (a, b)) in invariants(&u).into_iter().zip(invariants(&v)).enumerate() {
        assert!((a - b).abs() < 1e-12 * a.abs().max(1.0), "N={N} {extents:?}: invariant {i}: {a} {b}");
    }

    let force = |u: &GaugeField<f64, N>| {
        let mut p = MomentumField::zeroed(u.lattice()).unwrap();
        WilsonAction::new(1.3).kick(u, &mut p, -1.0);
        ImprovedAction::<N>::new(u.lattice(), 0.2, IWASAKI).unwrap().kick(u, &mut p, -1.0);
        p
    };
    let (before, after) = (force(&u), force(&v));
    let element = |p: &MomentumField<f64, N>, block, mu, lane| -> Matrix<f64, N> {
        let dim = algebra_dim(N);
        from_coordinates(&std::array::from_fn(
            |a| if a < dim { p.get(block, mu * dim + a, lane) } else { 0.0 },
        ))
    };
    for block in 0..u.layout().blocks() {
        for lane in 0..u.layout().lanes() {
            let g = rotation::<N>(u.lattice(), &u.layout().site(block, lane));
            for mu in 0..extents.len() {
                let expected = g.mul(&element(&before, block, mu, lane)).mul_adjoint(&g);
                let off = (element(&after, block, mu, lane) - expected).norm2().sqrt();
                assert!(off < 1e-13, "N={N} {extents:?}: force off by {off:e}");
            }
        }
    }

    // Smoothing commutes with gauge transformations.
    let (mut smooth, mut smooth_after) = (u, v);
    let mut flow = GradientFlow::wilson(smooth.lattice()).unwrap();
    for field in [&mut smooth, &mut smooth_after] {
        stout(field, 0.1, 1).unwrap();
        flow.step(field, 0.02);
    }
    let turned = transformed(&smooth);
    let worst = turned.as_slice().iter().zip(smooth_after.as_slice()).map(|(a, b)| (a - b).abs());
    assert!(worst.fold(0.0, f64::max) < 1e-13, "N={N} {extents:?}: smoothing");
}

#[test]
fn loops_are_invariant_and_forces_covariant() {
    check::<1>(&[6, 4]);
    check::<2>(&[4, 6]);
    check::<3>(&[4, 3, 4]);
    check::<1>(&[4, 4, 2, 4]);
    check::<2>(&[4, 2, 3, 8]);
    check::<3>(&[4, 4, 2, 6]);
}

#[test]
fn charge_in_two_dimensions_is_invariant() {
    let lattice = Lattice::new(&[12, 10], LatticeOptions::default()).unwrap();
    let u = GaugeField::<f64, 1>::random(&lattice, 2.0, Address::new(5, Purpose::Start)).unwrap();
    let charge = observable::geometric_charge(&u).unwrap();
    assert_ne!(charge, [0]);
    assert_eq!(observable::geometric_charge(&transformed(&u)).unwrap(), charge);
}

/// ψ(x) → g(x) ψ(x).
fn turned<const N: usize, const H: usize>(psi: &SpinorField<f64, N, H>) -> SpinorField<f64, N, H> {
    let (lattice, mut turned) = (psi.lattice(), psi.duplicate().unwrap());
    for index in 0..lattice.volume() {
        let x = lattice.geometry().site(index);
        let (g, old) = (rotation::<N>(lattice, &x), psi.spinor(&x, 0).unwrap());
        let row =
            |s: usize, c: usize| (0..N).fold(Complex::zero(), |sum, d| g.0[c][d].mul_add(old[s][d], sum));
        turned.set_spinor(&x, 0, &Spinor::from_fn(row));
    }
    turned.exchange();
    turned
}

fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn operators_are_covariant_and_hermitian_with_gamma5() {
    fn check<const N: usize, const H: usize>(extents: &[usize], csw: f64) {
        let u = start::<N>(extents);
        let v = transformed(&u);
        let [mut psi, mut before, mut after] =
            [(); 3].map(|()| SpinorField::<f64, N, H>::zeroed(u.lattice()).unwrap());
        psi.set_gaussian(Address::new(3, Purpose::Source));
        let boundary = Boundary::twisted([0.3, 0.0, 1.1, std::f64::consts::PI]);
        let on = |links| Wilson::new(links, 0.1, boundary).unwrap().with_clover(csw).unwrap();
        on(&u).apply(&mut before, &psi);
        on(&v).apply(&mut after, &turned(&psi));
        let off = largest_difference(turned(&before).as_slice(), after.as_slice());
        assert!(off < 1e-13, "N={N} {extents:?} c_sw {csw}: covariance off by {off:e}");

        let d = on(&u);
        d.apply_dagger(&mut before, &psi);
        psi.apply_gamma5();
        d.apply(&mut after, &psi);
        after.apply_gamma5();
        let off = largest_difference(before.as_slice(), after.as_slice());
        assert!(off < 1e-14, "N={N} {extents:?} c_sw {csw}: D† is off γ5 D γ5 by {off:e}");
    }
    for csw in [0.0, 1.7] {
        check::<3, 2>(&[4, 4, 2, 6], csw);
        check::<3, 2>(&[3, 4, 5, 2], csw);
        check::<2, 2>(&[4, 2, 3, 8], csw);
        check::<1, 2>(&[4, 4, 2, 4], csw);
    }
    check::<3, 1>(&[6, 8], 0.0);
    check::<2, 1>(&[3, 5], 0.0);
    check::<1, 1>(&[16, 4], 0.0);
}

#[test]
fn solves_in_blocks_are_covariant() {
    let u = start::<3>(&[8, 4, 4, 8]);
    let v = transformed(&u);
    let lattice = u.lattice();
    let mut b = SpinorField::<f64, 3>::zeroed(lattice).unwrap();
    b.set_gaussian(Address::new(3, Purpose::Source));
    let sap = SapParameters { block: [2, 2, 2, 4], cycles: 1, steps: 3 };
    let parameters =
        MultigridParameters { block: [4, 2, 2, 4], vectors: 4, ..MultigridParameters::default() };
    let stop = Stopping::at(1e-10);
    let solve = |u: &GaugeField<f64, 3>, b: &SpinorField<f64, 3>| {
        let d = Wilson::new(u, 0.2, Boundary::periodic()).unwrap().with_clover(1.0).unwrap();
        let mut solver = Gmres::new(&d, 30).unwrap();
        let mut preconditioners: [Box<dyn Preconditioner<SpinorField<f64, 3>>>; 2] =
            [Box::new(Sap::new(&d, sap).unwrap()), Box::new(Multigrid::new(&d, parameters).unwrap())];
        preconditioners.each_mut().map(|preconditioner| {
            let mut x = d.vector().unwrap();
            let report = solver.solve_preconditioned(&d, &mut **preconditioner, &mut x, b, &stop).unwrap();
            (x, report.iterations)
        })
    };
    let (plain, moved) = (solve(&u, &b), solve(&v, &turned(&b)));
    for ((x, iterations), (y, others)) in plain.iter().zip(&moved) {
        assert!(largest_difference(turned(x).as_slice(), y.as_slice()) < 1e-8);
        // The noise of a multigrid's test vectors does not turn with the links.
        assert!(iterations.abs_diff(*others) <= 1, "{iterations} and {others} iterations");
    }
    assert_eq!(plain[0].1, moved[0].1, "nothing of the Schwarz procedure depends on the gauge");
}
