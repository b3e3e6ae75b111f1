//! Runs the program and looks at what it left.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A small run with every kind of stage.
pub const SMALL: &str = r#"
[run]
seed = 5
directory = "out"
checkpoint_seconds = 0
[lattice]
group = "SU(3)"
extents = [4, 4, 4, 8]
[action]
beta = 5.7
[start]
kind = "hot"
[measure]
charge = true
[[stage]]
kind = "heatbath"
sweeps = 12
overrelaxation = 1
thermalise = 2
[[stage]]
kind = "hmc"
trajectories = 12
steps = 5
[[stage]]
kind = "flow"
time = 0.2
[[stage]]
kind = "solve"
mass = 0.2
[[stage]]
kind = "write"
file = "end.lime"
"#;

/// A scratch folder with a run file in it.
pub struct Scratch(pub tempfile::TempDir);

impl Scratch {
    pub fn new(run_file: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("run.toml"), run_file).unwrap();
        Self(folder)
    }
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
    /// The program, to be run in the folder.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gaugelink"));
        command.args(arguments).current_dir(self.0.path());
        command
    }
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.program(arguments).output().unwrap()
    }
    /// Runs it and expects success; returns standard output.
    pub fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }
    /// Runs it and expects exit status `code`; returns standard error.
    pub fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        assert!(!error.contains("panicked"), "{error}");
        error
    }
}

/// Everything of a run directory that must not depend on threads, ranks, or interruptions.
pub fn results(directory: &Path) -> Vec<(&'static str, Vec<u8>)> {
    ["measurements.jsonl", "results.jsonl", "table.txt", "provenance.json", "end.lime"]
        .map(|name| (name, std::fs::read(directory.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))))
        .to_vec()
}

/// Asserts equal results, naming the file that differs.
pub fn assert_same(a: &Path, b: &Path) {
    for ((name, left), (_, right)) in results(a).into_iter().zip(results(b)) {
        assert!(left == right, "{name} differs between {} and {}", a.display(), b.display());
    }
}

/// The rows of the first stage of a run, from its JSON lines, by quantity.
pub fn rows_of_stage_0(text: &str) -> impl Fn(&str) -> serde_json::Value {
    let lines = json_lines(text);
    move |quantity: &str| {
        let found = lines.iter().find(|line| line["stage"] == 0 && line["quantity"] == quantity);
        found.unwrap_or_else(|| panic!("no {quantity}")).clone()
    }
}

/// The lines of a JSON lines text.
pub fn json_lines(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}
