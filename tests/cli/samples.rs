//! The sample run files under docs/runs, as README gives them.

use crate::program::{Scratch, json_lines};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn sample(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runs").join(name).to_string_lossy().into_owned()
}

fn result<'a>(lines: &'a [Value], stage: Option<u64>, quantity: &str) -> &'a Value {
    lines
        .iter()
        .find(|l| l["kind"] == "result" && l["stage"].as_u64() == stage && l["quantity"] == quantity)
        .unwrap_or_else(|| panic!("no {quantity} in stage {stage:?}"))
}

/// With fewer trajectories than the sample has.
#[test]
fn quickstart_gives_the_published_plaquette() {
    quickstart(&["--set", "stage.2.trajectories=150", "--set", "stage.3.trajectories=16"], 6e-4);
}

#[test]
#[ignore = "minutes: the sample as it stands"]
fn the_whole_quickstart_gives_the_published_plaquette() {
    quickstart(&[], 4e-4);
}

/// Quenched SU(3) at beta = 6: the plaquette is 0.59368 on large lattices; 8^4 is off by less than 0.0005. `largest` is the
/// error that hybrid Monte Carlo may have.
fn quickstart(settings: &[&str], largest: f64) {
    let scratch = Scratch::new("");
    let output = scratch.succeeds(&[&["run", &sample("quickstart.toml"), "--json"], settings].concat());
    let lines = json_lines(&output);
    let number = |value: &Value| value.as_f64().unwrap();
    for (stage, largest) in [(0, 4e-4), (2, largest)] {
        let plaquette = result(&lines, Some(stage), "plaquette");
        let (value, error) = (number(&plaquette["value"]), number(&plaquette["error"]));
        assert!(error < largest && plaquette["tau_int"].is_f64(), "{plaquette}");
        assert!((value - 0.59368).abs() < 4.0 * error + 5e-4, "{plaquette}");
    }
    let creutz = result(&lines, Some(2), "exp(-delta H)");
    assert!((number(&creutz["value"]) - 1.0).abs() < 3.0 * number(&creutz["error"]), "{creutz}");
    assert!(number(&creutz["error"]) < 0.05 && number(&result(&lines, Some(2), "acceptance")["value"]) > 0.6);
    assert!(number(&result(&lines, Some(3), "acceptance")["value"]) > 0.5);
    assert!(number(&result(&lines, Some(3), "reversibility")["value"]) < 1e-9);
    for (stage, role) in [(2, "force"), (3, "flow"), (6, "preconditioner")] {
        let note = result(&lines, Some(stage), role)["note"].as_str().unwrap();
        assert!(note.contains("gaugelink.") && note.contains("SHA-256"), "{note}");
    }
    for stage in [5, 6] {
        assert!(number(&result(&lines, Some(stage), "true residual")["value"]) <= 1e-10);
    }
    let iterations = |stage| number(&result(&lines, Some(stage), "iterations")["value"]);
    assert!(iterations(5) > 1.6 * iterations(6), "{} and {}", iterations(5), iterations(6));
    for name in ["heatbath.lime", "fthmc.lime"] {
        let write = lines.iter().find(|l| l["kind"] == "write" && l["file"] == name).unwrap();
        assert_eq!(write["verified"], true);
        let text = scratch.succeeds(&["ildg", "verify", "--json", &format!("runs/quickstart/{name}")]);
        let found = &json_lines(&text)[0];
        assert!(
            found["ok"] == true && found["checksum"] == "ok" && found["suma"] == write["suma"],
            "{found}"
        );
        assert_eq!(found["plaquette"], write["plaquette"]);
    }
    for plot in ["stage2-plaquette-history", "stage2-plaquette-autocorrelation", "stage6-pion", "stage4-flow"]
    {
        assert!(scratch.path(&format!("runs/quickstart/plots/{plot}.svg")).exists(), "{plot}");
    }
}

/// Every real SU(3) configuration in four dimensions: its plaquette comes first, HMC goes on from it, and what is
/// written is verified.
#[test]
fn from_ildg_goes_on_from_real_configurations() {
    let Some(folder) = std::env::var_os("GAUGELINK_TEST_DATA").map(PathBuf::from).filter(|f| f.exists())
    else {
        return println!("skipped: GAUGELINK_TEST_DATA is not set to the folder of real configurations");
    };
    let index: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("index.json")).unwrap()).unwrap();
    let mut count = 0;
    for file in index["files"].as_array().unwrap() {
        let name = file["file"].as_str().unwrap();
        if !name.starts_with("ildg_") {
            continue;
        }
        count += 1;
        let scratch = Scratch::new("");
        let input = folder.join(name).to_string_lossy().into_owned();
        let sample = sample("from-ildg.toml");
        let short = ["--set", "stage.0.trajectories=20", "--set", "stage.1.trajectories=2"];
        let text = scratch.succeeds(&[&["run", &sample, "--input", &input, "--json"], &short[..]].concat());
        let lines = json_lines(&text);
        let expected: f64 = file["plaquette"].as_str().unwrap().parse().unwrap();
        let tolerance = if file["precision"].as_str().unwrap().contains("f8") { 1e-11 } else { 2e-6 };
        let first = lines[0]["plaquette"].as_f64().unwrap();
        assert!(lines[0]["kind"] == "start" && (first - expected).abs() < tolerance, "{name}: {first}");
        let last = lines.iter().rev().find_map(|l| l["accepted"].as_bool().map(|_| l)).unwrap();
        assert!((last["plaquette"].as_f64().unwrap() - 0.594).abs() < 0.06, "{name}: {last}");
        let write = lines.iter().find(|l| l["kind"] == "write").unwrap();
        assert!(write["verified"] == true && write["plaquette"] == last["plaquette"], "{name}: {write}");
        let provenance =
            std::fs::read_dir(scratch.path("runs/from-ildg")).unwrap().next().unwrap().unwrap().path();
        let text = std::fs::read_to_string(provenance.join("provenance.json")).unwrap();
        assert!(text.contains(name), "{name}: {text}");
    }
    assert_eq!(count, 7);
}
