//! The plugins in Rust on fields of the library, which they use where they stand, beside the crates that they serve.

use super::turns::batch;
use super::{Bench, Done, EXEC, request};
use crate::error::DriverError;
use gaugelink_host::sdk::{self, Dirac, Setup, raw, sized_struct};
use gaugelink_host::{Auxiliary, FlowObject, ForceObject, HostError, Plugin, PrecondObject, Services};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice, LatticeOptions, Real, foreign};
use gaugelink_models::layers::{Coefficients, Residual, Sharing};
use gaugelink_models::precond::{ParallelTransport, TransportWeights};
use gaugelink_models::{Flow, LearnedForce};
use gaugelink_physics::action::Action;
use gaugelink_physics::dirac::{Boundary, SpinorField, Wilson};
use gaugelink_physics::solver::LinearOperator;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

const RHO: f64 = 0.1;
const WEIGHTS: TransportWeights = TransportWeights { site: 0.3, hop: 0.04, spin_hop: -0.05 };
const MASS: f64 = 0.1;

/// The smallest lattice whose sites fill the lanes, as fields that are used where they stand have to, and the same as
/// plugins are told of it.
fn small(dims: usize) -> Result<(Arc<Lattice>, sdk::Lattice), DriverError> {
    let mut extents = vec![2; dims];
    extents[0] = 2 * f64::LANES;
    let lattice = Lattice::new(&extents, LatticeOptions { threads: 1, ..LatticeOptions::default() })?;
    Ok((lattice, sdk::Lattice::single(&extents).expect("a small lattice")))
}

fn links(lattice: &Arc<Lattice>) -> Result<GaugeField<f64, 1>, DriverError> {
    Ok(GaugeField::random(lattice, 0.5, Address::new(1, Purpose::Start))?)
}

/// Times a call beside the same work of this process, between two readings of the clock.
fn beside_work(
    bench: &mut Bench<'_, '_>,
    case: &str,
    call: impl FnMut() -> Result<(), HostError>,
    mut body: impl FnMut(),
) -> Done {
    let work = || {
        let start = Instant::now();
        body();
        black_box(start.elapsed().as_secs_f64());
        Ok(())
    };
    bench.beside(case, [&mut batch(call), &mut batch(work)], |[_, work]| work)
}

pub(super) fn flow(bench: &mut Bench<'_, '_>, plugin: &Plugin, services: &Services) -> Done {
    let (lattice, told) = small(2)?;
    let config = format!("kind = 'residual'\nrho = {RHO}\nsublayers = 1");
    let mut object = FlowObject::create(plugin, services, &request("gaugelink.flow", &config, &told))?;
    let (v, mut u, mut logdet) = (links(&lattice)?, links(&lattice)?, [0.0]);
    let view = foreign::view(&v);
    bench.idle("flow in Rust stats", || object.stats().map(drop))?;
    bench.idle("flow in Rust query", || object.query(&view).map(drop))?;
    let mut to = foreign::view_mut(&mut u);
    let layers =
        Residual::stack(&lattice, Coefficients::Plain, Sharing::One, 1).map_err(DriverError::from)?;
    let parameters = vec![RHO; layers.len()];
    let mut flow = Flow::new(layers, parameters)?;
    let mut w = links(&lattice)?;
    let mut ours = [0.0];
    let call = || object.forward(EXEC, &view, &mut to, &mut logdet);
    beside_work(bench, "flow in Rust forward", call, || {
        w.copy_from(&v);
        ours.fill(0.0);
        flow.forward(&mut w, &mut ours);
    })
}

pub(super) fn force(bench: &mut Bench<'_, '_>, plugin: &Plugin, services: &Services) -> Done {
    let (lattice, told) = small(2)?;
    let mut object = ForceObject::create(plugin, services, &request("gaugelink.force", "beta = 1", &told))?;
    let (u, mut s) = (links(&lattice)?, [0.0]);
    let view = foreign::view(&u);
    bench.idle("force in Rust stats", || object.stats().map(drop))?;
    bench.idle("force in Rust query", || object.query(&view).map(drop))?;
    let learned = LearnedForce::<f64, 1>::new(&lattice, &[1.0], &[])?;
    let call = || object.action(EXEC, &view, Auxiliary::default(), &mut s);
    beside_work(bench, "force in Rust action", call, || drop(black_box(learned.value(&u))))
}

pub(super) fn precond(bench: &mut Bench<'_, '_>, plugin: &Plugin, services: &Services) -> Done {
    let (lattice, told) = small(4)?;
    let TransportWeights { site, hop, spin_hop } = WEIGHTS;
    let config = format!("a = [{site}, {hop}, {spin_hop}]");
    let u = links(&lattice)?;
    let mut object = PrecondObject::create(plugin, services, &request("gaugelink.precond", &config, &told))?;
    let mut r = SpinorField::<f64, 1>::zeroed(&lattice)?;
    let mut z = SpinorField::<f64, 1>::zeroed(&lattice)?;
    r.set_gaussian(Address::new(2, Purpose::Source));
    let mut dirac = sized_struct::<Dirac>();
    (dirac.op, dirac.mass) = (raw::GLK_DIRAC_WILSON, MASS);
    object.setup(EXEC, &foreign::view(&u), &dirac, Setup::Reset)?;
    let view = foreign::view(&r);
    bench.idle("precond in Rust stats", || object.stats().map(drop))?;
    bench.idle("precond in Rust query", || object.query(&view).map(drop))?;
    bench.idle("precond in Rust cost", || object.cost().map(drop))?;
    let mut to = foreign::view_mut(&mut z);
    let wilson = Wilson::new(&u, MASS, Boundary::periodic())?;
    let layer = ParallelTransport::new(&wilson, WEIGHTS);
    let mut y = SpinorField::<f64, 1>::zeroed(&lattice)?;
    let call = || object.apply(EXEC, &view, &mut to, false);
    beside_work(bench, "precond in Rust apply", call, || LinearOperator::apply(&layer, &mut y, &r))
}
