//! Hybrid Monte Carlo of several terms: one level is the plain kind, errors of terms are told, forces are measured.

use crate::links::{address, batch, bits, lattice, rough};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LatticeOptions, MomentumField};
use gaugelink_physics::PhysicsError;
use gaugelink_physics::action::{Action, Term, TermError, WilsonAction};
use gaugelink_sampler::hmc::{Hmc, Trajectory};
use gaugelink_sampler::integrator::Integrator;
use gaugelink_sampler::nested::{Level, NestedHmc};
use std::cell::RefCell;

fn level<'a, const N: usize>(
    integrator: Integrator,
    steps: usize,
    terms: Vec<Box<dyn Term<N> + 'a>>,
) -> Level<'a, N> {
    Level { integrator, steps, terms }
}

#[test]
fn one_level_of_one_term_is_plain_hmc() {
    let lattice = lattice(&[4, 4, 4], batch(3));
    let action = WilsonAction::new(4.0);
    let (mut u, mut v) = (rough::<2>(&lattice, 0), rough::<2>(&lattice, 0));
    for integrator in [Integrator::Leapfrog, Integrator::Omelyan] {
        let mut plain = Hmc::new(&lattice, Trajectory { integrator, steps: 3, length: 1.0 }).unwrap();
        let levels = vec![level(integrator, 3, vec![Box::new(&action)])];
        let mut nested = NestedHmc::new(&lattice, 1.0, levels).unwrap();
        for number in 0..4 {
            let address = address(0).trajectory(number);
            let expected = if number == 0 {
                plain.relax(&mut u, &action, address)
            } else {
                plain.update(&mut u, &action, address)
            };
            let outcome =
                if number == 0 { nested.relax(&mut v, address) } else { nested.update(&mut v, address) };
            assert_eq!(outcome.unwrap(), expected, "{integrator} {number}");
            assert!(u.as_slice() == v.as_slice(), "{integrator} {number}");
        }
        assert_eq!(
            nested.reversibility(&mut v, address(0)).unwrap(),
            plain.reversibility(&mut u, &action, address(0))
        );
    }
}

/// Two parts of an action on two levels are the whole of it: finer inner steps lead to the way of a fine integration.
#[test]
fn parts_on_levels_follow_the_equations_of_motion_of_the_whole() {
    let lattice = lattice(&[4, 4], batch(1));
    let (small, large) = (WilsonAction::new(0.5), WilsonAction::new(3.5));
    let mut expected = rough::<2>(&lattice, 0);
    let fine = Trajectory { integrator: Integrator::Omelyan, steps: 400, length: 0.5 };
    Hmc::new(&lattice, fine).unwrap().relax(&mut expected, &WilsonAction::new(4.0), address(0));
    let off = |steps: usize| {
        let mut u = rough::<2>(&lattice, 0);
        let levels = vec![
            level(Integrator::Leapfrog, steps, vec![Box::new(&small)]),
            level(Integrator::Omelyan, 5, vec![Box::new(&large)]),
        ];
        NestedHmc::new(&lattice, 0.5, levels).unwrap().relax(&mut u, address(0)).unwrap();
        let distances = u.as_slice().iter().zip(expected.as_slice()).map(|(a, b)| (a - b).abs());
        distances.fold(0.0, f64::max)
    };
    let (coarse, fine) = (off(4), off(8));
    assert!(coarse < 1e-2 && (coarse / fine - 4.0).abs() < 0.2, "{coarse} {fine}");
}

/// A term whose force fails at its third kick.
struct Sick {
    kicks: usize,
    action: WilsonAction,
}

impl<const N: usize> Term<N> for Sick {
    fn name(&self) -> String {
        "sick".into()
    }
    fn refresh(&mut self, u: &GaugeField<f64, N>, _: Address) -> Result<Vec<f64>, TermError> {
        Ok(Action::value(&self.action, u))
    }
    fn value(&mut self, u: &GaugeField<f64, N>) -> Result<Vec<f64>, TermError> {
        Ok(Action::value(&self.action, u))
    }
    fn kick(
        &mut self,
        u: &GaugeField<f64, N>,
        p: &mut MomentumField<f64, N>,
        epsilon: f64,
    ) -> Result<(), TermError> {
        self.kicks += 1;
        if self.kicks == 3 {
            return Err(PhysicsError::Parameter("no force today".into()).into());
        }
        self.action.kick(u, p, epsilon);
        Ok(())
    }
}

#[test]
fn a_term_that_fails_stops_the_trajectory_where_it_began() {
    let lattice = lattice(&[4, 4], LatticeOptions::default());
    let mut u = rough::<2>(&lattice, 0);
    let before = bits(&u, 0);
    for check_way_back in [false, true] {
        let levels = vec![level(
            Integrator::Leapfrog,
            4,
            vec![Box::new(Sick { kicks: 0, action: WilsonAction::new(2.0) })],
        )];
        let mut hmc = NestedHmc::new(&lattice, 1.0, levels).unwrap();
        let error = if check_way_back {
            hmc.reversibility(&mut u, address(0)).unwrap_err()
        } else {
            hmc.update(&mut u, address(0)).unwrap_err()
        };
        assert_eq!(error.to_string(), "no force today");
        assert!(bits(&u, 0) == before, "the links are put back");
        // Healthy again, it goes on.
        assert!(hmc.update(&mut u, address(0)).is_ok());
        assert!(bits(&u, 0) != before);
        u = rough::<2>(&lattice, 0);
    }
}

/// A term without force that notes where its random numbers come from.
struct Listening<'a>(&'a RefCell<Vec<Address>>);

impl<const N: usize> Term<N> for Listening<'_> {
    fn name(&self) -> String {
        "listening".into()
    }
    fn refresh(&mut self, u: &GaugeField<f64, N>, address: Address) -> Result<Vec<f64>, TermError> {
        self.0.borrow_mut().push(address);
        <Self as Term<N>>::value(self, u)
    }
    fn value(&mut self, u: &GaugeField<f64, N>) -> Result<Vec<f64>, TermError> {
        Ok(vec![0.0; u.lattice().chains()])
    }
    fn kick(
        &mut self,
        _: &GaugeField<f64, N>,
        _: &mut MomentumField<f64, N>,
        _: f64,
    ) -> Result<(), TermError> {
        Ok(())
    }
}

#[test]
fn each_term_draws_numbers_of_its_own_once_a_trajectory() {
    let lattice = lattice(&[4, 4], LatticeOptions::default());
    let mut u = rough::<2>(&lattice, 0);
    let heard = RefCell::new(Vec::new());
    let terms = |count: usize| (0..count).map(|_| Box::new(Listening(&heard)) as Box<dyn Term<2>>).collect();
    let levels = vec![level(Integrator::Leapfrog, 2, terms(1)), level(Integrator::Omelyan, 2, terms(2))];
    let mut hmc = NestedHmc::new(&lattice, 1.0, levels).unwrap();
    let start = address(5).trajectory(7);
    hmc.update(&mut u, start).unwrap();
    let expected: Vec<Address> =
        (0..3).map(|n| Address { purpose: Purpose::Pseudofermion, ..start }.sample(n)).collect();
    assert_eq!(*heard.borrow(), expected);
    hmc.update(&mut u, start.trajectory(8)).unwrap();
    assert!(heard.borrow()[3..].iter().all(|address| address.trajectory == 8));
    assert_eq!(heard.borrow().len(), 6);
}

#[test]
fn reports_have_the_forces_of_the_terms() {
    let lattice = lattice(&[4, 2, 6], batch(2));
    let (inner, outer) = (WilsonAction::new(4.0), WilsonAction::new(0.25));
    let mut u = rough::<3>(&lattice, 0);
    let mut p = MomentumField::zeroed(&lattice).unwrap();
    inner.kick(&u, &mut p, -1.0);
    let links = (48 * 3 * 2) as f64;
    let mean = (p.norm2().iter().sum::<f64>() / links).sqrt();
    let mut most = 0.0f64;
    for (block, lane, mu) in
        (0..p.layout().blocks()).flat_map(|b| (0..2).flat_map(move |l| (0..3).map(move |mu| (b, l, mu))))
    {
        most = most.max((0..8).map(|a| p.get(block, 8 * mu + a, lane).powi(2)).sum::<f64>().sqrt());
    }
    let levels = vec![
        level(Integrator::Leapfrog, 2, vec![Box::new(&outer)]),
        level(Integrator::Omelyan, 3, vec![Box::new(&inner), Box::new(&outer)]),
    ];
    // So short that the links stay where they are.
    let mut hmc = NestedHmc::new(&lattice, 1e-6, levels).unwrap();
    for _ in 0..2 {
        hmc.update(&mut u, address(0)).unwrap();
        let reports: Vec<_> = hmc.reports().cloned().collect();
        assert_eq!(
            reports.iter().map(|r| (r.level, r.kicks)).collect::<Vec<_>>(),
            [(0, 3), (1, 13), (1, 13)]
        );
        assert_eq!(reports[1].name, Action::<3>::name(&inner));
        for (report, factor) in reports.iter().zip([1.0 / 16.0, 1.0, 1.0 / 16.0]) {
            assert!((report.force / (factor * mean) - 1.0).abs() < 1e-5, "{report:?}, not {mean}");
            assert!((report.force_max / (factor * most) - 1.0).abs() < 1e-5, "{report:?}, not {most}");
            assert_eq!((report.force_iterations, report.action_iterations), (0, 0));
        }
    }
}

#[test]
fn trajectories_that_stand_still_are_refused() {
    let lattice = lattice(&[4, 4], LatticeOptions::default());
    let refused = |length: f64, steps: &[usize]| {
        let levels = steps.iter().map(|&steps| level::<2>(Integrator::Leapfrog, steps, Vec::new())).collect();
        NestedHmc::new(&lattice, length, levels).err().unwrap().to_string()
    };
    assert!(refused(1.0, &[]).contains("without levels"));
    assert!(refused(1.0, &[2, 0]).contains("0 steps"));
    assert!(refused(f64::NAN, &[2]).contains("length"));
}
