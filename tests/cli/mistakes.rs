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
        ("stage.1.steps=2147483648", &["| steps = 2147483648", "at most 100000"]),
        ("stage.9.steps=1", &["--set", "counted from 0"]),
        ("lattice.group=SU(5)", &["SU(5)", "SU(3)"]),
        ("stage.1.thermalise=12", &["thermalise"]),
        ("stage.1.relax=1", &["relax", "thermalise"]),
        ("run.chains=9", &["1 to 8"]),
        ("start.kind=file", &["--input"]),
        ("stage.3.boundary=[1,1,1,2]", &["boundary phase"]),
        ("action.beta=nan", &["beta", "finite"]),
        ("stage.3.mass=inf", &["mass", "finite"]),
        ("stage.3.mass=-4", &["mass", "kappa"]),
        ("stage.3.restart=20", &["line ", "`restart` needs solver = \"gmres\""]),
        ("stage.4.file=no/such/folder/end.lime", &["plain file name"]),
        ("stage.4.file=../end.lime", &["plain file name"]),
        ("stage.4.file=measurements.jsonl", &["the run's own files"]),
        ("action.beta=-1", &["line 10", "| beta = -1", "expected 0 or more"]),
        ("lattice.extents=[4,4,4,1]", &["line 8", "| extents = [", "at least 2"]),
        ("lattice.extents=[8]", &["line 8", "2 to 4 extents"]),
        ("lattice.extents=[4,4,4,4,4]", &["line 8", "2 to 4 extents"]),
        ("lattice.extents=[4,4,-4,4]", &["line 8", "expected a whole number from 0 on"]),
        ("lattice.extents=[1000000,1000000,1000000,1000000]", &["line 8", "2^40 sites"]),
        ("lattice.extents=8", &["line 8", "expected a list in brackets"]),
        ("machine.ranks=[3]", &["| ranks = [3]", "does not divide"]),
        ("machine.ranks=[0]", &["| ranks = [0]", "does not divide into 0"]),
        ("machine.ranks=[1,1,1,1,2]", &["| ranks = ", "at most one per dimension"]),
        ("stage.0.sweeps=2.5", &["line 17", "sweeps", "expected a whole number from 0 on"]),
        ("stage.0.overrelaxation=-1", &["line 18", "expected a whole number from 0 on"]),
        ("measure.charge=1", &["line 14", "expected true or false"]),
        ("run.seed=-5", &["line 3", "expected a whole number from 0 on"]),
        ("stage.3.tolerance=1e-30", &["tolerance = 1e-30", "expected 1e-15 or more"]),
        ("stage.3.tolerance=1.0", &["tolerance = 1.0", "below 1"]),
        ("stage.1.force=x", &["force", "expected a table such as { plugin"]),
        ("stage.1.thermalise=13", &["| thermalise = 13"]),
        ("run.directory=\"\"", &["line 4", "expected a path"]),
        ("run.directory=\"a\\u0000b\"", &["line 4", "expected a path"]),
        ("run.directory=\"{input}\"", &["line 4", "`{input}`", "expected a path"]),
        ("stage.4.file=\"a\\u0000b\"", &["| file = ", "expected a plain file name"]),
    ] {
        let error = scratch.fails(2, &["run", "run.toml", "--set", setting]);
        assert!(said.iter().all(|word| error.contains(word)), "{setting}: {error}");
        assert!(!error.contains("usize") && !error.contains("u64"), "{setting}: {error}");
    }
    let long = format!("stage.4.file={}", "n".repeat(241));
    let error = scratch.fails(2, &["run", "run.toml", "--set", &long]);
    assert!(error.contains("241 bytes") && error.contains("at most 240"), "{error}");
    assert!(!scratch.path("out").exists(), "nothing was begun");
    let twice = format!("{SMALL}[[stage]]\nkind = \"write\"\nfile = \"end.lime\"\n");
    std::fs::write(scratch.path("twice.toml"), twice).unwrap();
    assert!(scratch.fails(2, &["run", "twice.toml"]).contains("two stages write"));
    let low = format!("{SMALL}[[stage]]\nkind = \"spectrum\"\nmass = -4\n");
    std::fs::write(scratch.path("low.toml"), low).unwrap();
    let error = scratch.fails(2, &["run", "low.toml"]);
    assert!(error.contains("mass = -4") && error.contains("kappa"), "{error}");
    for table in ["measure", "action", "fermions"] {
        let solve = format!("[run]\ndirectory = \"s\"\n[solve]\nmass = 0.2\n[{table}]\n");
        std::fs::write(scratch.path("solve.toml"), solve).unwrap();
        let error = scratch.fails(2, &["solve", "solve.toml", "--input", "conf.lime"]);
        assert!(error.contains("line 5") && error.contains(&format!("unknown table `{table}`")), "{error}");
    }
    std::fs::write(scratch.path("empty.toml"), "").unwrap();
    assert!(scratch.fails(2, &["run", "empty.toml"]).contains("[run]"));
    scratch.fails(2, &["run"]);
    scratch.fails(2, &["rnu", "run.toml"]);
}

/// What the lattice does not allow is found before the first update, though its stage may be the last.
#[test]
fn stages_that_the_lattice_does_not_allow_are_refused_at_once() {
    let scratch = Scratch::new(SMALL);
    for (setting, said) in [
        ("lattice.extents=[4,4,4,5]", &["stage 0 (heatbath)", "even extents"][..]),
        ("lattice.extents=[4,4,8]", &["stage 3 (solve)", "4 dimensions"]),
        ("action.kind=iwasaki", &["stage 0 (heatbath)", "Wilson's action only"]),
        ("stage.3.source=[9,0,0,0]", &["stage 3 (solve)", "outside the lattice"]),
        ("stage.2.step=0.2", &["stage 2 (flow)", "| step = 0.2", "0.156"]),
        ("stage.2.time=1e300", &["stage 2 (flow)", "more than 1000000 steps"]),
        ("stage.2.step=1e-9", &["stage 2 (flow)", "| step = 1e-9", "more than 1000000 steps"]),
        ("machine.threads=100000", &["cores"]),
    ] {
        let error = scratch.fails(2, &["run", "run.toml", "--set", setting]);
        assert!(error.contains("run.toml: line "), "{setting}: {error}");
        assert!(said.iter().all(|word| error.contains(word)), "{setting}: {error}");
        assert!(!scratch.path("out").exists(), "{setting}: nothing is left");
    }
    let settings = ["--set", "lattice.group=SU(2)", "--set", "stage.3.links=two-rows"];
    let error = scratch.fails(2, &[&["run", "run.toml"], &settings[..]].concat());
    assert!(
        error.contains("| links = \"two-rows\"") && error.contains("links of SU(3), not of SU(2)"),
        "{error}"
    );
}

#[test]
fn what_the_machine_or_the_files_do_not_allow_ends_with_status_1() {
    let scratch = Scratch::new(SMALL);
    std::fs::write(scratch.path("file"), "text").unwrap();
    for (setting, said) in [
        ("lattice.extents=[128,256,256,256]", &["MiB are free", "smaller lattice"][..]),
        ("run.directory=file/x", &["file/x"]),
        ("run.directory=/proc/x", &["/proc/x"]),
        ("stage.3.max_iterations=2", &["did not converge", "solve"]),
    ] {
        let error = scratch.fails(1, &["run", "run.toml", "--fresh", "--set", setting]);
        assert!(said.iter().all(|word| error.contains(word)), "{setting}: {error}");
    }
    let error = scratch.fails(1, &["run", "none.toml"]);
    assert!(error.contains("none.toml") && error.contains("check the path"), "{error}");
    let error = scratch.fails(1, &["run", "run.toml", "--fresh", "--input", "file"]);
    assert!(error.contains("LIME"), "{error}");
}

/// Limits of batch systems around what the run takes: it is done, or refused by a sentence.
#[test]
#[cfg(target_os = "linux")]
fn a_limit_on_memory_never_ends_the_process_by_a_signal() {
    let short =
        SMALL.replace("[4, 4, 4, 8]", "[16, 16, 16, 8]").replace("= 12", "= 1").replace("= 2\n", "= 0\n");
    let scratch = Scratch::new(short.split("[[stage]]\nkind = \"solve\"").next().unwrap());
    let mut outcomes = [0, 0];
    for limit in (60..200).step_by(10) {
        let program = scratch.program(&["run", "run.toml", "--fresh"]);
        let mut limited = std::process::Command::new("sh");
        limited.args(["-c", &format!("ulimit -v {limit}000; exec \"$0\" \"$@\"")]);
        limited.arg(program.get_program()).args(program.get_args()).current_dir(scratch.path(""));
        let output = limited.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => outcomes[0] += 1,
            Some(1) if error.contains("MiB are free for this process") => outcomes[1] += 1,
            _ => panic!("{limit}000: {output:?}"),
        }
    }
    assert!(outcomes[0] > 0 && outcomes[1] > 0, "{outcomes:?}");
}

/// A start file that is damaged or holds what no update can go on from is refused; the sentence says what to do.
#[test]
fn damaged_start_files_are_refused() {
    let scratch = Scratch::new(SMALL);
    scratch.succeeds(&["run", "run.toml"]);
    let whole = std::fs::read(scratch.path("out/end.lime")).unwrap();
    let file = lime_rs::IldgFile::open(scratch.path("out/end.lime")).unwrap();
    let payload = file.payload().offset as usize;
    let start = |bytes: &[u8], settings: &[&str]| {
        std::fs::write(scratch.path("start.lime"), bytes).unwrap();
        let arguments = ["run", "run.toml", "--fresh", "--set", "run.directory=on", "--input", "start.lime"];
        scratch.fails(1, &[&arguments[..], settings].concat())
    };
    let mut flipped = whole.clone();
    flipped[payload + 1001] ^= 1;
    let error = start(&flipped, &[]);
    assert!(error.contains("checksum mismatch") && error.contains("start.ignore_checksum=true"), "{error}");
    let mut broken = whole.clone();
    broken[payload..payload + 8].copy_from_slice(&f64::NAN.to_be_bytes());
    let ignore = ["--set", "start.ignore_checksum=true"];
    assert!(start(&broken, &ignore).contains("not finite"));
    broken[payload..payload + 8].copy_from_slice(&2f64.to_be_bytes());
    assert!(start(&broken, &ignore).contains("not unitary"));
    // Where nothing is updated, such links can be had: they may be fat ones.
    std::fs::write(scratch.path("solve.toml"), crate::solve::SOLVE).unwrap();
    let solve = ["solve", "solve.toml", "--input", "start.lime", "--set", "start.ignore_checksum=true"];
    let error = scratch.fails(1, &solve);
    assert!(error.contains("1 link is not unitary: ||U U^+ - 1|| is up to"), "{error}");
    assert!(error.contains("start.lime") && error.contains("--set start.ignore_unitarity=true"), "{error}");
    scratch.succeeds(&[&solve[..], &["--set", "start.ignore_unitarity=true"]].concat());
    let error = start(&broken, &[&ignore[..], &["--set", "start.ignore_unitarity=true"]].concat());
    assert!(
        error.contains("not unitary") && !error.contains("ignore_unitarity"),
        "updates need links: {error}"
    );
    assert!(start(&whole[..whole.len() / 2], &[]).contains("truncated"));
    let error = start(&whole, &["--set", "lattice.extents=[4,4,8,4]"]);
    assert!(error.contains("[4, 4, 4, 8]") && error.contains("[4, 4, 8, 4]"), "{error}");
    assert_eq!(std::fs::read(scratch.path("out/end.lime")).unwrap(), whole);
}

#[test]
fn a_rank_that_fails_does_not_leave_the_others_waiting() {
    let scratch = Scratch::new(SMALL);
    // Only the first rank writes, and there it cannot; the lock says that the folder is an earlier run's.
    std::fs::create_dir_all(scratch.path("out/end.lime/taken")).unwrap();
    std::fs::write(scratch.path("out/lock"), "").unwrap();
    let error = scratch.fails(1, &["run", "run.toml", "--set", "machine.ranks=[1,1,1,2]"]);
    assert!(error.contains("end.lime"), "{error}");
}

/// The name goes through the text of a run file, which is UTF-8.
#[cfg(target_os = "linux")]
#[test]
fn a_start_file_whose_name_is_not_utf8_is_answered_with_a_sentence() {
    use std::os::unix::ffi::OsStrExt;
    let scratch = Scratch::new(SMALL);
    let mut program = scratch.program(&["run", "run.toml", "--input"]);
    let output = program.arg(std::ffi::OsStr::from_bytes(b"conf\xff.lime")).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("--input conf") && error.contains("not UTF-8"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_output_is_no_matter_of_runs() {
    let scratch = Scratch::new(SMALL);
    scratch.succeeds(&["run", "run.toml"]);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = scratch.program(&["measure", "out/end.lime"]).stdout(full).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("cannot write to standard output") && !error.contains("run"), "{error}");
}

/// Nobody hears of a mistake where standard error is a full disk; the exit status still tells.
#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_error_changes_no_exit_status() {
    let scratch = Scratch::new("");
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let status = scratch.program(&["run", "no-such-file.toml"]).stderr(full).status().unwrap();
    assert_eq!(status.code(), scratch.run(&["run", "no-such-file.toml"]).status.code());
    assert_eq!(status.code(), Some(1));
}
