//! `gaugelink plugin check` survives what a plugin does to its process, and says during which check it was done.

use crate::program::{Scratch, json_lines};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The plugin in C with a line more at the head of a function of its flow, or before all.
fn plugin(scratch: &Scratch, function: &str, line: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/minimal-c/src");
    let text = std::fs::read_to_string(source.join("flow.c")).unwrap();
    let head = "#include <signal.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <unistd.h>\n";
    let place = match function {
        "forward" => "  CALL(FLOW);\n  OPEN(v, V, INPUT);\n  OPEN(u, U, OUTPUT);",
        _ => "  CALL(FLOW);\n  OPEN(v, V, INPUT);\n  OPEN(from, F_U, SECOND);",
    };
    assert!(text.contains(place));
    let text = if function == "open" {
        format!("{head}{text}__attribute__((constructor)) static void begin(void) {{ {line} }}\n")
    } else {
        head.to_string() + &text.replace(place, &format!("  {line}\n{place}"))
    };
    let (changed, library) = (scratch.path("flow.c"), scratch.path("libglk_hostile.so"));
    std::fs::write(&changed, text).unwrap();
    let mut cc = Command::new("cc");
    cc.args(["-std=gnu11", "-O1", "-w", "-fPIC", "-shared", "-fvisibility=hidden", "-I"]).arg(&source);
    cc.arg("-I").arg(source.join("../../../include")).arg("-o").arg(&library).arg(changed);
    for file in ["force.c", "plugin.c", "precond.c", "proposal.c", "random.c", "view.c"] {
        cc.arg(source.join(file));
    }
    assert!(cc.arg("-lm").status().unwrap().success());
    library
}

#[test]
fn what_a_plugin_does_to_its_process_is_a_failed_check() {
    let cases = [
        ("forward", "exit(0);", "create", "was ended with exit status 0"),
        ("forward", "abort();", "create", "signal 6 SIGABRT"),
        ("pullback", "*(volatile int *)0 = 1;", "LEX f64", "signal 11 SIGSEGV"),
        ("pullback", "for (;;) sleep(1);", "LEX f64", "did not come back within 2 s (--timeout)"),
        ("open", "_exit(7);", "open", "exit status 7"),
        ("pullback", "puts(\"good day\");", "output", "beginning with \"good day"),
        ("forward", "fputs(\"good night\", stderr);", "errors", "beginning with \"good night"),
    ];
    for (function, line, check, sentence) in cases {
        let scratch = Scratch::new("");
        plugin(&scratch, function, line);
        let arguments = ["plugin", "check", "libglk_hostile.so", "--timeout", "2", "--json", "--component"];
        let output = scratch.run(&[&arguments[..], &["org.gaugelink.minimal.identity"]].concat());
        assert_eq!(output.status.code(), Some(1), "{line}");
        let lines = json_lines(std::str::from_utf8(&output.stdout).unwrap());
        let failed: Vec<_> = lines.iter().filter(|line| line["outcome"] == "FAILED").collect();
        assert_eq!(failed.len(), 1, "{line}: {failed:?}");
        assert_eq!(failed[0]["check"], check, "{line}: {failed:?}");
        assert!(failed[0]["sentence"].as_str().unwrap().contains(sentence), "{line}: {failed:?}");
    }
}

/// One bad file does not keep the others from being listed.
#[test]
fn what_a_library_does_when_it_is_opened_is_told_by_list() {
    for (line, sentence) in [
        ("exit(0);", "was ended with exit status 0"),
        ("_exit(0);", "was ended with exit status 0"),
        ("kill(getpid(), SIGKILL);", "signal 9 SIGKILL"),
    ] {
        let scratch = Scratch::new("");
        plugin(&scratch, "open", line);
        let output = scratch.run(&["plugin", "list", "--json", "./libglk_hostile.so", "minimal-c"]);
        assert_eq!(output.status.code(), Some(1), "{line}");
        let lines = json_lines(std::str::from_utf8(&output.stdout).unwrap());
        assert!(lines[0]["error"].as_str().unwrap().contains(sentence), "{line}: {lines:?}");
        assert_eq!(lines[1]["id"], "org.gaugelink.minimal", "{line}: {lines:?}");
    }
}

/// A batch script must not take it for a run that is done.
#[test]
fn a_plugin_that_ends_the_process_fails_the_run() {
    let run_file = crate::program::SMALL.replace(
        "[[stage]]\nkind = \"flow\"\ntime = 0.2\n",
        "[[stage]]\nkind = \"fthmc\"\ntrajectories = 2\nsteps = 2\n\
         flow = { plugin = \"./libglk_hostile.so\", component = \"org.gaugelink.minimal.identity\" }\n",
    );
    let scratch = Scratch::new(&run_file);
    plugin(&scratch, "pullback", "exit(0);");
    let error = scratch.fails(1, &["run", "run.toml"]);
    assert!(error.contains("a plugin ended the program in the middle of the run"), "{error}");
    assert!(scratch.path("out/checkpoint/state.json").exists());
    for (line, signal) in [("abort();", 6), ("*(volatile int *)0 = 1;", 11)] {
        plugin(&scratch, "pullback", line);
        let output = scratch.run(&["run", "run.toml", "--fresh"]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), Some(signal), "{line}: {error}");
        assert!(error.contains("crashed the program (SIG"), "{line}: {error}");
    }
}

#[test]
fn a_library_that_is_cut_off_is_told_and_kills_nothing() {
    let scratch = Scratch::new("");
    let library = plugin(&scratch, "forward", "");
    let bytes = std::fs::read(&library).unwrap();
    std::fs::write(&library, &bytes[..bytes.len() / 2]).unwrap();
    for command in [["plugin", "check", "libglk_hostile.so"], ["plugin", "list", "./libglk_hostile.so"]] {
        let output = scratch.run(&command);
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(1 | 2)) && text.contains("it is cut off"), "{text}");
    }
}
