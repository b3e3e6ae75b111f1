//! A run that is stopped goes on as if nothing had happened, and nobody's results are lost.

use crate::program::{SMALL, Scratch, assert_same};
use std::time::{Duration, Instant};

/// Starts a run and kills it (SIGKILL) once its log has so many lines.
fn kill_after(scratch: &Scratch, directory: &str, lines: usize) {
    let setting = format!("run.directory={directory}");
    let mut child = scratch
        .program(&["run", "run.toml", "--set", &setting])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let log = scratch.path(directory).join("measurements.jsonl");
    let start = Instant::now();
    while std::fs::read_to_string(&log).map_or(0, |text| text.lines().count()) < lines {
        assert!(start.elapsed() < Duration::from_secs(60), "the run does not get on");
        if child.try_wait().unwrap().is_some() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn killed_runs_go_on_with_the_bits_of_one_that_was_not() {
    // Longer, so that the kill comes in time.
    let long = SMALL.replace("sweeps = 12", "sweeps = 60").replace("trajectories = 12", "trajectories = 60");
    let scratch = Scratch::new(&long);
    scratch.succeeds(&["run", "run.toml", "--set", "run.directory=whole"]);
    for (name, kills, checkpoint) in [
        ("heat", &[20][..], "0"),
        ("both", &[7, 80], "0"),
        ("never", &[40], "1e6"),
        ("trajectory", &[100], "0"),
    ] {
        let setting = format!("run.checkpoint_seconds={checkpoint}");
        for &lines in kills {
            kill_after(&scratch, name, lines);
        }
        let directory = format!("run.directory={name}");
        scratch.succeeds(&["run", "run.toml", "--set", &directory, "--set", &setting]);
        assert_same(&scratch.path("whole"), &scratch.path(name));
    }
}

#[test]
fn a_complete_run_is_shown_again_and_done_again_only_when_asked() {
    let scratch = Scratch::new(SMALL);
    let first = scratch.succeeds(&["run", "run.toml"]);
    let timings = || std::fs::read_to_string(scratch.path("out/timings.jsonl")).unwrap().lines().count();
    let stages = timings();
    assert_eq!(scratch.succeeds(&["run", "run.toml"]), first);
    assert_eq!(timings(), stages, "nothing was done");
    let links = std::fs::read(scratch.path("out/end.lime")).unwrap();
    assert_eq!(scratch.succeeds(&["run", "run.toml", "--fresh"]), first);
    assert_eq!(std::fs::read(scratch.path("out/end.lime")).unwrap(), links);
}

#[test]
fn the_directory_of_another_run_is_refused() {
    let scratch = Scratch::new(SMALL);
    scratch.succeeds(&["run", "run.toml"]);
    let before = std::fs::read(scratch.path("out/measurements.jsonl")).unwrap();
    let error = scratch.fails(1, &["run", "run.toml", "--set", "action.beta=5.8"]);
    assert!(error.contains("another run file") && error.contains("--fresh"), "{error}");
    assert_eq!(std::fs::read(scratch.path("out/measurements.jsonl")).unwrap(), before);
    scratch.succeeds(&["run", "run.toml", "--set", "action.beta=5.8", "--fresh"]);
}

#[test]
fn another_start_file_makes_another_run() {
    let scratch = Scratch::new(SMALL);
    for (name, seed) in [("a", 1), ("b", 2)] {
        let (directory, seed) = (format!("run.directory={name}"), format!("run.seed={seed}"));
        scratch.succeeds(&["run", "run.toml", "--set", &directory, "--set", &seed]);
    }
    let go_on = ["--set", "run.directory=c", "--input"];
    scratch.succeeds(&[&["run", "run.toml"][..], &go_on, &["a/end.lime"]].concat());
    let error = scratch.fails(1, &[&["run", "run.toml"][..], &go_on, &["b/end.lime"]].concat());
    assert!(error.contains("another run"), "{error}");
    // The start file is not needed any more.
    std::fs::remove_file(scratch.path("a/end.lime")).unwrap();
    scratch.succeeds(&[&["run", "run.toml"][..], &go_on, &["a/end.lime"]].concat());
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let scratch = Scratch::new(&SMALL.replace("sweeps = 12", "sweeps = 300"));
    kill_after(&scratch, "out", 20);
    let checkpoint = scratch.path("out/checkpoint");
    let links = std::fs::read_dir(&checkpoint)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "lime"))
        .collect::<Vec<_>>();
    for path in links {
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).unwrap();
    }
    let error = scratch.fails(1, &["run", "run.toml"]);
    assert!(error.contains("changed since the checkpoint"), "{error}");
}
