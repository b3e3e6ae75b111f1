//! `gaugelink ildg convert`: every file to every format that can hold it and back, bit for bit.

use crate::program::{Answer, corpus, gaugelink, run};
use crate::written::Folder;
use lime_rs::{GaugeFile, Precision};
use serde_json::Value;
use std::path::{Path, PathBuf};

const FORMATS: [&str; 7] = ["ildg", "scidac", "nersc", "milc", "openqcd", "ddalphaamg", "hirep"];

fn convert(from: &Path, to: &Path, words: &str) -> Answer {
    let words = words.split_whitespace().map(Into::into);
    gaugelink(
        ["ildg".into(), "convert".into(), "--json".into(), "--force".into()]
            .into_iter()
            .chain(words)
            .chain([from.as_os_str().to_owned(), to.as_os_str().to_owned()]),
    )
}

/// What the formats hold, from their definitions: groups, precisions, even extents only.
fn refused(format: &str, nc: u64, precision: &str, dims: &[u64]) -> Option<&'static str> {
    let single = ["milc"].contains(&format);
    let double = ["openqcd", "ddalphaamg", "hirep"].contains(&format);
    let only_su3 = ["milc", "openqcd", "ddalphaamg"].contains(&format);
    match nc {
        3 => {}
        _ if only_su3 => return Some("SU(3) only"),
        1 if !["ildg", "scidac"].contains(&format) => return Some("U(1)"),
        _ => {}
    }
    if format == "openqcd" && dims.iter().any(|extent| extent % 2 == 1) {
        return Some("even extents");
    }
    match (precision, single, double) {
        ("f64", true, _) => Some("32-bit precision only"),
        ("f32", _, true) => Some("64-bit precision only"),
        _ => None,
    }
}

/// Difference of two files; `options` for both.
fn difference(a: &Path, b: &Path, options: &str) -> Value {
    let answer = run(&format!("ildg diff --json {options}"), &[&a.to_owned(), &b.to_owned()]);
    assert!(answer.status < 2, "{}", answer.stderr);
    answer.line()
}

/// Converts a file to every format and back, and compares.
fn there_and_back(folder: &Folder, file: &Path, options: &str) {
    let line = run(&format!("ildg info --json {options}"), &[&file.to_owned()]).line();
    let (nc, precision) = (line["nc"].as_u64().unwrap(), line["precision"].as_str().unwrap());
    let dims: Vec<u64> = line["dims"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
    let canonical = folder.path("canonical");
    let answer = convert(file, &canonical, &format!("--to ildg {options}"));
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    for format in FORMATS {
        let (there, back) = (folder.path("there"), folder.path("back"));
        let answer = convert(file, &there, &format!("--to {format} --precision {precision} {options}"));
        if let Some(reason) = refused(format, nc, precision, &dims) {
            assert_eq!(answer.status, 2, "{}: {format}: {}", file.display(), answer.stdout);
            assert!(answer.stderr.contains(reason), "{format}: {}", answer.stderr);
            assert!(!there.exists(), "nothing is left of what was refused");
            // What is only a matter of precision can be had by widening, and then comes back exactly.
            let widened = refused(format, nc, "f64", &dims).is_none();
            let answer = convert(file, &there, &format!("--to {format} {options}"));
            assert_eq!(answer.status == 0, widened, "{format}: {}", answer.stderr);
            if !widened {
                continue;
            }
            assert_eq!(answer.line()["precision"], "f64");
        } else {
            assert_eq!(answer.status, 0, "{}: {format}: {}", file.display(), answer.stderr);
            // A third row that follows from two of f32 is rounded.
            let rounded = file.to_string_lossy().contains("2row");
            assert_eq!(answer.line()["largest_difference"] == 0.0, !rounded, "{}", answer.stdout);
        }
        let verified = run("ildg verify --json", &[&there]);
        let found = verified.line();
        assert_eq!((&found["format"], &found["dims"]), (&format.into(), &line["dims"]), "{found}");
        assert_ne!(found["checksum"], "bad");
        let answer = convert(&there, &back, &format!("--to ildg --precision {precision}"));
        assert_eq!(answer.status, 0, "{}", answer.stderr);
        let found = difference(&canonical, &back, "");
        assert_eq!((&found["equal"], &found["differing"]), (&true.into(), &0.into()), "{format}: {found}");
        std::fs::remove_file(&there).unwrap();
    }
    if nc == 3 {
        two_rows(folder, file, precision, options);
    }
}

/// Two rows give the third back to rounding, or are refused because the links are not special unitary to it.
fn two_rows(folder: &Folder, file: &Path, precision: &str, options: &str) {
    let there = folder.path("two-rows");
    let answer = convert(file, &there, &format!("--to nersc --rows 2 {options}"));
    let name = file.file_name().unwrap().to_string_lossy();
    if name.contains("qdpxx") {
        // Unitary to 5e-7 only.
        assert_eq!(answer.status, 1, "{}", answer.stdout);
        assert!(answer.stderr.contains("not special unitary to rounding"), "{}", answer.stderr);
        assert!(!there.exists());
        return;
    }
    assert_eq!(answer.status, 0, "{name}: {}", answer.stderr);
    let found = run(
        &format!("ildg diff --json --tolerance {}", if precision == "f64" { "5e-12" } else { "1e-5" }),
        &[&file.to_owned(), &there],
    );
    // Bare files cannot be compared without their shape, which NERSC's header states.
    if options.is_empty() {
        assert_eq!(found.status, 0, "{name}: {}{}", found.stdout, found.stderr);
    }
    std::fs::remove_file(&there).unwrap();
}

#[test]
fn every_file_of_the_corpus_survives_every_format_that_can_hold_it() {
    let Some((folder, entries)) = corpus() else { return };
    let mut count = 0;
    for entry in &entries {
        let name = entry["file"].as_str().unwrap();
        let gauge = ["ildg_", "barelime_", "nersc_", "milcv5_l", "openqcd_", "ddalphaamg_"];
        if !gauge.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        let options = match name.starts_with("barelime_") {
            true => format!("--dims 4,4,4,4 --nc {}", entry["Nc"]),
            false => String::new(),
        };
        there_and_back(&Folder::new(), &folder.join(name), &options);
        count += 1;
    }
    assert_eq!(count, 7 + 3 + 2 + 3 + 1 + 1);
}

#[test]
fn other_groups_extents_and_dimensions_survive_or_are_refused_with_the_reason() {
    let folder = Folder::new();
    let files: [PathBuf; 4] = [
        folder.field::<1>("u1", &[8, 6], Precision::F64, |_| ()),
        folder.field::<2>("su2", &[4, 4, 6], Precision::F32, |_| ()),
        folder.field::<3>("su3", &[2, 3, 4, 5], Precision::F64, |_| ()),
        folder.field::<3>("su3-32", &[2, 4, 6, 8], Precision::F32, |_| ()),
    ];
    for file in files {
        there_and_back(&folder, &file, "");
    }
}

#[test]
fn rounding_happens_only_when_asked_for_and_is_that_of_f32() {
    let folder = Folder::new();
    let sound = folder.sound("sound");
    let (milc, narrow) = (folder.path("milc"), folder.path("narrow"));
    let answer = convert(&sound, &milc, "--to milc");
    assert_eq!(answer.status, 2);
    assert!(answer.stderr.contains("--precision f32 rounds the links"), "{}", answer.stderr);
    for (to, path) in [("milc", &milc), ("ildg", &narrow)] {
        let answer = convert(&sound, path, &format!("--to {to} --precision f32"));
        assert_eq!(answer.status, 0, "{}", answer.stderr);
        let found = difference(&sound, path, "");
        let largest = found["largest"].as_f64().unwrap();
        assert_eq!(answer.line()["largest_difference"], largest, "as it was read back");
        // 18 numbers of at most 1, each off by at most 2^-25.
        assert!(largest > 0.0 && largest < 18f64.sqrt() * 2f64.powi(-25), "{found}");
    }
    assert_eq!(difference(&milc, &narrow, "")["differing"], 0, "the same rounding");
}

#[test]
fn what_cannot_be_converted_leaves_the_old_output() {
    let folder = Folder::new();
    let sound = folder.sound("sound");
    let (offset, _) = crate::written::payload(&sound);
    let flipped = folder.copy(&sound, "flipped", |all| all[offset + 7] ^= 1);
    let target = folder.path("target");
    std::fs::write(&target, b"old").unwrap();
    let answer = convert(&flipped, &target, "--to nersc");
    assert_eq!(answer.status, 1);
    assert!(answer.stderr.contains("checksum mismatch"), "{}", answer.stderr);
    assert_eq!(std::fs::read(&target).unwrap(), b"old");
    assert_eq!(convert(&flipped, &target, "--to nersc --ignore-checksum").status, 0);
    assert_eq!(convert(&sound, &target, "").status, 2, "--to must be given");
    assert_eq!(convert(&sound, &target, "--to nersc --rows 4").status, 2);
}

/// A file that is converted all the same does not hand on what it states wrongly: the copy is sound.
#[test]
fn a_stated_plaquette_that_is_false_is_not_copied() {
    let folder = Folder::new();
    // States its plaquette in `xlf-info`, and has its extents exchanged.
    let (false_one, out) = (folder.exchanged("exchanged"), folder.path("out"));
    assert_eq!(run("ildg verify", &[&false_one]).status, 1);
    for format in ["ildg", "grid", "scidac", "nersc"] {
        let answer = convert(&false_one, &out, &format!("--to {format} --ignore-checksum"));
        assert_eq!(answer.status, 0, "{format}: {}", answer.stderr);
        let line = answer.line();
        let said = line["warnings"].to_string().contains("the output states theirs");
        assert_eq!(said, format != "nersc", "{line}");
        let verified = run("ildg verify --json", &[&out]).line();
        assert_eq!(
            (&verified["ok"], &verified["plaquette"]),
            (&true.into(), &line["plaquette"]),
            "{verified}"
        );
        // What else the record says is kept.
        if format != "nersc" {
            let text = GaugeFile::open(&out).unwrap().text("xlf-info").unwrap().unwrap();
            assert!(text.contains("gaugelink_version") && text.matches("plaquette").count() == 1, "{text}");
        }
    }
}

/// What users wrote into a file is in its copy, in its place; what the copy's format has no room for is named.
#[test]
fn records_of_users_are_carried_or_named() {
    let folder = Folder::new();
    let (sound, rich, out) = (folder.sound("sound"), folder.path("rich"), folder.path("out"));
    let file = lime_rs::IldgFile::open(&sound).unwrap();
    let plaquette = run("ildg verify --json", &[&sound]).line()["plaquette"].to_string();
    let averages = format!("<usqcdInfo><plaq>{plaquette}</plaq><info>mine</info></usqcdInfo>");
    let text = lime_rs::TextRecord::new;
    let write = |record_xml: &str| {
        let mut meta = lime_rs::IldgMeta::new(file.payload().format.clone());
        (meta.file_xml, meta.record_xml) = ("<ensemble>a</ensemble>".into(), record_xml.into());
        meta.extra =
            vec![text("xlf-info", "beta = 6"), text("ranluxd-state", "1 2 3"), text("bytes", "\u{1}\u{2}")];
        meta.lfn = Some("lfn://test/rich".into());
        let (offset, length) = crate::written::payload(&sound);
        let writer = lime_rs::IldgWriter::create(&rich, &meta).unwrap();
        writer.write_payload_at(0, &std::fs::read(&sound).unwrap()[offset..offset + length]).unwrap();
        writer
            .finish(file.payload().checksum.unwrap(), &[text("note", "after"), text("note", "again")])
            .unwrap();
    };
    write(&averages);
    let xml = ["scidac-file-xml", "scidac-record-xml"];
    let texts = [xml[0], xml[1], "ranluxd-state", "note"];
    let values = ["<ensemble>a</ensemble>", &averages, "1 2 3", "after"];
    for (from, to, left_out, kept) in [
        (&rich, "ildg", &["bytes"][..], 0..4),
        (&rich, "scidac", &["ildg-data-lfn", "bytes"], 0..4),
        (&rich, "grid", &[xml[0], "bytes"], 2..4),
        (
            &rich,
            "nersc",
            &[xml[0], xml[1], "ildg-data-lfn", "xlf-info", "ranluxd-state", "bytes", "note"],
            0..0,
        ),
        (&sound, "ildg", &[], 0..0),
    ] {
        let answer = convert(from, &out, &format!("--to {to}"));
        assert_eq!(answer.line()["left_out"], serde_json::json!(left_out), "{to}: {}", answer.stderr);
        let copy = GaugeFile::open(&out).unwrap();
        for (kind, value) in texts.iter().zip(values).skip(kept.start).take(kept.len()) {
            assert_eq!(copy.text(kind).unwrap().as_deref(), Some(value), "{to}: {kind}");
        }
        let verified = run("ildg verify --json", &[&out]).line();
        assert_eq!(verified["ok"], true, "{to}: {verified}");
    }
    let answer = run("ildg convert --force --to ildg", &[&rich, &out]).stdout;
    assert!(answer.contains("  left out: bytes\n"), "{answer}");
    // In their places: before the links, or behind them; and each of them.
    let kinds: Vec<String> =
        lime_rs::IldgFile::open(&out).unwrap().records().iter().map(|record| record.kind().into()).collect();
    let order = ["xlf-info", "ranluxd-state", "ildg-binary-data", "scidac-checksum", "note", "note"];
    assert!(kinds.windows(order.len()).any(|these| these == order), "{kinds:?}");
    // Averages that are not those of the links are not said again.
    write("<usqcdInfo><plaq>0.1</plaq></usqcdInfo>");
    assert_eq!(convert(&rich, &out, "--to ildg").status, 1);
    let answer = convert(&rich, &out, "--to ildg --ignore-checksum");
    assert_eq!(answer.line()["left_out"], serde_json::json!([xml[1], "bytes"]), "{}", answer.stderr);
    assert_eq!(run("ildg verify", &[&out]).status, 0);
}

/// What is there stays, unless it is named as the one to be replaced; the file to convert stays always.
#[test]
fn nothing_is_replaced_unasked() {
    let folder = Folder::new();
    let (from, to) = (folder.sound("from"), folder.copy(&folder.sound("other"), "to", |_| ()));
    let bytes = |path: &Path| std::fs::read(path).unwrap();
    let before = [bytes(&from), bytes(&to)];
    let link = folder.path("link");
    std::os::unix::fs::symlink(&from, &link).unwrap();
    for (output, words, said) in [
        (&to, "", "is there already"),
        (&from, "--force", "is the file to convert"),
        (&link, "--force", "is the file to convert"),
    ] {
        let answer = run(&format!("ildg convert --to nersc {words}"), &[&from, output]);
        assert!(answer.status == 2 && answer.stderr.contains(said), "{}", answer.stderr);
        assert_eq!([bytes(&from), bytes(&to)], before);
    }
    assert_eq!(run("ildg convert --to nersc --force", &[&from, &to]).status, 0);
    assert_ne!(bytes(&to), before[1]);
}

/// Grid's records on what the program writes: what Grid's reader demands, step by step, is in lime-rs's test `grid`.
#[test]
fn files_for_grid_state_what_was_measured() {
    let folder = Folder::new();
    for (name, nc, precision) in [("su3", 3, "f64"), ("su2", 2, "f32")] {
        let from = match nc {
            3 => folder.field::<3>(name, &[4, 4, 4, 6], Precision::F64, |_| ()),
            _ => folder.field::<2>(name, &[4, 4, 4, 6], Precision::F64, |_| ()),
        };
        let to = folder.path("grid.12");
        let answer =
            convert(&from, &to, &format!("--to grid --precision {precision} --lfn lfn://group/run/12"));
        assert_eq!(answer.status, 0, "{}", answer.stderr);
        let line = answer.line();
        let file = lime_rs::IldgFile::open(&to).unwrap();
        assert_eq!((file.warnings(), file.payload().lfn.as_deref()), (&[][..], Some("lfn://group/run/12")));
        let stated = file.grid_statement().unwrap();
        assert_eq!(stated.plaquette, line["plaquette"].as_f64());
        assert_eq!(stated.link_trace, line["link_trace"].as_f64());
        assert!((stated.norm2.unwrap() / f64::from(4 * nc * 384) - 1.0).abs() < 1e-12, "{stated:?}");
        let kinds: Vec<&str> = file.records().iter().map(|record| record.kind()).collect();
        let expected = [
            "grid-format",
            "FieldNormMetaData",
            "scidac-private-file-xml",
            "scidac-file-xml",
            "scidac-private-record-xml",
            "scidac-record-xml",
            "ildg-format",
            "ildg-data-lfn",
            "xlf-info",
            "ildg-binary-data",
            "FieldNormMetaData",
            "scidac-checksum",
            "gaugelink-provenance",
        ];
        assert_eq!(kinds, expected);
        let text = file.text("grid-format").unwrap().unwrap();
        assert!(text.contains(&format!("<floating_point>IEEE{}BIG<", &precision[1..])), "{text}");
        assert!(text.contains("<elem>4</elem><elem>4</elem><elem>4</elem><elem>6</elem>"), "{text}");
        let verified = run("ildg verify --json", &[&to]).line();
        assert_eq!((&verified["ok"], &verified["format"]), (&true.into(), &"ildg".into()), "{verified}");
        assert_eq!(verified["stated_plaquette"].as_f64(), stated.plaquette);
        assert_eq!(run("ildg verify --format grid", &[&to]).status, 0);
    }
    let u1 = folder.field::<1>("u1", &[8, 6], Precision::F64, |_| ());
    let answer = convert(&u1, &folder.path("none"), "--to grid");
    assert!(
        answer.status == 2 && answer.stderr.contains("write ildg or scidac instead"),
        "{}",
        answer.stderr
    );
}

/// Every ILDG file has a name: the one given, that of the input, or one made from the file's.
#[test]
fn logical_file_names_are_given_kept_or_made() {
    let folder = Folder::new();
    let sound = folder.sound("sound");
    let (nersc, out) = (folder.path("conf.nersc"), folder.path("conf.7"));
    assert_eq!(convert(&sound, &nersc, "--to nersc").status, 0);
    for (from, words, lfn) in [
        (&sound, "", "lfn://test/conf"),
        (&nersc, "", "lfn://gaugelink/conf.7"),
        (&nersc, "--lfn lfn://mine/7", "lfn://mine/7"),
        (&sound, "--lfn lfn://mine/7", "lfn://mine/7"),
    ] {
        assert_eq!(convert(from, &out, &format!("--to ildg {words}")).status, 0);
        let line = run("ildg info --json", &[&out]).line();
        assert_eq!((&line["lfn"], &line["warnings"]), (&lfn.into(), &serde_json::json!([])), "{line}");
    }
    // A name that is none is neither taken nor kept.
    for lfn in ["lfn://a\nb", "\u{1b}[2J", ""] {
        let words = ["ildg", "convert", "--to", "ildg", "--lfn", lfn].map(std::ffi::OsString::from);
        let new = folder.path("new");
        let answer = gaugelink(words.into_iter().chain([sound.clone().into(), new.clone().into()]));
        assert!(answer.status == 2 && !new.exists(), "{}", answer.stderr);
        assert!(answer.stderr.contains("the logical file name"), "{}", answer.stderr);
    }
    let odd = folder.copy(&sound, "odd", |all| {
        let at = all.windows(15).position(|bytes| bytes == b"lfn://test/conf").unwrap();
        all[at + 10] = b'\n';
    });
    assert_eq!(convert(&odd, &out, "--to ildg").status, 0);
    assert_eq!(run("ildg info --json", &[&out]).line()["lfn"], "lfn://gaugelink/conf.7");
    let answer = convert(&sound, &nersc, "--to nersc --lfn lfn://a");
    assert!(answer.status == 2 && answer.stderr.contains("ildg and grid have"), "{}", answer.stderr);
}

/// Who could not read the old file does not read the new one.
#[test]
fn a_file_that_is_replaced_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let (sound, to) = (folder.sound("sound"), folder.path("to"));
    std::fs::write(&to, b"old").unwrap();
    std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o640)).unwrap();
    for format in ["ildg", "nersc"] {
        assert_eq!(convert(&sound, &to, &format!("--to {format}")).status, 0);
        let mode = std::fs::metadata(&to).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640, "{format}");
        assert_eq!(run("ildg diff", &[&sound, &to]).status, 0);
    }
}

/// Only files are replaced, and links lead to them.
#[test]
fn pipes_stay_and_links_are_followed() {
    use std::os::unix::fs::FileTypeExt;
    let folder = Folder::new();
    let sound = folder.sound("sound");
    let pipe = folder.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let answer = convert(&sound, &pipe, "--to nersc");
    assert!(answer.status != 0 && answer.stderr.contains("no regular file"), "{}", answer.stderr);
    assert!(std::fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
    std::fs::create_dir(folder.path("far")).unwrap();
    let link = folder.path("link");
    std::os::unix::fs::symlink("far/conf", &link).unwrap();
    for _ in ["dangling", "there"] {
        assert_eq!(convert(&sound, &link, "--to nersc").status, 0);
        assert!(link.is_symlink() && folder.path("far/conf").is_file());
    }
    let answer = run("ildg convert --to nersc", &[&sound, &link]);
    assert!(answer.status == 2 && answer.stderr.contains("is there already"), "{}", answer.stderr);
}
