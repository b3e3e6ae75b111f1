//! SciDAC files beyond one gauge field: propagators, spinors, global data, several fields, several volumes.

use crate::program::{corpus, run};
use crate::written::{Folder, payload};
use lime_rs::{GaugeFile, IldgFile, RecordKind, ScidacFile, ScidacMeta, ScidacWriter};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The lattice of `Folder::sound`.
const DIMS: [usize; 4] = [4; 4];

/// The bytes of the links of an ILDG file.
fn links(path: &Path) -> Vec<u8> {
    let (offset, bytes) = payload(path);
    std::fs::read(path).unwrap()[offset..offset + bytes].to_vec()
}

fn vectors() -> (ScidacMeta, Vec<u8>) {
    let mut meta = ScidacMeta::new(RecordKind::Field, "QDP_D3_ColorVector", "D", 48, 1);
    (meta.info.colors, meta.info.spins) = (3, 1);
    (meta, (0..256u32 * 48).map(|i| (i % 127) as u8).collect())
}

fn numbers() -> (ScidacMeta, Vec<u8>) {
    (ScidacMeta::new(RecordKind::Global, "QLA_Int", "I", 4, 3), (0..12).collect())
}

/// Four colour matrices a site.
fn gauge(bytes: Vec<u8>) -> (ScidacMeta, Vec<u8>) {
    let mut meta = ScidacMeta::new(RecordKind::Field, "QDP_D3_ColorMatrix", "D", 144, 4);
    (meta.info.colors, meta.info.spins) = (3, 1);
    (meta, bytes)
}

fn write(mut writer: ScidacWriter, records: &[(ScidacMeta, Vec<u8>)]) {
    for (meta, bytes) in records {
        writer.write_record(meta, bytes).unwrap();
    }
    writer.finish().unwrap();
}

fn words(line: &Value, key: &str) -> Vec<Value> {
    line["logical_records"].as_array().unwrap().iter().map(|record| record[key].clone()).collect()
}

/// In two volumes, the even sites and the odd ones.
fn in_volumes(path: &Path, records: &[(ScidacMeta, Vec<u8>)]) {
    let halves = vec![(0..256).step_by(2).collect(), (1..256).step_by(2).collect()];
    write(ScidacWriter::create_parts(path, &DIMS, halves, "<file/>").unwrap(), records);
}

#[test]
fn files_of_other_codes_are_listed_and_verified() {
    let Some((folder, entries)) = corpus() else { return };
    let propagator = "etmc_propagator_nissa_L4T8_source1/source_1.0003.00.inverted.05";
    for (file, status, contents) in [
        (propagator, 0, &["1 spinor of 4 spins and 3 colours"][..]),
        ("scidac_milc_ksvector_Minv_l8888_f32.lime", 0, &["1 colour vector of 3 colours"]),
        ("scidac_milc_ksvector_src_l8888_f32.lime", 0, &["1 colour vector of 3 colours"]),
        // The field of matrices holds the test's numbers and no links.
        (
            "qio_binary_host_test_8444_f32_multirecord.lime",
            1,
            &["2 numbers", "3 numbers", "4 colour matrices of 3 colours"],
        ),
    ] {
        let path = folder.join(file);
        let answer = run("ildg verify --json", &[&path]);
        let line = answer.line();
        assert_eq!((answer.status, &line["format"]), (status, &"scidac".into()), "{line}");
        assert_eq!(words(&line, "content"), contents);
        assert!(words(&line, "checksum").iter().all(|word| word == "ok"), "{line}");
        assert_eq!(words(&line, "stored_checksum"), words(&line, "computed_checksum"));
        if let Some(entry) = entries.iter().find(|entry| entry["file"] == file) {
            let payloads = entry["payloads"].as_array().unwrap();
            let bytes: Vec<Value> = payloads.iter().map(|payload| payload["len"].clone()).collect();
            assert_eq!(words(&line, "bytes"), bytes);
            for (computed, payload) in words(&line, "computed_checksum").iter().zip(payloads) {
                let sum = computed.as_str().unwrap();
                assert!(
                    ["suma", "sumb"].iter().all(|key| sum.contains(payload[key].as_str().unwrap())),
                    "{sum}"
                );
            }
        }
        let info = run("ildg info --json", &[&path]);
        assert_eq!((info.status, words(&info.line(), "bytes")), (0, words(&line, "bytes")));
        assert!(words(&info.line(), "computed_checksum").iter().all(Value::is_null), "{}", info.stdout);
    }
}

#[test]
fn every_logical_record_is_verified_and_a_damaged_one_is_named() {
    let folder = Folder::new();
    let path = folder.path("records");
    write(ScidacWriter::create(&path, &DIMS, "<file/>").unwrap(), &[vectors(), numbers(), vectors()]);
    let answer = run("ildg verify --json", &[&path]);
    let line = answer.line();
    assert_eq!((answer.status, &line["ok"], &line["checksum"]), (0, &true.into(), &"ok".into()), "{line}");
    assert_eq!(line["dims"], serde_json::json!(DIMS));
    assert_eq!(words(&line, "kind"), ["field", "global", "field"]);
    assert_eq!(words(&line, "datatype"), ["QDP_D3_ColorVector", "QLA_Int", "QDP_D3_ColorVector"]);
    assert_eq!(
        words(&line, "content"),
        ["1 colour vector of 3 colours", "3 numbers", "1 colour vector of 3 colours"]
    );
    assert_eq!(words(&line, "number"), ["f64", "i32", "f64"]);
    assert_eq!(
        (words(&line, "sites"), words(&line, "bytes")),
        (vec![256.into(), 1.into(), 256.into()], vec![12288.into(), 12.into(), 12288.into()])
    );
    let text = run("ildg verify", &[&path]).stdout;
    assert!(text.contains(": ok\n") && text.matches("(ok)").count() == 3, "{text}");

    let offset = ScidacFile::open(&path).unwrap().payloads()[2].offset().unwrap() as usize;
    let damaged = folder.copy(&path, "damaged", |all| all[offset + 100] ^= 1);
    let answer = run("ildg verify --json", &[&damaged]);
    let line = answer.line();
    assert_eq!((answer.status, &line["ok"], &line["checksum"]), (1, &false.into(), &"bad".into()));
    assert_eq!(words(&line, "checksum"), ["ok", "ok", "bad"]);
    let error = line["error"].as_str().unwrap();
    assert!(error.starts_with("logical record 2: checksum mismatch"), "{error}");
    assert_eq!(run("ildg info", &[&damaged]).status, 0);

    // Without a checksum there is nothing to be wrong.
    let bare = folder.copy(&path, "bare", |all| {
        let name = b"scidac-checksum";
        for at in (0..all.len() - name.len()).rev() {
            if &all[at..at + name.len()] == name {
                all[at] = b'S';
            }
        }
    });
    let line = run("ildg verify --json", &[&bare]).line();
    assert_eq!((&line["ok"], &line["checksum"]), (&true.into(), &"none".into()), "{line}");
    assert!(line["warnings"][0].as_str().unwrap().contains("cannot be noticed"), "{line}");
}

/// A file that holds a gauge field and more: what is not links is verified too.
#[test]
fn what_stands_beside_a_gauge_field_is_verified() {
    let folder = Folder::new();
    let sound = folder.sound("sound");
    let path = folder.path("mixed");
    write(ScidacWriter::create(&path, &DIMS, "<file/>").unwrap(), &[vectors(), gauge(links(&sound))]);
    let line = run("ildg verify --json", &[&path]).line();
    let alone = run("ildg verify --json", &[&sound]).line();
    assert_eq!((&line["ok"], &line["plaquette"]), (&true.into(), &alone["plaquette"]), "{line}");
    assert_eq!(words(&line, "checksum"), ["ok", "ok"]);
    assert!(alone.get("logical_records").is_none(), "{alone}");
    let offset = ScidacFile::open(&path).unwrap().payloads()[0].offset().unwrap() as usize;
    let damaged = folder.copy(&path, "damaged", |all| all[offset] ^= 1);
    let line = run("ildg verify --json", &[&damaged]).line();
    assert_eq!((&line["ok"], &line["checksum"]), (&false.into(), &"ok".into()), "{line}");
    assert!(line["error"].as_str().unwrap().contains("logical record 0: checksum mismatch"), "{line}");
}

/// ILDG's records and more in one file: a second gauge field, on another lattice, and SciDAC's records after it.
#[test]
fn every_record_of_an_ildg_file_is_verified() {
    let folder = Folder::new();
    let (sound, scidac) = (folder.sound("sound"), folder.path("scidac"));
    let other = folder.field::<2>("other", &[4, 4, 6], lime_rs::Precision::F32, |_| ());
    write(ScidacWriter::create(&scidac, &DIMS, "<file/>").unwrap(), &[vectors()]);
    let [first, second, third] = [&sound, &other, &scidac].map(|path| std::fs::read(path).unwrap());
    let joined = folder.path("joined");
    std::fs::write(&joined, [&first[..], &second, &third].concat()).unwrap();
    let answer = run("ildg verify --json", &[&joined]);
    let line = answer.line();
    assert_eq!((answer.status, &line["format"]), (0, &"ildg".into()), "{line}");
    assert_eq!(words(&line, "checksum"), ["ok"; 3]);
    assert_eq!(words(&line, "datatype"), ["su3gauge", "su2gauge", "QDP_D3_ColorVector"]);
    assert_eq!(words(&line, "sites"), [256, 96, 256]);
    let info = run("ildg info --json", &[&joined]);
    assert_eq!((info.status, words(&info.line(), "bytes")), (0, words(&line, "bytes")));
    let alone = run("ildg verify --json --payload 1", &[&joined]).line();
    assert_eq!((&alone["ok"], &alone["dims"]), (&true.into(), &serde_json::json!([4, 4, 6, 1])), "{alone}");

    let beside = ScidacFile::open(&scidac).unwrap().payloads()[0].offset().unwrap() as usize;
    let places = [first.len() + payload(&other).0 + 7, first.len() + second.len() + beside];
    for (record, place) in (1..).zip(places) {
        let damaged = folder.copy(&joined, "damaged", |all| all[place] ^= 1);
        let answer = run("ildg verify --json", &[&damaged]);
        let line = answer.line();
        assert_eq!((answer.status, &line["checksum"]), (1, &"ok".into()), "{line}");
        let error = line["error"].as_str().unwrap();
        assert!(error.starts_with(&format!("logical record {record}: checksum mismatch")), "{error}");
    }
}

/// The gauge field of such a file is one of its records, and read with them once; what is wrong with it is said once.
#[test]
fn a_gauge_field_among_others_is_read_once() {
    let folder = Folder::new();
    let sound = folder.sound("sound");
    let path = folder.path("mixed");
    write(ScidacWriter::create(&path, &DIMS, "<file/>").unwrap(), &[vectors(), gauge(links(&sound))]);
    let offset = ScidacFile::open(&path).unwrap().payloads()[1].offset().unwrap() as usize;
    // A low bit of a mantissa.
    let damaged = folder.copy(&path, "damaged", |all| all[offset + 7] ^= 1);
    let line = run("ildg verify --json", &[&damaged]).line();
    assert_eq!((&line["ok"], &line["checksum"]), (&false.into(), &"bad".into()), "{line}");
    assert_eq!(words(&line, "checksum"), ["ok", "bad"]);
    assert!(words(&line, "error")[1].as_str().unwrap().starts_with("logical record 1: checksum mismatch"));
    assert_eq!(line["error"].as_str().unwrap().matches("checksum mismatch").count(), 1, "{line}");
    let text = run("ildg verify", &[&damaged]).stdout;
    assert_eq!(text.matches("  error: ").count(), 1, "{text}");

    // What a shell and its children read, by the system's own account.
    let read = |path: &Path| -> Option<u64> {
        let script = "\"$0\" ildg verify \"$1\" >/dev/null; cat /proc/$$/io";
        let mut shell = std::process::Command::new("sh");
        let output = shell.args(["-c", script, env!("CARGO_BIN_EXE_gaugelink")]).arg(path).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().find_map(|line| line.strip_prefix("rchar: "))?.parse().ok()
    };
    let (Some(alone), Some(mixed)) = (read(&sound), read(&path)) else {
        println!("skipped: the system does not count what is read");
        return;
    };
    let field = links(&sound).len() as u64;
    assert!(mixed < alone + field / 2, "{mixed} bytes instead of {alone} are a second pass over {field}");
}

/// Formats that hold one field, each by itself: there is no second one.
#[test]
fn a_second_field_of_a_format_with_one_is_refused() {
    let folder = Folder::new();
    let sound = folder.sound("sound");
    for format in ["ildg", "scidac", "nersc", "milc", "openqcd", "ddalphaamg", "hirep"] {
        let path = folder.path(format);
        let precision = if format == "milc" { "--precision f32" } else { "" };
        assert_eq!(run(&format!("ildg convert --to {format} {precision}"), &[&sound, &path]).status, 0);
        assert_eq!(run("ildg verify --payload 0", &[&path]).status, 0, "{format}");
        for command in ["ildg verify", "ildg info", "measure", "ildg diff"] {
            let files = if command == "ildg diff" { vec![&path, &sound] } else { vec![&path] };
            let answer = run(&format!("{command} --payload 1"), &files);
            let said = answer.stdout + &answer.stderr;
            assert_ne!(answer.status, 0, "{command} {format}");
            assert!(
                said.contains("no gauge field with index 1: the file holds 1"),
                "{command} {format}: {said}"
            );
        }
    }
}

#[test]
fn volumes_are_found_by_each_other() {
    let folder = Folder::new();
    let path = folder.path("parts");
    in_volumes(&path, &[vectors(), numbers()]);
    let volume = |path: &Path, k: usize| PathBuf::from(format!("{}.vol{k:04}", path.display()));
    for name in [&path, &volume(&path, 0), &volume(&path, 1)] {
        let answer = run("ildg verify --json", &[name]);
        let line = answer.line();
        assert_eq!((answer.status, &line["dims"]), (0, &serde_json::json!(DIMS)), "{line}");
        assert_eq!(words(&line, "checksum"), ["ok", "ok"]);
        assert_eq!(run("ildg info", &[name]).status, 0);
    }
    // A copy of one alone is told to be a part.
    let alone = folder.copy(&volume(&path, 0), "alone.vol0000", |_| ());
    let line = run("ildg verify --json", &[&alone]).line();
    assert!(line["error"].as_str().unwrap().contains("bring all of its"), "{line}");
    // Without the first volume nothing describes the others: no option helps.
    let parts = folder.path("headless");
    for k in [1, 2] {
        std::fs::copy(volume(&path, 1), volume(&parts, k)).unwrap();
    }
    for (name, said) in
        [(&parts, "of 2 volumes none is the first"), (&volume(&parts, 1), "of 2 volumes none is the first")]
    {
        for words in ["", "--dims 4,4,4,4"] {
            let line = run(&format!("ildg verify --json {words}"), &[name]).line();
            let error = line["error"].as_str().unwrap();
            assert!(error.contains(said) && error.contains("it is missing"), "{error}");
            assert!(!error.contains("--dims"), "{error}");
        }
    }
    std::fs::remove_file(volume(&parts, 2)).unwrap();
    let line = run("ildg verify --json", &[&volume(&parts, 1)]).line();
    assert!(line["error"].as_str().unwrap().contains("this is one of several"), "{line}");
    // A volume that is not there is not the others.
    let answer = run("ildg verify --json", &[&volume(&path, 7)]);
    assert!(answer.status == 1 && answer.stdout.contains("cannot open the file"), "{}", answer.stdout);
    std::fs::write(volume(&path, 1), b"cut").unwrap();
    let answer = run("ildg verify", &[&volume(&path, 0)]);
    assert!(answer.status == 1 && answer.stdout.contains("vol0001"), "{}", answer.stdout);

    // A gauge field, whose links are those of the single file in every command.
    let (sound, gauge_path) = (folder.sound("sound"), folder.path("gauge"));
    in_volumes(&gauge_path, &[gauge(links(&sound))]);
    let expected = run("ildg verify --json", &[&sound]).line();
    for name in [&gauge_path, &volume(&gauge_path, 0), &volume(&gauge_path, 1)] {
        let line = run("ildg verify --json", &[name]).line();
        for key in ["ok", "plaquette", "link_trace", "suma", "sumb", "crc_cksum"] {
            assert_eq!(line[key], expected[key], "{key}: {line}");
        }
        assert_eq!(run("ildg diff", &[name, &sound]).status, 0);
        let out = folder.path("out");
        assert_eq!(run("ildg convert --force --to ildg", &[name, &out]).status, 0);
        assert_eq!(run("ildg diff", &[&out, &sound]).status, 0);
        assert_eq!(run("measure --json", &[name]).line()["plaquette"], expected["plaquette"]);
    }
    let answer = run("ildg convert --force --to ildg", &[&volume(&gauge_path, 0), &volume(&gauge_path, 1)]);
    assert!(answer.status == 2 && answer.stderr.contains("is the file to convert"), "{}", answer.stderr);
    let listed = run("ensemble list --json", &[&volume(&gauge_path, 0), &volume(&gauge_path, 1)]);
    let named = listed.lines().iter().filter(|line| line["name"] == "gauge.vol0000").count();
    assert_eq!(named, 1, "{}", listed.stdout);
    // The number of a volume is none of a configuration.
    assert!(listed.lines()[0]["number"].is_null(), "{}", listed.stdout);
    assert!(!listed.stdout.contains("gauge.vol0001"), "{}", listed.stdout);
}

/// Folders that are called like those of volumes, with files that are none.
#[test]
fn files_of_their_own_are_no_volumes() {
    let folder = Folder::new();
    let sound = folder.sound("sound");
    for name in ["vol0000", "vol0001"] {
        std::fs::create_dir(folder.path(name)).unwrap();
        std::fs::copy(&sound, folder.path(name).join("conf")).unwrap();
    }
    let line = run("ildg verify --json", &[&folder.path("vol0000").join("conf")]).line();
    assert_eq!((&line["ok"], &line["format"]), (&true.into(), &"ildg".into()), "{line}");
}

/// Two configurations in one file, as ILDG's records and as SciDAC's.
#[test]
fn one_of_several_gauge_fields_is_chosen() {
    let folder = Folder::new();
    let sound = folder.sound("sound");
    let cold = folder.field::<3>("cold", &DIMS, lime_rs::Precision::F64, |u| u.reunitarise());
    let other = folder.path("other");
    assert_eq!(run("ildg convert --to ildg --precision f32", &[&cold, &other]).status, 0);
    let joined = folder.copy(&sound, "joined", |all| all.extend(std::fs::read(&other).unwrap()));
    assert_eq!(IldgFile::open(&joined).unwrap().payload_count(), 2);
    let scidac = folder.path("scidac");
    let second: Vec<u8> = links(&folder.field::<3>("flat", &DIMS, lime_rs::Precision::F64, |u| {
        let unit = gaugelink_lattice::GaugeField::<f64, 3>::cold(u.lattice()).unwrap();
        u.as_mut_slice().copy_from_slice(unit.as_slice());
    }));
    let fields = [gauge(links(&sound)), vectors(), gauge(second)];
    write(ScidacWriter::create(&scidac, &DIMS, "<file/>").unwrap(), &fields);
    let plaquette = run("ildg verify --json", &[&sound]).line()["plaquette"].clone();
    for (file, precision, other) in [(&joined, "f32", None), (&scidac, "f64", Some(1.0))] {
        for command in ["ildg verify", "measure"] {
            let first = run(&format!("{command} --json"), &[file]).line();
            assert_eq!(first["plaquette"], plaquette, "{command}: {first}");
            let second = run(&format!("{command} --json --payload 1"), &[file]).line();
            assert_eq!(second["precision"], precision, "{command}: {second}");
            assert!(other.is_none_or(|p: f64| second["plaquette"] == p), "{command}: {second}");
        }
        assert_eq!(run("ildg info --json --payload 1", &[file]).line()["precision"], precision);
        let answer = run("ildg verify --payload 2", &[file]);
        assert!(
            answer.status == 1 && answer.stdout.contains("the file holds 2, counted from 0"),
            "{}",
            answer.stdout
        );
        let out = folder.path("out");
        assert_eq!(run("ildg convert --force --to ildg --payload 1", &[file, &out]).status, 0);
        assert_eq!(GaugeFile::open(&out).unwrap().warnings(), []);
        assert_eq!(run("ildg diff --payload 1,0", &[file, &out]).status, 0);
        assert_eq!(run("ildg diff --payload 0", &[file, &sound]).status, 0);
        let same = run("ildg diff --json --payload 0,1", &[file, file]);
        assert_eq!(same.status == 0, precision == "f32" && same.line()["largest"] == 0.0, "{}", same.stdout);
    }
}
