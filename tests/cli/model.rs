//! Model files: what they say, whether it is so, and draws that come back bit by bit.

use crate::program::{Scratch, json_lines};
use serde_json::Value;
use std::path::Path;

/// A model of the repository, as a path.
fn model(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/models").join(name).to_string_lossy().into_owned()
}

#[test]
fn a_model_tells_what_it_is() {
    let scratch = Scratch::new("");
    let text = scratch.succeeds(&[
        "model",
        "info",
        &model("u1-l16-beta7.safetensors"),
        &model("su3-beta4.safetensors"),
        &model("phi4-l8.safetensors"),
    ]);
    for said in [
        "flow for scalar in 2 dimensions",
        "16 of kind affine-coupling",
        "flow for U(1) in 2 dimensions",
        "wilson beta = 7",
        "6 of kind u1-block",
        "6918",
        "ESS 0.90",
        "1 of kind loop-flow",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let line =
        &json_lines(&scratch.succeeds(&["model", "info", "--json", &model("u1-l16-beta7.safetensors")]))[0];
    assert_eq!(line["model"]["architecture"][0]["kind"], "u1-block");
    let error = scratch.fails(1, &["model", "info", "run.toml"]);
    assert!(error.contains("run.toml"), "{error}");
}

/// The claims of a file, changed.
fn altered(scratch: &Scratch, name: &str, from: &str, to: &str) -> String {
    let bytes = std::fs::read(model(name)).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&bytes[8..8 + length]).unwrap();
    assert!(header.contains(from), "{from}: {header}");
    let mut header = header.replace(from, to);
    header += &" ".repeat((8 - header.len() % 8) % 8);
    let path = scratch.path(&format!("{}-{name}", to.len()));
    let mut changed = (header.len() as u64).to_le_bytes().to_vec();
    changed.extend(header.as_bytes());
    changed.extend(&bytes[8 + length..]);
    std::fs::write(&path, changed).unwrap();
    path.to_string_lossy().into_owned()
}

#[test]
fn claims_are_measured_anew_and_false_ones_refused() {
    let scratch = Scratch::new("");
    let scalar = ["model", "check", "--samples", "1600", &model("phi4-l8.safetensors")];
    assert!(scratch.succeeds(&scalar).contains("3 passed, 0 failed"));
    let name = "u1-l16-beta7.safetensors";
    let check = ["model", "check", "--samples", "2560"];
    let text = scratch.succeeds(&[&check[..], &[&model(name)]].concat());
    for said in [
        "inverse",
        "log det",
        "gauge covariance",
        "ESS",
        "the file says 0.9048 from 100000",
        "ln Z",
        " 0 failed",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    // An ESS that is not reached, and a beta at which the draws' weights do not average to Z.
    for (from, to, wrong) in [
        (r#"\"ess\":0.9047977092673269"#, r#"\"ess\":0.97"#, "ESS"),
        (r#"\"beta\":7.0"#, r#"\"beta\":5.0"#, "ESS"),
    ] {
        let file = altered(&scratch, name, from, to);
        let output = scratch.run(&[&check[..], &["--json", &file]].concat());
        assert_eq!(output.status.code(), Some(1), "{to}");
        let lines = json_lines(&String::from_utf8(output.stdout).unwrap());
        let failed: Vec<&Value> = lines.iter().filter(|line| line["outcome"] == "FAILED").collect();
        assert!(failed.iter().any(|line| line["check"] == wrong), "{to}: {failed:?}");
        assert!(failed.iter().all(|line| line["component"] == ""), "{to}: {failed:?}");
    }
}

/// Flows of loops, whose density is integrated, are no plugin's: their steps are looked at instead.
#[test]
fn flows_of_loops_show_the_error_of_their_steps() {
    let scratch = Scratch::new("");
    let check = ["model", "check", "--samples", "320", "--volume", "8x8"];
    let text = scratch.succeeds(&[&check[..], &[&model("su2-beta1.8.safetensors")]].concat());
    for said in ["step error", "twice the steps", "ln Z", "320 draws on 8x8", "3 passed, 0 failed"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    // On another lattice than its own a file's effective sample size is no claim.
    assert!(text.contains(" on 16x16"), "{text}");
    let file = altered(&scratch, "su2-beta1.8.safetensors", r#"\"steps\":10}"#, r#"\"steps\":1}"#);
    let error = scratch.fails(1, &[&check[..], &[&file]].concat());
    assert!(error.contains("checks failed"), "{error}");
}

#[test]
fn draws_come_back_bit_by_bit() {
    let scratch = Scratch::new("");
    let file = model("u1-l16-beta3.safetensors");
    let draw = |folder: &str, more: &[&str]| {
        let common = ["reproduce", "--seed", "5", "--json", "--folder", folder, &file];
        json_lines(&scratch.succeeds(&[&common[..], more].concat()))
    };
    let all = draw("all", &["--count", "11", "--threads", "1"]);
    assert_eq!(all.len(), 11);
    assert!(all.iter().all(|line| line["state"] == "written"));
    // A part of them, on other threads and elsewhere.
    let part = draw("part", &["--count", "4", "--first", "6", "--threads", "2"]);
    for (part, all) in part.iter().zip(&all[6..]) {
        assert_eq!((&part["draw"], &part["suma"], &part["sumb"]), (&all["draw"], &all["suma"], &all["sumb"]));
        let name = format!("draw-{:06}.lime", part["draw"].as_u64().unwrap());
        let bytes = |folder: &str| std::fs::read(scratch.path(&format!("{folder}/{name}"))).unwrap();
        assert!(bytes("all") == bytes("part"), "{name}");
    }
    let again = draw("all", &["--count", "12"]);
    let states: Vec<&Value> = again.iter().map(|line| &line["state"]).collect();
    assert!(states[..11].iter().all(|state| *state == "the same") && states[11] == "written", "{states:?}");
    scratch.succeeds(&["ildg", "verify", "all/draw-000003.lime"]);
    // Another seed's draws do not pass for these, and do not replace them.
    let before = std::fs::read(scratch.path("all/draw-000000.lime")).unwrap();
    let error = scratch.fails(1, &["reproduce", "--seed", "6", "--count", "2", "--folder", "all", &file]);
    assert!(error.contains("2 of 2 files hold other links"), "{error}");
    assert!(before == std::fs::read(scratch.path("all/draw-000000.lime")).unwrap());
    let names = std::fs::read_dir(scratch.path("all")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().all(|name| name.to_string_lossy().starts_with("draw-")));
    let error = scratch
        .fails(2, &["reproduce", "--seed", "6", "--count", "2", "--folder", "x", "--volume", "16", &file]);
    assert!(error.contains("two to four extents"), "{error}");
    let error = scratch
        .fails(1, &["reproduce", "--seed", "6", "--count", "2", "--folder", "x", "--volume", "6x6", &file]);
    assert!(error.contains("beta3"), "{error}");
}

const RANGE: &str = r#"
[run]
seed = 4
directory = "trained"
[lattice]
group = "U(1)"
extents = [8, 8]
[action]
beta = 1.5
[model]
kind = "u1-block"
layers = 4
[fit]
steps = 200
points = 128
learning_rate = 1e-2
betas = [1.0, 2.0]
knots = 2
[train]
steps = 0
learning_rate = 1e-3
samples = 1600
"#;

const SCAN: &str = r#"
[run]
seed = 4
directory = "scan"
chains = 8
[lattice]
group = "U(1)"
extents = [8, 8]
[action]
beta = 1.0
[measure]
polyakov = false
[scan]
key = "action.beta"
also = ["stage.0.flow.config.beta"]
values = [1, 1.6, 2, 2.2]
[[stage]]
kind = "importance"
draws = 200
flow = { plugin = "flow", config = { model = "trained/model.safetensors", beta = 1.0 } }
"#;

#[test]
fn a_flow_for_a_range_of_couplings_is_trained_and_drawn_from() {
    let scratch = Scratch::new(SCAN);
    std::fs::write(scratch.path("train.toml"), RANGE).unwrap();
    scratch.succeeds(&["train", "train.toml"]);
    let bytes = || std::fs::read(scratch.path("trained/model.safetensors")).unwrap();
    let before = bytes();
    scratch.succeeds(&["train", "train.toml"]);
    assert!(before == bytes(), "shown again, the model is that for the range");
    let info = scratch.succeeds(&["model", "info", "trained/model.safetensors"]);
    assert!(info.contains(r#""from":1.0"#) && info.contains("conditional"), "{info}");
    let check = ["model", "check", "trained/model.safetensors", "--samples", "640"];
    let text = scratch.succeeds(&check);
    assert!(text.contains("ln Z") && text.contains("log det"), "{text}");

    let draw = ["reproduce", "--seed", "5", "--count", "1", "--folder", "draws", "trained/model.safetensors"];
    let error = scratch.fails(1, &draw);
    assert!(error.contains("give `beta`"), "{error}");
    assert!(scratch.succeeds(&[&draw[..], &["--beta", "1.25"]].concat()).contains("written"));
    let error = scratch.fails(1, &[&draw[..], &["--beta", "1.75"]].concat());
    assert!(error.contains("1 of 1 files hold other links"), "{error}");

    let lines = json_lines(&scratch.succeeds(&["run", "run.toml", "--json"]));
    let of = |quantity: &str| lines.iter().filter(|line| line["quantity"] == quantity).collect::<Vec<_>>();
    let sizes: Vec<f64> = of("ESS of draws").iter().map(|row| row["value"].as_f64().unwrap()).collect();
    println!("ESS {sizes:?}");
    assert!(sizes.len() == 4 && sizes.iter().all(|size| *size > 0.5), "{sizes:?}");
    for row in of("plaquette") {
        let note = row["note"].as_str().unwrap();
        let sigmas: f64 = note.split(", ").nth(1).unwrap().trim_end_matches(" sigma").parse().unwrap();
        assert!(sigmas.abs() < 4.0, "{row}");
    }
    let refused = |settings: &[&str]| {
        let elsewhere = ["run", "run.toml", "--set", "run.directory=elsewhere"];
        let settings = settings.iter().flat_map(|setting| ["--set", setting]);
        scratch.fails(2, &elsewhere.into_iter().chain(settings).collect::<Vec<_>>())
    };
    let error = refused(&["stage.0.flow.config={model=\"trained/model.safetensors\"}", "scan.also=[]"]);
    assert!(error.contains("from 1 to 2") && error.contains("give `beta`"), "{error}");
    let error = refused(&["scan.values=[5]"]);
    assert!(error.contains("beta = 5"), "{error}");
    let error = refused(&["scan.also=[\"run.seed\"]"]);
    assert!(error.contains("no key to scan"), "{error}");
}
