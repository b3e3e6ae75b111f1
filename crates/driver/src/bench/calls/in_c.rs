//! The plugin in C: an object of each kind, on one link and on two.

use super::turns::batch;
use super::{Bench, Done, EXEC, request};
use gaugelink_host::sdk::{Dirac, Lattice, Rng, Setup, View, ViewMut, raw, sized_struct};
use gaugelink_host::{
    Auxiliary, FlowObject, ForceObject, HostError, Plugin, PrecondObject, ProposalObject, Services,
};

const WHOLE: &str = "a whole field";

/// Lines of one site and of two: a site has one link.
fn lines() -> [Lattice; 2] {
    [1, 2].map(|sites| Lattice::single(&[sites]).expect("a line of sites"))
}

/// Numbers of an input and of an output on both.
fn memory() -> [(Vec<f64>, Vec<f64>); 2] {
    [2, 4].map(|numbers| (vec![1.0; numbers], vec![0.0; numbers]))
}

type Fields<'m> = (View<'m>, ViewMut<'m>);

fn links<'m>(memory: &'m mut [(Vec<f64>, Vec<f64>); 2], lattices: &[Lattice; 2]) -> [Fields<'m>; 2] {
    let [(v1, u1), (v2, u2)] = memory;
    [(v1, u1, &lattices[0]), (v2, u2, &lattices[1])].map(|(v, u, lattice)| {
        (View::gauge(v, lattice, 1).expect(WHOLE), ViewMut::gauge(u, lattice, 1).expect(WHOLE))
    })
}

fn spinors<'m>(memory: &'m mut [(Vec<f64>, Vec<f64>); 2], lattices: &[Lattice; 2]) -> [Fields<'m>; 2] {
    let [(r1, z1), (r2, z2)] = memory;
    [(r1, z1, &lattices[0]), (r2, z2, &lattices[1])].map(|(r, z, lattice)| {
        (View::spinor(r, lattice, 1, 1).expect(WHOLE), ViewMut::spinor(z, lattice, 1, 1).expect(WHOLE))
    })
}

/// The same call on one site and on two: what the second adds is work.
fn per_site(
    bench: &mut Bench<'_, '_>,
    case: &str,
    one: impl FnMut() -> Result<(), HostError>,
    two: impl FnMut() -> Result<(), HostError>,
) -> Done {
    bench.beside(case, [&mut batch(one), &mut batch(two)], |[one, two]| two - one)
}

pub(super) fn run(bench: &mut Bench<'_, '_>, plugin: &Plugin, services: &Services) -> Done {
    flow(bench, plugin, services)?;
    force(bench, plugin, services)?;
    precond(bench, plugin, services)?;
    proposal(bench, plugin, services)
}

fn flow(bench: &mut Bench<'_, '_>, plugin: &Plugin, services: &Services) -> Done {
    let (lattices, mut memory) = (lines(), memory());
    let identity = |lattice| {
        FlowObject::create(plugin, services, &request("org.gaugelink.minimal.identity", "", lattice))
    };
    let (mut one, mut two) = (identity(&lattices[0])?, identity(&lattices[1])?);
    let [(v1, mut u1), (v2, mut u2)] = links(&mut memory, &lattices);
    let (mut first, mut second) = ([0.0], [0.0]);
    bench.idle("flow in C stats", || one.stats().map(drop))?;
    bench.idle("flow in C query", || one.query(&v1).map(drop))?;
    let (one, two) =
        (|| one.forward(EXEC, &v1, &mut u1, &mut first), || two.forward(EXEC, &v2, &mut u2, &mut second));
    per_site(bench, "flow in C forward", one, two)
}

fn force(bench: &mut Bench<'_, '_>, plugin: &Plugin, services: &Services) -> Done {
    let (lattices, mut memory) = (lines(), memory());
    let wilson = |lattice| {
        ForceObject::create(plugin, services, &request("org.gaugelink.minimal.wilson", "", lattice))
    };
    let (mut one, mut two) = (wilson(&lattices[0])?, wilson(&lattices[1])?);
    let [(u1, _), (u2, _)] = links(&mut memory, &lattices);
    let (mut first, mut second) = ([0.0], [0.0]);
    bench.idle("force in C stats", || one.stats().map(drop))?;
    bench.idle("force in C query", || one.query(&u1).map(drop))?;
    let (one, two) = (
        || one.action(EXEC, &u1, Auxiliary::default(), &mut first),
        || two.action(EXEC, &u2, Auxiliary::default(), &mut second),
    );
    per_site(bench, "force in C action", one, two)
}

fn precond(bench: &mut Bench<'_, '_>, plugin: &Plugin, services: &Services) -> Done {
    let mut dirac = sized_struct::<Dirac>();
    dirac.op = raw::GLK_DIRAC_WILSON;
    let (lattices, mut configurations, mut memory) = (lines(), memory(), memory());
    let [(u1, _), (u2, _)] = links(&mut configurations, &lattices);
    let [(r1, mut z1), (r2, mut z2)] = spinors(&mut memory, &lattices);
    let jacobi = |lattice| {
        PrecondObject::create(plugin, services, &request("org.gaugelink.minimal.jacobi", "", lattice))
    };
    let (mut one, mut two) = (jacobi(&lattices[0])?, jacobi(&lattices[1])?);
    bench.idle("precond in C stats", || one.stats().map(drop))?;
    bench.idle("precond in C query", || one.query(&r1).map(drop))?;
    bench.idle("precond in C cost", || one.cost().map(drop))?;
    let set_up =
        (|| one.setup(EXEC, &u1, &dirac, Setup::Reset), || two.setup(EXEC, &u2, &dirac, Setup::Reset));
    per_site(bench, "precond in C setup", set_up.0, set_up.1)?;
    let apply = (|| one.apply(EXEC, &r1, &mut z1, false), || two.apply(EXEC, &r2, &mut z2, false));
    per_site(bench, "precond in C apply", apply.0, apply.1)
}

fn proposal(bench: &mut Bench<'_, '_>, plugin: &Plugin, services: &Services) -> Done {
    let mut rng = sized_struct::<Rng>();
    rng.algorithm = raw::GLK_RNG_CHACHA20;
    let (lattices, mut memory) = (lines(), memory());
    let shake = |lattice| {
        ProposalObject::create(plugin, services, &request("org.gaugelink.minimal.shake", "", lattice))
    };
    let (mut one, mut two) = (shake(&lattices[0])?, shake(&lattices[1])?);
    let [(u1, mut to1), (u2, mut to2)] = links(&mut memory, &lattices);
    let (mut first, mut second) = ([0.0], [0.0]);
    bench.idle("proposal in C stats", || one.stats().map(drop))?;
    bench.idle("proposal in C query", || one.query(&u1).map(drop))?;
    let (one, two) = (
        || one.propose(EXEC, &rng, (&u1, &mut to1), (&[], &mut []), &mut first),
        || two.propose(EXEC, &rng, (&u2, &mut to2), (&[], &mut []), &mut second),
    );
    per_site(bench, "proposal in C propose", one, two)
}
