//! Metropolis updates by a plugin's proposals.

use crate::program::{Scratch, assert_same, json_lines, rows_of_stage_0};
use crate::resume::kill_after;

/// Eight chains of U(1) on 4x4, every link shaken at once.
const RUN: &str = r#"
[run]
seed = 21
directory = "out"
chains = 8
checkpoint_seconds = 0
[lattice]
group = "U(1)"
extents = [4, 4]
[action]
beta = 1.0
[measure]
polyakov = false
[[stage]]
kind = "proposal"
updates = 4000
thermalise = 400
proposal = { plugin = "minimal-c", config = { step = 0.5 } }
[[stage]]
kind = "write"
file = "end.lime"
"#;

/// I_n of U(1) on 4x4 at β = 1: Σ_n I_n^15 I_n' / Σ_n I_n^16.
const PLAQUETTE: f64 = 0.446_393_91;

#[test]
fn proposals_taken_by_the_action_have_its_distribution() {
    let scratch = Scratch::new(&RUN.replace("checkpoint_seconds = 0\n", ""));
    let text = scratch.succeeds(&["run", "run.toml", "--json"]);
    let row = rows_of_stage_0(&text);
    for (quantity, exact) in [("plaquette", PLAQUETTE), ("exp(-delta H)", 1.0)] {
        let row = row(quantity);
        let (value, error) = (row["value"].as_f64().unwrap(), row["error"].as_f64().unwrap());
        println!("{quantity} {value} +- {error}");
        assert!((value - exact).abs() < 3.0 * error && error < 0.02, "{row}");
    }
    let acceptance = row("acceptance");
    assert_eq!(acceptance["n"], 8 * 3600);
    assert!((0.1..0.9).contains(&acceptance["value"].as_f64().unwrap()), "{acceptance}");
    assert_eq!(row("proposals")["value"], 8.0 * 4000.0);
    let note = row("proposal")["note"].as_str().unwrap().to_owned();
    assert!(note.contains("org.gaugelink.minimal.shake") && note.contains("SHA-256"), "{note}");
    // The links at the start were not proposed: what takes their place is no decision.
    let first = json_lines(&text).into_iter().find(|line| line["kind"] == "proposal" && line["update"] == 1);
    let first = first.unwrap();
    assert!(
        first["plaquette"].is_f64() && first["accepted"].is_null() && first["delta_h"].is_null(),
        "{first}"
    );
    let timings = std::fs::read_to_string(scratch.path("out/timings.jsonl")).unwrap();
    assert_eq!(json_lines(&timings)[0]["plugin"]["calls"], 4000);
}

#[test]
fn a_killed_stage_of_proposals_goes_on_with_the_same_bits() {
    let one_chain = RUN.replace("chains = 8\n", "").replace("4000", "60").replace("400", "10");
    let scratch = Scratch::new(&one_chain);
    scratch.succeeds(&["run", "run.toml", "--set", "run.directory=whole"]);
    for (name, kills, threads) in [("early", &[15][..], 1), ("late", &[20, 45], 2)] {
        kills.iter().for_each(|&lines| kill_after(&scratch, name, lines));
        let (directory, threads) = (format!("run.directory={name}"), format!("machine.threads={threads}"));
        scratch.succeeds(&["run", "run.toml", "--set", &directory, "--set", &threads]);
        assert_same(&scratch.path("whole"), &scratch.path(name));
    }
}

#[test]
fn mistakes_with_proposals_are_found_before_the_first_update() {
    let scratch = Scratch::new(RUN);
    for (setting, said) in [
        ("machine.ranks=[1,2]", &["line 18", "org.gaugelink.minimal.shake works on one rank only"][..]),
        ("stage.0.proposal.plugin=flow", &["line 18", "has no proposal"]),
        ("stage.0.proposal.config.step=2.0", &["line 18", "step is above 0 and at most 1"]),
        ("stage.0.thermalise=4000", &["line 17", "`thermalise` leaves no update"]),
    ] {
        let error = scratch.fails(2, &["run", "run.toml", "--set", setting]);
        assert!(said.iter().all(|word| error.contains(word)), "{setting}: {error}");
        assert!(!scratch.path("out/measurements.jsonl").exists(), "{setting}");
    }
}
