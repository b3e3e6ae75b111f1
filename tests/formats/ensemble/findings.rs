//! Every kind of flaw, planted and found.

use super::{Ensemble, LENGTH, finding, name, of_kind, wrong};
use crate::program::{corpus, gaugelink};
use crate::written::{Folder, payload, set};
use gaugelink_lattice::Complex;
use lime_rs::Precision;
use serde_json::Value;
use std::fs;
use std::process::Command;

#[test]
fn list_reads_headers_only() {
    let ensemble = Ensemble::new();
    let path = ensemble.file(&name(1050));
    let (offset, _) = payload(&path);
    let mut bytes = fs::read(&path).unwrap();
    bytes[offset + 7] ^= 1;
    fs::write(&path, bytes).unwrap();
    fs::rename(ensemble.file(&name(1230)), ensemble.file("conf.900.lime")).unwrap();
    let answer = ensemble.run("list --json", "");
    let lines = answer.lines();
    assert_eq!(answer.status, 0, "the damage goes unnoticed: {}", answer.stderr);
    let numbers: Vec<u64> =
        of_kind(&lines, "file").iter().map(|line| line["number"].as_u64().unwrap()).collect();
    // Its logical name has the old number, and its own the new one.
    assert_eq!(numbers, (0..LENGTH as u64).map(|i| 1000 + 10 * i).collect::<Vec<_>>());
    assert_eq!(wrong(&lines), [finding("name", &["conf.900.lime"], &[900, 1230])]);
    let text = ensemble.run("list", "").stdout;
    assert!(text.contains("SU(3) on 4x4x4x4  f64        ildg"), "{text}");
    assert!(text.contains("24 configurations in 24 files"), "{text}");
}

/// The field of one configuration again in single precision, under another number, is no second configuration.
#[test]
fn a_copy_in_single_precision_counts_once() {
    let ensemble = Ensemble::new();
    let words = "ildg convert --json --to ildg --precision f32 --lfn lfn://gaugelink/conf.1240";
    let copy = ensemble.file(&name(1240));
    let answer = crate::program::run(words, &[&ensemble.file(&name(1060)), &copy]);
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    let before = ensemble.run("verify --json", "out").lines();
    assert_eq!(wrong(&before), [finding("rounded copy", &[&name(1060), &name(1240)], &[1060, 1240])]);
    let summary = of_kind(&before, "summary")[0].clone();
    assert_eq!((&summary["averaged"], &summary["copies"]), (&LENGTH.into(), &1.into()), "{summary}");

    // The same plaquettes and loops, and other links: two neighbours exchanged by a shift of the whole field.
    let path = ensemble.file(&name(1250));
    let (offset, length) = payload(&copy);
    let mut bytes = fs::read(&copy).unwrap();
    // Sites are 4 x 72 bytes of f32 links, and a time slice of 64 of them a quarter of the field.
    bytes[offset..offset + length].rotate_left(length / 4);
    fs::write(&path, bytes).unwrap();
    let lines = ensemble.run("verify --json --ignore-checksum", "out").lines();
    let rounded: Vec<bool> = of_kind(&lines, "finding")
        .iter()
        .filter(|line| line["what"] == "rounded copy")
        .map(|line| line["wrong"].as_bool().unwrap())
        .collect();
    assert_eq!(rounded, [true, false], "a suspicion only");
    let summary = of_kind(&lines, "summary")[0].clone();
    assert_eq!(summary["configurations"], LENGTH + 2, "{summary}");
}

#[test]
fn every_planted_flaw_is_found() {
    let ensemble = Ensemble::new();
    let change = |number: usize, change: &dyn Fn(&mut Vec<u8>)| {
        let path = ensemble.file(&name(number));
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
    };
    let (offset, _) = payload(&ensemble.file(&name(1000)));
    // A gap of two.
    fs::remove_file(ensemble.file(&name(1040))).unwrap();
    fs::remove_file(ensemble.file(&name(1050))).unwrap();
    // A bit of a mantissa, and half a file.
    change(1080, &|bytes| bytes[offset + 7] ^= 1);
    change(1110, &|bytes| bytes.truncate(bytes.len() / 2));
    // The same links under another number; their logical name goes with them.
    fs::copy(ensemble.file(&name(1010)), ensemble.file(&name(1200))).unwrap();
    // A file of no meaning with a name of the series, and one with a name of its own.
    change(1150, &|bytes| *bytes = b"nothing to see\n".repeat(100));
    fs::write(ensemble.file("README"), "configurations\n").unwrap();
    // A cold start, links that are no numbers, another group, and another precision.
    let other = Folder::new();
    let cold = other.field::<3>("cold", &[4, 4, 4, 4], Precision::F64, |u| {
        for i in 0..256 {
            (0..4).for_each(|mu| set(u, [i % 4, i / 4 % 4, i / 16 % 4, i / 64], mu, Complex::new(1.0, 0.0)));
        }
    });
    let nan = other.field::<3>("nan", &[4, 4, 4, 4], Precision::F64, |u| {
        set(u, [1, 2, 3, 0], 2, Complex::new(f64::NAN, 0.0));
    });
    let su2 = other.field::<2>("su2", &[4, 4, 4, 4], Precision::F64, |_| ());
    fs::copy(cold, ensemble.file(&name(1240))).unwrap();
    fs::copy(nan, ensemble.file(&name(1250))).unwrap();
    fs::copy(su2, ensemble.file(&name(1260))).unwrap();
    let single = ensemble.file("conf.1230.f32.lime");
    let convert = ["ildg", "convert", "--to", "ildg", "--precision", "f32"].map(str::to_owned);
    let files = [ensemble.file(&name(1230)), single.clone()].map(|path| path.to_str().unwrap().to_owned());
    assert_eq!(gaugelink(convert.into_iter().chain(files)).status, 0);

    let answer = ensemble.run("verify --json", "out");
    let lines = answer.lines();
    assert_eq!(answer.status, 1, "{}", answer.stdout);
    assert!(answer.stderr.contains("things are wrong with the ensemble"), "{}", answer.stderr);
    assert_eq!(
        wrong(&lines),
        [
            finding("damaged", &["conf.1080.lime"], &[]),
            finding("damaged", &["conf.1250.lime"], &[]),
            finding("duplicate", &["conf.1010.lime", "conf.1200.lime"], &[1010, 1010]),
            finding("gap", &[], &[1040, 1050]),
            finding("gap", &[], &[1110]),
            finding("gap", &[], &[1150]),
            finding("gap", &[], &[1200]),
            finding("name", &["conf.1200.lime"], &[1200, 1010]),
            finding("other ensemble", &["conf.1260.lime"], &[]),
            finding("outlier", &["conf.1240.lime"], &[1240]),
            finding("same number", &["conf.1010.lime", "conf.1200.lime"], &[1010]),
            finding("same number", &["conf.1230.f32.lime", "conf.1230.lime"], &[1230]),
            finding("unreadable", &["conf.1110.lime"], &[]),
            finding("unreadable", &["conf.1150.lime"], &[]),
        ]
    );
    let notes = of_kind(&lines, "finding").into_iter().filter(|line| line["wrong"] == false);
    let notes: Vec<(&Value, &Value)> = notes.map(|line| (&line["what"], &line["files"])).collect();
    assert!(notes.contains(&(&"foreign".into(), &vec!["README"].into())), "{notes:?}");
    assert!(notes.contains(&(&"storage".into(), &vec!["conf.1230.f32.lime"].into())), "{notes:?}");
    let messages: String =
        of_kind(&lines, "finding").iter().map(|f| f["message"].as_str().unwrap()).collect();
    for words in [
        "checksum mismatch",
        "truncated",
        "1 link is not finite",
        "SU(2) on 4x4x4x4",
        "2 configurations are missing",
    ] {
        assert!(messages.contains(words), "{words} is not in {messages}");
    }
    // 24 less the gap, two unreadable, one damaged, one overwritten; the cold one counts, with a finding.
    assert_eq!(of_kind(&lines, "summary")[0]["averaged"], LENGTH as u64 - 2 - 2 - 1 - 1 + 1);
    let history = fs::read_to_string(ensemble.out("out/plots/plaquette-history.svg")).unwrap();
    assert!(
        history.contains(">outliers<")
            && history.contains(">missing, or no good<")
            && history.contains("5 gaps")
    );

    // A wrong checksum can be forgiven, the rest cannot.
    let forgiving = ensemble.run("verify --json --ignore-checksum", "out").lines();
    assert_eq!(wrong(&forgiving).iter().filter(|finding| finding.0 == "damaged").count(), 1);
    assert_eq!(of_kind(&forgiving, "summary")[0]["averaged"], LENGTH as u64 - 4);
}

/// A plaquette in the header that is not that of the links: damage, unless what files state is to be ignored.
#[test]
fn a_file_with_another_plaquette_than_it_states_is_damaged() {
    let ensemble = Ensemble::new();
    let (from, to) = (ensemble.file(&name(1050)), ensemble.file("conf.1050.nersc"));
    let words = ["ildg", "convert", "--to", "nersc", from.to_str().unwrap(), to.to_str().unwrap()];
    assert_eq!(gaugelink(words).status, 0);
    fs::remove_file(from).unwrap();
    let mut bytes = fs::read(&to).unwrap();
    let key = b"PLAQUETTE = 0.";
    let at = bytes.windows(key.len()).position(|window| window == key).unwrap();
    bytes[at + key.len()] = if bytes[at + key.len()] == b'1' { b'2' } else { b'1' };
    fs::write(&to, bytes).unwrap();
    for (options, damaged, averaged) in [("", 1, LENGTH - 1), (" --ignore-checksum", 0, LENGTH)] {
        let lines = ensemble.run(&format!("verify --json{options}"), "out").lines();
        let found = wrong(&lines);
        let expected = vec![finding("damaged", &["conf.1050.nersc"], &[]); damaged];
        assert_eq!(found.into_iter().filter(|finding| finding.0 == "damaged").collect::<Vec<_>>(), expected);
        assert_eq!(of_kind(&lines, "summary")[0]["averaged"], averaged as u64, "{options}");
    }
}

#[test]
fn the_same_links_in_a_row_are_frozen_and_in_other_forms_are_the_same() {
    let ensemble = Ensemble::new();
    // Files of NERSC have no logical names.
    for i in 0..LENGTH {
        let to = ensemble.file(&format!("c{}", 10 + i));
        fs::rename(ensemble.file(&name(1000 + 10 * i)), &to).unwrap();
        let out = ensemble.file(&format!("u-{}.nersc", 10 + i));
        let words = ["ildg", "convert", "--to", "nersc", to.to_str().unwrap(), out.to_str().unwrap()];
        assert_eq!(gaugelink(words).status, 0);
        fs::remove_file(to).unwrap();
    }
    let copy = |from: usize, to: usize| {
        fs::copy(ensemble.file(&format!("u-{from}.nersc")), ensemble.file(&format!("u-{to}.nersc"))).unwrap();
    };
    copy(20, 21);
    copy(20, 22);
    copy(30, 31);
    copy(12, 25);
    let to = ensemble.file("u-40.hirep");
    let from = ensemble.file("u-33.nersc");
    let words = ["ildg", "convert", "--to", "hirep", from.to_str().unwrap(), to.to_str().unwrap()];
    assert_eq!(gaugelink(words).status, 0);
    let found = wrong(&ensemble.run("verify --json", "out").lines());
    assert_eq!(
        found,
        [
            finding("duplicate", &["u-12.nersc", "u-25.nersc"], &[12, 25]),
            finding("duplicate", &["u-30.nersc", "u-31.nersc"], &[30, 31]),
            finding("frozen", &["u-20.nersc", "u-21.nersc", "u-22.nersc"], &[20, 21, 22]),
            finding("gap", &[], &[34, 35, 36, 37, 38, 39]),
            finding("same plaquette", &["u-33.nersc", "u-40.hirep"], &[33, 40]),
        ]
    );
    // One field, one measurement: of the five that are the same in a row or elsewhere, and of that in another format.
    let mean_of = |lines: &[Value], names: &dyn Fn(&str) -> bool| {
        let files = of_kind(lines, "file").into_iter();
        let own: Vec<f64> = files
            .filter(|line| names(line["name"].as_str().unwrap()))
            .map(|line| line["plaquette"].as_f64().unwrap())
            .collect();
        (own.iter().sum::<f64>() / own.len() as f64, own.len())
    };
    let average = |lines: &[Value]| {
        let row = of_kind(lines, "result")[0].clone();
        (row["value"].as_f64().unwrap(), row["n"].as_u64().unwrap() as usize, row["note"].to_string())
    };
    let lines = ensemble.run("verify --json", "out").lines();
    let copies = ["u-21.nersc", "u-22.nersc", "u-25.nersc", "u-31.nersc", "u-40.hirep"];
    let (mean, count) = mean_of(&lines, &|name| !copies.contains(&name));
    let (value, n, note) = average(&lines);
    assert!(n == count && (value - mean).abs() < 1e-14, "{value} of {n}, {mean} of {count}");
    assert!(note.contains("5 copies left out"), "{note}");
    let summary = of_kind(&lines, "summary")[0];
    assert_eq!((&summary["averaged"], &summary["copies"]), (&count.into(), &5.into()), "{summary}");
    assert!(of_kind(&lines, "finding").iter().any(|line| {
        line["what"] == "duplicate" && line["message"].to_string().contains("averages leave copies out")
    }));
    let text = ensemble.run("verify", "out").stdout;
    assert!(text.contains("20 of 25 configurations averaged, 5 copies left out, NOT in order"), "{text}");
    let table = fs::read_to_string(ensemble.out("out/table.txt")).unwrap();
    assert!(table.contains("5 copies left out"), "{table}");

    // Rejected trajectories repeat the links of their neighbours only, and count.
    let lines = ensemble.run("verify --json --repeats", "out").lines();
    let (mean, count) = mean_of(&lines, &|name| !copies[2..].contains(&name) || name == copies[3]);
    let (value, n, note) = average(&lines);
    assert!(n == count && (value - mean).abs() < 1e-14, "{value} of {n}, {mean} of {count}");
    assert!(note.contains("2 copies left out"), "{note}");
    let found = wrong(&lines);
    assert_eq!(
        found.iter().map(|finding| finding.0.as_str()).collect::<Vec<_>>(),
        ["duplicate", "gap", "same plaquette"]
    );
}

/// A pipe would wait for a writer for ever, and a device may do anything when it is opened.
#[test]
fn what_is_no_file_is_listed_and_never_opened() {
    let ensemble = Ensemble::new();
    let pipe = |name: &str| {
        assert!(Command::new("mkfifo").arg(ensemble.file(name)).status().unwrap().success());
    };
    ["pipe", "conf.1000.lime.xml", "notes.xml"].into_iter().for_each(pipe);
    let _socket = std::os::unix::net::UnixListener::bind(ensemble.file("socket")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", ensemble.file("zeros")).unwrap();
    fs::create_dir(ensemble.file("folder")).unwrap();
    let listed = |words: &str| {
        let out = if words.starts_with("list") { "" } else { "out" };
        let answer = ensemble.run(words, out);
        let lines = answer.lines();
        let findings = of_kind(&lines, "finding");
        let of_pipes = findings.iter().filter(|line| line["what"] == "not a regular file");
        let mut said: Vec<String> =
            of_pipes.map(|line| line["message"].as_str().unwrap().to_owned()).collect();
        said.sort();
        (answer.status, wrong(&lines), said)
    };
    for words in ["list --json", "verify --json"] {
        let (status, wrong, said) = listed(words);
        assert_eq!((status, wrong), (0, vec![]), "{words}");
        let kinds = ["a pipe", "a pipe", "a pipe", "a socket", "a device"];
        assert_eq!(said.len(), kinds.len(), "{said:?}");
        for (said, kind) in said.iter().zip(kinds) {
            assert!(said.contains(&format!(": not a regular file but {kind}")), "{said}");
        }
    }
    // One that has the name of a configuration stands where one should be.
    fs::remove_file(ensemble.file(&name(1050))).unwrap();
    pipe(&name(1050));
    let (_, wrong, _) = listed("list --json");
    assert_eq!(wrong, [finding("gap", &[], &[1050]), finding("unreadable", &[&name(1050)], &[])]);
}

#[test]
fn changed_files_are_read_again_and_named() {
    let ensemble = Ensemble::new();
    assert_eq!(ensemble.run("verify", "out").status, 0);
    // Links of another chain under an old name.
    let folder = Folder::new();
    let other = folder.field::<3>("other", &[4, 4, 4, 4], Precision::F64, |_| ());
    fs::copy(other, ensemble.file(&name(1070))).unwrap();
    let lines = ensemble.run("verify --json", "out").lines();
    let read: Vec<&Value> =
        lines.iter().filter(|line| line["read"] == true).map(|line| &line["name"]).collect();
    assert_eq!(read, ["conf.1070.lime"]);
    let changed = |lines: &[Value]| wrong(lines).iter().any(|finding| finding.0 == "changed");
    assert!(changed(&lines));
    assert!(changed(&ensemble.run("verify --json", "out").lines()), "it is not forgotten");
    assert!(!changed(&ensemble.run("verify --json --again", "out").lines()));
}

/// Files of nine codes in one folder, of which no two are of one chain.
#[test]
fn a_folder_of_everything_is_told_apart() {
    let Some((folder, entries)) = corpus() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let words = ["ensemble", "verify", "--json", "--out", scratch.path().to_str().unwrap()];
    let answer = gaugelink(words.into_iter().chain([folder.to_str().unwrap()]));
    let lines = answer.lines();
    assert_eq!(answer.status, 1, "{}", answer.stderr);
    let files = of_kind(&lines, "file");
    for entry in &entries {
        let name = entry["file"].as_str().unwrap();
        let Some(line) = files.iter().find(|line| line["name"] == name) else { continue };
        if let Some(expected) = entry["plaquette"].as_str().filter(|text| *text != "-") {
            let found = line["plaquette"].as_f64().unwrap_or_else(|| panic!("{line}"));
            assert!((found - expected.parse::<f64>().unwrap()).abs() < 2e-6, "{name}: {found}, {expected}");
        }
    }
    let found = wrong(&lines);
    let of = |what: &str| -> Vec<&str> {
        found.iter().filter(|f| f.0 == what).flat_map(|f| f.1.iter().map(String::as_str)).collect()
    };
    let fat = ["qio_binary_host_test_8444_f32_multirecord.lime", "scidac_milc_fat_l8888_f32.lime"];
    let bad =
        ["milcv5_BADCHECKSUM_sf5p7_l4448_le_f32.lat", fat[0], fat[1], "scidac_milc_long_l8888_f32.lime"];
    assert_eq!(of("damaged"), bad);
    assert_eq!(of("same plaquette"), ["ildg_milc_l4444_f32.ildg", "milcv5_l4444_le_f32.lat"]);
    let bare = of("unreadable");
    assert!(bare.len() == 3 && bare.iter().all(|name| name.starts_with("barelime_")), "{bare:?}");
    assert!(of("other ensemble").contains(&"openqcd_hirep_pb_8888_f64.openqcd"));
    assert!(!of("other ensemble").contains(&"ildg_milc_l4444_f32.ildg"), "most are SU(3) on 4x4x4x4");
    let foreign = lines.iter().find(|line| line["what"] == "foreign").unwrap();
    let foreign: Vec<&str> =
        foreign["files"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect();
    assert_eq!(foreign.len(), 2 + 2, "README, index and two files of staggered vectors: {foreign:?}");
    assert!(!lines.iter().any(|line| line["what"] == "chains"), "no two files are of one chain");
    let summary = of_kind(&lines, "summary")[0];
    assert_eq!(summary["ensemble"], "SU(3) on 4x4x4x4, stored in several ways", "no way is that of most");
    assert!(!answer.stdout.contains("most are f"), "{}", answer.stdout);
}
