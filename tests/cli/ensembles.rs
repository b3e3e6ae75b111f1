//! Ensembles that stages of updates write.

use crate::program::{Scratch, json_lines};
use crate::resume::kill_after;
use std::collections::BTreeMap;
use std::os::unix::fs::DirEntryExt;
use std::path::Path;

const RUN: &str = r#"
[run]
seed = 8
directory = "out"
checkpoint_seconds = 0
[lattice]
group = "SU(2)"
extents = [4, 4, 4, 4]
[action]
beta = 2.3
[start]
kind = "cold"
[[stage]]
kind = "heatbath"
sweeps = 20
[[stage]]
kind = "hmc"
trajectories = 42
steps = 4
thermalise = 2
write = { every = 4, file = "su2.lime", lfn = "lfn://test/su2" }
"#;

/// The bytes of all files of a folder, by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entry = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
    };
    std::fs::read_dir(folder).unwrap().map(entry).collect()
}

/// Which files they are, by name.
fn places(folder: &Path) -> BTreeMap<String, u64> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.ino())).collect()
}

#[test]
fn a_stage_writes_an_ensemble_that_verifies_and_survives_a_kill() {
    let scratch = Scratch::new(RUN);
    let lines = json_lines(&scratch.succeeds(&["run", "run.toml", "--json"]));
    let whole = files(&scratch.path("out/ensemble"));
    // Twenty sweeps and two trajectories before.
    let names: Vec<String> = (1..=10).map(|k| format!("su2.{:05}.lime", 22 + 4 * k)).collect();
    assert_eq!(whole.keys().collect::<Vec<_>>(), names.iter().collect::<Vec<_>>());
    for name in &names {
        let update: u64 = name[4..9].parse().unwrap();
        let of = |kind: &'static str| lines.iter().filter(move |line| line["kind"] == kind);
        let measured = of("hmc").find(|line| line["update"] == update).unwrap();
        let written = of("write").find(|line| line["file"] == format!("ensemble/{name}")).unwrap();
        assert_eq!(measured["plaquette"], written["plaquette"]);
        assert_eq!(written["verified"], true);
    }
    let row = lines.iter().find(|line| line["quantity"] == "configurations").unwrap();
    assert_eq!(row["n"], 10);
    let verified = scratch.succeeds(&["ensemble", "verify", "out/ensemble"]);
    assert!(verified.contains("26 to 62 by 4: 10 of 10 configurations"), "{verified}");
    let info = scratch.succeeds(&["ildg", "info", "out/ensemble/su2.00030.lime"]);
    assert!(info.contains("lfn://test/su2.00030"), "{info}");

    // From the begin, for there is no checkpoint yet.
    std::fs::write(
        scratch.path("run.toml"),
        RUN.replace("checkpoint_seconds = 0", "checkpoint_seconds = 60"),
    )
    .unwrap();
    kill_after(&scratch, "killed", 40);
    let before = places(&scratch.path("killed/ensemble"));
    scratch.succeeds(&["run", "run.toml", "--set", "run.directory=killed"]);
    assert!(whole == files(&scratch.path("killed/ensemble")), "the files of a run that was not killed");
    let after = places(&scratch.path("killed/ensemble"));
    assert!(!before.is_empty() && before.iter().all(|(name, place)| after[name] == *place), "written anew");

    // What somebody else put there in between stays, and ends the run.
    kill_after(&scratch, "foreign", 40);
    let foreign = scratch.path("foreign/ensemble/su2.00062.lime");
    assert!(!foreign.exists());
    std::fs::write(&foreign, "somebody else's").unwrap();
    let error = scratch.fails(1, &["run", "run.toml", "--set", "run.directory=foreign"]);
    assert!(error.contains("su2.00062.lime") && error.contains("no configuration is replaced"), "{error}");
    assert_eq!(std::fs::read_to_string(&foreign).unwrap(), "somebody else's");
    assert!(files(foreign.parent().unwrap()).keys().all(|name| !name.starts_with('.')));

    // Nor does anything replace files of others where results go, or lie beside the data.
    let verify = |out: &str| scratch.fails(2, &["ensemble", "verify", "out/ensemble", "--out", out]);
    assert!(verify("out/ensemble").contains("beside which nothing is written"));
    std::fs::create_dir(scratch.path("mine")).unwrap();
    std::fs::write(scratch.path("mine/table.txt"), "mine").unwrap();
    let error = verify("mine");
    assert!(error.contains("table.txt") && error.contains("no earlier call left there"), "{error}");
    assert_eq!(files(&scratch.path("mine")).len(), 1);
    let error = scratch.fails(1, &["ensemble", "measure", "out/ensemble", "--flow", "1e9"]);
    assert!(error.contains("--flow-step") && error.contains("more than 1000000 steps"), "{error}");

    // Numbers of two runs would mix.
    let error = scratch.fails(2, &["run", "run.toml", "--fresh"]);
    assert!(error.contains("configurations of another run") && error.contains("move them away"), "{error}");
    assert!(whole == files(&scratch.path("out/ensemble")));
    let error =
        scratch.fails(2, &["run", "run.toml", "--set", "run.directory=n", "--set", "stage.1.write.every=41"]);
    assert!(error.contains("no file would be written"), "{error}");
    let error = scratch
        .fails(2, &["run", "run.toml", "--set", "run.directory=n", "--set", "stage.1.write.format=nersc"]);
    assert!(error.contains("no logical file name"), "{error}");
}

#[test]
fn each_chain_of_a_batch_has_files_of_its_own() {
    let batch = RUN.replace("[run]", "[run]\nchains = 2").replace(", lfn = \"lfn://test/su2\"", "");
    let scratch = Scratch::new(&batch);
    scratch.succeeds(&["run", "run.toml"]);
    assert_eq!(files(&scratch.path("out/ensemble")).len(), 20);
    let verified = scratch.succeeds(&["ensemble", "verify", "out/ensemble"]);
    assert!(verified.contains("several chains"), "{verified}");
}
