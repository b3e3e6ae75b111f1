//! All promises of `plugin.h`.

use crate::host::path;
use gaugelink_host::conformance::{Options, Outcome, check};
use gaugelink_models::file::Named;
use gaugelink_models::layers::{CircleMap, CouplingContext, CouplingSettings, U1Coupling};
use gaugelink_models::{LayerKind, flow_model};
use std::path::PathBuf;

/// Checks a plugin with a configuration; every check of `passed` has to pass, and none to fail.
fn conforms(plugin: &str, config: &str, base_dir: PathBuf, passed: &[&str]) {
    let component = format!("gaugelink.{plugin}");
    let options = Options { configs: vec![(component, config.into())], base_dir, ..Options::default() };
    let report = check(&path(plugin), &options).expect("it opens");
    for check in &report.checks {
        println!("{plugin} {config:?} {:?} {}: {}", check.outcome, check.name, check.sentence);
    }
    for check in &report.checks {
        assert!(check.outcome != Outcome::Failed, "{config:?}, {}: {}", check.name, check.sentence);
        if passed.contains(&check.name) {
            assert_eq!(check.outcome, Outcome::Passed, "{config:?}, {}: {}", check.name, check.sentence);
        }
    }
}

const FLOW: [&str; 7] =
    ["inverse", "log det", "gauge covariance", "pullback", "determinism", "threads", "density"];

#[test]
fn residual_flows_keep_all_rules() {
    conforms("flow", "", PathBuf::new(), &FLOW);
    for nc in [2, 3] {
        conforms("flow", &format!("nc = {nc}\nrho = 0.07"), PathBuf::new(), &FLOW);
    }
}

#[test]
fn a_flow_from_a_model_file_keeps_all_rules() {
    let folder = tempfile::tempdir().expect("a folder");
    let action = Named { name: "wilson".into(), parameters: Default::default() };
    let spline = CircleMap::Spline { bins: 4 };
    let wide = CouplingSettings { map: spline, context: CouplingContext::Loops, hidden: 16 };
    for settings in [CouplingSettings::mixture(4), wide] {
        let layers = [LayerKind::U1Coupling(settings); 8];
        let file = folder.path().join("u1.safetensors");
        // Weights of a size that training reaches: hidden units are near their kinks, and the map is steep.
        let mut parameters = U1Coupling::<f64>::initial_parameters(8, &settings, 3);
        parameters.iter_mut().for_each(|weight| *weight *= 2.0);
        flow_model::<1>(2, action.clone(), &layers, parameters).write(&file).expect("written");
        conforms("flow", &format!("model = {file:?}"), PathBuf::new(), &FLOW);
    }
}

#[test]
fn forces_keep_all_rules() {
    let checks = ["gradient", "gauge covariance", "algebra", "sign and scale", "determinism", "threads"];
    conforms("force", "", PathBuf::new(), &checks);
    conforms("force", "c = [1.2, -0.4, 2.0]\nrho = [0.1, -0.05]", PathBuf::new(), &checks);
}

#[test]
fn preconditioners_keep_all_rules() {
    let checks = ["linearity", "determinism", "threads", "order"];
    conforms("precond", "", PathBuf::new(), &checks);
    conforms("precond", "a = [0.25, 0.02, -0.03]", PathBuf::new(), &checks);
}
