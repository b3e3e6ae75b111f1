//! Trainings as a user meets them.

use crate::program::{Scratch, json_lines};
use gaugelink_models::Model;
use std::time::{Duration, Instant};

const SMALL: &str = r#"
[run]
seed = 5
directory = "out"
[lattice]
group = "U(1)"
extents = [4, 4]
[action]
beta = 1.5
[model]
kind = "u1-coupling"
layers = 8
[train]
steps = 60
batch = 64
learning_rate = 2e-3
report_every = 20
samples = 1600
[chain]
updates = 2000
thermalise = 100
"#;

fn row<'a>(lines: &'a [serde_json::Value], what: &str, quantity: &str) -> &'a serde_json::Value {
    lines
        .iter()
        .find(|l| l["kind"] == "result" && l["what"] == what && l["quantity"] == quantity)
        .unwrap_or_else(|| panic!("no {quantity} of {what}"))
}

#[test]
fn a_training_leaves_a_model_a_plot_and_exact_means() {
    let scratch = Scratch::new(SMALL);
    let lines = json_lines(&scratch.succeeds(&["train", "run.toml", "--json"]));
    assert_eq!(lines.iter().filter(|l| l["kind"] == "training").count(), 3);
    let ess = row(&lines, "training", "ESS");
    assert_eq!(ess["n"], 1600);
    let plaquette = row(&lines, "chain", "plaquette");
    let note = plaquette["note"].as_str().unwrap();
    let number = |key: &str| plaquette[key].as_f64().unwrap();
    // ⟨cos θ⟩ of U(1) on 4² at β = 1.5, from the sum over representations.
    assert!(
        (number("value") - 0.596_3).abs() < 4.0 * number("error") + 0.003 && note.contains("sigma"),
        "{plaquette}"
    );
    let model = Model::read(scratch.path("out/model.safetensors")).unwrap();
    assert_eq!(model.parameters.len(), 8 * 955);
    assert_eq!(model.header.measured.ess, ess["value"].as_f64());
    let svg = std::fs::read_to_string(scratch.path("out/plots/training.svg")).unwrap();
    assert!(svg.contains("KL divergence"));
    // A training that is complete shows its results again.
    let again = json_lines(&scratch.succeeds(&["train", "run.toml", "--json"]));
    assert_eq!(row(&again, "training", "ESS"), ess);
}

#[test]
fn a_stopped_training_goes_on_with_the_same_bits() {
    let scratch = Scratch::new(SMALL);
    let whole = ["train", "run.toml", "--set", "run.directory=whole", "--set", "train.steps=1500"];
    scratch.succeeds(&[&whole[..], &["--set", "machine.threads=1"]].concat());
    let part = ["train", "run.toml", "--set", "run.directory=part", "--set", "train.steps=1500"];
    let child = scratch.program(&part).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let log = scratch.path("part/measurements.jsonl");
    let start = Instant::now();
    while std::fs::read_to_string(&log).map_or(0, |text| text.lines().count()) < 3 {
        assert!(start.elapsed() < Duration::from_secs(120), "the training does not get on");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("stopped by a signal"), "{output:?}");
    let again = scratch.run(&part);
    assert!(String::from_utf8_lossy(&again.stderr).contains("going on from the checkpoint"), "{again:?}");
    let read = |name: &str| std::fs::read(scratch.path(name)).unwrap();
    assert!(read("whole/measurements.jsonl") == read("part/measurements.jsonl"), "the logs differ");
    let parameters = |name: &str| Model::read(scratch.path(name)).unwrap().parameters;
    assert!(parameters("whole/model.safetensors") == parameters("part/model.safetensors"));
}

#[test]
fn mistakes_are_answered() {
    let scratch = Scratch::new(SMALL);
    let error = scratch.fails(2, &["train", "run.toml", "--set", "train.batch=100"]);
    assert!(error.contains("multiple of 16"), "{error}");
    scratch.succeeds(&["train", "run.toml", "--set", "train.steps=1", "--set", "chain.updates=0"]);
    let error =
        scratch.fails(1, &["train", "run.toml", "--set", "train.steps=2", "--set", "chain.updates=0"]);
    assert!(error.contains("other settings"), "{error}");
}
