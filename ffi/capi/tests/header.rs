//! The header against the library: it compiles as C11 and C++17, declares exactly what is exported, and its functions
//! check what they are given.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn include() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../include")
}

/// The shared library that cargo built beside this test.
fn library() -> PathBuf {
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    folder.join("libgaugelink.so")
}

/// Functions that the header declares: name and arguments.
fn declarations() -> Vec<(String, Vec<String>)> {
    let text = std::fs::read_to_string(include().join("gaugelink/gaugelink.h")).unwrap();
    let declaration = |rest: &str| {
        let (head, rest) = rest.split_once('(').unwrap();
        let name = head.split([' ', '*']).rfind(|word| !word.is_empty()).unwrap();
        let arguments = rest.split(");").next().unwrap().split(',').map(|a| a.trim().to_owned());
        (name.to_owned(), arguments.collect())
    };
    text.split("GAUGELINK_API ").skip(2).map(declaration).collect()
}

fn declared() -> BTreeSet<String> {
    declarations().into_iter().map(|(name, _)| name).collect()
}

/// A tool's answer; `None`, with a line that says so, where there is no such tool.
fn answer(command: &mut Command) -> Option<String> {
    let Ok(output) = command.output() else {
        println!("skipped: there is no {} on this machine", command.get_program().to_string_lossy());
        return None;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    Some(text)
}

/// What a C or C++ program says that is compiled in `folder` and linked with the library; `None` without a compiler.
fn said(source: &Path, arguments: &[PathBuf], folder: &Path) -> Option<String> {
    let soname = format!("libgaugelink.so.{}", env!("CARGO_PKG_VERSION_MAJOR"));
    std::os::unix::fs::symlink(library(), folder.join(soname)).unwrap();
    let program = folder.join("program");
    let (compiler, standard) = match source.extension().is_some_and(|extension| extension == "cpp") {
        true => ("g++", "-std=c++17"),
        false => ("gcc", "-std=c11"),
    };
    let mut compiler = Command::new(compiler);
    compiler.args([standard, "-Wall", "-Wno-unused-value", "-I"]).arg(include()).arg(source).arg(library());
    answer(compiler.arg("-o").arg(&program))?;
    answer(Command::new(&program).args(arguments).env("LD_LIBRARY_PATH", folder))
}

#[test]
fn it_compiles_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    for (header, compiler, standard) in [
        ("gaugelink.h", "gcc", "c11"),
        ("gaugelink.h", "g++", "c++17"),
        ("gaugelink.hpp", "g++", "c++17"),
        ("gaugelink.hpp", "g++", "c++20"),
    ] {
        let extension = if compiler == "gcc" { "c" } else { "cpp" };
        let source = folder.path().join(format!("try.{extension}"));
        std::fs::write(&source, format!("#include <gaugelink/{header}>\nint main(void) {{ return 0; }}\n"))
            .unwrap();
        let mut command = Command::new(compiler);
        command.arg(format!("-std={standard}")).args([
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Wshadow",
            "-Werror",
        ]);
        // Padding would be a difference between compilers.
        command.args((header == "gaugelink.h").then_some("-Wpadded"));
        answer(command.arg("-fsyntax-only").arg("-I").arg(include()).arg(source));
    }
}

#[test]
fn what_is_declared_is_exported_and_nothing_else() {
    let Some(symbols) = answer(Command::new("nm").args(["-D", "--defined-only"]).arg(library())) else {
        return;
    };
    let exported: BTreeSet<String> = symbols
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2))
        .filter(|name| !name.starts_with('_'))
        .map(str::to_owned)
        .collect();
    let declared = declared();
    assert!(
        declared.len() > 80 && declared.iter().all(|name| name.starts_with("gaugelink_")),
        "{declared:?}"
    );
    assert_eq!(exported, declared);
}

#[test]
fn its_name_at_run_time_has_the_major_version() {
    let Some(dynamic) = answer(Command::new("readelf").arg("-d").arg(library())) else { return };
    let name = format!("libgaugelink.so.{}", env!("CARGO_PKG_VERSION_MAJOR"));
    assert!(dynamic.contains(&format!("[{name}]")), "{dynamic}");
}

#[test]
fn null_is_answered_by_every_function() {
    let functions = declarations();
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::from("#include <gaugelink/gaugelink.h>\n#include <stdio.h>\nint main(void) {\n");
    for (name, arguments) in &functions {
        let zeros = match &arguments[..] {
            [only] if only == "void" => String::new(),
            all => vec!["0"; all.len()].join(", "),
        };
        let call = format!("{name}({zeros})");
        // What can fail takes an error and has to say INVALID_ARG; the others only have to return.
        match arguments.last().is_some_and(|last| last.contains("gaugelink_error **error")) {
            true => text += &format!("  if ({call} != GLK_INVALID_ARG) puts(\"{name}\");\n"),
            false => text += &format!("  {call};\n"),
        }
    }
    text += "  return 0;\n}\n";
    let source = folder.path().join("nulls.c");
    std::fs::write(&source, text).unwrap();
    let Some(wrong) = said(&source, &[], folder.path()) else { return };
    // NULL options are the defaults, and the place for the handle is looked at first.
    assert_eq!(wrong, "", "functions that take NULL for something");
    assert!(functions.len() > 80);
}

/// What is wrong according to a program beside this file that is given the plugin in C.
fn wrong(program: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = here.join("../../plugins/minimal-c/build.sh");
    let plugin = folder.path().join("libglk_minimal_c.so");
    answer(Command::new("sh").arg(script).arg(folder.path()))
        .and_then(|_| said(&here.join("tests").join(program), &[plugin], folder.path()))
        .unwrap_or_default()
}

#[test]
fn fields_of_another_lattice_are_refused_and_views_stay_good() {
    assert_eq!(wrong("fields.c"), "");
}

#[test]
fn callbacks_live_as_long_as_what_may_call_them() {
    assert_eq!(wrong("callbacks.cpp"), "");
}
