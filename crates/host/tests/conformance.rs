//! The checker passes plugins that keep the rules, and finds each bug that a plugin was asked to have.

mod common;

use common::minimal;
use gaugelink_host::conformance::{Event, Options, Outcome, Report, check, watch};
use gaugelink_host::{Plugin, Search};
use std::path::PathBuf;

fn fixture() -> PathBuf {
    Search::new(&[]).find("fixture").expect("cargo built the fixture beside this test")
}

fn failures(report: &Report) -> Vec<String> {
    let failed = report.checks.iter().filter(|check| check.outcome == Outcome::Failed);
    failed.map(|check| format!("{} {}: {}", check.component, check.name, check.sentence)).collect()
}

fn outcome(report: &Report, name: &str) -> Outcome {
    report.checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("no check {name}")).outcome
}

#[test]
fn the_plugin_in_c_keeps_all_rules() {
    let folder = tempfile::tempdir().expect("a folder");
    let report = check(&minimal(folder.path()), &Options::default()).expect("it opens");
    for check in &report.checks {
        println!(
            "{:8} {:34} {:18} {}",
            format!("{:?}", check.outcome),
            check.component,
            check.name,
            check.sentence
        );
    }
    assert_eq!(failures(&report), [""; 0]);
    for name in [
        "inverse",
        "log det",
        "gauge covariance",
        "pullback",
        "gradient",
        "sign and scale",
        "hermiticity",
        "residual",
        "balance",
        "EO f32",
        "batch",
        "fifth dimension",
        "generation",
        "REUSE",
        "boundary",
        "phases in links",
        "residual, antiperiodic",
        "csw",
        "dim5 of links",
    ] {
        assert_eq!(outcome(&report, name), Outcome::Passed, "{name}");
    }
}

#[test]
fn the_plugin_in_rust_keeps_all_rules() {
    let report = check(&fixture(), &Options::default()).expect("it opens");
    for check in &report.checks {
        println!(
            "{:8} {:34} {:18} {}",
            format!("{:?}", check.outcome),
            check.component,
            check.name,
            check.sentence
        );
    }
    assert_eq!(failures(&report), [""; 0]);
    for name in ["inverse", "log det", "gauge covariance", "pullback", "threads", "panic", "plane_bytes"] {
        assert_eq!(outcome(&report, name), Outcome::Passed, "{name}");
    }
    assert_eq!(outcome(&report, "density"), Outcome::Skipped, "the layer has no prior");
    // Through a flow, a force and a proposal.
    let panics = report.checks.iter().filter(|check| check.name == "panic");
    assert!(panics.map(|check| check.outcome).eq([Outcome::Passed; 3]));
}

/// The component that is not chosen is not touched: with this configuration it would be refused.
#[test]
fn one_component_is_checked_alone() {
    let (wilson, jacobi) = ("org.gaugelink.minimal.wilson", "org.gaugelink.minimal.jacobi");
    let folder = tempfile::tempdir().expect("a folder");
    let plugin = minimal(folder.path());
    let checked = |only: Option<&str>| {
        let configs = vec![(wilson.to_string(), "no_such_key = 1".to_string())];
        let options = Options { configs, only: only.map(str::to_string), ..Options::default() };
        check(&plugin, &options)
    };
    assert!(!checked(None).expect("it opens").passed());
    let report = checked(Some(jacobi)).expect("it opens");
    assert_eq!(failures(&report), [""; 0]);
    let of = |id: &str| report.checks.iter().filter(|check| check.component == id).count();
    assert!(of("") > 0 && of(jacobi) > 0 && of("") + of(jacobi) == report.checks.len());
    assert!(checked(Some("no")).expect_err("there is none").to_string().contains("no component"));
}

/// Whoever watches the process from outside has to know what was running when it ended.
#[test]
fn checks_are_announced_before_they_run() {
    let (mut running, mut ended) = (Vec::new(), Vec::new());
    let report = watch(&fixture(), &Options::default(), &mut |event| match event {
        Event::Begins { component, name } => running.push((component.to_string(), name)),
        Event::Ends(check) => {
            assert_eq!(running.last(), Some(&(check.component.clone(), check.name)));
            ended.push(check.name);
        }
    });
    let names: Vec<_> = report.expect("it opens").checks.iter().map(|check| check.name).collect();
    assert_eq!(ended, names);
    assert_eq!(running[0], (String::new(), "open"));
    assert!(watch(&fixture().with_extension("no"), &Options::default(), &mut |_| {}).is_err());
}

#[test]
fn every_bug_is_found_by_its_check() {
    for name in ["inverse", "log det", "gauge covariance", "pullback", "threads", "lent threads"] {
        let configs = vec![("org.gaugelink.fixture.layer".to_string(), format!("bug = '{name}'"))];
        let report = check(&fixture(), &Options { configs, ..Options::default() }).expect("it opens");
        assert_eq!(outcome(&report, name), Outcome::Failed, "the bug in {name}");
    }
}

#[test]
fn a_proposal_without_its_weights_is_found() {
    let id = "org.gaugelink.fixture.tilted".to_string();
    let configs = vec![(id.clone(), "bug = 'weight'".to_string())];
    let options = Options { configs, only: Some(id), ..Options::default() };
    assert_eq!(outcome(&check(&fixture(), &options).expect("it opens"), "balance"), Outcome::Failed);
}

#[test]
fn components_are_read_without_initialising_anything() {
    let plugin = Plugin::open(&fixture()).expect("it opens");
    let component = &plugin.components()[0];
    assert_eq!((plugin.id().as_str(), component.interface.as_str()), ("org.gaugelink.fixture", "glk.flow/1"));
    assert!(component.config_schema.contains("inject_panic") && component.caps != 0);
    assert!(
        plugin
            .component("org.example.other")
            .unwrap_err()
            .to_string()
            .contains("org.gaugelink.fixture.layer")
    );
}
