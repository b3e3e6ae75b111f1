//! The hosts under valgrind: no invalid access, no use of what was never written, nothing lost.

use crate::compile::{Link, Place, command, installed, run};
use crate::expected::{Plugins, rough_file};
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

/// Runs a host, which has to end well; the library takes the instructions that valgrind has, or those named.
fn watch(host: &Command, instructions: Option<&str>) {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["-q", "--error-exitcode=9", "--leak-check=full", "--errors-for-leak-kinds=definite"]);
    valgrind.args(["--show-leak-kinds=definite"]).arg(host.get_program()).args(host.get_args());
    valgrind.env("GAUGELINK_WATCHED", "1").envs(instructions.map(|name| ("GAUGELINK_ISA", name)));
    run(&mut valgrind);
}

#[test]
fn valgrind_finds_nothing() {
    let Some(place) = watched() else { return };
    let (input, _) = rough_file(place, "rough-valgrind");
    for (name, link) in [("link", Link::Shared), ("dlopen", Link::None)] {
        let program = place.host(name, link);
        let output = place.path(&format!("valgrind-{name}"));
        watch(&command(&program, &input, &output, &Plugins::MinimalC.choices(place)), None);
    }
}

/// The plugins in Rust, a few calls of each: the hosts above take minutes with them.
#[test]
fn valgrind_finds_nothing_in_the_plugins_in_rust() {
    let Some(place) = watched() else { return };
    let mut host = Command::new(place.host("small", Link::Shared));
    host.arg("C").arg(place.path("valgrind-small"));
    host.args(["minimal_c", "force", "flow", "precond"].map(|name| place.plugin(name)));
    watch(&host, Some("portable"));
}
