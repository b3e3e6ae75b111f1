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

/// Heat bath writes an ensemble, a flow learns from it, whatever the number of threads; what is no such data is refused.
#[test]
fn a_training_learns_from_an_ensemble() {
    let run = "[run]\nseed = 3\ndirectory = \"data\"\nchains = 8\n[lattice]\ngroup = \"U(1)\"\nextents = [4, 4]\n\
               [action]\nbeta = 1.5\n[[stage]]\nkind = \"heatbath\"\nsweeps = 120\nthermalise = 20\n\
               write = { every = 2, verify = false }\n";
    let train = SMALL.replace("updates = 2000", "updates = 0").replace("thermalise = 100", "")
        + "[data]\nfiles = [\"data/ensemble\"]\nshare = 1.0\n";
    let scratch = Scratch::new(run);
    std::fs::write(scratch.path("train.toml"), &train).unwrap();
    assert!(scratch.fails(2, &["train", "train.toml"]).contains("data/ensemble: there is no such folder"));
    scratch.succeeds(&["run", "run.toml"]);
    let lines = json_lines(&scratch.succeeds(&["train", "train.toml", "--json"]));
    let left: Vec<f64> =
        lines.iter().filter(|l| l["kind"] == "training").map(|l| l["divergence"].as_f64().unwrap()).collect();
    // Links drawn uniformly have 16 ln I_0(1.5) = 8.0.
    assert!(left.len() == 3 && left[2] < 1.5, "{left:?}");
    let model = |directory: &str| std::fs::read(scratch.path(directory).join("model.safetensors")).unwrap();
    let header = Model::read(scratch.path("out/model.safetensors")).unwrap().header;
    assert_eq!(header.training.other["provenance"]["data"]["configurations"], 400);
    let one = ["train", "train.toml", "--set", "run.directory=one", "--set", "machine.threads=1"];
    scratch.succeeds(&one);
    assert!(model("out") == model("one"), "the same bits");
    scratch.succeeds(&["train", "train.toml", "--set", "run.directory=half", "--set", "data.share=0.5"]);
    assert!(model("out") != model("half"));
    for (setting, code, said) in [
        ("data.share=1.5", 2, "at most 1"),
        ("lattice.extents=[32768,32768]", 1, "MiB are free"),
        ("data.files=[]", 2, "names none"),
        ("lattice.extents=[8,8]", 1, "take configurations of that lattice"),
        ("data.files=[\"run.toml\"]", 1, "no LIME file"),
    ] {
        let error =
            scratch.fails(code, &["train", "train.toml", "--set", "run.directory=n", "--set", setting]);
        assert!(error.contains(said), "{setting}: {error}");
    }
    // Other data make another training.
    std::fs::remove_file(scratch.path("data/ensemble/conf-0.00022.lime")).unwrap();
    let error = scratch.fails(1, &["train", "train.toml"]);
    assert!(error.contains("another") || error.contains("other settings"), "{error}");
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
    let off = (number("value") - 0.596_344_11).abs();
    assert!(off < 4.0 * number("error") && note.contains("sigma"), "{plaquette}");
    let model = Model::read(scratch.path("out/model.safetensors")).unwrap();
    assert_eq!(model.parameters.len(), 8 * 955);
    assert_eq!(model.header.measured.ess, ess["value"].as_f64());
    let svg = std::fs::read_to_string(scratch.path("out/plots/training.svg")).unwrap();
    assert!(svg.contains("KL divergence"));
    // A training that is complete shows its results again; how long it took is no result.
    let table = || std::fs::read_to_string(scratch.path("out/table.txt")).unwrap();
    let first = table();
    let again = json_lines(&scratch.succeeds(&["train", "run.toml", "--json"]));
    assert_eq!(row(&again, "training", "ESS"), ess);
    let text = scratch.succeeds(&["train", "run.toml"]);
    assert!(text.starts_with(&first) && text.contains("\ntraining: 60 steps in "), "{text}");
    assert!(table() == first && !first.contains("seconds"));
}

/// SU(2) by spectral couplings, and SU(3) in four dimensions by residual layers: chains of the flows' proposals have the
/// plaquettes of these theories, and the models hold what they claim.
#[test]
fn flows_of_other_groups_and_dimensions_are_trained() {
    let spectral = SMALL
        .replace("U(1)", "SU(2)")
        .replace("beta = 1.5", "beta = 1.8")
        .replace("u1-coupling\"", "spectral\"\nbins = 4")
        .replace("learning_rate = 2e-3", "learning_rate = 1e-2\nestimator = \"path\"");
    let scratch = Scratch::new(&spectral);
    let lines = json_lines(&scratch.succeeds(&["train", "run.toml", "--json"]));
    let measured = |row: &serde_json::Value| (row["value"].as_f64().unwrap(), row["error"].as_f64().unwrap());
    // As on larger lattices up to 10⁻⁶.
    let (value, error) = measured(row(&lines, "chain", "plaquette"));
    assert!((value - 0.399_372).abs() < 4.0 * error && error < 5e-3, "{value} {error}");
    assert!(
        measured(row(&lines, "training", "ESS")).0 > 0.3 && lines.iter().all(|l| l["quantity"] != "charge^2")
    );
    scratch.succeeds(&["model", "check", "out/model.safetensors"]);

    let residual = SMALL
        .replace("U(1)", "SU(3)")
        .replace("extents = [4, 4]", "extents = [4, 2, 2, 2]")
        .replace("beta = 1.5", "beta = 1.0")
        .replace("u1-coupling", "residual")
        .replace("learning_rate = 2e-3", "learning_rate = 3e-2");
    std::fs::write(scratch.path("hyper.toml"), residual).unwrap();
    let train = ["train", "hyper.toml", "--json", "--set", "run.directory=hyper"];
    let lines = json_lines(&scratch.succeeds(&train));
    let (value, error) = measured(row(&lines, "chain", "plaquette"));
    let size: Vec<f64> = lines
        .iter()
        .filter(|l| l["kind"] == "training")
        .map(|l| l["sample_size"].as_f64().unwrap())
        .collect();
    let text = scratch.succeeds(&["model", "check", "hyper/model.safetensors"]);
    assert!(text.contains("4x2x2x2"), "{text}");
    // Models of every theory are checked on a lattice of theirs.
    let set = [
        "lattice.group=U(1)",
        "lattice.extents=[4, 2, 2]",
        "train.steps=4",
        "chain.updates=0",
        "chain.thermalise=0",
    ];
    let set = set.iter().flat_map(|set| ["--set", set]);
    let train: Vec<&str> =
        ["train", "hyper.toml", "--set", "run.directory=cube"].into_iter().chain(set).collect();
    scratch.succeeds(&train);
    let text = scratch.succeeds(&["model", "check", "cube/model.safetensors", "--samples", "1024"]);
    assert!(text.contains("serves U(1) on 4x2x2") && text.contains("0 failed"), "{text}");
    // Heat bath knows nothing of flows, and hybrid Monte Carlo goes through this one.
    let run = "[run]\nseed = 3\ndirectory = \"bath\"\nchains = 8\n[lattice]\ngroup = \"SU(3)\"\nextents = [4, 2, 2, 2]\n\
               [action]\nbeta = 1.0\n[[stage]]\nkind = \"heatbath\"\nsweeps = 400\nthermalise = 50\n\
               [[stage]]\nkind = \"fthmc\"\ntrajectories = 40\nsteps = 4\nlength = 0.5\n\
               flow = { plugin = \"flow\", config = { model = \"hyper/model.safetensors\" } }\n";
    std::fs::write(scratch.path("bath.toml"), run).unwrap();
    let lines = json_lines(&scratch.succeeds(&["run", "bath.toml", "--json"]));
    let (bath, own) = measured(row(&lines, "heatbath", "plaquette"));
    assert!((value - bath).abs() < 4.0 * error.hypot(own) && error.hypot(own) < 5e-3, "{value} {bath}");
    assert!(row(&lines, "fthmc", "acceptance")["value"].as_f64().unwrap() > 0.8);
    // Links drawn uniformly have less than 0.01.
    assert!(size[2] > 0.5, "{size:?}");
}

/// The Schwinger model: the chain of a flow that was trained with quarks, against pseudofermions, exact determinants and
/// reweighting (docs/validation.md), and the claims of the model.
#[test]
fn a_flow_is_trained_with_quarks() {
    let quarks = "beta = 2.0\n[fermions]\nkappa = 0.25\ndeterminant = \"exact\"";
    let fit = "couplings = 8\ncontext = \"loops\"\n[fit]\nsteps = 200\npoints = 64\nbeta = 2.15\n[train]";
    let text = SMALL
        .replace("beta = 1.5", quarks)
        .replace("u1-coupling\"\nlayers = 8", "u1-block\"\nlayers = 4")
        .replace("[train]", fit)
        .replace("steps = 60", "steps = 40\nestimator = \"score\"");
    let scratch = Scratch::new(&text);
    let lines = json_lines(&scratch.succeeds(&["train", "run.toml", "--json"]));
    let number = |what: &str, quantity: &str, key: &str| row(&lines, what, quantity)[key].as_f64().unwrap();
    for (quantity, expected, its_error, precision) in
        [("plaquette", 0.738_68, 0.000_33, 0.002), ("charge^2", 0.143_6, 0.000_9, 0.008)]
    {
        let (value, error) = (number("chain", quantity, "value"), number("chain", quantity, "error"));
        println!("{quantity} {value} +- {error}");
        assert!((value - expected).abs() < 4.0 * error.hypot(its_error), "{quantity} {value} +- {error}");
        assert!(error < precision, "{quantity} +- {error}");
    }
    let reports: Vec<_> = lines.iter().filter(|line| line["kind"] == "training").collect();
    let size = |k: usize| reports[k]["sample_size"].as_f64().unwrap();
    println!("ESS {} to {}", size(0), size(reports.len() - 1));
    assert!(size(reports.len() - 1) > 0.25, "{reports:?}");
    let divergence = number("training", "KL divergence", "value");
    assert!(divergence > 0.0 && divergence < 1.0, "{divergence}");
    let text = scratch.succeeds(&["model", "check", "out/model.safetensors", "--samples", "1280"]);
    assert!(text.contains("ESS") && !text.contains("ln Z"), "{text}");
    let text = scratch.succeeds(&["model", "info", "out/model.safetensors"]);
    assert!(text.contains("wilson-quarks"), "{text}");
}

/// A reader that goes away (`| head`) ends neither the training nor the chain.
#[test]
fn a_closed_pipe_does_not_end_a_training() {
    let scratch = Scratch::new(SMALL);
    let mut program = scratch.program(&["train", "run.toml", "--json", "--set", "chain.updates=200"]);
    let mut child = program.stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
    assert_eq!(std::fs::read_to_string(scratch.path("out/measurements.jsonl")).unwrap().lines().count(), 3);
    assert!(Model::read(scratch.path("out/model.safetensors")).is_ok());
    assert!(std::fs::read_to_string(scratch.path("out/table.txt")).unwrap().contains("charge^2"));
}

/// Neither overwrites the other's files in one directory.
#[test]
fn a_run_and_a_training_refuse_each_others_directory() {
    let scratch = Scratch::new(SMALL);
    let run = "[run]\nseed = 1\ndirectory = \"out\"\n[lattice]\ngroup = \"U(1)\"\nextents = [4, 4]\n[action]\n\
               beta = 1.5\n[[stage]]\nkind = \"heatbath\"\nsweeps = 20\n";
    std::fs::write(scratch.path("other.toml"), run).unwrap();
    let short = ["train", "run.toml", "--set", "train.steps=2", "--set", "chain.updates=0"];
    let log = || std::fs::read(scratch.path("out/measurements.jsonl")).unwrap();
    scratch.succeeds(&short);
    let trained = log();
    let error = scratch.fails(1, &["run", "other.toml"]);
    assert!(error.contains("out holds a training") && error.contains("--fresh"), "{error}");
    assert_eq!(log(), trained);
    scratch.succeeds(&short);
    scratch.succeeds(&["run", "other.toml", "--fresh"]);
    let ran = log();
    let error = scratch.fails(1, &short);
    assert!(error.contains("out holds a run") && error.contains("--fresh"), "{error}");
    assert_eq!(log(), ran);
    scratch.succeeds(&["run", "other.toml"]);
    scratch.succeeds(&[&short[..], &["--fresh"]].concat());
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
    let log = "measurements.jsonl";
    for name in [log, "results.jsonl", "table.txt", "plots/training.svg", "model.safetensors"] {
        assert!(read(&format!("whole/{name}")) == read(&format!("part/{name}")), "{name} differs");
    }
    assert!(Model::read(scratch.path("part/model.safetensors")).is_ok());
}

#[test]
fn mistakes_are_answered() {
    let scratch = Scratch::new(SMALL);
    for (setting, said) in [
        ("train.batch=100", "multiple of 16"),
        ("lattice.extents=[4,6]", "multiples of 4"),
        ("model.components=8", "expected 1 to 7"),
        ("model.layers=100000", "expected 1 to 65536"),
        ("model.file=no/such/folder/x", "plain file name"),
        ("machine.threads=100000", "cores"),
        ("lattice.extents=[4294967296,4294967296]", "2^40 sites"),
    ] {
        let error = scratch.fails(2, &["train", "run.toml", "--set", setting]);
        assert!(error.contains(said) && error.contains("run.toml: ") && error.contains("line "), "{error}");
    }
    assert!(!scratch.path("out").exists(), "nothing was begun");
}

/// A training goes on only as the training that it was; the chain afterwards may be another.
#[test]
fn the_checkpoint_of_another_training_is_refused() {
    let scratch = Scratch::new(SMALL);
    let train = |more: &[&'static str]| -> Vec<&'static str> {
        [&["train", "run.toml", "--set", "train.steps=1", "--set", "chain.updates=0"], more].concat()
    };
    scratch.succeeds(&train(&[]));
    for other in [
        "train.steps=2",
        "lattice.extents=[4,8]",
        "action.beta=1.6",
        "run.seed=6",
        "model.file=other.safetensors",
    ] {
        let error = scratch.fails(1, &train(&["--set", other]));
        assert!(error.contains("other settings"), "{other}: {error}");
    }
    scratch.succeeds(&train(&["--set", "chain.updates=200", "--set", "machine.threads=1"]));
}
