//! Propagators of hosts in C++: the guide's program as printed, whose file is that of the crates byte for byte, and a host that
//! reads it into propagators of its own.

use crate::compile::{Answers, Link, Place, installed, run};
use crate::expected::rough_file;
use gaugelink_lattice::GaugeField;
use gaugelink_physics::dirac::{Boundary, Propagator, PropagatorSolver, Wilson};
use gaugelink_physics::solver::Stopping;
use lime_rs::Precision;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The guide's program from links to a propagator.
fn example() -> String {
    let guide = include_str!("../../docs/c-api.md");
    let (_, section) = guide.split_once("## Propagators").expect("a section on propagators");
    let (_, rest) = section.split_once("```cpp\n").expect("its program");
    rest.split_once("```").expect("its end").0.to_owned()
}

/// Runs it: links from `input`, a propagator to the path that it gives.
fn solved(place: &Place, input: &Path) -> PathBuf {
    let source = place.path("propagator.cpp");
    std::fs::write(&source, example()).unwrap();
    let program = place.compile(&source, "propagator", Link::Shared);
    let output = place.path("propagator.scidac");
    let answer = run(Command::new(program).arg(input).arg(&output));
    let shown = String::from_utf8(answer.stdout).unwrap();
    assert_eq!(shown.lines().filter(|line| line.contains("iterations, residual")).count(), 12, "{shown}");
    output
}

/// The same by the crates.
pub fn by_the_crates(u: &GaugeField<f64, 3>, path: &Path, info: &str) {
    let dirac = Wilson::<f64, 3>::new(u, 0.2, Boundary::antiperiodic()).unwrap();
    let stop = Stopping::at(1e-10);
    let solver = PropagatorSolver::EvenOddBiCgStab;
    let (propagator, _) = Propagator::point(&dirac, [0, 0, 0, 0], solver, &stop).unwrap();
    propagator.write(path, 0, Precision::F64, info).unwrap();
}

/// A file's bytes, all dates the same.
fn undated(path: &Path) -> Vec<u8> {
    let mut bytes = std::fs::read(path).unwrap();
    let (open, close) = (b"<date>", b"</date>");
    let mut dates = 0;
    while let Some(begin) = find(&bytes, open) {
        let end = begin + find(&bytes[begin..], close).unwrap();
        bytes[begin..end].fill(b'-');
        dates += 1;
    }
    assert_eq!(dates, 13, "records of {}", path.display());
    bytes
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[test]
fn a_propagator_solved_by_a_host_is_the_file_of_the_crates() {
    let Some(place) = installed() else { return };
    let (input, u) = rough_file(place, "rough-quark");
    let output = solved(place, &input);
    let expected = place.path("crates.scidac");
    by_the_crates(&u, &expected, &format!("mass = 0.2, configuration = {}", input.display()));
    let (found, expected) = (undated(&output), undated(&expected));
    assert_eq!(found.len(), expected.len());
    let differ = found.iter().zip(&expected).position(|(a, b)| a != b);
    assert_eq!(differ, None, "the first byte that differs, of {}", found.len());

    let program = place.host("quark", Link::Shared);
    let a = Answers::of(&run(Command::new(program).arg(&input).arg(&output).arg(place.path("own.scidac"))));
    assert_eq!((a.number("columns"), a.number("warnings"), a.text("source")), (12.0, 0.0, "0000"));
    assert!(a.number("residual") < 1e-9, "D of a column is off its source by {}", a.number("residual"));
    for zero in [
        "one_by_one_difference",
        "qdp_difference",
        "matrices_difference",
        "one_difference",
        "one_has_a_source",
    ] {
        assert_eq!(a.number(zero), 0.0, "{zero}");
    }
    // Half of one in the last of 24 bits of numbers below 1.
    assert!((1e-10..3e-8).contains(&a.number("grid_difference")), "{}", a.number("grid_difference"));
    assert!((1e-10..1e-6).contains(&a.number("rounded")) && a.number("rounded_precision") == 32.0);
    assert_eq!(a.text("matrices"), "12 Lattice <Propagator/>");
    a.refused(&[
        ("missing", "5", "propagator.scidac.no"),
        ("links_instead", "15", "gaugelink_file_open"),
        ("too_far", "3", "the file holds 12"),
        ("no_propagator", "3", "source spin 0, colour 0"),
        ("other_lattice", "3", "[4, 4, 4, 4]"),
        ("other_colours", "3", "SU(2)"),
        ("few_columns", "3", "11 columns"),
        ("no_columns", "3", "count is 0"),
        ("no_xml", "3", "<Propagator>"),
        ("outside", "3", "outside the lattice"),
        ("no_such_column", "3", "spins 0 to 3"),
        ("beyond_the_memory", "3", "plane_bytes"),
    ]);
}
