//! Importance sampling by flows, mixtures of flows, and control variates.

use crate::program::{Scratch, assert_same, json_lines, rows_of_stage_0};
use crate::resume::kill_after;
use serde_json::Value;

/// Eight chains of U(1) on 4x4; one flow smears every link four times, the other twice and less.
const RUN: &str = r#"
[run]
seed = 23
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
charge = true
controls = "next"
[[stage]]
kind = "importance"
draws = 3000
flow = [
  { plugin = "flow", config = { kind = "residual", rho = 0.06, sublayers = 16 } },
  { plugin = "flow", config = { kind = "residual", rho = 0.03, sublayers = 8 } },
]
shares = [3, 1]
[[stage]]
kind = "write"
file = "end.lime"
"#;

/// U(1) on 4x4 at β = 1, as in `independence`; ln Z of exp(−β Σ (1 − cos θ)) is ln Σ_n I_n^16 − 16.
const EXACT: [(&str, f64, f64); 5] = [
    ("plaquette", 0.446_393_91, 0.005),
    ("charge^2", 0.650_098, 0.05),
    ("plaquette, controlled", 0.446_393_91, 0.003),
    ("charge^2, controlled", 0.650_098, 0.05),
    ("ln Z", 3.774_634_71 - 16.0, 0.05),
];

fn number(row: &Value, key: &str) -> f64 {
    row[key].as_f64().unwrap_or_else(|| panic!("no {key}: {row}"))
}

#[test]
fn weighted_averages_of_a_mixture_are_exact() {
    let scratch = Scratch::new(&RUN.replace("checkpoint_seconds = 0\n", ""));
    let text = scratch.succeeds(&["run", "run.toml", "--json"]);
    let row = rows_of_stage_0(&text);
    for (quantity, exact, precision) in EXACT {
        let row = row(quantity);
        let (value, error) = (number(&row, "value"), number(&row, "error"));
        println!("{quantity} {value} +- {error}");
        assert!((value - exact).abs() < 3.0 * error && error < precision, "{row}");
        assert!(row["note"].as_str().unwrap().contains("exact"), "{row}");
    }
    // Without weights the averages are those of the flows, and not those of the theory.
    let plain = row("plaquette, unweighted");
    assert!((number(&plain, "value") - EXACT[0].1).abs() > 5.0 * number(&plain, "error"), "{plain}");
    let size = row("ESS of draws");
    assert!(size["n"] == 24_000 && (0.05..0.98).contains(&number(&size, "value")), "{size}");
    let flows = json_lines(&text).into_iter().filter(|line| line["kind"] == "plugin").count();
    assert_eq!(flows, 2);
    assert!(scratch.path("out/plots/stage0-weights.svg").exists());
}

#[test]
fn a_killed_stage_goes_on_with_the_same_bits() {
    let scratch = Scratch::new(&RUN.replace("3000", "60").replace("chains = 8\n", ""));
    scratch.succeeds(&["run", "run.toml", "--set", "run.directory=whole"]);
    kill_after(&scratch, "killed", 40);
    let set = ["--set", "run.directory=killed", "--set", "machine.threads=2"];
    scratch.succeeds(&[&["run", "run.toml"][..], &set].concat());
    assert_same(&scratch.path("whole"), &scratch.path("killed"));
}

#[test]
fn chains_of_a_mixture_take_its_density() {
    let run =
        RUN.replace("importance", "independence").replace("draws = 3000", "updates = 3000\nthermalise = 300");
    let text =
        Scratch::new(&run.replace("checkpoint_seconds = 0\n", "")).succeeds(&["run", "run.toml", "--json"]);
    let row = rows_of_stage_0(&text);
    for (quantity, exact, precision) in &EXACT[..4] {
        let row = row(quantity);
        let (value, error) = (number(&row, "value"), number(&row, "error"));
        assert!((value - exact).abs() < 3.0 * error && error < *precision, "{row}");
    }
    let gain = row("plaquette, controlled");
    assert!(gain["note"].as_str().unwrap().contains("times the measurements"), "{gain}");
}

/// The Schwinger model on 2x2 at β = 1, m = 0.1, by draws of flows, with determinants as weights of what was measured, as a part
/// of all weights, and in a chain; against integrals over all links (docs/validation.md).
#[test]
fn quarks_are_part_of_the_weights() {
    let run = RUN
        .replace("checkpoint_seconds = 0\n", "")
        .replace("extents = [4, 4]", "extents = [2, 2]")
        .replace("beta = 1.0", "beta = 1.0\n[fermions]\nmass = 0.1\ndeterminant = \"reweight\"")
        .replace("controls = \"next\"", "condensate = \"exact\"");
    let exact = run.replace("\"reweight\"", "\"exact\"");
    let chain = exact.replace("importance", "independence").replace("draws = 3000", "updates = 3000");
    let mut sizes = Vec::new();
    let mut partition = Vec::new();
    for run in [run, exact, chain] {
        let text = Scratch::new(&run).succeeds(&["run", "run.toml", "--json"]);
        let row = rows_of_stage_0(&text);
        for (quantity, expected, precision) in
            [("plaquette", 0.593_714_6, 0.007), ("condensate", 0.752_904_6, 0.002)]
        {
            let row = row(quantity);
            let (value, error) = (number(&row, "value"), number(&row, "error"));
            println!("{quantity} {value} +- {error}");
            assert!((value - expected).abs() < 3.0 * error && error < precision, "{row}");
            assert!(row["note"].as_str().is_none_or(|note| !note.contains("exact")), "{row}");
        }
        sizes.push(number(&row("ESS of draws"), "value"));
        if run.contains("importance") {
            partition.push(number(&row("ln Z"), "value"));
        }
        assert!(json_lines(&text).iter().all(|line| line["quantity"] != "ln det"));
    }
    println!("ESS {sizes:?}, ln Z {partition:?}");
    // The same draws and the same weights, whichever way the determinants come to them.
    assert!((partition[0] - partition[1]).abs() < 1e-9 && (sizes[0] - sizes[1]).abs() < 1e-9);
}

#[test]
fn mistakes_are_found_before_the_first_draw() {
    let scratch = Scratch::new(RUN);
    for (setting, said) in [
        ("stage.0.shares=[1]", &["1 shares for 2 flows"][..]),
        ("stage.0.shares=[1, -2]", &["share -2", "positive"]),
        ("stage.0.flow=[]", &["at least one flow"]),
        ("stage.0.flow=3", &["expected a flow such as"]),
        ("stage.0.draws=0", &["at least 1"]),
        ("stage.0.flow.1.config.rho=2.0", &["rho"]),
        ("measure.controls=third", &["third", "second"]),
        ("lattice.extents=[4,4,4,4]", &["two dimensions", "leading"]),
    ] {
        let error = scratch.fails(2, &["run", "run.toml", "--set", setting]);
        assert!(said.iter().all(|word| error.contains(word)), "{setting}: {error}");
        assert!(!scratch.path("out/measurements.jsonl").exists(), "{setting}");
    }
}

/// A table of one flow means the same as an array of it.
#[test]
fn one_flow_needs_no_brackets() {
    let one = "{ plugin = \"flow\", config = { kind = \"residual\", rho = 0.06, sublayers = 16 } }";
    let (before, rest) = RUN.split_once("flow = [").unwrap();
    let (_, after) = rest.split_once("shares = [3, 1]\n").unwrap();
    let bits = |flow: String| {
        let scratch = Scratch::new(&format!("{}flow = {flow}\n{after}", before.replace("3000", "40")));
        scratch.succeeds(&["run", "run.toml"]);
        std::fs::read_to_string(scratch.path("out/measurements.jsonl")).unwrap()
    };
    assert!(bits(one.into()) == bits(format!("[{one}]")));
}
