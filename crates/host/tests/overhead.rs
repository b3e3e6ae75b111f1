//! What the boundary costs: calls that do nothing, from hosts in Rust and C++ to plugins in Rust and C.
//!
//! The flow in Rust does nothing at all; the one in C copies the lattice's one link.

mod common;

use common::minimal;
use gaugelink_host::sdk::{Dirac, Lattice, Rng, Setup, View, ViewMut, raw, sized_struct};
use gaugelink_host::{
    Auxiliary, ConfigText, Exec, FlowObject, ForceObject, Plugin, PrecondObject, ProposalObject, Request,
    Search, Services,
};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Nanoseconds of a call where 20 are the aim, in any pair of languages. The limits leave room for machines that are slow
/// or busy throughout.
const STATS_MOST: f64 = 60.0;
/// The same of calls with views. A field of 4⁴ SU(3) takes tens of microseconds: more would be a lock or an allocation.
const VIEWS_MOST: f64 = 200.0;

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
    [("Rust", idle(), "org.gaugelink.idle.flow"), ("C", minimal(folder), "org.gaugelink.minimal.identity")]
}

fn idle() -> PathBuf {
    Search::new(&[]).find("idle").expect("cargo built the fixture")
}

fn request<'r>(component: &'r str, lattice: &'r Lattice) -> Request<'r> {
    Request { component, lattice, config: ConfigText::Toml(""), base_dir: Path::new("") }
}

/// Shows what calls cost.
fn show(pair: &str, costs: &[(&str, f64)]) {
    for (function, cost) in costs {
        println!("{pair}: {function} {cost:.1} ns");
        let most = if *function == "stats" { STATS_MOST } else { VIEWS_MOST };
        assert!((0.0..most).contains(cost), "{pair}: {function} takes {cost} ns");
    }
}

#[test]
fn a_call_from_rust_costs_nanoseconds() {
    let folder = tempfile::tempdir().expect("a folder");
    let (services, exec) = (Services::new(1), Exec { threads: 1 });
    let lattice = Lattice::single(&[1]).expect("a lattice");
    let (from, mut to) = ([1.0, 0.0], [1.0, 0.0]);
    for (language, path, component) in plugins(folder.path()) {
        let plugin = Plugin::open(&path).expect("it opens");
        let mut flow =
            FlowObject::create(&plugin, &services, &request(component, &lattice)).expect("created");
        let v = View::gauge(&from, &lattice, 1).expect("a field");
        let mut u = ViewMut::gauge(&mut to, &lattice, 1).expect("a field");
        let costs = [
            ("stats", fastest(|| assert!(flow.stats().is_ok()))),
            ("query with a view", fastest(|| assert!(flow.query(&v).is_ok()))),
            ("forward", fastest(|| assert!(flow.forward(exec, &v, &mut u, &mut [0.0]).is_ok()))),
        ];
        show(&format!("host in Rust, plugin in {language}"), &costs);
    }
    let plugin = Plugin::open(&idle()).expect("it opens");
    let component = |kind: &str| format!("org.gaugelink.idle.{kind}");
    let u = View::gauge(&from, &lattice, 1).expect("a field");
    let mut rng = sized_struct::<Rng>();
    rng.algorithm = raw::GLK_RNG_CHACHA20;
    let mut dirac = sized_struct::<Dirac>();
    dirac.op = raw::GLK_DIRAC_WILSON;
    let mut force =
        ForceObject::create(&plugin, &services, &request(&component("force"), &lattice)).expect("created");
    let mut f = ViewMut::algebra(&mut to, &lattice, 1).expect("a field");
    let force = fastest(|| assert!(force.force(exec, &u, Auxiliary::default(), 1.0, &mut f).is_ok()));
    let mut proposal = ProposalObject::create(&plugin, &services, &request(&component("proposal"), &lattice))
        .expect("created");
    let mut u_new = ViewMut::gauge(&mut to, &lattice, 1).expect("a field");
    let propose = fastest(|| {
        assert!(proposal.propose(exec, &rng, (&u, &mut u_new), (&[], &mut []), &mut [0.0]).is_ok());
    });
    let mut precond = PrecondObject::create(&plugin, &services, &request(&component("precond"), &lattice))
        .expect("created");
    precond.setup(exec, &u, &dirac, Setup::Reset).expect("set up");
    let r = View::spinor(&from, &lattice, 1, 1).expect("a field");
    let mut z = ViewMut::spinor(&mut to, &lattice, 1, 1).expect("a field");
    let apply = fastest(|| assert!(precond.apply(exec, &r, &mut z, false).is_ok()));
    show("host in Rust, plugin in Rust", &[("force", force), ("propose", propose), ("apply", apply)]);
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
        let said = String::from_utf8(output.stdout).expect("numbers");
        let numbers: Vec<f64> = said.split_whitespace().map_while(|number| number.parse().ok()).collect();
        let [stats, forward] = numbers[..] else { panic!("{said}") };
        show(&format!("host in C++, plugin in {language}"), &[("stats", stats), ("forward", forward)]);
    }
}
