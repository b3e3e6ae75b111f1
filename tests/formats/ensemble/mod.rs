//! `gaugelink ensemble` on a small chain of its own.

mod chains;
mod documents;
mod findings;
mod results;

use crate::program::{Answer, gaugelink};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;

/// Configurations in the chain: 1000, 1010, ...
const LENGTH: usize = 24;

fn name(number: usize) -> String {
    format!("conf.{number}.lime")
}

/// A chain that a run writes once for all tests: SU(3) on 4x4x4x4.
fn chain() -> &'static Path {
    static CHAIN: OnceLock<TempDir> = OnceLock::new();
    let folder = CHAIN.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut text = format!(
            "[run]\nseed = 7\ndirectory = {:?}\n[lattice]\ngroup = \"SU(3)\"\nextents = [4, 4, 4, 4]\n\
             [action]\nbeta = 5.5\n[start]\nkind = \"hot\"\n",
            folder.path().join("run")
        );
        for i in 0..LENGTH {
            let sweeps = if i == 0 { 60 } else { 5 };
            let file = name(1000 + 10 * i);
            text += &format!("[[stage]]\nkind = \"heatbath\"\nsweeps = {sweeps}\noverrelaxation = 1\n");
            text += &format!("[[stage]]\nkind = \"write\"\nfile = \"{file}\"\n");
        }
        let file = folder.path().join("run.toml");
        fs::write(&file, text).unwrap();
        let answer = gaugelink([Path::new("run"), &file]);
        assert_eq!(answer.status, 0, "{}", answer.stderr);
        folder
    });
    folder.path()
}

/// A copy of the chain, and a folder for results beside it.
struct Ensemble(TempDir);

impl Ensemble {
    fn new() -> Self {
        let ensemble = Self(tempfile::tempdir().unwrap());
        fs::create_dir(ensemble.data()).unwrap();
        for i in 0..LENGTH {
            let name = name(1000 + 10 * i);
            fs::copy(chain().join("run").join(&name), ensemble.file(&name)).unwrap();
        }
        ensemble
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.data().join(name)
    }

    fn out(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn arguments(&self, words: &str, out: &str) -> Vec<String> {
        let mut arguments: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        arguments.insert(0, "ensemble".into());
        arguments.push(self.data().to_str().unwrap().into());
        if !out.is_empty() {
            arguments.extend(["--out".into(), self.out(out).to_str().unwrap().into()]);
        }
        arguments
    }

    fn run(&self, words: &str, out: &str) -> Answer {
        gaugelink(self.arguments(words, out))
    }

    /// Everything in the data folder.
    fn content(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = fs::read_dir(self.data()).unwrap().map(|entry| entry.unwrap().path());
        files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }
}

fn of_kind<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["kind"] == kind).collect()
}

/// What is wrong: kind, files and numbers of each finding, in order.
fn wrong(lines: &[Value]) -> Vec<(String, Vec<String>, Vec<u64>)> {
    let finding = |line: &Value| {
        let files =
            line["files"].as_array().unwrap().iter().map(|f| f.as_str().unwrap().to_owned()).collect();
        let numbers =
            line["numbers"].as_array().map_or(vec![], |n| n.iter().map(|n| n.as_u64().unwrap()).collect());
        (line["what"].as_str().unwrap().to_owned(), files, numbers)
    };
    let findings = of_kind(lines, "finding").into_iter().filter(|line| line["wrong"] == true);
    let mut found: Vec<_> = findings.map(finding).collect();
    found.sort();
    found
}

fn finding(what: &str, files: &[&str], numbers: &[u64]) -> (String, Vec<String>, Vec<u64>) {
    (what.into(), files.iter().map(|&file| file.into()).collect(), numbers.to_vec())
}
