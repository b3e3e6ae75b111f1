//! Control variates: averages of zero for every theory, and what they take off the plaquette.

use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions};
use gaugelink_models::layers::Loops;
use gaugelink_physics::action::{Action, ImprovedAction, WilsonAction};
use gaugelink_physics::observable::plaquette;
use gaugelink_physics::update::HeatBath;
use gaugelink_sampler::controls::Controls;
use gaugelink_sampler::hmc::{Hmc, Trajectory};
use gaugelink_sampler::integrator::Integrator;
use gaugelink_sampler::statistics::{Controlled, GammaEstimate, GammaMethod, Samples};
use std::sync::Arc;

const CHAINS: usize = 8;

fn lattice(extents: &[usize]) -> Arc<Lattice> {
    let lanes = LaneMeaning::Batch { chains: CHAINS };
    Lattice::new(extents, LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap()
}

/// Plaquettes and controls along chains of an update.
fn chains<const N: usize>(
    lattice: &Arc<Lattice>,
    (action, loops): (&dyn Action<N>, Loops),
    updates: usize,
    mut update: impl FnMut(&mut GaugeField<f64, N>, Address),
) -> Controlled {
    let mut u = GaugeField::<f64, N>::haar(lattice, Address::new(3, Purpose::Start)).unwrap();
    let mut controls = Controls::<N>::new(lattice, loops).unwrap();
    let mut chains =
        Controlled { values: vec![vec![]; CHAINS], controls: vec![vec![]; CHAINS], ..Controlled::default() };
    const THERMALISE: usize = 60;
    for trajectory in 0..updates + THERMALISE {
        update(&mut u, Address::new(4, Purpose::HeatBath).trajectory(trajectory as u64));
        if trajectory >= THERMALISE {
            let values = controls.values(&u, action);
            for (chain, (value, own)) in plaquette(&u).into_iter().zip(values).enumerate() {
                chains.values[chain].push(value);
                chains.controls[chain].push(own);
            }
        }
    }
    chains
}

fn mean(chains: &[Vec<f64>]) -> GammaEstimate {
    let replica: Vec<&[f64]> = chains.iter().map(Vec::as_slice).collect();
    GammaMethod::default().observable(&Samples::from_replica(&replica).unwrap(), 0).unwrap()
}

/// Each average within four sigma of 0, which it would be by chance once in 16 000; and that is little beside its parts.
fn assert_vanish(chains: &Controlled) {
    for k in 0..chains.controls[0][0].len() {
        let of = |chain: &Vec<Vec<f64>>| chain.iter().map(|controls| controls[k]).collect::<Vec<f64>>();
        let series: Vec<Vec<f64>> = chains.controls.iter().map(of).collect();
        if series.concat().iter().all(|g| g.abs() < 1e-9) {
            continue;
        }
        let mean = mean(&series);
        assert!(mean.value.abs() < 4.0 * mean.error, "control {k}: {} ± {}", mean.value, mean.error);
    }
}

fn heat_bath<const N: usize>(extents: &[usize], beta: f64, loops: Loops, updates: usize) -> Controlled {
    let lattice = lattice(extents);
    let (action, update) = (WilsonAction::new(beta), HeatBath { beta });
    chains::<N>(&lattice, (&action, loops), updates, |u, address| update.sweep(u, address).unwrap())
}

#[test]
fn averages_vanish_and_the_plaquette_gains() {
    for (chains, exact, gain) in [
        // Z = Σ_n I_n(β)^V and its relatives for SU(N) give the plaquette; independent evaluations.
        (heat_bath::<1>(&[8, 8], 2.0, Loops::Second, 1500), 0.697_774_66, 8.0),
        (heat_bath::<2>(&[8, 8], 2.2, Loops::Second, 1500), 0.464_479_03, 150.0),
        (heat_bath::<3>(&[8, 8], 6.0, Loops::Second, 600), 0.422_531_74, 80.0),
        (heat_bath::<3>(&[8, 8], 6.0, Loops::Next, 600), 0.422_531_74, 15.0),
        (heat_bath::<3>(&[8, 8], 6.0, Loops::Leading, 600), 0.422_531_74, 3.0),
    ] {
        assert_vanish(&chains);
        let (plain, controlled) = (mean(&chains.values), mean(&chains.without_controls().unwrap()));
        let ratio = (plain.error / controlled.error).powi(2);
        println!("{} ± {} to ± {}: {ratio:.1}", controlled.value, plain.error, controlled.error);
        assert!(
            (controlled.value - exact).abs() < 3.0 * controlled.error,
            "{} ± {}",
            controlled.value,
            controlled.error
        );
        assert!(ratio > gain, "{ratio}");
    }
}

/// Where only the plaquettes' equation is at hand: four dimensions, and actions with rectangles.
#[test]
fn the_equation_of_the_plaquettes_holds_in_four_dimensions_and_with_rectangles() {
    assert_vanish(&heat_bath::<2>(&[4, 4, 4, 4], 2.2, Loops::Leading, 150));
    assert_vanish(&heat_bath::<3>(&[4, 2, 4, 2], 5.6, Loops::Leading, 150));
    let lattice = lattice(&[6, 4]);
    let action = ImprovedAction::<2>::new(&lattice, 1.8, -1.0 / 12.0).unwrap();
    let trajectory = Trajectory { integrator: Integrator::Omelyan, steps: 6, length: 1.0 };
    let mut hmc = Hmc::new(&lattice, trajectory).unwrap();
    let chains = chains::<2>(&lattice, (&action, Loops::Leading), 1500, |u, address| {
        hmc.update(u, &action, address);
    });
    assert_vanish(&chains);
    // With the force of another action it does not.
    let wrong = WilsonAction::new(1.8);
    let chains = self::chains::<2>(&lattice, (&wrong, Loops::Leading), 1500, |u, address| {
        hmc.update(u, &action, address);
    });
    let controls: Vec<Vec<f64>> = chains.controls.iter().map(|c| c.iter().map(|g| g[0]).collect()).collect();
    let mean = mean(&controls);
    assert!(mean.value.abs() > 10.0 * mean.error, "{} ± {}", mean.value, mean.error);
}

#[test]
fn loops_are_for_two_dimensions() {
    let error = Controls::<2>::new(&lattice(&[4, 4, 4]), Loops::Next).err().unwrap();
    assert!(error.to_string().contains("two dimensions"), "{error}");
}
