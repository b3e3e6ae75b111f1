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
    // kappa = 1/(2 · 0.2 + 8), whose mass is 0.2 but for rounding.
    std::fs::write(scratch.path("kappa.toml"), SOLVE.replace("mass = 0.2", "kappa = 0.11904761904761904"))
        .unwrap();
    let kappa = ["solve", "kappa.toml", "--fresh", "--input", "out/end.lime", "--json"];
    let by_kappa = pions(&json_lines(&scratch.succeeds(&kappa)));
    assert!(pions(&run).iter().zip(&by_kappa).all(|(a, b)| (a / b - 1.0).abs() < 1e-9), "{by_kappa:?}");
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

/// Every solve tells its operations, as a result, and its seconds, which are none.
#[test]
fn solves_tell_operations_and_seconds() {
    let scratch = Scratch::new(SMALL);
    let table = scratch.succeeds(&["run", "run.toml"]);
    let read = |name: &str| std::fs::read_to_string(scratch.path("out").join(name)).unwrap();
    let of_kind = |text: &str, kind: &str| -> Vec<serde_json::Value> {
        json_lines(text).into_iter().filter(|line| line["kind"] == kind).collect()
    };
    let solves = of_kind(&read("measurements.jsonl"), "solve");
    assert_eq!(solves.len(), 12);
    let mut sum = 0.0;
    for solve in &solves {
        // Sites 4³·8, half of them odd; a hop of all sites, 1320 each, and a product and a sum of 24 numbers on the odd ones.
        let applications = solve["applications"].as_f64().unwrap();
        let flops = solve["flops"].as_f64().unwrap();
        assert_eq!(flops, applications * 256.0 * (2.0 * 1320.0 + 48.0), "{solve}");
        // BiCGStab: two an iteration, and those of the residuals.
        let more = applications - 2.0 * solve["iterations"].as_f64().unwrap();
        assert!((-1.0..=4.0).contains(&more), "{solve}");
        assert!(solve["seconds"].is_null(), "{solve}");
        sum += flops;
    }
    let results = read("results.jsonl");
    let row = |quantity: &str| {
        let row = |row: &&serde_json::Value| row["stage"] == 3 && row["quantity"] == quantity;
        json_lines(&results).iter().find(row).unwrap()["value"].as_f64().unwrap()
    };
    assert_eq!(row("flops"), sum / 12.0);
    assert!(row("applications") > 10.0 && row("true residual") <= 1e-10);
    // Each one's seconds, which add up to less than the stage's.
    let timing = json_lines(&read("timings.jsonl")).into_iter().find(|line| line["stage"] == 3).unwrap();
    let times = timing["solves"].as_array().unwrap();
    assert_eq!(times.len(), 12);
    let seconds = times.iter().map(|solve| solve["seconds"].as_f64().unwrap()).sum::<f64>();
    assert!(0.0 < seconds && seconds <= timing["seconds"].as_f64().unwrap(), "{timing}");
    assert!(times.iter().enumerate().all(|(i, solve)| solve["colour"] == i % 3 && solve["spin"] == i / 3));
    let (_, below) = table.split_once("\nsolvers\n").unwrap();
    assert!(below.contains("12 solves") && below.contains("s each") && below.contains("Gflop/s"), "{below}");
    assert!(!read("table.txt").contains("Gflop/s") && !results.contains("seconds"));
    // On any ranks, in a batch, and as JSON.
    let ranks =
        ["run", "run.toml", "--json", "--set", "run.directory=ranks", "--set", "machine.ranks=[1,1,1,2]"];
    let shown = scratch.succeeds(&ranks);
    assert_eq!(of_kind(&shown, "solve"), solves);
    let timings = of_kind(&shown, "timing");
    assert_eq!((timings.len(), timings[0]["stage"].as_u64()), (1, Some(3)));
    assert_eq!(timings[0]["solves"].as_array().unwrap().len(), 12);
    let batch = ["run", "run.toml", "--json", "--set", "run.directory=batch", "--set", "run.chains=2"];
    for solve in of_kind(&scratch.succeeds(&batch), "solve") {
        let applications = solve["applications"].as_f64().unwrap();
        assert_eq!(solve["flops"].as_f64(), Some(applications * 256.0 * 2688.0), "{solve}");
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

    // Twisted boundaries are told by the file's text, as the run file has them; its numbers are the solutions'.
    let twist = "boundary = [{ theta = 0.5 }, 1, 1, -1]\n";
    std::fs::write(
        scratch.path("twist.toml"),
        format!("{SOLVE}{keys}{twist}").replace("solved/", "twisted/"),
    )
    .unwrap();
    let lines = json_lines(&scratch.succeeds(&["solve", "twist.toml", "--input", "out/end.lime", "--json"]));
    let twisted: Vec<f64> = lines.iter().filter_map(|line| line["pion"].as_f64()).collect();
    let bytes = std::fs::read(scratch.path("twisted/end/quark.scidac")).unwrap();
    let told = "boundary = [{ theta = 0.5 }, 1.0, 1.0, -1.0]";
    assert!(bytes.windows(told.len()).any(|window| window == told.as_bytes()));
    let file = lime_rs::ScidacFile::open(scratch.path("twisted/end/quark.scidac")).unwrap();
    let mut sum = 0.0;
    for index in 1..=12 {
        let (numbers, verification) = file.numbers::<f64>(index).unwrap();
        assert!(verification.is_verified());
        sum += numbers[..24 * slice].iter().map(|x| x * x).sum::<f64>();
    }
    assert!((sum / twisted[0] - 1.0).abs() < 1e-12 && (twisted[0] / pion[0] - 1.0).abs() > 1e-6, "{sum}");

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
        "timing",
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
