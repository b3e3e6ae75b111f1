//! Weights from PyTorch: made a model, looked at, checked, and sampled with.

use crate::program::{Scratch, json_lines, rows_of_stage_0};
use serde_json::{Map, Value, json};
use std::path::Path;

/// A state dict of `layers` coupling layers, mixtures of two and 8 hidden channels, in f32; its last convolutions are `scale`
/// times as large as its others, whose numbers are of no importance.
fn write_weights(path: &Path, layers: usize, scale: f32, more: &[(&str, &[usize])]) {
    let mut tensors: Vec<(String, Vec<usize>, f32)> = Vec::new();
    for layer in 0..layers {
        for (part, outputs, inputs, scale) in [(0, 8, 2, 1.0), (2, 8, 8, 1.0), (4, 3, 8, scale)] {
            let name = format!("{layer}.plaq_coupling.net.{part}");
            tensors.push((format!("{name}.weight"), vec![outputs, inputs, 3, 3], scale));
            tensors.push((format!("{name}.bias"), vec![outputs], scale));
        }
    }
    tensors.extend(more.iter().map(|(name, shape)| (name.to_string(), shape.to_vec(), 1.0)));
    let (mut header, mut numbers): (Map<String, Value>, Vec<f32>) = Default::default();
    for (name, shape, scale) in tensors {
        let begin = 4 * numbers.len();
        let count: usize = shape.iter().product();
        numbers.extend((0..count).map(|k| scale * 0.3 * (1.7 * (begin + k) as f32).sin()));
        let entry = json!({ "dtype": "F32", "shape": shape, "data_offsets": [begin, 4 * numbers.len()] });
        header.insert(name, entry);
    }
    let header = Value::Object(header).to_string();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(numbers.iter().flat_map(|x| x.to_le_bytes()));
    std::fs::write(path, bytes).unwrap();
}

const CONVERT: [&str; 8] =
    ["model", "convert", "flow.safetensors", "model.safetensors", "--beta", "0.5", "--volume", "4x4"];

/// A flow whose nets give nothing is the identity, for which everything is known: with I_0(1/2) = 1.06348337 and
/// I_0(1) = 1.26606588 the divergence is 16 ln I_0(1/2), and the effective sample size (I_0(1/2)²/I_0(1))^16. Other representations
/// contribute less than 1e-5.
#[test]
fn what_a_conversion_measures_is_so() {
    let scratch = Scratch::new("");
    write_weights(&scratch.path("flow.safetensors"), 8, 0.0, &[]);
    let output = scratch.run(&[&CONVERT[..], &["--json"]].concat());
    let (text, error) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && error.contains("% of the divergence of uniform links"), "{error}");
    let model = &json_lines(&text)[0]["model"];
    let measured = |key: &str| model["measured"][key].as_f64().unwrap();
    println!("ESS {}, divergence {}", measured("ess"), measured("divergence"));
    assert_eq!(measured("samples"), 10_240.0);
    assert!((measured("ess") - 0.1645).abs() < 0.02, "{model}");
    // The variance of S is 16 β²/2.
    assert!((measured("divergence") - 0.98479).abs() < 4.0 * (2.0f64 / 10_240.0).sqrt(), "{model}");
    assert_eq!(model["measured"]["extents"], json!([4, 4]));
    assert_eq!(model["measured"]["seed"], 1);
}

const RUN: &str = r#"
[run]
seed = 3
directory = "out"
chains = 8
[lattice]
group = "U(1)"
extents = [4, 4]
[action]
beta = 0.5
[start]
kind = "hot"
[measure]
polyakov = false
[[stage]]
kind = "independence"
updates = 2000
thermalise = 100
flow = { plugin = "flow", config = { model = "model.safetensors" } }
"#;

#[test]
fn a_converted_flow_is_a_model_like_others() {
    let scratch = Scratch::new(RUN);
    write_weights(&scratch.path("flow.safetensors"), 8, 0.02, &[]);
    let text = scratch.succeeds(&CONVERT);
    for said in ["8 layers of kind u1-coupling, 7640 parameters", "ESS", "KL divergence", "written: model"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let read = || std::fs::read(scratch.path("model.safetensors")).unwrap();
    let before = read();
    let info = scratch.succeeds(&["model", "info", "model.safetensors"]);
    for said in
        ["wilson beta = 0.5", "8 of kind u1-coupling", "converted", "flow.safetensors", "sha256", "ESS"]
    {
        assert!(info.contains(said), "{said}: {info}");
    }
    // Other draws than those that the claims are of, on the lattice of the claims.
    let checked = scratch.succeeds(&["model", "check", "--seed", "2", "model.safetensors"]);
    for said in ["inverse", "log det", "ESS", "the file says", "ln Z", "on 4x4", " 0 failed"] {
        assert!(checked.contains(said), "{said}: {checked}");
    }
    // Z is a sum of I_n(1/2)^16 on 16 plaquettes: ⟨cos⟩ = I_1(1/2)/I_0(1/2) up to 1e-9.
    let row = rows_of_stage_0(&scratch.succeeds(&["run", "run.toml", "--json"]))("plaquette");
    let (value, error) = (row["value"].as_f64().unwrap(), row["error"].as_f64().unwrap());
    println!("plaquette {value} +- {error}");
    assert!((value - 0.242_499_6).abs() < 4.0 * error && error < 0.01, "{row}");

    // Nothing is replaced unasked; asked, the same weights are the same file.
    let error = scratch.fails(2, &CONVERT);
    assert!(error.contains("is there already") && error.contains("--force"), "{error}");
    scratch.succeeds(&[&CONVERT[..], &["--force", "--threads", "1"]].concat());
    assert!(read() == before, "the same weights, another file");
}

#[test]
fn what_cannot_be_converted_is_refused_and_leaves_nothing() {
    let scratch = Scratch::new("");
    write_weights(&scratch.path("flow.safetensors"), 2, 0.1, &[("mask.active", &[4, 4])]);
    let error = scratch.fails(1, &CONVERT);
    assert!(error.contains("`mask.active` [4, 4]") && error.contains("[n + 1, h, 3, 3]"), "{error}");
    // A state dict is no model, and what to do about it is said.
    let error = scratch.fails(1, &["model", "info", "flow.safetensors"]);
    assert!(error.contains("gaugelink model convert"), "{error}");
    write_weights(&scratch.path("flow.safetensors"), 2, 0.1, &[]);
    let refused = |code: i32, from: &str, to: &str, word: &str| {
        let command = CONVERT.map(|argument| if argument == from { to } else { argument });
        let error = scratch.fails(code, &command);
        assert!(error.contains(word), "{word}: {error}");
    };
    refused(1, "4x4", "6x4", "multiples of 4");
    refused(2, "4x4", "4x4x4", "--volume XxY");
    refused(2, "0.5", "-1", "above 0");
    refused(2, "model.safetensors", "flow.safetensors", "is the file to convert");
    refused(1, "flow.safetensors", "absent.safetensors", "absent.safetensors");
    refused(1, "flow.safetensors", "run.toml", "no safetensors file");
    std::fs::write(scratch.path("flow.pt"), b"PK\x03\x04archive/data.pkl").unwrap();
    refused(1, "flow.safetensors", "flow.pt", "save_file");
    assert!(!scratch.path("model.safetensors").exists());
}
