//! Compiles C and C++ programs against the headers and the library that cargo built beside the test, and runs them.

use std::path::{Path, PathBuf};
use std::process::Command;

pub fn include() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../include")
}

/// The shared library that cargo built beside this test.
pub fn library() -> PathBuf {
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    folder.join("libgaugelink.so")
}

/// A tool's answer; `None`, with a line that says so, where there is no such tool.
pub fn answer(command: &mut Command) -> Option<String> {
    let Ok(output) = command.output() else {
        println!("skipped: there is no {} on this machine", command.get_program().to_string_lossy());
        return None;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    Some(text)
}

/// What a C or C++ program says that is compiled in `folder` and linked with the library; `None` without a compiler.
pub fn said(source: &Path, arguments: &[PathBuf], folder: &Path) -> Option<String> {
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
