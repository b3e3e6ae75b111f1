//! What users get wrong: a sentence that says what, where and what to do, and an exit status that is not 0.

use crate::program::{SMALL, Scratch};

#[test]
fn mistakes_in_the_run_file_end_with_status_2() {
    let scratch = Scratch::new(SMALL);
    for (setting, said) in [
        ("action.btea=6", &["btea", "`beta`"][..]),
        ("action.beta=six", &["line", "beta"]),
        ("stage.0.kind=heatbth", &["heatbth", "heatbath"]),
        ("stage.1.steps=0", &["steps", "at least 1"]),
        ("stage.9.steps=1", &["--set", "counted from 0"]),
        ("lattice.group=SU(5)", &["SU(5)", "SU(3)"]),
        ("stage.1.thermalise=12", &["thermalise"]),
        ("run.chains=9", &["1 to 8"]),
        ("start.kind=file", &["--input"]),
        ("stage.3.boundary=[1,1,1,2]", &["boundary sign"]),
    ] {
        let error = scratch.fails(2, &["run", "run.toml", "--set", setting]);
        assert!(said.iter().all(|word| error.contains(word)), "{setting}: {error}");
    }
    assert!(!scratch.path("out").exists(), "nothing was begun");
    std::fs::write(scratch.path("empty.toml"), "").unwrap();
    assert!(scratch.fails(2, &["run", "empty.toml"]).contains("[run]"));
    scratch.fails(2, &["run"]);
    scratch.fails(2, &["rnu", "run.toml"]);
}

#[test]
fn what_the_machine_or_the_files_do_not_allow_ends_with_status_1() {
    let scratch = Scratch::new(SMALL);
    std::fs::write(scratch.path("file"), "text").unwrap();
    for (setting, said) in [
        ("lattice.extents=[512,512,512,1024]", &["MiB are free", "smaller lattice"][..]),
        ("lattice.extents=[4,4,4,5]", &["even extents"]),
        ("lattice.extents=[4,4,4,1]", &["at least 2"]),
        ("machine.ranks=[3]", &["does not divide"]),
        ("run.directory=file/x", &["file/x"]),
        ("run.directory=/proc/x", &["/proc/x"]),
        ("stage.4.file=no/such/folder/end.lime", &["no/such/folder"]),
        ("stage.3.max_iterations=2", &["did not converge", "solve"]),
        ("stage.3.source=[9,0,0,0]", &["outside the lattice"]),
    ] {
        let error = scratch.fails(1, &["run", "run.toml", "--fresh", "--set", setting]);
        assert!(said.iter().all(|word| error.contains(word)), "{setting}: {error}");
    }
    let error = scratch.fails(1, &["run", "none.toml"]);
    assert!(error.contains("none.toml") && error.contains("check the path"), "{error}");
    let error = scratch.fails(1, &["run", "run.toml", "--fresh", "--input", "file"]);
    assert!(error.contains("LIME"), "{error}");
}

#[test]
fn a_rank_that_fails_does_not_leave_the_others_waiting() {
    let scratch = Scratch::new(SMALL);
    let settings = ["--set", "machine.ranks=[1,1,1,2]", "--set", "stage.4.file=no/such/folder/end.lime"];
    let error = scratch.fails(1, &[&["run", "run.toml"][..], &settings].concat());
    assert!(error.contains("no/such/folder"), "{error}");
}
