//! `gaugelink measure` on fields whose observables are known.

use crate::program::run;
use crate::written::{Folder, constant_flux, payload, set};
use gaugelink_lattice::Complex;
use lime_rs::Precision;
use serde_json::Value;

fn close(line: &Value, key: &str, expected: f64, tolerance: f64) {
    let found = line[key].as_f64().unwrap_or_else(|| panic!("no {key} in {line}"));
    assert!((found - expected).abs() < tolerance, "{key}: {found} instead of {expected}");
}

/// Constant flux does not flow: every observable is a function of the plaquette's angle.
#[test]
fn constant_flux_has_its_analytic_observables() {
    let folder = Folder::new();
    let mut angle = 0.0;
    let path = folder.field::<1>("flux", &[8, 6], Precision::F64, |u| angle = constant_flux(u, 3));
    let answer = run("measure --json --flow 2 --flow-step 0.05", &[&path]);
    assert_eq!((answer.status, answer.stderr.as_str()), (0, ""));
    let lines = answer.lines();
    let (links, scales) = (&lines[0], &lines[lines.len() - 1]);
    assert_eq!((&links["observable"], &links["checksum"]), (&"links".into(), &"ok".into()));
    close(links, "plaquette", angle.cos(), 1e-13);
    close(links, "temporal_plaquette", angle.cos(), 1e-13);
    assert!(links["spatial_plaquette"].is_null() && links["polyakov_z_re"].is_null());
    close(links, "rectangle", (2.0 * angle).cos(), 1e-13);
    close(links, "energy_plaquette", 2.0 * (1.0 - angle.cos()), 1e-13);
    close(links, "energy_clover", angle.sin().powi(2), 1e-13);
    assert_eq!((&links["charge"], &links["charge_definition"]), (&3.0.into(), &"geometric".into()));
    // A loop in x at height y has the angle −8 y φ = −π y: their average vanishes.
    close(links, "polyakov_x_re", 0.0, 1e-13);
    // One in y has the seam's, 6 x φ = 3π x / 4, of which eight make whole turns.
    close(links, "polyakov_y_re", 0.0, 1e-13);

    let flow = &lines[1..lines.len() - 1];
    assert_eq!(flow.len(), 21, "0, 0.1, ..., 2");
    for (i, line) in flow.iter().enumerate() {
        let t = i as f64 * 0.1;
        assert_eq!(line["observable"], "flow");
        assert_eq!(line["file"].as_str(), path.to_str());
        close(line, "flow_time", t, 1e-12);
        close(line, "plaquette", angle.cos(), 1e-12);
        close(line, "t2e_clover", (t * angle.sin()).powi(2), 1e-12);
        close(line, "t2e_plaquette", t * t * 2.0 * (1.0 - angle.cos()), 1e-12);
    }
    assert_eq!(scales["observable"], "scales");
    // t²E = c t²: t0 = √(0.3/c), w0² = √(0.15/c); straight lines over 0.1 are off by little.
    let c = angle.sin().powi(2);
    close(scales, "t0_clover", (0.3 / c).sqrt(), 2e-3);
    close(scales, "w0_clover", (0.15 / c).powf(0.25), 2e-3);
}

#[test]
fn polyakov_loops_are_those_of_their_direction() {
    let folder = Folder::new();
    // Unit links but for one slice in each direction: loops are i, −1, −i, and 1 in t.
    let path = folder.field::<1>("loops", &[4, 4, 4, 6], Precision::F64, |u| {
        let unit = Complex::new(1.0, 0.0);
        let ends = [Complex::new(0.0, 1.0), Complex::new(-1.0, 0.0), Complex::new(0.0, -1.0), unit];
        for i in 0..4 * 4 * 4 * 6 {
            let x = [i % 4, i / 4 % 4, i / 16 % 4, i / 64];
            (0..4).for_each(|mu| set(u, x, mu, if x[mu] == 1 { ends[mu] } else { unit }));
        }
    });
    let line = run("measure --json", &[&path]).line();
    for (key, expected) in [
        ("plaquette", 1.0),
        ("spatial_plaquette", 1.0),
        ("polyakov_x_re", 0.0),
        ("polyakov_x_im", 1.0),
        ("polyakov_y_re", -1.0),
        ("polyakov_y_im", 0.0),
        ("polyakov_z_re", 0.0),
        ("polyakov_z_im", -1.0),
        ("polyakov_t_re", 1.0),
        ("polyakov_t_im", 0.0),
    ] {
        close(&line, key, expected, 1e-13);
    }
}

#[test]
fn wrong_checksums_are_refused_unless_ignored() {
    let folder = Folder::new();
    let sound = folder.sound("sound");
    let (offset, _) = payload(&sound);
    let flipped = folder.copy(&sound, "flipped", |all| all[offset + 7] ^= 1);
    let answer = run("measure --json", &[&flipped, &sound]);
    let lines = answer.lines();
    assert_eq!((answer.status, lines.len()), (1, 2), "{}", answer.stdout);
    assert!(lines[0]["plaquette"].is_null());
    let error = lines[0]["error"].as_str().unwrap();
    assert!(error.contains("checksum mismatch") && error.contains("--ignore-checksum"), "{error}");
    assert!(lines[1]["plaquette"].is_number());

    let answer = run("measure --json --ignore-checksum", &[&flipped, &sound]);
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    let lines = answer.lines();
    assert_eq!((&lines[0]["checksum"], &lines[1]["checksum"]), (&"ignored".into(), &"ok".into()));
    close(&lines[0], "plaquette", lines[1]["plaquette"].as_f64().unwrap(), 1e-12);
}

#[test]
fn links_that_are_no_numbers_are_refused_always() {
    let folder = Folder::new();
    let path = folder.field::<2>("nan", &[4, 4, 4], Precision::F64, |u| {
        set(u, [1, 2, 3, 0], 2, Complex::new(f64::NAN, 0.0));
    });
    let answer = run("measure --json --ignore-checksum", &[&path]);
    let line = answer.line();
    assert_eq!(answer.status, 1);
    assert!(line["error"].as_str().unwrap().contains("site (1,2,3), direction z"), "{line}");
}

/// Fat links, or damage that the checksum is of: nothing that is measured on them means anything, unless one knows.
#[test]
fn links_off_the_group_are_refused_unless_overlooked() {
    let folder = Folder::new();
    for precision in [Precision::F64, Precision::F32] {
        let path = folder.field::<3>("fat", &[4, 4, 4, 4], precision, |u| {
            set(u, [1, 2, 3, 0], 2, Complex::new(1.001, 0.0));
        });
        for words in ["measure --json", "measure --json --ignore-checksum"] {
            let answer = run(words, &[&path]);
            let line = answer.line();
            let error = line["error"].as_str().unwrap();
            assert_eq!(answer.status, 1, "{error}");
            assert!(error.contains("1 link is not unitary: ||U U^+ - 1|| is up to 3.5e-3"), "{error}");
            assert!(error.contains("--ignore-unitarity takes it all the same"), "{error}");
        }
        let answer = run("measure --json --ignore-unitarity", &[&path]);
        let line = answer.line();
        assert_eq!(answer.status, 0, "{}", answer.stderr);
        close(&line, "unitarity", (1.001f64.powi(2) - 1.0) * 3f64.sqrt(), 1e-6);
        assert!(line["warnings"].to_string().contains("not unitary"), "{line}");
    }
}

#[test]
fn flow_steps_that_are_not_stable_are_refused() {
    let folder = Folder::new();
    let path = folder.sound("sound");
    for step in ["50", "0.2"] {
        let answer = run(&format!("measure --json --flow 100 --flow-step {step}"), &[&path]);
        assert_eq!(answer.status, 1, "{}", answer.stdout);
        let line = answer.line();
        let error = line["error"].as_str().unwrap();
        assert!(
            error.contains("--flow-step") && error.contains("0.156") && error.contains("0.02"),
            "{error}"
        );
    }
    // Up to the bound the plaquette rises all the way.
    let lines = run("measure --json --flow 3 --flow-step 0.15", &[&path]).lines();
    let flowed: Vec<f64> = lines
        .iter()
        .filter(|l| l["observable"] == "flow")
        .map(|l| l["plaquette"].as_f64().unwrap())
        .collect();
    assert!(flowed.len() > 10 && flowed.windows(2).all(|pair| pair[1] > pair[0]), "{flowed:?}");
}

#[test]
fn threads_change_no_bit_and_text_has_the_same_numbers() {
    let folder = Folder::new();
    let path = folder.field::<3>("conf", &[4, 4, 4, 8], Precision::F64, |_| ());
    let measured = |threads: usize| {
        let answer = run(&format!("measure --json --flow 0.1 --threads {threads}"), &[&path]);
        assert_eq!(answer.status, 0);
        answer.stdout
    };
    assert_eq!(measured(1), measured(3));
    let links: Value = serde_json::from_str(measured(1).lines().next().unwrap()).unwrap();
    let text = run("measure --flow 0.1", &[&path]).stdout;
    for key in ["plaquette", "rectangle", "energy_clover", "charge"] {
        let shown = format!("{:.12}", links[key].as_f64().unwrap());
        assert!(text.contains(&shown), "{key} {shown} is not in\n{text}");
    }
}

#[test]
fn impossible_flows_are_refused_before_any_work() {
    let folder = Folder::new();
    let path = folder.sound("sound");
    for words in ["measure --flow 0", "measure --flow -1", "measure --flow 1 --flow-step nan"] {
        let answer = run(words, &[&path]);
        assert_eq!((answer.status, answer.stdout.as_str()), (2, ""), "{words}");
        assert!(answer.stderr.contains("give a number above 0"), "{}", answer.stderr);
    }
}
