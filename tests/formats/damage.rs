//! What `ildg verify` makes of damaged files: a line with the reason, and a failing exit status.

use crate::program::{gaugelink, run};
use crate::written::{Folder, payload, set};
use gaugelink_lattice::Complex;
use lime_rs::Precision;
use serde_json::Value;
use std::path::PathBuf;

/// Verifies one file that must fail, and returns its line.
fn failing(words: &str, path: &PathBuf, reason: &str) -> Value {
    let answer = run(&format!("ildg verify --json {words}"), &[path]);
    let line = answer.line();
    assert_eq!(answer.status, 1, "{line}");
    assert_eq!(line["ok"], false, "{line}");
    assert_eq!(line["file"].as_str(), path.to_str());
    let error = line["error"].as_str().unwrap();
    assert!(error.contains(reason), "`{reason}` is not in: {error}");
    for key in ["format", "dims", "nc", "precision", "plaquette", "link_trace", "suma", "sumb", "checksum"] {
        assert!(line.get(key).is_some(), "{key} is always there: {line}");
    }
    line
}

#[test]
fn sound_files_of_every_group_and_dimension_pass() {
    let folder = Folder::new();
    let files = [
        folder.field::<1>("u1", &[8, 6], Precision::F64, |_| ()),
        folder.field::<1>("u1-3", &[4, 3, 6], Precision::F32, |_| ()),
        folder.field::<2>("su2", &[4, 4, 6], Precision::F64, |_| ()),
        folder.field::<3>("su3", &[4, 6, 4, 8], Precision::F64, |_| ()),
        folder.field::<3>("su3-32", &[4, 4, 4, 4], Precision::F32, |_| ()),
    ];
    let answer = run("ildg verify --json", &files.each_ref());
    assert_eq!((answer.status, answer.stderr.as_str()), (0, ""), "{}", answer.stdout);
    let expected = [
        (1, [8, 6, 1, 1], "f64"),
        (1, [4, 3, 6, 1], "f32"),
        (2, [4, 4, 6, 1], "f64"),
        (3, [4, 6, 4, 8], "f64"),
        (3, [4, 4, 4, 4], "f32"),
    ];
    for (line, (nc, dims, precision)) in answer.lines().iter().zip(expected) {
        assert_eq!((&line["ok"], &line["checksum"]), (&true.into(), &"ok".into()), "{line}");
        assert_eq!(line["dims"], Value::from(dims.to_vec()));
        assert_eq!((&line["nc"], &line["precision"]), (&nc.into(), &precision.into()));
        assert_eq!(line["warnings"], Value::Array(vec![]), "{line}");
        let unitarity = line["unitarity"].as_f64().unwrap();
        assert!(unitarity < if precision == "f64" { 1e-13 } else { 3e-7 }, "{line}");
        assert_eq!(line["spatial_plaquette"].is_null(), dims[2] == 1);
    }
}

#[test]
fn a_flipped_bit_anywhere_in_the_payload_is_a_bad_checksum() {
    let folder = Folder::new();
    let sound = folder.sound("sound");
    let stored = run("ildg verify --json", &[&sound]).line();
    let (offset, bytes) = payload(&sound);
    for (i, at) in [0, bytes / 3, bytes - 1].into_iter().enumerate() {
        // The lowest bit of a mantissa: the links stay unitary.
        let flipped = folder.copy(&sound, &format!("flipped{i}"), |all| all[offset + (at | 7)] ^= 1);
        let line = failing("", &flipped, "checksum mismatch");
        assert_eq!(line["checksum"], "bad");
        assert_eq!((&line["stored_suma"], &line["stored_sumb"]), (&stored["suma"], &stored["sumb"]));
        assert_ne!(line["suma"], stored["suma"]);
        let off = line["plaquette"].as_f64().unwrap() - stored["plaquette"].as_f64().unwrap();
        assert!(off.abs() < 1e-12, "the rest is found out all the same: {line}");
    }
}

/// What a file states wrongly can be ignored, as in other commands; its links are judged all the same.
#[test]
fn wrong_statements_are_ignored_on_request() {
    let folder = Folder::new();
    let sound = folder.sound("sound");
    let (offset, _) = payload(&sound);
    let flipped = folder.copy(&sound, "flipped", |all| all[offset + 7] ^= 1);
    for path in [&flipped, &folder.exchanged("exchanged")] {
        assert_eq!(run("ildg verify", &[path]).status, 1);
        let answer = run("ildg verify --json --ignore-checksum", &[path]);
        let line = answer.line();
        assert_eq!((answer.status, &line["ok"]), (0, &true.into()), "{line}");
        assert!(line["warnings"].to_string().contains("ignored: "), "{line}");
    }
    assert_eq!(run("ildg verify --json --ignore-checksum", &[&flipped]).line()["checksum"], "bad");
    let long = folder.field::<3>("long", &[4, 4, 4, 4], Precision::F64, |u| {
        set(u, [0, 1, 2, 3], 1, Complex::new(1.1, 0.0));
    });
    failing("--ignore-checksum", &long, "1 link is not unitary");
}

#[test]
fn truncated_files_fail_wherever_they_end() {
    let folder = Folder::new();
    let sound = folder.sound("sound");
    let (offset, bytes) = payload(&sound);
    for (i, length) in
        [0, 100, 200, offset - 1, offset, offset + bytes / 2, offset + bytes + 60].into_iter().enumerate()
    {
        let cut = folder.copy(&sound, &format!("cut{i}"), |all| all.truncate(length));
        failing("", &cut, if length == 0 { "the file is empty" } else { "truncated" });
    }
}

#[test]
fn links_that_are_no_numbers_are_counted_and_placed() {
    let folder = Folder::new();
    let path = folder.field::<3>("nan", &[4, 4, 4, 6], Precision::F64, |u| {
        set(u, [1, 0, 3, 5], 2, Complex::new(f64::NAN, 0.0));
        set(u, [3, 2, 1, 5], 0, Complex::new(f64::INFINITY, 0.0));
    });
    let line = failing("", &path, "2 links are not finite");
    assert!(
        line["error"].as_str().unwrap().contains("site (3,2,1,5), direction x"),
        "first in file order: {line}"
    );
    assert_eq!((&line["checksum"], &line["plaquette"]), (&"ok".into(), &Value::Null));
}

#[test]
fn links_off_the_group_are_counted_and_placed() {
    let folder = Folder::new();
    for precision in [Precision::F64, Precision::F32] {
        let path = folder.field::<3>("long", &[4, 4, 4, 6], precision, |u| {
            set(u, [0, 1, 2, 3], 1, Complex::new(1.0001, 0.0));
        });
        let line = failing("", &path, "1 link is not unitary");
        assert!(line["error"].as_str().unwrap().contains("site (0,1,2,3), direction y"), "{line}");
        // ‖U U† − 1‖ = (1.0001² − 1) √3
        let expected = (1.0001f64.powi(2) - 1.0) * 3f64.sqrt();
        assert!((line["unitarity"].as_f64().unwrap() / expected - 1.0).abs() < 2e-3, "{line}");
    }
    let path = folder.field::<2>("signs", &[4, 4, 4], Precision::F64, |u| {
        set(u, [1, 1, 1, 0], 0, Complex::new(0.0, 1.0));
    });
    failing("", &path, "1 link has a determinant other than 1");
}

#[test]
fn links_that_are_zero_are_counted_and_no_part_of_the_unitarity() {
    let folder = Folder::new();
    let zeros = |count: usize| {
        folder.field::<3>("zero", &[4, 4, 2, 2], Precision::F64, |u| {
            let sites =
                (0..64).flat_map(|i| (0..4).map(move |mu| ([i % 4, i / 4 % 4, i / 16 % 2, i / 32], mu)));
            sites.take(count).for_each(|(site, mu)| set(u, site, mu, Complex::new(0.0, 0.0)));
        })
    };
    let line = failing("", &zeros(5), "5 links are zero, the first at site (0,0,0,0), direction x");
    assert!(line["unitarity"].as_f64().unwrap() < 1e-13 && line["zero_links"] == 5, "{line}");
    let sound = folder.sound("sound");
    let (offset, bytes) = payload(&sound);
    let path = folder.copy(&sound, "unwritten", |all| all[offset..offset + bytes].fill(0));
    let line = failing("", &path, "1024 links are zero");
    assert!(line["unitarity"].is_null() && line["zero_links"] == 1024, "{line}");
    let text = run("ildg verify", &[&path]).stdout;
    assert!(text.contains("every link zero"), "{text}");
}

/// The bytes are those that the checksum is of, and every link is one: only the stated plaquette tells.
#[test]
fn a_stated_plaquette_that_is_not_that_of_the_links_is_an_error() {
    let folder = Folder::new();
    let path = folder.exchanged("exchanged");
    let line = failing("", &path, "another order");
    let (stated, found) = (line["stated_plaquette"].as_f64().unwrap(), line["plaquette"].as_f64().unwrap());
    assert!((stated - found).abs() > 1e-3 && line["checksum"] == "ok", "{line}");
    let error = line["error"].as_str().unwrap();
    assert!(error.contains(&format!("states the plaquette {stated}")), "{error}");
    assert!(error.contains(&format!("links give {found:.9}")), "{error}");

    let nersc = folder.path("nersc");
    assert_eq!(run("ildg convert --to nersc", &[&folder.sound("sound"), &nersc]).status, 0);
    for (key, name) in [("PLAQUETTE = 0.", "plaquette"), ("LINK_TRACE = 0.", "link trace")] {
        let other = folder.copy(&nersc, "other", |all| {
            let at = all.windows(key.len()).position(|bytes| bytes == key.as_bytes()).unwrap();
            all[at + key.len() - 2] = b'7';
        });
        failing("", &other, &format!("the file states the {name} 7."));
    }
    // An answer from such a file is one on other links.
    for words in ["measure --json", "ildg convert --json --to nersc"] {
        let out = folder.path("out");
        let files = if words.contains("convert") { vec![&path, &out] } else { vec![&path] };
        let answer = run(words, &files);
        let said = answer.stdout + &answer.stderr;
        assert_eq!(answer.status, 1, "{words}: {said}");
        assert!(said.contains("another order") && said.contains("--ignore-checksum"), "{words}: {said}");
        let answer = run(&format!("{words} --ignore-checksum"), &files);
        assert_eq!(answer.status, 0, "{words}: {}", answer.stderr);
        assert!(
            answer.line()["warnings"].to_string().contains("another order"),
            "{words}: {}",
            answer.stdout
        );
    }
}

/// Grid's reader compares plaquette, link trace and norm, and programs of USQCD those of `usqcdInfo`: each is verified.
#[test]
fn what_records_of_grid_and_usqcd_state_is_compared() {
    let folder = Folder::new();
    let grid = folder.path("grid");
    assert_eq!(run("ildg convert --to grid", &[&folder.sound("sound"), &grid]).status, 0);
    let line = run("ildg verify --json", &[&grid]).line();
    // 4 links of norm 3 at each of 256 sites.
    for key in ["norm", "stated_norm"] {
        assert!((line[key].as_f64().unwrap() - 3072.0).abs() < 1e-9, "{key}: {line}");
    }
    let info = run("ildg info --json", &[&grid]).line();
    assert_eq!(info["stated_norm"], line["stated_norm"]);
    assert!(run("ildg info", &[&grid]).stdout.contains("norm 307"), "the text tells");
    // Of a record that stands twice, the one that describes the field is the last before it.
    for (element, before, reason) in [
        ("<norm2>", "scidac-private-file-xml", "the file states the norm 9"),
        ("<plaquette>0.", "FieldNormMetaData", "the file states the plaquette 9."),
        ("<link_trace>0.", "FieldNormMetaData", "the file states the link trace 9."),
        ("<plaq>0.", "ildg-format", "the file states the plaquette 9."),
        ("<linktr>0.", "ildg-format", "the file states the link trace 9."),
        ("plaquette = 0.", "ildg-binary-data", "the file states the plaquette 9."),
    ] {
        let other = folder.copy(&grid, "other", |all| {
            let find = |all: &[u8], text: &str| all.windows(text.len()).rposition(|b| b == text.as_bytes());
            let end = find(all, before).unwrap();
            let at = find(&all[..end], element).unwrap();
            let digit = at + element.trim_end_matches("0.").len();
            all[digit] = b'9';
        });
        failing("", &other, reason);
    }
    // A field of three dimensions has unit matrices in the fourth direction, which count.
    let flat = folder.field::<2>("flat", &[4, 4, 4], Precision::F64, |_| ());
    let norm = run("ildg verify --json", &[&flat]).line()["norm"].as_f64().unwrap();
    assert!((norm - 4.0 * 2.0 * 64.0).abs() < 1e-9, "{norm}");
}

/// Formats without a checksum: of sixteen digits of the plaquette, nine have to agree.
#[test]
fn small_damage_moves_a_plaquette_of_sixteen_digits() {
    let folder = Folder::new();
    let sound = folder.sound("sound");
    for format in ["openqcd", "ddalphaamg", "hirep"] {
        let path = folder.path(format);
        assert_eq!(run(&format!("ildg convert --to {format}"), &[&sound, &path]).status, 0);
        let line = run("ildg verify --json", &[&path]).line();
        assert_eq!((&line["ok"], &line["format"]), (&true.into(), &format.into()), "{line}");
        // One number of one link.
        let damaged = folder.copy(&path, "damaged", |all| {
            let (at, big) = (all.len() - 16, format == "hirep");
            let stored = all[at..at + 8].try_into().unwrap();
            let number = 3e-6 + if big { f64::from_be_bytes(stored) } else { f64::from_le_bytes(stored) };
            let stored = if big { number.to_be_bytes() } else { number.to_le_bytes() };
            all[at..at + 8].copy_from_slice(&stored);
        });
        let line =
            failing(&format!("--format {format}"), &damaged, "it is damaged, or was written by a code");
        let off = line["stated_plaquette"].as_f64().unwrap() - line["plaquette"].as_f64().unwrap();
        assert!(off.abs() < 1e-6, "the former bound was 1e-5: {off}");
        let out = folder.path("out");
        assert_eq!(run("ildg convert --to ildg", &[&damaged, &out]).status, 1);
        let answer = run("ildg convert --to ildg --ignore-checksum --ignore-unitarity", &[&damaged, &out]);
        assert_eq!(answer.status, 0, "{}", answer.stderr);
        std::fs::remove_file(&out).unwrap();
    }
    // Links that fit in neither of two orders may be damaged.
    let lost = folder.copy(&folder.path("openqcd"), "lost", |all| all[24..].fill(0));
    failing("", &lost, "the file may be damaged");
}

/// Fields have no direction of extent 1 at the end. Links there are unit matrices, or no command takes the file.
#[test]
fn links_in_directions_of_extent_one_are_never_lost_in_silence() {
    let folder = Folder::new();
    let flat = folder.field::<3>("flat", &[4, 4, 4], Precision::F64, |_| ());
    assert_eq!(run("ildg verify", &[&flat]).status, 0);
    // The link of site 37 in direction t becomes that of site 0 in direction x: a sound link, and NaN.
    let site = 4 * 144;
    let twisted = folder.relinked(&flat, "twisted", |all| {
        let link = all[..144].to_vec();
        all[37 * site + 3 * 144..][..144].copy_from_slice(&link);
    });
    let odd = folder.relinked(&flat, "nan", |all| {
        all[37 * site + 3 * 144..][..8].copy_from_slice(&f64::NAN.to_be_bytes());
    });
    for path in [&twisted, &odd] {
        let line = failing("", path, "the link in direction t of site 37 is no unit matrix");
        assert_eq!(line["checksum"], "ok", "the bytes are verified all the same: {line}");
        for words in ["measure", "ildg diff", "ildg convert --to nersc"] {
            let other = folder.path("other");
            let files = match words {
                "measure" => vec![path],
                "ildg diff" => vec![path, &flat],
                _ => vec![path, &other],
            };
            let answer = run(words, &files);
            assert_ne!(answer.status, 0, "{words}: {}", answer.stdout);
            let said = answer.stdout + &answer.stderr;
            assert!(said.contains("site 37") && said.contains("would be lost"), "{words}: {said}");
            assert!(said.contains(path.to_str().unwrap()) && !other.exists(), "{words}: {said}");
        }
    }
}

#[test]
fn an_open_boundary_is_no_damage() {
    let folder = Folder::new();
    let path = folder.field::<3>("open", &[4, 4, 4, 6], Precision::F64, |u| {
        for i in 0..64 {
            set(u, [i % 4, i / 4 % 4, i / 16, 5], 3, Complex::new(0.0, 0.0));
        }
    });
    let answer = run("ildg verify --json", &[&path]);
    assert_eq!(answer.status, 0, "{}", answer.stdout);
    assert!(answer.line()["warnings"].to_string().contains("open boundary"), "{}", answer.stdout);
}

#[test]
fn shapes_on_the_command_line_that_do_not_fit_are_refused() {
    let folder = Folder::new();
    let path = folder.sound("sound");
    failing("--dims 4,4,4,5", &path, "fits no U(1) or SU(2..4) field");
    failing("--dims 4,4,4,4 --nc 2", &path, "fits no U(1) or SU(2..4) field");
    failing("--dims 4", &path, "2 to 4 extents");
    failing("--dims 256,1,1,1", &path, "at least 2 sites");
    failing("--dims 1,4,8,8", &path, "at least 2 sites");
    assert_eq!(run("ildg verify --nc 2", &[&path]).status, 2, "--nc alone says nothing");
    // Another shape of the same length holds, with a warning.
    let answer = run("ildg verify --json --dims 2,8,4,4", &[&path]);
    assert_eq!(answer.status, 0);
    assert!(answer.line()["warnings"].to_string().contains("the given 2x8x4x4"), "{}", answer.stdout);
}

#[test]
fn one_bad_file_spoils_no_other() {
    let folder = Folder::new();
    let sound = folder.sound("sound");
    let text = folder.copy(&sound, "text", |all| *all = b"BEGIN_HEADER\n".repeat(30));
    let (offset, _) = payload(&sound);
    let flipped = folder.copy(&sound, "flipped", |all| all[offset + 7] ^= 1);
    let missing = folder.path("missing");
    let files = [&sound, &text, &missing, &flipped, &sound];
    let answer = run("ildg verify --json", &files);
    assert_eq!((answer.status, answer.stderr.trim()), (1, "gaugelink: 3 of 5 files did not pass"));
    let ok: Vec<Value> = answer.lines().iter().map(|line| line["ok"].clone()).collect();
    assert_eq!(Value::from(ok), Value::from(vec![true, false, false, false, true]));
    failing("", &text, "not a usable nersc header: no END_HEADER");
    let prose = folder.copy(&sound, "prose", |all| *all = b"no links here\n".repeat(30));
    failing("", &prose, "no LIME file");
    failing("", &missing, "cannot open the file");

    let answer = run("ildg verify", &files);
    assert_eq!(answer.status, 1);
    for (path, verdict) in files.iter().zip(["ok", "FAILED", "FAILED", "FAILED", "ok"]) {
        assert!(answer.stdout.contains(&format!("{}: {verdict}", path.display())), "{}", answer.stdout);
    }
    assert_eq!(answer.stdout.matches("  error: ").count(), 3, "{}", answer.stdout);
}

#[test]
fn info_shows_what_is_left_of_a_damaged_file() {
    let folder = Folder::new();
    let sound = folder.sound("sound");
    let whole = run("ildg info --json", &[&sound]).line();
    let records = whole["records"].as_array().unwrap().len();
    assert_eq!((&whole["lfn"], &whole["format"]), (&"lfn://test/conf".into(), &"ildg".into()));
    let (offset, _) = payload(&sound);
    let cut = folder.copy(&sound, "cut", |all| all.truncate(offset + 10));
    let answer = run("ildg info --json", &[&cut]);
    let line = answer.line();
    let left = line["records"].as_array().unwrap().len();
    assert!(answer.status == 1 && left > 0 && left < records, "{line}");
    assert!(line["error"].as_str().unwrap().contains("truncated"), "{line}");
    // The payload is not read: damage there goes unnoticed.
    let flipped = folder.copy(&sound, "flipped", |all| all[offset] ^= 1);
    assert_eq!(run("ildg info", &[&flipped]).status, 0);
    assert_eq!(gaugelink(["ildg", "info"]).status, 2, "a file must be given");
}

/// A file of one record, as some codes write them: the links tell what the length does not.
#[test]
fn files_without_a_format_are_told_their_shape() {
    let folder = Folder::new();
    // 4x4x4x4 links of SU(4) in single precision have the length of 8x8x8x4 of SU(2), and of others.
    let whole = folder.field::<4>("whole", &[4, 4, 4, 4], Precision::F32, |_| ());
    let (offset, bytes) = payload(&whole);
    let bare = folder.copy(&whole, "bare", |all| {
        all.truncate(offset + bytes);
        all.drain(..offset - 144);
        // Begin and end of a message.
        all[6] = 0xc0;
    });
    let line = failing("", &bare, "so try --dims 4,4,4,4 --nc 4");
    assert!(line["error"].as_str().unwrap().contains("SU(4) in 32 bit"), "{line}");
    let answer = run("ildg verify --json --dims 4,4,4,4 --nc 4", &[&bare]);
    assert_eq!((answer.status, &answer.line()["precision"]), (0, &"f32".into()), "{}", answer.stdout);
}
