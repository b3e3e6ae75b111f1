//! Rejections restore the links, a ΔH that is no number is a rejection, and impossible trajectories are refused.

use crate::links::{address, all_finite, batch, bits, lattice, rough};
use gaugelink_lattice::{GaugeField, MomentumField};
use gaugelink_physics::PhysicsError;
use gaugelink_physics::action::{Action, WilsonAction};
use gaugelink_sampler::hmc::{Hmc, Outcome, Trajectory};
use gaugelink_sampler::integrator::Integrator;

const BETA: f64 = 2.0;
const TRAJECTORY: Trajectory = Trajectory { integrator: Integrator::Leapfrog, steps: 10, length: 1.0 };

/// Wilson's action, but the kicks of one chain of the batch put NaN into a momentum.
struct Sick {
    chain: usize,
}

impl<const N: usize> Action<N> for Sick {
    fn name(&self) -> String {
        "sick".into()
    }
    fn value(&self, u: &GaugeField<f64, N>) -> Vec<f64> {
        WilsonAction::new(BETA).value(u)
    }
    fn kick(&self, u: &GaugeField<f64, N>, p: &mut MomentumField<f64, N>, epsilon: f64) {
        WilsonAction::new(BETA).kick(u, p, epsilon);
        let lattice = p.lattice().clone();
        let layout = lattice.layout::<f64>();
        for lane in (0..layout.lanes()).filter(|&lane| layout.chain_of(lane) == self.chain) {
            p.set(3, 0, lane, f64::NAN);
        }
    }
}

#[test]
fn a_delta_h_that_is_no_number_is_a_rejection_of_its_chain_alone() {
    fn check<const N: usize>() {
        let lattice = lattice(&[4, 6], batch(3));
        let start = rough::<N>(&lattice, 0);
        let mut hmc = Hmc::new(&lattice, TRAJECTORY).unwrap();
        let (mut well, mut sick) = (start.duplicate().unwrap(), start.duplicate().unwrap());
        let expected = hmc.update(&mut well, &WilsonAction::new(BETA), address(0));
        let outcome = hmc.update(&mut sick, &Sick { chain: 1 }, address(0));
        assert!(outcome.delta_h[1].is_nan() && !outcome.accepted[1], "N={N}: {outcome:?}");
        assert_eq!(bits(&sick, 1), bits(&start, 1), "N={N}: the links are restored");
        for chain in [0, 2] {
            assert_eq!(outcome.delta_h[chain].to_bits(), expected.delta_h[chain].to_bits());
            assert_eq!(bits(&sick, chain), bits(&well, chain), "N={N}: chain {chain} does not notice");
        }
        assert!(all_finite(&sick), "N={N}: nothing of it stays, not even in ghosts");
        // The workspace is clean again as well.
        let next = hmc.update(&mut sick, &WilsonAction::new(BETA), address(0).trajectory(1));
        assert!(next.delta_h.iter().all(|d| d.is_finite()), "N={N}: {next:?}");
    }
    check::<1>();
    check::<2>();
    check::<3>();
}

/// β so large that nothing fits through one step: every trajectory is rejected, and no bit changes.
#[test]
fn rejections_restore_the_links() {
    let lattice = lattice(&[4, 4], batch(8));
    let mut u = rough::<3>(&lattice, 0);
    let start = u.duplicate().unwrap();
    let coarse = Trajectory { steps: 1, ..TRAJECTORY };
    let outcome = Hmc::new(&lattice, coarse).unwrap().update(&mut u, &WilsonAction::new(1e4), address(0));
    assert!(outcome.accepted.iter().all(|a| !a), "{outcome:?}");
    assert!(u.as_slice() == start.as_slice());
}

/// From cold links on a large lattice every trajectory is rejected; relaxed ones lead to where they are accepted.
#[test]
fn relaxing_leaves_a_cold_start() {
    let lattice = lattice(&[4, 4, 4, 4], batch(8));
    let (mut u, action) = (GaugeField::<f64, 3>::cold(&lattice).unwrap(), WilsonAction::new(5.7));
    let mut hmc = Hmc::new(&lattice, Trajectory { steps: 12, ..TRAJECTORY }).unwrap();
    let accepted = |outcome: Outcome| outcome.accepted.iter().filter(|&&a| a).count();
    let mut update = |u: &mut _, number| accepted(hmc.update(u, &action, address(0).trajectory(number)));
    assert_eq!((0..5).map(|number| update(&mut u, number)).sum::<usize>(), 0);
    let mut hmc = Hmc::new(&lattice, Trajectory { steps: 12, ..TRAJECTORY }).unwrap();
    let relaxed: usize =
        (5..25).map(|number| accepted(hmc.relax(&mut u, &action, address(0).trajectory(number)))).sum();
    assert_eq!(relaxed, 20 * 8);
    assert!((25..30).map(|number| update(&mut u, number)).sum::<usize>() > 20);
    let start = u.duplicate().unwrap();
    let outcome = hmc.relax(&mut u, &Sick { chain: 2 }, address(0).trajectory(30));
    assert!(outcome.accepted.iter().enumerate().all(|(chain, &a)| a == (chain != 2)), "{outcome:?}");
    assert_eq!(bits(&u, 2), bits(&start, 2), "what is no number is not taken");
}

#[test]
fn impossible_trajectories_are_refused() {
    let lattice = lattice(&[4, 4], batch(1));
    let refused = |trajectory: Trajectory, what: &str| {
        let error = Hmc::<2>::new(&lattice, trajectory).err().unwrap();
        assert!(matches!(&error, PhysicsError::Parameter(text) if text.contains(what)), "{error}");
    };
    refused(Trajectory { steps: 0, ..TRAJECTORY }, "0 steps");
    for length in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        refused(Trajectory { length, ..TRAJECTORY }, &format!("length {length}"));
    }
}
