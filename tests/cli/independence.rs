//! Independence Metropolis by a plugin's flow.

use crate::program::{Scratch, assert_same, json_lines, rows_of_stage_0};
use crate::resume::kill_after;
use serde_json::Value;

/// Eight chains of U(1) on 4x4; the flow smears every link four times.
const RUN: &str = r#"
[run]
seed = 22
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
[[stage]]
kind = "independence"
updates = 4000
thermalise = 400
flow = { plugin = "flow", config = { kind = "residual", rho = 0.06, sublayers = 16 } }
[[stage]]
kind = "write"
file = "end.lime"
"#;

/// U(1) on 4x4 at β = 1: I_n' and I_n in Z = Σ_n I_n^16, and the θ-dependence of Z, by an independent numerical evaluation.
const EXACT: [(&str, f64, f64); 2] = [("plaquette", 0.446_393_91, 0.005), ("charge^2", 0.650_098, 0.05)];

fn assert_exact(row: &impl Fn(&str) -> Value) {
    for (quantity, exact, precision) in EXACT {
        let row = row(quantity);
        let (value, error) = (row["value"].as_f64().unwrap(), row["error"].as_f64().unwrap());
        println!("{quantity} {value} +- {error}");
        assert!((value - exact).abs() < 3.0 * error && error < precision, "{row}");
    }
}

#[test]
fn draws_taken_by_their_weights_have_the_distribution_of_the_action() {
    let scratch = Scratch::new(&RUN.replace("checkpoint_seconds = 0\n", ""));
    let text = scratch.succeeds(&["run", "run.toml", "--json"]);
    let row = rows_of_stage_0(&text);
    assert_exact(&row);
    let (acceptance, size) = (row("acceptance"), row("ESS of draws"));
    assert_eq!((&acceptance["n"], &size["n"]), (&(8 * 3600).into(), &(8 * 4000).into()));
    let [acceptance, size] = [acceptance, size].map(|row| row["value"].as_f64().unwrap());
    println!("acceptance {acceptance}, ESS {size}");
    assert!((0.1..0.95).contains(&acceptance) && (0.02..0.95).contains(&size), "{acceptance} {size}");
    assert!(row("longest rejection")["value"].as_f64().unwrap() >= 1.0);
    assert!(row("flow")["note"].as_str().unwrap().contains("gaugelink.flow"));
    // ln w' − ln w is −ΔH: the first links are those of the cold start, weighed by the inverse.
    let lines = json_lines(&text);
    let of_chain: Vec<&Value> =
        lines.iter().filter(|line| line["kind"] == "independence" && line["chain"] == 3).take(20).collect();
    for pair in of_chain.windows(2).filter(|pair| pair[0]["accepted"] == true) {
        let [w, next, h] =
            [&pair[0]["ln_weight"], &pair[1]["ln_weight"], &pair[1]["delta_h"]].map(|x| x.as_f64().unwrap());
        assert!((w - next - h).abs() < 1e-12, "{pair:?}");
    }
}

#[test]
fn heat_bath_sweeps_between_draws_keep_the_distribution() {
    let mixed = RUN
        .replace("checkpoint_seconds = 0\n", "")
        .replace("updates = 4000\n", "updates = 3000\nsweeps = 2\n");
    let text = Scratch::new(&mixed).succeeds(&["run", "run.toml", "--json"]);
    assert_exact(&rows_of_stage_0(&text));
}

#[test]
fn a_killed_stage_goes_on_with_the_same_bits() {
    for sweeps in [0, 1] {
        let one_chain =
            RUN.replace("chains = 8\n", "").replace("4000\n", &format!("60\nsweeps = {sweeps}\n"));
        let scratch = Scratch::new(&one_chain.replace("400", "10"));
        scratch.succeeds(&["run", "run.toml", "--set", "run.directory=whole"]);
        for (name, kills, threads) in [("early", &[15][..], 1), ("late", &[20, 45], 2)] {
            kills.iter().for_each(|&lines| kill_after(&scratch, name, lines));
            let (directory, threads) =
                (format!("run.directory={name}"), format!("machine.threads={threads}"));
            scratch.succeeds(&["run", "run.toml", "--set", &directory, "--set", &threads]);
            assert_same(&scratch.path("whole"), &scratch.path(name));
        }
    }
}

#[test]
fn mistakes_are_found_before_the_first_update() {
    let scratch = Scratch::new(RUN);
    for (setting, said) in [
        ("stage.0.flow.plugin=minimal-c", &["line 19", "no keys"][..]),
        ("stage.0.flow.config.rho=2.0", &["line 19", "rho"]),
        ("stage.0.thermalise=4000", &["line 18", "`thermalise` leaves no update"]),
    ] {
        let error = scratch.fails(2, &["run", "run.toml", "--set", setting]);
        assert!(said.iter().all(|word| error.contains(word)), "{setting}: {error}");
        assert!(!scratch.path("out/measurements.jsonl").exists(), "{setting}");
    }
    let odd = ["run", "run.toml", "--set", "lattice.extents=[4,5]", "--set", "stage.0.sweeps=1"];
    let error = scratch.fails(2, &odd);
    assert!(error.contains("even and odd sites"), "{error}");
}
