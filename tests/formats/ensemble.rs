//! `gaugelink ensemble` on a small chain of its own, with every kind of flaw planted in it.

use crate::program::{Answer, corpus, gaugelink};
use crate::written::{Folder, payload, set};
use gaugelink_lattice::Complex;
use lime_rs::Precision;
use lime_rs::qcdml::{ConfigurationDocument, QcdmlKind, check_qcdml};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Configurations in the chain: 1000, 1010, ...
const LENGTH: usize = 24;

fn name(number: usize) -> String {
    format!("conf.{number}.lime")
}

/// A chain that a run writes once for all tests: SU(3) on 4x4x4x4.
fn chain() -> &'static Path {
    static CHAIN: OnceLock<TempDir> = OnceLock::new();
    let folder = CHAIN.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut text = format!(
            "[run]\nseed = 7\ndirectory = {:?}\n[lattice]\ngroup = \"SU(3)\"\nextents = [4, 4, 4, 4]\n\
             [action]\nbeta = 5.5\n[start]\nkind = \"hot\"\n",
            folder.path().join("run")
        );
        for i in 0..LENGTH {
            let sweeps = if i == 0 { 60 } else { 5 };
            let file = name(1000 + 10 * i);
            text += &format!("[[stage]]\nkind = \"heatbath\"\nsweeps = {sweeps}\noverrelaxation = 1\n");
            text += &format!("[[stage]]\nkind = \"write\"\nfile = \"{file}\"\n");
        }
        let file = folder.path().join("run.toml");
        fs::write(&file, text).unwrap();
        let answer = gaugelink([Path::new("run"), &file]);
        assert_eq!(answer.status, 0, "{}", answer.stderr);
        folder
    });
    folder.path()
}

/// A copy of the chain, and a folder for results beside it.
struct Ensemble(TempDir);

impl Ensemble {
    fn new() -> Self {
        let ensemble = Self(tempfile::tempdir().unwrap());
        fs::create_dir(ensemble.data()).unwrap();
        for i in 0..LENGTH {
            let name = name(1000 + 10 * i);
            fs::copy(chain().join("run").join(&name), ensemble.file(&name)).unwrap();
        }
        ensemble
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.data().join(name)
    }

    fn out(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn arguments(&self, words: &str, out: &str) -> Vec<String> {
        let mut arguments: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        arguments.insert(0, "ensemble".into());
        arguments.push(self.data().to_str().unwrap().into());
        if !out.is_empty() {
            arguments.extend(["--out".into(), self.out(out).to_str().unwrap().into()]);
        }
        arguments
    }

    fn run(&self, words: &str, out: &str) -> Answer {
        gaugelink(self.arguments(words, out))
    }

    /// Everything in the data folder.
    fn content(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = fs::read_dir(self.data()).unwrap().map(|entry| entry.unwrap().path());
        files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }
}

fn of_kind<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["kind"] == kind).collect()
}

/// What is wrong: kind, files and numbers of each finding, in order.
fn wrong(lines: &[Value]) -> Vec<(String, Vec<String>, Vec<u64>)> {
    let finding = |line: &Value| {
        let files =
            line["files"].as_array().unwrap().iter().map(|f| f.as_str().unwrap().to_owned()).collect();
        let numbers =
            line["numbers"].as_array().map_or(vec![], |n| n.iter().map(|n| n.as_u64().unwrap()).collect());
        (line["what"].as_str().unwrap().to_owned(), files, numbers)
    };
    let findings = of_kind(lines, "finding").into_iter().filter(|line| line["wrong"] == true);
    let mut found: Vec<_> = findings.map(finding).collect();
    found.sort();
    found
}

fn finding(what: &str, files: &[&str], numbers: &[u64]) -> (String, Vec<String>, Vec<u64>) {
    (what.into(), files.iter().map(|&file| file.into()).collect(), numbers.to_vec())
}

#[test]
fn a_sound_ensemble_is_in_order_and_averaged() {
    let ensemble = Ensemble::new();
    let before = ensemble.content();
    let answer = ensemble.run("verify --json", "out");
    let lines = answer.lines();
    assert_eq!((answer.status, answer.stderr.as_str()), (0, ""), "{}", answer.stdout);
    let files = of_kind(&lines, "file");
    assert_eq!(files.len(), LENGTH);
    let mut sum = 0.0;
    for (i, file) in files.iter().enumerate() {
        assert_eq!((&file["ok"], &file["read"]), (&true.into(), &true.into()), "{file}");
        assert_eq!(file["number"], 1000 + 10 * i as u64);
        let alone = gaugelink([
            Path::new("ildg"),
            Path::new("verify"),
            Path::new("--json"),
            &ensemble.file(&name(1000 + 10 * i)),
        ])
        .line();
        for key in ["plaquette", "link_trace", "suma", "sumb", "crc_cksum", "checksum", "unitarity"] {
            assert_eq!(file[key], alone[key], "{key}");
        }
        sum += file["plaquette"].as_f64().unwrap();
    }
    let results = of_kind(&lines, "result");
    assert_eq!((results.len(), &results[0]["quantity"]), (1, &"plaquette".into()));
    assert!((results[0]["value"].as_f64().unwrap() - sum / LENGTH as f64).abs() < 1e-14);
    assert!(results[0]["error"].as_f64().unwrap() > 0.0 && results[0]["tau_int"].as_f64().unwrap() > 0.0);
    let summary = of_kind(&lines, "summary")[0];
    assert_eq!(
        (&summary["first"], &summary["last"], &summary["stride"]),
        (&1000.into(), &1230.into(), &10.into())
    );
    assert_eq!((&summary["averaged"], &summary["wrong"]), (&(LENGTH as u64).into(), &0.into()));
    assert_eq!(summary["ensemble"], "SU(3) on 4x4x4x4, f64, ildg");
    for name in [
        "files.jsonl",
        "results.jsonl",
        "table.txt",
        "plots/plaquette-history.svg",
        "plots/plaquette-autocorrelation.svg",
    ] {
        assert!(ensemble.out("out").join(name).is_file(), "{name}");
    }
    // Nothing is read twice, and text says the same.
    let again = ensemble.run("verify --json", "out");
    assert!(of_kind(&again.lines(), "file").iter().all(|file| file["read"] == false));
    let text = ensemble.run("verify", "out");
    assert!(
        text.status == 0
            && text.stdout.contains("1000 to 1230 by 10: 24 of 24 configurations averaged, in order")
    );
    assert!(ensemble.content() == before, "the data are not touched");
}

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
    assert!(history.contains(">outliers<") && history.contains(">missing<") && history.contains("4 gaps"));

    // A wrong checksum can be forgiven, the rest cannot.
    let forgiving = ensemble.run("verify --json --ignore-checksum", "out").lines();
    assert_eq!(wrong(&forgiving).iter().filter(|finding| finding.0 == "damaged").count(), 1);
    assert_eq!(of_kind(&forgiving, "summary")[0]["averaged"], LENGTH as u64 - 4);
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
    let to = ensemble.file("u-40.lime");
    let from = ensemble.file("u-33.nersc");
    let words = ["ildg", "convert", "--to", "ildg", from.to_str().unwrap(), to.to_str().unwrap()];
    assert_eq!(gaugelink(words).status, 0);
    let found = wrong(&ensemble.run("verify --json", "out").lines());
    assert_eq!(
        found,
        [
            finding("duplicate", &["u-12.nersc", "u-25.nersc"], &[12, 25]),
            finding("duplicate", &["u-30.nersc", "u-31.nersc"], &[30, 31]),
            finding("frozen", &["u-20.nersc", "u-21.nersc", "u-22.nersc"], &[20, 21, 22]),
            finding("gap", &[], &[34, 35, 36, 37, 38, 39]),
            finding("same plaquette", &["u-33.nersc", "u-40.lime"], &[33, 40]),
        ]
    );
    // Rejected trajectories repeat the links of their neighbours only.
    let found = wrong(&ensemble.run("verify --json --repeats", "out").lines());
    assert_eq!(
        found.iter().map(|finding| finding.0.as_str()).collect::<Vec<_>>(),
        ["duplicate", "gap", "same plaquette"]
    );
}

#[test]
fn any_number_of_jobs_gives_the_same_bytes() {
    let ensemble = Ensemble::new();
    fs::write(ensemble.file(&name(1100)), b"short").unwrap();
    let measured = |jobs: usize, out: &str| {
        let answer = ensemble.run(&format!("measure --json --flow 0.1 --jobs {jobs}"), out);
        assert_eq!(answer.status, 1);
        let mut files = vec![("output".to_owned(), answer.stdout.replace(out, "").into_bytes())];
        for name in ["files.jsonl", "results.jsonl", "table.txt"] {
            files.push((name.into(), fs::read(ensemble.out(out).join(name)).unwrap()));
        }
        let plots = fs::read_dir(ensemble.out(out).join("plots")).unwrap().map(|entry| entry.unwrap().path());
        let mut plots: Vec<_> = plots.collect();
        plots.sort();
        files.extend(
            plots.into_iter().map(|path| {
                (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap())
            }),
        );
        files
    };
    let one = measured(1, "one");
    for jobs in [2, 5] {
        let many = measured(jobs, &format!("jobs{jobs}"));
        for ((name, a), (_, b)) in one.iter().zip(&many) {
            assert!(a == b, "{name} differs with {jobs} jobs");
        }
        assert_eq!(one.len(), many.len());
    }
    let lines = ensemble.run("measure --json --flow 0.1", "one").lines();
    let quantities: Vec<&str> =
        of_kind(&lines, "result").iter().map(|row| row["quantity"].as_str().unwrap()).collect();
    let expected = [
        "plaquette",
        "spatial plaquette",
        "temporal plaquette",
        "link trace",
        "|Polyakov loop|",
        "t^2 E",
        "charge",
        "charge^2",
        "t0",
    ];
    assert_eq!(quantities, expected);
    assert!(of_kind(&lines, "file").iter().all(|file| file["read"] == false));
    // Another flow is measured anew; without one, what is known is enough.
    let fresh =
        |words: &str| ensemble.run(words, "one").lines().iter().filter(|line| line["read"] == true).count();
    assert_eq!((fresh("verify --json"), fresh("measure --json --flow 0.05")), (0, LENGTH - 1));
    assert_eq!(fresh("verify --json --again"), LENGTH - 1);
}

#[test]
fn killed_calls_go_on_and_end_the_same() {
    let ensemble = Ensemble::new();
    let words = "measure --json --flow 2 --jobs 2";
    let whole = ensemble.run(words, "whole");
    assert_eq!(whole.status, 0, "{}", whole.stderr);
    let log = ensemble.out("killed/files.jsonl");
    let lines = || fs::read_to_string(&log).map_or(0, |text| text.lines().count());
    for stop in [3, 9] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gaugelink"))
            .args(ensemble.arguments(words, "killed"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        while lines() < stop && child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < Duration::from_secs(120), "it does not get on");
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // Half a line, as a full disk leaves it.
    let done = lines();
    assert!((9..LENGTH).contains(&done), "killed in the middle: {done}");
    let text = fs::read(&log).unwrap();
    fs::write(&log, &text[..text.len() - 30]).unwrap();
    let answer = ensemble.run(words, "killed");
    let read = answer.lines().iter().filter(|line| line["read"] == true).count();
    assert_eq!((answer.status, read), (0, LENGTH - done + 1));
    for name in ["files.jsonl", "results.jsonl", "table.txt", "plots/flow.svg"] {
        let [a, b] = ["whole", "killed"].map(|out| fs::read(ensemble.out(out).join(name)).unwrap());
        assert!(a == b, "{name}");
    }
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

#[test]
fn documents_are_written_checked_and_never_replaced() {
    let ensemble = Ensemble::new();
    let last = ensemble.file(&name(1230));
    let kept = ensemble.out("last");
    fs::rename(&last, &kept).unwrap();
    let documents = ensemble.out("qcdml");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ensemble.toml");
    let words = |metadata: &Path| {
        format!("verify --json --qcdml {} --metadata {}", documents.display(), metadata.display())
    };
    assert_eq!(ensemble.run(&words(&sample), "out").status, 0);
    let all = || -> BTreeMap<PathBuf, Vec<u8>> {
        let files = fs::read_dir(&documents).unwrap().map(|entry| entry.unwrap().path());
        files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    };
    let first = all();
    assert_eq!(first.len(), LENGTH, "one for each of 23 files, and one for the ensemble");
    assert_eq!(check_qcdml(&first[&documents.join("ensemble.xml")]), Ok(QcdmlKind::Ensemble));
    let document = &first[&documents.join("conf.1060.lime.xml")];
    assert_eq!(check_qcdml(document), Ok(QcdmlKind::Configuration));
    let step = &ConfigurationDocument::read_steps(document).unwrap()[0];
    assert_eq!((step.update.as_str(), step.field.as_str()), ("1060", "su3gauge"));
    let (offset, length) = payload(&ensemble.file(&name(1060)));
    let links = ensemble.out("links");
    fs::write(&links, &fs::read(ensemble.file(&name(1060))).unwrap()[offset..offset + length]).unwrap();
    let posix = Command::new("cksum").arg(&links).output().unwrap();
    let posix = String::from_utf8(posix.stdout).unwrap();
    assert_eq!(posix.split_whitespace().next().unwrap(), step.cksum.to_string(), "as `cksum` prints it");

    // One more configuration: one more document, the others stay as they are.
    fs::rename(&kept, &last).unwrap();
    assert_eq!(ensemble.run(&words(&sample), "out").status, 0);
    let second = all();
    assert_eq!(second.len(), LENGTH + 1);
    assert!(first.iter().all(|(path, text)| second[path] == *text));

    // A document that says something else stays, and is named.
    let path = documents.join("conf.1060.lime.xml");
    let other = String::from_utf8(document.clone()).unwrap().replace(&step.cksum.to_string(), "1");
    fs::write(&path, &other).unwrap();
    let answer = ensemble.run(&words(&sample), "out");
    assert_eq!(wrong(&answer.lines()), [finding("metadata", &["conf.1060.lime.xml"], &[])]);
    assert!(answer.stdout.contains("crcCheckSum 1, the data have"), "{}", answer.stdout);
    assert_eq!(fs::read_to_string(&path).unwrap(), other);

    // Mistakes in the metadata are told before anything is read.
    let text = fs::read_to_string(&sample).unwrap();
    let metadata = ensemble.out("metadata.toml");
    for (from, to, reason) in [
        ("beta = 6.0", "betta = 6.0", "betta"),
        ("\"mc://example/", "\"example/", "markovChainURI"),
        ("date = \"2026-11-01T12:00:00Z\"", "date = \"yesterday\"", "write date and time"),
        ("name = \"HMC\"", "name = \"my HMC\"", "XML name"),
    ] {
        assert!(text.contains(from), "{from}");
        fs::write(&metadata, text.replace(from, to)).unwrap();
        let answer = ensemble.run(&words(&metadata), "out");
        assert_eq!(answer.status, 2, "{from}: {}", answer.stderr);
        assert!(
            answer.stderr.contains(reason) && answer.stderr.contains("metadata.toml"),
            "{}",
            answer.stderr
        );
    }
    let answer = ensemble.run(&format!("verify --qcdml {}", documents.display()), "out");
    assert!(answer.status == 2 && answer.stderr.contains("--metadata"), "{}", answer.stderr);
}

#[test]
fn patterns_and_mistakes() {
    let ensemble = Ensemble::new();
    let listed = |pattern: &str| {
        let path = ensemble.file(pattern);
        gaugelink(["ensemble", "list", "--json", path.to_str().unwrap()])
    };
    let answer = listed("conf.10?0.lime");
    assert_eq!((answer.status, of_kind(&answer.lines(), "file").len()), (0, 10));
    for (pattern, reason) in
        [("missing", "no such folder or file"), ("conf.2*", "fits none"), ("a[", "pattern")]
    {
        let answer = listed(pattern);
        assert!(answer.status == 2 && answer.stderr.contains(reason), "{pattern}: {}", answer.stderr);
    }
    let empty = ensemble.out("empty");
    fs::create_dir(&empty).unwrap();
    let answer = gaugelink(["ensemble", "list", empty.to_str().unwrap()]);
    assert!(answer.status == 2 && answer.stderr.contains("there are no files"), "{}", answer.stderr);
    let answer = ensemble.run("verify --sigmas 0", "out");
    assert_eq!(answer.status, 2, "{}", answer.stderr);
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
    assert_eq!(of("damaged"), ["milcv5_BADCHECKSUM_sf5p7_l4448_le_f32.lat"]);
    assert_eq!(of("same plaquette"), ["ildg_milc_l4444_f32.ildg", "milcv5_l4444_le_f32.lat"]);
    let bare = of("unreadable");
    assert!(bare.len() == 3 && bare.iter().all(|name| name.starts_with("barelime_")), "{bare:?}");
    assert!(of("other ensemble").contains(&"openqcd_hirep_pb_8888_f64.openqcd"));
    assert!(!of("other ensemble").contains(&"ildg_milc_l4444_f32.ildg"), "most are SU(3) on 4x4x4x4");
    let foreign = lines.iter().find(|line| line["what"] == "foreign").unwrap();
    let foreign: Vec<&str> =
        foreign["files"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect();
    assert_eq!(foreign.len(), 2 + 5, "README, index and five files of SciDAC fields: {foreign:?}");
}
