//! Solve stages on unit links, where the pion is a sum over momenta: two and four dimensions, twisted boundaries, walls, kappa.
//!
//! With S(p, t) = A − i Σ γ_mu B_mu, A = 1/T Σ_q e^{iqt} M/(M² + Σ sin²), B_mu likewise with sin p_mu, M = m + Σ (1 − cos p_mu), over
//! momenta q = (2πn + πθ)/T and p_k = (2πn + πθ_k)/L_k: C(t) = N d/V_s Σ_p (|A|² + Σ |B_mu|²) from a point, and V_s times the
//! term of p = 0 from a wall, V_s the sites of a slice.

use crate::program::{Scratch, json_lines};
use std::f64::consts::PI;

/// C(t) with d = extents.len() spins; of momentum 0 alone, V_s squared times, for a wall.
fn pion(colours: usize, extents: &[usize], theta: &[f64], mass: f64, wall: bool) -> Vec<f64> {
    let (dims, time) = (extents.len(), extents[extents.len() - 1]);
    let sites: usize = extents[..dims - 1].iter().product();
    let momentum = |mu: usize, n: usize| (2.0 * n as f64 + theta[mu]) * PI / extents[mu] as f64;
    let of_time = |t: usize| {
        let mut sum = 0.0;
        for index in 0..if wall { 1 } else { sites } {
            let mut rest = index;
            let mut p: Vec<f64> = (0..dims - 1)
                .map(|mu| {
                    let n = rest % extents[mu];
                    rest /= extents[mu];
                    momentum(mu, n)
                })
                .collect();
            p.push(0.0);
            // Real and imaginary parts of A and of all B.
            let mut parts = vec![[0.0; 2]; dims + 1];
            for n in 0..time {
                p[dims - 1] = momentum(dims - 1, n);
                let m = mass + p.iter().map(|p| 1.0 - p.cos()).sum::<f64>();
                let scale = 1.0 / (m * m + p.iter().map(|p| p.sin().powi(2)).sum::<f64>()) / time as f64;
                let phase = p[dims - 1] * t as f64;
                for (part, x) in parts.iter_mut().zip(std::iter::once(m).chain(p.iter().map(|p| p.sin()))) {
                    part[0] += phase.cos() * x * scale;
                    part[1] += phase.sin() * x * scale;
                }
            }
            sum += parts.iter().flatten().map(|x| x * x).sum::<f64>();
        }
        let count = (colours * dims) as f64 * sum;
        if wall { count * sites as f64 } else { count / sites as f64 }
    };
    (0..time).map(of_time).collect()
}

/// The pion of a solve stage on unit links.
fn solved(group: &str, extents: &str, keys: &str) -> Vec<f64> {
    let text = format!(
        "[run]\nseed = 3\ndirectory = \"out\"\n[lattice]\ngroup = {group:?}\nextents = {extents}\n\
         [[stage]]\nkind = \"solve\"\ntolerance = 1e-13\n{keys}\n"
    );
    let scratch = Scratch::new(&text);
    let lines = json_lines(&scratch.succeeds(&["run", "run.toml", "--json"]));
    assert!(scratch.path("out/plots/stage0-pion.svg").exists());
    lines.iter().filter_map(|line| line["pion"].as_f64()).collect()
}

fn same(ours: &[f64], expected: &[f64], what: &str) {
    assert_eq!(ours.len(), expected.len(), "{what}");
    for (t, (ours, expected)) in ours.iter().zip(expected).enumerate() {
        assert!((ours / expected - 1.0).abs() < 1e-11, "{what}, t = {t}: {ours} instead of {expected}");
    }
}

#[test]
fn pions_in_two_dimensions_are_sums_over_momenta() {
    for (group, colours) in [("U(1)", 1), ("SU(2)", 2), ("SU(3)", 3)] {
        let expected = pion(colours, &[6, 8], &[0.0, 1.0], 0.3, false);
        for keys in [
            "mass = 0.3\nsource = [4, 3]",
            // 1/(2 · 0.3 + 4)
            "kappa = 0.21739130434782608\nsolver = \"bicgstab-eo-mixed\"",
            "mass = 0.3\nsolver = \"bicgstab2-eo\"",
            "mass = 0.3\nsolver = \"bicgstab4-eo\"",
            "mass = 0.3\nsolver = \"cg-eo\"",
            "mass = 0.3\nsolver = \"bicgstab\"",
            "mass = 0.3\nsolver = \"gcr\"",
            "mass = 0.3\nsolver = \"gmres\"\nrestart = 20",
        ] {
            same(&solved(group, "[6, 8]", keys), &expected, &format!("{group}: {keys}"));
        }
    }
    let rows = "mass = 0.3\nlinks = \"two-rows\"";
    same(&solved("SU(3)", "[6, 8]", rows), &pion(3, &[6, 8], &[0.0, 1.0], 0.3, false), rows);
    // Odd extents, and boundaries of their own.
    let keys =
        "mass = 0.1\nsolver = \"bicgstab\"\nboundary = [{ theta = 0.3 }, { theta = -0.7 }]\nsource = [2, 6]";
    same(&solved("U(1)", "[5, 7]", keys), &pion(1, &[5, 7], &[0.3, -0.7], 0.1, false), keys);
}

#[test]
fn pions_with_twisted_boundaries_are_sums_over_shifted_momenta() {
    for (boundary, theta) in [
        ("[1, 1, 1, -1]", [0.0, 0.0, 0.0, 1.0]),
        ("[1, { theta = 0.5 }, -1, { theta = 1.25 }]", [0.0, 0.5, 1.0, 1.25]),
    ] {
        let expected = pion(3, &[4, 4, 2, 6], &theta, 0.2, false);
        // 1/(2 · 0.2 + 8)
        for mass in ["mass = 0.2", "kappa = 0.11904761904761904"] {
            let keys = format!("{mass}\nboundary = {boundary}\nsource = [1, 2, 0, 5]");
            same(&solved("SU(3)", "[4, 4, 2, 6]", &keys), &expected, &keys);
        }
    }
    // Solvers in blocks see the phases too.
    let theta = [0.5, 0.0, 0.0, 1.0];
    let expected = pion(2, &[4, 4, 4, 8], &theta, 0.2, false);
    for solver in [
        "solver = \"sap-gmres\"\nsap = { block = [2, 2, 2, 4] }",
        "solver = \"multigrid\"\nmultigrid = { block = [2, 2, 2, 4], vectors = 4 }",
    ] {
        let keys = format!("mass = 0.2\nboundary = [{{ theta = 0.5 }}, 1, 1, -1]\n{solver}");
        same(&solved("SU(2)", "[4, 4, 4, 8]", &keys), &expected, &keys);
    }
}

#[test]
fn walls_have_momentum_0() {
    let expected = pion(2, &[4, 2, 4, 6], &[0.0, 0.0, 0.0, 1.0], 0.2, true);
    let keys = "mass = 0.2\nsource = { wall = 4 }";
    same(&solved("SU(2)", "[4, 2, 4, 6]", keys), &expected, keys);
    let keys = "mass = 0.2\nsource = { wall = 0 }\nboundary = [1, 1]";
    same(&solved("U(1)", "[8, 6]", keys), &pion(1, &[8, 6], &[0.0, 0.0], 0.2, true), keys);
}

/// Noise is that of the seed, and of the number of updates and the stage: the same however a run is made, and never twice.
#[test]
fn noise_is_that_of_the_seed() {
    const RUN: &str = "[run]\nseed = 3\ndirectory = \"out\"\n[lattice]\ngroup = \"SU(2)\"\nextents = [4, 4, 2, 4]\n\
                       [action]\nbeta = 2.3\n[[stage]]\nkind = \"heatbath\"\nsweeps = 4\n\
                       [[stage]]\nkind = \"solve\"\nmass = 0.4\nsource = { noise = 1 }\n\
                       [[stage]]\nkind = \"solve\"\nmass = 0.4\nsource = { noise = 1 }\n\
                       [[stage]]\nkind = \"write\"\nfile = \"end.lime\"\n";
    let scratch = Scratch::new(RUN);
    let pions = |settings: &[&str], stage: u64| -> Vec<f64> {
        let arguments = [&["run", "run.toml", "--fresh", "--json"][..], settings].concat();
        let lines = json_lines(&scratch.succeeds(&arguments));
        lines.iter().filter(|line| line["stage"] == stage).filter_map(|line| line["pion"].as_f64()).collect()
    };
    let one = pions(&[], 1);
    assert_eq!(one.len(), 4);
    assert_eq!(one, pions(&["--set", "machine.ranks=[1,1,1,2]"], 1));
    assert_eq!(one, pions(&["--set", "machine.threads=2"], 1));
    assert_ne!(one, pions(&[], 2));
    assert_ne!(one, pions(&["--set", "run.seed=4"], 1));
}

#[test]
fn what_a_solve_cannot_have_is_refused() {
    const FLAT: &str = "[run]\ndirectory = \"out\"\n[lattice]\ngroup = \"U(1)\"\nextents = [4, 6]\n\
                        [[stage]]\nkind = \"solve\"\nmass = 0.2\n";
    let four = FLAT.replace("[4, 6]", "[4, 4, 4, 4]").replace("U(1)", "SU(3)");
    for (text, key, said) in [
        (FLAT, "csw = 1.0", &["csw", "4 dimensions"][..]),
        (FLAT, "solver = \"multigrid\"", &["| solver", "are for 4 dimensions"]),
        (FLAT, "solver = \"sap-gmres\"", &["| solver", "are for 4 dimensions"]),
        (FLAT, "propagator = { file = \"q.scidac\" }", &["| propagator", "four spins of 4 dimensions"]),
        (FLAT, "boundary = [1, 1, 1, -1]", &["4 phases for 2 directions"]),
        (FLAT, "source = [0, 0, 0, 0]", &["4 coordinates of a source in 2 dimensions"]),
        (FLAT, "source = [0, 6]", &["| source", "outside the lattice [4, 6]"]),
        (FLAT, "source = { wall = 6 }", &["slices count from 0 to 5"]),
        (FLAT, "source = { noise = 1 }", &["missing field `seed`", "noise"]),
        (FLAT, "links = \"two-rows\"", &["| links", "not of U(1)"]),
        (FLAT, "kappa = 0.2", &["| kappa = 0.2", "give one"]),
        (
            &four,
            "source = { wall = 1 }\npropagator = { file = \"q.scidac\" }",
            &["| propagator", "take a point"],
        ),
        (&four, "boundary = [1, 1, 1, { theta = inf }]", &["boundary", "theta = inf"]),
    ] {
        let error = Scratch::new(&format!("{text}{key}\n")).fails(2, &["run", "run.toml"]);
        assert!(said.iter().all(|said| error.contains(said)), "{key}: {error}");
    }
    let plugin = "solver = \"gmres\"\npreconditioner = { plugin = \"precond\" }\n";
    let error = Scratch::new(&format!("{FLAT}{plugin}")).fails(2, &["run", "run.toml"]);
    assert!(error.contains("| preconditioner") && error.contains("interface of plugins"), "{error}");
    let error = Scratch::new(&FLAT.replace("mass = 0.2", "mass = -2")).fails(2, &["run", "run.toml"]);
    assert!(error.contains("-2 is not possible here: kappa = 1/(2m + 4)"), "{error}");
    let error = Scratch::new(&FLAT.replace("mass = 0.2", "")).fails(2, &["run", "run.toml"]);
    assert!(error.contains("stage 0 needs `mass` or `kappa`"), "{error}");
    let error = Scratch::new(&FLAT.replace("[4, 6]", "[4, 4, 4]")).fails(2, &["run", "run.toml"]);
    assert!(error.contains("for 2 and 4 dimensions"), "{error}");
}
