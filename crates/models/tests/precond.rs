//! The symmetric parallel-transport preconditioner: its formula, its symmetries, its fit, and what it gains.

use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Complex, GaugeField, LaneMeaning, Lattice, LatticeOptions, Matrix, Site};
use gaugelink_models::file::ModelKind;
use gaugelink_models::precond::{ParallelTransport, TransportWeights, fit};
use gaugelink_models::{Model, ModelError};
use gaugelink_physics::dirac::{Boundary, Schur, Spinor, SpinorField, Wilson, gamma};
use gaugelink_physics::solver::{BiCgStab, Gmres, LinearOperator, SolveReport, Stopping};
use gaugelink_physics::update::{HeatBath, Overrelaxation};
use std::sync::Arc;

const WEIGHTS: TransportWeights = TransportWeights { site: 0.25, hop: 0.02, spin_hop: -0.03 };

fn twisted() -> Boundary {
    Boundary::twisted([0.3, 0.0, 1.1, std::f64::consts::PI])
}

fn source() -> Address {
    Address::new(8, Purpose::Source)
}

fn fields<const N: usize>(lattice: &Arc<Lattice>) -> (GaugeField<f64, N>, SpinorField<f64, N>) {
    let mut psi = SpinorField::zeroed(lattice).unwrap();
    psi.set_gaussian(source());
    (GaugeField::random(lattice, 0.6, Address::new(7, Purpose::Start)).unwrap(), psi)
}

/// U_mu(x), with the phase where it leaves the last slice.
fn link<const N: usize>(
    u: &GaugeField<f64, N>,
    x: &Site,
    mu: usize,
    boundary: &Boundary,
    chain: usize,
) -> Matrix<f64, N> {
    let (block, lane) = u.layout().locate(x);
    let last = x[mu] + 1 == u.layout().geometry().extents()[mu];
    let phase = if last { boundary.0[mu] } else { Complex::new(1.0, 0.0) };
    u.link(block, mu, if u.lattice().chains() > 1 { chain } else { lane }).scale_complex(phase)
}

/// The layer by its formula: explicit gamma matrices, one site at a time.
fn naive<const N: usize>(
    u: &GaugeField<f64, N>,
    psi: &SpinorField<f64, N>,
    weights: TransportWeights,
    boundary: &Boundary,
    chain: usize,
) -> Vec<Spinor<f64, N>> {
    let geometry = psi.layout().geometry().clone();
    let extents = geometry.extents();
    let site = |index: usize| {
        let x = geometry.site(index);
        let mut out = psi.spinor(&x, chain).unwrap().map(|z| z.scale(weights.site));
        for mu in 0..4 {
            let (mut ahead, mut behind) = (x, x);
            ahead[mu] = (x[mu] + 1) % extents[mu];
            behind[mu] = (x[mu] + extents[mu] - 1) % extents[mu];
            let steps = [
                (1.0, link(u, &x, mu, boundary, chain), ahead),
                (-1.0, link(u, &behind, mu, boundary, chain).adjoint(), behind),
            ];
            for (sign, u, neighbour) in steps {
                let psi = psi.spinor(&neighbour, chain).unwrap();
                for (s, row) in gamma(mu).iter().enumerate() {
                    for (r, gamma) in row.iter().enumerate() {
                        let unit = Complex::new(if s == r { weights.hop } else { 0.0 }, 0.0);
                        let spin = unit + gamma.scale(sign * weights.spin_hop);
                        for c in 0..N {
                            for d in 0..N {
                                out[s][c] = out[s][c] + spin * u.0[c][d] * psi[r][d];
                            }
                        }
                    }
                }
            }
        }
        out
    };
    (0..geometry.volume()).map(site).collect()
}

/// The largest component of out − expected.
fn deviation<const N: usize>(out: &SpinorField<f64, N>, expected: &[Spinor<f64, N>], chain: usize) -> f64 {
    let geometry = out.layout().geometry();
    let mut worst = 0.0f64;
    for (index, expected) in expected.iter().enumerate() {
        let ours = out.spinor(&geometry.site(index), chain).unwrap();
        for (a, b) in ours.components().iter().zip(expected.components()) {
            worst = worst.max((*a - *b).norm2().sqrt());
        }
    }
    worst
}

fn check_formula<const N: usize>(extents: &[usize], lanes: LaneMeaning) {
    let lattice = Lattice::new(extents, LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap();
    let (u, psi) = fields::<N>(&lattice);
    let u_single = u.converted::<f32>().unwrap();
    for boundary in [Boundary::periodic(), twisted()] {
        let (double, single) =
            (Wilson::new(&u, 0.1, boundary).unwrap(), Wilson::new(&u_single, 0.1, boundary).unwrap());
        let (m, m_single) =
            (ParallelTransport::new(&double, WEIGHTS), ParallelTransport::new(&single, WEIGHTS));
        let (mut out, mut out_single) = (m.vector().unwrap(), m_single.vector().unwrap());
        for weights in [WEIGHTS, WEIGHTS.adjoint()] {
            let psi_single = psi.converted().unwrap();
            if weights == WEIGHTS {
                LinearOperator::apply(&m, &mut out, &psi);
                LinearOperator::apply(&m_single, &mut out_single, &psi_single);
            } else {
                m.apply_dagger(&mut out, &psi);
                m_single.apply_dagger(&mut out_single, &psi_single);
            }
            for chain in 0..lattice.chains() {
                let expected = naive(&u, &psi, weights, &boundary, chain);
                let off = deviation(&out, &expected, chain);
                let off_single = deviation(&out_single.converted().unwrap(), &expected, chain);
                let place = format!("N={N} {extents:?} {boundary:?} chain {chain} {weights:?}");
                assert!(off < 2e-15, "{place}: off by {off:e}");
                assert!(off_single < 1e-6, "{place}: single precision off by {off_single:e}");
            }
        }
    }
}

#[test]
fn the_layer_is_that_of_the_plain_formula() {
    for lanes in [LaneMeaning::Sites, LaneMeaning::Batch { chains: 3 }] {
        check_formula::<3>(&[4, 4, 2, 8], lanes);
        check_formula::<3>(&[3, 4, 5, 2], lanes);
        check_formula::<2>(&[4, 2, 6, 4], lanes);
        check_formula::<1>(&[8, 4, 2, 4], lanes);
    }
}

#[test]
fn the_adjoint_is_that_of_the_scalar_product_and_of_gamma5() {
    let lattice = Lattice::new(&[4, 6, 4, 8], LatticeOptions::default()).unwrap();
    let (u, psi) = fields::<3>(&lattice);
    let d = Wilson::new(&u, 0.1, twisted()).unwrap();
    let m = ParallelTransport::new(&d, WEIGHTS);
    let [mut chi, mut m_psi, mut m_chi, mut turned] = [(); 4].map(|()| m.vector().unwrap());
    chi.set_gaussian(source().sample(1));
    LinearOperator::apply(&m, &mut m_psi, &psi);
    m.apply_dagger(&mut m_chi, &chi);
    let (left, right) = (chi.inner_product(&m_psi)[0], m_chi.inner_product(&psi)[0]);
    assert!((left - right).norm2().sqrt() < 1e-12 * left.norm2().sqrt(), "{left:?} {right:?}");
    chi.apply_gamma5();
    LinearOperator::apply(&m, &mut turned, &chi);
    turned.apply_gamma5();
    let off = m_chi.as_slice().iter().zip(turned.as_slice()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(off < 1e-15, "{off:e}");
}

#[test]
fn the_layer_is_linear_and_turns_with_the_gauge() {
    let lattice = Lattice::new(&[4, 4, 4, 8], LatticeOptions::default()).unwrap();
    let (u, psi) = fields::<3>(&lattice);
    let geometry = lattice.geometry();
    // Any field of group elements serves as g(x).
    let g =
        GaugeField::<f64, 3>::random(&lattice, 2.0, Address::new(3, Purpose::GaugeTransformation)).unwrap();
    let g = |x: &Site| link(&g, x, 0, &Boundary::periodic(), 0);
    let (mut v, mut chi) = (u.duplicate().unwrap(), psi.duplicate().unwrap());
    for index in 0..geometry.volume() {
        let x = geometry.site(index);
        let (block, lane) = u.layout().locate(&x);
        for mu in 0..4 {
            let mut next = x;
            next[mu] = (x[mu] + 1) % geometry.extents()[mu];
            v.set_link(block, mu, lane, &g(&x).mul(&u.link(block, mu, lane)).mul_adjoint(&g(&next)));
        }
        chi.set_spinor(&x, 0, &turned(&g(&x), &psi.spinor(&x, 0).unwrap()));
    }
    v.exchange();
    chi.exchange();
    let (d, e) = (Wilson::new(&u, 0.1, twisted()).unwrap(), Wilson::new(&v, 0.1, twisted()).unwrap());
    let (mut m_psi, mut m_chi) = (d.vector().unwrap(), d.vector().unwrap());
    let m = ParallelTransport::new(&d, WEIGHTS);
    LinearOperator::apply(&m, &mut m_psi, &psi);
    LinearOperator::apply(&ParallelTransport::new(&e, WEIGHTS), &mut m_chi, &chi);
    let expected: Vec<Spinor<f64, 3>> = (0..geometry.volume())
        .map(|k| turned(&g(&geometry.site(k)), &m_psi.spinor(&geometry.site(k), 0).unwrap()))
        .collect();
    let off = deviation(&m_chi, &expected, 0);
    assert!(off < 2e-15, "{off:e}");

    // M (2ψ + χ) = 2 Mψ + Mχ, with factors that round nothing away.
    let mut sum = psi.duplicate().unwrap();
    sum.as_mut_slice().iter_mut().zip(chi.as_slice()).for_each(|(p, c)| *p = 2.0 * *p + c);
    let mut m_sum = d.vector().unwrap();
    LinearOperator::apply(&m, &mut m_sum, &sum);
    LinearOperator::apply(&m, &mut m_chi, &chi);
    let parts = m_psi.as_slice().iter().zip(m_chi.as_slice());
    let off =
        m_sum.as_slice().iter().zip(parts).map(|(s, (p, c))| (s - 2.0 * p - c).abs()).fold(0.0, f64::max);
    assert!(off < 4e-15, "{off:e}");
}

fn turned(g: &Matrix<f64, 3>, psi: &Spinor<f64, 3>) -> Spinor<f64, 3> {
    Spinor::from_fn(|s, c| (0..3).fold(Complex::zero(), |sum, d| g.0[c][d].mul_add(psi[s][d], sum)))
}

#[test]
fn the_layer_refuses_models_of_something_else() {
    let model = WEIGHTS.to_model::<3>(-0.5);
    assert_eq!(model.header.kind, ModelKind::Precond);
    let bytes = model.to_bytes("m").unwrap();
    let back = Model::from_bytes(&bytes, "m").unwrap();
    assert_eq!(TransportWeights::from_model::<3>(&back).unwrap(), WEIGHTS);
    assert!(matches!(TransportWeights::from_model::<2>(&back), Err(ModelError::Parameter(_))));
    let mut other = model.clone();
    other.header.architecture[0].kind = "dense".into();
    let text = TransportWeights::from_model::<3>(&other).unwrap_err().to_string();
    assert!(text.contains("dense") && text.contains("parallel-transport"), "{text}");
    let mut other = model.clone();
    other.header.tensors[0].name = "0.bias".into();
    let text = TransportWeights::from_model::<3>(&other).unwrap_err().to_string();
    assert!(text.contains("`0.bias` [3], its layers take `0.weights` [3]"), "{text}");
    let mut other = model.clone();
    other.header.tensors[0].shape = vec![3, 1];
    assert!(TransportWeights::from_model::<3>(&other).is_err());
}

/// Σ ‖M D v − v‖² / Σ ‖v‖² from its definition.
fn loss(d: &Wilson<'_, f64, 3>, weights: TransportWeights, vectors: u64) -> f64 {
    let m = ParallelTransport::new(d, weights);
    let [mut v, mut u, mut w] = [(); 3].map(|()| m.vector().unwrap());
    let (mut off, mut all) = (0.0, 0.0);
    for sample in 0..vectors {
        v.set_gaussian(source().sample(sample));
        d.apply(&mut u, &v);
        LinearOperator::apply(&m, &mut w, &u);
        off += w.as_slice().iter().zip(v.as_slice()).map(|(w, v)| (w - v) * (w - v)).sum::<f64>();
        all += v.norm2()[0];
    }
    off / all
}

#[test]
fn the_fit_is_the_minimum_of_the_loss() {
    let lattice = Lattice::new(&[4, 4, 4, 8], LatticeOptions::default()).unwrap();
    let (u, _) = fields::<3>(&lattice);
    let d = Wilson::new(&u, -0.3, Boundary::antiperiodic()).unwrap();
    let fit = fit(&d, 2, source()).unwrap();
    let at = |site: f64, hop: f64, spin_hop: f64| {
        let w = fit.weights;
        let moved =
            TransportWeights { site: w.site + site, hop: w.hop + hop, spin_hop: w.spin_hop + spin_hop };
        loss(&d, moved, 2)
    };
    let least = at(0.0, 0.0, 0.0);
    assert!((least - fit.loss).abs() < 1e-12, "{least} {}", fit.loss);
    // A quadratic function has its minimum halfway between places of equal value.
    for step in [[0.01, 0.0, 0.0], [0.0, 0.01, 0.0], [0.0, 0.0, 0.01], [0.01, -0.01, 0.01]] {
        let (up, down) = (at(step[0], step[1], step[2]), at(-step[0], -step[1], -step[2]));
        assert!(up > least && (up - down).abs() < 1e-10 * up, "{step:?}: {up} {down} {least}");
    }
    assert!(matches!(gaugelink_models::precond::fit(&d, 0, source()), Err(ModelError::Parameter(_))));
}

#[test]
fn for_heavy_quarks_the_fit_is_the_hopping_expansion() {
    // D⁻¹ = (1 + κH + κ²H² + …)/d with κ = 1/(2d), and κH/d has a1 = κ/d, a2 = −κ/d. What is left is κ²H²v, and on
    // random links ‖H²v‖² = 256 ‖v‖² on average: of the two steps' projectors, tr[(1−γ)(1−γ)(1−γ')(1−γ')]/4 is 8 for two
    // equal steps, 4 for each of the six at right angles, and 0 for the step back. Two vectors on 8⁴ fluctuate by 0.2%.
    let lattice = Lattice::new(&[8, 8, 8, 8], LatticeOptions::default()).unwrap();
    let u = GaugeField::<f64, 3>::random(&lattice, 2.0, Address::new(7, Purpose::Start)).unwrap();
    for d in [40.0, 80.0] {
        let wilson = Wilson::new(&u, d - 4.0, Boundary::periodic()).unwrap();
        let fit = fit(&wilson, 2, source()).unwrap();
        let (kappa, w) = (0.5 / d, fit.weights);
        let hop = kappa / d;
        let off = [w.site * d - 1.0, w.hop / hop - 1.0, w.spin_hop / hop + 1.0];
        assert!(off.iter().all(|x| x.abs() < 0.005), "{off:?}");
        let left = fit.loss / (256.0 * kappa.powi(4));
        assert!((left - 1.0).abs() < 0.01, "{left}");
    }
}

/// A quenched configuration at β = 6, from a cold start.
fn thermalised(lattice: &Arc<Lattice>, sweeps: u64) -> GaugeField<f64, 3> {
    let mut u = GaugeField::cold(lattice).unwrap();
    for sweep in 0..sweeps {
        let address = Address::new(1, Purpose::HeatBath).trajectory(sweep);
        HeatBath { beta: 6.0 }.sweep(&mut u, address).unwrap();
        for _ in 0..4 {
            Overrelaxation.sweep(&mut u).unwrap();
        }
        u.reunitarise();
    }
    u
}

struct Comparison {
    weights: TransportWeights,
    loss: f64,
    plain: SolveReport,
    preconditioned: SolveReport,
    even_odd: SolveReport,
}

/// One Gaussian right-hand side to 1e-6 by three solvers.
fn compare(d: &Wilson<'_, f64, 3>) -> Comparison {
    let stop = Stopping::at(1e-6);
    let fit = fit(d, 4, source()).unwrap();
    let mut b = d.vector().unwrap();
    b.set_gaussian(source().sample(100));
    let mut solver = Gmres::new(d, 30).unwrap();
    let [mut x, mut y, mut z] = [(); 3].map(|()| d.vector().unwrap());
    let mut m = ParallelTransport::new(d, fit.weights);
    let preconditioned = solver.solve_preconditioned(d, &mut m, &mut y, &b, &stop).unwrap();
    let plain = solver.solve(d, &mut x, &b, &stop).unwrap();
    let schur = Schur::odd(d).unwrap();
    let mut bicg = BiCgStab::new(&schur).unwrap();
    let even_odd = schur.solve(&mut z, &b, |s, x, c| bicg.solve(s, x, c, &stop)).unwrap();
    assert!([&plain, &preconditioned].iter().all(|r| r.worst_residual() < 1.01e-6));
    Comparison { weights: fit.weights, loss: fit.loss, plain, preconditioned, even_odd }
}

#[test]
fn gmres_needs_fewer_iterations() {
    // 104 to 56 here, and a factor of 1.8 to 1.9 at every mass from −0.5 to −0.8.
    let lattice = Lattice::new(&[4, 4, 4, 8], LatticeOptions::default()).unwrap();
    let u = thermalised(&lattice, 100);
    let d = Wilson::new(&u, -0.7, Boundary::periodic()).unwrap();
    let Comparison { plain, preconditioned, .. } = compare(&d);
    let gain = plain.iterations as f64 / preconditioned.iterations as f64;
    assert!(gain > 1.5, "{} to {}: a factor of {gain:.2}", plain.iterations, preconditioned.iterations);
}

#[test]
#[ignore = "half a minute: a thermalised configuration of 8^3x16 and near-critical solves"]
fn near_the_critical_mass_gmres_gains_more_than_1_6() {
    let lattice = Lattice::new(&[8, 8, 8, 16], LatticeOptions::default()).unwrap();
    let u = thermalised(&lattice, 200);
    // The lowest eigenvalues of D at m = 0 are 0.78230 ± 0.05843i (Arnoldi with D⁻¹), so that m_c = −0.78230.
    let critical = -0.78230;
    println!("solver                 m - m_c  iterations  D-equivalents  seconds  residual");
    for distance in [0.0323, 0.02, 0.01] {
        let d = Wilson::new(&u, critical + distance, Boundary::periodic()).unwrap();
        let Comparison { weights, loss, plain, preconditioned, even_odd } = compare(&d);
        let rows = [
            ("GMRES(30)", &plain),
            ("FGMRES(30) + transport", &preconditioned),
            ("even-odd BiCGStab", &even_odd),
        ];
        for (name, report) in rows {
            println!(
                "{name:22} {distance:7} {:11} {:14.0} {:8.2} {:9.1e}",
                report.iterations,
                report.flops / LinearOperator::flops(&d),
                report.seconds,
                report.worst_residual()
            );
        }
        println!("weights {weights:?}, loss {loss:.4}");
        let gain = plain.iterations as f64 / preconditioned.iterations as f64;
        assert!(gain > 1.6, "m - m_c = {distance}: {gain:.2}");
    }
    // A clover operator (c_sw = 1) at this mass on another such configuration, by an independent program, has 0.2498,
    // 0.0206, −0.0307. The clover term has no hops and no average, so that it moves the weights by a few per cent only.
    let d = Wilson::new(&u, -0.54, Boundary::periodic()).unwrap();
    let fit = fit(&d, 4, source()).unwrap();
    println!("at m = -0.54: {fit:?}");
    let ours = [fit.weights.site, fit.weights.hop, fit.weights.spin_hop];
    for (ours, theirs) in ours.iter().zip([0.2498, 0.0206, -0.0307]) {
        assert!((ours / theirs - 1.0).abs() < 0.06, "{ours} {theirs}");
    }
}
