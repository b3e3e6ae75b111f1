//! Names and paths that a folder of old data has, and things in it that are no files.

use crate::program::{Answer, run};
use crate::written::{Folder, payload};
use lime_rs::Precision;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;

/// Two lines, no UTF-8, an option, colours of a terminal, blanks, quotes, and as long as names can be.
fn names() -> Vec<Vec<u8>> {
    let plain = [
        &b"two\nlines.lime"[..],
        b"\xff\xfe.lime",
        b"-f.lime",
        b"\x1b[31mred",
        b" ",
        b"\"'\\.lime",
        b"*.lime",
    ];
    plain.into_iter().map(<[u8]>::to_vec).chain([b"x".repeat(255)]).collect()
}

fn at(folder: &Folder, name: &[u8]) -> PathBuf {
    folder.path("").join(OsStr::from_bytes(name))
}

/// Text for people moves no cursor, and its lines are those that it has for a plain name.
fn is_printable(text: &str) -> bool {
    !text.contains(|c: char| c.is_control() && c != '\n')
}

#[test]
fn any_name_is_read_written_and_shown() {
    let folder = Folder::new();
    let sound = folder.sound("sound");
    let line = run("ildg verify --json", &[&sound]).line();
    let lines = |words: &str| run(words, &[&sound]).stdout.lines().count();
    let commands = ["ildg verify", "ildg info", "measure --flow 0.02"];
    let expected = commands.map(lines);
    for name in names() {
        let path = at(&folder, &name);
        fs::copy(&sound, &path).unwrap();
        let answer = run("ildg verify --json", &[&path]);
        assert_eq!((answer.status, &answer.line()["suma"]), (0, &line["suma"]), "{}", answer.stdout);
        for (command, expected) in commands.into_iter().zip(expected) {
            let text = run(command, &[&path]).stdout;
            assert!(is_printable(&text) && text.lines().count() == expected, "{command}: {text}");
            let json = run(&format!("{command} --json"), &[&path]);
            assert!(json.status == 0 && json.lines().iter().all(|line| line["file"].is_string()));
        }
        fs::remove_file(&path).unwrap();
        let answer = run("ildg convert --to ildg --json", &[&sound, &path]);
        assert_eq!(answer.status, 0, "{}", answer.stderr);
        assert_eq!(answer.lines().len(), 1);
        let text = run("ildg diff", &[&sound, &path]);
        assert!(text.status == 0 && is_printable(&text.stdout), "{}", text.stdout);
        // A mistake is told in one line, too.
        let Answer { stderr, status, .. } = run("ildg convert --to ildg", &[&sound, &path]);
        assert!(status == 2 && is_printable(&stderr) && stderr.contains("is there already"), "{stderr}");
    }
    // All of them in one folder, and two whose names differ in nothing but bytes that are no text: one is damaged.
    let modified = fs::metadata(&sound).unwrap().modified().unwrap();
    for (name, bit) in [(b"c\xf0.1", 0), (b"c\xf1.1", 1)] {
        let mut bytes = fs::read(&sound).unwrap();
        bytes[payload(&sound).0 + 7] ^= bit;
        fs::write(at(&folder, name), bytes).unwrap();
        fs::File::open(at(&folder, name)).unwrap().set_modified(modified).unwrap();
    }
    let words = format!("ensemble verify --out {}", folder.path("out").display());
    let verdicts = || {
        let lines = run(&format!("{words} --json"), &[&folder.path("")]).lines();
        let files = lines.iter().filter(|line| line["kind"] == "file");
        let mut all: Vec<String> = files.map(|line| format!("{} {}", line["name"], line["ok"])).collect();
        all.sort();
        all
    };
    let first = verdicts();
    assert_eq!(first.len(), names().len() + 3);
    assert_eq!(first.iter().filter(|line| line.ends_with("false")).count(), 1, "{first:?}");
    assert_eq!(verdicts(), first, "what is known of one is not known of another");
    let text = run(&words, &[&folder.path("")]).stdout;
    assert!(is_printable(&text), "{text}");
}

/// A name that begins like an option is a file after `--` and as `./-f`.
#[test]
fn names_that_begin_like_options() {
    let folder = Folder::new();
    folder.sound("-f.lime");
    let verify = |words: &[&str]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_gaugelink"));
        let output = program.args(["ildg", "verify"]).args(words).current_dir(folder.path("")).output();
        output.unwrap().status.code()
    };
    assert_eq!(verify(&["--", "-f.lime"]), Some(0));
    assert_eq!(verify(&["./-f.lime"]), Some(0));
    assert_eq!(verify(&["-f.lime"]), Some(2));
}

#[test]
fn what_is_no_file_is_told_for_what_it_is() {
    let folder = Folder::new();
    let sound = folder.sound("sound");
    let [empty, pipe, circle, dangling] =
        ["empty", "pipe", "circle", "dangling"].map(|name| folder.path(name));
    fs::write(&empty, b"").unwrap();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    symlink("circle", &circle).unwrap();
    symlink("nowhere", &dangling).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.path("socket")).unwrap();
    let long = folder.path(&"deep/".repeat(1000));
    for (path, reason) in [
        (&empty, "the file is empty"),
        (&folder.path(""), "not a regular file but a folder"),
        (&pipe, "not a regular file but a pipe"),
        (&folder.path("socket"), "not a regular file but a socket"),
        (&PathBuf::from("/dev/zero"), "not a regular file but a device"),
        (&circle, "symbolic links"),
        (&dangling, "No such file"),
        (&folder.path("absent"), "No such file"),
        (&sound.join("below"), "Not a directory"),
        (&long, "too long"),
        (&folder.path(&"x".repeat(300)), "too long"),
    ] {
        for words in ["ildg verify --json", "ildg info --json", "measure --json"] {
            let answer = run(words, &[path]);
            let line = answer.line();
            assert_eq!(answer.status, 1, "{words} {reason}: {line}");
            assert!(line["error"].as_str().unwrap().contains(reason), "{words}: {line}");
        }
        let answer = run("ildg diff", &[path, &sound]);
        assert!(answer.status == 2 && answer.stderr.contains(reason), "{}", answer.stderr);
        let answer = run("ildg convert --to nersc", &[path, &folder.path("out")]);
        assert!(answer.status != 0 && answer.stderr.contains(reason), "{}", answer.stderr);
        assert!(!folder.path("out").exists());
    }
}

#[test]
fn what_may_not_be_read_is_told() {
    let folder = Folder::new();
    let path = folder.sound("u.1");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&path).is_ok() {
        println!("skipped: this user may read everything");
        return;
    }
    let line = run("ildg verify --json", &[&path]).line();
    assert!(line["error"].as_str().unwrap().contains("check its path and permissions"), "{line}");
    let listed = run("ensemble list --json", &[&folder.path("")]);
    assert!(listed.status == 0 && listed.stdout.contains("unreadable"), "{}", listed.stdout);
}

/// The file to convert stays, whatever leads to it.
#[test]
fn a_file_is_not_converted_onto_itself() {
    let folder = Folder::new();
    let sound = folder.sound("sound");
    let bytes = fs::read(&sound).unwrap();
    let [link, hard] = ["link", "hard"].map(|name| folder.path(name));
    symlink("sound", &link).unwrap();
    fs::hard_link(&sound, &hard).unwrap();
    let around = folder.path("").join(".").join("sound");
    for path in [&sound, &link, &around] {
        for force in ["", "--force"] {
            let answer = run(&format!("ildg convert --to nersc {force}"), &[&sound, path]);
            assert!(
                answer.status == 2 && answer.stderr.contains("is the file to convert"),
                "{}",
                answer.stderr
            );
        }
    }
    // Another name of the same bytes gets new ones, the first keeps its own.
    assert_eq!(run("ildg convert --to nersc", &[&sound, &hard]).status, 2);
    assert_eq!(run("ildg convert --to nersc --force", &[&sound, &hard]).status, 0);
    assert_eq!(run("ildg diff", &[&sound, &hard]).status, 0);
    // A folder is no file to replace, and links in a circle lead to none.
    let inside = folder.path("inside");
    fs::create_dir(&inside).unwrap();
    symlink("circle", folder.path("circle")).unwrap();
    for (path, force, reason) in [
        (&inside, "", "is a folder"),
        (&inside, "--force", "is a folder"),
        (&folder.path("circle"), "", "circle"),
        (&folder.path(&"x".repeat(256)), "", "give a shorter name"),
        (&folder.path("absent/u"), "", "create the folder"),
    ] {
        let answer = run(&format!("ildg convert --to nersc {force}"), &[&sound, path]);
        assert!(answer.status != 0 && answer.stderr.contains(reason), "{reason}: {}", answer.stderr);
    }
    assert!(fs::read(&sound).unwrap() == bytes);
}

#[test]
fn files_of_one_field_and_of_two_are_compared() {
    let folder = Folder::new();
    let sound = folder.sound("sound");
    let longer = folder.field::<3>("longer", &[4, 4, 4, 6], Precision::F64, |_| ());
    let other = folder.field::<2>("su2", &[4, 4, 4, 4], Precision::F64, |_| ());
    let line = run("ildg diff --json", &[&sound, &sound]).line();
    assert_eq!(
        (&line["equal"], &line["differing"], &line["largest"]),
        (&true.into(), &0.into(), &0.0.into())
    );
    for path in [&longer, &other] {
        let answer = run("ildg diff --json", &[&sound, path]);
        assert!(answer.status == 2 && answer.stderr.contains("same lattice and group"), "{}", answer.stderr);
        assert_eq!(answer.stdout, "");
    }
}

/// Extents on the command line hold for every format: the same ones change nothing, others of the same volume are told,
/// others are refused.
#[test]
fn extents_on_the_command_line_hold_for_every_format() {
    let folder = Folder::new();
    let sound = folder.field::<3>("sound", &[4, 4, 4, 8], Precision::F64, |_| ());
    for format in ["ildg", "scidac", "nersc", "milc", "openqcd", "ddalphaamg", "hirep"] {
        let path = folder.path(format);
        let precision = if format == "milc" { "--precision f32" } else { "" };
        assert_eq!(run(&format!("ildg convert --to {format} {precision}"), &[&sound, &path]).status, 0);
        let verify = |dims: &str| run(&format!("ildg verify --json --dims {dims}"), &[&path]);
        let same = verify("4,4,4,8");
        let plain = run("ildg verify --json", &[&path]);
        assert_eq!((same.status, same.line()), (0, plain.line()), "{format}");
        let other = run(&format!("ildg info --json --format {format} --dims 8,4,4,4"), &[&path]);
        let line = other.line();
        assert_eq!((other.status, &line["dims"]), (0, &serde_json::json!([8, 4, 4, 4])), "{format}: {line}");
        assert!(line["warnings"].to_string().contains("used instead"), "{format}: {line}");
        let wrong = verify("4,4,4,9");
        assert_eq!(wrong.status, 1, "{format}: {}", wrong.stdout);
        assert!(wrong.line()["error"].is_string());
    }
}
