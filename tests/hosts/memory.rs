//! The hosts under valgrind: no invalid access, no use of what was never written, nothing lost.

use crate::compile::{Link, command, installed, run};
use crate::expected::{BOTH, rough_file};
use std::process::Command;

#[test]
fn valgrind_finds_nothing() {
    let Some(place) = installed() else { return };
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: there is no valgrind on this machine");
        return;
    }
    let (input, _) = rough_file(place, "rough-valgrind");
    let hosts = [("link", Link::Shared), ("dlopen", Link::None)];
    for (plugins, (name, link)) in BOTH.into_iter().flat_map(|plugins| hosts.map(|host| (plugins, host))) {
        let program = place.host(name, link);
        let output = place.path(&plugins.file(&format!("valgrind-{name}")));
        let host = command(&program, &input, &output, &plugins.choices(place));
        let mut valgrind = Command::new("valgrind");
        // Valgrind knows no AVX-512.
        valgrind.env("GAUGELINK_ISA", "portable");
        valgrind.args(["-q", "--error-exitcode=9", "--leak-check=full", "--errors-for-leak-kinds=definite"]);
        valgrind.args(["--show-leak-kinds=definite"]).arg(host.get_program()).args(host.get_args());
        run(&mut valgrind);
    }
}
