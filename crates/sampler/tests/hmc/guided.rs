//! A wrong force costs acceptance, not exactness.

use crate::links::{address, batch, lattice};
use gaugelink_lattice::GaugeField;
use gaugelink_physics::action::{Action, WilsonAction};
use gaugelink_physics::observable::plaquette;
use gaugelink_sampler::guided::Guided;
use gaugelink_sampler::hmc::{Hmc, Trajectory};
use gaugelink_sampler::integrator::Integrator;
use gaugelink_sampler::statistics::{GammaMethod, Measured, Samples};

const CHAINS: usize = 8;
/// β of the action, and of the force.
const BETA: [f64; 2] = [2.7, 2.2];
/// I₂(β)/I₁(β), the plaquette of SU(2) in two dimensions: exact to 1e-8 on 8².
const PLAQUETTE: [f64; 2] = [0.532_970_733_6, 0.464_479_025_3];

/// ⟨exp(−ΔH)⟩, plaquette and acceptance of a chain with this action.
fn run(action: &dyn Action<2>) -> [Measured; 3] {
    let lattice = lattice(&[8, 8], batch(CHAINS));
    let mut u = GaugeField::<f64, 2>::cold(&lattice).unwrap();
    let trajectory = Trajectory { integrator: Integrator::Omelyan, steps: 6, length: 1.0 };
    let mut hmc = Hmc::new(&lattice, trajectory).unwrap();
    let mut series = vec![[Vec::new(), Vec::new(), Vec::new()]; CHAINS];
    for number in 0..2100 {
        // From cold links everything is rejected.
        let trajectory = if number < 50 { Hmc::relax } else { Hmc::update };
        let outcome = trajectory(&mut hmc, &mut u, action, address(0).trajectory(number));
        if number < 100 {
            continue;
        }
        for (chain, (columns, plaquette)) in series.iter_mut().zip(plaquette(&u)).enumerate() {
            columns[0].push((-outcome.delta_h[chain]).exp());
            columns[1].push(plaquette);
            columns[2].push(outcome.accepted[chain] as u64 as f64);
        }
    }
    let columns = |chain: usize| series[chain].each_ref().map(|column| &column[..]);
    let mut samples = Samples::from_observables(&columns(0)).unwrap();
    (1..CHAINS).for_each(|chain| samples.push_replica(&columns(chain)).unwrap());
    std::array::from_fn(|k| GammaMethod::default().observable(&samples, k).unwrap().measured())
}

#[test]
fn a_force_of_another_coupling_samples_the_action() {
    let [action, force] = BETA.map(WilsonAction::new);
    let guided = Guided::<2> { force: &force, action: &action };
    let [creutz, plaquette, acceptance] = run(&guided);
    println!("{}: <exp(-dH)> {creutz}, plaquette {plaquette}, acceptance {acceptance}", guided.name());
    assert!(creutz.error <= 0.05, "{creutz}");
    assert!((creutz.value - 1.0).abs() < 3.0 * creutz.error, "{creutz}");
    assert!((plaquette.value - PLAQUETTE[0]).abs() < 3.0 * plaquette.error, "{plaquette}");
    assert!(
        (plaquette.value - PLAQUETTE[1]).abs() > 30.0 * plaquette.error,
        "{plaquette}: it is the force's"
    );
    assert!((0.2..0.9).contains(&acceptance.value), "acceptance {acceptance}: a wrong force costs some");
}
