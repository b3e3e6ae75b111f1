//! A run that is stopped goes on as if nothing had happened, and nobody's results are lost.

use crate::program::{SMALL, Scratch, assert_same, json_lines};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Starts a run and kills it (SIGKILL) once its log has so many lines.
pub fn kill_after(scratch: &Scratch, directory: &str, lines: usize) {
    let mut child = start_until(scratch, directory, lines);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Starts a run and waits until its log has so many lines, or it has ended.
fn start_until(scratch: &Scratch, directory: &str, lines: usize) -> Child {
    let setting = format!("run.directory={directory}");
    wait_for(scratch.program(&["run", "run.toml", "--set", &setting]), &scratch.path(directory), lines)
}

/// Starts a run in a directory and waits until its log has so many lines, or it has ended.
fn wait_for(mut program: Command, directory: &Path, lines: usize) -> Child {
    let mut child =
        program.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let log = directory.join("measurements.jsonl");
    let start = Instant::now();
    while std::fs::read_to_string(&log).map_or(0, |text| text.lines().count()) < lines {
        assert!(start.elapsed() < Duration::from_secs(60), "the run does not get on");
        if child.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    child
}

/// What a batch system sends first: the run writes a checkpoint, says so, and goes on later.
#[test]
fn a_signal_ends_a_run_with_a_checkpoint() {
    let long = SMALL.replace("sweeps = 12", "sweeps = 200").replace("checkpoint_seconds = 0", "");
    let scratch = Scratch::new(&long);
    for (name, ranks) in [("one", "[1]"), ("two", "[1,1,1,2]")] {
        let settings = format!("run.directory={name}");
        let ranks = format!("machine.ranks={ranks}");
        let child = start_until(&scratch, name, 20);
        let sent = Command::new("kill").arg(child.id().to_string()).status().unwrap();
        assert!(sent.success());
        let output = child.wait_with_output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && error.contains("stopped by a signal"), "{error}");
        let again = scratch.run(&["run", "run.toml", "--set", &settings, "--set", &ranks]);
        assert!(String::from_utf8_lossy(&again.stderr).contains("going on from the checkpoint"), "{again:?}");
        assert_same(&scratch.path("one"), &scratch.path(name));
    }
    scratch.succeeds(&["run", "run.toml", "--set", "run.directory=whole"]);
    assert_same(&scratch.path("whole"), &scratch.path("one"));
}

/// Sends a signal in the middle of the stage whose first line is of a kind: nothing of it is kept, and it is done again, whole.
fn interrupt_in(run_file: &str, kind: &str) {
    let scratch = Scratch::new(run_file);
    scratch.succeeds(&["run", "run.toml", "--set", "run.directory=whole"]);
    let log = |name: &str| std::fs::read_to_string(scratch.path(name).join("measurements.jsonl")).unwrap();
    let whole = log("whole");
    let kind = format!(r#""kind":"{kind}""#);
    let before = whole.lines().take_while(|line| !line.contains(&kind)).count();
    for (name, ranks) in [("one", "[1]"), ("two", "[1,1,1,2]")] {
        let settings = [format!("run.directory={name}"), format!("machine.ranks={ranks}")];
        let arguments = ["run", "run.toml", "--set", &settings[0], "--set", &settings[1]];
        let child = wait_for(scratch.program(&arguments), &scratch.path(name), before);
        std::thread::sleep(Duration::from_millis(150));
        let sent = Command::new("kill").arg(child.id().to_string()).status().unwrap();
        assert!(sent.success());
        let output = child.wait_with_output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && error.contains("stopped by a signal"), "{error}");
        assert_eq!(log(name).lines().count(), before, "the stage did not end");
        let again = scratch.run(&arguments);
        assert!(String::from_utf8_lossy(&again.stderr).contains("going on from the checkpoint"), "{again:?}");
        assert_same(&scratch.path("whole"), &scratch.path(name));
    }
}

#[test]
fn a_signal_in_a_flow_ends_the_run_before_it() {
    interrupt_in(&SMALL.replace("time = 0.2", "time = 10.0"), "flow");
}

#[test]
fn a_signal_between_solves_ends_the_run_before_them() {
    let short = SMALL.replace("sweeps = 12", "sweeps = 3").replace("trajectories = 12", "trajectories = 1");
    let slow = "mass = 0.2\nsolver = \"gmres\"\ntolerance = 1e-14";
    interrupt_in(&short.replace("mass = 0.2", slow), "solve");
    let spectrum = SMALL.replace("kind = \"solve\"", "kind = \"spectrum\"");
    interrupt_in(&spectrum.replace("mass = 0.2", "mass = 0.2\ncount = 4"), "eigenvalue");
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
fn nothing_that_a_run_did_not_make_is_replaced() {
    let scratch = Scratch::new(SMALL);
    scratch.succeeds(&["run", "run.toml"]);
    let (mine, own) = (scratch.path("mine.lime"), scratch.path("r.toml"));
    std::fs::copy(scratch.path("out/end.lime"), &mine).unwrap();
    std::fs::copy(scratch.path("run.toml"), &own).unwrap();
    for (folder, file) in [("new", "end.lime"), ("table", "table.txt")] {
        std::fs::create_dir(scratch.path(folder)).unwrap();
        std::fs::write(scratch.path(folder).join(file), "mine").unwrap();
    }
    let refused = |settings: &[&str], why: &str| {
        let mut arguments = vec!["run", "r.toml"];
        settings.iter().for_each(|setting| arguments.extend(["--set", setting]));
        let output = scratch.run(&arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains(why), "{settings:?}: {error}");
    };
    let here = "run.directory=.";
    refused(&[here, "start.kind=file", "start.file=mine.lime", "stage.4.file=mine.lime"], "starts from");
    refused(&[here, "stage.4.file=r.toml"], "is the run file");
    refused(&["run.directory=new"], "end.lime is there already");
    refused(&["run.directory=table"], "holds table.txt");
    assert_eq!(std::fs::read(mine).unwrap(), std::fs::read(scratch.path("out/end.lime")).unwrap());
    assert_eq!(std::fs::read_to_string(own).unwrap(), SMALL);
    assert_eq!(std::fs::read_to_string(scratch.path("new/end.lime")).unwrap(), "mine");
    assert_eq!(std::fs::read_to_string(scratch.path("table/table.txt")).unwrap(), "mine");
    // What a killed process left half written goes.
    let left = scratch.path("out/.end.lime.aB3xY9.tmp");
    std::fs::write(&left, "half").unwrap();
    scratch.succeeds(&["run", "run.toml"]);
    assert!(!left.exists());
}

#[test]
fn a_diverged_trajectory_is_rejected_and_the_run_goes_on() {
    let scratch = Scratch::new(SMALL);
    let shown =
        scratch.succeeds(&["run", "run.toml", "--set", "stage.1.length=1000", "--set", "stage.1.steps=1"]);
    assert!(shown.contains("acceptance"), "{shown}");
    let told = |row: &str, note: &str| shown.lines().any(|line| line.contains(row) && line.contains(note));
    assert!(told("diverged", "12  trajectories without a delta H"), "{shown}");
    assert!(told("reversibility", "diverged, too"), "{shown}");
    assert!(!shown.contains("NaN"), "{shown}");
    assert!(scratch.path("out/end.lime").exists());
}

/// Random links are so far from equilibrium that exp(-delta H) of the first trajectories is huge, or beyond any number.
#[test]
fn an_average_of_a_run_from_far_off_is_told_for_what_it_is() {
    const FAR: &str = "[run]\nseed = 5\ndirectory = \"out\"\n[lattice]\ngroup = \"SU(3)\"\nextents = [4, 4, 4, 8]\n\
                       [action]\nbeta = 5.7\n[start]\nkind = \"hot\"\n\
                       [[stage]]\nkind = \"hmc\"\ntrajectories = 12\nsteps = 10\n";
    let scratch = Scratch::new(FAR);
    let row = |settings: &[&str]| {
        let lines =
            json_lines(&scratch.succeeds(&[&["run", "run.toml", "--fresh", "--json"], settings].concat()));
        let table = std::fs::read_to_string(scratch.path("out/table.txt")).unwrap();
        assert!(!table.contains("inf ") && !table.contains("NaN"), "{table}");
        let row = lines.into_iter().find(|l| l["kind"] == "result" && l["quantity"] == "exp(-delta H)");
        row.map(|row| (row["value"].as_f64(), row["n"].as_u64(), row["note"].to_string())).unwrap()
    };
    // The first delta H is -100 on the small lattice and -806 on the larger one.
    for (extents, infinite) in [("[4,4,4,8]", false), ("[8,8,8,8]", true)] {
        let extents = format!("lattice.extents={extents}");
        let (value, n, note) = row(&["--set", "stage.0.steps=2", "--set", &extents]);
        assert_eq!((value.is_none(), n), (infinite, Some(12)), "{note}");
        assert!(note.contains("1 in equilibrium") && note.contains("`thermalise`"), "{note}");
        assert_eq!(note.contains("infinite"), infinite, "{note}");
    }
    let (value, n, note) = row(&["--set", "stage.0.trajectories=30", "--set", "stage.0.thermalise=15"]);
    assert!(value.is_some() && n == Some(15) && !note.contains("equilibrium"), "{value:?} {note}");
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
    // All but the seconds, which stand below the table.
    let (table, _) = first.split_once("\nsolvers\n").unwrap();
    let again = scratch.succeeds(&["run", "run.toml", "--fresh"]);
    assert_eq!(again.split_once("\nsolvers\n").unwrap().0, table);
    assert_eq!(std::fs::read(scratch.path("out/end.lime")).unwrap(), links);
}

/// A mistake is found before anything is removed.
#[test]
fn a_fresh_run_that_cannot_begin_leaves_what_was_there() {
    let scratch = Scratch::new(SMALL);
    scratch.succeeds(&["run", "run.toml"]);
    let kept =
        ["measurements.jsonl", "results.jsonl", "provenance.json", "checkpoint/state.json", "end.lime"];
    let read = || kept.map(|name| std::fs::read(scratch.path("out").join(name)).expect(name));
    let before = read();
    let fresh = ["run", "run.toml", "--fresh"];
    scratch.fails(1, &[&fresh[..], &["--input", "none.lime"]].concat());
    scratch.fails(1, &[&fresh[..], &["--input", "run.toml"]].concat());
    scratch.fails(2, &[&fresh[..], &["--set", "stage.0.kind=none"]].concat());
    assert!(read() == before);
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

#[test]
fn measurements_that_were_changed_are_noticed() {
    let scratch = Scratch::new(&SMALL.replace("sweeps = 12", "sweeps = 300"));
    kill_after(&scratch, "out", 20);
    let log = scratch.path("out/measurements.jsonl");
    let text = std::fs::read_to_string(&log).unwrap();
    let change = || {
        let text = std::fs::read_to_string(&log).unwrap();
        std::fs::write(&log, text.replacen("0.", "1.", 1)).unwrap();
        let error = scratch.fails(1, &["run", "run.toml"]);
        assert!(error.contains("was changed since the checkpoint") && error.contains("--fresh"), "{error}");
    };
    change();
    std::fs::write(&log, text).unwrap();
    scratch.succeeds(&["run", "run.toml"]);
    // A complete run shows no results of other measurements either.
    change();
}
