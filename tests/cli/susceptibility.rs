//! The topological susceptibility among the results.

use crate::program::{Scratch, rows_of_stage_0};

/// U(1) on 8² at β = 2, whose ⟨Q²⟩ is 1.239299 (tests/physics/exact.rs).
#[test]
fn the_susceptibility_of_u1_is_the_exact_one() {
    const RUN: &str = "[run]\nseed = 12\ndirectory = \"out\"\nchains = 8\n[lattice]\ngroup = \"U(1)\"\nextents = [8, 8]\n\
                       [action]\nbeta = 2.0\n[measure]\ncharge = true\n\
                       [[stage]]\nkind = \"heatbath\"\nsweeps = 2100\nthermalise = 100\n";
    let scratch = Scratch::new(RUN);
    let text = scratch.succeeds(&["run", "run.toml", "--json"]);
    let row = rows_of_stage_0(&text);
    let (chi, square) = (row("chi_t"), row("charge^2"));
    let [value, error] = ["value", "error"].map(|key| chi[key].as_f64().unwrap());
    let exact = 1.239299 / 64.0;
    assert!((value - exact).abs() < 4.0 * error && error < 0.02 * exact, "{chi}: exact {exact}");
    assert!((64.0 * value / square["value"].as_f64().unwrap() - 1.0).abs() < 1e-14, "{chi} {square}");
    assert!(chi["note"].as_str().unwrap().contains("exact 0.01936405"), "{chi}");
}

/// In four dimensions there is no exact value, and a remark. The lattice is told by the start file.
#[test]
fn susceptibilities_of_four_dimensions_are_not_renormalised() {
    const RUN: &str = "[run]\nseed = 12\ndirectory = \"out\"\n[lattice]\ngroup = \"SU(2)\"\nextents = [4, 4, 2, 4]\n\
                       [action]\nbeta = 2.3\n[measure]\ncharge = true\n\
                       [[stage]]\nkind = \"heatbath\"\nsweeps = 40\nthermalise = 8\n\
                       [[stage]]\nkind = \"write\"\nfile = \"end.lime\"\n";
    let scratch = Scratch::new(RUN);
    scratch.succeeds(&["run", "run.toml"]);
    let (before, after) = RUN.split_once("[lattice]").unwrap();
    let file = format!("{before}[action]{}", after.split_once("[action]").unwrap().1);
    std::fs::write(scratch.path("more.toml"), file.replace("\"out\"", "\"more\"")).unwrap();
    let text = scratch.succeeds(&["run", "more.toml", "--input", "out/end.lime", "--json"]);
    let row = rows_of_stage_0(&text);
    let value = |quantity: &str| row(quantity)["value"].as_f64().unwrap();
    assert!((value("chi_t") * 128.0 / value("charge^2") - 1.0).abs() < 1e-14);
    assert!(row("chi_t")["note"].as_str().unwrap().contains("not renormalised"));
}
