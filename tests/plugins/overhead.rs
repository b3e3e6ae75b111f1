//! What a call costs beside its work.

use crate::host::{Host, lattice};
use gaugelink_host::FlowObject;
use std::time::Instant;

/// Nanoseconds of the fastest of many rounds: other programs on the machine only ever add.
fn fastest(mut call: impl FnMut()) -> f64 {
    const CALLS: u32 = 10_000;
    let round = |call: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..CALLS).for_each(|_| call());
        start.elapsed().as_nanos() as f64 / f64::from(CALLS)
    };
    (0..200).map(|_| round(&mut call)).fold(f64::INFINITY, f64::min)
}

#[test]
fn a_trivial_call_costs_nanoseconds() {
    let host = Host::new("flow");
    let lattice = lattice(&[4, 4]);
    let mut object = host.create(FlowObject::create, &lattice, "").unwrap();
    let stats = fastest(|| assert!(object.stats().is_ok()));
    println!("stats: {stats:.1} ns a call, from the host's wrapper to the plugin and back");
    // 20 ns are the aim; the limit leaves room for machines that are slow or busy throughout.
    assert!(stats < 60.0, "a call of stats takes {stats} ns");
}
