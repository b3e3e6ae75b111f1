//! What the boundary costs: a call that does nothing, from host to plugin and back.

use gaugelink_host::sdk::{Lattice, View};
use gaugelink_host::{ConfigText, FlowObject, Plugin, Request, Search, Services};
use std::path::Path;
use std::time::Instant;

/// Nanoseconds of the fastest of many batches: other programs on the machine only ever add.
fn fastest(mut call: impl FnMut()) -> f64 {
    const CALLS: u32 = 20_000;
    let batch = |call: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..CALLS).for_each(|_| call());
        start.elapsed().as_nanos() as f64 / f64::from(CALLS)
    };
    (0..100).map(|_| batch(&mut call)).fold(f64::INFINITY, f64::min)
}

#[test]
fn a_call_costs_nanoseconds() {
    let path = Search::new(&[]).find("fixture").expect("cargo built the fixture");
    let (plugin, services) = (Plugin::open(&path).expect("it opens"), Services::new(1));
    let lattice = Lattice::single(&[4, 4]).expect("a lattice");
    let request = Request {
        component: "org.gaugelink.fixture.layer",
        lattice: &lattice,
        config: ConfigText::Toml(""),
        base_dir: Path::new(""),
    };
    let mut flow = FlowObject::create(&plugin, &services, &request).expect("created");
    let links = vec![1.0; 64];
    let view = View::gauge(&links, &lattice, 1).expect("a field");
    let query = fastest(|| assert!(flow.query(&view).is_ok()));
    let stats = fastest(|| assert!(flow.stats().is_ok()));
    println!(
        "query with a view {query:.1} ns, stats {stats:.1} ns (host wrapper with its error struct included)"
    );
    // A field of 4^4 SU(3) takes tens of microseconds: more than this would be a lock or an allocation. For stats 20 ns are
    // the aim; the limit leaves room for machines that are slow or busy throughout.
    assert!(query < 200.0 && stats < 60.0, "query {query} ns, stats {stats} ns");
}
