//! Pure gauge theory: force, updates, flow, trajectory.

use super::timing::{Stage, Work};
use super::{Line, Precision};
use crate::error::DriverError;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, MomentumField};
use gaugelink_physics::action::{Action, WilsonAction};
use gaugelink_physics::observable;
use gaugelink_physics::smear::WilsonFlow;
use gaugelink_physics::update::{HeatBath, Overrelaxation};
use gaugelink_sampler::hmc::{Hmc, Trajectory};
use gaugelink_sampler::integrator::Integrator;

/// Bytes on a site: links and momenta.
const LINKS: f64 = 576.0;
const MOMENTA: f64 = 256.0;

const BETA: f64 = 6.0;

/// Times a case on a rough SU(3) configuration.
pub(super) fn run(
    stage: &Stage<'_>,
    sink: &mut dyn FnMut(Line) -> Result<(), DriverError>,
) -> Result<(), DriverError> {
    let (lattice, effort) = (stage.lattice, stage.effort);
    let address = Address::new(1, Purpose::Start);
    let mut u = GaugeField::<f64, 3>::random(lattice, 0.3, address)?;
    let mut p = MomentumField::zeroed(lattice)?;
    p.refresh(address);
    let action = WilsonAction::new(BETA);
    let (seconds, bytes) = match stage.name {
        "force" => (effort.best(|| action.kick(&u, &mut p, 1e-3)), Some(LINKS + 2.0 * MOMENTA)),
        "plaquette" => (effort.best(|| observable::plaquette(&u)), Some(LINKS)),
        "momenta" => (effort.best(|| p.refresh(address)), Some(MOMENTA)),
        "link-update" => (effort.best(|| u.drift(&p, 1e-3)), Some(2.0 * LINKS + MOMENTA)),
        "heatbath" => {
            let heat_bath = HeatBath { beta: BETA };
            (effort.best_of(|| Ok(heat_bath.sweep(&mut u, address)?), |_| None)?, Some(2.0 * LINKS))
        }
        "overrelaxation" => {
            (effort.best_of(|| Ok(Overrelaxation.sweep(&mut u)?), |_| None)?, Some(2.0 * LINKS))
        }
        "flow" => {
            let mut flow = WilsonFlow::new(lattice)?;
            (effort.best(|| flow.step(&mut u, 0.01)), None)
        }
        _ => {
            let trajectory = Trajectory { integrator: Integrator::Omelyan, steps: 10, length: 1.0 };
            let mut hmc = Hmc::new(lattice, trajectory)?;
            let mut next = address;
            let update = || {
                next.trajectory += 1;
                hmc.update(&mut u, &action, next)
            };
            (effort.best(update), None)
        }
    };
    stage.report(Precision::F64, seconds, Work { flops: None, bytes }, sink)
}
