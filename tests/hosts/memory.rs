//! The hosts under valgrind: no invalid access, no use of what was never written, nothing lost.

use crate::compile::{Link, Place, command, installed, run};
use crate::expected::{Plugins, rough_file_of};
use crate::propagators::by_the_crates;
use std::process::Command;

/// The installation where there is valgrind; `None`, with a line that says so, where there is not.
fn watched() -> Option<&'static Place> {
    let place = installed()?;
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: there is no valgrind on this machine");
        return None;
    }
    Some(place)
}

/// The fewest sites that the hosts' boxes, sources and lanes fit on.
const SMALLEST: [usize; 4] = [2, 4, 4, 4];

/// Runs a host, which has to end well; the library takes the instructions that valgrind has.
fn watch(host: &Command) {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["-q", "--error-exitcode=9", "--leak-check=full", "--errors-for-leak-kinds=definite"]);
    valgrind.args(["--show-leak-kinds=definite"]).arg(host.get_program()).args(host.get_args());
    run(valgrind.env("GAUGELINK_WATCHED", "1"));
}

/// Both hosts with the plugin in C, and every function of every kind of the plugins in Rust on the memory of a host.
#[test]
fn valgrind_finds_nothing() {
    let Some(place) = watched() else { return };
    let (input, _) = rough_file_of(place, "rough-valgrind", &SMALLEST);
    let mut of_rust = Plugins::Rust.choices(place);
    of_rust[0].config = of_rust[0].config.replace("sublayers = 8", "sublayers = 1");
    for (name, link, choices) in [
        ("link", Link::Shared, &Plugins::MinimalC.choices(place)),
        ("dlopen", Link::None, &Plugins::MinimalC.choices(place)),
        ("dlopen", Link::None, &of_rust),
    ] {
        let program = place.host(name, link);
        watch(&command(&program, &input, &place.path(&format!("valgrind-{name}")), choices));
    }
}

/// The plugins in Rust on fields of the library, where they stand.
#[test]
fn valgrind_finds_nothing_in_the_plugins_in_rust() {
    let Some(place) = watched() else { return };
    let mut host = Command::new(place.host("small", Link::Shared));
    host.arg("C").arg(place.path("valgrind-small"));
    host.args(["minimal_c", "force", "flow", "precond"].map(|name| place.plugin(name)));
    watch(&host);
}

/// A propagator, read into the orders of other codes and written.
#[test]
fn valgrind_finds_nothing_in_files_of_propagators() {
    let Some(place) = watched() else { return };
    let (input, u) = rough_file_of(place, "rough-valgrind-quark", &SMALLEST);
    let propagator = place.path("valgrind-quark.scidac");
    by_the_crates(&u, &propagator, "");
    let mut host = Command::new(place.host("quark", Link::Shared));
    host.arg(input).arg(propagator).arg(place.path("valgrind-quark"));
    watch(&host);
}
