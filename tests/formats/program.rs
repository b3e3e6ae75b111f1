//! Runs the program and takes its answers apart; finds the files of other codes.

use serde_json::Value;
use std::ffi::OsStr;
use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

/// What a run of the program gave.
pub struct Answer {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Answer {
    /// Standard output, which must be JSON lines and nothing else.
    pub fn lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
    }

    /// The only JSON line.
    pub fn line(&self) -> Value {
        let mut lines = self.lines();
        assert_eq!(lines.len(), 1, "one line: {}{}", self.stdout, self.stderr);
        lines.remove(0)
    }
}

/// Runs `gaugelink` with these arguments.
pub fn gaugelink<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Answer {
    let output = Command::new(env!("CARGO_BIN_EXE_gaugelink")).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let status = output.status.code().expect("no signal ends the program");
    Answer { status, stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Runs a command line of words and files.
pub fn run(words: &str, files: &[&PathBuf]) -> Answer {
    let files = files.iter().map(|file| file.as_os_str());
    gaugelink(words.split_whitespace().map(OsStr::new).chain(files))
}

/// The folder of configurations that other codes wrote, and its index; `None`, with a line that says so, where
/// `GAUGELINK_TEST_DATA` names no such folder.
pub fn corpus() -> Option<(PathBuf, Vec<Value>)> {
    let folder = std::env::var_os("GAUGELINK_TEST_DATA").map(PathBuf::from);
    let Some(folder) = folder.filter(|folder| folder.join("index.json").is_file()) else {
        println!(
            "skipped: GAUGELINK_TEST_DATA does not name a folder with configurations and their index.json"
        );
        return None;
    };
    let index: Value = serde_json::from_reader(File::open(folder.join("index.json")).unwrap()).unwrap();
    let entries = index["files"].as_array().unwrap().clone();
    Some((folder, entries))
}
