//! Molecular dynamics: the order of the integrators, reversibility, and what conserved phase space implies.

use crate::links::{address, batch, lattice, rough};
use gaugelink_lattice::GaugeField;
use gaugelink_physics::action::WilsonAction;
use gaugelink_sampler::hmc::{Hmc, Trajectory};
use gaugelink_sampler::integrator::Integrator;
use gaugelink_sampler::statistics::{GammaMethod, Samples, expected_acceptance};

const CHAINS: usize = 8;
const INTEGRATORS: [Integrator; 2] = [Integrator::Leapfrog, Integrator::Omelyan];

/// Root mean square of ΔH over a batch of rough links, each with momenta of its own.
fn violation<const N: usize>(extents: &[usize], integrator: Integrator, steps: usize) -> f64 {
    let lattice = lattice(extents, batch(CHAINS));
    let mut u = rough::<N>(&lattice, 0);
    let mut hmc = Hmc::new(&lattice, Trajectory { integrator, steps, length: 0.5 }).unwrap();
    let delta = hmc.update(&mut u, &WilsonAction::new(3.0 * N as f64), address(0)).delta_h;
    (delta.iter().map(|d| d * d).sum::<f64>() / CHAINS as f64).sqrt()
}

/// Halving the step divides each trajectory's ΔH by 4 up to terms of order ε²; a force that is not the gradient of
/// the action leaves a ΔH that no step size removes.
#[test]
fn energy_violation_falls_as_the_square_of_the_step() {
    fn check<const N: usize>(extents: &[usize]) {
        let mut at_20 = Vec::new();
        for integrator in INTEGRATORS {
            let (coarse, fine) =
                (violation::<N>(extents, integrator, 20), violation::<N>(extents, integrator, 40));
            println!("N={N} {extents:?} {integrator}: {coarse:.3e}, {fine:.3e}, ratio {:.4}", coarse / fine);
            assert!((coarse / fine - 4.0).abs() < 0.1, "N={N} {extents:?} {integrator}: {coarse} {fine}");
            at_20.push(coarse);
        }
        assert!(at_20[1] < 0.2 * at_20[0], "N={N} {extents:?}: Omelyan's {} against {}", at_20[1], at_20[0]);
    }
    for extents in [&[8, 8][..], &[4, 4, 4, 4]] {
        check::<1>(extents);
        check::<2>(extents);
        check::<3>(extents);
    }
}

#[test]
fn trajectories_run_backwards_to_their_start() {
    fn check<const N: usize>(extents: &[usize]) {
        let lattice = lattice(extents, batch(CHAINS));
        let mut u = rough::<N>(&lattice, 0);
        for integrator in INTEGRATORS {
            let mut hmc = Hmc::new(&lattice, Trajectory { integrator, steps: 10, length: 1.0 }).unwrap();
            let before = u.duplicate().unwrap();
            let (links, energy) = hmc.reversibility(&mut u, &WilsonAction::new(2.0 * N as f64), address(0));
            println!("N={N} {extents:?} {integrator}: links off by {links:.1e}, H by {energy:.1e}");
            assert!(links <= 1e-10 && energy <= 1e-10, "N={N} {extents:?} {integrator}: {links} {energy}");
            assert!(links > 0.0, "there and back is not the way of no steps");
            assert!(u.as_slice() == before.as_slice(), "the links are put back");
        }
    }
    for extents in [&[8, 8][..], &[4, 4, 4, 4]] {
        check::<1>(extents);
        check::<2>(extents);
        check::<3>(extents);
    }
}

/// Steps so long that momenta and links are numbers no more: that is told, and the links come back.
#[test]
fn a_trajectory_that_diverges_is_not_reversible() {
    let lattice = lattice(&[4, 4], batch(CHAINS));
    let mut u = rough::<2>(&lattice, 0);
    let before = u.duplicate().unwrap();
    let trajectory = Trajectory { integrator: Integrator::Leapfrog, steps: 2, length: 1e300 };
    let (links, energy) =
        Hmc::new(&lattice, trajectory).unwrap().reversibility(&mut u, &WilsonAction::new(2.0), address(0));
    assert!(links.is_nan() && energy.is_nan(), "{links} {energy}");
    assert!(u.as_slice() == before.as_slice(), "the links are put back");
}

/// On thermal links phase-space volume is conserved, so ⟨exp(−ΔH)⟩ = 1 (Creutz, Phys. Rev. D 38 (1988) 1228), within
/// 3σ, σ ≤ 0.02; ΔH is nearly Gaussian with variance 2⟨ΔH⟩, so the acceptance is erfc(√⟨ΔH⟩/2). That law is one of
/// large volumes: 0.01 is allowed for the small ones here.
fn decisions<const N: usize>(extents: &[usize], beta: f64, trajectory: Trajectory, warm: u64, count: u64) {
    let lattice = lattice(extents, batch(CHAINS));
    let mut u = GaugeField::<f64, N>::cold(&lattice).unwrap();
    let mut hmc = Hmc::new(&lattice, trajectory).unwrap();
    let mut series = vec![[Vec::new(), Vec::new(), Vec::new()]; CHAINS];
    for number in 0..warm + count {
        let (action, address) = (WilsonAction::new(beta), address(0).trajectory(number));
        if number < warm / 2 {
            hmc.relax(&mut u, &action, address);
            continue;
        }
        let outcome = hmc.update(&mut u, &action, address);
        if number < warm {
            continue;
        }
        for (chain, [exponentials, deltas, taken]) in series.iter_mut().enumerate() {
            exponentials.push((-outcome.delta_h[chain]).exp());
            deltas.push(outcome.delta_h[chain]);
            taken.push(outcome.accepted[chain] as u64 as f64);
        }
    }
    let columns = |chain: usize| series[chain].each_ref().map(|column| &column[..]);
    let mut samples = Samples::from_observables(&columns(0)).unwrap();
    (1..CHAINS).for_each(|chain| samples.push_replica(&columns(chain)).unwrap());

    let method = GammaMethod::default();
    let creutz = method.observable(&samples, 0).unwrap();
    let acceptance = method.observable(&samples, 2).unwrap();
    let excess = method.function(&samples, |means| means[2] - expected_acceptance(means[1])).unwrap();
    let what = format!("N={N} {extents:?} beta {beta} {}", trajectory.integrator);
    println!(
        "{what}: <exp(-dH)> {}, acceptance {}, above erfc by {}",
        creutz.measured(),
        acceptance.measured(),
        excess.measured()
    );
    assert!(creutz.error <= 0.02, "{what}: {}", creutz.measured());
    assert!((creutz.value - 1.0).abs() < 3.0 * creutz.error, "{what}: {}", creutz.measured());
    assert!((0.5..0.95).contains(&acceptance.value), "{what}: decisions that decide something");
    assert!(excess.value.abs() < 3.0 * excess.error + 0.01, "{what}: {}", excess.measured());
    assert!(excess.error < 0.01, "{what}: {}", excess.measured());
    assert!(u.unitarity_violation() < 1e-14, "{what}: links leave the group");
}

#[test]
fn decisions_of_u1() {
    let trajectory = Trajectory { integrator: Integrator::Leapfrog, steps: 5, length: 1.0 };
    decisions::<1>(&[8, 8], 2.0, trajectory, 100, 2000);
    let trajectory = Trajectory { integrator: Integrator::Omelyan, steps: 3, length: 1.0 };
    decisions::<1>(&[4, 4, 4, 4], 1.5, trajectory, 50, 1500);
}

#[test]
fn decisions_of_su2() {
    let trajectory = Trajectory { integrator: Integrator::Leapfrog, steps: 5, length: 1.0 };
    decisions::<2>(&[8, 8], 2.7, trajectory, 50, 1000);
    let trajectory = Trajectory { integrator: Integrator::Omelyan, steps: 3, length: 1.0 };
    decisions::<2>(&[4, 4, 4, 4], 2.3, trajectory, 50, 1500);
}

#[test]
fn decisions_of_su3() {
    let trajectory = Trajectory { integrator: Integrator::Omelyan, steps: 2, length: 1.0 };
    decisions::<3>(&[8, 8], 6.0, trajectory, 50, 1500);
    let trajectory = Trajectory { integrator: Integrator::Leapfrog, steps: 12, length: 1.0 };
    decisions::<3>(&[4, 4, 4, 4], 5.7, trajectory, 40, 500);
}
