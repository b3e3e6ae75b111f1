//! Runs that go through plugins, and `gaugelink plugin`.

use crate::program::{Scratch, assert_same, json_lines};
use crate::resume::kill_after;
use serde_json::Value;

/// Eight chains of U(1) in two dimensions through the layer of the test plugin.
const FTHMC: &str = r#"
[run]
seed = 11
directory = "out"
chains = 8
checkpoint_seconds = 0
[lattice]
group = "U(1)"
extents = [8, 8]
[action]
beta = 2.0
[start]
kind = "hot"
[measure]
polyakov = false
[[stage]]
kind = "heatbath"
sweeps = 50
[[stage]]
kind = "fthmc"
trajectories = 400
steps = 6
thermalise = 20
flow = { plugin = "fixture" }
[[stage]]
kind = "write"
file = "end.lime"
"#;

/// I₁(2)/I₀(2): the plaquette of U(1) in two dimensions at β = 2, exact to 1e-9 on 8².
const PLAQUETTE: f64 = 0.697_774_658;

/// Quenched SU(3) with the force and the preconditioner of the plugin in C.
const SU3: &str = r#"
[run]
seed = 12
directory = "out"
[lattice]
group = "SU(3)"
extents = [4, 4, 4, 8]
[action]
beta = 5.7
[start]
kind = "hot"
[[stage]]
kind = "heatbath"
sweeps = 10
[[stage]]
kind = "hmc"
trajectories = 6
steps = 6
force = { plugin = "minimal-c", component = "org.gaugelink.minimal.wilson", config = { beta = 5.6 } }
[[stage]]
kind = "solve"
mass = 0.2
solver = "gmres"
[[stage]]
kind = "solve"
mass = 0.2
solver = "gmres"
preconditioner = { plugin = "precond" }
[[stage]]
kind = "write"
file = "end.lime"
"#;

fn results(text: &str) -> Vec<Value> {
    json_lines(text).into_iter().filter(|line| line["kind"] == "result").collect()
}

fn result<'a>(lines: &'a [Value], stage: u64, quantity: &str) -> &'a Value {
    let found = lines.iter().find(|line| line["stage"] == stage && line["quantity"] == quantity);
    found.unwrap_or_else(|| panic!("no {quantity} in stage {stage}"))
}

#[test]
fn a_flow_changes_the_path_but_not_the_distribution() {
    let scratch = Scratch::new(FTHMC);
    let lines = results(&scratch.succeeds(&["run", "run.toml", "--json"]));
    for (quantity, exact) in [("plaquette", PLAQUETTE), ("exp(-delta H)", 1.0)] {
        let row = result(&lines, 1, quantity);
        let (value, error) = (row["value"].as_f64().unwrap(), row["error"].as_f64().unwrap());
        println!("{quantity} {value} +- {error}");
        assert!((value - exact).abs() < 3.5 * error && error < 0.01, "{row}");
        assert!(row["tau_int"].is_f64(), "{row}");
    }
    assert!(result(&lines, 1, "reversibility")["value"].as_f64().unwrap() < 1e-9);
    let note = result(&lines, 1, "flow")["note"].as_str().unwrap();
    assert!(note.contains("org.gaugelink.fixture.layer 1.0") && note.contains("SHA-256"), "{note}");
    // The configuration written is U, not V: its plaquette is the one measured last.
    let log = std::fs::read_to_string(scratch.path("out/measurements.jsonl")).unwrap();
    let lines = json_lines(&log);
    let last = lines.iter().rfind(|line| line["kind"] == "fthmc" && line["chain"] == 0).unwrap();
    let written = lines.iter().find(|line| line["kind"] == "write" && line["chain"] == 0).unwrap();
    assert_eq!(last["plaquette"], written["plaquette"]);
    let provenance = std::fs::read_to_string(scratch.path("out/provenance.json")).unwrap();
    let provenance: Value = serde_json::from_str(&provenance).unwrap();
    assert_eq!(provenance["plugins"][0]["sha256"].as_str().unwrap().len(), 64);
}

/// Killed while the links at hand are V: in a chain that moves, and in one of which every trajectory is rejected, so that
/// f(f⁻¹(U)), which is U up to rounding, is measured and written.
#[test]
fn a_killed_fthmc_stage_goes_on_with_the_same_bits() {
    let one_chain = FTHMC.replace("chains = 8", "chains = 1").replace("400", "60");
    for run_file in [&one_chain, &one_chain.replace("steps = 6", "steps = 1\nlength = 9.0")] {
        let scratch = Scratch::new(run_file);
        let text = scratch.succeeds(&["run", "run.toml", "--json", "--set", "run.directory=whole"]);
        let accepted = result(&results(&text), 1, "acceptance")["value"].as_f64().unwrap();
        assert!(if *run_file == one_chain { accepted > 0.9 } else { accepted == 0.0 }, "{accepted}");
        for (name, kills, threads) in [("early", &[55][..], 1), ("late", &[52, 90], 2)] {
            for &lines in kills {
                kill_after(&scratch, name, lines);
            }
            let (directory, threads) =
                (format!("run.directory={name}"), format!("machine.threads={threads}"));
            scratch.succeeds(&["run", "run.toml", "--set", &directory, "--set", &threads]);
            assert_same(&scratch.path("whole"), &scratch.path(name));
        }
    }
}

#[test]
fn forces_and_preconditioners_say_what_they_gained() {
    let scratch = Scratch::new(SU3);
    let text = scratch.succeeds(&["run", "run.toml"]);
    let log = std::fs::read_to_string(scratch.path("out/results.jsonl")).unwrap();
    let lines = results(&log);
    // Omelyan's scheme has 2 · 6 + 1 kicks a trajectory.
    assert_eq!(result(&lines, 1, "forces saved")["value"], 78.0);
    assert!(result(&lines, 1, "force")["note"].as_str().unwrap().contains("org.gaugelink.minimal.wilson"));
    let iterations = |stage| result(&lines, stage, "iterations")["value"].as_f64().unwrap();
    assert!(iterations(2) > 1.4 * iterations(3), "{} and {}", iterations(2), iterations(3));
    for stage in [2, 3] {
        assert!(result(&lines, stage, "true residual")["value"].as_f64().unwrap() <= 1e-10);
    }
    let note = result(&lines, 3, "D-equivalents")["note"].as_str().unwrap();
    assert!(note.starts_with("against stage 2: ") && note.contains("fewer iterations"), "{note}");
    assert!(text.contains("\nplugins\n") && text.contains("gaugelink.precond: "), "{text}");
    let timings = std::fs::read_to_string(scratch.path("out/timings.jsonl")).unwrap();
    let hmc = json_lines(&timings).into_iter().find(|line| line["kind"] == "hmc").unwrap();
    // 6 trajectories and one forth and back.
    assert_eq!(hmc["plugin"]["calls"], 8 * 13);
    // The same propagator with and without.
    let log = std::fs::read_to_string(scratch.path("out/measurements.jsonl")).unwrap();
    let pions = |stage: u64| -> Vec<f64> {
        let of = |line: &Value| line["kind"] == "correlator" && line["stage"] == stage;
        json_lines(&log).into_iter().filter(of).map(|line| line["pion"].as_f64().unwrap()).collect()
    };
    assert_eq!(pions(2).len(), 8);
    assert!(pions(2).iter().zip(pions(3)).all(|(a, b)| (a / b - 1.0).abs() < 1e-8));
}

/// A force equal to the action's makes the trajectories that HMC makes without it.
#[test]
fn the_true_force_from_a_plugin_is_plain_hmc() {
    let scratch = Scratch::new(&SU3.replace("5.6", "5.7"));
    let delta_h = |name: &str, run_file: &str| -> Vec<f64> {
        std::fs::write(scratch.path("run.toml"), run_file).unwrap();
        let directory = format!("run.directory={name}");
        let text = scratch.succeeds(&["run", "run.toml", "--json", "--set", &directory]);
        let hmc = json_lines(&text).into_iter().filter(|line| line["kind"] == "hmc");
        hmc.map(|line| line["delta_h"].as_f64().unwrap()).collect()
    };
    let guided = delta_h("guided", &SU3.replace("5.6", "5.7"));
    let plain: String =
        SU3.lines().filter(|line| !line.starts_with("force")).map(|l| format!("{l}\n")).collect();
    let plain = delta_h("plain", &plain);
    assert_eq!(plain.len(), 6);
    assert!(plain.iter().zip(&guided).all(|(a, b)| (a - b).abs() < 1e-8), "{plain:?} {guided:?}");
    let wrong = delta_h("wrong", SU3);
    assert!(plain.iter().zip(&wrong).any(|(a, b)| (a - b).abs() > 1e-3), "{plain:?} {wrong:?}");
}

/// What is wrong with a plugin is said with its line, before anything is computed.
#[test]
fn mistakes_with_plugins_are_found_before_the_first_update() {
    let scratch = Scratch::new(FTHMC);
    for (wrong, said) in [
        (r#"{ plugin = "fixtrue" }"#, &["line 24", "no plugin 'fixtrue'", "GAUGELINK_PLUGIN_PATH"][..]),
        (r#"{ plugin = "./no/such.so" }"#, &["line 24", "no/such.so"]),
        (r#"{ plugin = "fixture", config = { rhoo = 1 } }"#, &["line 24", "unknown key", "rhoo"]),
        (r#"{ plugin = "fixture", component = "org.x" }"#, &["line 24", "org.gaugelink.fixture.layer"]),
        (r#"{ plugin = "fixture", compnent = "x" }"#, &["line 24", "compnent", "`component`"]),
        (r#"{ plugin = "" }"#, &["line 24", "give the name of a plugin"]),
        (r#"{ plugin = "precond" }"#, &["line 24", "has no flow"]),
        (r#"{ plugin = "flow", config = { rho = 0.1, kind = "residuall" } }"#, &["line 24", "residuall"]),
    ] {
        std::fs::write(scratch.path("run.toml"), FTHMC.replace(r#"{ plugin = "fixture" }"#, wrong)).unwrap();
        let error = scratch.fails(2, &["run", "run.toml"]);
        assert!(said.iter().all(|word| error.contains(word)), "{wrong}: {error}");
        assert!(!scratch.path("out/measurements.jsonl").exists(), "{wrong}");
    }
    std::fs::write(scratch.path("run.toml"), FTHMC).unwrap();
    for (setting, said) in [
        ("lattice.extents=[8,8,8]", &["line 24", "two even directions"][..]),
        ("machine.ranks=[1,2]", &["line 24", "one rank only"]),
    ] {
        let error = scratch.fails(2, &["run", "run.toml", "--set", setting]);
        assert!(said.iter().all(|word| error.contains(word)), "{setting}: {error}");
        assert!(!scratch.path("out/measurements.jsonl").exists(), "{setting}");
    }
    std::fs::write(scratch.path("libglk_text.so"), "text").unwrap();
    std::fs::write(scratch.path("run.toml"), FTHMC.replace("\"fixture\"", "\"./libglk_text.so\"")).unwrap();
    assert!(scratch.fails(1, &["run", "run.toml"]).contains("cannot be opened as a shared library"));
    std::fs::write(scratch.path("run.toml"), SU3.replacen("solver = \"gmres\"\npre", "pre", 1)).unwrap();
    let error = scratch.fails(2, &["run", "run.toml"]);
    assert!(
        error.contains("`preconditioner` needs solver = \"gmres\"") && error.contains("line "),
        "{error}"
    );
}

/// A plugin that fails ends the run with its own words, before the first update where unit links show it. Links off the
/// group would have an action and a plaquette, too.
#[test]
fn a_plugin_that_fails_or_leaves_the_group_ends_the_run() {
    for (config, said, begins) in [
        ("inject_panic = true", "as the configuration asked", false),
        ("bug = 'no pullback'", "as the configuration asked", true),
        ("bug = 'group'", "not unitary, ||U U^+ - 1|| is up to 4.8e1", true),
    ] {
        let config = format!(r#"plugin = "fixture", config = {{ {config} }}"#);
        let scratch = Scratch::new(&FTHMC.replace(r#"plugin = "fixture""#, &config));
        let output = scratch.run(&["run", "run.toml"]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{config}: {error}");
        assert!(error.contains("stage 1 (fthmc)") && error.contains(said), "{config}: {error}");
        assert_eq!(scratch.path("out").exists(), begins, "{config}");
        assert!(!scratch.path("out/table.txt").exists(), "{config}: there are no results");
    }
}

/// The plugin's file counts by its contents: a run does not go on with another one.
#[test]
fn a_plugin_that_has_changed_makes_another_run() {
    let scratch = Scratch::new(&FTHMC.replace("\"fixture\"", "\"./libglk_mine.so\"").replace("400", "40"));
    let found = json_lines(&scratch.succeeds(&["plugin", "list", "fixture", "--json"]));
    let mut bytes = std::fs::read(found[0]["file"].as_str().unwrap()).unwrap();
    std::fs::write(scratch.path("libglk_mine.so"), &bytes).unwrap();
    let first = scratch.succeeds(&["run", "run.toml"]);
    assert_eq!(scratch.succeeds(&["run", "run.toml"]), first, "shown again");
    bytes.push(0);
    std::fs::write(scratch.path("libglk_mine.so"), &bytes).unwrap();
    let error = scratch.fails(1, &["run", "run.toml"]);
    assert!(error.contains("another plugin libglk_mine.so") && error.contains("--fresh"), "{error}");
    scratch.succeeds(&["run", "run.toml", "--fresh"]);
}

/// A name without a path is looked for where the documentation says, and nowhere else: beside the program, then in
/// `GAUGELINK_PLUGIN_PATH`, of which relative folders do not count; not in the working directory.
#[test]
fn a_name_is_looked_for_where_the_documentation_says() {
    let run_file = FTHMC.replace("\"fixture\"", "\"mine\"").replace("400", "40");
    let scratch = Scratch::new(&run_file);
    let found = json_lines(&scratch.succeeds(&["plugin", "list", "fixture", "--json"]));
    let fixture = std::fs::read(found[0]["file"].as_str().unwrap()).unwrap();
    let folder = scratch.path("elsewhere");
    std::fs::create_dir(&folder).unwrap();
    let run = |path: &str| {
        let mut program = scratch.program(&["run", "run.toml", "--fresh"]);
        program.env("GAUGELINK_PLUGIN_PATH", path).output().unwrap()
    };
    let folders = format!("/nowhere:{}", folder.display());
    for (stands, path) in
        [("libglk_mine.so", ""), ("libglk_mine.so", "."), ("elsewhere/libglk_mine.so", "elsewhere")]
    {
        std::fs::write(scratch.path(stands), &fixture).unwrap();
        let output = run(path);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(2) && error.contains("no plugin 'mine'"),
            "{stands}, {path}: {error}"
        );
        assert!(error.contains("line 24") && error.contains("/deps"), "{error}");
    }
    let output = run(&folders);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let provenance = std::fs::read_to_string(scratch.path("out/provenance.json")).unwrap();
    assert!(provenance.contains("libglk_mine.so"), "{provenance}");
    // What stands beside the program goes before.
    std::fs::write(folder.join("libglk_fixture.so"), "text").unwrap();
    std::fs::write(scratch.path("run.toml"), run_file.replace("\"mine\"", "\"fixture\"")).unwrap();
    assert!(run(&folders).status.success());
}

#[test]
fn plugins_are_listed() {
    let scratch = Scratch::new("");
    let text = scratch.succeeds(&["plugin", "list"]);
    for word in ["gaugelink.flow", "gaugelink.force", "gaugelink.precond", "org.gaugelink.minimal.jacobi"] {
        assert!(text.contains(word), "no {word} in {text}");
    }
    assert!(text.contains("glk.flow/1") && text.contains("MIT OR Apache-2.0") && text.contains("stateless"));
    let lines = json_lines(&scratch.succeeds(&["plugin", "list", "--json", "minimal-c"]));
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["components"][1]["interface"], "glk.force/1");
    std::fs::write(scratch.path("libglk_text.so"), "text").unwrap();
    let output = scratch.run(&["plugin", "list", "libglk_text.so", "minimal-c"]);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(shown.contains("cannot be opened") && shown.contains("org.gaugelink.minimal.wilson"), "{shown}");
    assert!(scratch.fails(2, &["plugin", "list", "fixtrue"]).contains("GAUGELINK_PLUGIN_PATH"));
    // A folder is no plugin, so one of the same name is not in the way.
    std::fs::create_dir(scratch.path("minimal-c")).unwrap();
    assert_eq!(json_lines(&scratch.succeeds(&["plugin", "list", "--json", "minimal-c"])), lines);
}

#[test]
fn plugins_are_checked() {
    let scratch = Scratch::new("");
    let text = scratch.succeeds(&["plugin", "check", "minimal-c"]);
    assert!(text.contains("org.gaugelink.minimal.wilson") && text.contains(", 0 failed, "), "{text}");
    let layer = ["plugin", "check", "fixture", "--component", "org.gaugelink.fixture.layer", "--json"];
    scratch.succeeds(&layer);
    let output = scratch.run(&[&layer[..], &["--config", "bug = 'log det'"]].concat());
    assert_eq!(output.status.code(), Some(1));
    let lines = json_lines(std::str::from_utf8(&output.stdout).unwrap());
    let failed = |check: &str| lines.iter().any(|l| l["check"] == check && l["outcome"] == "FAILED");
    assert!(failed("log det") && !failed("gauge covariance"), "{lines:?}");
    let one = ["plugin", "check", "minimal-c", "--component", "org.gaugelink.minimal.jacobi"];
    let text = scratch.succeeds(&one);
    assert!(text.contains("minimal.jacobi") && !text.contains("minimal.wilson"), "{text}");
    assert!(
        scratch.fails(2, &["plugin", "check", "minimal-c", "--component", "no"]).contains("no component")
    );
    assert!(scratch.fails(2, &["plugin", "check", "minimal-c", "--config", "x ="]).contains("--config"));
}

/// `list` and `check` say what it is, with a line and exit status 1; a run file, with the line of its key.
#[test]
fn what_is_no_plugin_is_told_by_its_kind() {
    let scratch = Scratch::new("");
    std::fs::create_dir(scratch.path("libglk_folder.so")).unwrap();
    let pipe = scratch.path("libglk_pipe.so");
    assert!(std::process::Command::new("mkfifo").arg(pipe).status().unwrap().success());
    std::os::unix::fs::symlink("gone", scratch.path("libglk_link.so")).unwrap();
    let mut foreign = vec![0; 64];
    foreign[..6].copy_from_slice(b"\x7fELF\x02\x01");
    foreign[18] = 0xf3;
    std::fs::write(scratch.path("libglk_foreign.so"), foreign).unwrap();
    for (name, said, mistake) in [
        ("folder", "is a folder", true),
        ("pipe", "is a pipe", true),
        ("link", "is a link to gone", true),
        ("foreign", "it is for RISC-V", false),
    ] {
        let file = format!("libglk_{name}.so");
        for command in ["list", "check"] {
            let output = scratch.run(&["plugin", command, "--json", &file]);
            let lines = json_lines(std::str::from_utf8(&output.stdout).unwrap());
            assert_eq!((output.status.code(), lines.is_empty()), (Some(1), false), "{command} {file}");
            let sentence = &lines[0][if command == "list" { "error" } else { "sentence" }];
            assert!(sentence.as_str().unwrap().contains(said), "{command}: {lines:?}");
            if command == "check" {
                assert_eq!((&lines[0]["check"], &lines[0]["outcome"]), (&"open".into(), &"FAILED".into()));
            }
        }
        std::fs::write(scratch.path("run.toml"), FTHMC.replace("\"fixture\"", &format!("\"./{file}\"")))
            .unwrap();
        let error = scratch.fails(if mistake { 2 } else { 1 }, &["run", "run.toml"]);
        assert!(error.contains(said) && (!mistake || error.contains("line 24")), "{error}");
    }
}
