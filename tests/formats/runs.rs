//! `gaugelink run` from and to files of every format.

use crate::program::{Answer, corpus, gaugelink, run};
use crate::written::{Folder, set};
use gaugelink_lattice::Complex;
use lime_rs::Precision;
use serde_json::Value;
use std::path::{Path, PathBuf};

const FORMATS: [&str; 7] = ["ildg", "scidac", "nersc", "milc", "openqcd", "ddalphaamg", "hirep"];

/// A run that writes its start as `written` in a format.
fn run_file(folder: &Folder, start: &str, format: &str, precision: &str) -> PathBuf {
    let file = folder.path("run.toml");
    let text = format!(
        "[run]\ndirectory = {:?}\n{start}\n[[stage]]\nkind = \"write\"\nfile = \"written\"\nformat = \"{format}\"\n\
         precision = \"{precision}\"\n",
        folder.path("run")
    );
    std::fs::write(&file, text).unwrap();
    file
}

fn start(file: &Path, input: &Path, more: &[&str]) -> Answer {
    let words = ["run".as_ref(), file.as_os_str(), "--fresh".as_ref(), "--json".as_ref(), "--input".as_ref()];
    gaugelink(words.into_iter().chain([input.as_os_str()]).chain(more.iter().map(|word| word.as_ref())))
}

/// The line of the stage that writes.
fn written(answer: &Answer) -> Value {
    assert_eq!(answer.status, 0, "{}{}", answer.stdout, answer.stderr);
    let lines = answer.lines();
    lines.into_iter().find(|line| !line["suma"].is_null()).unwrap_or_else(|| panic!("{}", answer.stdout))
}

#[test]
fn a_run_starts_from_every_format_and_writes_every_format() {
    let folder = Folder::new();
    for from in FORMATS {
        let precision = if from == "milc" { "f32" } else { "f64" };
        let input = folder.path(&format!("links.{from}"));
        let words = format!("ildg convert --to {from} --precision {precision}");
        assert_eq!(run(&words, &[&folder.sound("sound"), &input]).status, 0);
        for to in if from == "ildg" { &FORMATS[..] } else { &["ildg"] } {
            let precision = if *to == "milc" { "f32" } else { precision };
            let file = run_file(&folder, "", to, precision);
            let named = format!("start.format={from}");
            for more in [&[][..], &["--set", named.as_str()]] {
                let line = written(&start(&file, &input, more));
                assert_eq!(line["verified"], true, "{from} to {to}: {line}");
            }
            let out = folder.path("run/written");
            assert_eq!(run("ildg verify --json", &[&out]).line()["format"], *to);
            let found = run("ildg diff --json --tolerance 1e-6", &[&input, &out]);
            let exact = precision == "f64" || from == "milc";
            assert_eq!(
                (found.status, found.line()["differing"] == 0),
                (0, exact),
                "{from} to {to}: {}",
                found.stdout
            );
        }
    }
}

#[test]
fn runs_start_from_the_files_of_other_codes() {
    let Some((data, entries)) = corpus() else { return };
    let folder = Folder::new();
    let mut count = 0;
    for entry in &entries {
        let name = entry["file"].as_str().unwrap();
        if !["nersc_", "milcv5_l", "openqcd_", "ddalphaamg_"].iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        let line = written(&start(&run_file(&folder, "", "scidac", "f64"), &data.join(name), &[]));
        let expected: f64 = entry["plaquette"].as_str().unwrap().parse().unwrap();
        assert!((line["plaquette"].as_f64().unwrap() - expected).abs() < 2e-6, "{name}: {line}");
        count += 1;
    }
    assert_eq!(count, 2 + 3 + 1 + 1);
}

#[test]
fn a_run_does_not_start_from_links_that_are_not_those_of_the_stated_plaquette() {
    let folder = Folder::new();
    let (file, input) = (run_file(&folder, "", "ildg", "f64"), folder.exchanged("exchanged"));
    let answer = start(&file, &input, &[]);
    let words = ["exchanged: the file states the plaquette", "links give", "start.ignore_checksum=true"];
    assert_eq!(answer.status, 1, "{}", answer.stdout);
    assert!(words.iter().all(|word| answer.stderr.contains(word)), "{}", answer.stderr);
    let answer = start(&file, &input, &["--set", "start.ignore_checksum=true"]);
    assert!(answer.stderr.contains("warning: the file states the plaquette"), "{}", answer.stderr);
    written(&answer);
}

#[test]
fn formats_that_are_wrong_or_cannot_be_told_are_said() {
    let folder = Folder::new();
    let sound = folder.sound("sound");
    let says = |file: &Path, more: &[&str], status: i32, words: &[&str]| {
        let answer = start(file, &sound, more);
        assert_eq!(answer.status, status, "{more:?}: {}", answer.stderr);
        assert!(words.iter().all(|word| answer.stderr.contains(word)), "{more:?}: {}", answer.stderr);
    };
    let file = run_file(&folder, "", "ildg", "f64");
    says(
        &file,
        &["--set", "start.format=nersk"],
        2,
        &["line ", "`nersk`", "the formats are ildg, scidac, nersc"],
    );
    says(&file, &["--set", "start.format=nersc"], 1, &["sound", "not a usable nersc header"]);
    says(&file, &["--set", "stage.0.format=milk"], 2, &["line ", "`milk`", "the formats are"]);
    // What the format cannot hold is said before anything is done.
    says(&file, &["--set", "stage.0.format=milc"], 2, &["stage 0 (write)", "32-bit precision only"]);
    says(
        &file,
        &["--set", "stage.0.format=hirep", "--set", "stage.0.precision=f32"],
        2,
        &["64-bit precision only"],
    );
    assert!(!folder.path("run/written").exists());
    let cold = "[lattice]\ngroup = \"SU(3)\"\nextents = [4, 4, 4, 4]\n[start]\nkind = \"cold\"\nformat = \"nersc\"\n";
    let answer = gaugelink([Path::new("run"), &run_file(&folder, cold, "ildg", "f64")]);
    assert_eq!(answer.status, 2);
    assert!(answer.stderr.contains("`format` is used only with kind"), "{}", answer.stderr);

    // Unit links have the plaquette 1 in any order.
    let file = run_file(&folder, "", "ildg", "f64");
    let unit = folder.field::<3>("unit", &[4, 4, 4, 4], Precision::F64, |u| {
        for i in 0..256 {
            (0..4).for_each(|mu| set(u, [i % 4, i / 4 % 4, i / 16 % 4, i / 64], mu, Complex::new(1.0, 0.0)));
        }
    });
    let input = folder.path("unit.openqcd");
    assert_eq!(run("ildg convert --to openqcd", &[&unit, &input]).status, 0);
    let answer = start(&file, &input, &[]);
    let words = ["1.000000000 as openqcd and 1.000000000 as ddalphaamg", "`format` of [start]"];
    assert_eq!(answer.status, 1);
    assert!(words.iter().all(|word| answer.stderr.contains(word)), "{}", answer.stderr);
    let answer = run("ildg info", &[&input]);
    assert!(answer.status == 1 && answer.stdout.contains("--format"), "{}", answer.stdout);
    assert_eq!(written(&start(&file, &input, &["--set", "start.format=openqcd"]))["plaquette"], 1.0);
}

/// A run writes for Grid, under a name of its own or a given one.
#[test]
fn a_run_writes_for_grid_by_name() {
    let folder = Folder::new();
    let input = folder.sound("sound");
    let file = run_file(&folder, "", "grid", "f32");
    let out = folder.path("run/written");
    for (more, lfn) in [("", "lfn://gaugelink/"), ("lfn = \"lfn://group/run/7\"\n", "lfn://group/run/7")] {
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text + more).unwrap();
        let line = written(&start(&file, &input, &[]));
        assert_eq!(line["verified"], true, "{line}");
        let opened = lime_rs::IldgFile::open(&out).unwrap();
        assert!(opened.payload().lfn.as_deref().unwrap().starts_with(lfn), "{:?}", opened.payload());
        let stated = opened.grid_statement().unwrap();
        assert_eq!((stated.plaquette, opened.warnings()), (line["plaquette"].as_f64(), &[][..]));
        assert!((stated.norm2.unwrap() - 3072.0).abs() < 1e-9, "{stated:?}");
    }
    for (format, lfn, words) in
        [("ildg", "lfn://a\\nb", "control characters"), ("nersc", "lfn://a", "ildg and grid have")]
    {
        let file = run_file(&folder, "", format, "f64");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{text}lfn = \"{lfn}\"\n")).unwrap();
        let answer = start(&file, &input, &[]);
        assert!(answer.status == 2 && answer.stderr.contains(words), "{}", answer.stderr);
        assert!(answer.stderr.contains("lfn = "), "{}", answer.stderr);
    }
}
