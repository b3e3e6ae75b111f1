//! What the boundary costs: a call that does nothing, from hosts in Rust and C++ to plugins in Rust and C.

mod common;

use common::minimal;
use gaugelink_host::sdk::{Lattice, View};
use gaugelink_host::{ConfigText, FlowObject, Plugin, Request, Search, Services};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Nanoseconds of a call where 20 are the aim, in any pair of languages. The limit leaves room for machines that are slow
/// or busy throughout.
const STATS_MOST: f64 = 60.0;

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

/// A plugin in Rust and one in C, each with a flow.
fn plugins(folder: &Path) -> [(&'static str, PathBuf, &'static str); 2] {
    let fixture = Search::new(&[]).find("fixture").expect("cargo built the fixture");
    [
        ("Rust", fixture, "org.gaugelink.fixture.layer"),
        ("C", minimal(folder), "org.gaugelink.minimal.identity"),
    ]
}

#[test]
fn a_call_from_rust_costs_nanoseconds() {
    let folder = tempfile::tempdir().expect("a folder");
    for (language, path, component) in plugins(folder.path()) {
        let (plugin, services) = (Plugin::open(&path).expect("it opens"), Services::new(1));
        let lattice = Lattice::single(&[4, 4]).expect("a lattice");
        let request =
            Request { component, lattice: &lattice, config: ConfigText::Toml(""), base_dir: Path::new("") };
        let mut flow = FlowObject::create(&plugin, &services, &request).expect("created");
        let links = vec![1.0; 64];
        let view = View::gauge(&links, &lattice, 1).expect("a field");
        let query = fastest(|| assert!(flow.query(&view).is_ok()));
        let stats = fastest(|| assert!(flow.stats().is_ok()));
        println!("host in Rust, plugin in {language}: stats {stats:.1} ns, query with a view {query:.1} ns");
        // A field of 4^4 SU(3) takes tens of microseconds: more than this would be a lock or an allocation.
        assert!(query < 200.0 && stats < STATS_MOST, "query {query} ns, stats {stats} ns");
    }
}

#[test]
fn a_call_from_cpp_costs_nanoseconds() {
    if Command::new("g++").arg("--version").output().is_err() {
        println!("skipped: there is no g++ on this machine");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (here, program) = (Path::new(env!("CARGO_MANIFEST_DIR")), folder.path().join("overhead"));
    let mut compiler = Command::new("g++");
    compiler.args(["-std=c++17", "-O2", "-Wall", "-Wextra", "-I"]).arg(here.join("../../include"));
    compiler.arg(here.join("tests/overhead.cpp")).arg("-o").arg(&program).arg("-ldl");
    assert!(compiler.status().expect("g++ runs").success());
    for (language, path, component) in plugins(folder.path()) {
        let output = Command::new(&program).arg(path).arg(component).output().expect("it runs");
        let said = String::from_utf8(output.stdout).expect("a number");
        let stats: f64 = said.trim().parse().unwrap_or_else(|_| panic!("{said}"));
        println!("host in C++, plugin in {language}: stats {stats:.1} ns");
        assert!(stats < STATS_MOST, "{said}");
    }
}
