//! docs/run-files.md: its examples are run files, its message is the program's, and every key has its row.

use gaugelink_driver::config::{AnyTrainFile, FileKind, RunFile, Stage, TrainFile};
use std::path::Path;

fn page() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/run-files.md")).unwrap()
}

/// The page's code blocks of one language.
fn blocks(language: &str) -> Vec<String> {
    let begin = format!("```{language}\n");
    page().split(&begin).skip(1).map(|rest| rest.split("```").next().unwrap().into()).collect()
}

fn parse(text: &str) -> Result<RunFile, String> {
    RunFile::parse(text, Path::new("su3.toml"), FileKind::Run, &[]).map_err(|error| error.to_string())
}

#[test]
fn examples_are_read() {
    let examples = blocks("toml");
    assert!(!examples.is_empty());
    for example in examples {
        assert!(!parse(&example).unwrap().stages.is_empty());
    }
}

#[test]
fn sample_files_are_read() {
    let runs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/runs");
    let mut count = 0;
    for entry in std::fs::read_dir(runs).unwrap() {
        let path = entry.unwrap().path();
        if std::fs::read_to_string(&path).unwrap().contains("[model]") {
            AnyTrainFile::read(&path, &[]).unwrap();
            count += 1;
            continue;
        }
        let kind = if path.ends_with("solve.toml") { FileKind::Solve } else { FileKind::Run };
        let input = ["start.file=x.lime".to_owned()];
        let from_file = std::fs::read_to_string(&path).unwrap().contains("--input");
        RunFile::read(&path, kind, if from_file { &input } else { &[] }).unwrap();
        count += 1;
    }
    assert!(count >= 3);
}

#[test]
fn the_message_shown_is_the_one_that_comes() {
    let wrong = blocks("toml")[0].replace("\"hmc\"", "\"hcm\"");
    let shown = blocks("text")[0].trim_end().strip_prefix("gaugelink: ").unwrap().to_owned();
    assert_eq!(parse(&wrong).unwrap_err(), shown);
}

/// The keys that a table takes, as the message on a wrong one lists them.
fn keys(message: String) -> Vec<String> {
    let (_, expected) = message.split_once("unknown field `nonsense`, expected ").expect(&message);
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Every key that `message` lists has its row under a heading.
fn check_rows(heading: &str, message: String) {
    let page = page();
    let (_, section) = page.split_once(heading).unwrap_or_else(|| panic!("no section {heading}"));
    let section = section.split("\n#").next().unwrap();
    let keys = keys(message);
    assert!(!keys.is_empty());
    for key in keys {
        assert!(section.contains(&format!("\n| `{key}` | ")), "{heading}: no row for `{key}`");
    }
}

#[test]
fn every_key_has_its_row() {
    const RUN: &str = "[run]\nseed = 1\ndirectory = \"x\"\n[action]\nbeta = 1\n";
    let check = |heading: &str, text: &str| check_rows(heading, parse(text).unwrap_err());
    check("\n## `[run]`", "[run]\nnonsense = 1");
    check("\n## `[action]`", "[run]\nseed = 1\ndirectory = \"x\"\n[action]\nnonsense = 1");
    for table in ["lattice", "fermions", "start", "measure", "machine"] {
        check(&format!("\n## `[{table}]`"), &format!("{RUN}[{table}]\nnonsense = 1"));
    }
    for kind in Stage::KINDS {
        let text = format!("{RUN}[[stage]]\nkind = \"{kind}\"\nnonsense = 1");
        check(&format!("\n### `kind = \"{kind}\"`"), &text);
    }
    check("\n### Plugins", &format!("{RUN}[[stage]]\nkind = \"fthmc\"\nflow = {{ nonsense = 1 }}"));
}

#[test]
fn every_key_of_a_training_has_its_row() {
    const TABLES: [(&str, &str); 6] = [
        ("run", "seed = 1\ndirectory = \"x\""),
        ("lattice", "group = \"U(1)\"\nextents = [8, 8]"),
        ("action", "beta = 1"),
        ("model", "kind = \"u1-coupling\"\nlayers = 1"),
        ("train", "steps = 1\nlearning_rate = 1"),
        ("chain", ""),
    ];
    for (table, heading) in [
        ("run", "\n## `[run]` of a training"),
        ("model", "\n## `[model]`"),
        ("train", "\n## `[train]`"),
        ("chain", "\n## `[chain]` of a training"),
    ] {
        let wrong = |name: &str, keys: &str| {
            let extra = if name == table { "nonsense = 1\n" } else { "" };
            format!("[{name}]\n{keys}\n{extra}")
        };
        let text: String = TABLES.iter().map(|(name, keys)| wrong(name, keys)).collect();
        let error = TrainFile::parse(&text, Path::new("train.toml"), &[]).unwrap_err().to_string();
        check_rows(heading, error);
    }
}

#[test]
fn every_key_of_a_loop_training_has_its_row() {
    const MODEL: &str = "kind = \"loop-flow\"\nloops = \"next\"\nknots = 2\nsteps = 8\n";
    const BEGIN: &str = "[run]\nseed = 1\ndirectory = \"x\"\n[lattice]\ngroup = \"SU(2)\"\nextents = [8, 8]\n\
                         [action]\nbeta = 1\n";
    for (table, heading) in [
        ("model", "\n## `[model]` of a flow of loops"),
        ("fit", "\n## `[fit]` of a flow of loops"),
        ("evaluate", "\n## `[evaluate]` of a flow of loops"),
    ] {
        let wrong = if table == "model" { "" } else { &format!("[{table}]\n") };
        let text = format!("{BEGIN}[model]\n{MODEL}{wrong}nonsense = 1\n");
        let error = AnyTrainFile::parse(&text, Path::new("train.toml"), &[]).unwrap_err().to_string();
        check_rows(heading, error);
    }
}

#[test]
fn every_key_of_a_scalar_training_has_its_row() {
    const TABLES: [(&str, &str); 6] = [
        ("run", "seed = 1\ndirectory = \"x\""),
        ("lattice", "extents = [8, 8]"),
        ("action", "kind = \"phi4\"\nmass2 = 1.0\nlambda = 0.5"),
        ("model", "kind = \"affine-coupling\"\nlayers = 1"),
        ("train", "steps = 1\nlearning_rate = 1"),
        ("hmc", "trajectories = 1\nsteps = 1"),
    ];
    for (table, heading) in [
        ("lattice", "\n## `[lattice]` of a scalar"),
        ("action", "\n## `[action]` of a scalar"),
        ("model", "\n## `[model]` of a flow of scalars"),
        ("hmc", "\n## `[hmc]` of a scalar"),
    ] {
        let wrong = |name: &str, keys: &str| {
            let extra = if name == table { "nonsense = 1\n" } else { "" };
            format!("[{name}]\n{keys}\n{extra}")
        };
        let text: String = TABLES.iter().map(|(name, keys)| wrong(name, keys)).collect();
        let error = AnyTrainFile::parse(&text, Path::new("train.toml"), &[]).unwrap_err().to_string();
        check_rows(heading, error);
    }
}
