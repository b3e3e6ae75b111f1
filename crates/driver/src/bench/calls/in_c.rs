//! The plugin in C: an object of each kind, on one link and on two.

use super::{Bench, Done, EXEC, request};
use crate::error::DriverError;
use gaugelink_host::sdk::{Dirac, Lattice, Rng, Setup, View, ViewMut, raw, sized_struct};
use gaugelink_host::{Auxiliary, FlowObject, ForceObject, Plugin, PrecondObject, ProposalObject, Services};

/// Sites of the lattices, which are lines: a site has one link.
const SITES: [usize; 2] = [1, 2];
const WHOLE: &str = "a whole field";

/// A call on one site and on two: what the second adds is work.
struct PerSite([f64; 2]);

impl PerSite {
    fn report(self, bench: &mut Bench<'_, '_>, case: &str) -> Done {
        let [one, two] = self.0;
        bench.report(case, one, (two - one).max(0.0))
    }
}

/// A case, named after the lattice.
fn on(lattice: &Lattice, case: &str) -> String {
    format!("{case}, {} sites", lattice.sites())
}

/// The same object on both lattices, with the time that `timed` takes of it.
fn on_both(mut timed: impl FnMut(&Lattice) -> Result<f64, DriverError>) -> Result<PerSite, DriverError> {
    let mut times = [0.0; 2];
    for (sites, time) in SITES.into_iter().zip(&mut times) {
        *time = timed(&Lattice::single(&[sites]).expect("a line of sites"))?;
    }
    Ok(PerSite(times))
}

pub(super) fn run(bench: &mut Bench<'_, '_>, plugin: &Plugin, services: &Services) -> Done {
    flow(bench, plugin, services)?;
    force(bench, plugin, services)?;
    precond(bench, plugin, services)?;
    proposal(bench, plugin, services)
}

fn flow(bench: &mut Bench<'_, '_>, plugin: &Plugin, services: &Services) -> Done {
    let times = on_both(|lattice| {
        let identity = request("org.gaugelink.minimal.identity", "", lattice);
        let mut flow = FlowObject::create(plugin, services, &identity)?;
        let (v, mut u, mut logdet) = (vec![1.0; 2 * lattice.sites()], vec![0.0; 2 * lattice.sites()], [0.0]);
        let from = View::gauge(&v, lattice, 1).expect(WHOLE);
        let mut to = ViewMut::gauge(&mut u, lattice, 1).expect(WHOLE);
        let forward = bench
            .time(&on(lattice, "flow in C forward"), || flow.forward(EXEC, &from, &mut to, &mut logdet))?;
        if lattice.sites() == 1 {
            bench.idle("flow in C stats", || flow.stats().map(drop))?;
            bench.idle("flow in C query", || flow.query(&from).map(drop))?;
        }
        Ok(forward)
    })?;
    times.report(bench, "flow in C forward")
}

fn force(bench: &mut Bench<'_, '_>, plugin: &Plugin, services: &Services) -> Done {
    let times = on_both(|lattice| {
        let wilson = request("org.gaugelink.minimal.wilson", "", lattice);
        let mut force = ForceObject::create(plugin, services, &wilson)?;
        let (links, mut s) = (vec![1.0; 2 * lattice.sites()], [0.0]);
        let u = View::gauge(&links, lattice, 1).expect(WHOLE);
        let action = bench.time(&on(lattice, "force in C action"), || {
            force.action(EXEC, &u, Auxiliary::default(), &mut s)
        })?;
        if lattice.sites() == 1 {
            bench.idle("force in C stats", || force.stats().map(drop))?;
            bench.idle("force in C query", || force.query(&u).map(drop))?;
        }
        Ok(action)
    })?;
    times.report(bench, "force in C action")
}

fn precond(bench: &mut Bench<'_, '_>, plugin: &Plugin, services: &Services) -> Done {
    let mut dirac = sized_struct::<Dirac>();
    dirac.op = raw::GLK_DIRAC_WILSON;
    let mut set_up = [0.0; 2];
    let times = on_both(|lattice| {
        let jacobi = request("org.gaugelink.minimal.jacobi", "", lattice);
        let (links, r, mut z) =
            (vec![1.0; 2 * lattice.sites()], vec![1.0; 2 * lattice.sites()], vec![0.0; 2 * lattice.sites()]);
        let mut precond = PrecondObject::create(plugin, services, &jacobi)?;
        let u = View::gauge(&links, lattice, 1).expect(WHOLE);
        let from = View::spinor(&r, lattice, 1, 1).expect(WHOLE);
        let mut to = ViewMut::spinor(&mut z, lattice, 1, 1).expect(WHOLE);
        set_up[lattice.sites() - 1] = bench
            .time(&on(lattice, "precond in C setup"), || precond.setup(EXEC, &u, &dirac, Setup::Reset))?;
        let apply =
            bench.time(&on(lattice, "precond in C apply"), || precond.apply(EXEC, &from, &mut to, false))?;
        if lattice.sites() == 1 {
            bench.idle("precond in C stats", || precond.stats().map(drop))?;
            bench.idle("precond in C query", || precond.query(&from).map(drop))?;
            bench.idle("precond in C cost", || precond.cost().map(drop))?;
        }
        Ok(apply)
    })?;
    PerSite(set_up).report(bench, "precond in C setup")?;
    times.report(bench, "precond in C apply")
}

fn proposal(bench: &mut Bench<'_, '_>, plugin: &Plugin, services: &Services) -> Done {
    let mut rng = sized_struct::<Rng>();
    rng.algorithm = raw::GLK_RNG_CHACHA20;
    let times = on_both(|lattice| {
        let shake = request("org.gaugelink.minimal.shake", "", lattice);
        let mut proposal = ProposalObject::create(plugin, services, &shake)?;
        let (links, mut moved, mut weight) =
            (vec![1.0; 2 * lattice.sites()], vec![0.0; 2 * lattice.sites()], [0.0]);
        let u = View::gauge(&links, lattice, 1).expect(WHOLE);
        let mut to = ViewMut::gauge(&mut moved, lattice, 1).expect(WHOLE);
        let propose = bench.time(&on(lattice, "proposal in C propose"), || {
            proposal.propose(EXEC, &rng, (&u, &mut to), (&[], &mut []), &mut weight)
        })?;
        if lattice.sites() == 1 {
            bench.idle("proposal in C stats", || proposal.stats().map(drop))?;
            bench.idle("proposal in C query", || proposal.query(&u).map(drop))?;
        }
        Ok(propose)
    })?;
    times.report(bench, "proposal in C propose")
}
