//! Pure gauge theory: force, updates, flow, trajectory.

use super::stage::{Session, Stage, Work};
use super::timing::{Run, whole, whole_of};
use super::{Precision, flops};
use crate::error::DriverError;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, MomentumField};
use gaugelink_physics::action::{Action, WilsonAction};
use gaugelink_physics::observable;
use gaugelink_physics::smear::GradientFlow;
use gaugelink_physics::update::{HeatBath, Overrelaxation};
use gaugelink_sampler::hmc::{Hmc, Trajectory};
use gaugelink_sampler::integrator::{Integrator, Move};

/// Bytes on a site: links and momenta.
const LINKS: f64 = 576.0;
const MOMENTA: f64 = 256.0;
/// Of momenta changed by the links' force, and of links moved along momenta.
const KICK: f64 = LINKS + 2.0 * MOMENTA;
const DRIFT: f64 = 2.0 * LINKS + MOMENTA;

const BETA: f64 = 6.0;

/// Operations and bytes of a trajectory: links and momenta copied or drawn, the energy twice, the
/// moves, links brought back onto the group.
fn trajectory_work(moves: &[Move]) -> [f64; 2] {
    let kicks = moves.iter().filter(|step| matches!(step, Move::Kick { .. })).count() as f64;
    let drifts = moves.len() as f64 - kicks;
    let energy = [flops::plaquette() + flops::kinetic(), LINKS + MOMENTA];
    [
        flops::momenta()
            + 2.0 * energy[0]
            + kicks * flops::force()
            + drifts * flops::link_update()
            + flops::reunitarisation(),
        MOMENTA + 2.0 * LINKS + 2.0 * energy[1] + kicks * KICK + drifts * DRIFT + 2.0 * LINKS,
    ]
}

/// Times a case on a rough SU(3) configuration.
pub(super) fn run(stage: &Stage<'_>, session: &mut Session<'_>) -> Result<(), DriverError> {
    let lattice = stage.lattice;
    let address = Address::new(1, Purpose::Start);
    let mut u = GaugeField::<f64, 3>::random(lattice, 0.3, address)?;
    let mut p = MomentumField::zeroed(lattice)?;
    p.refresh(address);
    let action = WilsonAction::new(BETA);
    let mut time = |flops: Option<f64>, bytes: f64, run: &mut Run<'_>| {
        session.time(stage, Precision::F64, Work { flops, bytes: Some(bytes) }, run)
    };
    match stage.name {
        "force" => time(Some(flops::force()), KICK, &mut whole(|| action.kick(&u, &mut p, 1e-3))),
        "plaquette" => time(Some(flops::plaquette()), LINKS, &mut whole(|| observable::plaquette(&u))),
        "momenta" => time(Some(flops::momenta()), MOMENTA, &mut whole(|| p.refresh(address))),
        "link-update" => time(Some(flops::link_update()), DRIFT, &mut whole(|| u.drift(&p, 1e-3))),
        "heatbath" => {
            // Operations depend on how many proposals are rejected.
            let heat_bath = HeatBath { beta: BETA };
            time(None, 2.0 * LINKS, &mut whole_of(|| heat_bath.sweep(&mut u, address)))
        }
        "overrelaxation" => {
            let run = &mut whole_of(|| Overrelaxation.sweep(&mut u));
            time(Some(flops::overrelaxation()), 2.0 * LINKS, run)
        }
        "flow" => {
            let mut flow = GradientFlow::wilson(lattice)?;
            // Three times a kick and a drift; the first kick reads no momenta.
            let flops = 3.0 * (flops::force() + flops::link_update());
            let bytes = 3.0 * (KICK + DRIFT) - MOMENTA;
            time(Some(flops), bytes, &mut whole(|| flow.step(&mut u, 0.01)))
        }
        _ => {
            let trajectory = Trajectory { integrator: Integrator::Omelyan, steps: 10, length: 1.0 };
            let mut hmc = Hmc::new(lattice, trajectory)?;
            let mut next = address;
            let [flops, bytes] = trajectory_work(&trajectory.moves()?);
            let update = || {
                next.trajectory += 1;
                hmc.update(&mut u, &action, next)
            };
            time(Some(flops), bytes, &mut whole(update))
        }
    }
}
