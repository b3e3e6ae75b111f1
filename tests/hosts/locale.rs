//! A host whose locale writes 6,25: configurations of plugins and files are read with a point all the same.

use crate::compile::{Answers, Link, Place, installed, run};
use std::path::Path;
use std::process::Command;

/// A locale with nothing but a decimal comma, as many countries have it.
const COMMA: &str = "LC_CTYPE\nEND LC_CTYPE\nLC_NUMERIC\ndecimal_point \",\"\nthousands_sep \".\"\ngrouping 3\nEND LC_NUMERIC\n";

/// Compiles the locale into `folder`; warnings about what it does not define are expected.
fn compiled(folder: &Path) -> bool {
    let (source, target) = (folder.join("comma.src"), folder.join("comma"));
    std::fs::write(&source, COMMA).unwrap();
    let made = Command::new("localedef").args(["-c", "-i"]).arg(source).arg(&target).output();
    made.is_ok() && target.join("LC_NUMERIC").is_file()
}

/// The host's answers, after it was seen to have this decimal point.
fn answers(place: &Place, folder: &Path, locale: &str, point: &str) -> Answers {
    let mut host = Command::new(place.host("small", Link::Shared));
    host.arg(locale).arg(folder.join(format!("out-{locale}")));
    host.args(["minimal_c", "force", "flow", "precond"].map(|name| place.plugin(name)));
    let output = run(host.env("LOCPATH", folder).env_remove("LC_ALL"));
    assert_eq!(String::from_utf8_lossy(&output.stderr), point, "the decimal point of {locale}");
    Answers::of(&std::process::Output { stderr: Vec::new(), ..output })
}

#[test]
fn numbers_have_a_point_in_every_locale() {
    let Some(place) = installed() else { return };
    let folder = tempfile::tempdir().unwrap();
    if !compiled(folder.path()) {
        println!(
            "skipped: localedef, which makes a locale with a decimal comma, does not work on this machine"
        );
        return;
    }
    let [plain, comma] =
        [("C", "."), ("comma", ",")].map(|(locale, point)| answers(place, folder.path(), locale, point));
    for name in ["wilson", "force_in_c", "force_in_rust", "proposal", "proposed", "flow", "precond", "stated"]
    {
        assert_eq!(comma.text(name), plain.text(name), "{name}");
    }
    for force in ["force_in_c", "force_in_rust"] {
        comma.close(force, comma.number("wilson"), 1e-13);
    }
    comma.close("stated", comma.number("plaquette"), 1e-6);
    assert!(comma.number("flow") != 0.0 && comma.number("precond") > 0.0);
}
