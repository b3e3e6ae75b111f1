//! What the boundary costs: calls that do nothing, from hosts in Rust and C++ to plugins in Rust and C.

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

/// The plugin whose functions do nothing, in Rust and in C.
fn plugins(folder: &Path) -> [(&'static str, PathBuf); 2] {
    let rust = Search::new(&[]).find("idle").expect("cargo built the fixture");
    let (here, c) = (Path::new(env!("CARGO_MANIFEST_DIR")), folder.join("libglk_idle_c.so"));
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c11", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared", "-fvisibility=hidden", "-I"]);
    compiler.arg(here.join("../../include")).arg(here.join("tests/idle.c")).arg("-o").arg(&c);
    assert!(compiler.status().expect("cc runs").success());
    [("Rust", rust), ("C", c)]
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
    let mut rng = sized_struct::<Rng>();
    rng.algorithm = raw::GLK_RNG_CHACHA20;
    let mut dirac = sized_struct::<Dirac>();
    dirac.op = raw::GLK_DIRAC_WILSON;
    for (language, path) in plugins(folder.path()) {
        let plugin = Plugin::open(&path).expect("it opens");
        let v = View::gauge(&from, &lattice, 1).expect("a field");
        let mut flow = FlowObject::create(&plugin, &services, &request("org.gaugelink.idle.flow", &lattice))
            .expect("created");
        let mut u = ViewMut::gauge(&mut to, &lattice, 1).expect("a field");
        let mut costs = vec![
            ("stats", fastest(|| assert!(flow.stats().is_ok()))),
            ("query", fastest(|| assert!(flow.query(&v).is_ok()))),
            ("forward", fastest(|| assert!(flow.forward(exec, &v, &mut u, &mut [0.0]).is_ok()))),
        ];
        let mut force =
            ForceObject::create(&plugin, &services, &request("org.gaugelink.idle.force", &lattice))
                .expect("created");
        let mut f = ViewMut::algebra(&mut to, &lattice, 1).expect("a field");
        let call = || assert!(force.force(exec, &v, Auxiliary::default(), 1.0, &mut f).is_ok());
        costs.push(("force", fastest(call)));
        let mut proposal =
            ProposalObject::create(&plugin, &services, &request("org.gaugelink.idle.proposal", &lattice))
                .expect("created");
        let mut moved = ViewMut::gauge(&mut to, &lattice, 1).expect("a field");
        let call =
            || assert!(proposal.propose(exec, &rng, (&v, &mut moved), (&[], &mut []), &mut [0.0]).is_ok());
        costs.push(("propose", fastest(call)));
        let mut precond =
            PrecondObject::create(&plugin, &services, &request("org.gaugelink.idle.precond", &lattice))
                .expect("created");
        precond.setup(exec, &v, &dirac, Setup::Reset).expect("set up");
        let r = View::spinor(&from, &lattice, 1, 1).expect("a field");
        let mut z = ViewMut::spinor(&mut to, &lattice, 1, 1).expect("a field");
        costs.push(("apply", fastest(|| assert!(precond.apply(exec, &r, &mut z, false).is_ok()))));
        show(&format!("host in Rust, plugin in {language}"), &costs);
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
    for (language, path) in plugins(folder.path()) {
        let output = Command::new(&program).arg(path).output().expect("it runs");
        let said = String::from_utf8(output.stdout).expect("numbers");
        let costs: Vec<(&str, f64)> = said
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter_map(|(f, ns)| Some((f, ns.parse().ok()?)))
            .collect();
        assert_eq!(costs.len(), 6, "{said}");
        show(&format!("host in C++, plugin in {language}"), &costs);
    }
}
