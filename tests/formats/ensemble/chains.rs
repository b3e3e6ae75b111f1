//! Several chains in one folder.

use super::{Ensemble, LENGTH, chain, finding, name, of_kind, wrong};
use crate::program::gaugelink;
use serde_json::{Value, json};
use std::fs;

/// Half of the configurations for each chain, from 100 on by 10; of the second the fourth is missing. Files of NERSC
/// have no logical names, so their own tell.
fn two_chains() -> Ensemble {
    let ensemble = Ensemble::new();
    let half = LENGTH / 2;
    for i in 0..LENGTH {
        let file = name(1000 + 10 * i);
        fs::remove_file(ensemble.file(&file)).unwrap();
        let to = ensemble.file(&format!("s{}_conf.{}.nersc", 1 + i / half, 100 + 10 * (i % half)));
        let from = chain().join("run").join(&file);
        let words = ["ildg", "convert", "--to", "nersc", from.to_str().unwrap(), to.to_str().unwrap()];
        assert_eq!(gaugelink(words).status, 0);
    }
    fs::remove_file(ensemble.file("s2_conf.130.nersc")).unwrap();
    ensemble
}

#[test]
fn two_chains_with_the_same_numbers_are_two_series() {
    let (ensemble, half) = (two_chains(), LENGTH / 2);
    let lines = ensemble.run("list --json", "").lines();
    let files = of_kind(&lines, "file");
    let places: Vec<(&Value, &Value)> = files.iter().map(|line| (&line["chain"], &line["number"])).collect();
    assert_eq!(places[half - 1], (&json!("s1_conf.#"), &json!(100 + 10 * (half - 1))));
    assert_eq!(
        places[half..half + 4].iter().map(|p| p.1.as_u64().unwrap()).collect::<Vec<_>>(),
        [100, 110, 120, 140]
    );
    assert!(places[half..].iter().all(|place| place.0 == "s2_conf.#"), "{places:?}");

    let lines = ensemble.run("verify --json", "out").lines();
    assert_eq!(wrong(&lines), [finding("gap", &[], &[130])]);
    let gap = lines.iter().find(|line| line["what"] == "gap").unwrap()["message"].as_str().unwrap();
    assert!(gap.starts_with("s2_conf.#: "), "{gap}");
    let note = lines.iter().find(|line| line["what"] == "chains").unwrap()["message"].as_str().unwrap();
    assert!(note.contains("s1_conf.# (12) and s2_conf.# (11)"), "{note}");
    let results = of_kind(&lines, "result");
    let rows: Vec<(&Value, &Value)> = results.iter().map(|row| (&row["quantity"], &row["count"])).collect();
    assert_eq!(rows.len(), 2, "an average of each: {rows:?}");
    for (row, (chain, count)) in results.iter().zip([("s1_conf.#", half), ("s2_conf.#", half - 1)]) {
        assert_eq!(row["quantity"], format!("plaquette, {chain}"));
        let own = of_kind(&lines, "file").into_iter().filter(|line| line["chain"] == chain);
        let plaquettes: Vec<f64> = own.map(|line| line["plaquette"].as_f64().unwrap()).collect();
        assert_eq!(plaquettes.len(), count);
        let mean = plaquettes.iter().sum::<f64>() / count as f64;
        assert!((row["value"].as_f64().unwrap() - mean).abs() < 1e-14, "{row}");
    }
    let summary = of_kind(&lines, "summary")[0];
    assert_eq!((&summary["averaged"], &summary["stride"]), (&json!(2 * half - 1), &json!(10)));
    let series = json!([
        { "chain": "s1_conf.#", "configurations": half, "first": 100, "last": 90 + 10 * half, "stride": 10 },
        { "chain": "s2_conf.#", "configurations": half - 1, "first": 100, "last": 90 + 10 * half, "stride": 10 },
    ]);
    assert_eq!(summary["chains"], series);
    for number in [1, 2] {
        assert!(ensemble.out(&format!("out/plots/chain{number}-plaquette-history.svg")).exists());
    }
    let text = ensemble.run("verify", "out").stdout;
    assert!(text.contains("2 chains, 100 to 210 by 10: 23 of 23 configurations averaged"), "{text}");
}

#[test]
fn a_number_twice_in_one_chain_is_still_wrong() {
    let ensemble = two_chains();
    fs::copy(ensemble.file("s1_conf.110.nersc"), ensemble.file("s1_conf.120_f64.nersc")).unwrap();
    let found = wrong(&ensemble.run("verify --json", "out").lines());
    let twice = ["s1_conf.120.nersc", "s1_conf.120_f64.nersc"];
    assert!(found.contains(&finding("same number", &twice, &[120])), "{found:?}");
    assert!(
        found.contains(&finding("duplicate", &["s1_conf.110.nersc", twice[1]], &[110, 120])),
        "{found:?}"
    );
}
