//! Files of QIO, MILC, QDP++, tmLQCD, SIMULATeQCD and Julia codes against values that an independent reader computed.

use crate::program::{corpus, run};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn name(entry: &Value) -> &str {
    entry["file"].as_str().unwrap()
}

fn with_prefix<'a>(entries: &'a [Value], prefix: &'a str) -> Vec<&'a Value> {
    let found: Vec<_> = entries.iter().filter(|entry| name(entry).starts_with(prefix)).collect();
    assert!(!found.is_empty(), "no file begins with {prefix}");
    found
}

/// The index's "1c231a18/003c553b", with or without `0x` and leading zeros.
fn sums(text: &str) -> [u32; 2] {
    let number = |word: &str| u32::from_str_radix(word.trim_start_matches("0x"), 16).unwrap();
    let (a, b) = text.split_once('/').unwrap();
    [number(a), number(b)]
}

fn close(found: &Value, expected: &Value, tolerance: f64, what: &str) {
    let expected: f64 = expected.as_str().unwrap().parse().unwrap();
    let found = found.as_f64().unwrap_or_else(|| panic!("{what} is missing"));
    // The index has twelve digits.
    assert!((found - expected).abs() <= tolerance + 5e-13, "{what}: {found} instead of {expected}");
}

/// Plaquettes and link trace that the program computed against the index.
fn averages_agree(line: &Value, entry: &Value, tolerance: f64) {
    for (ours, theirs) in [
        ("plaquette", "plaquette"),
        ("spatial_plaquette", "plaq_spatial"),
        ("temporal_plaquette", "plaq_temporal"),
        ("link_trace", "link_trace"),
    ] {
        close(&line[ours], &entry[theirs], tolerance, &format!("{}: {ours}", name(entry)));
    }
}

/// What the program says of a file against its entry in the index.
fn compare(line: &Value, entry: &Value, path: &Path) {
    let (file, payload) = (name(entry), &entry["payloads"][0]);
    assert_eq!(line["file"].as_str(), path.to_str());
    assert_eq!(line["format"], "ildg", "{file}");
    assert_eq!((&line["dims"], &line["nc"]), (&entry["dims_xyzt"], &entry["Nc"]), "{file}");
    let (precision, tolerance) = match entry["precision"].as_str().unwrap() {
        ">f8" => ("f64", 1e-11),
        ">f4" => ("f32", 2e-6),
        other => panic!("{other}"),
    };
    assert_eq!(line["precision"], precision, "{file}");
    for key in ["suma", "sumb"] {
        assert_eq!(line[key], payload[key], "{file}: eight lower-case digits of {key}");
    }
    assert_eq!(line["crc_cksum"], payload["posix_cksum"], "{file}");
    let stored = payload["stored"].as_str().unwrap();
    assert_eq!(line["checksum"], if stored == "none" { "none" } else { "ok" }, "{file}");
    assert!(line["stored_suma"].is_null(), "{file}: stored sums are shown where they differ");
    averages_agree(line, entry, tolerance);
    let unitarity = line["unitarity"].as_f64().unwrap();
    assert!(unitarity < 1e-6 && unitarity > 0.0, "{file}: {unitarity}");
    assert_eq!(line["ok"], true, "{file}");
    assert!(line["error"].is_null(), "{file}");
}

#[test]
fn every_ildg_file_verifies_with_the_values_of_the_index() {
    let Some((folder, entries)) = corpus() else { return };
    let entries = with_prefix(&entries, "ildg_");
    let paths: Vec<PathBuf> = entries.iter().map(|entry| folder.join(name(entry))).collect();
    let answer = run("ildg verify --json", &paths.iter().collect::<Vec<_>>());
    assert_eq!((answer.status, answer.stderr.as_str()), (0, ""), "{}", answer.stdout);
    let lines = answer.lines();
    assert_eq!(lines.len(), paths.len());
    for ((line, entry), path) in lines.iter().zip(entries).zip(&paths) {
        compare(line, entry, path);
        // Double-precision numbers of single precision.
        let rounded = line["warnings"].to_string().contains("computed in single precision");
        assert_eq!(rounded, name(entry).contains("qdpxx"), "{line}");
    }
}

#[test]
fn bare_files_need_a_shape_are_told_which_and_verify_with_it() {
    let Some((folder, entries)) = corpus() else { return };
    for entry in with_prefix(&entries, "barelime_") {
        let path = folder.join(name(entry));
        let nc = &entry["Nc"];
        let answer = run("ildg verify --json", &[&path]);
        let (line, shape) = (answer.line(), format!("so try --dims 4,4,4,4 --nc {nc}"));
        assert_eq!((answer.status, &line["ok"]), (1, &Value::from(false)));
        let error = line["error"].as_str().unwrap();
        assert!(error.contains(&shape), "{error}");

        // Half the precision and twice the sites have as many bytes.
        let answer = run(&format!("ildg verify --json --dims 4,4,4,8 --nc {nc}"), &[&path]);
        let line = answer.line();
        let error = line["error"].as_str().unwrap();
        assert!(
            answer.status == 1 && error.contains("or the file is not SU(") && error.contains(&shape),
            "{error}"
        );

        let answer = run(&format!("ildg verify --json --dims 4,4,4,4 --nc {nc}"), &[&path]);
        assert_eq!(answer.status, 0, "{}", answer.stdout);
        compare(&answer.line(), entry, &path);
    }
}

#[test]
fn record_tables_are_those_of_the_index() {
    let Some((folder, entries)) = corpus() else { return };
    let mut count = 0;
    for entry in entries.iter().filter(|entry| entry["records"].is_array()) {
        let answer = run("ildg info --json", &[&folder.join(name(entry))]);
        // Also for files without a gauge field.
        assert_eq!(answer.status, 0, "{}", answer.stdout);
        let line = answer.line();
        let records = line["records"].as_array().unwrap().iter().map(|record| {
            let flag = |key: &str| record[key].as_bool().unwrap() as u8;
            let (kind, bytes) = (record["type"].as_str().unwrap(), &record["bytes"]);
            format!("{kind}({bytes})[MB{} ME{}]", flag("mb"), flag("me"))
        });
        assert_eq!(Value::from(records.collect::<Vec<_>>()), entry["records"], "{}", name(entry));
        let links = name(entry).starts_with("ildg_");
        let scidac =
            ["scidac_milc_fat", "scidac_milc_long", "qio_"].iter().any(|p| name(entry).starts_with(p));
        let bare = name(entry).starts_with("barelime_");
        let format = if links {
            "ildg"
        } else if bare {
            "lime"
        } else {
            "scidac"
        };
        assert_eq!(line["format"], format, "{}", name(entry));
        assert_eq!(line["note"].is_null(), links || scidac, "{line}");
        if links {
            assert_eq!((&line["dims"], &line["nc"]), (&entry["dims_xyzt"], &entry["Nc"]));
            let stored = entry["payloads"][0]["stored"].as_str().unwrap();
            let shown = line["suma"].as_str().zip(line["sumb"].as_str());
            assert_eq!(
                shown.map(|(a, b)| sums(&format!("{a}/{b}"))),
                (stored != "none").then(|| sums(stored))
            );
        }
        count += 1;
    }
    assert!(count > 10, "{count}");
}

#[test]
fn measured_plaquettes_are_those_of_the_index() {
    let Some((folder, entries)) = corpus() else { return };
    let entries = with_prefix(&entries, "ildg_");
    let paths: Vec<PathBuf> = entries.iter().map(|entry| folder.join(name(entry))).collect();
    let answer = run("measure --json", &paths.iter().collect::<Vec<_>>());
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    let lines = answer.lines();
    assert_eq!(lines.len(), paths.len());
    for (line, entry) in lines.iter().zip(entries) {
        let tolerance = if line["precision"] == "f64" { 1e-11 } else { 2e-6 };
        close(&line["plaquette"], &entry["plaquette"], tolerance, name(entry));
        close(&line["link_trace"], &entry["link_trace"], tolerance, name(entry));
        let plaquette = line["plaquette"].as_f64().unwrap();
        let energy = line["energy_plaquette"].as_f64().unwrap();
        assert!((energy - 36.0 * (1.0 - plaquette)).abs() < 1e-12, "SU(3) in four dimensions");
        assert_eq!(line["charge_definition"], "clover");
    }
}

#[test]
fn scidac_fields_off_the_group_fail_with_a_reason() {
    let Some((folder, entries)) = corpus() else { return };
    for entry in with_prefix(&entries, "scidac_") {
        let answer = run("ildg verify --json", &[&folder.join(name(entry))]);
        let line = answer.line();
        if name(entry).contains("ksvector") {
            assert_eq!((answer.status, &line["checksum"]), (0, &"ok".into()), "{line}");
            continue;
        }
        assert_eq!((answer.status, &line["ok"]), (1, &Value::from(false)), "{line}");
        let error = line["error"].as_str().unwrap();
        // Fat and long links: read and verified, and no members of the group.
        assert!(error.contains("not unitary"), "{line}");
        let sum = sums(entry["payloads"][0]["stored"].as_str().unwrap());
        let found = format!("{}/{}", line["suma"].as_str().unwrap(), line["sumb"].as_str().unwrap());
        assert_eq!((&line["checksum"], &line["format"]), (&"ok".into(), &"scidac".into()));
        assert_eq!((sums(&found), &line["dims"]), (sum, &entry["dims_xyzt"]), "{line}");
    }
}

/// ILDG files less their ILDG records, as QIO's codes without ILDG write them.
#[test]
fn gauge_fields_of_scidac_files_are_those_of_the_index() {
    let Some((folder, entries)) = corpus() else { return };
    let scratch = tempfile::tempdir().unwrap();
    for entry in with_prefix(&entries, "ildg_") {
        let (from, to) = (folder.join(name(entry)), scratch.path().join(name(entry)));
        assert_eq!(run("ildg convert --to scidac", &[&from, &to]).status, 0, "{}", name(entry));
        let records = run("ildg info --json", &[&to]).line()["records"].to_string();
        assert!(records.contains("scidac-binary-data") && !records.contains("\"ildg-"), "{records}");
        let line = run("ildg verify --json", &[&to]).line();
        assert_eq!((&line["format"], &line["checksum"]), (&"scidac".into(), &"ok".into()), "{line}");
        averages_agree(&line, entry, if line["precision"] == "f64" { 1e-11 } else { 2e-6 });
        let answer = run("ildg diff --json", &[&from, &to]);
        assert_eq!((answer.status, &answer.line()["differing"]), (0, &0.into()), "{}", answer.stdout);
    }
}

/// Files of formats without LIME records.
const OTHERS: [(&str, &str); 4] =
    [("nersc_", "nersc"), ("milcv5_l", "milc"), ("openqcd_", "openqcd"), ("ddalphaamg_", "ddalphaamg")];

#[test]
fn files_of_every_other_format_verify_with_the_values_of_the_index() {
    let Some((folder, entries)) = corpus() else { return };
    for (prefix, format) in OTHERS {
        for entry in with_prefix(&entries, prefix) {
            let (file, path) = (name(entry), folder.join(name(entry)));
            let answer = run("ildg verify --json", &[&path]);
            assert_eq!((answer.status, answer.stderr.as_str()), (0, ""), "{}", answer.stdout);
            let line = answer.line();
            assert_eq!(line["format"], format, "{file}: the links tell what the header does not");
            assert_eq!((&line["dims"], &line["nc"]), (&entry["dims_xyzt"], &entry["Nc"]), "{file}");
            let single = line["precision"] == "f32";
            assert_eq!(single, ["IEEE32BIG", "<f4", ">f4"].contains(&entry["precision"].as_str().unwrap()));
            let tolerance = if single { 2e-6 } else { 1e-11 };
            averages_agree(&line, entry, tolerance);
            match format {
                "nersc" => assert_eq!(line["computed_checksum"], entry["nersc_checksum"], "{file}"),
                "milc" => {
                    let computed = line["computed_checksum"].as_str().unwrap();
                    let stripped: Vec<&str> =
                        computed.split(' ').map(|word| word.trim_start_matches('0')).collect();
                    let expected = entry["milc_checksum"].as_str().unwrap();
                    assert!(expected.ends_with(&format!("computed {}", stripped.join(" "))), "{computed}");
                }
                _ => assert_eq!(line["checksum"], "none", "{file}"),
            }
            if format == "nersc" || format == "milc" {
                assert_eq!(line["checksum"], "ok", "{file}");
                assert_eq!(line["computed_checksum"], line["stored_checksum"], "{file}");
            }
            assert!(line["suma"].is_null() || line["checksum"] == "none", "{file}: no SciDAC checksum");
            if format != "milc" {
                close(&line["stated_plaquette"], &entry["plaquette"], 1e-9, file);
            }
            // A checksum is missed only where the format has none.
            let expected =
                format!("{format} files have no checksum: only damage that moves the plaquette is noticed");
            let warnings = if line["checksum"] == "none" { vec![expected] } else { vec![] };
            assert_eq!(line["warnings"], Value::from(warnings), "{file}");
            let answer = run("ildg info --json", &[&path]);
            assert_eq!((answer.status, &answer.line()["format"]), (0, &format.into()), "{file}");
        }
    }
}

#[test]
fn a_bad_milc_checksum_is_refused_with_both_sums_and_can_be_ignored() {
    let Some((folder, entries)) = corpus() else { return };
    let entry = with_prefix(&entries, "milcv5_BAD")[0];
    let path = folder.join(name(entry));
    let line = run("ildg verify --json", &[&path]).line();
    assert_eq!((&line["ok"], &line["checksum"]), (&false.into(), &"bad".into()));
    let error = line["error"].as_str().unwrap();
    assert!(error.contains("states 2e218ab1 2d188e6b") && error.contains("72d77a0a 19447b24"), "{error}");
    assert!(error.contains("192 links are not unitary"), "{error}");
    let answer = run("measure --json", &[&path]);
    assert_eq!(answer.status, 1);
    assert!(answer.line()["error"].as_str().unwrap().contains("--ignore-checksum"), "{}", answer.stdout);
    // The links at t = 0 are those of a Schroedinger functional.
    let answer = run("measure --json --ignore-checksum", &[&path]);
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    close(&answer.line()["plaquette"], &entry["plaquette"], 2e-6, "BADCHECKSUM");
}

#[test]
fn the_wrong_one_of_two_formats_with_one_header_shows() {
    let Some((folder, entries)) = corpus() else { return };
    let path = folder.join(name(with_prefix(&entries, "ddalphaamg_")[0]));
    let answer = run("ildg verify --json --format openqcd", &[&path]);
    let line = answer.line();
    assert_eq!((answer.status, &line["format"], &line["ok"]), (1, &"openqcd".into(), &false.into()));
    assert!(line["error"].as_str().unwrap().contains("the file states the plaquette"), "{line}");
    let answer = run("ildg verify --format milk", &[&path]);
    assert_eq!(answer.status, 2);
    assert!(answer.stderr.contains("the formats are ildg, scidac, nersc, milc"), "{}", answer.stderr);
}
