//! `--json`, and `gaugelink solve` on a configuration that a run wrote.

use crate::program::{SMALL, Scratch, json_lines};
use std::path::PathBuf;

pub const SOLVE: &str =
    "[run]\ndirectory = \"solved/{input}\"\n[start]\nkind = \"file\"\n[solve]\nmass = 0.2\n";

#[test]
fn solve_finds_what_the_run_found() {
    let scratch = Scratch::new(SMALL);
    let run = json_lines(&scratch.succeeds(&["run", "run.toml", "--json"]));
    std::fs::write(scratch.path("solve.toml"), SOLVE).unwrap();
    let arguments = ["solve", "solve.toml", "--input", "out/end.lime", "--json"];
    let solved = json_lines(&scratch.succeeds(&arguments));
    let pions = |lines: &[serde_json::Value]| -> Vec<f64> {
        lines.iter().filter_map(|line| line["pion"].as_f64()).collect()
    };
    assert_eq!(pions(&run).len(), 8);
    assert_eq!(pions(&run), pions(&solved));
    assert!(scratch.path("solved/end/plots/stage0-pion.svg").exists());

    let start = solved.iter().find(|line| line["kind"] == "start").unwrap();
    let written = run.iter().find(|line| line["kind"] == "write").unwrap();
    assert_eq!(start["plaquette"], written["plaquette"], "the plaquette of the file");
    assert_eq!(written["verified"], true);

    // Other solvers, and links of two rows, agree to the tolerance.
    let two_rows = &["--set", "solve.links=two-rows"];
    for (solver, more) in [
        ("cg-eo", &[][..]),
        ("bicgstab4-eo", &[]),
        ("gcr", &["--set", "solve.restart=20"]),
        ("gmres", &["--set", "solve.restart=20"]),
        ("bicgstab-eo", two_rows),
        ("bicgstab-eo-mixed", two_rows),
        ("sap-gmres", &["--set", "solve.sap.block=[2, 2, 2, 4]"]),
        ("multigrid", &["--set", "solve.multigrid={ block = [2, 2, 2, 4], vectors = 4 }"]),
    ] {
        let setting = format!("solve.solver={solver}");
        let other = [&arguments[..], &["--fresh", "--set", &setting], more].concat();
        let other = pions(&json_lines(&scratch.succeeds(&other)));
        assert!(pions(&run).iter().zip(other).all(|(a, b)| (a / b - 1.0).abs() < 1e-7), "{solver}");
    }
}

/// The pion from the numbers of the propagator's file, by a reader that knows nothing but SciDAC's records.
#[test]
fn propagators_are_files_of_others() {
    let scratch = Scratch::new(SMALL);
    scratch.succeeds(&["run", "run.toml"]);
    let keys = "propagator = { file = \"quark.scidac\" }\n";
    std::fs::write(scratch.path("solve.toml"), format!("{SOLVE}{keys}")).unwrap();
    let arguments = ["solve", "solve.toml", "--input", "out/end.lime", "--json"];
    let lines = json_lines(&scratch.succeeds(&arguments));
    let told = lines.iter().find(|line| line["kind"] == "propagator").unwrap();
    assert_eq!((told["file"].as_str(), told["columns"].as_u64()), (Some("quark.scidac"), Some(12)));
    let pion: Vec<f64> = lines.iter().filter_map(|line| line["pion"].as_f64()).collect();

    let file = lime_rs::ScidacFile::open(scratch.path("solved/end/quark.scidac")).unwrap();
    let slice = file.info().dims[..3].iter().product::<usize>();
    let mut sums = vec![0.0; pion.len()];
    for index in 1..=12 {
        let (numbers, verification) = file.numbers::<f64>(index).unwrap();
        assert!(verification.is_verified());
        for (site, numbers) in numbers.chunks_exact(24).enumerate() {
            sums[site / slice] += numbers.iter().map(|x| x * x).sum::<f64>();
        }
    }
    assert!(sums.iter().zip(&pion).all(|(a, b)| (a / b - 1.0).abs() < 1e-12), "{sums:?} {pion:?}");
    let text = scratch.succeeds(&["ildg", "info", "solved/end/quark.scidac"]);
    assert!(text.contains("USQCD_D3_DiracFermion"), "{text}");

    // A name that is taken, and one of the run's own.
    let twice = SMALL.replace("mass = 0.2", "mass = 0.2\npropagator = { file = \"end.lime\" }");
    let scratch = Scratch::new(&twice);
    let error = scratch.fails(2, &["run", "run.toml"]);
    assert!(error.contains("two stages write `end.lime`"), "{error}");
    let own = SMALL.replace("mass = 0.2", "mass = 0.2\npropagator = { file = \"table.txt\" }");
    let error = Scratch::new(&own).fails(2, &["run", "run.toml"]);
    assert!(error.contains("is one of the run's own files"), "{error}");
}

#[test]
fn json_output_is_json_lines_only() {
    let scratch = Scratch::new(SMALL);
    let lines = json_lines(&scratch.succeeds(&["run", "run.toml", "--json"]));
    let kinds: std::collections::BTreeSet<&str> =
        lines.iter().filter_map(|line| line["kind"].as_str()).collect();
    let expected = [
        "correlator",
        "flow",
        "heatbath",
        "hmc",
        "result",
        "reversibility",
        "scales",
        "solve",
        "start",
        "write",
    ];
    assert!(kinds.iter().eq(&expected), "{kinds:?}");
    let result = |quantity: &str| {
        lines.iter().find(|l| l["kind"] == "result" && l["stage"] == 1 && l["quantity"] == quantity).unwrap()
    };
    for quantity in ["plaquette", "acceptance", "exp(-delta H)"] {
        assert!(result(quantity)["value"].is_f64() && result(quantity)["error"].is_f64(), "{quantity}");
    }
    assert!(result("plaquette")["tau_int"].is_f64());
}

/// A LIME file with nothing but the links: the run file says group and extents.
#[test]
fn a_bare_start_file_takes_its_shape_from_the_run_file() {
    let scratch = Scratch::new(SMALL);
    scratch.succeeds(&["run", "run.toml"]);
    let file = lime_rs::IldgFile::open(scratch.path("out/end.lime")).unwrap();
    let (offset, length) = (file.payload().offset as usize, file.payload().bytes as usize);
    let bytes = std::fs::read(scratch.path("out/end.lime")).unwrap();
    let mut bare =
        [&0x4567_89ab_u32.to_be_bytes()[..], &[0, 1, 0xc0, 0], &(length as u64).to_be_bytes()].concat();
    let mut kind = [0; 128];
    kind[..16].copy_from_slice(b"ildg-binary-data");
    bare.extend_from_slice(&kind);
    bare.extend_from_slice(&bytes[offset..offset + length]);
    std::fs::write(scratch.path("bare.lime"), bare).unwrap();
    std::fs::write(scratch.path("solve.toml"), SOLVE).unwrap();
    let error = scratch.fails(1, &["solve", "solve.toml", "--input", "bare.lime"]);
    assert!(error.contains("[lattice]"), "{error}");
    let shape = format!("{SOLVE}[lattice]\ngroup = \"SU(3)\"\nextents = [4, 4, 4, 8]\n");
    std::fs::write(scratch.path("shape.toml"), shape).unwrap();
    let bare = scratch.succeeds(&["solve", "shape.toml", "--input", "bare.lime", "--json"]);
    let whole = scratch.succeeds(&["solve", "solve.toml", "--input", "out/end.lime", "--json"]);
    let start = |text: &str| json_lines(text)[0]["plaquette"].clone();
    assert_eq!(start(&bare), start(&whole));
}

/// Single precision loses its way on this clover operator, where double precision finds it.
#[test]
fn mixed_precision_falls_back_on_double() {
    let Some(folder) = std::env::var_os("GAUGELINK_TEST_DATA").map(PathBuf::from).filter(|f| f.exists())
    else {
        return println!("skipped: GAUGELINK_TEST_DATA is not set to the folder of real configurations");
    };
    let scratch = Scratch::new(
        &SOLVE.replace("mass = 0.2\n", "mass = -0.6\ncsw = 1.5\nsolver = \"bicgstab-eo-mixed\"\n"),
    );
    let input = folder.join("milcv5_l4448_be_f32.lat");
    let lines =
        json_lines(&scratch.succeeds(&["solve", "run.toml", "--input", input.to_str().unwrap(), "--json"]));
    let residuals: Vec<f64> = lines.iter().filter_map(|line| line["residual"].as_f64()).collect();
    assert_eq!(residuals.len(), 12);
    assert!(residuals.iter().all(|&r| r <= 1e-10), "{residuals:?}");
}
