//! Runs with quarks: what they leave, on any threads and ranks, stopped or not, and what they refuse.

use crate::program::{Scratch, assert_same, json_lines};
use crate::resume::kill_after;

const QUARKS: &str = r#"
[run]
seed = 138
directory = "out"
checkpoint_seconds = 0
[lattice]
group = "SU(3)"
extents = [4, 4, 2, 4]
[action]
beta = 5.4
[fermions]
kappa = 0.12
hasenbusch = [0.6]
[start]
kind = "hot"
[[stage]]
kind = "hmc"
trajectories = 8
steps = 2
inner_steps = [1, 2]
thermalise = 4
relax = 2
[[stage]]
kind = "write"
file = "end.lime"
"#;

#[test]
fn runs_with_quarks_are_the_same_bytes_however_they_are_run() {
    let scratch = Scratch::new(QUARKS);
    for (name, setting) in
        [("one", "machine.threads=1"), ("two", "machine.threads=2"), ("ranks", "machine.ranks=[1,1,1,2]")]
    {
        let directory = format!("run.directory={name}");
        scratch.succeeds(&["run", "run.toml", "--set", &directory, "--set", setting]);
        assert_same(&scratch.path("one"), &scratch.path(name));
    }
    kill_after(&scratch, "killed", 14);
    scratch.succeeds(&["run", "run.toml", "--set", "run.directory=killed"]);
    assert_same(&scratch.path("one"), &scratch.path("killed"));
}

#[test]
fn forces_and_iterations_are_told() {
    let scratch = Scratch::new(QUARKS);
    let table = scratch.succeeds(&["run", "run.toml"]);
    for said in [
        "ratio to mass 0.6 of two flavours of Wilson quarks of mass 0.166667, even-odd",
        "two flavours of Wilson quarks of mass 0.6, even-odd",
        "of a force",
    ] {
        assert!(table.contains(said), "{said}: {table}");
    }
    let lines = std::fs::read_to_string(scratch.path("out/measurements.jsonl")).unwrap();
    let terms: Vec<_> = json_lines(&lines).into_iter().filter(|line| line["kind"] == "term").collect();
    assert_eq!(terms.len(), 3 * 8);
    // Omelyan's scheme with 2, 2·2·1 and 2·2·1·2·2 steps.
    for (term, (level, forces)) in terms.iter().zip([(0, 5), (1, 9), (2, 33)].into_iter().cycle()) {
        assert_eq!((term["level"].as_u64(), term["forces"].as_u64()), (Some(level), Some(forces)), "{term}");
        assert_eq!(term["force_iterations"].as_u64().unwrap() > 0, level < 2, "{term}");
        let [mean, most] = ["force", "force_max"].map(|key| term[key].as_f64().unwrap());
        assert!(0.0 < mean && mean < most, "{term}");
    }
    let results = std::fs::read_to_string(scratch.path("out/results.jsonl")).unwrap();
    let value = |quantity: &str| {
        json_lines(&results).iter().find(|row| row["stage"] == 0 && row["quantity"] == quantity).unwrap()["value"]
            .as_f64()
            .unwrap()
    };
    assert!(value("acceptance") > 0.5, "{results}");
    assert!((0.4..0.7).contains(&value("plaquette")), "{results}");
    assert!(value("reversibility") < 1e-10, "{results}");
}

/// One flavour of clover quarks: the rational function's weight is told every ten trajectories, and is that of no error.
#[test]
fn one_flavour_has_the_weight_of_its_function() {
    let one = QUARKS.replace("hasenbusch = [0.6]", "csw = 1.2\nflavours = 1\nrange = [0.05, 100]");
    let one = one.replace("trajectories = 8", "trajectories = 10").replace("[1, 2]", "[2]");
    let scratch = Scratch::new(&one);
    let table = scratch.succeeds(&["run", "run.toml"]);
    for said in ["one flavour of clover quarks of mass 0.166667 and c_sw 1.2", "N_f = 1", "ln W"] {
        assert!(table.contains(said), "{said}: {table}");
    }
    let lines = std::fs::read_to_string(scratch.path("out/measurements.jsonl")).unwrap();
    let weights: Vec<_> = json_lines(&lines).into_iter().filter(|line| line["kind"] == "weight").collect();
    assert_eq!(weights.len(), 1);
    assert_eq!(weights[0]["update"], 10);
    let ln_weight = weights[0]["ln_weight"].as_f64().unwrap();
    assert!(ln_weight.abs() < 1e-5 && ln_weight != 0.0, "{ln_weight}");
}

/// Two flavours of clover quarks on 4⁴, kappa = 0.138, c_sw = 1.76: tmLQCD states a plaquette of 0.5905(3) with its sample input
/// of this ensemble. The run file of the documentation, with a longer step and fewer trajectories.
#[test]
#[ignore = "long: tests/run --full"]
fn clover_quarks_have_the_published_plaquette() {
    let runs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runs/nf2-clover.toml");
    let scratch = Scratch::new(&std::fs::read_to_string(runs).unwrap());
    let mut arguments = vec!["run", "run.toml"];
    for setting in [
        "run.directory=out",
        "stage.0.trajectories=1100",
        "stage.0.thermalise=100",
        "stage.0.steps=2",
        "fermions.force_tolerance=1e-6",
    ] {
        arguments.extend(["--set", setting]);
    }
    let table = scratch.succeeds(&arguments);
    println!("{table}");
    let results = json_lines(&std::fs::read_to_string(scratch.path("out/results.jsonl")).unwrap());
    let row = |quantity: &str| {
        let row = results.iter().find(|row| row["stage"] == 0 && row["quantity"] == quantity).unwrap();
        ["value", "error"].map(|key| row[key].as_f64().unwrap_or(f64::NAN))
    };
    let ([plaquette, error], [creutz, its_error]) = (row("plaquette"), row("exp(-delta H)"));
    assert!(error <= 6e-4, "sigma {error}");
    assert!((plaquette - 0.5905).abs() <= 3.0 * error.hypot(3e-4), "{plaquette} +- {error}");
    assert!((creutz - 1.0).abs() <= 3.0 * its_error, "{creutz} +- {its_error}");
    assert!(row("acceptance")[0] > 0.8 && row("reversibility")[0] < 1e-6);
}

const SCHWINGER: &str = r#"
[run]
seed = 1962
directory = "out"
checkpoint_seconds = 0
[lattice]
group = "U(1)"
extents = [4, 4]
[action]
beta = 1.0
[fermions]
kappa = 0.2
[measure]
charge = true
condensate = "exact"
[start]
kind = "hot"
[[stage]]
kind = "hmc"
trajectories = 30
steps = 4
thermalise = 10
[[stage]]
kind = "write"
file = "end.lime"
"#;

/// Quarks in two dimensions in each way: the same bytes however they are run, and what there is to tell.
#[test]
fn the_schwinger_model_runs_in_all_ways() {
    for (determinant, said) in [
        ("pseudofermions", &["two flavours of Wilson quarks of mass 0.5, even-odd", "iterations"][..]),
        ("exact", &["exact determinant of two flavours of Wilson quarks of mass 0.5, even-odd"]),
        ("reweight", &["plaquette, reweighted", "condensate, reweighted", "charge^2, reweighted", "ESS"]),
    ] {
        for (condensate, group) in [("exact", "U(1)"), ("stochastic", "SU(2)")] {
            let text = SCHWINGER.replace("\"exact\"", &format!("{condensate:?}"));
            let text = text.replace("kappa = 0.2", &format!("kappa = 0.2\ndeterminant = {determinant:?}"));
            let charge = format!("charge = {}", group == "U(1)");
            let text = text.replace("U(1)", group).replace("charge = true", &charge);
            let scratch = Scratch::new(&text);
            let mut table = String::new();
            for (name, setting) in [("one", "machine.threads=1"), ("ranks", "machine.ranks=[1,2]")] {
                let directory = format!("run.directory={name}");
                table = scratch.succeeds(&["run", "run.toml", "--set", &directory, "--set", setting]);
                assert_same(&scratch.path("one"), &scratch.path(name));
            }
            let expected = said.iter().filter(|said| group == "U(1)" || !said.starts_with("charge"));
            expected.for_each(|said| assert!(table.contains(said), "{determinant} {group}: {said}: {table}"));
            let lines = std::fs::read_to_string(scratch.path("one/measurements.jsonl")).unwrap();
            let updates: Vec<_> =
                json_lines(&lines).into_iter().filter(|line| line["kind"] == "hmc").collect();
            assert_eq!(updates.len(), 30);
            for update in updates {
                assert!((0.0..3.0).contains(&update["condensate"].as_f64().unwrap()), "{update}");
                assert_eq!(update["ln_det"].is_number(), determinant == "reweight", "{update}");
            }
        }
    }
}

/// Links that hardly move from 1: ln det(D†D) and the condensate, exact and from sources, are those of free quarks, as
/// kappa = 1/(2m + 4) and boundaries antiperiodic in y have them.
#[test]
fn weights_and_condensates_are_those_of_free_quarks() {
    let (mut ln_det, mut condensate) = (0.0, 0.0);
    for (x, y) in (0..4).flat_map(|x| (0..4).map(move |y| (f64::from(x), f64::from(y)))) {
        let p = [x, y + 0.5].map(|n| std::f64::consts::TAU * n / 4.0);
        let m = 0.5 + p.iter().map(|p| 1.0 - p.cos()).sum::<f64>();
        let square = m * m + p.iter().map(|p| p.sin().powi(2)).sum::<f64>();
        ln_det += 2.0 * square.ln();
        condensate += 2.0 * m / square / 16.0;
    }
    let free = SCHWINGER.replace("kappa = 0.2", "kappa = 0.2\ndeterminant = \"reweight\"");
    let free = free.replace("\"hot\"", "\"cold\"").replace("steps = 4", "steps = 1\nlength = 1e-9");
    for (way, sources, tolerance) in [("exact", 1, 1e-7), ("stochastic", 400, 0.05)] {
        let measured = format!("{way:?}\ncondensate_sources = {sources}");
        let text = free.replace("\"exact\"", &measured).replace("30", "2").replace("thermalise = 10", "");
        let scratch = Scratch::new(&text);
        scratch.succeeds(&["run", "run.toml", "--set", "machine.threads=1"]);
        let lines = std::fs::read_to_string(scratch.path("out/measurements.jsonl")).unwrap();
        let updates: Vec<_> = json_lines(&lines).into_iter().filter(|line| line["kind"] == "hmc").collect();
        assert_eq!(updates.len(), 2);
        for update in updates {
            let [ours, ln] = ["condensate", "ln_det"].map(|key| update[key].as_f64().unwrap());
            assert!((ln / ln_det - 1.0).abs() < 1e-7, "{update}: ln det {ln_det}");
            assert!((ours / condensate - 1.0).abs() < tolerance, "{update}: condensate {condensate}");
        }
    }
}

#[test]
fn what_two_dimensions_cannot_have_is_refused() {
    let scratch = Scratch::new(SCHWINGER);
    for (settings, said) in [
        (&["fermions.csw=1"][..], &["csw", "clover term is for 4 dimensions"][..]),
        (&["fermions.boundary=[1,1,1,-1]"], &["boundary", "4 phases for 2 directions"]),
        (
            &["lattice.extents=[64,32]", "fermions.determinant=exact"],
            &["2048 rows", "1536 at most", "| determinant"],
        ),
        (&["lattice.extents=[64,32]"], &["2048 rows", "condensate = \"stochastic\"", "| condensate"]),
        (&["lattice.extents=[4,5]"], &["even extents", "even_odd = false"]),
        (&["fermions.determinant=reweight", "stage.0.inner_steps=[2]"], &["leave `inner_steps` out"]),
        (&["fermions.kappa=0.2", "fermions.determinant=whole"], &["whole", "pseudofermions"]),
    ] {
        let mut arguments = vec!["run", "run.toml"];
        settings.iter().for_each(|setting| arguments.extend(["--set", setting]));
        let error = scratch.fails(2, &arguments);
        assert!(said.iter().all(|word| error.contains(word)), "{settings:?}: {error}");
        assert!(!scratch.path("out").exists(), "{settings:?}: nothing is left");
    }
    let quenched = SCHWINGER.replace("[fermions]\nkappa = 0.2\n", "");
    std::fs::write(scratch.path("quenched.toml"), quenched).unwrap();
    let error = scratch.fails(2, &["run", "quenched.toml"]);
    assert!(error.contains("| condensate") && error.contains("quarks of [fermions]"), "{error}");
}

#[test]
fn what_quarks_cannot_have_is_refused() {
    let scratch = Scratch::new(QUARKS);
    for (setting, said) in [
        ("lattice.extents=[4,4,4]", &["4 dimensions"][..]),
        ("lattice.extents=[4,4,4,5]", &["even extents", "even_odd = false"]),
        ("fermions.flavours=1", &["needs `range`", "flavours = 1"]),
        ("fermions.mass=0.1", &["give one"]),
        ("stage.0.inner_steps=[1,1,1]", &["4 levels for 3 terms"]),
    ] {
        let error = scratch.fails(2, &["run", "run.toml", "--set", setting]);
        assert!(said.iter().all(|word| error.contains(word)), "{setting}: {error}");
        assert!(!scratch.path("out").exists(), "{setting}: nothing is left");
    }
    let heatbath =
        QUARKS.replace("kind = \"hmc\"\ntrajectories = 8\nsteps = 2", "kind = \"heatbath\"\nsweeps = 8");
    let heatbath = heatbath.replace("inner_steps = [1, 2]", "").replace("relax = 2", "");
    std::fs::write(scratch.path("heatbath.toml"), heatbath).unwrap();
    let error = scratch.fails(2, &["run", "heatbath.toml"]);
    assert!(error.contains("stage 0 (heatbath)") && error.contains("gauge action only"), "{error}");
    let error = scratch.fails(1, &["run", "run.toml", "--set", "fermions.max_iterations=3"]);
    assert!(error.contains("stage 0 (hmc)") && error.contains("did not converge"), "{error}");
}
