//! One run file for several values of a key.

use crate::program::{Scratch, json_lines};

/// U(1) on 4x4 by two algorithms, at three values of β.
const RUN: &str = r#"
[run]
seed = 31
directory = "out"
chains = 8
[lattice]
group = "U(1)"
extents = [4, 4]
[action]
beta = 9.0
[measure]
polyakov = false
charge = true
[scan]
key = "action.beta"
values = [0.5, 1, 2]
[[stage]]
kind = "heatbath"
sweeps = 500
thermalise = 50
[[stage]]
kind = "hmc"
trajectories = 500
thermalise = 50
steps = 4
[[stage]]
kind = "write"
file = "end-{value}.lime"
"#;

/// Σ_n I_n^15 I_n' / Σ_n I_n^16 at the three values, by an independent numerical evaluation.
const PLAQUETTES: [(f64, f64); 3] = [(0.5, 0.242_499_61), (1.0, 0.446_393_91), (2.0, 0.699_251_93)];

#[test]
fn every_value_has_its_run_and_its_rows() {
    let scratch = Scratch::new(RUN);
    let rows = json_lines(&scratch.succeeds(&["run", "run.toml", "--json"]));
    for (at, plaquette) in PLAQUETTES {
        for stage in ["heatbath", "hmc"] {
            let row = rows.iter().find(|row| {
                row["key"] == "action.beta"
                    && row["at"] == at
                    && row["what"] == stage
                    && row["quantity"] == "plaquette"
            });
            let row = row.unwrap_or_else(|| panic!("{stage} at {at}"));
            let (value, error) = (row["value"].as_f64().unwrap(), row["error"].as_f64().unwrap());
            println!("{at} {stage} {value} +- {error}: {}", row["note"]);
            assert!((value - plaquette).abs() < 3.0 * error && error < 0.01, "{row}");
            assert!(row["note"].as_str().unwrap().contains(&format!("exact {plaquette:.8}")), "{row}");
        }
        assert!(scratch.path(&format!("out/beta-{at}/end-{at}-0.lime")).exists());
        assert!(scratch.path(&format!("out/beta-{at}/table.txt")).exists());
    }
    assert!(rows.iter().all(|row| row["quantity"] != "delta H" && row["what"] != "write"), "{rows:?}");
    let svg = std::fs::read_to_string(scratch.path("out/scan.svg")).unwrap();
    for words in ["heatbath at action.beta = 2", "hmc", "of charge"] {
        assert!(svg.contains(words), "{words}");
    }
    assert_eq!(json_lines(&std::fs::read_to_string(scratch.path("out/results.jsonl")).unwrap()), rows);

    // What is complete is not done again; another value is.
    let before = std::fs::metadata(scratch.path("out/beta-1/provenance.json")).unwrap().modified().unwrap();
    let more = ["run", "run.toml", "--json", "--set", "scan.values=[0.5, 1, 1.5]"];
    let again = json_lines(&scratch.succeeds(&more));
    let of = |rows: &[serde_json::Value], at: f64| {
        rows.iter().filter(|row| row["at"] == at).cloned().collect::<Vec<_>>()
    };
    assert_eq!((of(&again, 0.5), of(&again, 1.0)), (of(&rows, 0.5), of(&rows, 1.0)));
    assert!(!of(&again, 1.5).is_empty() && of(&again, 2.0).is_empty());
    let after = std::fs::metadata(scratch.path("out/beta-1/provenance.json")).unwrap().modified().unwrap();
    assert_eq!(before, after);
}

/// Costs are drawn from what the last run took, with what went before it.
#[test]
fn costs_are_drawn_where_something_was_spent() {
    let scratch = Scratch::new(RUN);
    let set = ["--set", "scan.values=[1]", "--set", "scan.spent=[0, 2.5]"];
    let text = scratch.succeeds(&[&["run", "run.toml"][..], &set].concat());
    assert!(text.contains("scan.svg, cost.svg"), "{text}");
    let svg = std::fs::read_to_string(scratch.path("out/cost.svg")).unwrap().replace('\n', " ");
    for words in ["independent samples of the charge", "heatbath", "after 2.5 s", "at action.beta = 1"] {
        assert!(svg.contains(words), "{words}: {svg}");
    }
    let error = scratch.fails(2, &["run", "run.toml", "--set", "scan.spent=[-1]"]);
    assert!(error.contains("-1 seconds"), "{error}");
}

#[test]
fn a_run_of_a_scan_is_the_run_by_itself() {
    let scratch = Scratch::new(RUN);
    scratch.succeeds(&["run", "run.toml"]);
    let alone =
        RUN.replace("[scan]\nkey = \"action.beta\"\nvalues = [0.5, 1, 2]\n", "").replace("{value}", "2");
    let single = Scratch::new(&alone);
    single.succeeds(&["run", "run.toml", "--set", "action.beta=2.0"]);
    let read = |path| std::fs::read_to_string(path).unwrap();
    assert_eq!(
        read(scratch.path("out/beta-2/measurements.jsonl")),
        read(single.path("out/measurements.jsonl"))
    );
}

#[test]
fn mistakes_are_found_before_the_first_run() {
    let scratch = Scratch::new(RUN);
    for (setting, said) in [
        ("scan.values=[]", &["line 16", "at least one"][..]),
        ("scan.values=[1, 1]", &["each once"]),
        ("scan.key=machine.threads", &["line 15", "no key to scan"]),
        ("scan.key=beta", &["no key to scan"]),
        ("scan.key=action.bate", &["bate"]),
        ("scan.values=[1, -1]", &["beta", "-1"]),
    ] {
        let error = scratch.fails(2, &["run", "run.toml", "--set", setting]);
        assert!(said.iter().all(|word| error.contains(word)), "{setting}: {error}");
        assert!(!scratch.path("out/beta-1").exists(), "{setting}");
    }
    let error = scratch.fails(2, &["run", "run.toml", "--set", "scan.observable=charm"]);
    assert!(error.contains("charm") && error.contains("charge^2"), "{error}");
}
