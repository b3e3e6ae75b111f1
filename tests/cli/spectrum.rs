//! Low modes of Dirac operators in runs.

use crate::program::{Scratch, json_lines};

const RUN: &str = r#"
[run]
seed = 4
directory = "out"
[lattice]
group = "SU(2)"
extents = [4, 4, 4, 4]
[action]
beta = 2.4
[start]
kind = "cold"
[[stage]]
kind = "heatbath"
sweeps = 30
[[stage]]
kind = "spectrum"
mass = -0.6
count = 4
[[stage]]
kind = "spectrum"
mass = -0.5
count = 4
[[stage]]
kind = "spectrum"
mass = -0.6
operator = "gamma5-D"
count = 2
"#;

/// Eigenvalues move with the mass, m_c does not; the smallest singular value is below the smallest modulus.
#[test]
fn eigenvalues_move_with_the_mass() {
    // 1/(2m + 8) at m = -0.5.
    let scratch = Scratch::new(&RUN.replace("mass = -0.5", "kappa = 0.14285714285714285"));
    let lines = json_lines(&scratch.succeeds(&["run", "run.toml", "--json"]));
    let of = |stage: u64| -> Vec<(f64, f64)> {
        let ours = lines.iter().filter(|l| l["kind"] == "eigenvalue" && l["stage"] == stage);
        ours.map(|l| {
            assert!(l["residual"].as_f64().unwrap() < 1e-8);
            (l["re"].as_f64().unwrap(), l["im"].as_f64().unwrap())
        })
        .collect()
    };
    let (light, heavy, hermitian) = (of(1), of(2), of(3));
    assert_eq!((light.len(), heavy.len(), hermitian.len()), (4, 4, 2));
    let near = |(re, im): (f64, f64)| {
        light.iter().map(|(a, b)| (a + 0.1 - re).hypot(b - im)).fold(f64::INFINITY, f64::min)
    };
    assert!(near(heavy[0]) < 1e-6, "{light:?} {heavy:?}");
    assert!(hermitian.iter().all(|(_, im)| im.abs() < 1e-9), "{hermitian:?}");
    assert!(hermitian[0].0.abs() <= light[0].0.hypot(light[0].1) * (1.0 + 1e-9), "{hermitian:?} {light:?}");
    let row = |stage: u64, quantity: &str| {
        let row = |l: &&serde_json::Value| {
            l["kind"] == "result" && l["stage"] == stage && l["quantity"] == quantity
        };
        lines.iter().find(row).unwrap()["value"].as_f64().unwrap()
    };
    let leftmost = light.iter().map(|(re, _)| *re).fold(f64::INFINITY, f64::min);
    assert!((row(1, "m_c") - (-0.6 - leftmost)).abs() < 1e-12);
    assert!((row(1, "m_c") - row(2, "m_c")).abs() < 1e-6);
    assert!((row(1, "|lambda_0|") - light[0].0.hypot(light[0].1)).abs() < 1e-12);
}

#[test]
fn lattices_and_signs_that_do_not_fit_are_refused_before_the_run() {
    for (from, to, wanted) in [
        ("[4, 4, 4, 4]", "[4, 4, 4]", "for 2 and 4 dimensions"),
        ("mass = -0.5", "mass = -0.5\nboundary = [1, -1]", "2 phases for 4 directions"),
        ("mass = -0.5", "mass = -0.5\nboundary = [1, 1, 1, 2]", "2 is no boundary phase"),
        ("mass = -0.5", "mass = -0.5\noperator = \"D5\"", "no operator is called `D5`"),
    ] {
        let scratch = Scratch::new(&RUN.replace(from, to));
        let error = scratch.fails(2, &["run", "run.toml"]);
        assert!(error.contains(wanted), "{error}");
        assert!(!scratch.path("out").exists());
    }
    // Too few vectors, found out in the run.
    let scratch = Scratch::new(&RUN.replacen("count = 4", "count = 4\nvectors = 5", 1));
    let error = scratch.fails(1, &["run", "run.toml"]);
    assert!(error.contains("in a space of 5 vectors: allow more vectors"), "{error}");
}
