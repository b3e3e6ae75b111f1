//! The example of the README as printed, and the headers as every user includes them.

use crate::compile::{Link, installed, run};
use crate::expected::rough_file;
use gaugelink_physics::observable::plaquette;
use std::process::Command;

/// The README's C++ block.
fn example() -> String {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("```cpp\n").expect("a C++ example");
    rest.split_once("```").expect("its end").0.to_owned()
}

#[test]
fn the_readmes_example_works_as_printed() {
    let text = example();
    assert!(text.lines().count() <= 25, "{} lines", text.lines().count());
    let Some(place) = installed() else { return };
    let (input, u) = rough_file(place, "rough-readme");
    let source = place.path("readme.cpp");
    std::fs::write(&source, text).unwrap();
    let program = place.compile(&source, "readme", Link::Shared);
    let output = place.path("out-readme");
    let answer = run(Command::new(program).arg(&input).arg(&output));
    let shown = String::from_utf8(answer.stdout).unwrap();
    let first = shown.lines().next().and_then(|line| line.strip_prefix("plaquette ")).unwrap();
    assert!((first.parse::<f64>().unwrap() - plaquette(&u)[0]).abs() < 1e-5, "{shown}");
    assert!(shown.contains("log det 0\n") && output.is_file(), "{shown}");
}
