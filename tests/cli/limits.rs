//! A limit on the size of files, as batch systems set it, is an error of the write that meets it: the program is not
//! killed, and what stood there stands.

use crate::program::{SMALL, Scratch, assert_same};
use crate::resume::kill_after;
use std::process::Output;

/// Runs the program where no file may grow beyond 32 KiB (64 in some shells), far less than the links of [`SMALL`] need.
fn limited(scratch: &Scratch, arguments: &[&str]) -> Output {
    let program = scratch.program(arguments);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "ulimit -f 64 && exec \"$0\" \"$@\""]).arg(program.get_program()).args(arguments);
    shell.current_dir(scratch.path("")).output().unwrap()
}

/// Asserts exit status 1, which a signal does not give, and a sentence with these words.
fn assert_refused(output: &Output, words: &[&str]) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{}: {error}", output.status);
    assert!(words.iter().all(|word| error.contains(word)) && !error.contains("panicked"), "{error}");
}

fn names(scratch: &Scratch, folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(scratch.path(folder)).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_that_may_not_grow_leaves_the_old_one() {
    let scratch = Scratch::new(SMALL);
    scratch.succeeds(&["run", "run.toml"]);
    std::fs::write(scratch.path("conf.nersc"), "old").unwrap();
    let before = names(&scratch, "");
    let convert = ["ildg", "convert", "out/end.lime", "conf.nersc", "--to", "nersc", "--force"];
    assert_refused(&limited(&scratch, &convert), &["conf.nersc", "File too large"]);
    assert_eq!(std::fs::read(scratch.path("conf.nersc")).unwrap(), b"old");
    assert_eq!(names(&scratch, ""), before, "no part of the new file is left");
    scratch.succeeds(&convert);
}

#[test]
fn a_run_whose_checkpoint_may_not_grow_goes_on_later() {
    let scratch = Scratch::new(SMALL);
    scratch.succeeds(&["run", "run.toml", "--set", "run.directory=whole"]);
    kill_after(&scratch, "cut", 14);
    let run = ["run", "run.toml", "--set", "run.directory=cut"];
    // The kill may have left a part of one, which goes when a run goes on.
    let mut before = names(&scratch, "cut/checkpoint");
    before.retain(|name| !name.starts_with('.'));
    assert_refused(&limited(&scratch, &run), &["cut/checkpoint", "File too large"]);
    assert_eq!(names(&scratch, "cut/checkpoint"), before, "no part of a checkpoint is left");
    scratch.succeeds(&run);
    assert_same(&scratch.path("whole"), &scratch.path("cut"));
}
