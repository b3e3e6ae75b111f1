//! The header against the library: it compiles as C11 and C++17, declares exactly what is exported, and its functions
//! check what they are given.

mod program;

use program::{answer, include, library, said};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// Format of a file by its name.
const FORMATS: [(&str, &str); 7] = [
    ("barelime_", "ildg"),
    ("ildg_", "ildg"),
    ("scidac_milc_", "scidac"),
    ("nersc_", "nersc"),
    ("milcv5_", "milc"),
    ("openqcd_", "openqcd"),
    ("ddalphaamg_", "ddalphaamg"),
];

#[test]
fn files_of_every_format_are_read_and_written_through_c() {
    let data = std::env::var_os("GAUGELINK_TEST_DATA").map(PathBuf::from);
    let Some(data) = data.filter(|data| data.join("index.json").is_file()) else {
        println!(
            "skipped: GAUGELINK_TEST_DATA does not name a folder with configurations and their index.json"
        );
        return;
    };
    let text = std::fs::read_to_string(data.join("index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&text).unwrap();
    let format = |name: &str| FORMATS.iter().find(|(prefix, _)| name.starts_with(prefix)).map(|pair| pair.1);
    let entries: Vec<_> = index["files"].as_array().unwrap().iter().collect();
    let named = |name: &str| entries.iter().find(|entry| entry["file"] == name).unwrap();
    let files = entries.iter().filter_map(|entry| entry["file"].as_str());
    // Vectors are no links, and fat and long links no members of the group: one of the latter is read as numbers.
    let files =
        files.filter(|name| format(name).is_some() && !name.contains("vector") && !name.contains("long"));
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = vec![folder.path().join("scratch")];
    arguments.extend(files.map(|name| data.join(name)));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files.c");
    let Some(answer) = said(&source, &arguments, folder.path()) else { return };
    let mut formats = BTreeSet::new();
    for line in answer.lines() {
        let Some(("FILE", line)) = line.split_once('\t') else { panic!("{line}") };
        let [path, found, nc, precision, plaquette, checksum] = line.split('\t').collect::<Vec<_>>()[..]
        else {
            panic!("{line}")
        };
        let name = Path::new(path).file_name().unwrap().to_str().unwrap();
        let entry = named(name);
        assert_eq!((Some(found), nc), (format(name), entry["Nc"].to_string().trim_matches('"')), "{line}");
        if let Some(expected) = entry["plaquette"].as_str().and_then(|text| text.parse::<f64>().ok())
            && nc != "4"
        {
            let tolerance = if precision == "64" { 1e-11 } else { 2e-6 };
            assert!((plaquette.parse::<f64>().unwrap() - expected).abs() < tolerance, "{line}");
        }
        assert_eq!(checksum == "2", name.contains("BADCHECKSUM"), "{line}");
        formats.insert(found.to_owned());
    }
    assert_eq!((answer.lines().count(), formats.len()), (arguments.len() - 1, 6), "{formats:?}");
    assert!(arguments.len() > 18);
}

#[test]
fn callbacks_live_as_long_as_what_may_call_them() {
    assert_eq!(wrong("callbacks.cpp"), "");
}

#[test]
fn what_is_written_has_numbers_and_a_name_and_a_wrong_checksum_can_be_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/writing.c");
    let wrong = said(&source, &[folder.path().join("conf")], folder.path());
    assert_eq!(wrong.unwrap_or_default(), "");
}
